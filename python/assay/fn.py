"""The comparisons fraud needs (`haversine_km`, `jaro_winkler`, ...): named here, not available yet. Using one in a
function is an error of the build that says so."""

from __future__ import annotations

from pathlib import Path

from ._api import NotYet
from ._definition import Place

NAMES = ("entropy", "geohash", "haversine_km", "jaro_winkler", "levenshtein", "luhn_valid", "soundex")


def __getattr__(name: str) -> NotYet:
    if name not in NAMES:
        raise AttributeError(f"module 'assay.fn' has no attribute {name!r}; it has {', '.join(NAMES)}")
    return NotYet(f"fn.{name}", Place(Path("?"), 1))
