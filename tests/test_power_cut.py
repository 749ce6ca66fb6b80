"""The whole engine over a simulated disk that loses power, fails syncs and fills up: nothing acknowledged is lost, and
nothing wrong is served. The program is engine/power_driver.c; `make test` builds it with the unit tests."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from server_fixture import build_bundle

DRIVER = Path(os.environ.get("ASSAY_UNIT", ROOT / "build" / "unit")) / "power_driver"

DEFINITION = '''
from datetime import datetime
from typing import Annotated

from assay import Secret, event, feature, rule, window

history = "empty"


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    merchant: str
    amount: float


payments_1h = window.count(by="card", over="1h")
spend_1h = window.sum("amount", by="card", over="1h")
usual = window.mean("amount", by=("card", "merchant"), over="1d")
known = window.seen("merchant", by="card", over="1d")


@feature
def card_is_odd(card: str) -> bool:
    return card.endswith(("1", "3", "5", "7", "9"))


@feature
def ratio(amount: float, usual: float | None) -> float:
    return amount / usual if usual else 1.0


@rule("review")
def burst(payments_1h: int, card_is_odd: bool) -> bool:
    """More than three payments in an hour on an odd card."""
    return payments_1h > 3 and card_is_odd


@rule("decline")
def jump(ratio: float, known: bool) -> bool:
    """Far above what is usual here."""
    return ratio > 3.0 and known
'''


def payments(count: int) -> str:
    pick = random.Random(3)
    return "".join(
        json.dumps(
            {
                "id": f"p-{i}",
                "at": f"2025-03-01T12:{i % 60:02}:00Z",
                "card": f"c{pick.randrange(6)}",
                "merchant": f"m{pick.randrange(3)}",
                "amount": round(pick.expovariate(0.02), 2),
            }
        )
        + "\n"
        for i in range(count)
    )


@pytest.mark.engine
def test_nothing_acknowledged_is_lost_on_a_disk_that_loses_power_fails_and_fills_up(tmp_path: Path) -> None:
    assert DRIVER.is_file(), f"{DRIVER} is not built: make unit"
    lines = tmp_path / "payments.jsonl"
    lines.write_text(payments(200), encoding="utf-8")
    seeds = os.environ.get("ASSAY_POWER_SEEDS", "20")
    run = subprocess.run([DRIVER, build_bundle(DEFINITION), lines, seeds], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "nothing lost, nothing wrong" in run.stdout
