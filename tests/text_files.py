"""Tokenizers for the oracle, as tokenizer.json files: trained here, in a moment, with the `tokenizers` package on text
that a seed makes. `NAMED` covers every component by name; `fresh(seed)` puts components together at random.

    name -> model trained on lines -> the other components, added tokens, truncation, padding -> JSON
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from text_strings import EMOJI, ENDINGS, PUNCTUATION, WORDS
from tokenizers import AddedToken, Regex, Tokenizer, models, processors, trainers
from tokenizers import normalizers as norm
from tokenizers import pre_tokenizers as pre

Json = dict[str, Any]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACING = r"\s+(?!\S)|\s+"
CL100K = (
    rf"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|{SPACING}"
)
QWEN = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
LOWER, UPPER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{ENDING}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{ENDING}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = (
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
)
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BEHAVIORS = ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
SMALL_PATTERNS = (
    r"\d",
    r"\s+",
    r"\w+|[^\w\s]+",
    r"[^\s]+",
    r"\p{Han}",
    r"[a-c]+",
    r"-|_",
    r"\p{Lu}?\p{Ll}*",
    r".{3}",
    r"\b",
)
SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


@cache
def lines(seed: int = 0, count: int = 1200) -> list[str]:
    """Text to train on: words as people use them, the frequent ones often."""
    rng = random.Random(seed)
    every = WORDS["latin"] * 6 + WORDS["cjk"] + WORDS["others"] + PUNCTUATION + EMOJI[:6] + ENDINGS[:6]
    weights = [1 / (1 + i % 53) for i in range(len(every))]
    made = []
    for _ in range(count):
        words = rng.choices(every, weights, k=rng.randint(3, 14))
        words = [word.upper() if rng.random() < 0.1 else word.title() if rng.random() < 0.2 else word for word in words]
        words.insert(0, str(rng.randrange(10 ** rng.randint(1, 7))))
        made.append(" ".join(words))
    return made


@cache
def charsmap(name: str) -> bytes:
    """A real one, which the sentencepiece package brings."""
    return (resources.files("sentencepiece") / "package_data" / f"{name}.bin").read_bytes()


# --- components by name ---------------------------------------------------------------------------------------------


def split(pattern: str, behavior: str = "isolated", invert: bool = False) -> pre.PreTokenizer:
    return pre.Split(Regex(pattern), behavior, invert)


def bytes_only() -> pre.PreTokenizer:
    return pre.ByteLevel(add_prefix_space=False, use_regex=False)


NORMALIZERS: dict[str, Callable[[], norm.Normalizer]] = {
    "nfc": norm.NFC,
    "nfd": norm.NFD,
    "nfkc": norm.NFKC,
    "nfkd": norm.NFKD,
    "lowercase": norm.Lowercase,
    "nmt": norm.Nmt,
    "strip": norm.Strip,
    "strip-left": lambda: norm.Strip(left=True, right=False),
    "strip-right": lambda: norm.Strip(left=False, right=True),
    "strip-accents": norm.StripAccents,
    "byte-level": norm.ByteLevel,
    "prepend": lambda: norm.Prepend("▁"),
    "replace": lambda: norm.Replace("e", "é€"),
    "replace-empty": lambda: norm.Replace("''", ""),
    "replace-regex": lambda: norm.Replace(Regex(r"\s{2,}"), " "),
    "replace-word": lambda: norm.Replace(Regex(r"[^\p{L}\p{N}]"), "▁x"),
    "bert": norm.BertNormalizer,
    "bert-cased": lambda: norm.BertNormalizer(lowercase=False),
    "bert-accents": lambda: norm.BertNormalizer(strip_accents=False),
    "bert-strip-only": lambda: norm.BertNormalizer(lowercase=False, strip_accents=True),
    "bert-no-chinese": lambda: norm.BertNormalizer(handle_chinese_chars=False),
    "bert-not-clean": lambda: norm.BertNormalizer(clean_text=False),
    "bert-nothing": lambda: norm.BertNormalizer(False, False, False, False),
}
MAPS = {"nfkc-map": "nfkc", "nmt-map": "nmt_nfkc", "cf-map": "nmt_nfkc_cf"}
NORMALIZERS |= {name: (lambda file=file: norm.Precompiled(charsmap(file))) for name, file in MAPS.items()}

PRE_TOKENIZERS: dict[str, Callable[[], pre.PreTokenizer]] = {
    "whitespace": pre.Whitespace,
    "whitespace-split": pre.WhitespaceSplit,
    "bert": pre.BertPreTokenizer,
    "byte-level": lambda: pre.ByteLevel(add_prefix_space=False),
    "byte-level-prefix": lambda: pre.ByteLevel(add_prefix_space=True),
    "bytes-only": bytes_only,
    "digits": pre.Digits,
    "digits-alone": lambda: pre.Digits(individual_digits=True),
    "scripts": pre.UnicodeScripts,
    "fixed-3": lambda: pre.FixedLength(3),
    "delimiter": lambda: pre.CharDelimiterSplit("a"),
    "delimiter-space": lambda: pre.CharDelimiterSplit(" "),
    "metaspace": pre.Metaspace,
    "metaspace-first": lambda: pre.Metaspace(prepend_scheme="first"),
    "metaspace-never": lambda: pre.Metaspace(prepend_scheme="never"),
    "metaspace-unsplit": lambda: pre.Metaspace(split=False),
    "metaspace-first-unsplit": lambda: pre.Metaspace(prepend_scheme="first", split=False),
    "metaspace-letter": lambda: pre.Metaspace(replacement="_", prepend_scheme="always"),
    "gpt2": lambda: pre.Sequence([split(GPT2), bytes_only()]),
    "cl100k": lambda: pre.Sequence([split(CL100K, "removed", True), bytes_only()]),
    "llama3": lambda: pre.Sequence([split(CL100K), bytes_only()]),
    "o200k": lambda: pre.Sequence([split(O200K), bytes_only()]),
    "qwen": lambda: pre.Sequence([split(QWEN), bytes_only()]),
    "deepseek": lambda: pre.Sequence([*(split(each) for each in DEEPSEEK), bytes_only()]),
    "falcon": lambda: pre.Sequence(
        [pre.Punctuation("contiguous"), pre.ByteLevel(False), pre.Digits(), split("[0-9][0-9][0-9]")]
    ),
    "starcoder": lambda: pre.Sequence([pre.Digits(True), pre.ByteLevel(False)]),
    "clip": lambda: pre.Sequence([split(CLIP, "removed", True), bytes_only()]),
    "gemma": lambda: pre.Split(" ", "merged_with_previous"),
    **{f"punctuation-{how}": (lambda how=how: pre.Punctuation(how)) for how in BEHAVIORS},
    **{
        f"split-{how}{'-inverted' * invert}": (lambda how=how, invert=invert: split(r"[\s\p{P}]", how, invert))
        for how, invert in itertools.product(BEHAVIORS, (False, True))
    },
    **{f"string-{how}": (lambda how=how: pre.Split("er", how)) for how in BEHAVIORS},
    **{f"pattern-{i}": (lambda each=each: split(each)) for i, each in enumerate(SMALL_PATTERNS)},
}


def template(single: str, *special: str) -> Callable[[Tokenizer], processors.PostProcessor]:
    def make(tokenizer: Tokenizer) -> processors.PostProcessor:
        known = [(each, tokenizer.token_to_id(each)) for each in special or SPECIAL]
        return processors.TemplateProcessing(single=single, pair=f"{single} $B:1", special_tokens=known)

    return make


def joined(name: str, *rest: str) -> Callable[[Tokenizer], processors.PostProcessor]:
    return lambda tokenizer: processors.Sequence([POST_PROCESSORS[each](tokenizer) for each in (name, *rest)])


POST_PROCESSORS: dict[str, Callable[[Tokenizer], processors.PostProcessor]] = {
    "bert": lambda t: processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]"))),
    "roberta": lambda t: processors.RobertaProcessing(
        ("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]"))
    ),
    "byte-level": lambda t: processors.ByteLevel(trim_offsets=False),
    "template": template("[CLS] $A [SEP]"),
    "template-before": template("[CLS]:1 [CLS] $A:2"),
    "template-after": template("$0 [SEP] [SEP] [PAD]"),
    "template-nothing": template("$A"),
    "sequence": joined("byte-level", "template"),
    "sequence-twice": joined("template", "bert"),
}


# --- models ---------------------------------------------------------------------------------------------------------


def trained(kind: str, tokenizer: Tokenizer, text: Sequence[str], **settings: Any) -> Tokenizer:
    """With the model trained on text as the tokenizer's own normalizer and pre-tokenizer cut it."""
    made = {
        "wordpiece": lambda: (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer),
        "bpe": lambda: (models.BPE(unk_token="[UNK]"), trainers.BpeTrainer),
        "unigram": lambda: (models.Unigram(), trainers.UnigramTrainer),
        "wordlevel": lambda: (models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer),
    }[kind]()
    tokenizer.model = made[0]
    if kind == "unigram":
        settings.setdefault("unk_token", "[UNK]")
    settings = {"vocab_size": 900, "special_tokens": SPECIAL, "show_progress": False} | settings
    tokenizer.train_from_iterator(text, made[1](**settings))
    return tokenizer


