"""Offline = online: a backfill gives each payment, bit for bit, what `score` gives it one by one, whatever the data
came in as, in which order the rows stand and on how many threads."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import assay
import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay._backfill import Run, columns_of
from assay._definition import Definition, EventDef
from assay._load import Detector
from assay._parse import EventError, parse
from assay._tables import JsonSource
from payments_of_definitions import Events
from test_definitions_corpus import FILES
from typer.testing import CliRunner

pytestmark = pytest.mark.engine

CARDS = Path(__file__).resolve().parent.parent / "examples" / "cards"
ARROW = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}
Made = tuple[EventDef, bytes]


# --- what one by one gives ------------------------------------------------------------------------------------------


def made(definition: Definition, count: int) -> list[Made]:
    classes = {"" if each.scored else each.name: each for each in definition.events}
    return [(classes[name], text) for name, text in Events(definition, seed=11).make(count)]


def in_order(events: list[Made]) -> list[Made]:
    """Merged by time, context events first, a bad event where the one before it in its file is."""
    timed = []
    last: dict[str, datetime] = {}
    for event, text in events:
        try:
            last[event.name] = parse(event, text).values[event.time.name]
        except EventError:
            last.setdefault(event.name, datetime.min.replace(tzinfo=UTC))
        timed.append((last[event.name], event.scored, event, text))
    contexts = {event.name: number for number, event in enumerate(dict.fromkeys(e for e, _ in events))}
    timed.sort(key=lambda item: (item[0], item[1], contexts[item[2].name]))
    return [(event, text) for _, _, event, text in timed]


def one_by_one(detector: Detector, events: list[Made]) -> dict[bytes, dict[str, Any] | None]:
    """Each payment's values, by its text; None where it was refused."""
    found: dict[bytes, dict[str, Any] | None] = {}
    for event, text in events:
        status, body = detector.post("" if event.scored else event.name, text)
        answer = json.loads(body)
        if not event.scored or (status == 200 and found.get(text) is not None):
            continue
        found[text] = {**{k: answer[k] for k in ("decision", "score")}, **detector.values} if status == 200 else None
    return found


def same(column: tuple[str, str, str, bool], got: Any, expected: Any) -> bool:
    if column[2] == "json" and expected is not None:
        return bool(json.loads(got) == json.loads(json.dumps(expected, default=str)))
    if isinstance(expected, tuple | list):
        return isinstance(got, list) and list(map(repr, got)) == list(map(repr, expected))
    if isinstance(expected, datetime):
        return bool(got == expected)
    if column[2] == "float" and isinstance(expected, int):
        expected = float(expected)
    return type(got) is type(expected) and repr(got) == repr(expected)


def value_of(column: tuple[str, str, str, bool], values: dict[str, Any]) -> Any:
    """A column's value: of a source NAME[i] an item of the vector NAME."""
    name, bracket, item = column[1].partition("[")
    if not bracket:
        return values[column[0]]
    return None if values[name] is None else values[name][int(item[:-1])]


def assert_same(columns: list[Any], got: list[dict[str, Any]], expected: list[dict[str, Any] | None]) -> int:
    assert len(got) == len(expected)
    for row, values in zip(got, expected, strict=True):
        for column in columns:
            value = None if values is None else value_of(column, values)
            assert same(column, row[column[0]], value), (column, row[column[0]], value)
    return sum(values is not None for values in expected)


# --- the same events as columns -------------------------------------------------------------------------------------


def table_of(event: EventDef, texts: list[bytes]) -> pa.Table:
    """As a typed table: nested objects are structs."""
    rows = []
    for text in texts:
        parsed = parse(event, text)
        row: dict[str, Any] = {}
        for field in event.fields:
            inner: dict[str, Any] | None = row
            for depth, name in enumerate(field.path[:-1], 1):
                known = {each.path: each.name for each in event.objects}
                if known.get(field.path[:depth], "") in parsed.absent and known.get(field.path[:depth]):
                    inner[name], inner = None, None
                    break
                inner = inner.setdefault(name, {})
                if inner is None:
                    break
            if inner is not None:
                inner[field.path[-1]] = parsed.values[field.name]
        rows.append(row)
    tree: dict[str, Any] = {}
    for field in event.fields:
        node = tree
        for name in field.path[:-1]:
            node = node.setdefault(name, {})
        node[field.path[-1]] = pa.list_(ARROW[field.type]) if field.is_list else ARROW[field.type]
    kinds = {name: struct_of(node) for name, node in tree.items()}
    return pa.Table.from_pylist(rows, pa.schema(list(kinds.items())))


