"""What the compiler knows of the engine's built-ins (engine/code/builtins.h): which Python object each one is, where
its keyword arguments go, and the type of what it gives.

A built-in named "hashlib.sha256" is what that name gives in Python, one named "len" is Python's own, ".lower" is a
method or an attribute. A new one needs its line in builtins.h, its meaning in C, a comparison with CPython in tests/,
and here whatever of the tables below is not the default: no keywords, a result of which nothing is known.
"""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Hashable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from . import _modules
from ._types import ANY, BOOL, BYTES, FLOAT, INT, NONE, NUMBER, NUMBERS, STR, Type, item_of, join, join_all, of

DATE = ("year", "month", "day")
CLOCK = ("hour", "minute", "second", "microsecond")
# Keyword arguments of built-ins and methods, by the position they have. The receiver of a method is position 0.
KEYWORDS: dict[str, tuple[str | None, ...]] = {
    "round": ("number", "ndigits"),
    "sum": (None, "start"),
    "int": (None, "base"),
    "pow": ("base", "exp", "mod"),
    "sorted": (None, "reverse"),
    "enumerate": ("iterable", "start"),
    "math.isclose": ("a", "b", "rel_tol", "abs_tol"),
    "math.prod": (None, "start"),
    ".split": (None, "sep", "maxsplit"),
    ".rsplit": (None, "sep", "maxsplit"),
    ".splitlines": (None, "keepends"),
    ".expandtabs": (None, "tabsize"),
    ".isoformat": (None, "sep", "timespec"),
    ".astimezone": (None, "tz"),
    ".strftime": (None, "format"),
    "datetime.datetime": (*DATE, *CLOCK, "tzinfo", "fold"),
    "datetime.date": DATE,
    "datetime.time": (*CLOCK, "tzinfo", "fold"),
    "datetime.timedelta": ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
    "datetime.timezone": ("offset", "name"),
    "datetime.datetime.combine": ("date", "time", "tzinfo"),
    "datetime.datetime.fromtimestamp": ("timestamp", "tz"),
    "datetime.datetime.fromisocalendar": ("year", "week", "day"),
    "datetime.date.fromisocalendar": ("year", "week", "day"),
}
KEYWORD_ONLY = {
    "sorted": 1,
    "math.isclose": 2,
    "math.prod": 1,
    "datetime.datetime": 8,
    "datetime.time": 5,
}  # name -> how many may be given by position
DEFAULTS: dict[tuple[str, int], Any] = {
    (".split", 1): None,
    (".rsplit", 1): None,
    ("math.isclose", 2): 1e-09,
    (".isoformat", 1): "T",
    **{("datetime.datetime", at): 0 for at in range(3, 7)},
    ("datetime.datetime", 7): None,
    **{("datetime.time", at): 0 for at in range(4)},
    ("datetime.time", 4): None,
    **{("datetime.timedelta", at): 0 for at in range(7)},
}
KEYWORDS |= _modules.KEYWORDS
KEYWORD_ONLY |= _modules.KEYWORD_ONLY
DEFAULTS |= _modules.DEFAULTS


@lru_cache(maxsize=1)
def _objects(names: tuple[str, ...]) -> dict[Hashable, str]:
    """The Python object of each name."""
    found: dict[Hashable, str] = {}
    for name in names:
        if name.startswith("."):
            continue
        *path, last = name.split(".")
        owner = _owner(path) if path else builtins
        if hasattr(owner, last):
            found[getattr(owner, last)] = name
    return found


def _owner(path: list[str]) -> Any:
    """The module, or the class in one or of Python, that a dotted name's front stands for; None if there is none."""
    for cut in range(len(path), 0, -1):
        try:
            owner: Any = importlib.import_module(".".join(path[:cut]))
        except ImportError:
            continue
        for part in path[cut:]:
            owner = getattr(owner, part, None)
        return owner
    return getattr(builtins, path[0], None) if len(path) == 1 else None


def name_of(found: Any, names: Iterable[str]) -> str | None:
    """The built-in that a Python object is, if the engine has it."""
    if not callable(found) or not isinstance(found, Hashable):
        return None
    try:
        return _objects(tuple(names)).get(found)
    except TypeError:
        return None


