"""numpy and pandas objects of a module, as the plain Python values that its functions look up.

A definition's own copy of its modules is changed so once it has run (`make_plain`): a numpy scalar becomes `.item()`,
an array an `Array`, a Series and a DataFrame what can be looked up in (`Series`, `Frame`), and the module numpy the few
of its functions whose results are exact (`numpy`). So the functions compute with Python's numbers, in the twin as in
the engine; a module that is imported in the ordinary way, in a test, keeps its own objects.

The classes are ordinary Python that the compiler inlines: what they do is what runs.
"""

from __future__ import annotations

import ast
import bisect
import dataclasses
import math
import sys
import types
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from ._classes import is_plain
from ._source import tree_of

ITEMS_MAX = 1_000_000  # of one array, Series or DataFrame


class Array(tuple[Any, ...]):
    """A numpy array: a tuple of its items, or of its rows. The methods that it lacks are called when it is built."""

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, tuple):
            found: Any = self
            for each in at:
                found = tuple.__getitem__(found, each)
            return found
        found = tuple.__getitem__(self, at)
        return Array(found) if isinstance(at, slice) else found

    def __getattr__(self, name: str) -> Any:
        return _of_original(_of_numpy(self), name)

    def item(self, at: int = 0) -> Any:
        return self[at]

    def searchsorted(self, value: Any, side: str = "left") -> int:
        return numpy.searchsorted(self, value, side)


class Folded:
    """A method of a numpy or pandas object whose call gives a constant: its arguments are constants too."""

    def __init__(self, method: Any):
        self.method = method

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return plain(self.method(*arguments, **named))


class Series:
    """A pandas Series as a look-up by its labels. A label stands there once."""

    def __init__(self, labels: tuple[Any, ...], items: Array, original: Any):
        self._original = original
        self.index = Array(labels)
        self.values = items
        self._table = dict(zip(labels, items, strict=True))
        self.loc = self.at = _ByLabel(self._table)
        self.iloc = self.iat = items

    def __getitem__(self, label: Any) -> Any:
        return self._table[label]

    def __contains__(self, label: Any) -> bool:
        return label in self._table

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def index_table(self) -> dict[Any, Any]:
        return self._table

    def get(self, label: Any, default: Any = None) -> Any:
        return self._table.get(label, default)

    def keys(self) -> Array:
        return self.index

    def items(self) -> Any:
        return self._table.items()

    def __getattr__(self, name: str) -> Any:
        return _of_original(self.__dict__.get("_original"), name)


class _ByLabel:
    """.loc and .at: by label, of a DataFrame by (label, column)."""

    def __init__(self, table: dict[Any, Any]):
        self._table = table

    def __getitem__(self, label: Any) -> Any:
        return self._table[label]


class Frame:
    """A pandas DataFrame as a look-up: FRAME.loc[label, "column"], FRAME.at[...], FRAME["column"][label]."""

    def __init__(self, labels: tuple[Any, ...], columns: dict[str, Series], original: Any):
        self._original = original
        self.index = Array(labels)
        self.columns = Array(columns)
        self._columns = columns
        cells = {(label, name): column[label] for name, column in columns.items() for label in labels}
        self.loc = self.at = _ByLabel(cells)

    def index_table(self) -> dict[str, None]:
        return dict.fromkeys(self._columns)

    def __getitem__(self, column: str) -> Series:
        return self._columns[column]

    def __contains__(self, column: str) -> bool:
        return column in self._columns

    def __len__(self) -> int:
        return len(self.index)

    def __getattr__(self, name: str) -> Any:
        columns = self.__dict__.get("_columns", {})
        return columns[name] if name in columns else _of_original(self.__dict__.get("_original"), name)


LOOKUPS = Series | Frame | _ByLabel | Folded


