"""Amounts: rounding, thresholds, shapes of numbers, currencies, buckets."""

import bisect
import csv
import math
import operator
from datetime import datetime
from functools import reduce
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd
from assay import decision, event, feature, rule, window

history = "empty"

# units of one euro, as of the last retraining
RATES = {"EUR": 1.0, "USD": 1.0837, "GBP": 0.8561, "JPY": 163.2, "CHF": 0.955, "INR": 90.1, "BRL": 5.42}
MINOR_UNITS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3}
BUCKETS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
LABELS = ("micro", "small", "medium", "large", "huge")
REPORTING_LIMIT = 10_000
WEIGHTS = np.array([0.1, 0.25, 0.3, 0.35])
QUANTILES = pd.Series([3.5, 17.0, 80.0, 412.0], index=["q25", "q50", "q90", "q99"])
MEANS_BY_CURRENCY = pd.Series({"EUR": 61.2, "USD": 74.9, "GBP": 55.0})
FEES = {row["band"]: float(row["fee"]) for row in csv.DictReader(Path("fees.csv").open())}
THRESHOLD = np.float64(250.0)
MAX_ITEMS = np.int64(12)


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    fee_amount: float = 0.0
    cents: int = 0
    currency: str = "EUR"
    limit_amount: float | None = None
    item_amounts: list[float]
    item_count: int | None = None
    amount_text: str = ""
    discount_rate: float | None = None
    is_refund: bool = False


card_usual = window.mean("amount", by="card", over="30d")
card_std = window.std("amount", by="card", over="30d")
card_max = window.max("amount", by="card", over="90d")
card_spend = window.sum("amount", by="card", over="24h")


def to_eur(value: float, currency: str) -> float:
    rate = RATES.get(currency.upper())
    if rate is None:
        return value
    return value / rate


def clamp(x, lo=0.0, hi=1.0):
    return max(lo, min(hi, x))


def safe_div(a, b, default=0.0):
    try:
        return a / b
    except ZeroDivisionError:
        return default


def digits_of(n: int) -> list[int]:
    out = []
    n = abs(n)
    while n:
        n, d = divmod(n, 10)
        out.append(d)
    return out[::-1] or [0]


@feature
def amount_eur(amount: float, currency: str) -> float:
    return to_eur(amount, currency)


@feature
def amount_log(amount: float) -> float:
    return math.log1p(max(amount, 0.0))


@feature
def is_round_amount(amount: float) -> bool:
    return amount % 10 == 0


@feature
def roundness(amount: float) -> int:
    for power in (4, 3, 2, 1, 0):
        if amount and amount % 10**power == 0:
            return power
    return -1


@feature
def trailing_zeros(cents: int) -> int:
    if cents == 0:
        return 0
    n = 0
    while cents % 10 == 0:
        cents //= 10
        n += 1
    return n


@feature
def cents_part(amount: float) -> int:
    return int(round(amount * 100)) % 100


@feature
def ends_in_99(amount: float) -> bool:
    return f"{amount:.2f}".endswith("99")


@feature
def amount_formatted(amount: float, currency: str) -> str:
    return f"{currency} {amount:,.2f}"


@feature
def amount_bucket(amount: float) -> int:
    return bisect.bisect_right(BUCKETS, amount)


@feature
def amount_label(amount: float) -> str:
    if amount < 10:
        return "micro"
    elif amount < 100:
        return "small"
    elif amount < 1000:
        return "medium"
    elif amount < 10_000:
        return "large"
    else:
        return "huge"


@feature
def amount_label_by_index(amount: float) -> str:
    i = bisect.bisect([10, 100, 1000, 10_000], amount)
    return LABELS[i]


@feature
def just_below_limit(amount: float) -> bool:
    return REPORTING_LIMIT * 0.95 <= amount < REPORTING_LIMIT


@feature
def limit_use(amount: float, limit_amount: float | None) -> float | None:
    if not limit_amount:
        return None
    return round(amount / limit_amount, 4)


@feature
def over_limit(amount: float, limit_amount: float | None) -> bool:
    return limit_amount is not None and amount > limit_amount


@feature
def amount_vs_usual(amount: float, card_usual: float | None) -> float:
    return amount / card_usual if card_usual else 1.0


@feature
def amount_zscore(amount: float, card_usual: float | None, card_std: float | None) -> float:
    if card_usual is None or not card_std:
        return 0.0
    return (amount - card_usual) / card_std


@feature
def amount_zscore_clipped(amount: float, card_usual: float | None, card_std: float | None) -> float:
    z = 0.0
    if card_usual is not None and card_std is not None and card_std > 0:
        z = (amount - card_usual) / card_std
    return clamp(z, -5.0, 5.0)


@feature
def new_maximum(amount: float, card_max: float | None) -> bool:
    return amount > (card_max or 0)


@feature
def share_of_day(amount: float, card_spend: float) -> float:
    total = card_spend + amount
    return safe_div(amount, total)


@feature
def fee_share(amount: float, fee_amount: float) -> float:
    return safe_div(fee_amount, amount, default=-1.0)


@feature
def net_amount(amount: float, fee_amount: float, is_refund: bool) -> float:
    sign = -1 if is_refund else 1
    return sign * (amount - fee_amount)


@feature
def minor_units(amount: float, currency: str) -> int:
    exponent = MINOR_UNITS.get(currency, 2)
    return round(amount * 10**exponent)


@feature
def major_units(cents: int, currency: str) -> float:
    return cents / 10 ** MINOR_UNITS.get(currency, 2)


@feature
def digit_sum(cents: int) -> int:
    return sum(digits_of(cents))


