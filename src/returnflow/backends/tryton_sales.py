"""The return sale that a complaint makes in Tryton, moved on until its parcel is announced."""

from __future__ import annotations

from returnflow.backends import tryton_rows as rows
from returnflow.backends.tryton_rows import Action, Complaint, ReturnShipment, Sale
from returnflow.backends.tryton_rpc import DeclinedError, Session
from returnflow.errors import UnavailableError
from returnflow.records import ReturnReceipt

ENDED = ("processing", "done", "cancelled")
"""The states of a return sale with which nothing more has to be done."""


class ReturnSales:
    """Return sales, by the complaints that make them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, claim: Complaint) -> Sale | None:
        """The return that the complaint has made."""
        actions = rows.among(self._session, Action, "complaint", [claim.id])
        made = [rows.referred(action.result, Sale.NAME) for action in actions]
        found = rows.among(self._session, Sale, "id", [each for each in made if each is not None])
        return found[0] if found else None

    def finish(self, claim: Complaint, sale: Sale) -> ReturnReceipt:
        """Moves the return sale on until its parcel is announced.

        Raises:
            UnavailableError: Tryton does not go on with it.
        """
        steps = {"draft": "quote", "quotation": "confirm", "confirmed": "process"}
        while sale.state in steps:
            said: DeclinedError | None = None
            try:
                self._session.write(f"model.sale.sale.{steps[sale.state]}", [sale.id])
            except DeclinedError as error:
                said = error
            before = sale.state
            [sale] = rows.search(self._session, Sale, [("id", "=", sale.id)], limit=1)
            if sale.state == before:
                raise UnavailableError(
                    f"Tryton holds the return of complaint {claim.number}, but does not go on "
                    f"with it: {said or before}"
                )
        parcels = self._parcels(sale)
        # Where the shop makes no shipment by itself, the return's own number stands for it.
        number = parcels[0].number if parcels else sale.number
        return ReturnReceipt(
            tracking_id=number or claim.number, return_id=claim.number, status="INITIATED"
        )

    def _parcels(self, sale: Sale) -> list[ReturnShipment]:
        return rows.every(
            self._session,
            ReturnShipment,
            [("moves.origin.sale", "=", sale.id, "sale.line"), ("number", "!=", None)],
        )
