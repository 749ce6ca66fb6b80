"""Features, one function each, over a frame of payments with their window values.

The training pipeline calls `add_features` on the frame of all payments, the service on a frame of one row: the same
code for both, so that the model gets live what it was trained on. A missing value is NaN. Where a value that a feature
needs is missing, the feature is missing too.
"""

import logging
import math
from collections.abc import Callable

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)

FeatureFunction = Callable[[pd.DataFrame], pd.Series]
FEATURES: dict[str, FeatureFunction] = {}  # in the order in which they are computed

CENTRES = {
    "DE": (51.2, 10.4),
    "ES": (40.2, -3.6),
    "FR": (46.6, 2.5),
    "GB": (52.8, -1.6),
    "PL": (52.1, 19.4),
    "US": (39.8, -98.6),
}
MCC_RISK = {5411: 0.4, 5541: 0.6, 5732: 3.1, 5815: 1.2, 5816: 1.6, 5944: 2.8, 6051: 4.5, 7995: 2.2}
RESALE = [5732, 5944, 6051]
THROWAWAY_MAIL = ("quickbox.example", "tempmail.example")
NOT_PRESENT = ["manual", "ecommerce"]
CURRENCY = {"DE": "EUR", "ES": "EUR", "FR": "EUR", "GB": "GBP", "PL": "PLN", "US": "USD"}
FREE_MAIL = ["mail.example", "post.example"]
EARTH_RADIUS_KM = 6371.0088


def feature(function: FeatureFunction) -> FeatureFunction:
    FEATURES[function.__name__] = function
    return function


def add_features(df: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, Exception]]]:
    """Adds a column for each feature; one that fails is missing, and is named."""
    errors = []
    for name, function in FEATURES.items():
        try:
            df[name] = function(df)
        except Exception as error:
            log.exception("feature %s failed", name)
            df[name] = np.nan
            errors.append((name, error))
    return df, errors


# --- amounts ---


@feature
def amount_log(df: pd.DataFrame) -> pd.Series:
    return df["amount"].clip(lower=0.0).map(math.log1p)


@feature
def amount_round(df: pd.DataFrame) -> pd.Series:
    return (df["amount"] >= 50) & (df["amount"] % 50 == 0)


@feature
def amount_vs_usual(df: pd.DataFrame) -> pd.Series:
    usual = df["card_usual"]
    return (df["amount"] / usual).where(usual.notna() & (usual != 0), 1.0)


@feature
def amount_vs_merchant(df: pd.DataFrame) -> pd.Series:
    usual = df["merchant_usual"]
    return (df["amount"] / usual).where(usual.notna() & (usual != 0), 1.0)


@feature
def amount_vs_largest(df: pd.DataFrame) -> pd.Series:
    largest = df["card_largest_90d"]
    return (df["amount"] / largest).where(largest.notna() & (largest != 0), 1.0)


@feature
def amount_cents(df: pd.DataFrame) -> pd.Series:
    return (df["amount"] * 100).round() % 100


@feature
def spend_share(df: pd.DataFrame) -> pd.Series:
    spend = df["card_spend_24h"]
    return (df["amount"] / spend).where(spend > 0, 1.0).where(spend.notna())


@feature
def card_pace(df: pd.DataFrame) -> pd.Series:
    day, week = df["card_payments_24h"], df["card_payments_7d"]
    return (day / week).where(week != 0, 0.0).where(day.notna() & week.notna())


# --- the card's last payment ---


@feature
def idle_log(df: pd.DataFrame) -> pd.Series:
    return (df["card_idle"] / 60).map(math.log1p)


@feature
def country_hop(df: pd.DataFrame) -> pd.Series:
    return df["card_last_country"].notna() & (df["card_last_country"] != df["country"])


@feature
def card_absent(df: pd.DataFrame) -> pd.Series:
    return df["entry_mode"].isin(NOT_PRESENT)


