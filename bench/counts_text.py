"""Instructions that the engine's tokenizers take for a memo of examples/cards, counted by callgrind: WordPiece,
byte-level BPE and Unigram. Vocabularies are made here from the memos themselves, the same for the same memos, so that
the counts change with the code alone."""

from __future__ import annotations

import itertools
import json
import math
import re
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

MEMOS = 1000
SMALL_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,*-'"


def tokenizer(model: dict[str, Any], normalizer: Any, pre_tokenizer: Any) -> bytes:
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
             "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model}  # fmt: skip
    return json.dumps(whole).encode()


def parts_of(words: Counter[str]) -> Counter[str]:
    """Beginnings and ends of the words: every third word is known only by these."""
    found: Counter[str] = Counter()
    for word, times in words.items():
        for cut in range(1, len(word)):
            found[word[:cut]] += times
            found["##" + word[cut:]] += times
    return found


def word_piece(words: Counter[str]) -> bytes:
    whole = [word for i, word in enumerate(sorted(words)) if i % 3]
    parts = sorted(part for part, times in parts_of(words).items() if times > 40)
    letters = [prefix + c for prefix in ("", "##") for c in SMALL_LETTERS]
    pieces = ["[UNK]", *dict.fromkeys([*letters, *whole, *parts])]
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": {piece: i for i, piece in enumerate(pieces)}}  # fmt: skip
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True}  # fmt: skip
    return tokenizer(model, bert, {"type": "BertPreTokenizer"})


def unigram(words: Counter[str]) -> bytes:
    counted: Counter[str] = Counter()
    for word, times in words.items():
        marked = "▁" + word
        for start in range(len(marked)):
            for end in range(start + 1, min(len(marked), start + 8) + 1):
                counted[marked[start:end]] += times
    total = sum(counted.values())
    known = sorted(piece for piece, times in counted.items() if times > 40 or len(piece) == 1)
    scores = [[piece, math.log(counted[piece] / total)] for piece in known]
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], *scores], "byte_fallback": False}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return tokenizer(model, {"type": "Lowercase"}, metaspace)


def byte_pairs(words: Counter[str]) -> bytes:
    """Trained here: the most frequent pair again and again, the first of equals."""
    cut = {("Ġ", *word): times for word, times in sorted(words.items())}
    merges: list[list[str]] = []
    for _ in range(600):
        pairs: Counter[tuple[str, str]] = Counter()
        for symbols, times in cut.items():
            for pair in itertools.pairwise(symbols):
                pairs[pair] += times
        if not pairs:
            break
        left, right = max(sorted(pairs), key=pairs.__getitem__)
        merges.append([left, right])
        cut = {merged(symbols, left, right): times for symbols, times in cut.items()}
    letters = [chr(c) for c in range(256) if 33 <= c <= 126 or 161 <= c <= 172 or c >= 174]
    letters += [chr(256 + i) for i in range(256 - len(letters))]
    pieces = [*letters, *("".join(pair) for pair in merges)]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, "merges": merges}  # fmt: skip
    return tokenizer(
        model, None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    )


def merged(symbols: tuple[str, ...], left: str, right: str) -> tuple[str, ...]:
    done: list[str] = []
    for symbol in symbols:
        if done and symbol == right and done[-1] == left:
            done[-1] = left + right
        else:
            done.append(symbol)
    return tuple(done)


def count_one(program: Path, source: bytes, memos: list[str], folder: Path) -> float:
    from assay import _tokenizers  # type: ignore[import-untyped]

    part, strings, out = folder / "tokenizer.part", folder / "strings", folder / "callgrind"
    part.write_bytes(_tokenizers.build(source, "counted"))
    coded = [memo.encode() for memo in memos]
    strings.write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in coded))
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--toggle-collect=tokenizer_encode",
               str(program), str(part), str(strings), "0", str(folder / "ids")]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True)
    total = re.search(r"^(?:summary|totals): (\d+)", out.read_text(encoding="utf-8"), re.MULTILINE)
    assert total is not None
    return int(total[1]) / len(memos)


def count_text(program: Path, payments: Path, folder: Path) -> dict[str, float]:
    """Instructions for a memo, by kind of tokenizer; `program` is text_bench."""
    memos = [json.loads(line).get("memo") for line in payments.read_text(encoding="utf-8").splitlines()]
    some = [memo for memo in memos if memo][:MEMOS]
    words = Counter(word for memo in some for word in memo.lower().split())
    kinds = {"text: WordPiece": word_piece, "text: BPE": byte_pairs, "text: Unigram": unigram}
    return {name: count_one(program, make(words), some, folder) for name, make in kinds.items()}
