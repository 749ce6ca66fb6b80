"""Velocity: what windows remember, combined; ratios, z-scores, decays, sentinels for what is missing."""

import math
import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial, reduce
from typing import Literal

from assay import decision, event, feature, rule, window

history = "empty"

EPS = 1e-9
MISSING = -999.0
SHRINKAGE = 5
PRIOR_MEAN = 62.5
DAY_S = 24 * 60 * 60
SPEED_LIMIT_KMH = 900
LIMITS = {"10m": 3, "1h": 8, "24h": 20}
EARTH_KM = 6371.0088
WEIGHTS = {"burst": 1.7, "spend": 0.9, "travel": 2.2, "new_device": 0.6}
BIAS = -3.1
HALF_LIVES = (1, 6, 24)


class Alert(IntEnum):
    NONE = 0
    WATCH = 1
    HOLD = 2
    BLOCK = 3


@dataclass(frozen=True)
class Cap:
    payments: int
    amount: float

    def used(self, n: int, spent: float) -> float:
        return max(n / self.payments, spent / self.amount)


CAPS = {"standard": Cap(10, 1000.0), "gold": Cap(25, 5000.0), "new": Cap(3, 200.0)}


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    user: str
    amount: float
    country: str = "DE"
    device: str | None = None
    merchant: str = ""
    lat: float | None = None
    lon: float | None = None
    tier: Literal["standard", "gold", "new"] = "standard"
    declined: bool = False


def to_device(device: str | None, merchant: str) -> str:
    return f"{device or '-'}@{merchant[:3]}"


n_10m = window.count(by="card", over="10m")
n_1h = window.count(by="card", over="1h")
n_24h = window.count(by="card", over="24h")
n_7d = window.count(by="card", over="7d")
n_30d = window.count(by="card", over="30d")
spend_1h = window.sum("amount", by="card", over="1h")
spend_24h = window.sum("amount", by="card", over="24h")
spend_30d = window.sum("amount", by="card", over="30d")
mean_30d = window.mean("amount", by="card", over="30d")
std_30d = window.std("amount", by="card", over="30d")
max_90d = window.max("amount", by="card", over="90d")
min_90d = window.min("amount", by="card", over="90d")
last_amount = window.last("amount", by="card", over="90d")
first_at = window.first("at", by="card", over="400d")
last_at = window.last("at", by="card", over="90d")
last_lat = window.last("lat", by="card", over="7d")
last_lon = window.last("lon", by="card", over="7d")
last_country = window.last("country", by="card", over="30d")
idle = window.since_last(by="card", over="30d")
countries_7d = window.distinct("country", by="card", over="7d")
merchants_24h = window.distinct("merchant", by="card", over="24h")
known_device = window.seen("device", by="user", over="90d")
known_pair = window.seen("device", by=("user", "merchant"), over="90d")
declines_1h = window.count(by="card", over="1h", where="declined")
heat = window.decayed_sum("amount", by="card", over="3d", half_life="6h")
busy = window.rate(by="merchant", over="1h")
all_10m = window.count(over="10m")
user_mean_7d = window.mean("amount", by="user", over="7d")


def ratio(a, b, default=0.0):
    return a / b if b else default


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    z = math.exp(x)
    return z / (1 + z)


def haversine(lat1, lon1, lat2, lon2):
    p1, p2 = math.radians(lat1), math.radians(lat2)
    dphi, dlam = p2 - p1, math.radians(lon2 - lon1)
    a = math.sin(dphi / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(dlam / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, a)))


def coalesce(*values):
    for value in values:
        if value is not None:
            return value
    return None


bounded = partial(min, 10.0)


@feature
def burst(n_10m: int, n_24h: int) -> float:
    return ratio(n_10m, n_24h)


@feature
def acceleration(n_10m: int, n_1h: int) -> float:
    """Payments per minute now over payments per minute in the hour."""
    return (n_10m / 10) / max(n_1h / 60, EPS)


@feature
def n_tuple(n_10m: int, n_1h: int, n_24h: int) -> list[int]:
    return [n_10m, n_1h - n_10m, n_24h - n_1h]


@feature
def monotone(n_10m: int, n_1h: int, n_24h: int, n_7d: int, n_30d: int) -> bool:
    counts = [n_10m, n_1h, n_24h, n_7d, n_30d]
    return all(a <= b for a, b in zip(counts, counts[1:]))


@feature
def over_limits(n_10m: int, n_1h: int, n_24h: int) -> list[str]:
    now = {"10m": n_10m, "1h": n_1h, "24h": n_24h}
    return [name for name, limit in LIMITS.items() if now[name] > limit]


@feature
def worst_limit(n_10m: int, n_1h: int, n_24h: int) -> str:
    now = dict(zip(LIMITS, (n_10m, n_1h, n_24h)))
    return max(now, key=lambda name: now[name] / LIMITS[name])