def struct_of(node: Any) -> Any:
    return node if not isinstance(node, dict) else pa.struct([(name, struct_of(each)) for name, each in node.items()])


def good(events: list[Made]) -> Iterator[Made]:
    for event, text in events:
        try:
            parse(event, text)
        except EventError:
            continue
        yield event, text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_backfill_of_columns_is_scoring_one_by_one(file: Path) -> None:
    with assay.load(file, history="empty") as detector:
        definition = detector.definition
        events = list(good(made(definition, 400)))
        texts = {event.name: [t for e, t in events if e is event] for event in definition.events}
        tables = {event.name: table_of(event, texts[event.name]) for event in definition.events}
        payments = tables.pop(definition.scored.name)
        expected = one_by_one(detector, in_order(events))
        for threads in (1, 3):
            got = detector.backfill(payments, features_only=True, threads=threads, **tables)
            columns = columns_of(definition)
            answered = [expected[text] for text in texts[definition.scored.name]]
            assert assert_same(columns, got.to_pylist(), answered) > 200


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_backfill_of_json_lines_is_scoring_one_by_one(file: Path, tmp_path: Path) -> None:
    """Bad, repeated and conflicting events among them."""
    with assay.load(file, history="empty") as detector:
        definition = detector.definition
        events = made(definition, 400)
        expected = one_by_one(detector, in_order(events))
        sources = []
        for event in sorted(dict.fromkeys(e for e, _ in events), key=lambda e: e.scored):
            path = tmp_path / f"{event.name}.jsonl"
            path.write_bytes(b"\n".join(text for e, text in events if e is event))
            sources.append(JsonSource(event, path))
        bundle = detector._folder / f"{file.stem}.assay"
        columns = columns_of(definition)
        run = Run(definition, bundle, sources, columns, threads=2)
        steps = list(run.steps())
        got = pa.concat_tables([step.values for step in steps])
        rows = np.concatenate([step.rows for step in steps])
        got = got.take(pa.array(np.argsort(rows)))
        texts = [text for event, text in events if event.scored]
        assert_same(columns, got.to_pylist(), [expected[text] for text in texts])
        refused = sum(expected[text] is None for text in texts)
        assert run.refused >= refused
        listed = {row["row"] for step in steps for row in step.errors.to_pylist() if not row["file"]}
        assert listed >= {number for number, text in enumerate(texts) if expected[text] is None}


# --- the cards ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Detector, list[dict[str, Any]], pa.Table]]:
    """A detector, 3,000 payments and the same as a table."""
    import sys

    sys.path.insert(0, str(CARDS))
    try:
        import payments as generator
    finally:
        sys.path.remove(str(CARDS))
    file = tmp_path_factory.mktemp("cards") / "payments.jsonl"
    arguments = ["--count", "3000", "--seed", "5", "-o", str(file), "--labels", str(file.with_name("labels.csv"))]
    generator_main(generator, arguments)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    at = pa.array([datetime.fromisoformat(row["at"]) for row in rows], pa.timestamp("us", "UTC"))
    table = table.set_column(table.schema.get_field_index("at"), "at", at)
    table = table.set_column(table.schema.get_field_index("memo"), "memo", table["memo"].fill_null(""))
    with assay.load(CARDS / "fraud.py") as detector:
        yield detector, rows, table


def generator_main(generator: Any, arguments: list[str]) -> None:
    import subprocess
    import sys

    subprocess.run([sys.executable, generator.__file__, *arguments], check=True, stdout=subprocess.DEVNULL)


def test_backfill_of_cards_is_the_twin(cards: Any) -> None:
    detector, rows, table = cards
    got = detector.backfill(table.slice(0, 600), features_only=True).to_pylist()
    for row, values in zip(rows[:600], got, strict=True):
        answer = detector.twin.score(row)
        twin = {**detector.twin.values, "decision": answer["decision"], "score": answer["score"]}
        for name, value in values.items():
            assert repr(value) == repr(twin[name]), name


