"""What comes in and what goes out."""

import re
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, field_validator

DIGITS = re.compile("[0-9]+")


def is_card_number(digits: str) -> bool:
    """13 to 19 digits that begin with 2 to 6 and whose last is the Luhn check digit of the others."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mask_card_numbers(text: str) -> str:
    """A card number that somebody typed into free text must not get any further."""

    def mask(match: re.Match[str]) -> str:
        digits = match[0]
        return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}" if is_card_number(digits) else digits

    return DIGITS.sub(mask, text)


class Payment(BaseModel):
    id: str = Field(min_length=1, max_length=256)
    at: AwareDatetime
    card: str
    amount: float = Field(strict=True, allow_inf_nan=False)
    currency: str
    country: str
    city: str
    latitude: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    longitude: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    device: str | None = None
    ip: str | None = None
    email: str | None = None
    channel: Literal["pos", "online", "phone"]
    entry_mode: Literal["chip", "contactless", "swipe", "manual", "ecommerce"]
    merchant: str
    merchant_name: str
    mcc: int
    memo: str = ""
    billing_postal: str | None = None
    shipping_postal: str | None = None

    @field_validator("at")
    @classmethod
    def in_utc(cls, at: datetime) -> datetime:
        return at.astimezone(UTC)

    @field_validator(
        "currency",
        "country",
        "city",
        "device",
        "ip",
        "email",
        "merchant",
        "merchant_name",
        "memo",
        "billing_postal",
    )
    @classmethod
    def without_card_numbers(cls, text: str | None) -> str | None:
        return mask_card_numbers(text) if text else text

    # The three features that windows are kept by.

    @property
    def tiny(self) -> bool:
        """Thieves try out a card with a sum that nobody looks at."""
        return self.amount < 2.0

    @property
    def network(self) -> str | None:
        """The address without its last part: one thief, one network."""
        return self.ip.rpartition(".")[0] if self.ip else None

    @property
    def home(self) -> str | None:
        """The country the card's owner lives in."""
        return self.billing_postal.partition("-")[0] if self.billing_postal else None


class Reason(BaseModel):
    rule: str
    text: str


class FeatureError(BaseModel):
    function: str
    error: str


class Decision(BaseModel):
    id: str
    decision: Literal["approve", "review", "decline"]
    score: float
    reasons: list[Reason]
    errors: list[FeatureError]
    took_us: int
