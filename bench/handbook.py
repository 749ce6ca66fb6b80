"""The Fraud Detection Handbook's twelve window features over its published transactions: Assay's backfill beside
pandas (the book's way), Polars and DuckDB, one core each, taking turns; and that all give the same numbers.

    python bench/handbook.py published.parquet [--rounds 3] [--rows N]

Each has the transactions in memory, in time order, and is timed until its columns are there. Assay takes the labels as
the events that they are (seven days later), so it handles twice as many events as the others have rows. Counts must be
equal, averages within 1e-9 of Assay's, apart from customers' transactions in the same second, whose order pandas and
SQL do not have. Needs duckdb, pandas and polars; prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported

import duckdb
import numpy
import pandas
import polars
import pyarrow
from pyarrow import parquet
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT / "examples" / "handbook"
sys.path.insert(0, str(HANDBOOK))

DAYS = (1, 7, 30)
DELAY = 7
COUNTS = [f"{of}_NB_TX_{days}DAY_WINDOW" for of in ("CUSTOMER_ID", "TERMINAL_ID") for days in DAYS]
MEANS = [
    *(f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW" for days in DAYS),
    *(f"TERMINAL_ID_RISK_{days}DAY_WINDOW" for days in DAYS),
]
Columns = dict[str, Any]


def by_pandas(frame: pandas.DataFrame) -> Columns:
    """As the book does it: rolling sums and counts of each customer and each terminal, group by group."""

    def customer(rows: pandas.DataFrame) -> pandas.DataFrame:
        amounts = rows.set_index("TX_DATETIME")["TX_AMOUNT"]
        for days in DAYS:
            rolling = amounts.rolling(f"{days}D")
            count = rolling.count()
            rows[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"] = count.to_numpy()
            rows[f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"] = (rolling.sum() / count).to_numpy()
        return rows

    def terminal(rows: pandas.DataFrame) -> pandas.DataFrame:
        frauds = rows.set_index("TX_DATETIME")["TX_FRAUD"]
        late = frauds.rolling(f"{DELAY}D")
        late_frauds, late_count = late.sum(), late.count()
        for days in DAYS:
            rolling = frauds.rolling(f"{DELAY + days}D")
            count = rolling.count() - late_count
            rows[f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"] = count.to_numpy()
            share = (rolling.sum() - late_frauds) / count
            rows[f"TERMINAL_ID_RISK_{days}DAY_WINDOW"] = share.fillna(0).to_numpy()
        return rows

    def each(rows: pandas.DataFrame, key: str, of: Callable[[pandas.DataFrame], pandas.DataFrame]) -> pandas.DataFrame:
        return pandas.concat([of(group.copy()) for _, group in rows.groupby(key)])

    by_customer = each(frame, "CUSTOMER_ID", customer).sort_values("TX_DATETIME", kind="stable")
    done = each(by_customer, "TERMINAL_ID", terminal).sort_index()  # the rows' own order
    return {name: done[name].to_numpy() for name in (*COUNTS, *MEANS)}


def by_polars(frame: polars.DataFrame) -> Columns:
    at = "TX_DATETIME"

    def rolled(expression: polars.Expr, days: int, key: str) -> polars.Expr:
        return expression.rolling_sum_by(at, window_size=f"{days}d", closed="right").over(key)

    frame = frame.with_columns(polars.lit(1.0).alias("one"))
    one, amount, fraud = polars.col("one"), polars.col("TX_AMOUNT"), polars.col("TX_FRAUD").cast(polars.Float64)
    late, late_frauds = rolled(one, DELAY, "TERMINAL_ID"), rolled(fraud, DELAY, "TERMINAL_ID")
    columns = []
    for days in DAYS:
        count = rolled(one, days, "CUSTOMER_ID")
        columns.append(count.alias(f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"))
        average = rolled(amount, days, "CUSTOMER_ID") / count
        columns.append(average.alias(f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"))
        count = rolled(one, DELAY + days, "TERMINAL_ID") - late
        columns.append(count.alias(f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"))
        share = (rolled(fraud, DELAY + days, "TERMINAL_ID") - late_frauds) / count
        columns.append(share.fill_nan(0).alias(f"TERMINAL_ID_RISK_{days}DAY_WINDOW"))
    done = frame.select(columns)
    return {name: done[name].to_numpy() for name in (*COUNTS, *MEANS)}


def by_duckdb(transactions: pyarrow.Table) -> Columns:
    """RANGE includes both ends, so its windows are a second shorter: times are whole seconds."""
    selected, windows = [], []
    spans = [(f"c{days}", "CUSTOMER_ID", days) for days in DAYS]
    spans += [(f"t{days}", "TERMINAL_ID", days) for days in (DELAY, *(DELAY + days for days in DAYS))]
    for name, key, days in spans:
        reach = f"RANGE BETWEEN INTERVAL {days * 86400 - 1} SECOND PRECEDING AND CURRENT ROW"
        windows.append(f"{name} AS (PARTITION BY {key} ORDER BY TX_DATETIME {reach})")
    for days in DAYS:
        selected.append(f"count(*) OVER c{days} AS CUSTOMER_ID_NB_TX_{days}DAY_WINDOW")
        selected.append(f"avg(TX_AMOUNT) OVER c{days} AS CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW")
        many = f"(count(*) OVER t{DELAY + days} - count(*) OVER t{DELAY})"
        frauds = f"(sum(TX_FRAUD) OVER t{DELAY + days} - sum(TX_FRAUD) OVER t{DELAY})"
        selected.append(f"{many} AS TERMINAL_ID_NB_TX_{days}DAY_WINDOW")
        selected.append(f"coalesce({frauds} / nullif({many}, 0), 0) AS TERMINAL_ID_RISK_{days}DAY_WINDOW")
    query = f"SELECT TRANSACTION_ID, {', '.join(selected)} FROM transactions WINDOW {', '.join(windows)}"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("transactions", transactions)
        done: Any = connection.execute(query).to_arrow_table()
    order = numpy.empty(done.num_rows, dtype=numpy.int64)  # back to the rows' own order
    order[numpy.argsort(transactions["TRANSACTION_ID"].to_numpy())] = numpy.argsort(done["TRANSACTION_ID"].to_numpy())
    return {name: done[name].to_numpy()[order] for name in (*COUNTS, *MEANS)}


def same_second(transactions: pyarrow.Table) -> Any:
    """The rows that share customer or terminal and second with another: their order is not defined by time."""
    apart = numpy.zeros(transactions.num_rows, bool)
    at = transactions["TX_DATETIME"].to_numpy()
    for key in ("CUSTOMER_ID", "TERMINAL_ID"):
        pairs = numpy.rec.fromarrays([transactions[key].to_numpy().astype(str), at])
        _, which, counts = numpy.unique(pairs, return_inverse=True, return_counts=True)
        apart |= counts[which] > 1
    return apart


def differing(ours: Columns, theirs: Columns, apart: Any) -> int:
    """Values that differ, over all rows whose order time alone gives."""
    total = 0
    for name in (*COUNTS, *MEANS):
        a, b = ours[name].astype(float), theirs[name].astype(float)
        differ = a != b if name in COUNTS else ~(numpy.abs(a - b) <= 1e-9)
        total += int((differ & ~apart).sum())
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, help="the published transactions (Parquet)")
    parser.add_argument("--rounds", type=int, default=3, help="of each, taking turns (3)")
    parser.add_argument("--rows", type=int, help="only so many transactions from the beginning")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "bench-peers" / "handbook.json", help="for RESULTS.md"
    )
    given = parser.parse_args()
    import assay  # type: ignore[import-untyped]
    from convert import labels_of, transactions_of  # type: ignore[import-not-found]

    published = parquet.read_table(given.published)
    published = published.slice(0, given.rows) if given.rows else published
    transactions, labels = transactions_of(published), labels_of(published)
    as_pandas = published.select(
        ["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD"]
    )
    frames = {"pandas": as_pandas.to_pandas(), "polars": polars.from_arrow(as_pandas)}
    detector = assay.load(HANDBOOK / "handbook.py")

    def by_assay() -> Columns:
        done = detector.backfill(transactions, features_only=True, threads=1, Label=labels)
        return {name: done[name].to_numpy() for name in (*COUNTS, *MEANS)}

    ways: dict[str, Callable[[], Columns]] = {
        "Assay": by_assay,
        "pandas": lambda: by_pandas(frames["pandas"]),
        "Polars": lambda: by_polars(frames["polars"]),
        "DuckDB": lambda: by_duckdb(as_pandas),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, Columns] = {}
    console = Console()
    for _ in track(range(given.rounds), "rounds", console=Console(stderr=True)):
        for name, way in ways.items():
            began = time.perf_counter()
            results[name] = way()
            seconds[name].append(time.perf_counter() - began)
    detector.close()
    apart = same_second(published)
    table = Table("", "seconds (median)", "least - most", "times Assay's", "values that differ")
    ours = statistics.median(seconds["Assay"])
    wrong = 0
    for name, taken in seconds.items():
        differ = differing(results["Assay"], results[name], apart)
        wrong += differ
        median = statistics.median(taken)
        spread = f"{min(taken):.2f} - {max(taken):.2f}"
        table.add_row(name, f"{median:.2f}", spread, f"{median / ours:.1f}", f"{differ:,}")
    console.print(table)
    console.print(
        f"{published.num_rows:,} transactions and as many labels, 12 windows, one core each; {int(apart.sum()):,} rows "
        "that share a second with another of their customer or terminal are not compared"
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    given.out.write_text(json.dumps({"rows": published.num_rows, "seconds": medians}), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
