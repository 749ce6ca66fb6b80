"""Where events come from and results go: data frames, Parquet, CSV and JSON lines, as batches of Arrow columns.

A source is read twice: once for its times and ids, once for its events. One that is not in the order of its events is
sorted between, in a file of the system's temporary folder, so that memory does not grow with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ._definition import EventDef, Secrecy

COLUMNS, TEXT, JSON, SERVED = 0, 1, 2, 3  # forms of a batch, as the engine knows them
BATCH = 32_768  # rows read at a time
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TableError(ValueError):
    """A source or file that cannot be taken, for people."""


@dataclass
class Served:
    """How events were served: their numbers, arrivals, and the number of the last event that was sequenced before each
    was decided."""

    seqs: np.ndarray[Any, Any]
    arrivals: np.ndarray[Any, Any]
    decided_seqs: np.ndarray[Any, Any]

    @classmethod
    def joined(cls, parts: Sequence[Served]) -> Served:
        return cls(
            np.concatenate([part.seqs for part in parts]),
            np.concatenate([part.arrivals for part in parts]),
            np.concatenate([part.decided_seqs for part in parts]),
        )


class Source:
    """The events of one class."""

    form = COLUMNS
    count: int | None = None  # rows, where that is known before reading

    def __init__(self, event: EventDef, name: str) -> None:
        self.event, self.name = event, name
        self.served: Served | None = None  # once read
        self.coverage: dict[str, int] = {}
        self.outcomes: Sequence[str] | None = None  # of an import: what a column `decision` may hold
        self.decided: np.ndarray[Any, Any] | None = None  # then: 1 + the outcome, 0 for none; once read

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows in the order in which they stand; of some columns only, where that saves work."""
        raise NotImplementedError

    def key_batches(self) -> Iterator[pa.RecordBatch]:
        """The same for a first look: times, ids, and what was served."""
        served: list[Served] = []
        decided: list[np.ndarray[Any, Any]] = []
        for batch in self.batches(self.key_columns()):
            if "seq" in batch.schema.names and "arrival" in batch.schema.names and not self.reads("seq"):
                served.append(self.served_of(batch))
            if self.outcomes is not None and "decision" in batch.schema.names and not self.reads("decision"):
                decided.append(decisions(batch["decision"].to_pylist(), self.outcomes, self.name))
            yield batch
        if served:
            self.served = Served.joined(served)
            self.form = SERVED if self.form == COLUMNS else self.form
        if decided:
            self.decided = np.concatenate(decided)

    def served_of(self, batch: pa.RecordBatch) -> Served:
        """Without a column `decided_seq` each event was decided before the next."""
        seqs = decided_seqs = integers(batch["seq"], "seq", self.name)
        if "decided_seq" in batch.schema.names and not self.reads("decided_seq"):
            decided_seqs = integers(batch["decided_seq"], "decided_seq", self.name)
        check_decided(seqs, decided_seqs, self.name)
        return Served(seqs, microseconds(batch["arrival"], self.name), decided_seqs)

    def reads(self, name: str) -> bool:
        """Whether a column is a field of the event."""
        return any(field.path[0] == name or field.name == name for field in self.event.fields)

    def key_columns(self) -> list[str]:
        names = {"seq", "arrival", "decided_seq", "decision"}
        for field in (self.event.id, self.event.time):
            names |= {field.path[0], field.name, ".".join(field.path)}
        return sorted(names)

    def cursor(self, rows: np.ndarray[Any, Any] | None) -> Cursor:
        """For taking the rows: as they stand, or in another order."""
        return Cursor(self.batches() if rows is None else self.reordered(rows))

    def reordered(self, rows: np.ndarray[Any, Any]) -> Iterator[pa.RecordBatch]:
        from ._sorting import reordered

        return reordered(self.batches(), rows)


