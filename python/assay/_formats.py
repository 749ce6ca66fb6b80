"""Lowering of texts with values in them: f-strings, str.format() of a constant template, and what may stand in either.

A replacement field's spec is a text of its own, made by the same means; the engine reads it while it runs, as CPython
does. A template is read here by Python's own parser, so its grammar is that of the Python that builds.
"""

from __future__ import annotations

import ast
import datetime
import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from string import Formatter
from typing import Any, NamedTuple

from . import _types
from ._definition import MISSING
from ._flow import Refuse, Value
from ._share import Cell
from ._standard import Standard
from ._syntax import CONVERSIONS, placed
from ._types import Type

FORMATS = (str.__format__, int.__format__, getattr(enum.StrEnum, "__format__", None))
TEMPLATE_CONVERSIONS = {None: 0, "s": 1, "r": 2, "a": 3}


class Field(NamedTuple):
    """{name!conversion:spec}"""

    name: str
    spec: str
    conversion: str | None


class Template:
    """What a template's fields are filled with, and the number that the next "{}" takes."""

    def __init__(self, positional: Sequence[Value], named: dict[str, Value], nodes: dict[str | int, ast.expr]):
        self.positional = positional
        self.named = named
        self.nodes = nodes
        self.next = 0
        self.numbered: bool | None = None  # "{0}" (True) or "{}" (False): a template has one of them


