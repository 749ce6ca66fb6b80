"""What was served comes out of the journal, and a backfill of it gives the same bits."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay._cli import app
from assay._compile import build
from served import ask, connected
from server_fixture import needs_server, start_server
from typer.testing import CliRunner

pytestmark = [pytest.mark.engine, needs_server]

SOURCE = """
from datetime import datetime
from typing import Annotated
from assay import Field, Secret, event, feature, rule, thresholds, window
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    pin: Annotated[int | None, Secret] = None
    amount: float
    tags: list[str] | None = None
    shop: Annotated[str, Field(alias="merchant.name")] = "none"
@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: datetime
    card: Annotated[str, Secret]
    ok: bool
@feature
def bin6(card: str) -> str:
    return card[:6]
@feature
def even(pin: int) -> bool:
    return pin % 2 == 0
n = window.count(by="card", over="1h")
spent = window.sum("amount", by="card", over="1h", include_current=True)
of_bin = window.mean("amount", by="bin6", over="1h")
known = window.seen("pin", by="card", over="1h")
failed = window.count(by="card", over="1h", on=Login, where="ok")
@feature
def share(amount: float, spent: float) -> float:
    return amount / spent
@feature
def tail(card: str, n: int) -> str:
    return card[-2:] + str(n)
@feature
def size(tags: list[str] | None) -> int:
    return len(tags)
@feature
def age(arrival: datetime, at: datetime) -> float:
    return (arrival - at).total_seconds()
@rule("decline")
def often(n: int) -> bool:
    return n > 5
decide = thresholds("share", review=0.5)
"""


def post(server: Any, number: int, answers: dict[str, Any]) -> None:
    """One client: payments and logins of few cards, some late, some from the future, some twice."""
    chance = random.Random(number)
    with connected(server) as connection:
        for i in range(150):
            at = datetime.now(UTC) + timedelta(seconds=chance.choice([0, 0, 0, -5, -4000, 30, 10_000]))
            card = f"41{chance.randrange(8):04}99"
            if chance.random() < 0.2:
                body = {"id": number * 1000 + i, "at": at.isoformat(), "card": card, "ok": chance.random() < 0.5}
                assert ask(connection, "POST", "/v1/events/Login", json.dumps(body).encode())[0] == 202
                continue
            event = {"id": f"p-{number}-{i}", "at": at.isoformat(), "card": card, "amount": chance.random()}
            event |= chance.choice(
                [{}, {"pin": chance.randrange(3)}, {"tags": ["a", None][:1]}, {"merchant": {"name": "s"}}]
            )
            for _ in range(chance.choice([1, 1, 1, 2])):
                status, body = ask(connection, "POST", "/v1/score?features=1", json.dumps(event).encode())
                assert status == 200, body
                answer = json.loads(body)
                if "features" in answer:
                    answers.setdefault(event["id"], answer)


@pytest.mark.parametrize("history", ["empty", "unknown"])
def test_backfill_of_an_export_is_what_was_served(history: str, tmp_path: Path) -> None:
    (tmp_path / "fraud.py").write_text(SOURCE + f'history = "{history}"\n', encoding="utf-8")
    build(tmp_path / "fraud.py", tmp_path / "fraud.assay")
    answers: dict[str, Any] = {}
    with start_server(tmp_path / "fraud.assay", "--threads", "2", data=tmp_path / "data") as server:
        clients = [threading.Thread(target=post, args=(server, n, answers)) for n in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    served = tmp_path / "served"
    result = CliRunner().invoke(app, ["journal", "export", "--data", str(tmp_path / "data"), "-o", str(served)])
    assert result.exit_code == 0, result.output
    payments = served / "Payment.parquet"
    command = ["backfill", str(tmp_path / "fraud.py"), str(payments), f"Login={served / 'Login.parquet'}"]
    result = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "features.parquet")])
    assert result.exit_code == 0, result.output
    rows = pq.read_table(tmp_path / "features.parquet").to_pylist()
    assert len(rows) == len(answers) > 300
    if history == "unknown":
        assert all(row["n"] is None for row in rows)  # the journal is younger than an hour
    else:
        assert any(row["n"] for row in rows) and any(row["failed"] for row in rows)
    assert any(row["tail"] is None for row in rows) is (history == "unknown")
    for row in rows:
        answer = answers[row["id"]]
        assert row["decision"] == answer["decision"]
        assert repr(row["score"]) == repr(answer["score"])
        for name, value in answer["features"].items():
            if value != "<secret>":
                assert repr(row[name]) == repr(value), (name, row["id"])


def test_export_shows_no_secret_and_takes_files_of_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "fraud.py").write_text(SOURCE, encoding="utf-8")
    build(tmp_path / "fraud.py", tmp_path / "fraud.assay")
    event = {"id": "p-1", "at": datetime.now(UTC).isoformat(), "card": "5500001234", "amount": 2.0, "tags": ["x"]}
    with start_server(tmp_path / "fraud.assay", data=tmp_path / "data") as server:
        answer = server.score(event).json()
    for out in ("one.jsonl", "one.parquet", "folder"):
        command = ["journal", "export", "--data", str(tmp_path / "data"), "-o", str(tmp_path / out)]
        result = CliRunner().invoke(app, [*command, "--format", "jsonl"])
        assert result.exit_code == 0, result.output
    row = json.loads((tmp_path / "one.jsonl").read_text(encoding="utf-8"))
    assert "5500001234" not in json.dumps(row) and row["card"].startswith("secret:")
    assert (row["id"], row["decision"], row["score"], row["seq"]) == ("p-1", answer["decision"], answer["score"], 1)
    assert row["tags"] == ["x"] and row["bin6"] == "550000" and row["shop"] == "none"
    assert pq.read_table(tmp_path / "one.parquet").num_rows == 1
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["Login.jsonl", "Payment.jsonl"]


OUTCOMES = """
from datetime import datetime
from assay import decision, event, feature, window
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    shop: str
    amount: float
