from datetime import datetime

from assay import event, feature, window
from library import WORDS, clean


@event(id="id", time="at")
class Pay:
    id: str
    at: datetime
    amount: float
    k: str
    memo: str = ""


n_k = window.count(by="k", over="1d")


@feature
def risky_word(memo: str) -> bool:
    return any(w in WORDS for w in clean(memo).split())
