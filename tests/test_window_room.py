"""The window room against a scan of all earlier events by CPython's own math.fsum, statistics.fmean and stdev, min, max
and sets, bit for bit.

The C room is called directly (ctypes over the engine module), so that times, lateness and ties are the test's own."""

from __future__ import annotations

import ctypes
import math
import random
import statistics
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.engine
_engine = pytest.importorskip("assay._engine", reason="the engine is not built")

COUNT, SUM, MEAN, SEEN, MIN, MAX, STD, DISTINCT, LAST, FIRST, SINCE_LAST, RATE, DECAYED = range(13)
HALF_LIFE = 3
NONE, BOOL, INT, FLOAT, STR, TUPLE = 0, 1, 2, 3, 4, 9
ERROR, WARMING, LATE, KEY = 1, 3, 4, 5
ALWAYS, NEVER = -(2**63), 2**63 - 1

# --- the C structs (engine/window/window.h, engine/base/) ---


class Value(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("zone", ctypes.c_uint16),
        ("len", ctypes.c_uint32),
        ("payload", ctypes.c_uint64),
    )


class Str(ctypes.Structure):
    _fields_ = (("p", ctypes.c_char_p), ("len", ctypes.c_size_t))


class StreamSpec(ctypes.Structure):
    _fields_ = (
        ("event", ctypes.c_uint32),
        ("clock", ctypes.c_int),
        ("outcome", ctypes.c_bool),
        ("key_slots", ctypes.c_uint16 * 8),
        ("key_count", ctypes.c_uint32),
        ("columns", ctypes.c_uint16 * 64),
        ("column_count", ctypes.c_uint32),
        ("wheres", ctypes.c_uint16 * 64),
        ("where_count", ctypes.c_uint32),
    )


class WindowSpec(ctypes.Structure):
    _fields_ = (
        ("name", Str),
        ("kind", ctypes.c_int),
        ("stream", ctypes.c_uint32),
        ("column", ctypes.c_int32),
        ("where", ctypes.c_int32),
        ("over_us", ctypes.c_int64),
        ("delay_us", ctypes.c_int64),
        ("half_life_us", ctypes.c_int64),
        ("include_current", ctypes.c_bool),
        ("is_float", ctypes.c_bool),
        ("key_slots", ctypes.c_uint16 * 8),
        ("seen_slot", ctypes.c_uint16),
        ("slot", ctypes.c_uint16),
    )


class Config(ctypes.Structure):
    _fields_ = (
        ("streams", ctypes.POINTER(StreamSpec)),
        ("stream_count", ctypes.c_uint32),
        ("windows", ctypes.POINTER(WindowSpec)),
        ("window_count", ctypes.c_uint32),
        ("scored_event", ctypes.c_uint32),
        ("key", ctypes.c_uint8 * 16),
        ("max_late_us", ctypes.c_int64),
        ("budget_bytes", ctypes.c_size_t),
    )