def of_call(name: str, arguments: list[Type]) -> Type:
    """The result of a built-in; ANY if not worth knowing."""
    first = arguments[0] if arguments else ANY
    if name in ("min", "max"):
        return item_of(first) if len(arguments) == 1 else join_all(arguments)
    if name in ("sorted", "list"):
        return of("list", item=item_of(first) if arguments else ANY)
    if name == "tuple":
        return of("tuple", item=item_of(first) if arguments else ANY)
    if name == "reversed":
        return of("iterator", item=item_of(first))
    if name == "enumerate":
        pair = Type(frozenset({"tuple"}), join(INT, item_of(first)), None, (INT, item_of(first)))
        return of("iterator", item=pair)
    if name == "zip":
        parts = tuple(item_of(a) for a in arguments)
        return of("iterator", item=Type(frozenset({"tuple"}), join_all(parts), None, parts))
    if name == ".get":
        value = first.value if first.value is not None else ANY
        return join(value, arguments[2] if len(arguments) > 2 else NONE)
    if name == ".keys":
        return of("iterator", item=first.item or ANY)
    if name == ".values":
        return of("iterator", item=first.value or ANY)
    if name == ".items":
        key, value = first.item or ANY, first.value or ANY
        return of("iterator", item=Type(frozenset({"tuple"}), join(key, value), None, (key, value)))
    if name in ("sum", "sum.compensated"):
        return NUMBER if item_of(first).tags <= NUMBERS else ANY
    if name in ("abs", "round"):
        return NUMBER if first.without_none().tags <= NUMBERS else ANY
    if name == "divmod":
        kinds = [a.without_none() for a in arguments]
        known = all(kind.tags and kind.tags <= NUMBERS for kind in kinds)
        part = ANY if not known else INT if not any("float" in kind.tags for kind in kinds) else NUMBER
        return Type(frozenset({"tuple"}), part, None, (part, part))
    if first.without_none().tags & {"bytes"} and name in TEXT_METHODS:
        return of_bytes_method(name, first.without_none())
    if name in (".partition", ".rpartition"):
        return Type(frozenset({"tuple"}), STR, None, (STR, STR, STR))
    if name in (".count", ".index"):
        return INT
    if name == ".replace":
        return STR if first.without_none().only("str") else replace(first.without_none(), texts=None)
    if name in (".setdefault", ".pop"):
        popped = first.value if first.only("dict") else first.item if first.only("list") else None
        return join_all([popped if popped is not None else ANY, *arguments[2:]])
    if name in (".copy", ".union", ".intersection", ".difference", ".symmetric_difference"):
        return first.without_none()
    if name in ("set", "frozenset"):
        return of("set", item=item_of(first) if arguments else None)
    if name == "dict":
        if not arguments:
            return of("dict")
        if first.only("dict"):
            return Type(frozenset({"dict"}), first.item, first.value)
        return Type(frozenset({"dict"}), ANY, ANY)
    if name == "dict.fromkeys":
        return Type(frozenset({"dict"}), item_of(first), arguments[1] if len(arguments) > 1 else NONE)
    if name in ("iter", "zip.strict"):
        return of("iterator", item=item_of(first)) if name == "iter" else of_call("zip", arguments)
    if name == "next":
        return join_all([item_of(first), *arguments[1:]])
    return RESULTS.get(name, ANY)


FROM = ("ordinal", "isocalendar", "isoformat")


def of_bytes_method(name: str, receiver: Type) -> Type:
    """What a method that str and bytes share gives for bytes."""
    if not receiver.only("bytes"):
        return ANY
    if name in (".partition", ".rpartition"):
        return Type(frozenset({"tuple"}), BYTES, None, (BYTES, BYTES, BYTES))
    return of("list", item=BYTES) if name in (".split", ".rsplit", ".splitlines") else BYTES


