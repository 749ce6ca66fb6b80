"""Functions as people write them for fraud (tests/corpus), each compiled and compared with CPython on generated
payments: every value and the class and line of every exception.

Those that do not compile yet stand in not-native.txt, by module and name; one that begins to compile must leave it.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from assay._bundle import write_bundle
from assay._check import Timed, compare
from assay._definition import MISSING, Definition, FieldDef
from assay._engine import Engine
from assay._rows import Row
from assay._twin import Twin
from differential import inputs
from differential.native import Native, native

pytestmark = pytest.mark.engine
FOLDER = Path(__file__).parent / "corpus"
MODULES = sorted(p.stem for p in FOLDER.glob("*.py"))
PAYMENTS = int(os.environ.get("ASSAY_CORPUS_PAYMENTS", "300"))  # for each module and seed; 1,500 in the recorded run
FRESH = random.SystemRandom().randrange(10**9)


@lru_cache(maxsize=1)
def not_native() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {module: set() for module in MODULES}
    for line in (Path(__file__).parent / "not-native.txt").read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("#"):
            module, name = line.split("|")[0].strip().split(".")
            found[module].add(name)
    return found


@lru_cache(maxsize=8)
def compiled(module: str) -> Native:
    return native(FOLDER / f"{module}.py")


def as_json(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=value.tzinfo or datetime.UTC).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0
    return [as_json(item) for item in value] if isinstance(value, list) else value


def of_field(each: FieldDef, chance: random.Random) -> Any:
    if each.nullable and chance.random() < 0.1:
        return None
    if each.choices is not None:
        return getattr(chosen := chance.choice(list(each.choices)), "value", chosen)
    return as_json(inputs.one(f"list[{each.type}]" if each.is_list else each.type, each.name, chance))


def payment(definition: Definition, number: int, chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for each in definition.scored.fields:
        if each.default is not MISSING and chance.random() < 0.1:
            continue
        value = of_field(each, chance)
        if each is definition.scored.id:
            value = str(number) if each.type == "str" else number
        put(made, each, value)
    return made


def put(made: dict[str, Any], field: FieldDef, value: Any) -> None:
    for part in field.path[:-1]:
        made = made.setdefault(part, {})
    made[field.path[-1]] = value


def rows(definition: Definition, seed: int) -> Iterator[Row]:
    """The first half comes in order of time and with few keys, so that windows have something to remember; the rest at
    any times."""
    chance = random.Random(seed)
    scored = definition.scored
    keys = {part.name for window in definition.windows for part in window.by}
    pools: dict[FieldDef, list[Any]] = {
        each: [of_field(each, chance) for _ in range(5)] for each in scored.fields if each.name in keys
    }
    at = inputs.moment(chance).replace(year=2000)
    for number in range(1, PAYMENTS + 1):
        made = payment(definition, number, chance)
        if number <= PAYMENTS // 2:
            at += datetime.timedelta(seconds=chance.choice([0, 1, 20, 300, 3000, 40_000, 400_000]))
            put(made, scored.time, as_json(at))
            for each, pool in pools.items():
                if each is not scored.id and chance.random() < 0.9:
                    put(made, each, chance.choice(pool))
        yield Row(scored, json.dumps(made).encode(), FOLDER, number)


@pytest.mark.parametrize("module", MODULES)
def test_what_does_not_compile_is_listed(module: str) -> None:
    refused = set(compiled(module).refused)
    assert refused == not_native()[module], {
        n: compiled(module).refused[n] for n in refused if n in compiled(module).refused
    }


@pytest.mark.parametrize("kind", ["fixed", "fresh"])
@pytest.mark.parametrize("module", MODULES)
def test_functions_as_people_write_them_compute_what_cpython_computes(module: str, kind: str, tmp_path: Path) -> None:
    found, seed = compiled(module), FRESH if kind == "fresh" else 1
    assert found.plan is not None and len(found.compiled) > 10
    write_bundle(found.plan.parts, tmp_path / "bundle.assay")
    engine = Engine(str(tmp_path / "bundle.assay"), None, history="empty")
    parity = compare(found.plan.definition, engine, rows(found.plan.definition, seed))
    differ = [(d.name, d.native, d.python, d.row.text[:600]) for d in parity.differences[:3]]
    assert differ == [], f"seed {seed}"
    assert parity.payments + parity.refused == PAYMENTS and parity.payments > PAYMENTS // 2


@pytest.mark.skipif(PAYMENTS < 1500, reason="with ASSAY_CORPUS_PAYMENTS=1500")
@pytest.mark.parametrize("module", MODULES)
def test_every_function_gets_a_thousand_inputs(module: str) -> None:
    found = compiled(module)
    assert found.plan is not None
    calls: Counter[str] = Counter()
    for seed in (1, FRESH):
        functions = {each: Timed(each.function) for each in found.compiled if each.kind != "decision"}
        twin = Twin(found.plan.definition)
        for each, counted in functions.items():
            each.function = counted
        try:
            for row in rows(found.plan.definition, seed):
                twin.score(row.text)
        finally:
            for each, counted in functions.items():
                each.function = counted.__wrapped__
        calls.update({each.name: len(counted.ns) for each, counted in functions.items()})
    assert min(calls.values()) >= 1000, calls.most_common()[-3:]