class numpy:
    """The functions of numpy that give exactly what Python's own numbers give."""

    nan, inf, pi, e = math.nan, math.inf, math.pi, math.e

    @staticmethod
    def isnan(x: Any) -> bool:
        return math.isnan(x)

    @staticmethod
    def isfinite(x: Any) -> bool:
        return math.isfinite(x)

    @staticmethod
    def isinf(x: Any) -> bool:
        return math.isinf(x)

    @staticmethod
    def clip(x: Any, low: Any, high: Any) -> Any:
        if x != x:
            return x
        x = low if low is not None and x < low else x
        return high if high is not None and x > high else x

    @staticmethod
    def minimum(a: Any, b: Any) -> Any:
        return a if a != a or a < b else b

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        return a if a != a or a > b else b

    @staticmethod
    def sign(x: Any) -> Any:
        if x != x:
            return x
        sign = (x > 0) - (x < 0)
        return float(sign) if isinstance(x, float) else sign

    @staticmethod
    def abs(x: Any) -> Any:
        return x if x != x else -x if x < 0 else x + 0

    @staticmethod
    def sqrt(x: Any) -> float:
        return math.sqrt(x) if x >= 0 else math.nan

    @staticmethod
    def floor(x: Any) -> float:
        return float(math.floor(x)) if math.isfinite(x) else x

    @staticmethod
    def ceil(x: Any) -> float:
        return float(math.ceil(x)) if math.isfinite(x) else x

    @staticmethod
    def searchsorted(edges: Any, value: Any, side: str = "left") -> int:
        return bisect.bisect_left(edges, value) if side == "left" else bisect.bisect_right(edges, value)

    @staticmethod
    def digitize(value: Any, bins: Any, right: bool = False) -> int:
        return bisect.bisect_left(bins, value) if right else bisect.bisect_right(bins, value)

    @staticmethod
    def float64(x: Any = 0.0) -> float:
        return float(x)

    @staticmethod
    def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08) -> bool:
        return a == b or (math.isfinite(b) and abs(a - b) <= atol + rtol * abs(b))

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        x = a if condition else b
        return float(x) if isinstance(a, float) or isinstance(b, float) else x

    @staticmethod
    def rint(x: Any) -> float:
        return numpy_rint(x)

    @staticmethod
    def round(x: Any, decimals: int = 0) -> Any:
        if isinstance(x, int):
            return x if decimals >= 0 else round(x, decimals)
        if decimals == 0:
            return numpy_rint(x)
        scale = 10.0 ** abs(decimals)
        return numpy_rint(x * scale) / scale if decimals > 0 else numpy_rint(x / scale) * scale

    @staticmethod
    def square(x: Any) -> Any:
        return x * x

    @staticmethod
    def radians(x: float) -> float:
        return x * (math.pi / 180.0)

    @staticmethod
    def degrees(x: float) -> float:
        return x * (180.0 / math.pi)

    # --- of a list of numbers ---

    @staticmethod
    def sum(xs: Any) -> Any:
        items = list(xs)
        if items and all(isinstance(x, int) for x in items):
            return sum(items)
        return total_of(items)

    @staticmethod
    def mean(xs: Any) -> float:
        items = list(xs)
        return total_of(items) / len(items) if items else math.nan

    @staticmethod
    def var(xs: Any, ddof: int = 0) -> float:
        return variance_of(list(xs), ddof)

    @staticmethod
    def std(xs: Any, ddof: int = 0) -> float:
        variance = variance_of(list(xs), ddof)
        return math.sqrt(variance) if variance >= 0 else math.nan

    @staticmethod
    def median(xs: Any) -> float:
        items = [float(x) for x in xs]
        if not items or any(x != x for x in items):
            return math.nan
        items.sort()
        half = len(items) // 2
        return items[half] + 0.0 if len(items) % 2 else (items[half - 1] + items[half] + 0.0) / 2.0

    @staticmethod
    def quantile(xs: Any, q: float) -> float:
        return quantile_of([float(x) for x in xs], q)

    @staticmethod
    def percentile(xs: Any, q: float) -> float:
        return quantile_of([float(x) for x in xs], q / 100)

    @staticmethod
    def max(xs: Any) -> Any:
        return extreme_of(list(xs), True)

    @staticmethod
    def min(xs: Any) -> Any:
        return extreme_of(list(xs), False)

    @staticmethod
    def ptp(xs: Any) -> Any:
        items = list(xs)
        return extreme_of(items, True) - extreme_of(items, False)

    @staticmethod
    def any(xs: Any) -> bool:
        return any(xs)

    @staticmethod
    def all(xs: Any) -> bool:
        return all(xs)

    @staticmethod
    def count_nonzero(xs: Any) -> int:
        return sum(1 for x in xs if x)

    amax, amin, around, deg2rad, rad2deg = max, min, round, radians, degrees


def numpy_rint(x: Any) -> float:
    return math.copysign(float(round(x)), x) if math.isfinite(x) else float(x)


def total_of(items: list[Any]) -> float:
    """Its sum as numpy adds: in pairs of pairs, so that errors stay small."""
    return 0.0 + pairwise(items, 0, len(items))


