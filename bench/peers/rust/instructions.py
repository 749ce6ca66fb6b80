"""From callgrind_annotate's inclusive table to instructions per payment and stage: the last step of `stages`."""

from __future__ import annotations

import json
import re
import sys

# the functions that are a stage's, by a part of their names
STAGES = {
    "parse": ["cards::payment::parse"],
    "features": ["cards::features::Early::of", "cards::features::Features::of"],
    "windows": ["cards::store::Store::read_and_enter"],
    "model": ["cards::score::Scorer::predict"],
    "rules and reply": ["cards::rules::decide", "cards::score::write_reply"],
}
ROW = re.compile(r"\s*([\d,]+)\s+\([ \d.]+%\)\s+(?:\S*:)?((?:cards::|<cards).*)")


def main() -> None:
    payments = int(sys.argv[1])
    inclusive: dict[str, int] = {}
    for line in sys.stdin:
        if match := ROW.match(line):
            name = match[2].split(" [")[0].split("'")[0].strip()
            inclusive[name] = max(inclusive.get(name, 0), int(match[1].replace(",", "")))
    counts: dict[str, float | None] = dict.fromkeys(["tokenization", "table", "journal"])
    for stage, functions in STAGES.items():
        found = [count for name, count in inclusive.items() for function in functions if name == function]
        if len(found) != len(functions):
            sys.exit(f"stages: {len(found)} of the functions of {stage} were counted, not {len(functions)}")
        counts[stage] = sum(found) / payments
    print(json.dumps({"payments": payments, "instructions": counts}))


if __name__ == "__main__":
    main()
