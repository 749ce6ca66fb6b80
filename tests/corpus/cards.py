"""Card numbers, BINs, IBANs, phone numbers, expiry dates: checks as a payments engineer writes them."""

import hashlib
import re
import string
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import zip_longest
from typing import Annotated, Final

from assay import Clear, event, feature, rule, window

history = "empty"

BIN_RANGES: Final[list[tuple[int, int, str]]] = [
    (2221, 2720, "mastercard"),
    (3400, 3499, "amex"),
    (3528, 3589, "jcb"),
    (3700, 3799, "amex"),
    (4000, 4999, "visa"),
    (5100, 5599, "mastercard"),
    (6011, 6011, "discover"),
]
VALID_LENGTHS = {"visa": {13, 16, 19}, "mastercard": {16}, "amex": {15}, "jcb": {16}, "discover": {16}}
IBAN_LENGTHS = dict(DE=22, GB=22, FR=27, NL=18, MT=31, NO=15)
LETTER_VALUES = {letter: str(i) for i, letter in enumerate(string.ascii_uppercase, start=10)}
SCHEME_PATTERNS = {
    "visa": re.compile(r"^4\d{12}(?:\d{3})?(?:\d{3})?$"),
    "mastercard": re.compile(r"^(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}$"),
    "amex": re.compile(r"^3[47]\d{13}$"),
}
PREPAID_BINS = frozenset({"400022", "510510", "601100"})
_NON_DIGITS = re.compile(r"[^0-9]")
DIALING_CODES = {"49": "DE", "44": "GB", "1": "US", "33": "FR", "234": "NG", "91": "IN", "7": "RU", "84": "VN"}
PREMIUM = ("0900", "0190", "0137", "+49900")
NEXT_MONTH_DAY_ONE = timedelta(days=31)


class Entry(Enum):
    CHIP = "chip"
    STRIPE = "stripe"
    KEYED = "keyed"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class CardCheck:
    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: Annotated[str, Clear]
    bin: str = ""
    iban: str | None = None
    payee_iban: str | None = None
    phone: str | None = None
    phones: list[str]
    expiry: date | None = None
    expiry_text: str = ""
    cvv: str | None = None
    country: str = "DE"
    entry: Entry = Entry.CHIP
    holder: str = ""


card_ibans_30d = window.distinct("iban", by="card", over="30d")
last_expiry = window.last("expiry", by="card", over="90d")


def only_digits(value: str) -> str:
    return _NON_DIGITS.sub("", value)


def luhn_sum(number: str) -> int:
    total = 0
    for position, char in enumerate(reversed(number)):
        digit = ord(char) - ord("0")
        if position & 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total


def luhn_ok(number: str) -> bool:
    return bool(number) and luhn_sum(number) % 10 == 0


def scheme_of(number: str) -> str | None:
    if len(number) < 4:
        return None
    prefix = int(number[:4])
    for low, high, name in BIN_RANGES:
        if low <= prefix <= high:
            return name
    return None


def check_card(raw: str) -> CardCheck:
    number = only_digits(raw)
    if not 12 <= len(number) <= 19:
        return CardCheck(False, f"length {len(number)}")
    scheme = scheme_of(number)
    if scheme is None:
        return CardCheck(False, "unknown scheme")
    if len(number) not in VALID_LENGTHS[scheme]:
        return CardCheck(False, f"{scheme} with {len(number)} digits")
    if not luhn_ok(number):
        return CardCheck(False, "luhn")
    return CardCheck(True)


def iban_normal(iban: str) -> str:
    return iban.replace(" ", "").replace("-", "").upper()


def iban_remainder(iban: str) -> int:
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97


@feature
def card_valid(card: str) -> bool:
    return check_card(card).ok


@feature
def card_problem(card: str) -> str:
    result = check_card(card)
    return "" if result else result.reason


@feature
def card_scheme(card: str) -> str:
    return scheme_of(only_digits(card)) or "other"


@feature
def card_scheme_regex(card: str) -> str | None:
    number = re.sub(r"[\s-]", "", card)
    return next((name for name, pattern in SCHEME_PATTERNS.items() if pattern.match(number)), None)


@feature
def card_length(card: str) -> int:
    return len([c for c in card if c.isdigit()])


@feature
def card_first_six(card: str) -> str:
    return only_digits(card)[:6].ljust(6, "0")


@feature
def card_last_four(card: str) -> str:
    digits = only_digits(card)
    return digits[-4:] if len(digits) >= 4 else digits.zfill(4)


@feature
def card_masked(card: str) -> str:
    d = only_digits(card)
    return f"{d[:6]}{'*' * (len(d) - 10)}{d[-4:]}"


@feature
def card_grouped(card: str) -> str:
    d = only_digits(card)
    return " ".join(d[i : i + 4] for i in range(0, len(d), 4))


