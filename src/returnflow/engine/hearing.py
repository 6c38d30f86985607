"""How replay recognises, in the recorded text of a call, that a prescribed sentence was said.

The YAML says of a notice which terms belong together, not which sentences: ``shipping`` and
``refund`` in one clause that is denied. `Hearing` compiles that once for a procedure. It never
raises on a text, and its time grows with the length of the text and with nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from returnflow.engine.compiled import Wording
from returnflow.engine.contrary import contrary
from returnflow.engine.phrases import DENIAL, Lexicon
from returnflow.engine.script import as_pattern
from returnflow.engine.spoken import fold, glance, may_deny
from returnflow.engine.statements import Said, Span, claims, standing

if TYPE_CHECKING:
    from returnflow.engine.definition import Definition

_KEPT: Final = 4096
_READ: Final = 64
_KEPT_LENGTH: Final = 2000
"""How many answers, how many texts and how long ones are remembered: scripts repeat."""


class Hearing:
    """Finds the notices of a procedure in what was said.

    Args:
        terms: phrases by the name of what they mean.
        heard: for each notice the ways of saying it; a notice without any is never found.
        scripts: the words that are prescribed for each notice, as a template.
    """

    def __init__(
        self,
        terms: Mapping[str, Sequence[str]],
        heard: Mapping[str, Sequence[Wording]],
        scripts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._lexicon = Lexicon(terms)
        # Notices share wordings; each is looked for once in a text.
        self._wordings = list(dict.fromkeys(w for listed in heard.values() for w in listed))
        self._terms = [self._lexicon.rarest_first(wording.terms) for wording in self._wordings]
        self._heard = {
            notice: tuple(dict.fromkeys(self._wordings.index(wording) for wording in listed))
            for notice, listed in heard.items()
        }
        self._needs = {
            notice: tuple(dict.fromkeys(v for w in listed for v in self._wordings[w].values))
            for notice, listed in self._heard.items()
        }
        self._scripts = {
            notice: made
            for notice, script in scripts.items()
            if notice in self._heard and (made := as_pattern(script)) is not None
        }
        self._spans: OrderedDict[str, dict[str, Span]] = OrderedDict()
        self._read: OrderedDict[str, Said] = OrderedDict()

    @classmethod
    def of(cls, definition: Definition) -> Hearing:
        """What a procedure listens for."""
        return cls(definition.terms, definition.heard, definition.notices)

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices that can be recognised at all."""
        return tuple(self._heard)

    def needs(self, notice: str) -> tuple[str, ...]:
        """The names of the values of its due without which a notice is not said."""
        return self._needs.get(notice, ())

    def compares(self, notice: str) -> bool:
        """Whether the values of its due can tell that a notice is said, or are needed for that."""
        script = self._scripts.get(notice)
        return bool(self.needs(notice)) or (script is not None and bool(script.lists))

    def spans(self, text: str) -> Mapping[str, Span]:
        """Where each notice is said, whatever value it names; those that are not are missing.

        A wording that asks for nothing but a value is left aside here: `find` knows the value.
        """
        known = self._spans.get(text)
        if known is None:
            known = self._look(text)
            _keep(self._spans, text, known, _KEPT)
        return known

    def find(self, notice: str, text: str, values: Mapping[str, Any]) -> Span | None:
        """Where a notice is said with the values of its due, if it is.

        Values are compared by their letters and digits alone, spelled out or not.
        """
        script = self._scripts.get(notice)
        if script is not None and script.says(text, values, self.needs(notice)):
            return 0, len(text)
        if not self.needs(notice):
            return self.spans(text).get(notice)
        folded, places = fold(text)
        likely = self._likely(folded)
        listed = [number for number in self._heard[notice] if likely[number]]
        if not listed:
            return None
        said = self._said(text, folded, places)
        return standing((c for n in listed for c in claims(self._wordings[n], said, values)), said)

    def opposite(self, notice: str, text: str) -> Span | None:
        """Where a text says the contrary of a notice; None where that is not certain.

        Read from the wording of the notice that stands first, as `contrary` explains. A text in
        which the notice is said as well, and a notice that needs a value, have none.
        """
        listed = self._heard.get(notice)
        if not listed or self.needs(notice):
            return None
        wording = self._wordings[listed[0]]
        folded, places = fold(text)
        if not all(self._lexicon.maybe(term, folded) for term in self._ends(wording)):
            return None
        if notice in self.spans(text):
            return None
        firsts = {other: self._wordings[numbers[0]] for other, numbers in self._heard.items()}
        foreign = frozenset(
            term
            for other, first in firsts.items()
            if other != notice and first.sentences is None
            for term in first.terms
        )
        return contrary(wording, self._said(text, folded, places), foreign - set(wording.terms))

    # -- the parts ----------------------------------------------------------------------------

    @staticmethod
    def _ends(wording: Wording) -> tuple[str, ...]:
        """The terms without which a text cannot hold the contrary of a wording."""
        return (wording.parts[0], wording.parts[-1]) if wording.ordered else wording.terms

    def _look(self, text: str) -> dict[str, Span]:
        folded, places = fold(text)
        likely = self._likely(folded)
        if not any(yes and self._terms[number] for number, yes in enumerate(likely)):
            return {}
        said = self._said(text, folded, places)
        made = [
            list(claims(self._wordings[number], said, None)) if yes and self._terms[number] else []
            for number, yes in enumerate(likely)
        ]
        found = {
            notice: standing((claim for number in listed for claim in made[number]), said)
            for notice, listed in self._heard.items()
        }
        return {notice: span for notice, span in found.items() if span is not None}

    def _likely(self, folded: str) -> list[bool]:
        """Which wordings the text could hold; most texts hold none, and are not read further."""
        folded = glance(folded)
        seen: dict[str, bool] = {}
        denies: bool | None = None
        likely = []
        for wording, terms in zip(self._wordings, self._terms, strict=True):
            for term in terms:
                here = seen.get(term)
                if here is None:
                    here = seen[term] = self._lexicon.maybe(term, folded)
                if not here:
                    likely.append(False)
                    break
            else:
                if wording.denied and denies is None:
                    denies = may_deny(folded) or self._lexicon.maybe(DENIAL, folded)
                likely.append(not wording.denied or bool(denies))
        return likely

    def _said(self, text: str, folded: str, places: list[int] | None) -> Said:
        said = self._read.get(text)
        if said is None:
            said = Said(text, folded, places, self._lexicon)
            _keep(self._read, text, said, _READ)
        return said


_T = TypeVar("_T")


def _keep(kept: OrderedDict[str, _T], text: str, what: _T, most: int) -> None:
    if len(text) <= _KEPT_LENGTH:
        kept[text] = what
        if len(kept) > most:
            kept.popitem(last=False)
