"""The features against a loop over all earlier transactions, and the functions as functions. Run: pytest"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import assay
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import handbook

HERE = Path(__file__).resolve().parents[1]
START = datetime(2018, 4, 1, tzinfo=UTC)
Row = dict[str, Any]


def rows(count: int, seed: int) -> list[Row]:
    """Transactions of few customers and terminals in time order, many of them whole days apart to the second."""
    chance = random.Random(seed)
    seconds = sorted(
        chance.choice((0, 0, chance.randrange(86_400))) + 86_400 * chance.randrange(60) for _ in range(count)
    )
    return [
        {
            "TRANSACTION_ID": number,
            "TX_DATETIME": START + timedelta(seconds=at),
            "CUSTOMER_ID": chance.randrange(3),
            "TERMINAL_ID": chance.randrange(3),
            "TX_AMOUNT": round(chance.uniform(1, 300), 2),
            "TX_FRAUD": int(chance.random() < 0.3),
        }
        for number, at in enumerate(seconds)
    ]


def events(rows: list[Row]) -> list[tuple[str, Row]]:
    """Transactions and labels by time; at the same time labels first."""
    moments: list[tuple[datetime, int, str, Row]] = []
    for row in rows:
        transaction = {name: value for name, value in row.items() if name != "TX_FRAUD"}
        label = {name: row[name] for name in ("TRANSACTION_ID", "TERMINAL_ID", "TX_FRAUD")}
        known = row["TX_DATETIME"] + timedelta(days=7)
        moments.append((row["TX_DATETIME"], 1, "", transaction))
        moments.append((known, 0, "Label", {**label, "KNOWN_AT": known}))
    return [(name, event) for _, _, name, event in sorted(moments, key=lambda moment: moment[:2])]


def expected(rows: list[Row], at: int, days: int) -> Row:
    """The published columns' meaning: rolling windows over the rows up to this one."""
    row, until = rows[at], rows[: at + 1]

    def rolling(key: str, length: int) -> list[Row]:
        begin = row["TX_DATETIME"] - timedelta(days=length)
        return [each for each in until if each[key] == row[key] and each["TX_DATETIME"] > begin]

    own = rolling("CUSTOMER_ID", days)
    week, longer = rolling("TERMINAL_ID", 7), rolling("TERMINAL_ID", 7 + days)
    count = len(longer) - len(week)
    frauds = sum(each["TX_FRAUD"] for each in longer) - sum(each["TX_FRAUD"] for each in week)
    return {
        f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW": len(own),
        f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW": pytest.approx(
            sum(e["TX_AMOUNT"] for e in own) / len(own), abs=1e-9
        ),
        f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW": count,
        f"TERMINAL_ID_RISK_{days}DAY_WINDOW": pytest.approx(frauds / count if count else 0.0, abs=1e-9),
    }


@pytest.mark.parametrize("seed", range(3))
def test_windows_are_the_published_ones(seed: int) -> None:
    made = rows(300, seed)
    at = {row["TRANSACTION_ID"]: number for number, row in enumerate(made)}
    with assay.load(HERE / "handbook.py") as detector:
        for name, event in events(made):
            if name:
                detector.event(name, event)
                continue
            detector.score(event)
            for days in (1, 7, 30):
                wanted = expected(made, at[event["TRANSACTION_ID"]], days)
                assert {each: detector.values[each] for each in wanted} == wanted


@pytest.mark.parametrize(("day", "weekend"), [(6, 0), (7, 1), (8, 1), (9, 0)])
def test_weekend_is_saturday_and_sunday(day: int, weekend: int) -> None:
    assert handbook.TX_DURING_WEEKEND(datetime(2018, 4, day, 12, tzinfo=UTC)) == weekend


@pytest.mark.parametrize(("hour", "night"), [(0, 1), (6, 1), (7, 0), (23, 0)])
def test_night_is_until_seven(hour: int, night: int) -> None:
    assert handbook.TX_DURING_NIGHT(datetime(2018, 4, 6, hour, 59, tzinfo=UTC)) == night


def test_terminal_without_labels_has_no_risk() -> None:
    assert handbook.TERMINAL_ID_RISK_1DAY_WINDOW(None) == 0.0