def test_rows_in_any_order_get_the_same_values(cards: Any) -> None:
    detector, _rows, table = cards
    times = table["at"].to_pylist()
    alone = [i for i, at in enumerate(times) if times.count(at) == 1]  # at equal times the rows' order counts
    table = table.take(pa.array(alone))
    shuffled = np.array(random.Random(2).sample(range(len(table)), len(table)))
    sorted_values = detector.backfill(table)
    values = detector.backfill(table.take(pa.array(shuffled)))
    assert values.equals(sorted_values.take(pa.array(shuffled)))


def test_pandas_and_polars_give_their_own_kind(cards: Any) -> None:
    detector, _rows, table = cards
    table = table.slice(0, 500)
    expected = detector.backfill(table)
    frame = table.to_pandas()
    frame.index = [f"row {i}" for i in range(len(frame))]
    got = detector.backfill(frame)
    assert list(got.index) == list(frame.index)
    assert list(got.columns) == expected.column_names
    assert str(got["card_payments_10m"].dtype) == "Int64" and str(got["tiny"].dtype) == "boolean"
    for name in ("card_usual", "risk", "card_spend_24h"):
        own = [None if value is pandas.NA else value for value in got[name]]
        assert own == expected[name].to_pylist()
    other = detector.backfill(polars.from_arrow(table))
    assert isinstance(other, polars.DataFrame)
    assert other["card_usual"].to_list() == expected["card_usual"].to_pylist()
    assert other["corridor"].to_list() == expected["corridor"].to_pylist()
    assert other.columns == expected.column_names


def test_dictionaries_decimals_and_other_layouts_are_the_same_event(cards: Any) -> None:
    detector, _rows, table = cards
    table = table.slice(0, 400)
    expected = detector.backfill(table, features_only=True)
    other = table
    for name, kind in {
        "card": pa.dictionary(pa.int8(), pa.string()),
        "merchant": pa.dictionary(pa.int32(), pa.large_string()),
        "country": pa.large_string(),
        "city": pa.string_view(),
        "mcc": pa.int32(),
        "amount": pa.decimal128(12, 2),
        "at": pa.timestamp("ns", "Europe/Berlin"),
    }.items():
        place = other.schema.get_field_index(name)
        column = other[name].combine_chunks()
        column = column.cast(kind.value_type).dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        other = other.set_column(place, name, column)
    assert detector.backfill(other, features_only=True).equals(expected)


