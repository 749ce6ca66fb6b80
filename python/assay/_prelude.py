"""What of the standard library is compiled from Python: written here as helpers, inlined like the user's own.

Each has the meaning of the function of that name; it may use all that compiles. What stands in a hot path has its own
instruction instead (engine/code/builtins.h).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import bisect
import calendar
import collections
import datetime
import functools
import heapq
import importlib
import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable
from typing import Any

NOTHING = object()  # a parameter that is not given


# --- functools, itertools ---


def reduce(function, iterable, initial=NOTHING):
    items = iter(iterable)
    if initial is NOTHING:
        result = None
        begun = False
        for item in items:
            if begun:
                result = function(result, item)
            else:
                result = item
                begun = True
        if not begun:
            raise TypeError("reduce() of empty iterable with no initial value")
        return result
    result = initial
    for item in items:
        result = function(result, item)
    return result


def chain_from_iterable(iterables):
    for iterable in iterables:
        yield from iterable


def pairwise(iterable):
    before = None
    begun = False
    for item in iterable:
        if begun:
            yield (before, item)
        before = item
        begun = True


def count(start=0, step=1):
    number = start
    while True:
        yield number
        number = number + step


def repeat(item, times):
    for _ in range(times):
        yield item


def cycle(iterable):
    saved = list(iterable)
    while saved:
        yield from saved


def gcd_of(*integers):
    result = 0
    for n in integers:
        result = math.gcd(result, n)
    return result


def lcm_of(*integers):
    result = 1
    for n in integers:
        result = math.lcm(result, n)
    return result


def union_of(first, *others):
    made = set(first)
    for other in others:
        made.update(other)
    return made


# --- re ---


def re_subn(pattern, repl, string, count=0):
    parts = []
    at = 0
    done = 0
    for found in pattern.finditer(string):
        if count and done >= count:
            break
        parts.append(string[at : found.start()])
        made = repl(found)
        if made is not None:
            parts.append(made)
        at = found.end()
        done += 1
    parts.append(string[at:])
    return ("".join(parts), done)


def re_sub(pattern, repl, string, count=0):
    made, _ = re_subn(pattern, repl, string, count)
    return made


RE_ESCAPES = {c: f"\\{c}" for c in "()[]{}?*+-|^$\\.&~# \t\n\r\v\f"}


def re_escape(pattern):
    return "".join([RE_ESCAPES.get(c, c) for c in pattern])


# --- bisect ---


def bisect_right(a, x, lo=0, hi=None, *, key=None):
    if lo < 0:
        raise ValueError("lo must be non-negative")
    high = len(a) if hi is None else hi
    low = lo
    while low < high:
        mid = (low + high) // 2
        if x < (a[mid] if key is None else key(a[mid])):
            high = mid
        else:
            low = mid + 1
    return low


def bisect_left(a, x, lo=0, hi=None, *, key=None):
    if lo < 0:
        raise ValueError("lo must be non-negative")
    high = len(a) if hi is None else hi
    low = lo
    while low < high:
        mid = (low + high) // 2
        if (a[mid] if key is None else key(a[mid])) < x:
            low = mid + 1
        else:
            high = mid
    return low


def insort_right(a, x, lo=0, hi=None, *, key=None):
    a.insert(bisect_right(a, x if key is None else key(x), lo, hi, key=key), x)


def insort_left(a, x, lo=0, hi=None, *, key=None):
    a.insert(bisect_left(a, x if key is None else key(x), lo, hi, key=key), x)


# --- heapq ---


def nlargest(n, iterable, key=None):
    return sorted(iterable, key=key, reverse=True)[: max(n, 0)]


def nsmallest(n, iterable, key=None):
    return sorted(iterable, key=key)[: max(n, 0)]


def sift_down(heap, start, pos):
    item = heap[pos]
    while pos > start:
        parent = (pos - 1) // 2
        if not item < heap[parent]:
            break
        heap[pos] = heap[parent]
        pos = parent
    heap[pos] = item


def sift_up(heap, pos):
    end = len(heap)
    start = pos
    item = heap[pos]
    child = 2 * pos + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[pos] = heap[child]
        pos = child
        child = 2 * pos + 1
    heap[pos] = item
    sift_down(heap, start, pos)


def heappush(heap, item):
    heap.append(item)
    sift_down(heap, 0, len(heap) - 1)


def heappop(heap):
    last = heap.pop()
    if not heap:
        return last
    least = heap[0]
    heap[0] = last
    sift_up(heap, 0)
    return least


def heapify(x):
    for i in range(len(x) // 2 - 1, -1, -1):
        sift_up(x, i)


def heapreplace(heap, item):
    least = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return least


def heappushpop(heap, item):
    if heap and heap[0] < item:
        least = heap[0]
        heap[0] = item
        sift_up(heap, 0)
        return least
    return item


# --- statistics, calendar ---


def fmean(data):
    items = list(data)
    total = math.fsum(items)
    if not items:
        raise statistics.StatisticsError("fmean requires at least one data point")
    return total / len(items)


def median(data):
    items = sorted(data)
    n = len(items)
    if n == 0:
        raise statistics.StatisticsError("no median for empty data")
    if n % 2 == 1:
        return items[n // 2]
    i = n // 2
    return (items[i - 1] + items[i]) / 2


def median_low(data):
    items = sorted(data)
    n = len(items)
    if n == 0:
        raise statistics.StatisticsError("no median for empty data")
    return items[n // 2] if n % 2 == 1 else items[n // 2 - 1]


def median_high(data):
    items = sorted(data)
    n = len(items)
    if n == 0:
        raise statistics.StatisticsError("no median for empty data")
    return items[n // 2]


def exact_sums(items, squared):
    """(whether all are ints, the sum, the sum of the squares if `squared`, shift): exact sums of items * 2 ** shift.
    With an infinity or a NaN the first sum is theirs, a float. Natively in C (engine/code/exact.c)."""
    odd = [x for x in items if isinstance(x, float) and not math.isfinite(x)]
    if odd:
        return (False, sum(odd), 0, 0)
    ratios = [x.as_integer_ratio() for x in items]
    shift = max((d.bit_length() - 1 for _, d in ratios), default=0)
    whole = [n << shift - d.bit_length() + 1 for n, d in ratios]
    ints = not any(isinstance(x, float) for x in items)
    return (ints, sum(whole), sum(n * n for n in whole) if squared else 0, shift)


def exact_quotient(numerator, denominator, ints):
    """As statistics gives a fraction: an int for ints where it is one, else the nearest float."""
    if ints and numerator % denominator == 0:
        return numerator // denominator
    return numerator / denominator


def mean(data):
    items = list(data)
    if not items:
        raise statistics.StatisticsError("mean requires at least one data point")
    ints, total, _, shift = exact_sums(items, False)
    if isinstance(total, float):
        return total / len(items)
    return exact_quotient(total, len(items) << shift, ints)


def spread(items, less):
    """The sum of the squared distances from the mean by one less than the number of items, or by the number: as
    (numerator, denominator, whether all are ints); a NaN or an infinity as (itself, 0, False)."""
    n = len(items)
    ints, total, squares, shift = exact_sums(items, True)
    if isinstance(total, float):
        return (total / (n - less), 0, False)
    return (n * squares - total * total, n * (n - less) << 2 * shift, ints)


def variance(data):
    items = list(data)
    if len(items) < 2:
        raise statistics.StatisticsError("variance requires at least two data points")
    numerator, denominator, ints = spread(items, 1)
    return numerator if denominator == 0 else exact_quotient(numerator, denominator, ints)


def pvariance(data):
    items = list(data)
    if not items:
        raise statistics.StatisticsError("pvariance requires at least one data point")
    numerator, denominator, ints = spread(items, 0)
    return numerator if denominator == 0 else exact_quotient(numerator, denominator, ints)


def root_of_ratio(n, m):
    """The square root of n / m, rounded once: statistics._float_sqrt_of_frac."""
    q = (n.bit_length() - m.bit_length() - 109) // 2
    if q >= 0:
        divisor = m << 2 * q
        whole = math.isqrt(n // divisor)
        return ((whole | (whole * whole * divisor != n)) << q) / 1
    above = n << -2 * q
    whole = math.isqrt(above // m)
    return (whole | (whole * whole * m != above)) / (1 << -q)


def root_of_spread(items, less):
    numerator, denominator, _ = spread(items, less)
    if denominator == 0:
        if STDEV_OF_INFINITE is AttributeError:
            raise AttributeError("'float' object has no attribute 'numerator'")
        raise ValueError("inf or nan encountered in data")
    return 0.0 if numerator == 0 else root_of_ratio(numerator, denominator)


def stdev(data):
    items = list(data)
    if len(items) < 2:
        raise statistics.StatisticsError("stdev requires at least two data points")
    return root_of_spread(items, 1)


def pstdev(data):
    items = list(data)
    if not items:
        raise statistics.StatisticsError("pstdev requires at least one data point")
    return root_of_spread(items, 0)


def _stdev_of_infinite():
    """What this Python raises for it."""
    try:
        statistics.stdev([math.inf, 1.0])
    except (AttributeError, ValueError) as error:
        return type(error)
    raise AssertionError("stdev of an infinity has a value")


STDEV_OF_INFINITE = _stdev_of_infinite()


def mode(data):
    counts = collections.Counter(data)
    best, most = None, 0
    for item, n in counts.items():
        if n > most:
            best, most = item, n
    if most == 0:
        raise statistics.StatisticsError("no mode for empty data")
    return best


def multimode(data):
    counts = collections.Counter(data)
    most = max(counts.values(), default=0)
    return [item for item, n in counts.items() if n == most]


def quantiles(data, n=4, method="exclusive"):
    if n < 1:
        raise statistics.StatisticsError("n must be at least 1")
    items = sorted(data)
    length = len(items)
    if length < QUANTILES_LEAST:
        raise statistics.StatisticsError("must have at least two data points")
    if length < 2:
        return items * (n - 1)
    made = []
    if method == "inclusive":
        for i in range(1, n):
            j, delta = divmod(i * (length - 1), n)
            made.append((items[j] * (n - delta) + items[j + 1] * delta) / n)
        return made
    if method != "exclusive":
        raise ValueError("Unknown method: " + repr(method))
    for i in range(1, n):
        j = i * (length + 1) // n
        j = 1 if j < 1 else length - 1 if j > length - 1 else j
        delta = i * (length + 1) - j * n
        made.append((items[j - 1] * (n - delta) + items[j] * delta) / n)
    return made


def _quantiles_least():
    """How many items this Python's needs (1 since 3.13)."""
    try:
        statistics.quantiles([1.0])
    except statistics.StatisticsError:
        return 2
    return 1


