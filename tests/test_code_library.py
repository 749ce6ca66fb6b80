"""The code room's standard library against CPython's own, over tables of edge values, as test_code_room.py does it for
the language: bytes, digests, encodings."""

from __future__ import annotations

import base64
import hmac
import importlib
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay import _modules
from test_code_room import Case, attribute, binary, call, compare, driver, method, operator, unary  # noqa: F401

BYTES = [
    b"",
    b"a",
    b"abc",
    b"aAbB zZ",
    b"\x00\xff\x80",
    b" \t\n a b \r\x0b\x0c\x1c ",
    b"aaaa",
    b"'\"\\",
    b"'x",
    b"123",
    b"+12",
    "é€😀".encode(),
    bytes(range(256)),
]
SMALL: list[Any] = [b"", b"a", b"aa", b" ", b"b", b"\xff", b"ab"]
NOT_BYTES: list[Any] = [None, True, 97, 256, -1, 1.5, "a", (b"a", b"b"), ["a"], 10**30]


def over(names: str, receivers: list[Any], *others: list[Any]) -> Iterator[Case]:
    for name in names.split():
        for args in itertools.product(receivers, *others):
            yield method(name, args)


def bytes_cases() -> Iterator[Case]:
    plain = "strip lstrip rstrip lower upper title capitalize swapcase isalnum isalpha isascii isdigit islower isspace"
    yield from over(plain + " isupper split rsplit hex decode expandtabs", BYTES)
    two = "find rfind index rindex count startswith endswith removeprefix removesuffix strip lstrip rstrip partition"
    yield from over(two + " rpartition split rsplit join", BYTES, [*SMALL, *NOT_BYTES])
    yield from over("find rfind index count startswith endswith", BYTES, SMALL, [0, 1, -2, None, 50], [2, -1, None, 0])
    yield from over("split rsplit", BYTES, [None, b"a", b" "], [0, 1, 2, -1])
    yield from over("replace", BYTES, [*SMALL, "a", None], [b"", b"xy", "b"])
    yield from over("replace", BYTES, [b"", b"a", b"aa"], [b"", b"--"], [-1, 0, 1, 2])
    yield from over("ljust rjust center", BYTES, [0, 5, 8, 9, -1, "5"], [b" ", b"0", b"ab", "x"])
    yield from over("zfill", BYTES, [0, 2, 5, 9])
    yield from over("join", [b"", b", "], [[b"a", b"b"], (b"a",), [], b"ab", [b"a", "b"], [b"", b"", b"c"]])
    yield from over("hex", BYTES, [":", b"-", "", "ab", "é", 1], [1, 2, 3, -2, 0])
    bad = [b"\xe2\x82", b"a\xf0\x9f\x98", b"\xed\xa0\x80z", b"\xc3\x28", b"\xf4\x90\x80\x80"]
    yield from over("decode", [*BYTES, *bad],
                    ["utf-8", "ascii", "iso8859-1"], ["strict", "ignore", "replace", "backslashreplace"])  # fmt: skip
    texts = ["", "abc", "é", "€uro", "😀", "aéb€c😀"]
    yield from over("encode", texts)
    yield from over("encode", texts, ["utf-8", "ascii", "iso8859-1"],
                    ["strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace"])  # fmt: skip
    for value in [*BYTES, *NOT_BYTES]:
        for name, function in (("len", len), ("list", list), ("tuple", tuple), ("sorted", sorted), ("sum", sum)):
            if isinstance(value, bytes):
                yield call(name, (value,), function)
        yield call("bytes", (value,), bytes)
    yield from (call("bytes", (s, e), bytes) for s in ("a", "é", b"x", 3) for e in ("utf-8", "ascii"))
    yield call("bytes", (), bytes)
    for text in ["", "00", "0a FF", "abc", "zz", " 1 2", "1 2", "\t00\n", "é0"]:
        yield call("bytes.fromhex", (text,), bytes.fromhex)
    for a, b in itertools.product([*BYTES, *SMALL, "a", 97, None], repeat=2):
        yield binary("ADD", a, b, operator.add)
        for name, function in (("EQ", operator.eq), ("NE", operator.ne), ("LT", operator.lt), ("GE", operator.ge)):
            yield binary(name, a, b, function)
        yield binary("IN", a, b, lambda x, y: x in y)
    for a, b in itertools.product(BYTES, [0, 1, -1, 3, 255, -256, 300, "a", None, 2.0]):
        yield binary("INDEX", a, b, operator.getitem)
        yield binary("MUL", a, b, operator.mul)
        yield binary("MUL", b, a, operator.mul)
    for value in BYTES:
        yield unary("NOT", value, operator.not_)
        yield unary("FORMAT", value, repr, 2)
        yield unary("FORMAT", value, str, 1)
        yield unary("ITER", value, iter)
        yield call("min", (value,), min)
        yield binary("INDEX", {b"abc": 1, b"": 2, "abc": 3}, value, operator.getitem)


def test_bytes(driver: Path) -> None:  # noqa: F811
    compare(driver, bytes_cases(), 4000)


INTS = [0, 1, -1, 127, 128, 255, 256, -128, -129, 2**63 - 1, -(2**63), 2**64, 10**30, -(10**30), True]


