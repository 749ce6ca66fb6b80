"""The bottom of lowering: instructions and temporaries being made, jumps, and what is known of names along each path.

On it stand `_narrow.py`, `_common.py`, `_expressions.py`, `_displays.py`, `_standard.py`, `_formats.py`, `_changes.py`,
`_objects.py`, `_comprehensions.py`, `_routines.py`, `_specials.py`, `_regular.py`, `_choices.py`, `_calls.py`,
`_attempts.py`, `_patterns.py` and `_lower.py`, in this order. A path's knowledge (`Paths`) maps names to bindings; a
jump hands its copy to its label, a label joins what reaches it. `None` as the paths: nothing reaches this point.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from . import _plain, _types
from ._definition import MISSING, Definition, EventDef, FieldDef, FunctionDef, Place, Problem, Source
from ._freeze import CannotFreeze, freeze
from ._share import Cell, Constants, Instruction, Label
from ._source import FunctionNode, place_of_node
from ._types import Type

INSTRUCTIONS_MAX = 32_768


class Refuse(Exception):
    """A construct that cannot be compiled, at a node of the current file."""

    def __init__(self, node: ast.AST, message: str, help: str = "", once: Any = None):
        super().__init__(message)
        self.node = node
        self.help = help
        self.once = once  # what it is about; said at the first place alone


def uncalled(node: ast.AST, message: str) -> Refuse:
    """Of a function where a value is wanted; a method of a value has most likely been meant to be called."""
    written = node.value if isinstance(node, ast.Return) else node
    if isinstance(written, ast.Attribute):
        text = ast.unparse(written)
        return Refuse(written, f"{text} is a method", f"call it: {text}()")
    return Refuse(node, message, "call it")


class Consequence(Refuse):
    """What follows from something that was refused: no second problem."""


@dataclass(frozen=True)
class Whole:
    """An event, or a nested object of it, which exists only as its fields' cells."""

    event: EventDef
    prefix: str  # of its fields' names: "" or "merchant."
    cls: type
    witness: Cell | None = None  # a cell that is None exactly when the object is; None: it is always there


@dataclass(frozen=True)
class Value:
    cell: Cell
    type: Type
    whole: Whole | None = None
    shared: bool = False  # a field's or a constant's, which may not be changed, in a cell of its own
    static: Any = MISSING  # a Python object that exists only while compiling: a function, a class, a module


@dataclass(frozen=True)
class Binding:
    """What a name is bound to on this path. `assigned` is False if only some ways here assign it."""

    value: Value
    assigned: bool = True


Paths = dict[str, Binding]


class Unknown(enum.Enum):
    """Of a name that is one function on one way and another thing on another."""

    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Chosen:
    """One of several functions: the number in the cell says which; None is none."""

    cell: Cell
    options: frozenset[tuple[int, Any]]

    @property
    def only(self) -> Any:
        """The function, if it can be one alone; else the choice itself."""
        return next(iter(self.options))[1] if len(self.options) == 1 else self


@dataclass(frozen=True)
class Named:
    """What **kwargs holds where it is only passed on."""

    values: tuple[tuple[str, Value], ...]


@dataclass(eq=False)
class Target(Label):
    """A label together with what is known on the ways to it."""

    paths: list[Paths] = field(default_factory=list)


@dataclass(eq=False)
class Scope:
    """One Python function being lowered: the feature itself, or a helper inside it."""

    number: int
    function: types.FunctionType
    node: FunctionNode
    file: Path
    locals: set[str]
    walrus: set[str]  # names that a walrus assigns
    cells: dict[str, Cell] = field(default_factory=dict)
    comprehensions: list[dict[str, str]] = field(default_factory=list)  # names of comprehensions, innermost last
    result: Cell | None = None  # of a helper: where its value goes
    result_types: list[Type] = field(default_factory=list)
    end: Target | None = None
    loops: list[tuple[Target, Target, int]] = field(default_factory=list)  # (continue, break, regions around it)
    parent: Scope | None = None  # of a function made in another: where its free names are looked up
    regions: int = 0  # how many regions are around it
    result_statics: list[Any] = field(default_factory=list)  # functions that it returned
    yields: list[Type] | None = None  # of a generator: what it yielded so far
    name: str = ""  # of a nested function that runs by itself
    call: ast.AST | None = None  # of a library function: the user's call, where its instructions are said to stand


