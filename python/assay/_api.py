"""What a definition is written with: the decorators, `window`, `model`, `thresholds` and the markers.

Declaring computes nothing and checks nothing: each declaration notes what was said and where, `_read.py` makes a
Definition of it. A decorated function stays the function it was, an event class becomes a plain dataclass, so tests
call them as they are.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, overload

from ._definition import MISSING, Place
from ._source import character_column

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)


@dataclass(eq=False)
class Mark:
    """What a decorator said of a function; it hangs on the function as `__assay__`."""

    kind: str  # "feature" "rule" "decision"
    function: Callable[..., Any]
    place: Place
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class EventMark:
    """What `@event` said of a class; it hangs on the class as `__assay_event__`."""

    cls: type
    place: Place
    options: dict[str, Any]
    problem: str = ""  # the class could not be made a dataclass


@dataclass(eq=False)
class Window:
    """A declared window; its name is the variable's."""

    kind: str
    value: Any
    options: dict[str, Any]
    place: Place


@dataclass(eq=False)
class Model:
    """A declared model; its name is the variable's."""

    source: Any
    inputs: Sequence[Any] | None
    options: dict[str, Any]
    place: Place


@dataclass(eq=False)
class Thresholds:
    score: Any
    levels: dict[str, float]
    place: Place


@dataclass(eq=False)
class Tokens:
    """Declared tokens of a text; the variable's name is the feature's."""

    field: Any
    tokenizer: Any
    special: bool
    place: Place


@dataclass(eq=False)
class TextVector:
    """Declared text.bag, text.embed or text.vectorize; the variable's name is the feature's."""

    kind: str
    of: Any
    options: dict[str, Any]
    place: Place


@dataclass(eq=False)
class NotYet:
    """Stands for a part of the language that is not there yet; using it is a build error that says so."""

    what: str
    place: Place

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"{self.what} is not available yet")


Declared = Mark | EventMark | Window | Model | Thresholds | Tokens | TextVector | NotYet
_collectors: list[list[Declared]] = []


@contextmanager
def collecting() -> typing.Iterator[list[Declared]]:
    """Everything that is declared inside the block, in order."""
    declared: list[Declared] = []
    _collectors.append(declared)
    try:
        yield declared
    finally:
        _collectors.remove(declared)


def _declare(declared: Declared) -> None:
    if _collectors:
        _collectors[-1].append(declared)


def _caller() -> Place:
    """The expression in the user's source that is being evaluated: the nearest frame outside this package."""
    here = __file__
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == here:
        frame = frame.f_back
    if frame is None:
        return Place(Path("?"), 1)
    return place_of_instruction(frame.f_code, frame.f_lasti, frame.f_lineno)


@lru_cache(maxsize=64)  # a module asks for each of its declarations
def _positions(code: types.CodeType) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    return tuple(code.co_positions())


def place_of_instruction(code: types.CodeType, offset: int, line: int | None) -> Place:
    """Where an instruction of a running frame or a traceback stands in the source."""
    file = Path(code.co_filename)
    positions = _positions(code)
    index = offset // 2
    if not 0 <= index < len(positions):
        return Place(file, line or 1)
    start, end, column, end_column = positions[index]
    first = start or line or 1
    if column is None or end_column is None:
        return Place(file, first)
    last = end or first
    return Place(file, first, character_column(file, first, column), character_column(file, last, end_column), last)


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """More about a field, in `Annotated[T, Field(...)]` or as its default: `tags: list[str] =
    Field(default_factory=list)`.

    `alias`: the JSON path it is read from ("merchant.name"). `unit`: "s", "ms" or "us" of a datetime that is sent as a
    number.
    """

    alias: str | None = None
    unit: str | None = None
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None


class _Marker:
    def __init__(self, name: str, doc: str):
        self._name = name
        self.__doc__ = doc

    def __repr__(self) -> str:
        return self._name


