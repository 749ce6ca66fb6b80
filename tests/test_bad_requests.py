"""Bad requests, as raw bytes to a real server: each gets its own status and a problem that says what was expected;
the server goes on; nothing of them enters the journal or a window."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server_fixture import Answer, Server, needs_server, start_server

pytestmark = needs_server

DEFINITION = """
from dataclasses import field
from datetime import date, datetime
from typing import Annotated, Literal

from assay import Field, Secret, event, rule, window

history = "empty"


class Merchant:
    name: str
    category: int | None = None


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    merchant: Merchant
    items: int = 1
    country: Literal["DE", "FR"] = "DE"
    device: str | None = None
    contactless: bool = False
    born: date | None = None
    tags: list[str] = field(default_factory=list)
    pin: Annotated[str, Secret] = ""
    seen: Annotated[datetime | None, Field(unit="ms")] = None


@event(id="id", time="at", scored=False, extra="forbid")
class Login:
    id: str
    at: datetime
    card: str


payments_1h = window.count(by="card", over="1h")
spent_1h = window.sum("amount", by="card", over="1h")
logins_1h = window.count(by="card", over="1h", on=Login)


@rule("decline")
def burst(payments_1h: int) -> bool:
    return payments_1h > 1000
"""

CARD = "c-bad"
HOST = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
GOOD: dict[str, Any] = {
    "id": "bad-1",
    "at": "2026-03-01T12:00:00Z",
    "card": CARD,
    "amount": 12.5,
    "merchant": {"name": "Shop"},
}


def post(body: bytes, target: bytes = b"/v1/score", head: bytes = JSON) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + head + length + b"\r\n" + body


def but(**changes: Any) -> bytes:
    return json.dumps({k: v for k, v in (GOOD | changes).items() if v is not ...}, ensure_ascii=False).encode()


def raw(name: str, text: str) -> bytes:
    """The good event with a member of that name whose value is the text as it stands."""
    rest = {k: v for k, v in GOOD.items() if k != name}
    return json.dumps(rest)[:-1].encode() + f', "{name}": '.encode() + text.encode() + b"}"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


# What is not JSON: 400, and where. (name, body, text of the detail)
SYNTAX: list[tuple[str, bytes, str]] = [
    ("empty body", b"", "got the end"),
    ("blank body", b"  \r\n\t ", "got the end"),
    ("cut object", b'{"id": "p1"', "',' or '}'"),
    ("cut name", b'{"id', "end of the string"),
    ("cut string", b'{"id": "p1', "end of the string"),
    ("cut after colon", b'{"id":', "got the end"),
    ("no colon", b'{"id" "p1"}', "':'"),
    ("equals for colon", b'{"id" = "p1"}', "':'"),
    ("no comma", b'{"id": "p1" "card": "c"}', "',' or '}'"),
    ("comma at the end", b'{"id": "p1",}', "a member's name"),
    ("comma first", b'{,"id": "p1"}', "a member's name"),
    ("two commas", b'{"id": "p1",,"card": "c"}', "a member's name"),
    ("unquoted name", b'{id: "p1"}', "a member's name"),
    ("number as name", b'{1: "p1"}', "a member's name"),
    ("single quotes", b"{'id': 'p1'}", "a member's name"),
    ("two objects", but() + but(), "the end"),
    ("text after the object", but() + b" x", "the end"),
    ("closed twice", but() + b"}", "the end"),
    ("wrong bracket", b'{"id": "p1"]', "',' or '}'"),
    ("comment", b'{"id": "p1" /* x */}', "',' or '}'"),
    ("byte order mark", b"\xef\xbb\xbf" + but(), "JSON value"),
    ("UTF-16", but().decode().encode("utf-16-le"), ""),
    ("a word", b"hello", "JSON value"),
    ("capital True", raw("contactless", "True"), "JSON value"),
    ("nul for null", raw("device", "nul"), "JSON value"),
    ("NaN", raw("amount", "NaN"), "JSON value"),
    ("Infinity", raw("amount", "Infinity"), "JSON value"),
    ("minus Infinity", raw("amount", "-Infinity"), "number"),
    ("leading zero", raw("amount", "012"), "no leading zeros"),
    ("leading plus", raw("amount", "+1"), "JSON value"),
    ("leading point", raw("amount", ".5"), "JSON value"),
    ("point at the end", raw("amount", "1."), ""),
    ("exponent without digits", raw("amount", "1e"), ""),
    ("lone minus", raw("amount", "-"), "number"),
    ("hexadecimal", raw("amount", "0x10"), "',' or '}'"),
    ("underscore in number", raw("amount", "1_000"), "',' or '}'"),
    ("bad UTF-8", raw("card", '"\x00"').replace(b"\x00", b"\xff"), "UTF-8"),
    ("overlong UTF-8", raw("card", '"\x00"').replace(b"\x00", b"\xc0\xaf"), "UTF-8"),
    ("UTF-8 surrogate", raw("card", '"\x00"').replace(b"\x00", b"\xed\xa0\x80"), "UTF-8"),
    ("cut UTF-8", raw("card", '"\x00"').replace(b"\x00", b"\xe2\x82"), "UTF-8"),
    ("bad UTF-8 in an unknown member", raw("other", '"\x00"').replace(b"\x00", b"\xff"), "UTF-8"),
    ("bad UTF-8 in a name", b'{"\xff": 1}', "UTF-8"),
    ("lone high surrogate", raw("card", '"\\ud800"'), "surrogate"),
    ("lone low surrogate", raw("card", '"\\udc00"'), "surrogate"),
    ("surrogates swapped", raw("card", '"\\udc00\\ud800"'), "surrogate"),
    ("lone surrogate in an unknown member", raw("other", '"\\ud800x"'), "surrogate"),
    ("unknown escape", raw("card", '"\\x41"'), "after a backslash"),
    ("short escape", raw("card", '"\\u12"'), "four hexadecimal digits"),
    ("newline in a string", raw("card", '"a\nb"'), "control character"),
    ("NUL in a string", raw("card", '"a\x00b"'), "control character"),
    ("cut array", b"[" + but(), "',' or ']'"),
    ("array without comma", b"[" + but() + b" " + but(id="bad-2") + b"]", "',' or ']'"),
    ("array with a comma at the end", b"[" + but() + b",]", "JSON value"),
    ("text after the array", b"[" + but() + b"] x", "the end"),
]

# JSON whose fields are wrong: 422. (name, body, path, expected, got)
FIELDS: list[tuple[str, bytes, str, str, str]] = [
    ("a string", b'"hello"', "", "object", 'string "hello"'),
    ("a number", b"17", "", "object", "number 17"),
    ("null", b"null", "", "object", "null"),
    ("missing id", but(id=...), "/id", "str", "nothing"),
    ("missing time", but(at=...), "/at", "datetime with offset", "nothing"),
    ("missing amount", but(amount=...), "/amount", "float", "nothing"),
    ("missing object", but(merchant=...), "/merchant", "object", "nothing"),
    ("missing field of an object", but(merchant={}), "/merchant/name", "str", "nothing"),
    ("empty id", but(id=""), "/id", "str that is not empty", 'string ""'),
    ("number as id", but(id=17), "/id", "str", "number 17"),
    ("null id", but(id=None), "/id", "str", "null"),
    ("id too long", but(id="x" * 257), "/id", "at most 256 bytes", "257 bytes"),
    ("string too long", but(device="x" * 32769), "/device", "at most 32768 bytes", "32769 bytes"),
    ("string as number", but(amount="12"), "/amount", "float", 'string "12"'),
    ("true as number", but(amount=True), "/amount", "float", "true"),
    ("null as number", but(amount=None), "/amount", "float", "null"),
    ("array as number", but(amount=[1]), "/amount", "float", "array"),
    ("object as number", but(amount={}), "/amount", "float", "object"),
    ("number beyond float", raw("amount", "1e400"), "/amount", "float", "number 1e400"),
    ("number below float", raw("amount", "-1e400"), "/amount", "float", "number -1e400"),
    ("fraction as int", but(items=1.5), "/items", "int", "number 1.5"),
    ("string as int", but(items="3"), "/items", "int", 'string "3"'),
    ("false as int", but(items=False), "/items", "int", "false"),
    ("int beyond 64 bits", raw("items", "9223372036854775808"), "/items", "int", "number 9223372036854775808"),
    ("int far beyond 64 bits", raw("items", "9" * 100), "/items", "int", "number " + "9" * 53),
    ("float beyond 64 bits as int", raw("items", "1e19"), "/items", "int", "number 1e19"),
    ("string as bool", but(contactless="true"), "/contactless", "bool", 'string "true"'),
    ("one as bool", but(contactless=1), "/contactless", "bool", "number 1"),
    ("number as str", but(card=7), "/card", "str", "number 7"),
    ("unknown choice", but(country="XX"), "/country", 'one of "DE", "FR"', 'string "XX"'),
    ("naive time", but(at="2026-03-01T12:00:00"), "/at", "datetime with offset", 'string "2026-03-01T12:00:00"'),
    ("date as time", but(at="2026-03-01"), "/at", "datetime with offset", 'string "2026-03-01"'),
    ("24 o'clock", but(at="2026-03-01T24:00:00Z"), "/at", "datetime with offset", 'string "2026-03-01T24:00:00Z"'),
    ("leap second", but(at="2026-06-30T23:59:60Z"), "/at", "datetime with offset", 'string "2026-06-30T23:59:60Z"'),
    ("no such day", but(at="2026-02-29T12:00:00Z"), "/at", "datetime with offset", 'string "2026-02-29T12:00:00Z"'),
    ("words as time", but(at="yesterday"), "/at", "datetime with offset", 'string "yesterday"'),
    ("number as time", but(at=1772366400), "/at", "datetime with offset", "number 1772366400"),
    (
        "time as number of ms",
        but(seen="2026-03-01T12:00:00Z"),
        "/seen",
        "number of ms",
        'string "2026-03-01T12:00:00Z"',
    ),
    ("ms beyond year 9999", but(seen=1e18), "/seen", "number of ms", "number 1e+18"),
    ("no such date", but(born="2026-13-01"), "/born", "date", 'string "2026-13-01"'),
    ("time as date", but(born="2026-03-01T12:00:00Z"), "/born", "date", 'string "2026-03-01T12:00:00Z"'),
    ("string as list", but(tags="a"), "/tags", "list of str", 'string "a"'),
    ("number in list", but(tags=["a", 2]), "/tags/1", "str", "number 2"),
    ("null in list", but(tags=[None]), "/tags/0", "str", "null"),
    ("string as object", but(merchant="Shop"), "/merchant", "object", 'string "Shop"'),
    ("null as object", but(merchant=None), "/merchant", "object", "null"),
    ("wrong type in an object", but(merchant={"name": 1}), "/merchant/name", "str", "number 1"),
    ("duplicate member", raw("amount", '1, "amount": 2'), "/amount", "one member of this name", "a duplicate"),
    ("duplicate unknown member", raw("x", '1, "x": 2'), "/x", "one member of this name", "a duplicate"),
    ("duplicate by escape", raw("amount", '1, "\\u0061mount": 2'), "/amount", "one member of this name", "a duplicate"),
    ("secret of a wrong type", but(pin=1234), "/pin", "str", "a secret value"),
    ("card number of a wrong type", but(amount="4111111111111111"), "/amount", "float", 'string "411111******1111"'),
]

# More wrong requests whose answer is one problem. (name, bytes, status, text of the detail)
REQUESTS: list[tuple[str, bytes, int, str]] = [
    ("event too large", post(raw("other", '"' + "x" * 65536 + '"')), 413, "65536 bytes"),
    ("body too large", post(b"").replace(b"Length: 0", b"Length: 8388609"), 413, "within the limit"),
    (
        "chunk too large",
        post(b"", head=JSON + b"Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"") + b"800001\r\n",
        413,
        "",
    ),
    ("too many events", post(b"[" + b",".join([b"1"] * 10001) + b"]"), 413, "10000 events"),
    ("unknown path", post(but(), b"/v1/scores"), 404, "/v1/scores"),
    ("path with a slash behind", post(but(), b"/v1/score/"), 404, "no such path"),
    ("encoded path", post(but(), b"/v1/%73core"), 404, "no such path"),
    ("dot segments", post(but(), b"/v1/../v1/score"), 404, "no such path"),
    ("root", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", 404, "no such path"),
    ("unknown event class", post(but(), b"/v1/events/Logout"), 404, ""),
    ("no event class", post(but(), b"/v1/events/"), 404, "no such path"),
    ("unknown decision", b"GET /v1/decisions/none HTTP/1.1\r\n" + HOST + b"\r\n", 404, ""),
    ("decision without id", b"GET /v1/decisions/ HTTP/1.1\r\n" + HOST + b"\r\n", 404, "no such path"),
    ("id that is not UTF-8", b"GET /v1/decisions/%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400, "UTF-8"),
    (
        "id in the path too long",
        b"GET /v1/decisions/" + b"x" * 257 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
        "256 bytes",
    ),
    ("GET of a POST route", b"GET /v1/score HTTP/1.1\r\n" + HOST + b"\r\n", 405, "expected POST, got GET"),
    ("PUT of a POST route", post(but()).replace(b"POST", b"PUT", 1), 405, "expected POST, got PUT"),
    ("POST of a GET route", post(b"{}", b"/healthz"), 405, "expected GET, HEAD, got POST"),
    ("DELETE of a decision", b"DELETE /v1/decisions/p1 HTTP/1.1\r\n" + HOST + b"\r\n", 405, "got DELETE"),
    ("small letters as method", post(but()).replace(b"POST", b"post", 1), 405, "got post"),
    ("unknown parameter", post(but(), b"/v1/score?feature=1"), 400, "features"),
    ("parameter that is neither 0 nor 1", post(but(), b"/v1/score?features=yes"), 400, "features=yes"),
    ("parameter twice", post(but(), b"/v1/score?features=1&features=1"), 400, "once"),
    ("parameter of a route without any", b"GET /healthz?x=1 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "no parameters"),
    ("no content type", post(but(), head=b""), 415, "got nothing"),
    ("form", post(but(), head=b"Content-Type: application/x-www-form-urlencoded\r\n"), 415, "x-www-form-urlencoded"),
    ("plain text", post(but(), head=b"Content-Type: text/plain\r\n"), 415, "text/plain"),
    ("two content types", post(but(), head=JSON + b"Content-Type: text/plain\r\n"), 415, ""),
    ("other charset", post(but(), head=b"Content-Type: application/json; charset=latin-1\r\n"), 415, "latin-1"),
    ("compressed", post(but(), head=JSON + b"Content-Encoding: gzip\r\n"), 415, "Content-Encoding"),
    ("deadline that is no number", post(but(), head=JSON + b"Assay-Deadline-Ms: soon\r\n"), 400, "soon"),
    ("deadline of zero", post(but(), head=JSON + b"Assay-Deadline-Ms: 0\r\n"), 400, "Assay-Deadline-Ms"),
    ("foreign host", post(but()).replace(b"localhost", b"evil.example"), 403, "evil.example"),
    ("foreign origin", post(but(), head=JSON + b"Origin: http://evil.example\r\n"), 403, "Origin"),
    ("null origin", post(but(), head=JSON + b"Origin: null\r\n"), 403, "Origin"),
    ("https origin", post(but(), head=JSON + b"Origin: https://localhost\r\n"), 403, "Origin"),
]


def chunked(body: bytes) -> bytes:
    return b"POST /v1/score HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + body


SIZE = b"%x\r\n" % len(but())

# Broken framing: answered, then the connection is closed, and what follows is not read as a request.
# (name, bytes, status, text of the detail)
FRAMING: list[tuple[str, bytes, int, str]] = [
    ("both lengths", post(b"0\r\n\r\n", head=JSON + b"Transfer-Encoding: chunked\r\n"), 400, "not both"),
    ("two equal lengths", post(but(), head=JSON + b"Content-Length: %d\r\n" % len(but())), 400, "one Content-Length"),
    ("two lengths", post(but(), head=JSON + b"Content-Length: 1\r\n"), 400, "one Content-Length"),
    ("list of lengths", post(but()).replace(b"Length: ", b"Length: 5, "), 400, "only digits"),
    ("signed length", post(but()).replace(b"Length: ", b"Length: +"), 400, "only digits"),
    ("negative length", post(but()).replace(b"Length: ", b"Length: -"), 400, "only digits"),
    ("huge length", post(but()).replace(b"Length: ", b"Length: 99999999999999999999"), 413, "within the limit"),
    ("bare LF", post(but()).replace(b"\r\n", b"\n"), 400, "CRLF"),
    ("one bare LF", post(but()).replace(b"localhost\r\n", b"localhost\n"), 400, "CRLF"),
    ("bare CR", post(but()).replace(b"localhost\r\n", b"localhost\r"), 400, "LF after CR"),
    ("folded field", post(but(), head=JSON + b"X: a\r\n b\r\n"), 400, "no folded fields"),
    ("space before colon", post(but()).replace(b"Length:", b"Length :"), 400, "colon right after it"),
    ("field without colon", post(but(), head=JSON + b"Hello\r\n"), 400, "colon right after it"),
    ("NUL in a field", post(but(), head=JSON + b"X: a\x00b\r\n"), 400, "0x00"),
    ("no host", post(but()).replace(HOST, b""), 400, "Host"),
    ("two hosts", post(but(), head=JSON + HOST), 400, "one Host"),
    ("no version", post(but()).replace(b" HTTP/1.1", b""), 400, "URI characters"),
    ("version 2", post(but()).replace(b"HTTP/1.1", b"HTTP/2.0"), 505, "HTTP/1.1"),
    ("version 1.2", post(but()).replace(b"HTTP/1.1", b"HTTP/1.2"), 505, "HTTP/1.1"),
    ("two spaces", post(but()).replace(b"POST ", b"POST  "), 400, "origin form"),
    ("absolute target", post(but(), b"http://localhost/v1/score"), 400, "origin form"),
    ("control character in the target", post(but(), b"/v1/\x01score"), 400, "0x01"),
    ("bad percent in the target", post(but(), b"/v1/decisions/%zz"), 400, "hexadecimal"),
    ("empty line first", b"\r\n" + post(but()), 400, "method"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "0x16"),
    ("target too long", post(but(), b"/" + b"a" * 2048), 414, "2048"),
    ("head too large", post(but(), head=JSON + b"X: " + b"a" * 16384 + b"\r\n"), 431, "16384"),
    ("too many fields", post(but(), head=JSON + b"X: a\r\n" * 64), 431, "64"),
    ("unknown expectation", post(but(), head=JSON + b"Expect: miracles\r\n"), 417, "100-continue"),
    ("unknown transfer coding", chunked(b"").replace(b": chunked", b": gzip"), 501, "chunked"),
    ("coded twice", chunked(b"").replace(b": chunked", b": chunked, chunked"), 501, "chunked"),
    ("coding of an old version", chunked(b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "HTTP/1.0"),
    ("chunk size that is no number", chunked(b"x\r\n" + but()), 400, "hexadecimal"),
    ("chunk size with 0x", chunked(b"0x" + SIZE + but() + b"\r\n0\r\n\r\n"), 400, "CRLF after the chunk size"),
    ("chunk too short", chunked(b"2\r\n" + but() + b"\r\n0\r\n\r\n"), 400, "as many bytes"),
    ("chunk with bare LF", chunked(SIZE.replace(b"\r", b"") + but() + b"\r\n0\r\n\r\n"), 400, "0x0A"),
    ("chunk extension", chunked(SIZE.replace(b"\r", b";a=b\r") + but() + b"\r\n0\r\n\r\n"), 400, "no chunk extensions"),
    ("trailer", chunked(SIZE + but() + b"\r\n0\r\nX: y\r\n\r\n"), 400, "no trailers"),
    ("chunk size of nine digits", chunked(b"000000000\r\n\r\n"), 400, "8 hexadecimal digits"),
    ("body cut short", post(but())[:-3], 400, "ended before the request"),
    ("chunks cut short", chunked(SIZE + but() + b"\r\n"), 400, "ended before the request"),
    ("head cut short", b"POST /v1/score HTTP/1.1\r\nHost: loc", 400, "ended before the request"),
]

SMUGGLED = post(json.dumps(GOOD | {"id": "smuggled"}).encode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("bad-requests") / "data"
    with start_server(DEFINITION, data=data) as server:
        yield server


WATCHED = (
    "assay_journal_bytes_total",
    "assay_journal_groups_total",
    "assay_window_entries",
    "assay_window_keys",
    "assay_events_total",
    "assay_context_events_total",
    "assay_ids",
)

_numbers = itertools.count()


def probe(server: Server) -> dict[str, Any]:
    """Scores a payment of the card that the bad requests name; its windows are what they entered."""
    event = GOOD | {"id": f"probe-{next(_numbers)}"}
    answer = server.score(event, "/v1/score?features=1")
    assert answer.status == 200, answer.body
    return dict(answer.json()["features"])


@pytest.fixture(autouse=True)
def nothing_enters(server: Server) -> Iterator[None]:
    """Around each test: no counter moves, no window sees anything, and the server still scores."""
    first = probe(server)
    before = server.metrics()
    yield
    after = server.metrics()
    assert {name: after[name] for name in WATCHED} == {name: before[name] for name in WATCHED}
    last = probe(server)
    assert last == first | {"payments_1h": first["payments_1h"] + 1, "spent_1h": first["spent_1h"] + GOOD["amount"]}


def check_problem(answer: Answer, status: int, detail: str) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:assay:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert detail in problem["detail"]
    return dict(problem)


def rows(table: list[Any]) -> list[Any]:
    assert len({row[0] for row in table}) == len(table)
    return [pytest.param(*row[1:], id=row[0]) for row in table]


def test_the_table_is_long() -> None:
    assert len(SYNTAX) + len(FIELDS) + len(REQUESTS) + len(FRAMING) >= 150


@pytest.mark.parametrize(("body", "detail"), rows(SYNTAX))
def test_what_is_not_json_is_a_400_with_its_place(server: Server, body: bytes, detail: str) -> None:
    problem = check_problem(server.send(post(body))[0], 400, detail)
    assert "byte " in problem["detail"]


@pytest.mark.parametrize(("body", "path", "expected", "got"), rows(FIELDS))
def test_a_wrong_field_is_a_422_that_names_it(server: Server, body: bytes, path: str, expected: str, got: str) -> None:
    problem = check_problem(server.send(post(body))[0], 422, "")
    assert problem["errors"] == [{"path": path, "expected": expected, "got": got}]


@pytest.mark.parametrize(("request_bytes", "status", "detail"), rows(REQUESTS))
def test_a_wrong_request_is_answered_as_a_problem(
    server: Server, request_bytes: bytes, status: int, detail: str
) -> None:
    answer = server.send(request_bytes)[0]
    check_problem(answer, status, detail)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(("request_bytes", "status", "detail"), rows(FRAMING))
def test_broken_framing_is_answered_and_closed(server: Server, request_bytes: bytes, status: int, detail: str) -> None:
    cut = detail == "ended before the request"
    answers = server.send(request_bytes if cut else request_bytes + SMUGGLED, end=cut)
    assert len(answers) == 1, "what follows broken framing was read as a request"
    check_problem(answers[0], status, detail)
    assert answers[0].headers["connection"] == "close"


def test_deep_nesting_is_a_field_error(server: Server) -> None:
    for depth in (32, 1000, 30000):
        problem = check_problem(server.send(post(raw("other", nested(depth))))[0], 422, "")
        assert len(problem["errors"]) == 1
        assert problem["errors"][0]["path"].startswith("/other")


def test_all_wrong_fields_are_named_at_once(server: Server) -> None:
    problem = check_problem(server.send(post(but(amount="1", items="2", at="x", card=...)))[0], 422, "4 fields")
    assert {e["path"] for e in problem["errors"]} == {"/amount", "/items", "/at", "/card"}


def test_at_most_sixteen_field_errors_are_listed(server: Server) -> None:
    problem = check_problem(server.send(post(but(tags=list(range(50)))))[0], 422, "50 fields")
    assert len(problem["errors"]) == 16


def test_an_unknown_member_is_an_error_where_the_event_forbids_it(server: Server) -> None:
    login = {"id": "l1", "at": GOOD["at"], "card": CARD, "extra": 1}
    problem = check_problem(server.send(post(json.dumps(login).encode(), b"/v1/events/Login"))[0], 422, "")
    assert problem["errors"] == [{"path": "/extra", "expected": "no such member", "got": "number 1"}]


def test_bad_items_of_a_batch_are_problems_in_their_places(server: Server) -> None:
    body = b"[" + b",\n".join([but(amount="1"), b"17", b"{]", but(at="x"), b'"' + b"x" * 70000 + b'"']) + b"]"
    answer = server.send(post(body))[0]
    assert answer.status == 200
    assert [item["status"] for item in answer.json()] == [422, 422, 400, 422, 413]
    assert answer.json()[3]["errors"][0]["path"] == "/at"


def test_bad_lines_are_problems_in_their_places(server: Server) -> None:
    body = b"\n".join([but(amount="1"), b"", b"{", b"[]", b"not json"])
    answer = server.send(post(body, head=b"Content-Type: application/x-ndjson\r\n"))[0]
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    items = [json.loads(line) for line in answer.body.splitlines()]
    assert [item["status"] for item in items] == [422, 400, 422, 400]


def test_a_secret_is_not_echoed(server: Server) -> None:
    for body in (but(pin=987654), but(pin=["987654"])):
        assert b"987654" not in server.send(post(body))[0].body


def test_slow_clients_are_answered_408(tmp_path: Path) -> None:
    flags = ("--header-time", "200", "--body-time", "200")
    with start_server(DEFINITION, *flags, data=tmp_path / "data") as server:
        for request in (b"POST /v1/score HTTP/1.1\r\nHost", post(but())[:-5], chunked(SIZE + b"{")):
            start = time.monotonic()
            answers = server.send(request, end=False)
            assert len(answers) == 1
            check_problem(answers[0], 408, "too long")
            assert 0.15 < time.monotonic() - start < 3.0
        with server.connect() as sock:  # a byte now and then does not help
            start = time.monotonic()
            try:
                for byte in post(but()):
                    sock.sendall(bytes([byte]))
                    time.sleep(0.02)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert time.monotonic() - start < 3.0
        assert server.score(GOOD).status == 200
        assert server.metrics()["assay_events_total"] == 1