@dataclass(eq=False)
class Closure:
    """A lambda or a nested function, with the scope that made it."""

    node: ast.Lambda | ast.FunctionDef
    scope: Scope
    defaults: dict[str, Value]
    name: str


FUNCTIONS = (
    Closure,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    functools.partial,
    type,
)


@dataclass(eq=False)
class Region:
    """What a `try` covers while it is lowered: pieces of code that an exception leaves to the target."""

    target: Target
    cell: Cell  # gets the exception
    final: list[ast.stmt] = field(default_factory=list)  # what every way out must run
    scope: Scope | None = None  # where `final` stands
    pieces: list[tuple[Label, Label]] = field(default_factory=list)
    known: Paths | None = None  # joined over all points where an exception may leave


class Handler(NamedTuple):
    first: Label
    end: Label
    target: Label
    cell: Cell


@dataclass(eq=False)
class Routine:
    """Code that is called at run time: a function that calls itself, a generator."""

    number: int
    name: str
    parameters: list[str]
    result: Type
    code: list[Instruction] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    temporaries: int = 0


@dataclass(eq=False)
class ClassInfo:
    """A class whose instances the engine makes, in the order of code_class."""

    number: int
    cls: type
    fields: tuple[str, ...]
    flags: int


@dataclass
class Unit:
    """What all functions of a definition share while they are lowered."""

    definition: Definition
    constants: Constants
    slots: Mapping[Source, Cell]
    arrival: Cell
    fired: Cell
    decided: Cell  # the outcome; there only if a function takes it
    builtins: Mapping[str, tuple[int, int, int]]
    opcodes: Mapping[str, int]
    exceptions: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)
    current: FunctionDef | None = None  # which is being compiled
    of_function: dict[FunctionDef, list[Problem]] = field(default_factory=dict)  # a helper's problem is each caller's
    refused: set[ast.AST] = field(default_factory=set)
    routines: dict[Any, Routine] = field(default_factory=dict)  # by what they are made of
    classes: dict[type, ClassInfo] = field(default_factory=dict)
    own_exceptions: dict[type, int] = field(default_factory=dict)  # number
    said: dict[Any, Problem] = field(default_factory=dict)  # about a class, at the first place
    sentinels: dict[int, int] = field(default_factory=dict)  # by id(): which object() of the module's it is
    numbers: dict[Any, int] = field(default_factory=dict)  # of functions that are chosen while running, from 1
    common: dict[Any, list[FunctionDef]] = field(default_factory=dict)  # where an expression stands (_common.py)
    shared_cells: dict[Any, Cell] | None = None  # of those that functions share; None: they are still counted
    computing: set[ast.AST] = field(default_factory=set)  # shared expressions whose computing is being lowered

    def exception_number(self, cls: type) -> int:
        """The number of an exception's class; one that the engine does not know is the definition's own."""
        number = self.exceptions.get(cls.__name__)
        if number is not None and cls.__module__ == "builtins":
            return number
        if cls not in self.own_exceptions:
            self.exception_parent(cls)  # parents first
            self.own_exceptions[cls] = len(self.exceptions) + len(self.own_exceptions)
        return self.own_exceptions[cls]

    def exception_parent(self, cls: type) -> int:
        parent = next((base for base in cls.__bases__ if issubclass(base, BaseException)), Exception)
        return self.exception_number(parent)

    def report(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)
        if self.current is not None and problem not in self.of_function.setdefault(self.current, []):
            self.of_function[self.current].append(problem)


