"""Writes the seed inputs of engine/model/model_fuzz.c: small models of every framework that is installed, as parts.

python tools/model_corpus.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "engine" / "model" / "model_corpus"


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    import models_oracle

    FOLDER.mkdir(exist_ok=True)
    for number, framework in enumerate(models_oracle.FRAMEWORKS):
        if not models_oracle.available(framework):
            continue
        for seed in range(40):
            built, _ = models_oracle.FRAMEWORKS[framework](np.random.default_rng([seed, number]), seed)
            if len(built.part) < 4000:
                (FOLDER / f"{framework}-{seed}.part").write_bytes(built.part)


if __name__ == "__main__":
    main()
