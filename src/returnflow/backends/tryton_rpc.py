"""Calls of a Tryton server: a login, JSON-RPC over HTTP, and what its answers mean.

Observed with Tryton 8.2: an error comes as status 200 with a member ``error``; dates and decimals
are objects with ``__class__``; a session that has run out is answered with 401 before anything
is done; a method that raises is rolled back as a whole.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import httpx

from returnflow.backends.tryton_address import Address
from returnflow.errors import ReturnflowError, UnavailableError, UsageError

MOST_BYTES = 32 * 1024 * 1024
"""The longest answer that is read (rule 40)."""

Outcome = Literal["known", "unknown"]


class DeclinedError(ReturnflowError):
    """Tryton understood a call and said no; that call changed nothing."""


class WarnedError(DeclinedError):
    """Tryton asks "are you sure?"; `name` is what an answer has to name."""

    def __init__(self, message: str, *, name: str) -> None:
        self.name = name
        super().__init__(message)


class Session:
    """A login to one database. Safe to use from many threads.

    Args:
        timeout: seconds to wait for an answer.

    Raises:
        UsageError: Tryton does not know the user, the password or the database.
        UnavailableError: the server does not answer.
    """

    def __init__(self, address: Address, password: str, *, timeout: float = 30.0) -> None:
        self._address = address
        self._password = password
        waits = httpx.Timeout(timeout, connect=min(timeout, 5.0))
        # An idle connection that the server has closed shows itself only when a request is lost
        # on it. A look-up is simply made again; a write gets a new connection each time.
        # Reading the certificates takes a while, so it is done once, and only where needed.
        trust = httpx.create_ssl_context() if address.scheme == "https" else False
        self._reading = httpx.Client(timeout=waits, verify=trust)
        self._writing = httpx.Client(
            timeout=waits, verify=trust, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._lock = threading.Lock()
        self._token = ""
        self.context: dict[str, Any] = {}
        try:
            self._log_in("")
            self.context = self._preferences()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the connections."""
        self._reading.close()
        self._writing.close()

    def read(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """The answer to a call that changes nothing; it is made again once if it gets lost.

        Raises:
            DeclinedError: Tryton said no, for example for want of a right.
            UnavailableError: no usable answer; its outcome is known, for there is none.
        """
        given = [*params, {**self.context, **(context or {})}]
        try:
            return self._call(self._reading, method, given)
        except _LostError:
            pass
        try:
            return self._call(self._reading, method, given)
        except _LostError as error:
            raise UnavailableError(str(error), outcome="known") from error

    def write(self, method: str, *params: Any) -> Any:
        """The answer to a call that may change something; it is sent once.

        Raises:
            DeclinedError: Tryton said no; nothing was changed by this call.
            UnavailableError: no usable answer; its outcome says whether it may have been done.
        """
        try:
            return self._call(self._writing, method, [*params, self.context])
        except _LostError as error:
            raise UnavailableError(str(error), outcome=error.outcome) from error

    # -- logging in ---------------------------------------------------------------------------

    def _log_in(self, stale: str) -> None:
        """Logs in, unless another thread has done so since the token `stale` was used."""
        with self._lock:
            if self._token != stale:
                return
            user = self._address.user
            params = [user, {"password": self._password}]
            try:
                response = self._post(self._reading, "common.db.login", params, token="")
            except _LostError as error:
                raise UnavailableError(str(error), outcome="known") from error
            if response.status_code == 401:
                raise UsageError(
                    f"Tryton at {self._address.shown} does not let {user} in: check the user's "
                    "name and the password"
                )
            if response.status_code == 404:
                raise UsageError(f"there is no database at {self._address.shown}: check its name")
            if response.status_code == 429:
                raise UnavailableError(
                    "Tryton refuses to log anybody in for a while after too many failed attempts",
                    outcome="known",
                )
            try:
                uid, token = _result(response, "common.db.login")[:2]
                pair = f"{user}:{uid:d}:{token}"
            except (DeclinedError, TypeError, ValueError) as error:
                # A second factor, say: there is nobody here to ask for it.
                raise UsageError(
                    f"Tryton at {self._address.shown} wants more than a password to log in: give "
                    f"{user} a login by password alone"
                ) from error
            except _LostError as error:
                raise UnavailableError(str(error), outcome="known") from error
            self._token = base64.b64encode(pair.encode()).decode()

    def _preferences(self) -> dict[str, Any]:
        try:
            found = self.read("model.res.user.get_preferences", True)
        except DeclinedError as error:
            raise UnavailableError(f"Tryton: {error}", outcome="known") from error
        if not isinstance(found, dict) or not isinstance(found.get("company"), int):
            raise UsageError(
                f"the Tryton user {self._address.user} belongs to no company: choose one in the "
                "user's preferences"
            )
        return found

    # -- one call -----------------------------------------------------------------------------

    def _call(self, client: httpx.Client, method: str, params: Sequence[Any]) -> Any:
        for last in (False, True):
            token = self._token
            response = self._post(client, method, params, token=token)
            # The session has run out. Tryton looks at it first, so nothing was done.
            if response.status_code != 401 or last:
                break
            try:
                self._log_in(token)
            except UsageError as error:
                # In the middle of a call: the password has been changed, say.
                raise UnavailableError(str(error), outcome="known") from error
        return _result(response, method)

    def _post(
        self, client: httpx.Client, method: str, params: Sequence[Any], *, token: str
    ) -> httpx.Response:
        """The answer as it came.

        Raises:
            _LostError
        """
        body = json.dumps({"id": 0, "method": method, "params": params}, default=_encode)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Session {token}"
        try:
            with client.stream(
                "POST", self._address.endpoint, content=body.encode(), headers=headers
            ) as response:
                received = bytearray()
                for part in response.iter_bytes():
                    received += part
                    if len(received) > MOST_BYTES:
                        raise _LostError(f"an answer of Tryton is longer than {MOST_BYTES} bytes")
                return httpx.Response(response.status_code, content=bytes(received))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _LostError(
                f"Tryton cannot be reached ({_words(error)})", outcome="known"
            ) from error
        except httpx.TimeoutException as error:
            raise _LostError("Tryton did not answer in time") from error
        except httpx.HTTPError as error:
            raise _LostError("the connection to Tryton broke before it answered") from error


class _LostError(ReturnflowError):
    """There is no usable answer; `outcome` as in `UnavailableError`."""

    def __init__(self, message: str, *, outcome: Outcome = "unknown") -> None:
        self.outcome: Outcome = outcome
        super().__init__(message)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _result(response: httpx.Response, method: str) -> Any:
    """What the call answered.

    Raises:
        DeclinedError: Tryton said no.
        _LostError: an answer that nobody can use.
    """
    status = response.status_code
    if status in (401, 403, 404, 405, 413, 422):
        raise DeclinedError(f"{method} is not possible there (HTTP status {status})")
    if status != 200:
        raise _LostError(f"{method} was answered with HTTP status {status}")
    try:
        answer = json.loads(response.content, object_hook=_decode, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise _LostError(f"the answer to {method} is not JSON") from error
    if not isinstance(answer, dict) or not answer.keys() & {"result", "error"}:
        raise _LostError(f"the answer to {method} has neither a result nor an error")
    if "error" in answer:
        raise _error(answer["error"], method)
    return answer["result"]


def _error(error: Any, method: str) -> ReturnflowError:
    match error:
        case ["UserWarning", [str(name), str(message), *more]]:
            return WarnedError(_sentence(message, *more), name=name)
        case ["LoginException", [_, str(message), *_]]:
            return DeclinedError(message)
        case ["UserError", [str(message), *more]]:
            return DeclinedError(_sentence(message, *more))
        case ["ConcurrencyException", *_]:
            return DeclinedError(f"somebody else changed the record meanwhile ({method})")
        case [str(text), *_]:
            # A fault of the server; its traceback, which may hold personal data, stays behind.
            return _LostError(f"Tryton failed in {method}: {text.strip()[:200]}")
    return _LostError(f"Tryton failed in {method}")


def _sentence(message: str, *more: Any) -> str:
    parts = [message, *(part for part in more[:1] if isinstance(part, str))]
    return " ".join(part.strip() for part in parts if part.strip()) or "Tryton gives no reason"


def _decode(found: dict[str, Any]) -> Any:
    """Tryton's objects for what JSON has no form for; others stay as they are."""
    try:
        match found.get("__class__"):
            case "Decimal":
                return Decimal(found["decimal"])
            case "date":
                return date(found["year"], found["month"], found["day"])
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"no {found['__class__']}: {found}") from error
    return found


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        parts = {"year": value.year, "month": value.month, "day": value.day}
        return {"__class__": "date", **parts}
    raise TypeError(f"no JSON for {type(value).__name__}")
