"""E-mail addresses and phone numbers made unreadable, yet still comparable (rule 38).

A masked value is a keyed hash of the normalised form: equal addresses get equal masks under one
key, so that a masked call can still be replayed, and nobody without the key can try addresses
until one fits. The key stays in the data folder. Masking what is masked changes nothing.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import msgspec

from returnflow.errors import UsageError
from returnflow.inert import fold
from returnflow.redacted import hidden

KEY_FILE = "mask.key"
KEY_BYTES = 32

Kind = Literal["email", "phone"]
T = TypeVar("T")

_MASKED_EMAIL = re.compile(r"m-[0-9a-f]{12}@masked\.invalid")
_MASKED_PHONE = re.compile(r"tel-[0-9a-f]{12}")

# With several @ all parts go together: what is left over would look like an address again.
_PART = r"[^\s@<>()\[\]{},;:\"'|\\/=?&]+@"
_EMAIL = re.compile(rf"(?:{_PART})+(?=[\w.-]*[^\W\d_])[^\W_](?:[\w.-]*\w)?")
# Not the tail of an id, of a decimal or of a masked value; and not the head of a longer one.
_BEFORE = r"(?<![\w#/.\-+@])(?<!\d:)"
# Behind a number may come the ending of a file that is named by it.
_AFTER = r"(?!\w|(?!\.(?:jsonl?|log|txt|csv|tsv|xml|gz|zst)\b)[-./:@#]\w)"
_PHONE = re.compile(
    _BEFORE
    + r"(?:"
    + r"\+\d(?:[ ().\-/]{0,2}\d){6,14}"  # international
    + r"|00[1-9](?:[ ().\-/]{0,2}\d){6,13}"  # the same, dialled
    + r"|(?:1[ .-])?\(\d{3}\)[ .-]?\d{3}[ .-]?\d{4}"  # (415) 555-0123
    + r"|(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}"  # 415-555-0123
    + r"|\(?0\d{1,5}\)?(?:[ /.-]{0,2}\d){6,10}"  # with a trunk zero: 030 1234567
    + r"|[6-9]\d{4}[ -]\d{5}"  # 98765 43210
    + r"|[6-9]\d{2} \d{3} \d{3}"  # 612 345 678
    + r"|\d{10,13}"  # no gaps at all
    + r")"
    + _AFTER
    + r"|(?<=/)\+\d{7,15}"  # the name of a file in a folder
    + _AFTER
)
# The fields that hold ids, or lists of them: `order_id`, `key`, `active_orders`.
_ID_FIELD = re.compile(r"(?:^|_)(?:ids?|key|code|subject|reference|digest|orders|returns)$")
_DATE = re.compile(r"\d{4}[-./]?\d{2}[-./]?\d{2}(?!\d)|\d{1,2}[-./]\d{1,2}[-./]\d{4}")
_DECIMAL = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class MaskKey:
    """The secret under which values are hashed; not shown by `repr`."""

    secret: bytes = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The key kept in `folder`, made there on first use, readable by its owner alone.

        Two processes that make it at once end with the same key.

        Raises:
            UsageError: the key cannot be read or made, or is not a key.
        """
        path = folder / KEY_FILE
        try:
            if not path.exists():
                _make_key(path)
            secret = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"the key for masking, {path}, cannot be read or made ({error.strerror}); "
                "check the folder's permissions"
            ) from error
        if len(secret) != KEY_BYTES:
            raise UsageError(
                f"{path} is not a key for masking ({len(secret)} bytes, not {KEY_BYTES}); bring "
                "it back from a copy, or remove it: masks made earlier then no longer compare"
            )
        return cls(secret)


