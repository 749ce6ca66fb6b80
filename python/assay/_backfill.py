"""Every feature of every event as of its own moment: `Detector.backfill` and `assay backfill`.

Events of all classes are put in one order - merged by time, context events first at equal times, then each source's own
order; or by `seq`, where a source has it - and go through the engine in steps. What is kept for that in memory is 40
bytes an event, 24 more with `seq`, however long the events are; sources that are not in order are brought into it by
`_tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ._definition import Definition, EventDef, FunctionDef, ModelDef, WindowDef
from ._events import SCALARS
from ._tables import Served

if TYPE_CHECKING:
    from ._engine import Backfill, Engine
    from ._tables import Source

STEP = 32_768  # events a call of the engine
NO_TIME = np.iinfo(np.int64).min
Column = tuple[str, str, str, bool]  # name, source, type, is a list: as the engine wants it


class BackfillError(ValueError):
    """Events that cannot be taken, for people."""


@dataclass
class Step:
    """What came of some events: the scored ones' rows in the source, their values, and the errors of all."""

    rows: np.ndarray[Any, Any]
    values: pa.Table
    errors: pa.Table  # class, row, id, function, error, file, line
    events: int


@dataclass
class Capsules:
    """What the engine gives away, as Arrow's protocol wants to be asked for it."""

    pair: tuple[object, object]

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self.pair


# --- columns --------------------------------------------------------------------------------------------------------


def columns_of(definition: Definition, *, fields: bool = False) -> list[Column]:
    """The columns of a backfill: windows, features, models, rules, then `decision` and `score`."""
    columns: list[Column] = []
    if fields:
        columns += [(each.name, "", each.type, each.is_list) for each in definition.scored.fields]
    columns += [(window.name, "", *window_type(window)) for window in definition.windows]
    sources: list[FunctionDef | ModelDef] = [*definition.features, *definition.models]
    for source in sources:
        if source.vector:
            columns += [(f"{source.name}_{i}", f"{source.name}[{i}]", "float", False) for i in range(source.vector)]
        else:
            kind = result_type(source) if isinstance(source, FunctionDef) else ("float", False)
            columns.append((source.name, "", *kind))
    columns += [(rule.name, "", "bool", False) for rule in definition.rules]
    names = {name for name, *_ in columns}
    if "decision" not in names:
        columns.append(("decision", "decision", "str", False))
    if definition.score is not None and "score" not in names:
        columns.append(("score", "score", "float", False))
    return columns


def window_type(window: WindowDef) -> tuple[str, bool]:
    """The column type of a window's value: (type, is a list)."""
    if window.kind in ("count", "distinct"):
        return "int", False
    if window.kind == "seen":
        return "bool", False
    if window.kind == "sum":
        return ("float" if window.value_type == "float" else "int"), False
    if window.kind in ("mean", "std", "rate", "decayed_sum", "since_last"):
        return "float", False
    return window.value_type or "json", False


def result_type(function: FunctionDef) -> tuple[str, bool]:
    """The same for a function's result: one type, a list of one type, or "json"."""
    from ._compile import result_masks
    from ._freeze import TAGS

    one = {1 << TAGS[name]: name for name in (*SCALARS.values(), "timedelta")}
    none = 1 << TAGS["none"]
    mask, items = result_masks(function.returns)
    kept = mask & ~none
    if kept in one:
        return one[kept], False
    if kept in (1 << TAGS["list"], 1 << TAGS["tuple"]) and items & ~none in one:
        return one[items & ~none], True
    return "json", False


# --- the order ------------------------------------------------------------------------------------------------------


@dataclass
class Order:
    """The order of all events: which source each is of, and which of its rows (None: as they stand) come when."""

    owners: np.ndarray[Any, Any]
    rows: list[np.ndarray[Any, Any] | None]
    repeated: bytes  # hashes of ids that come more than once
    served: Served | None = None  # in that order
    outcomes: np.ndarray[Any, Any] | None = None  # of an import: what was decided, where that is known
    first_us: int = 0  # the time of the first event

    def known(self) -> tuple[np.ndarray[Any, Any] | None, ...]:
        """Per event, as the engine takes it: its number, arrival, number of its decision, outcome."""
        s = self.served
        return (*((s.seqs, s.arrivals, s.decided_seqs) if s is not None else (None,) * 3), self.outcomes)