@feature
def leading_digit(cents: int) -> int:
    return digits_of(cents)[0]


@feature
def benford_surprise(amount: float) -> float:
    """How unusual the first digit is."""
    text = str(abs(amount)).lstrip("0.")
    if not text or not text[0].isdigit():
        return 0.0
    first = int(text[0])
    return -math.log10(math.log10(1 + 1 / first))


@feature
def repeated_digits(cents: int) -> bool:
    s = str(abs(cents))
    return len(s) >= 3 and len(set(s)) == 1


@feature
def palindrome(cents: int) -> bool:
    s = str(cents)
    return s == s[::-1]


@feature
def items_total(item_amounts: list[float]) -> float:
    return math.fsum(item_amounts)


@feature
def items_mean(item_amounts: list[float]) -> float | None:
    return sum(item_amounts) / len(item_amounts) if item_amounts else None


@feature
def items_mean_statistics(item_amounts: list[float]) -> float | None:
    return mean(item_amounts) if item_amounts else None


@feature
def items_spread(item_amounts: list[float]) -> float:
    if len(item_amounts) < 2:
        return 0.0
    lo, *_, hi = sorted(item_amounts)
    return hi - lo


@feature
def total_matches(amount: float, item_amounts: list[float]) -> bool:
    return math.isclose(sum(item_amounts), amount, rel_tol=1e-6, abs_tol=0.01)


@feature
def median_item(item_amounts: list[float]) -> float:
    if not item_amounts:
        return 0.0
    ordered = sorted(item_amounts)
    mid = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[mid]
    return (ordered[mid - 1] + ordered[mid]) / 2


@feature
def expensive_items(item_amounts: list[float]) -> int:
    return len([a for a in item_amounts if a > 100])


@feature
def top_three_share(item_amounts: list[float]) -> float:
    total = sum(item_amounts)
    if total <= 0:
        return 0.0
    return sum(sorted(item_amounts, reverse=True)[:3]) / total


@feature
def product_of_items(item_amounts: list[float]) -> float:
    return reduce(operator.mul, item_amounts, 1.0)


@feature
def running_max_count(item_amounts: list[float]) -> int:
    best, records = float("-inf"), 0
    for a in item_amounts:
        if a > best:
            best = a
            records += 1
    return records


@feature
def weighted_items(item_amounts: list[float]) -> float:
    total = 0.0
    for i, value in enumerate(item_amounts[:4]):
        total += WEIGHTS[i] * value
    return total


@feature
def above_quantile(amount: float) -> str:
    for name in ("q99", "q90", "q50", "q25"):
        if amount >= QUANTILES[name]:
            return name
    return "low"


@feature
def vs_currency_mean(amount: float, currency: str) -> float:
    usual = MEANS_BY_CURRENCY.get(currency, 60.0)
    return amount / usual


@feature
def above_threshold(amount: float) -> bool:
    return amount > THRESHOLD


@feature
def many_items(item_count: int | None) -> bool:
    return (item_count or 0) > MAX_ITEMS


@feature
def parsed_amount(amount_text: str) -> float | None:
    cleaned = amount_text.replace("€", "").replace("$", "").replace(",", "").strip()
    try:
        return float(cleaned)
    except ValueError:
        return None


@feature
def parsed_european(amount_text: str) -> float:
    t = amount_text.strip().strip("€$ ")
    if "," in t and "." in t:
        if t.rfind(",") > t.rfind("."):
            t = t.replace(".", "").replace(",", ".")
        else:
            t = t.replace(",", "")
    elif "," in t:
        t = t.replace(",", ".")
    try:
        value = float(t)
    except ValueError:
        return -1.0
    if math.isnan(value) or math.isinf(value):
        return -1.0
    return value


@feature
def text_matches_amount(amount_text: str, amount: float) -> bool:
    return amount_text == f"{amount:.2f}"


@feature
def discounted(amount: float, discount_rate: float | None) -> float:
    rate = clamp(discount_rate) if discount_rate is not None else 0.0
    return round(amount * (1 - rate), 2)


@feature
def fee_by_band(amount: float) -> float:
    band = "low" if amount < 100 else "mid" if amount < 1000 else "high"
    return FEES[band] * amount


@feature
def order_of_magnitude(amount: float) -> int:
    return 0 if amount <= 0 else math.floor(math.log10(amount))


@feature
def is_power_of_two(cents: int) -> bool:
    return cents > 0 and cents & (cents - 1) == 0


@feature
def structured(cents: int, item_count: int | None) -> int:
    match item_count:
        case None:
            return -1
        case 0:
            return 0
        case n if n < 0:
            return -2
        case 1 | 2 | 3:
            return cents // item_count
        case _:
            return cents % item_count


@feature
def scientific(amount: float) -> str:
    return f"{amount:.3e}"


@feature
def padded_cents(cents: int) -> str:
    return f"{cents:012d}"


@feature
def sign_of(amount: float) -> float:
    return math.copysign(1.0, amount)


@feature
def sparse_percent(amount: float, limit_amount: float | None) -> str:
    if limit_amount is None or limit_amount == 0:
        return "n/a"
    return f"{amount / limit_amount:.1%}"


@rule("review")
def large_and_round(amount: float) -> bool:
    """A large round amount."""
    return amount >= 1000 and not amount % 100


@rule("decline")
def over_twice_the_maximum(amount: float, card_max: float | None) -> bool:
    return card_max is not None and amount > 2 * card_max


@decision
def decide(amount: float, fired: list[str]) -> str:
    if "over_twice_the_maximum" in fired and amount > 500:
        return "decline"
    return "review" if fired else "approve"
