"""Out of a notebook: numpy and pandas at module level, quick one-liners, encodings, binning, target means."""

import math
from datetime import datetime

import numpy as np
import pandas as pd
from assay import event, feature, window

history = "empty"

# df = pd.read_parquet("train.parquet"); here a little of it
df = pd.DataFrame(
    {
        "country": ["DE", "DE", "US", "US", "FR", "NG", "NG", "GB"],
        "category": ["fuel", "travel", "travel", "crypto", "fuel", "crypto", "travel", "fuel"],
        "amount": [20.0, 310.0, 99.0, 1200.0, 35.0, 800.0, 60.0, 41.5],
        "fraud": [0, 0, 0, 1, 0, 1, 1, 0],
    }
)
GLOBAL_MEAN = df["fraud"].mean()
m = 3
agg = df.groupby("country")["fraud"].agg(["count", "mean"])
TARGET_MEAN = ((agg["count"] * agg["mean"] + m * GLOBAL_MEAN) / (agg["count"] + m)).to_dict()
FREQ = df["category"].value_counts(normalize=True).to_dict()
CATEGORY_CODES = {c: i for i, c in enumerate(sorted(df["category"].unique()))}
AMOUNT_QUANTILES = df["amount"].quantile([0.25, 0.5, 0.75, 0.95]).tolist()
MEDIAN_BY_COUNTRY = df.groupby("country")["amount"].median()
PAIR_MEAN = df.groupby(["country", "category"])["amount"].mean().to_dict()
MU, SIGMA = df["amount"].mean(), df["amount"].std(ddof=0)
LOG_MU = float(np.log1p(df["amount"]).mean())
BINS = np.array([0, 25, 50, 100, 500, np.inf])
BIN_NAMES = np.array(["xs", "s", "m", "l", "xl"])
COEF = np.array([0.8, -0.3, 1.9, 0.05])
INTERCEPT = np.float64(-2.2)
W1 = np.array([[0.2, -0.5, 1.0], [0.7, 0.1, -0.3]])
B1 = np.array([0.1, -0.2])
W2 = np.array([1.5, -0.8])
HOUR_RISK = pd.Series(np.where(np.arange(24) < 6, 2.0, 1.0), index=range(24))
HOUR_OF_WEEK = np.ones((7, 24))
HOUR_OF_WEEK[5:, 20:] = 1.5
HOUR_OF_WEEK[:, :6] *= 2
RISK = pd.DataFrame({"risk": [0.1, 0.4, 0.9], "label": ["ok", "hm", "bad"]}, index=["DE", "US", "NG"])
ISO = dict(zip(RISK.index, range(len(RISK))))
PERCENTILES = np.percentile(df["amount"], np.arange(0, 101, 10))
CENTROIDS = np.array([[20.0, 0.0], [300.0, 2.0], [1000.0, 8.0]])
TOP = set(df.sort_values("amount", ascending=False).head(3)["country"])
RARE = df["country"].value_counts().loc[lambda s: s == 1].index.tolist()


@event(id="id", time="at")
class Txn:
    id: str
    at: datetime
    card: str
    amount: float
    country: str = "DE"
    category: str | None = None
    count: int = 0
    score: float | None = None
    amounts: list[float]


mean_7d = window.mean("amount", by="card", over="7d")
std_7d = window.std("amount", by="card", over="7d")
n_7d = window.count(by="card", over="7d")


def sigmoid(x):
    return 1 / (1 + math.exp(-max(min(x, 60), -60)))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def relu(x):
    return x if x > 0 else 0.0


@feature
def te_country(country: str) -> float:
    return TARGET_MEAN.get(country, GLOBAL_MEAN)


@feature
def freq_category(category: str | None) -> float:
    return FREQ.get(category, 0.0)


@feature
def code_category(category: str | None) -> int:
    return CATEGORY_CODES.get(category, -1)


@feature
def onehot_category(category: str | None) -> list[int]:
    return [1 if category == c else 0 for c in CATEGORY_CODES]


