"""The demo shop: that it loads, says what it means, and that its scenarios are true of it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from returnflow.backends import demo, registry, sql
from returnflow.backends.shopdata import Scenario, ShopData
from returnflow.backends.shopfile import read_shop
from returnflow.bundled import bundled
from returnflow.errors import AmbiguousError, NotFoundError, UnavailableError, UsageError
from returnflow.records import Item, Order, Package
from returnflow.returns import eligibility
from returnflow.returns.events import REASONS

FILES = bundled("fixtures") / "shop"
SCENARIOS = demo.scenarios()
# Among them days after a change to and from daylight-saving time, and a leap day.
DAYS = [
    date(2026, 11, 23),
    date(2026, 3, 30),
    date(2026, 10, 26),
    date(2028, 2, 29),
    date(2027, 1, 1),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("RETURNFLOW_HOME", str(folder))
    return folder


def by_name(scenario: Scenario) -> str:
    return scenario.name


# -- loading ----------------------------------------------------------------------------------


def test_it_is_loaded_on_first_use_and_kept(home: Path) -> None:
    assert demo.loaded_on() is None
    with demo.connect(today=DAYS[0]) as shop:
        opened = shop.initiate_return("ORD-7301", "KETTLE-17", 1, "DAMAGED", idempotency_key="k")
    with demo.connect(today=DAYS[1]) as shop:
        assert opened.tracking_id in [found.tracking_id for found in shop.returns()]
        assert shop.zone == "Europe/Berlin"
    assert demo.loaded_on() == DAYS[0]
    assert demo.shop_file().parent == home
    assert {found.name for found in home.iterdir()} <= {
        "demo-shop.sqlite3",
        "demo-shop.sqlite3.lock",
    }


def test_the_registry_opens_it_on_the_present_day() -> None:
    before = datetime.now(ZoneInfo("Europe/Berlin")).date()
    shop = registry.open_backend("demo:")
    after = datetime.now(ZoneInfo("Europe/Berlin")).date()
    assert shop.get_order_details("ORD-7324").order_date in {before.isoformat(), after.isoformat()}
    shop.close()
    with pytest.raises(UsageError, match="takes nothing after it"):
        registry.open_backend("demo:other")


def test_a_reset_loads_it_anew_under_those_who_use_it() -> None:
    with demo.connect(today=DAYS[0]) as shop:
        shop.initiate_return("ORD-7301", "KETTLE-17", 1, "DAMAGED", idempotency_key="k")
        assert demo.reset(today=DAYS[3]) == DAYS[3] == demo.loaded_on()
        order = shop.get_order_details("ORD-7301")
        assert order.lines[0].returned == 0
        assert order.order_date == "2028-02-17T09:41:00+01:00"


def test_a_reset_makes_the_first_shop_and_mends_a_broken_one() -> None:
    assert demo.reset(today=DAYS[0]) == DAYS[0]
    path = demo.shop_file()
    path.write_text("this is no database" * 100)
    with pytest.raises(UsageError, match="demo reset"):
        demo.connect()
    assert demo.reset(today=DAYS[1]) == DAYS[1] == demo.loaded_on()


def test_what_a_killed_load_left_is_no_hindrance(home: Path) -> None:
    home.mkdir()
    (home / "demo-shop.sqlite3.new").write_text("half a shop")
    (home / "demo-shop.sqlite3.new-journal").write_text("half a journal")
    with demo.connect() as shop:
        assert shop.get_item_details("KETTLE-17").currency == "EUR"
    assert not list(home.glob("*.new*"))


_FIRST = """
import sys
from returnflow.backends import demo
print("ready", flush=True)
sys.stdin.readline()
with demo.connect() as shop:
    print(shop.initiate_return("ORD-7301", "KETTLE-17", 1, "DAMAGED", idempotency_key="k"))