_TEXT_METHODS = (
    ".partition .rpartition .split .rsplit .splitlines .replace .strip .lstrip .rstrip .lower .upper .title "
    ".capitalize .swapcase .join .removeprefix .removesuffix .ljust .rjust .center .zfill .expandtabs"
)
TEXT_METHODS = frozenset(_TEXT_METHODS.split())
RESULTS: dict[str, Type] = {
    **_modules.RESULTS,
    **dict.fromkeys(["len", "int", "ord", "math.ceil", "math.comb", "math.factorial", "math.floor", "math.gcd"], INT),
    **dict.fromkeys(["math.isqrt", "math.lcm", "math.perm", "math.trunc", ".find", ".rfind", ".rindex"], INT),
    **dict.fromkeys([".year", ".month", ".day", ".hour", ".minute", ".second", ".microsecond", ".weekday"], INT),
    **dict.fromkeys([".isoweekday", ".toordinal", ".days", ".seconds", ".microseconds", ".bit_length"], INT),
    **dict.fromkeys(["any", "all", "bool", "math.isclose", "math.isfinite", "math.isinf", "math.isnan"], BOOL),
    **dict.fromkeys([".startswith", ".endswith", ".is_integer"], BOOL),
    **dict.fromkeys(
        [
            ".isalnum",
            ".isalpha",
            ".isascii",
            ".isdecimal",
            ".isdigit",
            ".isidentifier",
            ".islower",
            ".isnumeric",
            ".isprintable",
            ".isspace",
            ".istitle",
            ".isupper",
        ],
        BOOL,
    ),
    **dict.fromkeys(
        ["str", "repr", "ascii", "chr", "hex", "oct", "bin", ".lower", ".upper", ".casefold", ".title"], STR
    ),
    **dict.fromkeys([".capitalize", ".swapcase", ".strip", ".lstrip", ".rstrip", ".join", ".removeprefix"], STR),
    **dict.fromkeys([".removesuffix", ".zfill", ".ljust", ".rjust", ".center", ".expandtabs", ".isoformat"], STR),
    **dict.fromkeys([".split", ".rsplit", ".splitlines"], of("list", item=STR)),
    **dict.fromkeys(["float", ".timestamp", ".total_seconds", "math.fsum", "math.sqrt", "math.exp", "math.log"], FLOAT),
    **dict.fromkeys(
        ["math.log10", "math.log2", "math.log1p", "math.pow", "math.hypot", "math.dist", "math.fabs"], FLOAT
    ),
    **dict.fromkeys(["math.sin", "math.cos", "math.tan", "math.asin", "math.acos", "math.atan", "math.atan2"], FLOAT),
    **dict.fromkeys(["math.radians", "math.degrees", "math.copysign", "math.fmod", "math.tanh", "math.expm1"], FLOAT),
    **dict.fromkeys([".date", "datetime.date", *(f"datetime.date.from{what}" for what in FROM)], of("date")),
    **dict.fromkeys(["datetime.datetime", "datetime.datetime.combine", ".astimezone"], of("datetime")),
    **dict.fromkeys([f"datetime.datetime.from{what}" for what in (*FROM, "timestamp")], of("datetime")),
    **dict.fromkeys(["datetime.datetime.utcfromtimestamp", "datetime.datetime.strptime"], of("datetime")),
    **dict.fromkeys([".time", ".timetz", "datetime.time", "datetime.time.fromisoformat"], of("time")),
    **dict.fromkeys(["datetime.timedelta"], of("timedelta")),
    **dict.fromkeys([".utcoffset", ".dst"], of("timedelta", "none")),
    **dict.fromkeys([".strftime", ".ctime", ".key"], STR),
    **dict.fromkeys([".fold", ".week", ".weekday.attribute"], INT),
    **dict.fromkeys([f".tm_{p}" for p in ("year", "mon", "mday", "hour", "min", "sec", "wday", "yday", "isdst")], INT),
    "datetime.timezone": of("zone"),
    ".tzinfo": of("zone", "none"),
    ".tzname": of("str", "none"),
    ".isocalendar": Type(frozenset({"tuple"}), INT, None, (INT,) * 3),
    **dict.fromkeys([".timetuple", ".utctimetuple"], Type(frozenset({"tuple"}), INT, None, (INT,) * 9)),
    "range": of("range", item=INT),
    **dict.fromkeys([".append", ".extend", ".insert", ".reverse", ".clear", ".update", ".add", ".remove"], NONE),
    ".discard": NONE,
    **dict.fromkeys([".issubset", ".issuperset", ".isdisjoint"], BOOL),
    "format": STR,
}