class Cursor(ctypes.Structure):
    _fields_ = (
        ("windows", ctypes.c_void_p),
        ("event", ctypes.c_uint32),
        ("keys", ctypes.c_void_p),
        ("arena", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
    )


class Moment(ctypes.Structure):
    _fields_ = (
        ("at_us", ctypes.c_int64),
        ("arrival_us", ctypes.c_int64),
        ("latest_us", ctypes.c_int64),
        ("seq", ctypes.c_uint64),
        ("too_late", ctypes.c_bool),
    )


class Arena(ctypes.Structure):
    _fields_ = (("opaque", ctypes.c_size_t * 5),)


class Error(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("code", ctypes.c_int), ("text", ctypes.c_char * 500))


# --- what is read and entered: the frame's cells by name ---

CELLS = ("key", "other", "amount", "whole", "thing", "word", "flag")
SLOT = {name: i for i, name in enumerate(CELLS)}


@dataclass(frozen=True)
class Stream:
    event: int
    key: tuple[str, ...]
    columns: tuple[str, ...] = ("amount", "whole", "thing", "word")
    wheres: tuple[str, ...] = ("flag",)


STREAMS = (Stream(0, ("key",)), Stream(0, ("key", "other")), Stream(1, ("key",)), Stream(0, ()))


@dataclass(frozen=True)
class Window:
    stream: int
    kind: int
    column: str = ""
    over: int = 10
    delay: int = 0
    where: bool = False
    current: bool = False
    key: tuple[str, ...] | None = None  # by other cells of the scored event than the stream's own


KINDS = (
    (COUNT, ""),
    (SUM, "amount"),
    (SUM, "whole"),
    (MEAN, "amount"),
    (MEAN, "whole"),
    (SEEN, "thing"),
    (MIN, "amount"),
    (MAX, "amount"),
    (MIN, "word"),
    (MAX, "word"),
    (STD, "amount"),
    (STD, "whole"),
    (DISTINCT, "thing"),
    (DISTINCT, "amount"),
    (LAST, "word"),
    (FIRST, "word"),
    (LAST, "amount"),
    (FIRST, "whole"),
    (SINCE_LAST, ""),
    (RATE, ""),
    (DECAYED, "amount"),
)


def all_windows() -> Iterator[Window]:
    for stream in range(len(STREAMS)):
        for kind, column in KINDS:
            yield Window(stream, kind, column)
            yield Window(stream, kind, column, over=25, where=True)
    for kind, column in KINDS:
        yield Window(0, kind, column, over=7, delay=5)
        yield Window(0, kind, column, over=7, current=True)
        yield Window(1, kind, column, over=1, current=True, where=True)
        yield Window(0, kind, column, key=("other",))


WINDOWS = tuple(all_windows())


@dataclass
class Event:
    event: int
    at: int
    values: dict[str, Any]
    seq: int = 0


class Room:
    """One window store of the engine."""

    def __init__(self, max_late: int, coverage: Sequence[int]) -> None:
        self.lib = ctypes.CDLL(_engine.__file__)
        self.lib.windows_create.restype = ctypes.c_void_p
        for call in (self.lib.window_prepare, self.lib.window_read, self.lib.window_enter):
            call.restype = ctypes.c_bool
        self.streams = (StreamSpec * len(STREAMS))()
        for spec, stream in zip(self.streams, STREAMS, strict=True):
            spec.event = stream.event
            spec.key_count, spec.column_count, spec.where_count = (
                len(stream.key),
                len(stream.columns),
                len(stream.wheres),
            )
            spec.key_slots[: len(stream.key)] = [SLOT[name] for name in stream.key]
            spec.columns[: len(stream.columns)] = [SLOT[name] for name in stream.columns]
            spec.wheres[: len(stream.wheres)] = [SLOT[name] for name in stream.wheres]
        self.windows = (WindowSpec * len(WINDOWS))(*(self.window_spec(i) for i in range(len(WINDOWS))))
        config = Config(self.streams, len(STREAMS), self.windows, len(WINDOWS), max_late_us=max_late)
        error = Error()
        self.handle = ctypes.c_void_p(self.lib.windows_create(ctypes.byref(config), ctypes.byref(error)))
        assert self.handle.value, error.text
        self.arena = Arena()
        self.lib.arena_init(ctypes.byref(self.arena), ctypes.c_size_t(1 << 22))
        for stream, since in enumerate(coverage):
            self.lib.windows_set_coverage(self.handle, ctypes.c_uint32(stream), ctypes.c_int64(since))

    def window_spec(self, index: int) -> WindowSpec:
        window = WINDOWS[index]
        stream = STREAMS[window.stream]
        key = stream.key if window.key is None else window.key
        spec = WindowSpec(kind=window.kind, stream=window.stream, over_us=window.over, delay_us=window.delay)
        spec.column = stream.columns.index(window.column) if window.column else -1
        spec.where = 0 if window.where else -1
        spec.include_current = window.current
        spec.is_float = window.column == "amount"
        spec.half_life_us = HALF_LIFE if window.kind == DECAYED else 0
        spec.key_slots[: len(key)] = [SLOT[name] for name in key]
        spec.seen_slot = SLOT["thing"]
        spec.slot = len(CELLS) + index
        return spec

    def close(self) -> None:
        self.lib.windows_free(self.handle)
        self.lib.arena_release(ctypes.byref(self.arena))

    def step(self, event: Event, too_late: bool, latest: int) -> list[Any]:
        """Reads, then enters. A missing value is given as ("missing", why)."""
        keep: list[Any] = []
        frame = (Value * (len(CELLS) + len(WINDOWS)))(*(cell(event.values[name], keep) for name in CELLS))
        cursor = Cursor()
        self.lib.arena_reset(ctypes.byref(self.arena))
        assert self.lib.window_prepare(
            self.handle, ctypes.byref(cursor), ctypes.c_uint32(event.event), frame, ctypes.byref(self.arena)
        )
        self.lib.window_lock(ctypes.byref(cursor))
        moment = ctypes.byref(Moment(event.at, latest, latest, event.seq, too_late))
        if event.event == 0:
            assert self.lib.window_read(ctypes.byref(cursor), moment, frame)
        entered = self.lib.window_enter(ctypes.byref(cursor), moment)
        self.lib.window_unlock(ctypes.byref(cursor))
        assert entered
        return [python_value(frame[len(CELLS) + i]) for i in range(len(WINDOWS))] if event.event == 0 else []


def cell(value: Any, keep: list[Any]) -> Value:
    match value:
        case None:
            return Value(tag=NONE)
        case bool():
            return Value(tag=BOOL, payload=int(value))
        case int():
            return Value(tag=INT, payload=value & (2**64 - 1))
        case float():
            return Value(tag=FLOAT, payload=struct.unpack("<Q", struct.pack("<d", value))[0])
        case str():
            text = ctypes.create_string_buffer(value.encode())
            keep.append(text)
            size = len(text) - 1
            return Value(tag=STR, flags=int(value.isascii()), len=size, payload=ctypes.addressof(text))
        case tuple():
            items = (Value * len(value))(*(cell(item, keep) for item in value))
            keep.append(items)
            return Value(tag=TUPLE, len=len(value), payload=ctypes.addressof(items))
    raise TypeError(value)


def python_value(value: Value) -> Any:
    match value.tag:
        case 0:
            return ("missing", value.len) if value.len else None
        case 1:
            return bool(value.payload)
        case 2:
            return struct.unpack("<q", struct.pack("<Q", value.payload))[0]
        case 3:
            return struct.unpack("<d", struct.pack("<Q", value.payload))[0]
        case 4:
            return ctypes.string_at(value.payload, value.len).decode()
    raise TypeError(value.tag)


# --- the oracle ---


def taken(value: float) -> float:
    """Half to even to a multiple of 2**-96; beyond the range an OverflowError."""
    if not abs(value) < 2.0**63:
        raise OverflowError
    return float(Fraction(round(Fraction(value) * 2**96), 2**96))


def has_none(value: Any) -> bool:
    return value is None or (isinstance(value, tuple) and any(map(has_none, value)))


@dataclass
class Oracle:
    max_late: int
    coverage: Sequence[int]
    events: list[Event] = field(default_factory=list)

    def read(self, window: Window, event: Event, too_late: bool) -> Any:
        stream = STREAMS[window.stream]
        key = [event.values[name] for name in (stream.key if window.key is None else window.key)]
        if any(map(has_none, key)):
            return ("missing", KEY)
        if too_late:
            return ("missing", LATE)
        newest = event.at - window.delay
        since = self.coverage[window.stream]
        if since == NEVER or (since != ALWAYS and newest - window.over < since):
            return ("missing", WARMING)
        seen = [
            earlier
            for earlier in self.events + ([event] if window.current else [])
            if earlier.event == stream.event
            and newest - window.over < earlier.at <= newest
            and [earlier.values[name] for name in stream.key] == key
            and (not window.where or earlier.values["flag"] is True)
        ]
        seen.sort(key=lambda earlier: (earlier.at, earlier.seq))
        return self.value(window, seen, event)

    def value(self, window: Window, seen: list[Event], event: Event) -> Any:
        values = [each.values.get(window.column) for each in seen]
        if window.kind == COUNT:
            return len(values)
        if window.kind == RATE:
            return len(values) / (window.over / 1_000_000)
        if window.kind == SINCE_LAST:
            return (event.at - seen[-1].at) / 1_000_000 if seen else None
        if window.kind == DECAYED:
            return decayed([(value, event.at - each.at) for value, each in zip(values, seen, strict=True)])
        values = [value for value in values if value is not None]
        if window.kind == SEEN:
            sought = event.values["thing"]
            return None if sought is None else any(value == sought for value in values)
        if window.kind == DISTINCT:
            nans = [value for value in values if value != value]
            return len({value for value in values if value == value}) + len(nans)
        if window.kind in (MIN, MAX):
            return (min if window.kind == MIN else max)(values, default=None)
        if window.kind in (LAST, FIRST):
            return None if not values else values[-1 if window.kind == LAST else 0]
        try:
            if window.kind == STD:
                numbers = [taken(float(value)) for value in values]
                return statistics.stdev(numbers) if len(numbers) > 1 else None
            if window.kind == MEAN:
                return statistics.fmean(taken(float(value)) for value in values) if values else None
            if window.column == "amount":
                return math.fsum(taken(float(value)) for value in values)
        except OverflowError:
            return ("missing", ERROR)
        total = sum(values)
        return total if -(2**63) <= total < 2**63 else ("missing", ERROR)


def decayed(entries: list[tuple[Any, int]]) -> float:
    total = 0.0
    for value, age in entries:
        if value is not None:
            total += value * 0.5 ** (age / HALF_LIFE)
    return total


def identical(a: Any, b: Any) -> bool:
    if type(a) is float and type(b) is float:
        return struct.pack("<d", a) == struct.pack("<d", b)
    return type(a) is type(b) and a == b


def compare(
    events: Sequence[Event], max_late: int = 2**62, coverage: Sequence[int] = (ALWAYS,) * 4, every: int = 1
) -> None:
    """`every`: one event in so many is looked at (the scan is slow); all are read and entered."""
    room, oracle = Room(max_late, coverage), Oracle(max_late, coverage)
    latest = -(2**62)
    try:
        for seq, event in enumerate(events, 1):
            event.seq = seq
            latest = max(latest, event.at)
            too_late = event.at < latest - max_late
            got = room.step(event, too_late, latest)
            if event.event == 0 and seq % every == 0:
                for window, value in zip(WINDOWS, got, strict=True):
                    expected = oracle.read(window, event, too_late)
                    assert identical(value, expected), f"event {seq}, {window}: {value!r}, expected {expected!r}"
            oracle.events.append(event)
    finally:
        room.close()


KEYS = (1, 1.0, True, 2, "a", "b", None, ("x", 1), ("x", None))
FLOATS = (0.1, 0.2, 0.3, -0.1, 1e16, 1.0, -1e16, 5e-324, 2.0**-97, 3 * 2.0**-97, -(2.0**-96), -0.0, 1e-30)
HUGE = (2.0**63, -(2.0**63), math.nextafter(2.0**63, 0), math.inf, -math.inf, math.nan, 1e300, 2**63 - 1)
THINGS = (
    "de",
    "at",
    "",
    "\u00fc",
    1,
    1.0,
    True,
    0.0,
    -0.0,
    None,
    2**53,
    2.0**53,
    2**53 + 1,
    ("a", 1),
    ("a", True),
    math.nan,
    2.0**63,
    2**63 - 1,
)
WORDS = ("de", "", "seven..", "eight...", "a longer one", "\u00fc\U0001f600", "\uffff", "zzzzzzzzz", None)
WHOLE = (0, 1, -1, True, 2**63 - 1, -(2**63), 2**62, 10**15, None)

amounts = st.one_of(
    st.sampled_from(FLOATS), st.floats(-1e6, 1e6), st.integers(-5, 5), st.none(), st.booleans(), st.sampled_from(HUGE)
)
values = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS[:3] * 4 + KEYS),
        "other": st.sampled_from(KEYS[:4] * 2 + KEYS),
        "amount": amounts,
        "whole": st.one_of(st.sampled_from(WHOLE), st.integers(-100, 100)),
        "thing": st.sampled_from(THINGS),
        "word": st.sampled_from(WORDS),
        "flag": st.sampled_from((True, True, False, None)),
    }
)
times = st.one_of(st.integers(0, 60), st.sampled_from((0, 5, 7, 10, 25, 30, 35)))
streams_of_events = st.lists(st.builds(Event, st.sampled_from((0, 0, 0, 1)), times, values), max_size=30)
coverages = st.tuples(*[st.sampled_from((ALWAYS, ALWAYS, ALWAYS, 0, 15, NEVER))] * 4)


