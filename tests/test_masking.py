"""Masking of e-mail addresses and phone numbers."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from returnflow.errors import UsageError
from returnflow.masking import Masker, MaskKey
from returnflow.records import Customer, Order, OrderLine, Package, ReturnReceipt
from returnflow.returns import events as ev

MASK = Masker(MaskKey(b"k" * 32), {"email": "email", "phone_number": "phone"})


def test_equal_values_have_equal_masks_under_one_key() -> None:
    """Rule 38: a keyed hash of the normalised form."""
    email = MASK.mask_email("Ada@Example.com ")
    assert email == MASK.mask_email("ada@example.com")
    assert email != MASK.mask_email("bob@example.com")
    assert email != Masker(MaskKey(b"x" * 32)).mask_email("ada@example.com")
    assert email.startswith("m-")
    assert email.endswith("@masked.invalid")
    phone = MASK.mask_phone("+49 (30) 123-4567")
    assert phone == MASK.mask_phone("49301234567")
    assert phone.startswith("tel-")
    assert MASK.mask_phone("٤٩٣٠١٢٣٤٥٦٧") == phone
    assert "kkkk" not in repr(MASK)


@pytest.mark.parametrize("text", ["", "  ", "[EMAIL]", "[PII]"])
def test_nothing_and_redactions_stay(text: str) -> None:
    """Rule 38; a redaction of somebody else's must stay one."""
    assert MASK.mask_email(text) == MASK.mask_phone(text) == MASK.mask_text(text) == text


@given(
    st.text() | st.text("0@A. -+()/m1:9#_é[]", max_size=16),  # what an address is made of
    st.emails(),
)
@example("0@0@A", "a@example.com")
@example("/#(_)#-@1:0_@x[", "a@example.com")
@example("-09@9]#@é@é0+é)", "a@example.com")
def test_masking_twice_is_masking_once(text: str, email: str) -> None:
    """Rule 38, for any text."""
    for once in (MASK.mask_email(text), MASK.mask_email(email)):
        assert MASK.mask_email(once) == once
    phone = MASK.mask_phone(text)
    assert MASK.mask_phone(phone) == phone
    whole = MASK.mask_text(f"{text} {email} {text}")
    assert MASK.mask_text(whole) == whole


@pytest.mark.parametrize(
    "number",
    [
        *("+49 30 1234567", "+1 (415) 555-0123", "+14155550123", "0049 30 1234567"),
        *("(415) 555-0123", "415-555-0123", "415.555.0123", "415 555 0123", "1-415-555-0123"),
        *("4155550123", "030 1234567", "030/1234567", "01 23 45 67 89", "01.23.45.67.89"),
        *("98765 43210", "+91 98765-43210", "612 345 678", "020 7946 0958"),
    ],
)
def test_phone_numbers_in_texts_are_masked(number: str) -> None:
    """Rule 38: in notes and summaries too."""
    for text in (f"call {number} today", f"{number}.", f"({number})", f"Tel:{number}, please"):
        masked = MASK.mask_text(text)
        assert MASK.mask_phone(number) in masked, masked
        assert number not in masked


@pytest.mark.parametrize("name", ["calls/{}.json", "{}.jsonl.gz", "recorded/2026/{}.csv"])
def test_a_file_named_by_a_number_does_not_show_it(name: str) -> None:
    """Rule 38: file names, too; the ending stays."""
    assert MASK.mask_text(name.format("+14155550123")) == name.format(
        MASK.mask_phone("+14155550123")
    )


@pytest.mark.parametrize(
    "address", ["ada@example.com", "a.b+c@mail.example.com", "jürgen@müller.example", "x@store"]
)
def test_addresses_in_texts_are_masked(address: str) -> None:
    """Rule 38: whatever stands around them."""
    for text in (f"write to {address}.", f"<{address}>", f"mailto:{address}?x=1", f"'{address}'"):
        masked = MASK.mask_text(text)
        assert address not in masked
        assert MASK.mask_email(address) in masked


