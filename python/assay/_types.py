"""What the compiler knows of a value before it runs: its possible tags, its items, whether it stands for an Enum.

The engine's values carry their tag, so nothing depends on this for its meaning. It is here for three things: to name
the places where None can bite, to refuse what would silently differ (an Enum member is only its value in the engine),
and to print types. When unsure a type is wide (ANY) and says nothing.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import types
import typing
from dataclasses import dataclass, replace
from typing import Any

from ._classes import is_plain
from ._definition import FieldDef, FunctionDef, ModelDef, WindowDef
from ._events import SCALARS, strip_none

NUMBERS = frozenset({"bool", "int", "float"})
TIMES = frozenset({"datetime", "date", "timedelta", "time", "zone"})
SIMPLE = NUMBERS | TIMES | {"none", "str", "list", "tuple", "dict", "range", "iterator", "set", "object", "exception"}


class Mixed(enum.Enum):
    """Of a type that may be an Enum member or something else: nearly nothing can be done with it."""

    MIXED = "mixed"


@dataclass(frozen=True)
class Type:
    tags: frozenset[str]
    item: Type | None = None  # of list, tuple, set, dict (its keys), iterator; None: unknown
    value: Type | None = None  # of dict
    items: tuple[Type, ...] | None = None  # of a tuple whose length is known
    enum: type[enum.Enum] | Mixed | None = None  # what is not None is a member of it
    cls: type | None = None  # of an object: its class; of a dict: Counter
    texts: frozenset[str] | None = None  # every str that it can be, where that is written in the source
    bound: int | None = None  # of a deque: how many items it keeps, -1 if that is not known
    fields: tuple[tuple[str, Type], ...] = ()  # of a constant object: those of which more than the class is known

    @property
    def maybe_none(self) -> bool:
        return "none" in self.tags

    def without_none(self) -> Type:
        return replace(self, tags=self.tags - {"none"}) if self.maybe_none else self

    def only(self, *tags: str) -> bool:
        """Whether every value of the type has one of these tags."""
        return bool(self.tags) and self.tags <= set(tags)

    def __str__(self) -> str:
        if isinstance(self.enum, type):
            names = [self.enum.__name__]
        elif self.cls is not None:
            names = [self.cls.__name__]
        else:
            names = sorted(self.tags - {"none"})
            names = ["value"] if len(names) > 4 else names
        return " | ".join(names + (["None"] if self.maybe_none else []))


TEXTS_MAX = 64


def of_texts(kind: Type, *texts: str) -> Type:
    """A str that is one of these."""
    few = len(texts) <= TEXTS_MAX and sum(map(len, texts)) <= TEXTS_BYTES_MAX
    return replace(kind, texts=frozenset(texts)) if few else kind


TEXTS_BYTES_MAX = 4096


def of(*tags: str, item: Type | None = None) -> Type:
    return Type(frozenset(tags), item)


ANY = Type(frozenset(SIMPLE))
NONE, BOOL, INT, FLOAT, STR = of("none"), of("bool"), of("int"), of("float"), of("str")
BYTES = of("bytes")
NUMBER = of("int", "float")


OF_PYTHON = (
    collections.Counter,
    collections.deque,
    collections.OrderedDict,
)  # classes of lists and dicts of the engine's


def of_object(cls: type) -> Type:
    """An instance of the user's class."""
    return Type(frozenset({"tuple" if issubclass(cls, tuple) else "object"}), cls=cls)


def join(a: Type, b: Type) -> Type:
    """A value that is one or the other."""
    if a == b:
        return a
    if not a.tags or not b.tags:
        return b if not a.tags else a
    cls: type[enum.Enum] | Mixed | None
    if a.enum == b.enum or b.tags == {"none"}:
        cls = a.enum
    elif a.tags == {"none"}:
        cls = b.enum
    else:
        cls = Mixed.MIXED
    items = a.items if a.items == b.items else None
    if items is None and a.items is not None and b.items is not None and len(a.items) == len(b.items):
        items = tuple(join(x, y) for x, y in zip(a.items, b.items, strict=True))
    if b.tags == {"none"} or a.tags == {"none"}:
        items = a.items if b.tags == {"none"} else b.items
        of = a.cls if b.tags == {"none"} else b.cls
    else:
        of = a.cls if a.cls is b.cls else None
    parts = _join_parts(a, b, "item"), _join_parts(a, b, "value")
    bound = a.bound if a.bound == b.bound or b == NONE else b.bound if a == NONE else -1
    return Type(a.tags | b.tags, *parts, items, cls, of, _join_texts(a, b), bound, _join_fields(a, b))


def _join_fields(a: Type, b: Type) -> tuple[tuple[str, Type], ...]:
    if "none" in a.tags | b.tags and (a == NONE or b == NONE):
        return a.fields or b.fields
    known = dict(b.fields)
    return tuple((name, join(kind, known[name])) for name, kind in a.fields if name in known)


