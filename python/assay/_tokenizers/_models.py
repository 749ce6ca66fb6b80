"""Models: vocabulary and rules, as engine/text has them."""

from __future__ import annotations

import math
import struct
from array import array
from dataclasses import dataclass

from . import _bpe as bpe
from ._errors import At
from ._part import IDS_MAX, MODEL, NONE, NUMBERS, Part

WORD_LEVEL, WORD_PIECE, BPE, UNIGRAM = range(4)
KINDS = ("BPE", "WordPiece", "WordLevel", "Unigram")
UNKNOWN_PENALTY = 10.0  # the package's


@dataclass
class Model:
    section: int
    ids: dict[str, int]  # of its tokens
    size: int  # as the package counts it


def vocabulary(at: At) -> dict[str, int]:
    value = at.value
    if not isinstance(value, dict):
        raise at.fail("expected an object: token to id")
    for token, id in value.items():
        if not isinstance(id, int) or isinstance(id, bool) or not 0 <= id < IDS_MAX:
            raise At(id, f"{at.path}[{token!r}]").fail(f"{id!r}, expected an id from 0 to {IDS_MAX - 1}")
    return value


def word_ids(at: At, ids: dict[str, int], name: str) -> int:
    return ids.get(at.get(name).text(), NONE)


def encoded(at: At, tokens: dict[str, int]) -> dict[bytes, int]:
    try:
        found = {token.encode(): id for token, id in tokens.items()}
    except UnicodeEncodeError as error:
        raise at.fail(f"the token {error.object!r} is not Unicode text") from None
    longest = max(found, key=len, default=b"")
    if len(longest) > 2048:
        raise at.fail(f"the token {longest.decode()[:40]!r}... has {len(longest)} bytes, at most 2048 are possible")
    return found


def write(part: Part, kind: int, score: float = 0.0, **numbers: int) -> int:
    names = ["flags", "unknown", "max_chars", "words", "rest", "merged", "bytes", "scores", "tokens", "merges"]
    defaults = {"flags": 0, "max_chars": 0}
    values = [numbers.get(name, defaults.get(name, NONE)) for name in names]
    return part.add(MODEL, struct.pack("<12I", kind, *values, 0) + struct.pack("<d", score))


def word_level(at: At, part: Part) -> Model:
    ids = vocabulary(at.get("vocab"))
    section = write(part, WORD_LEVEL, unknown=word_ids(at, ids, "unk_token"), words=part.trie(encoded(at, ids)))
    return Model(section, ids, len(ids))


def word_piece(at: At, part: Part) -> Model:
    ids = vocabulary(at.get("vocab"))
    prefix = at.get("continuing_subword_prefix").text()
    rest = {token[len(prefix) :]: id for token, id in ids.items() if token.startswith(prefix)}
    section = write(
        part,
        WORD_PIECE,
        unknown=word_ids(at, ids, "unk_token"),
        max_chars=at.get("max_input_chars_per_word").number(),
        words=part.trie(encoded(at, ids)),
        rest=part.trie(encoded(at, rest)),
    )
    return Model(section, ids, len(ids))


def byte_ids(ids: dict[str, int]) -> list[int]:
    return [ids.get(f"<0x{byte:02X}>", NONE) for byte in range(256)]


def unigram(at: At, part: Part) -> Model:
    ids: dict[str, int] = {}
    scores = array("d")
    vocab = at.get("vocab")
    if not isinstance(vocab.value, list):
        raise vocab.fail("expected an array of [token, score]")
    for number, row in enumerate(vocab.value):
        where = f"{vocab.path}[{number}]"
        if not (
            isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], int | float)
        ):
            raise At(row, where).fail(f"{row!r}, expected [token, score]")
        if not math.isfinite(row[1]):
            raise At(row, where).fail(f"the score {row[1]!r} is not finite")
        ids[row[0]] = number
        scores.append(float(row[1]))
    if len(scores) > IDS_MAX:
        raise vocab.fail(f"{len(scores)} tokens, at most {IDS_MAX} are possible")
    unknown = NONE
    if at.has("unk_id"):
        unknown = at.get("unk_id").number()
        if unknown >= len(scores):
            raise at.get("unk_id").fail(
                f"{unknown}, but there are {len(scores)} tokens", "the package refuses this too"
            )
    for name in ("alpha", "nbest_size"):
        if at.has(name):
            raise at.get(name).fail("sampling is not supported: it gives other ids each time")
    fallback = at.flag("byte_fallback", False)
    section = write(
        part,
        UNIGRAM,
        min(scores, default=math.inf) - UNKNOWN_PENALTY,
        unknown=unknown,
        words=part.trie(encoded(vocab, ids)),
        bytes=part.add(NUMBERS, part.numbers(*byte_ids(ids))) if fallback else NONE,
        scores=part.add(NUMBERS, scores.tobytes()),
    )
    return Model(section, ids, len(scores))


