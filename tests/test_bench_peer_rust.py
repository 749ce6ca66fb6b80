"""The Rust service that Assay is compared with (bench/peers/rust) computes the same: values, scores and decisions bit
for bit the twin's, model outputs LightGBM's, characters CPython's.

Needs the program: `bench/peers/rust/build build/peers/rust`, or ASSAY_PEER_RUST names another build folder.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy
import pytest

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "examples" / "cards"
PEER = ROOT / "bench" / "peers" / "rust"
BUILD = Path(os.environ.get("ASSAY_PEER_RUST", ROOT / "build" / "peers" / "rust"))
PROGRAM = BUILD / "release" / "cards"

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="bench/peers/rust is not built: `bench/peers/rust/build build/peers/rust`"
)
sys.path.insert(0, str(CARDS))

Payment = dict[str, Any]


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """examples/cards, read, in a folder of its own with a model that reads every number."""
    from assay._definition import DefinitionError
    from assay._read import read

    folder = tmp_path_factory.mktemp("cards")
    for name in ("features.py", "fraud.py", "risk.txt"):
        shutil.copy(CARDS / name, folder)
    sys.modules.pop("features", None)
    try:
        return read(folder / "fraud.py")
    except DefinitionError as error:
        pytest.skip(f"examples/cards cannot be read yet: {str(error).splitlines()[0]}")


def run(*arguments: object) -> list[str]:
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def write_lines(file: Path, rows: list[Any]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def shown(value: Any) -> Any:
    """A value as the program writes it: what is not finite is null. The repr tells 1, 1.0 and True apart."""
    if isinstance(value, float) and not numpy.isfinite(value):
        value = None
    return repr(value)


def differences(definition: Any, payments: list[Payment], tmp_path: Path) -> tuple[list[str], int]:
    """Where the program and the twin differ, and how many values were compared."""
    from assay._twin import Twin

    file = write_lines(tmp_path / "payments.jsonl", payments)
    answers = [json.loads(line) for line in run(PEER / "score", BUILD, definition.file.parent, file, "--values")]
    assert len(answers) == len(payments)
    twin, found, compared = Twin(definition), [], 0
    names = [source.name for source in (*definition.windows, *definition.features)]
    for payment, answer in zip(payments, answers, strict=True):
        expected = twin.score(json.dumps(payment, ensure_ascii=False))
        assert set(answer["values"]) == set(names)
        pairs = [(name, answer["values"][name], twin.values[name]) for name in names]
        pairs += [(name, answer[name], expected[name]) for name in ("id", "decision", "score")]
        found += [
            f"{payment['id']} {name}: {ours!r}, expected {theirs!r}"
            for name, ours, theirs in pairs
            if shown(ours) != shown(theirs)
        ]
        compared += len(pairs)
    return found, compared


@pytest.mark.parametrize("late", [0.0, 0.05, 0.4])
def test_every_value_is_the_twins(definition: Any, tmp_path: Path, late: float) -> None:
    from payments import generate

    payments = [payment for payment, _ in generate(1000, 5, days=40, late_share=late)]
    found, compared = differences(definition, payments, tmp_path)
    assert found == []
    assert compared == 1000 * (24 + 53 + 3)


WORDS = ["Straße", "ΣΑΣ", "İ", "٣٤", "²", "４２", "\x1c", "\u3000", "É", "ǅ", "🂡"]
WORDS += [
    "URGENT",
    "gift",
    "card",
    "GIFT CARD",
    "4111111111111111",
    "41111111111111112",
    "card4111111111111111.",
    "4111111111111112",
]
WORDS += ["\u0000", "x" * 13]
AMOUNTS = [0.0, -0.0, -3.5, 1e-300, 5e-324, 1e300, 2.0**63, 2.0**62, 1e15 + 0.3, 2.0**-13, 1.1 * 2.0**-60, 0.1, 1.999]
AMOUNTS += [50, 100, 1e22, -1e17, 0.005, 1.005, 2.675, 250.0, 37.2, 1.7976931348623157e308, 2.0**40, 2.0**-44, 1e-13]


def odd_payment(rng: random.Random, number: int, at_us: int) -> Payment:
    """A payment such as nobody sends: few keys, times that coincide or go back, odd numbers and texts."""
    second, us = divmod(at_us, 1_000_000)
    ahead = rng.choice([0, 0, 5 * 3600 + 1800, -9 * 3600])
    local = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second + ahead))
    sign = "-" if ahead < 0 else "+"
    offset = f"{sign}{abs(ahead) // 3600:02d}:{abs(ahead) % 3600 // 60:02d}" if ahead else rng.choice("zZ")
    text = " ".join(rng.choices(WORDS, k=rng.randrange(6)))
    payment: Payment = {
        "id": f"o-{number}",
        "at": f"{local}.{us:06d}{offset}",
        "card": rng.choice(["4111111111111111", "5", ""]),
        "amount": rng.choice(AMOUNTS) if rng.random() < 0.5 else round(rng.uniform(0.5, 300), 2),
        "currency": rng.choice(["EUR", "USD", "4111111111111111"]),
        "country": rng.choice(["DE", "US", "NG", ""]),
        "city": "Köln",
        "latitude": rng.choice([None, 51.2, -51.2, 90.0, -0.0, 1e308, 39.8]),
        "longitude": rng.choice([None, 10.4, 190.4, -169.6, -1e200, 81.4]),
        "device": rng.choice([None, "d", "", "4111111111111111"]),
        "ip": rng.choice([None, "", "10.0.0.1", "192.168.1", "127", "1.2.3.4"]),
        "email": rng.choice(
            [None, "", "a@b@c", "ÄÖü12@MAIL.example", "@", "x7٣@tempmail.example", "AEIOUİ9@Post.Example"]
        ),
        "channel": rng.choice(["pos", "online", "phone"]),
        "entry_mode": rng.choice(["chip", "contactless", "swipe", "manual", "ecommerce"]),
        "merchant": rng.choice(["m", "n"]),
        "merchant_name": rng.choice(["", " ", "GIFT Straße", text]),
        "mcc": rng.choice([5411, 5732.0, 6051, 6.051e3, 0, -(2**63), 2**63 - 1]),
        "memo": text,
        "billing_postal": rng.choice([None, "", "DE-10115", "DE", "-", "ΩΩΩΩΩ1", "US-78701"]),
        "shipping_postal": rng.choice([None, "", "DE-10117", "ΩΩΩΩΩ2", "4111111111111111"]),
    }
    for name in ("latitude", "longitude", "device", "ip", "email", "memo", "billing_postal", "shipping_postal"):
        if rng.random() < 0.05:
            del payment[name]
    return payment


@pytest.mark.parametrize("seed", range(4))
def test_odd_payments_have_the_twins_values(definition: Any, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    steps = [0, 0, 1, 999_999, 600_000_000, 3_600_000_000, 86_400_000_000, 7 * 86_400_000_000, -1, -600_000_000]
    steps += [-3_600_000_000, -40_000_000_000, -86_400_000_001, 2_592_000_000_000 if seed % 2 else 5_000_000]
    at_us, payments = 1_740_787_200_000_000, []
    for number in range(400):
        at_us += rng.choice(steps)
        payments.append(odd_payment(rng, number, at_us))
    found, _ = differences(definition, payments, tmp_path)
    assert found == []


# --- the model ---


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "binary"},
        {"objective": "binary", "sigmoid": 0.7, "zero_as_missing": True},
        {"objective": "binary", "use_missing": False},
        {"objective": "regression"},
    ],
    ids=["nan", "zero-as-missing", "no-missing", "regression"],
)
def test_the_model_has_lightgbms_bits(tmp_path: Path, options: dict[str, Any]) -> None:
    rng = numpy.random.default_rng(3)
    inputs = rng.normal(size=(4000, 9))
    inputs[rng.random(inputs.shape) < 0.15] = numpy.nan
    inputs[rng.random(inputs.shape) < 0.15] = 0.0
    inputs[:, 3] = rng.integers(-3, 4, 4000)
    target = (numpy.nansum(inputs[:, :4], axis=1) + rng.normal(size=4000) > 0).astype(float)
    settings = {"num_leaves": 31, "learning_rate": 0.1, "verbose": -1, "num_threads": 1, "seed": 1} | options
    booster = lightgbm.train(settings, lightgbm.Dataset(inputs, target), num_boost_round=75)
    booster.save_model(tmp_path / "risk.txt")
    lines = (tmp_path / "risk.txt").read_text().splitlines()
    edges = [float(word) for line in lines if line.startswith("threshold=") for word in line[10:].split()]
    edges += [numpy.nextafter(edge, way) for edge in edges[:2000] for way in (-numpy.inf, numpy.inf)]
    edges = [edge for edge in edges if numpy.isfinite(edge)]  # JSON has no others
    edges += [0.0, -0.0, 1e-35, -1e-35, float(numpy.float32(1e-35)), 1.1e-35, 5e-324, 1e308, -1e308] * 50
    rows = rng.choice(edges, size=(3000, 9))
    rows[rng.random(rows.shape) < 0.1] = numpy.nan
    file = write_lines(tmp_path / "rows.jsonl", [[None if numpy.isnan(v) else v for v in row] for row in rows.tolist()])
    ours = [float(line) for line in run(PROGRAM, "predict", tmp_path / "risk.txt", file)]
    assert len(ours) == len(rows)
    assert [score.hex() for score in ours] == [float(score).hex() for score in booster.predict(rows)]


# --- characters ---


def test_characters_are_cpythons() -> None:
    """Digits and white space of every character; capitals too, but for characters that are newer than this CPython."""
    import unicodedata

    wrong = []
    for line in run(PROGRAM, "characters"):
        code, *flags = map(int, line.split())
        c = chr(code)
        assigned = unicodedata.category(c) != "Cn"
        expected = [c.isdigit(), c.isupper(), not c.split()]
        if flags != expected and (assigned or flags[0] != expected[0] or flags[2] != expected[2]):
            wrong.append((hex(code), flags, expected))
    assert wrong == []


# --- the server ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shutil.copy(CARDS / "risk.txt", tmp_path)
    process = subprocess.Popen([PEER / "serve", BUILD, tmp_path, str(port), "2"])
    try:
        for _ in range(100):
            try:
                assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").status == 200
                break
            except urllib.error.URLError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1/score"
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def post(url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST")) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_server_answers_what_score_prints(server: str, tmp_path: Path) -> None:
    from payments import generate

    payments = [payment for payment, _ in generate(300, 9)]
    file = write_lines(tmp_path / "payments.jsonl", payments)
    expected = [json.loads(line) for line in run(PEER / "score", BUILD, tmp_path, file)]
    for payment, line in zip(payments, expected, strict=True):
        status, answer = post(server, json.dumps(payment).encode())
        assert status == 200
        assert list(answer) == ["id", "decision", "score", "reasons", "errors", "took_us"]
        assert {name: answer[name] for name in line} == line


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"amount": "12"}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": True}, "amount"),
        ({"mcc": 5411.5}, "mcc"),
        ({"at": "2025-03-01T12:00:00"}, "at"),
        ({"at": "2025-02-29T12:00:00Z"}, "at"),
        ({"channel": "fax"}, "channel"),
        ({"memo": None}, "memo"),
        ({"id": ""}, "id"),
        ({"card": 4111111111111111}, "card"),
    ],
)
def test_a_bad_field_is_refused_with_its_name(server: str, change: Payment, place: str) -> None:
    payment = odd_payment(random.Random(1), 1, 1_740_787_200_000_000)
    status, answer = post(server, json.dumps(payment | change).encode())
    assert status == 422
    assert answer["detail"].startswith(place)
    assert "4111111111111111" not in answer["detail"]


def test_parallel_payments_of_one_card_are_counted_one_after_the_other(server: str) -> None:
    """Of forty at once on one card, each sees another number of earlier ones: all but the first six are a burst."""
    from concurrent.futures import ThreadPoolExecutor

    payment = odd_payment(random.Random(1), 1, 1_740_787_200_000_000) | {"amount": 20.0}
    bodies = [json.dumps(payment | {"id": f"b-{number}"}).encode() for number in range(40)]
    with ThreadPoolExecutor(16) as pool:
        answers = [answer for _, answer in pool.map(lambda body: post(server, body), bodies)]
    burst = [any(reason["rule"] == "card_burst" for reason in answer["reasons"]) for answer in answers]
    assert sum(burst) == 40 - 6


def test_stages_names_every_stage(tmp_path: Path) -> None:
    from payments import generate

    shutil.copy(CARDS / "risk.txt", tmp_path)
    file = write_lines(tmp_path / "payments.jsonl", [payment for payment, _ in generate(500, 9)])
    (line,) = run(PEER / "stages", BUILD, tmp_path, file)
    answer = json.loads(line)
    assert answer["payments"] == 400
    names = ["parse", "features", "windows", "tokenization", "table", "model", "rules and reply", "journal"]
    assert sorted(answer["ns"]) == sorted(names)
    assert answer["total_ns"] == pytest.approx(sum(value or 0 for value in answer["ns"].values()))