def with_bytes(source: Json) -> None:
    """Gives the model the 256 tokens of byte fallback."""
    model = source["model"]
    model["byte_fallback"] = True
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    if isinstance(model["vocab"], list):
        lowest = min(score for _, score in model["vocab"])
        model["vocab"] += [[piece, lowest - 1.0] for piece in pieces]
    else:
        start = 1 + max(model["vocab"].values())
        model["vocab"] |= {piece: start + i for i, piece in enumerate(pieces)}


def shape(seed: int) -> list[AddedToken]:
    """Every combination of an added token's flags, on texts that overlap, have spaces, or that normalizing changes."""
    rng = random.Random(seed)
    texts = [
        "<s>",
        "</s>",
        "<tok>",
        "<tok>x",
        "Éa",
        "two words",
        " lead",
        "tail ",
        "abc",
        "ab",
        "bcd",
        "rent",
        "ＦＵＬＬ",
        "ﬁn",
        "漢字",
    ]
    texts += [
        "İ",
        "[A-1]",
        "__",
        "a.b",
        "\n\n",
        "  ",
        "🇩🇪",
        "👩‍👩",
        "é",
        "É",
        "ß",
        "123",
        "3",
        "the",
        "x▁y",
        "▁",
        "o'c",
    ]
    flags = list(itertools.product((False, True), repeat=5))
    rng.shuffle(texts)
    return [
        AddedToken(text, lstrip=left, rstrip=right, single_word=single, normalized=normalized, special=special)
        for text, (left, right, single, normalized, special) in zip(texts, flags, strict=False)
    ]


