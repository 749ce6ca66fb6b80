"""docs/corpus.md: what `assay check` says of the functions of tests/corpus; tests/not-native.txt: which are not native,
and why.

.venv/bin/python tools/corpus_page.py            # says whether the page is as the command prints it
.venv/bin/python tools/corpus_page.py --write    # writes both anew (as `make corpus-page` does)
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "corpus.md"
CORPUS = ROOT / "tests" / "corpus"
LIST = ROOT / "tests" / "not-native.txt"
LIST_HEAD = (
    "# Functions of tests/corpus that do not compile: MODULE.NAME | line: what the compiler says | the way out\n"
)
HEAD = """# What `assay check` says of {functions} functions

`tests/corpus` holds functions as people write them for fraud: {features} features, {rules} rules, {decisions} decisions
in {modules} modules, of engineers, rules analysts and people with notebooks. {native} are native, {share:.1f}%;
`tests/not-native.txt` names the others. `tests/test_corpus.py` compares every native one with CPython on generated
payments, values, types, bits and exceptions:
`ASSAY_CORPUS_PAYMENTS=1500 .venv/bin/python -m pytest tests/test_corpus.py`
gives each module {payments} payments, and checks that each function got at least 1,000 inputs.

| module | functions | native | what it is about |
| --- | --- | --- | --- |
{table}
Below is what the command prints, but for the line of worst cases. Each problem has the place in `file:line:column`,
the construct, the functions that it keeps out, and the way to write it instead.

`tools/corpus_page.py --write` makes this page, and a test compares it.

"""


def printed(file: Path) -> tuple[str, int, int, list[str]]:
    """What the command prints of a module; how many of its functions are native, how many there are; the others."""
    from assay._check import check
    from assay._show import show_check
    from rich.console import Console

    text = io.StringIO()
    checked = check(file)
    console = Console(file=text, width=120, no_color=True, highlight=False, soft_wrap=True)
    show_check(checked, console)
    lines = [line.rstrip() for line in text.getvalue().rstrip().split("\n") if not line.startswith("  worst case")]
    native = sum(each.native for each in checked.functions)
    kept_out = []
    for each in sorted(checked.functions, key=lambda one: one.name):
        problem = each.kept_out
        if problem is not None:
            line = problem.place.line if problem.place is not None else 0
            kept_out.append(f"{file.stem}.{each.name} | {line}: {problem.message} | {problem.help}".rstrip(" |") + "\n")
    text_of = f"```\n$ assay check {file.name}\n" + "\n".join(lines) + "\n```\n"
    return text_of, native, len(checked.functions), kept_out


def made() -> tuple[str, str]:
    """The page, and the list of what is not native."""
    from assay._read import read

    before = Path.cwd()
    blocks, table, listed = [], [], [LIST_HEAD]
    totals = dict.fromkeys(("functions", "native", "features", "rules", "decisions"), 0)
    try:
        os.chdir(CORPUS)
        for file in sorted(CORPUS.glob("*.py")):
            text, native, functions, kept_out = printed(Path(file.name))
            listed += kept_out
            definition = read(file)
            about = file.read_text(encoding="utf-8").split("\n")[0].strip('"').rstrip(".")
            table.append(f"| `{file.name}` | {functions} | {native} | {about} |\n")
            blocks.append(text)
            totals["functions"] += functions
            totals["native"] += native
            totals["features"] += len(definition.features)
            totals["rules"] += len(definition.rules)
    finally:
        os.chdir(before)
    totals["decisions"] = totals["functions"] - totals["features"] - totals["rules"]
    share = 100 * totals["native"] / totals["functions"]
    head = HEAD.format(**totals, modules=len(blocks), share=share, table="".join(table), payments="3,000")
    return head + "\n".join(blocks), "".join(listed)


def main() -> int:
    page, listed = made()
    if "--write" in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
        LIST.write_text(listed, encoding="utf-8")
        print("docs/corpus.md, tests/not-native.txt: written")
        return 0
    if PAGE.read_text(encoding="utf-8") == page:
        print("docs/corpus.md is as the command prints it")
        return 0
    print("docs/corpus.md is stale: tools/corpus_page.py --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
