"""Rule 38: e-mail addresses and phone numbers leave the program masked, unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from returnflow.engine.vocabulary import Vocabulary
    from returnflow.masking import Masker

UNMASK = click.option(
    "--unmask",
    is_flag=True,
    help="Show e-mail addresses and phone numbers; without it they are replaced by a keyed hash.",
)


def masker(vocabularies: Iterable[Vocabulary]) -> Masker:
    """What masks, with the key of the data folder, the personal fields of these vocabularies.

    Raises:
        UsageError: the key cannot be read or made.
    """
    from returnflow import masking
    from returnflow.home import data_dir

    personal: dict[str, str] = {}
    for vocabulary in vocabularies:
        personal |= vocabulary.personal
    return masking.Masker(masking.MaskKey.load(data_dir()), personal)
