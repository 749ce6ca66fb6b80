"""Lowering of expressions: each gives the cell its value is in, evaluated in exactly Python's order.

A method takes the node and `into`, the cell where the result must be (None: anywhere). What Python evaluates lazily
(and, or, conditional expressions, chained comparisons) is jumps. A construct that is not available raises Refuse,
which `value` turns into a Problem; the rest of the function is still looked at.
"""

from __future__ import annotations

import ast
import builtins
import collections
import dataclasses
import enum
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from . import _advice, _api, _library, _plain, _prelude, _types, _zones
from ._classes import is_plain
from ._common import Common
from ._definition import MISSING, FieldDef, ObjectDef, Problem
from ._flow import Chosen, Closure, Consequence, Refuse, Target, Value, Whole, field_key, uncalled, whole_key
from ._names import nearest
from ._share import Cell
from ._syntax import ATTRIBUTES, COMPARISONS, CONSTRUCTS, OPERATORS, SIGNS, construct, literal_number, placed, stores_of
from ._types import Type


class Expressions(Common):
    def value(self, node: ast.expr, into: Cell | None = None) -> Value:
        """Lowers an expression."""
        try:
            shared = self.common(node, False)
            return self.move(self.lower(node, into) if shared is None else shared, into, node)
        except Refuse as refused:
            self.refuse(refused)
            cell = into or self.temporary()
            return Value(cell, Type(frozenset()))

    def refuse(self, refused: Refuse) -> None:
        def resolve(name: str) -> Any:
            return MISSING if self.variable(name) is not None else self.find_name(name)

        node, native = refused.node, self.unit.builtins.__contains__
        if self.paths is None or isinstance(refused, Consequence):
            return  # nothing comes here, or it has been said
        if refused.once in self.unit.said:
            self.unit.report(self.unit.said[refused.once])
            return
        if _advice.receivers(node) & self.unit.refused:
            return  # what a thing that was refused gives is unknown: this is no second problem
        self.unit.refused.add(node)
        origin = _advice.origin(node, resolve)
        problem = _advice.problem(self.users_place(node), node, str(refused), refused.help, origin, native)
        if refused.once is not None:
            self.unit.said[refused.once] = problem
        self.unit.report(problem)

    def lower(self, node: ast.expr, into: Cell | None) -> Value:
        known = CONSTRUCTS.get(type(node))
        if known is not None:
            raise Refuse(node, f"{known[0]} is not available yet", known[1])
        method: Callable[[Any, Cell | None], Value] | None = getattr(self, f"lower_{type(node).__name__}", None)
        if method is None:
            raise Refuse(node, f"{construct(node)} is not available yet")
        return method(node, into)

    # --- what may be done with a value ---

    def plain(self, value: Value, node: ast.AST) -> Value:
        """A value for an operation that looks at what it is: not an event, not an Enum's member with a hidden value."""
        if value.whole is not None:
            what = value.whole.cls.__name__
            raise Refuse(node, f"{what} can only be asked for its fields here", "write the field: event.amount")
        if isinstance(value.static, _plain.Series):
            return self.constant(value.static.values, node)
        if isinstance(value.static, enum.EnumType):
            cls = value.static.__name__
            raise Refuse(node, f"{cls} can be called, indexed and iterated over only", f"list({cls})")
        if value.static is not MISSING:
            raise uncalled(node, "a function can only be called here")
        return self.open(value, node)

    def members(self, value: Value) -> Value:
        """What iterates over an Enum's class iterates over: its members."""
        if not isinstance(value.static, enum.EnumType):
            return value
        return self.constant(tuple(value.static), self.scope.node)

    def open(self, value: Value, node: ast.AST) -> Value:
        kind = value.type.enum
        if kind is _types.Mixed.MIXED:
            raise Refuse(node, "this may be an Enum's member or another value", "use .value on every path")
        if isinstance(kind, type) and not _types.is_value_like(kind):
            raise Refuse(node, f"a member of {kind.__name__} can only be compared here", "use its .value")
        return value

    def present(self, value: Value, node: ast.expr) -> Value:
        """Warns where None would raise; afterwards it is known not to be None."""
        tags = value.type.tags
        ours = any(scope.call is not None for scope in self.scopes)  # in the library's own code
        if "none" in tags and 1 < len(tags) <= 5 and self.paths is not None and not ours:
            text = ast.unparse(node)
            name = text if len(text) <= 40 else "this"
            help = (
                f"`{value.type}`: test it first, or annotate `{value.type.without_none()}` to leave the feature missing"
            )
            if not (isinstance(node, ast.Name) and self.is_parameter(node.id)):
                help = f"`{value.type}`: test it first"
            problem = Problem(self.place(node), f"{name} may be None here", help, "warning")
            self.unit.report(problem)
            self.know(node, value.type.without_none())
            return replace(value, type=value.type.without_none())
        return value

    def is_parameter(self, name: str) -> bool:
        return len(self.scopes) == 1 and any(p.name == name for p in self.function.params)

    def number(self, node: ast.expr) -> Value:
        return self.present(self.plain(self.value(node), node), node)

    # --- names ---

    def lower_Constant(self, node: ast.Constant, into: Cell | None) -> Value:
        if isinstance(node.value, complex) or node.value is ...:
            raise Refuse(node, f"a value of type {type(node.value).__name__} is not available yet")
        value = self.constant(node.value, node)
        known = _types.of_texts(value.type, node.value) if isinstance(node.value, str) else value.type
        return replace(value, type=known)

    def lower_Name(self, node: ast.Name, into: Cell | None) -> Value:
        key = self.variable(node.id)
        if key is None:
            found = self.python_name(node)
            part = getattr(found, "__assay__", found) if isinstance(found, types.FunctionType) else found
            if isinstance(part, _api.Mark | _api.Window | _api.Model | _api.Thresholds):
                kind = part.kind if isinstance(part, _api.Mark) else type(part).__name__.lower()
                raise Refuse(node, f"{node.id} is a {kind}, not its value", "take it as a parameter of the function")
            return self.module_object(found, node)
        binding = (self.paths or {}).get(key)
        if binding is None or not binding.assigned:
            if self.paths is None:
                return self.literal(None)
            how = "is not assigned yet" if binding is None else "is not assigned on every way here"
            raise Refuse(node, f"{node.id} {how}", "assign it before the branch or loop")
        value = self.settled(binding.value)
        if value.whole is not None and whole_key(value.whole) in (self.paths or {}):
            return replace(value, whole=replace(value.whole, witness=None))
        if value.whole is None and node.id in self.scope.walrus and into is None:
            return self.move(value, self.temporary(), node)
        return value

    @staticmethod
    def settled(value: Value) -> Value:
        """A choice of one function is that function."""
        alone = isinstance(value.static, Chosen) and not value.type.maybe_none
        return replace(value, static=value.static.only) if alone else value

    def python_name(self, node: ast.Name) -> Any:
        """What a name that is not local stands for, when the definition was read."""
        found = self.find_name(node.id)
        if found is MISSING:
            if node.id in self.beyond:
                message = f"{node.id} is a function inside another, which {self.scope.name} cannot call while it runs"
                raise Refuse(node, message, MODULE_LEVEL, (self.scope.node, "beyond"))
            close = nearest(node.id, {**self.scope.function.__globals__, **dict.fromkeys(self.scope.locals)})
            raise Refuse(node, f"{node.id} is not defined", close)
        return found

    def find_name(self, name: str) -> Any:
        function = self.scope.function
        if name in function.__code__.co_freevars and function.__closure__ is not None:
            try:
                return function.__closure__[function.__code__.co_freevars.index(name)].cell_contents
            except ValueError:
                return MISSING
        if name in function.__globals__:
            return function.__globals__[name]
        return getattr(builtins, name, MISSING)

    def python_object(self, node: ast.expr) -> Any:
        """The Python object that a dotted name stands for at build time; MISSING if it is a value of the payment's."""
        if isinstance(node, ast.Name):
            key = self.variable(node.id)
            if key is None:
                return self.python_name(node)
            binding = (self.paths or {}).get(key)
            if binding is None or not binding.assigned:
                return MISSING
            return self.settled(binding.value).static
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            frame = self.python_object(node.value)
            column = node.slice.value
            known = isinstance(frame, _plain.Frame) and isinstance(column, str) and column in frame
            return frame[column] if known else MISSING
        if not isinstance(node, ast.Attribute):
            return MISSING
        owner = self.python_object(node.value)
        inside = isinstance(owner, types.ModuleType | type | enum.Enum | types.SimpleNamespace)
        inside = inside or is_plain_record(owner) or is_plain(type(owner))
        if owner is MISSING or not (inside or type(owner).__module__.startswith("assay.")):
            return MISSING
        if isinstance(owner, enum.Enum) and isinstance(getattr(type(owner), node.attr, None), types.FunctionType):
            return MISSING  # a method, which is called with the member
        found = getattr(owner, node.attr, MISSING)
        if found is MISSING and (
            owner is _plain.numpy or isinstance(owner, _plain.Array | _plain.Series | _plain.Frame)
        ):
            help = _advice.NUMPY.get(node.attr, "") if owner is _plain.numpy else ""
            help = help or "docs/python.md lists what of numpy is"
            raise Refuse(node, f"{ast.unparse(node)} is not available", help)
        if found is MISSING:
            raise Refuse(node, f"{ast.unparse(node)} does not exist", nearest(node.attr, dict.fromkeys(dir(owner))))
        return found

    def lower_NamedExpr(self, node: ast.NamedExpr, into: Cell | None) -> Value:
        value = self.value(node.value)
        self.assign_name(node.target.id, value, node)
        key = self.variable(node.target.id)
        if key is not None and self.paths is not None and value.whole is None and value.static is MISSING:
            return self.paths[key].value if into is not None else value
        return value

    def assign_name(self, name: str, value: Value, node: ast.AST) -> None:
        raise NotImplementedError

    # --- attributes ---

    def lower_Attribute(self, node: ast.Attribute, into: Cell | None) -> Value:
        found = self.python_object(node)
        if found is not MISSING:
            return self.module_object(found, node)
        named = node.attr == "__name__" and isinstance(node.value, ast.Call) and len(node.value.args) == 1
        if named and isinstance(node.value, ast.Call) and self.python_object(node.value.func) is type:
            return self.type_name(node.value.args[0], node, into)
        either = self.of_either(node)
        return self.member(self.value(node.value), node, into) if either is None else self.value(either, into)

    def of_either(self, node: ast.Attribute) -> ast.expr | None:
        """(order.shipping or order.billing).zip of nested objects, which are there or None."""
        both = node.value
        if not isinstance(both, ast.BoolOp) or not isinstance(both.op, ast.Or) or len(both.values) != 2:
            return None
        first, second = both.values
        if not isinstance(first, ast.Name | ast.Attribute) or self.value(first).whole is None:
            return None
        test = ast.Compare(first, [ast.IsNot()], [ast.Constant(None)])
        parts = [ast.Attribute(part, node.attr, ast.Load()) for part in (first, second)]
        return placed(ast.IfExp(test, parts[0], parts[1]), node)

    def member(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        """An attribute of a value."""
        if value.whole is not None:
            return self.part_of(value.whole, node, into)
        if isinstance(value.type.enum, type):
            found = inspect.getattr_static(value.type.enum, node.attr, None)
            if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
                call = ast.copy_location(ast.Call(node, [], []), node)
                return self.inline(found.fget, [self.checked(value, value.cell, node)], call, into)
            if node.attr in ("value", "name"):
                return self.member_attribute(self.present(value, node.value), node, into)
        if value.type.without_none().only("match", "pattern"):
            return self.regex_attribute(self.present(value, node.value), node, into)
        if value.type.cls is collections.deque and node.attr == "maxlen" and value.type.bound != -1:
            return self.literal(value.type.bound)
        of_users = value.type.cls is not None and value.type.cls not in _types.OF_PYTHON
        known = value.type.only("object", "exception") or of_users
        maybe = value.type.tags & {"object", "exception"} and f".{node.attr}" not in self.unit.builtins
        if known or maybe:
            return self.object_attribute(value, node, into)
        return self.attribute(value, node, into)

    def type_name(self, node: ast.expr, place: ast.AST, into: Cell | None) -> Value:
        """type(x).__name__."""
        value = self.value(node)
        if value.whole is not None or value.type.enum is not None:
            cls = value.whole.cls if value.whole is not None else value.type.enum
            if isinstance(cls, type) and not value.type.maybe_none:
                return self.literal(cls.__name__)
            raise Refuse(place, "the type of this is not known here", "test it for None first")
        cell = into or self.temporary()
        self.emit("CALL", place, cell, value.cell, self.unit.builtins["type.name"][0], 1)
        return Value(cell, _types.STR)

    def module_object(self, found: Any, node: ast.expr) -> Value:
        """A constant of the module's, or what exists only while compiling."""
        unfit = isinstance(found, types.ModuleType | type | types.SimpleNamespace | _plain.LOOKUPS)
        unfit = unfit or (callable(found) and not isinstance(found, enum.Enum))
        if unfit and not is_plain_record(found) and not is_plain(type(found)):
            return self.static(found)
        return self.constant(found, node, ast.unparse(node))

    def static(self, found: Any) -> Value:
        """A Python object that exists only while compiling."""
        return Value(self.literal(None).cell, Type(frozenset()), static=found)

    def regex_attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        raise NotImplementedError

    def object_attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        raise NotImplementedError

    def inline(self, function: Any, bound: list[Value], node: ast.Call, into: Cell | None) -> Value:
        raise NotImplementedError

    def attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        value = self.present(self.plain(value, node), node.value)
        name = f".{node.attr}"
        if name == ".weekday" and value.type.only("tuple"):  # of isocalendar()
            name = ".weekday.attribute"
        elif name not in ATTRIBUTES or name not in self.unit.builtins:
            if name in self.unit.builtins:
                return self.bound_method(value, node)
            if not value.type.tags and value.static is MISSING:
                raise Consequence(node, "what it belongs to was refused")
            raise Refuse(node, f"the attribute .{node.attr} is not available yet", nearest(name, self.unit.builtins))
        cell = into or self.temporary()
        self.emit("CALL", node, cell, value.cell, self.unit.builtins[name][0], 1)
        return Value(cell, _library.of_call(name, [value.type]))

    def bound_method(self, value: Value, node: ast.Attribute) -> Value:
        """add = seen.add: a function of what it is called with."""
        owner = node.value
        known = isinstance(owner, ast.Name) and stores_of(self.scope.node)[owner.id] <= 1
        if not known and node.attr in ("append", "add", "extend", "insert", "update", "setdefault", "pop", "discard"):
            raise Refuse(node, f"{ast.unparse(node)} is a method", f"call it: {ast.unparse(node)}()")
        if not known:
            owner = self.let(value, node)
            self.pinned = max(self.pinned, self.next_temporary)
        arguments = ast.arguments([], [], ast.arg("_given"), [], [], None, [])
        given = ast.Starred(ast.Name("_given", ast.Load()), ast.Load())
        body = ast.Call(ast.Attribute(owner, node.attr, ast.Load()), [given], [])
        return self.static(self.closure(placed(ast.Lambda(arguments, body), node), node.attr))

    def let(self, value: Value, node: ast.AST) -> ast.Name:
        raise NotImplementedError

    def closure(self, node: ast.Lambda, name: str) -> Closure:
        raise NotImplementedError

    def member_attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        """.value and .name of an Enum's member, which the engine has as its value."""
        cls = value.type.enum
        assert isinstance(cls, type)
        combined = issubclass(cls, enum.Flag) and node.attr == "name"
        if node.attr in cls.__dict__ or combined or (node.attr == "name" and value.type.maybe_none):
            raise Refuse(node, f"{cls.__name__}.{node.attr} is not available yet")
        if node.attr == "value":
            value = self.checked(value, value.cell, node)
            return Value(value.cell, replace(value.type, enum=None))
        names = self.constant({member.value: member.name for member in cls}, node)
        cell = into or self.temporary()
        self.emit("INDEX", node, cell, names.cell, value.cell)
        return Value(cell, _types.STR)

    def checked(self, value: Value, witness: Cell, node: ast.AST) -> Value:
        """AttributeError if the witness is None, as Python raises for an attribute of None."""
        if value.whole is None and witness == value.cell and not value.type.maybe_none:
            return value
        present = Target()
        self.emit("JMP_NOT_NONE", node, b=witness, c=present)
        if self.paths is not None:
            present.paths.append(dict(self.paths))
        self.fail("AttributeError", node)
        self.put(present)
        return replace(value, type=value.type.without_none())

    def part_of(self, whole: Whole, node: ast.Attribute, into: Cell | None) -> Value:
        """A field or nested object of an event."""
        if whole.witness is not None and whole_key(whole) not in (self.paths or {}):
            text = ast.unparse(node.value)
            warning = Problem(self.place(node.value), f"{text} may be None here", "test it first", "warning")
            self.unit.report(warning)
            self.checked(self.literal(None), whole.witness, node)
            self.know_present(whole)
        name = whole.prefix + node.attr
        found = next((f for f in whole.event.fields if f.name == name), None)
        if found is not None:
            return self.field(found)
        inner = next((o for o in whole.event.objects if o.name == name and o.cls is not None), None)
        if inner is not None:
            return Value(self.literal(None).cell, Type(frozenset()), self.whole_of(inner, whole, node))
        return self.member_of_class(whole, node, into)

    def member_of_class(self, whole: Whole, node: ast.Attribute, into: Cell | None) -> Value:
        """A property or class attribute of an event's class."""
        raise NotImplementedError

    def field(self, field: FieldDef) -> Value:
        """A field's cell, when the object it is in is there."""
        narrowed = (self.paths or {}).get(field_key(field))
        if narrowed is not None:
            return narrowed.value
        return Value(self.unit.slots[field], _types.of_field(field, field.nullable))

    def whole_of(self, found: ObjectDef, owner: Whole, node: ast.AST) -> Whole:
        assert found.cls is not None
        whole = Whole(owner.event, found.name + ".", found.cls)
        if not found.nullable or whole_key(whole) in (self.paths or {}):
            return whole
        return replace(whole, witness=self.witness(found, owner, node))

    def witness(self, found: ObjectDef, owner: Whole, node: ast.AST) -> Cell:
        """A cell that is None exactly when a nullable object is: a field that it must have."""
        inside = [found.name + "."]
        for other in owner.event.objects:
            if any(other.name.startswith(prefix) for prefix in inside) and not other.nullable and other.required:
                inside.append(other.name + ".")
        for field in owner.event.fields:
            direct = any(field.name.startswith(p) and "." not in field.name[len(p) :] for p in inside)
            if direct and not field.nullable and field.default is MISSING:
                return self.unit.slots[field]
        help = "read its fields by their own names, or give the class a field without default"
        raise Refuse(node, f"{found.name} has no required field to tell whether it is there", help)

    # --- arithmetic ---

    def lower_BinOp(self, node: ast.BinOp, into: Cell | None) -> Value:
        folded = self.folded(node)
        if folded is not None:
            return folded
        op = OPERATORS.get(type(node.op))
        if op is None:
            raise Refuse(node, "the operator @ is not available yet")
        mark = self.next_temporary
        left, right = self.value(node.left), self.value(node.right)
        if not both_flags(op, left.type, right.type):
            left, right = self.plain(left, node.left), self.plain(right, node.right)
        left, right = self.present(left, node.left), self.present(right, node.right)
        made = self.between_counters(_prelude.COUNTERS, op, left, right, node, into)
        if made is not None:
            return made
        self.release(mark)
        return self.operate(op, left, right, node, into)

    def by_special(self, op: str, left: Value, right: Value, node: ast.AST, into: Cell | None) -> Value | None:
        """What the class of an operand says of an operator: `def __add__(self, other)`."""
        name = SPECIAL_METHODS.get(op, "")
        function = self.own_special(left, f"__{name}__")
        sides = [left, right]
        if function is None:
            function, sides = self.own_special(right, f"__r{name}__"), [right, left]
        if function is None:
            return None
        call = placed(ast.Call(ast.Name(op.lower(), ast.Load()), [], []), node)
        return self.inline(function, sides, call, into)

    def own_special(self, value: Value, name: str) -> types.FunctionType | None:
        """A special method that the class of an object defines."""
        if value.type.cls is None or not value.type.only("object") or value.static is not MISSING:
            return None
        found = inspect.getattr_static(value.type.cls, name, None)
        if not isinstance(found, types.FunctionType):
            return None
        return found if self.is_users(found) or self.is_inlined(found) else None

    def is_inlined(self, function: types.FunctionType) -> bool:
        raise NotImplementedError

    def is_users(self, function: types.FunctionType) -> bool:
        raise NotImplementedError

    def between_counters(
        self,
        known: Mapping[str, Callable[..., Any]],
        op: str,
        left: Value,
        right: Value,
        node: ast.AST,
        into: Cell | None,
    ) -> Value | None:
        """An operator or a comparison of two Counters, or of an object whose class says what it does; None if it is
        neither, or that of dicts."""
        own = self.by_special(op, left, right, node, into)
        if own is not None:
            return own
        sides = [value.type.cls is collections.Counter for value in (left, right)]
        if not any(sides) or op not in known:
            return None
        if not all(sides):
            if op in ("EQ", "NE"):
                return None
            raise Refuse(node, "this takes two Counters", "Counter(x) makes one of a dict or list")
        call = placed(ast.Call(ast.Name(op.lower(), ast.Load()), [], []), node)
        return self.inline(known[op], [left, right], call, into)

    @staticmethod
    def refuse_array(node: ast.AST, *values: Value) -> None:
        if any(value.type.cls is _plain.Array for value in values):
            raise Refuse(node, "this works on all items of a numpy array, which is not available", "a comprehension")

    def operate(self, op: str, left: Value, right: Value, node: ast.AST, into: Cell | None) -> Value:
        self.refuse_array(node, left, right)
        if op == "MOD":
            self.check_percent(left, right, node)
        if op == "SUB":
            self.warn_of_naive(left, right, node)
        cell = into or self.temporary()
        self.emit(op, node, cell, left.cell, right.cell)
        made = _types.of_operator(op, left.type, right.type)
        if both_flags(op, left.type, right.type):
            made = left.type
        if op == "ADD" and left.type.texts and right.type.texts:
            made = _types.of_texts(made, *(a + b for a in left.type.texts for b in right.type.texts))
        return Value(cell, made)

    def warn_of_naive(self, left: Value, right: Value, node: ast.AST) -> None:
        """A field's time, which is aware, against a constant without a zone: always a TypeError."""
        for field, other in ((left, right), (right, left)):
            apart = field.cell.kind == "slot" and field.type.only("datetime") and other.cell.kind == "constant"
            if apart and _zones.is_naive(self.unit.constants.data_of(other.cell)):
                text = "a datetime with a zone and one without do not go together: TypeError"
                help = "give the constant a zone: tzinfo=timezone.utc"
                self.unit.report(Problem(self.place(node), text, help, "warning"))

    def folded(self, node: ast.expr) -> Value | None:
        """The value of an expression of number literals, as Python's own compiler folds it."""
        number = literal_number(node)
        return None if number is None else self.literal(number)

    def lower_UnaryOp(self, node: ast.UnaryOp, into: Cell | None) -> Value:
        folded = self.folded(node)
        if folded is not None:
            return folded
        mark = self.next_temporary
        if isinstance(node.op, ast.Not):
            value = self.value(node.operand)
            if value.whole is not None or value.type.enum is not None:
                return self.truth_of(node, into)
            self.release(mark)
            cell = into or self.temporary()
            self.emit("NOT", node, cell, value.cell)
            return Value(cell, _types.BOOL)
        value = self.number(node.operand)
        if isinstance(value.type.enum, type) and issubclass(value.type.enum, enum.Flag):
            raise Refuse(node, f"~ of a {value.type.enum.__name__} is not available", "list the flags that are wanted")
        self.release(mark)
        cell = into or self.temporary()
        self.emit(SIGNS[type(node.op)], node, cell, value.cell)
        return Value(
            cell, value.type if value.type.only("int", "float") else _types.of_operator("SUB", _types.INT, value.type)
        )

    def truth_of(self, test: ast.expr, into: Cell | None) -> Value:
        """bool(test) by jumps."""
        cell = into or self.temporary()
        false, end = Target(), Target()
        self.branch(test, false, False)
        self.emit("MOVE", test, cell, self.literal(True).cell)
        self.jump(end, test)
        self.put(false)
        self.emit("MOVE", test, cell, self.literal(False).cell)
        self.put(end)
        return Value(cell, _types.BOOL)

    # --- comparisons ---

    def lower_Compare(self, node: ast.Compare, into: Cell | None) -> Value:
        mark = self.next_temporary
        cell = into or self.temporary()
        end = Target()
        left, left_node = self.value(node.left), node.left
        for at, (operator, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
            inside = isinstance(operator, ast.In | ast.NotIn)
            table = self.table_of_functions(right_node) if inside else None
            if table is not None:
                right = self.constant(dict.fromkeys(table), right_node)
            else:
                right = self.read(right_node) if inside else self.value(right_node)
            self.compare(operator, left, left_node, right, right_node, node, cell)
            if at + 1 < len(node.ops):
                self.jump_if(Value(cell, _types.BOOL), end, False, node)
            left, left_node = right, right_node
        self.put(end)
        self.release(max(mark, cell.number + 1) if cell.kind == "temporary" and into is None else mark)
        return Value(cell, _types.BOOL)

    def compare(
        self,
        operator: ast.cmpop,
        left: Value,
        left_node: ast.expr,
        right: Value,
        right_node: ast.expr,
        node: ast.Compare,
        cell: Cell,
    ) -> None:
        op = COMPARISONS[type(operator)]
        if isinstance(right.static, enum.EnumType) and op in ("IN", "NOT_IN"):
            if left.type.enum is not right.static:
                cls = right.static.__name__
                raise Refuse(node, f"what is no member may be in {cls} or not", f"x in [m.value for m in {cls}]")
            right = self.members(right)
        if isinstance(right.static, _plain.Series | _plain.Frame) and op in ("IN", "NOT_IN"):
            right = self.constant(right.static.index_table(), right_node)
        if op not in ("IS", "IS_NOT", "IN", "NOT_IN"):
            self.refuse_array(node, left, right)
        if isinstance(left.static, Chosen) and right.cell == self.literal(None).cell and right.static is MISSING:
            left = replace(left, static=MISSING)
        if left.static is not MISSING or right.static is not MISSING:
            same = self.same_static(left, right)
            if op not in ("IS", "IS_NOT", "EQ", "NE"):
                raise uncalled(node, "a function can only be called here")
            self.emit("MOVE", node, cell, self.literal(same == (op in ("IS", "EQ"))).cell)
            return
        if left.whole is not None or right.whole is not None:
            left = self.witness_of(op, left, right, node)
        elif op in ("IS", "IS_NOT"):
            op = self.identity(op, left, right, node)
        elif op in ("IN", "NOT_IN") and both_flags("BIT_AND", left.type, right.type):
            shared = self.temporary()
            self.emit("BIT_AND", node, shared, right.cell, left.cell)
            self.emit("EQ" if op == "IN" else "NE", node, cell, shared, left.cell)
            return
        elif op in ("IN", "NOT_IN") and (contains := self.own_special(right, "__contains__")) is not None:
            call = placed(ast.Call(ast.Name("contains", ast.Load()), [], []), node)
            inside = self.inline(contains, [right, left], call, None)
            self.emit("CALL", node, cell, inside.cell, self.unit.builtins["bool"][0], 1)
            if op == "NOT_IN":
                self.emit("NOT", node, cell, cell)
            return
        elif op in ("IN", "NOT_IN"):
            self.plain(right, right_node)
            self.present(right, right_node)
            if right.type.only("dict", "set", "list", "tuple", "none") and not _types.equality_is_exact(
                left.type, right.type.item or _types.NONE
            ):
                raise self.differs(left.type, right.type.item or _types.NONE, node)
            if left.type.enum is not None and not right.type.only("dict", "set", "list", "tuple"):
                self.open(left, left_node)
        elif op in ("EQ", "NE"):
            if not _types.equality_is_exact(left.type, right.type):
                raise self.differs(left.type, right.type, node)
            kinds = {left.type.cls, right.type.cls}
            if collections.OrderedDict in kinds or (collections.deque in kinds and len(kinds) > 1):
                raise Refuse(
                    node,
                    "comparing this with a dict or list is not available",
                    "list(a.items()) == ..., list(d) == ...",
                )
            if _types.enum_inside(left.type.item) or _types.enum_inside(right.type.item):
                raise Refuse(node, "comparing containers of Enum members is not available yet", "compare their .value")
        else:
            self.present(self.plain(left, left_node), left_node)
            self.present(self.plain(right, right_node), right_node)
            self.warn_of_naive(left, right, node)
        made = self.between_counters(_prelude.COUNTERS, op, left, right, node, cell)
        if made is not None:
            self.move(made, cell, node)
            return
        if op in ("EQ", "NE", "LT", "LE", "GT", "GE"):
            left, right = self.as_set(left, left_node), self.as_set(right, right_node)
        self.emit(op, node, cell, left.cell, right.cell)

    def as_set(self, value: Value, node: ast.expr) -> Value:
        """What d.keys() or d.items() gives, for a comparison with a set or another."""
        view = (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")
        )
        if not view or not value.type.only("iterator"):
            return value
        cell = self.temporary()
        self.emit("CALL", node, cell, value.cell, self.unit.builtins["set"][0], 1)
        return Value(cell, _types.of("set", item=value.type.item))

    @staticmethod
    def same_static(left: Value, right: Value) -> bool:
        return left.static is right.static

    def differs(self, a: Type, b: Type, node: ast.AST) -> Refuse:
        cls = a.enum if a.enum is not None else b.enum
        if not isinstance(cls, type) or b.enum is _types.Mixed.MIXED:
            return Refuse(node, "this may be an Enum's member or another value", "compare .value on every path")
        help = f"compare with {cls.__name__}.{next(iter(cls)).name}, or its .value"
        return Refuse(node, f"a member of {cls.__name__} never equals a plain value", help)

    def identity(self, op: str, left: Value, right: Value, node: ast.AST) -> str:
        """`is` between values means something only for None, True, False and Enum members."""
        cls = left.type.enum
        if isinstance(cls, type) and right.type.enum is cls:
            return "EQ" if op == "IS" else "NE"
        if any(side.type.only("object") and side.cell.kind == "constant" for side in (left, right)):
            return op  # UNSET = object()
        own = ("list", "dict", "set", "object")
        if left.type.only(*own) and right.type.only(*own):
            return op
        if left.type.enum is None and right.type.enum is None:
            constants = {self.literal(v).cell for v in (None, True, False)}
            if left.cell in constants or right.cell in constants:
                return op
        elif self.literal(None).cell in (left.cell, right.cell):
            return op
        if left.type.only("zone", "none") and right.type.only("zone", "none"):
            return op
        raise Refuse(node, "`is` is for None, True, False and members of one Enum", "compare with ==")

    def witness_of(self, op: str, left: Value, right: Value, node: ast.AST) -> Value:
        """An event or nested object can be compared with None only."""
        whole, other = (left.whole, right) if left.whole is not None else (right.whole, left)
        assert whole is not None
        if (
            other.cell != self.literal(None).cell
            or other.whole is not None
            or right.whole is not None
            or op not in ("IS", "IS_NOT", "EQ", "NE")
        ):
            raise Refuse(
                node, f"a {whole.cls.__name__} can only be compared with None (`is None`)", "compare its fields"
            )
        return Value(whole.witness or self.literal(True).cell, _types.ANY)

    # --- and, or, conditional ---

    def lower_BoolOp(self, node: ast.BoolOp, into: Cell | None) -> Value:
        cell = into or self.temporary()
        end, stops = Target(), isinstance(node.op, ast.Or)
        joined = Type(frozenset())
        for at, part in enumerate(node.values):
            value = self.value(part, cell)
            if value.whole is not None:
                raise Refuse(part, f"a {value.whole.cls.__name__} cannot be the value of and/or", "write `is not None`")
            if value.static is not MISSING:
                raise Refuse(part, "a function cannot be the value of and/or", "if and else")
            if at + 1 == len(node.values):
                joined = _types.join(joined, value.type)
                break
            self.jump_if(value, end, stops, part, part)
            kept = value.type.without_none() if stops else value.type
            joined = _types.join(joined, kept)
        self.put(end)
        return Value(cell, joined)

    def lower_IfExp(self, node: ast.IfExp, into: Cell | None) -> Value:
        known = self.static_test(node.test)
        if known is not None:
            return self.value(node.body if known else node.orelse, into)
        chosen = self.chosen_between(node)
        if chosen is not None:
            return chosen
        cell = into or self.temporary()
        otherwise, end = Target(), Target()
        self.branch(node.test, otherwise, False)
        first = self.part(node.body, cell)
        self.jump(end, node.body)
        self.put(otherwise)
        second = self.part(node.orelse, cell)
        self.put(end)
        return Value(cell, _types.join(first.type, second.type))

    def chosen_between(self, node: ast.IfExp) -> Value | None:
        raise NotImplementedError

    def table_of_functions(self, node: ast.expr) -> dict[Any, Any] | None:
        raise NotImplementedError

    def chosen_from(self, table: dict[Any, Any], key: ast.expr, node: ast.expr) -> Value:
        raise NotImplementedError

    def part(self, node: ast.expr, cell: Cell) -> Value:
        value = self.value(node, cell)
        if value.whole is not None:
            raise Refuse(node, f"a {value.whole.cls.__name__} cannot be chosen here", "choose between its fields")
        if value.static is not MISSING:
            raise Refuse(node, "a function cannot be chosen here", "if and else, with a call on each side")
        return value

    def branch(self, test: ast.expr, target: Target, when: bool) -> None:
        """Jumps to the target if bool(test) is `when`, else goes on."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self.branch(test.operand, target, not when)
            return
        if isinstance(test, ast.BoolOp):
            stops = isinstance(test.op, ast.Or)
            if stops == when:
                for part in test.values:
                    self.branch(part, target, when)
                return
            skip = Target()
            for part in test.values[:-1]:
                self.branch(part, skip, stops)
            self.branch(test.values[-1], target, when)
            self.put(skip)
            return
        mark = self.next_temporary
        known = self.static_test(test)
        if known is not None:
            if known == when:
                self.jump(target, test)
            return
        none = self.none_test(test)
        if none is not None:
            operand, is_none = none
            value = self.value(operand)
            if value.whole is None:
                self.release(mark)
                self.jump_none(value, target, is_none == when, test, when)
                return
        value = self.value(test)
        self.release(mark)
        self.jump_if(value, target, when, test, test)

    def static_test(self, test: ast.expr) -> bool | None:
        """What a test says that is known while compiling: `initial is NOTHING`, `while True`."""
        if isinstance(test, ast.Constant):
            return bool(test.value)
        if isinstance(test, ast.Call):
            return self.is_instance_known(test)
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Is | ast.IsNot)):
            return None
        none = self.none_test(test)
        if none is not None and isinstance(none[0], ast.Name):
            is_none = self.is_none(none[0])
            return None if is_none is None else is_none == none[1]
        left, right = test.left, test.comparators[0]
        if not isinstance(left, ast.Name) or not isinstance(right, ast.Name):
            return None
        values = [self.static_of(left), self.static_of(right)]
        if all(v is MISSING for v in values) or self.paths is None:
            return None
        sentinels = sum(type(v) is object and v is not _prelude.NOTHING for v in values)
        if sentinels and any(v is MISSING for v in values):
            return None  # what is in the name may be UNSET = object(), or not
        return (values[0] is values[1]) == isinstance(test.ops[0], ast.Is)

    def is_instance_known(self, test: ast.Call) -> bool | None:
        """isinstance(x, Money) where what is known of x says it."""
        if (
            len(test.args) != 2
            or not isinstance(test.args[0], ast.Name)
            or self.python_object(test.func) is not isinstance
        ):
            return None
        cls = self.python_object(test.args[1])
        key = self.variable(test.args[0].id)
        binding = None if key is None else (self.paths or {}).get(key)
        known = None if binding is None or not binding.assigned else binding.value
        if known is None or known.whole is not None or known.static is not MISSING or not is_record_class(cls):
            return None
        if not known.type.tags & {"object", "tuple", "exception"} and known.type.tags:
            return False
        return True if known.type.cls is cls and known.type.only("object") else None

    def is_none(self, node: ast.Name) -> bool | None:
        """Whether a helper's name stands for None, if that is known: a function, or None, was passed to it."""
        key = self.variable(node.id)
        binding = None if key is None or len(self.scopes) == 1 else (self.paths or {}).get(key)
        if binding is None or not binding.assigned or binding.value.whole is not None:
            return None
        value = self.settled(binding.value)
        if value.static is not MISSING:
            return False if callable(value.static) or isinstance(value.static, Closure) else None
        return True if value.type.only("none") else None

    def static_of(self, node: ast.Name) -> Any:
        key = self.variable(node.id)
        if key is not None:
            binding = (self.paths or {}).get(key)
            return MISSING if binding is None else self.settled(binding.value).static
        found = self.find_name(node.id)
        return found if type(found) is object or callable(found) else MISSING

    def jump_none(self, value: Value, target: Target, none: bool, test: ast.expr, when: bool) -> None:
        if self.paths is None:
            return
        self.emit("JMP_NONE" if none else "JMP_NOT_NONE", test, b=value.cell, c=target)
        before = self.paths
        target.paths.append(self.refined(dict(before), test, when))
        self.paths = self.refined(dict(before), test, not when)

    def check_text(self, value: Value, node: ast.AST, representation: bool) -> None:
        """Whether the text of a value is the same in the engine: not of members, not of sets."""
        kind = value.type.enum
        if value.type.tags & {"match", "pattern"}:
            raise Refuse(node, "the text of a match or a pattern is not available", "m[0], or p.pattern")
        if _types.enum_inside(value.type.item) or (
            isinstance(kind, type) and (representation or not _types.prints_value(kind))
        ):
            raise Refuse(node, "the text of an Enum's member is not that of its value", "use its .value")
        if is_plain(value.type.cls) and self.own_special(value, "__str__") is None:
            cls = value.type.cls.__name__ if value.type.cls is not None else ""
            raise Refuse(node, f"the text of a {cls} has its address in memory", "def __str__(self), or its fields")
        if value.type.cls in (collections.deque, collections.OrderedDict):
            raise Refuse(node, f"the text of a {value.type.cls.__name__} is not available", "list(d)")
        if _types.holds_set(value.type):
            raise Refuse(node, "the text of a set depends on its order, which Python randomizes", "sorted(s)")

    def read(self, node: ast.expr, into: Cell | None = None) -> Value:
        raise NotImplementedError

    def check_percent(self, left: Value, right: Value, node: ast.AST) -> None:
        """Whether the texts that % makes are the same in the engine."""
        raise NotImplementedError

    def constant_display(self, node: ast.expr) -> Any:
        """The object of a display of constants, else MISSING."""
        raise NotImplementedError


def both_flags(op: str, a: Type, b: Type) -> bool:
    """Members of one Flag, which | & ^ combine to another of it."""
    flag = isinstance(a.enum, type) and issubclass(a.enum, enum.Flag) and a.enum is b.enum
    return flag and op in ("BIT_AND", "BIT_OR", "BIT_XOR")


def is_record_class(found: Any) -> bool:
    return isinstance(found, type) and dataclasses.is_dataclass(found)


MODULE_LEVEL = "move both to module level; what they share becomes parameters and results"
SPECIAL_METHODS = {
    "ADD": "add",
    "SUB": "sub",
    "MUL": "mul",
    "DIV": "truediv",
    "FLOORDIV": "floordiv",
    "MOD": "mod",
    "POW": "pow",
    "BIT_AND": "and",
    "BIT_OR": "or",
    "BIT_XOR": "xor",
}


def is_plain_record(found: Any) -> bool:
    """An instance of a dataclass, or a named tuple."""
    return (dataclasses.is_dataclass(found) and not isinstance(found, type)) or (
        isinstance(found, tuple) and hasattr(found, "_fields")
    )
