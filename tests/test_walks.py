"""What `returnflow.testing` ships: shops, faults, random calls, a shortest call for each row."""

from __future__ import annotations

import threading
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from returnflow.backends.protocol import Backend
from returnflow.engine.definition import Definition, load
from returnflow.engine.session import Session
from returnflow.engine.vocabulary import Event, event_name
from returnflow.errors import (
    AmbiguousError,
    NotFoundError,
    RefusedByBackendError,
    UnavailableError,
    UsageError,
)
from returnflow.records import Item, ReturnReceipt
from returnflow.returns import events as ev
from returnflow.testing import (
    Fault,
    FaultyBackend,
    MemoryShop,
    candidates,
    curated_shop,
    distances,
    generate_shop,
    handled,
    random_call,
    random_events,
    sampler_for,
    shortest_calls,
    walk,
)
from returnflow.testing.generated import POLICIES, STATUSES

STATES = Path(__file__).parent.parent / "states"


@cache
def definition() -> Definition:
    return load(STATES / "handling_returns.yaml")


@cache
def shortest() -> dict[str, list[Event]]:
    return shortest_calls(definition())


# -- shortest calls ---------------------------------------------------------------------------


def test_every_row_of_the_table_is_reached() -> None:
    """For each row, those that refuse too, there is a call that takes it."""
    wanted = {row.id for row in definition().all_rows()}
    assert wanted - set(shortest()) == set()
    assert set(shortest()) == wanted


def test_each_shortest_call_takes_its_row_at_the_end_and_not_before() -> None:
    """Replayed in a session, the last event takes the row it stands for, or is refused by it."""
    shop = curated_shop()
    for row in definition().all_rows():
        *before, last = shortest()[row.id]
        taken: list[str] = []
        session = Session.folded(
            definition(),
            shop.today,
            shop.zone,
            before,
            tracer=lambda step, taken=taken: taken.append(step.row.id),  # type: ignore[misc]
        )
        assert row.id not in taken
        step = session.propose(last)
        assert step.row is row
        assert step.accepted is (row.to is not None)


def test_calls_to_the_first_rows_are_as_short_as_they_can_be() -> None:
    """Lengths that can be counted by hand: one event in, two events, the first return."""
    lengths = {row: len(call) for row, call in shortest().items()}
    assert lengths["started/email_given/0"] == 1
    assert lengths["finding_customer/customer_found/0"] == 2
    assert lengths["orders_listed/order_unrecognised/0"] == 5
    # E-mail, customer, order id, order, pick, item, package, yes, request, opened.
    assert lengths["initiating_return/return_opened/1"] == 10
    # The same with two look-ups made ahead of the pick takes no event more.
    assert lengths["order_selected/items_picked/2"] == 7


def test_the_search_is_deterministic_and_leaves_the_shop_alone() -> None:
    """The same shop gives the same calls, and what is tried is not done on it."""
    shop = curated_shop()
    one = shortest_calls(definition(), shop, max_nodes=2_000)
    assert one == shortest_calls(definition(), shop, max_nodes=2_000)
    assert 0 < len(one) < len(shortest())
    assert one == {row: shortest()[row] for row in one}
    assert (shop.returns, shop.transfers) == ([], [])
    assert shop.orders == curated_shop().orders


# -- random calls -----------------------------------------------------------------------------


def test_random_calls_are_legal_end_and_visit_every_state() -> None:
    """Seeds 0 to 119: each event is accepted, times rise, and the call comes to an end."""
    visited: Counter[str] = Counter()
    for seed in range(120):
        events, session = walk(definition(), Random(seed))
        assert events == random_call(definition(), Random(seed)), f"seed {seed}"
        assert session.state.kind == "end", f"seed {seed} stopped in {session.state.name}"
        assert len(events) <= 60, f"seed {seed}"
        times = [event.at for event in events if event.at is not None]
        assert len(times) == len(events), f"seed {seed}"
        assert all(one < other for one, other in pairwise(times)), f"seed {seed}"
        shop = generate_shop(Random(seed))
        again = Session.folded(
            definition(),
            shop.today,
            shop.zone,
            events,
            tracer=lambda step: visited.update([step.source, step.target]),
        )
        assert again.state is session.state, f"seed {seed}"
        assert again.case.outline() == session.case.outline(), f"seed {seed}"
    assert set(visited) == set(definition().states)


def test_a_walk_leaves_the_shop_as_it_is() -> None:
    """What a call writes, it writes to a copy (seeds 0 to 39)."""
    opened = 0
    for seed in range(40):
        shop = generate_shop(Random(seed))
        orders = dict(shop.orders)
        events = random_call(definition(), Random(seed), shop)
        opened += sum(isinstance(event, ev.ReturnOpened) for event in events)
        assert (shop.orders, shop.returns, shop.transfers) == (orders, [], []), f"seed {seed}"
    assert opened, "no walk opened a return"