def int_bytes_cases() -> Iterator[Case]:
    def to(value: Any, *rest: Any) -> bytes:
        length, order, signed = (*rest, *(1, "big", False)[len(rest) :])
        return value.to_bytes(length, order, signed=signed)

    for args in itertools.product(INTS, [0, 1, 2, 8, 9, 20, -1], ["big", "little", "x"], [False, True]):
        yield call(".to_bytes", args, to)
    yield from (call(".to_bytes", (v,), to) for v in INTS)

    def of(data: Any, order: str = "big", signed: bool = False) -> int:
        return int.from_bytes(data, order, signed=signed)

    datas: list[Any] = [
        *BYTES,
        b"\xff" * 600,
        b"\0" * 600,
        b"\x80" + b"\0" * 511,
        b"\xff" * 512,
        [1, 2],
        (255,),
        "a",
        3,
    ]
    for args in itertools.product(datas, ["big", "little", "x"], [False, True]):
        yield call("int.from_bytes", args, of)
    for value in (0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, 1e308, float("inf"), -float("inf"), float("nan"), 2.2e-308):
        yield method("hex", (value,))


def test_ints_as_bytes(driver: Path) -> None:  # noqa: F811
    compare(driver, int_bytes_cases(), 500)


def random_bytes(count: int) -> list[bytes]:
    source = random.Random(7)
    return [
        source.randbytes(source.choice([0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 300]))
        for _ in range(count)
    ]


def test_decoding_random_bytes(driver: Path) -> None:  # noqa: F811
    source = random.Random(11)
    alphabet = [0x41, 0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F, 0xE2, 0x82, 0xAC, 0xFF]
    datas = [bytes(source.choices(alphabet, k=source.randrange(8))) for _ in range(3000)]
    cases = (
        method("decode", (data, "utf-8", how)) for data in datas for how in ("strict", "replace", "backslashreplace")
    )
    compare(driver, cases, 9000)


_ = (pytest, attribute)


def digest_cases() -> Iterator[Case]:
    """Through HMAC, which is one call, at all lengths around a block's."""
    datas = [bytes(range(256))[:n] * 2 for n in range(0, 150)]
    for name in _modules.DIGESTS:
        for data in [*datas, *random_bytes(20)]:
            yield call("hmac.digest", (b"key", data, name), hmac.digest)
            yield call("hmac.digest", (data, b"message", name), hmac.digest)
    for args in [("key", b"", "md5"), (b"", "x", "md5"), (None, b"", "sha1"), (b"", None, "sha1")]:
        yield call("hmac.digest", args, hmac.digest)


def test_digests(driver: Path) -> None:  # noqa: F811
    compare(driver, digest_cases(), 3000)


def whole_library_names(prefix: str, names: str) -> Iterator[tuple[str, Any]]:
    module = importlib.import_module(prefix)
    for name in names.split():
        yield f"{prefix}.{name}", getattr(module, name)


B64 = [
    "",
    "=",
    "a",
    "ab",
    "abc",
    "abcd",
    "ab==",
    "abc=",
    "ab=c",
    "a=bc",
    "====",
    "abcd====",
    "ab\n=\n=",
    "é",
    "AA!",
    "+/-_",
]
B32 = ["MFRGG===", "MFRA====", "ME======", "mfrgg===", "M=======", "MFRGGZDF", "AB", "ab", "0g", "ABC", "A" * 16]


def encoding_cases() -> Iterator[Case]:
    datas = [*BYTES, *random_bytes(60)]
    texts = [*B64, *B32, "AAAAAAAA========"]
    encoders = "b64encode standard_b64encode urlsafe_b64encode b32encode b16encode"
    for name, function in whole_library_names("base64", encoders):
        yield from (call(name, (data,), function) for data in [*datas, "a", None])
    for name, function in whole_library_names("base64", encoders.replace("encode", "decode")):
        yield from (call(name, (data,), function) for data in [*datas, *texts, None])
        yield from (call(name, (text.encode(),), function) for text in texts)
    for data in texts:
        yield call("base64.b64decode", (data, None, True), base64.b64decode)
        yield call("base64.b64decode", (data, b"-_", False), base64.b64decode)
        yield call("base64.b32decode", (data, True), base64.b32decode)
        yield call("base64.b16decode", (data, True), base64.b16decode)
    for pair in [b"-_", b"==", b"a", "ab", None]:
        yield call("base64.b64encode", (b"\xfb\xff\xfe", pair), base64.b64encode)
        yield call("base64.b64decode", ("AB-_", pair), base64.b64decode)
    sums = [*whole_library_names("binascii", "crc32"), *whole_library_names("zlib", "crc32 adler32")]
    for name, function in [*sums, *whole_library_names("binascii", "hexlify unhexlify")]:
        yield from (call(name, (data,), function) for data in [*datas, "ab", "abc", "é", None])
    for name, function in sums:
        for start in [0, 1, -1, 2**32 - 1, 2**32, 2**40 + 5, -(2**70), 10**30, 1.5, None, True]:
            yield from (call(name, (data, start), function) for data in datas[:20])


def test_encodings_and_checksums(driver: Path) -> None:  # noqa: F811
    compare(driver, encoding_cases(), 1000)
