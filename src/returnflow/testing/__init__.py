"""For authors of adapters and procedures: shops, faults, and calls made up by the hundred.

Shipped with the program; nothing here but the contracts needs pytest. A vocabulary of your
own joins in by putting a `Sampler` into `samplers` under its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from returnflow.testing.calls import (
    candidates,
    distances,
    handled,
    random_call,
    random_events,
    shortest_calls,
    walk,
)
from returnflow.testing.contract.data import ContractShop, contract_shop
from returnflow.testing.delayed_sampler import DelayedSampler
from returnflow.testing.faults import Fault, FaultKind, FaultyBackend
from returnflow.testing.generated import generate_shop
from returnflow.testing.mutations import Mutation, mutate, mutations
from returnflow.testing.returns_sampler import ReturnsSampler
from returnflow.testing.sampler import Sampler, Situation, sampler_for, samplers
from returnflow.testing.shop import (
    MemoryShop,
    OpenedReturn,
    Transfer,
    curated_shop,
)

if TYPE_CHECKING:
    from returnflow.testing.contract.gift_cards import GiftCardContract
    from returnflow.testing.contract.suite import BackendContract

__all__ = [
    "BackendContract",
    "ContractShop",
    "DelayedSampler",
    "Fault",
    "FaultKind",
    "FaultyBackend",
    "GiftCardContract",
    "MemoryShop",
    "Mutation",
    "OpenedReturn",
    "ReturnsSampler",
    "Sampler",
    "Situation",
    "Transfer",
    "candidates",
    "contract_shop",
    "curated_shop",
    "distances",
    "generate_shop",
    "handled",
    "mutate",
    "mutations",
    "random_call",
    "random_events",
    "sampler_for",
    "samplers",
    "shortest_calls",
    "walk",
]


def __getattr__(name: str) -> Any:
    """The contracts, imported late: they need pytest, which explains their asserts then."""
    if name not in _CONTRACTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    import pytest

    for module in ("base", "reading", "writing", "gift_cards"):
        pytest.register_assert_rewrite(f"returnflow.testing.contract.{module}")
    return getattr(import_module(_CONTRACTS[name]), name)


_CONTRACTS = {
    "BackendContract": "returnflow.testing.contract.suite",
    "GiftCardContract": "returnflow.testing.contract.gift_cards",
}
