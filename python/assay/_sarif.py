"""`assay check --sarif`: the findings in SARIF 2.1.0, the format that editors and code hosts show beside the code.

Columns count characters (`columnKind`), lines and columns begin at 1, an end column is the one after the last
character. A rewrite is text for people: in the message and in `properties.rewrite`, since nothing here can edit code.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._advice import RULES, code_of
from ._definition import Problem
from ._report import in_order, place_json
from ._source import line_of

if TYPE_CHECKING:
    from ._check import Checked

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "note": "note"}
RULE_LEVELS = {"may-raise": "note", "may-be-none": "warning", "not-evaluated": "warning", "raised": "warning"}


def sarif(checked: Checked, status: int) -> dict[str, Any]:
    """One run with every problem, and the notes on exceptions."""
    notes = [note for each in checked.functions for note in each.notes]
    codes = list(RULES)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "assay", "version": _version(), "rules": [_rule(code) for code in codes]}},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"DEFINITION": {"uri": checked.file.resolve().parent.as_uri() + "/"}},
                "invocations": [{"executionSuccessful": True, "exitCode": status}],
                "results": [
                    _result(problem, codes, checked.file)
                    for problem in [*in_order([*checked.problems, *parity_problems(checked), *notes])]
                ],
            }
        ],
    }


def parity_problems(checked: Checked) -> list[Problem]:
    """Differences and a payment over its budget, which have no line of their own, as problems."""
    found = []
    parity = checked.parity
    if parity is not None and parity.differing_rows:
        names = ", ".join(dict.fromkeys(difference.name for difference in parity.differences))
        message = f"engine and Python differ in {parity.differing_rows:,} events: {names}"
        found.append(Problem(None, message, "a difference is a bug of the engine", code="parity"))
    if checked.costs.over:
        message = f"a payment takes {checked.costs.total_us:.1f} us, the budget is {checked.costs.budget_us:g} us"
        found.append(Problem(None, message, code="budget"))
    return found


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text},
        "help": {"text": f"{rule.text} See docs/check.md."},
        "defaultConfiguration": {"level": RULE_LEVELS.get(code, "error")},
    }


def _result(problem: Problem, codes: list[str], file: Path) -> dict[str, Any]:
    code = code_of(problem)
    text = ". ".join(part for part in (problem.message, problem.why) if part)
    if problem.help:
        text += f" — {problem.help}"
    result: dict[str, Any] = {
        "ruleId": code,
        "ruleIndex": codes.index(code),
        "level": LEVELS[problem.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(problem, file.resolve())}],
        "properties": {"rewrite": problem.help or None, "construct": problem.construct or None},
    }
    return result


def _location(problem: Problem, file: Path) -> dict[str, Any]:
    place = problem.place
    if place is None:
        return {"artifactLocation": {"uri": file.name, "uriBaseId": "DEFINITION"}}
    at = place_json(place, file.parent)
    region: dict[str, Any] = {
        "startLine": at["line"],
        "startColumn": at["column"],
        "endLine": at["end_line"],
        "endColumn": at["end_column"],
    }
    source = line_of(place.file, place.line)
    if source:
        region["snippet"] = {"text": source}
    inside = place.file.is_relative_to(file.parent)
    artifact = (
        {"uri": _uri(place.file.relative_to(file.parent)), "uriBaseId": "DEFINITION"}
        if inside
        else {"uri": place.file.as_uri()}
    )
    return {"artifactLocation": artifact, "region": region}


def _uri(path: Path) -> str:
    from urllib.parse import quote

    return quote(path.as_posix())


def _version() -> str:
    try:
        return version("assay")
    except PackageNotFoundError:
        return "0"
