"""Memo texts, merchant names, free text: keywords, patterns, counts, small parsers."""

import operator
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import datetime
from difflib import SequenceMatcher
from itertools import chain, islice, pairwise, takewhile
from string import ascii_letters, digits, punctuation
from typing import NamedTuple

from assay import event, feature, rule

history = "empty"

SCAM_WORDS = {
    "urgent": 0.4,
    "crypto": 0.6,
    "btc": 0.6,
    "usdt": 0.7,
    "gift": 0.3,
    "card": 0.1,
    "refund": 0.2,
    "tax": 0.2,
    "loan": 0.3,
}
PHRASES = [("gift", "card"), ("tax", "refund"), ("help", "mom")]
STOPWORDS = frozenset("a an and the for of to in on at is it my your".split())
RE_AMOUNT = re.compile(r"(?P<sign>[-+])?(?P<int>\d{1,3}(?:[.,]\d{3})*|\d+)(?P<frac>[.,]\d{2})\b")
RE_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
RE_REF = re.compile(r"#(\d+)")
RE_WALLET = re.compile(r"\b(?:bc1|[13])[a-km-zA-HJ-NP-Z1-9]{25,39}\b|\b0x[0-9a-fA-F]{40}\b")
RE_WS = re.compile(r"\s+")
SYNONYMS = {"bitcoin": "btc", "tether": "usdt", "rechnung": "invoice", "пополнение": "topup"}
LEET = {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "$": "s", "@": "a"}
PROCESSORS = {"PAYPAL *": "paypal", "SQ *": "square", "AMZN": "amazon", "UBER": "uber"}
KEYBOARD = {c: (r, i) for r, row in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm")) for i, c in enumerate(row)}


SUSPICIOUS = [r"crypto|btc", r"\bgift\b.*\bcard\b", r"(?i)urgent", r"#\d{4,}"]
SIGNATURES = [
    ("crypto", r"crypto|btc|usdt", 2.0),
    ("gift", r"gift\s+card", 1.5),
    ("reference", r"#\d+", -0.5),
]
ENTITIES = {"amount": r"\d+[.,]\d\d", "date": r"\d{4}-\d\d-\d\d", "currency": r"\b[A-Z]{3}\b"}
CLEANUPS = [(r"\s+", " "), (r"[^\w ]", ""), (r"\d", "9")]


class Token(NamedTuple):
    kind: str
    text: str


@event(id="id", time="at")
class Transfer:
    id: str
    at: datetime
    memo: str = ""
    memos: list[str]
    merchant: str = ""
    category: str | None = None
    mcc: str = ""
    amount: float = 0.0
    currency: str = "EUR"
    name: str = ""
    tags: str = ""


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def ngrams(seq, n):
    return [tuple(seq[i : i + n]) for i in range(len(seq) - n + 1)]


def strip_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def tokenize(text: str):
    """A lexer: numbers, words, the rest by single characters."""
    i = 0
    while i < len(text):
        c = text[i]
        if c.isspace():
            i += 1
            continue
        j = i + 1
        if c.isdigit():
            while j < len(text) and (text[j].isdigit() or text[j] in ".,"):
                j += 1
            yield Token("num", text[i:j])
        elif c.isalpha():
            while j < len(text) and text[j].isalnum():
                j += 1
            yield Token("word", text[i:j])
        else:
            yield Token("sym", c)
        i = j


@feature
def memo_length(memo: str) -> int:
    return len(memo.strip())


@feature
def memo_word_count(memo: str) -> int:
    return len(memo.split())


@feature
def memo_scam_score(memo: str) -> float:
    return sum(SCAM_WORDS.get(w, 0) for w in words(memo))


@feature
def memo_scam_max(memo: str) -> float:
    return max((SCAM_WORDS[w] for w in words(memo) if w in SCAM_WORDS), default=0.0)


@feature
def memo_scam_noisy_or(memo: str) -> float:
    p = 1.0
    for w in set(words(memo)) & SCAM_WORDS.keys():
        p *= 1 - SCAM_WORDS[w]
    return 1 - p


@feature
def memo_scam_noisy_or_sorted(memo: str) -> float:
    p = 1.0
    for w in sorted(set(words(memo)) & set(SCAM_WORDS)):
        p *= 1 - SCAM_WORDS[w]
    return round(1 - p, 6)


@feature
def memo_phrases(memo: str) -> int:
    bigrams = set(ngrams(words(memo), 2))
    return sum(phrase in bigrams for phrase in PHRASES)


@feature
def memo_bigram_repeat(memo: str) -> int:
    c = Counter(pairwise(words(memo)))
    return max(c.values(), default=0)


@feature
def memo_caps_ratio(memo: str) -> float:
    letters = [ch for ch in memo if ch.isalpha()]
    return sum(map(str.isupper, letters)) / len(letters) if letters else 0.0


@feature
def memo_shouting(memo: str) -> bool:
    return memo.isupper() and memo.count("!") >= 2


@feature
def memo_amounts(memo: str) -> list[float]:
    found = []
    for m in RE_AMOUNT.finditer(memo):
        whole = m["int"].replace(".", "").replace(",", "")
        value = float(whole + "." + m["frac"][1:])
        found.append(-value if m["sign"] == "-" else value)
    return found


@feature
def memo_mentions_amount(memo: str, amount: float) -> bool:
    return f"{amount:.2f}" in memo or f"{amount:,.2f}" in memo or (amount == int(amount) and str(int(amount)) in memo)


@feature
def memo_dates(memo: str) -> int:
    good = 0
    for y, m, d in RE_DATE.findall(memo):
        try:
            datetime(int(y), int(m), int(d))
        except ValueError:
            pass
        else:
            good += 1
    return good


@feature
def memo_reference(memo: str) -> int | None:
    if (m := RE_REF.search(memo)) is None:
        return None
    return int(m.group(1))


@feature
def memo_has_wallet(memo: str) -> bool:
    return bool(RE_WALLET.search(memo))


@feature
def memo_normalized(memo: str) -> str:
    text = RE_WS.sub(" ", memo.casefold()).strip()
    return " ".join(SYNONYMS.get(w, w) for w in text.split(" "))


@feature
def memo_deleeted(memo: str) -> str:
    return "".join(LEET.get(c, c) for c in memo.lower())


@feature
def memo_without_accents(memo: str) -> str:
    return strip_accents(memo)


@feature
def memo_ascii(memo: str) -> str:
    return unicodedata.normalize("NFKD", memo).encode("ascii", "ignore").decode("ascii")


@feature
def memo_scripts(memo: str) -> int:
    names = {unicodedata.name(c, "?").split()[0] for c in memo if c.isalpha()}
    return len(names)


@feature
def memo_categories(memo: str) -> str:
    return "".join(sorted({unicodedata.category(c)[0] for c in memo}))


@feature
def memo_non_latin(memo: str) -> float:
    if not memo:
        return 0.0
    return sum(1 for c in memo if ord(c) > 0x24F) / len(memo)


@feature
def memo_invisible(memo: str) -> bool:
    return any(c in "\u200b\u200c\u200d\u202e\ufeff" for c in memo)


@feature
def memo_punct_density(memo: str) -> float:
    return sum(c in punctuation for c in memo) / max(1, len(memo))


@feature
def memo_gibberish(memo: str) -> float:
    """Letters that are far from the one before on a keyboard."""
    jumps, pairs = 0, 0
    for a, b in pairwise(memo.lower()):
        if a in KEYBOARD and b in KEYBOARD:
            (r1, c1), (r2, c2) = KEYBOARD[a], KEYBOARD[b]
            pairs += 1
            jumps += abs(r1 - r2) + abs(c1 - c2) > 4
    return jumps / pairs if pairs else 0.0


@feature
def memo_longest_word(memo: str) -> str:
    return max(memo.split(), key=len, default="")


@feature
def memo_top_words(memo: str) -> list[str]:
    counts = Counter(w for w in words(memo) if w not in STOPWORDS)
    return [w for w, _ in counts.most_common(3)]


@feature
def memo_top_words_by_sort(memo: str) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for w in words(memo):
        counts[w] += 1
    ranked = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
    return [f"{w}={n}" for w, n in ranked[:3]]


@feature
def memo_type_token_ratio(memo: str) -> float | None:
    ws = words(memo)
    try:
        return len(set(ws)) / len(ws)
    except ZeroDivisionError:
        return None


@feature
def memo_initials(memo: str) -> str:
    return "".join(w[0].upper() for w in memo.split())


@feature
def memo_title(memo: str) -> str:
    return memo.title() if memo.islower() else memo.capitalize() if memo.isupper() else memo


@feature
def memo_token_kinds(memo: str) -> str:
    return " ".join(t.kind for t in tokenize(memo))


@feature
def memo_number_total(memo: str) -> float:
    total = 0.0
    for kind, text in tokenize(memo):
        if kind != "num":
            continue
        try:
            total += float(text.replace(",", ""))
        except ValueError:
            total -= 1
    return total


@feature
def memo_first_symbols(memo: str) -> str:
    return "".join(t.text for t in islice((t for t in tokenize(memo) if t.kind == "sym"), 3))


@feature
def memo_leading_letters(memo: str) -> str:
    return "".join(takewhile(lambda c: c in ascii_letters, memo))


@feature
def memo_squeezed(memo: str) -> str:
    """Runs of one character become one: heeelp -> help."""
    out = memo[:1]
    for c in memo[1:]:
        if c != out[-1]:
            out += c
    return out


@feature
def memo_rle(memo: str) -> str:
    if not memo:
        return ""
    result, run = [], 1
    for prev, cur in zip(memo, memo[1:] + "\0"):
        if prev == cur:
            run += 1
        else:
            result.append(prev if run == 1 else f"{prev}{run}")
            run = 1
    return "".join(result)


@feature
def memo_brackets_balanced(memo: str) -> bool:
    pairs = {")": "(", "]": "[", "}": "{"}
    stack = []
    for c in memo:
        if c in pairs.values():
            stack.append(c)
        elif c in pairs:
            if not stack or stack.pop() != pairs[c]:
                return False
    return not stack


@feature
def memo_key_values(memo: str, tags: str) -> int:
    pairs = dict(p.split("=", 1) for p in re.split(r"[;,&|]", tags) if p.count("=") >= 1)
    return len(pairs) * 100 + len(pairs.get("ref", memo))


@feature
def tags_amount(tags: str) -> float | None:
    for chunk in re.split("[;,&|]", tags):
        key, sep, value = chunk.partition("=")
        if key.strip() == "amt" and sep:
            try:
                return float(value)
            except ValueError:
                return None
    return None


@feature
def memo_wrapped(memo: str) -> list[str]:
    lines, line = [], ""
    for word in memo.split():
        if line and len(line) + 1 + len(word) > 20:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return lines + [line] * bool(line)


@feature
def memo_vowel_consonant(memo: str) -> str:
    return "".join(
        "v" if c in "aeiou" else "c" if c in ascii_letters else "n" if c in digits else "." for c in memo.lower()
    )


@feature
def merchant_clean(merchant: str) -> str:
    m = merchant.upper()
    for prefix in PROCESSORS:
        m = m.removeprefix(prefix)
    m = re.sub(r"#?\d{3,}", "", m)
    return re.sub(r"\s{2,}", " ", m).strip(" *#")


@feature
def merchant_processor(merchant: str) -> str:
    up = merchant.upper()
    hits = [name for prefix, name in PROCESSORS.items() if up.startswith(prefix)]
    return hits[0] if hits else "direct"


@feature
def merchant_store_number(merchant: str) -> int:
    m = re.search(r"#?(\d+)\s*$", merchant)
    return int(m[1]) if m else -1


@feature
def merchant_similarity(merchant: str, memo: str) -> float:
    return SequenceMatcher(None, merchant.lower(), memo.lower()).ratio()


@feature
def merchant_dice(merchant: str, memo: str) -> float:
    a = Counter(ngrams(merchant.lower(), 2))
    b = Counter(ngrams(memo.lower(), 2))
    shared = sum((a & b).values())
    return 2 * shared / (sum(a.values()) + sum(b.values()) or 1)


@feature
def merchant_edit_distance(merchant: str, name: str) -> int:
    """Levenshtein, two rows."""
    a, b = merchant[:24].lower(), name[:24].lower()
    previous = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        current = [i]
        for j, cb in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (ca != cb)))
        previous = current
    return previous[-1]


