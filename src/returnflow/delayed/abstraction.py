"""What events and guards of a delayed package imply about a few facts: for proofs of rules.

Each declaration is held to the truth by a property test over calls made up.
"""

from __future__ import annotations

from returnflow.engine.abstraction import Abstraction, Effect, Facts, Implied

_ROUND_OVER = Effect({"waiting": "false", "sent": "false", "offer": "any"})
"""The gift cards just accepted are no longer those at hand."""

_LOOKED_UP = Effect({"offer": "any"})

_SETTLED = ("unasked or was sent", "unasked or not sent")

_TRANSFER_SETTLED = Effect(
    {"handed_over": "false", "unasked": "any"}, clauses=("unasked or was handed_over",)
)

CALL = Facts(
    tests={
        "issued": lambda case, _: bool(case.issued),
        "owed": lambda case, _: bool(case.owed_cards()),
        "waiting": lambda case, _: case.next_card is not None,
        "sent": lambda case, _: case.sent is not None,
        "handed_over": lambda case, _: case.transfer is not None,
        "unasked": lambda case, _: case.unasked,
        "offer": lambda case, _: bool(case.offers()),
    },
    effects={
        "order_found": (_LOOKED_UP,),
        "package_found": (_LOOKED_UP,),
        "package_missing": (_LOOKED_UP,),
        "email_given": (_ROUND_OVER,),
        "order_id_given": (_ROUND_OVER,),
        "order_id_unknown": (_ROUND_OVER,),
        "item_named": (_ROUND_OVER,),
        "told": (Effect({"owed": "down"}),),
        "gift_card_accepted": (Effect({"sent": "false", "waiting": "any", "offer": "down"}),),
        "gift_card_declined": (Effect({"offer": "down"}),),
        "gift_card_requested": (Effect({"waiting": "down", "sent": "up", "offer": "any"}),),
        "gift_card_issued": (
            Effect(
                {"sent": "down", "issued": "up", "owed": "up", "unasked": "any", "offer": "any"},
                clauses=_SETTLED,
            ),
        ),
        "gift_card_refused": (
            Effect({"sent": "down", "unasked": "any", "offer": "any"}, clauses=_SETTLED),
        ),
        "left_unconfirmed": (Effect({"sent": "false", "offer": "any"}),),
        "backend_failed": (Effect({"handed_over": "down", "unasked": "any", "offer": "any"}),),
        "resumed": (Effect({"waiting": "false", "sent": "down", "offer": "any"}),),
        "retry_requested": (Effect({"offer": "any"}),),
        "transfer_requested": (Effect({"handed_over": "true"}),),
        "transfer_accepted": (_TRANSFER_SETTLED,),
        "transfer_refused": (_TRANSFER_SETTLED,),
    },
    guards={
        "cards_told": Implied(("not owed",), ("owed",)),
        "cards_waiting": Implied(("waiting",), ("not waiting",)),
        "no_card_under_way": Implied(("not sent",), ("sent",)),
        "card_agreed": Implied(("was waiting", "sent", "not was sent")),
        "was_requested": Implied(("not unasked",), ("unasked",)),
        "gift_card_possible": Implied(("was offer",), ("not was offer",)),
    },
    always=("not owed or issued",),
)

ABSTRACTION = Abstraction(facts=CALL, free=frozenset({"summary_given"}))
