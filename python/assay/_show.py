"""`assay check` for people: rich text on a terminal, the same words as plain text elsewhere.

header, what runs where and what it costs  ->  problems  ->  (--verbose: every function, every note)  ->  parity
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from ._advice import code_of
from ._bounds import STEPS_MAX
from ._definition import Definition, Problem
from ._diagnostics import counted, render, shown
from ._events import show
from ._report import FunctionReport, totals_of

if TYPE_CHECKING:
    from ._check import Checked, Parity

DIFFERENCES_SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """What makes the exit status: 0 if nothing of it is so, else 1."""

    failed: bool  # errors in the definition, or engine and Python differ
    over_budget: bool
    not_native: bool  # and --native-only was asked for

    @property
    def status(self) -> int:
        return 1 if self.failed or self.over_budget or self.not_native else 0


def verdict(checked: Checked, native_only: bool) -> Verdict:
    return Verdict(checked.failed, checked.costs.over, native_only and totals_of(checked.functions).python > 0)


def time_of(ns: float) -> str:
    """A time as people say it: "41 ns", "3.9 us", "1.2 ms"."""
    for limit, unit in ((1e3, "ns"), (1e6, "us"), (1e9, "ms")):
        if ns < limit:
            value = ns / (limit / 1e3)
            return f"{value:.0f} {unit}" if value >= 100 or unit == "ns" else f"{value:.1f} {unit}"
    return f"{ns / 1e9:.1f} s"


def show_check(checked: Checked, console: Console, verbose: bool = False) -> None:
    definition = checked.definition
    if definition is not None:
        show_header(checked, definition, console)
    where = Where(checked.functions)
    if checked.problems:
        console.print(render(checked.problems, where.of), markup=False)
    if verbose and definition is not None:
        show_functions(checked.functions, console)
    if checked.parity is not None:
        show_parity(checked.parity, console)
    elif definition is not None:
        failed = checked.failed
        if failed:
            out = totals_of(checked.functions)
            count = sum(p.severity == "error" for p in checked.problems)
            named = f": {', '.join(out.names[:8])}{', ...' if len(out.names) > 8 else ''}" if out.names else ""
            console.print(f"  [red]it does not build[/]: {counted(count, 'error')}{escape(named)}")
        elif not checked.problems:
            console.print("  it builds; give --sample payments.jsonl to compare the engine with plain Python")
    elif checked.problems:
        count = sum(p.severity == "error" for p in checked.problems)
        console.print(f"  [red]it cannot be read[/]: {counted(count, 'error')}")


def show_header(checked: Checked, definition: Definition, console: Console) -> None:
    parts = [
        counted(len(definition.scored.fields), "field"),
        counted(len(definition.features), "feature"),
        counted(len(definition.windows), "window"),
        counted(len(definition.rules), "rule"),
        counted(len(definition.models), "model"),
    ]
    name = escape(checked.file.name)
    console.print(f"[bold]{name}[/]   {definition.scored.name}: {', '.join(parts)}\n")
    totals, costs = totals_of(checked.functions), checked.costs
    native = python = payment = ""
    if costs.native_us is not None:
        native = f"{time_of(costs.native_us * 1000):>12} a payment"
        if costs.first_us is not None:
            native += f", {time_of(costs.first_us * 1000)} where the caches are cold"
    if costs.python_us is not None:
        python = f"{time_of(costs.python_us * 1000):>12} a payment, in CPython"
    over = f"     [red]over the budget of {costs.budget_us:g} us[/]" if costs.over else ""
    if costs.payment_us is not None:
        payment = f"{time_of(costs.payment_us * 1000):>12}, JSON in, decision out (median){over}"
    elif over:
        python += over
    console.print(f"  [green]native[/]  {counted(totals.native, 'function'):>14}{native}")
    color = "red" if totals.python else "dim"
    console.print(f"  [{color}]python[/]  {counted(totals.python, 'function'):>14}{python}")
    if payment:
        console.print(f"  payment {'':>14}{payment}")
    if worst := worst_case(checked.functions):
        console.print(f"  worst case   {escape(worst)}")
    console.print()
    outcome = [window.name for window in definition.windows if window.outcome]
    if outcome:
        console.print(f"  outcome windows, entered once decided: {escape(', '.join(outcome))}\n")


def worst_case(functions: list[FunctionReport]) -> str:
    """The greatest bound that is proved, and the functions for which none is."""
    bound = [each for each in functions if each.bounds is not None and each.bounds.proved]
    loose = [each.name for each in functions if each.bounds is not None and not each.bounds.proved]
    said = []
    if bound:
        most = max(bound, key=lambda each: each.bounds.steps or 0 if each.bounds is not None else 0)
        steps = most.bounds.steps if most.bounds is not None else 0
        said.append(f"{counted(len(bound), 'function')} at most {steps:,} steps a call ({most.name})")
    if loose:
        names = ", ".join(loose[:4]) + (", ..." if len(loose) > 4 else "")
        said.append(f"{len(loose):,} up to the step limit: {names}")
    return "; ".join(said)


class Where:
    """In which functions a problem is: a helper's is each caller's."""

    def __init__(self, functions: list[FunctionReport]):
        self.functions = functions

    def of(self, problem: Problem) -> str:
        inside = [each for each in self.functions if problem in each.problems]
        if not inside or problem.severity != "error":
            return ""
        names = ", ".join(each.name for each in inside[:3]) + (", ..." if len(inside) > 3 else "")
        cost = inside[0].ns if len(inside) == 1 else None
        return f"in {names}" + (f", {time_of(cost)} a call in CPython" if cost is not None else "")


def show_functions(functions: list[FunctionReport], console: Console) -> None:
    """Every function with its types, cost and worst case, and the notes on where it may raise."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    for column, justify in (
        ("", "left"),
        ("function", "left"),
        ("gives", "left"),
        ("a call", "right"),
        ("at most", "right"),
        ("largest value", "right"),
    ):
        table.add_column(column, justify=justify, no_wrap=column in ("", "function"))  # type: ignore[arg-type]
    for each in functions:
        bounds = each.bounds
        gives = show(each.function.returns)
        if each.inferred and each.inferred != gives:
            gives += f" (of {each.inferred})"
        steps = "" if bounds is None else f"{bounds.steps:,} steps" if bounds.proved else "the step limit"
        table.add_row(
            "[green]native[/]" if each.native else "[red]python[/]",
            escape(each.name),
            escape(gives),
            time_of(each.ns) if each.ns is not None else "",
            steps,
            f"{bounds.bytes:,} bytes" if bounds is not None and bounds.bytes else "",
        )
    console.print(table)
    console.print(f"\n  [dim]steps: proved; the step limit is {STEPS_MAX:,} a call, then LimitError[/]\n")
    notes = [note for each in functions for note in each.notes]
    if notes:
        console.print("  where an exception can happen; the function's result is missing then\n", style="dim")
        console.print(render(list(dict.fromkeys(notes))), markup=False)


