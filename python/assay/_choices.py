"""Lowering of functions that are chosen while running: `HANDLERS.get(kind)`, `max if high else min`.

Which of the functions known while compiling it is stands in a cell, as a number, or None. A call goes to the one
of that number. Such a value can be named, passed on, called, and tested for None and truth; nothing else.
"""

from __future__ import annotations

import ast
from typing import Any

from . import _types
from ._definition import MISSING
from ._flow import Binding, Chosen, Closure, Refuse, Target, Value, holds_function, numbered
from ._regular import Regular
from ._share import Cell
from ._syntax import placed
from ._types import Type


class Choices(Regular):
    def table_of_functions(self, node: ast.expr) -> dict[Any, Any] | None:
        """The dict of functions that an expression is, at module level or written here."""
        if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
            keys = [self.constant_display(key) for key in node.keys if key is not None]
            values = [self.function_of(value) for value in node.values]
            if any(key is MISSING for key in keys) or any(value is MISSING for value in values):
                return None
            found: Any = dict(zip(keys, values, strict=True))
        else:
            found = self.python_object(node)
        if not isinstance(found, dict) or not found:
            return None
        values = list(found.values())
        functions = any(isinstance(value, Closure) or holds_function(value) for value in values)
        fit = all(value is None or isinstance(value, Closure) or callable(value) for value in values)
        return found if functions and fit else None

    def function_of(self, node: ast.expr) -> Any:
        """The function that an expression stands for while compiling; MISSING if it is none. None is one here."""
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if isinstance(node, ast.Lambda):
            return self.value(node).static
        found = self.python_object(node)
        known = isinstance(found, Closure) or (holds_function(found) and callable(found))
        return found if known else MISSING

    def chosen_from(
        self, table: dict[Any, Any], key: ast.expr, node: ast.expr, default: ast.expr | None = None, index: bool = True
    ) -> Value:
        """table[key], or table.get(key, default)."""
        options: dict[int, Any] = {}
        numbers = {name: self.number_of(function, options) for name, function in table.items()}
        holder = self.named_constant(numbers, node)
        if index:
            made: ast.expr = ast.Subscript(holder, key, ast.Load())
        else:
            function = None if default is None else self.function_of(default)
            if function is MISSING:
                raise Refuse(node, "the default is no function and not None", "a function, or None and a test for it")
            otherwise = ast.Constant(self.number_of(function, options))
            made = ast.Call(ast.Attribute(holder, "get", ast.Load()), [key, otherwise], [])
        return self.chosen(self.value(placed(made, node)), options, node)

    def number_of(self, function: Any, options: dict[int, Any]) -> int | None:
        for number, known in (numbered(self.unit.numbers, function) or {}).items():
            options[number] = known
            return number
        return None

    def named_constant(self, found: Any, node: ast.AST) -> ast.Name:
        self.scope_count += 1
        name = f".{self.scope_count}"
        self.scope.locals.add(name)
        self.set_binding(f"{self.scope.number}:{name}", Binding(self.constant(found, node)))
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def chosen(self, number: Value, options: dict[int, Any], node: ast.AST) -> Value:
        """A choice whose number is in that value. Its cell outlives the statement."""
        cell = self.temporary()
        self.pinned = max(self.pinned, self.next_temporary)
        self.emit("MOVE", node, cell, number.cell)
        known = number.type if number.type.tags <= {"int", "none"} else _types.of("int", "none")
        return Value(cell, known, static=Chosen(cell, frozenset(options.items())))

    def chosen_between(self, node: ast.IfExp) -> Value | None:
        """`max if high else min`; None if it is not functions that are chosen between."""
        sides = [self.function_of(side) for side in (node.body, node.orelse)]
        if any(side is MISSING for side in sides) or all(side is None for side in sides):
            return None
        options: dict[int, Any] = {}
        numbers = [self.number_of(side, options) for side in sides]
        made = ast.IfExp(node.test, ast.Constant(numbers[0]), ast.Constant(numbers[1]))
        return self.chosen(self.value(placed(made, node)), options, node)

    def call_chosen(self, found: Chosen, node: ast.Call, into: Cell | None) -> Value:
        """A test for each function."""
        arguments = [self.once_evaluated(argument, node) for argument in node.args]
        keywords = [ast.keyword(k.arg, self.once_evaluated(k.value, node)) for k in node.keywords]
        result, end, kinds = self.temporary(), Target(), list[Type]()
        for number, function in sorted(found.options, key=lambda option: option[0]):
            other, test = Target(), self.temporary()
            self.emit("EQ", node, test, found.cell, self.literal(number).cell)
            self.jump_if(Value(test, _types.BOOL), other, False, node)
            call = placed(ast.Call(node.func, arguments, keywords), node)
            made = self.move(self.call_object(function, call, result), result, node)
            if made.static is not MISSING or made.whole is not None:
                raise Refuse(node, "what this call gives depends on the way here", "call it on each way")
            kinds.append(made.type)
            if self.paths is not None:
                self.jump(end, node)
            self.put(other)
        self.fail("TypeError", node, self.literal("'NoneType' object is not callable").cell)
        self.put(end)
        return Value(result, _types.join_all(kinds))

    def once_evaluated(self, node: ast.expr, place: ast.AST) -> ast.expr:
        if isinstance(node, ast.Constant | ast.Lambda | ast.Starred):
            return node
        value = self.value(node)
        return node if value.static is not MISSING or value.whole is not None else self.let(value, place)

    def call_object(self, found: Any, node: ast.Call, into: Cell | None) -> Value:
        raise NotImplementedError
