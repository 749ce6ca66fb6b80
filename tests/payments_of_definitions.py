"""Seeded events for any definition: values by field type, with the literals of its source among them."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from assay._definition import MISSING, Definition, EventDef, FieldDef

START = datetime(2024, 2, 28, 20, tzinfo=UTC)
STRINGS = [
    "",
    " ",
    "a",
    "b",
    "A1",
    "x y",
    "  padded\t",
    "Straße",
    "ΌΣΟΣ ς",
    "e\u0301te\u0301",
    "\u1e9e\ufb01",
    "日本語",
    "𝔘𝔫𝔦 😀👍🏽",
    "İstanbul ıI",
    "12",
    "-7",
    " 42 ",
    "3.5",
    "1e400",
    "nan",
    "1_000",
    "٣٤",
    "²",
    "½",
    "kim@mail.example",
    "a@b@c",
    "@",
    "4111111111111111",
    "pay 5555-5555-5555-4444",
    "one,two,,three",
    "line\nbreak\r\nend",
    "\x00\x1f\x85\u2028",
    "ǆ ǅ",
    "DE",
    "de",
    "true",
    "None",
    "aaaaaa",
    "ab" * 40,
    "A,B;C|D",
    "key=value",
    "http://x.example/?q=1",
    "O'Neil",
    'quo"te',
    "\\n",
    "%s {0}",
]
INTS = [0, 1, -1, 2, 3, 7, 10, 12, 13, 99, 100, 255, 1000, -5, -100, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 10**18]
FLOATS: list[Any] = [
    0,
    0.0,
    -0.0,
    1,
    0.1,
    0.5,
    1.5,
    2.5,
    -2.5,
    2.675,
    1e-7,
    1e16,
    1e17,
    123456.789,
    -25.5,
    5e-324,
    1.7976931348623157e308,
    99.99,
    100,
    1e22,
    1 / 3,
    2.0**53,
    9007199254740993,
    -1e300,
    0.30000000000000004,
    49.995,
]
DATES = ["1970-01-01", "1984-02-29", "2000-12-31", "2024-02-29", "1899-06-15", "0001-01-01", "9999-12-31", "2023-01-02"]

Event = tuple[str, bytes]  # class name ("" scored) and JSON


def literals(definition: Definition) -> dict[type, list[Any]]:
    """The strings and numbers in the definition's source: what its comparisons are about."""
    found: dict[type, list[Any]] = {str: [], int: [], float: []}
    for text in definition.sources.values():
        for node in ast.walk(ast.parse(text)):
            value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
            if (type(value) is str and len(value) < 40) or (type(value) in (int, float) and abs(value) < 2**62):
                found[type(value)].append(value)
    return found


class Events:
    def __init__(self, definition: Definition, seed: int) -> None:
        self.definition, self.chance = definition, random.Random(seed)
        self.literals = literals(definition)
        self.at, self.number = START, 0
        keys = {part.name for window in definition.windows for part in [*window.by, *window.on_by]}
        self.keys = keys

    def make(self, count: int) -> Iterator[Event]:
        chance = self.chance
        sent: list[Event] = []
        for _ in range(count):
            self.at += timedelta(
                microseconds=chance.choice([0, 0, 1, 1_000_000, 59_999_999, 600_000_000, 3_600_000_000 * 5])
            )
            choice = chance.random()
            if choice < 0.03 and sent:
                yield chance.choice(sent[-50:])
                continue
            others = [event for event in self.definition.events if not event.scored]
            event = chance.choice(others) if others and chance.random() < 0.25 else self.definition.scored
            content = self.event(event)
            if choice < 0.05:
                self.put(
                    content,
                    chance.choice(event.fields).path,
                    chance.choice([None, "x", 7, 1.5, True, [], {}, 2**64, [None]]),
                )
            made = (
                "" if event.scored else event.name,
                json.dumps(content, ensure_ascii=chance.random() < 0.5).encode(),
            )
            sent.append(made)
            yield made

    def event(self, event: EventDef) -> dict[str, Any]:
        content: dict[str, Any] = {}
        self.number += 1
        for source in event.objects:
            choice = self.chance.random()
            if choice < 0.1 and not source.required:
                continue
            self.put(content, source.path, None if choice < 0.2 and source.nullable else {})
        for field in event.fields:
            if field is event.id:
                value: Any = self.number if field.type == "int" else f"p-{self.number}"
            elif field is event.time:
                value = self.moment(field, self.moved())
            elif field.default is not MISSING and self.chance.random() < 0.15:
                continue
            else:
                value = self.value(field)
            self.put(content, field.path, value)
        return content

    def moved(self) -> datetime:
        choice = self.chance.random()
        if choice < 0.04:
            return self.at - timedelta(seconds=self.chance.randrange(7200))
        if choice < 0.05:
            return self.at - timedelta(hours=30)
        return self.at + timedelta(hours=3) if choice < 0.055 else self.at

    def put(self, content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
        for name in path[:-1]:
            inner = content.setdefault(name, {})
            if not isinstance(inner, dict):
                return
            content = inner
        content[path[-1]] = value

    def value(self, field: FieldDef) -> Any:
        chance = self.chance
        if field.nullable and chance.random() < 0.15:
            return None
        if field.is_list:
            return [
                None if field.item_nullable and chance.random() < 0.1 else self.item(field)
                for _ in range(chance.choice([0, 1, 1, 2, 3, 5]))
            ]
        return self.item(field)

    def item(self, field: FieldDef) -> Any:
        chance = self.chance
        if field.choices is not None:
            return chance.choice(field.choices)
        if field.type == "bool":
            return chance.random() < 0.5
        if field.type == "date":
            return chance.choice(DATES)
        if field.type == "datetime":
            return self.moment(field, self.at + timedelta(seconds=chance.choice([0, -1, 86400, -(10**6), 1.25, 10**8])))
        if field.name in self.keys:
            return chance.choice({"str": ["a", "b", "ü", "c"], "int": [1, 2, 3]}.get(field.type, [0.5, 0.0, -0.0, 1]))
        if field.type == "str":
            return self.text()
        if field.type == "int":
            value = chance.choice(INTS + [chance.randrange(-50, 500)] * 12 + self.literals[int])
            return float(value) if abs(value) < 1000 and chance.random() < 0.05 else value
        return chance.choice(
            FLOATS + [round(chance.lognormvariate(4, 1.5), 2)] * 12 + self.literals[float] + self.literals[int]
        )

    def text(self) -> str:
        chance = self.chance
        pool = STRINGS + self.literals[str]
        text = chance.choice(pool)
        if chance.random() < 0.3:
            text += chance.choice(["", " ", ",", "-", "@"]) + chance.choice(pool)
        return text

    def moment(self, field: FieldDef, at: datetime) -> Any:
        if field.unit != "iso":
            us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            scale = {"s": 1_000_000, "ms": 1000, "us": 1}[field.unit]
            return us / scale if us % scale else us // scale
        if self.chance.random() < 0.3:
            at = at.astimezone(timezone(timedelta(minutes=self.chance.randrange(-700, 700))))
        return at.isoformat()
