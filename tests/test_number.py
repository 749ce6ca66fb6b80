"""Numbers and times as text: the engine's C against CPython's own, bit for bit."""

import datetime
import decimal
import math
import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BASE = Path(__file__).parent.parent / "engine" / "base"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="session")
def filters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the C test programs, which also work as filters."""
    folder = tmp_path_factory.mktemp("filters")
    for name in ("number", "calendar"):
        sources = [BASE / f"{name}_test.c", BASE / f"{name}.c", BASE / "assert.c"]
        flags = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-ffp-contract=off"]
        subprocess.run([os.environ.get("CC", "cc"), *flags, *sources, "-o", folder / name], check=True)
    return folder


def through(program: Path, mode: str, data: bytes) -> list[str]:
    """The filter's lines for the data."""
    return subprocess.run([program, mode], input=data, capture_output=True, check=True).stdout.decode().splitlines()


def from_bits(bits: int) -> float:
    """The double of 64 bits."""
    (value,) = struct.unpack("<d", struct.pack("<Q", bits))
    assert isinstance(value, float)
    return value


def doubles() -> Iterator[float]:
    """Doubles of every size, with all those at which shortest digits are known to be hard."""
    source = random.Random(20260301)
    for _ in range(300_000):
        yield from_bits(source.getrandbits(64))
    for _ in range(20_000):
        yield from_bits(source.getrandbits(52))  # subnormals
        yield float(source.randrange(10**15, 10**17))
        yield source.randrange(1 << 54) / 2
        yield round(source.uniform(0, 10_000), 2)
        yield source.randrange(1 << source.randrange(1, 64)) * 2.0 ** source.randrange(-100, 5)
    for exponent in range(-1074, 1024):
        power = 2.0**exponent
        yield from (power, math.nextafter(power, 0), math.nextafter(power, math.inf))
    for exponent in range(-323, 309):
        power = float(f"1e{exponent}")
        yield from (power, -power, math.nextafter(power, 0), math.nextafter(power, math.inf))
    yield from (0.0, -0.0, math.inf, -math.inf, math.nan, sys.float_info.max, sys.float_info.min)


def halfway_texts() -> Iterator[str]:
    """Texts at, just above and just below the middle of two neighbouring doubles, with hundreds of digits."""
    source = random.Random(20260302)
    with decimal.localcontext() as context:
        context.prec = 2000
        for _ in range(5_000):
            below = abs(from_bits(source.getrandbits(63) if source.random() < 0.7 else source.getrandbits(53)))
            above = math.nextafter(below, math.inf)
            if not math.isfinite(below) or not math.isfinite(above):
                continue
            middle = (decimal.Decimal(below) + decimal.Decimal(above)) / 2
            nudge = middle.scaleb(-source.choice((20, 40, 780, 900)))
            for number in (middle, middle + nudge, middle - nudge):
                yield f"{number:e}"
            yield f"{below:.17e}"


def decimal_texts() -> Iterator[str]:
    """Random digits with random exponents, short and long."""
    source = random.Random(20260303)
    for _ in range(150_000):
        count = source.choice((1, 2, 5, 15, 17, 18, 19, 20, 21, 25, 40))
        digits = str(source.randrange(10 ** (count - 1), 10**count))
        yield f"{digits}e{source.randrange(-360, 320)}"
        yield f"{source.randrange(10**6)}.{digits}"


def test_repr_equals_cpython(filters: Path) -> None:
    values = list(doubles())
    lines = through(filters / "number", "repr", b"".join(struct.pack("<d", value) for value in values))
    assert len(lines) == len(values)
    assert [(value, line) for value, line in zip(values, lines, strict=True) if repr(value) != line] == []


def test_reading_equals_cpython(filters: Path) -> None:
    texts = [repr(value) for value in doubles() if math.isfinite(value)]
    texts += halfway_texts()
    texts += decimal_texts()
    lines = through(filters / "number", "parse", ("\n".join(texts) + "\n").encode())
    assert len(lines) == len(texts)
    expected = (struct.pack(">d", float(text)).hex() for text in texts)
    assert [pair for *pair, bits in zip(texts, lines, expected, strict=True) if pair[1] != bits] == []


def test_table_is_what_its_script_writes() -> None:
    written = subprocess.run([sys.executable, BASE / "number_table.py"], capture_output=True, check=True).stdout
    assert written == (BASE / "number_table.h").read_bytes()


def times() -> Iterator[int]:
    """Microseconds over the whole calendar."""
    source = random.Random(20260304)
    first, last = -62135596800000000, 253402300799999999
    for _ in range(50_000):
        yield source.randint(first, last)
        yield source.randint(0, 2_000_000_000) * 1_000_000
    yield from (first, last, 0, -1, 1)


def test_times_are_written_as_isoformat(filters: Path) -> None:
    values = list(times())
    lines = through(filters / "calendar", "format", b"".join(struct.pack("<q", value) for value in values))
    assert lines == [(EPOCH + datetime.timedelta(microseconds=value)).isoformat() for value in values]


def test_times_with_offsets_are_read_as_fromisoformat(filters: Path) -> None:
    source = random.Random(20260305)
    texts = []
    for value in times():
        zone = datetime.timezone(datetime.timedelta(minutes=source.randrange(-1439, 1440)))
        try:
            time = (EPOCH + datetime.timedelta(microseconds=value)).astimezone(zone)
        except OverflowError:
            continue
        texts.append(time.isoformat(source.choice("Tt ")))
    lines = through(filters / "calendar", "parse", ("\n".join(texts) + "\n").encode())
    microsecond = datetime.timedelta(microseconds=1)
    assert lines == [f"0 {(datetime.datetime.fromisoformat(text) - EPOCH) // microsecond}" for text in texts]
