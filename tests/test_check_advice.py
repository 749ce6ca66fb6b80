"""What people are told about Python that the engine does not run: what, why, the way out; the same however it was
imported."""

from __future__ import annotations

import ast
import importlib
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from assay import _advice
from assay._definition import MISSING, DefinitionError, Problem
from assay._read import read

Define = Callable[[str], Path]

HEAD = """
import collections, datetime as dt, difflib, json, logging, math, random, re, time, uuid
from datetime import datetime
import numpy as np
from assay import *

SEEN = {}
LAST = []

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str = ""
    name: str = ""
    amount: float = 1.0
    tags: list[str] = Field(default_factory=list)
"""


def refused(define: Define, body: str) -> list[Problem]:
    from assay._compile import compile

    source = (
        f"{HEAD}\n@feature\ndef f(card: str, name: str, amount: float, tags: list[str]) -> float | str | int | None:\n"
    )
    with pytest.raises(DefinitionError) as raised:
        compile(read(define(source + textwrap.indent(body, "    ") + "\n")))
    return raised.value.problems


# What must stay refused whatever the compiler learns: it has no meaning that a replay could repeat.
FOREVER = [
    ("return datetime.now().hour", "clock", "datetime.now()", "arrival"),
    ("return dt.datetime.now().hour", "clock", "dt.datetime.now()", "arrival"),
    ("return time.time()", "clock", "time.time()", "arrival"),
    ("return random.random()", "random", "random.random()", "replay"),
    ("return uuid.uuid4()", "random", "uuid.uuid4()", ""),
    ("return open(card).read()", "io", "open()", "module level"),
    ("print(amount)\nreturn 1", "output", "print()", "test"),
    ("logging.info('x')\nreturn 1", "output", "logging.info()", "leave it out"),
    ("logging.getLogger().warning('x')\nreturn 1", "output", "logging.getLogger()", "leave it out"),
    ("return hash(card)", "identity", "hash()", "differs from process to process"),
    ("SEEN[card] = 1\nreturn 1", "state", "SEEN[card]", "window.count"),
    ("SEEN[card] += 1\nreturn 1", "state", "SEEN[card]", "window.count"),
    ("LAST.append(card)\nreturn 1", "state", "LAST.append()", "window.count"),
    ("global LAST\nreturn 1", "state", "global", "windows do"),
]


@pytest.mark.engine
@pytest.mark.parametrize(("body", "code", "construct", "help"), FOREVER, ids=lambda v: str(v)[:30])
def test_what_no_replay_could_repeat_says_why_and_what_to_write(
    define: Define, body: str, code: str, construct: str, help: str
) -> None:
    (problem,) = refused(define, body)
    assert (problem.code, problem.construct) == (code, construct)
    assert help in problem.help


@pytest.mark.engine
def test_a_call_on_something_that_was_refused_is_no_second_problem(define: Define) -> None:
    (problem,) = refused(define, "return difflib.SequenceMatcher(None, name, card).ratio().real")
    assert problem.construct == "difflib.SequenceMatcher()"


@pytest.mark.engine
def test_two_causes_in_one_function_are_two_problems(define: Define) -> None:
    found = refused(define, "a = time.time()\nreturn a + random.random()")
    assert [problem.code for problem in found] == ["clock", "random"]


# --- names ----------------------------------------------------------------------------------------------------------


def origin(expression: str, imports: str = "") -> str:
    names: dict[str, object] = {}
    exec(imports, names)
    node = ast.parse(expression, mode="eval").body
    import builtins

    return _advice.origin(node, lambda name: names.get(name, getattr(builtins, name, MISSING)))


