"""One row's answer by a model: Assay beside the framework's own C call, ONNX Runtime and compiled code, in one process.

    .venv/bin/python bench/models_side.py [--models lightgbm xgboost catboost forest] [--rounds 9] [--quick]

Trains the models once (build/bench-models), turns each into what its peers take, and has bench/models/side.c ask all of
them in turns: another row each call, one thread, raw margins; warm, and with 4 and 64 MB of other memory read between
calls. All callers are C: LightGBM's prepared call for single rows, XGBoost's prediction in place, ONNX Runtime's `Run`
over tensors made once, tl2cgen's and CatBoost's generated code compiled with -O3 for this machine. A peer whose package
is missing (pip install '.[peers]') is left out with a message. The table goes into RESULTS.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
INPUTS, TRAINED, ROWS = 100, 20_000, 4096
KEPT = ROOT / "build" / "bench-peers" / "models.json"
START, END = "<!-- models -->", "<!-- end of models -->"
SHAPES = {
    "lightgbm": "LightGBM, 500 trees of 63 leaves",
    "xgboost": "XGBoost, 500 trees of depth 6",
    "catboost": "CatBoost, 500 symmetric trees of depth 6",
    "forest": "sklearn random forest, 200 trees of depth 12",
}
GOALS = {  # against whom, at least how many times faster, warm
    "lightgbm": [("best", 10.0), ("LightGBM's own call", 25.0)],
    "xgboost": [("best", 12.0)],
    "catboost": [("CatBoost's C++, compiled", 3.0)],
    "forest": [("ONNX Runtime", 8.0)],
}


@dataclass
class Side:
    """A caller of bench/models/side.c."""

    kind: str
    name: str
    library: str
    path: Path


@dataclass
class Made:
    """A model in a folder of its own, and who answers for it."""

    folder: Path
    sides: list[Side] = field(default_factory=list)


def say(text: str) -> None:
    print(f"models: {text}", file=sys.stderr, flush=True)


def package(name: str) -> Any:
    """The package, or None with a word about it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        say(f"without {name}: pip install '.[peers]'")
        return None