def _make_key(path: Path) -> None:
    """Writes a new key beside its place and links it there, unless another was faster."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all and replaces nothing, unlike a rename.
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


@dataclass(frozen=True)
class Masker:
    """Masks values, texts and whole records.

    Args:
        key: what the hashes are keyed with.
        personal: the names of fields that hold an e-mail address or a phone number, mapped to
            ``"email"`` or ``"phone"``. Addresses and numbers inside other texts are found.
    """

    key: MaskKey
    personal: Mapping[str, str] = field(default_factory=dict)

    def mask_email(self, text: str) -> str:
        """The mask of an address: ``m-<12 hex digits>@masked.invalid``; empty stays empty."""
        plain = text.strip()
        # A hash of somebody else's redaction would make all redacted addresses one and the same.
        if not plain or _MASKED_EMAIL.fullmatch(plain) or hidden(plain):
            return text
        return f"m-{self._hash('email', fold(plain))}@masked.invalid"

    def mask_phone(self, text: str) -> str:
        """The mask of a number, by its digits alone: ``tel-<12 hex digits>``."""
        plain = text.strip()
        if not plain or _MASKED_PHONE.fullmatch(plain) or hidden(plain):
            return text
        return f"tel-{self._hash('phone', _digits(plain) or fold(plain))}"

    def mask_text(self, text: str, keep: Collection[str] = ()) -> str:
        """`text` with every address and phone number in it masked.

        Args:
            keep: ids known to be none, though they may look like a number without gaps.
        """
        if "@" in text:
            text = _EMAIL.sub(lambda match: self.mask_email(match.group()), text)

        def phone(match: re.Match[str]) -> str:
            found = match.group()
            if found in keep or _DATE.match(found) or _DECIMAL.fullmatch(found):
                return found
            return self.mask_phone(found)

        return _PHONE.sub(phone, text)

    def mask_event(self, event: T, keep: Collection[str] = ()) -> T:
        """A copy of an event, a record, or plain data made of them, with everything masked.

        Fields named in `personal` are masked whole. In every other text, addresses and phone
        numbers are found; in ids only addresses, since an id may be all digits. Numbers, dates
        and decimals are left as they are.

        Args:
            keep: as in `mask_text`; see `ids_of`.
        """
        return self._walk(event, "", keep)  # type: ignore[no-any-return]

    def _walk(self, value: Any, name: str, keep: Collection[str]) -> Any:
        if isinstance(value, str):
            return self._string(value, name, keep)
        if isinstance(value, msgspec.Struct):
            changed = {}
            for each in value.__struct_fields__:
                old = getattr(value, each)
                new = self._walk(old, each, keep)
                if new is not old:
                    changed[each] = new
            return msgspec.structs.replace(value, **changed) if changed else value
        if isinstance(value, dict):
            return {each: self._walk(value[each], str(each), keep) for each in value}
        if isinstance(value, list | tuple):
            walked = [self._walk(each, name, keep) for each in value]
            if all(new is old for new, old in zip(walked, value, strict=True)):
                return value
            return type(value)(walked)
        return value

    def _string(self, text: str, name: str, keep: Collection[str]) -> str:
        kind = self.personal.get(name)
        if kind == "email":
            return self.mask_email(text)
        if kind == "phone":
            return self.mask_phone(text)
        if _ID_FIELD.search(name):
            return _EMAIL.sub(lambda match: self.mask_email(match.group()), text)
        return self.mask_text(text, keep)

    def ids_of(self, value: Any) -> frozenset[str]:
        """The ids in the fields of an event, a record, or plain data made of them.

        A phone number in a note is masked, but an order id of ten digits named there is not:
        pass these as `keep`.
        """
        found: set[str] = set()
        self._collect(value, "", found)
        return frozenset(found)

    def _collect(self, value: Any, name: str, found: set[str]) -> None:
        if isinstance(value, str):
            if _ID_FIELD.search(name) and name not in self.personal:
                found.add(value.strip())
        elif isinstance(value, msgspec.Struct):
            for each in value.__struct_fields__:
                self._collect(getattr(value, each), each, found)
        elif isinstance(value, dict):
            for each in value:
                self._collect(value[each], str(each), found)
        elif isinstance(value, list | tuple):
            for each in value:
                self._collect(each, name, found)

    def _hash(self, kind: Kind, text: str) -> str:
        # The kind goes in too: an address and a number with one normal form stay different.
        message = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key.secret, message, "sha256").hexdigest()[:12]


def veiled_email(text: str) -> str:
    """An address as a screen shows it to whoever looks over a shoulder: ``m•••@e•••.com``.

    Enough for an agent to see which of two it is; not a mask that is kept anywhere.
    """
    name, found, domain = text.strip().rpartition("@")
    if not found:
        return "•••" if text.strip() else ""
    _, dot, top = domain.rpartition(".")
    return f"{name[:1]}•••@{domain[:1]}•••{dot}{top}"


def veiled_phone(text: str) -> str:
    """A phone number as a screen shows it: its last two digits."""
    return f"•••{_digits(text)[-2:]}" if text.strip() else ""


def veiled_name(first: str, last: str) -> str:
    """A name as a screen shows it: the first one, to address the customer by, and an initial."""
    initial = f"{last.strip()[:1]}•••" if last.strip() else ""
    return f"{first.strip()} {initial}".strip()


def veiled_text(text: str) -> str:
    """`text` with every address and phone number in it veiled."""
    shown = _EMAIL.sub(lambda match: veiled_email(match.group()), text)
    return _PHONE.sub(
        lambda match: (
            match.group()
            if _DATE.match(match.group()) or _DECIMAL.fullmatch(match.group())
            else veiled_phone(match.group())
        ),
        shown,
    )


def _digits(text: str) -> str:
    return "".join(str(unicodedata.digit(char)) for char in text if char.isdecimal())
