"""The tables of a shop in SQL.

Types and constraints are portable. Money is text, since SQLite knows no exact decimals. The
constraints are the last line of defence, not the first: `sql` says beforehand, in words, why
something is refused; a CHECK makes it impossible.

`order_lines.item_id`, `line_parcels.package_id` and `active_orders.order_id` are deliberately no
foreign keys. Real shops hold orders of items that have left the catalogue, parcels that the
carrier has forgotten and customers who list orders that are gone; the procedure has an answer
to each of these, so such data must be storable.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
)

from returnflow.returns.events import REASONS
from returnflow.sqltext import PlainText
from returnflow.sqlversions import Version

KIND = "returnflow-shop"
"""What the `kind` of a shop's meta table says."""

VERSIONS = (
    Version(1, "the first"),
    Version(
        2,
        "an index behind every reference: customers and lines are removed without long searches",
        (
            "CREATE INDEX transfers_by_customer ON transfers (customer_id)",
            "CREATE INDEX return_lines_by_line ON return_lines (order_id, line_no)",
        ),
    ),
    Version(
        3,
        "gift cards for delayed packages; what was promised for a package, and what it cost",
        (
            "ALTER TABLE packages ADD COLUMN promised_delivery_date {text} DEFAULT '' NOT NULL",
            "ALTER TABLE packages ADD COLUMN shipment_cost {text}",
            "ALTER TABLE packages ADD COLUMN currency {text} DEFAULT '' NOT NULL",
            "CREATE TABLE gift_cards (gift_card_id {text} NOT NULL, "
            "idempotency_key {text} NOT NULL, customer_id {text} NOT NULL, "
            "package_id {text} NOT NULL, amount {text} NOT NULL, currency {text} NOT NULL, "
            "created_at {text} NOT NULL, PRIMARY KEY (gift_card_id), "
            "CONSTRAINT gift_card_id_is_not_empty CHECK (gift_card_id <> ''), "
            "CONSTRAINT idempotency_key_is_not_empty CHECK (idempotency_key <> ''), "
            "UNIQUE (idempotency_key), UNIQUE (package_id), "
            "FOREIGN KEY (customer_id) REFERENCES customers (customer_id), "
            "FOREIGN KEY (package_id) REFERENCES packages (package_id))",
            "CREATE INDEX ix_gift_cards_customer_id ON gift_cards (customer_id)",
        ),
    ),
)
"""What became of the schema, in order. A step is never changed once it has been released: it is
the way from one version to the next, whatever the tables below have become since."""

VERSION = VERSIONS[-1].number
"""The version of this schema."""

STATUSES = (
    "INITIATED",
    "APPROVED",
    "IN_TRANSIT",
    "RECEIVED",
    "REFUND_INITIATED",
    "COMPLETED",
    "REJECTED",
    "CANCELLED",
)
"""The states that a return can be in."""

FREED = ("REJECTED", "CANCELLED")
"""Returns in these states hold no units: the units may be returned anew (rule 17)."""

ENDED = ("COMPLETED", *FREED)
"""Returns in these states are no longer active."""

MOST = 1_000_000_000
"""The largest number of units. The upper bound also keeps text out: SQLite would store it, and
sorts any text above any number."""

METADATA = MetaData()


def _units(column: str, lowest: int) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {lowest} AND {MOST}", name=f"{column}_is_a_count")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


def _not_empty(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} <> ''", name=f"{column}_is_not_empty")


META = Table(
    "meta",
    METADATA,
    Column("name", PlainText, primary_key=True),
    Column("value", PlainText, nullable=False),
)

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("customer_id", PlainText, primary_key=True),
    Column("first_name", PlainText, nullable=False),
    Column("last_name", PlainText, nullable=False),
    Column("email", PlainText, nullable=False),
    # Trimmed and case-folded, for comparing (rule 20); null where there is no address.
    Column("email_key", PlainText, index=True),
    Column("phone_number", PlainText, nullable=False),
    Column("is_fraud_flag", Boolean, nullable=False),
    _not_empty("customer_id"),
)