"""


def test_processes_that_load_it_at_once_agree() -> None:
    """Rule 28: a return made in the first shop is not lost to a second load."""
    users = [
        subprocess.Popen(
            [sys.executable, "-c", _FIRST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == "ready\n"
    for user in users:
        assert user.stdin is not None
        user.stdin.write("\n")
        user.stdin.flush()
    answers = [user.communicate(timeout=60)[0] for user in users]
    assert all(user.returncode == 0 for user in users)
    assert len(set(answers)) == 1
    with demo.connect() as shop:
        assert sum(found.order_id == "ORD-7301" for found in shop.returns()) == 1


def test_a_folder_that_holds_a_directory_of_that_name(home: Path) -> None:
    (home / "demo-shop.sqlite3").mkdir(parents=True)
    with pytest.raises(UsageError, match="is not a file"):
        demo.connect()


def test_what_travels_with_the_program_is_found() -> None:
    assert (bundled("states") / "handling_returns.yaml").is_file()
    with pytest.raises(UsageError, match="is not whole"):
        bundled("missing")  # type: ignore[arg-type]


# -- what is in it ----------------------------------------------------------------------------


def test_every_customer_has_a_scenario_in_words_and_for_a_program() -> None:
    shop, scenarios = read_shop(FILES, lambda zone: DAYS[0])
    assert len(scenarios) >= 16
    customers = [found.customer_id for found in shop.customers]
    assert [found.customer_id for found in scenarios] == customers[: len(scenarios)]
    assert len(customers) == len(scenarios) + len(demo.waiting())
    for scenario in scenarios:
        assert scenario.title
        assert scenario.attempt
        assert scenario.outcome
        assert all(pick.reason in REASONS for pick in scenario.script.picks)
    assert all(customer.email.lower().endswith("@example.com") for customer in shop.customers)


def test_the_texts_that_a_screen_may_fail_on_are_there() -> None:
    """Rule 37: an escape sequence, a bidi override, CJK, emoji and 300 characters."""
    with demo.connect() as shop:
        customer = shop.get_customer_by_email("zoe.zolc@example.com")
        order = shop.get_order_details("ORD-7317")
    texts = [found.description for found in order.lines]
    everything = "".join([customer.first_name, customer.last_name, *texts])
    for wanted in ("\x1b[", "\u202e", "急須", "🪁", "ß", "\r\n", "\u200d"):
        assert wanted in everything
    assert 300 in map(len, texts)
    assert len(shop_of(DAYS[0]).orders[10].lines) == 60


def test_prices_are_exact_in_three_currencies() -> None:
    """Rule 31: as written in the files, digit for digit."""
    with demo.connect() as shop:
        prices = {
            (line.unit_price, str(line.unit_price), line.currency)
            for order_id in ("ORD-7318", "ORD-7319-KWD", "ORD-7319-JPY")
            for line in shop.get_order_details(order_id).lines
        }
    assert {(text, currency) for _, text, currency in prices} == {
        ("0.333", "EUR"),
        ("19.99", "EUR"),
        ("4.125", "KWD"),
        ("1250", "JPY"),
    }


def test_dates_follow_the_day_of_loading() -> None:
    """Rules 2, 3: zones are written where they are meant, times only where they are known."""
    with demo.connect(today=date(2026, 11, 23)) as shop:
        dates = {
            order_id: shop.get_order_details(order_id).order_date
            for order_id in ("ORD-7306", "ORD-7307", "ORD-7308", "Ord-7330-Xy", "ORD-7333")
        }
    assert dates == {
        "ORD-7306": "2026-10-23T23:45:00+02:00",
        "ORD-7307": "2026-10-23T23:30:00+00:00",
        "ORD-7308": "2026-11-19",
        "Ord-7330-Xy": "2026-11-05T21:21:00",
        "ORD-7333": "sometime in spring",
    }


# -- that the scenarios are true --------------------------------------------------------------


def shop_of(today: date) -> ShopData:
    return read_shop(FILES, lambda zone: today)[0]


@pytest.fixture(scope="module", params=DAYS, ids=str)
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[sql.SqlShop, date]]:
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite3"
    with sql.create_file(path, shop_of(request.param)) as shop:
        yield shop, request.param


def details(
    shop: sql.SqlShop, order: Order
) -> tuple[dict[str, Item | None], dict[str, Package | None]]:
    items: dict[str, Item | None] = {}
    packages: dict[str, Package | None] = {}
    for line in order.lines:
        try:
            items[line.item_id] = shop.get_item_details(line.item_id)
        except NotFoundError:
            items[line.item_id] = None
        for parcel in filter(None, (parcel.package_id for parcel in line.parcels)):
            try:
                packages[parcel] = shop.get_package_details(parcel)
            except NotFoundError:
                packages[parcel] = None
    return items, packages


@pytest.mark.parametrize("scenario", SCENARIOS, ids=by_name)
def test_the_shop_answers_as_the_scenario_says(
    loaded: tuple[sql.SqlShop, date], scenario: Scenario
) -> None:
    """Rules 20, 21, 22, 23, 24: who is found, what is listed, whose order it is."""
    shop, _ = loaded
    script, expect = scenario.script, scenario.script.expect
    if expect.answer == "several_accounts":
        with pytest.raises(AmbiguousError):
            shop.get_customer_by_email(script.email)
        return
    customer = shop.get_customer_by_email(script.email)
    assert customer.customer_id == scenario.customer_id
    if script.listing:
        answer = shop.summarize_orders(customer.active_orders)
        assert tuple(found.order_id for found in answer.orders) == (expect.listed or ())
        assert tuple(found.order_id for found in answer.failed) == expect.failed
        assert bool(customer.active_orders) == (expect.answer != "no_open_orders")
    if script.order is None:
        assert expect.answer == "none_recognised"
        return
    owner = shop.get_order_details(script.order).customer_id
    assert (owner == customer.customer_id) == (expect.answer != "no_such_order")


@pytest.mark.parametrize(
    "scenario", [found for found in SCENARIOS if found.script.picks], ids=by_name
)
def test_what_may_go_back_is_what_the_scenario_says(
    loaded: tuple[sql.SqlShop, date], scenario: Scenario
) -> None:
    """Rules 1, 2, 5, 6, 7, 8, 9, 11, 12, 13, 18, 31: on whatever day the shop is loaded."""
    shop, today = loaded
    script, expect = scenario.script, scenario.script.expect
    order = shop.get_order_details(script.order or "")
    items, packages = details(shop, order)
    wanted: dict[str, int] = defaultdict(int)
    for pick in script.picks:
        wanted[pick.item] += pick.quantity
    refused, advice, granted = {}, {}, {}
    for item_id, quantity in wanted.items():
        taken = eligibility.returned_units(order, item_id) or 0
        assert quantity <= eligibility.ordered_units(order, item_id) - taken
        known = (
            packages
            if not eligibility.item_reasons(order, items[item_id], today, shop_zone(shop))
            else {}
        )
        decision = eligibility.decide(
            order, item_id, quantity, items[item_id], known, taken, today, shop_zone(shop)
        )
        if decision.reasons:
            refused[item_id] = tuple(reason.code for reason in decision.reasons)
            advice[item_id] = decision.advice
        if decision.granted:
            granted[item_id] = decision.granted
    assert refused == expect.refused
    assert advice == expect.advice
    if expect.end == "abandoned":
        assert not expect.returned
        return
    returned: dict[str, int] = defaultdict(int)
    for back in expect.returned:
        taken = (eligibility.returned_units(order, back.item) or 0) + returned[back.item]
        assert back.refund is not None
        assert back.refund.amount == eligibility.refund(
            order, back.item, back.quantity, packages, taken
        )
        assert {back.refund.currency} == {line.currency for line in order.lines}
        returned[back.item] += back.quantity
    assert dict(returned) == granted
    assert (expect.end == "closed") == (bool(granted) and script.finish == "close")


def shop_zone(shop: sql.SqlShop) -> str:
    assert shop.zone is not None
    return shop.zone


def test_the_returns_of_all_scenarios_can_be_opened_one_after_the_other() -> None:
    """Rules 17, 19: the shop takes every one of them, and refuses none."""
    with demo.connect() as shop:
        before = len(shop.returns())
        opened = [
            shop.initiate_return(
                scenario.script.order or "",
                back.item,
                back.quantity,
                "OTHER",
                idempotency_key=f"{scenario.name}-{number}",
            ).tracking_id
            for scenario in SCENARIOS
            for number, back in enumerate(scenario.script.expect.returned)
        ]
        assert len(set(opened)) == len(opened) == len(shop.returns()) - before > 16


def test_every_reason_and_every_advice_is_to_be_met() -> None:
    """Rule 9: there is a customer for each reason that an item can be refused for."""
    reasons = {
        code
        for scenario in SCENARIOS
        for codes in scenario.script.expect.refused.values()
        for code in codes
    }
    assert reasons == {
        "not_returnable",
        "eligibility_unknown",
        "window_unknown",
        "window_closed",
        "order_in_future",
        "order_date_unknown",
        "item_unknown",
        "in_transit",
        "not_shipped",
        "delivery_failed",
        "package_unknown",
        "already_returned",
    }
    assert {word for s in SCENARIOS for word in s.script.expect.advice.values()} == {
        "after_delivery",
        "closes_before_delivery",
        "offer_transfer",
        "final",
    }
    assert {scenario.script.expect.end for scenario in SCENARIOS} == {
        "closed",
        "closed_without_return",
        "transferred",
        "abandoned",
    }


# -- what a person gets wrong -----------------------------------------------------------------

ONE = "people/01-one-item.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("shop.yaml", "Europe/Berlin", "Europe/Atlantis", r"shop\.yaml:\d+:1: 'Europe/Atlantis'"),
        ("shop.yaml", "Europe/Berlin", "../../etc", r"shop\.yaml:\d+:1: "),
        ("shop.yaml", "zone:", "zones:", r"shop\.yaml:\d+:1: .*zones"),
        ("catalogue.yaml", "id: MUG-BLUE", "id: KETTLE-17", "'KETTLE-17' is there twice"),
        ("catalogue.yaml", "cost: 39.90", "cost: dear", r"catalogue\.yaml:\d+:\d+: items\.0\.cost"),
        ("catalogue.yaml", "cost: 39.90", "cost: -1", r"items\.0\.cost"),
        ("catalogue.yaml", "cost: 39.90", "cost: NaN", r"items\.0\.cost"),
        ("catalogue.yaml", "returnable: true", "returnable: maybe", r"items\.0\.returnable"),
        (ONE, "title:", "titel:", r"people/01-one-item\.yaml:1:1: titel"),
        (ONE, "price: 39.90", "price: 39.90, quantity: 0", r"orders\.0\.lines\.0\.quantity"),
        (ONE, "price: 39.90", "price: 39.90, quantity: 1.5", r"orders\.0\.lines\.0\.quantity"),
        (ONE, "currency: EUR\n    lines", "currency: euro\n    lines", r"orders\.0\.currency"),
        (ONE, "ordered: -12 09:41", "ordered: -12 25:41", r":\d+:\d+: '-12 25:41' is no time"),
        (ONE, "ordered: -12 09:41", "ordered: -12 09:41 Mars", "'Mars' is no IANA time zone"),
        (ONE, "id: ORD-7301", "id: ord-7302", "'ord-7302' is in people/01-one-item.yaml already"),
        (ONE, "id: CUST-1001", "id: CUST-1002", "'CUST-1002' is in people/01"),
        (ONE, "- {id: PKG-7301", "- {id: PKG-7302", "'PKG-7302' is in people/01"),
        (ONE, "end: closed", "end: happily", r"script\.expect\.end"),
        (ONE, "title:", "title: twice\ntitle:", "given twice"),
        (ONE, "title: One", "title: &a One", "anchors"),
        (
            ONE,
            "package: PKG-7301}\n",
            "parcels: [{package: PKG-7301, quantity: 2}]}\n",
            "1 ordered, but 2 in parcels",
        ),
        (
            ONE,
            "package: PKG-7301}\n",
            "package: X, parcels: [{quantity: 1}]}\n",
            "not both",
        ),
        ("people/13-already-returned.yaml", "id: RET-5002", "id: RET-5001", "'RET-5001' is in"),
        (
            "people/13-already-returned.yaml",
            "RT-0D3M01-5002AA",
            "RT-0D3M01-5001AA",
            "tracking id 'RT-0D3M01-5001AA' is in",
        ),
    ],
)
def test_a_slip_in_a_file_is_named_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    """Rule 40: file, line and column, and what is wrong there."""
    folder = tmp_path / "shop"
    shutil.copytree(FILES, folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        read_shop(folder, lambda zone: DAYS[0])


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"shop\.yaml"):
        read_shop(tmp_path, lambda zone: DAYS[0])


def test_relative_days_reach_far_and_other_text_stays(tmp_path: Path) -> None:
    """Rule 3: what is no relative date is stored as it stands."""
    folder = tmp_path / "shop"
    shutil.copytree(FILES, folder)
    path = folder / ONE
    for written, stored in {
        "+3": str(DAYS[0] + timedelta(days=3)),
        "-99999": str(DAYS[0] - timedelta(days=99999)),
        "2026-13-45": "2026-13-45",
        "": "",
        "-1 07:00 none": str(DAYS[0] - timedelta(days=1)) + "T07:00:00",
    }.items():
        text = (FILES / ONE).read_text(encoding="utf-8")
        path.write_text(text.replace("-12 09:41", f'"{written}"'), encoding="utf-8")
        shop, _ = read_shop(folder, lambda zone: DAYS[0])
        assert shop.orders[0].order_date == stored


def test_a_shop_that_is_locked_is_not_loaded_over() -> None:
    """Rule 29: a reset that cannot be done leaves the shop as it was."""
    with demo.connect(today=DAYS[0]) as shop:
        impatient = sql.open_file(Path(shop.name), busy_timeout=0.0)
        with closing(sqlite3.connect(shop.name, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(UnavailableError):
                impatient.replace(shop_of(DAYS[1]))
            other.execute("ROLLBACK")
    assert demo.loaded_on() == DAYS[0]
