"""The network is cut in the middle of a return: asked again, it is one return, wherever it was."""

from __future__ import annotations

from contextlib import closing

import pytest

from returnflow.backends import tryton
from returnflow.backends.tryton import TrytonShop
from returnflow.errors import RefusedByBackendError, UnavailableError
from returnflow.records import ReturnReceipt
from tryton import shop as live
from tryton.relay import Act, Relay, once
from tryton.server import Server
from tryton.staff import Staff

WRITES = [
    ("sale.complaint.create", 1),
    ("sale.complaint.wait", 1),
    ("res.user.warning.skip", 1),
    ("sale.complaint.wait", 2),
    ("sale.complaint.approve", 1),
    ("sale.sale.quote", 1),
    ("sale.sale.confirm", 1),
]
"""Everything that a return writes, in order: on an order on which a complaint stands already, so
that Tryton asks whether this one is similar."""

LOOK_UPS = ("search_read", "login", "get_preferences")

ONE = [("processing", -1.0, "draft")]
"""One return of one unit, and its parcel."""


def open_one(shop: TrytonShop, key: str, order: str = "CUTS") -> ReturnReceipt:
    return shop.initiate_return(order, "KETTLE", 1, "DEFECTIVE", idempotency_key=key, note="leaks")


@pytest.fixture(scope="module", autouse=True)
def _first_return(server: Server) -> None:
    """After it, every further return of the order is similar to another."""
    with closing(tryton.connect(server.url(), policy=live.POLICY)) as shop:
        open_one(shop, "cuts-first")


def test_the_cuts_below_are_at_everything_that_is_written(
    relay: Relay, unlucky: TrytonShop
) -> None:
    """A further call of the adapter needs a cut of its own here."""
    open_one(unlucky, "cuts-none")
    written = [name.removeprefix("model.") for name in relay.methods if not name.endswith(LOOK_UPS)]
    assert written == [name for name, _ in WRITES]


@pytest.mark.parametrize(
    ("method", "number", "act"),
    [
        *((*write, "cut_before") for write in WRITES),
        *((*write, "cut_after") for write in WRITES),
        ("sale.complaint.approve", 1, "error_text"),
    ],
)
def test_asked_again_after_a_cut_it_is_one_return(
    relay: Relay,
    unlucky: TrytonShop,
    shop: TrytonShop,
    staff: Staff,
    method: str,
    number: int,
    act: Act,
) -> None:
    """Rules 28, 29, 30: before the work or after it, the outcome is unknown, and then settled."""
    key = f"cut-{method}-{number}-{act}"
    relay.plan = once(method, act, number=number)
    with pytest.raises(UnavailableError) as caught:
        open_one(unlucky, key)
    assert caught.value.outcome == "unknown"
    receipt = open_one(shop, key)
    assert receipt.tracking_id
    assert [state for _, state in staff.complaints(key)] == ["done"]
    assert staff.returned(key) == ONE
    assert open_one(unlucky, key) == receipt


def test_cut_off_again_and_again(relay: Relay, unlucky: TrytonShop, staff: Staff) -> None:
    """Rule 29: each repeat gets a little further, and it is still one return."""
    for method, _ in WRITES:
        relay.plan = once(method, "cut_after")
        with pytest.raises(UnavailableError):
            open_one(unlucky, "cut-every-time")
    relay.plan = lambda method: "pass"
    assert open_one(unlucky, "cut-every-time").tracking_id
    assert staff.returned("cut-every-time") == ONE


def test_a_look_up_that_is_cut_is_made_again(relay: Relay, unlucky: TrytonShop) -> None:
    """Nothing can have happened, so the agent need not hear of it."""
    relay.plan = once("sale.sale.search_read", "cut_before")
    assert unlucky.get_order_details("CUTS").order_id == "CUTS"
    assert relay.methods.count("model.sale.sale.search_read") >= 2


def test_what_is_cut_before_anything_is_sent_is_known(
    relay: Relay, unlucky: TrytonShop, staff: Staff
) -> None:
    """Rule 30: nothing was done, and the agent is told so."""
    relay.plan = lambda method: "cut_before" if method.endswith("search_read") else "pass"
    with pytest.raises(UnavailableError) as caught:
        open_one(unlucky, "cut-look-up")
    assert caught.value.outcome == "known"
    assert staff.complaints("cut-look-up") == []


def test_after_a_claim_even_a_look_up_that_is_cut_leaves_it_unknown(
    relay: Relay, unlucky: TrytonShop
) -> None:
    """Rule 29: the complaint stands, so nobody can say that nothing was done."""
    relay.plan = once("sale.complaint.create", "cut_after")
    with pytest.raises(UnavailableError):
        open_one(unlucky, "cut-claimed")
    relay.plan = lambda method: "cut_before" if "sale.sale.search" in method else "pass"
    with pytest.raises(UnavailableError) as caught:
        open_one(unlucky, "cut-claimed")
    assert caught.value.outcome == "unknown"


def test_a_session_that_has_run_out_is_renewed(
    relay: Relay, unlucky: TrytonShop, staff: Staff
) -> None:
    """Tryton turns such a call away before it does anything; it is made anew after a login."""
    turned_away = iter([(401, b"")])
    relay.answer = lambda method: next(turned_away, None) if "complaint.create" in method else None
    assert open_one(unlucky, "new-session").tracking_id
    assert relay.methods.count("common.db.login") == 2
    assert [state for _, state in staff.complaints("new-session")] == ["done"]


def test_a_server_that_is_down_is_told_at_once(relay: Relay, server: Server) -> None:
    """Nothing was sent, so nothing can have happened."""
    with closing(tryton.connect(server.url(), policy=live.POLICY)) as shop:
        assert shop.get_item_details("KETTLE")
    unused = relay.port
    relay.answer = lambda method: (503, b"<html>down for maintenance</html>")
    with pytest.raises(UnavailableError, match="HTTP status 503") as caught:
        tryton.connect(server.url(port=unused), policy=live.POLICY)
    assert caught.value.outcome == "known"


def test_a_transfer_that_is_cut_is_made_once(
    relay: Relay, unlucky: TrytonShop, staff: Staff
) -> None:
    """Rules 28, 29: the same for handing over."""
    acts: tuple[Act, ...] = ("cut_before", "cut_after")
    for act in acts:
        key = f"transfer-{act}"
        relay.plan = once("sale.complaint.create", act)
        with pytest.raises(UnavailableError) as caught:
            unlucky.transfer_to_human_representative("DORA", "Help.", idempotency_key=key)
        assert caught.value.outcome == "unknown"
        receipt = unlucky.transfer_to_human_representative("DORA", "Help.", idempotency_key=key)
        assert receipt.reference
        assert [state for _, state in staff.complaints(key)] == ["draft"]


def test_without_the_right_nothing_stays_behind(
    relay: Relay, unlucky: TrytonShop, staff: Staff
) -> None:
    """Rule 30: a step that Tryton declines is a refusal, and the claim is taken back."""
    words = b'{"id": 0, "error": ["UserError", ["You may not approve.", "", null]]}'
    relay.answer = lambda method: (200, words) if method.endswith("approve") else None
    with pytest.raises(RefusedByBackendError, match=r"You may not approve\.") as caught:
        open_one(unlucky, "no-right")
    assert caught.value.code == "declined"
    assert [state for _, state in staff.complaints("no-right")] == ["cancelled"]