@feature
def merchant_subsequence(merchant: str, name: str) -> bool:
    it = iter(merchant.lower())
    return all(c in it for c in name.lower() if not c.isspace())


@feature
def merchant_cosine(merchant: str, memo: str) -> float:
    a, b = Counter(words(merchant)), Counter(words(memo))
    dot = sum(a[w] * b[w] for w in a)
    norm = (sum(v * v for v in a.values()) * sum(v * v for v in b.values())) ** 0.5
    return dot / norm if norm else 0.0


@feature
def category_slug(category: str | None) -> str:
    if not category:
        return "none"
    return re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")


@feature
def mcc_group(mcc: str) -> str:
    try:
        code = int(mcc)
    except ValueError:
        return "invalid"
    match code // 100:
        case 54:
            return "food"
        case 60 | 61:
            return "money"
        case 79:
            return "gambling"
        case n if 30 <= n < 40:
            return "travel"
        case _:
            return "other"


@feature
def memos_repeat_share(memos: list[str]) -> float:
    if len(memos) < 2:
        return 0.0
    normal = [" ".join(words(m)) for m in memos]
    return 1 - len(set(normal)) / len(normal)


@feature
def memos_vocabulary(memos: list[str]) -> int:
    return len(set(chain.from_iterable(words(m) for m in memos)))


