"""A definition of many realistic functions, from a seed: what a large team's file looks like to the compiler.

source(300)  ->  the text of a module with 300 features and rules, 40 windows, helpers
"""

from __future__ import annotations

import random

HEAD = '''"""Generated: many functions."""
import math
from datetime import datetime
from assay import Field, event, feature, rule, window

history = "empty"
COUNTRIES = {"DE": 0.1, "FR": 0.2, "GB": 0.3, "US": 0.4, "PL": 0.5}
RISKY = frozenset({"quickbox.example", "tempmail.example"})
WORDS = ("urgent", "customs", "fee", "gift", "card")


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    merchant: str
    country: str
    home: str
    amount: float
    category: int
    device: str | None = None
    email: str | None = None
    memo: str = ""
    tags: list[str] = Field(default_factory=list)


def digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def domain(email: str) -> str:
    _, _, after = email.partition("@")
    return after.lower()

'''

WINDOWS = ("count", "sum", "mean", "max", "distinct")
BODIES = (  # parameters, what it returns, its lines; {w}: a window, {n}: a number
    ("amount: float, {w}: float | None", "float", "return amount / {w} if {w} else {n}.0"),
    ("amount: float", "float", "return math.log1p(amount * {n}) if amount > 0 else 0.0"),
    ("email: str | None", "float", "if not email:|    return 0.0|return share(digits(email), len(email) + {n})"),
    ("email: str | None", "bool", "return email is not None and domain(email) in RISKY and len(email) > {n}"),
    ("memo: str", "int", "return sum(1 for word in memo.lower().split() if word in WORDS and len(word) > {n} % 7)"),
    (
        "memo: str",
        "int",
        "longest = 0|for word in memo.split():|    if len(word) > longest:|        longest = len(word)|"
        "return longest + {n}",
    ),
    ("country: str, home: str", "bool", "return country != home and COUNTRIES.get(country, 0.0) > {n} / 100"),
    ("at: datetime", "bool", "return at.hour < {n} % 6 or at.weekday() >= 5"),
    ("at: datetime", "float", "return math.sin(2 * math.pi * (at.hour + at.minute / 60 + {n}) / 24)"),
    ("tags: list[str]", "int", "return len([tag for tag in tags if tag.startswith('x') or len(tag) == {n}])"),
    (
        "category: int, amount: float",
        "float",
        "if category in (5411, 5541):|    return amount * {n}|elif category > 7000:|    return -amount|"
        "return max(amount, {n}.5)",
    ),
    ("card: str, merchant: str", "int", "return len(card) + len(merchant) % {n}"),
)


def source(count: int, seed: int = 1) -> str:
    """The module's text."""
    chance = random.Random(seed)
    parts = [HEAD]
    windows = []
    for number in range(40):
        kind = chance.choice(WINDOWS)
        value = "" if kind == "count" else '"country", ' if kind == "distinct" else '"amount", '
        by = chance.choice(("card", "merchant", "country", "device"))
        name = f"{by}_{kind}_{number}"
        windows.append(name)
        parts.append(
            f'{name} = window.{kind}({value}by="{by}", over="{chance.choice((10, 24, 30))}{chance.choice("mhd")}")\n'
        )
    for number in range(count):
        parameters, result, body = chance.choice(BODIES)
        names = {"w": chance.choice(windows), "n": number % 50 + 1}
        lines = body.format(**names).replace("|", "\n    ")
        parts.append(f"\n\n@feature\ndef f{number}({parameters.format(**names)}) -> {result}:\n    {lines}\n")
    return "".join(parts)