QUANTILES_LEAST = _quantiles_least()


MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def monthrange(year, month):
    if not 1 <= month <= 12:
        raise ValueError(f"bad month number {month}; must be 1-12")  # there: IllegalMonthError, which is one
    days = 29 if month == 2 and isleap(year) else MONTH_DAYS[month]
    in_range = year if datetime.MINYEAR <= year <= datetime.MAXYEAR else 2000 + year % 400
    return (datetime.date(in_range, month, 1).weekday(), days)


def weekday(year, month, day):
    in_range = year if datetime.MINYEAR <= year <= datetime.MAXYEAR else 2000 + year % 400
    return datetime.date(in_range, month, day).weekday()


# --- str.translate ---


def translate(text, table):
    parts = []
    for c in text:
        try:
            made = table[ord(c)]
        except LookupError:
            parts.append(c)
        else:
            if isinstance(made, str):
                parts.append(made)
            elif isinstance(made, int):
                parts.append(chr(made))
            elif made is not None:
                raise TypeError("character mapping must return integer, None or str")
    return "".join(parts)


def isleap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


# --- operator ---


def add(a, b):
    return a + b


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def truediv(a, b):
    return a / b


def floordiv(a, b):
    return a // b


def mod(a, b):
    return a % b


def neg(a):
    return -a


