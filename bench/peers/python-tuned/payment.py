"""A payment: decoded and checked by msgspec in one pass, card numbers in its texts masked."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ENTRY_MODES = Literal["chip", "contactless", "swipe", "manual", "ecommerce"]


class Payment(msgspec.Struct, gc=False):
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    at: Annotated[datetime, Meta(tz=True)]
    card: str
    amount: Annotated[float, Meta(gt=-(2.0**63), lt=2.0**63)]
    currency: str
    country: str
    city: str
    channel: Literal["pos", "online", "phone"]
    entry_mode: ENTRY_MODES
    merchant: str
    merchant_name: str
    mcc: int
    latitude: float | None = None
    longitude: float | None = None
    device: str | None = None
    ip: str | None = None
    email: str | None = None
    memo: str = ""
    billing_postal: str | None = None
    shipping_postal: str | None = None


decode = msgspec.json.Decoder(Payment).decode

# --- card numbers in texts ---

DIGITS = re.compile("[0-9]+")
MANY_DIGITS = re.compile("[0-9]{13}").search
TEXTS = ("currency", "country", "city", "device", "ip", "email", "merchant", "merchant_name", "memo", "billing_postal")
LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_card_number(digits: str) -> bool:
    """13 to 19 digits that begin with 2 to 6 and whose last is the Luhn check digit of the others."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    numbers = list(map(int, reversed(digits)))
    return (sum(numbers[::2]) + sum(LUHN_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def mask_run(match: re.Match[str]) -> str:
    digits = match[0]
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}" if is_card_number(digits) else digits


def mask(payment: Payment) -> None:
    """Most payments have no long run of digits but the card itself: a search over all texts at once says so."""
    texts = (
        f"{payment.memo} {payment.email} {payment.merchant_name} {payment.merchant} {payment.city} {payment.device} "
        f"{payment.ip} {payment.billing_postal} {payment.country} {payment.currency}"
    )
    if MANY_DIGITS(texts) is None:
        return
    for name in TEXTS:
        text = getattr(payment, name)
        if text is not None:
            setattr(payment, name, DIGITS.sub(mask_run, text))


def parse(body: bytes) -> Payment:
    """msgspec.ValidationError (422) or msgspec.DecodeError (400) for what is no payment."""
    payment = decode(body)
    if payment.at.tzinfo is not UTC:
        payment.at = payment.at.astimezone(UTC)
    mask(payment)
    return payment


def microseconds(at: datetime) -> int:
    since = at - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
