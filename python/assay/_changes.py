"""Lowering of what changes an object or a name: assignment to every kind of target, `+=`, `del`.

Lists, sets and dicts that a function makes are its own and may be changed; what belongs to the event or to the module
may not, since other functions see it. What is put into a container of a local name widens the type of that name.
"""

from __future__ import annotations

import ast
import enum
from dataclasses import replace

from . import _prelude, _types
from ._definition import MISSING
from ._expressions import both_flags
from ._flow import Binding, Chosen, Refuse, Scope, Value, numbered
from ._formats import Formats
from ._share import Cell
from ._syntax import OPERATORS, stores_of
from ._types import Type


class Changes(Formats):
    def home(self, name: str) -> Scope:
        """The scope whose variable a name is."""
        scope: Scope | None = self.scope
        while scope is not None and name not in scope.locals:
            scope = scope.parent
        assert scope is not None, name
        return scope

    # --- assignment ---

    def do_Assign(self, node: ast.Assign) -> None:
        only = node.targets[0]
        if len(node.targets) == 1 and isinstance(only, ast.Name):
            self.assign_expression(only.id, node.value, node)
            return
        if len(node.targets) == 1 and self.assign_pairwise(only, node.value):
            return
        value = self.value(node.value)
        if len(node.targets) > 1 and value.cell.kind == "temporary":  # a target may be what the value stands in
            value = self.kept(value, node)
        for target in node.targets:
            self.assign_target(target, value, node)

    def kept(self, value: Value, node: ast.AST) -> Value:
        """The value in a temporary of its own."""
        return value if value.whole is not None else self.move(value, self.temporary(), node)

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            return
        if isinstance(node.target, ast.Name):
            self.assign_expression(node.target.id, node.value, node)
        else:
            self.assign_target(node.target, self.value(node.value), node)

    def assign_expression(self, name: str, expression: ast.expr, node: ast.stmt) -> None:
        """The value goes straight into the name's cell unless making it may read the name again."""
        cell = self.home(name).cells[name]
        reads = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(expression))
        makes = any(isinstance(n, ast.Lambda | ast.GeneratorExp) for n in ast.walk(expression))
        simple = isinstance(expression, ast.BinOp | ast.UnaryOp | ast.Constant | ast.Subscript | ast.Attribute)
        safe = (simple or not reads) and not makes and not self.regions
        value = self.value(expression, cell if safe else None)
        self.assign_name(name, value, node)

    def assign_name(self, name: str, value: Value, node: ast.AST) -> None:
        scope = self.home(name)
        key, cell = f"{scope.number}:{name}", scope.cells[name]
        options = numbered(self.unit.numbers, value.static) if value.static is not MISSING else None
        if options is None or stores_of(scope.node)[name] < 2:
            self.set_binding(key, Binding(self.move(value, cell, node)))
            return
        number = value if isinstance(value.static, Chosen) else self.literal(next(iter(options)))
        self.emit("MOVE", node, cell, number.cell)  # another branch may give the name another function
        self.set_binding(key, Binding(Value(cell, number.type, static=Chosen(cell, frozenset(options.items())))))

    def assign_pairwise(self, target: ast.expr, value: ast.expr) -> bool:
        """a, b = b, a: all values first, then the names. False if it is not of that form."""
        if not (isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)):
            return False
        parts = [*target.elts, *value.elts]
        if len(target.elts) != len(value.elts) or any(isinstance(p, ast.Starred) for p in parts):
            return False
        values = [self.value(part, self.temporary()) for part in value.elts]
        for name, part in zip(target.elts, values, strict=True):
            self.assign_target(name, part, target)
        return True

    def assign_target(self, target: ast.expr, value: Value, node: ast.AST) -> None:
        if isinstance(target, ast.Name):
            self.assign_name(target.id, value, node)
        elif isinstance(target, ast.Tuple | ast.List):
            for part, item in zip(target.elts, self.unpacked(value, target), strict=True):
                self.assign_target(part.value if isinstance(part, ast.Starred) else part, item, target)
        elif isinstance(target, ast.Subscript):
            self.store_item(target, value, target)
        elif isinstance(target, ast.Attribute):
            self.store_attribute(target, value, target)
        else:
            raise Refuse(target, f"assigning to {ast.unparse(target)} is not available")

    def store_item(self, target: ast.Subscript, value: Value, node: ast.AST) -> None:
        base = self.container(target.value, target)
        if isinstance(target.slice, ast.Slice):
            self.store_slice(base, target.slice, value, node)
            return
        index = self.value(target.slice)
        self.put_in(target.value, base, index.type, value, node)
        self.emit("STORE", node, base.cell, index.cell, value.cell)

    def store_slice(self, base: Value, part: ast.Slice, value: Value, node: ast.AST) -> None:
        if part.step is not None:
            raise Refuse(node, "assigning to a slice with a step is not available", "a loop over the indexes")
        first = self.run_of(4)
        self.move(base, first, node)
        for at, bound in enumerate((part.lower, part.upper), 1):
            self.value(bound or ast.copy_location(ast.Constant(None), part), Cell(first.kind, first.number + at))
        self.move(value, Cell(first.kind, first.number + 3), node)
        self.emit("CALL", node, self.temporary(), first, self.unit.builtins["list.splice"][0], 4)

    def container(self, node: ast.expr, place: ast.AST | None = None) -> Value:
        """What is about to be changed, at `place`."""
        found = self.python_object(node)
        if found is not MISSING:
            message = f"{ast.unparse(node)} belongs to the module and cannot be changed here"
            raise Refuse(place or node, message, "change a copy of it")
        value = self.value(node)
        kept = value.shared or value.cell.kind in ("slot", "constant")
        if kept and value.whole is None and not value.type.only("none"):
            raise Refuse(
                node, f"{ast.unparse(node)} is what other functions see too", f"list({ast.unparse(node)}) is your own"
            )
        return self.present(self.plain(value, node), node)

    def put_in(self, node: ast.expr, base: Value, key: Type, value: Value, place: ast.AST) -> None:
        """What is put into a container counts in the type of the name that holds it."""
        if value.static is not MISSING or value.whole is not None:
            raise Refuse(place, "this exists only while compiling and cannot be put into a container", "")
        variable = self.variable(node.id) if isinstance(node, ast.Name) else None
        if variable is None or self.paths is None or variable not in self.paths:
            if _types.enum_inside(value.type) or _types.enum_inside(key):
                raise Refuse(place, "an Enum's member in a container of containers is not available", "put its .value")
            return
        known = self.paths[variable]
        kind = known.value.type
        if kind.only("dict"):
            kind = replace(kind, item=joined(kind.item, key), value=joined(kind.value, value.type))
        elif kind.only("list", "set"):
            kind = replace(kind, item=joined(kind.item, value.type))
        else:
            return
        self.set_binding(variable, replace(known, value=replace(known.value, type=kind)))

    def store_attribute(self, target: ast.Attribute, value: Value, node: ast.AST) -> None:
        base = self.value(target.value)
        if base.whole is not None or base.cell.kind in ("slot", "constant"):
            raise Refuse(target, f"{ast.unparse(target)} is what other functions see too", "use a local name")
        name = self.literal(target.attr)
        self.emit("SET_ATTRIBUTE", node, base.cell, name.cell, value.cell)

    # --- += ---

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        op = OPERATORS.get(type(node.op))
        if op is None:
            raise Refuse(node, "the operator @= is not available")
        if isinstance(node.target, ast.Name):
            self.change_name(node.target, op, node)
        elif isinstance(node.target, ast.Subscript) and not isinstance(node.target.slice, ast.Slice):
            base = self.container(node.target.value, node.target)
            index = self.kept(self.value(node.target.slice), node)
            old = self.temporary()
            self.emit("INDEX", node.target, old, base.cell, index.cell)
            kind = self.indexed(base.type, node.target.slice)
            value = self.changed(op, Value(old, kind), node)
            self.put_in(node.target.value, base, index.type, value, node)
            self.emit("STORE", node, base.cell, index.cell, value.cell)
        elif isinstance(node.target, ast.Attribute):
            load = ast.copy_location(ast.Attribute(node.target.value, node.target.attr, ast.Load()), node.target)
            self.store_attribute(node.target, self.changed(op, self.value(load), node), node)
        else:
            raise Refuse(node.target, f"{ast.unparse(node)} is not available", "write it out")

    def change_name(self, target: ast.Name, op: str, node: ast.AugAssign) -> None:
        name = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        left = self.value(name)
        flags = isinstance(left.type.enum, type) and issubclass(left.type.enum, enum.Flag)
        left = self.present(left if flags else self.plain(left, name), name)
        if "list" in left.type.tags or "set" in left.type.tags or "dict" in left.type.tags:
            value = self.changed(op, left, node)
        else:
            right = self.value(node.value)
            if not both_flags(op, left.type, right.type):
                left, right = self.plain(left, name), self.plain(right, node.value)
            right = self.present(right, node.value)
            own = self.by_special(op, left, right, node, None)
            if own is not None:
                self.assign_name(target.id, own, node)
                return
            value = self.operate(op, left, right, node, self.home(target.id).cells[target.id])
        self.assign_name(target.id, value, node)

    def changed(self, op: str, left: Value, node: ast.AugAssign) -> Value:
        """The left side after `op=`: a list, set or dict itself, changed; else a new value."""
        right = self.present(self.plain(self.value(node.value), node.value), node.value)
        grows = {"ADD": {"list"}, "BIT_OR": {"set", "dict"}, "SUB": {"set"}, "BIT_AND": {"set"}, "BIT_XOR": {"set"}}
        counted = self.between_counters(_prelude.COUNTERS_IN_PLACE, op, left, right, node, None)
        if counted is not None:
            return Value(left.cell, left.type)
        if not left.type.tags & grows.get(op, set()):
            return self.operate(op, self.present(left, node.target), right, node, None)
        kept = left.shared or left.cell.kind in ("slot", "constant")
        if kept and left.type.only("list", "set", "dict", "none"):
            raise Refuse(node, f"{ast.unparse(node.target)} is what other functions see too", "x = x + y")
        first = self.run_of(3)
        self.move(left, first, node)
        self.move(right, Cell(first.kind, first.number + 1), node)
        self.move(self.literal(self.unit.opcodes[op]), Cell(first.kind, first.number + 2), node)
        cell = self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins["inplace"][0], 3)
        if not left.type.only("list", "set", "dict", "none"):
            return Value(cell, _types.ANY)
        item = joined(left.type.item, _types.item_of(right.type))
        value = joined(left.type.value, right.type.value) if "dict" in left.type.tags else left.type.value
        return Value(cell, replace(left.type.without_none(), item=item, value=value, items=None))

    # --- del ---

    def do_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                key = self.variable(target.id)
                if key is not None and self.paths is not None and key in self.paths:
                    self.set_binding(key, replace(self.paths[key], assigned=False))
            elif isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                base = self.container(target.value, target)
                index = self.value(target.slice)
                self.emit("DELETE", target, base.cell, index.cell, index.cell)
            elif isinstance(target, ast.Subscript):
                empty = Value(self.temporary(), _types.of("tuple"))
                self.emit("TUPLE", target, empty.cell, self.literal(None).cell, x=0)
                assert isinstance(target.slice, ast.Slice)
                self.store_slice(self.container(target.value), target.slice, empty, target)
            else:
                raise Refuse(target, f"del {ast.unparse(target)} is not available", "leave it as it is")

    def unpacked(self, value: Value, target: ast.Tuple | ast.List) -> list[Value]:
        """The parts of a value, in temporaries of their own."""
        value = self.present(self.plain(value, target), target)
        if value.type.only("set", "none"):  # of one that may be a set the engine looks whether it is
            raise Refuse(target, "the order of a set is randomized by Python", "sorted(s)")
        count = len(target.elts)
        stars = [at for at, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
        if count > 255:
            raise Refuse(target, "more than 255 names in an assignment is not available")
        first = self.run_of(max(count, 1))
        item = _types.item_of(value.type)
        if stars:
            self.emit("UNPACK_STAR", target, first, value.cell, stars[0], x=count)
        else:
            self.emit("UNPACK", target, first, value.cell, x=count)
        items = value.type.items
        if items is None or len(items) != count or stars:
            items = (item,) * count
        kinds = [_types.of("list", item=item) if at in stars else kind for at, kind in enumerate(items)]
        return [Value(Cell(first.kind, first.number + at), kind) for at, kind in enumerate(kinds)]

    def set_binding(self, key: str, binding: Binding) -> None:
        raise NotImplementedError


def joined(a: Type | None, b: Type | None) -> Type | None:
    """The type of what was there and what comes; nothing is known if nothing was."""
    if b is None:
        return None
    return b if a is None or not a.tags else _types.join(a, b)
