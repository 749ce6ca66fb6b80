"""The definition as data: what a user's module says, resolved and checked, before anything is compiled.

`read()` in `_read.py` makes it from a file; the compiler (`_compile.py`) turns it into a plan, the twin (`_twin.py`)
runs it in plain Python. Nothing here computes. Names are the user's; order is source order; a resolved reference is the
object itself.
"""

from __future__ import annotations

import builtins
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._models import Built
    from ._vectorizers import Vectorizer


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the user's source: 1-based line, 0-based columns (in characters)."""

    file: Path
    line: int
    column: int = 0
    end_column: int = 0
    end_line: int = 0


class Secrecy(enum.Enum):
    MASKED = "masked"
    CLEAR = "clear"
    SECRET = "secret"


MISSING: Any = type("Missing", (), {"__repr__": lambda self: "<missing>"})()  # no default


@dataclass(eq=False)
class FieldDef:
    """One leaf of an event. `name` is dotted for nested objects ("merchant.name"); `path` is where JSON has it."""

    name: str
    path: tuple[str, ...]
    type: str  # "str" "int" "float" "bool" "datetime" "date"
    is_list: bool
    nullable: bool
    item_nullable: bool
    default: Any  # MISSING: required; a list's default_factory has been called; of an Enum the member's value
    secrecy: Secrecy
    unit: str  # "iso" "s" "ms" "us"
    choices: tuple[Any, ...] | None  # JSON values of Literal or Enum
    enum: builtins.type[enum.Enum] | None  # the class, if the field is an Enum
    place: Place


@dataclass(eq=False)
class ObjectDef:
    """A nested object on the way to fields, by its JSON path."""

    path: tuple[str, ...]
    name: str  # dotted Python name
    cls: type | None  # None: a name inside an alias path only
    nullable: bool
    required: bool
    place: Place | None = None


@dataclass(eq=False)
class EventDef:
    name: str
    cls: type
    scored: bool
    label: bool
    fields: list[FieldDef]
    objects: list[ObjectDef]
    id: FieldDef
    time: FieldDef
    forbid_extra: bool
    timezone: str | None
    on_error: str
    place: Place


@dataclass(eq=False)
class FunctionDef:
    """A feature, rule, decision, or a function over a context event. `params` in order."""

    name: str
    kind: str  # "feature" "rule" "decision" "where"
    function: Callable[..., Any]
    params: list[ParamDef]
    returns: Any  # the evaluated annotation
    event: EventDef  # the class whose events it runs on
    place: Place
    doc: str  # of a rule: the reason shown to people (the docstring's first paragraph, else the name in words)
    outcome: str = ""  # of a rule
    on_missing: str = "skip"  # of a rule
    size: int | None = None
    needs_window: bool = False  # reads a window, a model, `arrival`, the decision, or another such function
    takes_decision: bool = False  # takes the decision, directly or through another function: runs after it
    secret: bool = False  # reads a Secret field, directly or not
    made: Made | None = None  # text.tokens(...): no function of the user's

    @property
    def vector(self) -> int:
        """How many items its result has, if it is a vector feature; else 0."""
        return self.size or 0

    @property
    def file(self) -> Path:
        """Where its code stands."""
        return self.place.file if self.made is not None else Path(self.function.__code__.co_filename)


@dataclass(eq=False)
class TokenizerDef:
    """A tokenizer of the bundle."""

    path: Path
    part: bytes


@dataclass(eq=False)
class EmbeddingDef:
    """Rows by token id, of the bundle."""

    path: Path | None  # None: an array of the module
    items: Any  # float32 or int8, a row for each id
    scales: Any  # of int8 rows; else None
    part: bytes

    @property
    def width(self) -> int:
        return int(self.items.shape[1])


@dataclass(eq=False)
class Made:
    """A feature whose body is one built-in of the engine: of its only parameter and of constants."""

    builtin: str
    tokenizer: TokenizerDef | None = None
    special: bool = True
    embedding: EmbeddingDef | None = None
    vectorizer: Vectorizer | None = None
    arguments: tuple[Any, ...] = ()


@dataclass(eq=False)
class ParamDef:
    name: str
    source: Source  # what it is named after
    allows_none: bool  # annotated `| None`, or without annotation
    default: Any  # MISSING if there is none
    annotation: Any