def test_files_of_every_kind_give_the_same_values(cards: Any, tmp_path: Path) -> None:
    detector, rows, table = cards
    rows, table = rows[:700], table.slice(0, 700)
    expected = detector.backfill(table)
    pq.write_table(table, tmp_path / "payments.parquet", row_group_size=100)
    (tmp_path / "payments.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    import pyarrow.csv

    pyarrow.csv.write_csv(
        table.set_column(table.schema.get_field_index("at"), "at", iso(table["at"])), tmp_path / "payments.csv"
    )
    names = [name for name in expected.column_names if name not in table.column_names]
    from assay._cli import app

    for kind in ("parquet", "jsonl", "csv"):
        for out in ("features.parquet", "features.jsonl", "features.csv"):
            command = [
                "backfill",
                str(CARDS / "fraud.py"),
                str(tmp_path / f"payments.{kind}"),
                "-o",
                str(tmp_path / out),
            ]
            result = CliRunner().invoke(app, command)
            assert result.exit_code == 0, result.output
        got = pq.read_table(tmp_path / "features.parquet")
        assert got.select(names).equals(expected.select(names)), kind
        assert got["id"].to_pylist() == table["id"].to_pylist()
        lines = [json.loads(line) for line in (tmp_path / "features.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [line["risk"] for line in lines] == expected["risk"].to_pylist()


def iso(column: Any) -> Any:
    return pa.array([at.isoformat() for at in column.to_pylist()])


# --- a small definition ---------------------------------------------------------------------------------------------

SMALL = """
from datetime import datetime
from assay import event, feature, rule, window
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    note: str = "-"
    tags: list[str] | None = None
@event(id="id", time="at", scored=False)
class Login:
    id: int
    at: datetime
    card: str
n_1h = window.count(by="card", over="1h")
spent = window.sum("amount", by="card", over="1h")
logins = window.count(by="card", over="1h", on=Login)
@feature
def each(amount: float, n_1h: int) -> float:
    return amount / n_1h
@feature
def words(note: str) -> list[str]:
    return note.split()
@feature
def pair(note: str, n_1h: int) -> tuple[str, int]:
    return (note, n_1h)
@rule("decline")
def often(n_1h: int) -> bool:
    return n_1h > 1
"""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def payments(*rows: tuple[Any, ...]) -> pa.Table:
    """(id, minutes past noon, amount)"""
    return pa.table(
        {
            "id": pa.array([str(row[0]) for row in rows]),
            "at": pa.array([NOON + timedelta(minutes=row[1]) for row in rows], pa.timestamp("us", "UTC")),
            "card": pa.array(["c"] * len(rows)),
            "amount": pa.array([row[2] for row in rows], pa.float64()),
        }
    )


def test_context_events_come_first_at_equal_times(define: Any) -> None:
    logins = pa.table(
        {
            "id": [1, 2],
            "at": pa.array([NOON, NOON + timedelta(minutes=1)]).cast(pa.timestamp("us", "UTC")),
            "card": ["c", "c"],
        }
    )
    with assay.load(define(SMALL)) as detector:
        got = detector.backfill(payments((1, 0, 5.0), (2, 1, 5.0)), Login=logins)
        assert got["logins"].to_pylist() == [1, 2]


def test_repeated_event_is_entered_once_and_has_the_first_values(define: Any) -> None:
    with assay.load(define(SMALL)) as detector:
        got = detector.backfill(payments((1, 0, 5.0), (2, 1, 7.0), (1, 0, 5.0), (3, 2, 1.0)))
        assert got["n_1h"].to_pylist() == [0, 1, 0, 2]
        assert len(detector.failures) == 1  # `each` of the one event that is there twice
        got = detector.backfill(payments((1, 0, 5.0), (1, 0, 6.0), (3, 2, 1.0)))
        assert got["n_1h"].to_pylist() == [0, None, 1]
        assert "other content" in str(detector.failures["error"].to_pylist())


def test_failures_name_row_and_place_and_leave_nulls(define: Any) -> None:
    file = define(SMALL)
    with assay.load(file) as detector:
        table = payments((1, 0, 5.0), (2, 1, math.nan), (3, 2, 4.0), ("", 3, 1.0))
        got = detector.backfill(table)
        assert got["n_1h"].to_pylist() == [0, None, 1, None]
        assert got["each"].to_pylist() == [None, None, 4.0, None]
        assert got["decision"].to_pylist() == ["approve", None, "approve", None]
        failures = [{k: v for k, v in row.items() if v is not None} for row in detector.failures.to_pylist()]
        line = 1 + next(n for n, text in enumerate(file.read_text().splitlines()) if "amount / n_1h" in text)
        assert failures == [
            {
                "event": "Payment",
                "row": 0,
                "id": "1",
                "function": "each",
                "error": "ZeroDivisionError",
                "file": "defined.py",
                "line": line,
            },
            {"event": "Payment", "row": 1, "id": "2", "function": "amount", "error": "expected float, got number nan"},
            {
                "event": "Payment",
                "row": 3,
                "id": "",
                "function": "id",
                "error": 'expected str that is not empty, got string ""',
            },
        ]


def test_lists_and_tuples_are_columns(define: Any) -> None:
    with assay.load(define(SMALL)) as detector:
        table = payments((1, 0, 5.0), (2, 1, 5.0)).append_column("note", pa.array(["a  b", None]))
        got = detector.backfill(table)
        assert got["words"].to_pylist() == [["a", "b"], ["-"]]  # the null is the default
        assert got["words"].type == pa.list_(pa.field("item", pa.string()))
        assert got["pair"].to_pylist() == ['["a  b", 0]', '["-", 1]']


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop_columns(["amount"]), "no column amount"),
        (
            lambda t: t.set_column(3, "amount", pa.array(["5"] * len(t))),
            "amount holds strings, Payment.amount expects float",
        ),
        (lambda t: t.set_column(1, "at", t["at"].cast(pa.timestamp("us"))), 'timezone="UTC"'),
        (
            lambda t: t.append_column("tags", pa.array(["a"] * len(t))),
            "tags holds strings, Payment.tags expects list of str",
        ),
    ],
)
def test_column_that_cannot_be_the_field_is_said_once(define: Any, change: Any, said: str) -> None:
    with assay.load(define(SMALL)) as detector, pytest.raises(ValueError, match="Payment") as raised:
        detector.backfill(change(payments((1, 0, 5.0), (2, 1, 5.0))))
    assert said in str(raised.value)


