"""The cases of CPython's own test-suite for formats and datetimes: the literal operands in the source of its `test`
package, run in the engine and in CPython. Debian leaves that package out: they are skipped then."""

from __future__ import annotations

import ast
import datetime
import importlib.util
import itertools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from assay._freeze import CannotFreeze, freeze
from test_code_room import Case, Huge, binary, build, call, compare

UTC = datetime.UTC


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def tree_of(module: str) -> ast.Module:
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        pytest.skip(f"this Python comes without {module}")
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


MISSING = object()


def literal(node: ast.expr) -> Any:
    """The value of literals and plain operators on them; MISSING for what needs names."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if any(isinstance(n, ast.Name | ast.Call | ast.Attribute) for n in ast.walk(node)):
        return MISSING
    try:
        return eval(compile(ast.Expression(node), "case", "eval"), {"__builtins__": {}})
    except Exception:
        return MISSING


def freezable(*values: Any) -> bool:
    try:
        for value in values:
            freeze(value)
    except (CannotFreeze, RecursionError):
        return False
    return True


def shows_sets(value: Any) -> bool:
    return isinstance(value, set | frozenset) or (isinstance(value, tuple) and any(map(shows_sets, value)))


def percent(template: str, args: Any) -> str:
    numbers = [a for a in (args if isinstance(args, tuple) else (args,)) if isinstance(a, int)]
    if re.search(r"%[^a-zA-Z%]*\d{7}", template) or ("*" in template and any(abs(n) > 10**6 for n in numbers)):
        raise Huge
    return template % args


@pytest.mark.parametrize("module", ["test.test_format", "test.test_unicode", "test.test_bytes"])
def test_percent_formats(driver: Path, module: str) -> None:
    """testcommon(template, args, ...) and "..." % literal."""

    def cases() -> Iterator[Case]:
        for node in ast.walk(tree_of(module)):
            pairs: list[tuple[Any, Any]] = []
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                pairs.append((literal(node.args[0]), literal(node.args[1])))
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
                pairs.append((literal(node.left), literal(node.right)))
            for template, args in pairs:
                if (
                    isinstance(template, str)
                    and args is not MISSING
                    and freezable(template, args)
                    and not shows_sets(args)
                ):
                    yield binary("MOD", template, args, percent)

    compare(driver, cases(), 5)


SPECS = ["test.test_types", "test.test_float", "test.test_int", "test.test_long", "test.test_fstring"]


def test_format_specs(driver: Path) -> None:
    """test(value, spec, result), format(value, spec), and every second spec with every fourth number of the files."""

    def cases() -> Iterator[Case]:
        specs: set[str] = {".2f"}
        numbers: set[int | float] = {0}
        for module in SPECS:
            for node in ast.walk(tree_of(module)):
                if isinstance(node, ast.Call) and len(node.args) >= 2:
                    value, spec = literal(node.args[0]), literal(node.args[1])
                    if (
                        isinstance(spec, str)
                        and value is not MISSING
                        and freezable(value, spec)
                        and not shows_sets(value)
                    ):
                        yield call("format", (value, spec), format)
                        if len(spec) < 16 and not re.search(r"\d{4}", spec):
                            specs.add(spec)
                    if isinstance(value, int | float) and abs(value) < 10**30:
                        numbers.add(value)
        for spec, number in itertools.product(sorted(specs)[::2], sorted(numbers)[::4]):
            yield call("format", (number, spec), format)

    compare(driver, cases(), 3000)


# --- datetimes ---


def texts_of(module: str) -> list[str]:
    found = {n.value for n in ast.walk(tree_of(module)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return sorted(text for text in found if len(text) < 120 and freezable(text))


def parts_of(module: str) -> list[tuple[Any, ...]]:
    """The literal arguments of every call that could make a date, a time or a datetime."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call | ast.Tuple):
            items = [literal(a) for a in (node.args if isinstance(node, ast.Call) else node.elts)]
            if 0 < len(items) <= 7 and all(isinstance(i, int | float) for i in items):
                found.add(tuple(items))
    return sorted(found, key=repr)


def strptime(text: str, form: str) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(text, form)
    except re.error:
        raise ValueError from None


def test_texts_of_datetimetester(driver: Path) -> None:
    """Every text of datetimetester as an ISO text, and as a format of strftime of some datetimes."""
    texts = texts_of("test.datetimetester")
    cls = datetime.datetime
    moments = [
        cls(1900, 1, 1),
        cls(2024, 2, 29, 13, 5, 6, 7, tzinfo=UTC),
        cls(2010, 10, 31, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    ]

    def cases() -> Iterator[Case]:
        for text in texts:
            yield call("datetime.datetime.fromisoformat", (text,), cls.fromisoformat)
            yield call("datetime.date.fromisoformat", (text,), datetime.date.fromisoformat)
            yield call("datetime.time.fromisoformat", (text,), datetime.time.fromisoformat)
            if "%s" not in text:
                yield from (call(".strftime", (m, text), lambda v, f: v.strftime(f)) for m in moments)
                yield from (call("format", (m.timetz(), text), format) for m in moments)

    compare(driver, cases(), 3000)


def test_numbers_of_datetimetester(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for parts in parts_of("test.datetimetester"):
            for name, make in CONSTRUCTORS.items():
                least, most = COUNTS[name]
                if least <= len(parts) <= most:
                    yield call(name, parts, make)

    compare(driver, cases(), 600)


CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "datetime.datetime": datetime.datetime,
    "datetime.date": datetime.date,
    "datetime.time": datetime.time,
    "datetime.timedelta": datetime.timedelta,
    "datetime.date.fromisocalendar": datetime.date.fromisocalendar,
    "datetime.date.fromordinal": datetime.date.fromordinal,
    "datetime.datetime.utcfromtimestamp": datetime.datetime.utcfromtimestamp,
}
COUNTS = dict(zip(CONSTRUCTORS, [(3, 7), (3, 3), (0, 4), (0, 7), (3, 3), (1, 1), (1, 1)], strict=True))


@pytest.mark.parametrize("module", ["test.test_strptime", "test.datetimetester"])
def test_strptime_of_every_text_and_format(driver: Path, module: str) -> None:
    texts = texts_of(module)
    forms = [text for text in texts if "%" in text][:80]
    own = {name.lower() for name in time.tzname} - {"utc", "gmt"}
    plain = [t for t in texts if len(t) < 40 and not any(name in t.lower() for name in own)]

    def cases() -> Iterator[Case]:
        for form, text in itertools.product(forms, plain):
            yield call("datetime.datetime.strptime", (text, form), strptime)

    compare(driver, cases(), 2000)
