"""Lowering of calls that are made while compiling: what takes a function (sorted, min, max, map, ...), what makes one
(partial, itemgetter), containers with a way of their own (Counter, defaultdict), and what asks about a value.

`SPECIAL` says which method lowers the call of which Python object.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import functools
import operator
import re
import typing
from dataclasses import replace
from typing import Any

from . import _prelude, _types
from ._definition import MISSING
from ._flow import Closure, Refuse, Target, Value
from ._routines import Routines
from ._share import Cell
from ._syntax import placed
from ._types import Type


class Specials(Routines):
    def special(self, found: Any) -> Any:
        """Calls that are made while compiling."""
        try:
            name = SPECIAL.get(found)
        except TypeError:
            return None
        return None if name is None else getattr(self, name)

    # --- Counter, defaultdict ---

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
        made_by = body if body is not None else ast.copy_location(ast.Call(node, [], []), node)
        if isinstance(made_by, ast.Call) and self.python_object(made_by.func) in (
            collections.Counter,
            collections.defaultdict,
            collections.deque,
            collections.OrderedDict,
        ):
            made = self.value(made_by)
            return 4, (made.type, made)
        if isinstance(body, ast.List | ast.Dict) and not (body.elts if isinstance(body, ast.List) else body.keys):
            kind = list if isinstance(body, ast.List) else dict
            return empty[kind], (Type(frozenset({kind.__name__})), nothing)
        constant = MISSING if body is None else self.constant_display(body)
        if isinstance(constant, list | set | dict) and body is not None:
            parts = [*constant.values()] if isinstance(constant, dict) else [*constant]
            if not any(isinstance(part, list | set | dict) for part in parts):
                made = self.value(body)
                return 4, (made.type, made)
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
            source = self.without_none(self.plain(self.value(node.args[0]), node.args[0]), node)
        else:
            source = self.constant((), node)
        cell = into or self.temporary()
        self.emit("CALL", node, cell, source.cell, self.unit.builtins["Counter"][0], 1)
        key = source.type.item if source.type.only("dict") else _types.item_of(source.type)
        return Value(cell, Type(frozenset({"dict"}), key, _types.INT, cls=collections.Counter))

    def without_none(self, value: Value, node: ast.AST) -> Value:
        """The value, or an empty tuple for None: Counter(None) counts nothing."""
        if not value.type.maybe_none:
            return value
        cell, there = self.temporary(), self.there(value)
        self.unless_none(value, self.constant((), node), cell, node, lambda: there)
        return replace(there, cell=cell)

    def call_str(self, node: ast.Call, into: Cell | None) -> Value:
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
            value = self.value(node.args[0])
            there = self.there(value)
            own = self.own_special(there, "__str__")
            call = placed(ast.Call(node.func, [], []), node)
            if own is not None:
                cell = into or self.temporary()
                self.unless_none(value, self.literal("None"), cell, node, lambda: self.inline(own, [there], call, cell))
                return Value(cell, _types.STR)
            return self.call_builtin("str", [self.plain(value, node.args[0])], call, into)
        return self.call_builtin("str", [], node, into)

    def call_int(self, node: ast.Call, into: Cell | None) -> Value:
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred | ast.GeneratorExp):
            value = self.value(node.args[0])
            own = self.own_special(value, "__int__")
            call = placed(ast.Call(node.func, [], []), node)
            if own is not None:
                return self.inline(own, [value], call, into)
            return self.call_builtin("int", [self.plain(value, node.args[0])], call, into)
        return self.call_builtin("int", [], node, into)

    def call_record(self, node: ast.Call, into: Cell | None) -> Value:
        """dataclasses.replace, asdict and astuple, by the fields that the class has."""
        name = self.python_object(node.func).__name__
        if not node.args or len(node.args) > 1 or (name != "replace" and node.keywords):
            raise Refuse(node, f"{name}() takes an object" + (", and fields" if name == "replace" else ""))
        value = self.value(node.args[0])
        cls = value.type.cls
        if not value.type.only("object") or cls is None or not dataclasses.is_dataclass(cls):
            raise Refuse(node.args[0], "the class of this is not known here", "annotate it")
        owner = self.let(value, node)
        fields = dataclasses.fields(cls)
        given = {keyword.arg for keyword in node.keywords}
        if name == "replace":
            if any(not each.init for each in fields) or None in given:
                raise Refuse(
                    node, "replace() with ** or of a class with fields that it does not take", f"{cls.__name__}()"
                )
            kept = [
                ast.keyword(each.name, ast.Attribute(owner, each.name, ast.Load()))
                for each in fields
                if each.name not in given
            ]
            call = ast.Call(self.let_static(cls, node), [], [*node.keywords, *kept])
            return self.value(placed(call, node), into)
        values = [self.copied_field(cls, each.name, owner, node) for each in fields]
        if name == "astuple":
            return self.value(placed(ast.Tuple(values, ast.Load()), node), into)
        keys: list[ast.expr | None] = [ast.Constant(each.name) for each in fields]
        return self.value(placed(ast.Dict(keys, values), node), into)

    def copied_field(self, cls: type, name: str, owner: ast.Name, node: ast.AST) -> ast.expr:
        """A field's value as asdict() has it: a list or dict anew, what cannot change as it is."""
        known = self.type_of_attribute(cls, name)
        read = ast.Attribute(owner, name, ast.Load())
        flat = all(part is None or not part.tags & {"list", "dict", "object"} for part in (known.item, known.value))
        if "object" in known.tags or not flat:
            raise Refuse(
                node, f"{cls.__name__}.{name} may hold other objects, which are copied too", "write the fields"
            )
        for kind in ("list", "dict", "set"):
            if known.only(kind):
                return ast.Call(ast.Name(kind, ast.Load()), [read], []) if kind != "set" else read
        return read

    def call_bool(self, node: ast.Call, into: Cell | None) -> Value:
        """bool(order.address): whether a nested object is there."""
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            return self.call_builtin("bool", [], node, into)
        if isinstance(node.args[0], ast.BoolOp):
            return self.truth_of(node.args[0], into)
        value = self.value(node.args[0])
        if value.whole is not None or value.type.enum is not None:
            return self.truth_of(node.args[0], into)
        return self.call_builtin("bool", [self.plain(value, node)], placed(ast.Call(node.func, [], []), node), into)

    def call_ordered(self, node: ast.Call, into: Cell | None) -> Value:
        """OrderedDict(...): a dict, which keeps the order."""
        call = placed(ast.Call(self.let_static(dict, node), node.args, node.keywords), node)
        made = self.value(call, into)
        return replace(made, type=replace(made.type, cls=collections.OrderedDict))

    def call_deque(self, node: ast.Call, into: Cell | None) -> Value:
        """A deque is a list here; its type knows how many items it keeps."""
        written: list[ast.expr | None] = [*node.args, None, None][:2]
        for keyword in node.keywords:
            if keyword.arg not in ("iterable", "maxlen"):
                raise Refuse(node, "deque() takes an iterable, and maxlen")
            written[keyword.arg == "maxlen"] = keyword.value
        source, most = written
        bound = None if most is None else self.constant_display(most)
        if bound is not None and (not isinstance(bound, int) or bound < 0):
            raise Refuse(node, "maxlen must be known when the bundle is built", "deque(maxlen=10)")
        items: ast.expr = (
            ast.List([], ast.Load()) if source is None else ast.Call(self.let_static(list, node), [source], [])
        )
        made = self.value(placed(items, node), into)
        made = replace(made, type=replace(made.type.without_none(), cls=collections.deque, bound=bound))
        if source is not None and bound is not None:
            self.trim(made, bound, False, node)
        return made

    def trim(self, value: Value, bound: int, right: bool, node: ast.AST) -> None:
        """Drops what a deque has too many of."""
        written = _prelude.drop_right if right else _prelude.drop_left
        call = placed(ast.Call(ast.Name("trim", ast.Load()), [], []), node)
        self.inline(written, [value, self.literal(bound)], call, None)

    def call_dict(self, node: ast.Call, into: Cell | None) -> Value:
        """dict(a=1), dict(pairs, a=1) as displays."""
        if not node.keywords or len(node.args) > 1 or any(isinstance(a, ast.Starred) for a in node.args):
            return self.call_builtin("dict", [], node, into)
        keys: list[ast.expr | None] = [None] * len(node.args)
        values: list[ast.expr] = [ast.Call(node.func, [argument], []) for argument in node.args]
        for keyword in node.keywords:
            keys.append(None if keyword.arg is None else ast.Constant(keyword.arg))
            values.append(keyword.value)
        return self.value(placed(ast.Dict(keys, values), node), into)

    # --- what takes a function ---

    def is_nothing(self, node: ast.expr) -> bool:
        """Whether it is None, written so or by the name of a helper's parameter that was not given."""
        if isinstance(node, ast.Name):
            return bool(self.is_none(node))
        return isinstance(node, ast.Constant) and node.value is None

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
        if len(node.args) != 1 or key is None or self.is_nothing(key):
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
        self.value(reverse if reverse is not None else placed(ast.Constant(False), node), last)
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
        if key is not None and self.is_nothing(key):
            key = None
        if len(node.args) == 1:
            lazy = self.as_generator(node.args[0])
            first = node.args[0]
            if lazy is not None:
                source: ast.expr = lazy
            elif (
                isinstance(first, ast.ListComp) and key is None
            ):  # of a set's items the greatest is the same in any order
                source = self.let(self.collected(first.generators, first.elt, first, None, True), node)
            else:
                source = self.let(self.checked_iterable(first), node)
        else:
            if "default" in given:
                raise Refuse(node, f"{name}() takes default= with one iterable only")
            source = self.let(self.value(ast.copy_location(ast.Tuple(node.args, ast.Load()), node)), node)
        if not isinstance(source, ast.GeneratorExp):
            each = f".e{node.lineno}.{node.col_offset}"
            clause = ast.comprehension(ast.copy_location(ast.Name(each, ast.Store()), node), source, [], 0)
            source = placed(ast.GeneratorExp(ast.copy_location(ast.Name(each, ast.Load()), node), [clause]), node)
        wanted = None if key is None else self.function_argument(key)
        return self.extreme_by(name, source, wanted, given.get("default"), node)

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
        result, found, stop = self.temporary(), Target(), Target()
        source = self.source(lazy.generators[0].iter)
        default = self.kept(self.value(node.args[1]), node) if len(node.args) == 2 else None
        kinds: list[Type] = []

        def each() -> None:
            mark = self.next_temporary
            kinds.append(self.put_value(lazy.elt, result).type)
            if self.paths is not None:
                self.jump(found, node)
            self.release(mark)

        self.generate(lazy.generators, source, each, stop)
        if default is None:
            self.fail("StopIteration", node)
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
        if "key" in given and not self.is_nothing(given["key"]):
            made = self.sorted_by(receiver, given["key"], given.get("reverse"), node, None)
        else:
            name = self.let(receiver, node)
            options = [k for k in node.keywords if k.arg == "reverse"]
            call = placed(ast.Call(ast.Name("sorted", ast.Load()), [name], options), node)
            made = self.call_builtin("sorted", [], call, None)
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


SPECIAL: dict[Any, str] = {
    isinstance: "call_isinstance",
    sorted: "call_sorted",
    dict: "call_dict",
    bool: "call_bool",
    collections.deque: "call_deque",
    collections.OrderedDict: "call_ordered",
    str: "call_str",
    dataclasses.replace: "call_record",
    dataclasses.asdict: "call_record",
    dataclasses.astuple: "call_record",
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
    int: "call_int",
    functools.partial: "call_static_class",
    operator.itemgetter: "call_static_class",
    operator.attrgetter: "call_static_class",
    typing.cast: "call_cast",
    **dict.fromkeys(
        [re.compile, re.search, re.match, re.fullmatch, re.findall, re.finditer, re.split, re.sub, re.subn], "call_re"
    ),
}
