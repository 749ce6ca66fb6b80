"""What is in the basket and around it: parallel lists of items, nested objects, small structures built on the way."""

import bisect
import heapq
import itertools
import math
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from functools import reduce
from operator import itemgetter
from statistics import median
from typing import Annotated, Literal

from assay import Field, event, feature, rule, window

history = "empty"

RESELL = {"gift cards", "crypto", "Jewelry", "digital goods"}
TAX = {"groceries": 0.07, "travel": 0.19, "fuel": 0.19, "digital goods": 0.19}
DEFAULT_TAX = 0.19
CATEGORY_RISK = {"gambling": 5, "crypto": 4, "gift cards": 3, "travel": 2}
SHIPPING_BANDS = [(0.5, 3.9), (2.0, 5.9), (10.0, 12.5), (31.5, 24.0)]
FREE_SHIPPING_FROM = 49.0
TIERS = {"bronze": 0, "silver": 1, "gold": 2}


class Delivery(StrEnum):
    STANDARD = "standard"
    EXPRESS = "express"
    PICKUP = "pickup"


class Source(Enum):
    SEARCH = 1
    MAIL = 2
    DIRECT = 3


class Geo:
    lat: float
    lon: float


class Address:
    country: str
    city: str = ""
    postcode: str | None = None
    geo: Geo | None = None


class Merchant:
    name: str
    mcc: int | None = None
    tier: Literal["bronze", "silver", "gold"] = "bronze"


@event(id="id", time="at")
class Order:
    id: str
    at: datetime
    user: str
    amount: float
    currency: str = "EUR"
    amounts: list[float]
    counts: list[int]
    categorys: list[str]
    names: list[str | None]
    days: list[date]
    ship: Address
    bill: Address | None = None
    merchant: Merchant
    delivery: Delivery = Delivery.STANDARD
    source: Source = Source.DIRECT
    coupon: Annotated[str | None, Field(alias="meta.coupon.text")] = None
    weight_score: Annotated[float, Field(alias="meta.weight")] = 1.0
    gift: bool | None = None


orders_1d = window.count(by="user", over="1d")
cities_30d = window.distinct("ship.city", by="user", over="30d")
last_country = window.last("ship.country", by="user", over="90d")
at_merchant = window.count(by=("user", "merchant.name"), over="30d")


def lines(order):
    """(category, quantity, price) of what the lists say in parallel."""
    return list(zip(order.categorys, order.counts, order.amounts))


def same_place(a, b) -> bool:
    return a.country == b.country and a.city.lower() == b.city.lower()


def tax_of(category: str) -> float:
    try:
        return TAX[category]
    except KeyError:
        return DEFAULT_TAX


@feature
def line_count(order: Order) -> int:
    return len(lines(order))


@feature
def line_total(order: Order) -> float:
    return sum(quantity * price for _, quantity, price in lines(order))


@feature
def line_total_loop(amounts: list[float], counts: list[int]) -> float:
    total = 0.0
    for i in range(min(len(amounts), len(counts))):
        total += amounts[i] * counts[i]
    return round(total, 2)


@feature
def line_most_expensive(order: Order) -> str | None:
    best = max(lines(order), key=itemgetter(2), default=None)
    return best[0] if best else None


@feature
def totals_by_category(order: Order) -> list[str]:
    totals = defaultdict(float)
    for category, quantity, price in lines(order):
        totals[category.lower()] += quantity * price
    return [f"{c}:{t:.2f}" for c, t in sorted(totals.items(), key=lambda kv: -kv[1])]


@feature
def categories_in_order(categorys: list[str]) -> list[str]:
    return list(dict.fromkeys(categorys))


@feature
def category_majority(categorys: list[str]) -> str | None:
    if not categorys:
        return None
    (top, n), *rest = Counter(categorys).most_common(2)
    return top if not rest or n > rest[0][1] else None


@feature
def resell_share(categorys: list[str]) -> float:
    hits = [c in RESELL for c in categorys]
    return sum(hits) / len(hits) if hits else 0.0


@feature
def resell_any(categorys: list[str]) -> bool:
    return not RESELL.isdisjoint(categorys)


@feature
def category_risk(categorys: list[str]) -> int:
    return max(map(lambda c: CATEGORY_RISK.get(c, 1), categorys), default=0)


@feature
def category_changes(categorys: list[str]) -> int:
    return sum(a != b for a, b in itertools.pairwise(categorys))


@feature
def category_runs(categorys: list[str]) -> list[int]:
    return [len(list(group)) for _, group in itertools.groupby(categorys)]


@feature
def tax(categorys: list[str], amounts: list[float]) -> float:
    return sum(price * tax_of(c) / (1 + tax_of(c)) for c, price in zip(categorys, amounts, strict=False))


@feature
def running_totals(amounts: list[float]) -> list[float]:
    return list(itertools.accumulate(amounts))


@feature
def running_maximum(amounts: list[float]) -> list[float]:
    return list(itertools.accumulate(amounts, max))


