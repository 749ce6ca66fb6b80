"""The outputs in docs/check.md, as `assay check` prints them.

.venv/bin/python tools/check_page.py            # says whether the page is as the command prints it, times aside
.venv/bin/python tools/check_page.py --write    # writes them anew
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "check.md"
BAD = """from datetime import datetime
from assay import event, feature, rule

SEEN = {}


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float


def age_of_card(card: str) -> float:
    return float(open(f"cards/{card}.txt").read())


@feature
def times_seen(card: str) -> int:
    SEEN[card] = SEEN.get(card, 0) + 1
    return SEEN[card]


@feature
def young_card(card: str) -> bool:
    return age_of_card(card) < 30


@rule("review")
def at_night(amount: float) -> bool:
    return amount > 1000 and datetime.now().hour < 6
"""


def run(folder: Path, *arguments: str) -> str:
    """What the command writes for people, with the command before it."""
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "120"}
    command = [sys.executable, "-m", "assay", *arguments]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    lines = (line.rstrip() for line in result.stderr.rstrip().split("\n"))
    return f"```\n$ assay {' '.join(arguments)}\n" + "\n".join(lines) + "\n```\n"


def outputs() -> dict[str, str]:
    """Each block of the page by its name."""
    with tempfile.TemporaryDirectory(prefix="assay-") as name:
        folder = Path(name)
        run(folder, "new", "shop")
        good = run(folder / "shop", "check", "fraud.py", "--sample", "payments.jsonl", "--verbose")
        (folder / "bad.py").write_text(BAD)
        rows = [{"id": f"p-{n}", "at": "2026-03-01T12:00:00Z", "card": f"c-{n}", "amount": 2000.0} for n in range(50)]
        (folder / "payments.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        bad = run(folder, "check", "bad.py", "--sample", "payments.jsonl")
    return {"good": good, "bad": bad}


def rules() -> str:
    """The rows of the table of codes."""
    from assay._advice import RULES
    from assay._sarif import RULE_LEVELS

    rows = (
        f"| `{code}` | {rule.title}. {rule.text} | {RULE_LEVELS.get(code, 'error')} |" for code, rule in RULES.items()
    )
    return "\n".join(rows) + "\n"


def page(text: str, blocks: dict[str, str], table: str) -> str:
    """The page with its blocks as they are now."""
    for name, block in blocks.items():
        text = re.sub(
            rf"(<!-- output: {name} -->\n).*?(<!-- end -->)", lambda m, b=block: m[1] + b + m[2], text, flags=re.DOTALL
        )
    return re.sub(r"(<!-- rules -->\n).*?(<!-- end -->)", lambda m: m[1] + table + m[2], text, flags=re.DOTALL)


def without_times(text: str) -> str:
    """The text with every time as one word, and the spaces before it as one."""
    return re.sub(r" *[0-9.]+ (ns|us|ms)\b", " TIME", text)


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = page(before, outputs(), rules())
    if without_times(before) == without_times(after):
        print("docs/check.md is as the command prints it")
        return 0
    if "--write" in sys.argv:
        PAGE.write_text(after, encoding="utf-8")
        print("docs/check.md: written")
        return 0
    print("docs/check.md is stale: tools/check_page.py --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
