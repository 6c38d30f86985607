"""Handing a call to a person in Tryton: a complaint in draft, with the summary as its description.

The shop's people find it among their complaints in draft, of a type of its own.
"""

from __future__ import annotations

from returnflow.backends import tryton_rows as rows
from returnflow.backends.refusals import check_summary, refuse
from returnflow.backends.tryton_rows import Complaint, PartyCode
from returnflow.backends.tryton_rpc import DeclinedError, Session
from returnflow.backends.tryton_writes import check_text, reference_of
from returnflow.errors import UnavailableError
from returnflow.records import TransferReceipt


class Transfers:
    """Hands calls over.

    Args:
        complaint_type: the id of the type for them.
        unidentified: the code of the party that stands for a caller whom nobody has identified.
    """

    def __init__(self, session: Session, complaint_type: int, unidentified: str | None) -> None:
        self._session = session
        self._type = complaint_type
        self._unidentified = unidentified

    def hand_over(self, customer_id: str | None, summary: str, *, key: str) -> TransferReceipt:
        """See the protocol.

        Refusal codes: ``empty_summary``, ``unknown_customer``, ``bad_key``, ``bad_text``,
        ``key_reused``, ``declined``.
        """
        words = summary.strip()
        check_summary(words)
        check_text(summary, customer_id or "")
        reference = reference_of(key)
        kept = self._kept(reference)
        party = self._party(customer_id)
        if kept is None:
            self._create(party, words, reference)
            try:
                kept = self._kept(reference)
            except UnavailableError as error:
                raise UnavailableError(str(error), outcome="unknown") from error
        if kept is None:
            raise UnavailableError("Tryton made a complaint that cannot be found again")
        if kept.type != self._type or kept.customer.id != party or kept.description != words:
            refuse("key_reused", "this key was used before with another customer or summary")
        return TransferReceipt(reference=kept.number)

    def _kept(self, reference: str) -> Complaint | None:
        """The complaint of this key. Where two askers made one each at the same moment, the older
        counts, and a second one is cancelled, so that nobody calls back twice."""
        found = rows.every(self._session, Complaint, [("reference", "=", reference)])
        if not found:
            return None
        for each in found[1:]:
            if each.state == "draft":
                try:
                    self._session.write("model.sale.complaint.cancel", [each.id])
                except DeclinedError:
                    # Somebody works on it, so it is no longer ours to take back.
                    continue
        return found[0]

    def _party(self, customer_id: str | None) -> int:
        code = self._unidentified if customer_id is None else customer_id
        if code is None:
            refuse(
                "unknown_customer",
                "Tryton keeps a transfer with its customer, and nobody has been identified; "
                "identify the customer, or name a party for such calls in the policy file",
            )
        digits = code.removeprefix("party-")
        by_number = digits != code and digits.isascii() and digits.isdigit() and len(digits) < 10
        domain = ("id", "=", int(digits)) if by_number else ("code", "=", code)
        found = rows.search(self._session, PartyCode, [domain], limit=1)
        if not found:
            refuse("unknown_customer", f"Tryton has no customer {code!r}")
        return found[0].id

    def _create(self, party: int, summary: str, reference: str) -> None:
        complaint = {
            "customer": party,
            "type": self._type,
            "reference": reference,
            "description": summary,
        }
        try:
            self._session.write("model.sale.complaint.create", [complaint])
        except DeclinedError as error:
            refuse("declined", f"Tryton: {error}")