@feature
def card_fingerprint(card: str) -> str:
    return hashlib.sha256(f"pepper:{only_digits(card)}".encode()).hexdigest()[:12]


@feature
def card_shard(card: str) -> int:
    digest = hashlib.md5(card.encode("utf-8")).hexdigest()
    return int(digest[:8], 16) % 64


@feature
def card_luhn_oneliner(card: str) -> bool:
    ds = [int(c) for c in card if c in "0123456789"]
    return len(ds) > 1 and (sum(ds[-1::-2]) + sum(sum(divmod(2 * d, 10)) for d in ds[-2::-2])) % 10 == 0


@feature
def card_luhn_table(card: str) -> bool:
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    digits = list(map(int, only_digits(card)))
    odd, even = digits[::-2], digits[-2::-2]
    return (sum(odd) + sum(doubled[d] for d in even)) % 10 == 0


@feature
def card_check_digit_expected(card: str) -> int:
    number = only_digits(card)
    if not number:
        return -1
    return (10 - luhn_sum(number[:-1] + "0") % 10) % 10


@feature
def card_distance_to_valid(card: str) -> int:
    """How far the last digit is from the one that would make Luhn pass."""
    number = only_digits(card)
    for delta in range(10):
        if luhn_ok(number[:-1] + str((int(number[-1]) + delta) % 10)):
            return delta
    return -1


@feature
def card_digit_pairs(card: str) -> int:
    digits = only_digits(card)
    return sum(a == b for a, b in zip(digits, digits[1:], strict=False))


@feature
def card_sequential(card: str) -> int:
    """The longest run of digits that count up, as in 1234."""
    best = run = 1
    digits = only_digits(card)
    for previous, current in zip(digits, digits[1:], strict=False):
        run = run + 1 if ord(current) - ord(previous) == 1 else 1
        best = max(best, run)
    return best if digits else 0


@feature
def card_typed_with(card: str) -> str:
    has_space, has_dash = " " in card, "-" in card
    match has_space, has_dash:
        case True, True:
            return "mixed"
        case True, _:
            return "spaces"
        case _, True:
            return "dashes"
    return "plain"


@feature
def bin_prepaid(bin: str, card: str) -> bool:
    return bin in PREPAID_BINS or any(card.startswith(p) for p in PREPAID_BINS)


@feature
def bin_matches_card(bin: str, card: str) -> bool | None:
    if not (bin.isdecimal() and len(bin) in (6, 8)):
        return None
    return only_digits(card).startswith(bin)


@feature
def bin_number(bin: str) -> int:
    try:
        return int(bin)
    except ValueError:
        return 0


@feature
def bin_hamming(bin: str, card: str) -> int:
    return sum(1 for a, b in zip_longest(bin, only_digits(card)[: len(bin)]) if a != b)


@feature
def iban_valid(iban: str | None) -> bool:
    if iban is None:
        return False
    iban = iban_normal(iban)
    if len(iban) < 15 or not iban.isalnum() or not iban.isascii():
        return False
    if IBAN_LENGTHS.get(iban[:2]) not in (None, len(iban)):
        return False
    return iban_remainder(iban) == 1


@feature
def iban_valid_by_letters(iban: str) -> bool:
    rearranged = iban_normal(iban)
    rearranged = rearranged[4:] + rearranged[:4]
    number = "".join(LETTER_VALUES.get(c, c) for c in rearranged)
    try:
        return int(number) % 97 == 1
    except ValueError:
        return False


@feature
def iban_piecewise(iban: str) -> int:
    """mod 97, nine digits at a time, as the standard describes it."""
    expanded = ""
    for c in iban_normal(iban[4:] + iban[:4]):
        if c.isdigit():
            expanded += c
        elif "A" <= c <= "Z":
            expanded += str(ord(c) - 55)
    rest = ""
    while expanded:
        chunk = rest + expanded[: 9 - len(rest)]
        expanded = expanded[9 - len(rest) :]
        rest = str(int(chunk) % 97)
    return int(rest or 0)


@feature
def iban_country(iban: str | None) -> str:
    return (iban or "").strip()[:2].upper() or "??"


@feature
def iban_foreign(iban: str | None, country: str) -> bool:
    return iban is not None and not iban.upper().startswith(country.upper())


@feature
def iban_bank(iban: str) -> str:
    code = iban_normal(iban)
    if code.startswith("DE"):
        return code[4:12]
    if code[:2] in ("GB", "NL"):
        return code[4:8]
    return code[4:9]


@feature
def same_bank(iban: str | None, payee_iban: str | None) -> bool | None:
    if not iban or not payee_iban:
        return None
    a, b = iban_normal(iban), iban_normal(payee_iban)
    return a[:2] == b[:2] and a[4:12] == b[4:12]


@feature
def to_own_account(iban: str | None, payee_iban: str | None) -> bool:
    return bool(iban and payee_iban) and iban_normal(iban) == iban_normal(payee_iban)


