"""Common subexpressions: what several functions compute of one payment is computed once.

An expression is common if it is made of fields, other features and constants by operations that always give the same
and change nothing: `memo.lower()`, `email.partition("@")[0]`, `at.hour * 60`. Lowering counts them; then the functions
that have one which stands at least twice are lowered again, and each of them reads a cell that all share:

    JMP_NOT_NONE  shared, known      the first that needs it computes it, whichever that is
    ...           shared = the expression
    known:        ... reads shared

What raises leaves the cell empty, so that each function raises for itself, in its own line.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from . import _types
from ._definition import MISSING, FieldDef, FunctionDef
from ._flow import Target, Value, Whole
from ._narrow import Narrowing
from ._share import Cell
from ._syntax import ATTRIBUTES

Key = tuple[Any, ...]

_METHODS = (
    ".lower .upper .casefold .title .capitalize .strip .lstrip .rstrip .replace .partition .rpartition .split .rsplit "
    ".splitlines .removeprefix .removesuffix .count .date .time .isoformat .weekday .isoweekday .isocalendar "
    ".timestamp .astimezone .strftime .total_seconds .zfill .encode .hexdigest"
)
_FUNCTIONS = (
    "int float str round math.log math.log1p math.log2 math.log10 math.exp math.expm1 math.sqrt math.sin math.cos "
    "math.tan math.asin math.acos math.atan math.radians math.floor math.ceil math.hypot math.atan2 "
    "hashlib.sha256 hashlib.md5 hashlib.sha1 zlib.crc32"
)
METHODS, FUNCTIONS = frozenset(_METHODS.split()), frozenset(_FUNCTIONS.split())
LISTS = frozenset({".split", ".rsplit", ".splitlines"})  # their result is a list that the function may change
CHANGE = frozenset(
    {"hashlib.sha256", "hashlib.md5", "hashlib.sha1"}
)  # what these give can be changed: only inside others
SHARED_MAX = 512  # of a definition


class Common(Narrowing):
    def common(self, node: ast.expr, reads: bool) -> Value | None:
        """The value of an expression that several functions have; None: it is not one, or not lowered again yet.
        `reads`: what it gives is only read here, so a list will do.
        """
        if not isinstance(node, ast.Call | ast.Attribute | ast.Subscript | ast.BinOp) or self.routine_now is not None:
            return None
        if self.paths is None or node in self.unit.computing:
            return None
        key = self.key_of(node)
        if key is None or not _is_work(key) or (key[0] in LISTS) != reads or key[0] in CHANGE:
            return None
        cells = self.unit.shared_cells
        if cells is None:
            self.unit.common.setdefault(key, []).append(self.function)
            return None
        cell = cells.get(key)
        return None if cell is None else self.compute_once(cell, node)

    def compute_once(self, cell: Cell, node: ast.expr) -> Value:
        known = Target()
        self.emit("JMP_NOT_NONE", node, b=cell, c=known)
        mark = self.next_temporary
        self.unit.computing.add(node)
        value = self.value(node)
        self.unit.computing.discard(node)
        self.emit("MOVE", node, cell, value.cell)
        self.release(mark)
        self.put(known)
        return replace(value, cell=cell, shared=True)

    def value(self, node: ast.expr, into: Cell | None = None) -> Value:
        raise NotImplementedError

    def python_object(self, node: ast.expr) -> Any:
        raise NotImplementedError

    def find_name(self, name: str) -> Any:
        raise NotImplementedError

    def builtin_name(self, found: Any) -> str | None:
        raise NotImplementedError

    # --- keys ---

    def key_of(self, node: ast.expr) -> Key | None:
        """What an expression computes, the same wherever it stands; None of what is not known to be that."""
        if isinstance(node, ast.Constant):
            return ("constant", type(node.value).__name__, repr(node.value))
        if isinstance(node, ast.Name):
            return self.key_of_name(node)
        if isinstance(node, ast.Attribute):
            return self.key_of_attribute(node)
        if isinstance(node, ast.Call):
            return self.key_of_call(node)
        if isinstance(node, ast.Subscript):
            base, index = self.key_of(node.value), _constant_index(node.slice)
            return None if base is None or index is None else ("index", index, base)
        if isinstance(node, ast.BinOp):
            left, right = self.key_of(node.left), self.key_of(node.right)
            return None if left is None or right is None else (type(node.op).__name__, left, right)
        return None

    def key_of_name(self, node: ast.Name) -> Key | None:
        variable = self.variable(node.id)
        if variable is None:
            found = self.find_name(node.id)
            plain = type(found) in (int, float, str)
            return ("constant", type(found).__name__, repr(found)) if plain else None
        binding = (self.paths or {}).get(variable)
        if binding is None or not binding.assigned:
            return None
        return _key_of_value(binding.value)

    def key_of_attribute(self, node: ast.Attribute) -> Key | None:
        whole = self.whole_named(node.value)
        if whole is not None:
            field = next((f for f in whole.event.fields if f.name == whole.prefix + node.attr), None)
            return None if field is None else self.key_of_field(field)
        if isinstance(node.value, ast.Name) and self.variable(node.value.id) is None:
            found = self.find_name(node.value.id)
            value = MISSING if found is MISSING else self.python_object(node)
            return ("constant", type(value).__name__, repr(value)) if type(value) in (int, float, str) else None
        name = f".{node.attr}"
        base = self.key_of(node.value) if name in ATTRIBUTES and name in self.unit.builtins else None
        return None if base is None or base[0] == "constant" else (name, base)

    def whole_named(self, node: ast.expr) -> Whole | None:
        if not isinstance(node, ast.Name):
            return None
        variable = self.variable(node.id)
        binding = (self.paths or {}).get(variable) if variable is not None else None
        return None if binding is None else binding.value.whole

    def key_of_field(self, field: FieldDef) -> Key | None:
        kind = _types.of_field(field, field.nullable)
        return _key_of_value(Value(self.unit.slots[field], kind))

    def key_of_call(self, node: ast.Call) -> Key | None:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            return None
        function = node.func
        rooted = isinstance(function, ast.Attribute) and f".{function.attr}" in METHODS
        if rooted:
            assert isinstance(function, ast.Attribute)
            receiver = self.key_of(function.value)
            if receiver is None or receiver[0] == "constant":
                return None
            name, parts = f".{function.attr}", [receiver]
        else:
            found = self.python_object(function) if isinstance(function, ast.Name | ast.Attribute) else MISSING
            known = None if found is MISSING else self.builtin_name(found)
            if known not in FUNCTIONS:
                return None
            name, parts = str(known), []
        for argument in node.args:
            key = self.key_of(argument)
            if key is None:
                return None
            parts.append(key)
        return (name, *parts)


def _key_of_value(value: Value) -> Key | None:
    """Of a field's, a feature's or a shared value that is not an Enum's member or a user's object."""
    plain = value.whole is None and value.static is MISSING and value.type.enum is None and value.type.cls is None
    return (value.cell.kind, value.cell.number) if plain and value.cell.kind in ("slot", "shared") else None


def _constant_index(node: ast.expr) -> Key | None:
    if isinstance(node, ast.Slice):
        parts = [None if part is None else _constant_index(part) for part in (node.lower, node.upper, node.step)]
        given = [part for part in (node.lower, node.upper, node.step) if part is not None]
        return None if len([p for p in parts if p is not None]) < len(given) else ("slice", *parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _constant_index(node.operand)
        return None if inner is None or inner[0] != "int" else ("int", -inner[1])
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ("int", node.value)
    return None


def _is_work(key: Key) -> bool:
    """Whether it takes more than looking whether it is known: it calls something, or cuts a text."""
    if key[0].startswith(".") or key[0] in FUNCTIONS:
        return True
    if key[0] == "index":
        return key[1][0] == "slice" or _is_work(key[2])
    return any(_is_work(part) for part in key[1:] if isinstance(part, tuple))


def chosen(common: dict[Key, list[FunctionDef]]) -> dict[Key, Cell]:
    """A cell for each expression that stands at least twice."""
    found = [key for key, functions in common.items() if len(functions) > 1]
    return {key: Cell("shared", number) for number, key in enumerate(found[:SHARED_MAX])}
