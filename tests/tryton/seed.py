"""Loads a shop into a Tryton database. Runs inside the server's own environment, as a script:

    python seed.py trytond.conf shop.json

`shop.json` is a `returnflow.backends.shopdata.ShopData`. What is loaded goes through Tryton's own
workflow, as staff would enter it; only the copies of an order, of a customer with thousands, are
written straight into the tables.

Of what Tryton has no place for, nothing is loaded: eligibility, windows, times of the day. A
package is the shipment of one customer, so a package that several share is made once for each: the
first has its id as the number, the others get the customer's id behind it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, get_accounts
from trytond.modules.company.tests.tools import create_company, get_company

CROWD = 50
"""A customer with more orders than this has copies of the first."""

USER, PASSWORD = "returnflow", "a long enough password 17"
COMPLAINT_TYPES = ("Damaged", "Defective", "Wrong item", "Ordered by mistake", "Other", "Call back")


class Loader:
    """The shop while it is being built."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.zone = ZoneInfo(data["zone"])
        self.parties: dict[str, Any] = {}
        self.products: dict[str, Any] = {}
        self.sales: dict[str, Any] = {}
        self.numbers: list[tuple[str, str, int]] = []

    def load(self, database: Path) -> None:
        self.ground()
        self.items()
        self.customers()
        crowds: dict[str, list[dict[str, Any]]] = {}
        for order in self.data["orders"]:
            crowds.setdefault(order["customer_id"], []).append(order)
        whole = [
            order
            for orders in crowds.values()
            for order in (orders if len(orders) <= CROWD else orders[:1])
        ]
        self.orders(whole)
        self.packages(whole)
        for past in self.data["returns"]:
            self.past_return(past)
        self.user()
        for orders in crowds.values():
            if len(orders) > CROWD:
                copies(database, self.sales[orders[0]["order_id"]].id, orders[1:])

    def ground(self) -> None:
        """Company, accounts, stock, complaint types."""
        codes = {line["currency"] for order in self.data["orders"] for line in order["lines"]}
        self.currency = Model.get("currency.currency")(
            name=min(codes), symbol=min(codes), code=min(codes), rounding=Decimal("0.01")
        )
        self.currency.rates.new(date=date(2020, 1, 1), rate=Decimal(1))
        self.currency.save()
        create_company(currency=self.currency)
        company = get_company()
        company.timezone = self.data["zone"]
        company.save()
        self.company = company
        create_chart()
        self.context = config.get_config().context
        accounts = get_accounts()
        self.accounting = Model.get("product.category")(
            name="Accounts",
            accounting=True,
            account_expense=accounts["expense"],
            account_revenue=accounts["revenue"],
        )
        self.accounting.save()
        [self.unit] = Model.get("product.uom").find([("name", "=", "Unit")])
        location = Model.get("stock.location")
        [self.storage] = location.find([("code", "=", "STO")])
        [self.output] = location.find([("code", "=", "OUT")])
        [self.outside] = location.find([("code", "=", "CUS")])
        [self.supplier] = location.find([("code", "=", "SUP")])
        [about] = Model.get("ir.model").find([("name", "=", "sale.sale")])
        for name in COMPLAINT_TYPES:
            Model.get("sale.complaint.type")(name=name, origin=about).save()

    def items(self) -> None:
        categories: dict[str, Any] = {}
        for item in self.data["items"]:
            template = Model.get("product.template")(
                name=item["description"],
                default_uom=self.unit,
                type="goods",
                salable=True,
                list_price=Decimal(item.get("cost") or "1"),
                account_category=self.accounting,
            )
            name = item.get("category")
            if name:
                if name not in categories:
                    categories[name] = Model.get("product.category")(name=name)
                    categories[name].save()
                template.categories.append(type(categories[name])(categories[name].id))
            [product] = template.products
            product.suffix_code = item["item_id"]
            template.save()
            self.products[item["item_id"]] = template.products[0]
            move = Model.get("stock.move")(
                product=template.products[0],
                unit=self.unit,
                quantity=100_000,
                from_location=self.supplier,
                to_location=self.storage,
                currency=self.currency,
                unit_price=Decimal(1),
            )
            move.save()
            move.click("do")

    def customers(self) -> None:
        suspected = Model.get("party.category")(name="Suspected fraud")
        suspected.save()
        for customer in self.data["customers"]:
            names = (customer.get("first_name", ""), customer.get("last_name", ""))
            party = Model.get("party.party")(name=" ".join(filter(None, names)))
            party.code = customer["customer_id"]
            for kind in ("email", "phone"):
                value = customer.get("email" if kind == "email" else "phone_number")
                if value:
                    party.contact_mechanisms.new(type=kind, value=value)
            if customer.get("is_fraud_flag"):
                party.categories.append(type(suspected)(suspected.id))
            party.save()
            self.parties[customer["customer_id"]] = party

    def orders(self, orders: list[dict[str, Any]]) -> None:
        """All orders at once, up to where their goods would be sent."""
        sale = Model.get("sale.sale")
        addresses = {each.party.id: each.id for each in Model.get("party.address").find([])}
        values = []
        for order in orders:
            party = self.parties[order["customer_id"]].id
            lines = [
                {
                    "product": self.products[line["item_id"]].id,
                    "unit": self.unit.id,
                    "quantity": line["quantity"],
                    "unit_price": Decimal(line["unit_price"]),
                }
                for line in order["lines"]
            ]
            values.append(
                {
                    "party": party,
                    "invoice_address": addresses[party],
                    "shipment_address": addresses[party],
                    "sale_date": self.day(order["order_date"]),
                    "invoice_method": "manual",
                    "shipment_method": "manual",
                    "lines": [("create", lines)],
                }
            )
        made = [sale(number) for number in sale._proxy.create(values, self.context)]
        for step in ("quote", "confirm", "process"):
            sale.click(made, step)
        for order, one in zip(orders, made, strict=True):
            self.sales[order["order_id"]] = one
            self.numbers.append(("sale_sale", order["order_id"], one.id))

    def packages(self, orders: list[dict[str, Any]]) -> None:
        """Puts the goods into shipments and sends them on their way."""
        shipment = Model.get("stock.shipment.out")
        keys = {
            (order["customer_id"], parcel["package_id"]): None
            for order in orders
            for line in order["lines"]
            for parcel in line.get("parcels", ())
            if parcel.get("package_id")
        }
        known = {each["package_id"]: each for each in self.data["packages"]}
        made = {}
        for customer, package in keys:
            one = shipment(customer=self.parties[customer])
            planned = known[package].get("estimated_delivery_date", "")
            if planned:
                one.planned_date = self.day(planned)
            one.save()
            made[customer, package] = one.id
        taken: set[str] = set()
        for (customer, package), number in made.items():
            name = f"{package}/{customer}" if package in taken else package
            taken.add(package)
            self.numbers.append(("stock_shipment_out", name, number))
        held = {key: f"stock.shipment.out,{number}" for key, number in made.items()}
        moves = [
            {
                "product": line.product.id,
                "unit": self.unit.id,
                "quantity": parcel["quantity"],
                "from_location": self.output.id,
                "to_location": self.outside.id,
                "currency": self.currency.id,
                "unit_price": line.unit_price,
                "origin": f"sale.line,{line.id}",
                "shipment": held[order["customer_id"], parcel["package_id"]],
            }
            for order in orders
            for line, wanted in zip(
                self.sales[order["order_id"]].lines, order["lines"], strict=True
            )
            for parcel in wanted.get("parcels", ())
            if parcel.get("package_id")
        ]
        Model.get("stock.move")._proxy.create(moves, self.context)
        on_its_way = [key for key in made if known[key[1]]["current_status"] == "IN_TRANSIT"]
        arrived = [key for key in made if known[key[1]]["current_status"] == "DELIVERED"]
        for key in arrived:
            day = known[key[1]].get("final_delivery_date", "")
            if day:
                shipment._proxy.write([made[key]], {"effective_date": self.day(day)}, self.context)
        sent = [shipment(made[key]) for key in (*arrived, *on_its_way)]
        for step in ("wait", "assign_force", "pick", "pack", "ship"):
            shipment.click(sent, step)
        shipment.click([shipment(made[key]) for key in arrived], "do")

    def past_return(self, past: dict[str, Any]) -> None:
        """As staff would bring a return to where it stands."""
        sale = self.sales[past["order_id"]]
        [about] = [line for line in sale.lines if line.product.code == past["item_id"]]
        complaint = Model.get("sale.complaint")(customer=sale.party)
        [complaint.type] = Model.get("sale.complaint.type").find([("name", "=", "Other")])
        complaint.origin = sale
        action = complaint.actions.new(action="sale_return")
        action.sale_lines.new(line=about, quantity=past["quantity"])
        complaint.save()
        self.numbers.append(("sale_complaint", past["return_id"], complaint.id))
        complaint.click("wait")
        status = past["status"]
        if status == "INITIATED":
            return
        complaint.click("reject" if status == "REJECTED" else "approve")
        if status in ("REJECTED", "APPROVED"):
            return
        [action] = complaint.actions
        made = action.result
        if status == "CANCELLED":
            made.click("cancel")
            return
        # The order itself goes without: its parcels were made by hand.
        made.shipment_method = "order"
        made.save()
        for step in ("quote", "confirm", "process"):
            made.click(step)
        for parcel in made.shipment_returns:
            for step in ("receive", "do"):
                parcel.click(step)

    def user(self) -> None:
        user = Model.get("res.user")(name=USER, login=USER, password=PASSWORD)
        user.groups.extend(Model.get("res.group").find([("name", "=", "Sales Administrator")]))
        company = type(self.company)(self.company.id)
        user.companies.append(company)
        user.company = company
        user.save()

    def day(self, text: str) -> date:
        """The day in the shop's zone: Tryton keeps no time of an order."""
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is None else moment.astimezone(self.zone)).date()