@feature
def amount_z(amount: float) -> float:
    return (amount - MU) / SIGMA


@feature
def amount_logz(amount: float) -> float:
    return math.log1p(abs(amount)) - LOG_MU


@feature
def amount_bin(amount: float) -> str:
    i = int(np.digitize(amount, BINS)) - 1
    return BIN_NAMES[min(max(i, 0), 4)]


@feature
def amount_bin_search(amount: float) -> int:
    return int(np.searchsorted(BINS, amount, side="right"))


@feature
def amount_quantile(amount: float) -> int:
    return sum(amount > q for q in AMOUNT_QUANTILES)


@feature
def amount_percentile(amount: float) -> int:
    return int(np.searchsorted(PERCENTILES, amount)) * 10


@feature
def amount_interp(amount: float) -> float:
    """Where between two percentiles."""
    for i, (lo, hi) in enumerate(zip(PERCENTILES, PERCENTILES[1:])):
        if lo <= amount < hi:
            return (i + (amount - lo) / (hi - lo)) / 10
    return 0.0 if amount < PERCENTILES[0] else 1.0


@feature
def amount_clipped(amount: float) -> float:
    return float(np.clip(amount, 0, AMOUNT_QUANTILES[-1]))


@feature
def amount_vs_country(amount: float, country: str) -> float:
    return amount / MEDIAN_BY_COUNTRY.get(country, 50.0)


@feature
def amount_vs_country_loc(amount: float, country: str) -> float | None:
    if country not in MEDIAN_BY_COUNTRY.index:
        return None
    return amount - MEDIAN_BY_COUNTRY.loc[country]


@feature
def amount_vs_pair(amount: float, country: str, category: str | None) -> float:
    return amount / PAIR_MEAN.get((country, category), MU)


@feature
def logreg(amount: float, count: int, score: float | None, n_7d: int) -> float:
    x = [math.log1p(abs(amount)), float(count), score if score is not None else 0.0, float(n_7d)]
    return sigmoid(dot(COEF, x) + INTERCEPT)


@feature
def tiny_network(amount: float, count: int, score: float | None) -> float:
    x = [amount / 1000, count / 10, score or 0.0]
    hidden = [relu(dot(row, x) + b) for row, b in zip(W1, B1)]
    return sigmoid(dot(W2, hidden))


@feature
def hour_risk(at: datetime) -> float:
    return HOUR_RISK[at.hour]


@feature
def hour_of_week(at: datetime) -> float:
    return HOUR_OF_WEEK[at.weekday(), at.hour]


@feature
def hour_sin(at: datetime) -> float:
    return math.sin(2 * np.pi * at.hour / 24)


@feature
def hour_cos(at: datetime) -> float:
    return math.cos(2 * np.pi * (at.hour + at.minute / 60) / 24)


@feature
def country_risk(country: str) -> float:
    try:
        return RISK.loc[country, "risk"]
    except KeyError:
        return RISK["risk"].mean()


@feature
def country_label(country: str) -> str:
    return RISK.at[country, "label"] if country in RISK.index else "unknown"


@feature
def country_code(country: str) -> int:
    return ISO.get(country.upper(), len(ISO))


@feature
def country_top(country: str) -> bool:
    return country in TOP or country in RARE


@feature
def nearest_centroid(amount: float, count: int) -> int:
    best, best_d = -1, np.inf
    for i, (a, c) in enumerate(CENTROIDS):
        d = (amount - a) ** 2 / 1e4 + (count - c) ** 2
        if d < best_d:
            best, best_d = i, d
    return best


@feature
def nearest_centroid_min(amount: float, count: int) -> int:
    return min(range(len(CENTROIDS)), key=lambda i: abs(CENTROIDS[i][0] - amount) + abs(CENTROIDS[i][1] - count))


@feature
def zscore_7d(amount: float, mean_7d: float | None, std_7d: float | None) -> float:
    if mean_7d is None or std_7d is None or np.isclose(std_7d, 0):
        return 0.0
    return (amount - mean_7d) / std_7d


