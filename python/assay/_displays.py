"""Lowering of displays and indexing: tuples, lists, constant sets and dicts, slices."""

from __future__ import annotations

import ast
import datetime
import enum
from dataclasses import replace
from typing import Any

from . import _types
from ._definition import MISSING
from ._expressions import Expressions
from ._flow import Refuse, Value
from ._share import Cell
from ._syntax import literal_number
from ._types import Type

CONSTANTS = (
    *(str, bytes, int, float, enum.Enum, tuple, frozenset),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo),
)


class Displays(Expressions):
    def lower_Tuple(self, node: ast.Tuple, into: Cell | None) -> Value:
        return self.display("TUPLE", node, into)

    def lower_List(self, node: ast.List, into: Cell | None) -> Value:
        return self.display("LIST", node, into)

    def display(self, op: str, node: ast.Tuple | ast.List, into: Cell | None) -> Value:
        constant = self.constant_display(node)
        if constant is not MISSING:
            return self.constant(constant, node)
        if len(node.elts) > 255:
            raise Refuse(node, "more than 255 items in a display", "make it a module constant")
        mark = self.next_temporary
        first = self.run_of(max(len(node.elts), 1))
        parts = [self.item(item, Cell(first.kind, first.number + at)).type for at, item in enumerate(node.elts)]
        self.next_temporary = mark
        cell = into or self.temporary()
        self.emit(op, node, cell, first, x=len(parts))
        fixed = tuple(parts) if op == "TUPLE" else None
        return Value(cell, Type(frozenset({op.lower()}), _types.join_all(parts), None, fixed))

    def item(self, node: ast.expr, cell: Cell) -> Value:
        if isinstance(node, ast.Starred):
            raise Refuse(node, "* in a list or tuple is not available yet", "add the lists: [x] + rest")
        value = self.value(node, cell)
        if value.whole is not None:
            raise Refuse(
                node, f"a {value.whole.cls.__name__} cannot be put into a list or tuple", "put its fields there"
            )
        return value

    def constant_display(self, node: ast.expr) -> Any:
        """The object of a display of constants (names of module constants too), else MISSING."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            items = [self.constant_display(item) for item in node.elts]
            if any(item is MISSING for item in items):
                return MISSING
            kind: type[Any] = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
            try:
                return kind(items)
            except TypeError as error:
                raise Refuse(node, str(error)) from None
        if isinstance(node, ast.Dict):
            keys = [MISSING if key is None else self.constant_display(key) for key in node.keys]
            values = [self.constant_display(item) for item in node.values]
            if any(item is MISSING for item in [*keys, *values]):
                return MISSING
            return dict(zip(keys, values, strict=True))
        if isinstance(node, ast.Name | ast.Attribute):
            found = self.python_object(node)
            plain = isinstance(found, CONSTANTS) or found is None
            return found if plain else MISSING
        number = literal_number(node)
        return MISSING if number is None else number

    def lower_Set(self, node: ast.Set, into: Cell | None) -> Value:
        constant = self.constant_display(node)
        if constant is MISSING:
            raise Refuse(node, "a set of values that are not constants is not available yet", "a tuple: `x in (a, b)`")
        return self.constant(constant, node)

    def lower_Dict(self, node: ast.Dict, into: Cell | None) -> Value:
        constant = self.constant_display(node)
        if constant is MISSING:
            raise Refuse(
                node, "a dict of values that are not constants is not available yet", "if/elif, or a module constant"
            )
        return self.constant(constant, node)

    def lower_Subscript(self, node: ast.Subscript, into: Cell | None) -> Value:
        mark = self.next_temporary
        base = self.present(self.plain(self.value(node.value), node.value), node.value)
        if isinstance(node.slice, ast.Slice):
            first = self.run_of(3)
            for at, part in enumerate((node.slice.lower, node.slice.upper, node.slice.step)):
                cell = Cell(first.kind, first.number + at)
                if part is None:
                    self.emit("MOVE", node, cell, self.literal(None).cell)
                else:
                    self.plain(self.value(part, cell), part)
            self.next_temporary = mark
            cell = into or self.temporary()
            self.emit("SLICE", node, cell, base.cell, first)
            return Value(cell, replace(base.type, items=None))
        index = self.value(node.slice)
        if base.type.only("dict", "none"):
            if not _types.equality_is_exact(index.type, base.type.item or _types.NONE):
                raise self.differs(index.type, base.type.item or _types.NONE, node)
        else:
            self.plain(index, node.slice)
        self.next_temporary = mark
        cell = into or self.temporary()
        self.emit("INDEX", node, cell, base.cell, index.cell)
        return Value(cell, self.indexed(base.type, node.slice))

    @staticmethod
    def indexed(base: Type, index: ast.expr) -> Type:
        base = base.without_none()
        if base.only("dict"):
            return base.value or _types.ANY
        number = literal_number(index)
        if base.items is not None and isinstance(number, int) and -len(base.items) <= number < len(base.items):
            return base.items[number]
        if base.only("list", "tuple", "str", "range", "bytes"):
            return _types.item_of(base)
        return _types.join_all([_types.item_of(base), base.value or _types.ANY])
