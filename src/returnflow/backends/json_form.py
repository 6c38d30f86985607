"""The shape of the records in a folder of shop data (``json:DIR``): pydantic at the border.

Members that are not known are left out of the way. Of those that are known, some can be missing
without harm (`SOFT`): one that cannot be read is taken as not given, and that is told. Any other
one makes its record unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from returnflow.returns import shopvalues
from returnflow.returns.shopform import words

_T = TypeVar("_T")


def _read(reader: Callable[[Any], _T | None], wanted: str) -> BeforeValidator:
    def read(value: Any) -> _T:
        found = reader(value)
        if found is None:
            raise ValueError(f"{_shown(value)} is not {wanted}")
        return found

    return BeforeValidator(read)


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | Decimal) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:59]}…"


def _id(value: Any) -> str | None:
    return (shopvalues.text(value) or "").strip() or None


def _positive(value: Any) -> int | None:
    return shopvalues.units(value) or None


def ids_in(value: Any) -> list[str] | None:
    """A list of ids, or of objects that hold one, as `order_id` or `return_id`."""
    if value is None:
        return []
    if not isinstance(value, list):
        return None
    found = [
        _id(next((each[k] for k in ("order_id", "return_id") if k in each), None))
        if isinstance(each, Mapping)
        else _id(each)
        for each in value
    ]
    return None if None in found else [each for each in found if each]


Text = Annotated[str, _read(shopvalues.text, "text")]
Id = Annotated[str, _read(_id, "an id")]
Ids = Annotated[list[str], _read(ids_in, "a list of ids")]
Units = Annotated[int, _read(_positive, "a whole number of units, 1 or more")]
Money = Annotated[Decimal, _read(shopvalues.money, "an amount")]
Flag = Annotated[bool, _read(shopvalues.boolean, "true or false")]


class Form(BaseModel):
    """The base of all forms."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CustomerForm(Form):
    """A customer."""

    customer_id: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    phone_number: Text = ""
    active_orders: Ids = []
    active_returns: Ids = []
    is_fraud_flag: Flag = False


class LineForm(Form):
    """One of `items_ordered`: units of an item that travel in one package."""

    item_number: Id = Field(validation_alias=AliasChoices("item_number", "item_id"))
    qty: Units = Field(validation_alias=AliasChoices("qty", "quantity"))
    item_final_cost: Money | None = None
    currency: Text = ""
    package_id: Text = ""
    description: Text = Field(
        default="", validation_alias=AliasChoices("description", "item_description")
    )


class OrderForm(Form):
    """An order."""

    order_id: Text = Field(default="", validation_alias=AliasChoices("order_id", "order_number"))
    customer_id: Id
    order_date: Text = ""
    payment_status: Text = ""
    currency: Text = ""
    items_ordered: list[LineForm]
    associated_returns: Ids = []


class PolicyForm(Form):
    """`return_eligiblity_details`, spelled so in the data."""

    return_eligible: Flag | None = None
    return_window: Text | None = None


class ItemForm(Form):
    """An item of the catalogue."""

    item_id: Text = Field(default="", validation_alias=AliasChoices("item_id", "item_number"))
    item_description: Text = Field(
        default="", validation_alias=AliasChoices("item_description", "description")
    )
    item_category: Text = Field(
        default="", validation_alias=AliasChoices("item_category", "category")
    )
    item_cost: Money | None = Field(
        default=None, validation_alias=AliasChoices("item_cost", "cost")
    )
    currency: Text = ""
    return_eligiblity_details: PolicyForm | None = Field(
        default=None,
        validation_alias=AliasChoices("return_eligiblity_details", "return_eligibility_details"),
    )


class PackageForm(Form):
    """A package. One without a type is of none, and so no delivery (rule 11)."""

    package_id: Text = ""
    type: Text = Field(default="", validation_alias=AliasChoices("type", "package_type"))
    current_status: Text = ""
    estimated_delivery_date: Text = ""
    final_delivery_date: Text = ""
    promised_delivery_date: Text = ""
    shipment_cost: Money | None = None
    currency: Text = ""


class ReturnedForm(Form):
    """One of `items_returned`."""

    item_number: Id = Field(validation_alias=AliasChoices("item_number", "item_id"))
    qty: Units = Field(validation_alias=AliasChoices("qty", "quantity"))


