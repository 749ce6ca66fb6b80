"""Makes the two files that handbook.py reads from the data set as it is published, with its features in it.

    python convert.py published.parquet data                  # data/transactions.parquet and data/labels.parquet
    python convert.py published.parquet data --format jsonl   # the same as JSON lines
    python convert.py published.parquet data --rows 50000     # its beginning

Needs pyarrow. The rows stay in the order of the file, which is that of time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import compute, parquet
from rich.progress import track

TRANSACTION = ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT"]
LABEL = ["TRANSACTION_ID", "KNOWN_AT", "TERMINAL_ID", "TX_FRAUD"]
DELAY_US = 7 * 86_400_000_000  # how long after a transaction it is known whether it was fraud
BATCH = 10_000


def transactions_of(published: Any) -> Any:
    """The transactions as they came, with their times in UTC."""
    at = published["TX_DATETIME"].cast(pyarrow.timestamp("us")).cast(pyarrow.timestamp("us", "UTC"))
    return published.set_column(published.schema.get_field_index("TX_DATETIME"), "TX_DATETIME", at).select(TRANSACTION)


def labels_of(published: Any) -> Any:
    """Each transaction's label as an event of its own, at the moment when it is known."""
    at = transactions_of(published)["TX_DATETIME"]
    known = compute.add(at, pyarrow.scalar(DELAY_US, pyarrow.duration("us")))
    return published.append_column("KNOWN_AT", known).select(LABEL)


def rows(table: Any, what: str) -> Iterator[dict[str, Any]]:
    batches = table.to_batches(BATCH)
    for batch in track(batches, what, transient=True):
        yield from batch.to_pylist()


def write(table: Any, path: Path) -> None:
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
        return
    with path.open("w", encoding="utf-8") as out:
        for row in rows(table, path.name):
            out.write(json.dumps(row, default=lambda at: at.isoformat()) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, help="the published transactions with their features (Parquet)")
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--format", choices=["parquet", "jsonl"], default="parquet")
    parser.add_argument("--rows", type=int, default=None, help="how many transactions from the beginning; default: all")
    given = parser.parse_args()
    published = parquet.read_table(given.published)
    published = published if given.rows is None else published.slice(0, given.rows)
    given.out.mkdir(parents=True, exist_ok=True)
    for name, table in (("transactions", transactions_of(published)), ("labels", labels_of(published))):
        path = given.out / f"{name}.{given.format}"
        write(table, path)
        print(f"{path}  {table.num_rows:,} events")


if __name__ == "__main__":
    main()
