"""Lowering of statements: a function of the definition to register code.

    lower(unit, function)  ->  Lowered: instructions, how many temporaries, which cells may not be None

Everything that Python would evaluate is evaluated in its order; every construct without a counterpart is a Problem at
its line and column. `_flow.py` has instructions and paths, `_expressions.py` and `_calls.py` the expressions.
"""

from __future__ import annotations

import ast
import collections
import importlib
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import _types
from ._definition import (
    MISSING,
    Arrival,
    Decided,
    EventDef,
    FieldDef,
    Fired,
    FunctionDef,
    Made,
    ObjectDef,
    ParamDef,
    Problem,
)
from ._events import show, strip_none
from ._flow import (
    Chosen,
    Handler,
    Paths,
    Refuse,
    Scope,
    Target,
    TooLong,
    Unit,
    Value,
    Whole,
    holds_function,
    numbered,
    uncalled,
)
from ._freeze import freeze
from ._patterns import Patterns
from ._share import Cell, Instruction, Label, tidy
from ._source import function_node, name_place, parameter_place
from ._types import Type

if typing.TYPE_CHECKING:
    from ._vectorizers import Vectorizer

STATEMENTS: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Global: ("global", "a feature keeps nothing between payments; windows do"),
    ast.AsyncFunctionDef: ("async", "a feature is a plain function"),
    ast.ClassDef: ("a class inside a function", "move it to module level"),
    ast.AsyncFor: ("async", "a feature is a plain function"),
    ast.AsyncWith: ("async", "a feature is a plain function"),
    ast.TryStar: ("except*", "except"),
}


@dataclass
class Lowered:
    function: FunctionDef
    code: list[Instruction]
    temporaries: int
    required: list[Cell]
    handlers: list[Handler] = field(default_factory=list)
    returns: Type = _types.ANY  # what is known of its result, before the boundary


def lower(unit: Unit, function: FunctionDef) -> Lowered:
    """The code of one function. What is wrong with it goes to unit.problems; the code is meaningless then."""
    if function.made is not None:
        return of_made(unit, function, function.made)
    unit.current = function
    lowered = _Lowering(unit, function).lowered()
    unit.current = None
    return lowered


def of_made(unit: Unit, function: FunctionDef, made: Made) -> Lowered:
    """A feature that is one built-in: its parameter, then constants."""
    if made.vectorizer is not None:
        return of_vectorizer(unit, function, made.vectorizer)
    source = unit.slots[function.params[0].source]
    given: list[Any] = list(made.arguments)
    if made.tokenizer is not None:
        given = [unit.definition.tokenizers.index(made.tokenizer), made.special]
    elif made.embedding is not None:
        given.insert(0, unit.definition.embeddings.index(made.embedding))
    constants = [unit.constants.cell(freeze(each).data) for each in given]
    first = [Cell("temporary", at) for at in range(1 + len(given))]
    code = [
        Instruction("MOVE", 0, cell, b, None, function.place)
        for cell, b in zip(first, [source, *constants], strict=True)
    ]
    call = Instruction("CALL", len(first), first[0], first[0], unit.builtins[made.builtin][0], function.place)
    code += [call, Instruction("RET", 0, None, first[0], None, function.place)]
    item = _types.FLOAT if function.vector else _types.INT
    return Lowered(function, code, len(first), [source], returns=_types.of("list", item=item))


def of_vectorizer(unit: Unit, function: FunctionDef, vectorizer: Vectorizer) -> Lowered:
    """text.vectorize of the text; of a token_pattern of its own: prepare the text, find the words, vectorize those."""
    source = unit.slots[function.params[0].source]
    cells = [Cell("temporary", at) for at in range(4)]
    code: list[Instruction] = []

    def move(cell: Cell, value: Any) -> None:
        at = value if isinstance(value, Cell) else unit.constants.cell(freeze(value).data)
        code.append(Instruction("MOVE", 0, cell, at, None, function.place))

    def call(name: str, first: Cell, count: int) -> None:
        code.append(Instruction("CALL", count, first, first, unit.builtins[name][0], function.place))

    number = unit.definition.vectorizers.index(vectorizer)
    if vectorizer.pattern is None:
        move(cells[0], source)
    else:
        for cell, value in zip(cells, (vectorizer.pattern, source, number, True), strict=True):
            move(cell, value)
        call("text.vectorize", cells[1], 3)
        call("re.Pattern.findall", cells[0], 2)
    move(cells[1], number)
    move(cells[2], False)
    call("text.vectorize", cells[0], 3)
    code.append(Instruction("RET", 0, None, cells[0], None, function.place))
    returns = _types.of("list", item=_types.FLOAT) if function.vector else _types.FLOAT
    return Lowered(function, code, len(cells), [source], returns=returns)


