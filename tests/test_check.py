"""`assay check` as people, programs, editors and CI run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import assay as package
import pytest
from sarif_pydantic import Sarif

pytestmark = pytest.mark.engine

GOOD = '''
from datetime import datetime
from assay import event, feature, rule, window

history = "empty"

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float = 1.0
    memo: str = ""

n = window.count(by="card", over="10m")
usual = window.mean("amount", by="card", over="30d")

@feature
def doubled(amount: float) -> float:
    return amount * 2

@feature
def inverse(amount: float) -> float:
    return 1 / amount

@feature
def against(amount: float, usual: float | None) -> float:
    return amount / usual

@feature
def digits(memo: str) -> int:
    return sum(c.isdigit() for c in memo)

@rule("review")
def many(n: int) -> bool:
    """Many."""
    return n > 1
'''
BAD = (
    GOOD
    + """
import difflib, random

@feature
def alike(card: str, memo: str) -> float:
    return difflib.SequenceMatcher(None, card, memo).ratio()

@feature
def chance(amount: float) -> float:
    return amount * random.random()
"""
)


def environment(**more: str) -> dict[str, str]:
    folder = str(Path(package.__file__).absolute().parent.parent)
    return os.environ | {"PYTHONPATH": folder, "NO_COLOR": "1", "COLUMNS": "120"} | more


def check(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assay", "check", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=120, check=False
    )


def found(folder: Path, *arguments: str) -> dict[str, Any]:
    result = check(folder, *arguments, "--json")
    assert result.stdout, result.stderr
    loaded: dict[str, Any] = json.loads(result.stdout)
    assert loaded["status"] == result.returncode
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    lines = [
        {"id": f"p{n}", "at": f"2026-01-01T00:{n:02}:00Z", "card": "c", "amount": 1 + n / 3, "memo": "a1" * n}
        for n in range(30)
    ]
    (tmp_path / "payments.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


# --- for people -----------------------------------------------------------------------------------------------------


def test_the_header_counts_and_says_what_a_payment_costs(folder: Path) -> None:
    result = check(folder, "good.py", "--sample", "payments.jsonl")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "good.py   Payment: 5 fields, 4 features, 2 windows, 1 rule, 0 models" in result.stderr
    assert re.search(
        r"native +5 functions +[0-9.]+ [nu]s a payment, [0-9.]+ [nu]s where the caches are cold", result.stderr
    )
    assert re.search(r"python +0 functions\n", result.stderr)
    assert re.search(r"payment +[0-9.]+ [num]s, JSON in, decision out \(median\)\n", result.stderr)
    assert "parity    30 of 30 payments: native = Python, bit for bit" in result.stderr


def test_a_warning_shows_the_line_the_caret_and_the_way_out(folder: Path) -> None:
    result = check(folder, "good.py")
    line = GOOD.split("\n").index("    return amount / usual") + 1
    assert result.returncode == 0
    assert f"good.py:{line}:21  usual may be None here" in result.stderr
    assert (
        f"    {line} |     return amount / usual\n       |                     ^^^^^ `float | None`: test it"
        in result.stderr
    )


def test_what_is_not_native_says_where_why_and_what_it_costs_in_python(folder: Path) -> None:
    result = check(folder, "bad.py", "--sample", "payments.jsonl")
    assert result.returncode == 1
    assert re.search(r"native +5 functions", result.stderr)
    assert re.search(r"python +2 functions +[0-9.]+ us a payment, in CPython", result.stderr)
    assert re.search(
        r"bad.py:43:12  difflib.SequenceMatcher\(\) is not available yet  \(in alike, [0-9.]+ us a call in CPython\)",
        result.stderr,
    )
    assert "it does not build: 2 errors: alike, chance" in result.stderr
    assert "parity" not in result.stderr


def test_verbose_lists_every_function_and_where_it_may_raise(folder: Path) -> None:
    result = check(folder, "good.py", "--verbose")
    for name in ("doubled", "inverse", "against", "digits", "many"):
        assert re.search(rf"native +{name} +\w+.* [0-9,]+ steps", result.stderr), name
    assert "ZeroDivisionError is possible here" in result.stderr
    assert "ZeroDivisionError" not in check(folder, "good.py").stderr


def test_the_worst_case_names_the_function_and_those_without_a_bound(folder: Path) -> None:
    (folder / "good.py").write_text(
        GOOD + "\n@feature\ndef pairs(memo: str) -> int:\n    return sum(1 for a in memo for b in memo)\n"
    )
    shown = check(folder, "good.py").stderr
    assert re.search(
        r"worst case   5 functions at most [0-9,]+ steps a call \(digits\); 1 up to the step limit: pairs\n", shown
    )


def test_colours_are_for_terminals_that_want_them(folder: Path) -> None:
    plain = check(folder, "bad.py").stderr
    assert "\x1b" not in plain
    coloured = check(folder, "bad.py", FORCE_COLOR="1", NO_COLOR="").stderr
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_help_names_the_exit_status_and_every_option(folder: Path) -> None:
    shown = check(folder, "--help").stdout
    for word in (
        "--sample",
        "--budget",
        "--native-only",
        "--verbose",
        "--json",
        "--sarif",
        "Exit status",
        "docs/check.md",
    ):
        assert word in shown


# --- exit status ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("good.py",), 0),
        (("good.py", "--native-only"), 0),
        (("good.py", "--sample", "payments.jsonl", "--budget", "10s"), 0),
        (("good.py", "--sample", "payments.jsonl", "--budget", "1ns"), 1),
        (("good.py", "--sample", "payments.jsonl", "--budget", "0.5us"), 1),
        (("bad.py",), 1),
        (("bad.py", "--native-only"), 1),
        (("missing.py",), 1),
        (("good.py", "--budget", "5us"), 2),
        (("good.py", "--sample", "payments.jsonl", "--budget", "5 lightyears"), 2),
        (("good.py", "--sample", "payments.jsonl", "--budget", "0us"), 2),
        (("good.py", "--sample", "missing.jsonl"), 2),
        (("good.py", "--json", "--sarif", "-"), 2),
        (("good.py", "--smaple", "payments.jsonl"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_status(folder: Path, arguments: tuple[str, ...], status: int) -> None:
    assert check(folder, *arguments).returncode == status


def test_over_the_budget_is_said(folder: Path) -> None:
    result = check(folder, "good.py", "--sample", "payments.jsonl", "--budget", "1ns")
    assert "over the budget of 0.001 us" in result.stderr


def test_an_option_that_is_misspelt_names_the_nearest(folder: Path) -> None:
    assert "--sample" in check(folder, "good.py", "--smaple", "x").stderr


# --- several problems -----------------------------------------------------------------------------------------------


def test_problems_of_several_files_come_in_order_and_once(folder: Path) -> None:
    (folder / "helpers.py").write_text("import time\n\ndef now():\n    return time.time()\n")
    uses = "\n".join(f"@feature\ndef f{n}(amount: float) -> float:\n    return amount + now()\n" for n in range(3))
    more = (
        "\nfrom helpers import now\nimport random\n"
        + uses
        + "\n@feature\ndef g(amount: float) -> float:\n    return random.random()\n"
    )
    (folder / "good.py").write_text(GOOD + more)
    loaded = found(folder, "good.py")
    errors = [p for p in loaded["problems"] if p["severity"] == "error"]
    assert [(p["file"], p["code"]) for p in errors] == [("good.py", "random"), ("helpers.py", "clock")]
    out = {f["name"]: f for f in loaded["functions"] if not f["native"]}
    assert sorted(out) == ["f0", "f1", "f2", "g"]
    assert {out[f"f{n}"]["construct"] for n in range(3)} == {"time.time()"}
    shown = check(folder, "good.py").stderr
    assert shown.count("time.time() cannot be used") == 1
    assert "(in f0, f1, f2)" in shown


def test_a_syntax_error_stands_at_its_place(folder: Path) -> None:
    (folder / "broken.py").write_text("from assay import *\n\ndef f(x:\n    return 1\n")
    result = check(folder, "broken.py")
    assert result.returncode == 1
    assert "broken.py:3:6  SyntaxError: '(' was never closed" in result.stderr
    assert "     3 | def f(x:" in result.stderr
    (problem,) = found(folder, "broken.py")["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("syntax", 3, 6)


def test_a_syntax_error_in_a_module_that_is_imported_stands_there(folder: Path) -> None:
    (folder / "helpers.py").write_text("def f(:\n")
    (folder / "good.py").write_text("import helpers\n" + GOOD)
    (problem,) = found(folder, "good.py")["problems"]
    assert (problem["file"], problem["line"], problem["code"]) == ("helpers.py", 1, "syntax")


def test_a_module_that_raises_shows_the_users_line(folder: Path) -> None:
    (folder / "helpers.py").write_text("def load(path):\n    return open(path).read()\n")
    (folder / "good.py").write_text(GOOD + '\nfrom helpers import load\nRATES = load("rates.csv")\n')
    result = check(folder, "good.py")
    assert result.returncode == 1
    assert "helpers.py:2:12  FileNotFoundError" in result.stderr
    assert "return open(path).read()" in result.stderr
    assert re.search(r'called from good.py:\d+: RATES = load\("rates.csv"\)', result.stderr)
    assert "Traceback" not in result.stderr
    (problem,) = found(folder, "good.py")["problems"]
    assert problem["code"] == "module-raised"


# --- for programs ---------------------------------------------------------------------------------------------------

FIXED = {"name", "file", "line", "native", "reason", "construct", "rewrite", "type", "ns"}


def test_json_has_the_fixed_keys_of_each_function(folder: Path) -> None:
    loaded = found(folder, "bad.py", "--sample", "payments.jsonl")
    functions = {each["name"]: each for each in loaded["functions"]}
    assert list(functions) == ["doubled", "inverse", "against", "digits", "alike", "chance", "many"]
    assert all(each.keys() >= FIXED for each in loaded["functions"])
    assert functions["alike"] | {"ns": 0} == functions["alike"] | {
        "ns": 0,
        "native": False,
        "file": "bad.py",
        "line": 42,
        "construct": "difflib.SequenceMatcher()",
        "reason": "difflib.SequenceMatcher() is not available yet",
        "type": "float",
    }
    assert functions["alike"]["ns"] > 100
    assert functions["doubled"]["native"] and functions["doubled"]["reason"] is None
    assert functions["doubled"]["ns"] is None  # it does not build, so nothing ran in the engine
    assert (loaded["native"], loaded["python"]) == (5, 2)
    assert loaded["parity"] is None


def test_json_has_types_costs_and_worst_cases(folder: Path) -> None:
    loaded = found(folder, "good.py", "--sample", "payments.jsonl")
    functions = {each["name"]: each for each in loaded["functions"]}
    assert all(1 <= each["ns"] < 1e6 and each["ns_first"] >= 1 for each in loaded["functions"])
    assert functions["against"]["reads"] == [
        {"name": "amount", "kind": "field", "type": "float"},
        {"name": "usual", "kind": "window", "type": "float | None"},
    ]
    line = GOOD.split("\n").index("    return amount / usual") + 1
    place = {"file": "good.py", "line": line, "column": 21, "end_line": line, "end_column": 26}
    assert functions["against"]["may_be_none"] == [place]
    (raises,) = functions["inverse"]["may_raise"]
    assert (raises["exception"], raises["column"], raises["end_column"]) == ("ZeroDivisionError", 12, 22)
    assert functions["many"]["steps"] < functions["digits"]["steps"] <= 32 * 1024
    assert functions["digits"]["inferred"] == functions["digits"]["type"] == "int"
    assert loaded["us_per_payment"] > 0
    assert loaded["parity"]["rows"] == 30 and loaded["parity"]["differ"] == 0


def test_functions_of_every_kind_are_listed_and_timed(folder: Path) -> None:
    more = """
