"""Where a Tryton server is, and who logs in there: ``tryton+https://user@host/database``.

The password is never part of the URL, so a URL may be shown, logged and written into a journal.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from returnflow.errors import UsageError

USER_VARIABLE = "RETURNFLOW_TRYTON_USER"
PASSWORD_VARIABLE = "RETURNFLOW_TRYTON_PASSWORD"  # noqa: S105 (a name, no password)
POLICY_VARIABLE = "RETURNFLOW_TRYTON_POLICY"
POLICY_FILE = "tryton.toml"

_SHAPE = "tryton+https://USER@HOST/DATABASE"


@dataclass(frozen=True, slots=True)
class Address:
    """A database on a server, the user who logs in, and the file with the shop's policy."""

    scheme: str
    host: str
    path: str
    database: str
    user: str
    policy: Path

    @property
    def endpoint(self) -> str:
        """The URL that calls are posted to."""
        return f"{self.scheme}://{self.host}{self.path}/{self.database}/rpc/"

    @property
    def shown(self) -> str:
        """The place without the user: for messages, and as the name of the keyring's entry."""
        return f"tryton+{self.scheme}://{self.host}{self.path}/{self.database}"


def parse(url: str) -> Address:
    """Takes a URL apart.

    Args:
        url: ``tryton+http://`` or ``tryton+https://``, a user, a host with or without a port, the
            database; behind it, ``?policy=FILE`` or nothing. Without a user it is the one in
            ``RETURNFLOW_TRYTON_USER``.

    Raises:
        UsageError: a part is missing, or a password stands in the URL. No message repeats one.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        given = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise UsageError(f"this is no URL of a Tryton server; write {_SHAPE}") from None
    if parts.password is not None:
        raise UsageError(
            "a password does not belong into a URL, where others can read it: take it out and "
            f"set {PASSWORD_VARIABLE}, or keep it in the keyring (see docs/tryton.md)"
        )
    scheme = parts.scheme.removeprefix("tryton+")
    path, _, database = parts.path.rstrip("/").rpartition("/")
    user = unquote(parts.username or "") or os.environ.get(USER_VARIABLE, "")
    if scheme not in ("http", "https") or not host or not database or parts.fragment:
        raise UsageError(f"the URL of a Tryton server names a host and a database: {_SHAPE}")
    if not user:
        raise UsageError(
            f"who is to log in to Tryton? Write {_SHAPE}, or set {USER_VARIABLE} to the user's name"
        )
    if unknown := sorted(set(given) - {"policy"}):
        raise UsageError(f"a Tryton URL takes ?policy=FILE and no {', '.join(unknown)}")
    place = f"[{host}]" if ":" in host else host
    return Address(
        scheme=scheme,
        host=place if port is None else f"{place}:{port}",
        path=path,
        database=database,
        user=user,
        policy=_policy_file(given.get("policy", [""])[-1]),
    )


def password(address: Address) -> str:
    """The password: from ``RETURNFLOW_TRYTON_PASSWORD``, else from the keyring.

    Raises:
        UsageError: there is none.
    """
    given = os.environ.get(PASSWORD_VARIABLE, "")
    if given:
        return given
    kept = _kept(address)
    if kept:
        return kept
    raise UsageError(
        f"there is no password for {address.user} at {address.shown}: set {PASSWORD_VARIABLE}, or "
        f"keep it in the keyring with: keyring set {address.shown} {address.user}"
    )


def _kept(address: Address) -> str | None:
    # Imported late: whoever sets the variable needs no keyring.
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(address.shown, address.user)
    except NoKeyringError:
        return None
    except KeyringError as error:
        raise UsageError(
            f"the keyring cannot be read ({error}): unlock it, or set {PASSWORD_VARIABLE}"
        ) from error


def _policy_file(given: str) -> Path:
    named = given or os.environ.get(POLICY_VARIABLE, "")
    if named:
        return Path(named)
    from returnflow.home import data_dir

    return data_dir() / POLICY_FILE
