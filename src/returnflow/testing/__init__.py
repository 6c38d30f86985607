"""For authors of adapters and procedures: shops, faults, and calls made up by the hundred.

Shipped with the program; nothing here but `BackendContract` needs pytest. A vocabulary of your
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
    from returnflow.testing.contract.suite import BackendContract

__all__ = [
    "BackendContract",
    "ContractShop",
    "Fault",
    "FaultKind",
    "FaultyBackend",
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
    """`BackendContract`, imported late: it alone needs pytest, which explains its asserts then."""
    if name != "BackendContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    for module in ("base", "reading", "writing"):
        pytest.register_assert_rewrite(f"returnflow.testing.contract.{module}")
    from returnflow.testing.contract.suite import BackendContract

    return BackendContract