from assay import decision

@event(id="id", time="at", scored=False)
class Login:
    id: str
    at: datetime
    card: str
    ok: bool = True

def failed(login: Login) -> bool:
    return not login.ok

failures = window.count(by="card", over="1h", on=Login, where="failed")

@decision
def decide(fired: list[str], failures: int) -> str:
    return "review" if fired or failures else "approve"
"""
    (folder / "good.py").write_text(GOOD + more.replace("def failed", "@feature\ndef failed"))
    logins = '{"id": "l", "at": "2026-01-01T00:00:30Z", "card": "c", "ok": false}\n'
    (folder / "logins.jsonl").write_text(logins)
    loaded = found(folder, "good.py", "--sample", "payments.jsonl", "Login=logins.jsonl")
    kinds = {each["name"]: each["kind"] for each in loaded["functions"]}
    assert kinds["failed"] in ("where", "feature") and kinds["decide"] == "decision"
    assert all(each["ns"] > 0 for each in loaded["functions"]), loaded["functions"]
    assert loaded["parity"]["rows"] == 31 and loaded["parity"]["differ"] == 0
    (fired,) = [read for f in loaded["functions"] for read in f["reads"] if read["name"] == "fired"]
    assert fired == {"name": "fired", "kind": "fired", "type": "list[str]"}


def test_ns_rise_with_the_work(folder: Path) -> None:
    long = GOOD + "\n@feature\ndef squares(amount: float) -> float:\n    return sum(amount * i for i in range(2000))\n"
    (folder / "good.py").write_text(long)
    functions = {each["name"]: each for each in found(folder, "good.py", "--sample", "payments.jsonl")["functions"]}
    assert functions["squares"]["ns"] > 20 * functions["doubled"]["ns"]
    assert functions["squares"]["steps"] > 2000


def test_measuring_a_function_changes_nothing_that_can_be_seen(folder: Path) -> None:
    from assay._compile import build
    from assay._engine import Engine

    build(folder / "good.py", folder / "good.assay")
    with Engine(str(folder / "good.assay")) as engine:
        engine.event("", b'{"id": "1", "at": "2026-01-01T00:00:00Z", "card": "c", "amount": 2, "memo": "a1b2"}')
        before = engine.values()
        for number in range(5):
            assert engine.time(number, 100) > 0
        assert engine.values() == before
        with pytest.raises(ValueError, match="no such function"):
            engine.time(99, 1)
        with pytest.raises(ValueError, match="nothing to do"):
            engine.time(0, 0)
        _, body = engine.event("", b'{"id": "2", "at": "2026-01-01T00:00:01Z", "card": "c", "amount": 2}')
        assert json.loads(body)["errors"] == []


def test_a_bundle_that_the_engine_refuses_is_an_error_not_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay import _check

    right = _check.write_bundle

    def wrong(parts: dict[str, bytes], out: Path) -> str:
        return right({**parts, "code.bin": b"12345"}, out)

    monkeypatch.setattr(_check, "write_bundle", wrong)
    checked = _check.check(folder / "good.py")
    assert checked.failed
    assert checked.problems[0].message.startswith("the engine refuses what was built: code: 5 bytes")


# --- for editors ----------------------------------------------------------------------------------------------------

LEVELS = {"none", "note", "warning", "error"}


def valid_sarif(log: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a log that has what SARIF 2.1.0 requires: as another project's model of the format takes it, and
    what that does not look at."""
    Sarif.model_validate(log)
    assert log["version"] == "2.1.0"
    assert log.keys() <= {"$schema", "version", "runs", "inlineExternalProperties", "properties"}
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
    for result in run["results"]:
        assert result.keys() <= {"ruleId", "ruleIndex", "level", "message", "locations", "properties", "fixes"}
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        for location in result["locations"]:
            physical = location["physicalLocation"]
            assert not re.search(r"[\s\\]", physical["artifactLocation"]["uri"])
            base = physical["artifactLocation"].get("uriBaseId")
            assert base is None or run["originalUriBaseIds"][base]["uri"].endswith("/")
            if "region" in physical:
                region = physical["region"]
                assert all(isinstance(region[k], int) and region[k] >= 1 for k in region if k != "snippet")
                assert (region["endLine"], region["endColumn"]) > (region["startLine"], region["startColumn"])
    results: list[dict[str, Any]] = run["results"]
    return results