def pairwise(items: list[float], start: int, count: int) -> float:
    if count < 8:
        total = -0.0
        for at in range(start, start + count):
            total += items[at]
        return total
    if count <= 128:
        a, b, c, d, e, f, g, h = items[start : start + 8]
        end = start + count - count % 8
        for at in range(start + 8, end, 8):
            a += items[at]
            b += items[at + 1]
            c += items[at + 2]
            d += items[at + 3]
            e += items[at + 4]
            f += items[at + 5]
            g += items[at + 6]
            h += items[at + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h)) + 0.0
        for at in range(end, start + count):
            total += items[at]
        return total
    half = count // 2
    half -= half % 8
    return pairwise(items, start, half) + pairwise(items, start + half, count - half)


def variance_of(items: list[Any], ddof: int) -> float:
    n = len(items)
    if n - ddof <= 0:
        return math.nan
    mean = total_of(items) / n
    return total_of([(x - mean) * (x - mean) for x in items]) / (n - ddof)


def extreme_of(items: list[Any], greatest: bool) -> Any:
    if not items:
        raise ValueError("zero-size array to reduction operation which has no identity")
    best = items[0]
    for x in items:
        if x != x or ((x > best) if greatest else (x < best)):
            best = x
    return float(best) if any(isinstance(x, float) for x in items) else best


def quantile_of(items: list[float], q: float) -> float:
    """The one between two items where q falls."""
    if not 0 <= q <= 1:
        raise ValueError("Quantiles must be in the range [0, 1]")
    if not items or any(x != x for x in items):
        return math.nan
    items.sort()
    last = len(items) - 1
    position = last * q
    below = min(math.floor(position), last)
    above = min(below + 1, last)
    share = position - below
    a, b = items[below], items[above]
    return b - (b - a) * (1 - share) if share >= 0.5 else a + (b - a) * share


def of_function(found: Any) -> types.FunctionType | None:
    """What stands here for a function of numpy's itself, which an import inside a function names."""
    np = sys.modules.get("numpy")
    module = getattr(found, "__module__", None) or type(found).__module__
    name = getattr(found, "__name__", "")
    if np is None or module.partition(".")[0] != "numpy" or name not in vars(numpy) or getattr(np, name) is not found:
        return None
    made: Any = getattr(numpy, name)
    return made if isinstance(made, types.FunctionType) else None


def why_not(value: Any) -> str:
    """Why an object of numpy's or pandas' was left as it is."""
    kind = type(value).__name__
    if kind in ("Series", "DataFrame"):
        return "a look-up needs labels that stand there once, and numbers, strings or bools; .to_dict() gives a dict"
    return ".tolist() gives plain Python values"


