"""`assay new DIR`: a small working definition with tests, payments, a model and a configuration."""

from __future__ import annotations

import datetime
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent / "_new-definition"
FILES = ("fraud.py", "risk.txt", "train.py", "assay.toml", "tests/test_fraud.py")
CURRENCIES = {"GB": "GBP", "US": "USD", "BR": "BRL", "VN": "VND"}  # elsewhere: EUR
START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def create(folder: Path) -> list[Path]:
    """Writes the scaffold's files; FileExistsError if one of them is there already, and nothing is written then."""
    wanted = [*FILES, "payments.jsonl", ".gitignore"]
    taken = [name for name in wanted if (folder / name).exists()]
    if taken:
        raise FileExistsError(f"{folder / taken[0]} is there already: nothing was written")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(TEMPLATE / name, folder / name)
    lines = [json.dumps(payment, ensure_ascii=False) for payment in payments()]
    (folder / "payments.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / ".gitignore").write_text("/data/\n__pycache__/\n", encoding="utf-8")
    return [folder / name for name in wanted]


def payments(count: int = 200, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Made-up payments of forty cards over three days, with three patterns of fraud in them: a stolen card used in a
    burst, a taken-over account paying abroad at night from a new device, and an urgent memo."""
    chance = random.Random(seed)
    cards = [_card(chance, number) for number in range(40)]
    at = START
    made: list[dict[str, Any]] = []
    while len(made) < count:
        at += datetime.timedelta(seconds=chance.randrange(120, 2400))
        card = cards[int(len(cards) * chance.random() ** 2)]
        pattern = chance.random()
        if pattern < 0.03:
            for _ in range(8):
                at += datetime.timedelta(seconds=chance.randrange(5, 50))
                made.append(_payment(chance, card, at, amount=chance.choice([50.0, 100.0, 150.0]), fraud=True))
        elif pattern < 0.09:
            if at.hour >= 5:
                at = at.replace(hour=chance.randrange(0, 5)) + datetime.timedelta(days=1)
            foreign = {"country": chance.choice(["BR", "VN", "US"]), "device": f"d-{chance.randrange(10**6)}"}
            amount = round(chance.uniform(8, 20) * card["usual"], 2)
            made.append(_payment(chance, card, at, amount=amount, fraud=True, **foreign))
        elif pattern < 0.13:
            memo = chance.choice(["URGENT: pay immediately to keep your account", "urgent customs fee"])
            made.append(
                _payment(
                    chance, card, at, amount=float(chance.randrange(20, 60) * 10), fraud=True, memo=memo, country="US"
                )
            )
        else:
            made.append(_payment(chance, card, at))
    for number, payment in enumerate(made[:count]):
        yield {"id": f"p-{number + 1:04d}"} | payment


def _card(chance: random.Random, number: int) -> dict[str, Any]:
    name = chance.choice(["kim", "ada", "noor", "jan", "mia", "leo"])
    return {
        "card": f"c-{number:03d}",
        "home": chance.choice(["DE", "FR", "GB", "NL"]),
        "usual": chance.uniform(8, 60),
        "device": f"d-{number}",
        "email": f"{name}{chance.choice(['', '.w', '87', '2001'])}@mail.example" if chance.random() < 0.8 else None,
    }


def _payment(chance: random.Random, card: dict[str, Any], at: datetime.datetime, **other: Any) -> dict[str, Any]:
    country = card["home"] if chance.random() < 0.93 else "ES"
    usual = {
        "at": at.isoformat().replace("+00:00", "Z"),
        "card": card["card"],
        "amount": round(chance.lognormvariate(0, 0.6) * card["usual"], 2),
        "currency": "",
        "country": country,
        "home": card["home"],
        "merchant": f"m-{min(int(chance.paretovariate(0.9)), 60):02d}",
        "device": card["device"] if chance.random() < 0.9 else None,
        "email": card["email"],
        "memo": chance.choice(
            ["", "", "groceries", "train to Lyon", "thank you", "rent, March", "two tickets, row 12"]
        ),
        "fraud": False,
    }
    payment = usual | other
    return payment | {"currency": CURRENCIES.get(payment["country"], "EUR")}
