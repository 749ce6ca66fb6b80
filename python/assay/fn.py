"""The comparisons that fraud detection needs. In functions of a definition they run in C (engine/code/compare_fraud.c);
here each is written in Python, with the same result to the last bit, for tests, notebooks and reading."""

from __future__ import annotations

import math
from collections import Counter

__all__ = ["entropy", "geohash", "haversine_km", "jaro_winkler", "levenshtein", "luhn_valid", "soundex"]

EARTH_RADIUS_KM = 6371.0088  # the mean radius (IUGG)
PREFIX_WEIGHT, PREFIX_MOST = 0.1, 4
BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"
PRECISION_MOST = 22  # characters; a double has no more bits
SOUNDEX = dict.fromkeys("BFPV", "1") | dict.fromkeys("CGJKQSXZ", "2") | dict.fromkeys("DT", "3")
SOUNDEX |= {"L": "4", "M": "5", "N": "5", "R": "6"}


def _text(function: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{function}() takes a str, not {type(value).__name__}")
    return value


def haversine_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The great-circle distance of two points in kilometres, from degrees, on a sphere of the Earth's mean radius.

    TypeError for what is no number (None too: ask first), ValueError for an infinite one; a NaN gives NaN.
    Source: R. W. Sinnott, "Virtues of the Haversine", 1984.
    """
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    north = math.sin((phi2 - phi1) / 2)
    east = math.sin((math.radians(lon2) - math.radians(lon1)) / 2)
    h = north * north + math.cos(phi1) * math.cos(phi2) * (east * east)
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(1.0 if h > 1.0 else h))


def jaro_winkler(a: str, b: str) -> float:
    """How alike two texts are, from 0.0 to 1.0 (equal), by matching characters in nearly the same order and a bonus of
    0.1 for each of up to four characters that both begin with. Compares code points; lower both first for names.

    Source: W. E. Winkler, "String Comparator Metrics and Enhanced Decision Rules", 1990, without its threshold of 0.7.
    """
    a, b = _text("jaro_winkler", a), _text("jaro_winkler", b)
    if a == b:
        return 1.0
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(b)
    matched = []
    for i, c in enumerate(a):
        for j in range(max(i - reach, 0), min(i + reach + 1, len(b))):
            if not taken[j] and b[j] == c:
                taken[j] = True
                matched.append(c)
                break
    if not matched:
        return 0.0
    moved = sum(c != d for c, d in zip(matched, (b[j] for j in range(len(b)) if taken[j]), strict=True)) // 2
    count = len(matched)
    jaro = (count / len(a) + count / len(b) + (count - moved) / count) / 3
    prefix = 0
    while prefix < min(len(a), len(b), PREFIX_MOST) and a[prefix] == b[prefix]:
        prefix += 1
    return jaro + prefix * PREFIX_WEIGHT * (1 - jaro)


def levenshtein(a: str, b: str) -> int:
    """How many code points must be added, removed or replaced to make one text of the other.

    Natively its work is the product of the lengths (less for ASCII of up to 64 characters): two texts of some 2,000
    characters run into the step limit.
    """
    a, b = _text("levenshtein", a), _text("levenshtein", b)
    row = list(range(len(b) + 1))
    for i, c in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, d in enumerate(b):
            before, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, before + (c != d))
    return row[-1]


def soundex(s: str) -> str:
    """American Soundex, "Robert" and "Rupert" to R163: a letter and three digits; "" if the text has no letter.

    Only the letters A to Z count, in either case; everything else is passed over, as H and W are: it does not part two
    letters of one digit. Vowels do.
    """
    code, last = "", ""
    for c in _text("soundex", s):
        letter = c.upper() if c.isascii() else ""
        if not "A" <= letter <= "Z" or (code and letter in "HW"):
            continue
        digit = SOUNDEX.get(letter, "")
        if not code:
            code = letter
        elif digit and digit != last:
            code += digit
            if len(code) == 4:
                break
        last = digit
    return code.ljust(4, "0") if code else ""


def geohash(lat: float, lon: float, precision: int = 12) -> str:
    """The geohash of a point in degrees: the longer a common beginning of two, the nearer they are (mostly).

    ValueError for a latitude outside -90 to 90, a longitude outside -180 to 180, a precision outside 1 to 22.
    Source: G. Niemeyer, geohash.org, 2008.
    """
    lat, lon = _number("geohash", lat), _number("geohash", lon)
    if not -90 <= lat <= 90:
        raise ValueError("geohash() takes a latitude from -90 to 90")
    if not -180 <= lon <= 180:
        raise ValueError("geohash() takes a longitude from -180 to 180")
    if not isinstance(precision, int):
        raise TypeError(f"geohash() takes an int as precision, not {type(precision).__name__}")
    if not 1 <= precision <= PRECISION_MOST:
        raise ValueError(f"geohash() takes a precision from 1 to {PRECISION_MOST}")
    south, north, west, east = -90.0, 90.0, -180.0, 180.0
    code, bits = "", 0
    for bit in range(5 * precision):
        if bit % 2 == 0:
            middle = (west + east) / 2
            upper = lon >= middle
            west, east = (middle, east) if upper else (west, middle)
        else:
            middle = (south + north) / 2
            upper = lat >= middle
            south, north = (middle, north) if upper else (south, middle)
        bits = bits * 2 + upper
        if bit % 5 == 4:
            code, bits = code + BASE32[bits], 0
    return code


def _number(function: str, value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{function}() takes numbers, not {type(value).__name__}")
    return float(value)


def luhn_valid(s: str) -> bool:
    """Whether the digits 0 to 9 of a text pass the check of card numbers; spaces and hyphens are passed over, anything
    else, or no digit at all, is False.

    Source: H. P. Luhn, US patent 2950048, 1960.
    """
    total = count = 0
    for c in reversed(_text("luhn_valid", s)):
        if c in " -":
            continue
        if not "0" <= c <= "9":
            return False
        digit = ord(c) - 48
        if count % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
        count += 1
    return count > 0 and total % 10 == 0


def entropy(s: str) -> float:
    """Shannon's entropy of a text in bits per code point: 0.0 for "" and "aaa", 2.0 for "abcd"."""
    bits = 0.0
    for count in Counter(_text("entropy", s)).values():
        share = count / len(s)
        bits -= share * math.log2(share)
    return bits
