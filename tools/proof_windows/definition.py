"""Windows of every kind over three classes of events, for `make proof-windows`: payments, logins and chargebacks; keys
of one and two parts and none, where, delay, include_current, both clocks, outcome windows that feed the decision."""

from datetime import datetime
from typing import Annotated

from assay import Secret, event, feature, rule, thresholds, window

history = "empty"


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    shop: str
    amount: float | None
    cents: int
    country: str | None = None
    device: str | None = None
    flag: bool | None = None


@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: datetime
    card: Annotated[str, Secret]
    ok: bool
    took: float
    device: str | None = None


@event(id="id", time="at", scored=False)
class Chargeback:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    shop: str | None
    lost: int
    reason: str


def failed(login: Login) -> bool:
    return not login.ok


@feature
def place(country: str | None, device: str | None) -> str:
    return f"{country or '??'} on {device or 'something unknown'}"


@feature
def large(amount: float | None) -> bool:
    return amount is not None and amount > 80


@feature
def bin4(card: str) -> str:
    return card[:4]


# Payments by card, by shop, by both, by a feature, and by nothing.
count_10s = window.count(by="card", over="10s")
count_7d = window.count(by="card", over="7d")
count_with = window.count(by="card", over="1h", include_current=True)
sum_5s = window.sum("amount", by="card", over="5s")
sum_7d = window.sum("amount", by="card", over="7d")
sum_where = window.sum("amount", by="card", over="1d", where="large", include_current=True)
cents_1d = window.sum("cents", by="card", over="1d")
mean_1d = window.mean("amount", by="card", over="1d")
mean_delayed = window.mean("amount", by="card", over="6h", delay="3s")
std_1h = window.std("amount", by="card", over="1h")
std_cents = window.std("cents", by="card", over="2d")
min_1h = window.min("amount", by="card", over="1h")
max_1h = window.max("amount", by="card", over="1h", include_current=True)
min_place = window.min("place", by="card", over="1d")
max_place = window.max("place", by="card", over="20s", where="flag")
distinct_place = window.distinct("place", by="card", over="1d")
distinct_shop = window.distinct("shop", by="card", over="30s", include_current=True)
seen_device = window.seen("device", by="card", over="2d")
seen_delayed = window.seen("country", by="card", over="1h", delay="10s")
last_place = window.last("place", by="card", over="1d")
last_flagged = window.last("amount", by="card", over="1d", where="flag")
first_place = window.first("place", by="card", over="1m")
first_at = window.first("at", by="card", over="10m")
since_last_1d = window.since_last(by="card", over="1d")
since_flagged = window.since_last(by="card", over="1h", where="flag")
rate_10s = window.rate(by="card", over="10s")
decayed = window.decayed_sum("amount", by="card", over="20s", half_life="3s")
decayed_with = window.decayed_sum("cents", by="card", over="5s", half_life="700ms", include_current=True)
posted_3s = window.rate(by="card", over="3s", clock="arrival")
arrived_sum = window.sum("amount", by="card", over="2s", clock="arrival")
arrived_last = window.last("place", by="shop", over="1m", clock="arrival")
shop_count = window.count(by="shop", over="1m")
shop_sum = window.sum("amount", by="shop", over="7d")
shop_mean = window.mean("amount", by="shop", over="1h", where="flag")
shop_std = window.std("amount", by="shop", over="1d")
shop_min = window.min("amount", by="shop", over="7d")
shop_max = window.max("place", by="shop", over="1d")
shop_cards = window.distinct("card", by="shop", over="2s")
shop_seen = window.seen("card", by="shop", over="2s")
shop_first = window.first("place", by="shop", over="1d", where="large")
shop_idle = window.since_last(by="shop", over="1d", where="flag")
pair_count = window.count(by=("card", "shop"), over="7d")
pair_mean = window.mean("amount", by=("card", "shop"), over="1d", include_current=True)
pair_seen = window.seen("place", by=("card", "shop"), over="1d")
country_max = window.max("amount", by=("country", "bin4"), over="1h")
bin_count = window.count(by="bin4", over="30s", where="large")
all_count = window.count(over="7d")
all_std = window.std("amount", over="1h", delay="1s")
all_distinct = window.distinct("country", over="1s")
all_last = window.last("place", over="1s")

# Context events.
logins_1h = window.count(by="card", over="1h", on=Login)
failed_10m = window.count(by="card", over="10m", on=Login, where=failed)
login_took = window.mean("took", by="card", over="1d", on=Login, delay="2s")
login_devices = window.distinct("device", by="card", over="1d", on=Login)
login_knows = window.seen("device", by="card", over="1d", on=Login)
login_last = window.last("device", by="card", over="2d", on=Login)
login_idle = window.since_last(by="card", over="1d", on=Login, where="ok")
lost_7d = window.sum("lost", by="card", over="7d", on=Chargeback)
lost_shop = window.max("lost", by="shop", over="7d", on=Chargeback)
lost_std = window.std("lost", by="shop", over="1h", on=Chargeback)
lost_reason = window.first("reason", by=("card", "shop"), over="7d", on=Chargeback)
lost_rate = window.rate(by="shop", over="10s", on=Chargeback, clock="arrival")


@feature
def was_declined(decide: str) -> bool:
    return decide == "decline"


@feature
def verdict(decide: str, place: str) -> str:
    return f"{decide}: {place}"


# Outcome windows.
declined_10s = window.count(by="card", over="10s", where=was_declined)
declined_1d = window.count(by="card", over="1d", where=was_declined)
declined_shop = window.count(by="shop", over="5s", where=was_declined, clock="arrival")
declined_sum = window.sum("amount", by=("card", "shop"), over="1d", where=was_declined, delay="500ms")
usual_risk = window.mean("share", by="card", over="1h")
worst_risk = window.max("share", by="shop", over="2s")
spread_risk = window.std("share", by="card", over="1d")
verdicts = window.distinct(verdict, by="card", over="1h")
last_verdict = window.last(verdict, by="card", over="1h")
first_verdict = window.first(verdict, by="shop", over="1s")
knows_counts = window.distinct("count_10s", by="shop", over="1s")


@feature
def share(amount: float | None, mean_1d: float | None, declined_10s: int, usual_risk: float | None) -> float:
    part = 0.5 if amount is None or not mean_1d else abs(amount) / (abs(amount) + abs(mean_1d) + 1)
    return min(1.0, 0.7 * part + 0.1 * (declined_10s % 3) + 0.2 * (usual_risk or 0.0))


@feature
def age(arrival: datetime, at: datetime) -> float:
    return (arrival - at).total_seconds()


@feature
def text(last_place: str | None, last_verdict: str | None, count_10s: int) -> str:
    return f"{last_place}|{last_verdict}|{count_10s}"


@rule("review")
def burst(count_10s: int, failed_10m: int) -> bool:
    return count_10s > 5 and failed_10m > 1


@rule("decline")
def again(declined_10s: int, pair_seen: bool) -> bool:
    return declined_10s > 2 and not pair_seen


decide = thresholds("share", review=0.4, decline=0.6)
