"""A hundred features that need no history, over the payment of examples/cards: what a team has after a year or two.

bench/counts.py counts the instructions that they take for one payment.
"""

import math
from datetime import datetime
from typing import Annotated, Literal

from assay import Clear, Secret, event, feature

history = "empty"

CENTRES = {
    "DE": (51.2, 10.4),
    "ES": (40.2, -3.6),
    "FR": (46.6, 2.5),
    "GB": (52.8, -1.6),
    "PL": (52.1, 19.4),
    "US": (39.8, -98.6),
}
MCC_RISK = {5411: 0.4, 5541: 0.6, 5732: 3.1, 5815: 1.2, 5816: 1.6, 5944: 2.8, 6051: 4.5, 7995: 2.2}
MCC_GROUP = {5411: "food", 5541: "fuel", 5732: "goods", 5815: "media", 5816: "media", 5944: "goods", 6051: "cash"}
RESALE = frozenset({5732, 5944, 6051})
DIGITAL = frozenset({5815, 5816, 5817, 5818})
CURRENCY = {"DE": "EUR", "ES": "EUR", "FR": "EUR", "GB": "GBP", "PL": "PLN", "US": "USD"}
EUROS = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17, "PLN": 0.23}
EURO_ZONE = {"DE", "ES", "FR"}
RISKY_COUNTRIES = {"NG", "RU", "VN", "PH"}
FREE_MAIL = frozenset({"mail.example", "post.example"})
THROWAWAY_MAIL = ("quickbox.example", "tempmail.example")
NOT_PRESENT = {"manual", "ecommerce"}
URGENT = ("urgent", "immediately", "today only", "final notice")
GIFT = {"gift", "voucher", "coupon"}
BANDS = (10.0, 50.0, 200.0, 1000.0)
EARTH_RADIUS_KM = 6371.0088


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    amount: float
    currency: str
    country: str
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
    mcc: int
    memo: str = ""
    billing_postal: str | None = None
    shipping_postal: Annotated[str | None, Clear] = None


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def clamp(x: float, low: float, high: float) -> float:
    return max(low, min(x, high))


# --- amount ---


@feature
def amount_log(amount: float) -> float:
    return math.log1p(max(amount, 0.0))


@feature
def amount_root(amount: float) -> float:
    return math.sqrt(amount) if amount > 0 else 0.0


@feature
def amount_tiny(amount: float) -> bool:
    return amount < 2.0


@feature
def amount_large(amount: float) -> bool:
    return amount >= 1000


@feature
def amount_round(amount: float) -> bool:
    return amount >= 50 and amount % 50 == 0


@feature
def amount_round_100(amount: float) -> bool:
    return amount >= 100 and amount % 100 == 0


@feature
def amount_cents(amount: float) -> int:
    return round(amount * 100) % 100


@feature
def amount_price_tag(amount_cents: int) -> bool:
    return amount_cents in (95, 98, 99)


@feature
def amount_whole(amount: float) -> bool:
    return amount == int(amount)


@feature
def amount_band(amount: float) -> int:
    band = 0
    for edge in BANDS:
        if amount < edge:
            break
        band += 1
    return band


@feature
def amount_below_limit(amount: float) -> bool:
    """Just below what must be confirmed."""
    return 450 <= amount < 500 or 950 <= amount < 1000


@feature
def amount_capped(amount: float) -> float:
    return clamp(amount, 0.0, 5000.0)


@feature
def amount_euros(amount: float, currency: str) -> float:
    return amount * EUROS.get(currency, 1.0)


@feature
def amount_euros_log(amount_euros: float) -> float:
    return math.log1p(max(amount_euros, 0.0))


@feature
def amount_digits(amount: float) -> int:
    return len(str(int(amount)))


@feature
def amount_repeats(amount: float) -> bool:
    """111, 222, 3333."""
    text = str(int(amount))
    return len(text) > 2 and len(set(text)) == 1


# --- time ---


@feature
def hour(at: datetime) -> int:
    return at.hour


@feature
def hour_sine(at: datetime) -> float:
    return math.sin((at.hour * 60 + at.minute) / 1440 * 2 * math.pi)


@feature
def hour_cosine(at: datetime) -> float:
    return math.cos((at.hour * 60 + at.minute) / 1440 * 2 * math.pi)


@feature
def night(hour: int) -> bool:
    return hour < 5


@feature
def evening(hour: int) -> bool:
    return 18 <= hour < 23


@feature
def business_hours(hour: int, weekday: int) -> bool:
    return weekday < 5 and 8 <= hour < 18


@feature
def weekday(at: datetime) -> int:
    return at.weekday()


@feature
def weekend(weekday: int) -> bool:
    return weekday >= 5


