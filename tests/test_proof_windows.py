"""The proof of `make proof-windows`, on few events: what was served can be computed again, bit for bit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from assay._cli import app
from server_fixture import needs_server
from typer.testing import CliRunner

pytestmark = [pytest.mark.engine, needs_server]
PROOF = Path(__file__).resolve().parent.parent / "tools" / "proof_windows"
EVENTS = 20_000


def test_what_eight_connections_were_served_is_computed_again_bit_for_bit(tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    command = [sys.executable, str(PROOF), "--events", str(EVENTS), "--keep", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^ +0 differing bits", result.stdout, re.MULTILINE)
    assert f"{EVENTS:,} events decided again: 0 differences" in result.stdout
    served = folder / "served" / "Payment.parquet"
    table = pq.read_table(served, columns=["seq", "decided_seq"])
    overtaken = sum(decided > seq for seq, decided in zip(*table.to_pydict().values(), strict=True))
    if overtaken < 50:
        pytest.skip(f"on this machine only {overtaken} payments were decided after a later event had come")
    # The proof can fail: as if each payment had been decided before the next event, other values come out.
    pq.write_table(pq.read_table(served).drop_columns(["decided_seq"]), tmp_path / "Payment.parquet")
    command = ["backfill", str(PROOF / "definition.py"), str(tmp_path / "Payment.parquet")]
    command += [f"{name}={folder / 'served' / f'{name}.parquet'}" for name in ("Login", "Chargeback")]
    assert CliRunner().invoke(app, [*command, "-o", str(tmp_path / "features.parquet")]).exit_code == 0
    columns = ["knows_counts", "first_verdict", "worst_risk", "declined_shop"]
    right = pq.read_table(folder / "features.parquet", columns=columns)
    assert pq.read_table(tmp_path / "features.parquet", columns=columns) != right
