"""Which functions of a definition compile, each by itself, so that one that does not hides no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay._compile import Plan, compile
from assay._definition import Definition, DefinitionError, FunctionDef, ModelDef, Problem, Source, WindowDef
from assay._read import read


@dataclass
class Native:
    definition: Definition
    functions: list[FunctionDef]  # all of them: features, rules, the decision
    plan: Plan | None  # of those that compile; None if none does
    refused: dict[str, list[Problem]]  # the others, with what the compiler says

    @property
    def compiled(self) -> list[FunctionDef]:
        return [f for f in self.functions if f.name not in self.refused]


def native(path: Path) -> Native:
    """The native part of a definition. Raises DefinitionError if it cannot even be read."""
    definition = read(path)
    functions = [*definition.features, *definition.rules]
    if isinstance(definition.decision, FunctionDef):
        functions.append(definition.decision)
    refused: dict[str, list[Problem]] = {}
    plan = _plan(definition, functions, refused)
    return Native(definition, functions, plan, refused)


def _plan(definition: Definition, functions: Sequence[FunctionDef], refused: dict[str, list[Problem]]) -> Plan | None:
    """Compiles them together; where that fails, by halves."""
    kept = _settle(definition, functions, refused)
    return compile(part(definition, kept)) if kept else None


def _settle(
    definition: Definition, functions: Sequence[FunctionDef], refused: dict[str, list[Problem]]
) -> list[FunctionDef]:
    try:
        compile(part(definition, functions))
        return list(functions)
    except DefinitionError as error:
        if len(functions) == 1:
            refused[functions[0].name] = [p for p in error.problems if p.severity == "error"]
            return []
    middle = len(functions) // 2
    return _settle(definition, functions[:middle], refused) + _settle(definition, functions[middle:], refused)


def part(definition: Definition, functions: Iterable[FunctionDef]) -> Definition:
    """The definition with these functions only, and what they read."""
    wanted: set[Source] = set()

    def visit(source: Source | None) -> None:
        if source is None or source in wanted:
            return
        wanted.add(source)
        if isinstance(source, FunctionDef):
            for param in source.params:
                visit(param.source)
        elif isinstance(source, WindowDef):
            for each in (source.value, source.where, source.seen, *source.by, *source.on_by):
                visit(each)
        elif isinstance(source, ModelDef):
            for each in source.inputs:
                visit(each)

    for function in functions:
        visit(function)
    decision = definition.decision
    return replace(
        definition,
        features=[f for f in definition.features if f in wanted],
        rules=[f for f in definition.rules if f in wanted],
        context_functions=[f for f in definition.context_functions if f in wanted],
        windows=[w for w in definition.windows if w in wanted],
        models=[m for m in definition.models if m in wanted],
        decision=decision if isinstance(decision, FunctionDef) and decision in wanted else None,
        score=None,
        names={
            name: source
            for name, source in definition.names.items()
            if not isinstance(source, FunctionDef | WindowDef | ModelDef) or source in wanted
        },
    )