@pytest.mark.parametrize(
    ("expression", "imports", "expected"),
    [
        ("np.log(x)", "import numpy as np", "numpy.log"),
        ("np.random.normal()", "import numpy as np", "numpy.random.normal"),
        ("log(x)", "from numpy import log", "numpy.log"),
        ("dt.datetime.now()", "import datetime as dt", "datetime.datetime.now"),
        ("datetime.now()", "from datetime import datetime", "datetime.datetime.now"),
        ("now()", "from datetime import datetime; now = datetime.now", "datetime.datetime.now"),
        ("SequenceMatcher(None, a, b)", "from difflib import SequenceMatcher", "difflib.SequenceMatcher"),
        ("print(x)", "", "print"),
        ("open(x)", "", "open"),
        ("frame.iterrows()", "", ".iterrows"),
        ("made(x).y.iterrows()", "", ".iterrows"),
        ("KEPT.add(x)", "KEPT = set()", "global.add"),
        ("KEPT.copy()", "KEPT = set()", "builtins.set.copy"),
        ("x + 1", "", ""),
    ],
)
def test_a_name_is_found_however_it_was_imported(expression: str, imports: str, expected: str) -> None:
    assert origin(expression, imports) == expected


@pytest.mark.parametrize(
    ("name", "code", "help"),
    [
        ("random.gauss", "random", "hashlib"),
        ("requests.get", "io", "module level"),
        ("requests.sessions.Session", "io", "module level"),
        ("sqlite3.connect", "io", "module level"),
        (".fetchone", "io", "module level"),
        ("pandas.DataFrame", "not-native", "to_dict"),
        (".iterrows", "not-native", "to_dict"),
        ("numpy.log", "not-native", "math.log(x)"),
        ("numpy.maximum", "not-native", "max(a, b)"),
        ("numpy.linalg.norm", "not-native", "plain Python"),
        ("difflib.SequenceMatcher", "not-native", "assay.fn.jaro_winkler(a, b)"),
        ("torch.tensor", "not-native", "model("),
        ("decimal.Decimal", "not-native", "minor units"),
        ("json.loads", "not-native", "nested class"),
    ],
)
def test_advice_is_of_the_name_or_of_the_module_around_it(name: str, code: str, help: str) -> None:
    advice = _advice.advice_of(name)
    assert advice is not None
    assert advice.code == code
    assert help in advice.help


def test_advice_leads_nowhere_that_is_not_there() -> None:
    advice = _advice.advice_of("difflib.SequenceMatcher", lambda name: False)
    assert advice is not None
    assert "assay.fn" not in advice.help


def test_unknown_names_have_no_advice() -> None:
    assert _advice.advice_of("mymodule.score") is None
    assert _advice.advice_of("") is None


def test_every_entry_of_the_table_has_a_rule_and_says_something() -> None:
    names = [name for advice in _advice.TABLE for name in advice.names.split()]
    assert len(names) == len(set(names))
    for advice in _advice.TABLE:
        assert advice.code in _advice.RULES
        assert advice.help and not advice.help.endswith(".")
        assert not advice.why.endswith(".")
    for rule in _advice.RULES.values():
        assert rule.title and rule.text.endswith(".")


def test_numpys_functions_exist_and_so_do_those_in_their_place() -> None:
    import math

    numpy = pytest.importorskip("numpy")
    for name, rewrite in _advice.NUMPY.items():
        assert hasattr(numpy, name), name
        for called in [word for word in rewrite.replace("(", " ").split() if word.startswith("math.")]:
            assert hasattr(math, called.removeprefix("math.")), rewrite


def test_the_modules_of_the_standard_library_that_advice_is_on_exist() -> None:
    """A misspelt name would never match: those that are there to be looked at are."""
    import sys

    for advice in _advice.TABLE:
        for name in advice.names.split():
            module, _, rest = name.partition(".")
            if module in sys.stdlib_module_names and rest not in ("", "*"):
                found = importlib.import_module(module)
                for part in rest.removesuffix("*").rstrip(".").split("."):
                    found = getattr(found, part, None) or importlib.import_module(f"{module}.{part}")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("while x:\n    pass", "while"),
        ("try:\n    pass\nexcept ValueError:\n    pass", "try"),
        ("a.b.c(1)", "a.b.c()"),
        ("x[0]", "x[0]"),
        ("lambda: 1", "a lambda"),
        ("{a: 1 for a in b}", "a dict comprehension"),
        ("async def f(): pass", "async def"),
    ],
)
def test_a_construct_has_a_name_for_people(source: str, expected: str) -> None:
    node: ast.AST = ast.parse(source).body[0]
    assert _advice.construct_of(node.value if isinstance(node, ast.Expr) else node) == expected
