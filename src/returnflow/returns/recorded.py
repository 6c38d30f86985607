"""What a recorded call of an operation came to, as an event.

A log keeps what the shop answered as data or as a sentence. Both are read as the shop-data form
has them (`shopform`); what cannot be recognised is not observable, never a reason to refuse the
log. Of a write, an error after which the shop may have acted is of unknown outcome (rule 30).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from returnflow.engine.transcript import ToolCall
from returnflow.engine.vocabulary import Event
from returnflow.records import OrderFailure, OrderSummary, ReturnReceipt, TransferReceipt
from returnflow.redacted import NOT_RECORDED, hidden
from returnflow.returns import events as ev
from returnflow.returns import shopform


def outcome(call: ToolCall) -> Event | None:
    """The event that the call came to.

    Of a look-up whose result is not recorded, or is not recognised, it is the event of success
    with everything hidden in it, so that the call goes on and nothing is held against anyone.

    Returns:
        None for a tool that is no operation, and for a write whose outcome is not recorded.
    """
    read = _OPERATIONS.get(call.operation or "")
    if read is None:
        return None
    result = _decoded(call.result)
    seen = call.outcome != "not_recorded" and not (isinstance(result, str) and hidden(result))
    error = _error(call, result) if seen else None
    event = read(call, result if seen else None, error, seen)
    return None if event is None else _timed(event, call)


def _timed(event: Event, call: ToolCall) -> Event:
    return event if call.at is None else msgspec.structs.replace(event, at=call.at)


def _decoded(result: Any) -> Any:
    """The result as data, where it is JSON text; amounts stay exact (rule 31)."""
    if not isinstance(result, str) or result.lstrip()[:1] not in ("{", "["):
        return result
    try:
        return json.loads(result, parse_float=Decimal, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return result  # a sentence that only begins like JSON


# -- errors -----------------------------------------------------------------------------------

_TAGGED = re.compile(r"\s*<error>|\s*error\b\s*:", re.IGNORECASE)
_SUCCESS = re.compile(r"<success>|(?<!\bnot )\bsuccess(?:ful(?:ly)?)?\b", re.IGNORECASE)

# Words after which nobody knows what the other side did; they outweigh the rest.
_TROUBLE = re.compile(
    r"time[d ]?[ -]?out|timeout|connect|network|unavailable|internal|server|unexpected|"
    r"unknown error|exception|gateway|upstream|response|reach|try again|tempor|at this time|"
    r"\blater\b|\b5[0-9][0-9]\b",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"not found|not exist|n't exist|no such|not find|n't find|cannot find|unable to find|"
    r"\bno (?:\w+ ){0,3}(?:found|exists?|match\w*)|\bno (?:customer|order|item|package|record)|"
    r"unknown (?:customer|order|item|package|e-?mail|id)|"
    r"invalid (?:customer|order|item|package|e-?mail)|\b404\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"several|multiple|ambiguous|more than one|\b([2-9]|[1-9][0-9]{1,3}) "
    r"(?:customers|accounts|matches|records)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"eligible|not found|no such|not exist|n't exist|invalid|not (?:allow|permit)|already|"
    r"reject|refus|declin|denied|exceed|cannot|can't|can not|not returnable|"
    r"not (?:been |yet )*deliver|expired|outside|closed|must be|must not|missing|required|"
    r"unknown (?:order|item|package|customer|reason|id)|"
    r"not belong|n't belong|forbidden|unauthori[sz]ed|too many|more than",
    re.IGNORECASE,
)


def _error(call: ToolCall, result: Any) -> str | None:
    """The words of an error; None where there is none."""
    if call.outcome == "failed":
        return shopform.words(result) if isinstance(result, str) else _words(result)
    if isinstance(result, str):
        return shopform.words(result) if _TAGGED.match(result) else None
    if isinstance(result, Mapping):
        if result.get("error") and result["error"] is not True:
            return _words(result["error"])
        if result.get("error") is True or result.get("success") is False:
            return _words(result)
    return None


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        for key in ("error", "message", "detail", "reason", "code"):
            if value.get(key) and not isinstance(value[key], bool):
                return _words(value[key])
        return ""
    return shopform.words(value) if isinstance(value, str) else ""


def _is_missing(error: str) -> bool:
    return _NOT_FOUND.search(error) is not None and _TROUBLE.search(error) is None


def _failed(call: ToolCall, outcome: str, message: str) -> Event:
    return ev.BackendFailed(
        operation=call.operation or "",
        outcome="known" if outcome == "known" else "unknown",
        message=message,
    )


# -- look-ups ---------------------------------------------------------------------------------

_NONE = ("null", "none")


def _absent(result: Any, seen: bool) -> bool:
    """Whether an answer says in so many words that there is nothing."""
    if not seen:
        return False
    if isinstance(result, str):
        text = result.strip()
        return text.casefold() in _NONE or (len(text) <= 300 and _is_missing(text))
    return result is None or result == [] or result == {}


def _argument(call: ToolCall, name: str) -> str:
    value = call.arguments.get(name)
    return value if isinstance(value, str) else ""


def _customer(call: ToolCall, result: Any, error: str | None, seen: bool) -> Event:
    email = _argument(call, "email")
    said = error if error is not None else result if isinstance(result, str) else ""
    if several := _SEVERAL.search(said[:300]):
        count = int(several[1]) if several[1] else 2
        return ev.CustomerAmbiguous(email=email, count=count)
    if isinstance(result, list) and len(result) > 1:
        return ev.CustomerAmbiguous(email=email, count=len(result))
    if error is not None:
        if _is_missing(error):
            return ev.CustomerMissing(email=email)
        return _failed(call, "known", error)
    if _absent(result, seen):
        return ev.CustomerMissing(email=email)
    return ev.CustomerFound(
        customer=shopform.customer(shopform.found_in(result, shopform.CUSTOMER_KEYS) or {})
    )


def _summaries(call: ToolCall, result: Any, error: str | None, seen: bool) -> Event:
    asked = call.arguments.get("order_ids")
    asked = asked if isinstance(asked, list | tuple) else [asked]
    order_ids = [each for each in asked if isinstance(each, str) and each]
    if error is not None:
        if order_ids and _is_missing(error):
            return ev.OrdersSummarized(
                failed=tuple(OrderFailure(order_id=each, reason=error) for each in order_ids)
            )
        return _failed(call, "known", error)
    found = shopform.summary(result) if seen else None
    if found is None:
        return ev.OrdersSummarized(
            orders=tuple(
                OrderSummary(order_id=each, order_date=NOT_RECORDED)
                for each in order_ids or [NOT_RECORDED]
            )
        )
    return ev.OrdersSummarized(orders=found.orders, failed=found.failed)


def _look_up(
    argument: str,
    keys: tuple[str, ...],
    found: Callable[[Mapping[str, Any], str], Event],
    missing: Callable[[str], Event],
) -> Callable[[ToolCall, Any, str | None, bool], Event]:
    def read(call: ToolCall, result: Any, error: str | None, seen: bool) -> Event:
        asked = _argument(call, argument)
        if error is not None:
            if _is_missing(error):
                return missing(asked or NOT_RECORDED)
            return _failed(call, "known", error)
        if _absent(result, seen):
            return missing(asked or NOT_RECORDED)
        return found(shopform.found_in(result, keys) or {}, asked)

    return read


# -- writes -----------------------------------------------------------------------------------

_TRACKING = ("return_tracking_id", "tracking_id", "return_id")
_AFTER_WORD = re.compile(
    r"(?:tracking|return)\s*(?:id|number|no\.?|code)\b\W*(?:is|was|:|=)?\W*?"
    r"(\[[A-Z][A-Z0-9 _-]*\]|[A-Za-z0-9][\w-]*[0-9][\w-]*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?<![\w-])(?=[\w-]*[0-9])[A-Za-z0-9][\w-]{3,}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}")
_BAD_STATUS = re.compile(r"reject|refus|declin|denied|not_?eligible|ineligible", re.IGNORECASE)


def _return(call: ToolCall, result: Any, error: str | None, seen: bool) -> Event | None:
    if not seen:
        return None
    if error is not None:
        return _unsuccessful(call, error, ev.ReturnRefused)
    if isinstance(result, str):
        return _in_words(
            call,
            result,
            _AFTER_WORD,
            lambda found: ev.ReturnOpened(receipt=ReturnReceipt(tracking_id=found)),
            ev.ReturnRefused,
            "the reply holds no tracking id",
        )
    data = shopform.found_in(result, (*_TRACKING, "status"))
    if data is not None:
        status = data.get("status") if isinstance(data.get("status"), str) else ""
        if status and _BAD_STATUS.search(status):
            return ev.ReturnRefused(message=_words(data) or status)
        given = [_plain_id(data.get(key)) for key in _TRACKING]
        tracking_id = next(filter(None, given), "")
        if tracking_id:
            return ev.ReturnOpened(
                receipt=ReturnReceipt(
                    tracking_id=tracking_id,
                    return_id=_plain_id(data.get("return_id")),
                    status=status or "",
                )
            )
    return _failed(call, "unknown", "the reply holds no tracking id")  # rule 30


def _plain_id(value: Any) -> str:
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if plain else ""


def _in_words(
    call: ToolCall,
    text: str,
    after: re.Pattern[str],
    done: Callable[[str], Event],
    refused: Callable[..., Event],
    nothing: str,
) -> Event:
    """A write that was answered with a sentence: the id in it, a refusal, or nobody knows."""
    named = after.search(text)
    given = {str(value).casefold() for value in call.arguments.values()}
    tokens = [
        token
        for token in _TOKEN.findall(shopform.words(text))
        if token.casefold() not in given and not _DATE.fullmatch(token)
    ]
    succeeded = _SUCCESS.search(text) is not None
    if not succeeded and not named and _REFUSED.search(text):
        return _unsuccessful(call, shopform.words(text), refused)
    if named and named[1].casefold() not in given:
        return done(named[1])
    if tokens and (succeeded or not _TROUBLE.search(text)):
        return done(tokens[0])
    return _failed(call, "unknown", shopform.words(text) or nothing)


def written(
    call: ToolCall,
    keys: tuple[str, ...],
    after: re.Pattern[str],
    done: Callable[[str], Event],
    refused: Callable[..., Event],
) -> Event | None:
    """The event that a write came to whose answer holds an id; None: not recorded.

    Args:
        keys: the members that may hold the id, the likeliest first.
        after: what stands before the id in a sentence; its first group is the id.
        done, refused: make the event of success from the id, and that of a refusal.
    """
    result = _decoded(call.result)
    seen = call.outcome != "not_recorded" and not (isinstance(result, str) and hidden(result))
    if not seen:
        return None
    error = _error(call, result)
    nothing = "the reply holds no id"
    if error is not None:
        event = _unsuccessful(call, error, refused)
    elif isinstance(result, str):
        event = _in_words(call, result, after, done, refused, nothing)
    else:
        data = shopform.found_in(result, (*keys, "status")) or {}
        status = data.get("status") if isinstance(data.get("status"), str) else ""
        one = next(filter(None, (_plain_id(data.get(key)) for key in keys)), "")
        if status and _BAD_STATUS.search(status):
            event = refused(message=_words(data) or status)
        else:
            event = done(one) if one else _failed(call, "unknown", nothing)  # rule 30
    return _timed(event, call)


def _transfer(call: ToolCall, result: Any, error: str | None, seen: bool) -> Event | None:
    if not seen:
        return None
    if error is not None:
        return _unsuccessful(call, error, ev.TransferRefused)
    if isinstance(result, str):
        text = shopform.words(result)
        if not _SUCCESS.search(result) and _UNSUCCESSFUL.search(text):
            return _unsuccessful(call, text, ev.TransferRefused)
        return ev.TransferAccepted()
    data = shopform.found_in(result, _REFERENCES)
    reference = next(filter(None, (_plain_id((data or {}).get(key)) for key in _REFERENCES)), "")
    return ev.TransferAccepted(receipt=TransferReceipt(reference=reference))


_REFERENCES = ("reference", "transfer_id", "ticket_id", "ticket")
_UNSUCCESSFUL = re.compile(
    r"\bfail|\berror|\bunable\b|could not|couldn't|cannot|can't|not (?:allow|permit)|refus|reject|"
    r"declin|denied|unavailable|time[d ]?[ -]?out|invalid",
    re.IGNORECASE,
)


def _unsuccessful(call: ToolCall, error: str, refused: Callable[..., Event]) -> Event:
    """A write that failed: plainly refused, or of unknown outcome (rule 30)."""
    if _REFUSED.search(error) and not _TROUBLE.search(error):
        return refused(message=error)
    return _failed(call, "unknown", error)


_OPERATIONS: dict[str, Callable[[ToolCall, Any, str | None, bool], Event | None]] = {
    "get_customer_by_email": _customer,
    "summarize_orders": _summaries,
    "get_order_details": _look_up(
        "order_id",
        shopform.ORDER_KEYS,
        lambda data, asked: ev.OrderFound(order=shopform.order(data, asked)),
        lambda asked: ev.OrderMissing(order_id=asked),
    ),
    "get_item_details": _look_up(
        "item_id",
        shopform.ITEM_KEYS,
        lambda data, asked: ev.ItemFound(item=shopform.item(data, asked)),
        lambda asked: ev.ItemMissing(item_id=asked),
    ),
    "get_package_details": _look_up(
        "package_id",
        shopform.PACKAGE_KEYS,
        lambda data, asked: ev.PackageFound(package=shopform.package(data, asked)),
        lambda asked: ev.PackageMissing(package_id=asked),
    ),
    "initiate_return": _return,
    "transfer_to_human_representative": _transfer,
}
