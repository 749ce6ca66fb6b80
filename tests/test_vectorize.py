"""text.vectorize: a seeded part of the oracle against sklearn, use in functions and models, mistakes, hostile parts."""

from __future__ import annotations

import pickle
import struct
import warnings
from pathlib import Path
from typing import Any

import assay
import pytest
from assay._definition import DefinitionError

pytest.importorskip("sklearn")
import vectorize_oracle as oracle

pytestmark = pytest.mark.engine
MEMOS = ["rent for may", "invoice 4711 paid", "Rent, late!", "gift card", "paid the rent", "card invoice"]
LABELS = [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("seed", range(100, 104))
def test_generated_settings_give_what_sklearn_gives(tmp_path: Path, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert oracle.check(seed, tmp_path, 120) > 1000


def write(folder: Path, body: str, fitted: Any = None) -> Path:
    (folder / "fitted.pickle").write_bytes(pickle.dumps(fitted))
    file = folder / "vectorized.py"
    file.write_text(oracle.HEAD + body, encoding="utf-8")
    return file


def payment(memo: str, id: str = "1") -> dict[str, Any]:
    return {"id": id, "at": "2026-01-05T10:00:00Z", "memo": memo}


def pipeline(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*steps).fit(MEMOS, LABELS)


def tfidf(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(**options)


def test_values_go_to_functions_and_models(tmp_path: Path) -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    words, chance = tfidf().fit(MEMOS), pipeline(tfidf(), LogisticRegression())
    rows = words.transform(MEMOS).toarray()
    risk = LogisticRegression().fit(np.column_stack([rows, chance.predict_proba(MEMOS)[:, 1]]), LABELS)
    body = """
from assay import feature, model
words = text.vectorize("memo", fitted[0])
chance = text.vectorize("memo", fitted[1])
@feature
def both(words: list[float], chance: float) -> float:
    return sum(words) + chance
@feature
def shout(memo: str) -> str:
    return memo.upper()
loud = text.vectorize(shout, fitted[0])
risk = model(fitted[2], inputs=["words", "chance"])
"""
    with assay.load(write(tmp_path, body, [words, chance, risk])) as detector:
        for number, memo in enumerate([*MEMOS, "", "nothing known", "RENT für Café"]):
            answer = detector.score(payment(memo, str(number)))
            wanted = words.transform([memo]).toarray()[0]
            probability = chance.predict_proba([memo])[0, 1]
            assert detector.values["words"] == wanted.tolist()
            assert detector.values["loud"] == words.transform([memo.upper()]).toarray()[0].tolist()
            assert detector.values["chance"] == pytest.approx(probability, abs=1e-12)
            assert detector.values["both"] == sum(wanted.tolist()) + detector.values["chance"]
            expected = risk.predict_proba([[*wanted, probability]])[0, 1]
            assert detector.values["risk"] == pytest.approx(expected, abs=1e-12)
            assert detector.twin.score(payment(memo, str(number)))["errors"] == answer["errors"] == []


def test_count_beyond_the_table_of_logarithms_is_near(tmp_path: Path) -> None:
    words = tfidf(sublinear_tf=True, norm=None).fit(MEMOS)
    with assay.load(write(tmp_path, 'v = text.vectorize("memo", fitted)\n', words)) as detector:
        for number, count in enumerate((1, 2, 255, 256, 257, 3000)):
            memo = "rent " * count
            detector.score(payment(memo, str(number)))
            assert detector.values["v"] == pytest.approx(words.transform([memo]).toarray()[0].tolist(), abs=1e-12)


def test_skops_file_is_the_object_and_other_files_are_refused(tmp_path: Path) -> None:
    skops = pytest.importorskip("skops.io")
    words = tfidf().fit(MEMOS)
    skops.dump(words, tmp_path / "words.skops")
    with assay.load(write(tmp_path, 'v = text.vectorize("memo", "words.skops")\n')) as detector:
        detector.score(payment("paid rent"))
        assert detector.values["v"] == words.transform(["paid rent"]).toarray()[0].tolist()
    (tmp_path / "words.pkl").write_bytes(pickle.dumps(words))
    with pytest.raises(DefinitionError, match=r"words.pkl is no \.skops file"):
        assay.load(write(tmp_path, 'v = text.vectorize("memo", "words.pkl")\n'))
    with pytest.raises(DefinitionError, match=r"none.skops cannot be read: No such file"):
        assay.load(write(tmp_path, 'v = text.vectorize("memo", "none.skops")\n'))


def mistakes() -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import Normalizer

    return {
        "a TfidfVectorizer with a function of its own as tokenizer": tfidf(tokenizer=str.split, token_pattern=None),
        "a TfidfVectorizer with a function of its own as preprocessor": tfidf(preprocessor=str.upper),
        "a CountVectorizer with a function of its own as analyzer": CountVectorizer(analyzer=str.split),
        "gives 1,048,576 items, at most 4,096 are possible": HashingVectorizer(),
        "has n_features=33,554,432, expected 1 to 16,777,216": HashingVectorizer(n_features=1 << 25),
        "expected 1 to 64, ascending": CountVectorizer(analyzer="char", ngram_range=(1, 65)),
        'norm=\'max\' is not available, expected "l1", "l2" or None': pipeline(
            CountVectorizer(), Normalizer(norm="max")
        ),
        "a CountVectorizer of dtype=int8": CountVectorizer(dtype="int8"),
        "has a RandomForestClassifier after its vectorizer": pipeline(tfidf(), RandomForestClassifier(2)),
        "a LogisticRegression that begins with": LogisticRegression(),
        "token_pattern": CountVectorizer(token_pattern=r"\w{1,70000}"),
    }


@pytest.mark.parametrize("number", range(11))
def test_what_cannot_be_vectorized_with_is_said_at_build(tmp_path: Path, number: int) -> None:
    message, fitted = list(mistakes().items())[number]
    if not hasattr(fitted, "steps") and hasattr(fitted, "vocabulary"):
        fitted = fitted.fit(MEMOS) if "ascending" not in message else fitted
    with pytest.raises(DefinitionError) as raised:
        assay.load(write(tmp_path, 'v = text.vectorize("memo", fitted)\n', fitted))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("text.vectorize('at', fitted)", "text.vectorize of at, which is datetime, expected a str"),
        ("text.vectorize('mem', fitted)", "did you mean memo"),
        ("text.vectorize('memo', None)", "a NoneType is no vectorizer of scikit-learn"),
        ("text.vectorize('memo', type(fitted))", "the class TfidfVectorizer is no vectorizer of scikit-learn"),
        ("text.vectorize('memo', type(fitted)())", "the TfidfVectorizer is not fitted"),
    ],
)
def test_mistakes_in_the_call_are_named(tmp_path: Path, call: str, message: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        assay.load(write(tmp_path, f"v = {call}\n", tfidf().fit(MEMOS)))
    assert message in "\n".join(f"{each.message} {each.help}" for each in raised.value.problems)


def test_part_that_is_cut_or_changed_is_refused(tmp_path: Path) -> None:
    from assay._bundle import write_bundle
    from assay._compile import compile
    from assay._engine import Engine, EngineError
    from assay._read import read

    fitted = tfidf(strip_accents="unicode", stop_words=["the"]).fit(MEMOS)
    plan = compile(read(write(tmp_path, 'v = text.vectorize("memo", fitted)\n', fitted)))
    part = plan.parts["vectorizer/0"]
    assert struct.unpack_from("<I", part, 8) == (1,)
    heads = [part[:at] + struct.pack("<I", value) + part[at + 4 :] for at, value in hostile_heads(part)]
    nan = struct.pack("<d", float("nan"))
    scale = part.rindex(fitted.idf_.astype("<f8").tobytes())
    number = part[:scale] + nan + part[scale + 8 :]
    for wrong in (b"", part[:63], part[:-1], part + b"\0", b"X" + part[1:], number, *heads):
        write_bundle(plan.parts | {"vectorizer/0": wrong}, tmp_path / "wrong.assay")
        with pytest.raises(EngineError, match="vectorizer/0: a vectorizer's part"):
            Engine(str(tmp_path / "wrong.assay"), history="empty")


def hostile_heads(part: bytes) -> list[tuple[int, int]]:
    """Places of the head, and numbers that cannot stand there."""
    most = 0xFFFFFFFF
    found = [(8 + 4 * n, most) for n in range(14) if n != 5]  # 5: no text has so long a word
    found += [(8, 2), (12, 3), (20, 0), (28, 0), (32, 0), (32, 5000), (36, 3), (48, 1), (52, 17)]
    return found
