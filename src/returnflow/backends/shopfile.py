"""The demo shop's files, read into records: the border between people and program.

A folder holds `shop.yaml` (the zone), `catalogue.yaml` (the items) and `people/*.yaml` (one
customer each, with their orders, packages, earlier returns and a scenario). The header of
`shop.yaml` says how they are written. Dates are relative to the day of loading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from returnflow import records
from returnflow.backends import shopdata
from returnflow.engine import yamltext
from returnflow.errors import DefinitionError, UsageError
from returnflow.inert import fold

_DAYS = re.compile(r"([+-]?[0-9]{1,5})(?:\s+([0-9]{2}:[0-9]{2})(?:\s+(\S+))?)?", re.ASCII)


def _as_text(value: Any) -> Any:
    if value is None:
        return ""
    # YAML's plain 30 is a number; here it stands for the text that the shop recorded.
    return str(value) if type(value) is int else value


Text = Annotated[str, BeforeValidator(_as_text)]
Id = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Units = Annotated[int, Field(ge=1, le=1_000_000)]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from None
    return name


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ShopModel(_Model):
    zone: Annotated[str, BeforeValidator(_as_text)]


class _ItemModel(_Model):
    id: Id
    description: Text
    category: Text = ""
    cost: Money | None = None
    currency: Currency | None = None
    returnable: bool | None = None
    window: Annotated[str, BeforeValidator(_as_text)] | None = None

    def record(self) -> records.Item:
        block = {"returnable", "window"} & self.model_fields_set
        policy = records.ReturnPolicy(return_eligible=self.returnable, return_window=self.window)
        return records.Item(
            item_id=self.id,
            description=self.description,
            category=self.category,
            cost=self.cost,
            currency=self.currency or "",
            policy=policy if block else None,
        )


class _CatalogueModel(_Model):
    items: list[_ItemModel]


class _CustomerModel(_Model):
    id: Id
    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    phone: Text = ""
    suspected_fraud: bool = False
    active_orders: list[Id] | None = None


class _ParcelModel(_Model):
    package: Text = ""
    quantity: Units


class _LineModel(_Model):
    item: Id
    quantity: Units = 1
    price: Money | None = None
    description: Annotated[str, BeforeValidator(_as_text)] | None = None
    package: Text = ""
    parcels: list[_ParcelModel] | None = None


class _OrderModel(_Model):
    id: Id
    ordered: Text = ""
    currency: Currency
    payment: Text = "SUCCESS"
    active: bool = True
    lines: list[_LineModel] = Field(min_length=1)


class _PackageModel(_Model):
    id: Id
    status: Text
    type: Text = "ORDER_DELIVERY"
    estimated: Text = ""
    delivered: Text = ""
    promised: Text = ""
    shipping: Money | None = None
    currency: Currency | None = None
    gift_card: Text = ""


class _ReturnModel(_Model):
    id: Id
    tracking: Id
    order: Id
    item: Id
    quantity: Units = 1
    reason: Text = "OTHER"
    status: Text = "COMPLETED"
    opened: Text = ""


class _PickModel(_Model):
    item: Id
    quantity: Units = 1
    reason: Text = "OTHER"
    note: Text = ""


class _ReturnedModel(_Model):
    item: Id
    quantity: Units = 1
    refund: Money | None = None
    currency: Currency | None = None


class _ExpectModel(_Model):
    end: shopdata.End
    answer: shopdata.Answer | None = None
    listed: list[Id] | None = None
    failed: list[Id] = []
    returned: list[_ReturnedModel] = []
    refused: dict[str, list[str]] = {}
    advice: dict[str, str] = {}


class _ScriptModel(_Model):
    email: Text
    listing: bool = False
    order: Annotated[str, BeforeValidator(_as_text)] | None = None
    picks: list[_PickModel] = []
    finish: shopdata.Finish = "close"
    expect: _ExpectModel


class _CardModel(_Model):
    package: Id
    amount: Money
    currency: Currency


class _NewsModel(_Model):
    end: Literal["closed", "closed_without_news", "transferred", "abandoned"]
    told: list[Id] = []
    gift_card: _CardModel | None = None


class _WaitingScriptModel(_Model):
    lines: list[Annotated[str, BeforeValidator(_as_text)]] = Field(min_length=1)
    expect: _NewsModel


class _SomebodyModel(_Model):
    title: Id
    attempt: Id = Field(alias="try")
    outcome: Id = Field(alias="expect")
    customer: _CustomerModel
    orders: list[_OrderModel] = []
    packages: list[_PackageModel] = []
    returns: list[_ReturnModel] = []


class _PersonModel(_SomebodyModel):
    script: _ScriptModel


class _WaitingModel(_SomebodyModel):
    script: _WaitingScriptModel


_M = TypeVar("_M", bound=BaseModel)


class _File:
    """One file, read and validated; what is wrong is named with its place."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            self._document = yamltext.read_file(path, name)
        except DefinitionError as error:
            raise UsageError(f"the shop's files cannot be used:\n{error}") from None

    def model(self, kind: type[_M]) -> _M:
        try:
            return kind.model_validate(self._document.data)
        except ValidationError as error:
            problems = [
                self._document.problem(
                    tuple(part for part in found["loc"] if isinstance(part, str | int)),
                    f"{'.'.join(map(str, found['loc'])) or 'the file'}: {found['msg']}",
                )
                for found in error.errors(include_url=False, include_input=False)
            ]
            raise UsageError("the shop's files cannot be used:\n" + "\n".join(problems)) from None

    def fail(self, message: str, *path: str | int) -> UsageError:
        problem = self._document.problem(path, message)
        return UsageError(f"the shop's files cannot be used:\n{problem}")


