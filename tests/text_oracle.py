"""The oracle of the tokenizers: the engine's ids must be those of the `tokenizers` package, for every tokenizer.json.

    python tests/text_oracle.py [--files NAME ...] [--fresh 40] [--registry all] [--strings 20000] [--seed 0]

Tokenizers are trained here over the components and their combinations (text_files.py), drawn at random, and taken out
of packages that ship real ones (text_registry.py). Each is asked for generated strings (text_strings.py), with and
without special tokens, and for every code point alone and between letters. Where ids differ, the string is made as
small as it can be and printed with the file's components. One line to quote at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import text_strings

KEEP = 4  # smallest strings shown of one file
KEPT = Path(__file__).resolve().parents[1] / "build" / "text-oracle"
Make = Callable[[], bytes]
Ids = list[int] | str  # a string: no ids, "an error" instead, or the package's own "panic"


@dataclass
class Compared:
    name: str
    strings: int = 0
    differing: int = 0
    errors: int = 0  # times that the package has no ids
    refused: str | None = None
    smallest: list[tuple[str, bool, Ids, Ids]] = field(default_factory=list)  # string, special, expected, got
    components: str = ""


def components(source: bytes) -> str:
    """The file without what is long in it."""
    whole = json.loads(source)
    model = {key: value for key, value in whole["model"].items() if key not in ("vocab", "merges")}
    shown = {key: whole.get(key) for key in ("normalizer", "pre_tokenizer", "post_processor", "truncation", "padding")}
    text = json.dumps({"model": model} | {key: value for key, value in shown.items() if value}, ensure_ascii=False)
    return text if len(text) < 3000 else text[:3000] + "..."


def asked(tokenizer: Any, text: str, special: bool) -> Ids:
    """What the package says. A panic is a fault of its own, which says nothing about what the ids should be."""
    try:
        return list(tokenizer.encode(text, add_special_tokens=special).ids)
    except Exception:
        return "an error"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return "panic"


def answered(engine: Any, text: str, special: bool) -> Ids:
    try:
        return list(engine.encode(text, special))
    except ValueError:
        return "an error"


def differ(tokenizer: Any, engine: Any, text: str, special: bool) -> bool:
    expected = asked(tokenizer, text, special)
    return expected != answered(engine, text, special) and expected != "panic"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The package writes each panic of its own to standard error."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def smaller(text: str, wrong: Callable[[str], bool]) -> str:
    """The smallest string that is still wrong which taking out parts, then plainer characters, leads to."""
    step = max(1, len(text) // 2)
    while step:
        at = 0
        while at < len(text):
            shorter = text[:at] + text[at + step :]
            if wrong(shorter):
                text = shorter
            else:
                at += step
        step //= 2
    for at, c in enumerate(text):
        for plain in ("a", " "):
            changed = text[:at] + plain + text[at + 1 :]
            if c > "~" and wrong(changed):
                text = changed
                break
    return text


def engine_of(source: bytes, name: str) -> Any:
    from assay import _engine, _tokenizers

    return _engine.Tokenizer(_tokenizers.build(source, name))


def added_and_vocabulary(source: bytes, tokenizer: Any) -> tuple[list[str], list[str]]:
    added = [each["content"] for each in json.loads(source).get("added_tokens", [])]
    return added[:200], sorted(tokenizer.get_vocab(with_added_tokens=False))


def compare(
    name: str, source: bytes, seed: int, count: int, *, sweep: int, long_ones: int = 8, size: int = 65536
) -> Compared:
    from assay import _tokenizers
    from tokenizers import Tokenizer

    found = Compared(name, components=components(source))
    tokenizer = Tokenizer.from_str(source.decode())
    try:
        engine = engine_of(source, name)
    except _tokenizers.TokenizerError as error:
        found.refused = str(error)
        return found
    rng = random.Random(f"{name}-{seed}")
    added, vocabulary = added_and_vocabulary(source, tokenizer)
    rows: Iterable[str] = text_strings.strings(rng, vocabulary, added, count, long_ones, size)
    with quiet():
        for text in [*rows, *(text_strings.sweeps(sweep) if sweep else ())]:
            found.strings += 1
            for special in (True, False):
                found.errors += isinstance(asked(tokenizer, text, special), str)
                if differ(tokenizer, engine, text, special):
                    found.differing += 1
                    shrink(found, tokenizer, engine, text, special)
                    break
    return found


def kept(source: bytes, name: str, folder: Path) -> Path:
    """Training is not always the same twice, so a file that differs is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_bytes(source)
    return file