@feature
def month(at: datetime) -> int:
    return at.month


@feature
def month_start(at: datetime) -> bool:
    return at.day <= 3


@feature
def payday(at: datetime) -> bool:
    return at.day in (1, 15, 28)


@feature
def christmas(at: datetime) -> bool:
    return at.month == 12 and at.day >= 10


@feature
def minute_of_day(at: datetime) -> int:
    return at.hour * 60 + at.minute


@feature
def on_the_minute(at: datetime) -> bool:
    return at.second == 0


# --- place ---


@feature
def home(billing_postal: str | None) -> str | None:
    return billing_postal.partition("-")[0] if billing_postal else None


@feature
def abroad(country: str, home: str | None) -> bool:
    return home is not None and country != home


@feature
def foreign_currency(currency: str, home: str | None) -> bool:
    return home is not None and CURRENCY.get(home, currency) != currency


@feature
def currency_of_country(currency: str, country: str) -> bool:
    return CURRENCY.get(country) == currency


@feature
def euro_zone(country: str) -> bool:
    return country in EURO_ZONE


@feature
def both_in_euro_zone(country: str, home: str | None) -> bool:
    return country in EURO_ZONE and home in EURO_ZONE


@feature
def risky_country(country: str) -> bool:
    return country in RISKY_COUNTRIES


@feature
def km_from_home(latitude: float, longitude: float, home: str) -> float | None:
    if home not in CENTRES:
        return None
    latitude2, longitude2 = CENTRES[home]
    north = math.radians(latitude2 - latitude)
    east = math.radians(longitude2 - longitude)
    across = math.cos(math.radians(latitude)) * math.cos(math.radians(latitude2)) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(math.sin(north / 2) ** 2 + across))


@feature
def far_from_home(km_from_home: float | None) -> bool:
    return km_from_home is not None and km_from_home > 1000


@feature
def northern(latitude: float | None) -> bool:
    return latitude is not None and latitude > 0


