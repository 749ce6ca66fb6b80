"""text.vectorize against scikit-learn: generated settings and generated texts of all of Unicode.

    python tests/vectorize_oracle.py                    60 rounds x 8 settings x 400 texts; prints what was compared
    python tests/vectorize_oracle.py --rounds 3 --seed 7

Counts, tf-idf, norms and the products of sparse rows must have scikit-learn's bits; what goes through exp, a logarithm
beyond the part's table, or BLAS (after a TruncatedSVD) must be within 1e-12.
tests/test_vectorize.py runs a seeded part.
"""

from __future__ import annotations

import argparse
import pickle
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import assay
import numpy as np
import pandas as pd

NEAR = 1e-12
SETTINGS, TEXTS = 8, 400
FIELD_BYTES = 32_768  # of a str
HEAD = """
import pickle
from datetime import datetime
from pathlib import Path
from assay import event, text
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    memo: str
fitted = pickle.loads((Path(__file__).parent / "fitted.pickle").read_bytes())
"""
LINES = """
rent Rent RENT the The and of invoice order paid transfer café CAFE naïve Ünïcode straße STRASSE ΣΊΣΥΦΟΣ ΟΔΟΣ
İstanbul ılık \ufb01ne \ufdfa ½ ² x y 1 42 007 a_b __ no. 北京 東京都 日本 한국어 각
हिन्दी ไทย שלום مرحبا \U0001f44d\U0001f3fd \U0001d518\U0001d52b\U0001d526 \U00010400\U00010428
e\u0301 o\u0308x q\u0323\u0307 don't e-mail it's ok
"""
WORDS = LINES.split()
SPACES = [
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\t",
    "\n",
    " \n",
    "\u00a0",
    "\u3000",
    "\u2003\u2003",
    "\x1c",
    "\x85",
    ", ",
    ". ",
    "-",
    "",
]
PATTERNS = [r"(?u)\b\w\w+\b"] * 5 + [
    r"(?u)\b\w+\b",
    r"\w+",
    r"\w\w+",
    r"[a-z]+",
    r"(\w)\w*",
    r"\S+",
    r"\w{3,}",
    r"[^\W\d_]+",
]


def text(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.04:
        return ""
    if kind < 0.1:  # any code points
        codes = [chance.randrange(1, 0x110000) for _ in range(chance.randrange(1, 40))]
        return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
    if kind < 0.2:  # of the first planes, where letters are
        top = chance.choice([0x80, 0x180, 0x600, 0x3000, 0xD7A4])
        return "".join(chr(chance.randrange(1, top)) for _ in range(chance.randrange(1, 60)))
    count = chance.choice([1, 2, 3, 5, 8, 20, 20, 400]) if kind < 0.98 else 4000
    pool = WORDS if chance.random() < 0.5 else [each for each in WORDS if each.isascii()]
    made = "".join(chance.choice(pool) + chance.choice(SPACES) for _ in range(count))
    return made.encode()[:FIELD_BYTES].decode(errors="ignore")


def vectorizer(chance: random.Random) -> tuple[Any, bool]:
    """One that is not fitted, and whether it has scikit-learn's bits."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

    least = chance.choice([1, 1, 1, 2, 3])
    options: dict[str, Any] = {
        "analyzer": chance.choice(["word", "word", "char", "char_wb"]),
        "ngram_range": (least, least + chance.choice([0, 0, 1, 2])),
        "lowercase": chance.random() < 0.7,
        "strip_accents": chance.choice([None, None, "ascii", "unicode"]),
        "binary": chance.random() < 0.3,
    }
    if options["analyzer"] == "word":
        options["stop_words"] = chance.choice([None, "english", ["the", "rent", "x", "café"]])
        options["token_pattern"] = chance.choice(PATTERNS)
    norm = chance.choice(["l1", "l2", "l2", None])
    kind = chance.random()
    if kind < 0.25:
        size = chance.choice([1, 7, 64, 200])
        return HashingVectorizer(n_features=size, norm=norm, alternate_sign=chance.random() < 0.6, **options), True
    options["max_features"] = chance.choice([5, 60, 200])
    if kind < 0.5:
        return CountVectorizer(**options), True
    log = chance.random() < 0.4
    idf, smooth = chance.random() < 0.7, chance.random() < 0.7
    return TfidfVectorizer(norm=norm, sublinear_tf=log, use_idf=idf, smooth_idf=smooth, **options), not log


def model(chance: random.Random, first: Any, exact: bool) -> tuple[Any, bool]:
    """A pipeline that ends in a model or a smaller vector."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
    from sklearn.naive_bayes import ComplementNB, MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer
    from sklearn.svm import LinearSVC

    steps = [first]
    if chance.random() < 0.3:
        log = chance.random() < 0.3 and type(first).__name__ == "CountVectorizer"
        steps.append(TfidfTransformer(sublinear_tf=log))
        exact &= not log
    signed = getattr(first, "alternate_sign", False)
    ends = [
        LogisticRegression(),
        LinearSVC(random_state=1),
        SGDClassifier(random_state=1),
        SGDClassifier(loss="log_loss", random_state=1),
        RidgeClassifier(),
    ]
    ends += [LinearRegression(), Ridge()] + ([] if signed else [MultinomialNB(), ComplementNB()])
    end = chance.choice(ends)
    bits = type(end).__name__ in ("LinearSVC", "RidgeClassifier", "LinearRegression", "Ridge") or (
        type(end).__name__ == "SGDClassifier" and end.loss == "hinge"
    )
    if chance.random() < 0.25:
        steps.append(TruncatedSVD(n_components=chance.choice([1, 3]), random_state=1))
        if chance.random() < 0.5:
            steps.append(Normalizer())
        if chance.random() < 0.4 or type(end).__name__.endswith("NB"):
            return make_pipeline(*steps), exact and len(steps) < 3
        exact = False
    return make_pipeline(*steps, end), exact and bits


def fitted(chance: random.Random) -> list[tuple[Any, bool]]:
    made: list[tuple[Any, bool]] = []
    while len(made) < SETTINGS:
        found, exact = vectorizer(chance)
        texts = [text(chance) for _ in range(60)]
        labels = [chance.randrange(chance.choice([2, 3])) for _ in texts]
        labels[:2] = [0, 1]
        if chance.random() < 0.5:
            found, exact = model(chance, found, exact)
        try:
            made.append((found.fit(texts, labels), exact))
        except ValueError:  # no terms, or fewer than the components
            continue
    return made


def answers(found: Any, texts: list[str]) -> Any:
    """scikit-learn's own, a row for each text."""
    last = found.steps[-1][1] if hasattr(found, "steps") else found
    methods = ("predict_proba", "decision_function", "predict", "transform")
    method = next(
        each for each in methods if hasattr(last, each) and not (each == "predict" and hasattr(last, "transform"))
    )
    rows = getattr(found, method)(texts)
    rows = np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64).reshape(len(texts), -1)
    return rows[:, 1:] if method == "predict_proba" and rows.shape[1] == 2 else rows