def read_merges(at: At, ids: dict[str, int], prefix: str) -> bpe.Pairs:
    """(left, right) -> (rank from 1, token), as BpeBuilder::build makes it: of the same pair the last counts."""
    merges = at.get("merges")
    rows = merges.value
    if not isinstance(rows, list):
        raise merges.fail("expected an array of merges")
    if rows and isinstance(rows[0], str):
        rows = [row for row in rows if not str(row).startswith("#version")]
    pairs: bpe.Pairs = {}
    skip = len(prefix.encode())
    for number, row in enumerate(rows):
        two = row.split(" ") if isinstance(row, str) else row
        where = At(row, f"{merges.path}[{number}]")
        if not isinstance(two, list) or len(two) != 2 or not all(isinstance(each, str) for each in two):
            raise where.fail(f"{row!r}, expected two tokens")
        left, right = two
        token = left + (right.encode()[skip:].decode(errors="replace") if skip else right)
        missing = next((each for each in (left, right, token) if each not in ids), None)
        if missing is not None:
            raise where.fail(f"{missing!r} is not in the vocabulary", "the package refuses this too")
        pairs[ids[left], ids[right]] = (number + 1, ids[token])
    return pairs


@dataclass
class Shape:
    """How texts become symbols."""

    prefix: str
    suffix: str
    alphabet: dict[str, int] | None  # byte-level

    def key(self, text: str) -> bytes | None:
        if self.alphabet is None:
            return text.encode()
        if any(self.alphabet.get(c, 255) >= 0xFE for c in text):
            return None  # no text has the bytes fe and ff: they are marks
        return bytes(self.alphabet[c] for c in text)

    def symbols(self, ids: dict[str, int]) -> dict[bytes, int]:
        """What single characters are, at the start of a piece and in it, at its end and before."""
        found: dict[bytes, int] = {}
        prefix, suffix = self.prefix, self.suffix
        for token, id in ids.items():
            for first in (True, False) if prefix else (True,):
                if not first and not token.startswith(prefix):
                    continue
                inner = token if first else token[len(prefix) :]
                for last in (True, False) if suffix else (False,):
                    if last and not inner.endswith(suffix):
                        continue
                    c = inner[: len(inner) - len(suffix)] if last else inner
                    key = self.key(c) if len(c) == 1 else None
                    if key is not None:
                        start = bpe.START if first and prefix else b""
                        found[start + key + (bpe.END if last else b"")] = id
        return found


def optional_text(at: At, name: str) -> str:
    return at.get(name).text() if at.has(name) else ""


def pair_encoding(at: At, part: Part, byte_level: bool) -> Model:
    ids = vocabulary(at.get("vocab"))
    if len(set(ids.values())) != len(ids):
        raise at.get("vocab").fail("two tokens have the same id")
    if at.has("dropout") and at.get("dropout").value != 0:
        raise at.get("dropout").fail("dropout gives other ids each time, expected null or 0")
    prefix = optional_text(at, "continuing_subword_prefix")
    suffix = optional_text(at, "end_of_word_suffix")
    flags = bpe.BYTES if byte_level else 0
    flags |= bpe.IGNORE_MERGES if at.flag("ignore_merges", False) else 0
    flags |= bpe.FUSE_UNKNOWN if at.flag("fuse_unk", False) else 0
    fallback = at.flag("byte_fallback", False)
    flags |= (bpe.MARK_START if prefix else 0) | (bpe.MARK_END if suffix else 0)
    if fallback and (prefix or suffix):
        raise at.get("byte_fallback").fail("byte_fallback together with a prefix or a suffix is not supported")
    unknown = NONE
    if at.has("unk_token"):
        unknown = ids.get(at.get("unk_token").text(), NONE)
        flags |= bpe.UNKNOWN_FAILS if unknown == NONE else 0
    shape = Shape(prefix, suffix, bpe.letters() if byte_level else None)
    own_bytes = byte_ids(ids)
    # With few of the byte tokens there, none is used for a character that lacks one: the slow way knows.
    flags |= bpe.BYTE_FALLBACK if fallback else 0
    pairs = read_merges(at, ids, prefix)
    special = {unknown, *(own_bytes if fallback else ())} - {NONE}
    apart = not any(left in special or right in special for left, right in pairs) and (
        not fallback or NONE not in own_bytes
    )
    words = {key: id for token, id in ids.items() if (key := shape.key(token)) is not None}
    encoded(at, ids)
    length = {id: len(token) - (len(prefix) if prefix and token.startswith(prefix) else 0) for token, id in ids.items()}
    found = bpe.Merging(shape.symbols(ids), pairs)
    fast = apart and found.find(length.__getitem__)
    section = merging(part, flags, unknown, found, fast, words, own_bytes if fallback else None)
    return Model(section, ids, len(ids))


def merging(
    part: Part,
    flags: int,
    unknown: int,
    found: bpe.Merging,
    fast: bool,
    words: dict[bytes, int],
    byte_tokens: list[int] | None,
) -> int:
    """The section of a BPE model. `fast`: what merging gives is found."""
    tokens = merged = NONE
    if fast and found.keys:
        flags |= bpe.FAST
        tokens, merged = found.tokens(part)
    return write(
        part,
        BPE,
        flags=flags,
        unknown=unknown,
        words=part.trie(words if flags & bpe.IGNORE_MERGES else {}),
        rest=part.trie(found.symbols),
        merged=merged,
        bytes=part.add(NUMBERS, part.numbers(*byte_tokens)) if byte_tokens else NONE,
        tokens=tokens,
        merges=bpe.merge_table(found.pairs, part),
    )


def read(at: At, part: Part, byte_level: bool) -> Model:
    """The model; `byte_level`: its texts come as bytes, not as letters of the byte-level alphabet."""
    kind = at.get("type").choice(KINDS)
    if kind == "BPE":
        return pair_encoding(at, part, byte_level)
    return {"WordPiece": word_piece, "WordLevel": word_level, "Unigram": unigram}[kind](at, part)
