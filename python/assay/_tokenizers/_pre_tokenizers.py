"""Pre-tokenizers as stages (engine/text/pretokenize.c)."""

from __future__ import annotations

import struct

from . import _tables as tables
from ._errors import At, TokenizerError
from ._part import BYTES, STAGES, Part
from ._pattern import program, regex

STAGE_CLASS, STAGE_WORDS, STAGE_RUNS, STAGE_PATTERN, STAGE_METASPACE = range(5)  # engine/text/part.h
STAGE_SPACE, STAGE_BYTES, STAGE_SCRIPTS, STAGE_LENGTH = range(5, 9)
STAGES_MAX = 32
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
REMOVED, ISOLATED, CONTIGUOUS = 0, 1, 4
SCHEMES = {"never": 0, "first": 1, "always": 2}
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
KINDS = [
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Metaspace",
    "Whitespace",
    "Sequence",
    "Split",
    "Punctuation",
    "WhitespaceSplit",
    "Digits",
    "UnicodeScripts",
    "FixedLength",
]
ASCII_PUNCTUATION = ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E))

Stage = tuple[int, int, int, int]


def spaces(part: Part) -> int:
    return part.character_class(tables.members("rust_whitespace"))


def punctuation(part: Part) -> int:
    return part.character_class(tables.union(ASCII_PUNCTUATION, tables.members("categories_punctuation")))


def byte_level(at: At, part: Part) -> list[Stage]:
    stages: list[Stage] = []
    at.flag("trim_offsets")
    if at.flag("add_prefix_space"):
        stages.append((STAGE_SPACE, 0, 0, 0))
    if at.flag("use_regex", True):
        stages.append((STAGE_PATTERN, regex(GPT2, at, part), ISOLATED, 0))
    return [*stages, (STAGE_BYTES, 0, 0, 0)]


def character(at: At) -> str:
    if len(at.text()) != 1:
        raise at.fail(f"{at.text()!r}, expected one character")
    return at.text()


def metaspace(at: At, part: Part) -> Stage:
    replacement = character(at.get("replacement"))
    scheme = at.get("prepend_scheme").choice(SCHEMES) if at.has("prepend_scheme") else "always"
    if at.has("add_prefix_space") and not at.flag("add_prefix_space"):
        if scheme != "never" and at.has("prepend_scheme"):
            raise at.fail(f"add_prefix_space is false, prepend_scheme is {scheme}", "the package refuses this too")
        if not at.has("prepend_scheme"):
            raise at.fail("add_prefix_space is false without a prepend_scheme", "the package refuses this too")
    split = at.flag("split", True)
    return (STAGE_METASPACE, part.add(BYTES, replacement.encode()), SCHEMES[scheme], int(split))


def scripts(part: Part) -> Stage:
    """0 is any script; the package takes Japanese for Han, and a space for any."""
    codes: dict[str, int] = {"Any": 0, "Han": 1}
    same = {"Hiragana": "Han", "Katakana": "Han"}
    found = []
    for low, high, name in tables.valued("scripts"):
        name = same.get(name, name)
        found.append((low, high, codes.setdefault(name, len(codes))))
    found += [(0x30FC, 0x30FC, 1), (0x20, 0x20, 0)]
    return (STAGE_SCRIPTS, part.property(found), 0, 0)


def split(at: At, part: Part) -> Stage:
    behavior = BEHAVIORS.index(at.get("behavior").choice(BEHAVIORS))
    return (STAGE_PATTERN, program(at.get("pattern"), part), behavior, int(at.flag("invert")))


def read(at: At, part: Part, depth: int = 0) -> list[Stage]:
    """The stages of a pre-tokenizer."""
    name = at.get("type").choice(KINDS)
    if name == "Sequence":
        if depth == 16:
            raise at.fail("sequences nested deeper than 16")
        return [stage for each in at.get("pretokenizers").items() for stage in read(each, part, depth + 1)]
    if name == "BertPreTokenizer":
        return [(STAGE_WORDS, spaces(part), punctuation(part), 0)]
    if name == "ByteLevel":
        return byte_level(at, part)
    if name == "CharDelimiterSplit":
        delimiter = part.character_class(tables.only(character(at.get("delimiter"))))
        return [(STAGE_CLASS, delimiter, REMOVED, 0)]
    if name == "Metaspace":
        return [metaspace(at, part)]
    if name == "Whitespace":
        words, blanks = tables.members("regex_word"), tables.members("regex_space")
        return [(STAGE_RUNS, part.character_class(words), part.character_class(blanks), 0)]
    if name == "Split":
        return [split(at, part)]
    if name == "Punctuation":
        behavior = BEHAVIORS.index(at.get("behavior").choice(BEHAVIORS)) if at.has("behavior") else ISOLATED
        return [(STAGE_CLASS, punctuation(part), behavior, 0)]
    if name == "WhitespaceSplit":
        return [(STAGE_CLASS, spaces(part), REMOVED, 0)]
    if name == "Digits":
        numeric = part.character_class(tables.members("rust_numeric"))
        return [(STAGE_CLASS, numeric, ISOLATED if at.flag("individual_digits") else CONTIGUOUS, 0)]
    if name == "UnicodeScripts":
        return [scripts(part)]
    length = at.get("length").number() if at.has("length") else 5
    if length == 0:
        raise at.get("length").fail("pieces of 0 characters")
    return [(STAGE_LENGTH, length, 0, 0)]


def write(stages: list[Stage], part: Part) -> int:
    if len(stages) > STAGES_MAX:
        raise TokenizerError(f"$.pre_tokenizer: {len(stages)} stages, at most {STAGES_MAX} are possible")
    return part.add(STAGES, b"".join(struct.pack("<4I", *stage) for stage in stages))
