"""Measures the engine's tokenizers beside others: WordPiece, byte-level BPE and Unigram on memos, and on hostile text.

    make bench-text                           # everything, a few minutes; into the section "Text" of bench/RESULTS.md
    .venv/bin/python bench/text.py --own      # the engine and what Python has; no Rust, no report
    .venv/bin/python bench/text.py --kinds wordpiece --rounds 2 --no-report

One string a call, one thread, another string each call, in CPU time of that thread. Systems take turns. A system whose
ids are not those of the `tokenizers` package is shown with the number of strings that agree, and without a time.
The tokenizers come out of packages (tests/text_registry.py); a peer whose toolchain or package is missing is left out,
with a message. Hostile text is 64 KiB of one character, for every category, and of what makes merging or splitting
slow: nanoseconds a byte, against those of ordinary memos.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from text_section import HOSTILE_LIMIT, section

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "bench" / "text"
BUILD = ROOT / "build" / "bench-text"
STRINGS, PASSES = 4000, 5
HOSTILE_BYTES = 64 * 1024
REPEATED = (" ", "a", "A", "1", "'", "-", "\n", "\r\n", "ab", "aA", "a ", " a", "'s", "a1", "the", "\u0301", "a\u0301")
console = Console(stderr=True, highlight=False)

sys.path.insert(0, str(ROOT / "tests"))
import text_registry  # type: ignore[import-not-found]  # noqa: E402
import text_strings  # type: ignore[import-not-found]  # noqa: E402

FILES = {"wordpiece": "bert-base-uncased", "bpe": "cl100k", "unigram": "j2"}
TOLD = {
    "wordpiece": "WordPiece, 30,522 pieces (BERT's uncased)",
    "bpe": "byte-level BPE, 100,256 tokens (cl100k)",
    "unigram": "Unigram, 262,144 pieces (J2, with its character map)",
}


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


# --- what is encoded ------------------------------------------------------------------------------------------------


def memos(count: int, share: float, seed: int) -> list[str]:
    """Of 5 to 25 words: common words often, some numbers, some misspelt; `share` of the words in other scripts."""
    rng = random.Random(seed)
    pieces = json.loads(text_registry.SMALL["bert-base-uncased"]())["model"]["vocab"]
    words = [piece for piece in pieces if piece.isascii() and piece.isalpha() and len(piece) > 1][:12000]
    weights = [1 / (10 + i) for i in range(len(words))]
    others = [word for kind in text_strings.WORDS.values() for word in kind if not word.isascii()]
    made = []
    for _ in range(count):
        chosen = rng.choices(words, weights, k=rng.randint(5, 25))
        for at, word in enumerate(chosen):
            chance = rng.random()
            if rng.random() < share:
                chosen[at] = rng.choice(others)
            elif chance < 0.06:
                chosen[at] = str(rng.randrange(10 ** rng.randint(1, 6)))
            elif chance < 0.1:
                cut = rng.randrange(len(word))
                chosen[at] = word[:cut] + rng.choice("aeioxz") + word[cut + 1 :]
            elif chance < 0.16:
                chosen[at] = word + rng.choice(",.!?:'")
        made.append(" ".join(chosen).capitalize())
    return made


def of_category() -> dict[str, str]:
    """Of each category the first character that may stand in a text, and one at random."""
    rng, kinds = random.Random(3), text_strings.by_category()
    chosen = {}
    for kind, points in sorted(kinds.items()):
        for c in {points[0], rng.choice(points)}:
            chosen[f"{kind} U+{ord(c):04X}"] = c
    return chosen


def hostile() -> dict[str, str]:
    rng = random.Random(4)
    repeated = of_category() | {repr(text): text for text in REPEATED}
    made = {f"{name} repeated": (text * HOSTILE_BYTES)[:HOSTILE_BYTES] for name, text in repeated.items()}
    made["a and b at random"] = "".join(rng.choices("ab", k=HOSTILE_BYTES))
    made["letters at random"] = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=HOSTILE_BYTES))
    made["spaces, then a letter"] = " " * (HOSTILE_BYTES - 1) + "x"
    made["spaces at random"] = "".join(rng.choices(" \t\n\r\u00a0\u3000", k=HOSTILE_BYTES))
    made["one combining mark after another"] = "a" + "".join(rng.choices("\u0300\u0323\u0327\u0315", k=HOSTILE_BYTES))
    made["any character at random"] = "".join(rng.choices(text_strings.assigned(), k=HOSTILE_BYTES))
    made["words without spaces"] = "".join(memos(700, 0, 5)).replace(" ", "")
    return {name: text.encode()[:HOSTILE_BYTES].decode(errors="ignore") for name, text in made.items()}


def write_strings(file: Path, texts: list[str]) -> None:
    coded = [text.encode() for text in texts]
    file.write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in coded))


# --- who encodes ----------------------------------------------------------------------------------------------------


def run(*command: str | Path, **environment: str) -> str:
    plain = [str(part) for part in command]
    got = subprocess.run(plain, capture_output=True, text=True, check=False, env=os.environ | environment)
    if got.returncode != 0:
        raise Missing(f"{Path(str(command[0])).name} failed: {(got.stderr or got.stdout or '').strip()[-300:]}")
    return got.stdout


@dataclass
class Peers:
    """The programs, each built when first wanted."""

    built: dict[str, Path] = field(default_factory=dict)

    def get(self, name: str, make: Callable[[], Path]) -> Path:
        if name not in self.built:
            self.built[name] = make()
        return self.built[name]

    def assay(self) -> Path:
        def make() -> Path:
            build = ROOT / "build" / "bench"
            run("cmake", "-G", "Ninja", "-S", ROOT, "-B", build)
            run("cmake", "--build", build, "--target", "text_bench")
            return build / "text_bench"

        return self.get("assay", make)

    def rust(self) -> Path:
        def make() -> Path:
            if shutil.which("cargo") is None:
                raise Missing("needs cargo (Rust 1.88 or later)")
            run("cargo", "build", "--release", "--quiet", "--manifest-path", HERE / "rust" / "Cargo.toml",
                CARGO_TARGET_DIR=str(BUILD / "rust"), RUSTFLAGS="-C target-cpu=native")  # fmt: skip
            return BUILD / "rust" / "release" / "text-peers"

        return self.get("rust", make)

    def python(self, *packages: str) -> Path:
        def make() -> Path:
            folder = BUILD / f"python-{packages[0]}"
            if not (folder / "bin" / "python").exists():
                run(sys.executable, "-m", "venv", folder)
            run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages)
            return folder / "bin" / "python"

        return self.get(packages[0], make)

    def blingfire(self) -> tuple[Path, Path]:
        """The program and the package's folder."""
        python = self.python("blingfire")

        def make() -> Path:
            run("cc", "-O2", "-o", BUILD / "blingfire-peer", HERE / "blingfire.c", "-ldl")
            return BUILD / "blingfire-peer"

        ask = "import importlib.util as u; print(u.find_spec('blingfire').submodule_search_locations[0])"
        where = run(python, "-c", ask)
        return self.get("blingfire-peer", make), Path(where.strip())


