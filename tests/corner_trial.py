"""The corner shop of docs/adapters.md: a shop with an HTTP API of its own, for trials.

It is the system that somebody else wrote; the adapter in the tutorial is written against it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from returnflow.backends.shopdata import ShopData
from returnflow.errors import AmbiguousError, NotFoundError, RefusedByBackendError
from returnflow.inert import fold
from returnflow.records import Order, OrderLine
from returnflow.testing import MemoryShop

STATES = {"AT_WAREHOUSE": "packed", "IN_TRANSIT": "moving", "DELIVERED": "arrived"}


class _Api:
    """What the shop answers, as JSON."""

    def __init__(self, shop: MemoryShop) -> None:
        self.shop = shop

    def get(self, path: str, asked: dict[str, list[str]]) -> Any:
        kind, _, name = path.strip("/").partition("/")
        name = unquote(name)
        match kind:
            case "customers":
                return [self.customer(each) for each in self.shop.customers.values()
                        if fold(each.email) == fold(asked["email"][0])]  # fmt: skip
            case "orders" if "id" in asked:
                known = {fold(each): each for each in self.shop.orders}
                found = [known[fold(name)] for name in asked["id"] if fold(name) in known]
                return [self.order(self.shop.orders[order_id]) for order_id in found]
            case "orders":
                return self.order(self.shop.get_order_details(name))
            case "products":
                item = self.shop.get_item_details(name)
                policy = item.policy
                return {
                    "sku": item.item_id,
                    "title": item.description,
                    "price": item.cost,
                    "currency": item.currency,
                    "returns": policy
                    and {"allowed": policy.return_eligible, "limit": policy.return_window},
                }
            case "boxes":
                box = self.shop.get_package_details(name)
                return {
                    "id": box.package_id,
                    "state": STATES[box.current_status],
                    "due": box.estimated_delivery_date,
                    "arrived": box.final_delivery_date,
                    "card": box.gift_card_id,
                }
        raise NotFoundError(path)

    def customer(self, found: Any) -> Any:
        return {
            "id": found.customer_id,
            "given_name": found.first_name,
            "family_name": found.last_name,
            "email": found.email,
            "open_orders": found.active_orders,
        }

    def order(self, order: Order) -> Any:
        return {
            "id": order.order_id,
            "customer": order.customer_id,
            "placed": order.order_date,
            "lines": [self.line(line) for line in order.lines],
            "returns": order.associated_returns,
        }

    def line(self, line: OrderLine) -> Any:
        return {
            "sku": line.item_id,
            "title": line.description,
            "count": line.quantity,
            "price": line.unit_price,
            "currency": line.currency,
            "returned": line.returned,
            "boxes": [{"id": p.package_id, "count": p.quantity} for p in line.parcels],
        }

    def post(self, path: str, key: str, body: Any) -> Any:
        if path == "/returns":
            given = (body["order"], body["sku"], body["count"], body["reason"])
            receipt = self.shop.initiate_return(
                *given, idempotency_key=key, note=body.get("remark", "")
            )
            return {"id": receipt.return_id, "label": receipt.tracking_id}
        if path == "/handovers":
            handed = self.shop.transfer_to_human_representative(
                body["customer"], body["text"], idempotency_key=key
            )
            return {"number": handed.reference}
        if path == "/cards":
            issued = self.shop.issue_gift_card(
                body["customer"], body["box"], Decimal(body["worth"]), body["currency"],
                idempotency_key=key,
            )  # fmt: skip
            return {"number": issued.gift_card_id}
        raise NotFoundError(path)


def _handler(api: _Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(lambda: api.get(parts.path, parse_qs(parts.query)))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("Idempotency-Key", "")
            self._answer(lambda: api.post(self.path, key, body))

        def _answer(self, work: Any) -> None:
            try:
                status, answer = 200, work()
            except NotFoundError as error:
                status, answer = 404, {"error": str(error)}
            except (RefusedByBackendError, AmbiguousError) as error:
                code = getattr(error, "code", "ambiguous")
                status, answer = 422, {"error": str(error), "code": code}
            text = json.dumps(answer, default=_plain).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Tests look at answers."""

    return Handler


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else tuple(value)


@contextmanager
def trial_shop(data: ShopData) -> Iterator[tuple[str, MemoryShop]]:
    """The shop with these data at work: its address, and what is behind it."""
    shop = MemoryShop.holding(data)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(_Api(shop))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", shop
        finally:
            server.shutdown()