@feature
def zscore_7d_filled(amount: float, mean_7d: float | None, std_7d: float | None) -> float:
    mu = mean_7d if mean_7d is not None else MU
    sd = std_7d if std_7d else SIGMA
    return np.clip((amount - mu) / sd, -4, 4)


@feature
def score_filled(score: float | None) -> float:
    return np.nan if score is None else score


@feature
def score_missing(score: float | None) -> int:
    return int(score is None or np.isnan(score))


@feature
def score_bucket(score: float | None) -> str:
    if score is None:
        return "NA"
    return pd.cut([score], [-1, 0.3, 0.7, 1], labels=["lo", "mid", "hi"])[0]


@feature
def amounts_mean(amounts: list[float]) -> float:
    return float(np.mean(amounts)) if amounts else 0.0


@feature
def amounts_std(amounts: list[float]) -> float:
    return np.std(amounts, ddof=1) if len(amounts) > 1 else 0.0


@feature
def amounts_median(amounts: list[float]) -> float | None:
    return float(np.median(amounts)) if len(amounts) else None


@feature
def amounts_p90(amounts: list[float]) -> float:
    if not amounts:
        return np.nan
    return np.percentile(amounts, 90)


@feature
def amounts_describe(amounts: list[float]) -> list[float]:
    if not amounts:
        return [0.0] * 5
    return [np.mean(amounts), np.std(amounts), np.min(amounts), np.max(amounts), np.sum(amounts)]


@feature
def amounts_nonzero(amounts: list[float]) -> int:
    return int(np.count_nonzero(amounts)) + int(np.any(amounts)) * 100


@feature
def amount_rounded(amount: float) -> float:
    return np.round(amount, 2) if abs(amount) < 1e15 else amount


@feature
def amount_flag(amount: float) -> float:
    return float(np.where(amount > 100, 1.0, 0.0))


@feature
def amounts_cv(amounts: list[float]) -> float:
    n = len(amounts)
    if n < 2:
        return 0.0
    mu = sum(amounts) / n
    sd = math.sqrt(sum((a - mu) ** 2 for a in amounts) / (n - 1))
    return sd / mu if mu else 0.0


@feature
def amounts_ewm(amounts: list[float]) -> float:
    alpha, s = 0.3, None
    for a in amounts:
        s = a if s is None else alpha * a + (1 - alpha) * s
    return s if s is not None else 0.0


@feature
def amounts_diff_max(amounts: list[float]) -> float:
    diffs = [b - a for a, b in zip(amounts[:-1], amounts[1:])]
    return max(diffs) if diffs else 0.0


@feature
def amounts_rank(amount: float, amounts: list[float]) -> float:
    if not amounts:
        return 0.5
    below = sum(a < amount for a in amounts)
    same = sum(a == amount for a in amounts)
    return (below + 0.5 * same) / len(amounts)


@feature
def amounts_quantile(amounts: list[float]) -> float:
    """np.percentile's linear interpolation, by hand."""
    if not amounts:
        return 0.0
    xs = sorted(amounts)
    k = (len(xs) - 1) * 0.9
    f, c = math.floor(k), math.ceil(k)
    if f == c:
        return xs[int(k)]
    return xs[f] * (c - k) + xs[c] * (k - f)


@feature
def interaction(amount: float, count: int, hour_risk: float) -> list[float]:
    base = [amount, float(count), hour_risk]
    return base + [a * b for i, a in enumerate(base) for b in base[i:]]


@feature
def polynomial(amount: float) -> list[float]:
    x = amount / 1000
    return [x**i for i in range(1, 5)]


@feature
def log_or_sentinel(amount: float) -> float:
    return np.log(amount) if amount > 0 else -1.0


@feature
def hashed_category(category: str | None) -> int:
    h = 2166136261
    for b in (category or "").encode("utf8"):
        h = ((h ^ b) * 16777619) & 0xFFFFFFFF
    return h % 1000