def part_of(kind: str) -> Path:
    """The tokenizer as the engine reads it."""
    from assay import _tokenizers  # type: ignore[import-untyped]

    file = BUILD / f"{kind}.part"
    file.write_bytes(_tokenizers.build((BUILD / f"{kind}.json").read_bytes(), FILES[kind]))
    return file


def command_of(system: str, kind: str, peers: Peers) -> list[str | Path]:
    """Program and arguments up to the strings."""
    source = BUILD / f"{kind}.json"
    if system == "assay":
        return [peers.assay(), part_of(kind)]
    if system == "blingfire":
        program, folder = peers.blingfire()
        return [program, folder / "libblingfiretokdll.so", folder / "bert_base_tok.bin"]
    if system in ("tokenizers-python", "tiktoken-python", "rs-bpe"):
        python = peers.python(
            {"tokenizers-python": "tokenizers", "tiktoken-python": "tiktoken", "rs-bpe": "rs-bpe"}[system]
        )
        return [
            python,
            HERE / "python_peers.py",
            system,
            BUILD / "cl100k.ranks" if system == "tiktoken-python" else source,
        ]
    return [peers.rust(), system, source]


EVERY = ["assay", "tokenizers", "tokenizers-fast", "tokenizers-python"]
SYSTEMS = {
    "wordpiece": [*EVERY, "blingfire"],
    "bpe": [*EVERY, "tiktoken", "tiktoken-python", "bpe-openai", "rs-bpe"],
    "unigram": EVERY,
}
OWN = ("assay", "tokenizers-python")


# --- the steps ------------------------------------------------------------------------------------------------------


def ids_in(file: Path) -> list[list[int]]:
    return [[int(each) for each in line.split()] for line in file.read_text(encoding="ascii").splitlines()]