@dataclass(eq=False)
class WindowDef:
    name: str
    kind: str
    value: WindowInput | None
    by: list[FieldDef | FunctionDef]  # of the scored event
    on: EventDef  # whose events it covers
    on_by: list[FieldDef | FunctionDef]  # the same key in those events
    over_us: int
    delay_us: int
    where: WindowInput | None
    include_current: bool
    place: Place
    seen: FieldDef | FunctionDef | None = None  # kind "seen": the scored event's value to look for
    value_type: str = "int"  # "int" "float" "str" "bool" "datetime" "date" or "" (unknown): declared type of `value`
    half_life_us: int | None = None  # kind "decayed_sum"
    clock: str = "event"  # or "arrival": by which time events are placed
    outcome: bool = False  # its value or where is known only once windows are read, so it is entered after the decision

    @property
    def result_type(self) -> str:
        """The scalar type of what it gives (of some kinds, or None), "" if unknown."""
        if self.kind in ("min", "max", "last", "first"):
            return self.value_type
        if self.kind == "sum":
            return "float" if self.value_type == "float" else "int"
        return {"count": "int", "distinct": "int", "seen": "bool"}.get(self.kind, "float")

    @property
    def result_enum(self) -> builtins.type[enum.Enum] | None:
        """The Enum whose members it gives to functions, if its value is such a field."""
        of_value = self.kind in ("min", "max", "last", "first") and isinstance(self.value, FieldDef)
        return self.value.enum if of_value and isinstance(self.value, FieldDef) else None


@dataclass(eq=False)
class ModelDef:
    name: str
    path: Path
    format: str  # "steps"
    data: bytes  # its part of the bundle
    inputs: list[Source]  # resolved, in the model's order
    items: list[int | None]  # of each: which item of that vector it is, None if it is the value itself
    input_names: list[str]
    place: Place
    built: Built  # with the framework's own answers

    @property
    def vector(self) -> int:
        """How many outputs it has, if they are several; else 0."""
        return self.built.outputs if self.built.outputs > 1 else 0


@dataclass(eq=False)
class ThresholdsDef:
    score: Source
    levels: list[tuple[str, float]]  # mild to severe
    place: Place


class Arrival:
    """The parameter `arrival`."""


class Fired:
    """The decision's parameter `fired`."""


class Decided:
    """A parameter named after the decision: the outcome, once it is made."""


# An EventDef as a source is the whole event; an ObjectDef is a nested object of it (`merchant: Merchant`).
Source = FieldDef | FunctionDef | WindowDef | ModelDef | EventDef | ObjectDef | Arrival | Fired | Decided
VECTOR_MAX = 4096  # LIMIT_VECTOR_ITEMS
WindowInput = FieldDef | FunctionDef | WindowDef | ModelDef  # what a window's value or where may be


@dataclass(eq=False)
class Definition:
    name: str  # the file's stem
    file: Path
    module: Any  # the executed module
    events: list[EventDef]
    scored: EventDef
    features: list[FunctionDef]  # of the scored event, in source order
    context_functions: list[FunctionDef]
    windows: list[WindowDef]
    models: list[ModelDef]
    tokenizers: list[TokenizerDef]
    embeddings: list[EmbeddingDef]
    vectorizers: list[Vectorizer]
    rules: list[FunctionDef]
    decision: FunctionDef | ThresholdsDef | None
    score: Source | None  # whose value is the answer's "score"
    outcomes: Sequence[str]
    history: str  # "empty" or "unknown"
    sources: Mapping[Path, str]  # of the definition and the user's modules it imports
    max_late_us: int = 86_400_000_000
    max_future_us: int = 2_000_000
    names: dict[str, Source] = field(default_factory=dict)  # every public name, in source order
    decision_name: str = ""  # the decision function's name, or the variable that holds thresholds(...)

    @property
    def decision_is_read(self) -> bool:
        return any(isinstance(param.source, Decided) for feature in self.features for param in feature.params)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell the user, shown with the source line and a caret."""

    place: Place | None
    message: str  # what is wrong
    help: str = ""  # the way to write it instead
    severity: str = "error"  # or "warning", or "note": what is not wrong, but good to know
    code: str = ""  # the kind of problem, as `check --json` and SARIF name it; "" for the general one
    construct: str = ""  # what of Python it is about: "while", "datetime.now()"
    why: str = ""  # why it matters


class DefinitionError(Exception):
    """The definition cannot be built; every problem found, in source order."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = list(problems)
        super().__init__("; ".join(p.message for p in problems))