class Flow:
    """Makes the instructions of one function of the definition."""

    def __init__(self, unit: Unit, function: FunctionDef):
        self.unit = unit
        self.function = function
        self.code: list[Instruction] = []
        self.next_temporary = 0
        self.temporaries = 0
        self.scopes: list[Scope] = []
        self.scope_count = 0
        self.paths: Paths | None = {}
        self.routine_now: Routine | None = None  # the routine that is lowered
        self.caught: list[Cell] = []  # the exceptions of the handlers around
        self.regions: list[Region] = []  # innermost last
        self.handlers: list[Handler] = []  # inner ones first
        self.rewritten: dict[ast.AST, Any] = {}  # syntax made of other syntax, so that it is made once
        self.beyond: frozenset[str] = frozenset()  # of a routine: variables of its maker that it does not have
        self.pinned = 0  # temporaries below are kept: a function that outlives its maker reads them

    # --- cells ---

    def release(self, mark: int) -> None:
        """Temporaries from `mark` on may be used again."""
        self.next_temporary = max(mark, self.pinned)

    def temporary(self) -> Cell:
        return self.run_of(1)

    def run_of(self, count: int) -> Cell:
        """The first of `count` temporaries that lie together."""
        cell = Cell("temporary", self.next_temporary)
        self.next_temporary += count
        self.temporaries = max(self.temporaries, self.next_temporary)
        return cell

    def constant(self, value: Any, node: ast.AST, name: str = "") -> Value:
        try:
            frozen = freeze(value, lambda instance: self.fields_of_instance(instance, node))
        except CannotFreeze as error:
            raise Refuse(node, f"{name or 'this'} cannot be used: {error}", error.help) from None
        except RecursionError:
            raise Refuse(node, f"{name or 'this'} cannot be used: it contains itself") from None
        return Value(self.unit.constants.cell(frozen.data), frozen.type)

    def fields_of_instance(self, instance: Any, node: ast.AST) -> tuple[int, dict[str, Any]] | None:
        """The number of its class in the bundle and its fields by name, of an instance of the user's classes."""
        raise NotImplementedError

    def literal(self, value: Any) -> Value:
        """A constant that is known to be plain."""
        frozen = freeze(value)
        return Value(self.unit.constants.cell(frozen.data), frozen.type)

    # --- instructions ---

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]

    def place(self, node: ast.AST) -> Place:
        return place_of_node(self.scope.file, node)

    def users_place(self, node: ast.AST) -> Place:
        """Where it stands; inside a library function, where the user called that."""
        for at, scope in enumerate(self.scopes):
            if scope.call is not None:
                return place_of_node(self.scopes[at - 1].file, scope.call)
        return self.place(node)

    def code_place(self, node: ast.AST) -> Place:
        """Where an instruction says it stands. CPython puts an attribute or a method's call in the attribute's own
        line.
        """
        place = self.users_place(node)
        if any(scope.call is not None for scope in self.scopes):
            return place
        line = node.lineno if hasattr(node, "lineno") else place.line
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            attribute = node if isinstance(node, ast.Attribute) else node.func
            line = attribute.end_lineno or line
        if line != place.line:
            return Place(place.file, line, 0, place.end_column, place.end_line)
        return place

    def emit(
        self,
        op: str,
        node: ast.AST,
        a: Cell | None = None,
        b: Cell | None = None,
        c: Cell | Label | int | None = None,
        x: int = 0,
    ) -> None:
        if self.paths is None:
            return
        self.code.append(Instruction(op, x, a, b, c, self.code_place(node)))
        if len(self.code) > INSTRUCTIONS_MAX:
            raise TooLong

    def move(self, value: Value, into: Cell | None, node: ast.AST) -> Value:
        """The value in that cell, if one is asked for."""
        if into is None or into == value.cell or value.whole is not None or value.static is not MISSING:
            return value
        self.emit("MOVE", node, into, value.cell)
        return Value(into, value.type, shared=value.shared or value.cell.kind != "temporary")

    @staticmethod
    def there(value: Value) -> Value:
        """A value that is known not to be None."""
        return replace(value, type=value.type.without_none())

    def unless_none(self, value: Value, otherwise: Value, cell: Cell, node: ast.AST, make: Callable[[], Value]) -> None:
        """What `make` gives into the cell, or something else where the value is None."""
        if not value.type.maybe_none:
            self.move(make(), cell, node)
            return
        none, end = Target(), Target()
        self.emit("JMP_NONE", node, b=value.cell, c=none)
        if self.paths is not None:
            none.paths.append(dict(self.paths))
        self.move(make(), cell, node)
        self.jump(end, node)
        self.put(none)
        self.move(otherwise, cell, node)
        self.put(end)

    # --- paths ---

    def throw(self, exception: Cell, node: ast.AST) -> None:
        """Raises the exception in a cell."""
        self.emit("THROW", node, b=exception)
        self.paths = None

    def fail(self, exception: str, node: ast.AST, text: Cell | None = None) -> None:
        """Raises one of the engine's own exceptions, with a text in a cell."""
        self.emit("RAISE", node, b=text, x=self.unit.exceptions[exception])
        self.paths = None

    def jump(self, target: Target, node: ast.AST) -> None:
        self.emit("JMP", node, c=target)
        if self.paths is not None:
            target.paths.append(self.paths)
        self.paths = None

    def put(self, target: Target) -> None:
        """The target is here."""
        target.position = len(self.code)
        ways = target.paths + ([self.paths] if self.paths is not None else [])
        self.paths = join_paths(ways) if ways else None

    def jump_if(self, value: Value, target: Target, when: bool, node: ast.AST, known: ast.expr | None = None) -> None:
        """Jumps if bool(value) is `when`; `known` is the test whose outcome is then known on each side."""
        if self.paths is None:
            return
        op, cell = ("JMP_TRUE" if when else "JMP_FALSE"), value.cell
        if value.type.cls is _plain.Array:
            raise Refuse(node, "the truth of a numpy array of several items is an error", "len(...) > 0")
        if value.whole is not None:
            cell = value.whole.witness or self.literal(True).cell
            op = "JMP_NOT_NONE" if when else "JMP_NONE"
        elif value.type.enum is _types.Mixed.MIXED:
            raise Refuse(node, "this may be an Enum's member or another value", "compare .value")
        elif isinstance(value.type.enum, type) and not _types.truth_is_of_value(value.type.enum):
            op = "JMP_NOT_NONE" if when else "JMP_NONE"  # a member is true, whatever its value
        self.emit(op, node, b=cell, c=target)
        before = self.paths
        target.paths.append(self.refined(dict(before), known, when))
        self.paths = self.refined(dict(before), known, not when)

    def refined(self, paths: Paths, test: ast.expr | None, outcome: bool) -> Paths:
        """What is known once a test came out so."""
        raise NotImplementedError

    @staticmethod
    def joined_paths(a: Paths, b: Paths) -> Paths:
        return join_paths([a, b])

    def looped(self, body: Callable[[], Paths | None]) -> None:
        """Makes a loop's body until what is known at its start includes what is known at its end."""
        entry = self.paths
        for attempt in range(6):
            length, temporary, count = len(self.code), self.next_temporary, self.scope_count
            handlers, pieces = len(self.handlers), [len(region.pieces) for region in self.regions]
            self.paths = None if entry is None else dict(entry)
            end = body()
            if entry is None or end is None:
                return
            joined = join_paths([entry, end])
            if joined == entry:
                return
            entry = widened(entry, joined) if attempt >= 3 else joined
            del self.code[length:]
            del self.handlers[handlers:]
            for region, kept in zip(self.regions, pieces, strict=True):
                del region.pieces[kept:]
            self.next_temporary, self.scope_count = temporary, count
        raise AssertionError("types of a loop do not settle")