@feature
def spend_share_1h(amount: float, spend_1h: float, spend_24h: float) -> float:
    return round((spend_1h + amount) / (spend_24h + amount or 1.0), 4)


@feature
def spend_vs_month(spend_24h: float, spend_30d: float) -> float:
    usual_day = spend_30d / 30
    return bounded(spend_24h / usual_day) if usual_day > 0 else MISSING


@feature
def zscore(amount: float, mean_30d: float | None, std_30d: float | None) -> float | None:
    if mean_30d is None or std_30d is None or std_30d < EPS:
        return None
    return (amount - mean_30d) / std_30d


@feature
def zscore_or_sentinel(zscore: float | None) -> float:
    return zscore if zscore is not None else MISSING


@feature
def shrunk_mean(mean_30d: float | None, n_30d: int) -> float:
    return ((mean_30d or 0.0) * n_30d + PRIOR_MEAN * SHRINKAGE) / (n_30d + SHRINKAGE)


@feature
def amount_vs_shrunk(amount: float, shrunk_mean: float) -> float:
    return math.log((max(amount, 0.01) + 1) / (abs(shrunk_mean) + 1))


@feature
def coefficient_of_variation(mean_30d: float | None, std_30d: float | None) -> float:
    if not mean_30d or std_30d is None:
        return 0.0
    return std_30d / abs(mean_30d)


@feature
def position_in_range(amount: float, min_90d: float | None, max_90d: float | None) -> float:
    match (min_90d, max_90d):
        case (None, _) | (_, None):
            return 0.5
        case (lo, hi) if lo == hi:
            return float(amount > hi)
        case (lo, hi):
            return (amount - lo) / (hi - lo)


@feature
def record_amount(amount: float, max_90d: float | None) -> bool:
    return max_90d is None or amount > 1.5 * max_90d


@feature
def same_as_last(amount: float, last_amount: float | None) -> bool:
    return last_amount is not None and math.isclose(amount, last_amount, abs_tol=0.005)


@feature
def step_from_last(amount: float, last_amount: float | None) -> float:
    if last_amount in (None, 0):
        return 0.0
    return (amount - last_amount) / abs(last_amount)


@feature
def first_usual(user_mean_7d: float | None, mean_30d: float | None) -> float:
    return coalesce(mean_30d, user_mean_7d, PRIOR_MEAN)


@feature
def age_days(at: datetime, first_at: datetime | None) -> int:
    return (at - first_at).days if first_at else 0


@feature
def age_bucket(age_days: int) -> str:
    for bound, label in ((1, "today"), (7, "week"), (30, "month"), (365, "year")):
        if age_days < bound:
            return label
    else:
        return "old"


@feature
def idle_hours(idle: float | None) -> float:
    return idle / 3600 if idle is not None else float("inf")


@feature
def idle_log(idle: float | None) -> float:
    return math.log10(1 + idle) if idle is not None else -1.0


@feature
def idle_text(idle: float | None) -> str:
    if idle is None:
        return "never"
    m, s = divmod(int(idle), 60)
    h, m = divmod(m, 60)
    d, h = divmod(h, 24)
    return f"{d}d {h:02}:{m:02}:{s:02}" if d else f"{h:02}:{m:02}:{s:02}"


@feature
def woke_up(idle: float | None, n_24h: int) -> bool:
    return (idle is None or idle > 14 * DAY_S) and n_24h == 0


@feature
def km_from_last(lat: float | None, lon: float | None, last_lat: float | None, last_lon: float | None) -> float | None:
    if None in (lat, lon, last_lat, last_lon):
        return None
    return haversine(lat, lon, last_lat, last_lon)


@feature
def speed_kmh(km_from_last: float | None, at: datetime, last_at: datetime | None) -> float | None:
    if km_from_last is None or last_at is None:
        return None
    hours = (at - last_at) / timedelta(hours=1)
    try:
        return km_from_last / hours
    except ZeroDivisionError:
        return math.inf if km_from_last > 1 else 0.0


@feature
def impossible_travel(speed_kmh: float | None) -> bool:
    return bool(speed_kmh and speed_kmh > SPEED_LIMIT_KMH)


@feature
def country_hops(country: str, last_country: str | None, countries_7d: int) -> int:
    hop = last_country is not None and country != last_country
    return countries_7d * 2 + hop


@feature
def merchant_spread(merchants_24h: int, n_24h: int) -> float:
    return merchants_24h / n_24h if n_24h > 0 else 0.0


@feature
def device_novelty(known_device: bool | None, known_pair: bool | None) -> str:
    return {(True, True): "known", (True, False): "new here", (False, False): "new"}.get(
        (known_device, known_pair), "unknown"
    )


@feature
def device_novelty_match(known_device: bool | None, known_pair: bool | None) -> int:
    match known_device, known_pair:
        case None, None:
            return -1
        case True, True:
            return 0
        case True, False | None:
            return 1
        case False, _:
            return 2
        case _:
            return 3