class ReturnForm(Form):
    """A return. One that names no order belongs to the order that lists it."""

    return_id: Text = ""
    return_tracking_id: Text = Field(
        default="", validation_alias=AliasChoices("return_tracking_id", "tracking_id")
    )
    order_id: Text = ""
    return_status: Text = Field(
        default="", validation_alias=AliasChoices("return_status", "status")
    )
    return_reason: Text = Field(
        default="", validation_alias=AliasChoices("return_reason", "reason")
    )
    created_at: Text = Field(
        default="", validation_alias=AliasChoices("created_at", "return_date", "date")
    )
    note: Text = ""
    idempotency_key: Text = ""
    items_returned: list[ReturnedForm]


class TransferForm(Form):
    """A transfer to a person, as this program writes it to `transfers.json`."""

    customer_id: Text | None = None
    summary: Text
    idempotency_key: Text
    created_at: Text = ""


class ShopForm(Form):
    """`shop.json`, which need not be there: what the five files have no place for."""

    zone: Text = ""
    currency: Text = ""


SOFT = frozenset(
    {
        *("first_name", "last_name", "phone_number", "is_fraud_flag", "active_returns"),
        *("order_date", "payment_status", "currency", "description", "item_final_cost"),
        *("item_description", "item_category", "category", "item_cost", "cost"),
        *("return_eligible", "return_window", "return_eligiblity_details"),
        *("return_eligibility_details", "type", "package_type", "current_status"),
        *("estimated_delivery_date", "final_delivery_date", "return_reason", "reason", "note"),
        *("promised_delivery_date", "shipment_cost"),
        *("created_at", "return_date", "date", "return_tracking_id", "tracking_id"),
    }
)
"""Members without which a record still says something, and nothing wrong."""

F = TypeVar("F", bound=Form)


class UnreadableError(Exception):
    """A record cannot be read; the message says where in it, and what is wrong."""


def read_form(kind: type[F], raw: Any, tell: Callable[[str], None]) -> F:
    """A record as its form.

    Args:
        tell: told of each soft member that was left out because it cannot be read.

    Raises:
        UnreadableError: anything else is wrong with it.
    """
    if isinstance(raw, str):
        # Data of this kind hold error texts where a record should be.
        raise UnreadableError(f"there is a text and no record: {words(raw)[:200]!r}")
    if not isinstance(raw, Mapping):
        raise UnreadableError(f"there is {_shown(raw)} and no record")
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error
    problems = first.errors(include_url=False, include_input=False)
    hard = [found for found in problems if not SOFT.intersection(map(str, found["loc"]))]
    if hard:
        raise UnreadableError("; ".join(map(_problem, hard)))
    # Deepest first: what is within a block that is left out whole needs no leaving out.
    pruned: Any = raw
    for found in problems:
        tell(f"{_problem(found)}; taken as not given")
        pruned = _without(pruned, _soft(found["loc"]))
    try:
        return kind.model_validate(pruned)
    except ValidationError as error:
        raise UnreadableError("; ".join(map(_problem, error.errors(include_url=False)))) from None


def _soft(place: Sequence[str | int]) -> list[str | int]:
    """The place up to its last soft member: a union's branches are named behind it."""
    last = max(number for number, part in enumerate(place) if str(part) in SOFT)
    return list(place[: last + 1])


def _without(value: Any, place: Sequence[str | int]) -> Any:
    """A copy of `value` that lacks the member at `place`."""
    first, *rest = place
    if isinstance(value, Mapping):
        if not rest:
            return {key: each for key, each in value.items() if key != first}
        return {key: _without(each, rest) if key == first else each for key, each in value.items()}
    if isinstance(value, list) and isinstance(first, int) and rest:
        return [
            _without(each, rest) if number == first else each for number, each in enumerate(value)
        ]
    return value


def _problem(found: Any) -> str:
    place = ""
    for part in found["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = str(found["msg"]).removeprefix("Value error, ")
    kinds = {
        "missing": "it is missing",
        "model_type": "there is no object",
        "list_type": "there is no list",
    }
    return f"{place.removeprefix('.')}: {kinds.get(found['type'], message)}"
