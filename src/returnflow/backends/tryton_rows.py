"""The records of Tryton that are read, and the reading of many of them.

Each model below names the fields that are asked for; an alias that ends with a dot is a related
record. What Tryton answers is checked against them at this border, and only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from returnflow.backends.tryton_rpc import DeclinedError, Session
from returnflow.errors import UnavailableError

PAGE = 1000
"""Records of one call; servers limit them."""

MANY = 500
"""Ids of one call: fewer than a page, so that their records need no second one."""

R = TypeVar("R", bound="Row")
T = TypeVar("T")

Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
"""A text that Tryton answers as null when it is empty."""

Money = Annotated[Decimal, Field(allow_inf_nan=False)]
Units = Annotated[Decimal, Field(allow_inf_nan=False)]


class Row(BaseModel):
    """A record of the model `NAME`, with its id."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    NAME: ClassVar[str] = ""

    id: int


class Named(Row):
    """Anything, with its name."""

    name: Words = ""


class Currency(Row):
    """`digits`: how many there are behind the point."""

    code: str
    digits: int


class Unit(Row):
    """`factor`: how many of the base unit it is."""

    factor: Units


class Company(Row):
    """A company of the user's."""

    NAME: ClassVar[str] = "company.company"

    timezone: Words
    currency: Currency = Field(alias="currency.")


class Party(Row):
    """A customer."""

    NAME: ClassVar[str] = "party.party"

    name: Words
    code: Words
    categories: tuple[int, ...]


class Contact(Row):
    """An e-mail address, a phone number, of a party."""

    NAME: ClassVar[str] = "party.contact_mechanism"

    type: str
    value: Words
    party: Party = Field(alias="party.")


class PartyCategory(Named):
    """A category of parties."""

    NAME: ClassVar[str] = "party.category"


class PartyCode(Row):
    """A party, by its code."""

    NAME: ClassVar[str] = "party.party"

    code: Words


class Sale(Row):
    """An order, or a return."""

    NAME: ClassVar[str] = "sale.sale"

    number: Words
    state: str
    sale_date: date | None
    invoice_state: Words
    origin: Words
    lines: tuple[int, ...]
    party: PartyCode = Field(alias="party.")
    currency: Currency = Field(alias="currency.")


class Template(Row):
    """What the variants of a product share."""

    type: str


class LineProduct(Row):
    """The product of a line."""

    code: Words
    name: Words
    template: Template = Field(alias="template.")


class Line(Row):
    """A line of an order; in a return, its quantity is negative."""

    NAME: ClassVar[str] = "sale.line"

    sale: int
    type: str
    quantity: Units | None
    unit_price: Money | None
    description: Words
    taxes: tuple[int, ...]
    product: LineProduct | None = Field(alias="product.")
    unit: Unit | None = Field(alias="unit.")
    moves_recreated: tuple[int, ...]

    @property
    def factor(self) -> Decimal:
        """How many of the base unit one unit of this line is."""
        return self.unit.factor if self.unit else Decimal(1)


class Carrier(Row):
    """A shipment of any kind, as far as a move tells of it."""

    number: Words
    state: Words


class Move(Row):
    """Goods that change places; `origin` is the line of the order."""

    NAME: ClassVar[str] = "stock.move"

    quantity: Units
    state: str
    origin: Words
    effective_date: date | None
    planned_date: date | None
    shipment: Words
    carrier: Carrier | None = Field(alias="shipment.")
    unit: Unit = Field(alias="unit.")


class Shipment(Row):
    """A parcel to a customer."""

    NAME: ClassVar[str] = "stock.shipment.out"

    number: Words
    state: str
    effective_date: date | None
    planned_date: date | None


class ReturnShipment(Shipment):
    """A parcel from a customer."""

    NAME: ClassVar[str] = "stock.shipment.out.return"


class ProductCode(Row):
    """A product, by its code."""

    NAME: ClassVar[str] = "product.product"

    code: Words


class Product(Row):
    """A product as the catalogue has it."""

    NAME: ClassVar[str] = "product.product"

    code: Words
    name: Words
    categories: tuple[int, ...]
    list_price_used: Money | None


class ProductCategory(Row):
    """A category of products."""

    NAME: ClassVar[str] = "product.category"

    name: Words
    rec_name: Words
    parent: int | None


