"""Fitted scikit-learn vectorizers for `text.vectorize`: read from the object, written as the part that the engine runs.

    build(fitted)  ->  settings of the analyzer, a table of the terms, stages (idf, norm, matrix, link)  ->  Vectorizer

The part's layout is in engine/text/vectorizer.h. Counts, idf, norms and products with a sparse row are added in the
order in which scikit-learn and scipy add them, so they have their bits; `exp`, `log` beyond a table, and products after
a TruncatedSVD are held to 1e-12.
"""

from __future__ import annotations

import re
import struct
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ._definition import VECTOR_MAX

ANALYZERS = ("word", "char", "char_wb")  # enum vectorizer_analyzer
LOWER, ACCENTS, ASCII, BINARY, SIGNED, NUMBER = 1, 2, 4, 8, 16, 32  # enum vectorizer_flag
LOG, SCALE, L1, L2, MATRIX, SIGMOID, SHARES, SOFTMAX, BAYES, SECOND = range(10)  # enum vectorizer_stage
FEATURES_MAX, NGRAM_MAX, STAGES_MAX, PROBES_MAX = 1 << 24, 64, 16, 64
LOGS = 256  # counts whose logarithms the part has from numpy
WORDS = {r"\w\w+": 2, r"\w{2,}": 2, r"\w+": 1}  # shortest word of the patterns that the engine knows itself
OWN = "prepare the text in a @feature that returns a str, and vectorize that feature"
KNOWN = "CountVectorizer, TfidfVectorizer, HashingVectorizer, and pipelines that begin with one"
LAST = (
    "TfidfTransformer, Normalizer, TruncatedSVD; at the end LogisticRegression, SGDClassifier, LinearSVC, "
    "RidgeClassifier, Perceptron, MultinomialNB, ComplementNB, LinearRegression, Ridge, Lasso, ElasticNet, LinearSVR"
)


