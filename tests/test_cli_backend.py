"""``returnflow backend``: ping and check, as a person types them."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from returnflow.backends import registry, sql
from returnflow.backends.circuit import Circuit
from returnflow.backends.protocol import LOOK_UPS
from returnflow.backends.steady import Limits, RealClock, Steady
from returnflow.cli import cli, run, shops
from returnflow.errors import UnavailableError
from returnflow.testing import Fault, FaultyBackend, MemoryShop, contract_shop, curated_shop
from returnflow.testing.contract.checking import check
from returnflow.testing.contract.subject import Sample, Subject
from shop_folder import write, write_shop

ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RETURNFLOW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def offer(monkeypatch: pytest.MonkeyPatch, shop: object) -> None:
    """Lets every URL lead to `shop`."""
    monkeypatch.setattr(registry, "open_backend", lambda url: shop)


def backend(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["backend", *arguments])


def words(result: Result) -> str:
    return " ".join(result.output.split())


# -- ping -------------------------------------------------------------------------------------


def test_ping_says_that_it_answers_and_how_fast(tmp_path: Path) -> None:
    sql.create_file(tmp_path / "shop", contract_shop(crowd=1)).close()
    url = f"sqlite:///{tmp_path / 'shop'}"
    shops.circuit(url).failed(99)
    result = backend("ping", url)
    assert result.exit_code == 0
    assert f"{url} answers: opened in " in result.output
    assert "(median of 8; slowest " in result.output
    assert "Time zone: Europe/Berlin." in result.output
    shops.circuit(url).admit()


def test_ping_names_the_files_that_are_damaged(tmp_path: Path) -> None:
    """It is there, and of what use it is depends on what a customer wants: so all is not well."""
    folder = write_shop(tmp_path / "shop", contract_shop(crowd=1))
    result = backend("ping", f"json:{folder}")
    assert (result.exit_code, "answers: opened in" in result.output) == (0, True)
    write(folder, orders='{"O-1": ', packages="[]", returns='{"R": {"a": 1, "a": 2}}')
    (folder / "items.json").unlink()
    result = backend("ping", f"json:{folder}")
    assert result.exit_code == 1
    assert (
        result.output.splitlines()[0] == f"json:{folder} is there, and not all of it can be used:"
    )
    for words in ("orders.json: ", "packages.json: ", "items.json: No such file", "returns.json: "):
        assert words in result.output
    assert "customers.json" not in result.output


def test_ping_says_that_a_folder_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a read-only disk; who runs the tests as root may write anywhere else."""
    folder = write_shop(tmp_path / "shop", contract_shop(crowd=1))
    access = os.access

    def as_on_a_read_only_disk(path: Any, mode: int, **more: Any) -> bool:
        return (path, mode) != (folder, os.W_OK) and access(path, mode, **more)

    monkeypatch.setattr(os, "access", as_on_a_read_only_disk)
    result = backend("ping", f"json:{folder}")
    assert result.exit_code == 1
    assert "cannot be written to, so nothing can be returned" in words(result)


def test_ping_tells_what_a_look_up_of_each_kind_says(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = curated_shop()

    def damaged(package_id: str) -> Any:
        raise UnavailableError("the table of packages is damaged", outcome="known", lasting=True)

    shop.get_package_details = damaged  # type: ignore[method-assign]
    offer(monkeypatch, shop)
    result = backend("ping", "my:shop")
    assert result.exit_code == 1
    assert "  - the table of packages is damaged" in result.output


def test_ping_says_that_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password in the URL is not shown, and what comes from the shop is inert (rule 37)."""
    fault = Fault("no_connection", message="connection\x1b[31m refused")
    offer(monkeypatch, FaultyBackend(curated_shop(), {("get_order_details", 1): fault}))
    result = backend("ping", "other://user:secret@host/db")
    assert result.exit_code == 1
    assert result.output == "other://user@host/db does not answer: connection·[31m refused\n"


def test_ping_of_a_shop_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str) -> Any:
        raise UnavailableError("the host is unknown")

    monkeypatch.setattr(registry, "open_backend", refuse)
    result = backend("ping", "other://host/db")
    assert (result.exit_code, result.output) == (
        1,
        "other://host/db does not answer: the host is unknown\n",
    )


@pytest.mark.parametrize("command", ["ping", "check"])
def test_a_url_that_cannot_be_used(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(["backend", command, "nosuch:thing"]) == 2
    assert "no backend for 'nosuch:'; installed: demo:" in capsys.readouterr().err


def install(folder: Path, name: str, scheme: str, target: str) -> None:
    """What pip leaves behind of a package with an adapter, without the package itself."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{scheme} = {target}\n")


