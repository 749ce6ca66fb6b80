"""Lowering of calls: built-in functions and methods, helper functions (inlined), and what takes a generator expression.

Arguments are evaluated in the order they are written and put where Python's signature has them. A built-in that is
not in the engine's table, or is called in a way it does not take, is refused by name.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import sys
import types
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _api, _library, _types
from ._definition import MISSING
from ._flow import Binding, Paths, Refuse, Scope, Target, Value, Whole
from ._formats import Formats
from ._names import nearest
from ._share import Cell
from ._source import function_node
from ._syntax import ATTRIBUTES, names_stored
from ._types import Type

REPLACED = {  # the keywords of .replace(), by the letter that stands for each in .replace.named
    "year": "y",
    "month": "m",
    "day": "d",
    "hour": "H",
    "minute": "M",
    "second": "S",
    "microsecond": "f",
    "tzinfo": "z",
    "fold": "F",
}
MUTATING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
        "update",
        "add",
        "discard",
        "setdefault",
        "popitem",
    ]
)
HINTS = {
    "datetime.now": "the parameter `arrival: datetime` is when the event came",
    "datetime.utcnow": "the parameter `arrival: datetime` is when the event came",
    "datetime.today": "the parameter `arrival: datetime` is when the event came",
    "date.today": "the parameter `arrival: datetime` is when the event came",
    "date.fromtimestamp": "give it the zone: datetime.fromtimestamp(t, tz=timezone.utc).date()",
    "time.time": "the parameter `arrival: datetime` is when the event came",
    "open": "read the file at module level; what it gives can be used here",
    "print": "a feature has no output; a test of it may print",
    "input": "a feature has no input but its parameters",
    "map": "a comprehension: [f(x) for x in xs]",
    "filter": "a comprehension: [x for x in xs if f(x)]",
    "set": "a module constant, or `in` on the list itself",
    "frozenset": "a module constant, or `in` on the list itself",
    "dict": "make the dict at module level",
    "isinstance": "the annotation says what a parameter is; `is None` tells whether it is there",
    "getattr": "write the attribute: x.name",
    "eval": "write the expression itself",
    "exec": "write the statements themselves",
    "hash": "the hash of a string differs from process to process",
    "id": "objects have no identity in the engine",
}
OF_THE_MACHINE = {  # with fewer arguments: the zone of the machine
    "datetime.datetime.fromtimestamp": (2, "give it the zone: datetime.fromtimestamp(t, tz=timezone.utc)"),
    ".astimezone": (1, "give it the zone: at.astimezone(timezone.utc)"),
}
LAZY = ("sum", "any", "all", "min", "max", "math.prod")  # what may take a generator item by item
LISTED = ("sorted", "list", "tuple", "math.fsum")  # what takes its items together
CONSTANT_CLASSES = (
    datetime.timedelta,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timezone,
    zoneinfo.ZoneInfo,
)
UNORDERED = ("any", "all", "len", "min", "max", "sorted")  # of a set, they do not depend on its order


class Calls(Formats):
    def lower_Call(self, node: ast.Call, into: Cell | None) -> Value:
        function = node.func
        found = self.python_object(function)
        if found is not MISSING:
            return self.call_object(found, node, into)
        if isinstance(function, ast.Attribute):
            return self.call_method(node, function, into)
        if isinstance(function, ast.Lambda):
            raise Refuse(function, "a lambda is not available yet", "write a helper function")
        raise Refuse(node, f"{ast.unparse(function)} is not a function", "")

    # --- what is called ---

    def call_object(self, found: Any, node: ast.Call, into: Cell | None) -> Value:
        name = ast.unparse(node.func)
        if isinstance(found, _api.NotYet):
            raise Refuse(node, f"assay.{found.what} is not available yet")
        if isinstance(found, types.FunctionType) and self.is_users(found):
            return self.inline(found, [], node, into)
        bound = getattr(found, "__self__", None)
        if type(bound) is str and getattr(found, "__name__", "") == "format":  # euros = "{:.2f} EUR".format
            return self.call_format(bound, node, into)
        if isinstance(found, type) and found in CONSTANT_CLASSES:
            made = self.constant_call(found, node)
            if made is not None:
                return made
        known = self.builtin_name(found)
        if known is not None:
            return self.call_builtin(known, [], node, into)
        qualified = getattr(found, "__qualname__", name)
        owner = getattr(found, "__module__", None)
        if owner in ("time", "random", "secrets", "uuid"):
            qualified = f"{owner}.{qualified}"
        help = HINTS.get(qualified, "")
        if owner in ("random", "secrets", "uuid") or isinstance(getattr(found, "__self__", None), _random_classes()):
            help = "randomness makes replay impossible: the same payment must always give the same value"
        if isinstance(found, type) and issubclass(found, BaseException):
            help = ""
        if callable(found):
            raise Refuse(
                node, f"{name}() is not available yet" if qualified not in HINTS else f"{name}() cannot be used", help
            )
        raise Refuse(node, f"{name} is not a function")

    def is_users(self, function: types.FunctionType) -> bool:
        return Path(function.__code__.co_filename) in self.unit.definition.sources

    def builtin_name(self, found: Any) -> str | None:
        """The name of a Python object in the engine's table of built-ins."""
        return _library.name_of(found, self.unit.builtins)

    def constant_call(self, cls: type, node: ast.Call) -> Value | None:
        """timedelta(hours=1), ZoneInfo("Europe/Berlin"): made at build time if all arguments are constants."""
        arguments = [self.constant_argument(a) for a in node.args]
        named = {k.arg: self.constant_argument(k.value) for k in node.keywords if k.arg is not None}
        if len(named) != len(node.keywords) or any(a is MISSING for a in [*arguments, *named.values()]):
            if cls is zoneinfo.ZoneInfo:
                help = 'make the zones at module level: ZONES = {"DE": ZoneInfo("Europe/Berlin"), ...}'
                raise Refuse(node, "ZoneInfo() of a name known only while running is not available", help)
            return None
        try:
            made = cls(*arguments, **named)
        except Exception as error:
            raise Refuse(node, f"{type(error).__name__}: {error}") from None
        return self.constant(made, node, ast.unparse(node))

    def constant_argument(self, node: ast.expr) -> Any:
        """What a constant argument is, MISSING for another one."""
        found = self.constant_display(node)
        if found is not MISSING:
            return found
        found = self.python_object(node)
        plain = isinstance(found, datetime.tzinfo | datetime.timedelta | datetime.date | datetime.time)
        return found if plain else MISSING

    # --- built-ins ---

    def call_builtin(self, name: str, receiver: list[Value], node: ast.Call, into: Cell | None) -> Value:
        if name == "datetime.datetime.strptime":
            self.check_strptime(node)
        if name in OF_THE_MACHINE and len(node.args) + len(node.keywords) < OF_THE_MACHINE[name][0]:
            raise Refuse(
                node, f"{ast.unparse(node.func)}() without a zone depends on the machine", OF_THE_MACHINE[name][1]
            )
        node = self.as_engine_takes(name, receiver, node)
        lazy = node.args[0] if len(node.args) >= 1 else None
        if isinstance(lazy, ast.GeneratorExp) and not node.keywords:
            made = self.of_generator(name, lazy, node, into)
            if made is not None:
                return made
        if name == "sum" and sys.version_info >= (3, 12):
            name = "sum.compensated"
        number, least, most = self.unit.builtins[name]
        positions = self.positions(name, len(receiver), node)
        count = max([len(receiver), *(p + 1 for p in positions)])
        if not least <= count <= most or count > 255:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise Refuse(node, f"{ast.unparse(node.func)}() takes {wanted} arguments here, {count} are given")
        mark = self.next_temporary
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if count == 1:
            values = receiver or [self.argument(name, arguments[0])]
            first, kinds = values[0].cell, [values[0].type]
        elif count == 0:
            first, kinds = self.literal(None).cell, []
        else:
            first, kinds = self.run_of(count), [_types.NONE] * count
            for at, value in enumerate(receiver):
                self.move(value, Cell(first.kind, first.number + at), node)
                kinds[at] = value.type
            for at in set(range(len(receiver), count)) - set(positions):
                default = self.literal(_library.DEFAULTS.get((name, at)))
                self.move(default, Cell(first.kind, first.number + at), node)
            for at, argument in zip(positions, arguments, strict=True):
                kinds[at] = self.argument(name, argument, Cell(first.kind, first.number + at)).type
        self.check_arguments(name, kinds, node)
        self.next_temporary = mark
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, number, count)
        return Value(cell, _library.of_call(name, kinds))

    def argument(self, name: str, node: ast.expr, into: Cell | None = None) -> Value:
        if isinstance(node, ast.Starred):
            raise Refuse(node, "* in a call is not available yet")
        if isinstance(node, ast.GeneratorExp) and name in ("sorted", ".join"):  # both take all items first
            return self.move(self.collected(node.generators, node.elt, node, None), into, node)
        value = self.value(node, into)
        if name == ".get" and isinstance(value.type.enum, type) and value.whole is None:
            return value  # an Enum's member as a key: check_arguments looks at the keys
        return self.plain(value, node)

    def positions(self, name: str, given: int, node: ast.Call) -> list[int]:
        """Where each written argument goes: those by position, then those by keyword."""
        positions = list(range(given, given + len(node.args)))
        if len(positions) > _library.KEYWORD_ONLY.get(name, 255):
            raise Refuse(node, f"{ast.unparse(node.func)}() takes its options by keyword")
        names = _library.KEYWORDS.get(name, ())
        for keyword in node.keywords:
            if keyword.arg is None:
                raise Refuse(node, "** in a call is not available yet")
            if keyword.arg not in names:
                raise Refuse(
                    node,
                    f"{ast.unparse(node.func)}({keyword.arg}=) is not available yet",
                    nearest(keyword.arg, dict.fromkeys(n for n in names if n)),
                )
            at = names.index(keyword.arg)
            if at in positions:
                raise Refuse(node, f"{ast.unparse(node.func)}() gets {keyword.arg} twice")
            positions.append(at)
        gap = set(range(given, max(positions, default=-1))) - set(positions)
        for at in gap:
            if (name, at) not in _library.DEFAULTS:
                raise Refuse(node, f"{ast.unparse(node.func)}() lacks an argument")
        return positions

    def check_arguments(self, name: str, kinds: list[Type], node: ast.Call) -> None:
        if name in ("str", "repr", "ascii") and kinds:
            self.check_text(Value(self.literal(None).cell, kinds[0]), node, name != "str")
        if name == "format" and isinstance(kinds[0].enum, type):
            self.check_format(Value(self.literal(None).cell, kinds[0]), node)
            return
        sets = any(_types.holds_set(k) for k in kinds)
        if sets and name == "sum" and (kinds[0].item or _types.ANY).only("int", "bool"):
            return
        if sets and name not in (*UNORDERED, "bool", ".get", ".values", ".items", ".keys"):
            if not any(kind.only("set") for kind in kinds):
                return
            raise Refuse(node, f"{name}() of a set depends on its order, which Python randomizes", "sorted(s)")
        inside = any(_types.enum_inside(k) for k in kinds)
        if not inside or name in (
            "len",
            "list",
            "tuple",
            "reversed",
            "enumerate",
            "zip",
            ".get",
            ".items",
            ".keys",
            ".values",
        ):
            if name == ".get" and not _types.equality_is_exact(kinds[1], kinds[0].item or _types.NONE):
                raise self.differs(kinds[1], kinds[0].item or _types.NONE, node)
            return
        if name in ("str", "repr", "ascii", "min", "max", "sorted") or any(_types.enum_inside(k.item) for k in kinds):
            if name == "str" and isinstance(kinds[0].enum, type):
                return
            raise Refuse(node, f"{name}() of an Enum's members is not available yet", "use their .value")

    # --- methods ---

    def call_method(self, node: ast.Call, function: ast.Attribute, into: Cell | None) -> Value:
        template = self.constant_template(function.value) if function.attr == "format" else None
        if template is not None:
            return self.call_format(template, node, into)
        receiver = self.value(function.value)
        if receiver.whole is not None:
            method = inspect.getattr_static(receiver.whole.cls, function.attr, None)
            if isinstance(method, types.FunctionType):
                return self.inline(method, [receiver], node, into)
            raise Refuse(node, f"{receiver.whole.cls.__name__} has no method {function.attr}")
        name = f".{function.attr}"
        receiver = self.present(self.dict_or_plain(receiver, function.value, name), function.value)
        if isinstance(receiver.type.enum, type) and function.attr in receiver.type.enum.__dict__:
            raise Refuse(node, f"methods of {receiver.type.enum.__name__} are not available yet", "use its .value")
        name = self.own_method(name, receiver)
        if name == ".replace" and node.keywords:
            return self.call_replace(receiver, node, into)
        if name not in self.unit.builtins or name in ATTRIBUTES or name.count(".") > 1:
            raise self.no_method(function, receiver, node)
        return self.call_builtin(name, [receiver], node, into)

    def dict_or_plain(self, value: Value, node: ast.expr, name: str) -> Value:
        return value if value.type.only("dict") and value.whole is None else self.plain(value, node)

    def no_method(self, function: ast.Attribute, receiver: Value, node: ast.Call) -> Refuse:
        name = function.attr
        if name in MUTATING:
            return Refuse(
                node, f".{name}() changes an object, which is not available yet", "a comprehension builds a list"
            )
        if name == "format" and receiver.type.without_none().only("str"):
            return Refuse(
                node, ".format() is for a template that is a constant", 'an f-string: f"{x}", or template % args'
            )
        return Refuse(node, f"the method .{name}() is not available yet", nearest(f".{name}", self.unit.builtins))

    def call_replace(self, receiver: Value, node: ast.Call, into: Cell | None) -> Value:
        """at.replace(hour=0): the parts that are not named stay."""
        if node.args or not receiver.type.tags & _types.TIMES:
            raise Refuse(node, ".replace() with keywords is for a datetime, a date or a time")
        for keyword in node.keywords:
            if keyword.arg not in REPLACED:
                close = nearest(str(keyword.arg), dict.fromkeys(REPLACED))
                raise Refuse(node, f".replace({keyword.arg}=) is not available yet", close)
        mark = self.next_temporary
        count = 2 + len(node.keywords)
        first = self.run_of(count)
        self.move(receiver, first, node)
        letters = "".join(REPLACED[str(keyword.arg)] for keyword in node.keywords)
        self.move(self.literal(letters), Cell(first.kind, first.number + 1), node)
        for at, keyword in enumerate(node.keywords, 2):
            cell = Cell(first.kind, first.number + at)
            self.move(self.plain(self.value(keyword.value, cell), keyword.value), cell, keyword.value)
        self.next_temporary = mark
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins[".replace.named"][0], count)
        return Value(cell, receiver.type.without_none())

    # --- helpers ---

    def inline(self, function: types.FunctionType, bound: list[Value], node: ast.Call, into: Cell | None) -> Value:
        """The body of a helper in place of its call."""
        name = function.__name__
        tree = function_node(function)
        if tree is None:
            raise Refuse(node, f"the source of {name} cannot be found")
        if isinstance(tree, ast.AsyncFunctionDef) or inspect.isgeneratorfunction(function):
            what = "async" if isinstance(tree, ast.AsyncFunctionDef) else "a generator"
            raise Refuse(node, f"{name} is {what}, which is not available yet")
        if any(scope.function.__code__ is function.__code__ for scope in self.scopes):
            raise Refuse(node, f"{name} calls itself: recursion is not available yet")
        result = into if into is not None and into.kind == "temporary" else self.temporary()
        arguments = self.bind(function, bound, node)
        scope = self.open_scope(function, tree)
        scope.result, scope.end = result, Target()
        self.scopes.append(scope)
        try:
            self.start(scope, arguments)
            self.body(scope)
        finally:
            self.scopes.pop()
        self.put(scope.end)
        return Value(result, _types.join_all(scope.result_types))

    def open_scope(self, function: types.FunctionType, tree: Any) -> Scope:
        stored, walrus = names_stored(tree)
        parameters = set(function.__code__.co_varnames[: _parameter_count(function)])
        self.scope_count += 1
        file = Path(function.__code__.co_filename)
        return Scope(self.scope_count, function, tree, file, stored | parameters, walrus)

    def bind(self, function: types.FunctionType, bound: list[Value], node: ast.Call) -> dict[str, Value]:
        """Arguments by parameter, evaluated as they are written."""
        values: dict[int, Value] = {}
        written = [*node.args, *(k.value for k in node.keywords)]
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise Refuse(node, "* and ** in a call are not available yet")
        for at, argument in enumerate(written):
            values[at] = self.value(argument)
        signature = inspect.signature(function)
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise Refuse(
                    node, f"{function.__name__} takes *{parameter.name}, which is not available", "name its parameters"
                )
        places = [*bound, *(values[at] for at in range(len(node.args)))]
        named = {str(k.arg): values[len(node.args) + at] for at, k in enumerate(node.keywords)}
        try:
            given = signature.bind(*places, **named).arguments
        except TypeError as error:
            raise Refuse(node, f"{function.__name__}(): {error}") from None
        for parameter in signature.parameters.values():
            if parameter.name not in given:
                given[parameter.name] = self.constant(parameter.default, node, f"the default of {parameter.name}")
        return dict(given)

    def start(self, scope: Scope, arguments: dict[str, Value]) -> None:
        """Binds parameters; those that the body assigns, and all locals, get cells of their own."""
        stored, _ = names_stored(scope.node)
        for name in sorted(stored):
            scope.cells[name] = self.temporary()
        for name, value in arguments.items():
            own = scope.cells.get(name)
            kept = value if own is None else self.move(value, own, scope.node)
            self.set_binding(f"{scope.number}:{name}", Binding(kept))

    def set_binding(self, key: str, binding: Binding) -> None:
        if self.paths is not None:
            self.paths = {**self.paths, key: binding}

    def body(self, scope: Scope) -> None:
        raise NotImplementedError

    def member_of_class(self, whole: Whole, node: ast.Attribute, into: Cell | None) -> Value:
        found = inspect.getattr_static(whole.cls, node.attr, MISSING)
        if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
            call = ast.copy_location(ast.Call(node, [], []), node)
            owner = Value(self.literal(None).cell, Type(frozenset()), whole)
            return self.inline(found.fget, [owner], call, into)
        if found is MISSING:
            names = [f.name[len(whole.prefix) :] for f in whole.event.fields if f.name.startswith(whole.prefix)]
            raise Refuse(
                node, f"{whole.cls.__name__} has no field {node.attr}", nearest(node.attr, dict.fromkeys(names))
            )
        return self.constant(found, node, ast.unparse(node))

    # --- comprehensions ---

    def lower_ListComp(self, node: ast.ListComp, into: Cell | None) -> Value:
        return self.collected(node.generators, node.elt, node, into)

    def collected(
        self, generators: list[ast.comprehension], element: ast.expr, node: ast.expr, into: Cell | None
    ) -> Value:
        """A list of what the generators give."""
        result = self.temporary()  # not `into`: the elements may read what is there
        kinds: list[Type] = []
        source = self.iterator(generators[0].iter, generators[0].iter)
        self.emit("LIST", node, result, self.literal(None).cell, x=0)

        def each() -> None:
            mark = self.next_temporary
            value = self.value(element)
            if value.whole is not None:
                raise Refuse(element, f"a {value.whole.cls.__name__} cannot be put into a list", "put its fields there")
            kinds.append(value.type)
            self.emit("APPEND", node, result, value.cell)
            self.next_temporary = mark

        self.generate(generators, source, each, Target())
        return Value(result, _types.of("list", item=_types.join_all(kinds)))

    def iterator(self, node: ast.expr, place: ast.AST) -> tuple[Cell, Type]:
        value = self.present(self.iterable(self.value(node), node), node)
        cell = self.temporary()
        self.emit("ITER", place, cell, value.cell)
        return cell, _types.item_of(value.type)

    def iterable(self, value: Value, node: ast.expr) -> Value:
        if value.whole is not None:
            self.plain(value, node)
        if "set" in value.type.tags:
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
                inner = self.iterator(rest[0].iter, rest[0].iter)
                self.generate(rest, inner, each, stop)
            else:
                each()
            self.put(again)
            known = self.paths
            self.emit("JMP", generator.target, c=head)
            self.paths = None
            self.next_temporary = after
            return known

        self.looped(body)
        self.put(end)
        self.scope.comprehensions.pop()
        if not rest:
            self.put(stop)
        self.next_temporary = after

    def bind_target(self, target: ast.expr, value: Value, names: dict[str, str], cells: dict[str, Cell]) -> None:
        if isinstance(target, ast.Name):
            moved = self.move(value, cells[target.id], target)
            self.set_binding(names[target.id], Binding(moved))
            return
        if not isinstance(target, ast.Tuple | ast.List):
            raise Refuse(target, "this loop target is not available yet", "a name, or names in a tuple")
        for part, item in zip(target.elts, self.unpacked(value, target), strict=True):
            self.bind_target(part, item, names, cells)

    def unpacked(self, value: Value, target: ast.Tuple | ast.List) -> list[Value]:
        """The parts of a value, in temporaries of their own."""
        if any(isinstance(part, ast.Starred) for part in target.elts):
            raise Refuse(target, "* in an assignment is not available yet", "slices: xs[0], xs[1:]")
        value = self.present(self.plain(value, target), target)
        if "set" in value.type.tags:
            raise Refuse(target, "the order of a set is randomized by Python", "sorted(s)")
        count = len(target.elts)
        first = self.run_of(max(count, 1))
        self.emit("UNPACK", target, first, value.cell, x=count)
        items = value.type.items
        if items is None or len(items) != count:
            items = (_types.item_of(value.type),) * count
        return [Value(Cell(first.kind, first.number + at), kind) for at, kind in enumerate(items)]

    def of_generator(self, name: str, lazy: ast.GeneratorExp, node: ast.Call, into: Cell | None) -> Value | None:
        """A built-in over a generator, item by item in Python's order; None if it does not take one."""
        if name in LISTED and len(node.args) == 1:
            values = self.collected(lazy.generators, lazy.elt, lazy, None)
            if name == "list":
                return values
            self.check_arguments(name, [values.type], node)
            cell = into or self.temporary()
            self.emit("CALL", node, cell, values.cell, self.unit.builtins[name][0], 1)
            return Value(cell, _library.of_call(name, [values.type]))
        if name == "sum" and len(node.args) == 1 and (counted := self.counted(lazy, node, into)) is not None:
            return counted
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
        source = self.iterator(lazy.generators[0].iter, lazy.generators[0].iter)
        if name in ("any", "all"):
            return self.quantified(name, lazy, source, result, node)
        if name in ("min", "max"):
            return self.extreme(name, lazy, source, result, node)
        return self.folded_over(name, lazy, source, result, node)

    def counted(self, lazy: ast.GeneratorExp, node: ast.Call, into: Cell | None) -> Value | None:
        """How many characters of a text are digits, or among others: `sum(c.isdigit() for c in text)`,
        `sum(c in "aeiou" for c in text)`, and `sum(1 for c in text if ...)` of the same, in one instruction."""
        each = lazy.generators[0]
        test = lazy.elt
        if len(lazy.generators) > 1 or not isinstance(each.target, ast.Name) or not isinstance(each.iter, ast.Name):
            return None
        if len(each.ifs) == 1 and isinstance(test, ast.Constant) and type(test.value) is int and test.value == 1:
            test = each.ifs[0]
        elif each.ifs:
            return None
        found = _test_of_one(test, each.target.id)
        if found is None:
            return None
        name, operand = found
        text = self.value(each.iter)
        if text.whole is not None or not text.type.only("str"):
            return None
        mark = self.next_temporary
        first = self.run_of(2)
        self.move(text, first, node)
        self.value(ast.copy_location(ast.Constant(operand), test), Cell(first.kind, first.number + 1))
        self.next_temporary = mark
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins[name][0], 2)
        return Value(cell, _types.INT)

    def quantified(
        self, name: str, lazy: ast.GeneratorExp, source: tuple[Cell, Type], result: Cell, node: ast.Call
    ) -> Value:
        found, stop = Target(), Target()
        end = Target()

        def each() -> None:
            mark = self.next_temporary
            self.branch(lazy.elt, found, name == "any")
            self.next_temporary = mark

        self.generate(lazy.generators, source, each, stop)
        self.emit("MOVE", node, result, self.literal(name == "all").cell)
        self.jump(end, node)
        self.put(found)
        self.emit("MOVE", node, result, self.literal(name == "any").cell)
        self.put(end)
        return Value(result, _types.BOOL)

    def extreme(
        self, name: str, lazy: ast.GeneratorExp, source: tuple[Cell, Type], result: Cell, node: ast.Call
    ) -> Value:
        """min and max: a later item wins only if it is strictly better."""
        begun = self.temporary()
        self.emit("MOVE", node, begun, self.literal(False).cell)
        kinds: list[Type] = []

        def each() -> None:
            mark = self.next_temporary
            value = self.plain(self.value(lazy.elt), lazy.elt)
            kinds.append(value.type)
            better, take, skip = self.temporary(), Target(), Target()
            self.jump_if(Value(begun, _types.BOOL), take, False, node)
            self.emit("LT" if name == "min" else "GT", node, better, value.cell, result)
            self.jump_if(Value(better, _types.BOOL), skip, False, node)
            self.put(take)
            self.emit("MOVE", node, result, value.cell)
            self.emit("MOVE", node, begun, self.literal(True).cell)
            self.put(skip)
            self.next_temporary = mark

        self.generate(lazy.generators, source, each, Target())
        there = Target()
        self.jump_if(Value(begun, _types.BOOL), there, True, node)
        text = self.literal(f"{name}() arg is an empty sequence")
        self.emit("RAISE", node, b=text.cell, x=self.unit.exceptions["ValueError"])
        self.paths = None
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
            self.next_temporary = mark

        self.generate(lazy.generators, source, each, Target())
        joined = _types.join_all([*kinds, _types.INT])
        return Value(result, joined if joined.tags <= _types.NUMBERS else _types.ANY)


CLASSES = frozenset(
    ("isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "isupper")
)


def _test_of_one(test: ast.expr, name: str) -> tuple[str, str] | None:
    """A test of one character `name` that a whole text can be counted by: the built-in that does and its operand."""
    match test:
        case ast.Call(ast.Attribute(ast.Name(id=who), method), [], []) if who == name and method in CLASSES:
            return "sum.class", method
        case ast.Compare(ast.Name(id=who), [ast.In()], [ast.Constant(str(among))]) if who == name:
            return "sum.among", among
    return None


def _parameter_count(function: types.FunctionType) -> int:
    code = function.__code__
    starred = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + starred


def _random_classes() -> tuple[type, ...]:
    import random

    return (random.Random,)