def _join_texts(a: Type, b: Type) -> frozenset[str] | None:
    sides = [side.texts for side in (a, b) if "str" in side.tags]
    known = [texts for texts in sides if texts is not None]
    joined = frozenset[str]().union(*known)
    return joined if known and len(known) == len(sides) and len(joined) <= TEXTS_MAX else None


def _join_parts(a: Type, b: Type, part: str) -> Type | None:
    x, y = getattr(a, part), getattr(b, part)
    containers = {"list", "tuple", "set", "dict", "iterator"}
    if x is None and not a.tags & containers:
        return typing.cast("Type | None", y)
    if y is None and not b.tags & containers:
        return typing.cast("Type | None", x)
    return join(x, y) if x is not None and y is not None else None


def join_all(parts: typing.Iterable[Type]) -> Type:
    joined = Type(frozenset())
    for part in parts:
        joined = join(joined, part)
    return joined


def item_of(t: Type) -> Type:
    """What iterating over it gives."""
    parts: list[Type] = []
    if t.tags & {"list", "tuple", "set", "dict", "iterator"}:
        parts.append(t.item if t.item is not None else ANY)
    if "str" in t.tags:
        parts.append(STR)
    if "range" in t.tags or "bytes" in t.tags:
        parts.append(INT)
    joined = join_all(parts)
    return joined if joined.tags else ANY


def holds_set(t: Type | None) -> bool:
    """Whether it is known to be a set, perhaps, or to hold one at some depth; of ANY nothing is known."""
    if t is None or t.tags | {"none"} >= SIMPLE:
        return False
    return "set" in t.tags or holds_set(t.item) or holds_set(t.value)


def enum_inside(t: Type | None) -> bool:
    """Whether it is an Enum's member or holds one."""
    return t is not None and (t.enum is not None or enum_inside(t.item) or enum_inside(t.value))


def members_are_values(t: Type | None) -> bool:
    """Whether what it has of Enums orders and adds as its values do."""
    if t is None:
        return True
    alike = t.enum is None or (isinstance(t.enum, type) and is_value_like(t.enum))
    return alike and members_are_values(t.item) and members_are_values(t.value)


# --- from Python's side ---------------------------------------------------------------------------------------------


def of_annotation(annotation: Any) -> Type:
    """The type that an annotation describes; ANY if it is beyond us."""
    base, nullable = strip_none(annotation)
    if typing.get_origin(base) is typing.Annotated:
        return of_annotation(base.__origin__ | None if nullable else base.__origin__)
    known = _of_base(base)
    return join(known, NONE) if nullable else known


