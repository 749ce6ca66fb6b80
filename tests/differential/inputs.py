"""Seeded values for a parameter, by its name (an `email` is mostly an e-mail address) and its type.

Every pool holds the edges of its type, realistic values of its name, and realistic values damaged a little.
"""

from __future__ import annotations

import datetime
import random
import string
from collections.abc import Callable, Sequence
from typing import Any

from assay._definition import FunctionDef, ModelDef, Source, WindowDef
from assay._events import SCALARS, strip_none

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
INTS = [0, 1, -1, 2, 3, 7, 10, -10, 60, 99, 100, 255, 256, 999, 1000, 3600, 86400, 10**6, 10**9, 10**15, 10**18]
INTS += [INT_MIN, INT_MAX, INT_MIN + 1, INT_MAX - 1, 2**53, 2**53 + 1, 2**62, -(2**62), 2**32, 2**31, -(2**31), 4242]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 0.1, 0.3, 1 / 3, 2.675, 99.99, 100.0, 999.995, 1e15, 1e16, 1e22]
FLOATS += [5e-324, -5e-324, 2.2250738585072014e-308, 1e-7, 1e-4, 1e308, -1e308, 1.7976931348623157e308, 1e300]
FLOATS += [2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 123456789.125, 0.1 + 0.2, 1e-300, 4.35, 0.005, 1234.5]
STRINGS = ["", " ", "a", "A", "ab", "0", "1", "12", "-7", "+5", " 42 ", "3.5", "1e5", "1e400", "nan", "inf", "-inf"]
STRINGS += ["1_000", "0x1F", "١٢٣", "²", "½", "Ⅷ", "é", "e\u0301", "Straße", "ǅ ǆ", "ﬁn", "İstanbul", "ıI", "ΌΣΟΣ ς"]
STRINGS += [
    "日本語",
    "한국어",
    "עברית",
    "العربية",
    "\u202eabc\u202c",
    "\u200b",
    "\ufeffbom",
    "👍🏽",
    "👨‍👩‍👧",
    "🇩🇪",
    "𝔘𝔫𝔦",
    "\U0010ffff",
]
STRINGS += [
    "a\nb",
    "a\r\nb\rc",
    "\t x \t",
    "\x00",
    "\x1f\x85\u2028",
    "a\u00a0b",
    "\u3000",
    "a" * 300,
    "ab " * 120,
    "é" * 70,
]
STRINGS += [
    "@",
    "a@b",
    "a@b@c",
    "..",
    "a.b.c",
    ",",
    "a,b,,c",
    "key=value",
    "k=v;k2=v2",
    "{}",
    "{0}",
    "%s",
    "\\",
    "'",
    '"',
]
STRINGS += [
    "true",
    "None",
    "DE",
    "de",
    "US",
    "EUR",
    "2024-02-29",
    "12:30",
    "http://x.example/?q=1#f",
    "/a/b/",
    "x" * 64,
]


def scalar_text(chance: random.Random) -> str:
    """Characters of all planes."""
    planes = [(0x20, 0x7E), (0, 0x1F), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F)]
    planes += [
        (0x1E00, 0x1FFF),
        (0x2000, 0x206F),
        (0x2150, 0x218F),
        (0x3040, 0x30FF),
        (0x4E00, 0x4FFF),
        (0xAC00, 0xACFF),
    ]
    planes += [(0xE000, 0xE010), (0xFB00, 0xFB4F), (0xFF00, 0xFFEF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF)]
    planes += [(0x1F300, 0x1F6FF), (0x20000, 0x20010), (0xE0100, 0xE01EF), (0x10FF00, 0x10FFFF)]
    made = []
    for _ in range(chance.choice([1, 2, 3, 5, 8, 13, 30])):
        low, high = chance.choice(planes) if chance.random() < 0.6 else planes[0]
        made.append(chr(chance.randint(low, high)))
    return "".join(made)


def damaged(chance: random.Random, text: str) -> str:
    at = chance.randint(0, len(text))
    way = chance.randrange(9)
    if way == 0:
        return text[:at] + text[at + 1 :]
    if way == 1:
        return text[:at] + chance.choice(" .@-_/0é\u0301😀\n\t:") + text[at:]
    if way == 2:
        return text.upper()
    if way == 3:
        return text.swapcase()
    if way == 4:
        return f"  {text}\t"
    if way == 5:
        return text[:at]
    if way == 6:
        return text + text
    if way == 7:
        return text[::-1]
    return text[:at] + scalar_text(chance) + text[at:]