def test_a_short_walk_stops_at_its_limit() -> None:
    """`max_events` binds, though it be too short for an end."""
    assert random_call(definition(), Random(3), max_events=0) == []
    assert len(random_call(definition(), Random(3), max_events=1)) == 1
    events, session = walk(definition(), Random(3), max_events=8)
    assert len(events) <= 8
    assert session.state.kind == "end"


def test_random_events_are_of_every_kind() -> None:
    """Arbitrary events: all of the vocabulary, the same for the same seed."""
    events = random_events(definition(), Random(11), 2_000)
    assert events == random_events(definition(), Random(11), 2_000)
    assert {type(event) for event in events} == set(definition().vocabulary.events)
    shop = curated_shop()
    emails = {
        e.email
        for e in random_events(definition(), Random(1), 500, shop)
        if type(e) is ev.EmailGiven
    }
    assert emails <= {customer.email for customer in shop.customers.values()} | {""}


def test_candidates_are_about_events_that_the_state_handles() -> None:
    """Nothing is tried that no row is about, and some of it is refused."""
    shop = generate_shop(Random(5))
    session = Session(definition(), shop.today, shop.zone)
    names = handled(definition())
    refused = 0
    for event in random_call(definition(), Random(6), shop):
        tried = candidates(session, shop.copy(), Random(7))
        assert {event_name(one) for one in tried} <= set(names[session.state.name])
        refused += sum(not session.propose(one).accepted for one in tried)
        session.accept(session.propose(event))
    assert refused
    assert names[session.state.name] == ()


def test_distances_to_an_end_and_to_a_state() -> None:
    """Rows away, whatever the guards say; what cannot get there is left out."""
    away = distances(definition())
    assert (away["closed"], away["started"], away["initiating_return"]) == (0, 1, 2)
    to_start = distances(definition(), "started")
    assert to_start["finding_customer"] == 1
    assert "transferring" not in to_start


def test_a_vocabulary_without_a_sampler_is_named() -> None:
    """The message says what is missing and where to put it."""
    with pytest.raises(UsageError, match=r"'lending'.*returns.*samplers"):
        sampler_for("lending")


# -- shops ------------------------------------------------------------------------------------


def test_generated_shops_show_all_that_real_data_show() -> None:
    """Over seeds 0 to 59: every status and policy, split lines, repeated items, missing things."""
    found: set[object] = set()
    for seed in range(60):
        shop = generate_shop(Random(seed))
        assert {item.policy for item in shop.items.values()} == set(POLICIES), f"seed {seed}"
        with pytest.raises(AmbiguousError):
            shop.get_customer_by_email(" TWINS@example.com")
        assert shop.get_customer_by_email("two.mixed@EXAMPLE.com").customer_id == "C2"
        found |= {package.current_status for package in shop.packages.values()}
        for order in shop.orders.values():
            items = [line.item_id for line in order.lines]
            found.add("repeated" if len(items) > len(set(items)) else "")
            found.add("missing item" if set(items) - set(shop.items) else "")
            for line in order.lines:
                found.add("split" if len(line.parcels) > 1 else "")
                found.add("returned" if line.returned else "")
                ids = {parcel.package_id for parcel in line.parcels}
                found.add("not shipped" if "" in ids else "")
                found.add("missing package" if ids - {""} - set(shop.packages) else "")
    wanted = {"repeated", "missing item", "split", "returned", "not shipped", "missing package"}
    assert wanted | set(STATUSES) <= found


def lamp_return(shop: Backend, key: str, quantity: int = 1, reason: str = "OTHER") -> ReturnReceipt:
    return shop.initiate_return("O-ANN", "LAMP", quantity, reason, idempotency_key=key)


def test_a_memory_shop_opens_one_return_for_a_key() -> None:
    """The same key gives the same receipt; other arguments under it are refused (rules 28, 29)."""
    shop = curated_shop()
    receipt = lamp_return(shop, "k1")
    assert lamp_return(shop, "k1") == receipt
    assert len(shop.returns) == 1
    with pytest.raises(RefusedByBackendError) as refused:
        lamp_return(shop, "k1", quantity=2)
    assert refused.value.code == "key_reused"
    assert [line.returned for line in shop.get_order_details(" o-ann ").lines] == [1, 0, 0]


