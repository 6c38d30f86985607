"""Waiting for the backend: the time it takes is shown, and waiting can be stopped."""

from __future__ import annotations

from collections.abc import Callable

from returnflow.engine.run import Job, Leave, Run
from returnflow.engine.vocabulary import Event
from returnflow.wizard.answers import BadAnswer
from returnflow.wizard.console import Completion, Console, Prompt
from returnflow.wizard.texts import WAIT_ON, no_answer

QUIET = 1.0
"""Seconds after which an agent begins to wonder."""

TICK = 0.2
"""Seconds between two looks at the clock."""


def choices(run: Run, job: Job) -> dict[str, str]:
    """What an agent can do while the shop is slow: by word, what it means."""
    vocabulary = run.session.definition.vocabulary
    options = {
        "wait": "go on waiting",
        "stop": (
            "stop waiting; whether it was done stays unknown for now"
            if job.call.write
            else "stop this look-up"
        ),
        "leave": "leave the call open; it can be resumed",
    }
    # A look-up can be dropped for something else; of a write the outcome is awaited first.
    if run.session.handles(vocabulary.human):
        options["transfer"] = "transfer the customer to a human representative"
    if run.session.handles(vocabulary.dropped):
        options["hangup"] = "the customer hung up"
    return options


def decided(run: Run, job: Job, chosen: str) -> Event | Leave | None:
    """What a word of `choices` (all but ``transfer``) comes to; None: to wait on.

    An answer that came meanwhile is taken.
    """
    if job.wait(0) and chosen in ("", "wait", "stop"):
        return job.result()
    match chosen:
        case "stop":
            return run.given_up(job.call)
        case "leave":
            return Leave()
        case "hangup":
            return run.session.definition.vocabulary.dropped()
    return None


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
    options = choices(run, job)
    console.show(no_answer(job.seconds, job.call.operation), indent=2)
    for word, about in options.items():
        console.show(f"/{word}: {about}", indent=4, hang=2)

    def validate(line: str) -> None:
        if line.strip() and line.strip().removeprefix("/").casefold() not in options:
            raise BadAnswer(f"Please choose: {', '.join('/' + word for word in options)}.")

    prompt = Prompt(f"{WAIT_ON} [Enter]", validate, [Completion(f"/{word}") for word in options])
    try:
        chosen = console.read(prompt).strip().removeprefix("/").casefold()
        if chosen == "transfer":
            return transfer()
    except KeyboardInterrupt:
        chosen = "wait"
    except EOFError:
        chosen = "leave"
    return decided(run, job, chosen)
