"""The load-time checks of `terms` and of what stands under `heard`, and the wordings they give.

How a pattern can be wrong: it names a term that is not there, asks for a value that no due has,
contains itself, or can never be used.
"""

from __future__ import annotations

from collections.abc import Iterator

from returnflow.engine import phrases
from returnflow.engine.compiled import VALUE, Wording
from returnflow.engine.spec import DefinitionSpec, NoticeSpec, WordingSpec
from returnflow.engine.vocabulary import Vocabulary
from returnflow.engine.yamltext import Found, Path_, suggest


def wordings(spec: DefinitionSpec) -> dict[str, tuple[Wording, ...]]:
    """The wordings of every notice that has any, with those that it takes over; once checked."""
    return {
        name: tuple(dict.fromkeys(_wordings(spec, notice)))
        for name, notice in spec.notices.items()
        if notice.heard
    }


def _wordings(spec: DefinitionSpec, notice: NoticeSpec) -> Iterator[Wording]:
    for written in notice.heard:
        if written.like is not None:
            yield from _wordings(spec, spec.notices[written.like])
        else:
            yield Wording(
                parts=tuple(written.all or written.order or ()),
                ordered=written.order is not None,
                denied=written.denied,
                sentences=written.sentences,
                unless=tuple(written.unless),
            )


def heard(spec: DefinitionSpec, vocabulary: Vocabulary, *, vague: bool = False) -> Found:
    """Every problem of the terms and of the wordings.

    Args:
        vague: not all wordings are known, so none says of a term that it is never used.
    """
    used: set[str] = set()
    for key, notice in spec.notices.items():
        for i, written in enumerate(notice.heard):
            here: Path_ = ("notices", key, "heard", i)
            used.update(written.all or (), written.order or (), written.unless)
            yield from _wording(spec, vocabulary, written, here)
            if written.like is not None:
                yield from _like(spec, key, written.like, (*here, "like"))
    # A term that is misspelt where it is named would be called unused as well, and so would those
    # of a notice that is missing.
    misspelt = vague or bool(used - spec.terms.keys() - {part for part in used if "{" in part})
    misspelt = misspelt or not spec.notices.keys() >= set(vocabulary.notices)
    for term, listed in spec.terms.items():
        yield from _term(term, listed)
        if not misspelt and term not in {*used, phrases.NOTHING, phrases.DENIAL}:
            hint = "name it in a wording, or delete it"
            yield ("terms", term), f"never used: no wording names the term {term!r}; {hint}"


def _term(term: str, listed: list[str]) -> Found:
    for i, text in enumerate(listed):
        path: Path_ = ("terms", term, i)
        if wrong := phrases.problem(text):
            yield path, wrong
        elif text in listed[:i]:
            yield path, f"{text!r} is given twice; once is enough"


def _wording(
    spec: DefinitionSpec, vocabulary: Vocabulary, written: WordingSpec, path: Path_
) -> Found:
    ways = [way for way in ("all", "order", "like") if getattr(written, way) is not None]
    if len(ways) != 1:
        have = " and ".join(ways) or "none"
        yield path, f"a wording has exactly one of 'all', 'order' and 'like'; this one has {have}"
        return
    if ways == ["like"]:
        for key in ("denied", "sentences", "unless"):
            if getattr(written, key):
                where = (*path, key)
                yield where, f"'like' takes over another notice as it is; leave {key!r} out"
        return
    parts = written.all or written.order or []
    for i, part in enumerate(parts):
        here = (*path, ways[0], i)
        if part in parts[:i]:
            yield here, f"{part!r} is given twice; once is enough"
        elif "{" in part:
            yield from _value(vocabulary, part, here)
        else:
            yield from _known(spec, part, here)
    if written.denied and any("{" in part for part in parts):
        yield (*path, "denied"), "a value is named or not, never denied; leave 'denied' out"
    for i, term in enumerate(written.unless):
        yield from _known(spec, term, (*path, "unless", i))


def _value(vocabulary: Vocabulary, part: str, path: Path_) -> Found:
    match = VALUE.fullmatch(part)
    known = [k for k, value in vocabulary.sample_due().items() if not isinstance(value, list)]
    if match is None:
        yield path, f"{part!r} is no value of a due; write it as {{{{ due.{known[0]} }}}}"
    elif match[1] not in known:
        hint = suggest(match[1], known) or f"; there are: {', '.join(known)}"
        yield path, f"there is no value {match[1]!r} in 'due'{hint}"


def _known(spec: DefinitionSpec, term: str, path: Path_) -> Found:
    if term == phrases.NOTHING:
        yield path, f"the term {term!r} is for phrases that mean none of the others; take another"
    elif term not in spec.terms:
        known = [name for name in spec.terms if name != phrases.NOTHING]
        hint = suggest(term, known) or "; list its phrases under 'terms'"
        yield path, f"there is no term {term!r}{hint}"


def _like(spec: DefinitionSpec, key: str, like: str, path: Path_) -> Found:
    if like not in spec.notices:
        yield path, f"there is no notice {like!r}{suggest(like, spec.notices)}"
    elif like == key:
        yield path, f"{like!r} cannot take over itself; name another notice"
    elif any(w.like is not None for w in spec.notices[like].heard):
        yield path, f"{like!r} takes over another notice itself; name one that lists its wordings"
    elif not spec.notices[like].heard:
        yield path, f"the notice {like!r} has no 'heard'; list the wordings here"
