"""urllib.parse in functions, against CPython, over texts made of what URLs are made of."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_functions import event
from test_functions import HEAD, Running, compare

pytestmark = pytest.mark.engine
PARTS = ["http", "https", "ftp", "mailto", "://", "//", "/", ":", "@", "?", "#", "&", "=", ";", "%", "%20", "%C3%A9"]
PARTS += ["%e2%82", "%zz", "%4", "+", " ", "\t", "\n", "[", "::1", "]", "[::1]", "[fe80::1%25a]", "[v1.a]", "a.example"]
PARTS += [
    "EXAMPLE.com",
    "8080",
    "99999",
    "x",
    "user",
    "pass",
    "\u00e9",
    "\ufb00",
    "\u2100",
    "\u2460",
    "path",
    "a=1",
    "b=",
    "=c",
]
PARTS += ["&&", "\u65e5\u672c", "\0", "\xa0", ".", "-", "_", "~"]

FUNCTIONS = """
from urllib.parse import parse_qs, parse_qsl, quote, quote_plus, unquote, unquote_plus, urlencode, urlparse, urlsplit


@feature
def split(s: str) -> tuple[str, ...]:
    parts = urlsplit(s)
    return (parts.scheme, parts.netloc, parts.path, parts.query, parts.fragment)


@feature
def parsed(s: str) -> tuple[str, ...]:
    return tuple(urlparse(s))


@feature
def host(s: str) -> str | None:
    return urlparse(s).hostname


@feature
def port(s: str) -> int | None:
    return urlsplit(s).port


@feature
def user(s: str) -> str:
    parts = urlparse(s)
    return f"{parts.username}:{parts.password}"


@feature
def domain(s: str) -> str:
    host = urlparse(s if "://" in s else "//" + s).netloc.split("@")[-1].split(":")[0]
    return ".".join(host.lower().split(".")[-2:])


@feature
def unescaped(s: str) -> str:
    return unquote(s) + "|" + unquote_plus(s)


@feature
def escaped(s: str) -> str:
    return quote(s) + "|" + quote_plus(s) + "|" + quote(s, safe="") + "|" + quote(s, "&=")


@feature
def pairs(t: str) -> list[str]:
    return [f"{name}={value}" for name, value in parse_qsl(t)]


@feature
def blank(t: str) -> int:
    return len(parse_qsl(t, keep_blank_values=True))


@feature
def strict(t: str) -> int:
    return len(parse_qsl(t, strict_parsing=True))


@feature
def first(t: str) -> str | None:
    return parse_qs(urlsplit("?" + t).query).get("a", [None])[0]


@feature
def encoded(s: str, x: int) -> str:
    return urlencode({"q": s, "n": x}) + urlencode([("a b", s)])
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        yield Running(Path(folder), HEAD + FUNCTIONS)


def test_urls_compute_what_cpython_computes(running: Running) -> None:
    source = random.Random(21)
    for _ in range(1500):
        given = event(source)
        for name in "st":
            text = "".join(source.choice(PARTS) for _ in range(source.randrange(9)))
            given[name] = "http://" + text if source.random() < 0.4 else text
        compare(running, given)
