"""An event's JSON to values by its class's fields, in plain Python: the twin's counterpart of engine/event.

Same rules, same errors (path, expected, got). JSON itself is read by CPython's json module with its liberties taken
away (NaN, duplicate keys, lone surrogates).
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ._definition import MISSING, EventDef, FieldDef, ObjectDef, Secrecy
from ._mask import mask

DEPTH_MAX = 32
ERRORS_MAX = 16
EVENT_BYTES_MAX = 64 * 1024
STRING_BYTES_MAX = 32 * 1024
ID_BYTES_MAX = 256
LIST_ITEMS_MAX = 4096
GOT_CHARACTERS = 60
EXPECTED_BYTES = 400
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class EventError(ValueError):
    """An event that was refused: `problem` is what the server would have answered, `status` its HTTP status."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.status = int(problem.get("status", 400))
        lines = [str(problem.get("detail") or problem.get("title") or "the event was refused")]
        lines += [
            f"  {error['path'] or 'the event'}: expected {error['expected']}, got {error['got']}"
            for error in problem.get("errors", [])
        ]
        super().__init__("\n".join(lines))


def problem(
    status: int, kind: str, title: str, detail: str, errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """A problem as the server answers it (RFC 9457)."""
    body: dict[str, Any] = {"type": f"urn:assay:problem:{kind}", "title": title, "status": status, "detail": detail}
    return body | ({"errors": list(errors)} if errors else {})


@dataclass
class Parsed:
    """One event as its fields' values (an Enum's as JSON has it)."""

    values: dict[str, Any]
    id: str | int = ""
    masked: Counter[str] = field(default_factory=Counter)  # card numbers, by field
    absent: set[str] = field(default_factory=set)  # names of nested objects that were null or not there


# --- what comes in as Python ----------------------------------------------------------------------------------------


def to_json_bytes(event: Any) -> bytes:
    """An event given as JSON text, as a dict or as an object of its class, as JSON bytes."""
    if isinstance(event, bytes | bytearray):
        return bytes(event)
    if isinstance(event, str):
        return event.encode("utf-8", "surrogatepass")
    return json.dumps(_plain(event, ""), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")


def _plain(value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain_object(value, path)
    if isinstance(value, Mapping):
        return {str(name): _plain(item, f"{path}/{name}") for name, item in value.items()}
    if isinstance(value, enum.Enum):
        return _plain(value.value, path)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}/{index}") for index, item in enumerate(value)]
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        error = {"path": path, "expected": "a finite number", "got": repr(value)}
        raise EventError(
            problem(
                422,
                "bad-fields",
                "The event's fields are not as expected",
                "NaN and infinities cannot come in",
                [error],
            )
        )
    if value is None or isinstance(value, str | int | float):
        return value
    if hasattr(value, "item"):  # a numpy scalar
        return _plain(value.item(), path)
    error = {"path": path, "expected": "a JSON value", "got": type(value).__name__}
    raise EventError(
        problem(422, "bad-fields", "The event's fields are not as expected", "a value that JSON does not have", [error])
    )


def _plain_object(value: Any, path: str) -> dict[str, Any]:
    """An object of an event class as its JSON, each field under its alias."""
    said = getattr(type(value), "__assay_fields__", {})
    tree: dict[str, Any] = {}
    for each in dataclasses.fields(value):
        alias = getattr(said.get(each.name), "alias", None)
        names = alias.split(".") if alias else [each.name]
        inner = tree
        for name in names[:-1]:
            inner = inner.setdefault(name, {})
        inner[names[-1]] = _plain(getattr(value, each.name), f"{path}/{each.name}")
    return tree


# --- JSON -----------------------------------------------------------------------------------------------------------


class _Number(str):
    """A number as it was written."""


class _Bad(Exception):
    pass


@dataclass
class _Object:
    members: list[tuple[str, Any]]


def _refuse_constant(text: str) -> Any:
    raise _Bad(f"expected a value, got '{text}'")


def read_json(text: bytes) -> Any:
    """The JSON's tree, with numbers as written and objects as pairs. EventError 400 if it is not JSON in UTF-8."""
    try:
        characters = text.decode("utf-8")
        tree = json.loads(
            characters,
            object_pairs_hook=_Object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse_constant,
        )
        _refuse_surrogates(tree)
        return tree
    except UnicodeDecodeError as error:
        raise _not_json(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at byte {len(error.doc[: error.pos].encode())}") from None
    except RecursionError:
        raise _not_json("nested too deep") from None
    except _Bad as error:
        raise _not_json(str(error)) from None


def _not_json(detail: str) -> EventError:
    return EventError(problem(400, "bad-json", "The body is not valid JSON", detail))


def _refuse_surrogates(tree: Any) -> None:
    if isinstance(tree, str) and any("\ud800" <= character <= "\udfff" for character in tree):
        raise _Bad("a lone surrogate escape in a string")
    for item in tree if isinstance(tree, list) else []:
        _refuse_surrogates(item)
    for name, item in tree.members if isinstance(tree, _Object) else []:
        _refuse_surrogates(name)
        _refuse_surrogates(item)


# --- fields ---------------------------------------------------------------------------------------------------------


@dataclass
class _Node:
    """A member name on the way to fields."""

    name: str
    field: FieldDef | None = None
    object: ObjectDef | None = None
    children: dict[str, _Node] = dataclasses.field(default_factory=dict)

    @property
    def nullable(self) -> bool:
        return bool(self.object and self.object.nullable)

    @property
    def required(self) -> bool:
        return self.field.default is MISSING if self.field else bool(self.object and self.object.required)


@lru_cache(maxsize=64)
def tree_of(event: EventDef) -> _Node:
    """The tree of the JSON names that an event class reads."""
    root = _Node("")
    objects = {source.path: source for source in event.objects}
    for leaf in event.fields:
        node = root
        for depth, name in enumerate(leaf.path):
            node = node.children.setdefault(name, _Node(name, object=objects.get(leaf.path[: depth + 1])))
        node.field = leaf
    return root


class _TooDeep(Exception):
    pass


class _Reader:
    def __init__(self, event: EventDef) -> None:
        self.event = event
        self.parsed = Parsed({})
        self.errors: list[dict[str, str]] = []

    def wrong(self, path: str, expected: str, got: str) -> None:
        self.errors.append({"path": mask(path)[0], "expected": expected, "got": got})

    def leave(self, value: Any, path: str, depth: int) -> None:
        """Leaves a value that is not read: it may not nest beyond the limit, which ends the reading."""
        if depth + nesting(value) > DEPTH_MAX:
            self.wrong(path, f"nesting of at most {DEPTH_MAX} levels", "more")
            raise _TooDeep

    def wrong_value(self, path: str, expected: str, value: Any, depth: int, source: FieldDef | None = None) -> None:
        self.leave(value, path, depth)
        secret = source is not None and source.secrecy is Secrecy.SECRET
        self.wrong(path, expected, "a secret value" if secret else describe(value))

    def read_object(self, node: _Node, tree: Any, path: str, depth: int) -> None:
        """Reads what a name on the way to fields holds; `depth`: how many objects and arrays are open around it."""
        if tree is None and node.nullable:
            self.fall_back(node)
            return
        if not isinstance(tree, _Object) or depth == DEPTH_MAX:
            self.wrong_value(path, "object", tree, depth)
            return
        found: set[str] = set()
        for name, value in tree.members:
            self.read_member(node, name, value, f"{path}/{pointer(name)}", depth + 1, name in found)
            found.add(name)
        for name, child in node.children.items():
            if name in found:
                continue
            if child.required:
                expected = "object" if child.field is None else expected_of(child.field)
                self.wrong(f"{path}/{pointer(name)}", expected, "nothing")
            else:
                self.fall_back(child)

    def read_member(self, node: _Node, name: str, value: Any, path: str, depth: int, twice: bool) -> None:
        child = node.children.get(name)
        if twice:
            self.leave(value, path, depth)
            self.wrong(path, "one member of this name", "a duplicate")
        elif child is None and self.event.forbid_extra:
            self.wrong_value(path, "no such member", value, depth)
        elif child is None:
            self.leave(value, path, depth)
        elif child.field is not None:
            self.parsed.values[child.field.name] = self.read_field(child.field, value, path, depth)
        else:
            self.read_object(child, value, path, depth)

    def fall_back(self, node: _Node) -> None:
        """Gives the fields under a name that is absent or null their defaults."""
        if node.field is not None:
            default = node.field.default
            self.parsed.values[node.field.name] = None if default is MISSING else default
        elif node.object is not None:
            self.parsed.absent.add(node.object.name)
        for child in node.children.values():
            self.fall_back(child)

    def read_field(self, source: FieldDef, value: Any, path: str, depth: int) -> Any:
        if value is None and source.nullable:
            return None
        if not source.is_list:
            return self.read_item(source, value, path, depth)
        if not isinstance(value, list):
            self.wrong_value(path, expected_of(source), value, depth, source)
            return None
        items: list[Any] = []
        for index, item in enumerate(value):
            if index >= LIST_ITEMS_MAX:
                self.leave(item, path, depth + 1)
            elif item is None and source.item_nullable:
                items.append(None)
            else:
                items.append(self.read_item(source, item, f"{path}/{index}", depth + 1))
        if len(value) > LIST_ITEMS_MAX:
            self.wrong(path, f"at most {LIST_ITEMS_MAX} items", f"{len(value)} items")
        return items

    def read_item(self, source: FieldDef, value: Any, path: str, depth: int) -> Any:
        try:
            result = _READERS[source.type](source, value, self.event.timezone is not None)
            if type(result) is str and not self.fits(source, result, path):
                return None
            if source.choices is not None and result not in source.choices:
                raise ValueError
        except ValueError:
            self.wrong_value(path, item_expected_of(source), value, depth, source)
            return None
        if type(result) is str and source.secrecy is Secrecy.MASKED and self.may_mask(source):
            result, count = mask(result)
            self.parsed.masked[source.name] += count
        return result

    def may_mask(self, source: FieldDef) -> bool:
        return source is not self.event.id and source.choices is None

    def fits(self, source: FieldDef, text: str, path: str) -> bool:
        """Whether a string is within its limits; noted if not."""
        is_id, size = source is self.event.id, len(text.encode())
        most = ID_BYTES_MAX if is_id else STRING_BYTES_MAX
        if size > most:
            self.wrong(path, f"at most {most} bytes", f"{size} bytes")
        elif is_id and not text:
            self.wrong(path, "str that is not empty", 'string ""')
        return size <= most and not (is_id and not text)


def nesting(value: Any) -> int:
    """How many objects and arrays are open at the deepest place."""
    if isinstance(value, _Object):
        return 1 + max((nesting(item) for _, item in value.members), default=0)
    if isinstance(value, list):
        return 1 + max((nesting(item) for item in value), default=0)
    return 0


def expected_of(source: FieldDef) -> str:
    return f"list of {source.type}" if source.is_list else item_expected_of(source)


def item_expected_of(source: FieldDef) -> str:
    if source.choices is not None:
        text = "one of "
        for index, choice in enumerate(source.choices):
            text += ", " if index else ""
            if len(text.encode()) > EXPECTED_BYTES:
                return text + f"and {len(source.choices) - index} more"
            text += json.dumps(choice, ensure_ascii=False)
        return text
    if source.type == "datetime":
        return "datetime with offset" if source.unit == "iso" else f"number of {source.unit}"
    return source.type


def pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def describe(value: Any) -> str:
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case _Number():
            text = mask(f"number {value[:GOT_CHARACTERS]}")[0]
        case str():
            text = "string " + json.dumps(mask(value)[0], ensure_ascii=False)
        case list():
            text = "array"
        case _:
            text = "object"
    return text[:GOT_CHARACTERS]


# --- one value of each type; ValueError: it is not one ---


def _read_str(source: FieldDef, value: Any, utc: bool) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _read_bool(source: FieldDef, value: Any, utc: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_int(source: FieldDef, value: Any, utc: bool) -> int:
    """An integer within 64 bits; 3.0 and 3e2 are integers too."""
    if not isinstance(value, _Number):
        raise ValueError
    if not re.search("[.eE]", value):
        number = int(value)
    else:
        double = float(value)
        if not double.is_integer():
            raise ValueError
        number = int(double)
    if not INT_MIN <= number <= INT_MAX:
        raise ValueError
    return number


def _read_float(source: FieldDef, value: Any, utc: bool) -> float:
    if not isinstance(value, _Number):
        raise ValueError
    double = float(value)
    if not math.isfinite(double):
        raise ValueError
    return double


_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def _read_datetime(source: FieldDef, value: Any, utc: bool) -> datetime.datetime:
    if source.unit != "iso":
        return _read_unit_time(source, value)
    if type(value) is not str or not (match := _RFC3339.fullmatch(value)):
        raise ValueError
    *parts, decimals, offset = match.groups()
    if offset is None and not utc:
        raise ValueError
    year, month, day, hour, minute, second = map(int, parts)
    microsecond = int(((decimals or "") + "000000")[:6])
    local = datetime.datetime(year, month, day, hour, minute, second, microsecond, datetime.UTC)
    if offset is None or offset in "Zz":
        return local
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError
    shift = datetime.timedelta(hours=hours, minutes=minutes)
    try:
        return local + shift if offset[0] == "-" else local - shift
    except OverflowError:
        raise ValueError from None


_UNIT_US = {"s": 1_000_000, "ms": 1_000, "us": 1}


def _read_unit_time(source: FieldDef, value: Any) -> datetime.datetime:
    if not isinstance(value, _Number):
        raise ValueError
    number = Decimal(value)
    if number and number.adjusted() > 20:
        raise ValueError
    us = Fraction(number) * _UNIT_US[source.unit] if number.adjusted() > -30 else Fraction(-1 if number < 0 else 0, 2)
    try:
        return EPOCH + datetime.timedelta(microseconds=math.floor(us))
    except OverflowError:
        raise ValueError from None


def _read_date(source: FieldDef, value: Any, utc: bool) -> datetime.date:
    if type(value) is not str or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError
    return datetime.date.fromisoformat(value)


_READERS: dict[str, Callable[[FieldDef, Any, bool], Any]] = {
    "str": _read_str,
    "bool": _read_bool,
    "int": _read_int,
    "float": _read_float,
    "datetime": _read_datetime,
    "date": _read_date,
}


def parse(event: EventDef, text: bytes) -> Parsed:
    """One event's values. EventError: 400 not JSON, 413 too large, 422 fields are wrong."""
    if len(text) > EVENT_BYTES_MAX:
        detail = f"an event has at most {EVENT_BYTES_MAX} bytes, this one {len(text)}"
        raise EventError(problem(413, "too-large", "The event is too large", detail))
    tree = read_json(text)
    reader = _Reader(event)
    with suppress(_TooDeep):
        reader.read_object(tree_of(event), tree, "", 0)
    if reader.errors:
        verb = " is" if len(reader.errors) == 1 else "s are"
        detail = f"{len(reader.errors)} field{verb} of {event.name} not as expected"
        raise EventError(
            problem(422, "bad-fields", "The event's fields are not as expected", detail, reader.errors[:ERRORS_MAX])
        )
    values = reader.parsed.values
    reader.parsed.values = {source.name: values[source.name] for source in event.fields}
    reader.parsed.id = values[event.id.name]
    return reader.parsed


def read_time(event: EventDef, text: bytes) -> int:
    """An event's own time in microseconds, without looking at its other fields."""
    value = read_json(text)
    for name in event.time.path:
        value = dict(value.members).get(name) if isinstance(value, _Object) else None
    try:
        moment = _read_datetime(event.time, value, event.timezone is not None)
    except ValueError:
        raise EventError(
            problem(422, "bad-fields", "The event's fields are not as expected", f"{event.time.name} is not a time")
        ) from None
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)
