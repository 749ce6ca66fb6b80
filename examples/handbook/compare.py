"""Compares computed features with the published ones: counts and flags exactly, averages and shares within 1e-9.

    python compare.py data/features.parquet published.parquet

Rows are matched by TRANSACTION_ID. The customer columns of transactions that share customer and second are counted
apart: their authors sorted each customer's rows with an unstable sort, so some of them are in the opposite order.
Needs pyarrow.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy
from pyarrow import parquet

EXACT = [
    "TX_DURING_WEEKEND",
    "TX_DURING_NIGHT",
    *(f"{of}_NB_TX_{days}DAY_WINDOW" for of in ("CUSTOMER_ID", "TERMINAL_ID") for days in (1, 7, 30)),
]
NEAR = [
    *(f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW" for days in (1, 7, 30)),
    *(f"TERMINAL_ID_RISK_{days}DAY_WINDOW" for days in (1, 7, 30)),
]
WITHIN = 1e-9


def column(table: Any, name: str, order: Any) -> Any:
    return table[name].to_numpy()[order].astype(float)


def tied(published: Any, order: Any) -> Any:
    """Which rows share customer and second with another."""
    customer = published["CUSTOMER_ID"].to_numpy()[order]
    at = published["TX_DATETIME"].to_numpy()[order]
    pairs = numpy.rec.fromarrays([customer, at])
    _, which, counts = numpy.unique(pairs, return_inverse=True, return_counts=True)
    return counts[which] > 1


def differences(computed: Any, published: Any) -> dict[str, tuple[int, int]]:
    """Of each column how many rows differ, and how many of the tied ones (which count apart for customers)."""
    ours = numpy.argsort(computed["TRANSACTION_ID"].to_numpy(), kind="stable")
    theirs = numpy.argsort(published["TRANSACTION_ID"].to_numpy(), kind="stable")
    ids = computed["TRANSACTION_ID"].to_numpy()[ours]
    at = numpy.searchsorted(published["TRANSACTION_ID"].to_numpy()[theirs], ids)
    theirs = theirs[at]
    if not numpy.array_equal(published["TRANSACTION_ID"].to_numpy()[theirs], ids):
        sys.exit("some transactions are not in the published file: are these features of the same data?")
    apart = tied(published, theirs)
    found = {}
    for name in [*EXACT, *NEAR]:
        a, b = column(computed, name, ours), column(published, name, theirs)
        differ = ~(a == b) if name in EXACT else ~(numpy.abs(a - b) <= WITHIN)
        of_ties = differ & apart if name.startswith("CUSTOMER") else numpy.zeros(len(differ), bool)
        found[name] = int((differ & ~of_ties).sum()), int(of_ties.sum())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("computed", type=Path, help="the features (Parquet), with TRANSACTION_ID")
    parser.add_argument("published", type=Path, help="the published transactions with their features (Parquet)")
    given = parser.parse_args()
    computed, published = parquet.read_table(given.computed), parquet.read_table(given.published)
    found = differences(computed, published)
    for name, (differ, of_ties) in found.items():
        how = "exactly" if name in EXACT else f"within {WITHIN:g}"
        note = f" (and {of_ties} of transactions in the same second)" if of_ties else ""
        print(f"{name:38} {differ:8,} of {computed.num_rows:,} differ, compared {how}{note}")
    sys.exit(any(differ for differ, _ in found.values()))


if __name__ == "__main__":
    main()
