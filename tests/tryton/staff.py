"""What people do in Tryton itself, and a look into its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from returnflow.backends.tryton_address import parse
from returnflow.backends.tryton_rpc import Session, WarnedError
from returnflow.backends.tryton_units import MARK
from tryton.server import ADMIN, ADMIN_PASSWORD, Server


@dataclass(frozen=True)
class Staff:
    """A member of staff at Tryton's own client, and the database beside it."""

    session: Session
    server: Server

    def call(self, model: str, method: str, *params: Any) -> Any:
        """Calls a method; a question whether one is sure is answered with yes."""
        name = f"model.{model}.{method}"
        try:
            return self.session.write(name, *params)
        except WarnedError as warning:
            self.session.write("model.res.user.warning.skip", warning.name)
            return self.session.write(name, *params)

    def search(self, model: str, domain: list[Any], *fields: str) -> list[dict[str, Any]]:
        """What a list in the client shows."""
        found: list[dict[str, Any]] = self.session.read(
            f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)
        )
        return found

    def sale(self, number: str) -> dict[str, Any]:
        """An order, by its number."""
        [sale] = self.search("sale.sale", [("number", "=", number)], "party", "lines", "company")
        return sale

    def complain(self, number: str, **values: Any) -> int:
        """Enters a complaint about an order and does not submit it."""
        sale = self.sale(number)
        [kind] = self.search("sale.complaint.type", [("name", "=", "Other")])
        complaint = {
            "customer": sale["party"],
            "type": kind["id"],
            "origin": f"sale.sale,{sale['id']}",
            **values,
        }
        [made] = self.call("sale.complaint", "create", [complaint])
        assert isinstance(made, int)
        return made

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the tables hold."""
        with closing(sqlite3.connect(self.server.database, timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def change(self, query: str, *values: Any) -> None:
        """Changes a table behind Tryton's back."""
        with closing(sqlite3.connect(self.server.database, timeout=30)) as database, database:
            assert database.execute(query, values).rowcount == 1

    def complaints(self, key: str) -> list[tuple[int, str]]:
        """The complaints of a key, by id, with their states."""
        query = "SELECT id, state FROM sale_complaint WHERE reference = ? ORDER BY id"
        return [(int(number), str(state)) for number, state in self.rows(query, MARK + key)]

    def returned(self, key: str) -> list[tuple[str, float, str]]:
        """What came of a key: of each return its state, its units, its shipment's state."""
        return [
            (str(state), float(units), str(parcel))
            for state, units, parcel in self.rows(
                """
                SELECT sale.state, line.quantity, parcel.state
                FROM sale_complaint AS complaint
                JOIN sale_sale AS sale ON sale.origin = 'sale.complaint,' || complaint.id
                JOIN sale_line AS line ON line.sale = sale.id
                LEFT JOIN stock_move AS move ON move.origin = 'sale.line,' || line.id
                LEFT JOIN stock_shipment_out_return AS parcel
                    ON move.shipment = 'stock.shipment.out.return,' || parcel.id
                WHERE complaint.reference = ?
                """,
                MARK + key,
            )
        ]


@contextmanager
def at_work(server: Server) -> Iterator[Staff]:
    """The administrator, logged in."""
    session = Session(parse(server.url(user=ADMIN)), ADMIN_PASSWORD)
    with closing(session):
        yield Staff(session, server)
