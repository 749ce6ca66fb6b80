"""Lowering of the user's classes: dataclasses, named tuples, exceptions and Enums; attributes, methods, isinstance.

An instance made in a function is an object of the engine's, with the fields in the class's order. Methods
are inlined like helpers; so the class must be known where one is called.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import types
from typing import Any

from . import _types
from ._changes import Changes
from ._classes import fields_of_plain, hints_of_plain, is_plain, unset_fields
from ._definition import MISSING
from ._flow import ClassInfo, Refuse, Target, Value
from ._names import nearest
from ._share import Cell
from ._syntax import placed
from ._types import Type

HASHABLE, EQUAL, ORDERED, FROZEN, TUPLE, TEXT = 1, 2, 4, 8, 16, 32


def is_record(cls: Any) -> bool:
    """A class whose instances are nothing but fields: a dataclass, a named tuple, one with an __init__ of its own."""
    return isinstance(cls, type) and (dataclasses.is_dataclass(cls) or is_named_tuple(cls) or is_plain(cls))


def is_named_tuple(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def fields_of(cls: type) -> tuple[str, ...]:
    if is_named_tuple(cls):
        return tuple(cls._fields)  # type: ignore[attr-defined]
    if not dataclasses.is_dataclass(cls):
        return fields_of_plain(cls)
    return tuple(f.name for f in dataclasses.fields(cls))


def flags_of(cls: type) -> int:
    if is_named_tuple(cls):
        return TUPLE | (TEXT if cls.__repr__.__qualname__.endswith("__repr__") else 0)
    if not dataclasses.is_dataclass(cls):
        return HASHABLE
    parameters = cls.__dataclass_params__  # type: ignore[attr-defined]
    flags = EQUAL if parameters.eq and "__eq__" in cls.__dict__ else 0
    flags |= HASHABLE if cls.__hash__ is not None else 0
    flags |= ORDERED if parameters.order else 0
    flags |= FROZEN if parameters.frozen else 0
    return flags | (TEXT if parameters.repr else 0)


ITS_TEXT = 'a class without it: class Bad(ValueError): ..., and raise Bad(f"at {i}") with all there is to say'
HAND_WRITTEN = {  # what a special method may be written as
    "__eq__": "same_as(self, other)",
    "__lt__": "before(self, other), or a key for sorted()",
    "__hash__": "key(self)",
    "__getattr__": "get(self, name)",
    "__getattribute__": "get(self, name)",
    "__setattr__": "with_value(self, value)",
    "__bool__": "is_set(self)",
    "__len__": "size(self)",
    "__repr__": "text(self)",
    "__format__": "text(self)",
}


class Objects(Changes):
    def class_info(self, cls: type, node: ast.AST) -> ClassInfo:
        """The number of a class in the bundle."""
        known = self.unit.classes.get(cls)
        if known is None:
            self.check_class(cls, node)
            known = ClassInfo(len(self.unit.classes), cls, fields_of(cls), flags_of(cls))
            self.unit.classes[cls] = known
        return known

    def fields_of_instance(self, instance: Any, node: ast.AST) -> tuple[int, dict[str, Any]] | None:
        cls = type(instance)
        if cls is object:  # UNSET = object(): nothing but itself
            sentinels = self.unit.sentinels
            known = self.unit.classes.setdefault(cls, ClassInfo(len(self.unit.classes), cls, ("",), 0))
            return known.number, {"": sentinels.setdefault(id(instance), len(sentinels))}
        if not is_record(cls):
            return None
        info = self.class_info(cls, node)
        return info.number, {name: getattr(instance, name, None) for name in info.fields}

    def check_class(self, cls: type, node: ast.AST) -> None:
        special = (
            "__eq__",
            "__lt__",
            "__hash__",
            "__getattr__",
            "__getattribute__",
            "__setattr__",
            "__bool__",
            "__len__",
            "__repr__",
            "__format__",
        )
        for base in cls.__mro__:
            for name in special:
                own = base.__dict__.get(name)
                if isinstance(own, types.FunctionType) and self.is_users(own):
                    raise Refuse(
                        node,
                        f"{cls.__name__} defines {name} of its own, which is not available",
                        f"a method with a name, called by it: def {HAND_WRITTEN[name]}",
                        (cls, name),
                    )
        unset = unset_fields(cls) if is_plain(cls) else []
        if unset:
            message = f"{cls.__name__}.{unset[0]} may be missing after __init__"
            raise Refuse(node, message, f"set it there on every way: self.{unset[0]} = None", (cls, "unset"))
        if dataclasses.is_dataclass(cls):
            for field in dataclasses.fields(cls):
                if not field.compare or not field.repr or field.hash is not None:
                    raise Refuse(node, f"field(compare=, repr=, hash=) of {cls.__name__}.{field.name} is not available")

    def is_users(self, function: types.FunctionType) -> bool:
        raise NotImplementedError

    def is_inlined(self, function: types.FunctionType) -> bool:
        raise NotImplementedError

    # --- making one ---

    def make_object(self, cls: type, node: ast.Call, into: Cell | None) -> Value:
        info = self.class_info(cls, node)
        if is_plain(cls):
            return self.make_plain(cls, info, node, into)
        given = self.bind_fields(cls, node)
        first = self.run_of(max(len(info.fields), 1))
        for at, name in enumerate(info.fields):
            value = given[name]
            if value.whole is not None or value.static is not MISSING:
                raise Refuse(node, f"{name} exists only while compiling and cannot be a field's value")
            if _types.enum_inside(value.type) and value.type.enum is not self.type_of_attribute(cls, name).enum:
                raise Refuse(node, f"{name} of {cls.__name__} is not annotated as the Enum that it gets", "annotate it")
            self.move(value, Cell(first.kind, first.number + at), node)
        cell = into or self.temporary()
        self.emit("OBJECT", node, cell, first, info.number, x=len(info.fields))
        made = Value(cell, _types.of_object(cls))
        if hasattr(cls, "__post_init__"):
            call = ast.copy_location(ast.Call(ast.Name("__post_init__", ast.Load()), [], []), node)
            self.inline(cls.__post_init__, [made], call, None)
        return made

    def make_plain(self, cls: type, info: ClassInfo, node: ast.Call, into: Cell | None) -> Value:
        """An instance with the class's own values, then its __init__."""
        abstract = sorted(getattr(cls, "__abstractmethods__", ()))
        if abstract:
            raise Refuse(node, f"{cls.__name__} is abstract: {abstract[0]}() is not there", "a class that has it")
        first = self.run_of(max(len(info.fields), 1))
        for at, name in enumerate(info.fields):
            self.move(self.constant(getattr(cls, name, None), node), Cell(first.kind, first.number + at), node)
        cell = self.temporary()
        self.emit("OBJECT", node, cell, first, info.number, x=len(info.fields))
        made = Value(cell, _types.of_object(cls))
        init = inspect.getattr_static(cls, "__init__", None)
        if isinstance(init, types.FunctionType):
            self.inline(init, [made], node, None)
        elif node.args or node.keywords:
            raise Refuse(node, f"{cls.__name__}() takes no arguments")
        return self.move(made, into, node)

    def call_super(self, name: str, node: ast.Call, into: Cell | None) -> Value:
        """super().name(...): the method of the next class."""
        scope = self.scope
        arguments = getattr(scope.node, "args", None)
        around = self.find_name("__class__")
        if not isinstance(around, type) or arguments is None or not arguments.args:
            raise Refuse(node, "super() is available in a method only", "call the base class's function")
        owner = self.value(ast.copy_location(ast.Name(arguments.args[0].arg, ast.Load()), node))
        cls = owner.type.cls if owner.type.cls is not None else owner.static
        if not isinstance(cls, type) or around not in cls.__mro__:
            raise Refuse(node, "the class of this is not known here", "call the base class's function")
        for base in cls.__mro__[cls.__mro__.index(around) + 1 :]:
            found = base.__dict__.get(name)
            if isinstance(found, classmethod):
                found = found.__func__
            if isinstance(found, types.FunctionType) and self.is_users(found):
                return self.inline(found, [owner], node, into)
            if base is object and name == "__init__":
                return self.literal(None)
        raise Refuse(node, f"super().{name}() is not available", "call the base class's function")

    def bind_fields(self, cls: type, node: ast.Call) -> dict[str, Value]:
        parameters = inspect.signature(cls).parameters
        defaults = any(p.default is not p.empty for p in parameters.values())
        values, named = self.written_arguments(node, len(parameters), defaults)
        try:
            bound = inspect.signature(cls).bind(*values, **named)
        except TypeError as error:
            raise Refuse(node, f"{cls.__name__}(): {error}") from None
        given: dict[str, Value] = dict(bound.arguments)
        for name, parameter in inspect.signature(cls).parameters.items():
            if name not in given:
                given[name] = self.default_of(cls, name, parameter.default, node)
        return given

    def written_arguments(
        self, node: ast.Call, most: int, open_ended: bool = False
    ) -> tuple[list[Value], dict[str, Value]]:
        raise NotImplementedError

    def default_of(self, cls: type, name: str, default: Any, node: ast.Call) -> Value:
        if dataclasses.is_dataclass(cls):
            field = next(f for f in dataclasses.fields(cls) if f.name == name)
            if field.default_factory is not dataclasses.MISSING:
                if field.default_factory not in (list, dict, set):
                    raise Refuse(
                        node, f"the default factory of {cls.__name__}.{name} is not available", "list, dict, set"
                    )
                call = ast.Call(ast.Name(field.default_factory.__name__, ast.Load()), [], [])
                kind = field.default_factory.__name__
                return self.call_builtin(kind, [], placed(call, node), None)
        return self.constant(default, node, f"the default of {name}")

    def call_builtin(self, name: str, receiver: list[Value], node: ast.Call, into: Cell | None) -> Value:
        raise NotImplementedError

    # --- attributes ---

    def type_of_attribute(self, cls: type, name: str) -> Type:
        hints = self.hints(cls)
        return _types.of_annotation(hints[name]) if name in hints else _types.ANY

    @staticmethod
    def hints(cls: type) -> dict[str, Any]:
        if is_plain(cls):
            return hints_of_plain(cls)
        try:
            return inspect.get_annotations(cls, eval_str=True) if not is_named_tuple(cls) else _named_tuple_hints(cls)
        except (NameError, SyntaxError):
            return {}

    def object_attribute(self, value: Value, node: ast.Attribute, into: Cell | None) -> Value:
        """An attribute of a value whose class may be known."""
        cls = value.type.cls
        if cls is not None:
            if node.attr not in fields_of(cls):
                return self.member_of_object(value, cls, node, into)
            value = self.present(value, node.value)
        cell = into or self.temporary()
        self.emit("GET_ATTRIBUTE", node, cell, value.cell, self.literal(node.attr).cell)
        known = dict(value.type.fields).get(node.attr)
        if known is None:
            known = self.type_of_attribute(cls, node.attr) if cls is not None else _types.ANY
        return Value(cell, known)

    def member_of_object(self, value: Value, cls: type, node: ast.Attribute, into: Cell | None) -> Value:
        found = inspect.getattr_static(cls, node.attr, MISSING)
        call = ast.copy_location(ast.Call(node, [], []), node)
        if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
            return self.inline(found.fget, [value], call, into)
        if found is MISSING:
            close = nearest(node.attr, dict.fromkeys(fields_of(cls)))
            raise Refuse(node, f"{cls.__name__} has no attribute {node.attr}", close)
        if isinstance(found, types.FunctionType):
            raise Refuse(node, f"{ast.unparse(node)} is a method", f"call it: {ast.unparse(node)}()")
        return self.constant(found, node, ast.unparse(node))

    def call_method_of(self, value: Value, cls: type, node: ast.Call, into: Cell | None) -> Value | None:
        """A method of the user's class, None if it has none of that name."""
        assert isinstance(node.func, ast.Attribute)
        found = inspect.getattr_static(cls, node.func.attr, None)
        if isinstance(found, types.FunctionType) and (self.is_users(found) or self.is_inlined(found)):
            return self.inline(found, [value], node, into)
        if isinstance(found, staticmethod | classmethod) and isinstance(found.__func__, types.FunctionType):
            bound = [] if isinstance(found, staticmethod) else [self.static(cls)]
            return self.inline(found.__func__, bound, node, into)
        if node.func.attr == "_replace" and is_named_tuple(cls):
            return self.replaced(value, cls, node, into)
        if node.func.attr == "_asdict" and is_named_tuple(cls):
            return self.as_dict(value, cls, node)
        return None

    def replaced(self, value: Value, cls: type, node: ast.Call, into: Cell | None) -> Value:
        """A copy with some fields changed."""
        info = self.class_info(cls, node)
        first = self.run_of(len(info.fields))
        given = {str(k.arg): self.value(k.value) for k in node.keywords}
        for name in given:
            if name not in info.fields:
                raise Refuse(node, f"{cls.__name__} has no field {name}", nearest(name, dict.fromkeys(info.fields)))
        for at, name in enumerate(info.fields):
            cell = Cell(first.kind, first.number + at)
            if name in given:
                self.move(given[name], cell, node)
            else:
                self.emit("GET_ATTRIBUTE", node, cell, value.cell, self.literal(name).cell)
        cell = into or self.temporary()
        self.emit("OBJECT", node, cell, first, info.number, x=len(info.fields))
        return Value(cell, _types.of_object(cls))

    def as_dict(self, value: Value, cls: type, node: ast.Call) -> Value:
        names = fields_of(cls)
        first = self.run_of(2 * len(names))
        for at, name in enumerate(names):
            self.move(self.literal(name), Cell(first.kind, first.number + 2 * at), node)
            item = Cell(first.kind, first.number + 2 * at + 1)
            self.emit("GET_ATTRIBUTE", node, item, value.cell, self.literal(name).cell)
        cell = self.temporary()
        self.emit("DICT", node, cell, first, x=2 * len(names))
        return Value(cell, Type(frozenset({"dict"}), _types.STR, _types.ANY))

    # --- Enums ---

    def call_method_of_enum(
        self, value: Value, cls: type[enum.Enum], node: ast.Call, into: Cell | None
    ) -> Value | None:
        assert isinstance(node.func, ast.Attribute)
        found = inspect.getattr_static(cls, node.func.attr, None)
        if isinstance(found, types.FunctionType) and self.is_users(found):
            return self.inline(found, [self.checked(value, value.cell, node)], node, into)
        return None

    # --- exceptions ---

    def make_exception(self, cls: type, arguments: list[ast.expr], node: ast.AST, into: Cell | None) -> Value:
        if any(isinstance(b.__dict__.get("__init__"), types.FunctionType) for b in cls.__mro__):
            raise Refuse(node, f"{cls.__name__} has an __init__ of its own, which is not available", ITS_TEXT, cls)
        if any(isinstance(b.__dict__.get("__str__"), types.FunctionType) for b in cls.__mro__):
            raise Refuse(node, f"{cls.__name__} has a __str__ of its own, which is not available", ITS_TEXT, cls)
        number = self.unit.exception_number(cls)
        first = self.run_of(max(len(arguments), 1))
        for at, argument in enumerate(arguments):
            self.plain(self.value(argument, Cell(first.kind, first.number + at)), argument)
        cell = into or self.temporary()
        self.emit("EXCEPTION", node, cell, first, number, x=len(arguments))
        return Value(cell, _types.of("exception"))

    # --- isinstance ---

    def call_isinstance(self, node: ast.Call, into: Cell | None) -> Value:
        if len(node.args) != 2 or node.keywords:
            raise Refuse(node, "isinstance() takes a value and a class")
        value = self.value(node.args[0])
        classes = self.classes_of(node.args[1])
        cell = into if into is not None and into != value.cell else self.temporary()
        end = Target()
        for at, cls in enumerate(classes):
            self.instance_test(cls, value, node, cell)
            if at + 1 < len(classes):
                self.jump_if(Value(cell, _types.BOOL), end, True, node)
        self.put(end)
        return Value(cell, _types.BOOL)

    def classes_of(self, node: ast.expr) -> list[type]:
        if isinstance(node, ast.Tuple):
            return [cls for part in node.elts for cls in self.classes_of(part)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return [*self.classes_of(node.left), *self.classes_of(node.right)]
        if isinstance(node, ast.Constant) and node.value is None:
            return [type(None)]
        found = self.python_object(node)
        found = found if isinstance(found, tuple) else (found,)
        if not all(isinstance(cls, type) for cls in found):
            raise Refuse(node, f"{ast.unparse(node)} is not a class")
        return list(found)

    def instance_test(self, cls: type, value: Value, node: ast.AST, cell: Cell) -> None:
        """Whether a value is an instance, into the cell."""
        if value.whole is not None:
            yes = issubclass(value.whole.cls, cls)
            test = value.whole.witness
            self.emit("MOVE", node, cell, self.literal(yes and test is None).cell)
            if yes and test is not None:
                self.emit("IS_NOT", node, cell, test, self.literal(None).cell)
        elif isinstance(value.type.enum, type):
            yes = issubclass(value.type.enum, cls)
            if value.type.maybe_none and yes:
                self.emit("IS_NOT", node, cell, value.cell, self.literal(None).cell)
            else:
                self.emit("MOVE", node, cell, self.literal(yes).cell)
        elif value.type.enum is not None:
            raise Refuse(node, "this may be an Enum's member or another value", "use .value on every path")
        elif issubclass(cls, BaseException):
            self.emit("IS_EXCEPTION", node, cell, value.cell, self.unit.exception_number(cls))
        elif cls.__module__ == "ipaddress":
            self.instance_of_address(cls, value, node, cell)
        elif is_record(cls):
            self.emit("IS_OBJECT", node, cell, value.cell, self.class_info(cls, node).number)
        elif cls is object:
            self.emit("MOVE", node, cell, self.literal(True).cell)
        elif issubclass(cls, enum.Enum):
            self.emit("MOVE", node, cell, self.literal(False).cell)
        else:
            known = _types.kinds_of_class(cls)
            if known is None:
                raise Refuse(node, f"isinstance() of {cls.__name__} is not available", "the annotation says what it is")
            self.emit("IS_KIND", node, cell, value.cell, known)

    def instance_of_address(self, cls: type, value: Value, node: ast.AST, cell: Cell) -> None:
        from . import _prelude_ip

        kind, version = _prelude_ip.CLASSES.get(cls, (None, 0))
        if kind is None:
            raise Refuse(node, f"isinstance() of {cls.__name__} is not available", ".version says which it is")
        self.emit("IS_OBJECT", node, cell, value.cell, self.class_info(kind, node).number)
        end = Target()
        self.emit("JMP_FALSE", node, b=cell, c=end)
        self.emit("GET_ATTRIBUTE", node, cell, value.cell, self.literal("version").cell)
        self.emit("EQ", node, cell, cell, self.literal(version).cell)
        self.put(end)

    def inline(self, function: Any, bound: list[Value], node: ast.Call, into: Cell | None) -> Value:
        raise NotImplementedError


def _named_tuple_hints(cls: type) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base not in (object, tuple):
            hints.update(inspect.get_annotations(base, eval_str=True))
    return hints
