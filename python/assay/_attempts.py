"""Lowering of `try`, `raise` and `with suppress(...)`.

A `try` becomes a region: the pieces of code that it covers, and where an exception in them goes on. What `finally` says
is lowered once for each way out - the end, every return, break and continue, and an exception - with the region left
out while it stands there.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from dataclasses import replace

from . import _types
from ._calls import Calls
from ._flow import Binding, Handler, Refuse, Region, Target, Value
from ._share import Cell, Label


class Attempts(Calls):
    # --- regions ---

    def enter(self, region: Region) -> None:
        region.known = None if self.paths is None else dict(self.paths)
        region.pieces.append((Label(len(self.code)), Label()))
        self.regions.append(region)

    def exit(self, region: Region) -> None:
        """The region ends here; its handler's place is known once it is put."""
        assert self.regions[-1] is region
        self.regions.pop()
        region.pieces[-1][1].position = len(self.code)
        covered = False
        for first, end in region.pieces:
            self.handlers.append(Handler(first, end, region.target, region.cell))
            covered = covered or first.position < end.position
        if covered and region.known is not None:
            region.target.paths.append(region.known)

    def leave(self, regions: int, node: ast.AST) -> None:
        """Runs what `finally` says on a way out of all regions above that many."""
        for at in range(len(self.regions) - 1, regions - 1, -1):
            region = self.regions[at]
            if not region.final or self.paths is None:
                continue
            outside, scopes = self.regions, self.scopes
            for other in outside[at:]:
                other.pieces[-1][1].position = len(self.code)
            self.regions = outside[:at]
            assert region.scope is not None
            self.scopes = scopes[: scopes.index(region.scope) + 1]
            loops, region.scope.loops = region.scope.loops, [x for x in region.scope.loops if x[2] <= at]
            self.block(region.final)
            region.scope.loops = loops
            self.regions, self.scopes = outside, scopes
            for other in outside[at:]:
                other.pieces.append((Label(len(self.code)), Label()))

    def set_binding(self, key: str, binding: Binding) -> None:
        super().set_binding(key, binding)
        if self.paths is None:
            return
        for region in self.regions:  # an exception from now on finds this
            region.known = dict(self.paths) if region.known is None else self.joined_paths(region.known, self.paths)

    # --- try ---

    def do_Try(self, node: ast.Try) -> None:
        if node.finalbody:
            self.finally_(node.finalbody, lambda: self.attempt(node), node)
        else:
            self.attempt(node)

    def attempt(self, node: ast.Try) -> None:
        if not node.handlers:
            self.block(node.body)
            return
        self.covered(node, node.orelse, lambda cell, end: self.handle(node.handlers, cell, end))

    def covered(self, node: ast.Try | ast.With, orelse: list[ast.stmt], handle: Callable[[Cell, Target], None]) -> None:
        """The statement's body, then `orelse`; `handle` gets the cell of an exception in the body, and the end."""
        end, region = Target(), Region(Target(), self.temporary())
        self.enter(region)
        self.block(node.body)
        self.exit(region)
        self.block(orelse)
        if self.paths is not None:
            self.jump(end, node)
        self.put(region.target)
        handle(region.cell, end)
        self.put(end)

    def handle(self, handlers: list[ast.ExceptHandler], cell: Cell, end: Target) -> None:
        for handler in handlers:
            otherwise = Target()
            if handler.type is not None:
                self.test_exception(self.exception_classes(handler.type), cell, otherwise, handler)
            if handler.name is not None:
                self.assign_name(handler.name, Value(cell, _types.of("exception")), handler)
            self.caught.append(cell)
            self.block(handler.body)
            self.caught.pop()
            if handler.name is not None and self.paths is not None:
                key = f"{self.home(handler.name).number}:{handler.name}"
                self.set_binding(key, replace(self.paths[key], assigned=False))
            if self.paths is not None:
                self.jump(end, handler)
            if handler.type is None:
                return
            self.put(otherwise)
        if self.paths is not None:
            self.throw(cell, handlers[-1])

    def test_exception(self, classes: list[int], cell: Cell, otherwise: Target, node: ast.AST) -> None:
        found, test = Target(), self.temporary()
        for number in classes:
            self.emit("IS_EXCEPTION", node, test, cell, number)
            self.jump_if(Value(test, _types.BOOL), found, True, node)
        self.jump(otherwise, node)
        self.put(found)

    def exception_classes(self, node: ast.expr) -> list[int]:
        if isinstance(node, ast.Tuple):
            return [number for part in node.elts for number in self.exception_classes(part)]
        found = self.python_object(node)
        classes = found if isinstance(found, tuple) else (found,)
        if not all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in classes):
            raise Refuse(node, f"{ast.unparse(node)} is not an exception's class")
        return [self.unit.exception_number(cls) for cls in classes]

    def finally_(self, final: list[ast.stmt], body: Callable[[], None], node: ast.stmt) -> None:
        out, region = Target(), Region(Target(), self.temporary(), final, self.scope)
        self.enter(region)
        body()
        self.exit(region)
        self.block(final)
        if self.paths is not None:
            self.jump(out, node)
        self.put(region.target)
        if self.paths is not None:
            self.block(final)
            self.throw(region.cell, node)
        self.put(out)

    # --- raise ---

    def do_Raise(self, node: ast.Raise) -> None:
        if node.exc is None:
            if not self.caught:
                raise Refuse(node, "raise without an exception stands outside of except", "name the exception")
            self.throw(self.caught[-1], node)
            return
        found = self.python_object(node.exc)
        if isinstance(found, type) and issubclass(found, BaseException):
            value = self.make_exception(found, [], node.exc, None)
        else:
            value = self.value(node.exc)
        if node.cause is not None and not isinstance(node.cause, ast.Constant):
            self.value(node.cause)
        self.throw(value.cell, node)

    # --- with ---

    def do_With(self, node: ast.With) -> None:
        if len(node.items) != 1 or not isinstance(node.items[0].context_expr, ast.Call):
            raise Refuse(node, "with is for suppress(...) here", "try and except")
        call = node.items[0].context_expr
        if self.python_object(call.func) is not contextlib.suppress or node.items[0].optional_vars is not None:
            raise Refuse(call, f"with {ast.unparse(call)} is not available in a function", "do it at module level")
        classes = [number for argument in call.args for number in self.exception_classes(argument)]

        def handle(cell: Cell, end: Target) -> None:
            otherwise = Target()
            if self.paths is not None:
                self.test_exception(classes, cell, otherwise, call)
                self.jump(end, node)
                self.put(otherwise)
                self.throw(cell, node)

        self.covered(node, [], handle)

    def block(self, statements: list[ast.stmt]) -> None:
        raise NotImplementedError