def test_card_numbers_are_masked_and_unknown_history_is_missing(define: Any) -> None:
    with assay.load(define(SMALL), history="unknown") as detector:
        table = payments((1, 0, 5.0), (2, 30, 5.0), (3, 60, 5.0)).append_column(
            "note", pa.array(["pay 4111111111111111"] * 3)
        )
        got = detector.backfill(table)
        assert got["words"].to_pylist()[0] == ["pay", "411111******1111"]
        assert got["n_1h"].to_pylist() == [None, None, 1]


def test_what_was_served_is_taken_in_its_order(define: Any) -> None:
    """By `seq`, at the time of arrival: a payment dated an hour ahead is clamped, as it was when served."""
    with assay.load(define(SMALL)) as detector:
        table = payments((1, 90, 5.0), (2, 0, 7.0), (3, 2, 1.0))
        table = table.append_column("seq", pa.array([1, 2, 3]))
        arrivals = pa.array([NOON, NOON, NOON + timedelta(minutes=2)], pa.timestamp("us", "UTC"))
        got = detector.backfill(table.append_column("arrival", arrivals))
        assert got["n_1h"].to_pylist() == [0, 0, 2]  # 1 counts at 12:00:02
        assert detector.backfill(table.drop_columns(["seq"]))["n_1h"].to_pylist() == [0, 0, 1]


def test_dates_and_units_are_read_from_their_arrow_types(define: Any) -> None:
    source = """
    from datetime import date, datetime
    from typing import Annotated
    from assay import Field, event, feature
    @event(id="id", time="at")
    class Payment:
        id: int
        at: Annotated[datetime, Field(unit="ms")]
        day: date
        big: int
    @feature
    def year(day: date) -> int:
        return day.year
    @feature
    def when(at: datetime) -> datetime:
        return at
    """
    with assay.load(define(source)) as detector:
        ms = int(NOON.timestamp() * 1000)
        for at, day in [
            (pa.array([ms, ms + 1]), pa.array([date(2024, 2, 29)] * 2)),
            (pa.array([float(ms), ms + 1.0]), pa.array([date(2024, 2, 29)] * 2, pa.date64())),
            (pa.array([ms, ms + 1]).cast(pa.timestamp("ms", "UTC")), pa.array(["2024-02-29"] * 2)),
        ]:
            table = pa.table(
                {"id": pa.array([1, 2], pa.uint64()), "at": at, "day": day, "big": pa.array([2**63 - 1, -1])}
            )
            got = detector.backfill(table, features_only=True)
            assert got["year"].to_pylist() == [2024, 2024]
            assert got["when"].to_pylist() == [NOON, NOON + timedelta(milliseconds=1)]


def test_steps_are_many_and_memory_is_bounded(cards: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same values whatever the sizes of batches, steps and buckets of the sort are."""
    detector, _rows, table = cards
    table = table.slice(0, 900)
    expected = detector.backfill(table)
    reversed_rows = pa.array(np.arange(len(table))[::-1].copy())
    monkeypatch.setattr("assay._backfill.STEP", 128)
    monkeypatch.setattr("assay._tables.BATCH", 100)
    monkeypatch.setattr("assay._sorting.BUCKET", 97)
    assert detector.backfill(table).equals(expected)
    pq.write_table(table.take(reversed_rows), tmp_path / "reversed.parquet")
    from assay._cli import app

    command = [
        "backfill",
        str(CARDS / "fraud.py"),
        str(tmp_path / "reversed.parquet"),
        "-o",
        str(tmp_path / "out.parquet"),
    ]
    assert CliRunner().invoke(app, command).exit_code == 0
    got = pq.read_table(tmp_path / "out.parquet")
    assert got["id"].to_pylist() == table["id"].to_pylist()[::-1]
    assert got["corridor"].to_pylist() == expected["corridor"].to_pylist()[::-1]
