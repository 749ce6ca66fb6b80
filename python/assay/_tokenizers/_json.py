"""Reading tokenizer.json as the package reads it: floats as its JSON library (serde_json without float_roundtrip) has
them, which may be one unit in the last place off. Scores decide between equal paths, so their bits matter."""

from __future__ import annotations

import json
import re
from typing import Any

U64_MAX = 2**64 - 1
POWERS = tuple(float(f"1e{n}") for n in range(309))
NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")


def load(source: bytes) -> Any:
    return json.loads(source, parse_float=parse_float)


def digits(text: str, significand: int) -> tuple[int, int]:
    """(the significand with as many of the digits as fit in 64 bits, how many those are)."""
    for at, digit in enumerate(text):
        more = significand * 10 + int(digit)
        if more > U64_MAX:
            return significand, at
        significand = more
    return significand, len(text)


def parse_float(text: str) -> float:
    match = NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    whole, fraction = match[2], match[3] or ""
    significand, used = digits(whole, 0)
    exponent = len(whole) - used
    significand, used = digits(fraction, significand)
    exponent += int(match[4] or 0) - used
    value = float(significand)
    while abs(exponent) > 308 and value != 0.0:
        if exponent > 0:
            raise ValueError(f"{text} is out of range")
        value /= 1e308
        exponent += 308
    if abs(exponent) <= 308:
        value = value * POWERS[exponent] if exponent >= 0 else value / POWERS[-exponent]
    if value == float("inf"):
        raise ValueError(f"{text} is out of range")
    return -value if match[1] else value