def _of_base(base: Any) -> Type:
    origin, arguments = typing.get_origin(base), typing.get_args(base)
    if base in SCALARS:
        return of(SCALARS[base])
    if base is bytes:
        return BYTES
    if base is datetime.timedelta:
        return of("timedelta")
    if base is datetime.time:
        return of("time")
    if isinstance(base, type) and issubclass(base, datetime.tzinfo):
        return of("zone")
    if base is None or base is type(None):
        return NONE
    if origin is typing.Literal:
        return join_all(of(type(a).__name__) if type(a) in SCALARS else ANY for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return join_all(of_annotation(a) for a in arguments)
    if origin is list or base is list:
        return of("list", item=of_annotation(arguments[0]) if arguments else ANY)
    if origin is tuple:
        parts = [of_annotation(a) for a in arguments if a is not Ellipsis]
        fixed = tuple(parts) if parts and Ellipsis not in arguments else None
        return Type(frozenset({"tuple"}), join_all(parts), None, fixed)
    if origin in (dict, collections.Counter, collections.defaultdict) and len(arguments) >= 1:
        value = of_annotation(arguments[1]) if len(arguments) > 1 else INT
        return Type(frozenset({"dict"}), of_annotation(arguments[0]), value)
    if origin in (set, frozenset) and arguments:
        return of("set", item=of_annotation(arguments[0]))
    if isinstance(base, type) and issubclass(base, enum.Enum):
        values = {type(m.value).__name__ for m in base}
        return Type(frozenset(values), enum=base) if values <= {"str", "int"} else ANY
    if isinstance(base, type) and (
        dataclasses.is_dataclass(base) or (issubclass(base, tuple) and base is not tuple) or is_plain(base)
    ):
        return of_object(base)
    return of("tuple", item=ANY) if base is tuple else ANY


def of_field(field: FieldDef, may_be_none: bool) -> Type:
    """The type of a field's cell, as a function sees it."""
    if field.is_list:
        item = of(field.type)
        known = of("list", item=join(item, NONE) if field.item_nullable else item)
    else:
        known = Type(frozenset({field.type}), enum=field.enum)
    return join(known, NONE) if may_be_none else known


def of_window(window: WindowDef) -> Type:
    known = Type(frozenset({window.result_type}), enum=window.result_enum)
    return known if window.kind in ("count", "sum", "distinct", "rate", "decayed_sum") else join(known, NONE)


def of_source(source: FunctionDef | WindowDef | ModelDef) -> Type:
    if isinstance(source, WindowDef):
        return of_window(source)
    if isinstance(source, ModelDef):
        return FLOAT if source.built.outputs == 1 else of_annotation(list[float])
    return BOOL if source.kind == "rule" else of_annotation(source.returns)


# --- isinstance: the numbers of engine/code/run.h's enum kind --------------------------------------------------------

KINDS: dict[type, int] = {
    type(None): 0,
    bool: 1,
    int: 2,
    float: 3,
    str: 4,
    datetime.datetime: 5,
    datetime.date: 6,
    datetime.timedelta: 7,
    list: 8,
    tuple: 9,
    set: 10,
    frozenset: 11,
    dict: 12,
    bytes: 13,
    datetime.time: 14,
    range: 15,
}


def kind_mask(names: typing.Iterable[str]) -> int:
    return sum(1 << number for cls, number in KINDS.items() if cls.__name__ in names)


def kinds_of_class(cls: type) -> int | None:
    """The mask of the kinds that are instances of a class; None if that is not known."""
    if cls in KINDS:
        return 1 << KINDS[cls]
    if cls.__module__ in ("numbers", "collections.abc", "typing"):
        return sum(1 << number for known, number in KINDS.items() if issubclass(known, cls))
    return None


# --- Enums ----------------------------------------------------------------------------------------------------------


def is_value_like(cls: type[enum.Enum]) -> bool:
    """Whether its members equal their values (a str or int Enum)."""
    return issubclass(cls, str | int)


def truth_is_of_value(cls: type[enum.Enum]) -> bool:
    """Whether bool() of its members is that of their values."""
    return is_value_like(cls) or issubclass(cls, enum.Flag)


def prints_value(cls: type[enum.Enum]) -> bool:
    """Whether str() and format() of its members are those of their values."""
    return all(str(m) == str(m.value) and format(m) == format(m.value) for m in cls)


def equality_is_exact(a: Type, b: Type) -> bool:
    """Whether comparing the values of two types says what comparing them in Python says."""
    if a.enum is None and b.enum is None:
        if a.items is not None and b.items is not None and len(a.items) == len(b.items):
            return all(equality_is_exact(x, y) for x, y in zip(a.items, b.items, strict=True))
        return not (enum_inside(a.item) or enum_inside(b.item)) or not a.tags & b.tags
    if Mixed.MIXED in (a.enum, b.enum):
        return a.tags == {"none"} or b.tags == {"none"}
    if a.enum is b.enum or a.tags == {"none"} or b.tags == {"none"}:
        return True
    return all(t.enum is None or (isinstance(t.enum, type) and is_value_like(t.enum)) for t in (a, b))


def of_keys(t: Type) -> bool:
    """Whether it is a set, or what .keys() or .items() gives: their operators give sets."""
    return t.only("set", "iterator")


# --- operators ------------------------------------------------------------------------------------------------------


def of_operator(op: str, a: Type, b: Type) -> Type:
    """The result of an arithmetic instruction, None left aside (it raises)."""
    a, b = a.without_none(), b.without_none()
    if a.tags and b.tags and a.tags <= NUMBERS and b.tags <= NUMBERS:
        if op == "DIV":
            return FLOAT
        if op in ("BIT_AND", "BIT_OR", "BIT_XOR") and a.tags | b.tags == {"bool"}:
            return BOOL
        if "float" not in a.tags | b.tags:
            return NUMBER if op == "POW" else INT
        return FLOAT if a.tags == {"float"} or b.tags == {"float"} else NUMBER
    if op in ("ADD", "MUL") and (a.only("bytes") or b.only("bytes")):
        return BYTES
    if op in ("ADD", "MUL", "MOD") and (a.only("str") or b.only("str")):
        return STR
    if op == "ADD" and a.tags <= {"list", "tuple"} and b.tags <= {"list", "tuple"} and a.tags:
        item = join(a.item, b.item) if a.item is not None and b.item is not None else None
        return Type(a.tags, item)
    if op == "MUL" and (a.only("list", "tuple") or b.only("list", "tuple")):
        source = a if a.only("list", "tuple") else b
        return Type(source.tags, source.item)
    if op in ("BIT_AND", "BIT_OR", "BIT_XOR", "SUB") and (of_keys(a) or of_keys(b)):
        item = join(a.item, b.item) if a.item is not None and b.item is not None else None
        return of("set", item=a.item if op == "SUB" else item)
    times = {"datetime", "date", "timedelta"}
    if a.tags <= times | NUMBERS and b.tags <= times | NUMBERS:
        return of("datetime", "date", "timedelta", "int", "float")
    return ANY
