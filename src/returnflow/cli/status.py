"""The exit statuses, documented in ``--help``."""

from __future__ import annotations

ENDED = 0
"""The call came to one of its ends; any other command did its work."""

FAILED = 1
"""Anything else that went wrong; what was journaled is kept."""

CANNOT_START = 2
"""Nothing was begun: an option, the procedure, the backend or the journal cannot be used."""

LEFT_OPEN = 3
"""The call was left open and can be resumed."""

EPILOG = (
    "Exit status: 0 the call ended (closed with or without a return, transferred, or the "
    "customer hung up); 3 it was left open and can be resumed; 2 it could not start; "
    "1 anything else."
)

INTERRUPTED = 130
"""Ctrl-C ended a replay, as a shell counts it; what was judged until then was shown."""

REPLAY_EPILOG = (
    "Exit status: 0 no call violates the procedure (inconclusive ones are counted and listed); "
    "1 one does, or could not be read (or is inconclusive, with --fail-on inconclusive; or "
    "is judged otherwise, with --compare); 2 it could not run; 130 it was stopped with Ctrl-C."
)

CHECK_EPILOG = (
    "Exit status: 0 every file loads and every rule is proved; 1 something is wrong, or a rule is "
    "refuted or cannot be told; 2 it could not run."
)

WALK_EPILOG = (
    "Exit status: 0 all of the procedure was reached; 1 something was not; 2 it could not run."
)

COVER_EPILOG = "Exit status: 0 done; 1 less was covered than --fail-under asks; 2 it could not run."

DIFF_EPILOG = "Exit status: 0 the two mean the same; 1 they differ; 2 it could not run."
