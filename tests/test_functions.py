"""Every construct that compiles, against CPython: value, type, bits, and the exception's class and line.

The expressions of functions.txt and the functions below become features of one definition. Hypothesis makes events; the
engine's values must be what calling the Python function and fitting its result gives.
"""

from __future__ import annotations

import ast
import datetime
import json
import math
import struct
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.engine

HEAD = """
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from math import sqrt
from typing import Annotated
from zoneinfo import ZoneInfo
from assay import Clear, event, feature

Any_ = int | float | str | datetime | date | timedelta | list | tuple | None
RATES = {0: 0.5, 1: 1.25, 2: 3.0, -1: 0.125}
RANGES = range(0)  # replaced below
RANGES = (1, 2, 10**15)
NAMES = frozenset({"a", "b", "ab", ""})
NESTED = {"a": [1, 2.5], "b": (3,), "c": None}
NAMES_OF = ["even", "odd"]
LIMITS = (0.25, 10**12)
MILLION = 1_000_000
BIG = 10**40
PI = math.pi
TEXT = "é\\N{GRINNING FACE}"
NOTHING = None
YES = True
LONG_AGO = datetime(2001, 9, 9, 1, 46, 40, 5, tzinfo=timezone.utc)
FIRST = date(2024, 2, 29)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = {"a": BERLIN, "b": ZoneInfo("America/New_York"), "": UTC}
EAST = timezone(timedelta(hours=5, minutes=30))
NAIVE = datetime(2024, 7, 1, 12, 30)
NOON = time(12, 0)
LOCAL = datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN)
TEMPLATE = "{0:>6}: {amount:,.2f}"
EUROS = "{:,.2f} EUR".format


class Channel(Enum):
    WEB = "web"
    POS = "pos"


class Level(IntEnum):
    LOW = 1
    HIGH = 5


class Kind(StrEnum):
    A = "a"
    B = "b"


RISKY = {Channel.POS}
PAIRS = {(Channel.WEB, True): 1, (Channel.POS, True): 2, (Channel.POS, False): 3}
COSTS = {Channel.WEB: 0.5, Channel.POS: 2.0}


class Inner:
    name: str
    size: float | None = None


class Coded:
    code: int


class Outer(Coded):
    inner: Inner | None = None


@event(id="id", time="at")
class Thing:
    id: str
    at: datetime
    x: int
    y: int
    f: float
    g: float
    s: Annotated[str, Clear]
    t: Annotated[str, Clear]
    b: bool
    n: int | None
    h: float | None
    m: Annotated[str | None, Clear]
    xs: list[int]
    fs: list[float]
    ws: Annotated[list[str], Clear]
    day: date
    channel: Channel
    maybe: Channel | None
    level: Level
    kind: Kind
    outer: Outer
    spare: Outer | None = None

    @property
    def total(self) -> float:
        return self.f + self.x

    def times(self, by: float) -> float:
        return self.total * by


def double(v):
    return v * 2


def clip(value, low=0.0, high=1.0):
    if value < low:
        return low
    return high if value > high else value


def share(text):
    if not text:
        return 0.0
    local = 0
    for c in text:
        if c.isdigit():
            local += 1
    return local / len(text)


def first_word(text):
    words = text.split()
    return words[0] if words else None


def grade(v):
    if v > 100:
        return "high"
    elif v > 10:
        return "middle"
    else:
        level = "low"
    return level


def keyword(v, *, scale):
    return v * scale


def local_of(address):
    name, _, domain = address.partition("@")
    return name if domain else None


def outer(v):
    v = v + 1
    inner = double(v)
    v = inner - v
    return v, inner


def swapped(a, b):
    a, b = b, a
    (a, b), c = (b, a), a
    return a, b, c


def counted(items):
    total = count = 0
    for item in items:
        if item < 0:
            continue
        if item > 1000:
            break
        total += item
        count += 1
    else:
        count = -count
    return total, count


def found(words, wanted):
    for at, word in enumerate(words):
        if word == wanted:
            return at
    return None


def looped(text):
    out = ""
    for a, b in zip(text, text[1:]):
        out = b + out if a < b else out + a
    return out


def rebound(v):
    return v, (v := v + 1), v


def passed_twice(v):
    return double(v) + double((v := v * 2)) - v


def nested_early(items, wanted):
    for item in items:
        for times in range(3):
            if item * times == wanted:
                return item, times
        if item > wanted:
            break
    else:
        return "none"
    return item


def nested_loops(items):
    best = None
    for a in items:
        for b in items:
            if a == b:
                continue
            gap = abs(a - b)
            if best is None or gap < best:
                best = gap
    return best
"""