@feature
def impossible_trip(df: pd.DataFrame) -> pd.Series:
    return df["country_hop"] & ~df["card_absent"] & (df["card_idle"] < 2 * 3600)


# --- devices, networks, merchants ---


@feature
def device_shared(df: pd.DataFrame) -> pd.Series:
    return (df["device_cards_24h"] >= 3).where(df["device_cards_24h"].notna())


@feature
def device_spend_share(df: pd.DataFrame) -> pd.Series:
    share = df["amount"] / (df["device_spend_24h"] + df["amount"])
    return share.where(df["amount"] > 0, 0.0).where(df["device_spend_24h"].notna())


@feature
def cards_per_network_payment(df: pd.DataFrame) -> pd.Series:
    return df["network_cards_24h"] / df["network_payments_10m"].clip(lower=1)


@feature
def crowd_at_merchant(df: pd.DataFrame) -> pd.Series:
    cards, payments = df["merchant_cards_1h"], df["merchant_payments_1h"]
    return (cards / payments).where(payments != 0, 1.0).where(payments.notna())


@feature
def merchant_tried_out(df: pd.DataFrame) -> pd.Series:
    tiny, payments = df["merchant_tiny_1h"], df["merchant_payments_1h"]
    return (tiny / payments).where(payments != 0, 0.0).where(payments.notna())


@feature
def new_device(df: pd.DataFrame) -> pd.Series:
    return df["known_device"] == 0


@feature
def new_country(df: pd.DataFrame) -> pd.Series:
    return (df["known_country"] == 0).where(df["known_country"].notna())


@feature
def new_merchant(df: pd.DataFrame) -> pd.Series:
    return (df["card_at_merchant_90d"] == 0).where(df["card_at_merchant_90d"].notna())


# --- when ---


@feature
def hour(df: pd.DataFrame) -> pd.Series:
    return df["at"].dt.hour


def day_angle(at: pd.Series) -> pd.Series:
    return (at.dt.hour * 60 + at.dt.minute) / 1440 * 2 * math.pi


@feature
def hour_sine(df: pd.DataFrame) -> pd.Series:
    return day_angle(df["at"]).map(math.sin)


@feature
def hour_cosine(df: pd.DataFrame) -> pd.Series:
    return day_angle(df["at"]).map(math.cos)


@feature
def night(df: pd.DataFrame) -> pd.Series:
    return df["hour"] < 5


@feature
def weekend(df: pd.DataFrame) -> pd.Series:
    return df["at"].dt.day_of_week >= 5


# --- where ---


@feature
def abroad(df: pd.DataFrame) -> pd.Series:
    return df["home"].notna() & (df["country"] != df["home"])


@feature
def foreign_currency(df: pd.DataFrame) -> pd.Series:
    expected = df["home"].map(CURRENCY)
    return expected.notna() & (expected != df["currency"])


def distance_km(latitude1: float, longitude1: float, latitude2: float, longitude2: float) -> float:
    """Over the sphere, by the haversine formula."""
    north = math.radians(latitude2 - latitude1)
    east = math.radians(longitude2 - longitude1)
    across = math.cos(math.radians(latitude1)) * math.cos(math.radians(latitude2)) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(math.sin(north / 2) ** 2 + across))


@feature
def km_from_home(df: pd.DataFrame) -> pd.Series:
    def distance(row: pd.Series) -> float:
        if row["home"] not in CENTRES or pd.isna(row["latitude"]) or pd.isna(row["longitude"]):
            return math.nan
        return distance_km(row["latitude"], row["longitude"], *CENTRES[row["home"]])

    return df.apply(distance, axis=1)


@feature
def corridor(df: pd.DataFrame) -> pd.Series:
    """From where to where, for people who read a decision."""
    home = df["home"].fillna("")
    return home.where(home != "", "unknown") + "-" + df["country"]


# --- postal addresses ---


@feature
def ships_elsewhere(df: pd.DataFrame) -> pd.Series:
    billing, shipping = df["billing_postal"].fillna(""), df["shipping_postal"].fillna("")
    return (billing != "") & (shipping != "") & (billing.str[:5] != shipping.str[:5])