@pytest.mark.parametrize(
    "text",
    [
        *("ORD-2026-000123", "#4155550123", "112-1234567-1234567", "W1234567890", "1Z999AA1"),
        *("2026-11-23", "2026-11-23 10:30", "2026-11-23T10:30:00+05:30", "23.11.2026 14:05"),
        *("1234567890.50", "0.1234567890", "129.90 129.90 129.90", "2 @ 5.00", "19.90 EUR"),
        *("2026-11-23 2026-11-24", "rf-20261123-7K3Q-X4MD-12", "20261123-7K3Q-X4MD", "12 of 60"),
        *("RET-0049301234567", "tracking 1Z-030-1234567x", "30 days", "order 100234567"),
        *("05.11.2026 and 06.11.2026", "20261123093000123", "P30D"),
    ],
)
def test_ids_dates_and_amounts_stay(text: str) -> None:
    """Rule 38 hides people, not orders."""
    assert MASK.mask_text(text) == text
    assert MASK.mask_text(f"about {text}, please") == f"about {text}, please"


def test_a_record_is_masked_field_by_field() -> None:
    """Rule 38: named fields whole, texts inside, ids and figures never."""
    customer = Customer(
        customer_id="4155550123",
        first_name="Ada",
        email="ada@example.com",
        phone_number="555 0123",
        active_orders=("4155550124",),
    )
    masked = MASK.mask_event(ev.CustomerFound(customer=customer))
    assert masked.customer.email == MASK.mask_email("ada@example.com")
    assert masked.customer.phone_number == MASK.mask_phone("5550123")
    assert masked.customer.customer_id == "4155550123"
    assert masked.customer.active_orders == ("4155550124",)
    line = ev.ReturnLine(item_id="0301234567", quantity=2, reason="OTHER", note="4155550123")
    lines = MASK.mask_event(ev.ReturnConfirmed(lines=(line,))).lines
    assert lines[0].note == MASK.mask_phone("4155550123")
    assert lines[0].item_id == "0301234567"
    assert MASK.mask_event({"a": [{"email": "x"}, 4155550123]}) == {
        "a": [{"email": MASK.mask_email("x")}, 4155550123]
    }


def test_records_without_anything_personal_are_left_alone() -> None:
    """Rule 38 costs nothing where there is nothing to hide."""
    for event in (
        ev.OrderFound(
            order=Order(
                order_id="100234567890",
                customer_id="C1",
                order_date="2026-10-12T23:30:00",
                lines=(OrderLine(item_id="I1", quantity=3, unit_price=Decimal("1234567890.99")),),
            )
        ),
        ev.PackageFound(package=Package(package_id="1", estimated_delivery_date="2026-11-30")),
        ev.ReturnOpened(receipt=ReturnReceipt(tracking_id="0049301234567")),
    ):
        assert MASK.mask_event(event) is event


def test_known_ids_are_kept_in_texts() -> None:
    """Rule 38: an order id of ten digits named in a note is still an order id."""
    event = ev.OrderIdGiven(order_id="4155550123")
    keep = MASK.ids_of([event, ev.EmailGiven(email="ada@example.com")])
    assert keep == {"4155550123"}
    assert MASK.mask_text("order 4155550123", keep) == "order 4155550123"
    assert MASK.mask_text("order 4155550123") != "order 4155550123"


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    """Rule 38: equal values compare equal from one day to the next."""
    key = MaskKey.load(tmp_path)
    assert MaskKey.load(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["mask.key"]
    path = tmp_path / "mask.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    path.write_bytes(b"short")
    with pytest.raises(UsageError, match="not a key"):
        MaskKey.load(tmp_path)
    with pytest.raises(UsageError, match="cannot be read or made"):
        MaskKey.load(tmp_path / "nowhere")


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    """Rule 38: one folder, one key."""
    script = (
        "import sys, pathlib; from returnflow.masking import MaskKey\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(MaskKey.load(pathlib.Path(sys.argv[1])).secret.hex())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    secrets = {process.communicate()[0] for process in processes}
    assert secrets == {MaskKey.load(tmp_path).secret.hex() + "\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["mask.key"]
