"""Card payments: what we know of a payment when it comes in.

Three things are declared here: the payment itself, the windows over what happened before it, and the features computed
from both. Everything is ordinary Python: the functions can be called in a test, stepped through in a debugger, changed
and tried again. What we *do* about a payment - model, rules, decision - is in fraud.py.

This file is a definition of its own: it decides nothing (every payment is approved), but it computes every feature.
train.py uses it for that, so a model is always trained on features that no older model had a part in, computed by the
same code that serves them.
"""

import math
from datetime import datetime
from typing import Annotated, Literal

from assay import Clear, Secret, event, feature, window

# There truly was nothing before the first payment. Without this line a window counts as "missing" until it has seen its
# whole length, so that a young installation does not take every card for a new customer's.
history = "empty"


# --- the payment: the fields of the JSON object --------------------------------------------------------------------


@event(id="id", time="at")
class Payment:
    """A field without a default must be there; `| None` says that null is fine."""

    id: str  # the same id again is the same payment: it is answered again, and not counted again
    at: datetime  # "2025-03-01T12:00:00Z": the offset must be there
    card: Annotated[str, Secret]  # never stored or shown; windows use a keyed hash of it
    amount: float
    currency: str
    country: str  # where it is paid: of the terminal, or of the buyer's address on the net
    city: str
    latitude: float | None = None
    longitude: float | None = None
    device: str | None = None
    ip: str | None = None
    email: str | None = None
    channel: Literal["pos", "online", "phone"]
    entry_mode: Literal["chip", "contactless", "swipe", "manual", "ecommerce"]
    merchant: str
    merchant_name: str
    mcc: int  # the merchant category code
    memo: str = ""  # free text; a card number typed into it is masked before anything sees it
    billing_postal: str | None = None  # "DE-10115": country, hyphen, code
    shipping_postal: Annotated[str | None, Clear] = None  # `Clear`: never masked, digits are just digits


# --- constants: anything that Python can compute when this file is built --------------------------------------------

# The middle of each country we have customers in.
CENTRES = {
    "DE": (51.2, 10.4),
    "ES": (40.2, -3.6),
    "FR": (46.6, 2.5),
    "GB": (52.8, -1.6),
    "PL": (52.1, 19.4),
    "US": (39.8, -98.6),
}
# How often a category's payments turn out to be fraud, compared with the average.
MCC_RISK = {5411: 0.4, 5541: 0.6, 5732: 3.1, 5815: 1.2, 5816: 1.6, 5944: 2.8, 6051: 4.5, 7995: 2.2}
RESALE = frozenset({5732, 5944, 6051})  # goods that are as good as cash
THROWAWAY_MAIL = ("quickbox.example", "tempmail.example")
NOT_PRESENT = {"manual", "ecommerce"}  # entry modes without the card
CURRENCY = {"DE": "EUR", "ES": "EUR", "FR": "EUR", "GB": "GBP", "PL": "PLN", "US": "USD"}
FREE_MAIL = frozenset({"mail.example", "post.example"})
EARTH_RADIUS_KM = 6371.0088


# --- helpers: plain functions, inlined where they are used ----------------------------------------------------------


def country_of(postal: str) -> str:
    country, _, _ = postal.partition("-")
    return country


def distance_km(latitude1: float, longitude1: float, latitude2: float, longitude2: float) -> float:
    """Over the sphere, by the haversine formula."""
    north = math.radians(latitude2 - latitude1)
    east = math.radians(longitude2 - longitude1)
    across = math.cos(math.radians(latitude1)) * math.cos(math.radians(latitude2)) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(math.sin(north / 2) ** 2 + across))


# --- features that need no history; windows may read them ------------------------------------------------------------


@feature
def tiny(amount: float) -> bool:
    """Thieves try out a card with a sum that nobody looks at."""
    return amount < 2.0


@feature
def network(ip: str | None) -> str | None:
    """The address without its last part: one thief, one network."""
    return ip.rpartition(".")[0] if ip else None


@feature
def home(billing_postal: str | None) -> str | None:
    """The country the card's owner lives in."""
    return country_of(billing_postal) if billing_postal else None


# --- windows: what happened before this payment. The variable's name is the feature's name --------------------------