def integers(column: Any, title: str, name: str) -> np.ndarray[Any, Any]:
    if column.null_count or not pa.types.is_integer(column.type):
        raise TableError(f"{name}: the column {title} holds {column.type}, expected an integer in every row")
    return np.asarray(column.cast(pa.int64()))


def check_decided(seqs: np.ndarray[Any, Any], decided_seqs: np.ndarray[Any, Any], name: str) -> None:
    early = np.flatnonzero(decided_seqs < seqs)
    if len(early):
        seq, decided = int(seqs[early[0]]), int(decided_seqs[early[0]])
        raise TableError(
            f"{name}: the event with seq {seq} has decided_seq {decided}, expected {seq} or more: the number of the "
            "last event that was sequenced before it was decided. Leave the column out if each was decided before the "
            "next."
        )


def decisions(values: Iterable[Any], outcomes: Sequence[str], name: str) -> np.ndarray[Any, Any]:
    known: dict[Any, int] = {None: 0, **{outcome: number for number, outcome in enumerate(outcomes, 1)}}
    try:
        return np.array([known[value] for value in values], np.uint8)
    except (KeyError, TypeError) as error:
        raise TableError(
            f"{name}: the column decision holds {error}, expected one of {', '.join(outcomes)}, or nothing"
        ) from None


def microseconds(column: Any, name: str) -> np.ndarray[Any, Any]:
    if column.null_count or not pa.types.is_timestamp(column.type):
        raise TableError(f"{name}: the column arrival holds {column.type}, expected a timestamp in every row")
    return np.asarray(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()))