class VectorizerError(Exception):
    """What cannot be vectorized with, for people."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


@dataclass(eq=False)
class Vectorizer:
    """A vectorizer of the bundle."""

    fitted: Any
    part: bytes
    size: int | None  # of its vector; None: it gives a number
    pattern: re.Pattern[str] | None  # finds the words, where the engine does not itself
    answer: Callable[[str], Any]  # scikit-learn's own


def load(path: Path) -> Any:
    """The object of a .skops file."""
    if path.suffix != ".skops":
        raise VectorizerError(
            f"{path.name} is no .skops file", "give the fitted object itself, or save it with skops.io.dump"
        )
    data = path.read_bytes()
    try:
        import skops.io
    except ImportError:
        raise VectorizerError(f"{path.name} needs the Python package skops to be built", "pip install skops") from None
    try:
        unknown = skops.io.get_untrusted_types(data=data)
        strange = [each for each in unknown if not each.startswith(("sklearn.", "numpy.", "scipy."))]
        if not strange:
            return skops.io.loads(data, trusted=unknown)
    except Exception as error:  # whatever zipfile, json and skops raise
        raise VectorizerError(f"skops cannot read {path.name}: {error}", "save it again") from None
    raise VectorizerError(f"{path.name} holds {strange[0]}, which is no part of sklearn, numpy or scipy")


def build(fitted: Any) -> Vectorizer:
    """The vectorizer of a fitted object. Raises VectorizerError."""
    if isinstance(fitted, type) or not type(fitted).__module__.startswith("sklearn."):
        raise VectorizerError(f"{describe(fitted)} is no vectorizer of scikit-learn", f"there are {KNOWN}")
    try:
        return _Builder(fitted).built()
    except (AttributeError, TypeError) as error:
        raise VectorizerError(f"a {type(fitted).__name__} that cannot be read: {error}") from None


def describe(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


class _Builder:
    def __init__(self, fitted: Any):
        steps = fitted.steps if type(fitted).__name__ == "Pipeline" else [("", fitted)]
        self.fitted = fitted
        self.steps = [step for _, step in steps if step is not None and not isinstance(step, str)]
        self.flags, self.features, self.width = 0, 0, 0
        self.dense = False
        self.terms: list[tuple[bytes, int]] = []
        self.stops: list[bytes] = []
        self.pattern: re.Pattern[str] | None = None
        self.shortest = 1
        self.stages: list[bytes] = []
        self.method = "transform"

    def built(self) -> Vectorizer:
        for number, step in enumerate(self.steps):
            made = getattr(self, f"_{type(step).__name__}", None)
            first = type(step).__name__ in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
            if made is None or first != (number == 0) or not type(step).__module__.startswith("sklearn."):
                what = f"begins with {describe(step)}" if number == 0 else f"has {describe(step)} after its vectorizer"
                raise VectorizerError(f"a {type(self.fitted).__name__} that {what}", KNOWN if number == 0 else LAST)
            if self.method != "transform":
                raise VectorizerError(f"a Pipeline with {describe(step)} after its model", LAST)
            made(step)
        if self.width > VECTOR_MAX:
            raise VectorizerError(
                f"gives {self.width:,} items, at most {VECTOR_MAX:,} are possible",
                "max_features= or n_features= makes it smaller, TruncatedSVD or a linear model after it takes them all",
            )
        if len(self.stages) > STAGES_MAX:
            raise VectorizerError(f"has {len(self.stages)} stages, at most {STAGES_MAX} are possible")
        number_only = self.method != "transform" and self.width == 1
        self.flags |= NUMBER if number_only else 0
        size = None if number_only else self.width
        return Vectorizer(self.fitted, self.part(), size, self.pattern, self.answer(size))

    def answer(self, size: int | None) -> Callable[[str], Any]:
        import numpy

        fitted, method = self.fitted, self.method

        def answer(text: str) -> Any:
            found = getattr(fitted, method)([text])
            found = numpy.asarray(found.todense() if hasattr(found, "todense") else found, dtype=numpy.float64)
            return float(found.reshape(-1)[-1]) + 0.0 if size is None else [x + 0.0 for x in found.reshape(-1).tolist()]

        return answer

    # --- vectorizers ---

    def analyzer(self, vectorizer: Any) -> None:
        name = type(vectorizer).__name__
        for what in ("preprocessor", "tokenizer", "analyzer", "strip_accents"):
            if callable(getattr(vectorizer, what)):
                raise VectorizerError(f"a {name} with a function of its own as {what}", OWN)
        if vectorizer.input != "content":
            raise VectorizerError(f'a {name} of input={vectorizer.input!r}, expected "content"')
        if vectorizer.analyzer not in ANALYZERS:
            raise VectorizerError(f"a {name} of analyzer={vectorizer.analyzer!r}, expected one of {ANALYZERS}")
        least, most = vectorizer.ngram_range
        if not 1 <= least <= most <= NGRAM_MAX:
            raise VectorizerError(f"a {name} of ngram_range={(least, most)}, expected 1 to {NGRAM_MAX}, ascending")
        self.range = (least, most)
        self.mode = ANALYZERS.index(vectorizer.analyzer)
        self.flags |= LOWER if vectorizer.lowercase else 0
        self.flags |= {None: 0, "unicode": ACCENTS, "ascii": ACCENTS | ASCII}[vectorizer.strip_accents]
        self.flags |= BINARY if vectorizer.binary else 0
        if vectorizer.analyzer == "word":
            self.stops = sorted({encoded for each in vectorizer.get_stop_words() or () if (encoded := utf8(each))})
            self.words(vectorizer.token_pattern)

    def words(self, pattern: str | re.Pattern[str]) -> None:
        text = pattern if isinstance(pattern, str) else pattern.pattern
        plain = text.removeprefix("(?u)").removeprefix(r"\b").removesuffix(r"\b")
        if plain in WORDS and (isinstance(pattern, str) or pattern.flags == re.UNICODE):
            self.shortest = WORDS[plain]
            return
        self.pattern = re.compile(pattern)
        if self.pattern.groups > 1:
            raise VectorizerError(f"token_pattern={text!r} has {self.pattern.groups} groups, at most one is possible")

    def _CountVectorizer(self, vectorizer: Any) -> None:
        self.analyzer(vectorizer)
        has_dtype(vectorizer, "int64", "float64")
        if not hasattr(vectorizer, "vocabulary_"):
            if vectorizer.vocabulary is None:
                raise VectorizerError(f"the {type(vectorizer).__name__} is not fitted", "call its fit(...) first")
            vectorizer._validate_vocabulary()
        known = vectorizer.vocabulary_
        self.features = self.width = len(known)
        if not 1 <= self.features <= FEATURES_MAX:
            raise VectorizerError(f"has {self.features:,} terms, expected 1 to {FEATURES_MAX:,}")
        self.terms = [(term, int(n)) for each, n in known.items() if (term := utf8(each)) is not None]

    def _TfidfVectorizer(self, vectorizer: Any) -> None:
        has_dtype(vectorizer, "float64")
        self._CountVectorizer(vectorizer)
        self._TfidfTransformer(vectorizer._tfidf)

    def _HashingVectorizer(self, vectorizer: Any) -> None:
        self.analyzer(vectorizer)
        has_dtype(vectorizer, "float64")
        self.features = self.width = int(vectorizer.n_features)
        if not 1 <= self.features <= FEATURES_MAX:
            raise VectorizerError(f"has n_features={self.features:,}, expected 1 to {FEATURES_MAX:,}")
        self.flags |= SIGNED if vectorizer.alternate_sign else 0
        self.norm(vectorizer.norm)

    # --- transformers ---

    def stage(self, kind: int, width: int, *numbers: Any) -> None:
        import numpy

        made = [numpy.ascontiguousarray(each, dtype="<f8") for each in numbers]
        if not all(bool(numpy.isfinite(each).all()) for each in made):
            raise VectorizerError("holds a number that is not finite")
        self.stages.append(struct.pack("<II", kind, width) + b"".join(each.tobytes() for each in made))

    def norm(self, norm: str | None) -> None:
        if norm is None:
            return
        if norm not in ("l1", "l2"):
            raise VectorizerError(f'norm={norm!r} is not available, expected "l1", "l2" or None')
        self.stage(L1 if norm == "l1" else L2, self.width)

    def _TfidfTransformer(self, step: Any) -> None:
        import numpy

        if self.dense:
            raise VectorizerError("a TfidfTransformer after a TruncatedSVD is not available")
        if step.sublinear_tf:
            self.stage(LOG, LOGS, numpy.log(numpy.arange(1.0, LOGS + 1)) + 1.0)
        if hasattr(step, "idf_"):
            self.stage(SCALE, self.features, step.idf_)
        elif step.use_idf:
            raise VectorizerError("the TfidfTransformer is not fitted", "call fit(...) first")
        self.norm(step.norm)

    def _Normalizer(self, step: Any) -> None:
        self.norm(step.norm)

    def _TruncatedSVD(self, step: Any) -> None:
        self.matrix(step.components_, 0.0)

    # --- models ---

    def matrix(self, rows: Any, starts: Any) -> None:
        import numpy

        rows = numpy.asarray(rows.todense() if hasattr(rows, "todense") else rows, dtype=numpy.float64)
        rows = numpy.atleast_2d(rows)
        if rows.shape[1] != self.width:
            raise VectorizerError(f"takes {rows.shape[1]:,} items where {self.width:,} are given")
        if len(rows) > VECTOR_MAX:
            raise VectorizerError(f"gives {len(rows):,} items, at most {VECTOR_MAX:,} are possible")
        starts = numpy.broadcast_to(numpy.asarray(starts, dtype=numpy.float64).reshape(-1), (len(rows),))
        self.width, self.dense = len(rows), True
        self.stage(MATRIX, self.width, rows.T, starts)

    def _LogisticRegression(self, model: Any) -> None:
        if getattr(model, "multi_class", "auto") not in ("auto", "deprecated", "warn"):
            raise VectorizerError(f"a LogisticRegression of multi_class={model.multi_class!r} is not available")
        self.matrix(model.coef_, model.intercept_)
        shares = model.solver == "liblinear"
        self.stage(SIGMOID if self.width == 1 else SHARES if shares else SOFTMAX, self.width)
        self.method = "predict_proba"

    def _SGDClassifier(self, model: Any) -> None:
        if model.loss == "modified_huber":
            raise VectorizerError("an SGDClassifier of modified_huber is not available", 'loss="log_loss" or "hinge"')
        self._LinearSVC(model)
        if model.loss == "log_loss":
            self.stage(SIGMOID if self.width == 1 else SHARES, self.width)
            self.method = "predict_proba"

    def _LinearSVC(self, model: Any) -> None:
        self.matrix(model.coef_, model.intercept_)
        self.method = "decision_function"

    _RidgeClassifier = _Perceptron = _LinearSVC

    def _MultinomialNB(self, model: Any) -> None:
        self.bayes(model, model.class_log_prior_)

    def _ComplementNB(self, model: Any) -> None:
        self.bayes(model, 0.0)

    def bayes(self, model: Any, starts: Any) -> None:
        if len(model.classes_) < 2:
            raise VectorizerError(f"a {type(model).__name__} of one class")
        self.matrix(model.feature_log_prob_, starts)
        self.stage(BAYES, self.width)
        if self.width == 2:
            self.stage(SECOND, 2)
            self.width = 1
        self.method = "predict_proba"

    def _LinearRegression(self, model: Any) -> None:
        self.matrix(model.coef_, model.intercept_)
        self.method = "predict"

    _Ridge = _Lasso = _ElasticNet = _SGDRegressor = _LinearSVR = _LinearRegression

    # --- the part ---

    def part(self) -> bytes:
        text = bytearray()
        accents, words = b"", b""
        if self.flags & ACCENTS:
            accents = accent_table(bool(self.flags & ASCII), text)
        if self.mode == 0 and self.pattern is None:
            words = word_ranges()
        slots = table(self.terms, text)
        stops = table([(each, n) for n, each in enumerate(self.stops)], text)
        size = len(text)
        text += bytes(-size % 8)
        head = (1, self.mode, self.flags, *self.range, self.shortest, self.features, len(slots) // 16, len(stops) // 16)
        counts = (len(words) // 8, len(accents) // 8, len(self.stages), size, 0)
        return b"".join(
            (b"ASSAYVEC", struct.pack("<14I", *head, *counts), slots, stops, words, accents, text, *self.stages)
        )


def has_dtype(vectorizer: Any, *known: str) -> None:
    import numpy

    name = numpy.dtype(vectorizer.dtype).name
    if name not in known:
        raise VectorizerError(f"a {type(vectorizer).__name__} of dtype={name}", "dtype=numpy.float64")


def utf8(term: str) -> bytes | None:
    """None: of lone surrogates, which no text has."""
    try:
        return term.encode()
    except UnicodeEncodeError:
        return None


def table(terms: list[tuple[bytes, int]], text: bytearray) -> bytes:
    """Terms by hash; their bytes go to `text`."""
    from sklearn.utils import murmurhash3_32

    if not terms:
        return b""
    hashes = [int(murmurhash3_32(term, seed=0, positive=True)) for term, _ in terms]
    slots = 1 << max(1, (2 * len(terms) - 1).bit_length())
    while (placed := places(hashes, slots)) is None:
        slots *= 2
    made = bytearray(16 * slots)
    for hash, place, (term, number) in zip(hashes, placed, terms, strict=True):
        struct.pack_into("<4I", made, 16 * place, hash, number + 1, len(text), len(term))
        text += term
    return bytes(made)


def places(hashes: Iterable[int], slots: int) -> list[int] | None:
    """A slot for each, near its hash; None if one would be too far."""
    taken = bytearray(slots)
    found = []
    for hash in hashes:
        place = next((at for n in range(PROBES_MAX) if not taken[at := (hash + n) & (slots - 1)]), None)
        if place is None:
            return None
        taken[place] = 1
        found.append(place)
    return found


@lru_cache(maxsize=1)
def word_ranges() -> bytes:
    r"""First and last of the code points that `\w` takes."""
    made, first = bytearray(), -1
    for code in range(128, sys.maxunicode + 2):
        word = code <= sys.maxunicode and chr(code).isalnum()
        if word and first < 0:
            first = code
        elif not word and first >= 0:
            made += struct.pack("<II", first, code - 1)
            first = -1
    return bytes(made)


@lru_cache(maxsize=2)
def accents_of(ascii: bool) -> list[tuple[int, bytes]]:
    """What scikit-learn's strip_accents_ascii or strip_accents_unicode makes of single characters, where it is another
    (Hangul syllables the engine takes apart)."""
    made = []
    for code in range(128, sys.maxunicode + 1):
        if 0xAC00 <= code <= 0xD7A3 or 0xD800 <= code < 0xE000:
            continue
        whole = unicodedata.normalize("NFKD", chr(code))
        if ascii:
            kept = whole.encode("ascii", "ignore")
            if kept:
                made.append((code, kept))
        else:
            plain = "".join(each for each in whole if not unicodedata.combining(each))
            if plain != chr(code):
                made.append((code, plain.encode()))
    return made


def accent_table(ascii: bool, text: bytearray) -> bytes:
    made = bytearray()
    for code, kept in accents_of(ascii):
        made += struct.pack("<II", code, len(text) << 8 | len(kept))
        text += kept
    return bytes(made)
