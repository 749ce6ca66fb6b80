"""The strings on which tokenizers are compared: whatever a payment's free text can hold, and what a tokenizer's own
parts make hard. All are made from a seed; `strings` makes those of one tokenizer, `sweeps` names every assigned code
point alone and between letters.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from functools import cache


def listed(text: str) -> list[str]:
    return text.split()


LETTERS_OF_MEMOS = listed("""payment invoice rent for the of your order refund thanks customs fee urgent transfer gift
december lunch dinner tickets holiday insurance deposit balance final notice release parcel account verify birthday
coffee train electricity water phone subscription Müller Łódź São façade naïve Straße İstanbul señor coöperate l'eau
zażółć Ærø Größe ΑΘΗΝΑ Σοφός ОПЛАТА счёт дякую цена""")
WORDS = {
    "latin": LETTERS_OF_MEMOS,
    "cjk": listed("付款 发票 房租 謝謝 お支払い ありがとう ラーメン 東京都 ｶﾀｶﾅ 결제 감사합니다 生日快乐 訂單號"),
    "others": listed("دفع فاتورة شكراً السَّلَامُ ราคา ขอบคุณ น้ำ भुगतान धन्यवाद हिन्दी תשלום תּוֹדָה გადახდა վճարում ክፍያ"),
}
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 0x1C, 0x1D, 0x1E, 0x1F, 32, 0x85, 0xA0, 0x1680, 0x180E)]
SPACES += [chr(c) for c in (*range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF)]
ODD = ["\0", "\x01", "\x7f", "\x80", "\xad", "\ufffd", "\ufffe", "\uffff", "\ue000", "\U0010ffff"]
ODD += listed("ıİßŉǰΐΰﬀﬃſtK Å ϲ ΣΑΣ ς Ǆǅǆ ẞ ª º ² ½ Ⅷ ① ㌀ ㍿ ﷺ ﬁ ｆｕｌｌ Ａ１ ﾞ ゛ か゛")
FAMILY, SCOTLAND = "👩\u200d👩\u200d👧\u200d👦", "🏴" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct") + "\U000e007f"
EMOJI = [*listed("😀 👍🏽 🇩🇪🇫🇷 🇺 ☺️ 1️⃣ #️⃣ ❤ ❤️ ⚡ 🏽"), FAMILY, SCOTLAND, "🏳️\u200d🌈", "👩🏿\u200d🚀", "\u200d", "\ufe0f"]
PUNCTUATION = listed("! \" # $ % & ' ( ) * + , - . / : ; < = > ? @ [ \\ ] ^ _ ` { | } ~")
PUNCTUATION += listed("– — … “ ” ’ ‘ « » ¿ ¡ 、 。 「 」 · • ‚ ⟨ § ¶ ، ؟ । ־ ՚")
ENDINGS = listed("'s 'S 't 'T 're 'RE 've 'm 'll 'LL 'd 'D ’s 'ſ 'ş ' '' 'x")
MARKS = [chr(c) for c in (0x300, 0x301, 0x308, 0x30A, 0x323, 0x327, 0x328, 0x338, 0x345, 0x3099, 0x5B0, 0x64B, 0x651)]
MARKS += [chr(c) for c in (0x93C, 0x94D, 0xE38, 0xE48, 0xF71, 0x20D0, 0x1DCA, 0x1D165, 0x1E8D0, 0xFE0F, 0x200D)]
BASES = [*"aAeEoOuUsSnNiIdyк가각한あカハ漢कงאبαΩΙ", "\u1100", "\u1161", "\u11a8", "\u115f", "\ud7b0", "\u212b"]


@cache
def assigned() -> list[str]:
    """Every code point that this Python or a newer Unicode gives a meaning: whole planes where they are in use, and of
    the private and unused ones a sample and their ends."""
    used = [range(0x1, 0xD800), range(0xF900, 0x20000), range(0x20000, 0x33480), range(0xE0000, 0xE0200)]
    points = {0, *(c for some in used for c in some), *range(0xE000, 0xF900, 61), *range(0x33480, 0x110000, 997)}
    points |= {plane * 0x10000 + low for plane in range(17) for low in (0, 0xFFFD, 0xFFFE, 0xFFFF)}
    return [chr(c) for c in sorted(points)]


@cache
def by_category() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for c in assigned():
        found.setdefault(unicodedata.category(c), []).append(c)
    return found


@cache
def decomposing() -> list[str]:
    """Those that some normalization or a change of case makes another string."""
    return [c for c in assigned() if unicodedata.normalize("NFKD", c) != c or c.lower() != c or c.upper() != c]


def sweeps(together: int) -> Iterator[str]:
    """Every code point alone between spaces, and between letters; several in a string, so that it stays affordable."""
    points = assigned()
    for start in range(0, len(points), together):
        some = points[start : start + together]
        yield " ".join(some)
        yield " ".join(f"a{c}b" for c in some)


class Strings:
    """Makes strings for one tokenizer, from its vocabulary and its added tokens."""

    def __init__(self, rng: random.Random, vocabulary: list[str], added: list[str]) -> None:
        self.rng = rng
        self.vocabulary = vocabulary or ["a"]
        self.added = added
        self.ways = [self.memo] * 5 + [self.scripts] * 2 + [self.categories, self.normalizing, self.combining]
        self.ways += [self.emoji, self.spaces, self.numbers, self.words_glued, self.pieces, self.pieces, self.cased]
        self.ways += [self.near_added] * (3 if added else 0) + [self.noise, self.repeated, self.identifiers]

    def pick(self, some: list[str], least: int, most: int) -> list[str]:
        return self.rng.choices(some, k=self.rng.randint(least, most))

    def one(self) -> str:
        text = self.rng.choice(self.ways)()
        match self.rng.random():
            case chance if chance < 0.1:
                text = self.rng.choice(SPACES) * self.rng.randint(1, 3) + text
            case chance if chance < 0.2:
                text += self.rng.choice(SPACES) * self.rng.randint(1, 3)
            case chance if chance < 0.3:
                text = self.rng.choice(self.ways)() + self.rng.choice(["", " ", "\n", "\0"]) + text
            case chance if chance < 0.4 and self.added:
                at = self.rng.randint(0, len(text))
                text = text[:at] + self.rng.choice(["", " ", "  "]) + self.rng.choice(self.added) + text[at:]
        return text

    # --- the ways -------------------------------------------------------------------------------------------------

    def memo(self) -> str:
        made = []
        for word in self.pick(WORDS["latin"], 3, 25):
            word = self.rng.choice([word, word, word, word.lower(), word.upper(), word.title()])
            chance = self.rng.random()
            if chance < 0.15:
                word += self.rng.choice(PUNCTUATION)
            elif chance < 0.22:
                word += self.rng.choice(ENDINGS)
            elif chance < 0.3:
                word = self.number()
            elif chance < 0.34:
                word = self.identifier()
            elif chance < 0.36:
                word = self.rng.choice(EMOJI)
            made.append(word)
        return " ".join(made)

    def number(self) -> str:
        digits = "".join(self.rng.choices("0123456789", k=self.rng.randint(1, 12)))
        made = (
            digits,
            digits[:3] + "." + digits[3:],
            digits[:1] + "," + digits[1:],
            "€" + digits,
            digits + "%",
            "#" + digits,
        )
        return self.rng.choice([*made, f"{digits[:2]}/{digits[2:4]}", f"-{digits}", f"{digits}th"])

    def numbers(self) -> str:
        kinds = by_category()
        others = self.pick(kinds["Nd"] + kinds["No"] + kinds["Nl"], 1, 8)
        return " ".join([self.number(), "".join(others), self.number() + self.rng.choice(others)])

    def identifier(self) -> str:
        kind = self.rng.randrange(5)
        letters = "".join(self.rng.choices("ABCDEFXYZabcdef", k=self.rng.randint(2, 6)))
        digits = "".join(self.rng.choices("0123456789", k=self.rng.randint(2, 18)))
        return (
            f"{letters}-{digits}",
            f"{letters}{digits}",
            f"{letters}_{digits}_{letters}",
            f"{letters}@{letters}.com",
            f"https://{letters}.{letters}/{digits}?a={letters}&b=%20",
        )[kind]

    def identifiers(self) -> str:
        return self.rng.choice([" ", "", ", ", "\n", "\r\n\r\n", "\t"]).join(
            self.identifier() for _ in range(self.rng.randint(1, 5))
        )

    def scripts(self) -> str:
        words = WORDS[self.rng.choice(["cjk", "others", "others", "latin"])]
        mixed = self.pick(words, 1, 8) + self.pick(WORDS["latin"], 0, 3)
        self.rng.shuffle(mixed)
        return self.rng.choice(["", " ", " ", "、", "\u200b"]).join(mixed)

    def categories(self) -> str:
        kinds = by_category()
        return "".join(self.rng.choice(kinds[self.rng.choice(list(kinds))]) for _ in range(self.rng.randint(1, 20)))

    def normalizing(self) -> str:
        made = self.pick(decomposing(), 1, 8) + self.pick(ODD, 0, 3)
        self.rng.shuffle(made)
        text = self.rng.choice(["", " ", "a"]).join(made)
        form = self.rng.choice([None, "NFC", "NFD", "NFKC", "NFKD"])
        return unicodedata.normalize(form, text) if form else text

    def combining(self) -> str:
        return "".join(self.rng.choice(BASES) + "".join(self.pick(MARKS, 0, 4)) for _ in range(self.rng.randint(1, 6)))

    def emoji(self) -> str:
        return self.rng.choice(["", "", " ", "a"]).join(self.pick(EMOJI + LETTERS_OF_MEMOS[:8], 1, 8))

    def spaces(self) -> str:
        made = []
        for _ in range(self.rng.randint(1, 6)):
            made.append(self.rng.choice(["", "a", "Bc", "1", "!", "é", "漢"]))
            made.append("".join(self.pick([*SPACES, " ", " ", "\n", "\r\n", "\t"], 0, 5)))
        return "".join(made)

    def words_glued(self) -> str:
        every = WORDS["latin"] + WORDS["cjk"] + WORDS["others"]
        return self.rng.choice(["", "", "-", "_", "'", "\u00ad", "."]).join(self.pick(every, 1, 6))

    def pieces(self) -> str:
        """The vocabulary's own strings, joined, with a character changed here and there."""
        made = self.pick(self.vocabulary, 1, 10)
        if self.rng.random() < 0.5:
            at = self.rng.randrange(len(made))
            made[at] = self.changed(made[at])
        return self.rng.choice(["", "", " "]).join(made)

    def cased(self) -> str:
        return "".join(self.rng.choice([str.upper, str.lower, str.swapcase])(c) for c in self.memo())[
            : self.rng.randint(1, 200)
        ]

    def changed(self, text: str) -> str:
        at = self.rng.randint(0, len(text))
        with_what = self.rng.choice(["", " ", "\u0301", "a", "É", "\0", text[:1].upper(), self.rng.choice(assigned())])
        return self.rng.choice(
            [text[:at] + with_what + text[at:], text[:at] + with_what + text[at + 1 :], text.upper(), text.lower()]
        )

    def near_added(self) -> str:
        """Added tokens: whole, cut, changed, next to each other, inside words, among spaces."""
        made = []
        for token in self.pick(self.added, 1, 4):
            token = self.rng.choice(
                [token, token, token, token, token[:-1], token[1:], self.changed(token), token.upper()]
            )
            left = self.rng.choice(
                ["", "", " ", "  ", "a", "é", "_", "1", "!", "\n", "\u00a0", "\u3000 ", "-", "漢", "\u0301"]
            )
            right = self.rng.choice(
                ["", "", " ", "  ", "b", "É", "_", "2", ".", "\t", "\u2003", " \u200b", "-", "字", "\u0301"]
            )
            made.append(left + token + right)
        return self.rng.choice(["", "", " ", "x"]).join(made)

    def noise(self) -> str:
        points = assigned()
        return "".join(self.rng.choices(points, k=self.rng.randint(0, 12)))

    def repeated(self) -> str:
        some = self.rng.choice(
            [*SPACES, "a", "é", "漢", "1", "!", "=", "ab", "aA", "\u0301", "😀", "'s", self.rng.choice(self.vocabulary)]
        )
        return some * self.rng.choice([1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 99, 100, 101, 255, 256, 300])

    # --- long ones ------------------------------------------------------------------------------------------------

    def long(self, size: int) -> str:
        match self.rng.randrange(5):
            case 0:
                text = self.rng.choice(["a", " ", "\n", "é", "漢", "😀", "0", "-", "\u0301", "ab", " a", "a "]) * size
            case 1:
                parts = self.pick(self.vocabulary, size // 4, size // 4)
                text = "".join(parts)
            case 2:
                text = " ".join(self.memo() for _ in range(size // 60))
            case 3:
                text = "".join(self.rng.choices("ab", k=size))
            case _:
                text = "".join(self.one() for _ in range(size // 40))
        return text.encode()[:size].decode(errors="ignore")


def strings(
    rng: random.Random, vocabulary: list[str], added: list[str], count: int, long_ones: int, size: int
) -> list[str]:
    """`count` strings, of which `long_ones` are long, the last of them of `size` bytes."""
    source = Strings(rng, vocabulary, added)
    fixed = [
        "",
        " ",
        "\0",
        "a",
        *EMOJI,
        *ODD,
        *SPACES,
        *added,
        *[f"a{token}b {token}  {token}" for token in added[:40]],
    ]
    ordinary = max(0, count - long_ones)
    if len(fixed) > ordinary // 4:
        fixed = rng.sample(fixed, ordinary // 4)
    rows = fixed + [source.one() for _ in range(ordinary - len(fixed))]
    return rows + [
        source.long(size if i == long_ones - 1 else rng.choice([600, 4096, size // 4])) for i in range(long_ones)
    ]
