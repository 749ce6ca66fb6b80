"""Lowering of calls: built-in functions and methods, classes, what the library has in Python.

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
import re
import sys
import types
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _api, _library, _plain, _prelude, _types
from ._choices import Choices
from ._definition import MISSING
from ._flow import Binding, Chosen, Closure, Consequence, Refuse, Target, Unknown, Value, Whole
from ._names import nearest
from ._objects import is_record
from ._routines import is_library
from ._share import Cell
from ._syntax import ATTRIBUTES, placed
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
ONLY_READ = frozenset({"len", "sum", "any", "all", "sorted", "set", "frozenset", "tuple", "list", ".join", "Counter"})
UNORDERED = ("any", "all", "len", "min", "max", "sorted")  # of a set, they do not depend on its order


class Calls(Choices):
    def lower_Call(self, node: ast.Call, into: Cell | None) -> Value:
        node = self.passed_on(node)
        function = node.func
        found = self.python_object(function)
        if found is not MISSING:
            return self.call_object(found, node, into)
        if isinstance(function, ast.Attribute):
            return self.call_method(node, function, into)
        value = self.value(function)
        if value.static is not MISSING:
            return self.call_object(value.static, node, into)
        own = self.own_special(value, "__call__")
        if own is not None:
            return self.inline(own, [value], node, into)
        if self.paths is None:  # nothing comes here
            return self.literal(None)
        raise Refuse(node, f"{ast.unparse(function)} is not known to be a function here", "name the function")

    # --- what is called ---

    def call_object(self, found: Any, node: ast.Call, into: Cell | None) -> Value:
        name = ast.unparse(node.func)
        if isinstance(found, _api.NotYet):
            raise Refuse(node, f"assay.{found.what} is not available yet")
        if found is Unknown.UNKNOWN:
            raise Refuse(node, f"which function {name} is depends on the way here", "call it on each way")
        if isinstance(found, Chosen):
            return self.call_chosen(found, node, into)
        if isinstance(found, Closure):
            return self.call_closure(found, node, into)
        special = self.special(found)
        if special is not None:
            if self.python_object(node.func) is not found:  # by way of partial() or a table: these look at the name
                node = placed(ast.Call(self.let_static(found, node), node.args, node.keywords), node)
            made: Value = special(node, into)
            return made
        if isinstance(found, functools._lru_cache_wrapper):
            found = found.__wrapped__
        if isinstance(found, types.FunctionType) and (self.is_users(found) or self.is_inlined(found)):
            return self.inline(found, [], node, into)
        if isinstance(found, _plain.Folded):
            return self.call_folded(found, node)
        if isinstance(found, types.MethodType) and isinstance(found.__self__, _plain.Array | _plain.LOOKUPS):
            return self.call_of_arrays(found, node, into)
        exact = _plain.of_function(found)
        if exact is not None:
            return self.inline(exact, [], node, into)
        if isinstance(found, types.MethodType) and self.is_users(found.__func__):
            return self.inline(found.__func__, [self.object_value(found.__self__, node)], node, into)
        if is_record(type(found)):  # SCORE = Scorer(3); SCORE(x)
            own = self.own_special(self.constant(found, node), "__call__")
            if own is not None:
                return self.inline(own, [self.constant(found, node)], node, into)
        called = self.call_made(found, node, into)
        if called is not None:
            return called
        written = _prelude.function(found) if isinstance(found, collections.abc.Hashable) else None
        if written is not None:
            return self.inline(written, [], node, into)
        if found == collections.OrderedDict.fromkeys:
            return self.call_builtin("dict.fromkeys", [], node, into)
        bound = getattr(found, "__self__", None)
        if type(bound) is str and getattr(found, "__name__", "") == "format":  # euros = "{:.2f} EUR".format
            return self.call_format(bound, node, into)
        starred = isinstance(found, collections.abc.Hashable) and any(isinstance(a, ast.Starred) for a in node.args)
        if starred and found in _prelude.STARRED:
            return self.inline(_prelude.STARRED[found], [], node, into)
        if (isinstance(found, type) and found in CONSTANT_CLASSES) or found == str.maketrans:
            constant = self.constant_call(found, node)
            if constant is not None:
                return constant
        known = self.builtin_name(found)
        if known is not None:
            return self.call_builtin(known, [], node, into)
        if isinstance(found, type):
            return self.call_class(found, node, into)
        raise self.not_native(found, name, node)

    def is_inlined(self, found: types.FunctionType) -> bool:
        """Whether it is library code that is written in Python, with no built-in of the engine for it."""
        return is_library(found) and self.builtin_name(found) is None

    def object_value(self, found: Any, node: ast.AST) -> Value:
        """A module's object as a value, or as what it is if it cannot be one."""
        if isinstance(found, type):
            return self.static(found)
        return self.constant(found, node)

    def call_folded(self, found: _plain.Folded, node: ast.Call) -> Value:
        """A method of a frozen numpy or pandas object whose arguments are constants: called now."""
        arguments = [self.constant_display(a) for a in node.args]
        named = {str(k.arg): self.constant_display(k.value) for k in node.keywords}
        if any(a is MISSING for a in [*arguments, *named.values()]):
            raise Refuse(
                node, f"{ast.unparse(node.func)}() is available with constants only", "call it at module level"
            )
        try:
            made = found(*arguments, **named)
        except Exception as error:
            raise Refuse(node, f"{type(error).__name__}: {error}") from None
        return self.module_object(made, node)

    def call_of_arrays(self, found: types.MethodType, node: ast.Call, into: Cell | None) -> Value:
        owner = found.__self__
        bound = self.static(owner) if isinstance(owner, _plain.LOOKUPS) else self.constant(owner, node)
        return self.inline(found.__func__, [bound], node, into)

    def call_made(self, found: Any, node: ast.Call, into: Cell | None) -> Value | None:
        """A callable that a call has made: partial(f, 1), itemgetter(0), RISK.get, str.lower."""
        if isinstance(found, functools.partial):
            return self.call_partial(found, node, into)
        if isinstance(found, operator.itemgetter):
            keys = found.__reduce__()[1]
            parts: list[ast.expr] = [ast.Subscript(node.args[0], ast.Constant(k), ast.Load()) for k in keys]
            made = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
            return self.value(placed(made, node), into)
        if isinstance(found, operator.attrgetter):
            names = found.__reduce__()[1]
            parts = [ast.parse(f"_.{n}", mode="eval").body for n in names]
            let = self.let(self.value(node.args[0]), node)
            for part in parts:
                for inner in ast.walk(part):
                    if isinstance(inner, ast.Name):
                        inner.id = let.id
            made = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
            return self.value(placed(made, node), into)
        if isinstance(found, types.BuiltinMethodType) and isinstance(found.__self__, re.Pattern):
            pattern = found.__self__
            return self.call_pattern(pattern, self.regex_value(pattern, node.func), found.__name__, node, into)
        if isinstance(found, types.MethodDescriptorType) and node.args:
            call = ast.Call(ast.Attribute(node.args[0], found.__name__, ast.Load()), node.args[1:], node.keywords)
            return self.value(placed(call, node), into)
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
        return self.call_object(found.func, placed(call, node), into)

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
        raise self.not_native(cls, ast.unparse(node.func), node)

    def member_of_value(self, cls: type[enum.Enum], node: ast.Call, into: Cell | None) -> Value:
        """Channel("web"): ValueError if there is none of that value."""
        if len(node.args) != 1 or node.keywords:
            raise Refuse(node, f"{cls.__name__}() takes a value")
        if "_missing_" in cls.__dict__:
            raise Refuse(node, f"{cls.__name__} defines _missing_, which is not available", "a dict")
        if issubclass(cls, enum.Flag):
            number = self.constant_display(node.args[0])
            if not isinstance(number, int):
                raise Refuse(
                    node, f"{cls.__name__}() of a number known only while running is not available", "| of its members"
                )
            return self.constant(cls(number), node)
        value = self.value(node.args[0])
        if value.type.enum is cls:
            return self.move(value, into, node)
        value = self.kept(self.plain(value, node.args[0]), node)
        values = self.constant(tuple(member.value for member in cls), node)
        test, there = self.temporary(), Target()
        self.emit("IN", node, test, value.cell, values.cell)
        self.jump_if(Value(test, _types.BOOL), there, True, node)
        text = self.literal(f"not a valid {cls.__qualname__}")
        self.fail("ValueError", node, text.cell)
        self.put(there)
        found = Value(value.cell, Type(values.type.item.tags if values.type.item else frozenset(), enum=cls))
        return self.move(found, into, node)

    def is_users(self, function: Any) -> bool:
        return Path(function.__code__.co_filename) in self.unit.definition.sources

    def builtin_name(self, found: Any) -> str | None:
        """The name of a Python object in the engine's table of built-ins."""
        return _library.name_of(found, self.unit.builtins)

    def constant_call(self, cls: Callable[..., Any], node: ast.Call) -> Value | None:
        """timedelta(hours=1), ZoneInfo("Europe/Berlin"), str.maketrans("a", "b"): made at build time of constants."""
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
        if isinstance(node, ast.ListComp) and name in UNORDERED:
            return self.move(self.collected(node.generators, node.elt, node, None, True), into, node)
        table = self.table_of_functions(node) if name in KEYS_ALONE else None
        if table is not None:
            return self.move(self.constant(dict.fromkeys(table), node), into, node)
        value = (self.read if name in ONLY_READ else self.value)(node, into)
        if name == ".get" and isinstance(value.type.enum, type) and value.whole is None:
            return value  # an Enum's member as a key: check_arguments looks at the keys
        if name in GO_OVER and isinstance(value.static, enum.EnumType):
            return self.move(self.members(value), into, node)
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
        if name in ("min", "max", "sorted", "sum") and all(map(_types.members_are_values, kinds)):
            return
        if name in (".index", ".count") and _types.equality_is_exact(kinds[1], kinds[0].item or _types.NONE):
            return
        if name in ("str", "repr", "ascii", "min", "max", "sorted") or any(_types.enum_inside(k.item) for k in kinds):
            if name == "str" and isinstance(kinds[0].enum, type):
                return
            raise Refuse(node, f"{name}() of an Enum's members is not available yet", "use their .value")

    # --- methods ---

    def call_method(self, node: ast.Call, function: ast.Attribute, into: Cell | None) -> Value:
        if isinstance(function.value, ast.Call) and self.python_object(function.value.func) is super:
            return self.call_super(function.attr, node, into)
        table = self.table_of_functions(function.value) if function.attr == "get" else None
        if table is not None and len(node.args) in (1, 2) and not node.keywords:
            default = node.args[1] if len(node.args) == 2 else None
            return self.chosen_from(table, node.args[0], node, default, index=False)
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
        if receiver.type.cls is not None and receiver.type.cls not in _types.OF_PYTHON:
            made = self.call_method_of(self.present(receiver, function.value), receiver.type.cls, node, into)
            if made is not None:
                return made
        if isinstance(receiver.type.enum, type):
            made = self.call_method_of_enum(receiver, receiver.type.enum, node, into)
            if made is not None:
                return made
        given = self.dict_or_plain(receiver, function.value, name)
        receiver = self.present(given, function.value)
        if given.type.maybe_none and node.args:  # before the arguments are looked at, which may raise something else
            receiver = self.checked(given, given.cell, node)
        if receiver.type.cls is collections.deque and function.attr in KEEPING:
            return self.call_keeping(receiver, function, node, into)
        written = _prelude.METHODS.get((receiver.type.cls, function.attr))
        if written is not None:
            return self.inline(written, [receiver], node, into)
        if receiver.type.only("pattern"):
            found = self.python_object(function.value)
            known = found if isinstance(found, re.Pattern) else None
            return self.call_pattern(known, receiver, function.attr, node, into)
        if receiver.type.only("match"):
            return self.call_match(receiver, function.attr, node, into)
        name = self.own_method(name, receiver)
        if name == ".sort":
            return self.call_sort(self.container(function.value, node), node)
        if name == ".replace" and node.keywords:
            return self.call_replace(receiver, node, into)
        if name not in self.unit.builtins or name in ATTRIBUTES or name.count(".") > 1:
            raise self.no_method(function, receiver, node)
        if name == ".update" and node.keywords:
            return self.update_named(receiver, node)
        if name == ".union" and receiver.type.only("set") and any(isinstance(a, ast.Starred) for a in node.args):
            return self.inline(_prelude.union_of, [receiver], node, into)
        if function.attr in GROWING and not (name == ".update" and receiver.type.only("none")):
            return self.call_growing(name, function, node, into)
        return self.call_builtin(name, [receiver], node, into)

    def call_keeping(self, receiver: Value, function: ast.Attribute, node: ast.Call, into: Cell | None) -> Value:
        """A method that puts something into a deque: the list's, and what it has too many of is dropped."""
        name, bound = function.attr, receiver.type.bound
        if bound == -1 or (name == "extendleft" and len(node.args) != 1):
            raise Refuse(
                node, f"how many items the deque of {name}() keeps is not known here", "make it in this function"
            )
        if name == "extendleft":
            call = ast.Call(ast.Attribute(function.value, "appendleft", ast.Load()), [ast.Name(".x", ast.Load())], [])
            self.scope.locals.add(".x")
            self.scope.cells.setdefault(".x", self.temporary())
            loop = ast.For(ast.Name(".x", ast.Store()), node.args[0], [ast.Expr(call)], [])
            self.statement(placed(loop, node))
            return self.literal(None)
        if name == "appendleft":
            attribute = ast.Attribute(function.value, "insert", ast.Load())
            call = placed(ast.Call(attribute, [ast.Constant(0), *node.args], node.keywords), node)
            made = self.call_growing(".insert", attribute, call, into)
        else:
            made = self.call_growing(f".{name}", function, node, into)
        if bound is not None:
            self.trim(receiver, bound, name == "appendleft", node)
        return made

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
        if not receiver.type.tags and receiver.static is MISSING:
            return Consequence(node, "what it belongs to was refused")
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

    def set_binding(self, key: str, binding: Binding) -> None:
        if self.paths is not None:
            self.paths = {**self.paths, key: binding}

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


def _random_classes() -> tuple[type, ...]:
    import random

    return (random.Random,)


GO_OVER = (
    "len",
    "list",
    "tuple",
    "sorted",
    "set",
    "frozenset",
    "enumerate",
    "zip",
    "reversed",
    "iter",
    "sum",
    "min",
    "max",
)
KEEPING = ("append", "appendleft", "extend", "extendleft")
KEYS_ALONE = ("len", "list", "sorted", "set", "frozenset", "tuple")  # of a dict they look at nothing else
GROWING = frozenset(["append", "add", "extend", "insert", "update", "setdefault", "pop", "remove", "discard", "clear"])
GROWING |= frozenset(["reverse", "popitem"])
TAKE_ALL = frozenset(["sorted", ".join", ".extend", ".update", "dict", "set", "frozenset", "tuple", "list", ".union"])