class TooLong(Exception):
    """More instructions than a function may have."""


def join_paths(ways: list[Paths]) -> Paths:
    joined = dict(ways[0])
    for way in ways[1:]:
        for name in [*joined, *(n for n in way if n not in joined)]:
            joined[name] = _join_bindings(joined.get(name), way.get(name), name.startswith("@"))
    return {name: binding for name, binding in joined.items() if not (name.startswith("@") and not binding.assigned)}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Chosen):
        return bool(a == b)
    return a is b or (type(a) is type(b) and getattr(a, "__code__", None) is getattr(b, "__code__", b))


def _join_bindings(a: Binding | None, b: Binding | None, narrowing: bool) -> Binding:
    if a is None or b is None:
        only = a or b
        assert only is not None
        return replace(only, assigned=False)
    assigned = a.assigned and b.assigned
    if a.value.static is not MISSING or b.value.static is not MISSING:
        if _same(a.value.static, b.value.static):
            known = _types.join(a.value.type, b.value.type)
            return replace(a, value=replace(a.value, type=known), assigned=assigned)
        chosen = _join_chosen(a.value, b.value)
        if chosen is not None:
            return Binding(chosen, assigned)
        return Binding(Value(a.value.cell, Type(frozenset()), static=Unknown.UNKNOWN), assigned)
    if a.value.whole != b.value.whole:
        whole = a.value.whole or b.value.whole
        other = b.value.whole if whole is a.value.whole else a.value.whole
        if other is None or whole is None or replace(whole, witness=None) != replace(other, witness=None):
            return Binding(Value(a.value.cell, Type(frozenset())), assigned)  # cannot be used any more
        return Binding(replace(a.value, whole=whole if whole.witness is not None else other), assigned)
    shared = a.value.shared or b.value.shared
    return Binding(replace(a.value, type=_types.join(a.value.type, b.value.type), shared=shared), assigned)