ACTIVE_ORDERS = Table(
    "active_orders",
    METADATA,
    Column("customer_id", ForeignKey("customers.customer_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("order_id", PlainText, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", PlainText, primary_key=True),
    # Trimmed and case-folded, for comparing (rule 22).
    Column("order_key", PlainText, nullable=False, unique=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False, index=True),
    Column("order_date", PlainText, nullable=False),
    Column("payment_status", PlainText, nullable=False),
    _not_empty("order_key"),
)

ORDER_LINES = Table(
    "order_lines",
    METADATA,
    Column("order_id", ForeignKey("orders.order_id"), primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("item_id", PlainText, nullable=False),
    Column("description", PlainText, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", PlainText),
    Column("currency", PlainText, nullable=False),
    # Units in a return that holds them; see FREED.
    Column("returned", Integer, nullable=False, server_default="0"),
    _units("quantity", 1),
    _units("returned", 0),
    CheckConstraint("returned <= quantity", name="no_unit_is_returned_twice"),
    Index("order_lines_by_item", "order_id", "item_id"),
)

LINE_PARCELS = Table(
    "line_parcels",
    METADATA,
    Column("order_id", PlainText, primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("parcel_no", Integer, primary_key=True),
    # Null: these units have not been shipped yet (rule 12).
    Column("package_id", PlainText),
    Column("quantity", Integer, nullable=False),
    ForeignKeyConstraint(["order_id", "line_no"], ["order_lines.order_id", "order_lines.line_no"]),
    _units("quantity", 1),
)

ITEMS = Table(
    "items",
    METADATA,
    Column("item_id", PlainText, primary_key=True),
    Column("description", PlainText, nullable=False),
    Column("category", PlainText, nullable=False),
    Column("cost", PlainText),
    Column("currency", PlainText, nullable=False),
    # False: the item has no eligibility block at all (rule 10).
    Column("has_policy", Boolean, nullable=False),
    Column("return_eligible", Boolean),
    Column("return_window", PlainText),
    _not_empty("item_id"),
    CheckConstraint(
        "has_policy OR (return_eligible IS NULL AND return_window IS NULL)",
        name="no_policy_without_block",
    ),
)

PACKAGES = Table(
    "packages",
    METADATA,
    Column("package_id", PlainText, primary_key=True),
    Column("type", PlainText, nullable=False),
    Column("current_status", PlainText, nullable=False),
    Column("estimated_delivery_date", PlainText, nullable=False),
    Column("final_delivery_date", PlainText, nullable=False),
    Column("promised_delivery_date", PlainText, nullable=False, server_default=""),
    Column("shipment_cost", PlainText),
    Column("currency", PlainText, nullable=False, server_default=""),
    _not_empty("package_id"),
)

GIFT_CARDS = Table(
    "gift_cards",
    METADATA,
    Column("gift_card_id", PlainText, primary_key=True),
    Column("idempotency_key", PlainText, nullable=False, unique=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False, index=True),
    # At most one for a package, whoever asks.
    Column("package_id", ForeignKey("packages.package_id"), nullable=False, unique=True),
    Column("amount", PlainText, nullable=False),
    Column("currency", PlainText, nullable=False),
    Column("created_at", PlainText, nullable=False),
    _not_empty("gift_card_id"),
    _not_empty("idempotency_key"),
)

RETURNS = Table(
    "returns",
    METADATA,
    Column("return_id", PlainText, primary_key=True),
    Column("tracking_id", PlainText, nullable=False, unique=True),
    Column("idempotency_key", PlainText, nullable=False, unique=True),
    Column("order_id", ForeignKey("orders.order_id"), nullable=False, index=True),
    Column("item_id", PlainText, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("note", PlainText, nullable=False),
    Column("status", PlainText, nullable=False),
    Column("created_at", PlainText, nullable=False),
    _not_empty("return_id"),
    _not_empty("tracking_id"),
    _not_empty("idempotency_key"),
    _units("quantity", 1),
    _one_of("reason", REASONS),
    _one_of("status", STATUSES),
)

RETURN_LINES = Table(
    "return_lines",
    METADATA,
    Column("return_id", ForeignKey("returns.return_id"), primary_key=True),
    Column("order_id", PlainText, primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("quantity", Integer, nullable=False),
    ForeignKeyConstraint(["order_id", "line_no"], ["order_lines.order_id", "order_lines.line_no"]),
    _units("quantity", 1),
    Index("return_lines_by_line", "order_id", "line_no"),
)

TRANSFERS = Table(
    "transfers",
    METADATA,
    Column("reference", PlainText, primary_key=True),
    Column("idempotency_key", PlainText, nullable=False, unique=True),
    # Null before anyone is identified (rule 35).
    Column("customer_id", ForeignKey("customers.customer_id")),
    Column("summary", PlainText, nullable=False),
    Column("created_at", PlainText, nullable=False),
    _not_empty("idempotency_key"),
    CheckConstraint("trim(summary) <> ''", name="summary_is_not_empty"),
    Index("transfers_by_customer", "customer_id"),
)