FUNCTIONS = """
@feature
def early(x: int, n: int | None) -> int:
    if n is None:
        return -1
    if x > n:
        return n
    return x


@feature
def falls_off(x: int) -> int | None:
    if x > 3:
        return x


@feature
def assigned(f: float, b: bool) -> float:
    if b:
        v = f
    else:
        v = -f
    v *= 2
    w: float = v + 1
    w -= 0.5
    return w / v


@feature
def asserted(x: int, s: str) -> int:
    assert x > 0, s
    assert s
    return x


@feature
def truth(s: str) -> bool:
    return s


@feature
def truth_or_none(n: int | None) -> bool | None:
    return n


@feature
def whole_number(f: float) -> int:
    return f


@feature
def floated(x: int, b: bool) -> float:
    return x if b else b


@feature
def too_big(x: int) -> int:
    return x * x * x


@feature
def items(xs: list[int]) -> list[float]:
    return tuple(xs)


@feature
def wrong_items(ws: list[str]) -> list[float]:
    return ws


@feature
def text_of(x: int) -> str:
    return None if x < 0 else "é"


@feature
def default(n: int = 7) -> int:
    return n


@feature
def default_none(n: int | None = None) -> int | None:
    return n


@feature
def required(n: int) -> int:
    return n


@feature
def reads_required(required: int | None) -> int:
    return -1 if required is None else required


@feature
def online(channel: Channel) -> bool:
    return channel == Channel.WEB


@feature
def online_value(channel: Channel) -> str:
    return channel.value + channel.name


@feature
def risky(channel: Channel, maybe: Channel | None) -> int:
    if maybe and maybe in RISKY:
        return 1
    if channel in (Channel.POS, maybe):
        return 2
    return 3 if channel is Channel.WEB else 4


@feature
def costs(channel: Channel, maybe: Channel | None) -> float:
    chosen = maybe if maybe is not None else channel
    return COSTS[chosen] + COSTS.get(maybe, 0.0)


@feature
def pairs(channel: Channel, b: bool) -> int:
    if (channel, b) in PAIRS:
        return PAIRS[channel, b]
    return PAIRS.get((channel, not b), -1)


@feature
def enum_name(maybe: Channel | None) -> str | None:
    return maybe.name if maybe else None


@feature
def level_sum(level: Level) -> int:
    return level + Level.HIGH


@feature
def level_order(level: Level) -> bool:
    return level > 2 or level == 1


@feature
def kind_text(kind: Kind) -> str:
    return f"{kind}" + kind.upper() + kind


@feature
def kind_is(kind: Kind) -> bool:
    return kind == "a" or kind is Kind.B


@feature
def whole_event(p: Thing) -> float:
    return p.f + p.x if p.s else p.total


@feature
def whole_method(p: Thing) -> float:
    return p.times(by=2.0) + p.times(3)


@feature
def whole_narrowed(p: Thing) -> float:
    return p.h * 2 if p.h is not None else 0.0


@feature
def nested_event(outer: Outer) -> str:
    if outer.inner is None:
        return "none"
    return outer.inner.name


@feature
def nested_missing(p: Thing) -> str:
    return p.outer.inner.name


@feature
def nested_spare(spare: Outer | None) -> int:
    return spare.code if spare else -1


@feature
def nested_spare_inner(spare: Outer | None) -> float | None:
    if spare is not None and spare.inner is not None:
        return spare.inner.size
    return None


@feature
def nested_needed(spare: Outer) -> int:
    return spare.code


@feature
def nested_helper(p: Thing) -> int:
    return code_of(p.outer)


def code_of(o):
    return o.code if o.inner else -o.code


@feature
def lazily(x: int, y: int) -> int:
    return (x and 10 // x) or (y and 10 // y) or 0


@feature
def branches(x: int, y: int, b: bool) -> str:
    if not (x > 0 and (y > 0 or b)) or x == y:
        return "out"
    elif x > 10 and not b:
        return "big"
    if b or x % 2 and y % 2:
        return "odd"
    return "in"


@feature
def multiline(f: float,
              g: float) -> float:
    return (
        f
        + 1 /
        g
    )


@feature
def chained(s: str) -> str:
    return (
        s.strip()
        .split("@")[1]
        .upper()
    )


@feature
def overwritten(x: int) -> int:
    x = x and x + 1
    x = (x if x else 5) + x
    y = x
    x += y
    return x - y


@feature
def walrus(s: str) -> int:
    if (size := len(s)) > 2 and (half := size // 2):
        return half
    return size


@feature
def loop_types(xs: list[int]) -> float:
    total = 0
    for v in xs:
        total = total / 2 + v
    return total


@feature
def last_of(xs: list[int]) -> int:
    last = -1
    for last in xs:
        pass
    return last
"""