@feature
def memos_longest_common_prefix(memos: list[str]) -> str:
    if not memos:
        return ""
    shortest = min(memos, key=len)
    for i, c in enumerate(shortest):
        if any(m[i] != c for m in memos):
            return shortest[:i]
    return shortest


@feature
def memos_index(memos: list[str]) -> list[str]:
    index: defaultdict[str, set[int]] = defaultdict(set)
    for i, m in enumerate(memos):
        for w in words(m):
            index[w].add(i)
    return [f"{w}:{','.join(map(str, sorted(index[w])))}" for w in sorted(index) if len(index[w]) > 1]


@feature
def memos_sorted_by_noise(memos: list[str]) -> list[str]:
    scored = [(sum(not c.isalnum() for c in m), m) for m in memos]
    scored.sort(key=operator.itemgetter(0), reverse=True)
    return [m for _, m in scored[:2]]


def mentions(pattern: str, text: str, flags: int = 0) -> bool:
    return re.search(pattern, text, flags) is not None


@feature
def memo_suspicious(memo: str) -> bool:
    return any(re.search(p, memo) for p in SUSPICIOUS)


@feature
def memo_signature_score(memo: str) -> float:
    return sum(weight for _, pattern, weight in SIGNATURES if re.search(pattern, memo, re.I))


