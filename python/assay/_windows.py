"""Reference windows: what a window's value *is*, written for clarity (docs/semantics.md), not for speed.

Each window keeps, per key, a plain list of the events it was given, ordered by (time, sequence); a read takes those in
`(at - delay - over, at - delay]` and computes from them alone. The engine's windows must give the same bits. Used by
the twin only.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right, insort
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from assay._definition import FieldDef, FunctionDef, WindowDef

Key = tuple[Any, ...]

STEP = Fraction(1, 2**96)  # values are taken to a multiple of this ...
BOUND = 2.0**63  # ... and must be smaller than this
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


@dataclass(order=True, slots=True)
class Entry:
    """One event in a window: when, and its value there."""

    at_us: int
    seq: int
    value: Any = field(compare=False)


def taken(value: float) -> float | None:
    """The value as windows take it: rounded half to even to a multiple of 2**-96. None: beyond the range, or not
    finite."""
    if not math.isfinite(value) or abs(value) >= BOUND:
        return None
    if abs(value) >= 2.0**-43:
        return value  # its last bit is worth 2**-96 or more
    return float(round(Fraction(value) / STEP) * STEP)  # a double of that magnitude holds every such multiple


def all_taken(values: list[Any]) -> list[float]:
    numbers = [taken(float(value)) for value in values]
    if None in numbers:
        raise OverflowError("a value beyond 2**63, or not finite")
    return [number for number in numbers if number is not None]


class ReferenceWindow:
    """One window over all its keys."""

    def __init__(self, window: WindowDef) -> None:
        self.window = window
        self.entries: dict[Key, list[Entry]] = {}

    def enter(self, key: Key, at_us: int, seq: int, value: Any) -> None:
        """Enters an event whose `where` holds. A None in the key: nothing is entered."""
        if not has_none(key):
            insort(self.entries.setdefault(key, []), Entry(at_us, seq, value))

    def covered(self, key: Key, at_us: int) -> list[Entry]:
        """The entries that a reader at `at_us` sees, oldest first; those sequenced later have not been entered yet."""
        entries = self.entries.get(key, [])
        newest = at_us - self.window.delay_us
        oldest = newest - self.window.over_us
        first = bisect_right(entries, oldest, key=lambda entry: entry.at_us)  # exactly `over` old is out
        after = bisect_right(entries, newest, key=lambda entry: entry.at_us)  # the same microsecond is in
        return entries[first:after]

    def read(self, key: Key, at_us: int, sought: Any = None, current: list[Entry] | None = None) -> Any:
        """The value for a reader at `at_us`; `sought` is what a `seen` window looks for, `current` the reader's own
        entry (of a window with include_current). None: missing. OverflowError: a sum of what is in it has no value."""
        if has_none(key):
            return None
        entries = self.covered(key, at_us) + (current or [])
        values = [entry.value for entry in entries if entry.value is not None]
        match self.window.kind:
            case "count":
                return len(entries)
            case "rate":
                return len(entries) / (self.window.over_us / 1_000_000)
            case "since_last":
                return (at_us - entries[-1].at_us) / 1_000_000 if entries else None
            case "sum":
                return math.fsum(all_taken(values)) if self.window.value_type == "float" else sum_of_ints(values)
            case "mean":
                return statistics.fmean(all_taken(values)) if values else None
            case "std":
                numbers = all_taken(values)
                return statistics.stdev(numbers) if len(numbers) >= 2 else None
            case "min":
                return min(values, default=None)
            case "max":
                return max(values, default=None)
            case "last":
                return values[-1] if values else None
            case "first":
                return values[0] if values else None
            case "distinct":
                return distinct(values)
            case "seen":
                return None if sought is None else any(same(value, sought) for value in values)
            case "decayed_sum":
                return self.decayed(entries, at_us)
        raise NotImplementedError(f"window.{self.window.kind}")

    def decayed(self, entries: list[Entry], at_us: int) -> float:
        assert self.window.half_life_us is not None
        total = 0.0
        for entry in entries:
            if entry.value is not None:
                total += entry.value * 0.5 ** ((at_us - entry.at_us) / self.window.half_life_us)
        return total


def sum_of_ints(values: list[Any]) -> int:
    total = sum(int(value) for value in values)
    if not INT_MIN <= total <= INT_MAX:
        raise OverflowError("a sum beyond 64 bits")
    return total


def distinct(values: list[Any]) -> int:
    """How many different values; a NaN is like no other value."""
    numbers = [value for value in values if has_nan(value)]
    return len(numbers) + len({frozen(value) for value in values if not has_nan(value)})


def same(a: Any, b: Any) -> bool:
    """Whether Python's `==` says so. A NaN is not even itself, also in a tuple, where Python asks `is` first."""
    return bool(a == b) and not has_nan(a)


def has_nan(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def key_of(by: list[FieldDef | FunctionDef], values: dict[str, Any]) -> Key:
    """The key of an event. As in a Python dict, 1, 1.0 and True are one key."""
    return tuple(frozen(values[part.name]) for part in by)


def has_none(key: Any) -> bool:
    """A key with a None anywhere in its tuples is a None key."""
    return key is None or (isinstance(key, tuple) and key[:1] != (list,) and any(map(has_none, key)))


def frozen(value: Any) -> Any:
    """A hashable form that is equal for equal values; every NaN is one."""
    if isinstance(value, list):
        return (list, *map(frozen, value))
    if isinstance(value, tuple):
        return tuple(map(frozen, value))
    if isinstance(value, float) and math.isnan(value):
        return "nan", float
    return value