# of the card
card_payments_10m = window.count(by="card", over="10m")
card_payments_24h = window.count(by="card", over="24h")
card_payments_7d = window.count(by="card", over="7d")
card_tiny_1h = window.count(by="card", over="1h", where=tiny)
card_spend_24h = window.sum("amount", by="card", over="24h", include_current=True)  # with this payment
card_usual = window.mean("amount", by="card", over="30d", delay="1h")  # up to an hour ago: a burst is not "usual"
card_largest_90d = window.max("amount", by="card", over="90d")
card_at_merchant_90d = window.count(by=("card", "merchant"), over="90d")
card_countries_7d = window.distinct("country", by="card", over="7d")
card_devices_30d = window.distinct("device", by="card", over="30d")
card_last_country = window.last("country", by="card", over="7d")
card_idle = window.since_last(by="card", over="30d")  # seconds
known_device = window.seen("device", by="card", over="90d")
known_country = window.seen("country", by="card", over="90d")

# of the device and the network that it pays from
device_payments_1h = window.count(by="device", over="1h")
device_cards_24h = window.distinct("card", by="device", over="24h")
device_spend_24h = window.sum("amount", by="device", over="24h")
ip_payments_1h = window.count(by="ip", over="1h")
network_payments_10m = window.count(by="network", over="10m")
network_cards_24h = window.distinct("card", by="network", over="24h")

# of the merchant
merchant_usual = window.mean("amount", by="merchant", over="7d")
merchant_payments_1h = window.count(by="merchant", over="1h")
merchant_cards_1h = window.distinct("card", by="merchant", over="1h")
merchant_tiny_1h = window.count(by="merchant", over="1h", where=tiny)


# --- features: parameters are named after fields, windows and other features ----------------------------------------
# A parameter without `| None` is a promise: where its value is missing the function is not called, and the feature is
# missing too. So None is handled only where the author says that it may come.


@feature
def amount_log(amount: float) -> float:
    return math.log1p(max(amount, 0.0))


@feature
def amount_round(amount: float) -> bool:
    """People pay 37.20; thieves charge 200."""
    return amount >= 50 and amount % 50 == 0


@feature
def amount_vs_usual(amount: float, card_usual: float | None) -> float:
    """How many times the card's usual amount."""
    if not card_usual:
        return 1.0
    return amount / card_usual


@feature
def amount_vs_merchant(amount: float, merchant_usual: float | None) -> float:
    return amount / merchant_usual if merchant_usual else 1.0


@feature
def amount_vs_largest(amount: float, card_largest_90d: float | None) -> float:
    """Above 1.0: more than the card ever paid in ninety days."""
    return amount / card_largest_90d if card_largest_90d else 1.0


@feature
def amount_cents(amount: float) -> int:
    """The part behind the point: 99 is a price tag, 0 a gift card."""
    return round(amount * 100) % 100


@feature
def spend_share(amount: float, card_spend_24h: float) -> float:
    """How much of the day's spending this one payment is: 1.0 for the first of a day."""
    return amount / card_spend_24h if card_spend_24h > 0 else 1.0


@feature
def card_pace(card_payments_24h: int, card_payments_7d: int) -> float:
    """The last day's share of the week: 1/7 is an even pace, 1.0 all in one day."""
    return card_payments_24h / card_payments_7d if card_payments_7d else 0.0


@feature
def idle_log(card_idle: float | None) -> float | None:
    """Log of the minutes since the card's last payment. None: there was none in thirty days."""
    return math.log1p(card_idle / 60) if card_idle is not None else None


@feature
def country_hop(country: str, card_last_country: str | None) -> bool:
    """Not where the card paid last."""
    return card_last_country is not None and card_last_country != country


@feature
def impossible_trip(country_hop: bool, card_idle: float | None, card_absent: bool) -> bool:
    """In the hand in another country, within two hours."""
    return country_hop and not card_absent and card_idle is not None and card_idle < 2 * 3600


@feature
def device_shared(device_cards_24h: int) -> bool:
    return device_cards_24h >= 3


@feature
def device_spend_share(amount: float, device_spend_24h: float) -> float:
    """1.0 for the first payment of a device's day."""
    return amount / (device_spend_24h + amount) if amount > 0 else 0.0


@feature
def cards_per_network_payment(network_cards_24h: int, network_payments_10m: int) -> float:
    return network_cards_24h / max(network_payments_10m, 1)


@feature
def crowd_at_merchant(merchant_cards_1h: int, merchant_payments_1h: int) -> float:
    """How many of the hour's payments came from different cards: few payers who pay often, or many who pay once."""
    return merchant_cards_1h / merchant_payments_1h if merchant_payments_1h else 1.0


@feature
def merchant_tried_out(merchant_tiny_1h: int, merchant_payments_1h: int) -> float:
    return merchant_tiny_1h / merchant_payments_1h if merchant_payments_1h else 0.0


@feature
def hour(at: datetime) -> int:
    return at.hour


@feature
def hour_sine(at: datetime) -> float:
    """The time of day on a circle, so that 23:59 and 00:01 are neighbours."""
    return math.sin((at.hour * 60 + at.minute) / 1440 * 2 * math.pi)


