"""Tokens: what text.tokens means in a definition, and what each mistake that was found in the tokenizers looked like.
tests/test_text_oracle.py compares whole families of tokenizers with the package."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_definitions_corpus import agree

pytestmark = pytest.mark.engine
tokenizers = pytest.importorskip("tokenizers", reason="the tokenizers package is not installed")

Define = Callable[[str], Path]
HEAD = """
from datetime import datetime
from assay import event, feature, text, window
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    memo: str | None = None
    count: int = 0
"""
WORDS = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "ab", "##a", "##b", "##ab", ".", "payment", "##s", "12"]


def file(model: dict[str, Any], normalizer: Any = None, pre_tokenizer: Any = None, **more: Any) -> str:
    whole = {"version": "1.0", "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "model": model}
    return json.dumps({**whole, "added_tokens": [], "decoder": None, "post_processor": None, **more})


def ids(*tokens: str) -> dict[str, int]:
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}


def bert() -> str:
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": ids(*WORDS)}
    flags = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    post = {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}
    steps = {"type": "BertNormalizer", **flags}, {"type": "BertPreTokenizer"}
    return file({**model, "max_input_chars_per_word": 100}, *steps, post_processor=post)


def letters(**options: Any) -> dict[str, Any]:
    """A model that shows where pieces begin: each character is a token, another one at the start of a piece."""
    characters = [chr(c) for c in range(32, 0x250)]
    vocab = ids("<unk>", *characters, *(f"##{c}" for c in characters))
    return {
        "type": "BPE",
        "vocab": vocab,
        "merges": [],
        "unk_token": "<unk>",
        "continuing_subword_prefix": "##",
        **options,
    }


def both(source: str) -> tuple[Callable[[str], list[int]], Callable[[str], list[int]]]:
    """The package's ids and the engine's."""
    from assay._engine import Tokenizer
    from assay._tokenizers import build

    package = tokenizers.Tokenizer.from_str(source)
    return lambda text: package.encode(text).ids, Tokenizer(build(source.encode(), "tokenizer.json")).encode


# --- in a definition --------------------------------------------------------------------------------------------------


def test_tokens_are_a_feature_that_functions_windows_and_rules_may_read(define: Define) -> None:
    path = define(
        HEAD
        + """
memo_tokens = text.tokens("memo", "tokenizer.json")
bare = text.tokens("memo", "tokenizer.json", special=False)
@feature
def upper(memo: str) -> str:
    return memo.upper()
of_feature = text.tokens(upper, "tokenizer.json")
@feature
def tokens(memo_tokens: list[int] | None) -> int:
    return -1 if memo_tokens is None else len(memo_tokens)
@feature
def first(bare: list[int]) -> int:
    return bare[0] if bare else -1
same = window.count(by="tokens", over="1h")
"""
    )
    (path.parent / "tokenizer.json").write_text(bert(), encoding="utf-8")
    assert agree(path) > 250


def test_tokens_of_a_null_are_null_and_no_error(define: Define) -> None:
    import assay

    path = define(HEAD + 'memo_tokens = text.tokens("memo", "tokenizer.json")\n')
    (path.parent / "tokenizer.json").write_text(bert(), encoding="utf-8")
    detector = assay.load(path)
    answer = detector.score({"id": "1", "at": "2026-01-01T00:00:00Z", "card": "c"}, features=True)
    assert answer["features"] == {"memo_tokens": None} and answer["errors"] == []
    answer = detector.score(
        {"id": "2", "at": "2026-01-01T00:00:00Z", "card": "c", "memo": "Ab. Pâyments"}, features=True
    )
    assert answer["features"] == {"memo_tokens": [1, 5, 9, 10, 11, 2]}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('text.tokens("count", "tokenizer.json")', "text.tokens of count, which is int, expected a str"),
        ('text.tokens("mem", "tokenizer.json")', "text.tokens of tokens names mem, which is not there"),
        ('text.tokens("memo", 3)', "tokenizer is 3, expected a file"),
        ('text.tokens("memo", "tokenizer.json", special=2)', "special is 2, expected True or False"),
    ],
)
def test_mistakes_are_named(define: Define, call: str, message: str) -> None:
    from assay import DefinitionError
    from assay._read import read

    path = define(HEAD + f"tokens = {call}\n")
    (path.parent / "tokenizer.json").write_text(bert(), encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        read(path)
    found = [problem.message for problem in raised.value.problems]
    assert message in found or (
        message.startswith("text.tokens of tokens names mem") and any("mem" in m for m in found)
    ), found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalizer": {"type": "Own"}}, "$.normalizer.type: 'Own' is not known"),
        (
            {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}},
            "$.model.merges[0]: 'b' is not in the vocabulary",
        ),
        (
            {"model": {**letters(), "dropout": 0.1}},
            "$.model.dropout: dropout gives other ids each time, expected null or 0",
        ),
        (
            {
                "pre_tokenizer": {
                    "type": "Split",
                    "pattern": {"Regex": "a(?<n>b)"},
                    "behavior": "Removed",
                    "invert": False,
                }
            },
            "$.pre_tokenizer.pattern.Regex: the pattern 'a(?<n>b)', character 3: the group (?<n... is not supported",
        ),
    ],
)
def test_files_are_refused_with_the_place(change: dict[str, Any], message: str) -> None:
    from assay._tokenizers import TokenizerError, build

    source = {**json.loads(file(letters())), **change}
    with pytest.raises(TokenizerError) as raised:
        build(json.dumps(source).encode(), "tokenizer.json")
    assert str(raised.value) == message


# --- what was wrong once ----------------------------------------------------------------------------------------------


def test_bpe_of_any_order_of_ranks_is_as_merging_gives_it() -> None:
    """Merges that make tokens of later ones, as in files made of rank files, whose spaces came out otherwise."""
    chance = random.Random(5)
    for _ in range(150):
        alphabet = "abc"[: chance.choice([1, 2, 3])]
        vocab, merges = list(alphabet), []
        for _ in range(chance.choice([2, 5, 10, 30])):
            left, right = chance.choice(vocab), chance.choice(vocab)
            if len(left + right) <= 8:
                vocab += [left + right] if left + right not in vocab else []
                merges += [[left, right]] if [left, right] not in merges else []
        chance.shuffle(merges)
        expected, got = both(file({"type": "BPE", "vocab": ids(*vocab), "merges": merges}))
        for _ in range(30):
            text = "".join(chance.choice(alphabet) for _ in range(chance.choice([3, 6, 12, 40])))
            assert got(text) == expected(text), (merges, text)


def test_marks_that_change_places_do_not_break_characters() -> None:
    """The first character's bytes were counted before U+103A moved to the front."""
    steps = {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]}
    expected, got = both(file(letters(), steps))
    assert got("\u05b3\u103aA") == expected("\u05b3\u103aA")


