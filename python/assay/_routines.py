"""Helpers, which are inlined; functions made while a function runs; functions that cannot be inlined.

A lambda or a nested function that is called where it stands is inlined like a helper; its free names are those of the
function that made it, as they are when it is called. A function that calls itself and a generator become routines: code
of its own that is called at run time, with the free names as further parameters.
"""

from __future__ import annotations

import ast
import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import _plain, _prelude, _types
from ._comprehensions import Comprehensions
from ._definition import MISSING
from ._flow import (
    Binding,
    Chosen,
    Closure,
    Named,
    Refuse,
    Routine,
    Scope,
    Target,
    Unknown,
    Value,
    holds_function,
    numbered,
)
from ._share import Cell, Label, tidy
from ._source import function_node
from ._syntax import free_names, is_generator, names_stored, placed
from ._types import Type


class Routines(Comprehensions):
    # --- making one ---

    def lower_Lambda(self, node: ast.Lambda, into: Cell | None) -> Value:
        return self.static(self.closure(node, "<lambda>"))

    def do_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise Refuse(node, f"a decorator of {node.name} is not available", "decorate at module level")
        self.assign_name(node.name, self.static(self.closure(node, node.name)), node)

    def closure(self, node: ast.Lambda | ast.FunctionDef, name: str) -> Closure:
        arguments = node.args
        defaults: dict[str, Value] = {}
        positional = [*arguments.posonlyargs, *arguments.args]
        for argument, default in zip(
            positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
        ):
            defaults[argument.arg] = self.default_value(default)
        for argument, keyword in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if keyword is not None:
                defaults[argument.arg] = self.default_value(keyword)
        return Closure(node, self.scope, defaults, name)

    def default_value(self, node: ast.expr) -> Value:
        """A default is evaluated where the function is made."""
        value = self.value(node)
        if value.cell.kind == "temporary" and value.static is MISSING:
            value = self.kept(value, node)
            self.pinned = max(self.pinned, self.next_temporary)
        return value

    # --- helpers ---

    def inline(self, function: Any, bound: list[Value], node: ast.Call, into: Cell | None) -> Value:
        """The body of a helper in place of its call."""
        name = function.__name__
        tree = function_node(function)
        if tree is None:
            raise Refuse(node, f"the source of {name} cannot be found")
        if isinstance(tree, ast.AsyncFunctionDef):
            raise Refuse(node, f"{name} is async, which is not available", "a plain function")
        if is_generator(tree) or any(scope.node is tree for scope in self.scopes):
            return self.call_routine_of(function, bound, node, into)
        result = into if into is not None and into.kind == "temporary" else self.temporary()
        arguments = self.bind(function, bound, node)
        scope = self.open_scope(function, tree)
        if is_library(function):
            scope.call = node
        return self.run_inline(scope, arguments, result)

    def open_scope(self, function: types.FunctionType, tree: Any) -> Scope:
        stored, walrus = names_stored(tree)
        parameters = set(function.__code__.co_varnames[: _parameter_count(function)])
        self.scope_count += 1
        file = Path(function.__code__.co_filename)
        return Scope(self.scope_count, function, tree, file, stored | parameters, walrus)

    def bind(self, function: types.FunctionType, bound: list[Value], node: ast.Call) -> dict[str, Value]:
        """Arguments by parameter, evaluated as they are written."""
        parameters = inspect.signature(function, follow_wrapped=False)

        def default(parameter: inspect.Parameter) -> Value:
            return self.default_of_parameter(parameter, node)

        return self.bind_to(parameters, function_node(function), bound, node, function.__name__, default)

    def bind_to(
        self,
        signature: inspect.Signature,
        tree: Any,
        bound: list[Value],
        node: ast.Call,
        name: str,
        default: Callable[[inspect.Parameter], Value],
    ) -> dict[str, Value]:
        kinds = inspect.Parameter
        every = signature.parameters.values()
        rest = next((p.name for p in every if p.kind is kinds.VAR_POSITIONAL), None)
        others = next((p.name for p in every if p.kind is kinds.VAR_KEYWORD), None)
        plain = [p for p in every if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]
        fixed = sum(p.kind is not kinds.KEYWORD_ONLY for p in plain)
        head, tail = node.args, list[ast.expr]()
        starred = [at for at, a in enumerate(node.args) if isinstance(a, ast.Starred)]
        taken = 0  # parameters that get what a star gives
        if rest is not None and starred:
            cut = max(fixed - len(bound), 0)
            head, tail = node.args[: min(cut, starred[0])], node.args[min(cut, starred[0]) :]
            taken = cut - len(head)
        call = ast.copy_location(ast.Call(node.func, head, node.keywords), node)
        defaults = any(p.default is not kinds.empty for p in plain if p.kind is not kinds.KEYWORD_ONLY)
        written, named = self.written_arguments(call, fixed - len(bound), defaults)
        places = [*bound, *written]
        if taken and defaults:
            raise Refuse(node, "how many arguments * gives is not known here", "write the arguments")
        more = self.value(placed(ast.Tuple(tail, ast.Load()), node)) if tail else self.packed(places[fixed:], node)
        if taken:
            first, more = self.taken_from(more, taken, node)
            places += first
        extra = {k: v for k, v in named.items() if k not in signature.parameters} if others is not None else {}
        try:
            kept = places if rest is None else places[:fixed]
            wanted = {k: v for k, v in named.items() if k not in extra}
            given = dict(inspect.Signature(plain).bind(*kept, **wanted).arguments)
        except TypeError as error:
            raise Refuse(node, f"{name}(): {error}") from None
        for parameter in plain:
            if parameter.name not in given:
                given[parameter.name] = default(parameter)
        if rest is not None:
            given[rest] = more
        if others is not None:
            given[others] = self.packed_names(extra, others, tree, node)
        return given

    def taken_from(self, value: Value, count: int, node: ast.AST) -> tuple[list[Value], Value]:
        """The first items of a tuple, for parameters, and the others, for *args."""
        length, fits = self.temporary(), Target()
        self.emit("CALL", node, length, value.cell, self.unit.builtins["len"][0], 1)
        self.emit("GE", node, length, length, self.literal(count).cell)
        self.jump_if(Value(length, _types.BOOL), fits, True, node)
        self.fail("TypeError", node, self.literal("an argument is missing").cell)
        self.put(fits)
        names: list[ast.expr] = [ast.Name("_", ast.Store()) for _ in range(count)]
        target = placed(ast.Tuple([*names, ast.Starred(ast.Name("_", ast.Store()), ast.Store())], ast.Store()), node)
        *first, others = self.unpacked(value, target)
        cell = self.temporary()
        self.emit("CALL", node, cell, others.cell, self.unit.builtins["tuple"][0], 1)
        return first, Value(cell, _types.of("tuple", item=others.type.item))

    def packed(self, values: list[Value], node: ast.AST) -> Value:
        """What *args is: a tuple; of functions one that is known while compiling."""
        if not values:
            return self.constant((), node)
        if all(value.static is not MISSING for value in values):
            return self.static(tuple(value.static for value in values))
        if any(value.static is not MISSING or value.whole is not None for value in values):
            raise Refuse(node, "functions and values together in *args are not available", "name the parameters")
        first = self.run_of(len(values))
        for at, value in enumerate(values):
            self.move(value, Cell(first.kind, first.number + at), node)
        cell = self.temporary()
        self.emit("TUPLE", node, cell, first, x=len(values))
        kinds = tuple(value.type for value in values)
        return Value(cell, Type(frozenset({"tuple"}), _types.join_all(kinds), None, kinds))

    def packed_names(self, named: dict[str, Value], name: str, tree: ast.AST, node: ast.AST) -> Value:
        """What **kwargs is: a dict; nothing but the arguments where it is only passed on."""
        inside = list(ast.walk(tree))
        passed = sum(isinstance(k, ast.keyword) and k.arg is None and is_name(k.value, name) for k in inside)
        if passed == sum(is_name(each, name) for each in inside):
            return self.static(Named(tuple(named.items())))
        if any(value.static is not MISSING or value.whole is not None for value in named.values()):
            raise Refuse(node, "functions and events in **kwargs are not available", "name the parameters")
        first = self.run_of(max(2 * len(named), 1))
        for at, (key, value) in enumerate(named.items()):
            self.move(self.literal(key), Cell(first.kind, first.number + 2 * at), node)
            self.move(value, Cell(first.kind, first.number + 2 * at + 1), node)
        cell = self.temporary()
        self.emit("DICT", node, cell, first, x=2 * len(named))
        known = _types.join_all(value.type for value in named.values())
        return Value(cell, Type(frozenset({"dict"}), _types.STR, known if known.tags else None))

    def passed_on(self, node: ast.Call) -> ast.Call:
        """f(*args, **kwargs) with the arguments that the names stand for, where that is known."""
        if not any(isinstance(a, ast.Starred) for a in node.args) and all(k.arg is not None for k in node.keywords):
            return node
        arguments: list[ast.expr] = []
        for argument in node.args:
            values = self.known_items(argument.value, node) if isinstance(argument, ast.Starred) else None
            arguments += [argument] if values is None else [self.as_name(value, node) for value in values]
        keywords: list[ast.keyword] = []
        for keyword in node.keywords:
            found = self.python_object(keyword.value) if keyword.arg is None else MISSING
            if isinstance(found, Named):
                keywords += [ast.keyword(name, self.as_name(value, node)) for name, value in found.values]
            elif isinstance(found, dict) and all(isinstance(name, str) for name in found):
                keywords += [ast.keyword(name, self.as_name(self.constant(v, node), node)) for name, v in found.items()]
            else:
                keywords.append(keyword)
        return placed(ast.Call(node.func, arguments, keywords), node)

    def as_name(self, value: Value, node: ast.AST) -> ast.Name:
        return self.let(value, node) if value.static is MISSING else self.let_static(value.static, node)

    def known_items(self, node: ast.expr, place: ast.AST) -> list[Value] | None:
        """What a name stands for that holds a known number of things."""
        if not isinstance(node, ast.Name):
            return None
        found = self.python_object(node)
        if isinstance(found, tuple) and holds_function(found):
            return [self.static(item) if holds_function(item) else self.constant(item, place) for item in found]
        key = self.variable(node.id)
        binding = None if key is None else (self.paths or {}).get(key)
        if binding is None or not binding.assigned or binding.value.type.items is None:
            return None
        return self.spread(node, len(binding.value.type.items)) if binding.value.type.only("tuple") else None

    def start(self, scope: Scope, arguments: dict[str, Value]) -> None:
        """Binds parameters; those that the body assigns, and all locals, get cells of their own."""
        stored, _ = names_stored(scope.node)
        for name in sorted(stored):
            scope.cells[name] = self.temporary()
        for name, value in arguments.items():
            own = scope.cells.get(name)
            kept = value if own is None else self.move(value, own, scope.node)
            self.set_binding(f"{scope.number}:{name}", Binding(kept))

    def default_of_parameter(self, parameter: inspect.Parameter, node: ast.AST) -> Value:
        if callable(parameter.default) or parameter.default is _prelude.NOTHING:
            return self.static(parameter.default)
        value = self.constant(parameter.default, node, f"the default of {parameter.name}")
        written = isinstance(parameter.default, str)
        return replace(value, type=_types.of_texts(value.type, parameter.default)) if written else value

    def body(self, scope: Scope) -> None:
        raise NotImplementedError

    # --- calling a closure ---

    def call_closure(self, closure: Closure, node: ast.Call, into: Cell | None) -> Value:
        if any(scope.node is closure.node for scope in self.scopes) or is_generator(closure.node):
            return self.call_routine_of(closure, [], node, into)
        result = into if into is not None and into.kind == "temporary" else self.temporary()
        arguments = self.bind_closure(closure, node)
        scope = self.scope_of_closure(closure)
        return self.run_inline(scope, arguments, result)

    def scope_of_closure(self, closure: Closure) -> Scope:
        stored, walrus = names_stored(closure.node)
        self.scope_count += 1
        parameters = {a.arg for a in all_arguments(closure.node)}
        scope = Scope(
            self.scope_count,
            closure.scope.function,
            closure.node,
            closure.scope.file,
            (stored | parameters) - nonlocals(closure.node),
            walrus,
        )
        scope.parent = closure.scope
        return scope

    def run_inline(self, scope: Scope, arguments: dict[str, Value], result: Cell) -> Value:
        scope.result, scope.end, scope.regions = result, Target(), len(self.regions)
        self.scopes.append(scope)
        try:
            self.start(scope, arguments)
            self.body(scope)
        finally:
            self.scopes.pop()
        self.put(scope.end)
        return self.result_of(scope, result)

    def result_of(self, scope: Scope, result: Cell) -> Value:
        statics = scope.result_statics
        if not statics:
            return Value(result, _types.join_all(scope.result_types))
        self.pinned = max(self.pinned, self.next_temporary)
        known = _types.join_all(scope.result_types)
        if not scope.result_types and all(each is statics[0] for each in statics):
            return self.static(statics[0])
        options = [numbered(self.unit.numbers, each) for each in statics]
        if any(option is None for option in options) or not known.tags <= {"none"}:
            return self.static(Unknown.UNKNOWN)
        chosen = Chosen(result, frozenset(option for each in options if each is not None for option in each.items()))
        return Value(result, _types.join(_types.INT, known), static=chosen)

    def bind_closure(self, closure: Closure, node: ast.Call) -> dict[str, Value]:
        parameters = signature_of(closure)

        def default(parameter: inspect.Parameter) -> Value:
            return closure.defaults[parameter.name]

        return self.bind_to(parameters, closure.node, [], node, closure.name, default)

    def written_arguments(
        self, node: ast.Call, most: int, open_ended: bool = False
    ) -> tuple[list[Value], dict[str, Value]]:
        """The arguments of a call, evaluated as they are written; a starred one is unpacked to what is left.
        `open_ended`: it may be fewer, for there are defaults."""
        places: list[Value] = []
        stars = sum(isinstance(a, ast.Starred) for a in node.args)
        for argument in node.args:
            if not isinstance(argument, ast.Starred):
                places.append(self.value(argument))
                continue
            if isinstance(argument.value, ast.List | ast.Tuple):
                inside = ast.copy_location(ast.Call(node.func, argument.value.elts, []), node)
                places += self.written_arguments(inside, most, open_ended)[0]
                continue
            count = most - (len(node.args) - 1) - len(node.keywords)
            if stars > 1 or count < 0:
                raise Refuse(argument, "more than one * in a call is not available", "write the arguments")
            places += self.spread(argument.value, count, open_ended)
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise Refuse(node, "** in a call is not available", "name the arguments")
            named[keyword.arg] = self.value(keyword.value)
        return places, named

    def spread(self, node: ast.expr, count: int, open_ended: bool = False) -> list[Value]:
        value = self.present(self.plain(self.value(node), node), node)
        if value.type.items is not None:
            count = len(value.type.items)
        elif open_ended or not value.type.only("list", "tuple"):
            help = f"write them: f({ast.unparse(node)}[0], {ast.unparse(node)}[1])"
            raise Refuse(node, "how many arguments * gives is not known here", help)
        else:  # Python says TypeError where the number is another
            length, fits = self.temporary(), Target()
            self.emit("CALL", node, length, value.cell, self.unit.builtins["len"][0], 1)
            self.emit("EQ", node, length, length, self.literal(count).cell)
            self.jump_if(Value(length, _types.BOOL), fits, True, node)
            self.fail("TypeError", node, self.literal("another number of arguments").cell)
            self.put(fits)
        names: list[ast.expr] = [ast.Name("_", ast.Store()) for _ in range(count)]
        target = placed(ast.Tuple(names, ast.Store()), node)
        return self.unpacked(value, target)

    # --- routines ---

    def call_routine_of(self, found: Any, bound: list[Value], node: ast.Call, into: Cell | None) -> Value:
        """A call of a function, a method with its object, or a closure as a routine."""
        closure = found if isinstance(found, Closure) else None
        tree = closure.node if closure is not None else function_node(found)
        assert tree is not None and not isinstance(tree, ast.AsyncFunctionDef)
        given = self.bind(found, bound, node) if closure is None else self.bind_closure(closure, node)
        captured = self.captured(tree, closure) if closure is not None else {}
        routine = self.routine(found, tree, closure, {**captured, **given}, node)
        values = [given.get(name) or captured.get(name) or self.around(name, node) for name in routine.parameters]
        op = "GENERATOR" if is_generator(tree) else "ROUTINE"
        return self.call_routine(op, routine, values, node, into)

    def around(self, name: str, node: ast.AST) -> Value:
        """A free name of a routine, inside the routine itself."""
        return self.value(ast.copy_location(ast.Name(name, ast.Load()), node))

    def call_routine(self, op: str, routine: Routine, values: list[Value], node: ast.AST, into: Cell | None) -> Value:
        first = self.run_of(max(len(values), 1))
        for at, value in enumerate(values):
            if value.whole is not None:
                raise Refuse(node, f"a {value.whole.cls.__name__} cannot be given to {routine.name}", "give its fields")
            if value.static is not MISSING:
                raise Refuse(node, f"a function cannot be given to {routine.name}, which runs by itself", "a loop")
            self.move(value, Cell(first.kind, first.number + at), node)
        cell = into or self.temporary()
        self.emit(op, node, cell, first, routine.number, x=len(values))
        kind = _types.of("iterator", item=routine.result) if op == "GENERATOR" else routine.result
        return Value(cell, kind)

    def captured(self, tree: ast.AST, closure: Closure) -> dict[str, Value]:
        """The free names of a nested function that are its maker's variables."""
        found: dict[str, Value] = {}
        own = {a.arg for a in all_arguments(tree)} | names_stored(tree)[0]
        if nonlocals(tree):
            raise Refuse(
                tree, f"nonlocal in {closure.name}, which calls itself or yields, is not available", "return it"
            )
        for name in free_names(tree):
            key = self.variable_from(closure.scope, name)
            if key is None or name in own or self.paths is None or key not in self.paths:
                continue
            value = self.paths[key].value
            if value.static is MISSING and value.whole is None:
                found[name] = value
        return found

    def routine(
        self, found: Any, tree: Any, closure: Closure | None, given: dict[str, Value], node: ast.AST
    ) -> Routine:
        key = found.node if closure is not None else found.__code__
        known = self.unit.routines.get(key)
        if known is not None:
            return known
        parameters = list(given)
        name = closure.name if closure is not None else found.__name__
        returns = getattr(tree, "returns", None)
        generator = is_generator(tree)
        result = _types.ANY if generator or closure is not None or returns is None else self.returned_type(found)
        routine = Routine(len(self.unit.routines), name, parameters, result)
        self.unit.routines[key] = routine
        kinds = {p: self.parameter_type(found, closure, p, given[p]) for p in parameters}
        lowering = self.another()
        lowering.lower_routine(routine, found, tree, closure, kinds)
        return routine

    @staticmethod
    def returned_type(function: Any) -> Type:
        try:
            annotation = inspect.get_annotations(function, eval_str=True).get("return", MISSING)
        except (NameError, SyntaxError):
            annotation = MISSING
        return _types.ANY if annotation is MISSING else _types.of_annotation(annotation)

    def parameter_type(self, found: Any, closure: Closure | None, name: str, value: Value) -> Type:
        if value.type.enum is not None or value.type.cls is not None or _types.enum_inside(value.type):
            return value.type
        return _types.ANY

    def another(self) -> Routines:
        """A fresh lowering of the same unit, for a routine."""
        return type(self)(self.unit, self.function)

    def lower_routine(
        self, routine: Routine, found: Any, tree: Any, closure: Closure | None, kinds: dict[str, Type]
    ) -> None:
        first = self.run_of(max(len(routine.parameters), 1))
        arguments = {
            name: Value(Cell(first.kind, first.number + at), kinds[name]) for at, name in enumerate(routine.parameters)
        }
        scope = self.open_scope(found, tree) if closure is None else self.scope_of_closure(closure)
        if closure is not None:
            beyond = {name for name in locals_of(scope.parent) if name not in routine.parameters}
            self.beyond = frozenset(beyond)
            scope.parent, scope.name = None, closure.name
            scope.locals |= {*routine.parameters, closure.name}
        scope.yields = [] if is_generator(tree) else None
        self.scopes.append(scope)
        self.routine_now = routine
        try:
            if closure is not None:
                self.set_binding(f"{scope.number}:{closure.name}", Binding(self.static(closure)))
            self.start(scope, arguments)
            self.body(scope)
        except Refuse as refused:
            self.refuse(refused)
        self.finish(routine)
        if scope.yields:
            routine.result = _types.join_all(scope.yields)

    def finish(self, routine: Routine) -> None:
        labels = [i.c for i in self.code if isinstance(i.c, Label)]
        routine.code = tidy(self.code, labels, self.handlers)
        routine.handlers = self.handlers
        routine.temporaries = self.temporaries

    # --- generators ---

    def lower_Yield(self, node: ast.Yield, into: Cell | None) -> Value:
        scope = self.scope
        if scope.yields is None:
            raise Refuse(node, "yield stands in a function that is no generator here")
        value = self.literal(None) if node.value is None else self.value(node.value)
        if value.whole is not None or value.static is not MISSING:
            raise Refuse(node, "this cannot be yielded", "yield its fields")
        scope.yields.append(value.type)
        self.emit("YIELD", node, b=value.cell)
        return self.literal(None)

    def lower_YieldFrom(self, node: ast.YieldFrom, into: Cell | None) -> Value:
        name = f".each{node.lineno}"
        self.scope.locals.add(name)
        self.scope.cells.setdefault(name, self.temporary())
        loop = ast.For(ast.Name(name, ast.Store()), node.value, [ast.Expr(ast.Yield(ast.Name(name, ast.Load())))], [])
        self.statement(placed(loop, node))
        return self.literal(None)

    def statement(self, node: ast.stmt) -> None:
        raise NotImplementedError

    def lower_GeneratorExp(self, node: ast.GeneratorExp, into: Cell | None) -> Value:
        """A generator that is kept: a routine over its first iterable."""
        source, kind = self.iterator(node.generators[0].iter, node.generators[0].iter)
        captured: dict[str, Value] = {}
        bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        for name in free_names(node):
            key = self.variable(name)
            if key is None or name in bound or self.paths is None or key not in self.paths:
                continue
            captured[name] = self.paths[key].value
        if any(v.static is not MISSING or v.whole is not None for v in captured.values()):
            raise Refuse(node, "a generator that is kept cannot use a function or an event", "a list: [...]")
        routine = self.unit.routines.get(node)
        if routine is None:
            routine = Routine(len(self.unit.routines), "<genexpr>", [".0", *captured], _types.ANY)
            self.unit.routines[node] = routine
            lowering = self.another()
            lowering.lower_generator(routine, node, kind, {n: v.type for n, v in captured.items()}, self.scope)
        first = self.run_of(1 + len(captured))
        self.emit("MOVE", node, first, source)
        for at, value in enumerate(captured.values(), 1):
            self.move(value, Cell(first.kind, first.number + at), node)
        cell = into or self.temporary()
        self.emit("GENERATOR", node, cell, first, routine.number, x=1 + len(captured))
        return Value(cell, _types.of("iterator", item=routine.result))

    def lower_generator(
        self, routine: Routine, node: ast.GeneratorExp, kind: Type, kinds: dict[str, Type], outer: Scope
    ) -> None:
        first = self.run_of(len(routine.parameters))
        self.scope_count += 1
        scope = Scope(self.scope_count, outer.function, outer.node, outer.file, set(kinds), set())
        scope.yields = []
        self.scopes.append(scope)
        for at, name in enumerate(routine.parameters):
            scope.cells[name] = Cell(first.kind, first.number + at)
            if name in kinds:
                self.set_binding(f"{scope.number}:{name}", Binding(Value(scope.cells[name], kinds[name])))

        def each() -> None:
            assert scope.yields is not None
            value = self.value(node.elt)
            scope.yields.append(value.type)
            self.emit("YIELD", node, b=value.cell)

        try:
            self.generate(node.generators, (first, kind), each, Target())
            self.emit("RET", node, b=self.literal(None).cell)
        except Refuse as refused:
            self.refuse(refused)
        self.finish(routine)
        routine.result = _types.join_all(scope.yields)