class Plain:
    """Makes plain what functions can see of a module: its globals, their defaults and closures, their classes."""

    def __init__(self, sources: Collection[Path]):
        self.files = {str(path) for path in sources}
        self.names = _mentioned(sources)  # by functions: nothing else is looked at
        self.seen: dict[int, Any] = {}
        self.kept: list[Any] = []  # so that no id is used twice
        self.numpy = sys.modules.get("numpy")
        self.pandas = sys.modules.get("pandas")

    def module(self, module: types.ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if name not in self.names or name.startswith("__"):
                continue
            made = self.of(value)
            if made is not value:
                setattr(module, name, made)

    def of(self, value: Any, depth: int = 0) -> Any:
        if depth > 8 or value is None or type(value) in (int, float, str, bool, bytes):
            return value
        if id(value) not in self.seen:
            self.kept.append(value)
            self.seen[id(value)] = value  # of what contains itself
            self.seen[id(value)] = self.made(value, depth)
        return self.seen[id(value)]

    def made(self, value: Any, depth: int) -> Any:
        if self.numpy is not None and value is self.numpy:
            return numpy
        root = type(value).__module__.partition(".")[0]
        if root in ("numpy", "pandas"):
            return self.of_arrays(value)
        if root == "ipaddress":
            from ._prelude_ip import plain

            return plain(value)
        if isinstance(value, dict | list):
            self.container(value, depth)
        elif type(value) in (tuple, set, frozenset):
            items = [self.of(item, depth + 1) for item in value]
            if any(a is not b for a, b in zip(items, value, strict=True)):
                return type(value)(items)
        elif isinstance(value, tuple) and hasattr(value, "_make"):
            return value._make(self.of(item, depth + 1) for item in value)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            self.attributes(value, depth)
        elif getattr(sys.modules.get(type(value).__module__), "__file__", None) in self.files and is_plain(type(value)):
            for name, member in list(vars(value).items()):
                vars(value)[name] = self.of(member, depth + 1)
        elif isinstance(value, types.FunctionType) and value.__code__.co_filename in self.files:
            self.function(value, depth)
        elif type(value) is type and getattr(sys.modules.get(value.__module__), "__file__", None) in self.files:
            self.members(value, depth)
        return value

    def of_arrays(self, value: Any) -> Any:
        np, pd = self.numpy, self.pandas
        if np is not None and isinstance(value, np.generic):
            return _scalar(value)
        if np is not None and isinstance(value, np.ndarray):
            return _array(value)
        if pd is not None and isinstance(value, pd.Series):
            return _kept(_series(value), value)
        if pd is not None and isinstance(value, pd.DataFrame):
            return _kept(_frame(value), value)
        if pd is not None and isinstance(value, pd.Index):
            return _array(value.to_numpy())
        return value

    def container(self, value: dict[Any, Any] | list[Any], depth: int) -> None:
        if isinstance(value, list):
            value[:] = [self.of(item, depth + 1) for item in value]
            return
        pairs = [(self.of(k, depth + 1), self.of(v, depth + 1)) for k, v in value.items()]
        if any(a is not k or b is not v for (a, b), (k, v) in zip(pairs, value.items(), strict=True)):
            value.clear()
            value.update(pairs)

    def attributes(self, value: Any, depth: int) -> None:
        for field in dataclasses.fields(value):
            before = getattr(value, field.name, None)
            after = self.of(before, depth + 1)
            if after is not before:
                object.__setattr__(value, field.name, after)

    def function(self, value: types.FunctionType, depth: int) -> None:
        if value.__defaults__:
            value.__defaults__ = tuple(self.of(d, depth + 1) for d in value.__defaults__)
        named = value.__kwdefaults__
        if named:
            named.update({name: self.of(default, depth + 1) for name, default in named.items()})
        for cell in value.__closure__ or ():
            try:
                cell.cell_contents = self.of(cell.cell_contents, depth + 1)
            except ValueError:  # not filled yet
                continue

    def members(self, value: type, depth: int) -> None:
        for name, member in list(vars(value).items()):
            if not name.startswith("__"):
                made = self.of(member, depth + 1)
                if made is not member:
                    setattr(value, name, made)


def make_plain(modules: Iterable[types.ModuleType], sources: Collection[Path]) -> None:
    """Makes the modules of a definition plain, once they have run."""
    making = Plain(sources)
    for module in modules:
        making.module(module)


def _mentioned(sources: Iterable[Path]) -> set[str]:
    """All names that stand inside functions, as a name or as an attribute."""
    found: set[str] = set()
    for tree in map(tree_of, sources):
        for outer in ast.walk(tree) if tree is not None else ():
            if isinstance(outer, ast.FunctionDef | ast.Lambda):
                for node in ast.walk(outer):
                    if isinstance(node, ast.Name):
                        found.add(node.id)
                    elif isinstance(node, ast.Attribute):
                        found.add(node.attr)
    return found


def _of_numpy(items: Array) -> Any:
    return sys.modules["numpy"].array(_lists(items))


def _lists(items: Array) -> list[Any]:
    return [_lists(row) if isinstance(row, Array) else row for row in items]


def _of_original(original: Any, name: str) -> Any:
    """An attribute of the object that something stands for, plain; of a method what calls it."""
    if original is None or name.startswith("_"):
        raise AttributeError(name)
    found = getattr(original, name)
    return Folded(found) if callable(found) else plain(found)


def plain(value: Any) -> Any:
    """A value of numpy's or pandas', plain; any other as it is."""
    return Plain(()).of(value)


def _kept(made: Series | Frame | None, value: Any) -> Any:
    """What was made of it, also if that is empty; else itself."""
    return value if made is None else made


def _scalar(value: Any) -> Any:
    made = value.item()
    return made if type(made) in (int, float, bool, str, bytes) else value


def _array(value: Any) -> Any:
    if value.size > ITEMS_MAX or value.dtype.kind not in "biufUO":
        return value
    items = value.tolist()
    return _rows(items) if isinstance(items, list) else items


def _rows(items: list[Any]) -> Array:
    return Array(_rows(item) if isinstance(item, list) else item for item in items)


def _series(value: Any) -> Series | None:
    items = value.tolist()
    scalars = all(item is None or type(item) in (int, float, bool, str) for item in items)
    if not scalars or not value.index.is_unique or value.index.hasnans or len(items) > ITEMS_MAX:
        return None
    return Series(tuple(value.index.tolist()), Array(items), value)


def _frame(value: Any) -> Frame | None:
    columns = {name: _series(value[name]) for name in value.columns} if value.columns.is_unique else {}
    if not columns or any(column is None for column in columns.values()) or value.size > ITEMS_MAX:
        return None
    found = {str(name): column for name, column in columns.items() if column is not None}
    return Frame(tuple(value.index.tolist()), found, value)
