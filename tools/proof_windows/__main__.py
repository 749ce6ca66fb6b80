"""Shows on many events that what was served can be computed again, bit for bit.

    make proof-windows                                   # a million events, some minutes
    .venv/bin/python tools/proof_windows --events 20000  # a short try

A real server decides payments while logins and chargebacks come in, over eight connections at once: late ones, ties,
ones from the future, keys with one event and keys with many, windows of every kind (definition.py beside this file).
Then its journal is exported and backfilled, and every window, feature, rule, score and decision is compared with what
the server answered, each float by its 64 bits. Last, `assay replay` decides the whole journal again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import assay
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
BATCH = 50  # events a request
DAY_US = 86_400_000_000
SHOPS = [f"shop number {n}" if n % 3 else f"s{n}" for n in range(40)]
COUNTRIES = ["DE", "FR", "NL", "AT", "IT", "a country of a long name", ""]
DEVICES = ["phone", "tablet", "old", "the second of two laptops", "\u00fc\U0001f600"]


class Different(Exception):
    """What came out is not what was served."""


# --- events ---------------------------------------------------------------------------------------------------------


class Traffic:
    """One connection's events. The first part is traffic of the past six days, posted quickly; the rest is of now.
    `progress` says how far all connections together have come, from 0 to 1."""

    def __init__(self, connection: int, count: int, progress: Callable[[], float]) -> None:
        self.connection, self.count, self.made, self.progress = connection, count, 0, progress
        self.chance = random.Random(connection)
        self.start_us = time.time_ns() // 1000 - 6 * DAY_US

    def time_us(self, share: float) -> int:
        us = self.start_us + int(6 * DAY_US * share / 0.4) if share < 0.4 else time.time_ns() // 1000
        kind = self.chance.random()
        if kind < 0.5:
            return us
        if kind < 0.8:
            return us // 10_000 * 10_000  # many of the same microsecond
        if kind < 0.97:
            return us - self.chance.randrange(3_000_000)
        if kind < 0.985:
            return us - self.chance.choice((60, 3600, 30_000, 100_000)) * 1_000_000  # the last is later than max_late
        return us + (3_600_000_000 if share >= 0.4 else 0)  # from the future

    def card(self) -> str:
        kind = self.chance.random()
        number = self.chance.randrange(6 if kind < 0.15 else 200 if kind < 0.5 else 20_000)
        return f"{4000 + number % 7}-{number}"

    def event(self, name: str, share: float) -> str:
        chance, number = self.chance, self.made * 8 + self.connection
        self.made += 1
        at = datetime.fromtimestamp(self.time_us(share) / 1e6, UTC).isoformat()
        head = f'"at":"{at}","card":"{self.card()}"'
        device = f',"device":"{chance.choice(DEVICES)}"' if chance.random() < 0.8 else ""
        if name == "Login":
            ok = "true" if chance.random() < 0.7 else "false"
            return f'{{"id":{number},{head},"ok":{ok},"took":{chance.random() * 3!r}{device}}}'
        shop = SHOPS[min(chance.randrange(40), chance.randrange(40))]
        if name == "Chargeback":
            shop = f'"{shop}"' if chance.random() < 0.9 else "null"
            reason = chance.choice(("fraud", "not delivered as promised", ""))
            return f'{{"id":"c{number}",{head},"shop":{shop},"lost":{chance.randrange(100_000)},"reason":"{reason}"}}'
        return f'{{"id":"p{number}",{head},"shop":"{shop}",{self.amounts()}{device}}}'

    def amounts(self) -> str:
        chance = self.chance
        kind = chance.random()
        amount = repr(chance.choice((0.1, -0.0, 1e-30, 1e15, 0.3))) if kind < 0.05 else repr(chance.random() * 100)
        if kind > 0.98:
            amount = "null" if kind < 0.9999 else "1e300"  # each sum that covers it fails
        flag = chance.choice(("true", "false", "null"))
        cents = chance.randrange(-1000, 100_000) if kind < 0.99999 else 2**63 - 1
        country = f'"{chance.choice(COUNTRIES)}"' if chance.random() < 0.9 else "null"
        return f'"amount":{amount},"cents":{cents},"country":{country},"flag":{flag}'

    def batches(self) -> Iterator[tuple[str, bytes]]:
        while self.made < self.count:
            kind = self.chance.random()
            name = "" if kind < 0.6 else "Login" if kind < 0.85 else "Chargeback"
            share = self.progress()
            lines = [self.event(name, share) for _ in range(min(BATCH, self.count - self.made))]
            yield name, "\n".join(lines).encode()


# --- serving --------------------------------------------------------------------------------------------------------


class Served:
    """A server on a data folder; what eight connections posted and were answered."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.folder, self.bundle = folder, bundle
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []

    def post(self, address: tuple[str, int], connection: int, count: int, events: int) -> None:
        traffic = Traffic(connection, count, lambda: self.counts.total() / events)
        try:
            client = http.client.HTTPConnection(*address, timeout=60)
            with (self.folder / f"answers-{connection}.jsonl").open("wb") as answers:
                for name, body in traffic.batches():
                    target = f"/v1/events/{name}" if name else "/v1/score?features=1"
                    client.request("POST", target, body, {"Content-Type": "application/x-ndjson"})
                    response = client.getresponse()
                    text = response.read()
                    if response.status != (202 if name else 200) or b'"type"' in text.split(b"\n", 1)[0]:
                        raise Different(f"a batch was answered {response.status}: {text[:500]!r}")
                    if not name:
                        answers.write(text)
                    self.counts[name or "Payment"] += body.count(b"\n") + 1
            client.close()
        except Exception as error:  # told by whoever waits for the threads
            self.problems.append(f"connection {connection}: {error!r}")

    def run(self, events: int, connections: int) -> None:
        binary = shutil.which("assay-server") or str(Path(assay.__path__[0]) / "bin" / "assay-server")
        command = [binary, "--bundle", str(self.bundle), "--listen", "127.0.0.1:0", "--data", str(self.folder / "data")]
        command += ["--threads", str(connections)]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stderr is not None
            found = next((m for m in map(LISTENING.search, server.stderr) if m), None)
            if found is None:
                raise Different("the server did not start")
            threading.Thread(target=server.stderr.read, daemon=True).start()
            address = found[1], int(found[2])
            shares = [events // connections + (n < events % connections) for n in range(connections)]
            clients = [
                threading.Thread(target=self.post, args=(address, n, share, events))
                for n, share in enumerate(shares)
                if share
            ]
            for client in clients:
                client.start()
            for client in clients:
                while client.is_alive():
                    client.join(1)
                    tell(f"serving: {self.counts.total():,} of {events:,} events")
        finally:
            server.terminate()
            server.wait(60)
        if self.problems:
            raise Different("; ".join(self.problems[:3]))


LISTENING = re.compile(r"listening on http://([^:]+):(\d+)")


def tell(text: str, end: str = "") -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)


