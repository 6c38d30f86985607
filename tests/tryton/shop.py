"""What the live shop holds: the shop of the contract, and orders for the tests of Tryton itself."""

from __future__ import annotations

from decimal import Decimal

from returnflow.backends.shopdata import ShopData
from returnflow.backends.tryton_policy import Customers, Policy, Rule
from returnflow.records import Customer, Item, Order, OrderLine, Package, Parcel, ReturnPolicy
from returnflow.testing import contract_shop
from returnflow.testing.contract.data import HOSTILE

CONTRACT = contract_shop(tag="-T", hostile=HOSTILE.replace("\t", ""))
"""Tryton itself turns down a tab in a name; all else of the hostile text it keeps."""

OURS = {
    "CUTS": ("KETTLE", 60),
    "RACES": ("KETTLE", 8),
    "STAFF": ("KETTLE", 20),
    "TAXED": ("KETTLE", 3),
    "CALL": ("KETTLE", 3),
    "CUT-CALL": ("KETTLE", 3),
    "LIMITS": ("KETTLE", 3),
}
"""Orders of Dora's, each of one item that has arrived, and how many units of it."""


def _order(name: str, item: str, quantity: int) -> Order:
    line = OrderLine(
        item_id=item,
        description="Electric kettle",
        quantity=quantity,
        unit_price=Decimal("24.90"),
        currency="EUR",
        parcels=(Parcel(package_id="DORAS", quantity=quantity),),
    )
    return Order(order_id=name, customer_id="DORA", order_date="2026-03-02", lines=(line,))


_ANY_TIME = ReturnPolicy(return_eligible=True, return_window="unlimited")

DATA = ShopData(
    zone=CONTRACT.zone,
    customers=(
        *CONTRACT.customers,
        Customer(
            customer_id="DORA",
            first_name="Dora",
            email="dora@example.com",
            phone_number="+49301234",
        ),
    ),
    orders=(*CONTRACT.orders, *(_order(name, *held) for name, held in OURS.items())),
    items=(
        *CONTRACT.items,
        Item(
            item_id="KETTLE",
            description="Electric kettle",
            category="Kitchen",
            cost=Decimal("24.90"),
            currency="EUR",
            policy=_ANY_TIME,
        ),
    ),
    packages=(
        *CONTRACT.packages,
        Package(package_id="DORAS", type="ORDER_DELIVERY", current_status="DELIVERED"),
    ),
    returns=CONTRACT.returns,
)

POLICY = Policy(
    products={
        item.item_id: Rule(eligible=item.policy.return_eligible, window=item.policy.return_window)
        for item in DATA.items
        if item.policy is not None
    },
    customers=Customers(fraud_category="Suspected fraud"),
)
"""Made without the file, whose loader turns a window such as "abc" down."""
