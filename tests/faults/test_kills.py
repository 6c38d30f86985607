"""A call is killed everywhere, resumed, and comes to the same: the switch may be thrown any time.

The call is the full one of `faults.shop`: a mixed order, two returns, then a transfer. It runs
in processes of their own, on real files, and dies by SIGKILL. Every row of the journal has three
kill points (before, written and not committed, after), so has every write to the shop, and every
look-up has two.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.shop import SCRIPT, Scene, check_whole

KILLED = -signal.SIGKILL
ENDED = 0
SEED = random.SystemRandom().randrange(10**6)
DOUBLE_KILLS = 20


def test_the_script_and_the_autopilot_lead_the_same_call(
    new_scene: Callable[[Path], Scene], tmp_path: Path
) -> None:
    """Rules 27 and 34: the full call, unharmed, twice: once typed, once by the autopilot."""
    typed, flown = new_scene(tmp_path / "typed"), new_scene(tmp_path / "flown")
    assert typed.wizard() == ENDED
    assert flown.wizard(lines=None) == ENDED
    check_whole(typed)
    check_whole(flown)
    assert typed.points == flown.points
    rows = [entry for entry in typed.entries() if entry.kind == "event"]
    assert sum(point.startswith("before row") for point in typed.points) == len(rows) == 27


def test_killed_anywhere_and_resumed_it_is_the_same_call(
    new_scene: Callable[[Path], Scene], tmp_path: Path, report: Callable[[str], None]
) -> None:
    """Rules 28 and 29: wherever a call is killed, resuming it opens each return exactly once."""
    unharmed = new_scene(tmp_path / "unharmed")
    assert unharmed.wizard() == ENDED
    points = unharmed.points
    tried = 0
    for number, name in enumerate(points, 1):
        scene = new_scene(tmp_path / str(number))
        assert scene.wizard(kill_at=number) == KILLED, name
        assert scene.points == points[:number], name
        go_on(scene, name)
        tried += 1
        shutil.rmtree(scene.folder)
    report(f"kill points: {tried} of {len(points)} tried")
    assert tried == len(points) > 100


def go_on(scene: Scene, name: str) -> None:
    """Resumes a killed call to its end, and checks that it is still the same."""
    cases = scene.cases()
    if not cases:
        # Nothing was answered yet, so there is nothing to go on with: the next call is a new one.
        assert name in ("before row email_given", "row email_given: written, not committed")
        assert scene.wizard() == ENDED
        check_whole(scene)
        return
    (before,) = cases
    was = scene.entries()
    folded = scene.session().state.name
    assert folded == before.state
    status = scene.resume()
    assert status == ENDED, scene.screen
    if name == "after row transfer_accepted":
        assert "The call has ended" in scene.screen
    (after,) = scene.cases()
    assert after.header == before.header
    now = scene.entries()
    assert now[: len(was)] == was
    notes = [entry.text for entry in now if entry.kind == "noted"]
    assert notes == ([] if before.ended else ["Resumed by kim."])
    check_whole(scene)


def test_killed_again_and_again_while_resuming(
    new_scene: Callable[[Path], Scene], tmp_path: Path, report: Callable[[str], None]
) -> None:
    """Rules 28 and 29 hold too where the resuming is killed, and the resuming of that."""
    rng = random.Random(SEED)
    unharmed = new_scene(tmp_path / "unharmed")
    assert unharmed.wizard() == ENDED
    first_row = unharmed.points.index("after row email_given") + 1
    kills = 0
    for number in range(DOUBLE_KILLS):
        scene = new_scene(tmp_path / str(number))
        first = rng.randint(first_row, len(unharmed.points))
        assert scene.wizard(kill_at=first) == KILLED
        places = [first]
        # How much is left to be done is not known; the last run is let through in any case.
        for _ in range(rng.randint(1, 4)):
            places.append(rng.randint(1, len(unharmed.points) - first + 9))
            status = scene.resume(kill_at=places[-1])
            kills += status == KILLED
            if status != KILLED:
                break
        else:
            status = scene.resume()
        assert status == ENDED, (SEED, places, scene.screen)
        check_whole(scene)
        shutil.rmtree(scene.folder)
    report(f"kills while resuming: {kills}, in {DOUBLE_KILLS} killed calls (seed {SEED})")
    assert kills


def test_a_kill_leaves_no_claim_behind(scene: Scene) -> None:
    """A case whose agent was killed can be resumed at once, by another agent."""
    assert scene.wizard(kill_at=40) == KILLED
    spec = scene.spec(["calls", "resume", scene.case_id, "--agent", "robin"])
    assert scene.server.run(spec) == ENDED
    assert "agent robin" in scene.screen
    notes = [entry.text for entry in scene.entries() if entry.kind == "noted"]
    assert notes == ["Resumed by robin."]
    check_whole(scene)


@pytest.mark.parametrize("ending", [1, 2, 3, 4, 5, 8, 11, 14])
def test_a_call_that_is_left_goes_on_with_the_rest_of_the_script(scene: Scene, ending: int) -> None:
    """Input that ends between two questions leaves the call open; the rest can be typed later."""
    assert scene.wizard(lines=SCRIPT[:ending]) == 3
    told = scene.words[scene.words.index("returnflow calls resume") :]
    assert scene.case_id in told
    assert scene.resume(lines=SCRIPT[ending:]) == ENDED
    check_whole(scene)
