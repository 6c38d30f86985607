"""Ids in shop data: one record under several spellings, and who points at which.

A record has the key that it stands under and mostly an id inside; the two can differ
(``CUST001001`` / ``CUST0001001``), and others point at either. The key counts. What leads to one
record only is reconciled; what leads to several leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from returnflow.inert import fold
from returnflow.returns.shopvalues import bare_id


class Ids:
    """The ids of one file's records.

    Args:
        inner: by key, the id inside the record; "" where it has none.
    """

    def __init__(self, inner: Mapping[str, str]) -> None:
        self._inner = inner

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        return _index((fold(key), key) for key in self._inner)

    @cached_property
    def _inside(self) -> dict[str, list[str]]:
        return _index((fold(found), key) for key, found in self._inner.items() if found)

    @cached_property
    def _bare(self) -> dict[str, list[str]]:
        both = ((bare_id(name), key) for key, id_ in self._inner.items() for name in (key, id_))
        return _index((bare, key) for bare, key in both if bare)

    def find(self, wanted: str) -> str | None:
        """The key of the record with this key or id; case and spaces do not matter (rule 22)."""
        if wanted in self._inner:
            return wanted
        folded = fold(wanted)
        found = self._folded.get(folded) or self._inside.get(folded, [])
        return found[0] if len(found) == 1 else None

    def resolve(self, pointer: str) -> str | None:
        """The key of the record that `pointer` means: as `find`, else the only one that differs
        no more than in zeros and punctuation."""
        found = self.find(pointer)
        if found is None and (likes := self.likes(pointer)):
            found = likes[0] if len(likes) == 1 else None
        return found

    def likes(self, pointer: str) -> list[str]:
        """The keys of all records that `pointer` may mean, spelt otherwise."""
        bare = bare_id(pointer)
        return self._bare.get(bare, []) if bare else []

    def doubts(self) -> Iterable[tuple[str, bool, str]]:
        """What is odd: the key, whether it could be mended, and in words why."""
        for keys in self._folded.values():
            for key in keys if len(keys) > 1 else ():
                others = ", ".join(repr(each) for each in keys if each != key)
                yield key, False, f"differs from {others} in case alone; typed so it is not found"
        for key, inside in self._inner.items():
            if not inside or fold(inside) == fold(key):
                continue
            if fold(inside) in self._folded:
                words = "that is the key of another record, so it leads there"
                yield key, False, f"the id inside is {inside!r}; {words}"
            elif len(self._inside[fold(inside)]) > 1:
                words = "so is that of another record, so it leads to neither"
                yield key, False, f"the id inside is {inside!r}; {words}"
            else:
                yield key, True, f"the id inside is {inside!r}; both lead here, the key counts"


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, key in pairs:
        keys = found.setdefault(name, [])
        if key not in keys:
            keys.append(key)
    return found