def test_an_adapter_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path / "site", "half", "half", "no_such_module:connect")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert run(["backend", "ping", "half:x"]) == 2
    assert "the adapter for half:, no_such_module:connect, cannot be loaded: No module named" in (
        capsys.readouterr().err
    )
    assert "half" in registry.installed()


def test_two_adapters_for_one_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody's shop is opened by whichever was found first."""
    install(tmp_path / "site", "other", "sqlite", "other_shop:connect")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert run(["backend", "ping", f"sqlite:///{tmp_path}/x"]) == 2
    assert "several adapters are installed for sqlite: other_shop:connect, returnflow." in (
        capsys.readouterr().err
    )


# -- the log ----------------------------------------------------------------------------------


def steady(stack: ExitStack) -> Steady:
    return shops.steadied(stack, curated_shop(), "my:shop", 60.0)


def test_the_log_of_calls_is_put_aside_when_it_is_long(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody has to."""
    monkeypatch.setattr(shops, "MOST_LOG", 100)
    for _ in range(3):
        with ExitStack() as stack:
            steady(stack).get_customer_by_email(ANN)
    assert len((home / "backend.log").read_text().splitlines()) == 1
    aside = (home / "backend.log.1").read_text().splitlines()
    assert len(aside) == 1
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d{4} case=- backend=my "
        r"operation=get_customer_by_email outcome=ok ms=\d+ attempts=1",
        aside[0],
    )


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null/no/file"])
def test_a_log_that_cannot_be_written_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """The call goes on, and nothing is written over the agent's screen."""
    monkeypatch.setattr(shops, "log_path", lambda: Path(path))
    with ExitStack() as stack:
        assert steady(stack).get_customer_by_email(ANN).customer_id == "ANN"
    assert capsys.readouterr() == ("", "")


# -- check ------------------------------------------------------------------------------------


def test_check_tells_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, MemoryShop.holding(contract_shop(crowd=1)))
    result = backend("check", "my:shop", "--email", "ann.lee@example.com", "--order", "BENS")
    assert result.exit_code == 0, result.output
    assert "The read-only part of the contract, on my:shop. Nothing is written." in result.output
    assert "  kept         an address is trimmed and its case does not matter" in result.output
    assert "20 promises: 20 kept, 0 broken, 0 not checked." in result.output


def test_check_says_what_it_needs_to_check_more(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, MemoryShop.holding(contract_shop(crowd=1)))
    result = backend("check", "my:shop")
    assert result.exit_code == 0
    assert "→ it needs an e-mail address of a customer" in result.output
    assert "Give the address of a customer with open orders, --email" in result.output


def test_check_blames_no_adapter_for_what_was_mistyped(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, MemoryShop.holding(contract_shop(crowd=1)))
    result = backend("check", "my:shop", "--email", "no@example.com", "--order", "FOO")
    assert "no customer has the address no@example.com, which was given" in words(result)
    assert "there is no order FOO, which was given" in words(result)
    assert " 0 broken" in result.output


def test_check_tells_what_the_data_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fault of the adapter, so the exit status is 0; many remarks are cut short."""
    shop = curated_shop()
    shop.customers["ANN"] = replace(
        shop.customers["ANN"], active_orders=("O-ANN", *(f"GONE-{n}" for n in range(30)))
    )
    shop.orders["O-ANN"] = replace(shop.orders["O-ANN"], order_date="last Tuesday")
    offer(monkeypatch, shop)
    result = backend("check", "my:shop", "--email", ANN)
    assert result.exit_code == 0, result.output
    assert "order GONE-0 cannot be summarized: there is no such order" in words(result)
    assert "more; --all shows them." in result.output
    whole = backend("check", "my:shop", "--email", ANN, "--all")
    assert "order O-ANN: the date 'last Tuesday' is not readable" in words(whole)
    assert "item GONE was ordered and is not in the catalogue" in words(whole)
    assert "--all shows them" not in whole.output


def test_check_does_not_wait_for_a_shop_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how long it waited, and ends: no promise is broken, and all is not well."""
    hanging = Fault("slow")
    shop = FaultyBackend(
        curated_shop(), {(name, number): hanging for name in LOOK_UPS for number in range(1, 99)}
    )
    offer(monkeypatch, shop)
    result = backend("check", "my:shop", "--timeout", "0.1")
    hanging.release.set()
    assert result.exit_code == 1
    assert "→ no answer from the shop within 0.1 s" in words(result)
    assert "→ not asked, after so many calls in vain" in words(result)
    assert "20 promises: 3 kept, 0 broken, 17 not checked. " in words(result)
    assert "give it more than 0.1 s with --timeout" in words(result)
    assert len(shop.calls) == 3


