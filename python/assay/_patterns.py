"""Lowering of `match`: each pattern to tests and bindings, in the order in which Python tries them."""

from __future__ import annotations

import ast

from . import _types
from ._attempts import Attempts
from ._definition import MISSING
from ._flow import Refuse, Target, Value
from ._share import Cell
from ._syntax import placed

SEQUENCES = ("list", "tuple", "range")


class Patterns(Attempts):
    def do_Match(self, node: ast.Match) -> None:
        subject = self.value(node.subject)
        if subject.whole is not None:
            raise Refuse(node.subject, f"match on a {subject.whole.cls.__name__} is not available", "match its fields")
        if subject.static is MISSING:
            subject = self.kept(subject, node)  # so that a pattern that binds its name does not change it
        mark, end = self.next_temporary, Target()
        for case in node.cases:
            otherwise = Target()
            self.pattern(case.pattern, subject, otherwise)
            if case.guard is not None:
                self.branch(case.guard, otherwise, False)
            self.block(case.body)
            if self.paths is not None:
                self.jump(end, case.pattern)
            self.put(otherwise)
            self.release(mark)
        self.put(end)

    def pattern(self, pattern: ast.pattern, subject: Value, otherwise: Target) -> None:
        """Falls through with the names bound, or jumps."""
        match pattern:
            case ast.MatchValue(value):
                self.equals(value, subject, otherwise)
            case ast.MatchSingleton(value):
                self.is_constant(value, subject, pattern, otherwise)
            case ast.MatchAs(None, None):
                pass
            case ast.MatchAs(inner, name):
                if inner is not None:
                    self.pattern(inner, subject, otherwise)
                assert name is not None
                self.assign_name(name, subject, pattern)
            case ast.MatchOr(patterns):
                self.one_of(patterns, subject, pattern, otherwise)
            case ast.MatchSequence(patterns):
                self.sequence(patterns, subject, pattern, otherwise)
            case ast.MatchMapping():
                self.mapping(pattern, subject, otherwise)
            case ast.MatchClass():
                self.of_class(pattern, subject, otherwise)
            case _:
                raise Refuse(pattern, "this pattern is not available", "if and elif")

    def equals(self, value: ast.expr, subject: Value, otherwise: Target) -> None:
        right = self.value(value)
        if not _types.equality_is_exact(subject.type, right.type):
            raise self.differs(subject.type, right.type, value)
        test = self.temporary()
        self.emit("EQ", value, test, subject.cell, right.cell)
        self.jump_if(Value(test, _types.BOOL), otherwise, False, value)

    def is_constant(self, value: object, subject: Value, node: ast.pattern, otherwise: Target) -> None:
        test = self.temporary()
        self.emit("IS", node, test, subject.cell, self.literal(value).cell)
        self.jump_if(Value(test, _types.BOOL), otherwise, False, node)

    def one_of(self, patterns: list[ast.pattern], subject: Value, node: ast.pattern, otherwise: Target) -> None:
        found = Target()
        for at, each in enumerate(patterns):
            following = Target() if at + 1 < len(patterns) else otherwise
            self.pattern(each, subject, following)
            if self.paths is not None:
                self.jump(found, node)
            if following is not otherwise:
                self.put(following)
        self.put(found)

    def is_kind(self, subject: Value, kinds: tuple[str, ...], node: ast.AST, otherwise: Target) -> None:
        test = self.temporary()
        self.emit("IS_KIND", node, test, subject.cell, _types.kind_mask(kinds))
        self.jump_if(Value(test, _types.BOOL), otherwise, False, node)

    def call(self, name: str, argument: Cell, node: ast.AST, count: int = 1) -> Cell:
        cell = self.temporary()
        self.emit("CALL", node, cell, argument, self.unit.builtins[name][0], count)
        return cell

    def sequence(self, patterns: list[ast.pattern], subject: Value, node: ast.pattern, otherwise: Target) -> None:
        self.is_kind(subject, SEQUENCES, node, otherwise)
        stars = [at for at, each in enumerate(patterns) if isinstance(each, ast.MatchStar)]
        length, test = self.call("len", subject.cell, node), self.temporary()
        wanted = self.literal(len(patterns) - len(stars))
        self.emit("GE" if stars else "EQ", node, test, length, wanted.cell)
        self.jump_if(Value(test, _types.BOOL), otherwise, False, node)
        names: list[ast.expr] = [
            ast.Starred(ast.Name("_", ast.Store())) if at in stars else ast.Name("_", ast.Store())
            for at in range(len(patterns))
        ]
        target = placed(ast.Tuple(names, ast.Store()), node)
        for each, part in zip(patterns, self.unpacked(subject, target), strict=True):
            if not isinstance(each, ast.MatchStar):
                self.pattern(each, part, otherwise)
            elif each.name is not None:
                self.assign_name(each.name, part, each)

    def mapping(self, node: ast.MatchMapping, subject: Value, otherwise: Target) -> None:
        self.is_kind(subject, ("dict",), node, otherwise)
        if node.rest is not None:
            raise Refuse(node, "** in a pattern is not available", "read the dict's other keys by name")
        kind = subject.type.value or _types.ANY
        for key, each in zip(node.keys, node.patterns, strict=True):
            test, item = self.temporary(), self.temporary()
            name = self.value(key)
            self.emit("IN", key, test, name.cell, subject.cell)
            self.jump_if(Value(test, _types.BOOL), otherwise, False, key)
            self.emit("INDEX", key, item, subject.cell, name.cell)
            self.pattern(each, Value(item, kind), otherwise)

    def of_class(self, node: ast.MatchClass, subject: Value, otherwise: Target) -> None:
        cls = self.python_object(node.cls)
        if not isinstance(cls, type):
            raise Refuse(node.cls, f"{ast.unparse(node.cls)} is not a class")
        test = self.temporary()
        self.instance_test(cls, subject, node, test)
        self.jump_if(Value(test, _types.BOOL), otherwise, False, node)
        if cls in _types.KINDS and len(node.patterns) == 1 and not node.kwd_attrs:
            narrowed = _types.of(cls.__name__) if cls.__name__ in _types.SIMPLE else subject.type
            self.pattern(node.patterns[0], Value(subject.cell, narrowed), otherwise)
            return
        names = [*getattr(cls, "__match_args__", ())[: len(node.patterns)], *node.kwd_attrs]
        if len(names) != len(node.patterns) + len(node.kwd_attrs):
            raise Refuse(node, f"{cls.__name__}() accepts {len(names)} positional patterns")
        known = Value(subject.cell, _types.of_object(cls))
        for name, each in zip(names, [*node.patterns, *node.kwd_patterns], strict=True):
            cell = self.temporary()
            self.emit("GET_ATTRIBUTE", node, cell, known.cell, self.literal(name).cell)
            self.pattern(each, Value(cell, self.type_of_attribute(cls, name)), otherwise)