@feature
def grid(latitude: float | None, longitude: float | None) -> int:
    if latitude is None or longitude is None:
        return -1
    return int((latitude + 90) // 5) * 72 + int((longitude + 180) // 5)


@feature
def without_place(latitude: float | None) -> bool:
    return latitude is None


@feature
def city_length(city: str) -> int:
    return len(city)


@feature
def city_words(city: str) -> int:
    return len(city.split())


@feature
def city_capitalized(city: str) -> bool:
    return city == city.title()


@feature
def ships_elsewhere(billing_postal: str | None, shipping_postal: str | None) -> bool:
    if not billing_postal or not shipping_postal:
        return False
    return billing_postal[:5] != shipping_postal[:5]


@feature
def ships_abroad(billing_postal: str | None, shipping_postal: str | None) -> bool:
    if not billing_postal or not shipping_postal:
        return False
    return billing_postal[:2] != shipping_postal[:2]


@feature
def postal_in_common(billing_postal: str, shipping_postal: str) -> int:
    alike = 0
    for ours, theirs in zip(billing_postal, shipping_postal):  # noqa: B905 (the shorter one ends it)
        if ours != theirs:
            break
        alike += 1
    return alike


@feature
def postal_region(billing_postal: str | None) -> str:
    if not billing_postal or "-" not in billing_postal:
        return "?"
    return billing_postal.split("-")[1][:2]


@feature
def corridor(country: str, home: str | None) -> str:
    return f"{home or 'unknown'}-{country}"


# --- how it is paid ---


@feature
def card_absent(entry_mode: str) -> bool:
    return entry_mode in NOT_PRESENT


@feature
def keyed_in(entry_mode: str, channel: str) -> bool:
    return entry_mode == "manual" and channel != "phone"


@feature
def stripe(entry_mode: str) -> bool:
    return entry_mode == "swipe"


@feature
def online(channel: str) -> bool:
    return channel == "online"


@feature
def online_at_night(online: bool, night: bool) -> bool:
    return online and night


@feature
def mode_rank(entry_mode: str) -> int:
    return {"chip": 0, "contactless": 1, "swipe": 2, "manual": 3, "ecommerce": 4}[entry_mode]


@feature
def absent_and_large(card_absent: bool, amount: float) -> bool:
    return card_absent and amount > 500


@feature
def category_risk(mcc: int) -> float:
    return MCC_RISK.get(mcc, 1.0)


@feature
def category_group(mcc: int) -> str:
    return MCC_GROUP.get(mcc, "other")


@feature
def resale(mcc: int) -> bool:
    return mcc in RESALE


@feature
def digital(mcc: int) -> bool:
    return mcc in DIGITAL


@feature
def cash_like(mcc: int) -> bool:
    return mcc == 6051 or 6010 <= mcc <= 6012


@feature
def travel(mcc: int) -> bool:
    return 3000 <= mcc <= 3999 or mcc in (4511, 4722, 7011)


@feature
def risk_times_amount(category_risk: float, amount_log: float) -> float:
    return category_risk * amount_log


@feature
def risk_points(abroad: bool, card_absent: bool, resale: bool, night: bool, ships_elsewhere: bool) -> int:
    return 2 * abroad + card_absent + 2 * resale + night + 3 * ships_elsewhere


# --- e-mail ---


@feature
def has_email(email: str | None) -> bool:
    return bool(email)


@feature
def email_domain(email: str | None) -> str | None:
    return email.partition("@")[2].lower() if email else None


@feature
def email_local_length(email: str | None) -> int:
    return len(email.partition("@")[0]) if email else 0


@feature
def email_digits(email: str | None) -> int:
    return sum(c.isdigit() for c in email) if email else 0


@feature
def email_digit_share(email: str | None) -> float:
    if not email:
        return 0.0
    local = email.partition("@")[0]
    return share(sum(c.isdigit() for c in local), len(local))


@feature
def email_vowel_share(email: str | None) -> float:
    if not email:
        return 0.0
    name = email.partition("@")[0].lower()
    return sum(c in "aeiou" for c in name) / len(name) if name else 0.0


@feature
def email_dots(email: str | None) -> int:
    return email.partition("@")[0].count(".") if email else 0


@feature
def email_plus(email: str | None) -> bool:
    return email is not None and "+" in email


@feature
def email_distinct(email: str | None) -> int:
    return len(set(email.partition("@")[0])) if email else 0


@feature
def free_email(email_domain: str | None) -> bool:
    return email_domain in FREE_MAIL


@feature
def throwaway_email(email: str | None) -> bool:
    return email is not None and email.lower().endswith(THROWAWAY_MAIL)


@feature
def email_top_level(email_domain: str | None) -> str | None:
    return email_domain.rpartition(".")[2] if email_domain else None


@feature
def email_names_merchant(email: str | None, merchant_name: str) -> bool:
    return email is not None and merchant_name.lower().split(" ")[0] in email.lower()


# --- device and network ---


@feature
def has_device(device: str | None) -> bool:
    return device is not None


@feature
def device_prefix(device: str | None) -> str:
    return device[:3] if device else "none"


@feature
def network(ip: str | None) -> str | None:
    return ip.rpartition(".")[0] if ip else None


@feature
def private_address(ip: str | None) -> bool:
    return ip is not None and ip.startswith(("10.", "192.168.", "172.16."))


@feature
def last_octet(ip: str | None) -> int:
    return int(ip.rpartition(".")[2]) if ip else -1


@feature
def octets(ip: str | None) -> int:
    return ip.count(".") + 1 if ip else 0


@feature
def first_octet_high(ip: str | None) -> bool:
    return ip is not None and int(ip.split(".")[0]) >= 128


# --- merchant and memo ---


@feature
def merchant_words(merchant_name: str) -> int:
    return len(merchant_name.split())


@feature
def merchant_upper(merchant_name: str) -> bool:
    return merchant_name.isupper()


@feature
def merchant_length(merchant_name: str) -> int:
    return len(merchant_name)


@feature
def merchant_digits(merchant_name: str) -> bool:
    return any(c.isdigit() for c in merchant_name)


@feature
def merchant_prefix(merchant: str) -> str:
    return merchant[:2].upper()


@feature
def memo_length(memo: str) -> int:
    return len(memo)


@feature
def memo_words(memo: str) -> int:
    return len(memo.split())


@feature
def memo_urgent(memo: str) -> bool:
    text = memo.lower()
    return any(word in text for word in URGENT)


@feature
def memo_gift(memo: str) -> bool:
    return any(word in GIFT for word in memo.lower().split())


@feature
def memo_names_merchant(memo: str, merchant_name: str) -> bool:
    text = memo.lower()
    return any(word in text for word in merchant_name.lower().split())


@feature
def memo_card_number(memo: str) -> bool:
    return "******" in memo


@feature
def memo_digit_share(memo: str) -> float:
    return share(sum(c.isdigit() for c in memo), len(memo))


@feature
def memo_longest_word(memo: str) -> int:
    return max((len(word) for word in memo.split()), default=0)


@feature
def memo_shouts(memo: str) -> bool:
    letters = [c for c in memo if c.isalpha()]
    return len(letters) > 5 and all(c.isupper() for c in letters)


@feature
def memo_marks(memo: str) -> int:
    return memo.count("!") + memo.count("?")
