"""Before any timing: do all systems compute the same? The same decision and, bit for bit, the same score for every
payment; in process on many payments, and over HTTP on some, so that the server measured is the one compared."""

from __future__ import annotations

import http.client
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from systems import BenchError, System, Variant, serving


@dataclass(frozen=True)
class Decided:
    id: str
    decision: str
    score: float | None

    @property
    def bits(self) -> str:
        return "null" if self.score is None else struct.pack(">d", self.score).hex()

    def __str__(self) -> str:
        return f"{self.decision}, score {self.score!r} (bits {self.bits})"


def read_decision(text: str, where: str) -> Decided:
    try:
        answer = json.loads(text)
        score = answer["score"]
        return Decided(str(answer["id"]), str(answer["decision"]), None if score is None else float(score))
    except (ValueError, TypeError, KeyError) as error:
        expected = 'expected JSON with "id", "decision" and "score"'
        raise BenchError(f"{where}: {expected}, got {text[:300]!r} ({type(error).__name__}: {error})") from None


def decisions_of(system: System, payments: Path) -> list[Decided]:
    lines = system.score(payments).splitlines()
    return [read_decision(line, f"{system.name}/score, line {n}") for n, line in enumerate(lines, 1)]


def posted(variant: Variant, payments: Sequence[str], log: Path) -> list[Decided]:
    """The same payments one after the other over HTTP, from empty history."""
    answers = []
    with serving(variant, log) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for n, line in enumerate(payments, 1):
            connection.request("POST", "/v1/score", line.encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode("utf-8", errors="replace")
            where = f"{variant.name} over HTTP, payment {n}"
            if response.status != 200:
                raise BenchError(f"{where}: expected status 200, got {response.status} {text[:300]}")
            answers.append(read_decision(text, where))
        connection.close()
    return answers


def first_difference(found: Mapping[str, Sequence[Decided]], payments: Sequence[str]) -> str | None:
    """Which payment, which system, which value; None where all are equal."""
    for name, decided in found.items():
        if len(decided) != len(payments):
            return f"{name} decided {len(decided)} of {len(payments)} payments"
    for n, line in enumerate(payments):
        id = str(json.loads(line)["id"])
        here = {name: decided[n] for name, decided in found.items()}
        values = {(answer.id, answer.decision, answer.bits) for answer in here.values()}
        if len(values) > 1 or id not in {answer.id for answer in here.values()}:
            shown = "\n".join(f"  {name:>24}: {answer.id}: {answer}" for name, answer in here.items())
            return f"payment {n + 1}, {id}, is not decided alike:\n{shown}\n  {line.strip()}"
    return None


def require_equal(found: Mapping[str, Sequence[Decided]], payments: Sequence[str]) -> None:
    if difference := first_difference(found, payments):
        raise BenchError(f"the systems do not compute the same, so nothing is measured: {difference}")


def summary(found: Mapping[str, Sequence[Decided]], over_http: Mapping[str, Sequence[Decided]]) -> dict[str, Any]:
    """For the report: what was compared, and that it was not all one value."""
    first = next(iter(found.values()), [])
    return {
        "systems": list(found),
        "payments": len(first),
        "decisions": {name: sum(d.decision == name for d in first) for name in sorted({d.decision for d in first})},
        "different_scores": len({d.bits for d in first}),
        "over_http": {name: len(decided) for name, decided in over_http.items()},
    }