def shrink(found: Compared, tokenizer: Any, engine: Any, text: str, special: bool) -> None:
    if len(found.smallest) == KEEP:
        return
    least = smaller(text, lambda shorter: differ(tokenizer, engine, shorter, special))
    if least not in [each[0] for each in found.smallest]:
        both = asked(tokenizer, least, special), answered(engine, least, special)
        found.smallest.append((least, special, *both))


def described(found: Compared, tokenizer: Any) -> str:
    """For whoever mends it."""

    def shown(ids: Ids) -> str:
        if isinstance(ids, str):
            return ids
        some = ids[:24]
        return f"{some}{'...' if len(ids) > 24 else ''} = {[tokenizer.id_to_token(each) for each in some]}"

    lines = [f"## {found.name}: {found.differing} of {found.strings} strings", "", f"`{found.components}`", ""]
    for text, special, expected, got in found.smallest:
        points = " ".join(f"U+{ord(c):04X}" for c in text[:40])
        lines += [f"- {text[:300]!r} ({points}), special={special}"]
        lines += [f"  - tokenizers: {shown(expected)}", f"  - engine: {shown(got)}"]
    return "\n".join(lines) + "\n"


def chosen(arguments: argparse.Namespace) -> dict[str, Make]:
    import text_files
    import text_files_odd
    import text_registry

    files: dict[str, Make] = text_files.NAMED | text_files_odd.ODD
    files |= {
        f"fresh-{seed}": (lambda seed=seed: text_files.fresh(seed))
        for seed in range(arguments.seed, arguments.seed + arguments.fresh)
    }
    if arguments.registry != "none":
        files |= text_registry.SMALL | (text_registry.LARGE if arguments.registry == "all" else {})
    if arguments.files:
        files = {name: make for name, make in files.items() if any(name.startswith(each) for each in arguments.files)}
    return files


def one(name: str, make: Make, arguments: argparse.Namespace, report: list[str]) -> Compared | None:
    """Compares one file; None if it cannot be had here."""
    from text_registry import NotThere
    from tokenizers import Tokenizer

    try:
        source = make()
    except (NotThere, ImportError) as error:
        print(f"{name}: skipped, {error}", file=sys.stderr)
        return None
    found = compare(name, source, arguments.seed, arguments.strings, sweep=0 if arguments.no_sweep else 12)
    if found.refused:
        print(f"{name}: refused: {found.refused}", file=sys.stderr)
    if found.differing:
        text = described(found, Tokenizer.from_str(source.decode()))
        print(text, file=sys.stderr)
        report.append(text)
        kept(source, name, arguments.keep)
    return found


def main() -> int:
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", nargs="+", metavar="NAME", help="only those whose names begin so")
    parser.add_argument("--fresh", type=int, default=40, help="tokenizers whose components are drawn (40)")
    parser.add_argument(
        "--registry", choices=["none", "small", "all"], default="all", help="those that packages ship (all)"
    )
    parser.add_argument(
        "--strings", type=int, default=20000, help="for each tokenizer, besides every code point (20000)"
    )
    parser.add_argument("--no-sweep", action="store_true", help="leave out every code point alone and between letters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, metavar="FILE", help="append what differs to it")
    parser.add_argument(
        "--keep",
        type=Path,
        default=KEPT,
        metavar="FOLDER",
        help="where the tokenizer.json of what differs goes (build/)",
    )
    arguments = parser.parse_args()
    files, report = chosen(arguments), []
    results = [one(name, make, arguments, report) for name, make in track(files.items(), description="tokenizers")]
    if arguments.report and report:
        with arguments.report.open("a", encoding="utf-8") as out:
            out.write("\n".join(report))
    return conclude([found for found in results if found is not None], len(files))


def conclude(found: list[Compared], wanted: int) -> int:
    import tokenizers

    compared = [each for each in found if not each.refused]
    refused = [each.name for each in found if each.refused]
    differing = [each.name for each in compared if each.differing]
    if refused:
        print(f"refused: {len(refused)}: {', '.join(refused)}")
    if len(found) < wanted:
        print(f"skipped: {wanted - len(found)}, which cannot be had here")
    if differing:
        print(f"differing: {', '.join(differing)}")
    strings, wrong = sum(each.strings for each in compared), sum(each.differing for each in compared)
    none = sum(each.errors for each in compared)
    print(
        f"tokenizers {tokenizers.__version__}: {len(compared)} tokenizer.json files, {strings:,} strings with and "
        f"without special tokens: {wrong} differ ({none:,} times the package has no ids)"
    )
    return bool(differing or not compared)


if __name__ == "__main__":
    sys.exit(main())
