"""A disk that takes no more, a file that another program holds, and two agents at once."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pexpect
import pytest
from pexpect.fdpexpect import fdspawn

from faults.child import EMAIL, ORDER, Spec
from faults.shop import CHILD, SCRIPT, Scene, check_whole, environment
from returnflow.returns import events as ev

BOUND = 30
"""Seconds that nothing takes unless it hangs."""

CANNOT_START = 2
HELD = r"another\s+program\s+holds\s+it"


# -- a full disk ------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 5, 9, 12, 13, 14, 15, 16, 17, 20, 24, 25, 26])
def test_full_disk_the_call_tells_and_can_be_resumed(scene: Scene, rows: int) -> None:
    """Rules 28 and 40: a row that the disk refuses moves nothing; with room the call goes on."""
    assert scene.wizard(full_after=rows) == 1
    assert "Nothing has moved: the call stands where it stood before this answer." in scene.words
    assert "nothing was written and nothing is lost" in scene.words
    assert "Traceback" not in scene.screen
    kept = scene.entries()
    assert len(kept) == rows
    assert scene.resume() == 0
    assert scene.entries()[:rows] == kept
    check_whole(scene)


def at_once(spec: Spec) -> list[str]:
    """The command that carries a spec out where it stands, with what it has for input."""
    here = msgspec.structs.replace(spec, out="")
    return [sys.executable, str(CHILD), "--here", msgspec.json.encode(here).decode()]


@contextmanager
def at_a_terminal(scene: Scene, command: list[str], **more: Any) -> Iterator[pexpect.spawn[str]]:
    """The program at a plain terminal (TERM=dumb), to be typed to."""
    program, *arguments = at_once(scene.spec(command, **more))
    terminal = pexpect.spawn(
        program,
        arguments,
        env=environment(TERM="dumb", RETURNFLOW_HOME=str(scene.folder / "home")),
        encoding="utf-8",
        timeout=BOUND,
        dimensions=(50, 200),
    )
    try:
        yield terminal
    finally:
        terminal.close(force=True)


def ended(terminal: pexpect.spawn[str]) -> int | None:
    """The exit status, once the program has come to its end."""
    terminal.expect(pexpect.EOF)
    terminal.wait()
    return terminal.exitstatus


def typed(terminal: pexpect.spawn[str], *answers: tuple[str, str]) -> None:
    """Types each answer once its question stands there."""
    for question, answer in answers:
        terminal.expect_exact(question)
        terminal.sendline(answer)


def test_after_room_is_made_the_same_answer_goes_through(scene: Scene) -> None:
    """A full disk in the middle: the agent makes room, tries again, and nothing is typed twice."""
    with at_a_terminal(scene, ["wizard"], full_after=3) as terminal:
        typed(terminal, ("E-mail:", EMAIL), ("Order id:", ORDER))
        terminal.expect_exact("Nothing has moved")
        typed(terminal, ("Try to write it again? (yes / no):", "perhaps"))
        typed(terminal, ("Please answer yes or no", "yes"), ("Items:", "/leave"))
        typed(terminal, ("Leave the call?", "yes"))
        assert ended(terminal) == 3
    given = [event for event in scene.events() if isinstance(event, ev.OrderIdGiven)]
    assert [event.order_id for event in given] == [ORDER]
    assert scene.resume() == 0
    check_whole(scene)


def test_who_does_not_try_again_finds_the_call_where_it_stood(scene: Scene) -> None:
    """Without another try the program ends with status 1; the case is whole and goes on later."""
    with at_a_terminal(scene, ["wizard"], full_after=2) as terminal:
        typed(terminal, ("E-mail:", EMAIL), ("Order id:", ORDER))
        typed(terminal, ("Try to write it again? (yes / no):", "no"))
        terminal.expect_exact("returnflow: journal")
        assert ended(terminal) == 1
    assert scene.session().state.name == "identified"
    assert scene.resume() == 0
    check_whole(scene)


@pytest.mark.parametrize(
    "call", ["initiate_return#1", "initiate_return#2", "transfer_to_human_representative#1"]
)
def test_a_shop_whose_disk_is_full(scene: Scene, call: str) -> None:
    """Rules 29 and 30: the shop cannot write; asked again after room is made it does so once."""
    assert scene.wizard(lines=None, full_in=[call]) == 0
    (failed,) = [event for event in scene.events() if isinstance(event, ev.BackendFailed)]
    assert "cannot write to the shop" in failed.message
    again = call.startswith("transfer") and failed.outcome == "known"
    check_whole(scene, transfers_requested=2 if again else 1)


# -- a file that another program holds --------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's write lock on a database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        other.execute("ROLLBACK")


def test_a_locked_journal_is_told_and_trying_again_works(scene: Scene) -> None:
    """Rule 28: told within the busy timeout; the answer is written once the lock is gone."""
    with ExitStack() as stack:
        terminal = stack.enter_context(at_a_terminal(scene, ["wizard"], busy_timeout=0.1))
        typed(terminal, ("E-mail:", EMAIL))
        terminal.expect_exact("Order id:")
        with locked(scene.folder / "journal.sqlite3"):
            terminal.sendline(ORDER)
            terminal.expect(HELD)
            typed(terminal, ("Try to write it again? (yes / no):", "yes"))
            terminal.expect(HELD)
            terminal.expect_exact("Try to write it again? (yes / no):")
        terminal.sendline("yes")
        typed(terminal, ("Items:", "/leave"), ("Leave the call?", "yes"))
        assert ended(terminal) == 3
    assert scene.resume() == 0
    check_whole(scene)


def test_a_journal_that_is_locked_from_the_start(scene: Scene) -> None:
    """A case cannot be resumed while another program holds the journal; that is said."""
    assert scene.wizard(lines=SCRIPT[:3]) == 3
    before = scene.entries()
    with locked(scene.folder / "journal.sqlite3"):
        assert scene.resume(busy_timeout=0.1) == CANNOT_START
    assert "another program holds it" in scene.words
    assert scene.entries() == before
    assert scene.resume() == 0
    check_whole(scene)


def test_a_new_call_on_a_locked_journal_begins_nothing(scene: Scene) -> None:
    """With piped input a locked journal ends the program; nothing is half begun."""
    assert scene.wizard(lines=SCRIPT[:1]) == 3
    with locked(scene.folder / "journal.sqlite3"):
        assert scene.wizard(busy_timeout=0.1) == 1
    assert "another program holds it" in scene.words
    assert len(scene.cases()) == 1


def test_a_shop_that_another_program_holds(scene: Scene) -> None:
    """Rule 29: a write that the lock kept out surely was not done; asked again it is."""
    with at_a_terminal(scene, ["wizard"], busy_timeout=0.1) as terminal:
        typed(terminal, ("E-mail:", EMAIL), ("Order id:", ORDER), ("Items:", "LAMP x 2, MUG"))
        typed(terminal, ("Reason for 2", "damaged"), ("Reason for 1", "1"))
        terminal.expect_exact("The customer's answer")
        with locked(scene.folder / "shop.sqlite3"):
            terminal.sendline("yes")
            terminal.expect(r"was\s+not\s+sent")  # where the line breaks, a path in it decides
            terminal.expect_exact("Your choice:")
        terminal.sendline("/again")
        for _ in range(6):
            typed(terminal, ("Said? [Enter]:", ""))
        typed(terminal, ("Your choice:", "/done"))
        assert ended(terminal) == 0
    assert scene.returns() == [("LAMP", 2, "DAMAGED"), ("MUG", 1, "DAMAGED")]
    assert scene.keys() == {request.key for request in scene.requests()}


# -- two agents -------------------------------------------------------------------------------


class Agent:
    """An agent at a program of their own, through pipes."""

    def __init__(self, scene: Scene, name: str, *command: str) -> None:
        self._process = subprocess.Popen(
            at_once(scene.spec([*command, "--agent", name])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(RETURNFLOW_HOME=str(scene.folder / "home")),
        )
        assert self._process.stdout is not None
        self._reader = fdspawn(self._process.stdout.fileno(), encoding="utf-8", timeout=BOUND)
        self.shown = ""

    def type(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._process.stdin.flush()

    def read_until(self, words: str) -> None:
        """Reads what is shown, up to `words`."""
        self._reader.expect_exact(words)
        self.shown += f"{self._reader.before}{self._reader.after}"

    def end(self) -> int:
        """Ends the input and waits for the program's end; its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.expect_exact(pexpect.EOF)
        self.shown += str(self._reader.before)
        return self._process.wait(BOUND)

    @property
    def words(self) -> str:
        return " ".join(self.shown.split())

    def kill(self) -> int:
        """Kills the program without mercy, if it still runs; its exit status."""
        self._process.kill()
        status = self._process.wait(BOUND)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        return status