@pytest.mark.parametrize(
    ("order_id", "item_id", "quantity", "reason", "code"),
    [
        ("O-NONE", "LAMP", 1, "OTHER", "unknown_order"),
        ("O-ANN", "MUG", 1, "OTHER", "unknown_item"),
        ("O-ANN", "LAMP", 0, "OTHER", "bad_quantity"),
        ("O-ANN", "LAMP", 1, "BORED", "bad_reason"),
        ("O-ANN", "LAMP", 3, "OTHER", "already_returned"),
    ],
)
def test_a_memory_shop_refuses_plainly(
    order_id: str, item_id: str, quantity: int, reason: str, code: str
) -> None:
    """Each refusal has its code, and nothing is done."""
    shop = curated_shop()
    with pytest.raises(RefusedByBackendError) as refused:
        shop.initiate_return(order_id, item_id, quantity, reason, idempotency_key="k")
    assert refused.value.code == code
    assert shop.returns == []


def test_a_memory_shop_takes_one_transfer_for_a_key() -> None:
    """Without a customer id too; an empty summary is refused."""
    shop = curated_shop()
    assert isinstance(shop, Backend)
    one = shop.transfer_to_human_representative(None, "is lost", idempotency_key="t1")
    assert shop.transfer_to_human_representative(None, "is lost", idempotency_key="t1") == one
    assert len(shop.transfers) == 1
    for key, summary in (("t1", "other words"), ("t2", " ")):
        with pytest.raises(RefusedByBackendError):
            shop.transfer_to_human_representative("ANN", summary, idempotency_key=key)
    assert len(shop.transfers) == 1


def test_what_fails_to_load_does_not_hide_the_rest() -> None:
    """Rule 24: a failing order and one that is missing are named beside those that loaded."""
    summary = curated_shop().summarize_orders(["O-LOST", "O-ANN", "O-NONE"])
    assert [order.order_id for order in summary.orders] == ["O-ANN"]
    assert [failed.order_id for failed in summary.failed] == ["O-LOST", "O-NONE"]
    assert all(failed.reason for failed in summary.failed)


# -- faults -----------------------------------------------------------------------------------


def faulty(fault: Fault, number: int = 1) -> tuple[FaultyBackend, MemoryShop]:
    shop = curated_shop()
    return FaultyBackend(shop, {("initiate_return", number): fault}), shop


@pytest.mark.parametrize(
    ("fault", "outcome", "done"),
    [
        (Fault("timeout_before"), "unknown", 0),
        (Fault("timeout_after"), "unknown", 1),
        (Fault("no_connection"), "known", 0),
        (Fault("error_text", "<error> lock </error>"), "unknown", 1),
    ],
)
def test_a_fault_says_what_is_known_and_a_repeat_settles_it(
    fault: Fault, outcome: str, done: int
) -> None:
    """The work is done or not as planned; the same key again gives exactly one (rules 29, 30)."""
    backend, shop = faulty(fault)
    with pytest.raises(UnavailableError) as failed:
        lamp_return(backend, "k1")
    assert failed.value.outcome == outcome
    assert (fault.message or " ") in str(failed.value)
    assert len(shop.returns) == done
    lamp_return(backend, "k1")
    assert len(shop.returns) == 1


def test_faults_are_counted_by_operation_and_call() -> None:
    """The second return fails, whatever was looked up in between."""
    backend, shop = faulty(Fault("refusal", "no stock count", code="audit"), number=2)
    lamp_return(backend, "k1")
    assert backend.get_order_details("O-ANN").order_id == "O-ANN"
    assert backend.get_customer_by_email("ann@example.com").customer_id == "ANN"
    assert backend.get_package_details("P-HERE").current_status == "DELIVERED"
    assert backend.summarize_orders(["O-BEA"]).orders[0].order_id == "O-BEA"
    with pytest.raises(RefusedByBackendError, match="no stock count") as refused:
        lamp_return(backend, "k2")
    assert refused.value.code == "audit"
    lamp_return(backend, "k3")
    assert [made.key for made in shop.returns] == ["k1", "k3"]
    assert backend.calls.count("initiate_return") == 3
    assert backend.capabilities() == shop.capabilities()
    assert backend.zone == shop.zone
    backend.close()


def test_a_slow_call_waits_until_it_is_let_go() -> None:
    """It has begun, it is not done, and after its release it is."""
    fault = Fault("slow")
    backend, shop = faulty(fault)
    caller = threading.Thread(target=lamp_return, args=(backend, "k1"))
    caller.start()
    assert fault.begun.wait(10)
    assert shop.returns == []
    fault.release.set()
    caller.join(10)
    assert len(shop.returns) == 1


def test_a_wrong_record_comes_back_instead_of_the_answer() -> None:
    """The planned record, for the one call that was planned."""
    other = Item(item_id="OTHER")
    plan = {("get_item_details", 1): Fault("wrong", record=other)}
    backend = FaultyBackend(curated_shop(), plan)
    assert backend.get_item_details("LAMP") is other
    assert backend.get_item_details("LAMP").item_id == "LAMP"
    with pytest.raises(NotFoundError):
        backend.get_item_details("GONE")
    assert backend.transfer_to_human_representative("ANN", "x", idempotency_key="t").reference