def show_parity(parity: Parity, console: Console) -> None:
    total = parity.payments + parity.context_events
    good = total - parity.differing_rows
    what = "payments" if not parity.context_events else "events"
    color = "red" if parity.differing_rows else "green"
    verdict = "native = Python, bit for bit" if not parity.differing_rows else "native and Python DIFFER in the rest"
    console.print(f"  parity    [{color}]{good:,} of {total:,} {what}: {verdict}[/]")
    if parity.refused:
        console.print(f"            {parity.refused:,} of them refused, by both in the same way")
    before: Any = None
    for difference in parity.differences[:DIFFERENCES_SHOWN]:
        place = f"{shown(Path(difference.row.file))}:{difference.row.line}"
        console.print(f"\n  {escape(place)}  [bold]{escape(difference.name)}[/]")
        console.print(f"      native  {difference.native!r}", markup=False)
        console.print(f"      python  {difference.python!r}", markup=False)
        for name, value in difference.inputs.items() if difference.row is not before else ():
            console.print(f"          {name} = {value!r}", markup=False)
        before = difference.row
    if parity.differing_rows:
        console.print("\n  a difference is a bug of the engine; the values above reproduce it")


# --- as JSON --------------------------------------------------------------------------------------------------------


def check_json(checked: Checked, native_only: bool) -> dict[str, Any]:
    """What --json prints; docs/check.md has its meaning."""
    from ._report import function_json, problem_json

    definition, parity, costs = checked.definition, checked.parity, checked.costs
    folder = checked.file.resolve().parent
    totals, said = totals_of(checked.functions), verdict(checked, native_only)
    return {
        "file": str(checked.file),
        "status": said.status,
        "functions": [function_json(each, folder) for each in checked.functions],
        "native": totals.native,
        "python": totals.python,
        "windows": [
            {"name": window.name, "kind": window.kind, "clock": window.clock, "outcome": window.outcome}
            for window in (definition.windows if definition is not None else [])
        ],
        "problems": [problem_json(problem, folder) for problem in checked.problems],
        "us_per_payment": costs.payment_us,
        "native_us": costs.native_us,
        "native_first_us": costs.first_us,
        "python_us": costs.python_us,
        "budget_us": costs.budget_us,
        "over_budget": said.over_budget,
        "parity": None if parity is None else parity_json(parity),
    }


def parity_json(parity: Parity) -> dict[str, Any]:
    return {
        "rows": parity.payments + parity.context_events,
        "differ": parity.differing_rows,
        "refused": parity.refused,
        "outcomes": dict(parity.outcomes),
        "differences": [
            {
                "file": str(difference.row.file),
                "line": difference.row.line,
                "name": difference.name,
                "native": repr(difference.native),
                "python": repr(difference.python),
            }
            for difference in parity.differences
        ],
    }


__all__ = ["Verdict", "check_json", "code_of", "counted", "show_check", "show_parity", "time_of", "verdict"]
