"""Lowering of what runs over an iterable: comprehensions, generators inside sum, any, min and the like, item by item in
Python's order, and keys and defaults of min, max and sorted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

from . import _library, _types
from ._definition import MISSING
from ._flow import Binding, Paths, Refuse, Target, Value, holds_function
from ._objects import Objects, is_record
from ._share import Cell
from ._syntax import placed
from ._types import Type

LAZY = ("sum", "any", "all", "min", "max", "math.prod")  # what may take a generator item by item
LISTED = ("sorted", "list", "tuple", "math.fsum", "set", "frozenset")  # what takes its items together


class Comprehensions(Objects):
    # --- comprehensions ---

    def lower_ListComp(self, node: ast.ListComp, into: Cell | None) -> Value:
        if isinstance(node.elt, ast.Name):
            at_once = self.of_characters("filter", node, node, into)
            if at_once is not None:
                return at_once
        return self.collected(node.generators, node.elt, node, into)

    def lower_SetComp(self, node: ast.SetComp, into: Cell | None) -> Value:
        first = self.run_of(2)
        item, kinds = Cell(first.kind, first.number + 1), []
        source = self.source(node.generators[0].iter, True)
        self.emit("SET", node, first, self.literal(None).cell, x=0)

        def each() -> None:
            mark = self.next_temporary
            kinds.append(self.put_value(node.elt, item).type)
            self.emit("CALL", node, self.temporary(), first, self.unit.builtins[".add"][0], 2)
            self.release(mark)

        self.generate(node.generators, source, each, Target())
        return Value(first, _types.of("set", item=_types.join_all(kinds)))

    def lower_DictComp(self, node: ast.DictComp, into: Cell | None) -> Value:
        result, key, item = self.temporary(), self.temporary(), self.temporary()
        keys: list[Type] = []
        items: list[Type] = []
        source = self.source(node.generators[0].iter)
        self.emit("DICT", node, result, self.literal(None).cell, x=0)

        def each() -> None:
            mark = self.next_temporary
            keys.append(self.put_value(node.key, key).type)
            items.append(self.put_value(node.value, item).type)
            self.emit("STORE", node, result, key, item)
            self.release(mark)

        self.generate(node.generators, source, each, Target())
        return Value(result, Type(frozenset({"dict"}), _types.join_all(keys), _types.join_all(items)))

    def collected(
        self,
        generators: list[ast.comprehension],
        element: ast.expr,
        node: ast.expr,
        into: Cell | None,
        any_order: bool = False,
    ) -> Value:
        """A list of what the generators give."""
        if isinstance(element, ast.Name) and isinstance(node, ast.GeneratorExp):
            at_once = self.of_characters("filter", node, node, None)
            if at_once is not None:
                return at_once
        result = self.temporary()  # not `into`: the elements may read what is there
        kinds: list[Type] = []
        source = self.source(generators[0].iter, any_order)
        self.emit("LIST", node, result, self.literal(None).cell, x=0)

        def each() -> None:
            mark = self.next_temporary
            value = self.put_value(element, None, "a list")
            kinds.append(value.type)
            self.emit("APPEND", node, result, value.cell)
            self.release(mark)

        self.generate(generators, source, each, Target())
        return Value(result, _types.of("list", item=_types.join_all(kinds)))

    def as_generator(self, node: ast.expr) -> ast.GeneratorExp | None:
        """A generator expression, or map() and filter() written as one."""
        if isinstance(node, ast.GeneratorExp):
            return node
        if not isinstance(node, ast.Call) or node.keywords or len(node.args) < 2:
            return None
        if any(isinstance(a, ast.Starred) for a in node.args):
            return None
        found = self.python_object(node.func)
        if found is not map and not (found is filter and len(node.args) == 2):
            return None
        known = self.rewritten.get(node)
        if known is None:
            known = self.rewritten[node] = _mapped(node, found is map)
        return known

    def iterator(self, node: ast.expr, place: ast.AST, any_order: bool = False) -> tuple[Cell, Type]:
        """An iterator over its items; `any_order`: what is made of them does not depend on the order of a set."""
        node = self.as_generator(node) or node
        value = self.present(self.iterable(self.read(node), node, any_order), node)
        cell = self.temporary()
        self.emit("ITER", place, cell, value.cell, x=int("set" in value.type.tags and not any_order))
        return cell, _types.item_of(value.type)

    def source(self, node: ast.expr, any_order: bool = False) -> tuple[Cell, Type]:
        """What `generate` goes over: an iterator, or nothing where its items are known while compiling."""
        if self.unrolled(node) is not None:
            return self.literal(None).cell, _types.NONE
        return self.iterator(node, node, any_order)

    def unrolled(self, node: ast.expr) -> list[Any] | None:
        """The items of a module's list that holds functions, or of a display of functions."""
        if isinstance(node, ast.Tuple | ast.List):
            items = self.object_of_display(node)
            return list(items) if items is not MISSING and holds_function(items) else None
        found = self.python_object(node)
        if isinstance(node, ast.Call) and not node.keywords:
            found = self.unrolled_call(node)
        if isinstance(found, dict) and any(holds_function(value) for value in found.values()):
            return list(found) if len(found) <= UNROLLED_MAX else None
        if not isinstance(found, list | tuple) or len(found) > UNROLLED_MAX:
            return None
        kinds = {type(item) for item in found}
        rules = len(kinds) > 1 and all(is_record(kind) for kind in kinds)  # each has its own methods
        return list(found) if rules or any(holds_function(item) for item in found) else None

    def object_of_display(self, node: ast.expr) -> Any:
        """The Python object that a display of constants and functions is; MISSING if a part is the payment's."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Lambda):
            return self.value(node).static
        if not isinstance(node, ast.Tuple | ast.List):
            return self.python_object(node)
        parts = [self.object_of_display(part) for part in node.elts]
        return MISSING if any(part is MISSING for part in parts) else tuple(parts)

    def unrolled_call(self, node: ast.Call) -> Any:
        """What HANDLERS.items(), enumerate(CHECKS) and the like give."""
        if isinstance(node.func, ast.Attribute) and not node.args:
            owner = self.python_object(node.func.value)
            if isinstance(owner, dict) and node.func.attr in ("items", "values", "keys"):
                return list(getattr(owner, node.func.attr)())
        called = self.python_object(node.func) if node.args else MISSING
        if called not in (enumerate, reversed, zip):
            return MISSING
        items = [self.unrolled(argument) or self.constant_display(argument) for argument in node.args]
        try:
            return list(called(*items)) if any(map(holds_function, items)) else MISSING
        except TypeError:
            return MISSING

    def iterable(self, value: Value, node: ast.expr, any_order: bool = False) -> Value:
        if value.whole is not None or value.static is not MISSING:
            value = self.plain(self.members(value), node)
        if "set" in value.type.tags and value.type.only("set", "none") and not any_order:
            raise Refuse(node, "the order of a set is randomized by Python", f"sorted({ast.unparse(node)})")
        return value if value.type.enum is None else self.open(value, node)

    def generate(
        self,
        generators: list[ast.comprehension],
        source: tuple[Cell, Type],
        each: Callable[[], None],
        stop: Target,
    ) -> None:
        """Runs `each` for every item; a jump to `stop` leaves all loops."""
        generator, rest = generators[0], generators[1:]
        if generator.is_async:
            raise Refuse(generator.target, "async is not available")
        names: dict[str, str] = {}
        for target in ast.walk(generator.target):
            if isinstance(target, ast.Name):
                self.scope_count += 1
                names[target.id] = f"{self.scope.number}:{target.id}#{self.scope_count}"
        self.scope.comprehensions.append(names)
        known = self.unrolled(generator.iter)
        if known is not None:
            self.generate_known(generators, known, names, each, stop)
            return
        cells = {name: self.temporary() for name in names}
        item = self.temporary()
        end, after = Target(), self.next_temporary

        def body() -> Paths | None:
            head = Target(len(self.code))
            again = Target()
            if self.paths is None:
                return None
            end.paths.append(self.paths)
            self.emit("NEXT", generator.target, item, source[0], end)
            self.bind_target(generator.target, Value(item, source[1]), names, cells)
            for condition in generator.ifs:
                self.branch(condition, again, False)
            if rest:
                inner = self.source(rest[0].iter)
                self.generate(rest, inner, each, stop)
            else:
                each()
            self.put(again)
            known = self.paths
            self.emit("JMP", generator.target, c=head)
            self.paths = None
            self.release(after)
            return known

        self.looped(body)
        self.put(end)
        self.scope.comprehensions.pop()
        if not rest:
            self.put(stop)
        self.release(after)

    def generate_known(
        self,
        generators: list[ast.comprehension],
        items: list[Any],
        names: dict[str, str],
        each: Callable[[], None],
        stop: Target,
    ) -> None:
        """Runs `each` for items that are known while compiling, one after the other."""
        generator, rest = generators[0], generators[1:]
        after = self.next_temporary
        for item in items:
            again = Target()
            if self.paths is None:
                break
            self.bind_known(generator.target, item, names)
            for condition in generator.ifs:
                self.branch(condition, again, False)
            if rest:
                self.generate(rest, self.source(rest[0].iter), each, Target())
            else:
                each()
            self.put(again)
            self.release(after)
        self.scope.comprehensions.pop()
        self.put(stop)
        self.release(after)

    def bind_known(self, target: ast.expr, found: Any, names: dict[str, str]) -> None:
        if isinstance(target, ast.Name):
            value = self.static(found) if holds_function(found) else self.constant(found, target)
            self.set_binding(names[target.id], Binding(value))
            return
        if not isinstance(target, ast.Tuple | ast.List) or not isinstance(found, tuple | list):
            raise Refuse(target, "this loop target is not available", "a name, or names in a tuple")
        if len(found) != len(target.elts):
            raise Refuse(target, f"{len(found)} values for {len(target.elts)} names")
        for part, item in zip(target.elts, found, strict=True):
            self.bind_known(part, item, names)

    def let(self, value: Value, node: ast.AST) -> ast.Name:
        """A fresh variable of this scope that holds the value, as syntax."""
        self.scope_count += 1
        name = f".{self.scope_count}"
        self.scope.locals.add(name)
        cell = self.scope.cells[name] = self.temporary()
        self.set_binding(f"{self.scope.number}:{name}", Binding(self.move(value, cell, node)))
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def let_static(self, found: Any, node: ast.AST) -> ast.Name:
        """A fresh variable that stands for a Python object while compiling, as syntax."""
        self.scope_count += 1
        name = f".{self.scope_count}"
        self.scope.locals.add(name)
        self.set_binding(f"{self.scope.number}:{name}", Binding(self.static(found)))
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def calling(self, function: ast.expr, arguments: list[ast.expr], node: ast.AST) -> ast.Call:
        """The call of a function on these, as syntax."""
        return ast.copy_location(ast.Call(function, arguments, []), node)

    def bind_target(self, target: ast.expr, value: Value, names: dict[str, str], cells: dict[str, Cell]) -> None:
        if isinstance(target, ast.Name):
            moved = self.move(value, cells[target.id], target)
            self.set_binding(names[target.id], Binding(moved))
            return
        if not isinstance(target, ast.Tuple | ast.List):
            raise Refuse(target, "this loop target is not available", "a name, or names in a tuple")
        for part, item in zip(target.elts, self.unpacked(value, target), strict=True):
            self.bind_target(part.value if isinstance(part, ast.Starred) else part, item, names, cells)

    def of_generator(self, name: str, lazy: ast.GeneratorExp, node: ast.Call, into: Cell | None) -> Value | None:
        """A built-in over a generator, item by item in Python's order; None if it does not take one."""
        if name in LISTED and len(node.args) == 1:
            values = self.collected(lazy.generators, lazy.elt, lazy, None, name in ("sorted", "set", "frozenset"))
            if name == "list":
                return values
            self.check_arguments(name, [values.type], node)
            cell = into or self.temporary()
            self.emit("CALL", node, cell, values.cell, self.unit.builtins[name][0], 1)
            return Value(cell, _library.of_call(name, [values.type]))
        if name in ("sum", "any", "all") and len(node.args) == 1:
            at_once = self.of_characters(name, lazy, node, into)
            if at_once is not None:
                return at_once
        if name == "sum" and sys.version_info >= (3, 12):
            values = self.collected(lazy.generators, lazy.elt, lazy, None)
            first = self.run_of(2)
            self.move(values, first, node)
            self.value(node.args[1] if len(node.args) > 1 else ast.Constant(0), Cell(first.kind, first.number + 1))
            cell = into or self.temporary()
            self.emit("CALL", node, cell, first, self.unit.builtins["sum.compensated"][0], 2)
            return Value(cell, _library.of_call(name, [values.type]))
        if name not in LAZY or (len(node.args) > 1 and name != "sum"):
            return None
        result = self.temporary()
        any_order = name in ("any", "all", "min", "max") or (name == "sum" and counts(lazy.elt))
        source = self.source(lazy.generators[0].iter, any_order)
        if name in ("any", "all"):
            return self.quantified(name, lazy, source, result, node)
        if name in ("min", "max"):
            return self.extreme_over(name, lazy, source, result, None, None, node)
        return self.folded_over(name, lazy, source, result, node)

    def check_arguments(self, name: str, kinds: list[Type], node: ast.Call) -> None:
        raise NotImplementedError

    def of_characters(
        self, name: str, lazy: ast.GeneratorExp | ast.ListComp, node: ast.expr, into: Cell | None
    ) -> Value | None:
        """A test of every character of a text in one instruction: `sum(c.isdigit() for c in text)`, `sum(1 for c in
        text if c in "aeiou")`, any() and all() of such a test, `[c for c in text if c.isalpha()]` (name "filter").
        """
        each, test = lazy.generators[0], lazy.elt
        if len(lazy.generators) > 1 or not isinstance(each.target, ast.Name) or not isinstance(each.iter, ast.Name):
            return None
        if name == "filter" or (name == "sum" and isinstance(test, ast.Constant) and test.value == 1):
            whole = not isinstance(test, ast.Name) or test.id == each.target.id
            if len(each.ifs) != 1 or not whole or (isinstance(test, ast.Constant) and type(test.value) is not int):
                return None
            test = each.ifs[0]
        elif each.ifs:
            return None
        inverted = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and name in ("any", "all")
        if inverted and isinstance(test, ast.UnaryOp):  # not every one passes, or none does
            name, test = ("all" if name == "any" else "any"), test.operand
        found = _test_of_one(test, each.target.id)
        if found is None:
            return None
        kind, operand = found
        text = self.value(each.iter)
        if text.whole is not None or not text.type.only("str"):
            return None
        mark = self.next_temporary
        first = self.run_of(2)
        self.move(text, first, node)
        self.move(self.literal(operand), Cell(first.kind, first.number + 1), node)
        self.release(mark)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins[f"{name}.{kind}"][0], 2)
        if inverted:
            self.emit("NOT", node, cell, cell)
        return Value(cell, {"sum": _types.INT, "filter": _types.of("list", item=_types.STR)}.get(name, _types.BOOL))

    def quantified(
        self, name: str, lazy: ast.GeneratorExp, source: tuple[Cell, Type], result: Cell, node: ast.Call
    ) -> Value:
        found, stop = Target(), Target()
        end = Target()

        def each() -> None:
            mark = self.next_temporary
            self.branch(lazy.elt, found, name == "any")
            self.release(mark)

        self.generate(lazy.generators, source, each, stop)
        self.emit("MOVE", node, result, self.literal(name == "all").cell)
        self.jump(end, node)
        self.put(found)
        self.emit("MOVE", node, result, self.literal(name == "any").cell)
        self.put(end)
        return Value(result, _types.BOOL)

    def extreme_by(
        self, name: str, lazy: ast.GeneratorExp, key: ast.expr | None, default: ast.expr | None, node: ast.Call
    ) -> Value:
        result = self.temporary()
        source = self.source(lazy.generators[0].iter, key is None)
        otherwise = None if default is None else self.kept(self.value(default), node)
        return self.extreme_over(name, lazy, source, result, key, otherwise, node)

    def extreme_over(
        self,
        name: str,
        lazy: ast.GeneratorExp,
        source: tuple[Cell, Type],
        result: Cell,
        key: ast.expr | None,
        default: Value | None,
        node: ast.Call,
    ) -> Value:
        """min and max: a later item wins only if it is strictly better."""
        begun, best = self.temporary(), result if key is None else self.temporary()
        self.emit("MOVE", node, begun, self.literal(False).cell)
        kinds: list[Type] = []

        def each() -> None:
            mark = self.next_temporary
            value = self.value(lazy.elt)
            if key is None:
                value = compared = self.plain(value, lazy.elt)
            else:
                argument = self.let(self.kept(value, node), node)
                value = self.value(argument)
                compared = self.plain(self.value(self.calling(key, [argument], key)), key)
            kinds.append(value.type)
            better, take, skip = self.temporary(), Target(), Target()
            self.jump_if(Value(begun, _types.BOOL), take, False, node)
            self.emit("LT" if name == "min" else "GT", node, better, compared.cell, best)
            self.jump_if(Value(better, _types.BOOL), skip, False, node)
            self.put(take)
            self.emit("MOVE", node, result, value.cell)
            if best != result:
                self.emit("MOVE", node, best, compared.cell)
            self.emit("MOVE", node, begun, self.literal(True).cell)
            self.put(skip)
            self.release(mark)

        self.generate(lazy.generators, source, each, Target())
        there = Target()
        self.jump_if(Value(begun, _types.BOOL), there, True, node)
        if default is not None:
            self.move(default, result, node)
            kinds.append(default.type)
        else:
            text = self.literal(f"{name}() arg is an empty sequence")
            self.fail("ValueError", node, text.cell)
        self.put(there)
        return Value(result, _types.join_all(kinds))

    def folded_over(
        self, name: str, lazy: ast.GeneratorExp, source: tuple[Cell, Type], result: Cell, node: ast.Call
    ) -> Value:
        """sum and math.prod: from the start value, item by item."""
        op, begin = ("ADD", 0) if name == "sum" else ("MUL", 1)
        if len(node.args) > 1:
            start = self.plain(self.value(node.args[1], result), node.args[1])
            if start.type.tags & {"str", "list", "tuple"} and not start.type.tags >= _types.NUMBERS:
                raise Refuse(node, "sum() of strings or lists is not available yet", '"".join(...)')
        else:
            self.move(self.literal(begin), result, node)
        kinds: list[Type] = []

        def each() -> None:
            mark = self.next_temporary
            value = self.present(self.plain(self.value(lazy.elt), lazy.elt), lazy.elt)
            kinds.append(value.type)
            self.emit(op, node, result, result, value.cell)
            self.release(mark)

        self.generate(lazy.generators, source, each, Target())
        joined = _types.join_all([*kinds, _types.INT])
        return Value(result, joined if joined.tags <= _types.NUMBERS else _types.ANY)


