"""Tokenizers from Python, one string at a time, by the rules of rust/src/main.rs:

    python_peers.py SYSTEM TOKENIZER STRINGS PASSES IDS

SYSTEM: tokenizers-python, tiktoken-python or rs-bpe. TOKENIZER is a tokenizer.json, or ranks in tiktoken's format.
"""

from __future__ import annotations

import base64
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s"
)


def encoder(system: str, file: Path) -> Callable[[str], list[int]]:
    if system == "tokenizers-python":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
        return lambda text: tokenizer.encode(text).ids
    if system == "tiktoken-python":
        import tiktoken

        lines = (line.split() for line in file.read_bytes().splitlines() if line)
        ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
        return tiktoken.Encoding("cl100k", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={}).encode_ordinary
    if system == "rs-bpe":
        from rs_bpe.bpe import openai

        return openai.cl100k_base().encode
    sys.exit(f"python_peers.py: {system}: expected tokenizers-python, tiktoken-python or rs-bpe")


def strings_of(data: bytes) -> list[str]:
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return found


def main() -> None:
    system, file, strings, passes, out = sys.argv[1:]
    encode, texts = encoder(system, Path(file)), strings_of(Path(strings).read_bytes())
    Path(out).write_text("".join(" ".join(map(str, encode(text))) + " \n" for text in texts), encoding="ascii")
    measured = []
    for _ in range(int(passes)):
        start = time.thread_time_ns()
        for text in texts:
            encode(text)
        measured.append((time.thread_time_ns() - start) / len(texts))
    print([round(each, 1) for each in measured])


if __name__ == "__main__":
    main()