class Tax(Row):
    """A tax, of a rate or of an amount per unit, or a group of taxes."""

    NAME: ClassVar[str] = "account.tax"

    type: str
    rate: Decimal | None
    amount: Decimal | None
    update_unit_price: bool
    childs: tuple[int, ...]


class OriginModel(Row):
    """The name of a model."""

    name: str


class ComplaintType(Row):
    """What a complaint may be about; `origin` is the model of what it refers to."""

    NAME: ClassVar[str] = "sale.complaint.type"

    name: Words
    origin: OriginModel = Field(alias="origin.")


class Complaint(Row):
    """What a customer wants made good."""

    NAME: ClassVar[str] = "sale.complaint"

    number: Words
    reference: Words
    state: str
    type: int
    origin: Words
    description: Words
    customer: PartyCode = Field(alias="customer.")
    actions: tuple[int, ...]


class Action(Row):
    """What is done about a complaint; `result` is the return that it made."""

    NAME: ClassVar[str] = "sale.complaint.action"

    complaint: int
    action: Words
    quantity: Units | None
    result: Words
    sale_lines: tuple[int, ...]


class ActionLine(Row):
    """How many units of a line an action is about; None: all of them."""

    NAME: ClassVar[str] = "sale.complaint.action-sale.line"

    action: int
    line: int
    quantity: Units | None


@cache
def _fields(row: type[Row]) -> tuple[str, ...]:
    names: list[str] = []
    for name, info in row.model_fields.items():
        alias = info.alias or name
        nested = _related(info.annotation) if alias.endswith(".") else None
        names += [alias] if nested is None else [alias + each for each in _fields(nested)]
    return tuple(names)


def _related(annotation: Any) -> type[Row]:
    kinds = [annotation, *get_args(annotation)]
    return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Row))


@cache
def _adapter(row: type[R]) -> TypeAdapter[list[R]]:
    return TypeAdapter(list[row])  # type: ignore[valid-type]


def search(
    session: Session,
    row: type[R],
    domain: Sequence[Any],
    *,
    limit: int = PAGE,
    order: str = "id ASC",
    archived: bool = False,
) -> list[R]:
    """Up to `limit` records that the domain describes.

    Args:
        order: a field, and ASC or DESC.
        archived: records that were deactivated too.

    Raises:
        UnavailableError: no usable answer, or the user may not read these records.
    """
    method = f"model.{row.NAME}.search_read"
    context = {"active_test": False} if archived else None
    by = [order.split(" ")]
    fields = list(_fields(row))
    try:
        found = session.read(method, list(domain), 0, limit, by, fields, context=context)
    except DeclinedError as error:
        raise UnavailableError(f"Tryton: {error}", outcome="known") from error
    try:
        return _adapter(row).validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnavailableError(
            f"the answer to {method} cannot be read: {where}: {first['msg']}", outcome="known"
        ) from error


def every(
    session: Session, row: type[R], domain: Sequence[Any], *, archived: bool = False
) -> list[R]:
    """All records that the domain describes, by id, fetched page by page.

    Raises:
        UnavailableError: as `search`.
    """
    found: list[R] = []
    while True:
        after = [("id", ">", found[-1].id)] if found else []
        page = search(session, row, [*after, list(domain)], archived=archived)
        found += page
        if len(page) < PAGE:
            return found


def among(
    session: Session,
    row: type[R],
    field: str,
    values: Iterable[T],
    *domain: Any,
    model: str | None = None,
    archived: bool = False,
) -> list[R]:
    """All records whose `field` is one of `values`, and that the domain describes too.

    Args:
        model: where `field` leads through a reference, the model that is referred to.

    Raises:
        UnavailableError: as `search`.
    """
    found: list[R] = []
    for chunk in chunks(list(dict.fromkeys(values))):
        clause = (field, "in", chunk) if model is None else (field, "in", chunk, model)
        found += every(session, row, [clause, *domain], archived=archived)
    return found


def chunks(values: Sequence[T], *, most: int = MANY) -> Iterator[list[T]]:
    """The values, as many at a time as one call takes."""
    for start in range(0, len(values), most):
        yield list(values[start : start + most])


def literal(text: str) -> str:
    """The text as a pattern of ``ilike`` that stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def referred(reference: str, model: str) -> int | None:
    """The id in a reference such as ``sale.line,7``; None where it refers to something else."""
    name, _, number = reference.partition(",")
    return int(number) if name == model and number.isascii() and number.isdigit() else None
