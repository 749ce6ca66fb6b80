"""Customers: names, addresses, dates of birth, places."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import product, zip_longest
from zoneinfo import ZoneInfo

from assay import event, feature, rule, window
from assay.fn import geohash, haversine_km, jaro_winkler, levenshtein, soundex

history = "empty"

TITLES = {"mr", "mrs", "ms", "dr", "prof", "herr", "frau", "m", "mme"}
SUFFIXES = ("jr", "sr", "ii", "iii", "phd")
PARTICLES = {"van", "von", "der", "de", "la", "di", "da", "bin", "al"}
NICKNAMES = {"bob": "robert", "bill": "william", "liz": "elizabeth", "mike": "michael", "tom": "thomas"}
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"})
STREET_WORDS = {"street": "st", "avenue": "ave", "road": "rd", "straße": "str", "strasse": "str"}
PO_BOX = re.compile(r"\b(?:p\.?\s*o\.?\s*box|postfach|packstation)\b", re.IGNORECASE)
HOUSE_NUMBER = re.compile(r"(?<!\w)(\d{1,4})\s?([a-z])?\b")
ADULT = 18
EARTH_RADIUS_KM = 6371.0088
CITIES = {
    "berlin": (52.52, 13.405, "Europe/Berlin"),
    "london": (51.5074, -0.1278, "Europe/London"),
    "new york": (40.7128, -74.006, "America/New_York"),
    "são paulo": (-23.5505, -46.6333, "America/Sao_Paulo"),
    "東京": (35.6762, 139.6503, "Asia/Tokyo"),
}
ZONES = {city: ZoneInfo(zone) for city, (_, _, zone) in CITIES.items()}
ZODIAC = [(120, "capricorn"), (218, "aquarius"), (320, "pisces"), (420, "aries"), (521, "taurus"), (621, "gemini")]


@dataclass
class PersonName:
    given: str = ""
    family: str = ""
    middle: list[str] = field(default_factory=list)

    @property
    def initials(self) -> str:
        parts = [self.given, *self.middle, self.family]
        return "".join(p[0].upper() for p in parts if p)

    def key(self) -> str:
        return f"{self.family.casefold()}|{self.given[:1].casefold()}"


@event(id="id", time="at")
class Signup:
    id: str
    at: datetime
    user: str
    name: str = ""
    holder: str = ""
    address: str = ""
    bill_address: str | None = None
    city: str = ""
    postcode: str = ""
    country: str = "DE"
    birth: date | None = None
    lat: float | None = None
    lon: float | None = None
    home_lat: float = 52.52
    home_lon: float = 13.405
    names: list[str]
    addresses: list[str]


names_90d = window.distinct("name", by="user", over="90d")
last_lat = window.last("lat", by="user", over="30d")
last_lon = window.last("lon", by="user", over="30d")


def fold(text: str) -> str:
    """Lower case without accents."""
    text = text.lower().translate(UMLAUTS)
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def name_parts(name: str) -> list[str]:
    if "," in name:
        family, _, given = name.partition(",")
        name = f"{given} {family}"
    parts = [p.strip(".") for p in name.lower().split()]
    parts = [p for p in parts if p not in TITLES]
    while parts and parts[-1] in SUFFIXES:
        parts.pop()
    return parts


def parse_name(name: str) -> PersonName:
    parts = name_parts(name)
    if not parts:
        return PersonName()
    if len(parts) == 1:
        return PersonName(family=parts[0])
    given, *middle, family = parts
    while middle and middle[-1] in PARTICLES:
        family = f"{middle.pop()} {family}"
    return PersonName(given, family, middle)


def age_on(birth: date, day: date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def normal_address(address: str) -> list[str]:
    words = re.findall(r"[^\W_]+", address.lower())
    return [STREET_WORDS.get(w, w) for w in words]


def great_circle(a: tuple[float, float], b: tuple[float, float]) -> float:
    (lat1, lon1), (lat2, lon2) = (map(math.radians, p) for p in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1, math.sqrt(h)))


@feature
def name_words(name: str) -> int:
    return len(name_parts(name))


@feature
def name_family(name: str) -> str:
    return parse_name(name).family


@feature
def name_initials(name: str) -> str:
    return parse_name(name).initials


@feature
def name_key(name: str) -> str:
    return parse_name(name).key()


@feature
def name_middle(name: str) -> list[str]:
    return parse_name(name).middle


@feature
def name_folded(name: str) -> str:
    return fold(name)


@feature
def name_ascii_only(name: str) -> bool:
    return all(ord(c) < 128 for c in name)


@feature
def name_has_digits(name: str) -> bool:
    return bool(re.search(r"\d", name))


@feature
def name_repeated_letter(name: str) -> bool:
    return re.search(r"(.)\1\1", name.lower()) is not None


@feature
def name_vowel_free(name: str) -> bool:
    letters = [c for c in name.lower() if c.isalpha()]
    return len(letters) > 3 and not any(c in "aeiouy" for c in letters)


@feature
def name_case(name: str) -> str:
    if name.isupper():
        return "upper"
    if name.islower():
        return "lower"
    return "title" if name.istitle() else "mixed"


@feature
def name_equals_holder(name: str, holder: str) -> bool:
    return sorted(name_parts(name)) == sorted(name_parts(holder))


@feature
def name_overlap(name: str, holder: str) -> float:
    a, b = set(name_parts(name)), set(name_parts(holder))
    if not a or not b:
        return 0.0
    return len(a & b) / min(len(a), len(b))


@feature
def name_initial_match(name: str, holder: str) -> bool:
    """J. Smith is John Smith."""
    a, b = parse_name(name), parse_name(holder)
    return a.family == b.family and a.given[:1] == b.given[:1]


@feature
def name_similarity(name: str, holder: str) -> float:
    return jaro_winkler(fold(name), fold(holder))


@feature
def name_sounds_alike(name: str, holder: str) -> bool:
    a, b = parse_name(name).family, parse_name(holder).family
    return bool(a) and bool(b) and soundex(a) == soundex(b)


@feature
def name_best_token_match(name: str, holder: str) -> int:
    distances = [levenshtein(x, y) for x, y in product(name_parts(name), name_parts(holder))]
    return min(distances, default=99)


@feature
def name_canonical(name: str) -> str:
    given, *rest = name_parts(name) or [""]
    return " ".join([NICKNAMES.get(given, given), *rest])


@feature
def name_prefix_length(name: str, holder: str) -> int:
    count = 0
    for x, y in zip_longest(name.casefold(), holder.casefold()):
        if x != y:
            return count
        count += 1
    return count


@feature
def name_lcs(name: str, holder: str) -> int:
    """Longest common subsequence, two rows."""
    a, b = name.lower()[:20], holder.lower()[:20]
    row = [0] * (len(b) + 1)
    for ca in a:
        above_left = 0
        for j, cb in enumerate(b, 1):
            above = row[j]
            row[j] = above_left + 1 if ca == cb else max(row[j], row[j - 1])
            above_left = above
    return row[-1]


@feature
def name_reversed(name: str) -> str:
    return " ".join(reversed(name.split()))


@feature
def name_display(name: str, names_90d: int) -> str:
    p = parse_name(name)
    label = f"{p.family.title()}, {p.given.title()}" if p.given else p.family.title()
    return f"{label:<20.20}|{names_90d:>3}"


@feature
def names_families(names: list[str]) -> int:
    return len({parse_name(n).family for n in names})


@feature
def names_most_similar(name: str, names: list[str]) -> str | None:
    if not names:
        return None
    own = set(name.lower())
    return max(names, key=lambda n: (len(own & set(n.lower())), -len(n)))


@feature
def address_po_box(address: str) -> bool:
    return PO_BOX.search(address) is not None


@feature
def address_house_number(address: str) -> int:
    m = HOUSE_NUMBER.search(address.lower())
    return int(m.group(1)) if m else 0


@feature
def address_unit(address: str) -> str:
    m = re.search(r"\b(?:apt|unit|suite|#)\.?\s*(\w+)", address, re.I)
    return m[1].upper() if m else ""


@feature
def address_care_of(address: str) -> bool:
    return address.lower().lstrip().startswith(("c/o", "care of", "z. hd."))


@feature
def address_normal(address: str) -> str:
    return " ".join(normal_address(address))


@feature
def address_jaccard(address: str, bill_address: str | None) -> float | None:
    if bill_address is None:
        return None
    a, b = set(normal_address(address)), set(normal_address(bill_address))
    union = a | b
    return len(a & b) / len(union) if union else 1.0


@feature
def address_trigram(address: str, bill_address: str) -> float:
    def grams(s: str) -> set[str]:
        s = f"  {s.lower()} "
        return {s[i : i + 3] for i in range(len(s) - 2)}

    a, b = grams(address), grams(bill_address)
    return 2 * len(a & b) / (len(a) + len(b))


@feature
def address_country_in_text(address: str, country: str) -> bool:
    last = address.rsplit(",", 1)[-1].strip()
    return last.upper() == country.upper()


@feature
def address_lines(address: str) -> list[str]:
    return [part.strip() for part in address.split(",") if part.strip()]


@feature
def addresses_same_street(address: str, addresses: list[str]) -> int:
    street = re.sub(r"\d+", "", address.split(",")[0]).strip().lower()
    return sum(1 for a in addresses if street and street in a.lower())


@feature
def postcode_area(postcode: str, country: str) -> str:
    code = postcode.replace(" ", "").upper()
    if country == "GB":
        m = re.match(r"[A-Z]{1,2}", code)
        return m.group() if m else ""
    if country in ("DE", "FR", "US"):
        return code[:2]
    return code


@feature
def postcode_shape(postcode: str) -> str:
    return re.sub("[A-Z]", "A", re.sub("[0-9]", "9", postcode.upper()))


@feature
def postcode_fits_country(postcode: str, country: str) -> bool:
    patterns = {
        "DE": r"\d{5}",
        "US": r"\d{5}(-\d{4})?",
        "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
        "NL": r"\d{4} ?[A-Z]{2}",
    }
    if country not in patterns:
        return True
    return any(re.fullmatch(p, postcode) for c, p in sorted(patterns.items()) if c == country)


@feature
def age(birth: date | None, at: datetime) -> int | None:
    if birth is None:
        return None
    return age_on(birth, at.date())


@feature
def minor(birth: date | None, at: datetime) -> bool:
    return birth is not None and age_on(birth, at.date()) < ADULT


@feature
def age_bracket(age: int | None) -> str:
    if age is None or age < 0:
        return "unknown"
    for low, high in [(0, 17), (18, 24), (25, 34), (35, 49), (50, 64)]:
        if low <= age <= high:
            return f"{low}-{high}"
    return "65+"


@feature
def born_first_of_january(birth: date | None) -> bool:
    return birth is not None and (birth.month, birth.day) == (1, 1)


@feature
def birthday_in(birth: date | None, at: datetime) -> int:
    if birth is None:
        return -1
    today = at.date()
    try:
        coming = birth.replace(year=today.year)
    except ValueError:  # the 29th of February
        coming = birth.replace(year=today.year, day=28)
    if coming < today:
        coming = coming.replace(year=today.year + 1)
    return (coming - today).days


@feature
def zodiac(birth: date | None) -> str | None:
    if birth is None:
        return None
    md = birth.month * 100 + birth.day
    return next((sign for last, sign in ZODIAC if md <= last), "later")


@feature
def km_home(lat: float | None, lon: float | None, home_lat: float, home_lon: float) -> float | None:
    if lat is None or lon is None:
        return None
    return round(great_circle((lat, lon), (home_lat, home_lon)), 3)


@feature
def km_home_fn(lat: float | None, lon: float | None, home_lat: float, home_lon: float) -> float:
    if lat is None or lon is None:
        return -1.0
    return haversine_km(lat, lon, home_lat, home_lon)


@feature
def cell(lat: float | None, lon: float | None) -> str:
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return ""
    return geohash(lat, lon, 5)


@feature
def grid(lat: float | None, lon: float | None) -> str:
    if lat is None or lon is None:
        return "-"
    return f"{math.floor(lat * 10)}:{math.floor(lon * 10)}"


@feature
def bearing(lat: float | None, lon: float | None, last_lat: float | None, last_lon: float | None) -> float:
    if None in (lat, lon, last_lat, last_lon):
        return -1.0
    d = math.radians(lon - last_lon)
    y = math.sin(d) * math.cos(math.radians(lat))
    x = math.cos(math.radians(last_lat)) * math.sin(math.radians(lat))
    x -= math.sin(math.radians(last_lat)) * math.cos(math.radians(lat)) * math.cos(d)
    return (math.degrees(math.atan2(y, x)) + 360) % 360


@feature
def nearest_city(lat: float | None, lon: float | None) -> str | None:
    if lat is None or lon is None:
        return None
    return min(CITIES, key=lambda c: great_circle((lat, lon), CITIES[c][:2]))


@feature
def city_known(city: str) -> bool:
    return city.strip().lower() in CITIES


@feature
def city_hour(city: str, at: datetime) -> int | None:
    zone = ZONES.get(city.lower())
    return at.astimezone(zone).hour if zone else None


@feature
def city_night(city: str, at: datetime) -> bool:
    try:
        local = at.astimezone(ZONES[city.lower()])
    except KeyError:
        return False
    return not 6 <= local.hour < 23


@rule("review")
def child(minor: bool) -> bool:
    """Not an adult."""
    return minor


@rule("review")
def somebody_else(name: str, holder: str, names_90d: int) -> bool:
    """The card is somebody else's, or the names change."""
    return names_90d > 2 or (bool(holder) and not set(name_parts(name)) & set(name_parts(holder)))