@feature
def crossed_at(amounts: list[float]) -> int:
    """Which item takes the basket over 100."""
    total = 0.0
    for i, amount in enumerate(amounts, start=1):
        total += amount
        if total > 100:
            return i
    return 0


@feature
def largest_three(amounts: list[float]) -> list[float]:
    return heapq.nlargest(3, amounts)


@feature
def smallest_two_by_sort(amounts: list[float]) -> list[float]:
    return sorted(amounts)[:2]


@feature
def moving_average(amounts: list[float]) -> list[float]:
    size = 3
    return [sum(amounts[i : i + size]) / size for i in range(len(amounts) - size + 1)]


@feature
def last_three_sum(amounts: list[float]) -> float:
    recent = deque(maxlen=3)
    for a in amounts:
        recent.append(a)
    return sum(recent)


@feature
def smoothed_peak(amounts: list[float]) -> float:
    window, best = deque(maxlen=2), 0.0
    for a in amounts:
        window.append(a)
        if len(window) == window.maxlen:
            best = max(best, sum(window) / len(window))
    return best


@feature
def recent_categories(categorys: list[str]) -> list[str]:
    """The three that were used last, as a small cache would keep them."""
    cache = OrderedDict()
    for c in categorys:
        if c in cache:
            cache.move_to_end(c)
        cache[c] = len(c)
        if len(cache) > 3:
            cache.popitem(last=False)
    return list(cache)


@feature
def gini(amounts: list[float]) -> float:
    xs = sorted(a for a in amounts if a >= 0)
    n, total = len(xs), sum(xs)
    if not n or not total:
        return 0.0
    return (2 * sum(i * x for i, x in enumerate(xs, 1)) / (n * total)) - (n + 1) / n


@feature
def mad(amounts: list[float]) -> float:
    """Median absolute deviation."""
    if not amounts:
        return 0.0
    m = median(amounts)
    return median(abs(a - m) for a in amounts)