def add(tokenizer: Tokenizer, tokens: Sequence[AddedToken]) -> None:
    """Without those that normalize to nothing: the package looks for them for ever."""
    normal = tokenizer.normalizer
    tokens = [each for each in tokens if normal is None or not each.normalized or normal.normalize_str(each.content)]
    tokenizer.add_tokens([token for token in tokens if not token.special])
    tokenizer.add_special_tokens([token for token in tokens if token.special])


def made(
    kind: str,
    normalizer: str | Sequence[str] = (),
    pre_tokenizer: str | Sequence[str] = (),
    post: str | None = None,
    *,
    added: Sequence[AddedToken] = (),
    truncation: Json | None = None,
    padding: Json | None = None,
    edit: Callable[[Json], None] | None = None,
    model: Json | None = None,
    text: Sequence[str] | None = None,
    **settings: Any,
) -> Callable[[], bytes]:
    def parts(names: str | Sequence[str]) -> list[str]:
        return [names] if isinstance(names, str) else list(names)

    def make() -> bytes:
        tokenizer = Tokenizer(models.BPE())
        before, cut = parts(normalizer), parts(pre_tokenizer)
        if before:
            some = [NORMALIZERS[name]() for name in before]
            tokenizer.normalizer = some[0] if isinstance(normalizer, str) else norm.Sequence(some)
        if cut:
            pieces = [PRE_TOKENIZERS[name]() for name in cut]
            tokenizer.pre_tokenizer = pieces[0] if isinstance(pre_tokenizer, str) else pre.Sequence(pieces)
        trained(kind, tokenizer, text or lines(), **settings)
        if post:
            tokenizer.post_processor = POST_PROCESSORS[post](tokenizer)
        add(tokenizer, added)
        if truncation:
            tokenizer.enable_truncation(**truncation)
        if padding:
            tokenizer.enable_padding(**padding)
        source = json.loads(tokenizer.to_str())
        source["model"] |= model or {}
        if edit:
            edit(source)
        return json.dumps(source, ensure_ascii=False).encode()

    return make


