"""What ``returnflow sop walk`` and ``cover`` write and show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from returnflow.cli import opening
from returnflow.cli.output import progress
from returnflow.cli.sop_show import calls
from returnflow.cli.status import ENDED, FAILED
from returnflow.engine.story import sentence
from returnflow.errors import ReturnflowError, UsageError
from returnflow.inert import inert
from returnflow.sop.coverage import Coverage, Goal, goals

if TYPE_CHECKING:
    from returnflow.engine.definition import Definition
    from returnflow.engine.journal import Entry, Header
    from returnflow.sop.walking import Call, Walk

CALLS, SHOP, PLAN = "calls.jsonl", "shop.sqlite3", "walk.json"
"""The files of a walk: the event logs, the shop that they are about, what each call is for."""


def walk(given: dict[str, Any]) -> int:
    """Walks through a procedure; the exit status.

    Raises:
        UsageError, DefinitionError: something given cannot be used.
    """
    from returnflow.sop.walking import walk as walked

    definition = opening.procedure(given["file"])
    folder: Path | None = given["output"]
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and not empty; name a new folder")
    found = walked(
        definition, lambda done, of: progress(f"{done} of {of} places of the procedure reached …")
    )
    progress("")
    if folder is not None:
        _write(folder, definition, found)
    elif given["json"]:
        click.echo(json.dumps(_plan(definition, found), indent=2, ensure_ascii=False))
    else:
        for line in _told(definition, found):
            click.echo(line)
    every = len(goals(definition)) - len(found.impossible)
    events = sum(len(call.events) for call in found.calls)
    click.echo(
        f"{len(found.calls)} calls with {events} events cover {every - len(found.missing)} of "
        f"{every} places: states, rows, and answers of guards.",
        err=given["json"],
    )
    for goal in found.missing:
        click.echo(f"  not reached: {_place(definition, goal)}", err=given["json"])
    for goal in found.impossible:
        words = "cannot happen in any call, which is proved"
        click.echo(f"  {words}: {_place(definition, goal)}", err=given["json"])
    if folder is not None:
        click.echo(f"Judge them: returnflow replay {folder / CALLS}")
        click.echo(f"Try them:   returnflow wizard --backend sqlite:///{folder / SHOP}")
    return FAILED if found.missing else ENDED


def _told(definition: Definition, found: Walk) -> Iterator[str]:
    every = goals(definition)
    for number, call in enumerate(found.calls, 1):
        yield f"Call {number}, {len(call.events)} events, for:"
        for key in call.covers:
            yield f"  {_place(definition, every[key])}"
        told = [sentence(event, definition.vocabulary.sentences) for event in call.events]
        if call.refused is not None:
            refused = sentence(call.refused, definition.vocabulary.sentences)
            told.insert(call.after, f"refused: {refused}")
        yield from (f"    {inert(each)}" for each in told)
        yield ""


def _place(definition: Definition, goal: Goal) -> str:
    return f"{inert(definition.name)}:{goal.place.line}: {goal.sort} {goal.words}"


def _plan(definition: Definition, found: Walk) -> list[dict[str, Any]]:
    every = goals(definition)
    return [
        {
            "case": _case_id(number),
            "covers": [
                {"place": each.sort, "what": each.words, "line": each.place.line}
                for each in (every[key] for key in call.covers)
            ],
            "events": [msgspec.to_builtins(event) for event in call.events],
            "refused": None
            if call.refused is None
            else {"after": call.after, "event": msgspec.to_builtins(call.refused)},
        }
        for number, call in enumerate(found.calls, 1)
    ]


def _case_id(number: int) -> str:
    return f"walk-{number:04}"


def _write(folder: Path, definition: Definition, found: Walk) -> None:
    from returnflow.engine.event_log import export_case

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / CALLS).open("wb") as file:
            for number, call in enumerate(found.calls, 1):
                header, entries = _recorded(definition, found, number, call, folder)
                file.write(export_case(header, entries, mask=None) + b"\n")
        plan = json.dumps(_plan(definition, found), indent=2, ensure_ascii=False)
        (folder / PLAN).write_text(plan + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from None
    _write_shop(folder / SHOP, found.shop)


def _write_shop(path: Path, shop: Any) -> None:
    """The shop in SQLite; one of another kind than a `MemoryShop` is left to its vocabulary."""
    from returnflow.backends import sql
    from returnflow.backends.shopdata import ShopData
    from returnflow.testing import MemoryShop

    if not isinstance(shop, MemoryShop):
        click.echo("returnflow: the shop of this walk cannot be written; its calls can", err=True)
        return
    data = ShopData(
        zone=shop.zone,
        loaded_on=shop.today.isoformat(),
        customers=tuple(shop.customers.values()),
        orders=tuple(shop.orders.values()),
        items=tuple(shop.items.values()),
        packages=tuple(shop.packages.values()),
    )
    sql.create_file(path, data).close()


def _recorded(
    definition: Definition, found: Walk, number: int, call: Call, folder: Path
) -> tuple[Header, list[Entry]]:
    """A call as a journal would hold it: a second for each event, on the shop's day."""
    from returnflow.engine.journal import Entry, Header
    from returnflow.engine.session import Session

    shop = found.shop
    session = Session(definition, shop.today, shop.zone)
    begun = datetime.combine(shop.today, time(9), tzinfo=UTC)
    entries = []
    for seq, event in enumerate(call.events, 1):
        days = (session.case.policy_date - shop.today).days
        dated = msgspec.structs.replace(event, at=begun + timedelta(days=days, seconds=seq))
        step = session.propose(dated)
        session.accept(step)
        if dated.at is None:
            raise ReturnflowError("an event of a walk has no time")
        entries.append(
            Entry(
                seq=seq,
                kind="event",
                at=dated.at,
                state=session.state.name,
                ended=session.state.kind == "end",
                event=dated,
            )
        )
    header = Header(
        case_id=_case_id(number),
        sop=definition.sop,
        version=definition.version,
        digest=definition.digest,
        agent="walk",
        policy_date=shop.today,
        zone=shop.zone,
        backend=f"sqlite:///{folder / SHOP}",
        started_at=begun,
    )
    return header, entries


