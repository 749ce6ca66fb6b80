"""The few rules of this house that no other tool checks. `make lint` runs it; CONTRIBUTING.md gives the reasons.

    python tools/house.py            # says what breaks a rule, with file and line; exit status 1 if anything does
    python tools/house.py --list     # the longest functions and files, for information

Rules, for C under engine/, http/, server/, python/assay/_engine/ and bench/:
  - a function fits in 60 lines, a file in 700, a line in 140 characters; no tabs, no space at a line's end
  - a file opens with a comment (at most 25 lines) that says what it is for
  - a header has an include guard that begins with ASSAY_ and is no other header's
  - includes point back along the way of a payment, never forward (see ROOMS)
  - libc functions that overrun buffers or keep hidden state are not called, and assert() is ASSERT()
  - a fuzz target has seeds: x_fuzz.c beside x_corpus/
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("engine", "http", "server", "python/assay/_engine", "bench")

FUNCTION_LINES = 60
FILE_LINES = 700
LINE_CHARACTERS = 140
OPENING_LINES = 25

# In the order in which a payment meets them. A room may include itself and what stands before it.
ROOMS = ("base", "io", "event", "text", "code", "window", "model", "decide", "journal", "engine", "http", "server")
HTTP_MAY = {"base", "io", "http"}  # it does not know of payments

BANNED = """strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof
gmtime localtime asctime ctime alloca rand srand setjmp longjmp assert"""
TESTS_MAY = {"rand", "srand"}  # seeded, so that a failure happens again
BANNED_CALL = re.compile(rf"(?<![\w.>])({'|'.join(BANNED.split())})\s*\(")

# Functions that are one table in the form of a switch, and longer than the limit for that reason.
TABLES: dict[tuple[str, str], str] = {
    ("engine/code/run.c", "run_piece"): "one short case per instruction, joined by computed goto",
}

FUNCTION_START = re.compile(r"^(?!typedef|struct \w+ \{|enum|union|#|/|\}|extern \"C\").*?(\w+)\s*\([^;]*$")
GENERATED = re.compile(r"/\* Written by \w+\.py")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


@dataclass(frozen=True)
class Finding:
    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.[ch]")]
    return sorted(path for path in found if not any(part.endswith("_corpus") for part in path.parts))


def without_comments_and_strings(text: str) -> str:
    """The same text, line for line, with comments and the inside of literals as spaces."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def functions(code: list[str]) -> Iterator[Function]:
    """Function definitions: they begin and end in the first column."""
    name, start = "", 0
    for number, line in enumerate(code, 1):
        if line.startswith("}"):
            if name:
                yield Function(name, start, number - start + 1)
            name = ""
        elif line[:1].strip() and not name and (match := FUNCTION_START.match(line)):
            body = next((later for later in code[number - 1 :] if later.rstrip().endswith(("{", ";", "}"))), "")
            if body.rstrip().endswith("{") and "=" not in body:
                name, start = match[1], number


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "engine":
        return parts[1] if len(parts) > 2 else "engine"
    return parts[0]


def opening_comment(text: str) -> tuple[bool, int]:
    match = re.match(r"/\*.*?\*/", text, re.DOTALL)
    return match is not None, match[0].count("\n") + 1 if match else 0


def check_layout(path: Path, text: str) -> Iterator[Finding]:
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES:
        yield Finding(path, 1, f"{len(lines) - 1} lines, at most {FILE_LINES}: cut it where its purposes part")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARACTERS:
            yield Finding(path, number, f"{len(line)} characters, at most {LINE_CHARACTERS}")
        if line != line.rstrip():
            yield Finding(path, number, "space at the end of the line")
        if "\t" in line:
            yield Finding(path, number, "a tab")
    opens, length = opening_comment(text)
    if not opens:
        yield Finding(path, 1, "no opening comment: what the file is for, who calls it, what holds")
    elif length > OPENING_LINES and path.suffix == ".c":
        yield Finding(path, 1, f"an opening comment of {length} lines, at most {OPENING_LINES}")


def check_header(path: Path, text: str, guards: dict[str, Path]) -> Iterator[Finding]:
    match = re.search(r"^#ifndef (ASSAY_\w+_H)\n#define \1\n", text, re.MULTILINE)
    if match is None:
        yield Finding(path, 1, "no include guard ASSAY_..._H")
    elif guards.setdefault(match[1], path) != path:
        yield Finding(path, 1, f"{match[1]} is the guard of {guards[match[1]].relative_to(ROOT)} too")


def check_includes(path: Path, text: str) -> Iterator[Finding]:
    if "python" in path.relative_to(ROOT).parts[0] or path.stem.endswith(("_test", "_fuzz", "_bench")):
        return
    here = room_of(path)
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        target = (path.parent / match[1]).resolve()
        if not target.is_relative_to(ROOT):
            yield Finding(path, number, f"{match[1]} is outside the repository")
            continue
        there = room_of(target)
        if there not in ROOMS or here not in ROOMS:
            continue
        allowed = there in HTTP_MAY if here == "http" else ROOMS.index(there) <= ROOMS.index(here)
        if not allowed:
            yield Finding(path, number, f"{here} includes {match[1]} of {there}, which a payment meets later")


def check_calls(path: Path, code: list[str]) -> Iterator[Finding]:
    for number, line in enumerate(code, 1):
        if line.lstrip().startswith("#"):
            continue
        for match in BANNED_CALL.finditer(line):
            if match[1] in TESTS_MAY and path.stem.endswith("_test"):
                continue
            yield Finding(path, number, f"{match[1]}() is not used here (engine/base/banned.h)")


def check_functions(path: Path, code: list[str]) -> Iterator[Finding]:
    for function in functions(code):
        if function.lines > FUNCTION_LINES and (str(path.relative_to(ROOT)), function.name) not in TABLES:
            yield Finding(path, function.line, f"{function.name} has {function.lines} lines, at most {FUNCTION_LINES}")


def check_seeds(path: Path) -> Iterator[Finding]:
    if path.stem.endswith("_fuzz"):
        corpus = path.with_name(path.stem.removesuffix("_fuzz") + "_corpus")
        if not corpus.is_dir() or not any(corpus.iterdir()):
            yield Finding(path, 1, f"no seeds: {corpus.name}/ beside it is absent or empty")


def check(path: Path, guards: dict[str, Path]) -> Iterator[Finding]:
    text = path.read_text(encoding="utf-8")
    if GENERATED.match(text):
        return
    code = without_comments_and_strings(text).split("\n")
    yield from check_layout(path, text)
    if path.suffix == ".h":
        yield from check_header(path, text, guards)
    yield from check_includes(path, text)
    yield from check_calls(path, code)
    yield from check_functions(path, code)
    yield from check_seeds(path)


def show_longest() -> None:
    files = sources()
    found = [
        (function.lines, path, function.name)
        for path in files
        for function in functions(without_comments_and_strings(path.read_text(encoding="utf-8")).split("\n"))
    ]
    for lines, path, name in sorted(found, reverse=True)[:20]:
        print(f"{lines:5}  {path.relative_to(ROOT)}  {name}")
    print(f"{len(found)} functions in {len(files)} files")


def main() -> int:
    if "--list" in sys.argv[1:]:
        show_longest()
        return 0
    guards: dict[str, Path] = {}
    findings = [finding for path in sources() for finding in check(path, guards)]
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
