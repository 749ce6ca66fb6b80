"""Classes with an `__init__` of their own: what their instances hold, found in the source of their methods.

An instance is an object with fixed fields, as that of a dataclass is: every name that a method assigns to `self`. All
must be there once `__init__` is through, by it or as a value of the class; else reading one may be an AttributeError in
Python, which the engine would not see.
"""

from __future__ import annotations

import abc
import ast
import dataclasses
import enum
import inspect
import sys
import types
import typing
from functools import lru_cache
from typing import Any

from ._source import function_node

BASES = (object, abc.ABC, typing.Generic, typing.Protocol)


def is_plain(cls: Any) -> bool:
    """A class of the user's that is nothing special: neither a dataclass nor one of Python's kinds."""
    if not isinstance(cls, type) or type(cls) not in (type, abc.ABCMeta) or dataclasses.is_dataclass(cls):
        return False
    if issubclass(cls, BaseException | tuple | enum.Enum | dict | list | str | int | float | set):
        return False
    own = [base for base in cls.__mro__ if base not in BASES]
    return all(_of_source(base) for base in own) and "__new__" not in {n for base in own for n in base.__dict__}


@lru_cache(maxsize=256)
def _of_source(cls: type) -> bool:
    """Whether it has methods of its own with a source to read, and none that is not."""
    module = cls.__module__.partition(".")[0]
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or "site-packages"
    if module in sys.stdlib_module_names or module == "assay" or "-packages" in file:
        return False
    methods = [m for m in vars(cls).values() if isinstance(m, types.FunctionType)]
    return bool(methods) and all(function_node(method) is not None for method in methods)


@lru_cache(maxsize=256)
def fields_of_plain(cls: type) -> tuple[str, ...]:
    """The names that its methods assign to self, those of its bases first."""
    found: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        for method in vars(base).values():
            node = function_node(method) if isinstance(method, types.FunctionType) and base not in BASES else None
            if node is not None:
                found.update(dict.fromkeys(_assigned(node)))
    return tuple(found)


def _self_name(node: Any) -> str:
    arguments = [*node.args.posonlyargs, *node.args.args]
    return arguments[0].arg if arguments else ""


def _assigned(node: Any) -> list[str]:
    owner = _self_name(node)
    return [
        inner.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.ctx, ast.Store)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == owner
    ]


def unset_fields(cls: type) -> list[str]:
    """Fields that may be missing after `__init__`."""
    set_there = _set_by(cls, cls)
    return [name for name in fields_of_plain(cls) if name not in set_there and not hasattr(cls, name)]


def _set_by(cls: type, start: type) -> set[str]:
    """What the first `__init__` at or after `start` in the order of bases sets on every way."""
    order = cls.__mro__
    for base in order[order.index(start) :]:
        init = base.__dict__.get("__init__")
        node = function_node(init) if isinstance(init, types.FunctionType) else None
        if node is not None:
            base_sets = _set_by(cls, order[order.index(base) + 1])
            return _set_in(node.body, _self_name(node), base_sets)
    return set()


def _set_in(body: Any, owner: str, by_base: set[str]) -> set[str]:
    found: set[str] = set()
    for statement in body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        elif isinstance(statement, ast.If):
            found |= _set_in(statement.body, owner, by_base) & _set_in(statement.orelse, owner, by_base)
        elif isinstance(statement, ast.Expr) and ast.unparse(statement.value).startswith("super().__init__("):
            found |= by_base
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            found |= {p.attr for p in parts if isinstance(p, ast.Attribute) and ast.unparse(p.value) == owner}
    return found


def hints_of_plain(cls: type) -> dict[str, Any]:
    """The annotations of its fields: in the class, or of the parameter that `__init__` assigns to one as it is."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        init: Any = base.__dict__.get("__init__")
        node: Any = function_node(init) if isinstance(init, types.FunctionType) else None
        try:
            if node is not None:
                given = inspect.get_annotations(init, eval_str=True)
                for statement in node.body:
                    name = _copied(statement, _self_name(node))
                    if name is not None and name[1] in given:
                        found[name[0]] = given[name[1]]
            if base not in BASES:
                found.update(inspect.get_annotations(base, eval_str=True))
        except (NameError, SyntaxError, TypeError):
            continue
    return found


def _copied(statement: ast.stmt, owner: str) -> tuple[str, str] | None:
    """("limit", "limit") of `self.limit = limit`."""
    match statement:
        case ast.Assign([ast.Attribute(ast.Name(who), field)], ast.Name(parameter)) if who == owner:
            return field, parameter
    return None