class _Lowering(Patterns):
    returned = Type(frozenset())

    def lowered(self) -> Lowered:
        python = typing.cast("types.FunctionType", self.function.function)
        tree = function_node(python)
        required: list[Cell] = []
        if tree is None:
            message = f"the source of {self.function.name} cannot be found"
            self.unit.report(Problem(self.function.place, message))
            return Lowered(self.function, [], 0, [])
        scope = self.open_scope(python, tree)
        self.scopes.append(scope)
        try:
            arguments = {p.name: self.parameter(p, tree, required) for p in self.function.params}
            self.start(scope, arguments)
            self.body(scope)
        except TooLong:
            place = name_place(Path(python.__code__.co_filename), tree)
            self.unit.report(Problem(place, f"{self.function.name} becomes more than 32,768 instructions", "split it"))
        except RecursionError:
            place = name_place(Path(python.__code__.co_filename), tree)
            self.unit.report(Problem(place, f"{self.function.name} is nested too deep", "give parts of it names"))
        except Refuse as refused:
            self.refuse(refused)
        labels = [i.c for i in self.code if isinstance(i.c, Label)]
        code, needed = tidy(self.code, labels, self.handlers), list(dict.fromkeys(required))
        return Lowered(self.function, code, self.temporaries, needed, self.handlers, self.returned)

    # --- parameters ---

    def parameter(self, parameter: ParamDef, tree: ast.AST, required: list[Cell]) -> Value:
        """The cell that a parameter reads, with its default for a missing value; adds what must be there to
        `required`.
        """
        source = parameter.source
        if isinstance(source, EventDef):
            return Value(self.literal(None).cell, Type(frozenset()), Whole(source, "", source.cls))
        if isinstance(source, ObjectDef):
            return self.object_parameter(source, parameter, tree, required)
        if isinstance(source, Arrival):
            return Value(self.unit.arrival, _types.of("datetime"))
        if isinstance(source, Fired):
            return Value(self.unit.fired, _types.of("list", item=_types.STR))
        if isinstance(source, Decided):
            self.check_annotation(parameter, _types.STR)
            return Value(self.unit.decided, _types.STR)
        cell = self.unit.slots[source]
        if isinstance(source, FieldDef):
            known = _types.of_field(source, self.may_be_none(source))
        else:
            known = _types.of_source(source)
            if parameter.annotation is not MISSING and parameter.allows_none:
                known = _types.join(known, _types.NONE)
        self.check_annotation(parameter, known)
        if parameter.default is not MISSING and parameter.default is not None:
            return self.with_default(parameter, Value(cell, known), tree)
        if not parameter.allows_none:
            required.append(cell)
            known = known.without_none()
        return Value(cell, known)

    def check_annotation(self, parameter: ParamDef, known: Type) -> None:
        """An annotation that what the parameter reads can never be is a mistake; all numbers are alike here."""
        if parameter.annotation is MISSING or known.enum is not None:
            return
        annotated = _types.of_annotation(parameter.annotation).without_none()
        read = known.without_none()
        alike = [_types.NUMBERS, frozenset({"list", "tuple"})]
        if not (annotated.tags and read.tags) or annotated.tags & read.tags:
            return
        if any(annotated.tags & kinds and read.tags & kinds for kinds in alike):
            return
        python = typing.cast("types.FunctionType", self.function.function)
        node = function_node(python)
        place = parameter_place(Path(python.__code__.co_filename), node, parameter.name) if node else None
        message = f"{parameter.name} is annotated `{show(strip_none(parameter.annotation)[0])}` but is a {read}"
        self.unit.report(Problem(place, message, f"{parameter.name}: {read}"))

    def may_be_none(self, field: FieldDef) -> bool:
        inside = [o for o in self.function.event.objects if o.cls is not None and field.name.startswith(o.name + ".")]
        return field.nullable or any(o.nullable for o in inside)

    def with_default(self, parameter: ParamDef, value: Value, tree: ast.AST) -> Value:
        default = self.constant(parameter.default, tree, f"the default of {parameter.name}")
        if isinstance(parameter.source, FieldDef) and not value.type.maybe_none:
            return value
        cell = self.temporary()
        there = Target()
        self.emit("MOVE", tree, cell, value.cell)
        self.emit("JMP_NOT_NONE", tree, b=cell, c=there)
        self.emit("MOVE", tree, cell, default.cell)
        self.put(there)
        return Value(cell, _types.join(value.type.without_none(), default.type))

    def object_parameter(self, source: ObjectDef, parameter: ParamDef, tree: ast.AST, required: list[Cell]) -> Value:
        event = self.function.event
        assert source.cls is not None
        whole = Whole(event, source.name + ".", source.cls)
        if source.nullable:
            cell = self.witness(source, Whole(event, "", event.cls), tree)
            if parameter.allows_none:
                whole = replace(whole, witness=cell)
            else:
                required.append(cell)
        if parameter.default is not MISSING and parameter.default is not None:
            raise Refuse(tree, f"a default for {parameter.name}, a nested object, is not available yet", "| None")
        return Value(self.literal(None).cell, Type(frozenset()), whole)

    # --- bodies and statements ---

    def body(self, scope: Scope) -> None:
        node = scope.node
        if isinstance(node, ast.Lambda):
            self.give(self.value(node.body, scope.result), node.body)
            return
        assert isinstance(node, ast.FunctionDef)
        self.block(node.body)
        last = node.body[-1]
        if self.paths is not None:  # falls off its end: returns None
            self.give(self.literal(None), last)

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            mark = self.next_temporary
            try:
                self.statement(statement)
            except Refuse as refused:
                self.refuse(refused)
            self.release(mark)

    def statement(self, node: ast.stmt) -> None:
        known = STATEMENTS.get(type(node))
        if known is not None:
            raise Refuse(node, f"{known[0]} is not available in a function", known[1])
        method = getattr(self, f"do_{type(node).__name__}", None)
        if method is None:
            raise Refuse(node, f"{type(node).__name__.lower()} is not available")
        if self.paths is None and not isinstance(
            node, ast.Return | ast.Expr | ast.Assign | ast.AugAssign | ast.If | ast.For
        ):
            return
        method(node)

    def do_Pass(self, node: ast.Pass) -> None:
        pass

    def do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    def do_Return(self, node: ast.Return) -> None:
        self.give_back(node.value, node)

    def give_back(self, expression: ast.expr | None, node: ast.Return) -> None:
        """Returns an expression; each side of a conditional one returns by itself."""
        if isinstance(expression, ast.IfExp):
            otherwise = Target()
            self.branch(expression.test, otherwise, False)
            self.give_back(expression.body, node)
            self.put(otherwise)
            self.give_back(expression.orelse, node)
            return
        scope = self.scope
        value = self.literal(None) if expression is None else self.value(expression, scope.result)
        self.give(value, node)

    def give(self, value: Value, node: ast.AST) -> None:
        scope = self.scope
        if value.whole is not None:
            raise Refuse(node, f"a {value.whole.cls.__name__} cannot be returned", "return one of its fields")
        if any(region.final for region in self.regions[scope.regions :]):
            value = self.kept(value, node)  # what `finally` says may change the name that it is
            self.leave(scope.regions, node)
        if scope.result is not None and scope.end is not None:
            if value.static is MISSING:
                scope.result_types.append(value.type)
            elif self.paths is not None:
                scope.result_statics.append(value.static)
                options = numbered(self.unit.numbers, value.static)
                if options is not None:  # another return may give another function
                    number = self.literal(next(iter(options)))
                    chosen = value.cell if isinstance(value.static, Chosen) else number.cell
                    self.emit("MOVE", node, scope.result, chosen)
            self.move(value, scope.result, node)
            self.jump(scope.end, node)
            return
        if value.static is not MISSING:
            raise uncalled(node, "a function cannot be a feature's result")
        if len(self.scopes) == 1 and self.routine_now is None:
            self.check_result(value, node)
        if self.paths is not None:
            self.returned = _types.join(self.returned, value.type)
        self.emit("RET", node, b=value.cell)
        self.paths = None

    def check_result(self, value: Value, node: ast.AST) -> None:
        """Enum members leave a function as their values; only str and int ones do so in Python too."""
        if value.type.cls is collections.deque:
            raise Refuse(node, "a deque cannot be returned", "list(d)")
        returned = node.value if isinstance(node, ast.Return) and node.value is not None else node
        truth = strip_none(self.function.returns)[0] is bool or self.function.kind == "rule"
        if not truth:
            self.open(value, returned)
        elif value.type.enum is not None:
            raise Refuse(returned, "an Enum's member as a truth value is not available yet", "compare it")
        if _types.enum_inside(value.type.item):
            raise Refuse(returned, "a list of Enum members cannot be returned yet", "return their .value")

    # --- control ---

    def do_If(self, node: ast.If) -> None:
        otherwise, end = Target(), Target()
        mark = self.next_temporary
        self.branch(node.test, otherwise, False)
        self.release(mark)
        self.block(node.body)
        if node.orelse:
            self.jump(end, node)
        self.put(otherwise)
        self.block(node.orelse)
        self.put(end)

    def do_Assert(self, node: ast.Assert) -> None:
        holds = Target()
        self.branch(node.test, holds, True)
        text = None
        if node.msg is not None:
            value = self.plain(self.value(node.msg), node.msg)
            self.check_text(value, node.msg, False)
            text = self.temporary()
            self.emit("FORMAT", node, text, value.cell, x=1)
        self.fail("AssertionError", node, text)
        self.put(holds)

    def do_Nonlocal(self, node: ast.Nonlocal) -> None:
        pass  # its names are the maker's

    def do_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            found = self.imported(alias.name, node)
            if alias.asname is None and "." in alias.name:
                found = self.imported(alias.name.split(".")[0], node)
            self.assign_name(alias.asname or alias.name.split(".")[0], self.static(found), node)

    def do_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = self.imported("." * node.level + (node.module or ""), node)
        for alias in node.names:
            found = getattr(module, alias.name, MISSING)
            if found is MISSING:
                raise Refuse(node, f"{module.__name__} has no {alias.name}")
            name = ast.copy_location(ast.Name(alias.name, ast.Load()), node)
            self.assign_name(alias.asname or alias.name, self.module_object(found, name), node)

    def imported(self, name: str, node: ast.AST) -> Any:
        """A module that is imported inside a function, imported now."""
        package = self.scope.function.__globals__.get("__package__")
        try:
            return importlib.import_module(name, package if name.startswith(".") else None)
        except ImportError as error:
            raise Refuse(node, f"{type(error).__name__}: {error}", "import it at module level") from None

    def loop(self, node: ast.While | ast.For, begin: Callable[[Target], None]) -> None:
        """The statement's body again and again. `begin` makes what each round begins with, and leaves by its target."""
        over, end = Target(), Target()
        after = self.next_temporary

        def body() -> Paths | None:
            if self.paths is None:
                return None
            head = Target(len(self.code))
            begin(over)
            self.once(node, end)
            known = self.paths
            self.emit("JMP", node, c=head)
            self.paths = None
            self.release(after)
            return known

        self.looped(body)
        self.put(over)
        self.block(node.orelse)
        self.put(end)

    def once(self, node: ast.While | ast.For, end: Target) -> None:
        """The body of a loop, one time."""
        again = Target()
        self.scope.loops.append((again, end, len(self.regions)))
        self.block(node.body)
        self.scope.loops.pop()
        self.put(again)

    def do_While(self, node: ast.While) -> None:
        def begin(over: Target) -> None:
            mark = self.next_temporary
            self.branch(node.test, over, False)
            self.release(mark)

        self.loop(node, begin)

    def assign_static(self, target: ast.expr, found: Any, node: ast.AST) -> None:
        if isinstance(target, ast.Tuple | ast.List) and isinstance(found, tuple | list):
            if len(found) != len(target.elts):
                raise Refuse(target, f"{len(found)} values for {len(target.elts)} names")
            for part, item in zip(target.elts, found, strict=True):
                self.assign_static(part, item, node)
            return
        self.assign_target(target, self.static(found) if holds_function(found) else self.constant(found, node), node)

    def for_each_known(self, node: ast.For, items: list[Any]) -> None:
        end = Target()
        for item in items:
            if self.paths is None:
                break
            self.assign_static(node.target, item, node)
            self.once(node, end)
        self.block(node.orelse)
        self.put(end)

    def do_For(self, node: ast.For) -> None:
        known = self.unrolled(node.iter)
        if known is not None:
            self.for_each_known(node, known)
            return
        source = self.iterator(node.iter, node)
        item = self.temporary()

        def begin(over: Target) -> None:
            if self.paths is not None:
                over.paths.append(self.paths)
            self.emit("NEXT", node.iter, item, source[0], over)
            self.assign_target(node.target, Value(item, source[1]), node.target)

        self.loop(node, begin)

    def do_Break(self, node: ast.Break) -> None:
        self.leave(self.scope.loops[-1][2], node)
        if self.paths is not None:
            self.jump(self.scope.loops[-1][1], node)

    def do_Continue(self, node: ast.Continue) -> None:
        self.leave(self.scope.loops[-1][2], node)
        if self.paths is not None:
            self.jump(self.scope.loops[-1][0], node)