# --- realistic values ---

FIRST = [
    "Anna",
    "José",
    "Zoë",
    "Li",
    "Mohammed",
    "Øyvind",
    "Mary-Jane",
    "D'Angelo",
    "Nguyễn",
    "Иван",
    "李",
    "al",
    "X Æ A-12",
]
LAST = [
    "Smith",
    "Müller",
    "O'Neil",
    "van der Berg",
    "García López",
    "Иванов",
    "Þórsson",
    "Ng",
    "de la Cruz",
    "王",
    "MacDonald Jr.",
]
DOMAINS = [
    "gmail.com",
    "mail.example",
    "GMX.de",
    "mailinator.com",
    "co.example",
    "bank.example.org",
    "xn--bcher-kva.example",
]
DOMAINS += ["yahoo.co.uk", "proton.me", "sub.mail.example", "10minutemail.com", "bücher.example", "localhost"]
COUNTRIES = ["DE", "US", "GB", "FR", "NG", "RU", "VN", "BR", "IN", "JP", "de", "XX", "", "CN", "ES", "PL"]
CURRENCIES = ["EUR", "USD", "GBP", "JPY", "BHD", "KWD", "BRL", "INR", "CHF", "eur", "XXX", "PLN"]
WORDS = [
    "invoice",
    "Rechnung",
    "gift",
    "card",
    "crypto",
    "BTC",
    "urgent",
    "refund",
    "rent",
    "for",
    "order",
    "loan",
    "#1234",
]
WORDS += [
    "USDT",
    "thanks",
    "mom",
    "пополнение",
    "送金",
    "paypal",
    "help",
    "tax",
    "fee",
    "2024-03-01",
    "50.00",
    "EUR",
    "!!!",
    "😀",
]
STREETS = [
    "12 High Street",
    "Hauptstr. 5a",
    "221B Baker St.",
    "P.O. Box 77",
    "PO BOX 12",
    "c/o Ng, 3rd Ave Apt 4",
    "Rue de l'Église 9",
]
CITIES = ["Berlin", "München", "New York", "São Paulo", "LONDON", "paris", "Łódź", "東京", "Washington, D.C.", ""]
POSTCODES = ["10115", "SW1A 1AA", "90210-1234", "75001", "00-950", "K1A 0B1", "1234 AB", "0", "ABC"]
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (Linux; Android 13; SM-G991B) AppleWebKit/537.36 Chrome/99.0.4844.88 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.5.0",
    "python-requests/2.31.0",
    "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
    "okhttp/4.12.0",
    "Dalvik/2.1.0 (Linux; U; Android 9)",
    "HeadlessChrome/120.0",
    "-",
]
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "UTC",
    "Asia/Tokyo",
]
URLS = [
    "https://shop.example/cart?item=5&ref=mail",
    "http://user:pw@evil.example:8080/a/b.php?x=1&x=2#top",
    "https://sub.shop.example/",
    "//cdn.example/x.js",
    "ftp://files.example/%7Euser/a%20b",
    "javascript:alert(1)",
    "https://[2001:db8::1]:443/x",
    "shop.example/path",
    "mailto:kim@mail.example",
    "https://shop.example/?utm_source=news&utm_medium=&gclid=abc%2B1",
]
CATEGORIES = [
    "groceries",
    "travel",
    "gambling",
    "crypto",
    "digital goods",
    "fuel",
    "Jewelry",
    "",
    "gift cards",
    "UNKNOWN",
]
MERCHANTS = [
    "ACME GmbH",
    "Best Buy #1142",
    "AMZN Mktp DE",
    "PAYPAL *STEAMGAMES",
    "SQ *COFFEE CART",
    "uber   *trip",
    "Müller & Söhne",
    "7-ELEVEN 33421",
]
STATUSES = ["new", "active", "pending", "blocked", "closed", "Active", ""]


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def email(chance: random.Random) -> str:
    first, last = chance.choice(FIRST).lower(), chance.choice(LAST).lower().replace(" ", "")
    local = chance.choice(
        [
            f"{first}.{last}",
            f"{first}{digits(chance, 4)}",
            f"{first}+{last}",
            f"{first[0]}_{last}",
            digits(chance, 9),
            "a",
            ".x.",
        ]
    )
    return f"{local}@{chance.choice(DOMAINS)}"