Secret = _Marker("Secret", "Annotated[str, Secret]: never stored or shown in clear.")
Clear = _Marker("Clear", "Annotated[str, Clear]: card numbers in it are not masked.")


@typing.dataclass_transform(kw_only_default=True)
def event(
    *,
    id: str,
    time: str,
    scored: bool = True,
    label: bool = False,
    extra: str = "ignore",
    timezone: str | None = None,
    on_error: str = "review",
) -> Callable[[C], C]:
    """A class whose annotated fields are the JSON object's fields.

    `id` and `time` name its fields. Exactly one event of a definition is scored; the others (`scored=False`) feed
    windows. `extra="forbid"` refuses unknown fields. `on_error` is the outcome when the decision itself fails.
    """
    options = {
        "id": id,
        "time": time,
        "scored": scored,
        "label": label,
        "extra": extra,
        "timezone": timezone,
        "on_error": on_error,
    }
    place = _caller()

    def decorate(cls: C) -> C:
        mark = EventMark(cls, place, options)
        try:
            make_dataclass(cls)
        except Exception as error:  # a bad annotation or default: reported with the class, not thrown at the import
            mark.problem = f"{type(error).__name__}: {error}"
        cls.__assay_event__ = mark  # type: ignore[attr-defined]
        _declare(mark)
        return cls

    return decorate


def make_dataclass(cls: type, around: tuple[type, ...] = ()) -> None:
    """Makes an annotated class, and the annotated classes its fields name, dataclasses that are built by keyword."""
    if "__dataclass_fields__" in cls.__dict__:
        return
    if cls in around:
        raise TypeError(f"{cls.__name__} contains itself")
    for base in cls.__bases__:
        if is_object_class(base):
            make_dataclass(base)
    hints = typing.get_type_hints(cls, include_extras=True)
    for name, hint in hints.items():
        if name not in inspect.get_annotations(cls):
            continue
        for nested in nested_classes(hint):
            make_dataclass(nested, (*around, cls))
        given = cls.__dict__.get(name, MISSING)
        said = given if isinstance(given, Field) else next((m for m in _metadata(hint) if isinstance(m, Field)), None)
        if said is None:
            continue
        if said.default_factory is not None:
            setattr(cls, name, dataclasses.field(default_factory=said.default_factory))
        elif said.default is not MISSING:
            setattr(cls, name, said.default)
        elif isinstance(given, Field):
            delattr(cls, name)
        cls.__assay_fields__ = {**cls.__dict__.get("__assay_fields__", {}), name: said}  # type: ignore[attr-defined]
    dataclasses.dataclass(kw_only=True)(cls)


def _metadata(hint: Any) -> tuple[Any, ...]:
    return tuple(hint.__metadata__) if typing.get_origin(hint) is typing.Annotated else ()


def nested_classes(hint: Any) -> list[type]:
    """The user's own annotated classes that an annotation names (an event's nested objects)."""
    if typing.get_origin(hint) is typing.Annotated:
        return nested_classes(hint.__origin__)
    arguments = typing.get_args(hint)
    if arguments and typing.get_origin(hint) is not typing.Literal:
        return [cls for argument in arguments for cls in nested_classes(argument)]
    return [hint] if is_object_class(hint) else []


def is_object_class(hint: Any) -> bool:
    """A class that describes a JSON object: it has annotated fields and is not an enum or a library's type."""
    import enum

    return (
        isinstance(hint, type)
        and not issubclass(hint, enum.Enum)
        and hint.__module__ not in ("builtins", "datetime")
        and bool(inspect.get_annotations(hint))
    )


# --- functions ------------------------------------------------------------------------------------------------------


def _mark(kind: str, function: F, place: Place, options: dict[str, Any]) -> F:
    if not isinstance(function, types.FunctionType):
        what = "a class" if isinstance(function, type) else f"a {type(function).__name__}"
        raise TypeError(f"@{kind} is for a function made by `def`, this is {what}")
    mark = Mark(kind, function, place, options)
    function.__assay__ = mark  # type: ignore[attr-defined]
    _declare(mark)
    return function