TYPES = {
    **dict.fromkeys("xy", "int"),
    **dict.fromkeys("fg", "float"),
    **dict.fromkeys("st", "str"),
    "b": "bool",
    "n": "int | None",
    "h": "float | None",
    "m": "str | None",
    "xs": "list[int]",
    "fs": "list[float]",
    "ws": "list[str]",
    "at": "datetime",
    "day": "date",
}


def expressions() -> list[str]:
    lines = (Path(__file__).parent / "functions.txt").read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("# ")]


def source() -> str:
    return HEAD + FUNCTIONS + "\n\n" + features_of(expressions())


def features_of(texts: list[str]) -> str:
    features = []
    for number, text in enumerate(texts):
        names = sorted({n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)} & set(TYPES))
        stored = {n.target.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.NamedExpr)} - {"y"}
        parameters = ", ".join(f"{n}: {TYPES[n]}" for n in names if n not in stored)
        features.append(f"@feature\ndef e{number}({parameters}) -> Any_:\n    return {text}\n")
    return "\n\n".join(features)


class Running:
    """The definition in the engine, and its module in Python."""

    def __init__(self, folder: Path, text: str):
        from assay._compile import build
        from assay._engine import Engine

        file = folder / "defined.py"
        file.write_text(text, encoding="utf-8")
        self.built = build(file, folder / "defined.assay")
        self.engine = Engine(str(folder / "defined.assay"), None, history="empty")
        self.count = 0

    def run(self, event: dict[str, Any]) -> tuple[dict[str, object], dict[str, tuple[str, int]]]:
        """Every feature's value and every error: (class, line) by function."""
        self.count += 1
        status, body = self.engine.event("", json.dumps({**event, "id": str(self.count)}).encode())
        assert status == 200, body
        errors = {e["function"]: (e["error"], e["line"]) for e in json.loads(body)["errors"]}
        return self.engine.values(), errors


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        yield Running(Path(folder), source())


def bits(value: Any) -> Any:
    """What two values must have in common: the type at every depth, and a float's bits."""
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else struct.pack("d", value)
    if isinstance(value, list | tuple):
        return type(value).__name__, [bits(item) for item in value]
    return type(value).__name__, value