UNROLLED_MAX = 64  # items that are known while compiling, for each of which the code stands once


def counts(node: ast.expr) -> bool:
    """Whether it can only be an int or a bool, whose sum is the same in any order."""
    match node:
        case ast.Constant(value):
            return isinstance(value, int)
        case ast.Compare() | ast.UnaryOp(ast.Not()):
            return True
        case ast.BoolOp(_, values):
            return all(map(counts, values))
        case ast.Call(ast.Name("len" | "int" | "bool" | "ord")) | ast.Call(
            ast.Attribute(_, "count" | "isdigit" | "isalpha")
        ):
            return True
        case ast.Call(ast.Attribute(_, "startswith" | "endswith" | "isupper" | "islower" | "find" | "bit_count")):
            return True
        case ast.BinOp(left, ast.Add() | ast.Sub() | ast.Mult(), right):
            return counts(left) and counts(right)
    return False


CLASSES = frozenset(
    ("isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "isupper")
)


def _test_of_one(test: ast.expr, name: str) -> tuple[str, str] | None:
    """A test of one character `name` that a whole text can be asked for at once: what kind it is and its operand."""
    match test:
        case ast.Call(ast.Attribute(ast.Name(id=who), method), [], []) if who == name and method in CLASSES:
            return "class", method
        case ast.Compare(ast.Name(id=who), [ast.In()], [ast.Constant(str(among))]) if who == name:
            return "among", among
    return None


def _mapped(node: ast.Call, is_map: bool) -> ast.GeneratorExp:
    """map(f, xs) as (f(x) for x in xs), filter(f, xs) as (x for x in xs if f(x))."""
    function, *sources = node.args
    names = [f".m{node.lineno}.{node.col_offset}.{at}" for at in range(len(sources))]
    loads: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names]
    stores: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
    if len(sources) == 1:
        target, source = stores[0], sources[0]
    else:
        target, source = ast.Tuple(stores, ast.Store()), ast.Call(ast.Name("zip", ast.Load()), sources, [])
    called: ast.expr = ast.Call(function, loads, [])
    tests: list[ast.expr] = []
    if not is_map:
        nothing = isinstance(function, ast.Constant) and function.value is None
        tests = [loads[0] if nothing else called]
        called = ast.Name(names[0], ast.Load())
    lazy = ast.GeneratorExp(called, [ast.comprehension(target, source, tests, 0)])
    return placed(lazy, node)