@overload
def feature(function: F, /) -> F: ...
@overload
def feature(*, size: int | None = None, python: bool = False) -> Callable[[F], F]: ...
def feature(function: F | None = None, /, *, size: int | None = None, python: bool = False) -> Any:
    """A pure function of fields, features, windows and models, which its parameters are named after."""
    place = _caller()
    options = {"size": size, "python": python}
    if function is not None:
        return _mark("feature", function, place, options)
    return lambda decorated: _mark("feature", decorated, place, options)


def rule(outcome: str, *, on_missing: str = "skip") -> Callable[[F], F]:
    """A boolean function that asks for an outcome; its docstring is the reason shown to people.

    `on_missing="fire"` makes it fire when an input is missing.
    """
    if callable(outcome):
        raise TypeError('@rule needs the outcome that it asks for: @rule("review")')
    place = _caller()
    return lambda function: _mark("rule", function, place, {"outcome": outcome, "on_missing": on_missing})


def decision(function: F) -> F:
    """The function that has the last word: it returns an outcome. Its parameter `fired` is the list of the rules that
    fired.
    """
    return _mark("decision", function, _caller(), {})


def thresholds(score: Any, /, **levels: float) -> Thresholds:
    """The usual decision: an outcome applies at or above its number, and the more severe of it and of the fired rules
    counts.
    """
    declared = Thresholds(score, levels, _caller())
    _declare(declared)
    return declared


def model(file_or_estimator: Any, /, inputs: Sequence[Any] | None = None, **options: Any) -> Any:
    """A trained model of LightGBM, XGBoost, CatBoost or scikit-learn: a file, or a fitted object. Its output is a
    feature: a number, or a list of numbers if it has several classes.

    Its inputs are matched by name to features, windows and fields, or by position with `inputs=[...]`.
    """
    declared = Model(file_or_estimator, inputs, options, _caller())
    _declare(declared)
    return declared


# --- windows --------------------------------------------------------------------------------------------------------

KINDS = (
    *("count", "sum", "mean", "min", "max", "std", "distinct", "last", "first", "since_last", "seen", "rate"),
    "decayed_sum",
)
WITHOUT_VALUE = ("count", "since_last", "rate")

By = str | Callable[..., Any] | Sequence[Any] | Mapping[Any, Any] | None


