"""Waiting for the backend: the time it takes is shown, and waiting can be stopped."""

from __future__ import annotations

from collections.abc import Callable

from returnflow.engine.run import Job, Leave, Run
from returnflow.engine.vocabulary import Event
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Completion, Console, Prompt

QUIET = 1.0
"""Seconds after which an agent begins to wonder."""

TICK = 0.2
"""Seconds between two looks at the clock."""


def wait_for(
    console: Console, run: Run, job: Job, patience: float, transfer: Callable[[], Event | None]
) -> Event | Leave:
    """The job's outcome, or what the agent decides instead.

    Args:
        patience: seconds after which the agent is asked; asked again after as many more.
        transfer: asks for what a transfer needs; None where the agent thinks better of it.
    """
    state = run.session.state
    deadline, told = patience, False
    while True:
        try:
            while not job.wait(TICK):
                if job.seconds >= QUIET:
                    if not told and state.say:
                        console.show(f"Say    “{run.session.words(state.say)}”", indent=2, hang=8)
                    told = True
                    console.progress(f"  … {state.title}: {job.seconds:.0f} s. Ctrl-C interrupts.")
                if job.seconds >= deadline:
                    break
            else:
                return job.result()
        except KeyboardInterrupt:
            console.show()
        decision = _decide(console, run, job, transfer)
        if decision is not None:
            return decision
        deadline = job.seconds + patience


def _decide(
    console: Console, run: Run, job: Job, transfer: Callable[[], Event | None]
) -> Event | Leave | None:
    """What the agent wants; None: to wait on. An answer that came meanwhile is taken."""
    write = job.call.write
    vocabulary = run.session.definition.vocabulary
    options = {
        "wait": "go on waiting",
        "stop": (
            "stop waiting; whether it was done stays unknown for now"
            if write
            else "stop this look-up"
        ),
        "leave": "leave the call open; it can be resumed",
    }
    # A look-up can be dropped for something else; of a write the outcome is awaited first.
    if run.session.handles(vocabulary.human):
        options["transfer"] = "transfer the customer to a human representative"
    if run.session.handles(vocabulary.dropped):
        options["hangup"] = "the customer hung up"
    console.show(
        f"No answer from the shop for {job.seconds:.0f} s ({job.call.operation}).", indent=2
    )
    for word, about in options.items():
        console.show(f"/{word}: {about}", indent=4, hang=2)

    def validate(line: str) -> None:
        if line.strip() and line.strip().removeprefix("/").casefold() not in options:
            raise BadAnswer(f"Please choose: {', '.join('/' + word for word in options)}.")

    prompt = Prompt("Wait on? [Enter]", validate, [Completion(f"/{word}") for word in options])
    try:
        chosen = console.read(prompt).strip().removeprefix("/").casefold()
        if chosen == "transfer":
            return transfer()
    except KeyboardInterrupt:
        chosen = "wait"
    except EOFError:
        chosen = "leave"
    if job.wait(0) and chosen in ("", "wait", "stop"):
        return job.result()
    match chosen:
        case "stop":
            return run.given_up(job.call)
        case "leave":
            return Leave()
        case "hangup":
            return vocabulary.dropped()
    return None
