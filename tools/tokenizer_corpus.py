"""Writes the seed inputs of engine/text/text_fuzz.c: small tokenizers of every kind, each with a text.

python tools/tokenizer_corpus.py
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

from assay import _tokenizers
from assay._tokenizers import _tables

FOLDER = Path(__file__).resolve().parents[1] / "engine" / "text" / "text_corpus"
LAST = 0x1FF  # of the characters that the seeds' tables know: small tables, small seeds
LETTERS = [chr(c) for c in range(0x21, 0x7F)]
GPT2 = r"'s|'t| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def small_tables() -> None:
    members, mapping, numbers, valued = _tables.members, _tables.mapping, _tables.numbers, _tables.valued
    _tables.members = lambda name: tuple((a, min(b, LAST)) for a, b in members(name) if a <= LAST)  # type: ignore[assignment]
    _tables.mapping = lambda name: {c: to for c, to in mapping(name).items() if c <= LAST}  # type: ignore[assignment]
    _tables.numbers = lambda name: {c: v for c, v in numbers(name).items() if c <= 0x3FF}  # type: ignore[assignment]
    _tables.valued = lambda name: tuple((a, min(b, LAST), v) for a, b, v in valued(name) if a <= LAST)  # type: ignore[assignment]


def file(model: dict[str, Any], normalizer: Any = None, pre_tokenizer: Any = None, **more: Any) -> dict[str, Any]:
    return {"version": "1.0", "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "model": model, **more}


def sequence(kind: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", kind: list(steps)}


def ids(*tokens: str) -> dict[str, int]:
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}


def charsmap() -> str:
    """A map of "A" to "a" and "B" to nothing, as SentencePiece writes one (a Darts double array)."""
    units = [0] * 512
    units[0] = 256 << 10
    for byte, value in ((0x41, 0), (0x42, 1)):
        at = 256 ^ byte
        units[at] = byte | 1 << 8 | 128 << 10
        units[at ^ 128] = value | 1 << 31
    blob = struct.pack("<I", len(units) * 4) + struct.pack(f"<{len(units)}I", *units) + b"a\0"
    return base64.b64encode(blob).decode()


def seeds() -> dict[str, tuple[dict[str, Any], str]]:
    piece = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 9,
    }
    words = ids("[UNK]", "[CLS]", "a", "b", "ab", "##a", "##b", "##ba", "é", ".")
    bert = {"clean_text": True, "handle_chinese_chars": False, "strip_accents": None, "lowercase": True}
    made = ("ab", "aba", "ba", "aa", "aaa")
    merges = ["a b", "ab a", "b a", "a a", "aa a"]
    pairs = {
        "type": "BPE",
        "merges": merges,
        "vocab": ids("<unk>", *LETTERS, *"ĠÃ©", *made),
    }
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    hexes = [f"<0x{byte:02X}>" for byte in range(256)]
    fallback = {
        **pairs,
        "vocab": ids("<unk>", *hexes, *LETTERS, "▁", *made),
        "byte_fallback": True,
    }
    ends = {**pairs, "merges": ["a b</w>", "b a"], "vocab": ids("<unk>", "a", "b", "b</w>", "a</w>", "ab</w>", "ba")}
    scores = [["<unk>", 0.0], ["a", -1.0], ["▁", -2.0], ["ab", -1.5], ["b", -3.0]]
    unigram = {
        "type": "Unigram",
        "unk_id": 0,
        "vocab": scores,
    }
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    flags = {"special": True}
    added = [
        {"content": "a", "single_word": True, "lstrip": False, "rstrip": False, "normalized": False, "id": 2, **flags},
        {"content": "<s>", "single_word": False, "lstrip": True, "rstrip": True, "normalized": True, "id": 3, **flags},
        {"content": "b ", "single_word": False, "lstrip": True, "rstrip": True, "normalized": False, "id": 4, **flags},
    ]
    post = {"type": "BertProcessing", "sep": ["[CLS]", 1], "cls": ["[CLS]", 1]}
    pad = {"strategy": {"Fixed": 5}, "direction": "Left", "pad_to_multiple_of": 4, "pad_id": 0}
    cut = {"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    split = {"type": "Split", "pattern": {"Regex": GPT2}, "behavior": "MergedWithNext", "invert": False}
    replaced = sequence(
        "normalizers",
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        {"type": "Replace", "pattern": {"Regex": r"\s*b+$|(?<=a)b"}, "content": "xy"},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    )
    stages = sequence(
        "pretokenizers",
        {"type": "UnicodeScripts"},
        {"type": "Digits", "individual_digits": True},
        {"type": "Punctuation", "behavior": "Contiguous"},
        split,
        {"type": "FixedLength", "length": 2},
    )
    more = {"merges": [*merges, "b b", "bb a"], "vocab": ids(*pairs["vocab"], "bb", "bba")}
    slow = {**pairs, **more, "unk_token": "<unk>", "fuse_unk": True}
    ends = {**ends, "end_of_word_suffix": "</w>", "unk_token": "<unk>"}
    precompiled = {"type": "Precompiled", "precompiled_charsmap": charsmap()}
    normalized = {"type": "BertNormalizer", **bert}
    by_word = {"type": "WordLevel", "unk_token": "[UNK]", "vocab": words}
    return {
        "bert": (
            file({**piece, "vocab": words}, normalized, {"type": "BertPreTokenizer"}, post_processor=post),
            "Ab abba. É b\u0301",
        ),
        "bytes": (file(pairs, None, byte_level), "ab aba aaaa é it's 12"),
        "merge": (file(slow, {"type": "NFKC"}, {"type": "Whitespace"}), "abba bbaa éé ½"),
        "fallback": (file(fallback, replaced), " ab aba aaaa é"),
        "ends": (file(ends, {"type": "NFC"}, {"type": "WhitespaceSplit"}), "ab ba a bab e\u0301"),
        "unigram": (file(unigram, precompiled, metaspace, added_tokens=added, padding=pad), "AB ab <s> b a é"),
        "words": (file(by_word, {"type": "Nmt"}, stages, truncation=cut), "ab a1b.. é a"),
    }


def main() -> None:
    small_tables()
    FOLDER.mkdir(exist_ok=True)
    for name, (source, text) in seeds().items():
        part = _tokenizers.build(json.dumps(source).encode(), name)
        (FOLDER / name).write_bytes(struct.pack("<I", len(part)) + part + text.encode())
    print(f"{FOLDER}: {len(list(FOLDER.iterdir()))} seeds, {sum(f.stat().st_size for f in FOLDER.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
