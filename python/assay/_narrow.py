"""What is known of names along each path while a function is lowered: narrowing by tests, and warnings where None
bites.

`x is not None`, `if x`, `not x`, `and`, `or` and early returns narrow a name or an event's field; when unsure nothing
is said.
"""

from __future__ import annotations

import ast
from dataclasses import replace

from . import _types
from ._definition import FieldDef
from ._flow import Binding, Flow, Paths, Scope, Value, Whole, field_key, whole_key
from ._types import Type


class Narrowing(Flow):
    def variable(self, name: str) -> str | None:
        """The key of a local variable or a comprehension's, None if the name is not local."""
        return self.variable_from(self.scope, name)

    @staticmethod
    def variable_from(scope: Scope | None, name: str) -> str | None:
        while scope is not None:
            for names in reversed(scope.comprehensions):
                if name in names:
                    return names[name]
            if name in scope.locals:
                return f"{scope.number}:{name}"
            scope = scope.parent
        return None

    @staticmethod
    def none_test(test: ast.expr) -> tuple[ast.expr, bool] | None:
        """(x, True) of `x is None`, (x, False) of `x is not None`."""
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot):
            right = test.comparators[0]
            if isinstance(right, ast.Constant) and right.value is None:
                return test.left, isinstance(test.ops[0], ast.Is)
        return None

    def know(self, node: ast.expr, known: Type) -> None:
        if self.paths is not None:
            self.paths = dict(self.paths)
            self.narrow(self.paths, node, known)

    def know_present(self, whole: Whole) -> None:
        if self.paths is not None:
            self.paths = {**self.paths, whole_key(whole): Binding(self.literal(True))}

    def narrow(self, paths: Paths, node: ast.expr, known: Type) -> None:
        if isinstance(node, ast.NamedExpr):
            self.narrow(paths, node.target, known)
        if isinstance(node, ast.Name):
            key = self.variable(node.id)
            if key is not None and key in paths and paths[key].value.whole is None:
                paths[key] = replace(paths[key], value=replace(paths[key].value, type=known))
        elif isinstance(node, ast.Attribute):
            found = self.field_at(paths, node)
            if found is not None:
                paths[field_key(found)] = Binding(Value(self.unit.slots[found], known))

    def whole_at(self, paths: Paths, node: ast.expr) -> Whole | None:
        """The event or nested object that a dotted name stands for, without making code."""
        if isinstance(node, ast.NamedExpr):
            return self.whole_at(paths, node.target)
        if isinstance(node, ast.Name):
            key = self.variable(node.id)
            return paths[key].value.whole if key is not None and key in paths else None
        if not isinstance(node, ast.Attribute):
            return None
        owner = self.whole_at(paths, node.value)
        if owner is None:
            return None
        name = owner.prefix + node.attr
        inner = next((o for o in owner.event.objects if o.name == name and o.cls is not None), None)
        return None if inner is None or inner.cls is None else Whole(owner.event, name + ".", inner.cls)

    def field_at(self, paths: Paths, node: ast.Attribute) -> FieldDef | None:
        owner = self.whole_at(paths, node.value)
        if owner is None:
            return None
        return next((f for f in owner.event.fields if f.name == owner.prefix + node.attr), None)

    def refined(self, paths: Paths, test: ast.expr | None, outcome: bool) -> Paths:
        if test is None:
            return paths
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self.refined(paths, test.operand, not outcome)
        if isinstance(test, ast.BoolOp):
            if isinstance(test.op, ast.And) == outcome:
                for part in test.values:
                    self.refined(paths, part, outcome)
            return paths
        none = self.none_test(test)
        if none is not None:
            operand, is_none = none
            if is_none != outcome:
                self.remove_none(paths, operand)
        elif outcome and isinstance(test, ast.Name | ast.Attribute | ast.NamedExpr):
            self.remove_none(paths, test)
        elif outcome and self.is_equal_test(test):
            assert isinstance(test, ast.Compare)
            self.remove_none(paths, test.left)
        return paths

    @staticmethod
    def is_equal_test(test: ast.expr) -> bool:
        """x == 3, which None does not pass."""
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
            return False
        right = test.comparators[0]
        return isinstance(right, ast.Constant) and right.value is not None

    def remove_none(self, paths: Paths, node: ast.expr) -> None:
        whole = self.whole_at(paths, node)
        if whole is not None:
            paths[whole_key(whole)] = Binding(self.literal(True))
            return
        known: Type | None = None
        if isinstance(node, ast.NamedExpr):
            node = node.target
        if isinstance(node, ast.Name):
            key = self.variable(node.id)
            known = paths[key].value.type if key is not None and key in paths else None
        elif isinstance(node, ast.Attribute):
            found = self.field_at(paths, node)
            if found is not None:
                narrowed = paths.get(field_key(found))
                known = narrowed.value.type if narrowed else _types.of_field(found, found.nullable)
        if known is not None:
            self.narrow(paths, node, known.without_none())