@feature
def iban_pretty(iban: str) -> str:
    it = iter(iban_normal(iban))
    groups = list(zip_longest(it, it, it, it, fillvalue=""))
    return " ".join("".join(group) for group in groups)


@feature
def iban_common_prefix(iban: str, payee_iban: str) -> int:
    n = 0
    for x, y in zip(iban, payee_iban):
        if x != y:
            break
        n += 1
    return n


@feature
def phone_e164(phone: str | None) -> str | None:
    if phone is None:
        return None
    cleaned = re.sub(r"[^\d+]", "", phone)
    if cleaned.startswith("00"):
        cleaned = "+" + cleaned[2:]
    elif not cleaned.startswith("+"):
        cleaned = "+49" + cleaned.lstrip("0")
    return cleaned if re.fullmatch(r"\+[1-9]\d{6,14}", cleaned) else None


@feature
def phone_country(phone: str) -> str:
    digits = only_digits(phone.replace("+", "", 1)).lstrip("0")
    for length in (3, 2, 1):
        if (country := DIALING_CODES.get(digits[:length])) is not None:
            return country
    return "unknown"


@feature
def phone_country_mismatch(phone: str | None, country: str) -> bool:
    if not phone or not phone.startswith("+"):
        return False
    candidates = sorted(DIALING_CODES, key=len, reverse=True)
    for code in candidates:
        if phone[1:].startswith(code):
            return DIALING_CODES[code] != country
    return True


@feature
def phone_kind(phone: str) -> str:
    p = "".join(phone.split())
    if p.startswith(PREMIUM):
        return "premium"
    if re.match(r"(\+49|0049|0)1[567]\d", p):
        return "mobile"
    if m := re.match(r"\((?P<area>\d{3})\)", p):
        return f"us-{m['area']}"
    return "landline" if p[:1].isdigit() else "unknown"


@feature
def phone_repeats(phone: str) -> float:
    digits = [c for c in phone if c.isdigit()]
    return 1 - len(set(digits)) / len(digits) if digits else 0.0


@feature
def phones_distinct_countries(phones: list[str]) -> int:
    return len({p[1:3] for p in phones if p.startswith("+")})


@feature
def phones_with_same_tail(phones: list[str], phone: str | None) -> int:
    if phone is None:
        return 0
    tail = only_digits(phone)[-6:]
    return sum(only_digits(other).endswith(tail) for other in phones)


@feature
def expires_in_days(expiry: date | None, at: datetime) -> int | None:
    return (expiry - at.date()).days if expiry else None


@feature
def expired(expiry: date | None, at: datetime) -> bool:
    """A card is good until the end of the month that is printed on it."""
    if expiry is None:
        return False
    first_of_next = (expiry.replace(day=1) + NEXT_MONTH_DAY_ONE).replace(day=1)
    return at.date() >= first_of_next


@feature
def expiry_parsed(expiry_text: str) -> int:
    """MM/YY, MM-YYYY, MMYY to YYYYMM; -1 if it is none of them."""
    m = re.match(r"\s*(\d{1,2})\s*[/.-]?\s*(\d{4}|\d{2})\s*$", expiry_text)
    if m is None:
        return -1
    month, year = (int(g) for g in m.groups())
    if not 1 <= month <= 12:
        return -1
    return (year if year > 99 else 2000 + year) * 100 + month


@feature
def months_left(expiry: date | None, at: datetime) -> int:
    if expiry is None:
        return 0
    return (expiry.year - at.year) * 12 + expiry.month - at.month


@feature
def expiry_moved(expiry: date | None, last_expiry: date | None) -> int:
    if expiry is None or last_expiry is None:
        return 0
    return (expiry > last_expiry) - (expiry < last_expiry)


@feature
def cvv_shape(cvv: str | None, card: str) -> str:
    wanted = 4 if only_digits(card)[:2] in ("34", "37") else 3
    if cvv is None:
        return "absent"
    if not cvv.isdigit():
        return "not digits"
    return "ok" if len(cvv) == wanted else "too short" if len(cvv) < wanted else "too long"


@feature
def entry_risk(entry: Entry) -> float:
    return {Entry.CHIP: 0.0, Entry.TOKEN: 0.1, Entry.STRIPE: 0.5, Entry.KEYED: 1.0}[entry]


@feature
def entry_name(entry: Entry) -> str:
    return f"{entry.name.lower()}/{entry.value}"


@feature
def holder_is_number(holder: str) -> bool:
    return only_digits(holder) == holder.replace(" ", "") != ""


@rule("decline")
def impossible_card(card: str, entry: Entry) -> bool:
    """A keyed card number that cannot exist."""
    return entry is Entry.KEYED and not check_card(card)


@rule("review")
def many_accounts(card_ibans_30d: int, iban: str | None) -> bool:
    """One card, several accounts."""
    return card_ibans_30d > 3 and iban is not None
