"""What every backend promises of its look-ups, one check for each; none of them writes.

They know nothing of what the shop holds but a sample, so they run against a real shop
(``returnflow backend check``) as well as in the contract.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import msgspec

from returnflow.backends.protocol import LOOK_UPS
from returnflow.errors import AmbiguousError, NotFoundError, UnavailableError
from returnflow.inert import fold
from returnflow.records import OrdersSummary
from returnflow.redacted import NOT_RECORDED
from returnflow.returns.eligibility import calendar_day, window_days
from returnflow.returns.operations import OPERATIONS
from returnflow.testing.contract.subject import Broken, NothingToCheck, Subject, need

STATUSES = (
    *("AT_WAREHOUSE", "IN_TRANSIT", "AT_DELIVERY_STATION", "OUT_FOR_DELIVERY", "DELIVERED"),
    *("DELIVERY_FAILURE", "RETURN_PICKEDUP", "RETURN_COMPLETED", "RETURN_INITIATED"),
)
"""Every package status of the domain; another one is taken as unknown (rule 11)."""

_STRANGE = ("", " ", "\x00", "' OR '1'='1", "../../etc/passwd", "%", "*", "\ud800", "x" * 5000)


@dataclass(frozen=True)
class Promise:
    """One promise: its name, the same in words, and the check.

    `check` raises `Broken` where it is not kept, `NothingToCheck` where the sample is too small,
    and `UnavailableError` where the shop gives no answer.

    Args:
        asks: it asks the shop something.
    """

    name: str
    words: str
    check: Callable[[Subject], None]
    asks: bool = True


PROMISES: list[Promise] = []


def _promise(
    words: str, *, asks: bool = True
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    def keep(check: Callable[[Subject], None]) -> Callable[[Subject], None]:
        PROMISES.append(Promise(check.__name__, words, check, asks))
        return check

    return keep


# -- what it is -------------------------------------------------------------------------------


OPTIONAL = frozenset({"issue_gift_card"})
"""Operations of other procedures than the one for returns; a shop may have them."""


@_promise("it has every operation of the procedure as a method", asks=False)
def operations(subject: Subject) -> None:
    # What stands round an adapter has them all.
    adapter = getattr(subject.backend, "inner", subject.backend)
    names = (*OPERATIONS, "capabilities", "close")
    missing = [name for name in names if not callable(getattr(adapter, name, None))]
    need(not missing, f"there is no method {', '.join(missing)}")


@_promise("it names what it can do, every look-up among it", asks=False)
def capabilities(subject: Subject) -> None:
    named = subject.backend.capabilities()
    unknown = sorted(named - set(OPERATIONS) - OPTIONAL)
    missing = [name for name in LOOK_UPS if name not in named]
    empty = [name for name in sorted(named) if not callable(getattr(subject.backend, name, None))]
    need(not unknown, f"capabilities() names what the procedure does not know: {unknown}")
    need(not empty, f"capabilities() names {', '.join(empty)}, and there is no such method")
    need(not missing, f"capabilities() does not name {', '.join(missing)}")
    for name in sorted(set(OPERATIONS) - named):
        subject.remark(f"it cannot do {name}")


@_promise("its time zone is an IANA name, or none (rule 2)", asks=False)
def zone(subject: Subject) -> None:
    name = subject.backend.zone
    if name is None:
        subject.remark("the shop has no time zone; give one with --zone, or UTC is taken")
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise Broken(f"the zone {name!r} is no IANA time zone") from None


# -- what is not there ------------------------------------------------------------------------


def _not_found(subject: Subject, operation: str, value: str) -> None:
    shown = repr(value) if len(value) < 40 else f"{value[:20]!r}…"
    try:
        found = getattr(subject.backend, operation)(value)
    except NotFoundError as error:
        if operation == "get_customer_by_email" and len(value) > 5:
            need(value not in str(error), "the message repeats the e-mail address (rule 38)")
        return
    except UnavailableError:
        raise
    except Exception as error:
        _unlike(operation, shown, error)
    raise Broken(f"{operation}({shown}) is answered with {type(found).__name__}")


def _unlike(operation: str, shown: str, error: Exception) -> NoReturn:
    raise Broken(
        f"{operation}({shown}) raises {type(error).__name__}, not NotFoundError: {error}"
    ) from error


@_promise("an address that nobody has is not found, and is not repeated in the message (rule 20)")
def unknown_customer(subject: Subject) -> None:
    _not_found(subject, "get_customer_by_email", f"{secrets.token_hex(8)}@nobody.invalid")


@_promise("an address that nobody can have is not found either")
def strange_customer(subject: Subject) -> None:
    for value in _STRANGE:
        _not_found(subject, "get_customer_by_email", value)


@_promise("an order, item or package that does not exist is not found")
def unknown_ids(subject: Subject) -> None:
    for operation in LOOK_UPS[2:]:
        _not_found(subject, operation, f"NO-{secrets.token_hex(8)}")


@_promise("an id that nothing can have is not found either, whatever is in it")
def strange_ids(subject: Subject) -> None:
    for operation in LOOK_UPS[2:]:
        for value in _STRANGE:
            _not_found(subject, operation, value)


@_promise("a summary of no orders is empty")
def empty_summary(subject: Subject) -> None:
    need(subject.backend.summarize_orders([]) == OrdersSummary(), "it is not empty")


@_promise("an order that fails is named in the summary and hides no other (rule 24)")
def failed_summary(subject: Subject) -> None:
    missing = f"NO-{secrets.token_hex(8)}"
    try:
        known = subject.order_ids()[:3]
    except NothingToCheck:
        known = []
    found = subject.backend.summarize_orders([*known[:1], missing, *known[1:]])
    failed = {failure.order_id: failure.reason for failure in found.failed}
    need(missing in failed, "an order that does not exist is not named among the failed")
    need(failed[missing].strip(), "an order that failed has no reason in words")
    loaded = {fold(order.order_id) for order in found.orders} | set(map(fold, failed))
    need(set(map(fold, known)) <= loaded, "orders beside one that failed are missing")


# -- what is there ----------------------------------------------------------------------------


@_promise("an address is trimmed and its case does not matter (rule 20)")
def typed_addresses(subject: Subject) -> None:
    for email, customer in subject.customers().items():
        for typed in (email.upper(), email.lower(), f"  {email}\t"):
            try:
                found = subject.backend.get_customer_by_email(typed)
            except (NotFoundError, AmbiguousError) as error:
                raise Broken(
                    f"in other letters, or with spaces round it, the address of "
                    f"{customer.customer_id} is answered with {type(error).__name__}"
                ) from error
            need(found == customer, f"it finds {found.customer_id}, not {customer.customer_id}")


@_promise("a customer has an id, and open orders that have ids")
def customers(subject: Subject) -> None:
    for customer in subject.customers().values():
        _well_typed(customer)
        need(customer.customer_id.strip(), "a customer without an id")
        need(all(order_id.strip() for order_id in customer.active_orders), "an order without id")
        many = len(customer.active_orders) != len(set(map(fold, customer.active_orders)))
        need(not many, f"{customer.customer_id} has the same open order twice")
        if not customer.active_orders:
            subject.remark(f"customer {customer.customer_id} has no open order")


@_promise("every open order is in the summary once, or named as failed (rule 24)")
def summaries(subject: Subject) -> None:
    ids = subject.order_ids()
    found = subject.backend.summarize_orders(ids)
    _well_typed(found)
    answered = [fold(order.order_id) for order in found.orders]
    answered += [fold(failure.order_id) for failure in found.failed]
    need(sorted(answered) == sorted(map(fold, ids)), f"asked for {ids}, answered {answered}")
    for failure in found.failed:
        subject.remark(f"order {failure.order_id} cannot be summarized: {failure.reason}")


@_promise("an order is found however its id is typed, and answers with the id as stored (rule 22)")
def typed_ids(subject: Subject) -> None:
    for order in subject.orders():
        for typed in (order.order_id, order.order_id.lower(), f" {order.order_id.upper()}\n"):
            try:
                found = subject.backend.get_order_details(typed)
            except NotFoundError:
                raise Broken(f"order {order.order_id!r} is not found as {typed!r}") from None
            need(found.order_id == order.order_id, f"{typed!r} answers as {found.order_id!r}")


@_promise("an open order belongs to the customer who lists it: ids are reconciled (rule 21)")
def owners(subject: Subject) -> None:
    by_id = {fold(order.order_id): order for order in subject.orders()}
    seen = 0
    for customer in subject.customers().values():
        for order_id in customer.active_orders:
            order = by_id.get(fold(order_id))
            seen += order is not None
            need(
                order is None or order.customer_id == customer.customer_id,
                f"order {order_id} is listed by {customer.customer_id} and says it is of "
                f"{order.customer_id if order else ''}",
            )
    if not seen:
        raise NothingToCheck("a customer with open orders")


@_promise("lines have whole quantities, exact prices and no more parcels than units (rules 17, 31)")
def lines(subject: Subject) -> None:
    for order in subject.orders():
        _well_typed(order)
        need(order.lines or order.order_id, "an order without an id")
        if not order.lines:
            subject.remark(f"order {order.order_id} has no lines")
        for line in order.lines:
            at = f"order {order.order_id}, item {line.item_id}"
            need(line.item_id.strip(), f"order {order.order_id} has a line without an item")
            need(line.quantity >= 1, f"{at}: the quantity is {line.quantity}")
            packed = sum(parcel.quantity for parcel in line.parcels)
            need(packed <= line.quantity, f"{at}: {packed} of {line.quantity} units in parcels")
            need(all(p.quantity >= 1 for p in line.parcels), f"{at}: a parcel without units")
            if line.returned is None:
                subject.remark(f"{at}: the shop does not say how many are in a return already")
            else:
                need(
                    0 <= line.returned <= line.quantity,
                    f"{at}: {line.returned} of {line.quantity} in a return",
                )
            if line.unit_price is None:
                subject.remark(f"{at}: no price, so no refund can be named")
            else:
                need(line.unit_price.is_finite(), f"{at}: the price is {line.unit_price}")
                if not line.currency:
                    subject.remark(f"{at}: the price has no currency")


@_promise("an order's date is ISO 8601 (rules 2, 3)")
def dates(subject: Subject) -> None:
    for order in subject.orders():
        if not order.order_date.strip():
            subject.remark(f"order {order.order_id} has no date, so nothing of it may go back")
        elif calendar_day(order.order_date, subject.backend.zone or "UTC") is None:
            subject.remark(f"order {order.order_id}: the date {order.order_date!r} is not readable")


@_promise("every item ordered is answered with its own record, or as not found")
def items(subject: Subject) -> None:
    found = list(subject.items())
    wanted = {line.item_id for order in subject.orders() for line in order.lines}
    for item in found:
        _well_typed(item)
        need(item.item_id in wanted, f"asked for another item, it answers {item.item_id!r}")
        need(item.cost is None or item.cost.is_finite(), f"item {item.item_id} costs {item.cost}")
        policy = item.policy
        if policy is None or policy.return_eligible is None:
            subject.remark(f"item {item.item_id}: whether it may be returned is unknown")
        elif policy.return_eligible and window_days(policy.return_window) is None:
            subject.remark(f"item {item.item_id}: its return window is unknown")


@_promise("every package of an order is answered with its own record, or as not found")
def packages(subject: Subject) -> None:
    orders = subject.orders()
    wanted = {p.package_id for o in orders for line in o.lines for p in line.parcels}
    for package in subject.packages():
        _well_typed(package)
        need(package.package_id in wanted, f"asked for another, it answers {package.package_id!r}")
        if package.current_status not in STATUSES:
            subject.remark(
                f"package {package.package_id}: the status {package.current_status!r} is unknown"
            )


@_promise("asked twice, it answers the same")
def again(subject: Subject) -> None:
    for email, customer in subject.customers().items():
        need(
            subject.backend.get_customer_by_email(email) == customer, "another customer than before"
        )
    for order in subject.orders():
        found = subject.backend.get_order_details(order.order_id)
        need(found == order, f"order {order.order_id} is another than before")


@_promise("many threads may ask at once")
def threads(subject: Subject) -> None:
    orders = subject.orders()[:4] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(subject.backend.get_order_details, [o.order_id for o in orders]))
    need(found == orders, "answers got mixed up")


def _well_typed(record: Any) -> None:
    """Every member has the type that the record declares: no float where money is exact.

    What a transcript's reader puts where nothing was recorded has no place in a shop's answer.
    """
    for path, value in _members(record, type(record).__name__):
        need(not isinstance(value, float), f"{path} is a float: {value!r}")
        need(value != NOT_RECORDED, f"{path} is {value!r}, which only a transcript's reader writes")
    try:
        msgspec.convert(
            msgspec.to_builtins(record, builtin_types=(Decimal,)), type(record), strict=True
        )
    except msgspec.ValidationError as error:
        raise Broken(f"{type(record).__name__}: {error}") from error


def _members(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _members(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, tuple | list):
        for number, each in enumerate(value):
            yield from _members(each, f"{path}[{number}]")
    else:
        yield path, value
