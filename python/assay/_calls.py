"""Lowering of calls: built-in functions and methods, helpers (inlined), classes, what the library has in Python.

Arguments are evaluated in the order they are written and put where Python's signature has them. A built-in that is
not in the engine's table, or is called in a way it does not take, is refused by name.
"""

from __future__ import annotations

import ast
import collections
import datetime
import enum
import functools
import inspect
import operator
import sys
import types
import typing
import zoneinfo
from pathlib import Path
from typing import Any

from . import _api, _library, _prelude, _types
from ._definition import MISSING
from ._flow import Binding, Refuse, Scope, Unknown, Value, Whole
from ._names import nearest
from ._objects import is_record
from ._routines import Closure, Routines
from ._share import Cell
from ._source import function_node
from ._syntax import ATTRIBUTES, is_generator, names_stored
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
    "eval": "write the expression itself",
    "exec": "write the statements themselves",
    "hash": "the hash of a string differs from process to process",
    "id": "objects have no identity in the engine",
}
OF_THE_MACHINE = {  # with fewer arguments: the zone of the machine
    "datetime.datetime.fromtimestamp": (2, "give it the zone: datetime.fromtimestamp(t, tz=timezone.utc)"),
    ".astimezone": (1, "give it the zone: at.astimezone(timezone.utc)"),
}
CONSTANT_CLASSES = (
    datetime.timedelta,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timezone,
    zoneinfo.ZoneInfo,
)
OF_SETS = (
    *(".add", ".discard", ".remove", ".union", ".intersection", ".difference", ".symmetric_difference", ".issubset"),
    *(
        ".issuperset",
        ".isdisjoint",
        ".update",
        ".copy",
        ".clear",
        "set",
        "frozenset",
        "Counter",
        ".setdefault",
        ".append",
    ),
)
UNORDERED = ("any", "all", "len", "min", "max", "sorted")  # of a set, they do not depend on its order


