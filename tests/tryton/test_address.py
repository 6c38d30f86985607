"""The URL, the password, and answers that nobody can use. Needs no server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from returnflow.backends import tryton, tryton_rpc
from returnflow.backends.registry import open_backend
from returnflow.backends.tryton_address import parse, password
from returnflow.backends.tryton_policy import Policy
from returnflow.errors import ReturnflowError, UnavailableError, UsageError
from tryton.relay import Raw, Relay, relaying

URL = "tryton+https://anna@erp.example.com/shop"


class Kept(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def __init__(self, entries: dict[tuple[str, str], str], *, locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries, self.locked = entries, locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def keyring_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes a keyring with these entries the system's; the variable is not set."""
    monkeypatch.delenv("RETURNFLOW_TRYTON_PASSWORD")
    before = keyring.get_keyring()
    yield lambda entries, **more: keyring.set_keyring(Kept(entries, **more))
    keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (URL, "https://erp.example.com/shop/rpc/"),
        ("tryton+http://anna@127.0.0.1:8000/shop/", "http://127.0.0.1:8000/shop/rpc/"),
        ("tryton+http://anna@[::1]:8000/shop", "http://[::1]:8000/shop/rpc/"),
        ("TRYTON+HTTPS://anna@host/erp/shop", "https://host/erp/shop/rpc/"),
    ],
)
def test_where_calls_are_sent(url: str, endpoint: str) -> None:
    """The host, with or without a port; what stands before the database is a path."""
    assert parse(url).endpoint == endpoint


def test_the_user_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a whole office can share one URL; in a URL, it may hold any character."""
    monkeypatch.setenv("RETURNFLOW_TRYTON_USER", "bo")
    assert parse("tryton+https://host/shop").user == "bo"
    assert parse("tryton+https://an%40na@host/shop").user == "an@na"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("tryton+https://host/shop", "who is to log in"),
        ("tryton+https://anna@host", "names a host and a database"),
        ("tryton+https://anna@/shop", "names a host and a database"),
        ("tryton+https://anna@host/shop#x", "names a host and a database"),
        ("tryton+https://anna@host:x/shop", "is no URL"),
        ("tryton+https://anna@[host/shop", "is no URL"),
        ("tryton+https://anna@host/shop?polizy=x", "no polizy"),
        ("tryton+https://anna@host/shop?x", "is no URL"),
    ],
)
def test_a_url_with_a_mistake(url: str, words: str) -> None:
    """Rule 40: what is wrong, and how one is written."""
    with pytest.raises(UsageError, match=words):
        open_backend(url)


@pytest.mark.parametrize("rest", ["@host/shop", "@host:x/shop", "@host", "@[host/shop"])
def test_a_password_in_the_url_is_turned_down_and_not_repeated(rest: str) -> None:
    """What stands on the screen, in a log or in a journal is read by others."""
    with pytest.raises(UsageError) as caught:
        open_backend(f"tryton+https://anna:s3cret{rest}")
    assert "s3cret" not in str(caught.value)


def test_the_password_of_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, keyring_with: Any
) -> None:
    """Then the keyring, by the URL without the user."""
    keyring_with({("tryton+https://erp.example.com/shop", "anna"): "kept"})
    assert password(parse(f"{URL}?policy=x.toml")) == "kept"
    monkeypatch.setenv("RETURNFLOW_TRYTON_PASSWORD", "set")
    assert password(parse(URL)) == "set"


def test_without_a_password_both_ways_are_told(keyring_with: Any) -> None:
    """The command is the one that fills the entry that is looked for."""
    keyring_with({})
    with pytest.raises(UsageError) as caught:
        password(parse(URL))
    assert "RETURNFLOW_TRYTON_PASSWORD" in str(caught.value)
    assert "keyring set tryton+https://erp.example.com/shop anna" in str(caught.value)


def test_a_keyring_that_is_locked(keyring_with: Any) -> None:
    """It is said, and what to do."""
    keyring_with({}, locked=True)
    with pytest.raises(UsageError, match="the keyring cannot be read"):
        password(parse(URL))


def test_the_policy_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the URL, else in the environment, else in the data folder."""
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path))
    assert parse(URL).policy == tmp_path / "tryton.toml"
    monkeypatch.setenv("RETURNFLOW_TRYTON_POLICY", "other.toml")
    assert parse(URL).policy == Path("other.toml")
    assert parse(f"{URL}?policy=%2Fetc%2Fshop.toml").policy == Path("/etc/shop.toml")


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has installed only returnflow is told the command."""
    for name in [name for name in sys.modules if name.startswith("returnflow.backends.tryton")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UsageError) as caught:
        open_backend(URL)
    assert "httpx" in str(caught.value)
    assert "pip install 'returnflow[tryton]'" in str(caught.value)


# -- answers that nobody can use --------------------------------------------------------------


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A server that answers whatever the test says, and Tryton's usual greeting."""
    with relaying(0) as between:
        yield between


