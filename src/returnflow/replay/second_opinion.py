"""A second opinion: where what a call recorded and what the shop says now disagree.

It changes no verdict: a call is judged by the facts as it saw them. A shop goes on, so a
difference may be no more than time; or it shows a record that is not true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from returnflow.engine.transcript import Recorded, ToolCall, Transcript
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import NotFoundError, UnavailableError, UsageError
from returnflow.inert import fold, inert
from returnflow.redacted import NOT_RECORDED_UNITS, hidden

if TYPE_CHECKING:
    from returnflow.backends.protocol import Backend
    from returnflow.engine.transcript import Transcription
    from returnflow.masking import Masker

KEPT = 4096
"""So many answers of the shop are remembered."""

MAX_SILENT = 3
"""After so many look-ups in a row without an answer the shop is left alone."""

# What a look-up's outcome is about: the operation, the member that holds the record, its id.
_FOUND = {
    "order_found": ("get_order_details", "order", "order_id"),
    "item_found": ("get_item_details", "item", "item_id"),
    "package_found": ("get_package_details", "package", "package_id"),
}
_MISSING = {
    "order_missing": ("get_order_details", "order_id"),
    "item_missing": ("get_item_details", "item_id"),
    "package_missing": ("get_package_details", "package_id"),
}
_ID = ("item_id", "package_id")


@dataclass(frozen=True, slots=True)
class Differing:
    """One difference, masked and inert.

    Args:
        about: the record and its member, as ``order O-1: order_date``.
        recorded, shop: what the call recorded, and what the shop says now.
    """

    case: str
    place: str
    about: str
    recorded: str
    shop: str


def connected(url: str) -> Backend:
    """The shop.

    Raises:
        UsageError: it cannot be used.
    """
    from returnflow.backends.registry import open_backend
    from returnflow.backends.steady import Limits, Steady

    try:
        # A shop that hangs is not waited for; one that is silent is not asked again.
        return Steady(open_backend(url), limits=Limits(attempts=1))
    except UnavailableError as error:
        raise UsageError(f"the shop cannot be asked for a second opinion: {error}") from error


class SecondOpinion:
    """Asks a shop about what calls recorded.

    Args:
        transcription: how recorded tool calls are read; None: only recorded events are.
    """

    def __init__(self, shop: Backend, transcription: Transcription | None) -> None:
        self._shop = shop
        self._transcription = transcription
        self._answers: dict[tuple[str, str], Any] = {}
        self._silent = 0

    def on(self, transcript: Transcript, masker: Masker | None) -> list[Differing]:
        """Every difference about one call, in its order; one record is compared once."""
        from returnflow.replay.reports.tally import place

        said: dict[tuple[str, str, str], None] = {}
        for event in self._events(transcript):
            said.update(dict.fromkeys(self._differences(event)))
        where = place(transcript.source, transcript.line)

        def shown(text: str) -> str:
            return inert(masker.mask_text(text) if masker else text)

        return [
            Differing(shown(transcript.case_id), shown(where), *(shown(each) for each in one))
            for one in said
        ]

    def _events(self, transcript: Transcript) -> Iterator[Event]:
        yield from transcript.events
        for member in transcript.members:
            if isinstance(member, Recorded):
                yield member.event
            elif isinstance(member, ToolCall) and self._transcription and member.operation:
                event = self._transcription.outcome(member)
                if event is not None:
                    yield event

    def _differences(self, event: Event) -> Iterator[tuple[str, str, str]]:
        name = event_name(event)
        if name in _FOUND:
            operation, member, key = _FOUND[name]
            record = getattr(event, member)
            about = f"{member} {getattr(record, key)}"
            now = self._ask(operation, getattr(record, key))
            if isinstance(now, str):
                yield about, "as known", now
            elif now is not None:
                yield from _compared(about, "", record, now)
        elif name in _MISSING:
            operation, key = _MISSING[name]
            one = getattr(event, key)
            if one and isinstance(self._ask(operation, one), msgspec.Struct):
                yield f"{key.removesuffix('_id')} {one}", "unknown to the shop", "known"

    def _ask(self, operation: str, one: str) -> Any:
        """The record, words where there is none, or None where it is not to be compared."""
        if not one.strip() or hidden(one):
            return None
        key = (operation, fold(one))
        if key in self._answers:
            return self._answers[key]
        if self._silent >= MAX_SILENT:
            return "not asked; it gave no answer several times in a row"
        ask: Callable[[str], Any] = getattr(self._shop, operation)
        try:
            answer = ask(one)
            self._silent = 0
        except NotFoundError:
            answer = "unknown to it"
            self._silent = 0
        except UnavailableError as error:
            self._silent += 1
            return f"no answer: {error}"
        if len(self._answers) >= KEPT:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = answer
        return answer


def _compared(about: str, path: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    """The members in which two records differ; what was not recorded is not compared."""
    if isinstance(old, msgspec.Struct) and isinstance(new, msgspec.Struct):
        for name in old.__struct_fields__:
            inner = f"{path}.{name}" if path else name
            yield from _compared(about, inner, getattr(old, name), getattr(new, name, None))
    elif _unsaid(old) or _equal(old, new, path):
        return
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _tuples(about, path, old, new)
    else:
        yield f"{about}: {path}", _words(old), _words(new)


def _tuples(
    about: str, path: str, old: tuple[Any, ...], new: tuple[Any, ...]
) -> Iterator[tuple[str, str, str]]:
    one, two = sorted(old, key=_key), sorted(new, key=_key)
    if [_key(each) for each in one] == [_key(each) for each in two]:
        for mine, theirs in zip(one, two, strict=True):
            yield from _compared(about, f"{path}[{_id_of(mine)}]", mine, theirs)
    else:
        yield f"{about}: {path}", _words(old), _words(new)


def _id_of(entry: Any) -> str:
    """What names an entry of a list."""
    for name in _ID:
        if hasattr(entry, name):
            return str(getattr(entry, name))
    return str(entry)


def _key(entry: Any) -> str:
    return fold(_id_of(entry))


def _unsaid(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip() or hidden(value)
    return value is None or value == () or value == NOT_RECORDED_UNITS


def _equal(old: Any, new: Any, path: str) -> bool:
    if path.endswith("_id") and isinstance(old, str) and isinstance(new, str):
        return fold(old) == fold(new)
    return bool(old == new)


def _words(value: Any) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    if isinstance(value, tuple):
        return ", ".join(_id_of(each) for each in value)
    return str(value)