whole = st.integers(-5, 12) | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 10**15, -(10**15), 255, 1000])
number = (
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.5, 3.5, -1.5, 100.125, 1e15, 1e-7, 1e300, 0.1, 2.675])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-100, 100)
)
text = (
    st.sampled_from(
        ["", "a", "ab", "aab b", "x@y.z", " a\t12 ", "Straße ǆ", "12", "-3.5e2", "ΑΣ", "a\nb\r\nc", "٣", "ﬁ"]
    )
    | st.text("ab @1", max_size=8)
    | st.text(max_size=8).filter(lambda value: all(not 0xD800 <= ord(c) < 0xE000 for c in value))
)
moment = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2100, 1, 1))
channel = st.sampled_from(["web", "pos"])
inner = st.fixed_dictionaries({"name": text}, optional={"size": st.none() | number})
outer = st.fixed_dictionaries({"code": st.integers(0, 9)}, optional={"inner": st.none() | inner})
events = st.fixed_dictionaries(
    {
        "at": moment.map(lambda value: value.isoformat() + "Z"),
        **dict.fromkeys("xy", whole),
        **dict.fromkeys("fg", number),
        **dict.fromkeys("st", text),
        "b": st.booleans(),
        "n": st.none() | whole,
        "h": st.none() | number,
        "m": st.none() | text,
        "xs": st.lists(whole, max_size=4),
        "fs": st.lists(number, max_size=4),
        "ws": st.lists(text, max_size=4),
        "day": st.dates().map(str),
        "channel": channel,
        "maybe": st.none() | channel,
        "level": st.sampled_from([1, 5]),
        "kind": st.sampled_from(["a", "b"]),
        "outer": outer,
    },
    optional={"spare": st.none() | outer},
)


def arguments(running: Running, event: dict[str, Any]) -> dict[str, Any]:
    """The event as its parameters have it in Python: the twin's parsing is another test's business."""
    module = running.built.definition.module
    values = {**event, "id": "1"}
    values["at"] = datetime.datetime.fromisoformat(event["at"])
    values["day"] = datetime.date.fromisoformat(event["day"])
    for name in ("f", "g", "h"):
        values[name] = None if event[name] is None else float(event[name])
    values["fs"] = [float(v) for v in event["fs"]]
    values["channel"] = module.Channel(event["channel"])
    values["maybe"] = None if event["maybe"] is None else module.Channel(event["maybe"])
    values["level"], values["kind"] = module.Level(event["level"]), module.Kind(event["kind"])

    def build(given: dict[str, Any] | None) -> Any:
        if given is None:
            return None
        below = given.get("inner")
        size = None if below is None or below.get("size") is None else float(below["size"])
        inside = None if below is None else module.Inner(name=below["name"], size=size)
        return module.Outer(code=given["code"], inner=inside)

    values["outer"], values["spare"] = build(event["outer"]), build(event.get("spare"))
    return {**values, "p": module.Thing(**values)}


def expected(running: Running, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[str, int]]]:
    """The same from CPython: each function called, its result fitted to its annotation."""
    from assay._definition import MISSING
    from assay._fit import fit, fit_of_function

    results: dict[str, Any] = {}
    errors: dict[str, tuple[str, int]] = {}
    for function in running.built.definition.features:
        given = {p.name: results.get(p.name) if p.name in results else values[p.name] for p in function.params}
        given = {
            p.name: p.default if given[p.name] is None and p.default is not MISSING else given[p.name]
            for p in function.params
        }
        results[function.name] = None
        if any(given[p.name] is None and not p.allows_none for p in function.params):
            continue
        try:
            result = function.function(**given)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = [f.lineno for f in frames if f.filename == str(running.built.definition.file)][-1]
            errors[function.name] = (type(error).__name__, line or 0)
            continue
        try:
            results[function.name] = fit(result, fit_of_function(function))
        except (TypeError, OverflowError) as error:
            errors[function.name] = (type(error).__name__, 0)  # its line: that of a return
    return results, errors


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(event=events)
def test_functions_compute_what_cpython_computes(running: Running, event: dict[str, Any]) -> None:
    compare(running, event)


