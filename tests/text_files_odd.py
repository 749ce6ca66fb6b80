"""Tokenizer files that nobody trains today and the `tokenizers` package still reads: older ways of writing,
vocabularies with holes, special tokens of several ids, limits that contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from text_files import ALPHABET, Json, longer, made, no_unknown, shape, with_bytes

Edit = Callable[[Json], None]


def model(**changes: Any) -> Edit:
    return lambda source: source["model"].update(changes)


def without(*names: str) -> Edit:
    """Without keys of the model, or of the whole file after a slash."""

    def edit(source: Json) -> None:
        for name in names:
            (source if name.startswith("/") else source["model"]).pop(name.strip("/"), None)

    return edit


def all_of(*edits: Edit) -> Edit:
    def edit(source: Json) -> None:
        for each in edits:
            each(source)

    return edit


def merges_as_lines(source: Json) -> None:
    source["model"]["merges"] = [" ".join(pair) for pair in source["model"]["merges"]]


def ids_apart(source: Json) -> None:
    vocabulary = source["model"]["vocab"]
    source["model"]["vocab"] = {piece: number * 3 + 7 for piece, number in vocabulary.items()}
    for token in source["added_tokens"]:
        token["id"] = source["model"]["vocab"].get(token["content"], token["id"] * 3 + 7)


def ids_shared(source: Json) -> None:
    """Two pieces, one id."""
    vocabulary = source["model"]["vocab"]
    source["model"]["vocab"] = {piece: number // 2 for piece, number in vocabulary.items()}
    for token in source["added_tokens"]:
        token["id"] = source["model"]["vocab"].get(token["content"], token["id"])


def added_far_away(source: Json) -> None:
    for token in source["added_tokens"]:
        if token["content"] not in source["model"]["vocab"]:
            token["id"] += 1000


def added_twice(source: Json) -> None:
    again = [token | {"lstrip": not token["lstrip"]} for token in source["added_tokens"][-5:]]
    source["added_tokens"] += again


def vocabulary(*pieces: str, **more: int) -> Edit:
    return model(vocab={piece: number for number, piece in enumerate(pieces)} | more, merges=[])


def pre_tokenizer(**written: Any) -> Edit:
    return lambda source: source.update(pre_tokenizer=written)


def normalizer(**written: Any) -> Edit:
    return lambda source: source.update(normalizer=written)


def several_ids(source: Json) -> None:
    one = {"id": "[X]", "ids": [5, 6, 700], "tokens": ["a", "b", "c"]}
    other = {"id": "[Y]", "ids": [9], "tokens": ["d"]}
    single = [{"SpecialToken": {"id": "[X]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    single += [{"SpecialToken": {"id": name, "type_id": 1}} for name in ("[Y]", "[X]")]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}]
    source["post_processor"] = {"type": "TemplateProcessing", "single": single, "pair": pair}
    source["post_processor"]["special_tokens"] = {"[X]": one, "[Y]": other}


def truncated(**how: Any) -> Edit:
    whole = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0} | how
    return lambda source: source.update(truncation=whole)


def padded(**how: Any) -> Edit:
    whole = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None} | how
    return lambda source: source.update(padding=whole | {"pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"})


def bert(edit: Edit) -> Callable[[], bytes]:
    return made("wordpiece", "bert", "bert", "bert", edit=edit)


def words(edit: Edit, normal: str = "nfkc", **more: Any) -> Callable[[], bytes]:
    return made("wordlevel", normal, "whitespace", edit=edit, **more)


def bpe(edit: Edit, cut: str | tuple[()] = "whitespace", **more: Any) -> Callable[[], bytes]:
    return made("bpe", (), cut, edit=edit, **more)


OPTIONAL = ("dropout", "byte_fallback", "ignore_merges", "fuse_unk", "continuing_subword_prefix", "end_of_word_suffix")
METASPACE = {"type": "Metaspace", "replacement": "▁"}
ODD: dict[str, Callable[[], bytes]] = {
    "old-merges": made("bpe", (), "byte-level", edit=all_of(merges_as_lines, no_unknown), **ALPHABET),
    "old-bpe-few-keys": bpe(without(*OPTIONAL)),
    "old-bpe-empty-affixes": bpe(model(continuing_subword_prefix="", end_of_word_suffix="")),
    "old-bpe-no-dropout": bpe(model(dropout=0.0)),
    "old-bpe-untyped": bpe(without("type")),
    "old-wordpiece-untyped": bert(without("type")),
    "old-wordlevel-untyped": words(without("type")),
    "old-unigram-untyped": made("unigram", "nfkc", "metaspace", edit=without("type", "byte_fallback")),
    "old-no-limits": bert(without("/truncation", "/padding")),
    "old-metaspace": bpe(pre_tokenizer(**METASPACE, add_prefix_space=True), ()),
    "old-metaspace-no-prefix": bpe(pre_tokenizer(**METASPACE, add_prefix_space=False, prepend_scheme="never"), ()),
    "old-metaspace-str-rep": bpe(pre_tokenizer(**METASPACE, str_rep="▁", add_prefix_space=True), ()),
    "old-metaspace-first": bpe(pre_tokenizer(**METASPACE, add_prefix_space=True, prepend_scheme="first"), ()),
    "old-byte-level": bpe(pre_tokenizer(type="ByteLevel", add_prefix_space=True, trim_offsets=True), ()),
    "old-empty-sequences": bpe(
        all_of(normalizer(type="Sequence", normalizers=[]), pre_tokenizer(type="Sequence", pretokenizers=[]))
    ),
    "odd-ids-apart": words(ids_apart),
    "odd-ids-apart-bpe": bpe(ids_apart),
    "odd-ids-shared": words(ids_shared),
    "odd-added-far-away": words(added_far_away, added=shape(60)),
    "odd-added-twice": words(added_twice, added=shape(61)),
    "odd-added-to-bert": made("wordpiece", "bert", "bert", "bert", edit=added_far_away, added=shape(62)),
    "odd-template": bert(several_ids),
    "odd-template-truncated": bert(all_of(several_ids, truncated(max_length=9), padded(strategy={"Fixed": 12}))),
    "odd-truncated-1": bert(truncated(max_length=1)),
    "odd-truncated-0": bert(truncated(max_length=0)),
    "odd-truncated-0-words": words(truncated(max_length=0)),
    "odd-truncated-stride": bert(truncated(max_length=5, stride=7)),
    "odd-truncated-stride-equal": bert(truncated(max_length=5, stride=3)),
    "odd-truncated-second": words(truncated(max_length=5, strategy="OnlySecond")),
    "odd-padded-0": words(padded(strategy={"Fixed": 0})),
    "odd-padded-multiple-0": words(padded(pad_to_multiple_of=0)),
    "odd-padded-multiple-1": words(padded(pad_to_multiple_of=1)),
    "odd-wordpiece-nothing-unknown": bert(vocabulary("a", "##a", "b", "rent", "[CLS]", "[SEP]")),
    "odd-wordpiece-few": bert(vocabulary("[UNK]", "[CLS]", "[SEP]", "re", "##n", "##nt", "##t", "##", "ren", "##ent")),
    "odd-wordpiece-empty-piece": made(
        "wordpiece", (), "whitespace", edit=vocabulary("[UNK]", "", "a", "##", "##b", "##bb")
    ),
    "odd-bpe-empty": bpe(all_of(vocabulary(), no_unknown)),
    "odd-bpe-no-merges": bpe(model(merges=[])),
    "odd-bpe-no-merges-bytes": bpe(all_of(model(merges=[]), with_bytes), ()),
    "odd-bpe-ignore-merges-only": bpe(model(merges=[], ignore_merges=True, fuse_unk=True)),
    "odd-wordlevel-empty-token": words(vocabulary("[UNK]", "", "a", " ")),
    "odd-wordlevel-spaces": made("wordlevel", (), (), edit=vocabulary("[UNK]", "", " ", "a b", "the ")),
    "odd-limit-0": bert(model(max_input_chars_per_word=0)),
    "odd-limit-1": bert(model(max_input_chars_per_word=1)),
    "odd-replace-nothing": bpe(normalizer(type="Replace", pattern={"String": "a"}, content="")),
    "odd-replace-longer": bpe(normalizer(type="Replace", pattern={"String": "aa"}, content="aaa")),
    "odd-replace-start": bpe(normalizer(type="Replace", pattern={"Regex": "^."}, content="#")),
    "odd-replace-end": bpe(normalizer(type="Replace", pattern={"Regex": ".$"}, content="#")),
    "odd-prepend-nothing": bpe(normalizer(type="Prepend", prepend="")),
    "odd-prepend-space": bpe(normalizer(type="Prepend", prepend=" a")),
    "odd-length": bpe(truncated(**longer(3)), "fixed-3", model={"fuse_unk": True}),
}