def expected_ids(kind: str, texts: list[str], system: str) -> list[list[int]]:
    """The package's; without what stands around a text for those that know nothing of it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(BUILD / f"{kind}.json"))
    return [tokenizer.encode(text, add_special_tokens=system != "blingfire").ids for text in texts]


def measure_kind(kind: str, systems: list[str], texts: dict[str, list[str]], rounds: int, peers: Peers,
                 step: Callable[[str], None]) -> dict[str, Any]:  # fmt: skip
    commands: dict[str, list[str | Path]] = {}
    found: dict[str, Any] = {}
    for system in systems:
        try:
            commands[system] = command_of(system, kind, peers)
        except Missing as error:
            console.print(f"{kind}: {system} is left out: {error}")
    times: dict[str, dict[str, list[float]]] = {system: {name: [] for name in texts} for system in commands}
    for number in range(rounds):
        order = list(commands)[number % len(commands) :] + list(commands)[: number % len(commands)]
        for system in order:
            for name in texts:
                step(f"{kind}: {system}, {name}")
                out = BUILD / f"{kind}-{system}-{name}.ids"
                times[system][name] += json.loads(run(*commands[system], BUILD / f"{name}.strings", str(PASSES), out))
    for system in commands:
        found[system] = {}
        for name, some in texts.items():
            got, expected = ids_in(BUILD / f"{kind}-{system}-{name}.ids"), expected_ids(kind, some, system)
            same = sum(a == b for a, b in zip(got, expected, strict=True))
            taken = times[system][name]
            found[system][name] = {
                "ns": statistics.median(taken),
                "least": min(taken),
                "same": same,
                "of": len(some),
                "tokens": statistics.mean(map(len, expected)),
            }
    return found


def measure_hostile(kind: str, ordinary_ns: float, peers: Peers) -> list[dict[str, Any]]:
    """Nanoseconds a byte of the engine alone, in order of slowness."""
    cases = hostile()
    write_strings(BUILD / "hostile.strings", list(cases.values()))
    arguments = [*command_of("assay", kind, peers), BUILD / "hostile.strings", "3", BUILD / "hostile.ids", "each"]
    each = json.loads(run(*arguments))
    rows: list[dict[str, Any]] = [
        {"case": name, "ns": ns / len(text.encode()), "times": ns / len(text.encode()) / ordinary_ns}
        for (name, text), ns in zip(cases.items(), each, strict=True)
    ]
    return sorted(rows, key=lambda row: -row["ns"])


def execute(arguments: argparse.Namespace) -> dict[str, Any]:
    BUILD.mkdir(parents=True, exist_ok=True)
    texts = {"memos": memos(STRINGS, 0, 1), "mixed": memos(STRINGS, 0.3, 2)}
    for name, some in texts.items():
        write_strings(BUILD / f"{name}.strings", some)
    ranks = text_registry.OPENAI.read("package/data/cl100k_base.tiktoken")
    (BUILD / "cl100k.ranks").write_bytes(ranks)
    bytes_of = {name: statistics.mean(len(text.encode()) for text in some) for name, some in texts.items()}
    result: dict[str, Any] = {"bytes": bytes_of, "strings": STRINGS, "kinds": {}, "hostile": {}}
    peers = Peers()
    with Progress(console=console) as bar:
        task = bar.add_task("text")
        for kind in arguments.kinds:
            (BUILD / f"{kind}.json").write_bytes(text_registry.SMALL[FILES[kind]]())
            systems = [each for each in SYSTEMS[kind] if not arguments.own or each in OWN]
            bar.reset(task, total=len(systems) * len(texts) * arguments.rounds)

            def step(text: str) -> None:
                bar.update(task, advance=1, description=text)

            found = measure_kind(kind, systems, texts, arguments.rounds, peers, step)
            result["kinds"][kind] = {"told": TOLD[kind], "systems": found}
            if "assay" in found:
                ordinary = found["assay"]["memos"]["least"] / bytes_of["memos"]
                result["hostile"][kind] = measure_hostile(kind, ordinary, peers)
    return result


def put_section(lines: list[str], file: Path) -> None:
    """Instead of the section of that name, or at the end of the file."""
    before = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    head = lines[0]
    start = before.index(head) if head in before else len(before)
    after = next((i for i in range(start + 1, len(before)) if before[i].startswith("## ")), len(before))
    file.write_text("\n".join([*before[:start], *lines, *before[after:]]).rstrip("\n") + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=list(FILES), default=list(FILES))
    parser.add_argument("--rounds", type=int, default=5, help=f"of every system, {PASSES} passes each (5)")
    parser.add_argument("--own", action="store_true", help="only the engine and Python's tokenizers; no report")
    parser.add_argument("--no-report", action="store_true", help="print only")
    arguments = parser.parse_args()
    try:
        result = execute(arguments)
    except text_registry.NotThere as error:
        console.print(f"bench-text: skipped, {error}")
        return 0
    lines = section(result)
    print("\n".join(lines))
    if not arguments.own and not arguments.no_report and len(arguments.kinds) == len(FILES):
        kept = ROOT / "build" / "bench-peers" / "text.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(result, indent=1), encoding="utf-8")
        put_section(lines, ROOT / "bench" / "RESULTS.md")
    ours = [kind["systems"].get("assay", {}) for kind in result["kinds"].values()]
    slow = [row for rows in result["hostile"].values() for row in rows if row["times"] > HOSTILE_LIMIT]
    wrong = [one for by_text in ours for one in by_text.values() if one["same"] < one["of"]]
    return bool(slow or wrong)


if __name__ == "__main__":
    sys.exit(main())