ALPHABET = {"initial_alphabet": pre.ByteLevel.alphabet()}
LLAMA = ["prepend", "replace-space"]
NORMALIZERS["replace-space"] = lambda: norm.Replace(" ", "▁")
NORMALIZERS["t5"] = lambda: norm.Sequence([norm.Precompiled(charsmap("nmt_nfkc")), norm.Replace(Regex(" {2,}"), "▁")])
NORMALIZERS["albert"] = lambda: norm.Sequence(
    [norm.Replace("``", '"'), norm.Replace("''", '"'), norm.NFKD(), norm.StripAccents(), norm.Lowercase()]
)


def longer(length: int, **more: Any) -> Json:
    return {"max_length": length} | more


def no_unknown(source: Json) -> None:
    source["model"]["unk_token"] = None


def no_unknown_id(source: Json) -> None:
    source["model"]["unk_id"] = None


def scores_equal(source: Json) -> None:
    """Ties everywhere: which path wins is then the algorithm's own order."""
    source["model"]["vocab"] = [[piece, -float(1 + len(piece) % 2)] for piece, _ in source["model"]["vocab"]]


NAMED: dict[str, Callable[[], bytes]] = {
    "wordpiece-bert": made("wordpiece", "bert", "bert", "bert"),
    "wordpiece-cased": made("wordpiece", "bert-cased", "bert", "template"),
    "wordpiece-accents-kept": made("wordpiece", "bert-accents", "bert", "bert"),
    "wordpiece-strip-only": made("wordpiece", "bert-strip-only", "bert"),
    "wordpiece-no-chinese": made("wordpiece", "bert-no-chinese", "bert"),
    "wordpiece-not-clean": made("wordpiece", "bert-not-clean", "bert"),
    "wordpiece-bert-nothing": made("wordpiece", "bert-nothing", "bert"),
    "wordpiece-sequence": made("wordpiece", ["nfd", "lowercase", "strip-accents"], "whitespace", "template"),
    "wordpiece-short-words": made("wordpiece", "bert", "bert", model={"max_input_chars_per_word": 7}),
    "wordpiece-unlimited": made("wordpiece", (), (), model={"max_input_chars_per_word": 600}),
    "wordpiece-other-prefix": made(
        "wordpiece",
        "bert",
        "whitespace-split",
        continuing_subword_prefix="@@",
        model={"continuing_subword_prefix": "@@"},
    ),
    "wordpiece-no-prefix": made("wordpiece", "nfc", "whitespace", model={"continuing_subword_prefix": ""}),
    "wordpiece-added": made("wordpiece", "bert", "bert", "bert", added=shape(1)),
    "wordpiece-added-cased": made("wordpiece", "nfkc", "whitespace", "template", added=shape(2)),
    "wordpiece-truncated": made("wordpiece", "bert", "bert", "bert", truncation=longer(8)),
    "wordpiece-truncated-left": made(
        "wordpiece", "bert", "bert", "bert", truncation=longer(8, direction="left", stride=2)
    ),
    "wordpiece-truncated-2": made("wordpiece", "bert", "bert", "bert", truncation=longer(2)),
    "wordpiece-only-first": made(
        "wordpiece", "bert", "bert", "template", truncation=longer(9, strategy="only_first", stride=4)
    ),
    "wordpiece-padded": made(
        "wordpiece", "bert", "bert", "bert", padding={"length": 24, "pad_id": 3, "pad_token": "[PAD]"}
    ),
    "wordpiece-padded-left": made(
        "wordpiece", "bert", "bert", "bert", padding={"direction": "left", "pad_to_multiple_of": 8, "pad_id": 3}
    ),
    "wordpiece-padded-multiple": made(
        "wordpiece",
        "bert",
        "bert",
        "bert",
        truncation=longer(19),
        padding={"length": 13, "pad_to_multiple_of": 5, "pad_id": 77},
    ),
    "bpe-gpt2": made("bpe", (), "byte-level", "byte-level", edit=no_unknown, **ALPHABET),
    "bpe-roberta": made("bpe", (), "byte-level-prefix", "roberta", edit=no_unknown, **ALPHABET),
    "bpe-gpt2-split": made("bpe", (), "gpt2", edit=no_unknown, **ALPHABET),
    "bpe-cl100k": made("bpe", (), "cl100k", edit=no_unknown, **ALPHABET),
    "bpe-llama3": made("bpe", (), "llama3", "sequence", edit=no_unknown, model={"ignore_merges": True}, **ALPHABET),
    "bpe-o200k": made("bpe", (), "o200k", edit=no_unknown, **ALPHABET),
    "bpe-qwen": made("bpe", "nfc", "qwen", edit=no_unknown, **ALPHABET),
    "bpe-deepseek": made("bpe", (), "deepseek", edit=no_unknown, **ALPHABET),
    "bpe-falcon": made("bpe", (), "falcon", edit=no_unknown, **ALPHABET),
    "bpe-starcoder": made("bpe", (), "starcoder", edit=no_unknown, **ALPHABET),
    "bpe-clip": made(
        "bpe", ["nfc", "replace-regex", "lowercase"], "clip", "template", end_of_word_suffix="</w>", **ALPHABET
    ),
    "bpe-byte-normalizer": made("bpe", "byte-level", (), edit=no_unknown, **ALPHABET),
    "bpe-modernbert": made("bpe", "nfc", "byte-level", "template", added=shape(3), edit=no_unknown, **ALPHABET),
    "bpe-missing-bytes": made("bpe", (), "byte-level", edit=no_unknown),
    "bpe-llama2": made("bpe", LLAMA, (), "template-before", edit=with_bytes, model={"fuse_unk": True}),
    "bpe-mistral": made(
        "bpe",
        (),
        "metaspace-first-unsplit",
        "template",
        edit=with_bytes,
        model={"fuse_unk": True, "ignore_merges": True},
    ),
    "bpe-gemma": made("bpe", "replace-space", "gemma", "template", edit=with_bytes, model={"fuse_unk": True}),
    "bpe-metaspace": made("bpe", (), "metaspace", "template", added=shape(4)),
    "bpe-unknown": made("bpe", "nfkc", "whitespace-split"),
    "bpe-unknown-fused": made("bpe", "nfkc", "whitespace-split", model={"fuse_unk": True}),
    "bpe-nothing-unknown": made("bpe", (), "whitespace", edit=no_unknown),
    "bpe-suffix": made("bpe", "lowercase", "whitespace", end_of_word_suffix="</w>"),
    "bpe-prefix": made("bpe", (), "whitespace", continuing_subword_prefix="##"),
    "bpe-prefix-suffix": made(
        "bpe", (), "bert", continuing_subword_prefix="##", end_of_word_suffix="</w>", model={"fuse_unk": True}
    ),
    "bpe-prefix-ignore-merges": made("bpe", (), "bert", continuing_subword_prefix="##", model={"ignore_merges": True}),
    "bpe-whole-text": made("bpe", "nfd", (), edit=with_bytes, truncation=longer(16, direction="left")),
    "bpe-truncated": made(
        "bpe", (), "byte-level", "roberta", truncation=longer(7, stride=3), padding={"pad_id": 3}, **ALPHABET
    ),
    "unigram-t5": made("unigram", "t5", "metaspace", "template-after"),
    "unigram-albert": made("unigram", "albert", "metaspace", "template"),
    "unigram-xlmr": made("unigram", "nmt-map", ["whitespace-split", "metaspace"], "template"),
    "unigram-nmt": made("unigram", ["nmt", "nfkc", "replace-regex"], "metaspace"),
    "unigram-casefold": made("unigram", "cf-map", "metaspace-first"),
    "unigram-nfkc-map": made("unigram", "nfkc-map", "metaspace-never", added=shape(5)),
    "unigram-bytes": made("unigram", "nfkc", "metaspace", edit=with_bytes),
    "unigram-unsplit": made("unigram", LLAMA, (), edit=with_bytes),
    "unigram-ties": made("unigram", "nfkc", "metaspace", edit=scores_equal),
    "unigram-no-unknown": made("unigram", "nfkc", "metaspace", edit=no_unknown_id),
    "unigram-added": made("unigram", "nmt-map", "metaspace", "template", added=shape(6)),
    "unigram-padded": made(
        "unigram",
        "nfkc",
        "metaspace-first-unsplit",
        "template",
        truncation=longer(12),
        padding={"length": 16, "pad_id": 3},
    ),
    "wordlevel-bert": made("wordlevel", "bert", "bert", "bert"),
    "wordlevel-whitespace": made("wordlevel", ["nfkc", "lowercase"], "whitespace", added=shape(7)),
    "wordlevel-nothing": made("wordlevel", (), ()),
    "wordlevel-no-unknown": made(
        "wordlevel", (), "whitespace-split", edit=lambda source: source["model"].update(unk_token="absent")
    ),
}
NAMED |= {f"normalizer-{name}": made("bpe", name, "whitespace", model={"fuse_unk": True}) for name in NORMALIZERS}
NAMED |= {f"pre-{name}": made("bpe", (), name, edit=with_bytes) for name in PRE_TOKENIZERS}
NAMED |= {f"post-{name}": made("wordlevel", "lowercase", "whitespace", name) for name in POST_PROCESSORS}
NAMED |= {
    f"added-{name}": made("wordlevel", name, "whitespace", added=shape(20 + i))
    for i, name in enumerate(
        ["nfc", "nfkd", "lowercase", "strip", "bert", "prepend", "byte-level", "replace", "nmt-map"]
    )
}
NAMED |= {
    f"added-pre-{name}": made("bpe", (), name, added=shape(40 + i), edit=with_bytes)
    for i, name in enumerate(["metaspace", "metaspace-first", "byte-level-prefix", "cl100k", "bert", "digits-alone"])
}