def name(chance: random.Random) -> str:
    return chance.choice(["{} {}", "{1}, {0}", "{} {}", "{} M. {}", "Dr. {} {}", "{}"]).format(
        chance.choice(FIRST), chance.choice(LAST)
    )


def ip(chance: random.Random) -> str:
    if chance.random() < 0.25:
        return chance.choice(
            [
                "2001:db8::1",
                "::1",
                "fe80::1%eth0",
                "::ffff:10.0.0.1",
                "fc00::7",
                "2a00:1450:4001:82b::200e",
                "1:2:3:4:5:6:7:8",
            ]
        )
    if chance.random() < 0.4:
        return chance.choice(
            [
                "10.0.0.1",
                "192.168.1.254",
                "127.0.0.1",
                "8.8.8.8",
                "0.0.0.0",
                "255.255.255.255",
                "172.16.5.4",
                "169.254.0.9",
                "100.64.0.1",
                "203.0.113.77",
                "1.2.3",
                "256.1.1.1",
                "01.2.3.4",
                "224.0.0.1",
            ]
        )
    return ".".join(str(chance.randrange(256)) for _ in range(4))


def luhn(body: str) -> str:
    total = 0
    for at, c in enumerate(reversed(body)):
        d = int(c) * (2 if at % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


def card(chance: random.Random) -> str:
    body = chance.choice(["4", "51", "37", "6011", "2221", "35"])
    full = luhn(body + digits(chance, chance.choice([14, 15, 13]) - len(body)))
    grouped = " ".join(full[i : i + 4] for i in range(0, len(full), 4))
    return chance.choice(
        [full, full, grouped, grouped.replace(" ", "-"), digits(chance, 16), "card-" + digits(chance, 3)]
    )


def iban(chance: random.Random) -> str:
    country = chance.choice(["DE", "GB", "FR", "NL", "MT", "NO"])
    body = {
        "DE": digits(chance, 18),
        "GB": "WEST" + digits(chance, 14),
        "FR": digits(chance, 23),
        "NL": "ABNA" + digits(chance, 10),
        "MT": "MALT" + digits(chance, 23),
        "NO": digits(chance, 11),
    }[country]
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    full = f"{country}{98 - number % 97:02d}{body}"
    return chance.choice(
        [full, full, full.lower(), " ".join(full[i : i + 4] for i in range(0, len(full), 4)), full[:-1]]
    )


def phone(chance: random.Random) -> str:
    number = digits(chance, chance.choice([7, 9, 10]))
    return chance.choice(
        [
            f"+49{number}",
            f"0049 {number}",
            f"(555) {number[:3]}-{number[3:]}",
            f"+1-{number}",
            number,
            f"tel:{number}",
            "+44 20 7946 0958",
            "anonymous",
        ]
    )


def memo(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randrange(9)))


def address(chance: random.Random) -> str:
    return ", ".join(
        [chance.choice(STREETS), chance.choice(POSTCODES) + " " + chance.choice(CITIES), chance.choice(COUNTRIES)][
            : chance.randint(1, 3)
        ]
    )


def stamp(chance: random.Random) -> str:
    when = moment(chance)
    forms = [
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y%m%d",
        "%H:%M",
        "%d %b %Y",
    ]
    return when.strftime(chance.choice(forms)) if when.year >= 1000 else when.isoformat()


def user_id(chance: random.Random) -> str:
    return chance.choice(
        [
            f"u-{digits(chance, 4)}",
            "".join(chance.choices("0123456789abcdef", k=32)),
            f"CUST{digits(chance, 6)}",
            digits(chance, 12),
            "550e8400-e29b-41d4-a716-446655440000",
        ]
    )


def version(chance: random.Random) -> str:
    return chance.choice(["1.2.3", "10.0", "2", "1.2.3-beta+5", "v4.1", "1..2", "0.0.1", "17.4.1", "a.b"])


def pairs(chance: random.Random) -> str:
    return chance.choice([";", ",", "&", "|"]).join(
        f"{chance.choice(['id', 'ref', 'amt', 'src', 'k'])}={chance.choice(['1', 'abc', '', '5.5', 'x y'])}"
        for _ in range(chance.randrange(5))
    )


def hexes(chance: random.Random) -> str:
    return "".join(chance.choices("0123456789abcdef", k=chance.choice([8, 16, 32, 40, 64])))


