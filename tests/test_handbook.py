"""The handbook example: its own tests; and, where the published transactions are there, that its windows are what was
published, and that server, backfill and plain Python give the same bits."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from served import ask, connected
from server_fixture import needs_server, start_server
from test_cards import ROOT, environment

pytestmark = pytest.mark.engine

HANDBOOK = ROOT / "examples" / "handbook"
PUBLISHED = ROOT.parent / "shared" / "data" / "handbook-2018-04-to-06.parquet"
needs_data = pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"needs {PUBLISHED.name}, the published transactions")
WHOLE = "ASSAY_FRESH" in os.environ  # make check; else a part that ends with what labels say (they come a week later)
SERVED, SERVED_BATCH = (50_000 if WHOLE else 5_000), 500
COMPARED = None if WHOLE else 120_000
TWIN = 5_000 if WHOLE else 1_500


def test_the_examples_own_tests_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=HANDBOOK, env=environment(), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def helpers() -> tuple[Any, Any]:
    sys.path.insert(0, str(HANDBOOK))
    try:
        import compare
        import convert
    finally:
        sys.path.remove(str(HANDBOOK))
    return convert, compare


def published(rows: int | None) -> Any:
    from pyarrow import parquet

    table = parquet.read_table(PUBLISHED)
    return table if rows is None else table.slice(0, rows)


def backfilled(table: Any) -> Any:
    import assay

    convert, _ = helpers()
    with assay.load(HANDBOOK / "handbook.py") as detector:
        return detector.backfill(convert.transactions_of(table), Label=convert.labels_of(table))


@needs_data
def test_a_backfill_gives_what_was_published() -> None:
    """Counts and flags exactly, averages and shares within 1e-9; customers' transactions in the same second apart."""
    table = published(COMPARED)
    found = helpers()[1].differences(backfilled(table), table)
    assert len(found) == 14
    assert {name: differ for name, (differ, _) in found.items() if differ} == {}
    assert all(of_ties <= 16 for _, of_ties in found.values())


def bits(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else (type(value).__name__, value)


def as_json(table: Any) -> list[bytes]:
    convert, _ = helpers()
    rows = convert.transactions_of(table).to_pylist()
    return [json.dumps(row, default=lambda at: at.isoformat()).encode() for row in rows]


def values_of(table: Any, names: list[str]) -> list[list[Any]]:
    rows = backfilled(table).select(names).to_pylist()
    return [[bits(row[name]) for name in names] for row in rows]


@needs_data
@needs_server
def test_served_over_one_connection_is_what_the_backfill_gives(tmp_path: Path) -> None:
    from assay._compile import build

    table = published(SERVED)
    lines = as_json(table)
    served: list[dict[str, Any]] = []
    bundle = tmp_path / "handbook.assay"
    build(HANDBOOK / "handbook.py", bundle)
    with start_server(bundle, data=tmp_path / "data") as server, connected(server) as connection:
        for first in range(0, len(lines), SERVED_BATCH):
            body = b"[" + b",".join(lines[first : first + SERVED_BATCH]) + b"]"
            status, answer = ask(connection, "POST", "/v1/score?features=1", body)
            assert status == 200
            served += [item["features"] for item in json.loads(answer)]
    names = list(served[0])
    assert len(names) >= 14
    expected = values_of(table, names)
    for number, (features, row) in enumerate(zip(served, expected, strict=True)):
        assert [bits(features[name]) for name in names] == row, f"transaction {number}"


@needs_data
def test_plain_python_gives_the_backfills_bits() -> None:
    import assay

    table = published(TWIN)
    lines = as_json(table)
    with assay.load(HANDBOOK / "handbook.py") as detector:
        twin = detector.twin
        rows = []
        for line in lines:
            twin.score(json.loads(line))
            rows.append(dict(twin.values))
    names = [name for name in rows[0] if name.endswith("WINDOW") or name.startswith("TX_DURING")]
    expected = values_of(table, names)
    assert [[bits(row[name]) for name in names] for row in rows] == expected
