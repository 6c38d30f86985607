"""Shop data as a folder of JSON files, for tests: written in the form that others use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from returnflow.backends.shopdata import ShopData
from returnflow.records import Item, Order

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def write(folder: Path, **files: Any) -> Path:
    """Writes ``NAME.json`` for each argument; a text is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else _ENCODER.encode(content).decode()
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def write_shop(folder: Path, data: ShopData) -> Path:
    """Writes a whole shop. A line in several packages becomes several lines, as the form wants."""
    returned: dict[str, list[str]] = {}
    for past in data.returns:
        returned.setdefault(past.order_id, []).append(past.return_id)
    return write(
        folder,
        shop={"zone": data.zone},
        customers={c.customer_id: msgspec.structs.asdict(c) for c in data.customers},
        orders={o.order_id: _order(o, returned.get(o.order_id, [])) for o in data.orders},
        items={i.item_id: _item(i) for i in data.items},
        packages={p.package_id: msgspec.structs.asdict(p) for p in data.packages},
        returns={
            past.return_id: {
                "return_id": past.return_id,
                "return_status": past.status,
                "items_returned": [
                    {"item_number": past.item_id, "qty": past.quantity, "package_id": ""}
                ],
            }
            for past in data.returns
        },
    )


def _order(order: Order, returns: list[str]) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "order_date": order.order_date,
        "payment_status": order.payment_status,
        "currency": "EUR",
        "associated_returns": returns,
        "items_ordered": [
            {
                "item_number": line.item_id,
                "qty": parcel.quantity,
                "item_final_cost": line.unit_price,
                "package_id": parcel.package_id,
            }
            for line in order.lines
            for parcel in line.parcels
        ],
    }


def _item(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {
        "item_id": item.item_id,
        "item_description": item.description,
        "item_cost": item.cost,
        "currency": item.currency,
    }
    if item.policy is not None:
        block = {"return_eligible": item.policy.return_eligible}
        if item.policy.return_window is not None:
            block |= {"return_window": item.policy.return_window}  # type: ignore[dict-item]
        found["return_eligiblity_details"] = block
    return found
