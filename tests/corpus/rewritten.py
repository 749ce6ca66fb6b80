"""The functions of the other modules that are not native, written as `assay check` suggests: each of these is."""

import bisect
import math
import re
from collections import namedtuple
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from assay import event, feature, rule
from assay.fn import jaro_winkler

history = "empty"

SCAM_WORDS = {"urgent": 0.4, "crypto": 0.6, "usdt": 0.7, "gift": 0.3, "refund": 0.2, "loan": 0.3}
EDGES = [-1.0, 0.3, 0.7, 1.0]
LABELS = [None, "lo", "mid", "hi", None]
ZONES = {"DE": ZoneInfo("Europe/Berlin"), "US": ZoneInfo("America/New_York"), "IN": ZoneInfo("Asia/Kolkata")}
Screen = namedtuple("Screen", ["width", "height", "depth"], defaults=[24])
COMMON_SCREENS = {Screen(1920, 1080), Screen(1366, 768)}


class ParseError(ValueError):
    pass


@dataclass(frozen=True)
class CardCheck:
    ok: bool
    reason: str = ""

    def is_set(self) -> bool:
        return self.ok


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    amount: float = 0.0
    amount_text: str = ""
    memo: str = ""
    merchant: str = ""
    card: str = ""
    email: str | None = None
    old_email: str | None = None
    screen_text: str = ""
    country: str = "DE"
    score: float | None = None
    gift: bool | None = None


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def check_card(raw: str) -> CardCheck:
    digits = re.sub(r"[^0-9]", "", raw)
    if not 12 <= len(digits) <= 19:
        return CardCheck(False, f"length {len(digits)}")
    return CardCheck(True)


def tokens_of(text: str) -> list[tuple[str, str]]:
    found = []
    for match in re.finditer(r"\s*(?:(\d+(?:\.\d+)?)|(.))", text):
        number, symbol = match.groups()
        if number:
            found.append(("number", number))
        elif symbol.strip():
            found.append(("symbol", symbol))
    return found


def peek(items, position):
    return items[position] if position < len(items) else ("end", "")


def factor(items, position):
    kind, value = peek(items, position)
    if kind == "number":
        return float(value), position + 1
    if value == "-":
        inner, position = factor(items, position + 1)
        return -inner, position
    if value == "(":
        inner, position = total(items, position + 1)
        if peek(items, position)[1] != ")":
            raise ParseError(f"no closing parenthesis at {position}")
        return inner, position + 1
    raise ParseError(f"unexpected {value!r} at {position}")


def term(items, position):
    value, position = factor(items, position)
    while peek(items, position)[1] in ("*", "/"):
        op = peek(items, position)[1]
        other, position = factor(items, position + 1)
        value = value * other if op == "*" else value / other
    return value, position


def total(items, position):
    value, position = term(items, position)
    while peek(items, position)[1] in ("+", "-"):
        op = peek(items, position)[1]
        other, position = term(items, position + 1)
        value = value + other if op == "+" else value - other
    return value, position


def expression(text: str) -> float:
    items = tokens_of(text)
    result, position = total(items, 0)
    if position < len(items):
        raise ParseError(f"something is left at {position}")
    return result


@feature
def settings_merged(gift: bool | None) -> str:
    defaults = {"speed": "slow", "wrap": "no"}
    own = {"wrap": "yes"} if gift else {}
    merged = {**defaults, **own}
    return merged["speed"] + "/" + merged["wrap"]


@feature
def card_valid(card: str) -> bool:
    return check_card(card).is_set()


@feature
def card_problem(card: str) -> str:
    result = check_card(card)
    return "" if result.is_set() else result.reason


@feature
def screen_common(screen_text: str) -> bool:
    numbers = [int(n) for n in re.findall(r"\d+", screen_text)]
    return len(numbers) > 1 and Screen(numbers[0], numbers[1]) in COMMON_SCREENS


@feature
def email_changed(email: str | None, old_email: str | None) -> bool:
    return email != old_email


@feature
def memo_scam_noisy_or(memo: str) -> float:
    p = 1.0
    for w in sorted(set(words(memo)) & SCAM_WORDS.keys()):
        p *= 1 - SCAM_WORDS[w]
    return 1 - p


@feature
def memo_cyrillic(memo: str) -> int:
    return sum("\u0400" <= c <= "\u04ff" for c in memo)


@feature
def merchant_similarity(merchant: str, memo: str) -> float:
    return jaro_winkler(merchant.lower(), memo.lower())


@feature
def log_or_sentinel(amount: float) -> float:
    return math.log(amount) if amount > 0 else -1.0


@feature
def score_bucket(score: float | None) -> str | None:
    return "NA" if score is None else LABELS[bisect.bisect_left(EDGES, score)]


@feature
def calculated(amount_text: str) -> float:
    return expression(amount_text)


@feature
def calculated_or_reason(amount_text: str) -> str:
    try:
        return f"{expression(amount_text):.6g}"
    except ParseError as error:
        return str(error)
    except ZeroDivisionError:
        return "division by zero"


@feature
def wrapped(memo: str) -> list[str]:
    lines, line = [], ""
    for word in memo.split():
        if line and len(line) + 1 + len(word) > 12:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


@feature
def zone_hour(country: str, at: datetime) -> int | None:
    zone = ZONES.get(country)
    return at.astimezone(zone).hour if zone else None


@rule("review")
def impossible_card(card: str) -> bool:
    """A card number that cannot exist."""
    return not check_card(card).is_set()
