"""The code room against CPython itself: every operator, built-in and method over tables of edge values, value bits and
exception classes compared. The room's driver (engine/code/code_driver_test.c) runs what is assembled here."""

from __future__ import annotations

import ast
import datetime
import itertools
import math
import operator
import os
import random
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from assay import _unicode, fn
from assay._freeze import freeze

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "engine" / "code"
BANNED = ROOT / "engine" / "base" / "banned.h"
UTC = datetime.UTC
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
INT_BITS = 4096

# --- numbers of instructions and built-ins, from the headers that define them ---


def _names(header: str, pattern: str) -> list[tuple[str, ...]]:
    text = (CODE / header).read_text()
    found = re.findall(pattern, text[text.index("/* clang-format off */") :])
    return [entry if isinstance(entry, tuple) else (entry,) for entry in found]


OPCODES = {name: (number, form) for number, (name, form) in enumerate(_names("opcodes.h", r"OPCODE\((\w+), (\w+)\)"))}
BUILTINS = {name: number for number, (_, name) in enumerate(_names("builtins.h", r'BUILTIN\((\w+), "([^"]+)"'))}

# --- the serialized form of values (engine/base/value.h) ---

_cache: dict[int, tuple[Any, bytes]] = {}


def dump(value: Any) -> bytes:
    known = _cache.get(id(value))
    if known is None:
        known = _cache[id(value)] = (value, _dump(value))  # the value too, so that its id stays its own
    return known[1]