def test_word_characters_inside_of_a_class_are_others_than_outside() -> None:
    split = {"type": "Split", "pattern": {"Regex": r"\w+|[^\w\s]+"}, "behavior": "Isolated", "invert": False}
    expected, got = both(file(letters(), None, split))
    for text in ("a\xbcb", "-\xbc", "\xb2.", "x\xb9"):
        assert got(text) == expected(text)


def test_scores_are_read_as_the_package_reads_them() -> None:
    """Its JSON library gives -8.9 and the like a unit in the last place off, and equal paths fall by that."""
    from assay._tokenizers import _json

    assert _json.parse_float("0.1e1") == 1.0 and _json.parse_float("-5e-324") == -5e-324
    chance = random.Random(3)
    pieces = ["".join(p) for n in (1, 2, 3, 4) for p in itertools.product("ab", repeat=n)]
    vocab = [["<unk>", 0.0], *([piece, -round(chance.random() * len(piece) * 2, 16)] for piece in pieces)]
    expected, got = both(file({"type": "Unigram", "unk_id": 0, "vocab": vocab}))
    for _ in range(300):
        text = "".join(chance.choice("ab") for _ in range(40))
        assert got(text) == expected(text)


def test_added_token_whose_spaces_another_took_is_none() -> None:
    tokens = [
        {
            "id": 0,
            "content": " ",
            "single_word": False,
            "lstrip": True,
            "rstrip": True,
            "normalized": True,
            "special": False,
        }
    ]
    expected, got = both(file(letters(), None, None, added_tokens=tokens))
    for text in ("a  b", "   ", " a", "a \t b"):
        assert got(text) == expected(text)


def test_padding_to_nothing_is_none_whatever_it_should_be_a_multiple_of() -> None:
    pad = {"strategy": {"Fixed": 0}, "direction": "Right", "pad_to_multiple_of": 8, "pad_id": 0}
    expected, got = both(file(letters(), padding={**pad, "pad_type_id": 0, "pad_token": "<unk>"}))
    assert got("abc") == expected("abc") and len(got("abc")) == 3


# --- long and hostile texts -------------------------------------------------------------------------------------------

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def hostile() -> dict[str, str]:
    merges = [["a" * n, "a"] for n in range(1, 40)] + [["ab", "ab"], ["a", "b"]]
    vocab = ids("<unk>", "b", " ", "'", *("a" * n for n in range(1, 41)), "ab", "abab")
    pairs = {"type": "BPE", "vocab": vocab, "merges": merges, "unk_token": "<unk>"}
    split = {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False}
    scores = [["<unk>", 0.0], *(["a" * n, -1.0 - n / 7] for n in range(1, 17)), [" ", -3.0]]
    return {
        "pieces": bert(),
        "merges": file(pairs),
        "split": file(pairs, None, split),
        "unigram": file({"type": "Unigram", "unk_id": 0, "vocab": scores}, {"type": "NFKC"}),
    }


@pytest.mark.parametrize("name", hostile())
def test_no_text_of_64_kib_takes_much_more_than_another(name: str) -> None:
    from assay._engine import Tokenizer
    from assay._tokenizers import build

    engine = Tokenizer(build(hostile()[name].encode(), name))
    size = 64 * 1024
    ordinary = engine.time(["payment of 12 ab, " * (size // 18)], 3)
    units = [
        "a",
        " ",
        "\n",
        "'",
        "1",
        ".",
        "A",
        "ab",
        "ba",
        "é",
        "漢",
        "😀",
        "e\u0301",
        "\u0301",
        "\0",
        "aab",
        " \n",
        "a ",
        "'s",
    ]
    for unit in units:
        text = unit * (size // len(unit.encode()))
        assert engine.time([text], 3) < 20 * ordinary + 0.005, unit
        assert len(engine.encode(text[:1000])) > 0


def test_encoding_keeps_nothing_between_calls() -> None:
    """The same text takes as long again: there is no cache that somebody could fill."""
    _, got = both(bert())
    texts = [f"payments {n} ab" for n in range(2000)]
    start = time.perf_counter()
    first = [got(text) for text in texts]
    assert [got(text) for text in texts] == first and time.perf_counter() - start < 5
