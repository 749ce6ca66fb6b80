"""Makes card payments to try things on: 20 fields each, as JSON lines, with a known answer for every one.

    python payments.py --count 20000 --seed 7 -o data/payments.jsonl --labels data/labels.csv

Most payments are ordinary: cards and merchants follow Zipf's law, people buy near home by day, travel now and then
and sometimes get a new phone. A few in a hundred are fraud, in five patterns (see `FRAUDS`). The same arguments give
the same payments: everything random comes from one `random.Random(seed)`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

START = datetime(2025, 3, 1, tzinfo=UTC)

# country -> currency, cities as (name, latitude, longitude, first digits of its postal codes)
COUNTRIES: dict[str, tuple[str, list[tuple[str, float, float, str]]]] = {
    "DE": ("EUR", [("Berlin", 52.52, 13.405, "10"), ("Köln", 50.9375, 6.9603, "50"), ("Bonn", 50.7374, 7.0982, "53")]),
    "FR": ("EUR", [("Paris", 48.8566, 2.3522, "75"), ("Lyon", 45.764, 4.8357, "69")]),
    "GB": ("GBP", [("London", 51.5072, -0.1276, "E1"), ("Leeds", 53.8008, -1.5491, "LS")]),
    "US": ("USD", [("New York", 40.7128, -74.006, "10"), ("Austin", 30.2672, -97.7431, "78")]),
    "PL": ("PLN", [("Kraków", 50.0647, 19.945, "30"), ("Gdańsk", 54.352, 18.6466, "80")]),
    "ES": ("EUR", [("Madrid", 40.4168, -3.7038, "28")]),
    "BR": ("BRL", [("São Paulo", -23.5558, -46.6396, "01")]),
    "NG": ("NGN", [("Lagos", 6.5244, 3.3792, "10")]),
    "VN": ("VND", [("Hà Nội", 21.0278, 105.8342, "11")]),
    "JP": ("JPY", [("Tōkyō", 35.6762, 139.6503, "10")]),
}
HOMES = ["DE", "DE", "DE", "FR", "FR", "GB", "GB", "US", "PL", "ES"]
FAR = ["NG", "VN", "BR", "JP"]

# category code -> (what it is called, typical amount, share that is online)
CATEGORIES: dict[int, tuple[str, float, float]] = {
    5411: ("Market", 38.0, 0.05),
    5812: ("Kitchen", 27.0, 0.02),
    5541: ("Fuel", 55.0, 0.0),
    4111: ("Transit", 9.0, 0.4),
    5912: ("Pharmacy", 19.0, 0.15),
    5651: ("Clothing", 70.0, 0.5),
    5732: ("Electronics", 240.0, 0.6),
    5944: ("Jewellers", 310.0, 0.2),
    5815: ("Streaming", 11.0, 1.0),
    5816: ("Games", 16.0, 1.0),
    4722: ("Travel", 330.0, 0.8),
    6051: ("Exchange", 180.0, 0.9),
    7995: ("Casino", 90.0, 0.8),
}
RESALE = [5732, 5944, 6051]
NAMES = ["Aurora", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Garnet", "Harbour", "Iris", "Juniper", "Kestrel"]
MAILS = ["mail.example", "post.example", "corp.example", "uni.example"]
THROWAWAY_MAILS = ["quickbox.example", "tempmail.example"]
WORDS = """order invoice thanks for the weekly groceries table two ticket return trip monthly plan renewal gift birthday
shoes blue large delivery to office number spare part coffee lunch with team member fee refill prescription size medium
book volume three cable charger rent deposit class lesson repair service warranty extra bag seat row window"""
URGENT_WORDS = "urgent gift card codes send today resend express no callback new address leave at door reseller bulk"


@dataclass
class Card:
    number: str
    country: str
    city: tuple[str, float, float, str]
    postal: str
    email: str
    device: str
    network: str
    spends: float  # this person's prices, as a factor
    favourites: list[int] = field(default_factory=list)


@dataclass
class Merchant:
    id: str
    name: str
    mcc: int
    country: str
    city: tuple[str, float, float, str]
    price: float
    online: float


Payment = dict[str, Any]
Row = tuple[datetime, Payment, str]  # when, what, which fraud pattern ("" for none)


class Zipf:
    """Draws 0, 1, 2, ... with probability proportional to 1 / (n + 1) ** exponent."""

    def __init__(self, size: int, exponent: float) -> None:
        self.totals = list(accumulate(1.0 / (n + 1) ** exponent for n in range(size)))

    def draw(self, rng: random.Random) -> int:
        return min(bisect_right(self.totals, rng.random() * self.totals[-1]), len(self.totals) - 1)


def card_number(rng: random.Random) -> str:
    """Sixteen digits whose last is the Luhn check digit."""
    start = rng.choice(["400000", "411111", "555555", "222300"])
    digits = [int(d) for d in f"{start}{rng.randrange(10**9):09d}"]
    total = sum(d if place % 2 else (2 * d - 9 if d > 4 else 2 * d) for place, d in enumerate(digits))
    return "".join(map(str, digits)) + str(-total % 10)


def token(rng: random.Random, prefix: str) -> str:
    return f"{prefix}-{rng.getrandbits(40):010x}"


def postal_code(rng: random.Random, country: str, start: str) -> str:
    """As the shop writes it: the country, a hyphen, the code."""
    return f"{country}-{start}{rng.randrange(1000):03d}"


class World:
    """The people and the shops, and how an ordinary payment comes about."""

    def __init__(self, rng: random.Random, cards: int, merchants: int) -> None:
        self.rng = rng
        self.merchants = [self.make_merchant(n) for n in range(merchants)]
        self.by_country: dict[str, list[int]] = {country: [] for country in COUNTRIES}
        for n, merchant in enumerate(self.merchants):
            self.by_country[merchant.country].append(n)
        self.popular = Zipf(merchants, 1.05)
        self.cards = [self.make_card(n) for n in range(cards)]
        self.busy = Zipf(cards, 0.9)
        # A few small shops whose owner works with the thieves.
        self.crooked = rng.sample(self.merchants[merchants // 4 :], max(2, merchants // 100))

    def make_merchant(self, n: int) -> Merchant:
        rng = self.rng
        mcc = rng.choice(list(CATEGORIES))
        kind, typical, online = CATEGORIES[mcc]
        country = rng.choice(HOMES) if rng.random() < 0.9 else rng.choice(FAR)
        name = f"{rng.choice(NAMES)} {rng.choice(NAMES)} {kind}"
        city = rng.choice(COUNTRIES[country][1])
        price = typical * rng.lognormvariate(0, 0.4)
        return Merchant(f"m-{n:05d}", name, mcc, country, city, price, online)

    def make_card(self, n: int) -> Card:
        rng = self.rng
        country = rng.choice(HOMES)
        city = rng.choice(COUNTRIES[country][1])
        digits = str(rng.randrange(100)) if rng.random() < 0.3 else ""
        email = f"{rng.choice(NAMES).lower()}.{n:x}{digits}@{rng.choice(MAILS)}"
        network = f"{rng.randrange(11, 200)}.{rng.randrange(256)}.{rng.randrange(256)}"
        near = self.by_country[country] or list(range(len(self.merchants)))
        favourites = [rng.choice(near) for _ in range(8)]
        postal = postal_code(rng, country, city[3])
        number, device, spends = card_number(rng), token(rng, "d"), rng.lognormvariate(0, 0.4)
        return Card(number, country, city, postal, email, device, network, spends, favourites)

    def moment(self, days: float) -> datetime:
        """By day rather than by night, to the microsecond, sometimes to the second."""
        rng = self.rng
        while True:
            at = START + timedelta(seconds=rng.random() * days * 86400)
            if rng.random() < 0.55 + 0.45 * math.sin((at.hour - 8) / 24 * 2 * math.pi):
                return at.replace(microsecond=0) if rng.random() < 0.1 else at

    def memo(self, words: str, card: Card) -> str:
        rng = self.rng
        chosen = rng.choices(words.split(), k=rng.randint(5, 25))
        if rng.random() < 0.003:  # people do type card numbers into free text
            chosen.insert(rng.randrange(len(chosen)), f"card {card.number}")
        return " ".join(chosen).capitalize()

    def payment(self, card: Card, merchant: Merchant, amount: float, online: bool) -> Payment:
        """What an honest payment of this card at this merchant looks like; fraud changes some of it."""
        rng = self.rng
        place = card.city if online else merchant.city
        country = card.country if online else merchant.country
        result: Payment = {
            "id": "",
            "at": "",
            "card": card.number,
            "amount": round(max(amount, 0.5), 2),
            "currency": COUNTRIES[merchant.country][0],
            "country": country,
            "city": place[0],
            "latitude": round(place[1] + rng.gauss(0, 0.05), 5),
            "longitude": round(place[2] + rng.gauss(0, 0.05), 5),
            "device": card.device if online else None,
            "ip": f"{card.network}.{rng.randrange(1, 255)}" if online else None,
            "email": card.email if online else None,
            "channel": "online" if online else "pos",
            "entry_mode": "ecommerce" if online else rng.choice(["chip", "contactless", "contactless", "swipe"]),
            "merchant": merchant.id,
            "merchant_name": merchant.name,
            "mcc": merchant.mcc,
            "memo": self.memo(WORDS, card),
            "billing_postal": card.postal,
            "shipping_postal": card.postal if online else None,
        }
        for name, share in (("latitude", 0.05), ("memo", 0.08), ("billing_postal", 0.02)):
            if rng.random() < share:  # shops leave out what they can
                del result[name]
        if not online and rng.random() < 0.5:  # some send null, some leave it out
            for name in ("device", "ip", "email", "shipping_postal"):
                del result[name]
        return result

    def oddities(self, payment: Payment, card: Card) -> None:
        """What honest people do online that a thief does too."""
        rng = self.rng
        if rng.random() < 0.03:
            payment["device"] = token(rng, "d")  # a new phone, a borrowed laptop
        if rng.random() < 0.04:
            payment["shipping_postal"] = postal_code(rng, card.country, rng.choice(COUNTRIES[card.country][1])[3])
        if rng.random() < 0.02:
            country = rng.choice(FAR + HOMES)  # ordered from a hotel
            city = rng.choice(COUNTRIES[country][1])
            payment.update(country=country, city=city[0], ip=f"102.{rng.randrange(256)}.7.9")
        if rng.random() < 0.01:
            payment["email"] = f"{rng.choice(NAMES).lower()}{rng.randrange(100, 9999)}@{rng.choice(THROWAWAY_MAILS)}"
        if rng.random() < 0.03:
            payment.update(entry_mode="manual", channel=rng.choice(["online", "phone", "phone"]))

    def ordinary(self, days: float) -> Row:
        rng = self.rng
        card = self.cards[self.busy.draw(rng)]
        travels = rng.random() < 0.02
        favourite = rng.random() < 0.6 and not travels
        merchant = self.merchants[rng.choice(card.favourites) if favourite else self.popular.draw(rng)]
        online = not travels and (merchant.country != card.country or rng.random() < merchant.online)
        payment = self.payment(card, merchant, merchant.price * card.spends * rng.lognormvariate(0, 0.5), online)
        if online:
            self.oddities(payment, card)
        elif rng.random() < 0.08:
            payment["amount"] = float(rng.choice([50, 100, 100, 150, 200]))  # vouchers, tips, cash back
            if rng.random() < 0.15:
                return (
                    START + timedelta(days=rng.randrange(math.ceil(days)), hours=rng.random() * 5),
                    payment,
                    "",
                )  # a bar
        if rng.random() < 0.01:
            payment["amount"] = round(payment["amount"] * rng.uniform(4, 9), 2)  # the yearly big purchase
        return self.moment(days), payment, ""


# --- the frauds: each yields the payments of one episode ------------------------------------------------------------


def card_testing(world: World, days: float) -> Iterator[Row]:
    """One thief, one device: tiny payments over a handful of stolen cards to see which still work, then one big one."""
    rng = world.rng
    at, device = world.moment(days), token(rng, "d")
    ip = f"45.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    shop = rng.choice([m for m in world.merchants if m.online > 0.5] or world.merchants)
    for card in rng.sample(world.cards, min(len(world.cards), rng.randint(2, 5))):
        for _ in range(rng.randint(2, 6)):
            at += timedelta(seconds=rng.choice([0, 1, 3, 7, 20]) + rng.random() * rng.choice([0, 1]))
            payment = world.payment(card, shop, rng.uniform(0.5, 1.9), online=True)
            payment.update(device=device, ip=ip)
            yield at, payment, "card_testing"
    at += timedelta(minutes=rng.uniform(5, 40))
    payment = world.payment(card, resale_shop(world), card.spends * rng.uniform(250, 900), online=True)
    payment.update(device=device, ip=ip, entry_mode="manual", shipping_postal=postal_code(rng, "PL", "30"))
    yield at, payment, "card_testing"


def takeover(world: World, days: float) -> Iterator[Row]:
    """Somebody else has the password: a new device, far away, another mail address, several times the usual amount."""
    rng = world.rng
    at, card, device, country = world.moment(days), world.cards[world.busy.draw(rng)], token(rng, "d"), rng.choice(FAR)
    city = rng.choice(COUNTRIES[country][1])
    for _ in range(rng.randint(1, 4)):
        at += timedelta(minutes=rng.uniform(0.2, 30))
        merchant = world.merchants[world.popular.draw(rng)]
        payment = world.payment(card, merchant, merchant.price * card.spends * rng.uniform(0.8, 6), online=True)
        payment.update(device=device, ip=f"102.{rng.randrange(256)}.7.9")
        payment.update(country=country, city=city[0], longitude=city[2])
        if rng.random() < 0.5:
            name = f"{rng.choice(NAMES).lower()}{rng.randrange(10000, 99999)}"
            payment["email"] = f"{name}@{rng.choice(THROWAWAY_MAILS)}"
        if "latitude" in payment:
            payment["latitude"] = city[1]
        yield at, payment, "takeover"


def resale_goods(world: World, days: float) -> Iterator[Row]:
    """One or two dear things that sell again, keyed in by hand, sent to another address in a hurry."""
    rng = world.rng
    at, card = world.moment(days), world.cards[world.busy.draw(rng)]
    for _ in range(rng.randint(1, 2)):
        at += timedelta(minutes=rng.uniform(0, 20))
        payment = world.payment(card, resale_shop(world), rng.uniform(400, 2500), online=True)
        payment.update(entry_mode="manual", memo=world.memo(URGENT_WORDS, card))
        if rng.random() < 0.6:
            payment["device"] = token(rng, "d")
        payment.update(shipping_postal=postal_code(rng, rng.choice(HOMES), "99"))
        yield at, payment, "resale_goods"


def collusion(world: World, days: float) -> Iterator[Row]:
    """A shop that charges skimmed cards at night: many cards, round amounts, the magnetic stripe."""
    rng = world.rng
    shop = rng.choice(world.crooked)
    at = START + timedelta(days=rng.randrange(max(1, int(days))), hours=1 + rng.random() * 2)
    for card in rng.sample(world.cards, min(len(world.cards), rng.randint(4, 10))):
        at += timedelta(seconds=rng.uniform(20, 240))
        payment = world.payment(card, shop, rng.choice([100, 150, 200, 250, 300, 500]), online=False)
        payment.update(entry_mode="swipe")
        yield at, payment, "collusion"


def spree(world: World, days: float) -> Iterator[Row]:
    """A card stolen from a bag: shop after shop, without the code, before it is blocked."""
    rng = world.rng
    at, card = world.moment(days), world.cards[world.busy.draw(rng)]
    near = world.by_country[card.country] or list(range(len(world.merchants)))
    for step in range(rng.randint(5, 12)):
        at += timedelta(minutes=rng.uniform(1, 18))
        merchant = world.merchants[rng.choice(near)]
        payment = world.payment(card, merchant, 25 * (1 + step) * rng.uniform(0.6, 1.4), online=False)
        payment.update(entry_mode="contactless" if step < 4 else "swipe")
        yield at, payment, "spree"


def resale_shop(world: World) -> Merchant:
    return world.rng.choice([m for m in world.merchants if m.mcc in RESALE] or world.merchants)


# each pattern, and how often an episode of it comes beside the others
FRAUDS: dict[Callable[[World, float], Iterator[Row]], int] = {
    card_testing: 1,
    takeover: 5,
    resale_goods: 6,
    collusion: 2,
    spree: 2,
}


# --- the whole ------------------------------------------------------------------------------------------------------


def generate(
    count: int,
    seed: int = 7,
    *,
    days: float = 60.0,
    fraud_share: float = 0.03,
    late_share: float = 0.0,
    repeat_share: float = 0.0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[tuple[Payment, str]]:
    """`count` payments in the order in which they arrive, each with the fraud pattern it is part of ("" for none).

    With `late_share` some arrive minutes to days after later ones; with `repeat_share` some are sent twice (on top of
    `count`).
    """
    rng = random.Random(seed)
    world = World(rng, cards=max(50, count // 25), merchants=max(40, count // 100))
    rows: list[Row] = []
    while len(rows) < count * fraud_share:
        rows += rng.choices(list(FRAUDS), list(FRAUDS.values()))[0](world, days)
    rows = rows[:count]
    while len(rows) < count:
        rows.append(world.ordinary(days))
        progress(len(rows))
    rows.sort(key=lambda row: row[0])
    for n, (at, payment, pattern) in enumerate(rows):
        if n and rng.random() < 0.01:  # two at the very same microsecond
            at = rows[n - 1][0]
            rows[n] = (at, payment, pattern)
        payment["id"] = f"p-{n:07d}"
        payment["at"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return [(payment, pattern) for _, payment, pattern in in_arrival_order(rng, rows, late_share, repeat_share)]


def in_arrival_order(rng: random.Random, rows: list[Row], late_share: float, repeat_share: float) -> list[Row]:
    if late_share == 0.0 and repeat_share == 0.0:
        return rows
    arriving: list[tuple[datetime, Row]] = []
    for row in rows:
        delay = timedelta()
        if rng.random() < late_share:
            delay = timedelta(minutes=rng.choice([0.1, 5, 60, 600, 1400, 2500]) * rng.random())
        arriving.append((row[0] + delay, row))
        if rng.random() < repeat_share:
            arriving.append((row[0] + delay + timedelta(seconds=rng.choice([0, 1, 900]) * rng.random()), row))
    arriving.sort(key=lambda pair: pair[0])
    return [row for _, row in arriving]


def write(rows: list[tuple[Payment, str]], payments: Path, labels: Path | None) -> None:
    payments.parent.mkdir(parents=True, exist_ok=True)
    with payments.open("w", encoding="utf-8") as file:
        for payment, _ in rows:
            file.write(json.dumps(payment, ensure_ascii=False) + "\n")
    if labels is None:
        return
    labels.parent.mkdir(parents=True, exist_ok=True)
    with labels.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "fraud", "pattern"])
        written: set[str] = set()
        for payment, pattern in rows:
            if payment["id"] not in written:
                out.writerow([payment["id"], int(pattern != ""), pattern])
            written.add(payment["id"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Generates card payments as JSON lines, with labels beside them.")
    parser.add_argument("--count", type=int, default=20_000, help="how many payments (default 20000)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same payments (default 7)")
    parser.add_argument("--days", type=float, default=60.0, help="the time they cover (default 60)")
    parser.add_argument("--fraud", type=float, default=0.03, help="share of payments that are fraud (default 0.03)")
    parser.add_argument("--late", type=float, default=0.0, help="share that arrives after later ones (default 0)")
    parser.add_argument("--repeats", type=float, default=0.0, help="share that is sent twice (default 0)")
    parser.add_argument("-o", "--output", type=Path, default=Path("payments.jsonl"), help="default payments.jsonl")
    parser.add_argument("--labels", type=Path, help="a CSV file: id, fraud (0 or 1), pattern")
    arguments = parser.parse_args()
    if arguments.count < 1:
        parser.error(f"--count {arguments.count}: at least 1")

    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task("generating", total=arguments.count)
        rows = generate(
            arguments.count,
            arguments.seed,
            days=arguments.days,
            fraud_share=arguments.fraud,
            late_share=arguments.late,
            repeat_share=arguments.repeats,
            progress=lambda done: bar.update(task, completed=done) if done % 500 == 0 else None,
        )
    write(rows, arguments.output, arguments.labels)
    print(f"{len(rows)} payments in {arguments.output}, {sum(pattern != '' for _, pattern in rows)} of them fraud")


if __name__ == "__main__":
    main()
