"""What is made at module level and looked up in functions: numpy arrays, pandas look-ups, dataclasses, named tuples."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from assay import event, feature

history = "empty"

WEIGHTS = np.array([0.1, 0.5, 0.7])
TRANSITIONS = np.array([[1, 2], [3, 4]])
EDGES = np.array([10.0, 50.0, 250.0, 1000.0])
LIMIT = np.float64(3.5)
STEP = np.int64(3)
MEANS = pd.Series({"EUR": 10.5, "USD": 20.0, "JPY": 1500.0})
COUNTRIES = pd.DataFrame({"risk": [0.1, 0.9, 0.4], "name": ["Germany", "France", "Japan"]}, index=["DE", "FR", "JP"])
HISTORY = pd.DataFrame({"country": ["DE", "DE", "FR", "JP", "JP"], "amount": [10.0, 30.0, 5.0, 9000.0, 12000.0]})
TYPICAL = HISTORY.groupby("country")["amount"].median()
SPREAD = HISTORY.groupby("country")["amount"].agg(["min", "max", "mean"])
QUANTILES = HISTORY["amount"].quantile([0.5, 0.9])
RATES = dict(zip(["EUR", "USD"], np.array([1.0, 1.09]), strict=True))


class Band(NamedTuple):
    low: float
    label: str


@dataclass(frozen=True)
class Limit:
    amount: float
    countries: tuple[str, ...] = ()

    def exceeded(self, amount: float) -> bool:
        return amount > self.amount

    @property
    def strict(self) -> bool:
        return self.amount < 20


@dataclass
class Settings:
    scale: float = 2.0
    limits: list[Limit] = field(default_factory=list)


LIMITS = {"EUR": Limit(10.0, ("DE", "FR")), "USD": Limit(LIMIT), "JPY": Limit(1500.0, ("JP",))}
SETTINGS = Settings(limits=[Limit(1.0), Limit(50.0), Limit(400.0, ("DE",))])
BANDS = [Band(0.0, "small"), Band(50.0, "medium"), Band(500.0, "large")]


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    amount: float
    currency: str = "EUR"
    country: str = "DE"
    count: int = 0


@feature
def weighted(amount: float) -> float:
    return sum(w * amount for w in WEIGHTS)


@feature
def transition(count: int) -> int:
    return TRANSITIONS[count % 2, 1] + TRANSITIONS[count % 2][0] + int(TRANSITIONS[-1, -1])


@feature
def above_limit(amount: float) -> bool:
    return amount > LIMIT and round(abs(amount) % 1e6) % STEP == 0


@feature
def usual_of_currency(currency: str) -> float:
    return MEANS[currency]


@feature
def known_currency(currency: str) -> float:
    known = 1 if currency in MEANS else 0
    return MEANS.get(currency, -1.0) + known + len(MEANS) + MEANS.loc["EUR"]


@feature
def country_risk(country: str) -> float:
    return COUNTRIES.loc[country, "risk"] if country in COUNTRIES.index else COUNTRIES["risk"].max()


@feature
def country_name(country: str) -> str:
    return COUNTRIES["name"].get(country, "?")


@feature
def bucket(amount: float) -> int:
    return int(np.searchsorted(EDGES, amount)) + np.digitize(amount, EDGES)


@feature
def over_limit(currency: str, amount: float) -> bool:
    return currency in LIMITS and LIMITS[currency].exceeded(amount)


@feature
def limits_exceeded(amount: float) -> int:
    return sum(1 for limit in SETTINGS.limits if limit.exceeded(amount * SETTINGS.scale))


@feature
def band_text(count: int) -> str:
    band = BANDS[count]
    return f"{band.label}:{band.low} {band!r}"


@feature
def band_of(amount: float) -> str:
    return next((band.label for band in reversed(BANDS) if amount >= band.low), "none")


@feature
def clipped(amount: float, currency: str) -> float:
    limit = LIMITS.get(currency)
    return limit.amount if limit is not None and limit.strict else np.clip(amount, 0, 5)


@feature
def limit_kind(currency: str, country: str) -> str:
    match LIMITS.get(currency):
        case Limit(amount=10.0, countries=countries):
            return "ten" if country in countries else "ten elsewhere"
        case Limit():
            return "limit"
    return "none"


@feature
def sums_of_means(amount: float) -> float:
    return (
        float(max(MEANS)) + sum(v for k, v in MEANS.items() if k != "JPY") + QUANTILES[0.9] + COUNTRIES.at["DE", "risk"]
    )


@feature
def missing_or_large(amount: float) -> bool:
    return bool(np.isnan(amount)) or (any(amount > w for w in WEIGHTS) and amount not in WEIGHTS)


@feature
def against_typical(amount: float, country: str) -> float | None:
    return amount / TYPICAL[country] if country in TYPICAL.index else None


@feature
def in_spread(amount: float, country: str) -> float:
    low, high = SPREAD.at[country, "min"], SPREAD.at[country, "max"]
    return (amount - low) / (high - low)


@feature
def mean_of_means(amount: float) -> float:
    return amount / MEANS.mean() + WEIGHTS.sum() + WEIGHTS.mean()


@feature
def converted(amount: float, currency: str) -> float:
    return amount / RATES.get(currency, 1.0)


@feature
def magnitude(amount: float) -> float:
    return np.sqrt(np.abs(amount)) + np.sign(amount) + np.minimum(amount, 3.0) + np.maximum(amount, np.pi)
