"""The proof of `make proof-windows`, on few events: what was served can be computed again, bit for bit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
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
    assert overtaken > 0
    # The proof can fail: had each payment been decided some events later, other values would come out.
    later = pq.read_table(served)
    seqs = pa.array([seq + 200 for seq in later["seq"].to_pylist()])
    later = later.set_column(later.schema.get_field_index("decided_seq"), "decided_seq", seqs)
    pq.write_table(later, tmp_path / "Payment.parquet")
    command = ["backfill", str(PROOF / "definition.py"), str(tmp_path / "Payment.parquet")]
    command += [f"{name}={folder / 'served' / f'{name}.parquet'}" for name in ("Login", "Chargeback")]
    assert CliRunner().invoke(app, [*command, "-o", str(tmp_path / "features.parquet")]).exit_code == 0
    for column, by_outcome in (("worst_risk", True), ("declined_shop", True), ("shop_count", False), ("std_1h", False)):
        right = pq.read_table(folder / "features.parquet", columns=[column])
        assert (pq.read_table(tmp_path / "features.parquet", columns=[column]) != right) is by_outcome
