"""For authors of adapters and procedures: shops, faults, and calls made up by the hundred.

Shipped with the program; nothing here needs pytest or hypothesis to be imported. A vocabulary
of your own joins in by putting a `Sampler` into `samplers` under its name.
"""

from __future__ import annotations

from returnflow.testing.calls import (
    candidates,
    distances,
    handled,
    random_call,
    random_events,
    shortest_calls,
    walk,
)
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

__all__ = [
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
