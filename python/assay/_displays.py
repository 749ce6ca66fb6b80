"""Lowering of displays and indexing: tuples, lists, constant sets and dicts, slices."""

from __future__ import annotations

import ast
import datetime
import enum
from dataclasses import replace
from typing import Any

from . import _plain, _types
from ._definition import MISSING
from ._expressions import Expressions
from ._flow import Refuse, Value, holds_function
from ._share import Cell
from ._syntax import literal_number, placed
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

    def object_of_display(self, node: ast.expr) -> Any:
        raise NotImplementedError

    def display(self, op: str, node: ast.Tuple | ast.List, into: Cell | None) -> Value:
        if op == "TUPLE":
            constant = self.constant_display(node)
            if constant is not MISSING:
                return self.constant(constant, node)
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return self.spread_display(op, node.elts, node, into)
        if any(isinstance(item, ast.Name | ast.Attribute | ast.Lambda | ast.Tuple) for item in node.elts):
            functions = self.object_of_display(node)
            if functions is not MISSING and holds_function(functions):
                return self.static(functions)
        if len(node.elts) > 255:
            raise Refuse(node, "more than 255 items in a display", "make it a module constant")
        mark = self.next_temporary
        first = self.run_of(max(len(node.elts), 1))
        parts = [self.item(item, Cell(first.kind, first.number + at)).type for at, item in enumerate(node.elts)]
        self.release(mark)
        cell = into or self.temporary()
        self.emit(op, node, cell, first, x=len(parts))
        fixed = tuple(parts) if op == "TUPLE" else None
        return Value(cell, Type(frozenset({op.lower()}), _types.join_all(parts), None, fixed))

    def item(self, node: ast.expr, cell: Cell) -> Value:
        return self.put_value(node, cell, "a list or tuple")

    def put_value(self, node: ast.expr, into: Cell | None, where: str = "a container") -> Value:
        """A value that goes into a container."""
        value = self.value(node, into)
        if value.whole is not None or value.static is not MISSING:
            what = "a function" if value.whole is None else f"a {value.whole.cls.__name__}"
            raise Refuse(node, f"{what} cannot be put into {where}", "put its fields there")
        return value

    def spread_display(self, op: str, items: list[ast.expr], node: ast.expr, into: Cell | None) -> Value:
        """[a, *b, c]: the list first, then one addition after the other."""
        first = self.run_of(2)
        item, kinds = Cell(first.kind, first.number + 1), []
        add, extend = (".add", ".update") if op == "SET" else (".append", ".extend")
        self.emit("SET" if op == "SET" else "LIST", node, first, self.literal(None).cell, x=0)
        for part in items:
            mark = self.next_temporary
            if isinstance(part, ast.Starred):
                kinds.append(_types.item_of(self.plain(self.value(part.value, item), part).type))
                name = extend
            else:
                kinds.append(self.item(part, item).type)
                name = add
            self.emit("CALL", node, self.temporary(), first, self.unit.builtins[name][0], 2)
            self.release(mark)
        kind = _types.of("set" if op == "SET" else "list", item=_types.join_all(kinds))
        if op != "TUPLE":
            return Value(first, kind)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins["tuple"][0], 1)
        return Value(cell, _types.of("tuple", item=kind.item))

    def read(self, node: ast.expr, into: Cell | None = None) -> Value:
        """A value that is only read here: a display of constants need not be made anew."""
        if isinstance(node, ast.List | ast.Set | ast.Dict):
            constant = self.constant_display(node)
            if constant is not MISSING:
                return self.move(self.constant(constant, node), into, node)
        shared = self.common(node, True) if isinstance(node, ast.Call) else None
        return self.value(node, into) if shared is None else self.move(shared, into, node)

    def constant_display(self, node: ast.expr) -> Any:
        """The object of a display of constants (names of module constants too), else MISSING."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            if any(isinstance(item, ast.Starred) for item in node.elts):
                return MISSING
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
        if any(isinstance(item, ast.Starred) for item in node.elts) or len(node.elts) > 255:
            return self.spread_display("SET", node.elts, node, into)
        mark = self.next_temporary
        first = self.run_of(len(node.elts))
        parts = [self.item(item, Cell(first.kind, first.number + at)).type for at, item in enumerate(node.elts)]
        self.release(mark)
        cell = into or self.temporary()
        self.emit("SET", node, cell, first, x=len(parts))
        return Value(cell, _types.of("set", item=_types.join_all(parts)))

    def lower_Dict(self, node: ast.Dict, into: Cell | None) -> Value:
        functions = self.table_of_functions(node) if node.keys else None
        if functions is not None:  # OPS = {"+": operator.add}, written in the function
            return self.static(functions)
        if any(key is None for key in node.keys) or len(node.keys) > 127:
            return self.spread_dict(node, into)
        mark = self.next_temporary
        first = self.run_of(max(2 * len(node.keys), 1))
        keys, values = [], []
        for at, (key, item) in enumerate(zip(node.keys, node.values, strict=True)):
            assert key is not None
            keys.append(self.item(key, Cell(first.kind, first.number + 2 * at)).type)
            values.append(self.item(item, Cell(first.kind, first.number + 2 * at + 1)).type)
        self.release(mark)
        cell = into or self.temporary()
        self.emit("DICT", node, cell, first, x=2 * len(keys))
        return Value(cell, Type(frozenset({"dict"}), _types.join_all(keys), _types.join_all(values)))

    def spread_dict(self, node: ast.Dict, into: Cell | None) -> Value:
        """{**a, "k": v}."""
        first = self.run_of(3)
        item, value = Cell(first.kind, first.number + 1), Cell(first.kind, first.number + 2)
        self.emit("DICT", node, first, self.literal(None).cell, x=0)
        keys, values = [], []
        for key, part in zip(node.keys, node.values, strict=True):
            mark = self.next_temporary
            if key is None:
                known = self.plain(self.value(part, item), part).type
                keys.append(known.item or _types.ANY)
                values.append(known.value or _types.ANY)
                self.emit("CALL", node, self.temporary(), first, self.unit.builtins[".update"][0], 2)
            else:
                keys.append(self.item(key, item).type)
                values.append(self.item(part, value).type)
                self.emit("STORE", node, first, item, value)
            self.release(mark)
        return Value(first, Type(frozenset({"dict"}), _types.join_all(keys), _types.join_all(values)))

    def lower_Subscript(self, node: ast.Subscript, into: Cell | None) -> Value:
        mark = self.next_temporary
        frozen = self.python_object(node.value)
        if isinstance(frozen, _plain.LOOKUPS):
            get: Any = getattr(type(frozen), "__getitem__", None)
            if get is None:
                raise Refuse(node, f"{ast.unparse(node.value)} is a method", "call it")
            call = placed(ast.Call(node.value, [node.slice], []), node)
            return self.inline(get, [self.static(frozen)], call, into)
        table = None if isinstance(node.slice, ast.Slice) else self.table_of_functions(node.value)
        if table is not None:
            return self.chosen_from(table, node.slice, node)
        if isinstance(frozen, enum.EnumType) and not isinstance(node.slice, ast.Slice):
            base = self.constant(dict(frozen.__members__), node)  # K["NAME"]
        else:
            base = self.read(node.value)
        if base.type.cls is _plain.Array and isinstance(node.slice, ast.Tuple):  # of two dimensions
            row: ast.expr = node.value
            for part in node.slice.elts:
                row = placed(ast.Subscript(row, part, ast.Load()), node)
            return self.value(row, into)
        own = None if isinstance(node.slice, ast.Slice) else self.own_special(base, "__getitem__")
        if own is not None:
            return self.inline(own, [base], placed(ast.Call(node.value, [node.slice], []), node), into)
        if base.whole is None and base.type.cls is not None:
            base = replace(base, type=replace(base.type, cls=None)) if not base.type.only("dict", "none") else base
        base = self.present(self.plain(base, node.value), node.value)
        if isinstance(node.slice, ast.Slice):
            first = self.run_of(3)
            for at, bound in enumerate((node.slice.lower, node.slice.upper, node.slice.step)):
                cell = Cell(first.kind, first.number + at)
                if bound is None:
                    self.emit("MOVE", node, cell, self.literal(None).cell)
                else:
                    self.plain(self.value(bound, cell), bound)
            self.release(mark)
            cell = into or self.temporary()
            self.emit("SLICE", node, cell, base.cell, first)
            return Value(cell, replace(base.type, items=None, texts=None))
        index = self.value(node.slice)
        if base.type.only("dict", "none"):
            if not _types.equality_is_exact(index.type, base.type.item or _types.NONE):
                raise self.differs(index.type, base.type.item or _types.NONE, node)
        else:
            self.plain(index, node.slice)
        self.release(mark)
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