# -- cover ------------------------------------------------------------------------------------


def cover(given: dict[str, Any]) -> int:
    """Tells what calls have covered; the exit status.

    Raises:
        UsageError, DefinitionError: something given cannot be used.
    """
    definition = opening.procedure(given["file"])
    coverage = Coverage(definition)
    refused = _refused(given["log"], definition)
    for case_id, steps, case in calls(definition, _logs(given["log"])):
        tried = refused.get(case_id)
        coverage.add([*steps, *(tried(steps, case) if tried is not None else ())])
        if not coverage.calls % 20:
            progress(f"{coverage.calls} calls read …")
    progress("")
    if not coverage.calls:
        raise UsageError("the logs hold no call that could be read")
    missing = coverage.uncovered()
    if given["json"]:
        click.echo(json.dumps(_coverage(coverage, missing), indent=2, ensure_ascii=False))
    else:
        for line in _cover_lines(definition, coverage, missing):
            click.echo(line)
    least = given["fail_under"]
    have, of = (sum(pair) for pair in zip(*coverage.counts().values(), strict=True))
    return FAILED if least is not None and 100 * have < least * of else ENDED


def _logs(named: tuple[str, ...]) -> tuple[str, ...]:
    """The logs; of the folder of a walk, the one that holds its calls."""
    return tuple(
        str(Path(each) / CALLS) if (Path(each) / PLAN).is_file() else each for each in named
    )


def _refused(named: tuple[str, ...], definition: Definition) -> dict[str, Any]:
    """By the id of a walk's call, what tries the event that is refused in it: a log holds only
    what was accepted."""
    from returnflow.engine.machine import propose

    def trying(event: Any, place: int) -> Any:
        def tried(steps: list[Any], case: Any) -> list[Any]:
            state = definition.initial
            for step in steps[:place]:
                state = step.target
                case = case if step.row.discard else step.candidate
            after = case.copy()
            after.apply(event)
            return [propose(definition.rows, state, event, after)]

        return tried

    found: dict[str, Any] = {}
    for each in named:
        path = Path(each) / PLAN
        if not path.is_file():
            continue
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))
            for call in plan:
                if call["refused"] is not None:
                    data = json.dumps(call["refused"]["event"]).encode()
                    event = definition.vocabulary.decoder.decode(data)
                    found[call["case"]] = trying(event, int(call["refused"]["after"]))
        except (OSError, ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
            raise UsageError(f"{path} is not the plan of a walk: {error}") from None
    return found


_SORTS = {"state": "states", "row": "rows", "guard": "answers of guards"}


def _cover_lines(definition: Definition, coverage: Coverage, missing: list[Goal]) -> Iterator[str]:
    refusing = {f"row {row.id}" for row in definition.all_rows() if row.to is None}
    for goal in missing:
        note = " (a refusal: a log of calls never shows it)" if goal.key in refusing else ""
        yield f"{_place(definition, goal)}{note}"
    if missing:
        yield ""
    for sort, (have, of) in coverage.counts().items():
        yield f"{_SORTS[sort]:18} {have:>4} of {of:>4}  {100 * have // of:>3} %"
    yield f"{'calls':18} {coverage.calls:>4}"


def _coverage(coverage: Coverage, missing: list[Goal]) -> dict[str, Any]:
    return {
        "file": coverage.definition.name,
        "calls": coverage.calls,
        "covered": {
            _SORTS[sort].replace(" ", "_"): {"have": have, "of": of}
            for sort, (have, of) in coverage.counts().items()
        },
        "times": coverage.times,
        "uncovered": [
            {"place": each.sort, "what": each.words, "line": each.place.line} for each in missing
        ],
    }