def test_sarif_has_every_problem_at_its_columns(folder: Path) -> None:
    result = check(folder, "bad.py", "--sarif", "-")
    assert result.returncode == 1
    results = valid_sarif(json.loads(result.stdout))
    by_rule = {each["ruleId"]: each for each in results}
    assert by_rule.keys() == {"not-native", "random", "may-be-none", "may-raise"}
    assert by_rule["random"]["level"] == "error"
    assert by_rule["may-be-none"]["level"] == "warning"
    assert by_rule["may-raise"]["level"] == "note"
    physical = by_rule["random"]["locations"][0]["physicalLocation"]
    region = physical["region"]
    line = BAD.split("\n")[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "random.random()"
    assert physical["artifactLocation"] == {"uri": "bad.py", "uriBaseId": "DEFINITION"}
    assert by_rule["random"]["properties"]["rewrite"] in by_rule["random"]["message"]["text"]


def test_sarif_goes_to_a_file_beside_the_output_for_people(folder: Path) -> None:
    result = check(folder, "good.py", "--sample", "payments.jsonl", "--sarif", "out.sarif", "--budget", "1ns")
    assert "native = Python, bit for bit" in result.stderr
    results = valid_sarif(json.loads((folder / "out.sarif").read_text()))
    assert "budget" in {each["ruleId"] for each in results}


def test_sarif_counts_characters_not_bytes(folder: Path) -> None:
    text = GOOD + '\n@feature\ndef g(memo: str) -> float:\n    return len("äöü€😀") + undefined\n'
    (folder / "good file.py").write_text(text)
    results = valid_sarif(json.loads(check(folder, "good file.py", "--sarif", "-").stdout))
    physical = next(each for each in results if each["ruleId"] == "name")["locations"][0]["physicalLocation"]
    region = physical["region"]
    assert text.split("\n")[region["startLine"] - 1][region["startColumn"] - 1 : region["endColumn"] - 1] == "undefined"
    assert physical["artifactLocation"]["uri"] == "good%20file.py"


# --- completion -----------------------------------------------------------------------------------------------------


def complete(line: str) -> list[str]:
    words = line.split(" ")
    result = subprocess.run(
        [sys.executable, "-m", "assay"],
        env=environment(_ASSAY_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.stdout.split()


def test_tab_completes_commands_and_options() -> None:
    assert complete("assay che") == ["check"]
    assert set(complete("assay check --")) >= {
        "--sample",
        "--budget",
        "--native-only",
        "--json",
        "--sarif",
        "--verbose",
    }
    assert complete("assay check --nat") == ["--native-only"]
