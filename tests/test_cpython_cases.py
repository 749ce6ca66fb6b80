"""The inputs of CPython's own test suite for str, int, float and datetime, from the Python that runs the tests: each
goes through the engine and must give what this CPython gives, value or exception."""

from __future__ import annotations

import ast
import datetime
import importlib
import operator
import re
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_code_room import BUILTINS, CODE, Case, binary, build, call, compare, unary

string_tests = pytest.importorskip("test.string_tests", reason="this Python comes without its test suite")

FUNCTIONS = (int, float, round, abs, divmod, pow, hex, oct, bin, bool, str, repr, ord, chr)
NUMBERS = {each.__name__: each for each in FUNCTIONS}
LINE = re.compile(r'BUILTIN\(\w+, "([^"]+)", (\d+), (\d+)\)')
ARGUMENTS = {name: (int(low), int(high)) for name, low, high in LINE.findall((CODE / "builtins.h").read_text())}
OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("ADD", operator.add),
    ast.Sub: ("SUB", operator.sub),
    ast.Mult: ("MUL", operator.mul),
    ast.Div: ("DIV", operator.truediv),
    ast.FloorDiv: ("FLOORDIV", operator.floordiv),
    ast.Mod: ("MOD", operator.mod),
    ast.BitAnd: ("BIT_AND", operator.and_),
    ast.BitOr: ("BIT_OR", operator.or_),
    ast.BitXor: ("BIT_XOR", operator.xor),
}
PLAIN = (str, int, float, bool, bytes, type(None))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("driver"))


def file_of(name: str) -> Path | None:
    try:
        module = importlib.import_module(name)
    except Exception:  # of a version that has it elsewhere
        return None
    return Path(module.__file__) if module.__file__ else None


def tree_of(name: str) -> ast.AST | None:
    file = file_of(name)
    return None if file is None else ast.parse(file.read_text(encoding="utf-8", errors="replace"))


def takes(name: str, count: int) -> bool:
    """Whether the engine has it, with so many arguments; what it refuses with another number is no bundle."""
    least, most = ARGUMENTS.get(name, (1, 0))
    return name in BUILTINS and least <= count <= most


def texts_of(trees: list[ast.AST | None], longest: int) -> list[str]:
    nodes = (node for tree in trees if tree is not None for node in ast.walk(tree))
    found = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return list(dict.fromkeys(text for text in found if is_plain(text) and len(text) < longest))


# --- str: what its tests ask of each method ---


def is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return all(is_plain(item) for item in value)
    if type(value) not in PLAIN:
        return False
    return not isinstance(value, str) or not any(0xD800 <= ord(c) < 0xE000 for c in value)


def asked() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each method and its arguments, the receiver first."""
    found: list[tuple[str, tuple[Any, ...]]] = []

    mixins = ("CommonTest", "BaseTest", "MixinStrUnicodeUserStringTest", "StringLikeTest", "MixinStrUnicodeTest")
    bases = [getattr(string_tests, name) for name in mixins if hasattr(string_tests, name)]  # they moved over the years

    class Asking(unittest.TestCase):
        type2test = str

        def checkequal(self, result: Any, object: Any, methodname: str, *args: Any, **kwargs: Any) -> None:
            if not kwargs:
                found.append((methodname, (object, *args)))

        def checkraises(self, exc: Any, obj: Any, methodname: str, *args: Any, **kwargs: Any) -> None:
            found.append((methodname, (obj, *args)))

        def checkcall(self, object: Any, methodname: str, *args: Any) -> None:
            found.append((methodname, (object, *args)))

    alone = [base for base in bases if not any(other is not base and issubclass(other, base) for other in bases)]
    harvest = type("Harvest", (Asking, *alone), {})
    for name in unittest.TestLoader().getTestCaseNames(harvest):
        harvest(name).run(unittest.TestResult())  # whatever else it asserts is its own matter
    yield from found


def test_methods_of_str(driver: Path) -> None:
    def cases() -> Iterator[Case]:
        for method, args in asked():
            name = f".{method}"
            small = sum(len(a) for a in args if isinstance(a, str)) < 5000
            if takes(name, len(args)) and isinstance(args[0], str) and all(map(is_plain, args)) and small:
                yield call(name, args, lambda receiver, *rest, method=method: getattr(receiver, method)(*rest))

    compare(driver, cases(), 900)


# --- numbers: every call and every operation that stands in their tests with constants ---


def constant(node: ast.expr) -> Any:
    value = ast.literal_eval(node)
    if not is_plain(value):
        raise ValueError("no plain value")
    return value


def numeric(tree: ast.AST) -> Iterator[Case]:
    for node in ast.walk(tree):
        try:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
                if node.func.id in NUMBERS and takes(node.func.id, len(node.args)):
                    yield call(node.func.id, tuple(map(constant, node.args)), NUMBERS[node.func.id])
            elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
                name, function = OPERATORS[type(node.op)]
                left, right = constant(node.left), constant(node.right)
                if isinstance(left, int | float) and isinstance(right, int | float):  # no text of a megabyte
                    yield binary(name, left, right, function)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                yield unary("NEG", constant(node.operand), operator.neg)
        except (ValueError, TypeError, MemoryError, RecursionError):
            continue


def test_numbers(driver: Path) -> None:
    trees = [tree_of(f"test.{name}") for name in ("test_int", "test_long", "test_float", "test_bool", "test_builtin")]
    texts = texts_of(trees, 300)

    def cases() -> Iterator[Case]:
        for tree in trees:
            yield from () if tree is None else numeric(tree)
        for text in texts:
            yield call("int", (text,), int)
            yield call("float", (text,), float)
            for base in (0, 2, 16, 36):
                yield call("int", (text, base), int)

    compare(driver, cases(), 5000)


# --- datetime: every text of its tests, read as a date, a time and both ---


def test_texts_of_datetime(driver: Path) -> None:
    tree = tree_of("test.datetimetester")
    if tree is None:
        pytest.skip("this Python comes without test.datetimetester")
    texts = texts_of([tree], 100)
    readers: list[tuple[str, Callable[[str], Any]]] = [
        ("datetime.datetime.fromisoformat", datetime.datetime.fromisoformat),
        ("datetime.date.fromisoformat", datetime.date.fromisoformat),
        ("datetime.time.fromisoformat", datetime.time.fromisoformat),
    ]
    compare(driver, (call(name, (text,), read) for text in texts for name, read in readers if name in BUILTINS), 1500)