@settings(max_examples=120, deadline=None)
@given(streams_of_events, st.sampled_from((0, 4, 20, 2**62)), coverages)
def test_every_window_is_what_a_scan_gives(events: list[Event], max_late: int, coverage: tuple[int, ...]) -> None:
    compare(events, max_late, coverage)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(FLOATS), st.floats(-(2.0**62), 2.0**62)), max_size=25))
def test_sums_and_means_have_the_bits_of_fsum_and_fmean(numbers: list[float]) -> None:
    base = {"key": 1, "other": 1, "whole": 0, "thing": None, "word": None, "flag": True}
    compare([Event(0, 5, base | {"amount": number}) for number in numbers])


def busy_events(rng: random.Random, count: int, amounts: Sequence[Any], steps: Sequence[int]) -> list[Event]:
    events, latest = [], 0
    for _ in range(count):
        latest += rng.choice(steps)
        late = rng.choice((0, 0, 0, 0, 0, rng.randrange(30)))
        frame = {
            "key": rng.choice((1, 1, 1, 2)),
            "other": rng.choice((1, 2)),
            "amount": rng.choice((rng.uniform(-100, 100), rng.choice(amounts), None)),
            "whole": rng.randrange(-1000, 1000),
            "thing": rng.choice(THINGS),
            "word": rng.choice((*WORDS, str(rng.randrange(10**12)))),
            "flag": rng.choice((True, False, None)),
        }
        events.append(Event(rng.choice((0, 0, 0, 1)), latest - late, frame))
    return events


@pytest.mark.parametrize("seed", range(3))
def test_keys_with_late_events(seed: int) -> None:
    """Enough events a key to fill, split and drop chunks of every size."""
    rng = random.Random(seed)
    compare(busy_events(rng, 450, FLOATS, (0, 0, 0, 0, 1, 1, 3)), max_late=rng.choice((0, 8, 40)), every=3)


@pytest.mark.parametrize("seed", range(4))
def test_busy_keys_with_late_events(seed: int) -> None:
    """Enough events a key to have an index, and to grow it, cut it down and give it up."""
    rng = random.Random(seed)
    amounts = (*FLOATS, math.nan) if seed % 2 else FLOATS
    events = busy_events(rng, 5000, amounts, (0,) * (8, 30)[seed // 2] + (1, 2))
    for event in events[3000:3600]:
        event.values["key"] = 3  # the others fall silent, most of what they hold expires
    compare(events, max_late=rng.choice((0, 8, 40)), every=61)