def not_(a):
    return not a


def truth(a):
    return bool(a)


def and_(a, b):
    return a & b


def or_(a, b):
    return a | b


def xor(a, b):
    return a ^ b


def eq(a, b):
    return a == b


def ne(a, b):
    return a != b


def lt(a, b):
    return a < b


def le(a, b):
    return a <= b


def gt(a, b):
    return a > b


def ge(a, b):
    return a >= b


def contains(a, b):
    return b in a


def getitem(a, b):
    return a[b]


# --- collections.Counter ---


def most_common(counter, n=None):
    ranked = sorted(counter.items(), key=lambda pair: pair[1], reverse=True)
    return ranked if n is None else ranked[: max(n, 0)]


def total(counter):
    return sum(counter.values())


def elements(counter):
    for item, times in counter.items():
        for _ in range(times):
            yield item


def subtract(counter, other):
    for item in other:
        counter[item] = counter[item] - 1


def counter_add(a, b):
    made: Any = collections.Counter()
    for item, n in a.items():
        both = n + b[item]
        if both > 0:
            made[item] = both
    for item, n in b.items():
        if item not in a and n > 0:
            made[item] = n
    return made


def counter_sub(a, b):
    made: Any = collections.Counter()
    for item, n in a.items():
        left = n - b[item]
        if left > 0:
            made[item] = left
    for item, n in b.items():
        if item not in a and n < 0:
            made[item] = 0 - n
    return made