@feature
def outliers(amounts: list[float]) -> int:
    if len(amounts) < 4:
        return 0
    xs = sorted(amounts)
    q1, q3 = xs[len(xs) // 4], xs[3 * len(xs) // 4]
    fence = 1.5 * (q3 - q1)
    return len([x for x in xs if not q1 - fence <= x <= q3 + fence])


@feature
def variance_two_pass(amounts: list[float]) -> float:
    n = len(amounts)
    if n < 2:
        return 0.0
    mean = math.fsum(amounts) / n
    return math.fsum((x - mean) ** 2 for x in amounts) / (n - 1)


@feature
def welford(amounts: list[float]) -> float:
    count, mean, m2 = 0, 0.0, 0.0
    for x in amounts:
        count += 1
        delta = x - mean
        mean += delta / count
        m2 += delta * (x - mean)
    return m2 / count if count else 0.0


@feature
def repeated_amounts(amounts: list[float]) -> int:
    seen, twice = set(), set()
    for a in amounts:
        (twice if a in seen else seen).add(a)
    return len(twice)


@feature
def pairs_that_sum_to_amount(amounts: list[float], amount: float) -> int:
    return sum(1 for a, b in itertools.combinations(amounts[:12], 2) if abs(a + b - amount) < 0.01)


@feature
def subset_sum(counts: list[int]) -> bool:
    """Whether some of the quantities add up to ten."""
    reachable = {0}
    for n in counts[:16]:
        if 0 < n <= 10:
            reachable |= {r + n for r in reachable if r + n <= 10}
    return 10 in reachable


@feature
def quantity_total(counts: list[int]) -> int:
    return sum(n for n in counts if n > 0)


@feature
def quantity_product(counts: list[int]) -> int:
    return reduce(lambda a, b: a * max(1, b % 100), counts[:6], 1)


@feature
def quantity_gcd(counts: list[int]) -> int:
    return math.gcd(*(abs(n) for n in counts))


@feature
def quantity_histogram(counts: list[int]) -> list[int]:
    bins = [0] * 5
    for n in counts:
        bins[min(max(n, 0), 4)] += 1
    return bins


@feature
def quantity_matrix(counts: list[int]) -> list[int]:
    rows = [counts[i : i + 3] for i in range(0, len(counts), 3)]
    padded = [row + [0] * (3 - len(row)) for row in rows]
    return [sum(column) for column in zip(*padded)]


@feature
def quantity_sorted_insert(counts: list[int]) -> list[int]:
    out: list[int] = []
    for n in counts:
        bisect.insort(out, n)
    return out


@feature
def named(names: list[str | None]) -> int:
    return sum(n is not None and n.strip() != "" for n in names)


@feature
def first_name_given(names: list[str | None]) -> str:
    return next((n for n in names if n), "nobody")


@feature
def names_filled(names: list[str | None]) -> list[str]:
    """Whoever is missing takes the one before."""
    filled, last = [], "?"
    for n in names:
        last = n or last
        filled.append(last)
    return filled


@feature
def names_joined(names: list[str | None]) -> str:
    return " & ".join(filter(None, names))


@feature
def days_until_last(days: list[date], at: datetime) -> int | None:
    if not days:
        return None
    return (max(days) - at.date()).days


@feature
def days_span(days: list[date]) -> int:
    return (max(days) - min(days)).days if len(days) > 1 else 0


@feature
def days_consecutive(days: list[date]) -> int:
    run = best = 0
    previous = None
    for day in sorted(set(days)):
        run = run + 1 if previous is not None and day - previous == timedelta(days=1) else 1
        best = max(best, run)
        previous = day
    return best


@feature
def days_by_month(days: list[date]) -> list[str]:
    months = Counter(d.strftime("%Y-%m") for d in days)
    return [f"{m}={n}" for m, n in sorted(months.items())]


@feature
def ship_to_billing(ship: Address, bill: Address | None) -> bool | None:
    if bill is None:
        return None
    return same_place(ship, bill)


@feature
def ship_abroad(order: Order) -> bool:
    return bool(order.bill) and order.ship.country != order.bill.country


@feature
def ship_moved(order: Order, last_country: str | None) -> bool:
    return last_country is not None and last_country != order.ship.country


@feature
def ship_postcode_ok(order: Order) -> bool:
    code = order.ship.postcode or ""
    match order.ship.country:
        case "DE":
            return len(code) == 5 and code.isdigit()
        case "US":
            head, sep, tail = code.partition("-")
            return head.isdigit() and len(head) == 5 and (not sep or (len(tail) == 4 and tail.isdigit()))
        case "GB":
            return 5 <= len(code.replace(" ", "")) <= 7
        case _:
            return bool(code)


@feature
def ship_distance(order: Order) -> float | None:
    if order.bill is None or order.ship.geo is None or order.bill.geo is None:
        return None
    a, b = order.ship.geo, order.bill.geo
    x = math.radians(b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
    y = math.radians(b.lat - a.lat)
    return 6371 * math.hypot(x, y)


@feature
def shipping_cost(weight_score: float, amount: float, delivery: Delivery) -> float:
    if delivery is Delivery.PICKUP or amount >= FREE_SHIPPING_FROM:
        return 0.0
    for limit, price in SHIPPING_BANDS:
        if weight_score <= limit:
            return price * (2 if delivery == Delivery.EXPRESS else 1)
    raise ValueError(f"too heavy: {weight_score}")


@feature
def shipping_band(weight_score: float) -> int:
    return bisect.bisect_left(SHIPPING_BANDS, weight_score, key=lambda band: band[0])


@feature
def delivery_text(delivery: Delivery, source: Source) -> str:
    return f"{delivery} by {source.name.lower()}({source.value})"


@feature
def tier_rank(order: Order) -> int:
    return TIERS[order.merchant.tier]


@feature
def merchant_known(at_merchant: int, order: Order) -> str:
    return "regular" if at_merchant > 2 else "known" if at_merchant else f"new:{order.merchant.name[:4]}"


@feature
def coupon_code(coupon: str | None) -> str:
    if not coupon:
        return ""
    return coupon.upper().translate({ord(c): None for c in " -_"})


@feature
def coupon_percent(coupon: str | None) -> int:
    digits = "".join(ch for ch in coupon or "" if ch.isdigit())
    return min(int(digits), 100) if digits else 0


@feature
def settings_chain(order: Order) -> str:
    defaults = {"speed": "slow", "wrap": "no"}
    own = {"wrap": "yes"} if order.gift else {}
    merged = ChainMap(own, defaults)
    return merged["speed"] + "/" + merged["wrap"]


@feature
def settings_merged(gift: bool | None, delivery: Delivery) -> str:
    defaults = {"speed": "slow", "wrap": "no"}
    merged = {**defaults, **({"wrap": "yes"} if gift else {}), "speed": delivery.value}
    return ",".join(f"{k}={v}" for k, v in merged.items())


@feature
def settings_or(gift: bool | None) -> int:
    options = {"a": 1} | ({"b": 2} if gift else {"b": 3, "c": 4})
    return sum(options.values())


@feature
def vector(order: Order, orders_1d: int) -> list[float]:
    return [
        float(order.amount),
        float(len(order.amounts)),
        float(orders_1d),
        1.0 if order.gift else 0.0,
        math.log1p(max(order.amount, 0)),
    ]


@feature
def one_hot(delivery: Delivery) -> list[int]:
    return [int(delivery == d) for d in Delivery]


@rule("review")
def resale(resell_share: float, orders_1d: int, cities_30d: int) -> bool:
    """Things that can be sold on, often, to several cities."""
    return resell_share > 0.5 and (orders_1d > 2 or cities_30d > 2)


@rule("decline")
def express_abroad(order: Order) -> bool:
    """An expensive express delivery to another country than the card's."""
    return (
        order.amount > 500
        and order.delivery == Delivery.EXPRESS
        and order.bill is not None
        and order.bill.country != order.ship.country
    )