def _dump(value: Any, shown: bool = False) -> bytes:
    """The form of a constant; `shown`: that in which the driver shows it, with repr() of what no result can be."""
    special = isinstance(value, datetime.time | datetime.tzinfo)
    if special or (isinstance(value, datetime.datetime) and (value.tzinfo is not UTC or value.fold)):
        tag = 34 if isinstance(value, datetime.tzinfo) else 33 if isinstance(value, datetime.time) else 32
        return bytes([tag]) + _dump(repr(value)) if shown else freeze(value).data
    if value is None:
        return b"\0\0"
    if isinstance(value, bool):
        return struct.pack("<BB", 1, value)
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return struct.pack("<Bq", 2, value)
        return _dump_big(value)
    if isinstance(value, float):
        return struct.pack("<Bd", 3, value if value == value else math.nan)
    if isinstance(value, str):
        data = value.encode()
        return struct.pack("<BI", 4, len(data)) + data
    if isinstance(value, bytes):
        return struct.pack("<BI", 24, len(value)) + value
    if isinstance(value, datetime.datetime):
        return struct.pack("<Bq", 5, (value - EPOCH) // MICROSECOND)
    if isinstance(value, datetime.date):
        return struct.pack("<Bq", 6, value.toordinal() - 719163)
    if isinstance(value, datetime.timedelta):
        return struct.pack("<Bq", 7, value // MICROSECOND)
    if isinstance(value, list | tuple | set | frozenset):
        tag = 8 if isinstance(value, list) else 9 if isinstance(value, tuple) else 10
        return struct.pack("<BI", tag, len(value)) + b"".join(_dump(item, shown) for item in value)
    if isinstance(value, dict):
        items = b"".join(_dump(k, shown) + _dump(v, shown) for k, v in value.items())
        return struct.pack("<BI", 11, len(value)) + items
    if isinstance(value, range):
        return struct.pack("<B3q", 16, value.start, value.stop, value.step)
    if isinstance(value, type({}.keys()) | type({}.values()) | type({}.items())):
        return b"\x12" + _dump(list(value), shown)
    if isinstance(value, Iterator):
        return b"\x11" + _dump(list(value), shown)
    raise NotImplementedError(type(value))


def _dump_big(value: int) -> bytes:
    data = abs(value).to_bytes((value.bit_length() + 7) // 8, "little")
    return struct.pack("<BBI", 13, value < 0, len(data)) + data


# --- cases ---


@dataclass(slots=True)
class Case:
    name: str
    code: tuple[int, int, int]  # op, x, c where it is no cell
    args: tuple[Any, ...]
    oracle: Callable[..., Any]


Outcome = tuple[bytes, ...]  # what the engine may answer


def raised(name: str) -> bytes:
    return bytes([len(name)]) + name.encode()


LIMIT, OVERFLOW, TYPE = raised("LimitError"), raised("OverflowError"), raised("TypeError")


def expected(case: Case) -> Outcome:
    try:
        value = case.oracle(*case.args)
    except Huge:
        return LIMIT, OVERFLOW
    except MemoryError:
        return (LIMIT,)
    except Exception as error:
        return (raised(type(error).__name__),)
    if isinstance(value, complex):
        return (TYPE,)  # there are no complex numbers: the boundary's TypeError, where they arise
    if isinstance(value, int) and value.bit_length() > INT_BITS:
        return (OVERFLOW,)
    try:
        data = _dump(value, shown=True)
    except struct.error:  # a timedelta or a range beyond 64 bits
        return (OVERFLOW,)
    return (b"\0" + data,)


class Huge(Exception):
    """What CPython would compute for minutes or gigabytes; here a limit answers."""


def binary(name: str, b: Any, c: Any, oracle: Callable[[Any, Any], Any]) -> Case:
    return Case(name, (OPCODES[name][0], 0, -1), (b, c), oracle)


def branch(name: str, b: Any, c: Any, oracle: Callable[[Any, Any], Any], sense: bool) -> Case:
    """A comparison that jumps: gives whether it is true, by two ways through the code."""
    return Case(f"JMP_{name}", (OPCODES[f"JMP_{name}"][0], int(sense), -3), (b, c), oracle)


def unary(name: str, b: Any, oracle: Callable[[Any], Any], x: int = 0) -> Case:
    return Case(name, (OPCODES[name][0], x, -2), (b,), oracle)


def call(name: str, args: tuple[Any, ...], oracle: Callable[..., Any]) -> Case:
    return Case(name, (OPCODES["CALL"][0], len(args), BUILTINS[name]), args, oracle)


def method(name: str, args: tuple[Any, ...]) -> Case:
    return call("." + name, args, lambda receiver, *rest: getattr(receiver, name)(*rest))


def attribute(name: str, receiver: Any) -> Case:
    return call("." + name, (receiver,), lambda value: getattr(value, name))


# --- the driver ---

CASES_A_BATCH, CELLS_A_BATCH = 8000, 30000


def batches(cases: Iterable[Case]) -> Iterator[tuple[list[Case], bytes]]:
    held: list[Case] = []
    cells = 3
    for case in cases:
        if held and (len(held) == CASES_A_BATCH or cells + len(case.args) > CELLS_A_BATCH):
            yield held, assemble(held)
            held, cells = [], 3
        held.append(case)
        cells += len(case.args)
    if held:
        yield held, assemble(held)


def assemble(cases: list[Case]) -> bytes:
    """Cells 0, 1 and 2 are None, False and True, then every case's operands; then one slot and the temporaries."""
    constants = [dump(None), dump(False), dump(True)]
    total = len(constants) + sum(len(case.args) for case in cases)
    code = []
    ret = struct.pack("<BBHHH", OPCODES["RET"][0], 0, 0, 0, 0)
    give = [struct.pack("<BBHHH", OPCODES["MOVE"][0], 0, total + 1, truth, 0) + ret for truth in (1, 2)]
    for case in cases:
        op, x, c = case.code
        first = len(constants)
        constants += map(dump, case.args)
        if c == -3:  # it jumps when the comparison gives x
            code.append(struct.pack("<BBHHH", op, x, first, first + 1, 3) + give[1 - x] + give[x])
            continue
        c = first + 1 if c == -1 else 0 if c == -2 else c
        code.append(struct.pack("<BBHHH", op, x, total + 1, first, c) + ret * 4)
    pool = struct.pack("<I", total) + b"".join(constants)
    body = b"".join(code)
    return struct.pack("<II", len(cases), len(body)) + body + struct.pack("<I", len(pool)) + pool


def build(folder: Path) -> Path:
    """The driver of ASSAY_CODE_DRIVER (one with sanitizers, say), or of `make unit`, or built here."""
    given, built = os.environ.get("ASSAY_CODE_DRIVER"), ROOT / "build" / "unit" / "code_driver_test"
    sources = [p for room in ("base", "text", "code") for p in (ROOT / "engine" / room).glob("*.[ch]")]
    if given is not None:
        return Path(given)
    if built.exists() and all(built.stat().st_mtime > p.stat().st_mtime for p in sources):
        return built
    flags: list[str | Path] = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-ffp-contract=off", "-include", BANNED]
    compiled = [p for p in sources if p.suffix == ".c" and not p.stem.endswith(("_test", "_fuzz", "_bench"))]
    compiled.append(CODE / "code_driver_test.c")

    def one(source: Path) -> Path:
        target = folder / f"{source.parent.name}-{source.stem}.o"
        subprocess.run([os.environ.get("CC", "cc"), *flags, "-c", source, "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(one, compiled))
    libraries = ["-lcrypto", "-lgmp", "-lxxhash", "-lsodium", "-lpcre2-8", "-lm", "-pthread"]
    program = folder / "driver"
    subprocess.run([os.environ.get("CC", "cc"), *objects, *libraries, "-o", program], check=True)
    return program


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def answers(driver: Path, work: bytes) -> Iterator[bytes]:
    tables = _unicode.tables()
    done = subprocess.run([driver], input=struct.pack("<I", len(tables)) + tables + work, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    at = 0
    while at < len(done.stdout):
        (size,) = struct.unpack_from("<I", done.stdout, at)
        yield done.stdout[at + 4 : at + 4 + size]
        at += 4 + size


def compare(driver: Path, cases: Iterable[Case], least: int) -> None:
    held = list(batches(cases))
    got = answers(driver, b"".join(work for _, work in held))
    count, wrong = 0, []
    for case in itertools.chain.from_iterable(some for some, _ in held):
        answer, allowed = next(got), expected(case)
        count += 1
        if answer not in allowed:
            wrong.append(f"{case.name}{case.args!r:.300}: {show(answer)}, CPython: {' or '.join(map(show, allowed))}")
    assert not wrong, f"{len(wrong)} of {count} differ:\n" + "\n".join(wrong[:60])
    assert count >= least


def show(answer: bytes) -> str:
    if answer[:1] != b"\0":
        return answer[1:].decode()
    payload = answer[6:] if answer[1:2] == b"\4" else answer[1:]
    if answer[1:2] == b"\3":
        return repr(struct.unpack("<d", answer[2:])[0]) + " " + answer[2:].hex()
    if answer[1:2] == b"\2":
        return str(struct.unpack("<q", answer[2:])[0])
    return repr(payload)[:300]


# --- edge values ---

INTS = [0, 1, -1, 2, -2, 3, 5, 7, -7, 10, 63, 64, 255, 1000, -1000, 10**9]
INTS += [s * 2**e + d for e in (31, 53, 62, 63, 64) for d in (-1, 0, 1) for s in (1, -1)]
INTS += [
    10**18,
    -(10**19),
    2**128 + 3,
    -(2**127),
    3**200,
    -(7**300),
    2**1023,
    2**1024,
    2**2000 + 1,
    2**4095,
    -(2**4096 - 1),
]
FLOATS = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.5, 3.0, 0.1, 1 / 3, -7.25, 10.0, 1e15, 123456789.125]
FLOATS += [
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    1e300,
    1e-300,
    2.0**53,
]
FLOATS += [2.0**63, -(2.0**63), 2.0**64, 1e22, math.inf, -math.inf, math.nan, 9007199254740993.0, math.pi, -math.e]
STRINGS = ["", "a", "ab", "b", "é", "日本", "\U0001f600", "a\U0001f600b", "12", " x ", "\0", "zz", "ÿ"]
SEQUENCES: list[Any] = [
    (),
    (1,),
    (1, 2),
    (2.0, True),
    ("a", None),
    [],
    [1],
    [1, 2, 3],
    [[1], [2]],
    ["a"],
    (1, "a"),
    ((1, 2), 3),
]
SETS: list[Any] = [{1, 2}, {1.0, "a", None, (1, 2)}, {0}, {2**70, 0.5}, set(), {"a", "ab"}, {1}]
DICTS: list[Any] = [{}, {1: "one", "a": 2.5, None: 3}, {(1, "x"): [1, 2], 2**80: 1}, {True: 1}, {"a": {"b": 1}}]
DATETIMES = [
    EPOCH,
    datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
    datetime.datetime(1, 1, 1, tzinfo=UTC),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime.datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC),
    datetime.datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
]
DATES = [datetime.date(1970, 1, 1), datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]
DELTAS = [
    datetime.timedelta(microseconds=n)
    for n in (
        0,
        1,
        -1,
        3,
        1_000_000,
        86_400_000_000,
        -86_400_000_001,
        3_600_000_001,
        10**17 + 1,
        9 * 10**18,
        -(9 * 10**18),
        2**63 - 1,
        -(2**63),
    )
]
SCALARS: list[Any] = [None, False, True, *INTS, *FLOATS]
EVERYTHING: list[Any] = [*SCALARS, *STRINGS, *SEQUENCES, *SETS, *DICTS, *DATETIMES, *DATES, *DELTAS]


def is_text(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def multiply(b: Any, c: Any) -> Any:
    for sequence, times in ((b, c), (c, b)):
        if is_text(sequence) and isinstance(times, int) and times * len(sequence) > 60000:
            raise Huge
    return b * c


def power(b: Any, c: Any) -> Any:
    if isinstance(b, int) and isinstance(c, int) and abs(b) > 1 and c > 5000:
        raise Huge
    return b**c


def left_shift(b: Any, c: Any) -> Any:
    if isinstance(b, int) and isinstance(c, int) and b != 0 and c > 5000:
        raise Huge
    return b << c


class Ordered(set[Any]):
    """A set that is dumped in the engine's order: the left side's items first."""

    def __init__(self, items: Iterable[Any], order: Iterable[Any]):
        super().__init__(items)
        self.order = [item for at in order for item in self if item == at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.order) if hasattr(self, "order") else super().__iter__()


def set_algebra(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def checked(b: Any, c: Any) -> Any:
        made = function(b, c)
        if not isinstance(made, set):
            return made
        both = [*b, *(x for x in c if x not in b)]
        if function is operator.and_:
            both = list(b) if len(c) > len(b) else list(c)
        return Ordered(made, both)

    return checked


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "ADD": operator.add,
    "SUB": set_algebra(operator.sub),
    "MUL": multiply,
    "DIV": operator.truediv,
    "FLOORDIV": operator.floordiv,
    "MOD": operator.mod,
    "POW": power,
    "BIT_AND": set_algebra(operator.and_),
    "BIT_OR": set_algebra(operator.or_),
    "BIT_XOR": set_algebra(operator.xor),
    "SHL": left_shift,
    "SHR": operator.rshift,
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
}


def fresh(value: Any) -> Any:
    """Another object: CPython finds the same NaN object by its identity, where == does not."""
    return float(repr(value)) if isinstance(value, float) and value != value else value


def test_arithmetic_of_every_pair(driver: Path) -> None:
    pairs = itertools.product(EVERYTHING, EVERYTHING)
    compare(driver, (binary(n, b, c, f) for b, c in pairs for n, f in ARITHMETIC.items()), 150_000)


def test_comparison_of_every_pair(driver: Path) -> None:
    pairs = itertools.product(EVERYTHING, EVERYTHING)
    compare(driver, (binary(n, b, c, f) for b, c in pairs for n, f in COMPARISONS.items()), 80_000)


def test_comparisons_that_jump(driver: Path) -> None:
    pairs = itertools.product(EVERYTHING, EVERYTHING)
    both = ((n, b, c, f, sense) for b, c in pairs for n, f in COMPARISONS.items() for sense in (False, True))
    compare(driver, (branch(*each) for each in both), 160_000)


def test_membership_of_every_pair(driver: Path) -> None:
    def contained(item: Any, container: Any) -> bool:
        if isinstance(container, set) and isinstance(item, set):
            raise TypeError  # CPython looks a set up as a frozenset
        return fresh(item) in container

    containers = [v for v in EVERYTHING if not isinstance(v, int | float)]
    cases = []
    for item, container in itertools.product(EVERYTHING, containers):
        cases.append(binary("IN", item, container, contained))
        cases.append(binary("NOT_IN", item, container, lambda a, b: not contained(a, b)))
        cases.append(binary("INDEX", container, item, lambda a, b: a[b]))
    compare(driver, cases, 20_000)


def test_random_arithmetic(driver: Path) -> None:
    source = random.Random(7)

    def number() -> Any:
        kind = source.randrange(5)
        if kind == 0:
            return source.getrandbits(source.randrange(1, 64)) * source.choice((1, -1))
        if kind == 1:
            return source.getrandbits(source.randrange(1, 2100)) * source.choice((1, -1))
        if kind == 2:
            return struct.unpack("<d", struct.pack("<Q", source.getrandbits(64)))[0]
        if kind == 3:
            return round(source.uniform(-1000, 1000), source.randrange(4))
        return source.randrange(-20, 20)

    def cases() -> Iterator[Case]:
        for _ in range(5000):
            b, c = number(), number()
            for name, function in (ARITHMETIC | COMPARISONS).items():
                if name in ("POW", "SHL") and isinstance(c, int):
                    c %= 300
                yield binary(name, b, c, function)

    compare(driver, cases(), 80_000)


def test_true_division_of_ints_near_ties_and_subnormals(driver: Path) -> None:
    source = random.Random(11)

    def cases() -> Iterator[Case]:
        for _ in range(4000):
            bits = source.randrange(50, 70)
            top = source.getrandbits(bits) | 1
            shift = source.randrange(0, 2200)
            b, c = (
                top << source.randrange(0, 900),
                source.choice((1, 3, 2**shift, 2**shift - 1, source.getrandbits(900) | 1)),
            )
            yield binary("DIV", b, c, operator.truediv)
            yield binary("DIV", -c, b, operator.truediv)
            yield call("float", (b,), float)

    compare(driver, cases(), 12_000)


def test_unary_operators_and_texts(driver: Path) -> None:
    def text(function: Callable[[Any], str]) -> Callable[[Any], str]:
        def shown(value: Any) -> str:
            if holds_set(value):
                raise TypeError
            return function(value)

        return shown

    table: list[tuple[str, Callable[[Any], Any], int]] = [
        ("NEG", operator.neg, 0),
        ("POS", operator.pos, 0),
        ("INVERT", operator.invert, 0),
        ("NOT", operator.not_, 0),
        ("TRUTH", operator.truth, 0),
        ("FORMAT", text(lambda v: format(v, "")), 0),
        ("FORMAT", text(str), 1),
        ("FORMAT", text(repr), 2),
        ("FORMAT", text(ascii), 3),
        ("MOVE", lambda v: v, 0),
    ]
    nested: list[Any] = [
        *EVERYTHING,
        ["it's", '"', "'\"", "\n\t\r\\", "\x7f\x80\xad\u2028"],
        (1.5, None, [EPOCH, *DELTAS]),
    ]
    cases = [unary(name, value, function, x) for name, function, x in table for value in nested]
    compare(driver, cases, 1000)


def holds_set(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(holds_set, value))
    return (isinstance(value, set) and bool(value)) or (isinstance(value, dict) and any(map(holds_set, value.values())))


def test_slices(driver: Path) -> None:
    sources = ["", "abcdef", "aé日\U0001f600b", (1, 2, 3, 4, 5), [1], [1, 2, 3, 4], None, 5]
    bounds: list[Any] = [None, 0, 1, 2, 5, 9, -1, -2, -9, 2**70, -(2**70), True, 1.0, "a"]
    steps: list[Any] = [None, 1, 2, 3, -1, -2, 0, 2**63, -(2**63), 1.5]

    def cut(value: Any, start: Any, stop: Any, step: Any) -> Any:
        return value[start:stop:step]

    def cases() -> Iterator[Case]:
        for source, start, stop, step in itertools.product(sources, bounds, bounds, steps):
            yield Case("SLICE", (OPCODES["SLICE"][0], 0, -1), (source, start, stop, step), cut)

    compare(driver, cases(), 15_000)


# --- built-ins ---


def calls(name: str, function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Case]:
    for args in itertools.product(*columns):
        yield call(name, args, function)


NUMBER_TEXTS = [
    "", " ", "0", "-0", "+7", "007", "1_000", "_1", "1_", "1__0", "0x1f", "0b101", "0o17", "0x_1",
    "0x", "0_0", "1.5", "-1e5", ".5", "5.", "1e400", "-1e-400", "1_0.5_0", "1._5", "1_e5", "inf",
    "-Infinity", "nan", "-NaN", "infinit", "\u0967\u0968\u0969", "\u0663\u066b\u0665",
    "\u0967_\u0968", "12", " 12\u2003", "\x1c5", "\x1c\u096b", "5\x00", "1 2", "- 5", "9" * 30,
    "9" * 1300, "1" * 5000, "z", "Zz", "1e", "0x1p3", "9223372036854775808", "\xe9", "1\xa0",
    "\uff11\uff12", "+-1", "1e+5", "1E5", "-.5e-3",
]  # fmt: skip


def rounded(value: Any, digits: Any) -> Any:
    if isinstance(value, int) and isinstance(digits, int) and digits < -2000:
        return 0
    return round(value, digits)


def test_conversions(driver: Path) -> None:
    values = [*EVERYTHING, *NUMBER_TEXTS]
    digits: list[Any] = [
        None,
        0,
        1,
        2,
        3,
        5,
        15,
        22,
        300,
        323,
        324,
        -1,
        -2,
        -5,
        -18,
        -300,
        -308,
        -309,
        True,
        2**70,
        -(2**70),
        1.0,
        "1",
    ]
    halves = [n + h for n in (0, 1, 2, 3, 25, 1e15) for h in (0.5, 0.05, 0.005, 0.25)] + [
        2.675,
        1.005,
        0.285,
        1e23,
        15.5,
        25.0,
        250.0,
        5e-5,
    ]

    def cases() -> Iterator[Case]:
        conversions: list[Callable[..., Any]] = [int, float, bool, abs, ord, hex, oct, bin, len]
        for made in conversions:
            yield from calls(made.__name__, made, values)
        kinds: list[Callable[..., Any]] = [int, float, bool, str, tuple, list]
        for kind in kinds:
            yield call(kind.__name__, (), kind)
        yield from calls(
            "int", int, [*NUMBER_TEXTS, 5, 1.5, None], [0, 2, 8, 10, 16, 36, 1, 37, -1, 2**70, 1.0, None, True]
        )
        yield from calls("round", round, values)
        yield from calls("round", rounded, [*SCALARS, *halves, *(-h for h in halves), "x", EPOCH], digits)
        for value in EVERYTHING:
            if not holds_set(value):
                yield call("str", (value,), str)
                yield call("repr", (value,), repr)
                yield call("ascii", (value,), ascii)
        beyond = (2**31, 2**70) if sys.version_info < (3, 13) else ()  # since then a ValueError
        for code_point in (*range(0, 0x3100, 7), 0xFFFF, 0x10000, 0x10FFFF, 0x110000, -1, True, *beyond):
            yield call("chr", (code_point,), chr)
        yield from calls("chr", chr, [None, 1.0, "a"])
        yield from calls("divmod", divmod, EVERYTHING, [v for v in EVERYTHING if not isinstance(v, str | set)])
        yield from calls(
            "pow", pow, INTS, [0, 1, 2, 5, 77, 2**64, -1, -3, True], [1, 2, 7, -5, 2**64 + 13, 0, 3**200, None][:-1]
        )
        yield from calls("pow", power, SCALARS[:40], SCALARS[:40])
        yield call("pow", (2.0, 3, 5), pow)
        yield call("pow", (2, 3, None), pow)

    compare(driver, cases(), 20_000)


def test_random_rounding(driver: Path) -> None:
    source = random.Random(3)

    def cases() -> Iterator[Case]:
        for _ in range(20_000):
            value = (
                struct.unpack("<d", struct.pack("<Q", source.getrandbits(64)))[0]
                if source.random() < 0.3
                else source.uniform(-1e6, 1e6)
            )
            if source.random() < 0.3:
                value = source.randrange(-(10**6), 10**6) / 10 ** source.randrange(1, 6)  # near decimal ties
            yield call("round", (value, source.choice((0, 1, 2, 2, 3, 4, -1, -2, source.randrange(-320, 330)))), round)
            yield call("round", (source.randrange(-(10**20), 10**20), source.randrange(-22, 3)), round)

    compare(driver, cases(), 40_000)


def strict_sorted(value: Any, reverse: Any = False) -> list[Any]:
    return sorted(value, reverse=reverse)


def test_iterables(driver: Path) -> None:
    source = random.Random(5)
    numbers: list[Any] = [
        [1.5, 2, True],
        (3, 1, 2),
        [1, 1.0, True],
        *([[math.nan, 1.0, -1.0]] if sys.version_info < (3, 13) else []),  # since then sorted by other comparisons
        [3.0, math.nan, 1.0, 2.0, math.nan, -1.0],
        [2**63 - 1, 1],
        [2**63 - 1, 1, 0.5],
        [0.1] * 10,
        [1e308, 1e308, -1e308],
        ["b", "a", "é"],
        [1, "a"],
        [[1, 2], [1]],
        [(1, "a"), (1, "b"), (0, "z")],
        [datetime.timedelta(1), datetime.timedelta(2)],
        [1e100, 1.0, -1e100],
        [math.inf, -math.inf],
        [None],
        [0, "", None, 0.0],
        [0, 1],
    ]
    numbers += [[source.randrange(100) for _ in range(n)] for n in (5, 40, 63, 64, 65, 200, 1000)]
    numbers += [
        [(source.randrange(5), i) for i in range(150)],
        [float(source.randrange(10)) for _ in range(100)],
        [1, 1.0, True] * 40,
    ]
    small = [v for v in EVERYTHING if not isinstance(v, int | float)]
    starts: list[Any] = [0, 1.5, "", [], (), datetime.timedelta(0), None, -0.0]

    def summed(values: Any, start: Any = 0) -> Any:
        return sum(values, start)

    def cases() -> Iterator[Case]:
        name = "sum.compensated" if sys.version_info >= (3, 12) else "sum"
        folds: list[Callable[..., Any]] = [min, max, any, all, sorted, tuple, list, enumerate, reversed]
        for fold in folds:
            yield from calls(fold.__name__, fold, [*numbers, *small, *SCALARS[:20]])
        for name_, function in ((name, sum), ("math.fsum", math.fsum), ("math.prod", math.prod)):
            yield from calls(name_, function, [*numbers, *small, *SCALARS[:20]])
        reverse: list[Any] = [False, True, 0, 1, -1]
        if sys.version_info < (3, 12):  # since then any object's truth value
            reverse += [None, 2**70]
        yield from calls("sorted", strict_sorted, [*numbers, "hello", 5], reverse)
        yield from calls(name, summed, numbers, starts)
        yield from calls("enumerate", enumerate, ["abc", [1], 5], [0, 5, -1, 2**70, True, 1.0])
        yield call("zip", (), zip)
        yield from calls("zip", zip, [[1, 2], "ab", 5], [(3, 4, 5), [], {1: 2}], ["xyz", [0]])
        for count in (2, 3):
            yield from calls("min", min, *[[1, 2.0, True, math.nan, "a", "b", None, 2**70]] * count)
            yield from calls("max", max, *[[1, 2.0, True, math.nan, "a", "b", None, 2**70]] * count)
        bounds: list[Any] = [0, 1, -1, 5, 10, -7, True, 2**62, -(2**63), 1.0, None]
        yield from calls("range", range, bounds)
        yield from calls("range", range, bounds, bounds)
        yield from calls("range", range, bounds, bounds, [1, -1, 3, 0, -4, 2**62, "a"])
        for values in [*DICTS, 5, "a"]:
            for view in ("keys", "values", "items"):
                yield method(view, (values,))
            for key in (1, 1.0, True, "a", None, "q", [1], (1, "x"), 2**80):
                yield method("get", (values, key))
                yield method("get", (values, key, "default"))

    compare(driver, cases(), 3000)


# --- methods ---

TEXTS = [
    "", "a", "A", "abc", "Hello World", "hELLO", " \t x y \n", "a,b,,c", "aaa", "ababab", "--x--",
    "line\nline2\r\nx\r", "tab\tx\ty", "ΑΣ", "ΑΣ ΣΑΣ", "Σ", "ΑΣ.", "ΑΣ.Α", "ß", "ﬁx", "ǆ", "ǅ",
    "İi", "ŉ", "ΐ", "日本語 テキスト", "\U0001f600 x \U0001f600", "123", "１２", "½", "²", "_ab1", "1ab",
    "a b", "\u2003x\u2003", "\x1cx\x1d", "a\u2028b\x85c", "O'Brien's", "x\u0301y", "ÀÉÎ", "ŁÓDŹ",
    "+42", "-7", "\0a\0", "Ⅷ", "ⅷ", "𐐀𐐨", "ª", "ʰA", "they're bill's", "aΣb", "A\u00adΣ", "\u00adΣ",
    "a:Σ:b", "_", "é,é,é",
]  # fmt: skip
ODD: list[Any] = [None, 5, 1.5, (1,), [1], {1: 2}, EPOCH, DATES[0], DELTAS[1], True, 2**70]
NO_ARGUMENTS = [
    "lower", "upper", "casefold", "title", "capitalize", "swapcase", "isalnum", "isalpha",
    "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable",
    "isspace", "istitle", "isupper", "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines",
    "expandtabs",
]  # fmt: skip
PARTS = ["", "a", "b", "ab", ",", " ", "é", "Σ", "x", "\n", "\U0001f600", "aaa", "本", "-", "- x"]
NOT_TEXT: list[Any] = [None, 5, 1.5, ("a",), ["a"]]


def test_str_methods(driver: Path) -> None:
    places: list[Any] = [None, 0, 1, 2, 3, 10, -1, -2, -10, 2**70, -(2**70), True]
    odd_places: list[Any] = [1.5, "1"]

    def cases() -> Iterator[Case]:
        for name in NO_ARGUMENTS:
            yield from (method(name, (text,)) for text in [*TEXTS, *ODD])
        for name in (
            "strip",
            "lstrip",
            "rstrip",
            "removeprefix",
            "removesuffix",
            "partition",
            "rpartition",
            "split",
            "rsplit",
        ):
            yield from (method(name, args) for args in itertools.product([*TEXTS, *ODD], [*PARTS, *NOT_TEXT]))
        for name in ("find", "rfind", "index", "rindex", "count", "startswith", "endswith"):
            yield from (
                method(name, args)
                for args in itertools.product(
                    [*TEXTS, 5, EPOCH], [*PARTS, *NOT_TEXT, ("a", "b"), ("a", 5), (), (5, "a")]
                )
            )
            yield from (
                method(name, args)
                for args in itertools.product(TEXTS[::3], ["", "a", "é", "Σ"], [*places, *odd_places])
            )
            yield from (
                method(name, args)
                for args in itertools.product(TEXTS[::4], ["", "a", "b"], places, [*places, *odd_places])
            )
        counts: list[Any] = [-1, 0, 1, 2, 100, True, None, 1.5, 2**70]
        for name in ("split", "rsplit"):
            yield from (method(name, args) for args in itertools.product([*TEXTS, 5], [None, *PARTS], counts))
        yield from (method("replace", args) for args in itertools.product([*TEXTS, 5, None], PARTS, ["", "x", "é-"]))
        yield from (method("replace", args) for args in itertools.product(TEXTS, PARTS[:6], ["", "x", "é-"], counts))
        yield from (method("replace", args) for args in itertools.product(["a"], [*NOT_TEXT, "a"], [*NOT_TEXT, "a"]))
        keeps: list[Any] = [True, False, 1, 0]
        if sys.version_info < (3, 12):  # since then any object's truth value
            keeps += [None, "x", 2**40]
        yield from (method("splitlines", args) for args in itertools.product(TEXTS, keeps))
        yield from (
            method("expandtabs", args) for args in itertools.product(TEXTS, [0, 1, 4, 8, -1, True, None, 2**40, 2**70])
        )
        widths: list[Any] = [0, 1, 2, 5, 6, 7, 10, -5, True, None, 1.5, 2**70]
        yield from (method("zfill", args) for args in itertools.product([*TEXTS, 5], widths))
        for name in ("ljust", "rjust", "center"):
            yield from (method(name, args) for args in itertools.product([*TEXTS, 5], widths))
            yield from (method(name, args) for args in itertools.product(TEXTS, widths, ["-", "é", "", "ab", None, 5]))
        lists: list[Any] = [[], ["a"], ["a", "b"], ("x", "é", ""), [1], ["a", None], "abc", {"k": 1}, {"only"}, 5, None]
        yield from (method("join", args) for args in itertools.product([*PARTS, 5], lists))

    compare(driver, cases(), 60_000)


def test_every_character(driver: Path) -> None:
    """All of Unicode: each method on each character alone, and where case depends on neighbours."""
    characters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    assigned = [c for c in characters if c.isprintable() or not c.isspace()]
    interesting = [c for c in assigned if ord(c) < 0x30000 or ord(c) in range(0xE0000, 0xE0200)]

    def grouped(size: int) -> Iterator[str]:
        """Many characters a call, with something between that shows where they end."""
        for at in range(0, len(characters), size):
            yield "".join(characters[at : at + size])

    def cases() -> Iterator[Case]:
        for text in grouped(64):
            for name in ("lower", "upper", "casefold", "title", "swapcase", "split", "strip", "splitlines"):
                yield method(name, (text,))
            yield method("title", ("a".join(text),))
            yield method("lower", ("Σ".join(text),))
            yield method("lower", ("".join(f"A{c}Σ" for c in text),))
            yield unary("FORMAT", text, repr, 2)
        flags = (
            "isalnum",
            "isalpha",
            "isdecimal",
            "isdigit",
            "isidentifier",
            "islower",
            "isnumeric",
            "isprintable",
            "isspace",
            "istitle",
            "isupper",
        )
        for text in interesting[:: 1 if os.environ.get("ASSAY_SLOW") else 7]:
            for name in flags:
                yield method(name, (text,))
            yield method("isidentifier", ("a" + text,))
            yield method("capitalize", (text + "Ab",))
            yield call("float", (text,), float)

    compare(driver, cases(), 200_000)


def test_characters_are_counted_as_one_by_one(driver: Path) -> None:
    """What sum(c.isdigit() for c in s) and sum(c in t for c in s) are compiled to, over every character there is."""
    names = ("isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "isupper")
    characters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    texts = ["", *TEXTS, *("".join(characters[at : at + 6000]) for at in range(0, len(characters), 6000))]

    def of_class(text: str, name: str) -> int:
        return sum(getattr(c, name)() for c in text)

    def among(text: str, others: str) -> int:
        return sum(c in others for c in text)

    def of(which: Callable[[Iterator[bool]], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return (
            lambda text, name: which(getattr(c, name)() for c in text),
            lambda text, others: which(c in others for c in text),
        )

    def kept(text: str, name: str) -> list[str]:
        return [c for c in text if getattr(c, name)()]

    def kept_among(text: str, others: str) -> list[str]:
        return [c for c in text if c in others]

    def cases() -> Iterator[Case]:
        for text in texts:
            for name in names:
                yield call("sum.class", (text, name), of_class)
                yield call("any.class", (text, name), of(any)[0])
                yield call("all.class", (text, name), of(all)[0])
                yield call("filter.class", (text, name), kept)
            if len(text) < 2000:
                yield call("len.set", (text,), lambda x: len(set(x)))
            for others in ("", "aeiou", "é本x", "\U0001f600\0", "0123456789"):
                yield call("sum.among", (text, others), among)
                yield call("any.among", (text, others), of(any)[1])
                yield call("all.among", (text, others), of(all)[1])
                yield call("filter.among", (text, others), kept_among)

    compare(driver, cases(), 2_000)


def test_the_flags_of_every_character(driver: Path) -> None:
    """Groups of characters that share a flag answer True together; the rest are told one from another by the tables."""
    names = ("isalnum", "isalpha", "isdecimal", "isdigit", "isnumeric", "isprintable", "isspace")
    characters = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]

    def cases() -> Iterator[Case]:
        for name in names:
            yes = [c for c in characters if getattr(c, name)()]
            for at in range(0, len(yes), 4000):
                yield method(name, ("".join(yes[at : at + 4000]),))

    compare(driver, cases(), 100)
    # No character is taken as having a flag that it lacks: the tables hold exactly str's own answers.
    data = _unicode.tables()
    records, blocks = struct.unpack_from("<2I", data, 8)
    index_at = 32 + 20 * records
    index = struct.unpack_from("<8704H", data, index_at)
    entries = struct.unpack_from(f"<{blocks * 128}H", data, index_at + 2 * 8704)
    flags: list[str | Path] = [struct.unpack_from("<H", data, 32 + 20 * number)[0] for number in range(records)]
    bits = {
        "isalpha": 0,
        "isdecimal": 1,
        "isdigit": 2,
        "isnumeric": 3,
        "isspace": 4,
        "isprintable": 5,
        "islower": 6,
        "isupper": 7,
    }
    for name, bit in bits.items():
        test = getattr(str, name)
        wrong = [
            c
            for c in characters
            if test(c) != bool(flags[entries[index[ord(c) >> 7] * 128 + (ord(c) & 127)]] >> bit & 1)
        ]
        assert wrong == [], name


def test_other_methods_and_attributes(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for name in ("bit_length", "bit_count", "is_integer", "conjugate"):
            skip = name == "is_integer" and sys.version_info >= (3, 12)
            yield from (method(name, (v,)) for v in EVERYTHING if not (skip and isinstance(v, int)))
        for name in ("real", "imag", "numerator", "denominator"):
            yield from (attribute(name, v) for v in EVERYTHING)
        for name in (
            "year",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "microsecond",
            "days",
            "seconds",
            "microseconds",
        ):
            yield from (attribute(name, v) for v in EVERYTHING)
        for name in ("weekday", "isoweekday", "isoformat", "timestamp", "date", "toordinal", "total_seconds"):
            yield from (method(name, (v,)) for v in EVERYTHING)
        yield from (
            method("isoformat", args)
            for args in itertools.product([*DATETIMES, *DATES], [" ", "é", "T", "ab", "", 5, None])
        )
        numbers: list[Any] = [0, 1, 2, 12, 13, 29, 31, 2023, 2024, 9999, 10000, -1, True, 1.0, None, 2**40]
        for moment in (*DATETIMES[:2], *DATES[:2]):
            yield from (method("replace", (moment, *args)) for args in itertools.product(numbers))
            yield from (method("replace", (moment, *args)) for args in itertools.product(numbers, numbers))
            yield from (method("replace", (moment, 2024, *args)) for args in itertools.product(numbers, numbers))
            yield from (
                method("replace", (moment, 2024, 5, 6, *args)) for args in itertools.product(numbers, [0, 59, 60, -1])
            )
            yield method("replace", (moment, 2024, 5, 6, 7, 8, 9, 999999))
            yield method("replace", (moment, 2024, 5, 6, 7, 8, 9, 1000000))
        lists = [v for v in EVERYTHING if isinstance(v, list | tuple)]
        for name in ("index", "count"):
            yield from (
                method(name, args) for args in itertools.product(lists, [1, 1.0, True, "a", None, 3, [1], 2**70])
            )
        yield from (method("index", args) for args in itertools.product(lists, [1, 3], [0, 1, -1, 9, None, 2**70, 1.5]))
        yield from (method("index", args) for args in itertools.product(lists, [1, 3], [0, 1, -9], [0, 1, -1, 9, None]))

    compare(driver, cases(), 4000)


def test_unpack(driver: Path) -> None:
    """UNPACK of the first of as many cells as asked for."""

    def unpacked(count: int) -> Callable[[Any], Any]:
        def first(value: Any) -> Any:
            items = list(value)
            if len(items) != count:
                raise ValueError
            return items[0]

        return first

    values = [v for v in EVERYTHING if not isinstance(v, set)]
    cases = [unary("UNPACK", v, unpacked(n), n) for v in values for n in (1, 2, 3)]
    compare(driver, cases, 200)


def test_building(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for count in (0, 1, 2, 5):
            for start in range(0, len(SCALARS) - count, 3):
                args = tuple(SCALARS[start : start + count])
                yield Case("TUPLE", (OPCODES["TUPLE"][0], count, 0), args, lambda *a: a)
                yield Case("LIST", (OPCODES["LIST"][0], count, 0), args, lambda *a: list(a))
                texts = tuple(TEXTS[start % 40 : start % 40 + count])
                yield Case("CONCAT", (OPCODES["CONCAT"][0], count, 0), texts, lambda *a: "".join(a))

    compare(driver, cases(), 200)


# --- math ---

MATH_ONE = [
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "ceil", "cos", "cosh", "degrees",
    "erf", "erfc", "exp", "exp2", "expm1", "fabs", "factorial", "floor", "frexp", "gamma",
    "isfinite", "isinf", "isnan", "isqrt", "lgamma", "log", "log10", "log1p", "log2", "modf",
    "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "ulp", "gcd", "lcm", "perm", "hypot",
]  # fmt: skip
MATH_TWO = [
    "atan2", "comb", "copysign", "fmod", "gcd", "hypot", "isclose", "lcm", "ldexp", "log",
    "nextafter", "perm", "pow", "remainder",
]  # fmt: skip


def math_floats() -> list[Any]:
    source = random.Random(13)
    values: list[Any] = [
        *SCALARS,
        "a",
        None,
        EPOCH,
        171.5,
        171.6243769563027,
        171.7,
        -170.5,
        -171.2,
        200.5,
        -200.5,
        709.8,
        -745.2,
    ]
    values += [source.uniform(-30, 30) for _ in range(150)] + [10 ** source.uniform(-310, 308) for _ in range(100)]
    values += (
        [n + 0.5 for n in range(-8, 9)]
        + [float(n) for n in range(-5, 30)]
        + [source.uniform(-1, 1) for _ in range(100)]
    )
    return values


def without_huge(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*args: Any) -> Any:
        if all(isinstance(a, int) and a >= 0 for a in args):
            n, k = args[0], args[-1]
            if name == "comb" and min(k, n - k) > 5000:
                raise Huge
            if name in ("perm", "factorial") and 600 < k <= n:
                raise Huge
        return function(*args)

    return guarded


def test_math(driver: Path) -> None:
    floats = math_floats()
    some: list[Any] = [v for v in floats[:75] if v is not None] + [2.5, -3.7, 100, 1e5]

    def function_of(name: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(math, name)
        return without_huge(name, function) if name in ("factorial", "perm", "comb") else function

    def cases() -> Iterator[Case]:
        for name in MATH_ONE:
            if hasattr(math, name):
                yield from calls("math." + name, function_of(name), floats)
        for name in MATH_TWO:
            yield from calls("math." + name, function_of(name), some, some)
        yield from calls(
            "math.ldexp", math.ldexp, FLOATS, [0, 1, -1, 1000, -1100, 2100, -2100, 2**40, -(2**40), 2**70, 1.0, None]
        )
        yield from calls(
            "math.isclose",
            lambda a, b, r, t: math.isclose(a, b, rel_tol=r, abs_tol=t),
            FLOATS[:20],
            FLOATS[:20],
            [0, 1e-9, 0.5, -1],
            [0.0, 1e-3, -1, "a"],
        )
        yield from calls(
            "math.prod", lambda v, s: math.prod(v, start=s), [[1, 2.5], [], [2**62, 4], ["a"], 5], [1, 2.0, "a", None]
        )
        yield from calls("math.hypot", math.hypot, FLOATS, FLOATS[::3], FLOATS[::4])
        yield call("math.hypot", (), math.hypot)
        yield call("math.gcd", (), math.gcd)
        points: list[Any] = [(1.0, 2.0), [3, 4], (), (1,), 5, ("a", 1), (math.inf, math.nan), (1e300, 1e300)]
        yield from calls("math.dist", lambda a, b: math.dist(tuple(a) if isinstance(a, list) else a, b), points, points)
        yield from calls("math.comb", math.comb, range(0, 70, 3), range(0, 70, 2))
        yield from calls("math.perm", math.perm, range(0, 40, 3), range(0, 40, 2))
        yield from calls(
            "math.isqrt", math.isqrt, [n * n + d for n in (1, 10, 2**31, 2**32, 3**100, 3**1000) for d in (-1, 0, 1)]
        )

    compare(driver, cases(), 60_000)


def test_fsum_of_random_lists(driver: Path) -> None:
    source = random.Random(17)

    def one() -> float:
        return (
            source.choice((1, -1)) * 10 ** source.uniform(-20, 20) if source.random() < 0.9 else source.choice(FLOATS)
        )

    def cases() -> Iterator[Case]:
        name = "sum.compensated" if sys.version_info >= (3, 12) else "sum"
        for _ in range(3000):
            values: list[Any] = [one() for _ in range(source.randrange(12))]
            yield call("math.fsum", (values,), math.fsum)
            if source.random() < 0.3:
                values.insert(0, source.getrandbits(70))
            if source.random() < 0.3:
                values.append(source.randrange(100))
            yield call(name, (values,), sum)
            yield call("math.hypot", tuple(values[:6]), math.hypot)

    compare(driver, cases(), 9000)


def _named_in_library() -> set[str]:
    """The functions, methods and attributes in the expressions of library.txt and the helpers of test_library.py."""
    folder = Path(__file__).parent
    lines = (folder / "library.txt").read_text(encoding="utf-8").split("\n")
    trees = [ast.parse(line) for line in lines if line and not line.startswith("# ")]
    helpers = ast.walk(ast.parse((folder / "test_library.py").read_text(encoding="utf-8")))
    texts = [n.value for n in helpers if isinstance(n, ast.Constant) and isinstance(n.value, str) and "def " in n.value]
    nodes = [node for tree in [*trees, *map(ast.parse, texts)] for node in ast.walk(tree)]
    found = [node for node in nodes if isinstance(node, ast.Attribute)]
    return {ast.unparse(node) for node in found} | {owner + "." + n.attr for n in found for owner in ("", "hash")}


def _regular_lines() -> list[ast.stmt]:
    """The expressions of regular.txt."""
    lines = (Path(__file__).parent / "regular.txt").read_text(encoding="utf-8").split("\n")
    return [node for line in lines if not line.startswith("# ") for node in ast.parse(line).body]


def test_every_builtin_is_compared_with_cpython() -> None:
    """Here, in one of the files that compare more built-ins by the same means, or in times.txt."""
    nodes = [n for file in Path(__file__).parent.glob("test_code_*.py") for n in ast.walk(ast.parse(file.read_text()))]
    named = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named |= {node.id for node in nodes if isinstance(node, ast.Name)}
    named |= set(re.findall(r"\w+", (Path(__file__).parent / "times.txt").read_text(encoding="utf-8")))
    named |= _named_in_library()
    named |= set(re.findall(r"\w+", (Path(__file__).parent / "language.py.txt").read_text(encoding="utf-8")))
    made_of = {  # built-ins that other syntax becomes, by a word of language.py.txt that it has
        "dict.fromkeys": "fromkeys",
        "list.replace": "sort",
        "list.splice": "in",
        "sorted.by": "key",
        "inplace": "in_place_sets",
        "min.star": "spread",
        "max.star": "spread",
        "zip.star": "zip",
        "zip.strict": "strict",
        "type.name": "__name__",
    }
    regular = ast.walk(ast.Module(_regular_lines(), []))
    methods = {n.attr for n in regular if isinstance(n, ast.Attribute)}
    named |= {name for name in BUILTINS if name.startswith("re.") and name.rpartition(".")[2] in methods}
    named |= {name for name, word in made_of.items() if word in named}
    named.add("text.tokens")  # test_text.py: compared with the tokenizers package
    named |= {f"assay.fn.{name}" for name in fn.__all__}  # test_comparisons.py: compared with their twins
    named.add("assay._prelude.exact_sums")  # test_comparisons.py: compared with the Python beside it
    named |= {"text.bag", "text.embed"}  # test_vectors.py: compared with numpy
    named.add("text.vectorize")  # test_vectorize.py: compared with scikit-learn
    missing = [name for name in BUILTINS if not named & {name, name.removeprefix("."), name.removeprefix("math.")}]
    assert missing == []