@feature
def hour_cosine(at: datetime) -> float:
    return math.cos((at.hour * 60 + at.minute) / 1440 * 2 * math.pi)


@feature
def night(hour: int) -> bool:
    return hour < 5


@feature
def weekend(at: datetime) -> bool:
    return at.weekday() >= 5


@feature
def abroad(country: str, home: str | None) -> bool:
    return home is not None and country != home


@feature
def foreign_currency(currency: str, home: str | None) -> bool:
    return home is not None and CURRENCY.get(home, currency) != currency


@feature
def km_from_home(latitude: float, longitude: float, home: str) -> float | None:
    """From the middle of the owner's country. None is NaN, "missing", for the model."""
    if home not in CENTRES:
        return None
    centre_latitude, centre_longitude = CENTRES[home]
    return distance_km(latitude, longitude, centre_latitude, centre_longitude)


@feature
def new_device(known_device: bool | None) -> bool:
    """`known_device` is None where the payment names no device, as at a till: nothing is new then."""
    return known_device is not None and not known_device


@feature
def new_country(known_country: bool) -> bool:
    return not known_country


@feature
def new_merchant(card_at_merchant_90d: int) -> bool:
    return card_at_merchant_90d == 0


@feature
def ships_elsewhere(billing_postal: str | None, shipping_postal: str | None) -> bool:
    if not billing_postal or not shipping_postal:
        return False
    return billing_postal[:5] != shipping_postal[:5]


@feature
def postal_in_common(billing_postal: str, shipping_postal: str) -> int:
    """How many characters the two addresses begin with alike."""
    alike = 0
    for ours, theirs in zip(billing_postal, shipping_postal):  # noqa: B905 (the shorter one ends it)
        if ours != theirs:
            break
        alike += 1
    return alike


@feature
def card_absent(entry_mode: str) -> bool:
    return entry_mode in NOT_PRESENT


@feature
def keyed_in(entry_mode: str, channel: str) -> bool:
    """Typed from a piece of paper, and not by a shop that takes orders on the phone."""
    return entry_mode == "manual" and channel != "phone"


@feature
def stripe(entry_mode: str) -> bool:
    """A chip cannot be copied, its magnetic stripe can."""
    return entry_mode == "swipe"


@feature
def category_risk(mcc: int) -> float:
    return MCC_RISK.get(mcc, 1.0)


@feature
def resale(mcc: int) -> bool:
    return mcc in RESALE


@feature
def throwaway_email(email: str | None) -> bool:
    return email is not None and email.lower().endswith(THROWAWAY_MAIL)


@feature
def email_domain(email: str | None) -> str | None:
    return email.partition("@")[2].lower() if email else None


@feature
def free_email(email_domain: str | None) -> bool:
    return email_domain in FREE_MAIL


@feature
def email_vowel_share(email: str | None) -> float:
    """A name has vowels, a random string hardly."""
    if not email:
        return 0.0
    name = email.partition("@")[0].lower()
    return sum(c in "aeiou" for c in name) / len(name) if name else 0.0


@feature
def private_address(ip: str | None) -> bool:
    return ip is not None and ip.startswith(("10.", "192.168.", "127."))


@feature
def email_number(email: str | None) -> int:
    """How many digits the name in an address ends with: fry.98213@..."""
    if not email:
        return 0
    name, _, _ = email.partition("@")
    return len(name) - len(name.rstrip("0123456789"))


@feature
def memo_words(memo: str) -> int:
    return len(memo.split())


@feature
def memo_length(memo: str) -> int:
    return len(memo)


@feature
def memo_longest_word(memo: str) -> int:
    longest = 0
    for word in memo.split():
        longest = max(longest, len(word))
    return longest


@feature
def memo_digit_share(memo: str) -> float:
    return sum(c.isdigit() for c in memo) / len(memo) if memo else 0.0


@feature
def memo_capitals(memo: str) -> int:
    return sum(c.isupper() for c in memo)


@feature
def merchant_words(merchant_name: str) -> int:
    return len(merchant_name.split())


@feature
def memo_names_merchant(memo: str, merchant_name: str) -> bool:
    text = memo.lower()
    return any(word in text for word in merchant_name.lower().split())


@feature
def memo_urgent(memo: str) -> bool:
    text = memo.lower()
    return "urgent" in text or "gift card" in text or "no callback" in text


@feature
def memo_card_number(memo: str) -> bool:
    """It held a card number: what we see of that is `411111******1234`."""
    return "******" in memo


@feature
def corridor(country: str, home: str | None) -> str:
    """From where to where, for people who read a decision; not a number, so not the model's."""
    return f"{home or 'unknown'}-{country}"
