"""Classes of one's own: value objects, rules with a common base, scorers, running statistics, small data structures."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from datetime import datetime

import numpy as np
from assay import event, feature, rule

history = "empty"


class CardNumber:
    """A card number."""

    PREFIXES = {"4": "visa", "5": "mc"}

    def __init__(self, number: str):
        self.digits = re.sub(r"\D", "", number)
        self.bin = self.digits[:6]
        self._checked = None

    @property
    def scheme(self):
        return self.PREFIXES.get(self.digits[:1], "other")

    def luhn(self) -> bool:
        total = 0
        for i, c in enumerate(reversed(self.digits)):
            d = int(c)
            if i % 2:
                d = d * 2 - 9 if d > 4 else d * 2
            total += d
        self._checked = total % 10 == 0
        return self._checked

    def __str__(self):
        return f"{self.bin}***"


class Rule(ABC):
    weight = 1.0

    def __init__(self, name, limit=10.0):
        self.name = name
        self.limit = limit

    @abstractmethod
    def test(self, p): ...
    def score(self, p):
        return self.weight if self.test(p) else 0.0


class AmountRule(Rule):
    weight = 2.0

    def test(self, p):
        return p.amount > self.limit


class CountryRule(Rule):
    def __init__(self, countries):
        super().__init__("country", 0)
        self.countries = set(countries)

    def test(self, p):
        return p.country in self.countries

    def score(self, p):
        return super().score(p) * 1.5


RULES = [AmountRule("amount", 100.0), AmountRule("big", 1000.0), CountryRule(["NG", "RU"])]


class Scorer:
    def __init__(self, weights, bias=0.0):
        self.weights = np.array(weights)
        self.bias = bias

    def __call__(self, xs):
        return sum(w * x for w, x in zip(self.weights, xs)) + self.bias

    def prob(self, xs):
        return 1 / (1 + math.exp(-max(-50, min(50, self(xs)))))


SCORER = Scorer([0.1, -0.2, 0.7], bias=-1)


class Welford:
    def __init__(self):
        self.n, self.mean, self.m2 = 0, 0.0, 0.0

    def add(self, x):
        self.n += 1
        d = x - self.mean
        self.mean += d / self.n
        self.m2 += d * (x - self.mean)
        return self

    def std(self):
        return math.sqrt(self.m2 / (self.n - 1)) if self.n > 1 else 0.0


class Stack:
    def __init__(self, items=None):
        self.items = list(items or [])

    def push(self, x):
        self.items.append(x)

    def pop(self):
        return self.items.pop() if self.items else None

    def __contains__(self, x):
        return x in self.items


class Email:
    GMAIL = ("gmail.com", "googlemail.com")

    def __init__(self, local: str, domain: str):
        self.local = local
        self.domain = domain

    @classmethod
    def parse(cls, text: str) -> Email:
        local, _, domain = text.rpartition("@")
        return cls(local, domain.lower())

    def normal(self) -> str:
        local = self.local.split("+")[0]
        if self.domain in self.GMAIL:
            local = local.replace(".", "")
        return f"{local}@{self.domain}"


class Util:
    @staticmethod
    def norm(s):
        return s.strip().lower()

    def both(self, a, b):
        return self.norm(a) == self.norm(b)


class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right


def insert(node, value):
    if node is None:
        return Node(value)
    if value < node.value:
        node.left = insert(node.left, value)
    else:
        node.right = insert(node.right, value)
    return node


def height(node):
    return 0 if node is None else 1 + max(height(node.left), height(node.right))


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    amount: float
    count: int = 0
    memo: str = ""
    card: str = ""
    country: str = "DE"
    cents_list: list[int]
    emails: list[str]


@feature
def card_ok(card: str) -> bool:
    return CardNumber(card).luhn()


@feature
def card_text(card: str) -> str:
    number = CardNumber(card)
    return f"{number} {number.scheme} {number._checked}"


@feature
def card_checked_once(card: str) -> str:
    number = CardNumber(card)
    number.luhn()
    return str(number._checked)


@feature
def cards_differ(card: str) -> bool:
    first, second = CardNumber(card), CardNumber(card)
    return first is first and first != second and first.digits == second.digits


@feature
def rules_score(payment: Payment) -> float:
    return sum(each.score(payment) for each in RULES)


@feature
def rules_fired(payment: Payment) -> list[str]:
    return [each.name for each in RULES if each.test(payment)]


@feature
def rules_worst(payment: Payment) -> float:
    worst = 0.0
    for each in RULES:
        worst = max(worst, each.score(payment))
    return worst


@feature
def scored(amount: float, count: int) -> float:
    return SCORER([amount / 1000, count % 7, 1.0])


@feature
def scored_probability(amount: float) -> float:
    return SCORER.prob([amount / 1000, 1.0, 1.0])


@feature
def scorer_bias(amount: float) -> float:
    return SCORER.bias * amount + len(SCORER.weights)


@feature
def running_std(cents_list: list[int]) -> float:
    stats = Welford()
    for cents in cents_list:
        stats.add(float(cents % 1000))
    return stats.std()


@feature
def running_chained(amount: float) -> float:
    return Welford().add(amount).add(amount / 2).add(0.0).mean


@feature
def balanced(memo: str) -> bool:
    stack = Stack()
    for c in memo:
        if c in "([":
            stack.push(c)
        elif c in ")]" and stack.pop() != {")": "(", "]": "["}[c]:
            return False
    return not stack.items and "(" not in stack


@feature
def same_text(memo: str, country: str) -> bool:
    return Util().both(memo, country) or Util.norm(memo) == ""


@feature
def tree_height(cents_list: list[int]) -> int:
    root = None
    for cents in cents_list:
        root = insert(root, cents)
    return height(root)


@feature
def local_part(emails: list[str]) -> list[str]:
    return [Email.parse(e).normal() for e in emails]


@feature
def email_domains(emails: list[str]) -> int:
    return len({Email.parse(e).domain for e in emails})


@rule("review")
def two_rules(payment: Payment) -> bool:
    """Two of the rules hold."""
    return sum(each.test(payment) for each in RULES) >= 2