def test_a_slow_look_up_spoils_no_other_check() -> None:
    """However many there are: nothing counts as down here."""
    hanging = Fault("slow")

    class Clock(RealClock):
        """Waits in vain for what hangs, and only for that."""

        def wait(self, done: threading.Event, seconds: float) -> bool:
            while not done.wait(0.005):
                if hanging.begun.is_set():
                    hanging.begun.clear()
                    return False
            return True

    plan = {("get_package_details", number): hanging for number in range(1, 99)}
    plan |= {("get_customer_by_email", 1): hanging}
    shop = Steady(
        FaultyBackend(MemoryShop.holding(contract_shop(crowd=1)), plan),
        limits=Limits(timeout=30, attempts=1),
        circuit=Circuit(failures=sys.maxsize),
        clock=Clock(),
    )
    subject = Subject(shop, Sample(["ann.lee@example.com"], ["BENS"]))
    found = {verdict.promise.name: verdict for verdict in check(subject)}
    hanging.release.set()
    unanswered = {name for name, verdict in found.items() if verdict.state == "unanswered"}
    assert unanswered == {"unknown_customer", "unknown_ids", "strange_ids", "packages"}
    assert {found[name].words for name in unanswered} == {"no answer from the shop within 30 s"}
    assert {v.state for name, v in found.items() if name not in unanswered} == {"kept"}


def test_check_goes_on_beside_records_that_cannot_be_read(tmp_path: Path) -> None:
    """They are named, and no fault of the adapter."""
    folder = write_shop(tmp_path / "shop", contract_shop(crowd=1))
    orders = json.loads((folder / "orders.json").read_text())
    orders["Plain"]["items_ordered"] = "many"
    write(folder, orders=orders)
    result = backend("check", f"json:{folder}", "--email", "ann.lee@example.com")
    assert "  - orders.json: Plain: items_ordered: " in result.output
    assert "20 promises: 20 kept, 0 broken, 0 not checked." in words(result)
    assert result.exit_code == 0


def test_check_goes_on_beside_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write(write_shop(tmp_path / "shop", contract_shop(crowd=1)), packages="{")
    result = backend("check", f"json:{folder}", "--email", "ann.lee@example.com")
    assert result.exit_code == 1
    assert "no answer: packages.json: " in words(result)
    assert "20 promises: 18 kept, 0 broken, 2 not checked." in words(result)


def test_check_names_the_methods_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Half:
        zone = None

        def capabilities(self) -> frozenset[str]:
            return frozenset()

        def close(self) -> None:
            pass

    offer(monkeypatch, Half())
    result = backend("check", "my:shop")
    assert result.exit_code == 1
    assert "there is no method get_customer_by_email, summarize_orders" in words(result)
    assert "it raises AttributeError" in words(result)


class Careless(MemoryShop):
    """An adapter with the faults that real ones have."""

    def get_item_details(self, item_id: str) -> Any:
        """A KeyError for what is not there; a float for a price."""
        return replace(self.items[item_id], cost=9.99)

    def get_customer_by_email(self, email: str) -> Any:
        """Takes the address as it is typed, and repeats it."""
        from returnflow.errors import NotFoundError

        for customer in self.customers.values():
            if customer.email == email:
                return customer
        raise NotFoundError(f"nobody has {email}")

    def summarize_orders(self, order_ids: Any) -> Any:
        """Hangs up."""
        raise UnavailableError("no route to host")


def test_check_tells_what_is_broken_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    data = contract_shop(crowd=1)
    offer(monkeypatch, Careless.holding(data))
    result = backend("check", "my:shop", "--email", "Ann.Lee@Example.com")
    assert result.exit_code == 1
    found = words(result)
    assert "raises KeyError, not NotFoundError" in found
    assert "Item.cost is a float: 9.99" in found
    assert "the message repeats the e-mail address (rule 38)" in found
    assert "the address of ANN is answered with NotFoundError" in found
    assert "→ no answer: no route to host" in found
    assert "BROKEN" in found
    assert "kept an order is found however its id is typed" in found
    assert isinstance(data.items[0].cost, Decimal)