# --- at random ------------------------------------------------------------------------------------------------------


def random_added(rng: random.Random) -> list[AddedToken]:
    chosen = rng.sample(shape(rng.randrange(10**9)), rng.randint(0, 20))
    return chosen if rng.random() < 0.7 else []


def fresh(seed: int) -> bytes:
    """A tokenizer whose components were drawn; the same seed draws the same ones."""
    rng = random.Random(seed)
    kind = rng.choice(["wordpiece", "bpe", "bpe", "unigram", "wordlevel"])
    before = rng.sample(list(NORMALIZERS), rng.choice([0, 1, 1, 2, 3]))
    cut = rng.sample(list(PRE_TOKENIZERS), rng.choice([0, 1, 1, 1, 2, 3]))
    truncation = padding = None
    if rng.random() < 0.4:
        truncation = longer(rng.randint(3, 30), direction=rng.choice(["left", "right"]), stride=rng.choice([0, 0, 1]))
    if rng.random() < 0.4:
        padding = {"direction": rng.choice(["left", "right"]), "pad_id": rng.choice([0, 3, 500])}
        padding |= rng.choice([{}, {"length": rng.randint(1, 40)}, {"pad_to_multiple_of": rng.randint(1, 9)}])
    model: Json = {}
    settings: Json = {"vocab_size": rng.choice([200, 600, 2000]), "text": lines(rng.randrange(4), 400)}
    edit = None
    if kind == "bpe":
        model = {"fuse_unk": rng.random() < 0.5, "ignore_merges": rng.random() < 0.3}
        settings |= rng.choice([{}, {}, ALPHABET, {"end_of_word_suffix": "</w>"}, {"continuing_subword_prefix": "##"}])
    elif kind == "wordpiece":
        model = {"max_input_chars_per_word": rng.choice([100, 100, 5, 400])}
    elif kind == "unigram":
        settings["vocab_size"] = 2000
    if kind in ("bpe", "unigram"):
        edit = rng.choice([None, with_bytes, no_unknown if kind == "bpe" else scores_equal])
    return made(
        kind,
        before,
        cut,
        rng.choice([None, *POST_PROCESSORS]),
        added=random_added(rng),
        truncation=truncation,
        padding=padding,
        edit=edit,
        model=model,
        **settings,
    )()