def _join_chosen(a: Value, b: Value) -> Value | None:
    """One function on one way, another or None on the other, in the same cell."""
    sides = [value for value in (a, b) if isinstance(value.static, Chosen)]
    rest = [value for value in (a, b) if value.static is MISSING and value.whole is None]
    if a.cell != b.cell or len(sides) + len(rest) < 2 or any(not value.type.only("none") for value in rest):
        return None
    options = frozenset(option for value in sides for option in value.static.options)
    return Value(a.cell, _types.join(a.type, b.type), static=Chosen(a.cell, options))


def holds_function(found: Any) -> bool:
    """Whether it is a function or class, or a tuple, list or record with one in it."""
    if isinstance(found, tuple | list):
        return any(holds_function(item) for item in found)
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return any(holds_function(getattr(found, f.name, None)) for f in dataclasses.fields(found))
    return isinstance(found, FUNCTIONS)


def numbered(numbers: dict[Any, int], found: Any) -> dict[int, Any] | None:
    """The functions that a thing stands for, by their numbers; None if it is no function."""
    if isinstance(found, Chosen):
        return dict(found.options)
    if not (isinstance(found, Closure) or callable(found)):
        return None
    key = found.node if isinstance(found, Closure) else found
    return {numbers.setdefault(key, len(numbers) + 1): found}


def widened(entry: Paths, joined: Paths) -> Paths:
    """The types that still change become ANY."""
    return {
        name: binding
        if name in entry and entry[name] == binding
        else replace(binding, value=replace(binding.value, type=_types.join(_types.ANY, binding.value.type)))
        for name, binding in joined.items()
    }


def field_key(field: FieldDef) -> str:
    """The name under which a field's own narrowing is kept."""
    return f"@{field.name}"


def whole_key(whole: Whole) -> str:
    return f"@@{whole.prefix}"
