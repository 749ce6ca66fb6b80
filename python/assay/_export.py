"""What was served, as files: `assay journal export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from ._backfill import NO_TIME, Capsules
from ._bundle import read_parts

ROWS = 65_536  # of a batch


class ExportError(ValueError):
    """A data folder that cannot be exported, for people."""


def export(
    data: Path, bundle: Path, out: Path, kind: str, progress: Callable[[int], object] = lambda _: None
) -> tuple[dict[Path, int], int]:
    """Writes a file per event class into the folder `out`, or the payments alone into the file `out`. (how many events
    each file has, how many were of classes that the bundle does not know)."""
    from . import _engine

    plan = json.loads(read_parts(bundle)["plan.json"])
    classes = {event["name"]: bool(event["scored"]) for event in plan["events"]}
    single = out.suffix in (".parquet", ".jsonl")
    if not single:
        out.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Any] = {}
    counts: dict[Path, int] = {}
    done = 0

    def receive(name: str, pair: tuple[object, object]) -> None:
        nonlocal done
        if single and not classes[name]:
            return
        table = with_answers(pa.Table.from_batches([pa.record_batch(Capsules(pair))]), classes[name])
        path = out if single else out / f"{name}.{kind}"
        if name not in writers:
            writers[name] = _Parts(path)
        counts[path] = counts.get(path, 0) + len(table)
        writers[name].write(table)
        done += len(table)
        progress(done)

    whole = False
    try:
        _, unknown, since = _engine.export(str(bundle), str(data), ROWS, list(classes), receive)
        coverage = {name: us for name, us in since.items() if us != NO_TIME}
        whole = True
    except ValueError as error:
        raise ExportError(f"{data}: {error}") from None
    finally:
        for writer in writers.values():
            writer.close(whole, coverage if whole else {})
    return counts, unknown


def with_answers(table: pa.Table, scored: bool) -> pa.Table:
    """With what was decided instead of the answer's text. Nobody depends on when a context event was answered."""
    answers = [json.loads(text) for text in table["answer"].to_pylist()]
    table = table.drop_columns(["answer"] if scored else ["answer", "decided_seq"])
    names = set(table.column_names)
    if scored and "decision" not in names:
        table = table.append_column("decision", pa.array([a.get("decision") for a in answers], pa.string()))
    if scored and "score" not in names:
        scores = [None if a.get("score") is None else float(a["score"]) for a in answers]
        table = table.append_column("score", pa.array(scores, pa.float64()))
    return table


class _Parts:
    """A file whose schema's metadata (since when each class is covered) is known at the end only."""

    def __init__(self, path: Path) -> None:
        from ._tables import Writer

        self._writer = Writer(path)

    def write(self, table: pa.Table) -> None:
        self._writer.write(table)

    def close(self, whole: bool, coverage: dict[str, int]) -> None:
        self._writer.close(whole, {"assay.coverage": json.dumps(coverage)} if coverage else None)