def order_of(sources: list[Source], keys: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]) -> Order:
    """From each source's times and hashed ids."""
    filled_ones = [source for source, (times, _) in zip(sources, keys, strict=True) if len(times)]  # no rows fit all
    served = [source.served for source in filled_ones if source.served is not None]
    if served and len(served) < len(filled_ones):
        without = next(source.name for source in filled_ones if source.served is None)
        raise BackfillError(f"{without} has no columns seq and arrival, and another source has: all or none")
    times = [filled(times) if len(times) else times for times, _ in keys]
    ids = np.concatenate([ids for _, ids in keys]) if keys else np.empty(0, np.uint64)
    counts = [len(each) for each in times]
    starts = np.concatenate([[0], np.cumsum(counts)])
    joined = Served.joined(served) if served else None
    by = [joined.seqs] if joined is not None else times
    ordered = np.argsort(np.concatenate(by), kind="stable")
    owners = np.repeat(np.arange(len(sources), dtype=np.uint8), counts)[ordered]
    rows: list[np.ndarray[Any, Any] | None] = []
    for number, start in enumerate(starts[:-1]):
        own = ordered[owners == number] - start
        rows.append(None if bool(np.all(own[1:] > own[:-1])) else own)
    order = Order(owners, rows, repeated_of(ids))
    real = np.concatenate(times)
    order.first_us = int(real[real != NO_TIME].min(initial=np.iinfo(np.int64).max)) if len(real) else 0
    if any(source.decided is not None for source in sources):
        known = [
            np.zeros(n, np.uint8) if s.decided is None else s.decided for s, n in zip(sources, counts, strict=True)
        ]
        order.outcomes = np.concatenate(known)[ordered]
    if joined is not None:
        order.served = Served(joined.seqs[ordered], joined.arrivals[ordered], joined.decided_seqs[ordered])
        seqs = order.served.seqs
        if len(seqs) > 1 and bool(np.any(seqs[1:] == seqs[:-1])):
            raise BackfillError("the column seq holds the same number twice")
    return order


