"""From an event class to its fields: what `_read.py` calls for each `@event`.

Nested classes are flattened to dotted fields; the objects on the way (and the names inside alias paths) are kept beside
them. Every annotation that has no meaning in an event is a Problem at the field's line.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime
import enum
import types
import typing
from collections.abc import Callable
from typing import Any

from ._api import Clear, EventMark, Field, Secret, is_object_class
from ._definition import MISSING, EventDef, FieldDef, ObjectDef, Place, Secrecy
from ._source import class_node, name_place, place_of_node

SCALARS: dict[Any, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    datetime.datetime: "datetime",
    datetime.date: "date",
}
Report = Callable[[Place | None, str, str], None]


def strip_none(hint: Any) -> tuple[Any, bool]:
    """`X | None` as (X, True); `Literal["a", None]` too."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(hint) if a is not type(None)]
        if len(rest) < len(typing.get_args(hint)):
            return (rest[0] if len(rest) == 1 else typing.Union[tuple(rest)]), True  # noqa: UP007
    if typing.get_origin(hint) is typing.Literal and None in typing.get_args(hint):
        rest = [a for a in typing.get_args(hint) if a is not None]
        return (typing.Literal[tuple(rest)] if rest else type(None)), True
    return hint, False


def show(hint: Any) -> str:
    """An annotation as the user would write it."""
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    return str(hint).replace("typing.", "").replace("datetime.", "")