PRELUDES = ("_prelude", *_prelude.MODULES.values())


def is_library(function: Any) -> bool:
    """Whether it is one of `_prelude.py`'s, or of the look-ups of `_plain.py`."""
    files = (_plain.__file__, *(_prelude.__file__.replace("_prelude", name) for name in PRELUDES))
    return isinstance(function, types.FunctionType) and function.__code__.co_filename in files


def _parameter_count(function: types.FunctionType) -> int:
    code = function.__code__
    starred = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + starred


def all_arguments(node: Any) -> list[ast.arg]:
    arguments = node.args
    packs = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *packs]


@functools.lru_cache(maxsize=4096)
def nonlocals(node: ast.AST) -> frozenset[str]:
    return frozenset(name for n in ast.walk(node) if isinstance(n, ast.Nonlocal) for name in n.names)


def locals_of(scope: Scope | None) -> set[str]:
    """The names of a function's variables and those of the functions that it stands in."""
    return set() if scope is None else scope.locals | locals_of(scope.parent)


def is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def signature_of(closure: Closure) -> inspect.Signature:
    arguments = closure.node.args
    kinds = inspect.Parameter
    groups = [
        (arguments.posonlyargs, kinds.POSITIONAL_ONLY),
        (arguments.args, kinds.POSITIONAL_OR_KEYWORD),
        ([arguments.vararg] if arguments.vararg else [], kinds.VAR_POSITIONAL),
        (arguments.kwonlyargs, kinds.KEYWORD_ONLY),
        ([arguments.kwarg] if arguments.kwarg else [], kinds.VAR_KEYWORD),
    ]
    return inspect.Signature(
        [
            kinds(a.arg, kind, default=None if a.arg in closure.defaults else kinds.empty)
            for group, kind in groups
            for a in group
        ]
    )