class Calls(Routines):
    def lower_Call(self, node: ast.Call, into: Cell | None) -> Value:
        function = node.func
        found = self.python_object(function)
        if found is not MISSING:
            return self.call_object(found, node, into)
        if isinstance(function, ast.Attribute):
            return self.call_method(node, function, into)
        if isinstance(function, ast.Subscript):
            table = self.python_object(function.value)
            if isinstance(table, dict) and table and all(callable(v) for v in table.values()):
                return self.call_one_of(table, function, node, into)
        value = self.value(function)
        if value.static is not MISSING:
            return self.call_object(value.static, node, into)
        raise Refuse(node, f"{ast.unparse(function)} is not known to be a function here", "name the function")

    # --- what is called ---

    def call_object(self, found: Any, node: ast.Call, into: Cell | None) -> Value:
        name = ast.unparse(node.func)
        if isinstance(found, _api.NotYet):
            raise Refuse(node, f"assay.{found.what} is not available yet")
        if found is Unknown.UNKNOWN:
            raise Refuse(node, f"which function {name} is depends on the way here", "call it on each way")
        if isinstance(found, Closure):
            return self.call_closure(found, node, into)
        special = self.special(found)
        if special is not None:
            made: Value = special(node, into)
            return made
        if isinstance(found, functools._lru_cache_wrapper):
            found = found.__wrapped__
        if isinstance(found, types.FunctionType) and (self.is_users(found) or is_library(found)):
            return self.inline(found, [], node, into)
        if isinstance(found, types.MethodType) and self.is_users(found.__func__):
            return self.inline(found.__func__, [self.object_value(found.__self__, node)], node, into)
        called = self.call_made(found, node, into)
        if called is not None:
            return called
        written = _prelude.FUNCTIONS.get(found) if isinstance(found, collections.abc.Hashable) else None
        if written is not None:
            return self.inline(written, [], node, into)
        bound = getattr(found, "__self__", None)
        if type(bound) is str and getattr(found, "__name__", "") == "format":  # euros = "{:.2f} EUR".format
            return self.call_format(bound, node, into)
        if isinstance(found, type) and found in CONSTANT_CLASSES:
            constant = self.constant_call(found, node)
            if constant is not None:
                return constant
        known = self.builtin_name(found)
        if known is not None:
            return self.call_builtin(known, [], node, into)
        if isinstance(found, type):
            return self.call_class(found, node, into)
        raise self.not_native(found, name, node)

    def object_value(self, found: Any, node: ast.AST) -> Value:
        """A module's object as a value, or as what it is if it cannot be one."""
        if isinstance(found, type):
            return self.static(found)
        return self.constant(found, node)

    def special(self, found: Any) -> Any:
        """Calls that are made while compiling."""
        try:
            name = SPECIAL.get(found)
        except TypeError:
            return None
        return None if name is None else getattr(self, name)

    def call_made(self, found: Any, node: ast.Call, into: Cell | None) -> Value | None:
        """A callable that a call has made: partial(f, 1), itemgetter(0), RISK.get, str.lower."""
        if isinstance(found, functools.partial):
            return self.call_partial(found, node, into)
        if isinstance(found, operator.itemgetter):
            keys = found.__reduce__()[1]
            parts: list[ast.expr] = [ast.Subscript(node.args[0], ast.Constant(k), ast.Load()) for k in keys]
            made = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
            return self.value(ast.fix_missing_locations(ast.copy_location(made, node)), into)
        if isinstance(found, operator.attrgetter):
            names = found.__reduce__()[1]
            parts = [ast.parse(f"_.{n}", mode="eval").body for n in names]
            let = self.let(self.value(node.args[0]), node)
            for part in parts:
                for inner in ast.walk(part):
                    if isinstance(inner, ast.Name):
                        inner.id = let.id
            made = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
            return self.value(_placed(made, node), into)
        if isinstance(found, types.MethodDescriptorType) and node.args:
            call = ast.Call(ast.Attribute(node.args[0], found.__name__, ast.Load()), node.args[1:], node.keywords)
            return self.value(ast.fix_missing_locations(ast.copy_location(call, node)), into)
        if isinstance(found, types.BuiltinMethodType) and not isinstance(found.__self__, types.ModuleType | type):
            name = f".{found.__name__}"
            if self.builtin_name(found) is None and name in self.unit.builtins:
                return self.call_builtin(name, [self.constant(found.__self__, node)], node, into)
        return None

    def call_partial(self, found: Any, node: ast.Call, into: Cell | None) -> Value:
        """partial(f, 1)(x) is f(1, x)."""
        arguments = [self.let(self.object_value(a, node), node) for a in found.args]
        written = {k.arg for k in node.keywords}
        named = [
            ast.keyword(k, self.let(self.object_value(v, node), node))
            for k, v in found.keywords.items()
            if k not in written
        ]
        call = ast.Call(node.func, [*arguments, *node.args], [*named, *node.keywords])
        return self.call_object(found.func, ast.fix_missing_locations(ast.copy_location(call, node)), into)

    def call_one_of(self, table: dict[Any, Any], function: ast.Subscript, node: ast.Call, into: Cell | None) -> Value:
        """HANDLERS[kind](x): a test for each key."""
        key = self.kept(self.value(function.slice), node)
        arguments: list[ast.expr] = [self.let(self.value(a), node) for a in node.args]
        call = ast.copy_location(ast.Call(node.func, arguments, node.keywords), node)
        result, end, kinds = self.temporary(), self.target(), []
        for name, handler in table.items():
            other, test = self.target(), self.temporary()
            constant = self.constant(name, node)
            if not _types.equality_is_exact(key.type, constant.type):
                raise self.differs(key.type, constant.type, node)
            self.emit("EQ", function, test, key.cell, constant.cell)
            self.jump_if(Value(test, _types.BOOL), other, False, function)
            kinds.append(self.move(self.call_object(handler, call, result), result, node).type)
            if self.paths is not None:
                self.jump(end, node)
            self.put(other)
        error = self.temporary()
        self.emit("EXCEPTION", function, error, key.cell, self.unit.exceptions["KeyError"], x=1)
        self.emit("THROW", function, b=error)
        self.paths = None
        self.put(end)
        return Value(result, _types.join_all(kinds))

    def not_native(self, found: Any, name: str, node: ast.Call) -> Refuse:
        qualified = getattr(found, "__qualname__", name)
        owner = getattr(found, "__module__", None)
        if owner in ("time", "random", "secrets", "uuid"):
            qualified = f"{owner}.{qualified}"
        help = HINTS.get(qualified, "")
        if owner in ("random", "secrets", "uuid") or isinstance(getattr(found, "__self__", None), _random_classes()):
            help = "randomness makes replay impossible: the same payment must always give the same value"
        if callable(found):
            return Refuse(
                node, f"{name}() is not available yet" if qualified not in HINTS else f"{name}() cannot be used", help
            )
        return Refuse(node, f"{name} is not a function")

    # --- classes ---

    def call_class(self, cls: type, node: ast.Call, into: Cell | None) -> Value:
        if issubclass(cls, BaseException):
            return self.make_exception(cls, node.args, node, into)
        if is_record(cls):
            return self.make_object(cls, node, into)
        if issubclass(cls, enum.Enum):
            return self.member_of_value(cls, node, into)
        if cls in CONSTANT_CLASSES:
            made = self.constant_call(cls, node)
            if made is not None:
                return made
        raise self.not_native(cls, ast.unparse(node.func), node)

    def member_of_value(self, cls: type[enum.Enum], node: ast.Call, into: Cell | None) -> Value:
        """Channel("web"): ValueError if there is none of that value."""
        if len(node.args) != 1 or node.keywords:
            raise Refuse(node, f"{cls.__name__}() takes a value")
        if "_missing_" in cls.__dict__:
            raise Refuse(node, f"{cls.__name__} defines _missing_, which is not available", "a dict")
        value = self.value(node.args[0])
        if value.type.enum is cls:
            return self.move(value, into, node)
        value = self.kept(self.plain(value, node.args[0]), node)
        values = self.constant(tuple(member.value for member in cls), node)
        test, there = self.temporary(), self.target()
        self.emit("IN", node, test, value.cell, values.cell)
        self.jump_if(Value(test, _types.BOOL), there, True, node)
        text = self.literal(f"not a valid {cls.__qualname__}")
        self.emit("RAISE", node, b=text.cell, x=self.unit.exceptions["ValueError"])
        self.paths = None
        self.put(there)
        found = Value(value.cell, Type(values.type.item.tags if values.type.item else frozenset(), enum=cls))
        return self.move(found, into, node)

    def call_defaultdict(self, node: ast.Call, into: Cell | None) -> Value:
        if not node.args or len(node.args) > 2 or node.keywords:
            raise Refuse(node, "defaultdict() takes a factory, and a dict perhaps")
        factory, kind = self.factory(node.args[0])
        count = 2 + (len(node.args) > 1)
        first = self.run_of(3)
        self.move(self.literal(factory), first, node)
        self.move(kind[1], Cell(first.kind, first.number + 1), node)
        if len(node.args) > 1:
            self.plain(self.value(node.args[1], Cell(first.kind, first.number + 2)), node.args[1])
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins["defaultdict"][0], count)
        return Value(cell, Type(frozenset({"dict"}), None, kind[0]))

    def factory(self, node: ast.expr) -> tuple[int, tuple[Type, Value]]:
        """What a missing key gets: a number of the engine's (dict.c), or a constant."""
        nothing = self.literal(None)
        found = self.python_object(node)
        empty = {list: 1, dict: 2, set: 3}
        if isinstance(found, type) and found in empty:
            return empty[found], (Type(frozenset({found.__name__})), nothing)
        if found in (int, float, str, bool, tuple):
            made = self.literal(found())
            return 0, (made.type, made)
        body = node.body if isinstance(node, ast.Lambda) else None
        if isinstance(body, ast.List | ast.Dict) and not (body.elts if isinstance(body, ast.List) else body.keys):
            kind = list if isinstance(body, ast.List) else dict
            return empty[kind], (Type(frozenset({kind.__name__})), nothing)
        constant = MISSING if body is None else self.constant_display(body)
        if constant is MISSING or isinstance(constant, list | set | dict):
            raise Refuse(node, "this factory is not available", "int, float, str, list, dict, set, or lambda: 1.5")
        made = self.constant(constant, node)
        return 0, (made.type, made)

    def call_counter(self, node: ast.Call, into: Cell | None) -> Value:
        if len(node.args) > 1 or node.keywords:
            raise Refuse(node, "Counter() takes an iterable or a dict")
        lazy = self.as_generator(node.args[0]) if node.args else None
        if lazy is not None:
            source = self.collected(lazy.generators, lazy.elt, lazy, None)
        elif node.args:
            source = self.plain(self.value(node.args[0]), node.args[0])
        else:
            source = self.constant((), node)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, source.cell, self.unit.builtins["Counter"][0], 1)
        key = source.type.item if source.type.only("dict") else _types.item_of(source.type)
        return Value(cell, Type(frozenset({"dict"}), key, _types.INT, cls=collections.Counter))

    # --- what takes a function ---

    def keywords(self, node: ast.Call, *allowed: str) -> dict[str, ast.expr]:
        found: dict[str, ast.expr] = {}
        for keyword in node.keywords:
            if keyword.arg not in allowed:
                raise Refuse(node, f"{ast.unparse(node.func)}({keyword.arg or '**'}=) is not available")
            found[keyword.arg] = keyword.value
        return found

    def call_sorted(self, node: ast.Call, into: Cell | None) -> Value:
        given = self.keywords(node, "key", "reverse")
        key = given.get("key")
        if len(node.args) != 1 or key is None or (isinstance(key, ast.Constant) and key.value is None):
            options = [k for k in node.keywords if k.arg != "key"]
            call = ast.copy_location(ast.Call(node.func, node.args, options), node)
            return self.call_builtin("sorted", [], call, into)
        if isinstance(node.args[0], ast.Starred):
            raise Refuse(node, "* in a call of sorted() is not available")
        source = self.listed(node.args[0])
        return self.sorted_by(source, key, given.get("reverse"), node, into)

    def listed(self, node: ast.expr) -> Value:
        """Its items as a list of its own."""
        lazy = self.as_generator(node)
        if lazy is not None:
            return self.collected(lazy.generators, lazy.elt, lazy, None)
        value = self.present(self.value(node), node)
        if value.whole is not None or value.static is not MISSING:
            raise Refuse(node, f"{ast.unparse(node)} is not iterable")
        cell = self.temporary()
        self.emit("CALL", node, cell, value.cell, self.unit.builtins["list"][0], 1)
        return Value(cell, _types.of("list", item=_types.item_of(value.type)))

    def sorted_by(
        self, source: Value, key: ast.expr, reverse: ast.expr | None, node: ast.Call, into: Cell | None
    ) -> Value:
        items = self.let(source, node)
        function = self.function_argument(key)
        first = self.run_of(3)
        self.move(source, first, node)
        last = Cell(first.kind, first.number + 2)
        self.value(reverse if reverse is not None else _placed(ast.Constant(False), node), last)
        each = f".k{node.lineno}.{node.col_offset}"
        element = self.calling(function, [ast.copy_location(ast.Name(each, ast.Load()), key)], key)
        clause = ast.comprehension(ast.copy_location(ast.Name(each, ast.Store()), key), items, [], 0)
        if "set" in source.type.tags:
            raise Refuse(
                node, "equal keys keep the order of the set, which Python randomizes", "sorted(sorted(s), key=)"
            )
        keys = self.collected([clause], element, key, None)
        self.move(keys, Cell(first.kind, first.number + 1), node)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins["sorted.by"][0], 3)
        return Value(cell, _types.of("list", item=_types.item_of(source.type)))

    def function_argument(self, node: ast.expr) -> ast.expr:
        """A function that is given: an expression of its own is evaluated once."""
        if isinstance(node, ast.Name | ast.Lambda | ast.Attribute):
            return node
        return self.let(self.value(node), node)

    def call_extreme(self, node: ast.Call, into: Cell | None) -> Value:
        found = self.python_object(node.func)
        name = "min" if found is min else "max"
        if len(node.args) == 1 and isinstance(node.args[0], ast.Starred) and not node.keywords:
            value = self.listed(node.args[0].value)
            cell = into or self.temporary()
            self.emit("CALL", node, cell, value.cell, self.unit.builtins[f"{name}.star"][0], 1)
            return Value(cell, _types.item_of(value.type))
        if any(isinstance(a, ast.Starred) for a in node.args):
            made = ast.copy_location(ast.List(node.args, ast.Load()), node)
            node = ast.copy_location(ast.Call(node.func, [made], node.keywords), node)
        if not node.keywords:
            return self.call_builtin(name, [], node, into)
        given = self.keywords(node, "key", "default")
        key = given.get("key")
        if isinstance(key, ast.Constant) and key.value is None:
            key = None
        if len(node.args) == 1:
            lazy = self.as_generator(node.args[0])
            source = lazy if lazy is not None else self.let(self.checked_iterable(node.args[0]), node)
        else:
            if "default" in given:
                raise Refuse(node, f"{name}() takes default= with one iterable only")
            source = self.let(self.value(ast.copy_location(ast.Tuple(node.args, ast.Load()), node)), node)
        if lazy_of(source) is None:
            each = f".e{node.lineno}.{node.col_offset}"
            clause = ast.comprehension(ast.copy_location(ast.Name(each, ast.Store()), node), source, [], 0)
            source = _placed(ast.GeneratorExp(ast.copy_location(ast.Name(each, ast.Load()), node), [clause]), node)
        assert isinstance(source, ast.GeneratorExp)
        default = None if "default" not in given else self.kept(self.value(given["default"]), node)
        return self.extreme_by(name, source, None if key is None else self.function_argument(key), default, node)

    def checked_iterable(self, node: ast.expr) -> Value:
        value = self.value(node)
        if value.type.only("set"):
            return value
        return self.iterable(value, node)

    def call_next(self, node: ast.Call, into: Cell | None) -> Value:
        """next(iterator), next((x for x in xs if ...), default): of a generator the first item alone is computed."""
        lazy = self.as_generator(node.args[0]) if node.args else None
        if lazy is None or len(node.args) not in (1, 2) or node.keywords:
            return self.call_builtin("next", [], node, into)
        result, found, stop = self.temporary(), self.target(), self.target()
        default = self.kept(self.value(node.args[1]), node) if len(node.args) == 2 else None
        source = self.iterator(lazy.generators[0].iter, lazy.generators[0].iter)
        kinds: list[Type] = []

        def each() -> None:
            mark = self.next_temporary
            kinds.append(self.put_value(lazy.elt, result).type)
            if self.paths is not None:
                self.jump(found, node)
            self.release(mark)

        self.generate(lazy.generators, source, each, stop)
        if default is None:
            self.emit("RAISE", node, x=self.unit.exceptions["StopIteration"])
            self.paths = None
        else:
            self.move(default, result, node)
            kinds.append(default.type)
        self.put(found)
        return Value(result, _types.join_all(kinds))

    def call_zip(self, node: ast.Call, into: Cell | None) -> Value:
        given = self.keywords(node, "strict")
        strict = self.constant_display(given["strict"]) if "strict" in given else False
        if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            value = self.listed(node.args[0].value)
            cell = into or self.temporary()
            self.emit("CALL", node, cell, value.cell, self.unit.builtins["zip.star"][0], 1)
            inner = _types.item_of(_types.item_of(value.type))
            return Value(cell, _types.of("iterator", item=_types.of("tuple", item=inner)))
        if strict is not False:
            made = ast.copy_location(ast.Call(node.func, node.args, []), node)
            if strict is not True:
                raise Refuse(node, "zip(strict=) takes True or False here")
            return self.call_builtin("zip.strict", [], made, into)
        return self.call_builtin("zip", [], ast.copy_location(ast.Call(node.func, node.args, []), node), into)

    def call_map(self, node: ast.Call, into: Cell | None) -> Value:
        lazy = self.as_generator(node)
        if lazy is None:
            raise Refuse(node, f"{ast.unparse(node.func)}() takes a function and iterables", "a comprehension")
        return self.value(lazy, into)

    def call_sort(self, receiver: Value, node: ast.Call) -> Value:
        """xs.sort(key=, reverse=)."""
        given = self.keywords(node, "key", "reverse")
        if node.args:
            raise Refuse(node, "sort() takes its options by keyword")
        first = self.run_of(2)
        self.move(receiver, first, node)
        if "key" in given and not (isinstance(given["key"], ast.Constant) and given["key"].value is None):
            made = self.sorted_by(receiver, given["key"], given.get("reverse"), node, None)
        else:
            name = self.let(receiver, node)
            options = [k for k in node.keywords if k.arg == "reverse"]
            call = ast.copy_location(ast.Call(ast.Name("sorted", ast.Load()), [name], options), node)
            made = self.call_builtin("sorted", [], ast.fix_missing_locations(call), None)
        self.move(made, Cell(first.kind, first.number + 1), node)
        cell = self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins["list.replace"][0], 2)
        return Value(cell, _types.NONE)

    # --- about a value ---

    def call_type(self, node: ast.Call, into: Cell | None) -> Value:
        raise Refuse(node, "type() is for type(x).__name__ here", "isinstance(x, C)")

    def call_getattr(self, node: ast.Call, into: Cell | None) -> Value:
        """getattr(x, "name"), getattr(x, "name", default) of what is known while compiling."""
        name = self.constant_display(node.args[1]) if len(node.args) in (2, 3) else MISSING
        if not isinstance(name, str) or node.keywords:
            raise Refuse(node, "getattr() takes a constant name here", "write the attribute: x.name")
        attribute = ast.copy_location(ast.Attribute(node.args[0], name, ast.Load()), node)
        if len(node.args) == 2:
            return self.value(attribute, into)
        whole = self.whole_at(self.paths or {}, node.args[0])
        if whole is not None:
            names = [*(f.name for f in whole.event.fields), *(o.name for o in whole.event.objects)]
            there = whole.prefix + name in names or hasattr(whole.cls, name)
            return self.value(attribute if there else node.args[2], into)
        raise Refuse(node, "getattr() with a default is for an event's fields here", "write the attribute: x.name")

    def call_static_class(self, node: ast.Call, into: Cell | None) -> Value:
        """partial(f, 1), itemgetter(0): made while compiling, of constants."""
        found = self.python_object(node.func)
        arguments = [self.compile_time(a) for a in node.args]
        named = {str(k.arg): self.compile_time(k.value) for k in node.keywords}
        try:
            return self.static(found(*arguments, **named))
        except Exception as error:
            raise Refuse(node, f"{type(error).__name__}: {error}") from None

    def compile_time(self, node: ast.expr) -> Any:
        constant = self.constant_display(node)
        if constant is MISSING:
            constant = self.python_object(node)
        if constant is MISSING or isinstance(constant, Closure):
            raise Refuse(node, "only constants and module functions can be given here", "a lambda")
        return constant

    def call_cast(self, node: ast.Call, into: Cell | None) -> Value:
        """typing.cast(T, x) is x."""
        return self.value(node.args[1], into)

    def is_users(self, function: Any) -> bool:
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

    def call_builtin(
        self,
        name: str,
        receiver: list[Value],
        node: ast.Call,
        into: Cell | None,
        kinds_out: list[Type] | None = None,
    ) -> Value:
        """A built-in of the engine's; `kinds_out` gets the types of the arguments."""
        if name == "datetime.datetime.strptime":
            self.check_strptime(node)
        if name in OF_THE_MACHINE and len(node.args) + len(node.keywords) < OF_THE_MACHINE[name][0]:
            raise Refuse(
                node, f"{ast.unparse(node.func)}() without a zone depends on the machine", OF_THE_MACHINE[name][1]
            )
        node = self.as_engine_takes(name, receiver, node)
        lazy = self.as_generator(node.args[0]) if node.args and not receiver else None
        if lazy is not None and not node.keywords:
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
        if kinds_out is not None:
            kinds_out += kinds
        self.release(mark)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, number, count)
        return Value(cell, _library.of_call(name, kinds))

    def argument(self, name: str, node: ast.expr, into: Cell | None = None) -> Value:
        if isinstance(node, ast.Starred):
            raise Refuse(node, "* in a call of this is not available", "write the arguments")
        lazy = self.as_generator(node) if name in TAKE_ALL else None
        if lazy is not None:
            alike = name in ("sorted", "set", "frozenset", ".union")
            return self.move(self.collected(lazy.generators, lazy.elt, lazy, None, alike), into, node)
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
        if sets and name not in (*UNORDERED, "bool", ".get", ".values", ".items", ".keys", *OF_SETS):
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
        if isinstance(function.value, ast.Call) and self.python_object(function.value.func) is super:
            raise Refuse(node, "super() is not available", "call the base class's function")
        template = self.constant_template(function.value) if function.attr == "format" else None
        if template is not None:
            return self.call_format(template, node, into)
        receiver = self.value(function.value) if function.attr in GROWING else self.read(function.value)
        if receiver.whole is not None:
            method = inspect.getattr_static(receiver.whole.cls, function.attr, None)
            if isinstance(method, types.FunctionType):
                return self.inline(method, [receiver], node, into)
            raise Refuse(node, f"{receiver.whole.cls.__name__} has no method {function.attr}")
        name = f".{function.attr}"
        if receiver.type.cls is not None and receiver.type.cls is not collections.Counter:
            made = self.call_method_of(self.present(receiver, function.value), receiver.type.cls, node, into)
            if made is not None:
                return made
        if isinstance(receiver.type.enum, type):
            made = self.call_method_of_enum(receiver, receiver.type.enum, node, into)
            if made is not None:
                return made
        receiver = self.present(self.dict_or_plain(receiver, function.value, name), function.value)
        written = _prelude.METHODS.get((receiver.type.cls, function.attr)) or (
            _prelude.METHODS.get((None, function.attr)) if receiver.type.only("dict") else None
        )
        if written is not None:
            return self.inline(written, [receiver], node, into)
        name = self.own_method(name, receiver)
        if name == ".sort":
            return self.call_sort(self.container(function.value, node), node)
        if name == ".replace" and node.keywords:
            return self.call_replace(receiver, node, into)
        if name not in self.unit.builtins or name in ATTRIBUTES or name.count(".") > 1:
            raise self.no_method(function, receiver, node)
        if name == ".update" and node.keywords:
            return self.update_named(receiver, node)
        if function.attr in GROWING and not (name == ".update" and receiver.type.only("none")):
            return self.call_growing(name, function, node, into)
        return self.call_builtin(name, [receiver], node, into)

    def update_named(self, receiver: Value, node: ast.Call) -> Value:
        for keyword in node.keywords:
            if keyword.arg is None or node.args:
                raise Refuse(node, "update() takes a dict, or names", "two calls")
            value = self.value(keyword.value)
            self.emit("STORE", node, receiver.cell, self.literal(keyword.arg).cell, value.cell)
        return self.literal(None)

    def call_growing(self, name: str, function: ast.Attribute, node: ast.Call, into: Cell | None) -> Value:
        """A method that puts something into its receiver."""
        receiver = self.container(function.value, node)
        kinds: list[Type] = []
        if name in (".append", ".add") and len(node.args) == 1 and not node.keywords:
            first = self.run_of(2)
            self.move(receiver, first, node)
            value = self.put_value(node.args[0], Cell(first.kind, first.number + 1))
            self.put_in(function.value, receiver, value.type, value, node)
            cell = into or self.temporary()
            if name == ".append":
                self.emit("APPEND", node, first, value.cell)
                return self.literal(None)
            self.emit("CALL", node, cell, first, self.unit.builtins[name][0], 2)
            return Value(cell, _types.NONE)
        made = self.call_builtin(name, [receiver], node, into, kinds)
        if len(kinds) > 1:
            key, value_type = kinds[1], kinds[-1]
            if name in (".extend", ".update"):
                key = _types.item_of(kinds[1]) if not kinds[1].only("dict") else kinds[1].item or _types.ANY
                value_type = kinds[1].value or (key if receiver.type.only("list", "set") else _types.ANY)
            self.put_in(function.value, receiver, key, Value(made.cell, value_type), node)
        return made

    def dict_or_plain(self, value: Value, node: ast.expr, name: str) -> Value:
        return value if value.type.only("dict") and value.whole is None else self.plain(value, node)

    def no_method(self, function: ast.Attribute, receiver: Value, node: ast.Call) -> Refuse:
        name = function.attr
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
        self.release(mark)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, first, self.unit.builtins[".replace.named"][0], count)
        return Value(cell, receiver.type.without_none())

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
        signature = inspect.signature(function)
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise Refuse(
                    node, f"{function.__name__} takes *{parameter.name}, which is not available", "name its parameters"
                )
        written, named = self.written_arguments(node, len(signature.parameters) - len(bound))
        places = [*bound, *written]
        try:
            given = signature.bind(*places, **named).arguments
        except TypeError as error:
            raise Refuse(node, f"{function.__name__}(): {error}") from None
        for parameter in signature.parameters.values():
            if parameter.name not in given:
                given[parameter.name] = self.default_of_parameter(parameter, node)
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

    def default_of_parameter(self, parameter: inspect.Parameter, node: ast.AST) -> Value:
        if callable(parameter.default) or parameter.default is _prelude.NOTHING:
            return self.static(parameter.default)
        return self.constant(parameter.default, node, f"the default of {parameter.name}")

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