def run(*arguments: str) -> str:
    """An `assay` command; what it printed."""
    command = [sys.executable, "-m", "assay", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Different(f"assay {' '.join(arguments)}: {result.stdout}{result.stderr}")
    return result.stdout


# --- comparing ------------------------------------------------------------------------------------------------------


def whole(column: Any) -> Any:
    """In one piece."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def rows_with(lists: Any, item: str) -> np.ndarray[Any, Any]:
    """Per row, whether its list of texts has the item."""
    lists = whole(lists)
    has = np.zeros(len(lists), bool)
    has[np.asarray(pc.list_parent_indices(lists))[np.asarray(pc.equal(pc.list_flatten(lists), item))]] = True
    return has


def rule_of(table: pa.Table, name: str) -> pa.Array:
    """Whether a rule fired, as the answers say it; null where it was not evaluated."""
    reasons = whole(table["reasons"])
    names = pa.ListArray.from_arrays(reasons.offsets, reasons.values.field("rule"))
    return pa.array(rows_with(names, name), mask=rows_with(table["not_evaluated"], name))


def answers_of(path: Path, values: pa.Schema, rules: list[str]) -> pa.Table:
    """The answers of one connection, a column for each of `values`. Texts that stand for times are read as such."""
    own = {"id": pa.string(), "decision": pa.string(), "score": pa.float64()}
    names = [name for name in values.names if name not in own and name not in rules]
    kinds = {name: values.field(name).type for name in names}
    texts = {name: pa.string() if pa.types.is_timestamp(kind) else kind for name, kind in kinds.items()}
    told = {"reasons": pa.list_(pa.struct([("rule", pa.string())])), "not_evaluated": pa.list_(pa.string())}
    schema = pa.schema([*own.items(), *told.items(), ("features", pa.struct(list(texts.items())))])
    options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    table = pyarrow.json.read_json(path, pyarrow.json.ReadOptions(block_size=16 << 20), options)
    columns = {name: table[name] for name in own}
    parts = whole(table["features"])
    columns |= {name: parts.field(name).cast(kinds[name]) for name in names}
    columns |= {name: rule_of(table, name) for name in rules}
    return pa.table(columns)


def bits(column: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Which values are missing, and the values in a form whose equality is that of the bits."""
    column = whole(column)
    missing = np.asarray(pc.is_null(column))
    if pa.types.is_string(column.type):
        return missing, column
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    filled = np.asarray(pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0))
    return missing, filled.view(np.int64) if filled.dtype == np.float64 else filled


