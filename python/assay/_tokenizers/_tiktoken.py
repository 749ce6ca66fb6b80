"""Rank files of tiktoken: a token in base64 and its rank, a line each. The file does not hold its pattern, so the
file's name says which encoding it is. Ids are those of `Encoding.encode_ordinary`."""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePath

from . import _bpe as bpe
from . import _models as models
from ._errors import At, TokenizerError
from ._part import IDS_MAX, NONE, Part
from ._pattern import regex
from ._pre_tokenizers import ISOLATED, STAGE_PATTERN, Stage

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = "|".join(
    [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
O200K = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
PATTERNS = {
    "gpt2": GPT2,
    "r50k_base": GPT2,
    "p50k_base": GPT2,
    "p50k_edit": GPT2,
    "cl100k_base": CL100K,
    "o200k_base": O200K,
    "o200k_harmony": O200K,
    "llama3": CL100K,
}


def ranks(source: bytes, name: str) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            found[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise TokenizerError(
                f"{name}, line {number}: expected a token in base64 and its rank",
                "a tokenizer.json or a rank file of tiktoken",
            ) from None
    if any(not 0 <= rank < IDS_MAX for rank in found.values()) or len(set(found.values())) != len(found):
        raise TokenizerError(f"{name}: a rank twice, or beyond {IDS_MAX}")
    missing = [byte for byte in range(256) if bytes([byte]) not in found]
    if missing:
        raise TokenizerError(f"{name}: the byte {missing[0]} is no token")
    return found


def pairs_of(found: dict[bytes, int]) -> bpe.Pairs:
    """Every two tokens that are a token together merge, at its rank."""
    pairs: bpe.Pairs = {}
    for token, rank in found.items():
        for at in range(1, len(token)):
            left, right = found.get(token[:at]), found.get(token[at:])
            if left is not None and right is not None:
                pairs[left, right] = (rank + 1, rank)
    return pairs


def read(source: bytes, name: str, part: Part) -> tuple[int, list[Stage], dict[bytes, int]]:
    """(the model's section, the stages, the ranks)."""
    stem = PurePath(name).name.split(".")[0]
    if stem not in PATTERNS:
        known = ", ".join(sorted(PATTERNS))
        raise TokenizerError(f"{name}: a rank file does not say its pattern", f"name it after its encoding: {known}")
    found = ranks(source, name)
    pattern = regex(PATTERNS[stem], At(None, f"the pattern of {stem}"), part, possessive_intervals=True)
    symbols = {bytes([byte]): found[bytes([byte])] for byte in range(256)}
    length = {rank: len(token) for token, rank in found.items()}
    merging = bpe.Merging(symbols, pairs_of(found))
    fast = merging.find(length.__getitem__)
    section = models.merging(part, bpe.BYTES | bpe.IGNORE_MERGES, NONE, merging, fast, found, None)
    return section, [(STAGE_PATTERN, pattern, ISOLATED, 0)], found