def read_shop(
    folder: Path, today: Callable[[str], date]
) -> tuple[shopdata.ShopData, list[shopdata.Scenario]]:
    """The shop in `folder` with its scenarios, in the order of the file names.

    Args:
        today: gives the day that relative dates are counted from, for the shop's zone.

    Raises:
        UsageError: something cannot be read or does not fit; with file, line and column.
    """
    file = _File(folder / "shop.yaml", "shop.yaml")
    try:
        zone = _zone(file.model(_ShopModel).zone)
    except ValueError as error:
        raise file.fail(str(error), "zone") from None
    file = _File(folder / "catalogue.yaml", "catalogue.yaml")
    items = [item.record() for item in file.model(_CatalogueModel).items]
    _distinct(file, "item", (item.item_id for item in items))
    reader = _People({item.item_id: item for item in items}, today(zone), zone)
    for path in sorted((folder / "people").glob("*.yaml")):
        reader.read(path)
    for path in sorted((folder / "waiting").glob("*.yaml")):
        reader.read_waiting(path)
    shop = shopdata.ShopData(
        zone=zone,
        loaded_on=reader.today.isoformat(),
        customers=tuple(reader.customers),
        orders=tuple(reader.orders),
        items=tuple(items),
        packages=tuple(reader.packages),
        returns=tuple(reader.returns),
    )
    return shop, reader.scenarios


def read_waiting(folder: Path) -> list[shopdata.Waiting]:
    """Those who wait for a package in the shop in `folder`, in the order of the file names.

    Raises:
        UsageError: something cannot be read or does not fit; with file, line and column.
    """
    found = []
    for path in sorted((folder / "waiting").glob("*.yaml")):
        person = _File(path, f"waiting/{path.name}").model(_WaitingModel)
        expect = person.script.expect
        card = expect.gift_card
        found.append(
            shopdata.Waiting(
                name=path.stem,
                title=person.title,
                attempt=person.attempt,
                outcome=person.outcome,
                email=person.customer.email,
                lines=tuple(person.script.lines),
                end=expect.end,
                told=tuple(expect.told),
                gift_card=shopdata.IssuedCard(**card.model_dump()) if card else None,
            )
        )
    return found