class _WindowKinds:
    """`window.KIND(...)`: an exact sliding window over earlier events."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"window.{name} does not exist; there are {', '.join(KINDS)}")

    @staticmethod
    def _window(kind: str, value: Any, options: dict[str, Any], more: tuple[Any, ...] = ()) -> Any:
        if more:
            takes = "no value" if kind in WITHOUT_VALUE else "one value"
            raise TypeError(f'window.{kind} takes {takes}; the rest is named: by="card", over="10m"')
        declared = Window(kind, value, options, _caller())
        _declare(declared)
        return declared

    def count(self, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """How many events."""
        return self._window("count", None, {"by": by, "over": over, **options}, more)

    def sum(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """`math.fsum` of the values (of ints: their sum as an int)."""
        return self._window("sum", value, {"by": by, "over": over, **options}, more)

    def mean(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """`statistics.fmean` of the values; None when there is none."""
        return self._window("mean", value, {"by": by, "over": over, **options}, more)

    def min(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """The least of the values, as Python's `min`; None when there is none."""
        return self._window("min", value, {"by": by, "over": over, **options}, more)

    def max(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """The greatest of the values, as Python's `max`; None when there is none."""
        return self._window("max", value, {"by": by, "over": over, **options}, more)

    def std(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """`statistics.stdev` of the values; None when there are fewer than two."""
        return self._window("std", value, {"by": by, "over": over, **options}, more)

    def distinct(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """How many different values."""
        return self._window("distinct", value, {"by": by, "over": over, **options}, more)

    def last(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """The latest value; None when there is none."""
        return self._window("last", value, {"by": by, "over": over, **options}, more)

    def first(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """The earliest value; None when there is none."""
        return self._window("first", value, {"by": by, "over": over, **options}, more)

    def since_last(self, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """Seconds since the latest event; None when there is none."""
        return self._window("since_last", None, {"by": by, "over": over, **options}, more)

    def seen(self, value: Any, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """Whether this event's value was seen."""
        return self._window("seen", value, {"by": by, "over": over, **options}, more)

    def rate(self, *more: Any, by: By = None, over: str | None = None, **options: Any) -> Any:
        """How many events, per second of `over`."""
        return self._window("rate", None, {"by": by, "over": over, **options}, more)

    def decayed_sum(
        self,
        value: Any,
        *more: Any,
        by: By = None,
        over: str | None = None,
        half_life: str | None = None,
        **options: Any,
    ) -> Any:
        """The sum of the values, each of which counts half as much for every `half_life` of its age."""
        return self._window("decayed_sum", value, {"by": by, "over": over, "half_life": half_life, **options}, more)


window = _WindowKinds()


# --- parts that are not there yet -----------------------------------------------------------------------------------


def _not_yet(what: str) -> Any:
    declared = NotYet(what, _caller())
    _declare(declared)
    return declared


class _Text:
    """`text.tokens(...)` and what is made of tokens."""

    def tokens(self, field: Any, tokenizer: Any, special: bool = True) -> Any:
        """The ids that a tokenizer gives for a text: exactly `Tokenizer.encode(text).ids` of the `tokenizers` package.

        `field` names a field or feature that is a str; `tokenizer` is a tokenizer.json or a rank file of tiktoken;
        `special=False` leaves out the special tokens of the post-processor. A feature of type `list[int]`.
        """
        declared = Tokens(field, tokenizer, special, _caller())
        _declare(declared)
        return declared

    def bag(self, tokens: Any, size: int) -> Any:
        """How often each token id came, counted by `id % size`: a vector feature of `size` floats."""
        declared = TextVector("bag", tokens, {"size": size}, _caller())
        _declare(declared)
        return declared

    def embed(self, tokens: Any, vectors: Any, pool: str = "mean") -> Any:
        """The tokens' rows of a table, pooled to one vector feature; zeros where there is no token.

        `vectors`: a .npy of float32 with a row for each id, a .npz of int8 `vectors` and a float32 `scales` for each
        row, or an array of float32. `pool`: "mean", "max" or "first" (the first token's row). A row is taken to doubles
        (int8 times its scale), and rows are added in the tokens' order. An id without a row is an IndexError of the
        feature.
        """
        declared = TextVector("embed", tokens, {"vectors": vectors, "pool": pool}, _caller())
        _declare(declared)
        return declared

    def vectorize(self, field: Any, fitted: Any) -> Any:
        """A text's numbers of a fitted scikit-learn vectorizer: `CountVectorizer`, `TfidfVectorizer` or
        `HashingVectorizer`, or a `Pipeline` that begins with one.

        `fitted`: the object, or a .skops file of it. A vectorizer or a pipeline that ends with `TruncatedSVD` gives a
        vector feature. One that ends with a classifier of two classes gives a number: `predict_proba` of the positive
        class, or `decision_function` where there are no probabilities (`LinearSVC`); with more classes a vector of one
        for each. A regressor gives its `predict`.

            words = CountVectorizer(max_features=64).fit(memos)
            memo_words = text.vectorize("memo", words)  # memo_words_0 ... memo_words_63
        """
        declared = TextVector("vectorize", field, {"fitted": fitted}, _caller())
        _declare(declared)
        return declared

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: _not_yet(f"text.{name}")


text = _Text()


def table(*_: Any, **__: Any) -> Any:
    """A reference table: not available yet."""
    return _not_yet("table")


def blocklist(*_: Any, **__: Any) -> Any:
    """A list that analysts edit: not available yet."""
    return _not_yet("blocklist")
