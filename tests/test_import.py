"""A new installation that starts with history: what is served after an import is what would be computed offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import assay
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay._cli import app
from served import replay
from server_fixture import needs_server, start_server
from typer.testing import CliRunner

pytestmark = [pytest.mark.engine, needs_server]

SOURCE = """
from datetime import datetime
from typing import Annotated
from assay import Secret, event, feature, rule, window
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    amount: float
@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: datetime
    card: Annotated[str, Secret]
n_30d = window.count(by="card", over="30d")
spent = window.sum("amount", by="card", over="30d")
n_90d = window.count(by="card", over="90d")
logins = window.count(by="card", over="30d", on=Login)
@rule("review")
def often(n_30d: int) -> bool:
    return n_30d > 5
"""
NOW = datetime.now(UTC).replace(microsecond=0)


def history(days: int = 60) -> pa.Table:
    at = [NOW - timedelta(days=days) + timedelta(hours=n) for n in range(days * 24)]
    return pa.table(
        {
            "id": [f"h-{n}" for n in range(len(at))],
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "card": [f"c-{n % 100}" for n in range(len(at))],
            "amount": [0.1 * n for n in range(len(at))],
            "decision": ["review" if n % 7 == 0 else None for n in range(len(at))],
        }
    )


def imported(folder: Path, *more: str, table: pa.Table | None = None) -> Any:
    (folder / "fraud.py").write_text(SOURCE, encoding="utf-8")
    pq.write_table(history() if table is None else table, folder / "payments.parquet")
    (folder / "logins.jsonl").write_text(
        json.dumps({"id": 1, "at": (NOW - timedelta(days=2)).isoformat(), "card": "c-3"}), encoding="utf-8"
    )
    command = ["import", str(folder / "fraud.py"), str(folder / "payments.parquet"), "--data", str(folder / "data")]
    return CliRunner().invoke(app, [*command, f"Login={folder / 'logins.jsonl'}", *more])


def test_served_events_see_the_imported_ones(tmp_path: Path) -> None:
    result = imported(tmp_path)
    assert result.exit_code == 0, result.output
    from assay._compile import build

    build(tmp_path / "fraud.py", tmp_path / "fraud.assay")
    new = {"id": "p-1", "at": NOW.isoformat(), "card": "c-3", "amount": 1.0}
    with assay.load(tmp_path / "fraud.py", history="unknown") as detector:
        both = pa.concat_tables(
            [
                history().drop_columns(["decision"]),
                pa.Table.from_pylist([{**new, "at": NOW}], history().schema).drop_columns(["decision"]),
            ]
        )
        logins = pa.table(
            {"id": [1], "at": pa.array([NOW - timedelta(days=2)], pa.timestamp("us", "UTC")), "card": ["c-3"]}
        )
        expected = detector.backfill(both, Login=logins).to_pylist()[-1]
    for _ in range(2):  # also after a restart
        with start_server(tmp_path / "fraud.assay", data=tmp_path / "data") as server:
            got = server.score(new, "/v1/score?features=1").json()
            old = server.ask("GET", f"/v1/decisions/h-{len(history()) - 5}").json()
            again = server.score(
                {
                    **{k: v for k, v in history().to_pylist()[-5].items() if k != "decision"},
                    "at": history()["at"][-5].as_py().isoformat(),
                }
            )
            explained = server.ask("GET", f"/v1/decisions/h-{len(history()) - 5}?explain=1").json()
        if "features" in got:
            for name in ("n_30d", "spent", "n_90d"):
                assert got["features"][name] == expected[name], name
            assert got["features"]["n_90d"] is None  # 60 days are not 90
            assert got["warming"][0]["window"] == "n_90d"
            assert got["decision"] == "review"
        assert old["imported"] and old["decision"] == ("review" if (len(history()) - 5) % 7 == 0 else None)
        assert again.status == 200 and again.json() == old  # the same id and content: it is known
        assert "imported" in explained["note"]
    found = replay(tmp_path / "fraud.assay", tmp_path / "data")
    assert json.loads(found.stdout)["differences"] == 0


def test_import_refuses_what_cannot_be_true(tmp_path: Path) -> None:
    assert imported(tmp_path).exit_code == 0
    again = imported(tmp_path)
    assert again.exit_code != 0 and "is there already" in str(again.exception)
    command = [
        "import",
        str(tmp_path / "fraud.py"),
        str(tmp_path / "payments.parquet"),
        "--data",
        str(tmp_path / "new"),
    ]
    without = CliRunner().invoke(app, command)
    assert without.exit_code != 0 and "Login=FILE" in str(without.exception)
    folder = tmp_path / "third"
    folder.mkdir()
    bad = history().slice(0, 10).set_column(4, "decision", pa.array(["perhaps"] * 10))
    unknown = imported(folder, table=bad)
    assert "'perhaps', expected one of approve, review, decline" in str(unknown.exception)
    assert not (folder / "data").exists() and not (folder / "data.importing").exists()


def test_refused_events_are_listed_and_the_others_imported(tmp_path: Path) -> None:
    table = history().slice(0, 10).set_column(3, "amount", pa.array([1.0] * 9 + [float("inf")]))
    result = imported(tmp_path, "--errors", str(tmp_path / "errors.csv"), table=table)
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "errors.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and lines[1].startswith('"Payment","h-9",10,"amount","expected float, got number inf"')
