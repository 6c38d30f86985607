"""Orders of Tryton as records: lines, prices, parcels, and the units that are in a return."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from returnflow.backends import tryton_rows as rows
from returnflow.backends import tryton_units as units
from returnflow.backends.tryton_rows import Line, Move, ProductCode, Sale, Shipment, Tax
from returnflow.backends.tryton_rpc import Session
from returnflow.records import Order, OrderLine, OrderSummary, Parcel, SummaryLine

ORDERED = ("confirmed", "processing", "done")
"""The states in which a sale is an order; before, it is an offer."""

IS_ORDER = (
    ("state", "in", list(ORDERED)),
    # A return is a sale too: of negative quantities.
    ("lines.quantity", ">", 0),
    ["OR", ("origin", "=", None), ("origin", "not like", "sale.complaint,%")],
)

_STATUS = {"done": "DELIVERED", "shipped": "IN_TRANSIT", "cancelled": "CANCELLED"}
_RETURN_STATUS = {
    "done": "RETURN_COMPLETED",
    "received": "RETURN_PICKEDUP",
    "cancelled": "CANCELLED",
}
_WITHOUT_SHIPMENT = "move-"


def status(state: str) -> str:
    """A shipment's state as the procedure names it; whatever has not left is at the warehouse."""
    return _STATUS.get(state, "AT_WAREHOUSE")


def return_status(state: str) -> str:
    """A return shipment's state as the procedure names it."""
    return _RETURN_STATUS.get(state, "RETURN_INITIATED")


@dataclass(frozen=True, slots=True)
class Packed:
    """Whole units of a line in one parcel, and the parcel's status; an empty id: not shipped."""

    package_id: str
    quantity: int
    status: str


class Book:
    """Some orders, with all that belongs to them read in a few calls.

    Raises:
        UnavailableError
    """

    def __init__(self, session: Session, sales: Sequence[Sale]) -> None:
        self._session = session
        self.sales = {sale.id: sale for sale in sales}
        self.all_lines = units.whole(session, self.sales)
        goods = [line for line in self.all_lines if _is_goods(line)]
        self.lines: dict[int, list[Line]] = defaultdict(list)
        for line in goods:
            self.lines[line.sale].append(line)
        for sale_id, lines in self.lines.items():
            place = {line: number for number, line in enumerate(self.sales[sale_id].lines)}
            lines.sort(key=lambda line: (place.get(line.id, len(place)), line.id))
        self._item_ids = _item_ids(session, goods)

    def item_id(self, line: Line) -> str:
        """The id under which the line's product is known here."""
        return self._item_ids[line.id]

    def items(self, sale: int, item_id: str) -> list[Line]:
        """The order's lines of that item, in order."""
        return [line for line in self.lines[sale] if self.item_id(line) == item_id.strip()]

    def parcels(self) -> dict[int, list[Packed]]:
        """What travels where, by line."""
        moves = rows.among(
            self._session,
            Move,
            "origin.sale",
            self.sales,
            ("state", "!=", "cancelled"),
            model="sale.line",
        )
        factors = {line.id: line.factor for line in self.all_lines}
        packed: dict[int, dict[tuple[str, str], Decimal]] = {}
        for move in moves:
            line = rows.referred(move.origin, "sale.line")
            if line not in factors:
                continue
            amount = move.quantity * move.unit.factor / factors[line]
            mine = packed.setdefault(line, defaultdict(Decimal))
            mine[_package(move)] += amount
        return {line.id: _packed(ordered(line), packed.get(line.id, {})) for line in self.all_lines}

    def orders(self, taxes: str) -> list[Order]:
        """The orders whole.

        Args:
            taxes: ``included`` or ``excluded``: what a line's price is to be.
        """
        parcels = self.parcels()
        held = units.holds(self._session, self.all_lines)
        prices = _Prices(self._session, self.all_lines if taxes == "included" else [])
        found = []
        for sale in self.sales.values():
            mine = [hold for hold in held if hold.sale == sale.id]
            lines = [
                OrderLine(
                    item_id=self.item_id(line),
                    description=_description(line),
                    quantity=ordered(line),
                    unit_price=prices.of(line, sale),
                    currency=sale.currency.code,
                    # Staff can take back more than was ordered; there is no more than all.
                    returned=min(
                        ordered(line),
                        ceiling(sum((hold.on([line.id]) for hold in mine), Decimal(0))),
                    ),
                    parcels=tuple(
                        Parcel(package_id=each.package_id, quantity=each.quantity)
                        for each in parcels[line.id]
                    ),
                )
                for line in self.lines[sale.id]
            ]
            found.append(
                Order(
                    order_id=sale.number,
                    customer_id=customer_id(sale.party.id, sale.party.code),
                    order_date=sale.sale_date.isoformat() if sale.sale_date else "",
                    payment_status=sale.invoice_state.upper().replace(" ", "_"),
                    lines=tuple(lines),
                    associated_returns=tuple(hold.number for hold in mine),
                )
            )
        return found

    def summaries(self) -> list[OrderSummary]:
        """The orders as `summarize_orders` presents them. Parcels that differ are all named."""
        parcels = self.parcels()
        return [
            OrderSummary(
                order_id=sale.number,
                order_date=sale.sale_date.isoformat() if sale.sale_date else "",
                items=tuple(
                    SummaryLine(
                        item_id=self.item_id(line),
                        description=_description(line),
                        quantity=ordered(line),
                        current_shipment_status=", ".join(
                            dict.fromkeys(_statuses(line, parcels[line.id]))
                        ),
                    )
                    for line in self.lines[sale.id]
                ),
            )
            for sale in self.sales.values()
        ]


