"""Features as plain functions, and the one place that calls them: `compute`.

What is an expression of a line stands in `compute`; what has a case or a loop is a function. A missing value is None,
and a feature whose input is missing is not computed: that is decided where it is called, once for all that share the
input.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

from payment import Payment

log = logging.getLogger(__name__)
Errors = list[dict[str, str]]

CENTRES = {
    "DE": (51.2, 10.4),
    "ES": (40.2, -3.6),
    "FR": (46.6, 2.5),
    "GB": (52.8, -1.6),
    "PL": (52.1, 19.4),
    "US": (39.8, -98.6),
}
MCC_RISK = {5411: 0.4, 5541: 0.6, 5732: 3.1, 5815: 1.2, 5816: 1.6, 5944: 2.8, 6051: 4.5, 7995: 2.2}
RESALE = frozenset({5732, 5944, 6051})
THROWAWAY_MAIL = ("quickbox.example", "tempmail.example")
CURRENCY = {"DE": "EUR", "ES": "EUR", "FR": "EUR", "GB": "GBP", "PL": "PLN", "US": "USD"}
FREE_MAIL = frozenset({"mail.example", "post.example"})
PRIVATE = ("10.", "192.168.", "127.")
EARTH_RADIUS_KM = 6371.0088
DIGITS, CAPITALS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

cos, log1p, radians, sin = math.cos, math.log1p, math.radians, math.sin

# What depends on the centre alone.
CENTRE_COS = {home: cos(radians(latitude)) for home, (latitude, _) in CENTRES.items()}
# The time of day on a circle, for every minute.
ANGLES = [minute / 1440 * 2 * math.pi for minute in range(1440)]
HOUR_SINE, HOUR_COSINE = [sin(angle) for angle in ANGLES], [cos(angle) for angle in ANGLES]

# In the order of what `compute` returns.
NAMES = [
    "amount_log",
    "amount_round",
    "amount_vs_usual",
    "amount_vs_merchant",
    "amount_vs_largest",
    "amount_cents",
    "spend_share",
    "card_pace",
    "idle_log",
    "country_hop",
    "impossible_trip",
    "device_shared",
    "device_spend_share",
    "cards_per_network_payment",
    "crowd_at_merchant",
    "merchant_tried_out",
    "hour",
    "hour_sine",
    "hour_cosine",
    "night",
    "weekend",
    "abroad",
    "foreign_currency",
    "km_from_home",
    "new_device",
    "new_country",
    "new_merchant",
    "ships_elsewhere",
    "postal_in_common",
    "card_absent",
    "keyed_in",
    "stripe",
    "category_risk",
    "resale",
    "throwaway_email",
    "email_domain",
    "free_email",
    "email_vowel_share",
    "private_address",
    "email_number",
    "memo_words",
    "memo_length",
    "memo_longest_word",
    "memo_digit_share",
    "memo_capitals",
    "merchant_words",
    "memo_names_merchant",
    "memo_urgent",
    "memo_card_number",
    "corridor",
]

# --- before the windows: what they are kept by ---


def network_of(ip: str | None) -> str | None:
    """The address without its last part: one thief, one network."""
    return ip.rpartition(".")[0] if ip else None


def home_of(billing_postal: str | None) -> str | None:
    """The country the card's owner lives in."""
    return billing_postal.partition("-")[0] if billing_postal else None


def keys_of(payment: Payment) -> tuple[str | None, str | None]:
    return network_of(payment.ip), home_of(payment.billing_postal)


# --- features that are more than an expression ---


def amount_cents(amount: float) -> int:
    return round(amount * 100) % 100


def share_of(amount: float, spend: float) -> float:
    return amount / (spend + amount) if amount > 0 else 0.0


def km_from_home(latitude: float, longitude: float, home: str) -> float | None:
    """From the middle of the owner's country, by the haversine formula."""
    centre = CENTRES.get(home)
    if centre is None:
        return None
    north = radians(centre[0] - latitude)
    east = radians(centre[1] - longitude)
    across = cos(radians(latitude)) * CENTRE_COS[home] * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(sin(north / 2) ** 2 + across))


def postal_in_common(billing_postal: str, shipping_postal: str) -> int:
    """How many characters the two addresses begin with alike."""
    if billing_postal == shipping_postal:
        return len(billing_postal)
    alike = 0
    for ours, theirs in zip(billing_postal, shipping_postal):  # noqa: B905 (the shorter one ends it; `strict=` costs)
        if ours != theirs:
            break
        alike += 1
    return alike


def vowel_share(name: str) -> float:
    count = name.count
    return (count("a") + count("e") + count("i") + count("o") + count("u")) / len(name) if name else 0.0


def digits_and_capitals(memo: str) -> tuple[int, int]:
    """How many there are; in plain ASCII by what is left without them."""
    if memo.isascii():
        letters = memo.encode()
        return len(letters) - len(letters.translate(None, DIGITS)), len(letters) - len(
            letters.translate(None, CAPITALS)
        )
    return sum(map(str.isdigit, memo)), sum(map(str.isupper, memo))


def names_merchant(memo_lower: str, merchant_words: list[str]) -> bool:
    for word in merchant_words:  # noqa: SIM110 (any() costs a generator)
        if word in memo_lower:
            return True
    return False