def filled(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Events without a time go where the one before them is."""
    good = times != NO_TIME
    if bool(good.all()):
        return times
    last = np.maximum.accumulate(np.where(good, np.arange(len(times)), 0))
    return times[last]


def repeated_of(ids: np.ndarray[Any, Any]) -> bytes:
    ordered = np.sort(ids[ids != 0])
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]]).astype(np.uint64).tobytes()


# --- the run --------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One backfill over a bundle. `columns` are what is asked for; sources are the context events', then the
    payments'."""

    definition: Definition
    bundle: Path
    sources: list[Source]
    columns: list[Column]
    history: str = "empty"
    threads: int = 1
    refused: int = 0
    events: int = 0
    payment_rows: np.ndarray[Any, Any] | None = None  # the order in which the payments are taken, if not their own
    progress: Callable[[str, int, int], object] = lambda what, done, total: None
    kept: dict[int, pa.Table] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        """Takes everything; results come in the order in which the events are taken."""
        from ._engine import Backfill, Engine

        with Engine(str(self.bundle), history=self.history) as engine:
            reader = Backfill(engine, [])
            keys = [self.keys(reader, source) for source in self.sources]
            order = order_of(self.sources, keys)
            del keys
            self.events = len(order.owners)
            self.payment_rows = order.rows[-1]
            try:
                yield from self.enter(engine, reader, order)
            finally:
                reader.close()

    def enter(self, engine: Engine, reader: Backfill, order: Order) -> Iterator[Step]:
        """Takes the events in their order."""
        from ._engine import Backfill

        backfill = Backfill(engine, self.columns, threads=self.threads, repeated=order.repeated)
        numbers = {event.name: i for i, event in enumerate(self.definition.events)}
        try:
            for source in self.sources:
                for name, since in source.coverage.items():
                    if name in numbers:
                        backfill.cover(numbers[name], since)
            yield from self.take(backfill, order)
        finally:
            backfill.close()

    def number(self, event: EventDef) -> int:
        return self.definition.events.index(event)

    def keys(self, reader: Backfill, source: Source) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        times, ids, done = [], [], 0
        for batch in source.key_batches():
            try:
                pair = reader.keys(self.number(source.event), (*batch.__arrow_c_array__(), source.form))
            except ValueError as error:
                raise BackfillError(f"{source.name}: {error}") from None
            times.append(np.frombuffer(pair[0], np.int64))
            ids.append(np.frombuffer(pair[1], np.uint64))
            done += len(batch)
            self.progress(f"reading {source.name}", done, source.count or 0)
        empty = np.empty(0, np.int64)
        return np.concatenate([empty, *times]), np.concatenate([empty.astype(np.uint64), *ids])

    def take(self, backfill: Backfill, order: Order) -> Iterator[Step]:
        cursors = [source.cursor(rows) for source, rows in zip(self.sources, order.rows, strict=True)]
        numbers = np.array([self.number(source.event) for source in self.sources], np.uint8)
        scored = next(i for i, source in enumerate(self.sources) if source.event.scored)
        taken = [0] * len(self.sources)
        for start in range(0, len(order.owners), STEP):
            owners = order.owners[start : start + STEP]
            counts = np.bincount(owners, minlength=len(self.sources))
            rows = [order.rows[i][taken[i] : taken[i] + n] if order.rows[i] is not None  # type: ignore[index]
                    else np.arange(taken[i], taken[i] + n) for i, n in enumerate(counts)]  # fmt: skip
            batches: list[Any] = [None] * len(self.definition.events)
            alive = []
            for i, count in enumerate(counts):
                if count:
                    batch = cursors[i].take(int(count))
                    alive.append(batch)
                    batches[numbers[i]] = (*batch.__arrow_c_array__(), self.sources[i].form)
                taken[i] += int(count)
            known = [each[start : start + STEP].tobytes() if each is not None else None for each in order.known()]
            try:
                values, errors, repeats, self.refused = backfill.take(batches, numbers[owners].tobytes(), *known)
            except ValueError as error:
                raise BackfillError(self.about(str(error))) from None
            table = pa.Table.from_batches([pa.record_batch(Capsules(values))])
            yield Step(
                rows[scored],
                self.with_repeats(table, repeats),
                self.located(pa.Table.from_batches([pa.record_batch(Capsules(errors))]), rows),
                len(owners),
            )

    def about(self, text: str) -> str:
        return f"{', '.join(source.name for source in self.sources)}: {text}"

    def with_repeats(self, values: pa.Table, repeats: list[tuple[int, int, bool]]) -> pa.Table:
        """A repeated event gets the first one's values."""
        if not repeats:
            return values
        indexes = np.arange(len(values))
        extra: list[pa.Table] = []
        for row, id, first in repeats:
            if first:
                self.kept[id] = pa.Table.from_batches(values.slice(row, 1).combine_chunks().to_batches())
            elif id in self.kept:
                indexes[row] = len(values) + len(extra)
                extra.append(self.kept[id])
        return pa.concat_tables([values, *extra]).take(pa.array(indexes))

    def located(self, errors: pa.Table, rows: list[np.ndarray[Any, Any]]) -> pa.Table:
        """With each row's number in its source, from 0, and the class by name."""
        if not len(errors):
            return errors
        numbers = {self.number(source.event): i for i, source in enumerate(self.sources)}
        events, own = errors["event"].to_pylist(), errors["row"].to_pylist()
        places = [int(rows[numbers[event]][row]) for event, row in zip(events, own, strict=True)]
        names = [self.definition.events[event].name for event in events]
        errors = errors.set_column(0, "event", pa.array(names, pa.string()))
        return errors.set_column(1, "row", pa.array(places, pa.int64()))


# --- data frames ----------------------------------------------------------------------------------------------------


def backfill_frames(
    definition: Definition,
    bundle: Path,
    frame: Any,
    contexts: Mapping[str, Any],
    *,
    features_only: bool,
    history: str,
    threads: int,
) -> tuple[Any, Any]:
    """(the frame with its features, the failures): both of the kind that the frame is of."""
    from ._tables import TableSource, frame_kind, from_frame, to_frame, with_columns

    known = {event.name: event for event in definition.events if not event.scored}
    sources: list[Source] = []
    for name, context in contexts.items():
        if name not in known:
            has = ", ".join(known) if known else "none"
            raise BackfillError(f"{name}: no context event of that name; the definition has {has}")
        sources.append(TableSource(known[name], from_frame(context), name))
    kind = frame_kind(frame)
    source = TableSource(definition.scored, from_frame(frame), definition.scored.name)
    run = Run(definition, bundle, [*sources, source], columns_of(definition), history, threads)
    steps = list(run.steps())
    rows = np.concatenate([np.empty(0, np.int64), *(step.rows for step in steps)])
    values = pa.concat_tables([step.values for step in steps]) if steps else empty(run.columns)
    failures = pa.concat_tables([step.errors for step in steps]) if steps else pa.table({})
    if len(rows) and not bool(np.all(rows == np.arange(len(rows)))):
        values = values.take(pa.array(np.argsort(rows)))
    result = to_frame(values, kind, frame)
    return (result if features_only else with_columns(frame, result, kind)), to_frame(failures, kind, None)


ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "str": pa.string(),
    "json": pa.string(),
    "datetime": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "timedelta": pa.duration("us"),
}


