"""Card numbers in texts, masked before anything else sees them (docs/semantics.md, "Identity and secrets")."""

from __future__ import annotations

import re

_DIGITS = re.compile("[0-9]+")


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mask(text: str) -> tuple[str, int]:
    """The text with every card number's middle digits as `*`, and how many there were. A card number is a whole run of
    13 to 19 digits that begins with 2 to 6 and passes Luhn."""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        run = match[0]
        if not (13 <= len(run) <= 19 and run[0] in "23456" and luhn(run)):
            return run
        count += 1
        return run[:6] + "*" * (len(run) - 10) + run[-4:]

    return _DIGITS.sub(replace, text), count