@pytest.fixture
def agents(scene: Scene) -> Iterator[Callable[..., Agent]]:
    """Seats agents, and sends home whoever is still there at the end."""
    seated: list[Agent] = []

    def seat(name: str, *command: str) -> Agent:
        seated.append(Agent(scene, name, *command))
        return seated[-1]

    yield seat
    for agent in seated:
        agent.kill()


def test_the_second_agent_who_resumes_a_case_is_told(
    scene: Scene, agents: Callable[..., Agent]
) -> None:
    """Two agents resume one case: the second is told who has it, the first goes on unharmed."""
    assert scene.wizard(lines=SCRIPT[:2]) == 3
    case_id = scene.case_id
    first = agents("first", "calls", "resume", case_id)
    first.read_until("No return after all")
    second = agents("second", "calls", "resume", case_id)
    assert second.end() == CANNOT_START
    assert f"case {case_id} is being worked on by" in second.words
    assert "Traceback" not in second.shown
    first.type(*SCRIPT[2:])
    assert first.end() == 0
    assert [entry.text for entry in scene.entries() if entry.kind == "noted"] == [
        "Resumed by first."
    ]
    later = agents("second", "calls", "resume", case_id)
    assert later.end() == 0
    assert "The call has ended" in later.words


def test_a_call_under_way_cannot_be_resumed_by_another(
    scene: Scene, agents: Callable[..., Agent]
) -> None:
    """The same for a call that was never left; killed, it is free at once."""
    first = agents("first", "wizard")
    first.type(EMAIL)
    first.read_until("Another e-mail address")
    second = agents("second", "calls", "resume", scene.case_id)
    assert second.end() == CANNOT_START
    assert re.search(r"is being worked on by first \(process \d+\)", second.words)
    first.kill()
    assert scene.resume() == 0
    check_whole(scene)