@feature
def postal_in_common(df: pd.DataFrame) -> pd.Series:
    """How many characters the two addresses begin with alike."""

    def in_common(row: pd.Series) -> float:
        if pd.isna(row["billing_postal"]) or pd.isna(row["shipping_postal"]):
            return math.nan
        alike = 0
        for ours, theirs in zip(row["billing_postal"], row["shipping_postal"], strict=False):
            if ours != theirs:
                break
            alike += 1
        return alike

    return df.apply(in_common, axis=1)


# --- how it is paid, for what ---


@feature
def keyed_in(df: pd.DataFrame) -> pd.Series:
    return (df["entry_mode"] == "manual") & (df["channel"] != "phone")


@feature
def stripe(df: pd.DataFrame) -> pd.Series:
    return df["entry_mode"] == "swipe"


@feature
def category_risk(df: pd.DataFrame) -> pd.Series:
    return df["mcc"].map(MCC_RISK).fillna(1.0)


@feature
def resale(df: pd.DataFrame) -> pd.Series:
    return df["mcc"].isin(RESALE)


# --- e-mail and address ---


@feature
def throwaway_email(df: pd.DataFrame) -> pd.Series:
    return df["email"].fillna("").str.lower().str.endswith(THROWAWAY_MAIL)


@feature
def email_domain(df: pd.DataFrame) -> pd.Series:
    return df["email"].map(lambda email: email.partition("@")[2].lower() if email else None, na_action="ignore")


@feature
def free_email(df: pd.DataFrame) -> pd.Series:
    return df["email_domain"].isin(FREE_MAIL)


def vowel_share(email: str) -> float:
    name = email.partition("@")[0].lower()
    return sum(character in "aeiou" for character in name) / len(name) if name else 0.0


@feature
def email_vowel_share(df: pd.DataFrame) -> pd.Series:
    return df["email"].fillna("").map(vowel_share)


@feature
def private_address(df: pd.DataFrame) -> pd.Series:
    return df["ip"].fillna("").str.startswith(("10.", "192.168.", "127."))


@feature
def email_number(df: pd.DataFrame) -> pd.Series:
    """How many digits the name in an address ends with."""
    name = df["email"].fillna("").str.split("@").str[0]
    return name.str.len() - name.str.rstrip("0123456789").str.len()


# --- the memo. Counts of its tokens would be computed here too, once there is a tokenizer ---


@feature
def memo_words(df: pd.DataFrame) -> pd.Series:
    return df["memo"].str.split().str.len()


@feature
def memo_length(df: pd.DataFrame) -> pd.Series:
    return df["memo"].str.len()


@feature
def memo_longest_word(df: pd.DataFrame) -> pd.Series:
    return df["memo"].map(lambda memo: max((len(word) for word in memo.split()), default=0))


@feature
def memo_digit_share(df: pd.DataFrame) -> pd.Series:
    return df["memo"].map(lambda memo: sum(c.isdigit() for c in memo) / len(memo) if memo else 0.0)


@feature
def memo_capitals(df: pd.DataFrame) -> pd.Series:
    return df["memo"].map(lambda memo: sum(c.isupper() for c in memo))


@feature
def merchant_words(df: pd.DataFrame) -> pd.Series:
    return df["merchant_name"].str.split().str.len()


@feature
def memo_names_merchant(df: pd.DataFrame) -> pd.Series:
    def names_merchant(row: pd.Series) -> bool:
        memo = row["memo"].lower()
        return any(word in memo for word in row["merchant_name"].lower().split())

    return df.apply(names_merchant, axis=1)


@feature
def memo_urgent(df: pd.DataFrame) -> pd.Series:
    return df["memo"].str.lower().str.contains("urgent|gift card|no callback")


@feature
def memo_card_number(df: pd.DataFrame) -> pd.Series:
    """It held a card number, which was masked."""
    return df["memo"].str.contains("******", regex=False)
