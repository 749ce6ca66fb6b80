"""E-mail addresses."""

import re
import string
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from assay import event, feature, rule, window
from assay.fn import entropy, jaro_winkler, levenshtein

history = "empty"

FREE = {"gmail.com", "yahoo.com", "gmx.de", "proton.me", "hotmail.com", "outlook.com"}
DISPOSABLE = frozenset(["mailinator.com", "10minutemail.com", "guerrillamail.com"])
EMAIL = re.compile(r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$")
DIGITS = re.compile(r"\d+")
TLD_RISK = {"com": 0.1, "ru": 0.8, "xyz": 0.9, "de": 0.05, "example": 0.5}
TYPOS = {"gmial.com": "gmail.com", "gamil.com": "gmail.com", "hotmial.com": "hotmail.com"}
VOWELS = set("aeiou")
KEYBOARD_ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"]


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    email: str | None = None
    old_email: str | None = None
    name: str = ""
    emails: list[str]


email_payments = window.count(by="email", over="1h")


class Address(NamedTuple):
    local: str
    domain: str


def split_email(email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(local, domain.lower())


def normalized(email: str) -> str:
    """Gmail ignores dots and what follows a plus."""
    local, domain = split_email(email.strip().lower())
    local = local.split("+", 1)[0]
    if domain in ("gmail.com", "googlemail.com"):
        local = local.replace(".", "")
        domain = "gmail.com"
    return f"{local}@{domain}"


def digits(s):
    return sum(c.isdigit() for c in s)


@feature
def email_domain(email: str | None) -> str | None:
    if not email or "@" not in email:
        return None
    return email.split("@")[-1].lower()


@feature
def email_local(email: str) -> str:
    return email.split("@")[0]


@feature
def email_tld(email: str) -> str:
    return email.rsplit(".", 1)[-1].lower()


@feature
def email_is_free(email: str | None) -> bool:
    if email is None:
        return False
    return split_email(email).domain in FREE


@feature
def email_is_disposable(email: str) -> bool:
    domain = email[email.find("@") + 1 :].casefold()
    return any(domain == d or domain.endswith("." + d) for d in DISPOSABLE)


@feature
def email_is_valid(email: str) -> bool:
    return EMAIL.match(email) is not None


@feature
def email_digit_share(email: str | None) -> float:
    if not email:
        return 0.0
    local, _, _ = email.partition("@")
    return digits(local) / max(len(local), 1)


@feature
def email_digit_runs(email: str) -> int:
    return len(DIGITS.findall(email))


@feature
def email_longest_digit_run(email: str) -> int:
    return max((len(m) for m in re.findall(r"[0-9]+", email)), default=0)


@feature
def email_birth_year(email: str) -> int | None:
    m = re.search(r"(19|20)\d\d", email)
    return int(m.group()) if m else None


@feature
def email_birth_year_walrus(email: str) -> int:
    if (m := re.search(r"(?P<year>(?:19[3-9]|200)\d)", email)) and int(m["year"]) < 2010:
        return 2024 - int(m["year"])
    return -1


@feature
def email_has_plus(email: str) -> bool:
    return "+" in email.split("@", 1)[0]


@feature
def email_normalized(email: str) -> str:
    return normalized(email)


@feature
def email_changed(email: str | None, old_email: str | None) -> bool:
    if email is None or old_email is None:
        return email is not old_email
    return normalized(email) != normalized(old_email)


@feature
def email_distance(email: str | None, old_email: str | None) -> int:
    if not email or not old_email:
        return -1
    return levenshtein(email, old_email)


@feature
def email_entropy(email: str) -> float:
    return entropy(email.partition("@")[0])


@feature
def email_entropy_by_hand(email: str) -> float:
    from math import log2

    counts = Counter(email)
    n = len(email)
    return -sum(c / n * log2(c / n) for c in counts.values())


@feature
def email_most_common_char(email: str) -> str:
    return Counter(email.lower()).most_common(1)[0][0]


@feature
def email_distinct_share(email: str) -> float:
    return len(set(email)) / len(email) if email else 0.0


@feature
def email_vowel_ratio(email: str) -> float:
    letters = [c for c in email.lower() if c in string.ascii_lowercase]
    if not letters:
        return 0.0
    return len([c for c in letters if c in VOWELS]) / len(letters)


@feature
def email_consonant_run(email: str) -> int:
    best = run = 0
    for c in email.lower():
        if c.isalpha() and c not in "aeiou":
            run += 1
            best = max(best, run)
        else:
            run = 0
    return best


@feature
def email_repeats(email: str) -> int:
    count = 0
    for a, b in zip(email, email[1:]):
        count += a == b
    return count


@feature
def email_keyboard_walk(email: str) -> bool:
    local = email.split("@")[0].lower()
    for row in KEYBOARD_ROWS:
        for i in range(len(row) - 3):
            if row[i : i + 4] in local or row[i : i + 4][::-1] in local:
                return True
    return False


@feature
def email_matches_name(email: str, name: str) -> float:
    if not name.split():
        return 0.0
    parts = [p for p in re.split(r"\W+", name.lower()) if len(p) > 2]
    local = email.lower().split("@")[0]
    return sum(p in local for p in parts) / max(len(parts), 1)


@feature
def email_name_similarity(email: str, name: str) -> float:
    local = "".join(c for c in email.split("@")[0].lower() if c.isalpha())
    flat = "".join(filter(str.isalpha, name.lower()))
    return jaro_winkler(local, flat)


@feature
def email_initials(email: str) -> str:
    local = email.split("@")[0]
    return "".join(part[0] for part in re.split(r"[._-]", local) if part)


@feature
def email_typo(email: str) -> str | None:
    return TYPOS.get(split_email(email).domain)


@feature
def email_tld_risk(email: str) -> float:
    try:
        return TLD_RISK[email.rsplit(".", 1)[1].lower()]
    except (IndexError, KeyError):
        return 0.3


@feature
def email_subdomains(email: str) -> int:
    return split_email(email).domain.count(".")


@feature
def email_depth(email: str) -> int:
    _, _, domain = email.rpartition("@")
    labels = [label for label in domain.split(".") if label]
    return len(labels)


@feature
def email_is_punycode(email: str) -> bool:
    return any(label.startswith("xn--") for label in split_email(email).domain.split("."))


@feature
def email_ascii(email: str) -> bool:
    try:
        email.encode("ascii")
    except UnicodeEncodeError:
        return False
    return True


@feature
def email_masked(email: str) -> str:
    local, at, domain = email.partition("@")
    if not at:
        return "*" * len(email)
    keep = local[:2]
    return keep + "*" * max(len(local) - 2, 0) + at + domain


@feature
def email_parts(email: str) -> list[str]:
    return re.split(r"[@.+_-]", email)


@feature
def email_template(email: str) -> str:
    """Letters become a, digits 9: kim.lee7@x.y -> aaa.aaa9@a.a."""
    return "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in email)


@feature
def email_template_short(email: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[a-z]+", "a", email.lower()))


@feature
def email_role(email: str) -> bool:
    match split_email(email):
        case Address(local="admin" | "info" | "sales" | "support"):
            return True
        case Address(local, _) if local.startswith("noreply"):
            return True
    return False


@feature
def emails_domains(emails: list[str]) -> int:
    return len({e.rpartition("@")[2].lower() for e in emails})


@feature
def emails_most_used_domain(emails: list[str]) -> str | None:
    counts: dict[str, int] = {}
    for e in emails:
        domain = e.partition("@")[2]
        counts[domain] = counts.get(domain, 0) + 1
    if not counts:
        return None
    return max(sorted(counts), key=counts.get)


@feature
def emails_similar(emails: list[str], email: str) -> float:
    return max((jaro_winkler(email, e) for e in emails if e != email), default=0.0)


@feature
def emails_sorted(emails: list[str]) -> list[str]:
    return sorted(emails, key=lambda e: (e.partition("@")[2], e))


@feature
def email_checksum(email: str) -> int:
    h = 0
    for c in email:
        h = (h * 31 + ord(c)) % 1_000_003
    return h


@feature
def email_translate(email: str) -> str:
    return email.translate(str.maketrans({"0": "o", "1": "l", "@": " at "}))


@rule("review")
def burner(email: str | None, email_payments: int) -> bool:
    """A disposable address, or one that pays too often."""
    if not email:
        return False
    return split_email(email).domain in DISPOSABLE or email_payments >= 5