def find_sales(session: Session, order_ids: Iterable[str], company: int) -> list[Sale]:
    """The orders with these numbers, compared trimmed and without regard to case (rule 22)."""
    wanted = [each.strip() for each in order_ids if each.strip()]
    mine = (("company", "=", company), *IS_ORDER)
    found = {sale.id: sale for sale in rows.among(session, Sale, "number", wanted, *mine)}
    # Most ids come from Tryton itself; only what was typed is searched for the slow way.
    exact = {sale.number for sale in found.values()}
    for chunk in rows.chunks([each for each in wanted if each not in exact], most=50):
        named = ["OR", *(("number", "ilike", rows.literal(each)) for each in chunk)]
        found |= {sale.id: sale for sale in rows.every(session, Sale, [named, *mine])}
    return list(found.values())


def customer_id(party: int, code: str) -> str:
    """The id under which a party is known here: its code, which is unique in Tryton."""
    return code or f"party-{party}"


def item_id(product: int, code: str, *, unique: bool) -> str:
    """The id under which a product is known here: its code, where no other product has it."""
    return code if code and unique else f"product-{product}"


def product_of(given: str) -> int | None:
    """The product behind an id made without a code; None for any other."""
    return _number(given, "product-")


def move_of(package_id: str) -> int | None:
    """The move behind an id made without a shipment; None for any other."""
    return _number(package_id, _WITHOUT_SHIPMENT)


def ordered(line: Line) -> int:
    """Whole units ordered.

    Not Tryton's "actual quantity": that is what has been shipped so far where staff ship by hand.
    """
    return whole(line.quantity or Decimal(0))


def whole(amount: Decimal) -> int:
    """Whole units: what is sold by weight or length goes back in whole units only."""
    return int(amount.to_integral_value(ROUND_FLOOR))


def ceiling(amount: Decimal) -> int:
    """Units that are taken, wholly or in part."""
    return int(amount.to_integral_value(ROUND_CEILING))


def _number(given: str, prefix: str) -> int | None:
    digits = given.removeprefix(prefix)
    if digits == given or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    return int(digits)


def _is_goods(line: Line) -> bool:
    """Not shipping, not a service, not a line that itself takes something back."""
    return (
        line.product is not None and line.product.template.type != "service" and ordered(line) >= 1
    )


def _description(line: Line) -> str:
    return (line.product.name if line.product else "") or line.description


def _package(move: Move) -> tuple[str, str]:
    """A parcel's id and status."""
    shipped = rows.referred(move.shipment, Shipment.NAME) is not None
    if shipped and move.carrier is not None and move.carrier.number:
        return move.carrier.number, status(move.carrier.state)
    if move.state == "done":
        # Handed over in the shop, or sent by the supplier: gone, but in no parcel of its own.
        return f"{_WITHOUT_SHIPMENT}{move.id}", "DELIVERED"
    return "", "NOT_YET_SHIPPED"


def _packed(most: int, found: Mapping[tuple[str, str], Decimal]) -> list[Packed]:
    """Whole units by parcel, and no more of them than were ordered."""
    packed = []
    for (package_id, state), amount in found.items():
        units_here = min(most, whole(amount))
        if units_here > 0:
            packed.append(Packed(package_id, units_here, state))
            most -= units_here
    return packed


def _statuses(line: Line, parcels: Sequence[Packed]) -> Iterable[str]:
    yield from (parcel.status for parcel in parcels)
    if sum(parcel.quantity for parcel in parcels) < ordered(line):
        yield "NOT_YET_SHIPPED"


def _item_ids(session: Session, lines: Sequence[Line]) -> dict[int, str]:
    codes = [line.product.code for line in lines if line.product and line.product.code]
    same = Counter(
        each.code for each in rows.among(session, ProductCode, "code", codes, archived=True)
    )
    return {
        line.id: item_id(line.product.id, line.product.code, unique=same[line.product.code] == 1)
        for line in lines
        if line.product
    }


class _Prices:
    """What one unit of a line costs with its taxes.

    Tryton rounds the taxes of a line, or of the whole order; no price of one unit is recorded.
    So it is computed here from the tax rates and rounded to the currency.
    """

    def __init__(self, session: Session, lines: Iterable[Line]) -> None:
        self._taxes: dict[int, Tax] = {}
        wanted = {tax for line in lines for tax in line.taxes}
        while wanted:
            found = rows.among(session, Tax, "id", wanted, archived=True)
            self._taxes |= {tax.id: tax for tax in found}
            wanted = {child for tax in found for child in tax.childs} - self._taxes.keys()

    def of(self, line: Line, sale: Sale) -> Decimal | None:
        """The price of one unit; None where it cannot be told."""
        net = line.unit_price
        cent = Decimal(1).scaleb(-sale.currency.digits)
        if net is None or not self._taxes or not line.taxes:
            return None if net is None else _short(net, cent)
        added = [_added(self._taxes, tax, net) for tax in line.taxes]
        known = [each for each in added if each is not None]
        if len(known) < len(added):
            return None
        return (net + sum(known, Decimal(0))).quantize(cent, ROUND_HALF_EVEN)


def _short(amount: Decimal, cent: Decimal) -> Decimal:
    """The same amount, without the zeros that Tryton keeps behind the currency's digits."""
    rounded = amount.quantize(cent, ROUND_HALF_EVEN)
    return rounded if rounded == amount else amount.normalize()


def _added(taxes: Mapping[int, Tax], number: int, net: Decimal) -> Decimal | None:
    tax = taxes.get(number)
    if tax is None or tax.update_unit_price:
        # A tax on top of another: only Tryton knows in which order.
        return None
    if tax.type == "percentage":
        return None if tax.rate is None else net * tax.rate
    if tax.type == "fixed":
        return tax.amount
    parts = [_added(taxes, child, net) for child in tax.childs]
    known = [each for each in parts if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None