def attempt(errors: Errors, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """A feature that can fail: it is missing then, and named."""
    try:
        return function(*arguments)
    except Exception as error:
        log.exception("feature %s failed", name)
        errors.append({"function": name, "error": type(error).__name__})
        return None


def compute(p: Payment, home: str | None, windows: tuple[Any, ...], errors: Errors) -> tuple[Any, ...]:
    """Every feature of a payment, in the order of NAMES."""
    (
        _,
        card_payments_24h,
        card_payments_7d,
        _,
        card_spend_24h,
        card_usual,
        card_largest_90d,
        card_at_merchant_90d,
        _,
        _,
        card_last_country,
        card_idle,
        known_device,
        known_country,
        _,
        device_cards_24h,
        device_spend_24h,
        _,
        network_payments_10m,
        network_cards_24h,
        merchant_usual,
        merchant_payments_1h,
        merchant_cards_1h,
        merchant_tiny_1h,
    ) = windows
    amount, country, entry_mode, memo, email, ip = p.amount, p.country, p.entry_mode, p.memo, p.email, p.ip
    billing, shipping = p.billing_postal, p.shipping_postal

    # the card
    card_absent = entry_mode == "ecommerce" or entry_mode == "manual"
    if card_spend_24h is None:
        spend_share = card_pace = new_merchant = new_country = None
    else:
        spend_share = amount / card_spend_24h if card_spend_24h > 0 else 1.0
        card_pace = card_payments_24h / card_payments_7d if card_payments_7d else 0.0
        new_merchant = card_at_merchant_90d == 0
        new_country = not known_country
    country_hop = card_last_country is not None and card_last_country != country
    idle_log = log1p(card_idle / 60) if card_idle is not None else None

    # device, network, merchant
    if device_cards_24h is None:
        device_shared = device_spend_share = None
    else:
        device_shared = device_cards_24h >= 3
        device_spend_share = attempt(errors, "device_spend_share", share_of, amount, device_spend_24h)
    if network_payments_10m is None:
        cards_per_network_payment = None
    else:
        cards_per_network_payment = network_cards_24h / (network_payments_10m or 1)
    if merchant_payments_1h is None:
        crowd_at_merchant = merchant_tried_out = None
    elif merchant_payments_1h:
        crowd_at_merchant = merchant_cards_1h / merchant_payments_1h
        merchant_tried_out = merchant_tiny_1h / merchant_payments_1h
    else:
        crowd_at_merchant, merchant_tried_out = 1.0, 0.0

    # when and where
    at = p.at
    hour = at.hour
    minute = hour * 60 + at.minute
    latitude, longitude = p.latitude, p.longitude
    if home is None:
        abroad = foreign_currency = False
        km = None
    else:
        abroad = country != home
        foreign_currency = CURRENCY.get(home, p.currency) != p.currency
        if latitude is None or longitude is None:
            km = None
        else:
            km = attempt(errors, "km_from_home", km_from_home, latitude, longitude, home)

    # e-mail
    if email:
        name, _, domain = email.partition("@")
        throwaway = email.lower().endswith(THROWAWAY_MAIL)
        domain = domain.lower()
        vowels = vowel_share(name.lower())
        email_number = len(name) - len(name.rstrip("0123456789"))
    else:
        domain, throwaway, vowels, email_number = None, False, 0.0, 0

    # texts. Counts of the memo's tokens would come here, once there is a tokenizer
    words = memo.split()
    memo_lower = memo.lower()
    merchant_words = p.merchant_name.lower().split()
    digits, capitals = digits_and_capitals(memo)
    mcc = p.mcc

    return (
        log1p(max(amount, 0.0)),
        amount >= 50 and amount % 50 == 0,
        amount / card_usual if card_usual else 1.0,
        amount / merchant_usual if merchant_usual else 1.0,
        amount / card_largest_90d if card_largest_90d else 1.0,
        amount_cents(amount),
        spend_share,
        card_pace,
        idle_log,
        country_hop,
        country_hop and not card_absent and card_idle is not None and card_idle < 7200,
        device_shared,
        device_spend_share,
        cards_per_network_payment,
        crowd_at_merchant,
        merchant_tried_out,
        hour,
        HOUR_SINE[minute],
        HOUR_COSINE[minute],
        hour < 5,
        at.weekday() >= 5,
        abroad,
        foreign_currency,
        km,
        known_device is not None and not known_device,
        new_country,
        new_merchant,
        bool(billing and shipping) and billing[:5] != shipping[:5],  # type: ignore[index]
        postal_in_common(billing, shipping) if billing is not None and shipping is not None else None,
        card_absent,
        entry_mode == "manual" and p.channel != "phone",
        entry_mode == "swipe",
        MCC_RISK.get(mcc, 1.0),
        mcc in RESALE,
        throwaway,
        domain,
        domain in FREE_MAIL,
        vowels,
        ip is not None and ip.startswith(PRIVATE),
        email_number,
        len(words),
        len(memo),
        max(map(len, words), default=0),
        digits / len(memo) if memo else 0.0,
        capitals,
        len(merchant_words),
        names_merchant(memo_lower, merchant_words),
        "urgent" in memo_lower or "gift card" in memo_lower or "no callback" in memo_lower,
        "******" in memo,
        f"{home or 'unknown'}-{country}",
    )