def copies(database: Path, sale: int, orders: list[dict[str, Any]]) -> None:
    """As many copies of an order, with its lines and moves, under other numbers."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        [head] = connection.execute("SELECT * FROM sale_sale WHERE id = ?", (sale,))
        lines = connection.execute("SELECT * FROM sale_line WHERE sale = ?", (sale,)).fetchall()
        moves = [
            (number, move)
            for number, line in enumerate(lines)
            for move in connection.execute(
                "SELECT * FROM stock_move WHERE origin = ?", (f"sale.line,{line['id']}",)
            )
        ]
        for order in orders:
            new = _insert(connection, "sale_sale", head, number=order["order_id"])
            made = [_insert(connection, "sale_line", line, sale=new) for line in lines]
            for number, move in moves:
                _insert(connection, "stock_move", move, origin=f"sale.line,{made[number]}")


def _insert(connection: sqlite3.Connection, table: str, row: sqlite3.Row, **changed: Any) -> int:
    values = dict(row) | changed
    del values["id"]
    marks = ", ".join("?" * len(values))
    made = connection.execute(
        f"INSERT INTO {table} ({', '.join(map(_quoted, values))}) VALUES ({marks})",  # noqa: S608
        tuple(values.values()),
    )
    assert made.lastrowid is not None
    return made.lastrowid


def _quoted(name: str) -> str:
    return f'"{name}"'


def main() -> None:
    settings, data = sys.argv[1:]
    # Staff would answer: yes, there is a similar complaint.
    config.set_trytond(database="shop", user="admin", config_file=settings).skip_warning = True
    loader = Loader(json.loads(Path(data).read_text(encoding="utf-8")))
    database = Path(settings).parent / "shop.sqlite"
    loader.load(database)
    with sqlite3.connect(database) as connection:
        # The orders' parcels are there, so nothing more would be sent; what is returned is to be
        # fetched without being asked.
        connection.execute("UPDATE sale_sale SET shipment_method = 'order'")
        # Tryton gives numbers of its own, and lets nobody choose them.
        for table, number, row in loader.numbers:
            connection.execute(f"UPDATE {table} SET number = ? WHERE id = ?", (number, row))  # noqa: S608


if __name__ == "__main__":
    main()