TEXTS: dict[str, Callable[[random.Random], str]] = {
    "email": email,
    "name": name,
    "holder": name,
    "ip": ip,
    "card": card,
    "iban": iban,
    "phone": phone,
    "memo": memo,
    "text": memo,
    "address": address,
    "stamp": stamp,
    "user": user_id,
    "device": user_id,
    "session": hexes,
    "token": hexes,
    "version": version,
    "tags": pairs,
    "agent": lambda chance: chance.choice(AGENTS),
    "zone": lambda chance: chance.choice(ZONES),
    "url": lambda chance: chance.choice(URLS),
    "country": lambda chance: chance.choice(COUNTRIES),
    "currency": lambda chance: chance.choice(CURRENCIES),
    "city": lambda chance: chance.choice(CITIES),
    "postcode": lambda chance: chance.choice(POSTCODES),
    "category": lambda chance: chance.choice(CATEGORIES),
    "merchant": lambda chance: chance.choice(MERCHANTS),
    "status": lambda chance: chance.choice(STATUSES),
    "mcc": lambda chance: chance.choice(
        ["5411", "7995", "6051", "4829", "5967", "0000", "5999", "742", "abcd", "", digits(chance, 4)]
    ),
    "bin": lambda chance: digits(chance, chance.choice([6, 6, 8, 5])),
    "amount_text": lambda chance: chance.choice(
        ["12.50", "1,234.56", "1.234,56", "€ 99", "-5", "12.5.1", "$1,000", "0", "1e3", "١٢"]
    ),
    "number_text": lambda chance: chance.choice(
        ["12", "-4", "0012", "3.5", " 7", "1_0", "x", "999999999999999999999", "0b1"]
    ),
}
# A name ends in one of these: sender_email, ship_country.
ENDINGS = sorted(TEXTS, key=len, reverse=True)


def moment(chance: random.Random) -> datetime.datetime:
    """UTC, often just around a change of clocks, a leap day, a year's end."""
    edges = [
        (2024, 3, 31, 1),
        (2024, 10, 27, 1),
        (2024, 3, 10, 7),
        (2024, 11, 3, 6),
        (2023, 11, 5, 5),
        (2024, 2, 29, 0),
    ]
    edges += [
        (2024, 1, 1, 0),
        (1999, 12, 31, 23),
        (2025, 12, 29, 0),
        (2024, 4, 6, 15),
        (2000, 2, 29, 12),
        (1970, 1, 1, 0),
        (2018, 11, 4, 3),
    ]
    way = chance.random()
    if way < 0.35:
        near = datetime.datetime(*chance.choice(edges), tzinfo=datetime.UTC)
        return near + datetime.timedelta(
            microseconds=chance.choice([0, -1, 1, -(10**6), chance.randint(-(10**10), 10**10)])
        )
    if way < 0.9:
        second = chance.randint(1_600_000_000, 1_800_000_000)
        whole = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=second)
        return whole.replace(microsecond=chance.choice([0, 0, chance.randrange(10**6)]))
    first = datetime.datetime(1900, 1, 1, tzinfo=datetime.UTC)
    return first + datetime.timedelta(microseconds=chance.randint(0, 200 * 365 * 86_400_000_000))


MOMENTS = [
    datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC),
    datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=datetime.UTC),
]

AMOUNTS = [0.01, 0.99, 9.99, 49.95, 100.0, 500.0, 1000.0, 9999.99, 10000.0, 12345.67, 250.5]
FLOAT_NAMES: dict[str, Callable[[random.Random], float]] = {
    "amount": lambda chance: chance.choice(
        [*AMOUNTS, round(chance.uniform(0, 5000), 2), round(chance.lognormvariate(3, 2), 2)]
    ),
    "lat": lambda chance: chance.choice(
        [52.52, -33.87, 0.0, 90.0, -90.0, chance.uniform(-90, 90), chance.uniform(-200, 200)]
    ),
    "lon": lambda chance: chance.choice([13.405, 151.21, 0.0, 180.0, -180.0, chance.uniform(-180, 180)]),
    "score": lambda chance: chance.choice([0.0, 1.0, 0.5, chance.random(), chance.gauss(0, 3)]),
    "rate": lambda chance: chance.choice([0.0, 1.0, 1.0837, chance.random()]),
}
INT_NAMES: dict[str, Callable[[random.Random], int]] = {
    "cents": lambda chance: chance.choice([0, 1, 99, 100, 1999, 100_000, chance.randrange(10**7)]),
    "hour": lambda chance: chance.randrange(24),
    "mcc": lambda chance: chance.choice([5411, 7995, 6051, 4829, 0, chance.randrange(10000)]),
    "age": lambda chance: chance.choice([0, 17, 18, 25, 40, 65, 99, chance.randrange(120)]),
    "count": lambda chance: chance.choice([0, 0, 1, 2, 3, 5, 8, 20, 100]),
}