def counter_or(a, b):
    made: Any = collections.Counter()
    for item, n in a.items():
        other = b[item]
        most = other if n < other else n
        if most > 0:
            made[item] = most
    for item, n in b.items():
        if item not in a and n > 0:
            made[item] = n
    return made


def counter_and(a, b):
    made: Any = collections.Counter()
    for item, n in a.items():
        other = b[item]
        least = n if n < other else other
        if least > 0:
            made[item] = least
    return made


def counter_keep_positive(a):
    for item in [item for item, n in a.items() if not n > 0]:
        del a[item]
    return a


def counter_iadd(a, b):
    for item, n in b.items():
        a[item] += n
    return counter_keep_positive(a)


def counter_isub(a, b):
    for item, n in b.items():
        a[item] -= n
    return counter_keep_positive(a)


def counter_ior(a, b):
    for item, other in b.items():
        if other > a[item]:
            a[item] = other
    return counter_keep_positive(a)


def counter_iand(a, b):
    for item, n in a.items():
        other = b[item]
        if other < n:
            a[item] = other
    return counter_keep_positive(a)


def counter_eq(a, b):
    return all(a[item] == b[item] for item in a) and all(a[item] == b[item] for item in b)


def counter_ne(a, b):
    return not counter_eq(a, b)


def counter_le(a, b):
    return all(a[item] <= b[item] for item in a) and all(a[item] <= b[item] for item in b)


def counter_lt(a, b):
    return counter_le(a, b) and not counter_eq(a, b)


def counter_ge(a, b):
    return counter_le(b, a)


def counter_gt(a, b):
    return counter_lt(b, a)


# by the instruction, between two Counters; in place: what `c += d` does
COUNTERS: dict[str, Callable[..., Any]] = {
    "ADD": counter_add,
    "SUB": counter_sub,
    "BIT_OR": counter_or,
    "BIT_AND": counter_and,
    "EQ": counter_eq,
    "NE": counter_ne,
    "LE": counter_le,
    "LT": counter_lt,
    "GE": counter_ge,
    "GT": counter_gt,
}
COUNTERS_IN_PLACE: dict[str, Callable[..., Any]] = {
    "ADD": counter_iadd,
    "SUB": counter_isub,
    "BIT_OR": counter_ior,
    "BIT_AND": counter_iand,
}
# --- collections.deque and OrderedDict: a list and a dict ---