def empty(columns: list[Column]) -> pa.Table:
    """No rows."""
    fields = [(name, pa.list_(ARROW[kind]) if is_list else ARROW[kind]) for name, _, kind, is_list in columns]
    return pa.schema(fields).empty_table()


# --- files ----------------------------------------------------------------------------------------------------------


@dataclass
class Filled:
    """What a backfill of files came to."""

    events: int
    payments: int
    refused: int
    failures: int


def backfill_files(
    definition: Definition,
    bundle: Path,
    sources: list[Source],
    out: Path,
    *,
    features_only: bool,
    errors: Path | None,
    history: str,
    threads: int,
    progress: Callable[[str, int, int], object],
) -> Filled:
    """Sources (context events, then payments) to files, in the payments' order."""
    from ._sorting import Buckets
    from ._tables import COLUMNS, Writer

    payments = sources[-1]
    own = payments.form != COLUMNS  # its columns are text: the fields are given as the engine read them
    columns = columns_of(definition, fields=own and not features_only)
    run = Run(definition, bundle, sources, columns, history, threads, progress=progress)
    writer, failures = Writer(out), Writer(errors) if errors is not None else None
    filled, done, whole = Filled(0, 0, 0, 0), 0, False
    buckets: Buckets | None = None
    kept = None if features_only or own else payments.cursor(None)
    try:
        for step in run.steps():
            if buckets is None and run.payment_rows is not None:
                buckets = Buckets(len(run.payment_rows))
            if buckets is not None:
                for batch in step.values.combine_chunks().to_batches():
                    buckets.add(batch, step.rows)
            elif len(step.rows):
                writer.write(beside(kept, step.values))
            done += step.events
            filled.payments += len(step.rows)
            filled.failures += len(step.errors)
            if failures is not None and (len(step.errors) or failures.is_new):
                failures.write(failures_of(step.errors))
            progress("backfilling", done, run.events)
        if buckets is not None:
            for batch in buckets.read():
                writer.write(beside(kept, pa.Table.from_batches([batch])))
        if writer.is_new:
            writer.write(empty(columns))
        whole = True
    finally:
        if buckets is not None:
            buckets.close()
        writer.close(whole)
        if failures is not None:
            failures.close(whole)
    filled.events, filled.refused = run.events, run.refused
    return filled


def beside(kept: Any, values: pa.Table) -> pa.Table:
    """The input's next rows with their values."""
    from ._tables import joined

    if kept is None:
        return values
    return joined(pa.Table.from_batches([kept.take(len(values))]), values)


def failures_of(errors: pa.Table) -> pa.Table:
    """As people read them: the id first, rows counted from 1."""
    if not len(errors):
        kinds = [pa.string(), pa.string(), pa.int64(), pa.string(), pa.string(), pa.string(), pa.int64()]
        names = ["event", "id", "row", "function", "error", "file", "line"]
        return pa.schema(list(zip(names, kinds, strict=True))).empty_table()
    rows = pa.compute.add(errors["row"], 1)
    return errors.set_column(1, "row", rows).select(["event", "id", "row", "function", "error", "file", "line"])