def data(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of many scales with signal in most columns, and noise: trees grow as unbalanced as on payments."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, INPUTS))
    values[:, ::4] = np.exp(values[:, ::4])
    values[:, 1::4] = np.round(values[:, 1::4] * 4)
    weights = np.random.default_rng(99).normal(size=INPUTS)
    signal = np.tanh(values) @ weights + 3 * (values[:, 0] > 1) * values[:, 2] + 2 * np.sin(values[:, 3])
    values = values.astype(np.float32).astype(np.float64)  # rows that every peer can hold
    return values, signal + rng.normal(size=rows)


def compile_shim(folder: Path, sources: list[Path], shim: str, suffix: str = ".c") -> Path:
    """Generated code and what calls it as `answer`, as a library."""
    library, own = folder / "answer.so", folder / f"answer{suffix}"
    own.write_text(shim, encoding="utf-8")
    compiler = "g++" if suffix == ".cpp" else "gcc"
    command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-w", "-o", str(library), str(own)]
    subprocess.run([*command, *map(str, sources)], check=True, cwd=folder)
    return library


TL2CGEN = """#include "header.h"
void answer(const double *doubles, const float *floats, double *out);
void answer(const double *doubles, const float *floats, double *out) {{
    union Entry row[{inputs}];
    {kind} found[1] = {{0}};
    for (int i = 0; i < {inputs}; i++)
        if ({values}[i] != {values}[i]) row[i].missing = -1; else row[i].fvalue = {values}[i];
    predict(row, 1, found);
    *out = found[0];
}}
"""


def tl2cgen_sides(folder: Path, load: Callable[[Any], Any]) -> list[Side]:
    """The trees as C, with thresholds as they are and as whole numbers."""
    treelite, tl2cgen = package("treelite"), package("tl2cgen")
    if treelite is None or tl2cgen is None:
        return []
    sides = []
    for quantized in (False, True):
        own = folder / ("tl2cgen-quantized" if quantized else "tl2cgen")
        if not (own / "answer.so").is_file():
            say(f"compiling {own.name}")
            tl2cgen.generate_c_code(load(treelite), str(own), {"quantize": int(quantized), "parallel_comp": 64})
            header = (own / "header.h").read_text(encoding="utf-8")
            floats = "float fvalue" in header
            kind = "float" if "int pred_margin, float* result" in header else "double"
            shim = TL2CGEN.format(inputs=INPUTS, kind=kind, values="floats" if floats else "doubles")
            compile_shim(own, [each for each in own.glob("*.c") if each.name != "answer.c"], shim)
        name = "tl2cgen, quantized" if quantized else "tl2cgen"
        sides.append(Side("compiled", name, "-", own / "answer.so"))
    return sides


def onnx_side(folder: Path, convert: Callable[[Path], None]) -> list[Side]:
    runtime = package("onnxruntime")
    if runtime is None:
        return []
    file, library = folder / "model.onnx", next(Path(runtime.__file__).parent.glob("capi/libonnxruntime.so.*"), None)
    if library is None:
        say("this package of ONNX Runtime has no C library")
        return []
    try:
        if not file.is_file():
            convert(file)
    except Exception as error:  # converters lag behind the frameworks
        say(f"without ONNX Runtime: {error!r}"[:300])
        return []
    return [Side("onnx", "ONNX Runtime", str(library), file)]


def converted(name: str, model: Any, file: Path) -> None:
    """An ONNX file by onnxmltools' converter of that name."""
    tools = importlib.import_module("onnxmltools")
    common = "skl2onnx" if name == "sklearn" else "onnxmltools.convert"
    kinds = importlib.import_module(f"{common}.common.data_types")
    got = getattr(tools, f"convert_{name}")(model, initial_types=[("row", kinds.FloatTensorType([None, INPUTS]))])
    file.write_bytes(got.SerializeToString())


def library_of(module: Any, name: str) -> str:
    return str(next(Path(module.__file__).parent.rglob(name)))


def lightgbm_model(folder: Path) -> list[Side]:
    lightgbm = importlib.import_module("lightgbm")
    file = folder / "model.txt"
    if not file.is_file():
        values, wanted = data(TRAINED, 1)
        options = {"num_leaves": 63, "verbose": -1, "objective": "regression", "min_data_in_leaf": 20, "seed": 1}
        lightgbm.train(options, lightgbm.Dataset(values, wanted), 500).save_model(file)
    booster = lightgbm.Booster(model_file=file)
    own = Side("lightgbm", "LightGBM's own call", library_of(lightgbm, "lib_lightgbm.so"), file)
    return [
        own,
        *tl2cgen_sides(folder, lambda treelite: treelite.frontend.load_lightgbm_model(str(file))),
        *onnx_side(folder, lambda path: converted("lightgbm", booster, path)),
    ]


def xgboost_model(folder: Path) -> list[Side]:
    xgboost = package("xgboost")
    if xgboost is None:
        return []
    file = folder / "model.json"
    if not file.is_file():
        values, wanted = data(TRAINED, 1)
        options = {"max_depth": 6, "eta": 0.1, "seed": 1, "base_score": 0.0}
        xgboost.train(options, xgboost.DMatrix(values, wanted), 500).save_model(file)

    def convert(path: Path) -> None:
        regressor = xgboost.XGBRegressor()
        regressor.load_model(file)
        converted("xgboost", regressor, path)

    return [
        Side("xgboost", "XGBoost's own call", library_of(xgboost, "libxgboost.so"), file),
        *tl2cgen_sides(folder, lambda treelite: treelite.frontend.load_xgboost_model(str(file))),
        *onnx_side(folder, convert),
    ]


CATBOOST = """#include "model.cpp"
#include <cstring>
extern "C" void answer(const double *doubles, const float *floats, double *out) {{
    static std::vector<float> row({inputs});
    std::memcpy(row.data(), floats, {inputs} * sizeof(float));
    *out = ApplyCatboostModel(row);
}}
"""


def catboost_model(folder: Path) -> list[Side]:
    catboost = package("catboost")
    if catboost is None:
        return []
    file = folder / "model.cbm"
    if not file.is_file():
        values, wanted = data(TRAINED, 1)
        model = catboost.CatBoostRegressor(iterations=500, depth=6, verbose=0, random_seed=1, allow_writing_files=False)
        model.fit(values, wanted)
        model.save_model(file)
        model.save_model(folder / "model.cpp", format="cpp")
        model.save_model(folder / "model.onnx", format="onnx")
    if not (folder / "answer.so").is_file():
        compile_shim(folder, [], CATBOOST.format(inputs=INPUTS), ".cpp")
    return [
        Side("compiled", "CatBoost's C++, compiled", "-", folder / "answer.so"),
        *onnx_side(folder, lambda path: None),
    ]


def forest_model(folder: Path) -> list[Side]:
    ensemble, joblib = package("sklearn.ensemble"), package("joblib")
    if ensemble is None:
        return []
    file = folder / "model.joblib"
    if not file.is_file():
        values, wanted = data(TRAINED, 1)
        model = ensemble.RandomForestRegressor(
            200, max_depth=12, min_samples_leaf=10, max_features=0.3, random_state=1, n_jobs=2
        )
        joblib.dump(model.fit(values, wanted), file)
    fitted = joblib.load(file)
    return [
        *tl2cgen_sides(folder, lambda treelite: treelite.sklearn.import_model(fitted)),
        *onnx_side(folder, lambda path: converted("sklearn", fitted, path)),
    ]


def source_of(name: str, folder: Path) -> Any:
    files = {"lightgbm": "model.txt", "xgboost": "model.json", "catboost": "model.cbm", "forest": "model.joblib"}
    file = folder / files[name]
    if not file.is_file():
        return None
    _models: Any = importlib.import_module("assay._models")

    if name == "forest":
        return _models.read_object(importlib.import_module("joblib").load(file), "forest")
    return _models.read_file(file, file.read_bytes())


MAKERS = {"lightgbm": lightgbm_model, "xgboost": xgboost_model, "catboost": catboost_model, "forest": forest_model}
ASSAY = [("assay", "Assay"), ("assay-plain", "Assay without AVX-512"), ("assay-batch", "Assay, 1,000 rows at once")]


CONTRIBUTIONS = ("Assay, exact contributions", "LightGBM's pred_contrib")


def ask(program: Path, name: str, out: Path, rounds: int) -> list[dict[str, Any]]:
    """Makes the model and its peers' forms, and runs all callers."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{SHAPES[name]}: making it and what its peers take")
    peers = MAKERS[name](folder)
    built = source_of(name, folder)
    if built is None:
        return []
    part, rows = folder / "part", out / "rows"
    part.write_bytes(built.part)
    data(ROWS, 2)[0].tofile(rows)
    sides = [Side(kind, said, "-", part) for kind, said in ASSAY] + peers
    if name == "lightgbm":
        sides.append(Side("assay-contributions", CONTRIBUTIONS[0], "-", part))
        sides.append(Side("lightgbm-contributions", CONTRIBUTIONS[1], peers[0].library, peers[0].path))
    words = [word for side in sides for word in (side.kind, side.name, side.library, str(side.path))]
    say(f"{SHAPES[name]}: {rounds} rounds of {len(sides)} callers")
    command = [str(program), str(rows), str(INPUTS), str(rounds), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench/models_side.py: {' '.join(command)}\n{done.stderr}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    answer = found[0]["answer"]
    for each in found:
        if each["name"] in CONTRIBUTIONS:
            continue
        if abs(each["answer"] - answer) > 1e-3 * max(1.0, abs(answer)):
            sys.exit(f"bench/models_side.py: {each['name']} answers {each['answer']}, Assay {answer}: nothing compared")
    return found


def table(name: str, found: list[dict[str, Any]]) -> list[str]:
    states = ("warm", "touched_4mb", "touched_64mb")
    exact = [each for each in found if each["name"] in CONTRIBUTIONS]
    found = [each for each in found if each not in exact]
    own, peers = found[0], [each for each in found if not each["name"].startswith("Assay")]
    lines = [f"**{SHAPES[name]}**", "", "| us a row | warm | 4 MB between | 64 MB between | times Assay's |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for each in found:
        times = " / ".join(f"{each[state] / own[state]:.1f}" if each[state] else "-" for state in states)
        cells = [f"{each[state] / 1000:.2f}" if each[state] else "-" for state in states]
        lines.append(f"| {each['name']} | {' | '.join(cells)} | {times} |")
    best = min(peers, key=lambda each: float(each["warm"]), default=None)
    for whom, wanted in GOALS[name]:
        other = best if whom == "best" else next((each for each in peers if each["name"] == whom), None)
        if other is not None:
            ratio = other["warm"] / own["warm"]
            said = f"the best peer ({other['name']})" if whom == "best" else whom
            lines.append(f"\nGoal: {wanted:g} times faster than {said}, warm. Measured: {ratio:.1f}.")
    plain = next((each for each in found if each["name"] == ASSAY[1][1]), None)
    if plain is not None and best is not None:
        lines.append(f"\nWithout AVX-512: {best['warm'] / plain['warm']:.1f} times the best peer (goal: 3).")
    if len(exact) == 2:
        ours, theirs = (each["warm"] / 1000 for each in exact)
        lines.append(
            f"\nExact contributions of a row (TreeSHAP): {ours:.0f} us, {CONTRIBUTIONS[1]} {theirs:.0f} us: "
            f"{theirs / ours:.1f} times (goal: 20)."
        )
    batch = next((each for each in found if each["name"] == ASSAY[2][1]), None)
    if batch is not None:
        lines.append(f"\n1,000 rows at once: {own['warm'] / batch['warm']:.1f} times a single row's speed (goal: 3).")
    return [*lines, ""]


NOTES = """Why goals are missed, as far as it was looked into (perf on this machine):

- LightGBM's own call is faster here than where the goal was set (45 us there); Assay's time is as planned (1.7 us).
- 1,000 rows at once: a third of the time turns rows into bytes, half walks and gathers leaves; of symmetric trees
  little is left but these. A random forest is walked row by row: nothing is shared between rows but the caches.
- The random forest: 365,080 nodes of 8 bytes are more than the nearest caches hold; 2,400 nodes are visited a row.
- Without AVX-512, symmetric trees: both look up six decisions a tree one by one, about as fast (the peer compiled for
  any x86-64: 3.1 us, so its vectors are not the reason). A way through them with SSE2 or AVX2 is not there.
- Cold: what counts is how many cache lines a row reads; tables stay larger than one would like.
"""


def section(found: dict[str, Any]) -> list[str]:
    """For RESULTS.md."""
    lines = [START, "## One row through a model", ""]
    lines.append(
        "`bench/models_side.py`: all callers in C, in one process, in turns, one thread, another row each call, raw "
        f"margins over {INPUTS} inputs, medians of {found['rounds']} rounds. Cold: 4 or 64 MB of other memory are "
        "read before each call."
    )
    lines += [f"Machine: {found['machine']}.", ""]
    for name, each in found["models"].items():
        lines += table(name, each)
    return [*lines, *NOTES.splitlines(), "", END]


def into_report(found: dict[str, Any], file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    own = "\n".join(section(found))
    if START in text:
        text = text[: text.index(START)] + own + text[text.index(END) + len(END) :]
    else:
        text = text.rstrip() + "\n\n" + own + "\n"
    file.write_text(text, encoding="utf-8")


def machine_of() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = values.get("flags", "").split()
    vector = "with" if "avx512vbmi" in flags else "without"
    return f"{values.get('model name', 'unknown')} (model {values.get('model', '?')}), {vector} AVX-512 VBMI"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=9, help="callers take turns in each (9)")
    parser.add_argument("--quick", action="store_true", help="3 rounds, and RESULTS.md stays as it is")
    parser.add_argument("--report-only", action="store_true", help="write the section from the last run again")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench", help="where models-side was built")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    out, program = ROOT / "build" / "bench-models", options.build / "models-side"
    if not program.is_file():
        sys.exit(f"bench/models_side.py: no {program}: cmake --build {options.build} --target models-side")
    rounds = 3 if options.quick else options.rounds
    if options.report_only:
        into_report(json.loads(KEPT.read_text(encoding="utf-8")), HERE / "RESULTS.md")
        return 0
    found = {name: ask(program, name, out, rounds) for name in options.models}
    whole = {"machine": machine_of(), "rounds": rounds, "models": {name: each for name, each in found.items() if each}}
    print("\n".join(section(whole)))
    if not options.quick:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        into_report(whole, HERE / "RESULTS.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