def by_ending(name: str, known: dict[str, Callable[[random.Random], Any]]) -> Callable[[random.Random], Any] | None:
    for ending in sorted(known, key=len, reverse=True):
        if name == ending or name.endswith(("_" + ending, "." + ending)) or name.startswith(ending + "_"):
            return known[ending]
    return None


def text_of(name: str, chance: random.Random) -> str:
    realistic = by_ending(name, TEXTS) or memo
    way = chance.random()
    if way < 0.62:
        return str(realistic(chance))
    if way < 0.78:
        return damaged(chance, str(realistic(chance)))
    return chance.choice(STRINGS) if way < 0.9 else scalar_text(chance)


def float_of(name: str, chance: random.Random) -> float:
    realistic = by_ending(name, FLOAT_NAMES) or FLOAT_NAMES["amount"]
    way = chance.random()
    if way < 0.7:
        return float(realistic(chance))
    if way < 0.8:
        return chance.choice(FLOATS)
    if way < 0.95:
        return chance.choice([chance.uniform(-100, 100), float(chance.randint(-1000, 10**6)), chance.uniform(0, 1e6)])
    return chance.uniform(-1, 1) * 10.0 ** chance.randint(-300, 300)


def int_of(name: str, chance: random.Random) -> int:
    realistic = by_ending(name, INT_NAMES)
    way = chance.random()
    if realistic is not None and way < 0.7:
        return realistic(chance)
    if way < 0.8:
        return chance.choice([chance.randint(-5, 20), chance.randrange(1000), chance.randrange(10**6)])
    return chance.choice(INTS) if way < 0.93 else chance.randint(INT_MIN, INT_MAX)


def one(kind: str, name: str, chance: random.Random) -> Any:
    if kind == "str":
        return text_of(name, chance)
    if kind == "float":
        return float_of(name, chance)
    if kind == "int":
        return int_of(name, chance)
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "datetime":
        return chance.choice(MOMENTS) if chance.random() < 0.01 else moment(chance)
    if kind == "date":
        return (chance.choice(MOMENTS) if chance.random() < 0.02 else moment(chance)).date()
    if kind == "timedelta":
        return datetime.timedelta(
            microseconds=chance.choice([0, 1, -1, 10**6, 86_400_000_000, chance.randint(-(10**15), 10**15)])
        )
    assert kind.startswith("list["), kind
    item = kind[5:-1]
    length = chance.choice([0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 13, 40])
    items = [one(item.removesuffix(" | None"), name.removesuffix("s"), chance) for _ in range(length)]
    if item.endswith(" | None"):
        items = [None if chance.random() < 0.2 else each for each in items]
    if items and chance.random() < 0.3:  # equal ones among them
        items += chance.choices(items, k=chance.randrange(3))
    return items


EDGES: dict[str, Sequence[Any]] = {"str": STRINGS, "float": FLOATS, "int": INTS, "bool": [True, False]}


def pool(
    chance: random.Random, name: str, kind: str, nullable: bool, size: int, choices: Sequence[Any] | None = None
) -> list[Any]:
    """Values for one parameter. `nullable`: None among them."""
    if choices is not None:
        made = list(choices)
    else:
        made = [one(kind, name, chance) for _ in range(size)]
        edges = EDGES.get(kind, [[]] if kind.startswith("list[") else [])
        if len(edges) * 2 <= size:
            made[: len(edges)] = edges
    return made + [None] * (max(1, len(made) // 12) if nullable else 0)


def kind_of_source(source: Source) -> tuple[str, bool]:
    """The type of what a window, a model or another function gives, and whether it may be None."""
    if isinstance(source, WindowDef):
        return source.result_type or "float", source.kind not in ("count", "sum", "distinct", "rate", "decayed_sum")
    if isinstance(source, ModelDef):
        return "float", False
    assert isinstance(source, FunctionDef)
    base, _ = strip_none(source.returns)
    kind = "bool" if source.kind == "rule" else SCALARS.get(base)
    if kind is None:
        kind = str(base) if str(base).startswith("list[") else "float"
    return kind, True