def check(seed: int, folder: Path, count: int = TEXTS) -> int:
    """How many numbers were compared. Raises AssertionError at the first that differs."""
    chance = random.Random(seed)
    made = fitted(chance)
    texts = [text(chance) for _ in range(count)]
    (folder / "fitted.pickle").write_bytes(pickle.dumps([each for each, _ in made]))
    lines = [f'v{n} = text.vectorize("memo", fitted[{n}])\n' for n in range(len(made))]
    (folder / "vectorized.py").write_text(HEAD + "".join(lines), encoding="utf-8")
    frame = pd.DataFrame({"id": [str(n) for n in range(count)], "memo": texts})
    frame["at"] = pd.Timestamp("2026-01-05T10:00:00Z")
    compared = 0
    with assay.load(folder / "vectorized.py") as detector:
        table = detector.backfill(frame, features_only=True)
        for n, (found, exact) in enumerate(made):
            wanted = answers(found, texts)
            columns = [each for each in table.columns if each == f"v{n}" or each.startswith(f"v{n}_")]
            got = table[columns].to_numpy(dtype=np.float64)
            assert got.shape == wanted.shape, (seed, found, got.shape, wanted.shape)
            same = (got == wanted) if exact else np.isclose(got, wanted, rtol=NEAR, atol=NEAR)
            wrong = np.argwhere(~same)
            if len(wrong):
                row, item = wrong[0]
                place = f"seed {seed}, {found!r}, text {texts[row][:200]!r} of {len(texts[row])}, item {item}"
                raise AssertionError(f"{place}: {got[row, item]!r}, scikit-learn has {wanted[row, item]!r}")
            compared += got.size
    return compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    parser.add_argument("--texts", type=int, default=TEXTS, help=f"a round ({TEXTS})")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    compared = 0
    for number in range(asked.rounds):
        with tempfile.TemporaryDirectory() as folder:
            compared += check(asked.seed + number, Path(folder), asked.texts)
        print(f"\r{number + 1} of {asked.rounds} rounds, {compared:,} numbers, 0 differences", end="", file=sys.stderr)
    print(f"\n{asked.rounds} rounds x {SETTINGS} settings x {asked.texts} texts: {compared:,} numbers, 0 differences")


if __name__ == "__main__":
    main()
