"""Parts in several modules."""

# ruff: noqa: F403, F405 - what people write is what is tested
import library as lib
from assay import rule, thresholds
from features import *
from library import Weights, scale

history = "empty"


@feature
def scaled(amount: float, n_k: int) -> float:
    return scale(amount, factor=lib.FACTOR) * Weights.main + lib.deep.triple(n_k)


@rule("review")
def tagged(risky_word: bool) -> bool:
    """A word of the list."""
    return risky_word


decide = thresholds("scaled", review=10, decline=1e6)