def answers(relay: Relay, last: Raw, *, company: object = 1) -> None:
    """The login goes well, and every other call is answered with `last`."""
    greeting = {
        "common.db.login": [7, "token", None],
        "model.res.user.get_preferences": {"company": company, "language": "en"},
    }

    def answer(method: str) -> Raw:
        if method in greeting:
            return 200, json.dumps({"id": 0, "result": greeting[method]}).encode()
        return last

    relay.answer = answer


def connect(relay: Relay) -> ReturnflowError:
    """What comes of trying to connect."""
    url = f"tryton+http://anna@127.0.0.1:{relay.port}/shop"
    with pytest.raises(ReturnflowError) as caught:
        tryton.connect(url, policy=Policy()).close()
    return caught.value


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"<html>Welcome to the hotel</html>"), "is not JSON"),
        ((200, b""), "is not JSON"),
        ((200, b"[" * 100_000), "is not JSON"),
        ((200, b"\xff"), "is not JSON"),
        ((200, b"[]"), "neither a result nor an error"),
        ((200, b'{"id": 0}'), "neither a result nor an error"),
        ((200, b'{"error": ["it broke", "Traceback ... anna@example.com"]}'), "it broke"),
        ((200, b'{"error": []}'), "Tryton failed"),
        ((200, b'{"error": ["UserError", ["No access.", "Ask.", null]]}'), "No access. Ask."),
        ((200, b'{"result": {"x": 1}}'), "cannot be read"),
        ((200, b'{"result": [{"id": "one"}]}'), "cannot be read: 0.id"),
        ((200, b'{"result": [{"id": 1, "timezone": 5}]}'), "cannot be read: 0.timezone"),
        ((200, b'{"result": {"__class__": "date", "year": 1}}'), "is not JSON"),
        ((200, b'{"result": {"__class__": "Decimal", "decimal": "x"}}'), "is not JSON"),
        ((502, b"bad gateway"), "HTTP status 502"),
        ((403, b""), "HTTP status 403"),
    ],
)
def test_an_answer_that_nobody_can_use(relay: Relay, answer: Raw, words: str) -> None:
    """Rule 40: what came, in one line, of known outcome, and without a traceback of the server."""
    answers(relay, answer)
    error = connect(relay)
    assert words in str(error)
    assert isinstance(error, UnavailableError)
    assert error.outcome == "known"
    assert "anna@example.com" not in str(error)


def test_an_answer_without_end(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 40: input has a limit."""
    monkeypatch.setattr(tryton_rpc, "MOST_BYTES", 10_000)
    answers(relay, (200, b" " * 20_000))
    assert "longer than 10000 bytes" in str(connect(relay))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b""), "does not let anna in"),
        ((404, b""), "there is no database"),
        (
            (200, b'{"error": ["LoginException", ["code", "Code?", "char"]]}'),
            "more than a password",
        ),
    ],
)
def test_a_login_that_fails(relay: Relay, answer: Raw, words: str) -> None:
    """Who is not let in, where, and what to check."""
    relay.answer = lambda method: answer
    error = connect(relay)
    assert words in str(error)
    assert isinstance(error, UsageError)


def test_too_many_logins(relay: Relay) -> None:
    """That passes by itself, so it is no mistake of the user's."""
    relay.answer = lambda method: (429, b"")
    assert isinstance(connect(relay), UnavailableError)


def test_a_user_without_a_company(relay: Relay) -> None:
    """It is said what to do."""
    answers(relay, (200, b""), company=None)
    assert "belongs to no company" in str(connect(relay))


def test_nobody_listens_there() -> None:
    """Nothing was sent."""
    with relaying(0) as gone:
        pass
    error = connect(gone)
    assert "cannot be reached" in str(error)
    assert isinstance(error, UnavailableError)
    assert error.outcome == "known"