def _distinct(file: _File, what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for found in ids:
        if found in seen:
            raise file.fail(f"the {what} {found!r} is there twice; each needs an id of its own")
        seen.add(found)


class _People:
    """Reads people's files one after the other and gathers what is in them."""

    def __init__(self, items: dict[str, records.Item], today: date, zone: str) -> None:
        self.today = today
        self.customers: list[records.Customer] = []
        self.orders: list[records.Order] = []
        self.packages: list[records.Package] = []
        self.returns: list[shopdata.PastReturn] = []
        self.scenarios: list[shopdata.Scenario] = []
        self._items = items
        self._zone = zone
        self._seen: dict[tuple[str, str], str] = {}

    def read(self, path: Path) -> None:
        file = _File(path, f"people/{path.name}")
        person = file.model(_PersonModel)
        self._take(file, person)
        self.scenarios.append(_scenario(path.stem, person))

    def read_waiting(self, path: Path) -> None:
        file = _File(path, f"waiting/{path.name}")
        self._take(file, file.model(_WaitingModel))

    def _take(self, file: _File, person: _SomebodyModel) -> None:
        self._claim(file, "customer", person.customer.id, ("customer", "id"))
        for index, package in enumerate(person.packages):
            self._claim(file, "package", package.id, ("packages", index, "id"))
            self.packages.append(self._package(file, package, index))
        for index, order in enumerate(person.orders):
            self._claim(file, "order", fold(order.id), ("orders", index, "id"))
            self.orders.append(self._order(file, person.customer.id, order, index))
        for index, past in enumerate(person.returns):
            self._claim(file, "return", past.id, ("returns", index, "id"))
            self._claim(file, "tracking id", past.tracking, ("returns", index, "tracking"))
            self.returns.append(self._return(file, past, index))
        self.customers.append(_customer(person))

    def _claim(self, file: _File, what: str, found: str, path: tuple[str | int, ...]) -> None:
        first = self._seen.get((what, found))
        if first is not None:
            raise file.fail(f"the {what} {found!r} is in {first} already", *path)
        self._seen[what, found] = file.name

    def _when(self, file: _File, text: str, *path: str | int) -> str:
        """ISO text for ``-12``, ``-12 21:30`` or ``-12 21:30 UTC``; other text stays as it is."""
        match = _DAYS.fullmatch(text.strip())
        if match is None:
            return text
        day = self.today + timedelta(days=int(match[1]))
        if match[2] is None:
            return day.isoformat()
        try:
            moment = datetime.combine(day, time.fromisoformat(match[2]))
            if match[3] != "none":
                moment = moment.replace(tzinfo=ZoneInfo(_zone(match[3] or self._zone)))
        except ValueError as error:
            raise file.fail(f"{text!r} is no time: {error}", *path) from None
        return moment.isoformat()

    def _package(self, file: _File, package: _PackageModel, index: int) -> records.Package:
        if package.shipping is not None and package.currency is None:
            raise file.fail("what shipping costs needs a `currency`", "packages", index, "shipping")
        return records.Package(
            package_id=package.id,
            type=package.type,
            current_status=package.status,
            estimated_delivery_date=self._when(
                file, package.estimated, "packages", index, "estimated"
            ),
            final_delivery_date=self._when(file, package.delivered, "packages", index, "delivered"),
            promised_delivery_date=self._when(
                file, package.promised, "packages", index, "promised"
            ),
            shipment_cost=package.shipping,
            currency=package.currency or "",
            gift_card_id=package.gift_card,
        )

    def _order(self, file: _File, owner: str, order: _OrderModel, index: int) -> records.Order:
        lines = []
        for number, line in enumerate(order.lines):
            place = ("orders", index, "lines", number)
            parcels = line.parcels
            if parcels is None:
                parcels = [_ParcelModel(package=line.package, quantity=line.quantity)]
            elif line.package:
                raise file.fail("give `package` or `parcels`, not both", *place)
            packed = sum(parcel.quantity for parcel in parcels)
            if packed != line.quantity:
                raise file.fail(f"{line.quantity} ordered, but {packed} in parcels", *place)
            item = self._items.get(line.item)
            description = line.description
            if description is None:
                description = item.description if item else ""
            lines.append(
                records.OrderLine(
                    item_id=line.item,
                    description=description,
                    quantity=line.quantity,
                    unit_price=line.price,
                    currency=order.currency,
                    parcels=tuple(
                        records.Parcel(package_id=parcel.package, quantity=parcel.quantity)
                        for parcel in parcels
                    ),
                )
            )
        return records.Order(
            order_id=order.id,
            customer_id=owner,
            order_date=self._when(file, order.ordered, "orders", index, "ordered"),
            payment_status=order.payment,
            lines=tuple(lines),
        )

    def _return(self, file: _File, past: _ReturnModel, index: int) -> shopdata.PastReturn:
        return shopdata.PastReturn(
            return_id=past.id,
            tracking_id=past.tracking,
            order_id=past.order,
            item_id=past.item,
            quantity=past.quantity,
            reason=past.reason,
            status=past.status,
            created_at=self._when(file, past.opened, "returns", index, "opened"),
        )


def _customer(person: _SomebodyModel) -> records.Customer:
    customer = person.customer
    active = customer.active_orders
    if active is None:
        active = [order.id for order in person.orders if order.active]
    return records.Customer(
        customer_id=customer.id,
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=customer.email,
        phone_number=customer.phone,
        active_orders=tuple(active),
        is_fraud_flag=customer.suspected_fraud,
    )


def _scenario(name: str, person: _PersonModel) -> shopdata.Scenario:
    script, expect = person.script, person.script.expect
    return shopdata.Scenario(
        name=name,
        customer_id=person.customer.id,
        title=person.title,
        attempt=person.attempt,
        outcome=person.outcome,
        script=shopdata.Script(
            email=script.email,
            listing=script.listing,
            order=script.order,
            picks=tuple(shopdata.ScriptPick(**pick.model_dump()) for pick in script.picks),
            finish=script.finish,
            expect=shopdata.Expectation(
                end=expect.end,
                answer=expect.answer,
                listed=None if expect.listed is None else tuple(expect.listed),
                failed=tuple(expect.failed),
                returned=tuple(_returned(found) for found in expect.returned),
                refused={item: tuple(codes) for item, codes in expect.refused.items()},
                advice=dict(expect.advice),
            ),
        ),
    )


def _returned(found: _ReturnedModel) -> shopdata.Returned:
    refund = None
    if found.refund is not None:
        refund = shopdata.Refund(amount=found.refund, currency=found.currency or "")
    return shopdata.Returned(item=found.item, quantity=found.quantity, refund=refund)
