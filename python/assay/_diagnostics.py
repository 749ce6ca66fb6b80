"""How problems are shown: the user's own line, a caret under the place, what is wrong and the way to write it.

    fraud.py:97:21  card_usual may be None here
       97 |     return amount / card_usual
          |                     ^^^^^^^^^^ `float | None`: test it first

`render` gives rich text for a terminal, `plain` the same without colour.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.text import Text

from ._definition import DefinitionError as DefinitionError
from ._definition import Place, Problem
from ._source import line_of

WIDTH_MAX = 110  # of a source line; a longer one is cut around the place
TAB = 4
STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}


def counted(number: int, what: str) -> str:
    """ "1 event", "2,000 events"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def plain(problems: Iterable[Problem]) -> str:
    """The problems as plain text."""
    return render(list(problems)).plain


def render(problems: Sequence[Problem], where: Callable[[Problem], str] = lambda problem: "") -> Text:
    """The problems, one after the other, with colours. `where`: what to add behind the message."""
    text = Text()
    for at, problem in enumerate(problems):
        if at:
            text.append("\n")
        _append(text, problem, where(problem))
    return text


def _append(text: Text, problem: Problem, where: str) -> None:
    style = STYLES.get(problem.severity, "bold")
    place = problem.place
    if place is None:
        text.append(f"{problem.severity}: ", style)
        text.append(f"{problem.message}\n")
        if problem.help:
            text.append(f"  {problem.help}\n", "cyan")
        return
    text.append(f"{shown(place.file)}:{place.line}:{place.column + 1}", "bold")
    text.append("  ")
    text.append(problem.message, style)
    if where:
        text.append(f"  ({where})", "dim")
    text.append("\n")
    gutter = max(len(str(place.line)) + 3, 6)
    source = line_of(place.file, place.line)
    if not source.strip():
        if problem.help:
            text.append(f"{'':{gutter}} {problem.help}\n", "cyan")
        return
    line, start, width = _cut(source, place)
    text.append(f"{place.line:>{gutter}} | ", "dim")
    text.append(f"{line}\n")
    text.append(f"{'':>{gutter}} | ", "dim")
    text.append(" " * start)
    text.append("^" * width, style)
    if problem.help:
        text.append(f" {problem.help}", "cyan")
    text.append("\n")
    if problem.why:
        text.append(f"{'':>{gutter}}   {problem.why}\n")


def shown(file: Path) -> str:
    """The file relative to where the user stands, if it is below."""
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return file.as_posix()


def _cut(source: str, place: Place) -> tuple[str, int, int]:
    """The line as it is shown, and where in it, in columns of the terminal, the caret begins and how wide it is."""
    start = min(place.column, len(source))
    end = place.end_column if place.end_line in (0, place.line) else len(source.rstrip())
    end = min(max(end, start + 1), max(len(source), start + 1))
    left = 0
    if len(source) > WIDTH_MAX:
        left = max(0, min(start - 20, len(source) - WIDTH_MAX))
    right = min(len(source), left + WIDTH_MAX)
    before, marked = source[left:start], source[start : min(end, right)]
    head = "..." if left else ""
    tail = "..." if right < len(source) else ""
    line = head + _expanded(source[left:right]) + tail
    column = len(head) + _columns(_expanded(before))
    return line, column, max(_columns(marked), 1)


def _expanded(text: str) -> str:
    return "".join(" " * TAB if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _columns(text: str) -> int:
    """How many terminal columns a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)
