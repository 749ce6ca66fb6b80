"""Which texts are JSON: the engine's C against Python's json, on texts broken at random."""

import json
import os
import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

ENGINE = Path(__file__).parent.parent / "engine"
SOURCES = [
    *(ENGINE / "event" / f"{name}.c" for name in ("json_test", "json")),
    *(ENGINE / "base" / f"{name}.c" for name in ("arena", "assert", "number", "utf8")),
]
DEPTH_MAX = 32
SEEDS = [path.read_bytes() for path in sorted((ENGINE / "event" / "event_corpus").iterdir())]
PIECES = [
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"-",
        b"+",
        b".",
        b"e",
        b"E5",
        b" ",
        b"\n",
        b"\x00",
        b"\x1f",
    ),
    *(b"\x80", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\\u", b"\\ud83d", b"\\ude00", b"\\u0041"),
    *(b"true", b"nul", b"NaN", b"Infinity", b"01", b'"a":1', b"[[", b"]]", b"\\/", b"\\x", b"\xef\xbb\xbf", b"\x7f"),
]


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C program that says of each text whether it is JSON."""
    program = tmp_path_factory.mktemp("checker") / "json_test"
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-ffp-contract=off"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, *SOURCES, "-o", program], check=True)
    return program


def mutations(source: random.Random) -> Iterator[bytes]:
    """The seeds, each with a few bytes taken away, put in or changed."""
    for _ in range(20_000):
        text = bytearray(source.choice(SEEDS))
        from_, to = sorted(source.randrange(len(text) + 1) for _ in range(2))
        if source.random() < 0.5:
            text = text[from_:to] or text
        for _ in range(source.randrange(4)):
            at = source.randrange(len(text) + 1)
            match source.randrange(3):
                case 0:
                    text[at:at] = source.choice(PIECES)
                case 1:
                    del text[at : at + source.randrange(1, 4)]
                case _:
                    text[at : at + 1] = bytes([source.randrange(256)])
        yield bytes(text)


def literals(source: random.Random) -> Iterator[bytes]:
    """Strings and numbers of random pieces."""
    for _ in range(30_000):
        pieces = b"".join(source.choice(PIECES) for _ in range(source.randrange(1, 6)))
        yield b'"' + pieces + b'"'
        yield bytes(source.choice(b"0123456789-+.eE") for _ in range(source.randrange(1, 9)))


def depth(value: Any) -> int:
    """How deep arrays and objects lie in each other."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if items is None else 1 + max(map(depth, items), default=0)


def strings(value: Any) -> Iterator[str]:
    """Every string and name."""
    if isinstance(value, str):
        yield value
    for item in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(item)


def refuse(constant: str) -> NoReturn:
    """NaN and the infinities are Python's, not JSON's."""
    raise ValueError(constant)


def by_python(text: bytes) -> str:
    """What the engine should say."""
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=refuse, parse_int=float)
    except ValueError:
        return "bad"
    if any("\ud800" <= character <= "\udfff" for string in strings(value) for character in string):
        return "bad"
    return "good" if depth(value) <= DEPTH_MAX else "deep"


def test_the_same_texts_are_json_as_for_python(checker: Path) -> None:
    source = random.Random(20260306)
    texts = [*SEEDS, *mutations(source), *literals(source)]
    data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    lines = subprocess.run([checker, "check"], input=data, capture_output=True, check=True).stdout.decode().split()
    expected = [by_python(text) for text in texts]
    differ = [row for row in zip(texts, lines, expected, strict=True) if row[1] != row[2] and row[1] != "deep"]
    assert differ == []
    assert expected.count("good") > 10_000
    assert expected.count("bad") > 10_000