@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: datetime
    card: str
@feature
def was_declined(decide: str) -> bool:
    return decide == "decline"
@feature
def verdict(decide: str, shop: str) -> str:
    return decide + " in the shop " + shop
logins = window.count(by="card", over="1h", on=Login)
declined = window.count(by="card", over="1h", where=was_declined)
spent = window.sum("amount", by=("card", "shop"), over="30s", where=was_declined, delay="1s")
verdicts = window.distinct(verdict, by="card", over="1h")
latest = window.last(verdict, by="shop", over="1m")
@decision
def decide(amount: float, declined: int, spent: float) -> str:
    return "decline" if amount > 60 - 10 * (declined % 4) - spent % 7 else "approve"
"""
Row = dict[str, Any]


def in_flight(count: int, seed: int) -> tuple[list[Row], list[Row]]:
    """Payments and logins as several connections would have them: decided after later ones came."""
    chance = random.Random(seed)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    payments, logins, seq = [], [], 0
    for _ in range(count):
        seq += chance.choice((1, 1, 2))  # a number may be of a class that is no more
        now = start + timedelta(seconds=seq // 4)
        at = now - timedelta(seconds=chance.choice((0, 0, 0, 5, 40)))
        row: Row = {"id": seq, "at": at, "card": chance.choice("abc"), "seq": seq, "arrival": now}
        if chance.random() < 0.2:
            logins.append(row)
            continue
        row |= {"id": f"p-{seq}", "shop": chance.choice("xyz"), "amount": float(chance.randrange(100))}
        payments.append(row | {"decided_seq": seq + chance.choice((0, 0, 1, 2, 3, 9, 40))})
    return payments, logins


def expected_of(payments: list[Row]) -> list[Row]:
    """By the meaning of outcome windows: a payment sees what was decided before its own number came."""
    done: list[Row] = []
    for own in payments:
        seen = [p for p in done if p["decided_seq"] < own["seq"] and p["at"] <= own["at"]]

        def within(seconds: float, delay: float, now: datetime = own["at"], seen: list[Row] = seen) -> list[Row]:
            low, high = now - timedelta(seconds=seconds + delay), now - timedelta(seconds=delay)
            return [p for p in seen if low < p["at"] <= high]

        of_card = [p for p in within(3600, 0) if p["card"] == own["card"]]
        of_both = [p for p in within(30, 1) if (p["card"], p["shop"]) == (own["card"], own["shop"])]
        of_shop = [p for p in within(60, 0) if p["shop"] == own["shop"]]
        declined = sum(p["decision"] == "decline" for p in of_card)
        spent = sum(p["amount"] for p in of_both if p["decision"] == "decline")
        decision = "decline" if own["amount"] > 60 - 10 * (declined % 4) - spent % 7 else "approve"
        done.append(
            own
            | {
                "declined": declined,
                "spent": float(spent),
                "verdicts": len({p["verdict"] for p in of_card}),
                "latest": max(of_shop, key=lambda p: (p["at"], p["seq"]))["verdict"] if of_shop else None,
                "decision": decision,
                "verdict": f"{decision} in the shop {own['shop']}",
            }
        )
    return done


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("decided", ["later", "at once"])
def test_an_outcome_is_seen_by_those_who_came_after_it_was_decided(decided: str, kind: str, tmp_path: Path) -> None:
    from assay._tables import Writer

    (tmp_path / "fraud.py").write_text(OUTCOMES, encoding="utf-8")
    payments, logins = in_flight(700, seed=5)
    if decided == "at once":
        payments = [row | {"decided_seq": row["seq"]} for row in payments]
    expected = expected_of(payments)
    if decided == "at once":
        payments = [{name: value for name, value in row.items() if name != "decided_seq"} for row in payments]
    random.Random(1).shuffle(payments)  # a file may stand in any order
    for name, rows in (("payments", payments), ("logins", logins)):
        writer = Writer(tmp_path / f"{name}.{kind}")
        writer.write(pa.Table.from_pylist(rows))
        writer.close(True)
    command = ["backfill", str(tmp_path / "fraud.py"), str(tmp_path / f"payments.{kind}")]
    command += [f"Login={tmp_path / f'logins.{kind}'}", "-o", str(tmp_path / "features.parquet"), "--threads", "2"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    got = {row["id"]: row for row in pq.read_table(tmp_path / "features.parquet").to_pylist()}
    assert len(got) == len(expected) > 500 and {row["decision"] for row in expected} == {"approve", "decline"}
    for row in expected:
        for name in ("declined", "spent", "verdicts", "latest", "decision"):
            assert repr(got[row["id"]][name]) == repr(row[name]), (name, row["id"])


def test_a_class_without_events_is_exported_and_taken_back(tmp_path: Path) -> None:
    (tmp_path / "fraud.py").write_text(OUTCOMES, encoding="utf-8")
    build(tmp_path / "fraud.py", tmp_path / "fraud.assay")
    event = {"id": "p", "at": datetime.now(UTC).isoformat(), "card": "a", "shop": "x", "amount": 99.0}
    with start_server(tmp_path / "fraud.assay", data=tmp_path / "data") as server:
        assert server.score(event).json()["decision"] == "decline"
    served, out = tmp_path / "served", tmp_path / "features.parquet"
    result = CliRunner().invoke(app, ["journal", "export", "--data", str(tmp_path / "data"), "-o", str(served)])
    assert result.exit_code == 0, result.output
    assert pq.read_table(served / "Login.parquet").num_rows == 0
    command = ["backfill", str(tmp_path / "fraud.py"), str(served / "Payment.parquet")]
    result = CliRunner().invoke(app, [*command, f"Login={served / 'Login.parquet'}", "-o", str(out)])
    assert result.exit_code == 0, result.exception
    assert pq.read_table(out)["decision"].to_pylist() == ["decline"]


def test_a_payment_decided_before_it_came_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fraud.py").write_text(OUTCOMES, encoding="utf-8")
    row = {"id": "p", "at": "2026-03-01T00:00:00+00:00", "card": "a", "shop": "x", "amount": 1.0}
    row |= {"seq": 7, "arrival": "2026-03-01T00:00:00+00:00", "decided_seq": 6}
    (tmp_path / "payments.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    command = ["backfill", str(tmp_path / "fraud.py"), str(tmp_path / "payments.jsonl")]
    result = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "features.parquet")])
    assert result.exit_code != 0
    assert "seq 7 has decided_seq 6, expected 7 or more" in str(result.exception)