def test_two_agents_return_the_last_unit_at_once(
    scene: Scene, agents: Callable[..., Agent]
) -> None:
    """Rules 17 and 30: one return is opened; the other agent is told why not, and goes on."""
    both = [agents("first", "wizard"), agents("second", "wizard")]
    for agent in both:
        agent.type(EMAIL, ORDER, "LAST", "damaged")
        agent.read_until("go ahead?")
    for agent in both:
        agent.type("yes")
    for agent in both:
        agent.type("", "", "", "/done", "/close")
    assert [agent.end() for agent in both] == [0, 0]
    assert scene.returns() == [("LAST", 1, "DAMAGED")]
    outcomes = {}
    for case in scene.cases():
        for event in scene.events(case.header.case_id):
            if isinstance(event, ev.ReturnOpened | ev.ReturnRefused):
                outcomes[case.header.agent] = event
    (refused,) = [event for event in outcomes.values() if isinstance(event, ev.ReturnRefused)]
    (opened,) = [event for event in outcomes.values() if isinstance(event, ev.ReturnOpened)]
    assert refused.code == "already_returned"
    assert scene.tracking_ids() == {opened.receipt.tracking_id}
    (loser,) = [agent for agent in both if "refused by the shop" in agent.words]
    assert f"our system declined the return ({refused.message})" in loser.words
    states = sorted(case.state for case in scene.cases())
    assert states == ["closed", "closed_without_return"]


def test_killed_without_mercy_means_killed(scene: Scene, agents: Callable[..., Agent]) -> None:
    """Rule 28: killed by hand while the customer is told, and resumed by another agent."""
    first = agents("first", "wizard")
    first.type(*SCRIPT[:8])
    first.read_until("Please note it down")
    assert first.kill() == -signal.SIGKILL
    second = agents("second", "calls", "resume", scene.case_id)
    second.type(*SCRIPT[8:])
    assert second.end() == 0
    check_whole(scene)