def _parameter_count(function: types.FunctionType) -> int:
    code = function.__code__
    starred = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_argcount + code.co_kwonlyargcount + starred


def _random_classes() -> tuple[type, ...]:
    import random

    return (random.Random,)


GROWING = frozenset(["append", "add", "extend", "insert", "update", "setdefault", "pop", "remove", "discard", "clear"])
GROWING |= frozenset(["reverse", "popitem"])
TAKE_ALL = frozenset(["sorted", ".join", ".extend", ".update", "dict", "set", "frozenset", "tuple", "list", ".union"])
SPECIAL: dict[Any, str] = {
    isinstance: "call_isinstance",
    sorted: "call_sorted",
    min: "call_extreme",
    max: "call_extreme",
    next: "call_next",
    zip: "call_zip",
    map: "call_map",
    filter: "call_map",
    type: "call_type",
    getattr: "call_getattr",
    collections.defaultdict: "call_defaultdict",
    collections.Counter: "call_counter",
    functools.partial: "call_static_class",
    operator.itemgetter: "call_static_class",
    operator.attrgetter: "call_static_class",
    typing.cast: "call_cast",
}


def is_library(function: Any) -> bool:
    """Whether it is one of `_prelude.py`'s."""
    return isinstance(function, types.FunctionType) and function.__code__.co_filename == _prelude.__file__


def lazy_of(node: ast.expr) -> ast.GeneratorExp | None:
    return node if isinstance(node, ast.GeneratorExp) else None


def _placed(node: Any, like: ast.AST) -> Any:
    return ast.fix_missing_locations(ast.copy_location(node, like))
