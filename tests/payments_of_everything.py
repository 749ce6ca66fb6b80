"""Events for everything.py: ties, late and future ones, duplicates, None keys, card numbers, refused ones. Seeded."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
CARDS = ["4111111111111111", "5555555555554444", *(f"card-{number}" for number in range(60))]
COUNTRIES = ["DE", "FR", "NG", "RU", "VN", "US", None]
MEMOS = [
    "",
    "rent",
    "Ärger mit der Bank",
    "pay 4111111111111111 now",
    "  e  ",
    "naïve café",
    "x" * 200,
    "日本語 5555555555554444",
    "a",
]
AMOUNTS = [0.0, -0.0, 1e-300, 5e-324, 0.1, 1e16, 123456.789, -25.5]
RFC3339 = ["%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S.%f+00:00"]

Event = tuple[str, bytes]  # class name ("" scored) and JSON


def events(
    count: int, seed: int, start: datetime = START, future: timedelta = timedelta(hours=2), ahead: float = 0.005
) -> Iterator[Event]:
    """`count` payments among about a fifth as many logins. `ahead`: the share of those up to `future` ahead of their
    time."""
    chance = random.Random(seed)
    at = start
    sent: list[bytes] = []
    for number in range(count):
        at += step(chance)
        if chance.random() < 0.2:
            yield "Login", login(chance, number, moved(chance, at, future, ahead))
        choice = chance.random()
        if choice < 0.02 and sent:
            yield "", chance.choice(sent[-200:])  # the same again
            continue
        if choice < 0.03 and sent:
            changed = json.loads(chance.choice(sent[-200:]))
            yield "", json.dumps(changed | {"amount": chance.random()}).encode()  # the same id, other content
            continue
        event = payment(chance, number, moved(chance, at, future, ahead))
        if choice < 0.04:
            yield "", json.dumps(spoiled(chance, event)).encode()
            continue
        text = json.dumps(event, ensure_ascii=chance.random() < 0.5).encode()
        sent.append(text)
        yield "", text


def step(chance: random.Random) -> timedelta:
    """Often none: a tie."""
    return timedelta(
        microseconds=chance.choice([0, 0, 1, 999_999, 1_000_000, 20_000_000, 60_000_000, 600_000_000 // 7])
    )


def moved(chance: random.Random, at: datetime, future: timedelta, ahead: float) -> datetime:
    """Now and then late by minutes, hours or more than a day, or in the future."""
    choice = chance.random()
    if choice < 0.03:
        return at - timedelta(seconds=chance.randrange(600))
    if choice < 0.05:
        return at - timedelta(hours=chance.randrange(1, 20))
    if choice < 0.06:
        return at - timedelta(hours=chance.randrange(24, 60))
    if choice < 0.06 + ahead:
        return at + future * chance.random()
    return at


def written(chance: random.Random, at: datetime) -> str:
    if chance.random() < 0.2:
        local = at.astimezone(timezone(timedelta(hours=chance.randrange(-11, 13), minutes=30)))
        return local.isoformat()
    return at.strftime(chance.choice(RFC3339))


def amount(chance: random.Random) -> Any:
    choice = chance.random()
    if choice < 0.05:
        return chance.choice(AMOUNTS)
    if choice < 0.051:
        return chance.choice([1e300, 9.3e18, -1e19])  # beyond what windows sum
    return chance.randrange(1, 1000) if choice < 0.2 else round(chance.lognormvariate(4, 1.2), 2)


def cents(chance: random.Random) -> Any:
    choice = chance.random()
    if choice < 0.01:
        return chance.choice([-(2**62), 2**63 - 1])  # three of them are beyond what a window sums
    return chance.choice([0, 1, 3, 10, 13, 100, -6, 2**40, 17.0]) if choice < 0.2 else chance.randrange(2000)


def payment(chance: random.Random, number: int, at: datetime) -> dict[str, Any]:
    some = chance.random
    event: dict[str, Any] = {
        "id": f"p-{number}",
        "at": written(chance, at),
        "card": CARDS[int(len(CARDS) * some() ** 3)],
        "amount": amount(chance),
        "cents": cents(chance),
        "merchant": {"name": f"m{chance.randrange(20)}", "code": chance.choice([None, 5411, 7995])},
    }
    optional: dict[str, Any] = {
        "currency": chance.choice(["EUR", "USD", "JPY"]),
        "country": chance.choice(COUNTRIES),
        "channel": chance.choice(["web", "shop", "phone"]),
        "device": chance.choice([None, "", *(f"d{n}" for n in range(9))]),
        "email": chance.choice([None, "kim@mail.example", "no at", "a@b@c"]),
        "memo": chance.choice(MEMOS),
        "note": chance.choice(MEMOS),
        "tags": chance.choice([[], ["x"], ["y", "x"], ["4111111111111111", "z", "ß"]]),
        "hint": chance.choice([None, 0.5, -1.5, 3, -0.0]),
        "vip": some() < 0.3,
        "born": chance.choice([None, "1984-02-29", "2001-12-31"]),
        "sent": chance.choice([None, int(at.timestamp() * 1000), 1767600000123.75]),
        "place": chance.choice([None, {}, {"city": None}, {"city": "Lyon", "more": [1, {"a": 2}]}]),
        "unknown": {"a": [1, 2, {"b": None}]},
    }
    for name, value in optional.items():
        if some() < 0.8:
            event[name] = value
    if some() < 0.1:
        items = list(event.items())
        chance.shuffle(items)
        event = dict(items)
    return event


def login(chance: random.Random, number: int, at: datetime) -> bytes:
    event = {
        "id": number,
        "at": at.timestamp() if chance.random() < 0.5 else int(at.timestamp()),
        "card": CARDS[int(len(CARDS) * chance.random() ** 3)],
        "ok": chance.random() < 0.7,
        "device": chance.choice([None, *(f"d{n}" for n in range(9))]),
        "country": chance.choice(COUNTRIES),
        "took": chance.choice([0.0, 0.5, 1.25, 1e-3, 2.5e-5]),
    }
    return json.dumps(event).encode()


def spoiled(chance: random.Random, event: dict[str, Any]) -> dict[str, Any]:
    """With fields that are wrong."""
    wrong: list[dict[str, Any]] = [
        {"amount": "12"},
        {"amount": True, "cents": 1.5},
        {"at": "2026-01-05T08:00:00"},
        {"at": "2026-01-05T24:00:00Z"},
        {"card": None},
        {"card": 4111111111111111},
        {"merchant": None},
        {"merchant": {"code": 1}},
        {"merchant": {"name": ["m"]}},
        {"tags": ["a", None, 3]},
        {"tags": "x"},
        {"channel": "fax"},
        {"currency": 7},
        {"cents": 2**63},
        {"cents": 1e300},
        {"born": "1984-02-30"},
        {"sent": "yesterday"},
        {"id": ""},
        {"id": "x" * 300},
        {"memo": {"a": "4111111111111111"}},
        {"memo": ["pay 4111111111111111"], "note": 41, "vip": "4111111111111111"},
        {"place": {"city": 5}},
    ]
    return event | chance.choice(wrong)