def differing(served: Any, computed: Any) -> np.ndarray[Any, Any]:
    """The rows whose values differ."""
    (missing, a), (other, b) = bits(served), bits(computed)
    if isinstance(a, pa.Array):
        unequal = np.asarray(pc.fill_null(pc.not_equal(a, b), False))
    else:
        unequal = np.asarray(a != b) & ~missing
    return np.flatnonzero((missing != other) | unequal)


def compare(folder: Path, names: list[str], rules: list[str]) -> tuple[int, int, list[str]]:
    """(values compared, values that differ, the first of them)."""
    features = pq.read_table(folder / "features.parquet", columns=["id", "decision", "score", *names, *rules])
    place = pa.array(features["id"].combine_chunks())
    values = features.schema
    compared = different = rows = 0
    shown: list[str] = []
    for path in sorted(folder.glob("answers-*.jsonl")):
        if path.stat().st_size == 0:
            continue
        answers = answers_of(path, values, rules)
        found = pc.index_in(answers["id"], value_set=place)
        if found.null_count:
            raise Different(f"{found.null_count} payments were answered and are not in the export")
        taken = features.take(found)
        rows += len(answers)
        for name in values.names:
            wrong = differing(answers[name], taken[name])
            compared += len(answers)
            different += len(wrong)
            for row in wrong[: 3 if len(shown) < 20 else 0].tolist():
                id, was, now = answers["id"][row], answers[name][row], taken[name][row]
                shown.append(f"{id.as_py()} {name}: served {was.as_py()!r}, computed {now.as_py()!r}")
        tell(f"comparing: {rows:,} of {len(features):,} payments")
    if rows != len(features):
        raise Different(f"{len(features):,} payments in the export, {rows:,} were answered")
    return compared, different, shown


def overtaken(path: Path) -> int:
    """Payments between which and their decision another event came."""
    table = pq.read_table(path, columns=["seq", "decided_seq"])
    return int(pc.sum(pc.greater(table["decided_seq"], table["seq"])).as_py() or 0)


def prove(folder: Path, events: int, connections: int) -> bool:
    """Whether nothing differed."""
    from assay._backfill import columns_of
    from assay._compile import build
    from assay._read import read

    started = time.monotonic()

    def since() -> str:
        return f"{time.monotonic() - started:.0f} s"

    bundle = folder / "definition.assay"
    definition = read(HERE / "definition.py")
    build(HERE / "definition.py", bundle)
    served = Served(folder, bundle)
    served.run(events, connections)
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(served.counts.items()))
    tell("", "\r")
    print(f"served     {served.counts.total():,} events ({told}) over {connections} connections at once  [{since()}]")
    data = str(folder / "data")
    run("journal", "export", "--data", data, "-o", str(folder / "served"))
    payments = folder / "served" / "Payment.parquet"
    print(f"exported   {overtaken(payments):,} payments were decided after a later event had come  [{since()}]")
    contexts = [f"{name}={folder / 'served' / f'{name}.parquet'}" for name in ("Login", "Chargeback")]
    out = str(folder / "features.parquet")
    run("backfill", str(HERE / "definition.py"), str(payments), *contexts, "-o", out)
    print(f"backfilled [{since()}]")
    rules = [rule.name for rule in definition.rules]
    untold = {"decision", "score", *rules, *(f.name for f in definition.features if f.secret)}
    names = [name for name, *_ in columns_of(definition) if name not in untold]
    compared, different, shown = compare(folder, names, rules)
    windows, kinds = len(definition.windows), len({window.kind for window in definition.windows})
    tell("", "\r")
    print(
        f"compared   {compared:,} values: {windows} windows of {kinds} kinds, features, rules, score and decision "
        "of each payment"
    )
    print(
        f"           {different:,} differing bits  [{since()}]"
        if different == 0
        else f"           {different:,} values differ"
    )
    for line in shown:
        print(f"             {line}")
    replayed = json.loads(run("replay", "--data", data, "--json"))
    print(
        f"replayed   {replayed['inputs']:,} events decided again: {replayed['differences']:,} differences  [{since()}]"
    )
    return different == 0 and replayed["differences"] == 0 and replayed["inputs"] == events


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/proof_windows", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="how many [default: 1000000]")
    parser.add_argument("--connections", type=int, default=8, metavar="N", help="how many at once [default: 8]")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="where to leave journal, answers and files [default: nowhere]"
    )
    options = parser.parse_args()
    if options.events < 1 or not 1 <= options.connections <= 64:
        parser.error("expected 1 event or more, and 1 to 64 connections")
    try:
        if options.keep is not None:
            options.keep.mkdir(parents=True)
            return 0 if prove(options.keep, options.events, options.connections) else 1
        with tempfile.TemporaryDirectory(prefix="assay-proof-") as folder:
            return 0 if prove(Path(folder), options.events, options.connections) else 1
    except (Different, FileExistsError) as error:
        print(f"proof_windows: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
