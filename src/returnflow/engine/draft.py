"""A procedure's text as it was meant, as far as can be told, and what is wrong with its shape.

One mistake must not hide the others. So what is malformed is told, something else stands in for
it, and the rest is judged as if nothing had been wrong. The places at which something stands in are
kept: what a check says about them would only be a consequence of what was told already.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from inspect import isclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from returnflow.engine.compiled import MAX_PROBLEMS
from returnflow.engine.shape import bare, keys_at, problems_of, wanted_at
from returnflow.engine.spec import DefinitionSpec, RowSpec, StateSpec
from returnflow.engine.yamltext import Document, Path_, suggest
from returnflow.errors import DefinitionError

_ROUNDS = 12
"""Each round mends what stands within what the one before it mended; a file has fewer levels."""


@dataclass(frozen=True)
class Doubt:
    """Where a procedure is not known, since what stands there was malformed.

    Args:
        unsure: the paths of what stands in for something, or of what may be missing.
        vague: the parts of the file (``words``, ``states`` …) of which not all names are known.
    """

    unsure: frozenset[Path_] = frozenset()
    vague: frozenset[str] = frozenset()

    def spoils(self, path: Path_) -> bool:
        """Whether a problem at `path` may be a mere consequence: something stands in for it, for
        what it belongs to, or for a key of the mapping that it is about."""
        return any(path[:end] in self.unsure for end in range(len(path) + 1)) or any(
            unsure[:-1] == path for unsure in self.unsure
        )

    def anywhere(self, part: str) -> bool:
        """Whether anything within a part of the file is unsure."""
        return any(path[:1] == (part,) for path in self.unsure)


CERTAIN = Doubt()
"""Nothing is malformed."""


@dataclass(frozen=True)
class Draft:
    """What was made of a text.

    Args:
        spec: None where so much is malformed that the rest says nothing.
        document: the text; it also knows the places of what was moved to the key that was meant.
        problems: everything about the shape that is wrong.
    """

    spec: DefinitionSpec | None
    document: Document
    problems: tuple[tuple[Path_, str], ...]
    doubt: Doubt


def draft(document: Document) -> Draft:
    """The document as a procedure, with what stands in for all that is malformed.

    Raises:
        DefinitionError: it is no mapping at all.
    """
    if not isinstance(document.data, dict):
        held = "is empty" if document.data is None else f"holds {_held(document.data)}"
        message = f"a procedure begins with keys such as 'sop:'; this {held}"
        raise DefinitionError([document.problem((), message)])
    mender = _Mender(document)
    spec = mender.mended()
    return Draft(
        spec,
        replace(document, places=mender.places),
        tuple(mender.problems),
        Doubt(frozenset(mender.unsure), frozenset(mender.vague)),
    )


def _held(data: object) -> str:
    text = "a list" if isinstance(data, list) else repr(data)
    return text if len(text) < 50 else text[:47] + "..."


class _Mender:
    def __init__(self, document: Document) -> None:
        self.places = document.places
        self.unsure = set(document.unsure)
        self.vague = {str(path[0]) for path in document.unsure if len(path) == 1}
        self.problems: list[tuple[Path_, str]] = []
        self._document = document
        self._data = document.data
        self._stood_in = 0

    def mended(self) -> DefinitionSpec | None:
        """The procedure; None where what stands in does not make one."""
        for path in list(self.unsure):
            if path[-1:] == ("<<",):
                self._lost(path[:-1])
                # Any key may have come from there.
                at = path[:-1]
                self.unsure.update((*at, key) for key in keys_at(at) if key not in self._at(at))
        for again in range(_ROUNDS):
            try:
                return DefinitionSpec.model_validate(self._data)
            except ValidationError as error:
                found = error.errors(include_url=False)
            if not again:
                self._data = copy.deepcopy(self._data)
                self.places = dict(self.places)
            told = [each for each in found if not self._beneath(each["loc"])]
            told.sort(key=lambda each: self._document.place(each["loc"]))
            self.problems += problems_of(told[: MAX_PROBLEMS + 1], self.places)
            if len(told) > MAX_PROBLEMS:
                return None
            self._mend(found)
        return None

    def _beneath(self, path: Path_) -> bool:
        return any(path[:end] in self.unsure for end in range(len(path) + 1))

    def _mend(self, found: list[Any]) -> None:
        # What is renamed first is no longer missing; the paths in `found` hold until the keys of
        # mappings are, which come last.
        for each in found:
            if each["type"] == "extra_forbidden":
                self._unknown_key(each["loc"])
        for each in found:
            if each["type"] == "missing":
                self._missing(each["loc"])
            elif each["type"] != "extra_forbidden" and each["loc"][-1:] != ("[key]",):
                self._malformed(each["loc"])
        for path in {each["loc"][:-1] for each in found if each["loc"][-1:] == ("[key]",)}:
            self._misnamed(path)

    def _unknown_key(self, path: Path_) -> None:
        mapping, key = self._at(path[:-1]), str(path[-1])
        known = keys_at(path[:-1])
        meant = next((name for name in known if f" {name!r}?" in suggest(key, known)), None)
        if meant is not None and meant not in mapping:
            self._rename(path, meant)
            return
        del mapping[key]
        self.unsure.add(path)
        self._lost(path[:-1])

    def _lost(self, path: Path_) -> None:
        """A key of the mapping at `path` is not known: what it may have been is unsure."""
        mapping, wanted = self._at(path), bare(wanted_at(path))
        if wanted is RowSpec and not {"to", "stay", "refuse"} & mapping.keys():
            self.unsure.add((*path, "to"))
        elif wanted is StateSpec:
            if not {"ask", "call", "end"} & mapping.keys():
                self.unsure.add((*path, "call"))
            if "transitions" not in mapping and "end" not in mapping:
                self.unsure.add((*path, "transitions"))
        elif wanted is DefinitionSpec:
            absent = [key for key in keys_at(()) if key not in mapping]
            self.vague.update(absent)
            self.unsure.update((key,) for key in absent)

    def _missing(self, path: Path_) -> None:
        mapping, key = self._at(path[:-1]), path[-1]
        if key not in mapping:
            mapping[key] = self._stand_in(wanted_at(path), None)
            self._doubted(path)

    def _malformed(self, path: Path_) -> None:
        # A short form has no such path: a name stands for a list of one, words for a notice.
        while path and not self._has(path):
            path = path[:-1]
        if path:
            at = self._at(path[:-1])
            at[path[-1]] = self._stand_in(wanted_at(path), at[path[-1]])
            self._doubted(path)

    def _misnamed(self, path: Path_) -> None:
        if get_origin(get_args(bare(wanted_at(path[:-1])))[0]) is Literal:
            # Of a few given names no other can stand in for one that is none of them.
            del self._at(path[:-1])[path[-1]]
            self.unsure.add(path)
            return
        self._doubted(path)
        self.vague.add(str(path[0]))
        self._rename(path, self._word())

    def _doubted(self, path: Path_) -> None:
        self.unsure.add(path)
        if len(path) == 1:
            self.vague.add(str(path[0]))

    def _rename(self, path: Path_, name: str) -> None:
        mapping = self._at(path[:-1])
        # In place, so that the order of the states stays that of the file.
        renamed = {name if key == path[-1] else key: value for key, value in mapping.items()}
        mapping.clear()
        mapping.update(renamed)
        size = len(path)
        for old in [old for old in self.places if old[:size] == path]:
            self.places[(*path[:-1], name, *old[size:])] = self.places[old]
        for old in [old for old in self.unsure if old[:size] == path]:
            self.unsure.add((*path[:-1], name, *old[size:]))

    # -- what is there, and what stands in ------------------------------------------------------

    def _at(self, path: Path_) -> Any:
        value = self._data
        for part in path:
            value = value[part]
        return value

    def _has(self, path: Path_) -> bool:
        try:
            self._at(path)
        except (KeyError, IndexError, TypeError):
            return False
        return True

    def _word(self) -> str:
        """A name that the text does not hold."""
        while True:
            self._stood_in += 1
            word = f"x{self._stood_in}"
            if word not in self._document.text:
                return word

    def _stand_in(self, wanted: Any, given: Any) -> Any:
        """Something of the kind that is wanted, as near to what was given as can be."""
        least, most = 0, None
        while get_origin(wanted) in (Annotated, Union, types.UnionType):
            if get_origin(wanted) is Annotated:
                for each in _lengths(get_args(wanted)[1:]):
                    least = getattr(each, "min_length", least)
                    most = getattr(each, "max_length", most)
                wanted = get_args(wanted)[0]
            else:
                wanted = next(each for each in get_args(wanted) if each is not type(None))
        if get_origin(wanted) is list:
            items = given if isinstance(given, list) else [] if given is None else [given]
            inner = get_args(wanted)[0]
            items = [*items, *(self._stand_in(inner, None) for _ in range(least - len(items)))]
            return items[:most]
        if get_origin(wanted) is dict:
            return {} if given != {} else {self._word(): self._stand_in(get_args(wanted)[1], None)}
        if get_origin(wanted) is Literal:
            return get_args(wanted)[0]
        if isclass(wanted) and issubclass(wanted, BaseModel):
            return {
                field.alias or name: self._stand_in(wanted_at((field.alias or name,), wanted), None)
                for name, field in wanted.model_fields.items()
                if field.is_required()
            }
        if wanted is bool:
            return given in ("yes", "on", "True", "TRUE", "Yes")
        if wanted in (int, float):
            return 1
        return str(given).lower() if isinstance(given, int) else self._word()


def _lengths(metadata: Iterable[Any]) -> Iterator[Any]:
    for each in metadata:
        yield from getattr(each, "metadata", None) or (each,)
