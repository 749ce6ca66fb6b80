"""Texts with structure inside: key=value, JSON-like, base64, dates in odd forms, digests; generators and recursion."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import textwrap
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from itertools import chain, islice, zip_longest
from typing import Any

from assay import event, feature, rule

history = "empty"

SECRET = b"not-so-secret"
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y%m%d")
MONTHS = {name: i for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
DURATION = re.compile(r"(\d+)\s*([smhdw])")
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CROCKFORD = {c: i for i, c in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
ALIASES = {"reference": "ref", "amount": "amt", "source": "src"}
ISO_RE = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?(Z|[+-]\d\d:?\d\d)?$")


class ParseError(ValueError):
    def __init__(self, message: str, position: int = 0):
        super().__init__(message)
        self.position = position


@event(id="id", time="at")
class Message:
    id: str
    at: datetime
    text: str = ""
    texts: list[str]
    tags: str = ""
    stamp: str = ""
    stamps: list[str]
    token: str = ""
    token_text: str = ""
    session: str = ""
    number_text: str = ""
    amount_text: str = ""
    version: str = ""
    count: int = 0
    counts: list[int]
    amount: float = 0.0


def key_values(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in re.split(r"[;,&|\n]", text):
        key, separator, value = chunk.partition("=")
        key = key.strip().lower()
        if separator and key:
            found[ALIASES.get(key, key)] = value.strip()
    return found


def parse_date(text: str) -> date | None:
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    return None


def to_number(text: str) -> int | float | None:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None


def chunks(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def tokens_of(text: str) -> Iterator[tuple[str, str]]:
    pattern = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|(.))")
    for match in pattern.finditer(text):
        number, symbol = match.groups()
        if number:
            yield "number", number
        elif symbol.strip():
            yield "symbol", symbol


def expression(text: str) -> float:
    """1 + 2*3 - 4/2, by recursive descent."""
    items = list(tokens_of(text))
    position = 0

    def peek():
        return items[position] if position < len(items) else ("end", "")

    def take():
        nonlocal position
        item = peek()
        position += 1
        return item

    def factor() -> float:
        kind, value = take()
        if kind == "number":
            return float(value)
        if value == "-":
            return -factor()
        if value == "(":
            inner = total()
            if take()[1] != ")":
                raise ParseError("no closing parenthesis", position)
            return inner
        raise ParseError(f"unexpected {value!r}", position)

    def term() -> float:
        value = factor()
        while peek()[1] in ("*", "/"):
            _, op = take()
            value = value * factor() if op == "*" else value / factor()
        return value

    def total() -> float:
        value = term()
        while peek()[1] in ("+", "-"):
            _, op = take()
            value = value + term() if op == "+" else value - term()
        return value

    result = total()
    if position < len(items):
        raise ParseError("something is left", position)
    return result


@feature
def tags_count(tags: str) -> int:
    return len(key_values(tags))


@feature
def tags_ref(tags: str) -> str | None:
    return key_values(tags).get("ref")


@feature
def tags_amount(tags: str) -> float:
    value = to_number(key_values(tags).get("amt", ""))
    return -1.0 if value is None else float(value)


@feature
def tags_sorted(tags: str) -> str:
    return "&".join(f"{k}={v}" for k, v in sorted(key_values(tags).items()))


@feature
def tags_signed(tags: str) -> str:
    return hmac.new(SECRET, tags.encode(), hashlib.sha256).hexdigest()[:16]


@feature
def tags_bad(tags: str) -> list[str]:
    return [part for part in tags.split(";") if part and not re.fullmatch(r"\w+=[^=]*", part)]


@feature
def stamp_date(stamp: str) -> str | None:
    day = parse_date(stamp)
    return day.isoformat() if day else None


@feature
def stamp_age(stamp: str, at: datetime) -> int:
    day = parse_date(stamp)
    return (at.date() - day).days if day is not None else -99999


@feature
def stamp_iso(stamp: str) -> str:
    m = ISO_RE.match(stamp)
    if not m:
        return "no"
    year, month, day, hour, minute, second, fraction, zone = m.groups()
    clock = f"{hour or '--'}{minute or '--'}{second or '--'}"
    return f"{year}{month}{day}|{clock}|{(fraction or '0')[:3]:0<3}|{zone or 'naive'}"


@feature
def stamp_fromiso(stamp: str) -> float:
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return 0.0
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return when.timestamp()


@feature
def stamp_month_name(stamp: str) -> int:
    words = re.findall("[a-z]{3,}", stamp.lower())
    return next((MONTHS[w[:3]] for w in words if w[:3] in MONTHS), 0)


@feature
def stamp_quarter(stamp: str) -> str:
    day = parse_date(stamp)
    return f"{day.year}Q{(day.month - 1) // 3 + 1}" if day else ""


@feature
def stamps_sorted(stamps: list[str]) -> bool:
    days = [d for d in map(parse_date, stamps) if d]
    return days == sorted(days)


@feature
def stamps_gaps(stamps: list[str]) -> list[int]:
    days = sorted(filter(None, (parse_date(s) for s in stamps)))
    return [(b - a).days for a, b in zip(days, days[1:])]


@feature
def duration_seconds(text: str) -> int:
    return sum(int(n) * UNITS[unit] for n, unit in DURATION.findall(text.lower()))


@feature
def duration_text(count: int) -> str:
    parts, rest = [], abs(count) % 10_000_000
    for unit in "wdhms":
        n, rest = divmod(rest, UNITS[unit])
        if n:
            parts.append(f"{n}{unit}")
    return " ".join(parts) or "0s"


@feature
def duration_deadline(at: datetime, text: str) -> datetime:
    return at + timedelta(seconds=sum(int(n) * UNITS[u] for n, u in DURATION.findall(text)))


@feature
def token_is_jwt(token: str) -> bool:
    return token.count(".") == 2 and all(re.fullmatch(r"[\w-]+", p, re.A) for p in token.split("."))


@feature
def token_b64(token: str) -> str:
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


@feature
def token_decoded(token_text: str) -> int:
    padded = token_text + "=" * (-len(token_text) % 4)
    try:
        return len(base64.b64decode(padded, validate=True))
    except (binascii.Error, ValueError):
        return -1


@feature
def token_hex_bytes(token: str) -> int:
    try:
        return sum(bytes.fromhex(token))
    except ValueError:
        return -1


@feature
def token_crc(token: str) -> int:
    return zlib.crc32(token.encode())


@feature
def token_digests(token: str) -> str:
    data = token.encode()
    return (
        hashlib.md5(data).hexdigest()[:8] + hashlib.sha1(data).hexdigest()[:8] + hashlib.blake2b(data).hexdigest()[:8]
    )


@feature
def token_bucket(token: str) -> float:
    digest = hashlib.sha256(token.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


@feature
def token_base62(token: str) -> int:
    number = 0
    for c in token[:12]:
        number = number * 62 + BASE62.index(c)
    return number % 2**32


@feature
def token_crockford(token: str) -> int:
    number = 0
    for c in token.upper()[:10].replace("O", "0").replace("I", "1"):
        if c not in CROCKFORD:
            return -1
        number = number << 5 | CROCKFORD[c]
    return number


@feature
def to_base36(count: int) -> str:
    digits, n = [], abs(count)
    while True:
        n, r = divmod(n, 36)
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[r])
        if not n:
            return ("-" if count < 0 else "") + "".join(reversed(digits))


@feature
def session_groups(session: str) -> str:
    return "-".join(chunks(session, 8))


@feature
def session_xor(session: str) -> int:
    result = 0
    for part in chunks(session, 4):
        with suppress(ValueError):
            result ^= int(part, 16)
    return result


@feature
def session_first_words(session: str) -> list[str]:
    return list(islice(chunks(session, 5), 3))


@feature
def session_zipped(session: str) -> str:
    half = len(session) // 2
    return "".join(a + b for a, b in zip_longest(session[:half], session[half:], fillvalue="_"))


@feature
def number_parsed(number_text: str) -> float:
    value = to_number(number_text)
    match value:
        case None:
            return -1.0
        case int(n):
            return float(n % 1000)
        case float(f):
            return f


@feature
def number_roman(text: str) -> int:
    total = previous = 0
    for c in reversed(text.upper()):
        value = ROMAN.get(c, 0)
        total += value if value >= previous else -value
        previous = max(previous, value)
    return total


@feature
def number_words(count: int) -> str:
    ones = "zero one two three four five six seven eight nine".split()
    return "-".join(ones[int(d)] for d in str(abs(count)))


@feature
def number_grouped(count: int) -> str:
    return f"{count:,}".replace(",", " ") + f" {count:#x} {count:+d} {count:e}"


@feature
def amount_words(amount: float) -> str:
    whole, _, cents = f"{amount:.2f}".partition(".")
    return f"{whole.rjust(10, '*')} and {cents}/100"


@feature
def calculated(amount_text: str) -> float:
    return expression(amount_text)


@feature
def calculated_or_reason(amount_text: str) -> str:
    try:
        return f"{expression(amount_text):.6g}"
    except ParseError as error:
        return f"{error} at {error.position}"
    except ZeroDivisionError:
        return "division by zero"


@feature
def json_type(text: str) -> str:
    try:
        return type(json.loads(text)).__name__
    except json.JSONDecodeError:
        return "bad"


@feature
def json_made(count: int, text: str) -> str:
    return json.dumps({"n": count, "text": text[:5]}, sort_keys=True)


@feature
def csv_fields(text: str) -> list[str]:
    """One line of CSV with quotes, by hand."""
    fields, current, quoted = [], [], False
    for c in text:
        if c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            fields.append("".join(current))
            current = []
        else:
            current.append(c)
    return [*fields, "".join(current)]


@feature
def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 12)


@feature
def shortened(text: str) -> str:
    return text if len(text) <= 20 else text[:17].rstrip() + "..."


@feature
def caesar(text: str, count: int) -> str:
    shift = count % 26
    out = []
    for c in text:
        if "a" <= c <= "z":
            c = chr((ord(c) - 97 + shift) % 26 + 97)
        elif "A" <= c <= "Z":
            c = chr((ord(c) - 65 + shift) % 26 + 65)
        out.append(c)
    return "".join(out)


@feature
def checksum_mod11(token: str) -> str:
    digits = [int(c) for c in token if c.isdecimal() and c.isascii()]
    rest = sum(w * d for w, d in zip(range(2, len(digits) + 2), reversed(digits))) % 11
    return "X" if rest == 10 else str(rest)


@feature
def depth_of_brackets(text: str) -> int:
    depth = deepest = 0
    for c in text:
        depth += {"(": 1, ")": -1}.get(c, 0)
        deepest = max(deepest, depth)
        if depth < 0:
            return -1
    return deepest


@feature
def collatz(count: int) -> int:
    def steps(n: int) -> int:
        return 0 if n <= 1 else 1 + steps(n // 2 if n % 2 == 0 else 3 * n + 1)

    return steps(abs(count) % 50)


@feature
def fibonacci_gap(count: int) -> int:
    def fibonacci():
        a, b = 0, 1
        while True:
            yield a
            a, b = b, a + b

    n = abs(count) % 10**9
    for f in fibonacci():
        if f >= n:
            return f - n


@feature
def permutations_sorted(counts: list[int]) -> int:
    """How many swaps bubble sort needs."""
    xs, swaps = list(counts[:10]), 0
    for i in range(len(xs)):
        for j in range(len(xs) - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
                swaps += 1
    return swaps


@feature
def flattened(texts: list[str]) -> list[str]:
    return [word for text in texts for word in text.split() if len(word) > 3]


@feature
def breadth_first(counts: list[int]) -> int:
    """Levels of a binary tree that the list spells."""
    if not counts:
        return 0
    queue, levels = deque([(0, 1)]), 0
    while queue:
        index, level = queue.popleft()
        levels = max(levels, level)
        for child in (2 * index + 1, 2 * index + 2):
            if child < len(counts) and counts[child] > 0:
                queue.append((child, level + 1))
    return levels


@feature
def union_of_texts(texts: list[str]) -> list[str]:
    return sorted(set(chain.from_iterable(t.lower().split() for t in texts)))


@feature
def version_compare(version: str) -> int:
    def parts(v: str) -> list[Any]:
        return [int(p) if p.isdigit() else p for p in re.split(r"[.\-+]", v)]

    ours = parts("1.2.10")
    try:
        theirs = parts(version)
        return (theirs > ours) - (theirs < ours)
    except TypeError:
        return 99


@rule("review")
def unsigned(tags: str, token: str) -> bool:
    """The token does not belong to the tags."""
    return bool(tags) and not token.startswith(hashlib.sha256(tags.encode()).hexdigest()[:4])
