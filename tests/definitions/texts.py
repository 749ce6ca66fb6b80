"""Text as fraud teams take it apart: mail, network addresses, names, card numbers, Secret and Clear."""

# ruff: noqa: C416, RUF005 - what people write is what is tested
from datetime import datetime
from typing import Annotated

from assay import Clear, Secret, event, feature, rule, window

history = "empty"


@event(id="id", time="at", timezone="UTC")
class Tx:
    id: str
    at: datetime
    email: str | None = None
    ip: str = ""
    memo: str = ""
    name: str = ""
    pan: Annotated[str, Secret] = ""
    raw: Annotated[str, Clear] = ""


FREE = frozenset(("mail.example", "x.example"))
VOWELS = "aeiou"


def norm(s: str) -> str:
    return " ".join(s.casefold().split())


def domain(e: str, /, *, default: str = "none") -> str:
    return e.rpartition("@")[2] or default


@feature
def free(email: str) -> bool:
    return domain(email) in FREE


@feature
def dom2(email: str | None) -> str:
    return domain(email or "", default="x").split(".")[-1]


@feature
def octets(ip: str) -> list[int]:
    return [int(p) for p in ip.split(".")]


@feature
def private(ip: str) -> bool:
    return ip.startswith(("10.", "192.168.")) or (ip.startswith("172.") and 16 <= int(ip.split(".")[1]) <= 31)


@feature
def vowels(name: str) -> float:
    n = len([c for c in name.lower() if c in VOWELS])
    return n / len(name)


@feature
def same(name: str, memo: str) -> bool:
    return norm(name) == norm(memo) or norm(name) in norm(memo)


@feature
def bin6(pan: str) -> str:
    return pan[:6]


@feature
def panlen(pan: str) -> int:
    return len(pan)


@feature
def rawlen(raw: str, memo: str) -> int:
    return len(raw) * 1000 + len(memo) + sum(c == "*" for c in memo)


@feature
def luhn(raw: str) -> bool:
    total = 0
    for i, c in enumerate(reversed([c for c in raw if c.isdecimal()])):
        v = int(c)
        if i % 2:
            v *= 2
            if v > 9:
                v -= 9
        total += v
    return total % 10 == 0


@feature
def lev(name: str, memo: str) -> int:
    a = name[:8]
    b = memo[:8]
    row = [j for j in range(len(b) + 1)]
    for i, x in enumerate(a):
        new = [i + 1]
        for j, y in enumerate(b):
            new = new + [min(new[j] + 1, row[j + 1] + 1, row[j] + (x != y))]
        row = new
    return row[-1]


@feature
def card_seen(seen_pan: bool | None) -> str:
    return f"{seen_pan}"


seen_pan = window.seen("pan", by="name", over="1d")
n_pan = window.count(by="pan", over="1d")


@rule("decline")
def secret_rule(bin6: str, panlen: int) -> bool:
    return bin6 == "411111" or panlen > 30