class EventReader:
    def __init__(self, mark: EventMark, report: Report):
        self.mark = mark
        self.report = report
        self.fields: list[FieldDef] = []
        self.objects: dict[tuple[str, ...], ObjectDef] = {}
        self.aliased: list[FieldDef] = []

    def read(self) -> EventDef | None:
        mark, options = self.mark, self.mark.options
        node = class_node(mark.cls, mark.place.file)
        place = name_place(mark.place.file, node) if node else mark.place
        if mark.problem:
            self.report(place, f"{mark.cls.__name__} cannot be made a dataclass: {mark.problem}", "")
            return None
        self.walk(mark.cls, (), "", False)
        self.add_alias_objects()
        self.check_paths()
        identity = self.named(options["id"], "id", place)
        time = self.named(options["time"], "time", place)
        self.check_options(place)
        if identity is None or time is None:
            return None
        self.check_id_and_time(identity, time)
        return EventDef(
            mark.cls.__name__,
            mark.cls,
            bool(options["scored"]),
            bool(options["label"]),
            self.fields,
            list(self.objects.values()),
            identity,
            time,
            options["extra"] == "forbid",
            options["timezone"],
            options["on_error"],
            place,
        )

    # --- fields ---

    def walk(self, cls: type, path: tuple[str, ...], prefix: str, in_optional: bool) -> None:
        """Adds the fields of a class at a JSON path."""
        hints = typing.get_type_hints(cls, include_extras=True)
        declared = {f.name: f for f in dataclasses.fields(cls)}
        places = self.places(cls)
        for name, hint in hints.items():
            if typing.get_origin(hint) is typing.ClassVar or name not in declared:
                continue
            self.add(cls, declared[name], hint, path, prefix, places.get(name, self.mark.place), in_optional)

    def places(self, cls: type) -> dict[str, Place]:
        """Where each field of a class stands."""
        places = {}
        for base in reversed(cls.__mro__):
            node = class_node(base, self.mark.place.file)
            for statement in node.body if node else []:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    places[statement.target.id] = place_of_node(self.mark.place.file, statement)
        return places

    def add(
        self,
        cls: type,
        declared: dataclasses.Field[Any],
        hint: Any,
        path: tuple[str, ...],
        prefix: str,
        place: Place,
        in_optional: bool,
    ) -> None:
        name = prefix + declared.name
        hint, markers = self.unwrap(hint)
        said = getattr(cls, "__assay_fields__", {}).get(declared.name) or Field()
        base, nullable = strip_none(hint)
        base, more = self.unwrap(base)
        markers += more
        own_path = (*path, *(said.alias.split(".") if said.alias else (declared.name,)))
        if "" in own_path:
            self.report(place, f'the alias "{said.alias}" of {name} is not a path of names joined by dots', "")
            return
        if is_object_class(base):
            self.add_object(base, own_path, name, nullable, declared, place, in_optional, bool(said.alias))
            return
        typed = self.typed(name, base, place)
        if typed is None:
            return
        kind, is_list, item_nullable, choices, enumeration = typed
        default = self.default(declared, kind, is_list, nullable, item_nullable, choices, enumeration, name, place)
        field = FieldDef(
            name,
            own_path,
            kind,
            is_list,
            nullable,
            item_nullable,
            default,
            self.secrecy(markers, kind, is_list, name, place),
            self.unit(said, kind, is_list, name, place),
            choices,
            enumeration,
            place,
        )
        self.fields.append(field)
        if said.alias and len(said.alias.split(".")) > 1:
            self.aliased.append(field)

    def unwrap(self, hint: Any) -> tuple[Any, tuple[Any, ...]]:
        if typing.get_origin(hint) is typing.Annotated:
            return hint.__origin__, tuple(hint.__metadata__)
        return hint, ()

    def add_object(
        self,
        cls: type,
        path: tuple[str, ...],
        name: str,
        nullable: bool,
        declared: dataclasses.Field[Any],
        place: Place,
        in_optional: bool,
        aliased: bool,
    ) -> None:
        has_default = declared.default is not dataclasses.MISSING or declared.default_factory is not dataclasses.MISSING
        if has_default and declared.default is not None:
            self.report(
                place, f"{name}: a nested object may default to None only, not to an object yet", f"{name} = None"
            )
        if has_default and not nullable:
            self.report(place, f"{name} defaults to None but its type is not `{cls.__name__} | None`", "")
        if aliased and len(path) > 1:
            self.report(place, f"{name}: an alias with dots for a nested object is not available yet", "")
        if any(o.cls is cls and name.startswith(o.name + ".") for o in self.objects.values()):
            self.report(place, f"{cls.__name__} contains itself", "")
            return
        self.objects[path] = ObjectDef(path, name, cls, nullable, not has_default, place)
        self.walk(cls, path, name + ".", in_optional or nullable)

    def typed(
        self, name: str, hint: Any, place: Place
    ) -> tuple[str, bool, bool, tuple[Any, ...] | None, type[enum.Enum] | None] | None:
        """(type, is a list, its items may be None, choices, enum) of an annotation without None."""
        if hint in SCALARS:
            return SCALARS[hint], False, False, None, None
        if typing.get_origin(hint) is typing.Literal:
            return self.choice_type(name, tuple(typing.get_args(hint)), None, place)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return self.choice_type(name, tuple(member.value for member in hint), hint, place)
        if typing.get_origin(hint) is list:
            item, item_nullable = strip_none(self.unwrap(typing.get_args(hint)[0])[0])
            if item in SCALARS:
                return SCALARS[item], True, item_nullable, None, None
            what = "nested objects" if is_object_class(item) else show(item)
            self.report(
                place,
                f"{name}: a list of {what} is not available yet",
                "lists hold str, int, float, bool, datetime, date",
            )
            return None
        help = "str, int, float, bool, datetime, date, Literal, an Enum, a list of these, or an annotated class"
        if hint is list:
            help = "say what the list holds: list[str]"
        elif typing.get_origin(hint) in (typing.Union, types.UnionType):
            help = "one type, or one type and None; numbers that may be either are `float`"
        elif hint is dict or typing.get_origin(hint) is dict:
            help = "a nested object is a class with annotated fields"
        self.report(place, f"{name}: a field cannot be `{show(hint)}`", help)
        return None

    def choice_type(
        self, name: str, values: tuple[Any, ...], cls: type[enum.Enum] | None, place: Place
    ) -> tuple[str, bool, bool, tuple[Any, ...] | None, type[enum.Enum] | None] | None:
        what = cls.__name__ if cls else "Literal"
        values = tuple(self.plain(v) for v in values)
        if values and all(type(v) is str for v in values):
            return "str", False, False, values, cls
        if values and all(type(v) is int for v in values):
            return "int", False, False, values, cls
        self.report(place, f"{name}: the values of {what} must be all strings or all integers", "")
        return None

    @staticmethod
    def plain(value: Any) -> Any:
        """The value of a str or int subclass (an Enum member inside a Literal) as plain str or int."""
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, str) and type(value) is not str:
            return str.__str__(value)
        return value

    def default(
        self,
        declared: dataclasses.Field[Any],
        kind: str,
        is_list: bool,
        nullable: bool,
        item_nullable: bool,
        choices: tuple[Any, ...] | None,
        enumeration: type[enum.Enum] | None,
        name: str,
        place: Place,
    ) -> Any:
        """The declared default as the field's own type; MISSING if there is none or it is wrong."""
        if declared.default is not dataclasses.MISSING:
            value = declared.default
        elif declared.default_factory is not dataclasses.MISSING:
            value = declared.default_factory()
        else:
            return MISSING
        if value is None:
            if not nullable:
                self.report(place, f"{name} defaults to None but its type is not `{kind} | None`", "")
            return None
        if is_list:
            if not isinstance(value, list) or not all((v is None and item_nullable) or fits(v, kind) for v in value):
                self.report(place, f"the default of {name} is {value!r}, expected a list of {kind}", "")
                return MISSING
            return [float(v) if kind == "float" and v is not None else v for v in value]
        if enumeration is not None:
            if not isinstance(value, enumeration):
                self.report(
                    place, f"the default of {name} is {value!r}, expected a member of {enumeration.__name__}", ""
                )
                return MISSING
            return self.plain(value)
        if not fits(value, kind):
            help = "a datetime default needs tzinfo=timezone.utc" if kind == "datetime" else ""
            self.report(place, f"the default of {name} is {value!r}, expected {kind}", help)
            return MISSING
        if choices is not None and value not in choices:
            self.report(
                place, f"the default of {name} is {value!r}, expected one of {', '.join(map(repr, choices))}", ""
            )
        return float(value) if kind == "float" else value

    def secrecy(self, markers: tuple[Any, ...], kind: str, is_list: bool, name: str, place: Place) -> Secrecy:
        secret = any(m is Secret for m in markers)
        clear = any(m is Clear for m in markers)
        if secret and clear:
            self.report(place, f"{name} cannot be both Secret and Clear", "")
        if secret and is_list:
            self.report(place, f"{name}: a list that is Secret is not available yet", "")
        return Secrecy.SECRET if secret else Secrecy.CLEAR if clear else Secrecy.MASKED

    def unit(self, said: Field, kind: str, is_list: bool, name: str, place: Place) -> str:
        if said.unit is None:
            return "iso"
        if said.unit not in ("s", "ms", "us"):
            self.report(place, f'{name}: the unit is "{said.unit}", expected "s", "ms" or "us"', "")
        elif kind != "datetime":
            self.report(place, f"{name}: only a datetime has a unit, this is a {kind}", "")
        else:
            return said.unit
        return "iso"

    # --- the whole class ---

    def add_alias_objects(self) -> None:
        """The objects that only aliases name: needed if one of their fields is, and absent otherwise as the field
        says.
        """
        for field in self.aliased:
            for depth in range(1, len(field.path)):
                path = field.path[:depth]
                known = self.objects.get(path)
                if known is None:
                    known = self.objects[path] = ObjectDef(path, "", None, True, False, field.place)
                if known.cls is None and field.default is MISSING:
                    known.nullable, known.required = False, True

    def check_paths(self) -> None:
        leaves: dict[tuple[str, ...], FieldDef] = {}
        for field in self.fields:
            other = leaves.setdefault(field.path, field)
            if other is not field:
                self.report(field.place, f"{field.name} and {other.name} both read {'.'.join(field.path)}", "")
        for field in self.fields:
            if field.path in self.objects:
                path = ".".join(field.path)
                inside = next(f for f in self.fields if f.path[: len(field.path)] == field.path and f is not field)
                self.report(
                    field.place,
                    f"{path} is read as a {field.type} by {field.name} and as an object by {inside.name}",
                    "",
                )

    def named(self, name: Any, role: str, place: Place) -> FieldDef | None:
        found = next((f for f in self.fields if f.name == name), None)
        if found is None:
            self.report(place, f'@event({role}="{name}"): {self.mark.cls.__name__} has no field of that name', "")
        return found

    def check_id_and_time(self, identity: FieldDef, time: FieldDef) -> None:
        if identity.type not in ("str", "int") or identity.is_list:
            self.report(identity.place, f"the id {identity.name} is a {identity.type}, expected str or int", "")
        if time.type != "datetime" or time.is_list:
            self.report(time.place, f"the time {time.name} is a {time.type}, expected datetime", "")
        for field, role in ((identity, "id"), (time, "time")):
            if field.nullable or field.default is not MISSING:
                self.report(field.place, f"the {role} {field.name} may not be missing: no `| None`, no default", "")
            if field.secrecy is Secrecy.SECRET:
                self.report(field.place, f"the {role} {field.name} cannot be Secret: decisions are looked up by it", "")

    def check_options(self, place: Place) -> None:
        options = self.mark.options
        if options["extra"] not in ("ignore", "forbid"):
            self.report(place, f'extra is {options["extra"]!r}, expected "ignore" or "forbid"', "")
        if options["timezone"] not in (None, "UTC"):
            self.report(
                place,
                f"timezone={options['timezone']!r} is not available yet",
                'timezone="UTC", or send times with an offset',
            )
        if options["label"]:
            self.report(place, "label=True is not available yet", "declare a context event: @event(..., scored=False)")


def fits(value: Any, kind: str) -> bool:
    """Whether a default's value is of a field's type."""
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if kind == "datetime":
        return isinstance(value, datetime.datetime) and value.utcoffset() == datetime.timedelta(0)
    if kind == "date":
        return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return type(value) is {"str": str, "bool": bool}[kind]