@feature
def memo_entities(memo: str) -> list[str]:
    found = []
    for name, pattern in ENTITIES.items():
        for match in re.finditer(pattern, memo):
            found.append(f"{name}:{match.group()}")
    return found


@feature
def memo_cleaned_by_table(memo: str) -> str:
    for pattern, replacement in CLEANUPS:
        memo = re.sub(pattern, replacement, memo)
    return memo.strip()


@feature
def memo_mentions(memo: str) -> int:
    score = 0
    if mentions(r"^\W*\d", memo):
        score += 1
    if mentions("card|loan", memo, re.IGNORECASE):
        score += 2
    if mentions(SUSPICIOUS[1], memo):
        score += 4
    return score


@feature
def memo_keywords(memo: str) -> int:
    keywords = ["gift", "rent", "refund", "crypto"]
    return sum(1 for k in keywords if re.search(rf"\b{k}s?\b", memo.lower()))


@feature
def memo_by_currency(memo: str, currency: str) -> bool:
    symbol = {"EUR": "€|eur", "USD": r"\$|usd", "GBP": "£|gbp"}.get(currency)
    if symbol is None:
        return False
    return bool(re.search(symbol, memo, flags=re.I))


@feature
def memo_letters_once(memo: str) -> list[str]:
    seen = set()
    seen_add = seen.add
    return [c for c in memo if not (c in seen or seen_add(c))]


@feature
def memo_codes(memo: str) -> int:
    codes = []
    append = codes.append
    for c in memo:
        append(ord(c) % 7)
    return sum(codes)


@feature
def memo_bad_characters(memo: str) -> bool:
    find_bad = re.compile(r"[^\w\s.,-]").search
    return find_bad(memo) is not None


@feature
def memo_repeated_letters(memo: str) -> int:
    return sum(1 for c in set(memo) if memo.count(c) > 1) + len([c for c in set(memo) if c.isalpha()])


@feature
def memo_most_repeated(memo: str) -> int:
    return max([memo.count(c) for c in set(memo)], default=0)


@rule("review")
def looks_like_a_scam(memo_scam_score: float, memo_has_wallet: bool, amount: float) -> bool:
    """Words of a scam, or a wallet address with a large amount."""
    return memo_scam_score > 1 or (memo_has_wallet and amount > 100)
