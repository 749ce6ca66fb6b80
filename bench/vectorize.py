"""text.vectorize beside scikit-learn: one string, and a column of 100,000 through `backfill`; ratios into RESULTS.md.

python bench/vectorize.py                      `make bench-vectorize` builds what it needs
python bench/vectorize.py --rows 20000 --no-report
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tables import table

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "bench-vectorize" / "vectorize.json"
LINE = "rent invoice order paid transfer gift card refund deposit monthly March late fee Hotel taxi no. 4711 thanks"
WORDS = LINE.split()
STRINGS, ONES, PASSES, ROWS = 2000, 300, 9, 100_000
HEAD = """
import pickle
from datetime import datetime
from pathlib import Path
from assay import event, text
history = "empty"
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    memo: str
v = text.vectorize("memo", pickle.loads((Path(__file__).parent / "fitted.pickle").read_bytes()))
"""


def memos(count: int) -> list[str]:
    chance = random.Random(1)
    return [
        " ".join(chance.choices(WORDS, k=chance.randrange(3, 12))) + f" {chance.randrange(10**5)}" for _ in range(count)
    ]


def fitted(texts: list[str]) -> dict[str, Any]:
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    labels = [len(text) % 2 for text in texts]
    hashed = HashingVectorizer(analyzer="char", ngram_range=(3, 5), n_features=1 << 18)
    made = {
        "words counted, 64 terms": CountVectorizer(max_features=64),
        "words and pairs, tf-idf, LogisticRegression": make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()
        ),
        "characters 3-5 hashed, LogisticRegression": make_pipeline(hashed, LogisticRegression()),
    }
    return {name: each.fit(texts, labels) for name, each in made.items()}


def one_string(found: Any, texts: list[str], program: Path, folder: Path) -> tuple[float, float]:
    """Microseconds a string: ours, scikit-learn's."""
    from assay._vectorizers import build  # type: ignore[import-untyped]

    (folder / "part").write_bytes(build(found).part)
    coded = [text.encode() for text in texts[:STRINGS]]
    (folder / "strings").write_bytes(b"".join(struct.pack("<I", len(each)) + each for each in coded))
    command = [str(program), str(folder / "part"), str(folder / "strings"), str(PASSES)]
    ours = statistics.median(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    answer = found.predict_proba if hasattr(found, "steps") else found.transform
    taken = []
    for text in texts[:ONES]:
        start = time.process_time_ns()
        answer([text])
        taken.append(time.process_time_ns() - start)
    return ours / 1000, statistics.median(taken) / 1000


def column(found: Any, texts: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of CPU time for all of them: ours, with events read and columns written; scikit-learn's."""
    import assay  # type: ignore[import-untyped]
    import pandas

    (folder / "fitted.pickle").write_bytes(pickle.dumps(found))
    (folder / "vectorized.py").write_text(HEAD, encoding="utf-8")
    frame = pandas.DataFrame({"id": [str(n) for n in range(len(texts))], "memo": texts})
    frame["at"] = pandas.Timestamp("2026-01-05T10:00:00Z")
    with assay.load(folder / "vectorized.py") as detector:
        start = time.process_time()
        detector.backfill(frame, features_only=True)
        ours = time.process_time() - start
    start = time.process_time()
    found.predict_proba(texts) if hasattr(found, "steps") else found.transform(texts).toarray()
    return ours, time.process_time() - start


def section(result: Any) -> list[str]:
    head = ["", "one string, us", "sklearn, us", "ratio", f"{result['rows']:,} strings, s", "sklearn, s", "ratio"]
    rows = []
    for name, (us, us_sklearn, s, s_sklearn) in result["kinds"].items():
        rows.append([name, f"{us:.2f}", f"{us_sklearn:.0f}", f"{us_sklearn / us:.0f}x",
                     f"{s:.2f}", f"{s_sklearn:.2f}", f"{s_sklearn / s:.1f}x"])  # fmt: skip
    told = (
        "Memos of 3 to 11 words, CPU time. One string: the engine's vectorizer alone, another string each call "
        "(medians of passes), beside `transform` or `predict_proba` of a list of one. A column: `backfill` of a table, "
        "with its events, beside one call for all; once."
    )
    return ["## Vectorizers beside scikit-learn", "", told, "", *table(head, rows), ""]


def kept_section() -> list[str]:
    return section(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.is_file() else []


def main() -> None:
    from text import put_section

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the column ({ROWS:,})")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench", help="where vectorizer_bench was built")
    parser.add_argument("--no-report", action="store_true", help="print only")
    asked = parser.parse_args()
    program = asked.build / "vectorizer_bench"
    if not program.is_file():
        sys.exit(f"bench/vectorize.py: no {program}: cmake --build {asked.build} --target vectorizer_bench")
    texts = memos(max(asked.rows, STRINGS))
    kinds = {}
    for name, found in fitted(texts[:STRINGS]).items():
        with tempfile.TemporaryDirectory() as folder:
            one = one_string(found, texts, program, Path(folder))
            kinds[name] = (*one, *column(found, texts[: asked.rows], Path(folder)))
    result = {"rows": asked.rows, "kinds": kinds}
    print("\n".join(section(result)))
    if not asked.no_report:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(result, indent=1), encoding="utf-8")
        put_section(section(result), ROOT / "bench" / "RESULTS.md")


if __name__ == "__main__":
    main()