@feature
def decline_ratio(declines_1h: int, n_1h: int) -> float:
    return declines_1h / n_1h if n_1h else 0.0


@feature
def decline_ratio_laplace(declines_1h: int, n_1h: int) -> float:
    return (declines_1h + 1) / (n_1h + 2)


@feature
def wilson_lower(declines_1h: int, n_1h: int) -> float:
    """Lower end of the Wilson interval of the share that was declined."""
    if n_1h == 0:
        return 0.0
    z, n = 1.96, n_1h
    p = declines_1h / n
    centre = p + z * z / (2 * n)
    margin = z * math.sqrt((p * (1 - p) + z * z / (4 * n)) / n)
    return max(0.0, (centre - margin) / (1 + z * z / n))


@feature
def heat_ratio(heat: float, spend_24h: float) -> float:
    return heat / spend_24h if spend_24h else (1.0 if heat else 0.0)


@feature
def busy_per_minute(busy: float) -> float:
    return round(busy * 60, 2)


@feature
def share_of_everything(n_10m: int, all_10m: int) -> float:
    return n_10m / all_10m if all_10m else 0.0


@feature
def poisson_surprise(n_1h: int, n_30d: int) -> float:
    """-log P(N >= n) under a steady rate."""
    lam = n_30d / (30 * 24)
    if lam == 0:
        return float(n_1h)
    term = cumulative = math.exp(-lam)
    for k in range(1, n_1h):
        term *= lam / k
        cumulative += term
    tail = max(1 - cumulative, 1e-12) if n_1h else 1.0
    return -math.log(tail)


@feature
def cap_use(tier: str, n_24h: int, spend_24h: float) -> float:
    return CAPS[tier].used(n_24h, spend_24h)


@feature
def alert(n_10m: int, decline_ratio: float, impossible_travel: bool) -> int:
    level = Alert.NONE
    if n_10m > 2:
        level = Alert.WATCH
    if decline_ratio > 0.5:
        level = max(level, Alert.HOLD)
    if impossible_travel:
        level = Alert.BLOCK
    return level.value


@feature
def alert_name(alert: int) -> str:
    return Alert(alert).name.title()


@feature
def logit(burst: float, spend_share_1h: float, impossible_travel: bool, known_device: bool | None) -> float:
    x = {"burst": burst, "spend": spend_share_1h, "travel": impossible_travel, "new_device": not known_device}
    return BIAS + sum(WEIGHTS[k] * v for k, v in x.items())


@feature
def probability(logit: float) -> float:
    return sigmoid(logit)


@feature
def decayed_by_hand(n_10m: int, n_1h: int, n_24h: int) -> float:
    return sum(n * 0.5 ** (i / h) for (i, n), h in zip(enumerate((n_10m, n_1h, n_24h)), HALF_LIVES))


@feature
def spread_of_counts(n_10m: int, n_1h: int, n_24h: int) -> float:
    return statistics.pstdev([n_10m, n_1h, n_24h])


@feature
def median_of_amounts(amount: float, last_amount: float | None, mean_30d: float | None) -> float:
    known = [v for v in (amount, last_amount, mean_30d) if v is not None]
    return statistics.median(known)


@feature
def harmonic(n_10m: int, n_1h: int, n_24h: int) -> float:
    xs = [n for n in (n_10m, n_1h, n_24h) if n]
    return len(xs) / sum(1 / x for x in xs) if xs else 0.0


@feature
def geometric(n_1h: int, n_24h: int, n_7d: int) -> float:
    return reduce(lambda p, n: p * (n + 1), [n_1h, n_24h, n_7d], 1) ** (1 / 3)


@feature
def entropy_of_counts(n_10m: int, n_1h: int, n_24h: int) -> float:
    counts = [n_10m, n_1h - n_10m, n_24h - n_1h]
    total = sum(counts)
    if not total:
        return 0.0
    return -sum(p * math.log2(p) for c in counts if (p := c / total) > 0)


@feature
def summary(n_10m: int, n_24h: int, spend_24h: float, mean_30d: float | None) -> str:
    return f"{n_10m}/{n_24h} payments, {spend_24h:,.0f} spent, usual {'-' if mean_30d is None else round(mean_30d, 1)}"


@rule("decline")
def testing_cards(declines_1h: int, n_10m: int, amount: float) -> bool:
    """Small amounts, many declines: somebody tests cards."""
    return declines_1h >= 2 and n_10m >= 3 and amount < 10


@rule("review")
def sudden(zscore: float | None, woke_up: bool) -> bool:
    """Far above the usual, or after a long sleep."""
    return woke_up or (zscore or 0) > 4


@decision
def decide(probability: float, fired: list[str], amount: float) -> str:
    if "testing_cards" in fired:
        return "decline"
    score = probability + 0.2 * len(fired)
    return "decline" if score > 0.9 else "review" if score > 0.5 and amount > 1 else "approve"