def drop_left(items, most):
    while len(items) > most:
        del items[0]


def drop_right(items, most):
    while len(items) > most:
        items.pop()


def popleft(items):
    if not items:
        raise IndexError("pop from an empty deque")
    return items.pop(0)


def rotate(items, n=1):
    if items:
        shift = n % len(items)
        items[:] = items[len(items) - shift :] + items[: len(items) - shift]


def move_to_end(table, key, last=True):
    value = table.pop(key)
    if last:
        table[key] = value
    else:
        rest = list(table.items())
        table.clear()
        table[key] = value
        for name, other in rest:
            table[name] = other


def popitem(table, last=True):
    if not table:
        raise KeyError("dictionary is empty")
    key = next(reversed(list(table))) if last else next(iter(table))
    return (key, table.pop(key))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    functools.reduce: reduce,
    re.escape: re_escape,
    itertools.pairwise: pairwise,
    itertools.chain.from_iterable: chain_from_iterable,
    itertools.count: count,
    itertools.repeat: repeat,
    itertools.cycle: cycle,
    bisect.bisect_right: bisect_right,
    bisect.bisect: bisect_right,
    bisect.bisect_left: bisect_left,
    bisect.insort: insort_right,
    bisect.insort_left: insort_left,
    heapq.nlargest: nlargest,
    heapq.nsmallest: nsmallest,
    heapq.heappush: heappush,
    heapq.heappop: heappop,
    heapq.heapify: heapify,
    heapq.heapreplace: heapreplace,
    heapq.heappushpop: heappushpop,
    statistics.fmean: fmean,
    statistics.median: median,
    statistics.median_low: median_low,
    statistics.median_high: median_high,
    statistics.mean: mean,
    statistics.variance: variance,
    statistics.pvariance: pvariance,
    statistics.stdev: stdev,
    statistics.pstdev: pstdev,
    statistics.mode: mode,
    statistics.multimode: multimode,
    statistics.quantiles: quantiles,
    calendar.isleap: isleap,
    calendar.monthrange: monthrange,
    calendar.weekday: weekday,
    **{
        getattr(operator, f.__name__): f
        for f in (add, sub, mul, truediv, floordiv, mod, neg, not_, truth, and_, or_, xor)
    },
    **{getattr(operator, f.__name__): f for f in (eq, ne, lt, le, gt, ge, contains, getitem)},
}
STARRED: dict[Any, Callable[..., Any]] = {math.gcd: gcd_of, math.lcm: lcm_of, set.union: union_of}  # f(*xs)
METHODS: dict[tuple[type | None, str], Callable[..., Any]] = {
    (collections.Counter, "most_common"): most_common,
    (collections.Counter, "total"): total,
    (collections.Counter, "elements"): elements,
    (collections.Counter, "subtract"): subtract,
    (collections.deque, "popleft"): popleft,
    (collections.deque, "rotate"): rotate,
    (collections.OrderedDict, "move_to_end"): move_to_end,
    (collections.OrderedDict, "popitem"): popitem,
    (None, "translate"): translate,
}


# Of a module of its own, imported when one of its functions is called: their tables take a moment.
MODULES = {
    "unicodedata": "_prelude_unicode",
    "urllib.parse": "_prelude_urls",
    "ipaddress": "_prelude_ip",
    "itertools": "_prelude_iterators",
}


def function(found: Any) -> Callable[..., Any] | None:
    """What is written here, or in one of those modules, of a function of the standard library."""
    known, module = FUNCTIONS.get(found), MODULES.get(getattr(found, "__module__", None) or "")
    if known is not None or module is None:
        return known
    written: dict[Any, Callable[..., Any]] = importlib.import_module(f".{module}", __package__).FUNCTIONS
    return written.get(found)