class Cursor:
    """Takes so many rows at a time from batches of any size."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches, self._rest = batches, None

    def take(self, count: int) -> pa.RecordBatch:
        parts, missing = [], count
        while missing:
            batch = self._rest if self._rest is not None and len(self._rest) else next(self._batches)
            part = batch.slice(0, missing)
            parts.append(part)
            self._rest = batch.slice(len(part))
            missing -= len(part)
        if len(parts) == 1:
            return parts[0]
        return pa.Table.from_batches(parts).combine_chunks().to_batches(max_chunksize=count)[0]


# --- data frames ----------------------------------------------------------------------------------------------------


class TableSource(Source):
    """A table in memory."""

    def __init__(self, event: EventDef, table: pa.Table, name: str) -> None:
        super().__init__(event, name)
        self.table, self.count = table, len(table)

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        table = self.table
        if columns is not None:
            table = table.select([name for name in dict.fromkeys(table.column_names) if name in columns])
        yield from table.to_batches(max_chunksize=BATCH)

    def reordered(self, rows: np.ndarray[Any, Any]) -> Iterator[pa.RecordBatch]:
        table = self.table.combine_chunks()
        for start in range(0, len(rows), BATCH):
            taken = table.take(pa.array(rows[start : start + BATCH])).combine_chunks()
            yield from taken.to_batches()


def frame_kind(frame: Any) -> str:
    """ "pandas", "polars" or "pyarrow"."""
    kind = type(frame).__module__.partition(".")[0]
    if kind == "polars" and type(frame).__name__ == "LazyFrame":
        raise TableError("a LazyFrame has no rows yet: give frame.collect()")
    if kind in ("pandas", "polars") and type(frame).__name__ == "DataFrame":
        return kind
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return "pyarrow"
    raise TableError(f"a {type(frame).__name__} is not a data frame: expected pandas, Polars or Arrow")


def from_frame(frame: Any) -> pa.Table:
    """As an Arrow table. In pandas a NaN is a missing value; in Polars and Arrow it is a NaN."""
    kind = frame_kind(frame)
    if kind == "pandas":
        return pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "polars":
        return frame.to_arrow()
    return pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame


def to_frame(table: pa.Table, kind: str, like: Any) -> Any:
    """A table as a frame of that kind; of pandas with the index of `like`, and ints, floats and bools that can be
    missing."""
    if kind == "pandas":
        import pandas

        nullable = {
            pa.int64(): pandas.Int64Dtype(),
            pa.float64(): pandas.Float64Dtype(),
            pa.bool_(): pandas.BooleanDtype(),
        }
        frame = table.to_pandas(types_mapper=nullable.get)
        if like is not None:
            frame.index = like.index
        return frame
    if kind == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def with_columns(frame: Any, added: Any, kind: str) -> Any:
    """The frame with more columns; one of the same name is replaced."""
    if kind == "pandas":
        import pandas

        return pandas.concat([frame.drop(columns=[c for c in added.columns if c in frame.columns]), added], axis=1)
    if kind == "polars":
        return frame.with_columns(added.get_columns())
    return joined(pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame, added)


def joined(table: pa.Table, added: pa.Table) -> pa.Table:
    kept = [name for name in table.column_names if name not in added.column_names]
    table = table.select(kept)
    for name in added.column_names:
        table = table.append_column(added.schema.field(name), added[name])
    return table


# --- files ----------------------------------------------------------------------------------------------------------


class ParquetSource(Source):
    def __init__(self, event: EventDef, path: Path) -> None:
        import pyarrow.parquet

        super().__init__(event, str(path))
        self.path = path
        self.file = pyarrow.parquet.ParquetFile(path)
        self.count = self.file.metadata.num_rows
        said = (self.file.metadata.metadata or {}).get(b"assay.coverage")
        self.coverage = json.loads(said) if said else {}

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        if columns is not None:
            columns = [name for name in self.file.schema_arrow.names if name in columns]
        yield from self.file.iter_batches(BATCH, columns=columns)


class CsvSource(Source):
    """Every column is text; the engine reads numbers and times from it as from JSON. An empty cell is missing, `""` an
    empty string."""

    form = TEXT

    def __init__(self, event: EventDef, path: Path) -> None:
        super().__init__(event, str(path))
        self.path = path

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        import pyarrow.csv as csv

        with csv.open_csv(self.path) as head:
            names = head.schema.names
        wanted = names if columns is None else [name for name in names if name in columns]
        numbers = {name for name in ("seq", "decided_seq") if not self.reads(name)}
        types = {name: pa.int64() if name in numbers else pa.string() for name in names}
        if "arrival" in names and not self.reads("arrival"):
            types["arrival"] = pa.timestamp("us", "UTC")
        options = csv.ConvertOptions(
            column_types=types,
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        with csv.open_csv(self.path, convert_options=options) as reader:
            for batch in reader:
                yield from pa.Table.from_batches([batch]).to_batches(max_chunksize=BATCH)


class JsonSource(Source):
    """JSON lines, parsed by the engine as the server parses them."""

    form = JSON

    def __init__(self, event: EventDef, path: Path) -> None:
        super().__init__(event, str(path))
        self.path = path

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        with self.path.open("rb") as file:
            lines: list[bytes] = []
            for line in file:
                if line.strip():
                    lines.append(line.strip())
                if len(lines) == BATCH:
                    yield json_batch(lines)
                    lines = []
            if lines:
                yield json_batch(lines)

    def key_batches(self) -> Iterator[pa.RecordBatch]:
        served: list[tuple[int, int, int]] = []
        first = next(iter(self.batches()), None)
        parsed = json.loads(first["event"][0].as_buffer().to_pybytes()) if first is not None else {}
        names = parsed.keys() if isinstance(parsed, dict) else set()
        exported = {"seq", "arrival"} <= names and not self.reads("seq")
        if exported and any(field.secrecy is Secrecy.SECRET for field in self.event.fields):
            raise TableError(
                f"{self.name}: what was served, with hashes for its Secret fields, is taken as Parquet: "
                "assay journal export -o FOLDER"
            )
        numbered = not self.reads("decided_seq")
        decides = "decision" in names and not self.reads("decision")
        decided: list[np.ndarray[Any, Any]] = []
        for batch in self.batches():
            if exported:
                served += [served_of(line.as_py(), self.name, numbered) for line in batch["event"]]
            if self.outcomes is not None and decides:
                said = (decision_of(line.as_py()) for line in batch["event"])
                decided.append(decisions(said, self.outcomes, self.name))
            yield batch
        if decided:
            self.decided = np.concatenate(decided)
        if served:
            seqs, arrivals, decided_seqs = np.array(served, np.int64).T.copy()
            check_decided(seqs, decided_seqs, self.name)
            self.served = Served(seqs, arrivals, decided_seqs)


def json_batch(lines: list[bytes]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(lines, pa.binary())], names=["event"])


def decision_of(line: bytes) -> Any:
    try:
        row = json.loads(line)
    except ValueError:
        return None  # the engine says what is wrong with it
    return row.get("decision") if isinstance(row, dict) else None


def served_of(line: bytes, name: str, numbered: bool) -> tuple[int, int, int]:
    row = json.loads(line)
    try:
        arrival = datetime.fromisoformat(row["arrival"])
        seq = int(row["seq"])
        decided = int(row.get("decided_seq", seq)) if numbered else seq
        return seq, (arrival - EPOCH) // timedelta(microseconds=1), decided
    except (KeyError, TypeError, ValueError):
        raise TableError(f"{name}: a line without seq and arrival, which the first line has") from None


def open_source(event: EventDef, path: Path) -> Source:
    """The source of a file, by its suffix."""
    kinds: dict[str, type[ParquetSource] | type[CsvSource] | type[JsonSource]] = {
        ".parquet": ParquetSource,
        ".csv": CsvSource,
        ".jsonl": JsonSource,
        ".ndjson": JsonSource,
        ".json": JsonSource,
    }
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise TableError(f"{path}: the suffix says what a file is: .parquet, .csv or .jsonl")
    try:
        return kind(event, path)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: {error}") from None


class Writer:
    """Results into a file, by its suffix. It has its name when it is whole."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in (".parquet", ".csv", ".jsonl", ".ndjson"):
            raise TableError(f"{path}: the suffix says what a file is: .parquet, .csv or .jsonl")
        self.path, self.partial = path, path.with_name(f"{path.name}.partial")
        self._writer: Any = None

    @property
    def is_new(self) -> bool:
        """Nothing was written yet."""
        return self._writer is None

    def write(self, table: pa.Table) -> None:
        kind = self.path.suffix.lower()
        if kind == ".parquet":
            import pyarrow.parquet

            self._writer = self._writer or pyarrow.parquet.ParquetWriter(self.partial, table.schema)
            self._writer.write_table(table)
        elif kind == ".csv":
            import pyarrow.csv

            flat = flattened(table)
            self._writer = self._writer or pyarrow.csv.CSVWriter(self.partial, flat.schema)
            self._writer.write_table(flat)
        else:
            self._writer = self._writer or self.partial.open("w", encoding="utf-8")
            for row in table.to_pylist():
                self._writer.write(json.dumps(row, ensure_ascii=False, default=as_text) + "\n")

    def close(self, whole: bool, metadata: dict[str, str] | None = None) -> None:
        """`metadata`: of a Parquet file, what it says of itself."""
        if self._writer is not None:
            if metadata and hasattr(self._writer, "add_key_value_metadata"):
                self._writer.add_key_value_metadata(metadata)
            self._writer.close()
            if whole:
                self.partial.replace(self.path)
            else:
                self.partial.unlink(missing_ok=True)


def as_text(value: Any) -> Any:
    return (
        value.isoformat() if hasattr(value, "isoformat") else value.decode() if isinstance(value, bytes) else str(value)
    )


def flattened(table: pa.Table) -> pa.Table:
    """What CSV has no form for, as JSON text."""
    for i, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [
                None if v is None else json.dumps(v, ensure_ascii=False, default=as_text) for v in table[i].to_pylist()
            ]
            table = table.set_column(i, field.name, pa.array(texts, pa.string()))
    return table