def compare(running: Running, event: dict[str, Any]) -> None:
    values, errors = running.run(event)
    wanted, raised = expected(running, arguments(running, event))
    lines = running.built.definition.sources[running.built.definition.file].split("\n")
    differ = []
    for function in running.built.definition.features:
        name = function.name
        code = lines[function.place.line] if name[0] == "e" and name[1:].isdigit() else name
        got, want = errors.get(name), raised.get(name)
        if (got is None) != (want is None) or (got and want and (got[0] != want[0] or want[1] not in (0, got[1]))):
            differ.append(
                f"{code.strip()}: raised {got}, CPython {want}; value {values[name]!r}, CPython {wanted[name]!r}"
            )
        elif bits(values[name]) != bits(wanted[name]):
            differ.append(f"{code.strip()}: {values[name]!r}, CPython {wanted[name]!r}")
    assert not differ, "\n".join(differ)


# --- where an exception is reported: in the innermost file and line of the definition's own ---

RATES = """
def inverse(v, of=1):
    rest = v + 1
    return of / v  # inverse


class Rates:
    @property
    def rate(self):
        return 1 / self.f  # rate
"""
TEXTS = """
from rates import inverse


def first(text):
    return text.split()[0]  # first


def through(v):
    return 1 + (
        inverse(v)
    )
"""
RAISING = """
from datetime import datetime
from assay import event, feature
from deep import texts
from rates import Rates, inverse


@event(id="id", time="at")
class Thing(Rates):
    id: str
    at: datetime
    f: float
    s: str


def own(v):
    return 1 + (
        2 / v  # own
    )


@feature
def other_file(f: float) -> float:
    return inverse(f)


@feature
def folder(s: str) -> str:
    return texts.first(s)


@feature
def through_another_file(f: float) -> float:
    return texts.through(f)


@feature
def inside_a_generator(f: float) -> float:
    return max(inverse(v) for v in [2.0, f])


@feature
def own_property(p: Thing) -> float:
    return p.rate


@feature
def same_file(f: float) -> float:
    return 1 + own(f)


@feature
def argument(f: float) -> float:
    return inverse(own(f))


@feature
def after_a_call(f: float) -> float:
    return inverse(f + 1) / f  # after_a_call


@feature
def result(f: float) -> int:
    return inverse(f + 2)  # result
"""
RAISED_AT = {
    "other_file": ("rates.py", "inverse"),
    "folder": ("deep/texts.py", "first"),
    "through_another_file": ("rates.py", "inverse"),
    "inside_a_generator": ("rates.py", "inverse"),
    "own_property": ("rates.py", "rate"),
    "same_file": ("defined.py", "own"),
    "argument": ("defined.py", "own"),
    "after_a_call": ("defined.py", "after_a_call"),
    "result": ("defined.py", "result"),
}


def test_an_exception_in_a_helper_is_reported_in_the_helpers_file_and_line(define: Callable[[str], Path]) -> None:
    import assay

    file = define(RAISING)
    texts = {"defined.py": RAISING, "rates.py": RATES, "deep/texts.py": TEXTS}
    (file.parent / "deep").mkdir()
    for name, text in texts.items():
        (file.parent / name).write_text(text)
    found = {
        name: (where, next(n for n, line in enumerate(texts[where].split("\n"), 1) if line.endswith(f"# {mark}")))
        for name, (where, mark) in RAISED_AT.items()
    }
    event = {"id": "1", "at": "2026-01-01T00:00:00Z", "f": 0, "s": ""}
    with assay.load(file) as detector:
        native = detector.score(event)["errors"]
        assert native == detector.twin.score(event)["errors"]
    assert {e["function"]: (e["file"], e["line"]) for e in native} == found
