"""The tests that an adapter passes by subclassing `BackendContract` with its fixture."""

from __future__ import annotations

from returnflow.testing.contract.reading import ReadingContract
from returnflow.testing.contract.writing import WritingContract


class BackendContract(ReadingContract, WritingContract):
    """Subclass it, name it ``Test…``, and give it a fixture `shop` that is a `ContractShop`.

    The fixture may have the scope of a module: each test that writes uses an order of its own.
    """