class Formats(Standard):
    def lower_JoinedStr(self, node: ast.JoinedStr, into: Cell | None) -> Value:
        parts = [p for p in node.values if not (isinstance(p, ast.Constant) and p.value == "")]

        def put(part: ast.expr, cell: Cell) -> None:
            if isinstance(part, ast.FormattedValue):
                self.field_of_f_string(part, cell)
            else:
                self.move(self.value(part, cell), cell, part)

        made = self.joined_text(parts, put, node, into)
        known = {""}
        for part in parts:
            known = {before + text for before in known for text in self.texts_of(part)}
            if len(known) > _types.TEXTS_MAX:
                return made
        return replace(made, type=_types.of_texts(made.type, *known)) if known else made

    def texts_of(self, part: ast.expr) -> set[str]:
        """What a part of an f-string can be, if that is known: it is written there, or a name for such."""
        if isinstance(part, ast.Constant):
            return {str(part.value)}
        if not isinstance(part, ast.FormattedValue) or part.format_spec is not None or part.conversion != -1:
            return set()
        key = self.variable(part.value.id) if isinstance(part.value, ast.Name) else None
        binding = None if key is None else (self.paths or {}).get(key)
        known = binding is not None and binding.assigned and binding.value.type.only("str")
        return set(binding.value.type.texts or ()) if binding is not None and known else set()

    def lower_FormattedValue(self, node: ast.FormattedValue, into: Cell | None) -> Value:
        cell = into or self.temporary()
        self.field_of_f_string(node, cell)
        return Value(cell, _types.STR)

    def joined_text(self, parts: Sequence[Any], put: Any, node: ast.AST, into: Cell | None) -> Value:
        """Texts that `put` makes, one after the other."""
        if not parts:
            return self.move(self.literal(""), into, node)
        if len(parts) > 255:
            raise Refuse(node, "more than 255 parts in a text")
        mark = self.next_temporary
        first = self.run_of(len(parts))
        for at, part in enumerate(parts):
            put(part, Cell(first.kind, first.number + at))
        self.release(mark)
        cell = into or self.temporary()
        if len(parts) == 1:
            self.emit("MOVE", node, cell, first)
        else:
            self.emit("CONCAT", node, cell, first, x=len(parts))
        return Value(cell, _types.STR)

    def field_of_f_string(self, node: ast.FormattedValue, cell: Cell) -> None:
        spec = node.format_spec
        if isinstance(spec, ast.JoinedStr) and not spec.values:
            spec = None
        mark = self.next_temporary
        value = self.plain(self.value(node.value), node.value)
        conversion = CONVERSIONS[node.conversion]
        if spec is None:
            self.put_text(value, conversion, cell, node.value)
        else:
            first = self.format_operands(value, conversion, node.value)
            self.value(spec, Cell(first.kind, first.number + 1))
            self.put_formatted(first, cell, node)
        self.release(mark)

    # --- what an f-string's field and a template's have in common ---

    def put_text(self, value: Value, conversion: int, cell: Cell, node: ast.expr) -> None:
        there = self.there(value)
        own = self.own_special(there, "__str__") if conversion < 2 else None
        if own is not None:
            call = placed(ast.Call(ast.Name("str", ast.Load()), [], []), node)
            self.unless_none(value, self.literal("None"), cell, node, lambda: self.inline(own, [there], call, cell))
            return
        self.check_text(value, node, conversion > 1)
        self.emit("FORMAT", node, cell, value.cell, x=conversion)

    def format_operands(self, value: Value, conversion: int, node: ast.expr) -> Cell:
        """The first of two cells: the value, converted, and room for its spec."""
        first = self.run_of(2)
        if conversion:
            self.put_text(value, conversion, first, node)
        else:
            if self.own_special(value, "__str__") is not None:
                raise Refuse(node, "a format for an object is not available", 'f"{x!s:>10}"')
            self.check_format(value, node)
            self.move(self.present(value, node), first, node)
        return first

    def put_formatted(self, first: Cell, cell: Cell, node: ast.expr) -> None:
        self.emit("CALL", node, cell, first, self.unit.builtins["format"][0], 2)

    def check_format(self, value: Value, node: ast.AST) -> None:
        """Whether format(value, spec) is that of the engine's value, whatever the spec."""
        self.check_text(value, node, False)
        kind = value.type.enum
        if isinstance(kind, type) and kind.__format__ not in FORMATS:
            raise Refuse(node, f"a format for a member of {kind.__name__} is not available yet", "use its .value")

    # --- "...".format(...) ---

    def call_format(self, template: str, node: ast.Call, into: Cell | None) -> Value:
        """The arguments as they are written, then the fields from left to right."""
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise Refuse(node, "* and ** in .format() are not available yet", "write the arguments one by one")
        mark = self.next_temporary
        positional = [self.value(argument) for argument in node.args]
        named = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        nodes: dict[str | int, ast.expr] = {
            **dict(enumerate(node.args)),
            **{str(k.arg): k.value for k in node.keywords},
        }
        value = self.template_text(template, Template(positional, named, nodes), node, into or self.temporary(), 2)
        if into is None:
            self.next_temporary = max(mark, value.cell.number + 1)
        else:
            self.release(mark)
        return value

    def template_text(self, template: str, fields: Template, node: ast.expr, into: Cell, depth: int) -> Value:
        if depth == 0:
            raise Refuse(node, "the template is nested too deep")
        parts: list[str | Field] = []
        try:
            for literal, name, spec, conversion in Formatter().parse(template):
                if literal:
                    parts.append(literal)
                if name is not None:
                    parts.append(Field(name, spec or "", conversion))
        except ValueError as error:
            raise Refuse(node, f"the template is not one: {error}") from None

        def put(part: str | Field, cell: Cell) -> None:
            if isinstance(part, str):
                self.move(self.literal(part), cell, node)
            else:
                self.field_of_template(part, fields, node, cell, depth)

        return self.joined_text(parts, put, node, into)

    def field_of_template(self, field: Field, fields: Template, node: ast.expr, cell: Cell, depth: int) -> None:
        if field.conversion not in TEMPLATE_CONVERSIONS:
            raise Refuse(node, f"!{field.conversion} is not a conversion", "!s, !r or !a")
        mark = self.next_temporary
        value, place = self.named_value(field.name, fields, node)
        number = TEMPLATE_CONVERSIONS[field.conversion]
        if not field.spec:
            self.put_text(self.plain(value, place), number, cell, place)
        else:
            first = self.format_operands(self.plain(value, place), number, place)
            self.template_text(field.spec, fields, node, Cell(first.kind, first.number + 1), depth - 1)
            self.put_formatted(first, cell, node)
        self.release(mark)

    def named_value(self, name: str, fields: Template, node: ast.expr) -> tuple[Value, ast.expr]:
        """The value of a field's name: "", "0", "who", "who.name", "0[key]"."""
        import _string  # type: ignore[import-not-found]  # Python's own parser of field names

        first: str | int
        rest: Iterable[tuple[bool, str | int]]
        try:
            first, rest = _string.formatter_field_name_split(name)
            rest = list(rest)
        except ValueError as error:
            raise Refuse(node, f"the template's field {{{name}}} is not one: {error}") from None
        if first == "" or isinstance(first, int):
            if fields.numbered is (first == ""):
                raise Refuse(node, "the template mixes {} and {0}", "number all of its fields, or none")
            fields.numbered = first != ""
            if first == "":
                first, fields.next = fields.next, fields.next + 1
        place = fields.nodes.get(first)
        if place is None:
            raise Refuse(node, f"the template's field {{{first}}} is not among the arguments of .format()")
        value = fields.positional[first] if isinstance(first, int) else fields.named[first]
        for is_attribute, key in rest:
            if is_attribute:
                place = ast.copy_location(ast.Attribute(place, str(key), ast.Load()), node)
                value = self.member(value, place, None)
            else:
                place = ast.copy_location(ast.Subscript(place, ast.Constant(key), ast.Load()), node)
                value = self.item_of_template(value, place)
        return value, place

    def item_of_template(self, value: Value, place: ast.Subscript) -> Value:
        assert isinstance(place.slice, ast.Constant)
        base = self.present(self.plain(value, place.value), place.value)
        if not _types.equality_is_exact(_types.of("str"), base.type.item or _types.NONE):
            raise Refuse(place, "an Enum's members as keys are not available in a template", "an f-string")
        cell = self.temporary()
        self.emit("INDEX", place, cell, base.cell, self.literal(place.slice.value).cell)
        return Value(cell, self.indexed(base.type, place.slice))

    def check_strptime(self, node: ast.Call) -> None:
        """A constant format of strptime() that is none is said here, not at every payment."""
        form = self.constant_template(node.args[1]) if len(node.args) == 2 else None
        if form is None:
            return
        try:
            datetime.datetime.strptime("", form)
        except re.error:
            raise Refuse(node, "a directive stands twice in the format") from None
        except ValueError as error:
            if "does not match" not in str(error):
                raise Refuse(node, str(error)) from None

    # --- template % args ---

    def check_percent(self, left: Value, right: Value, node: ast.AST) -> None:
        """What %s and %r show of a value must be what they show in Python."""
        if "str" not in left.type.tags:
            return
        shown: list[Type] = [right.type]
        if right.type.only("tuple") and right.type.items is not None:
            shown = list(right.type.items)
        if right.type.value is not None:  # of a mapping
            shown.append(right.type.value)
        for kind in shown:
            self.check_text(replace(right, type=kind), node, True)

    def constant_template(self, node: ast.expr) -> str | None:
        """The text of a template that is known now."""
        found: Any = node.value if isinstance(node, ast.Constant) else self.python_object(node)
        return found if type(found) is str and found is not MISSING else None
