"""The methods of strings, slices, characters."""

from datetime import datetime

from assay import event, feature

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    s: str
    t: str = ""
    n: int = 0


@feature
def cases(s: str) -> str:
    return (
        s.lower() + "|" + s.upper() + "|" + s.title() + "|" + s.capitalize() + "|" + s.swapcase() + "|" + s.casefold()
    )


@feature
def classes(s: str) -> list[bool]:
    return [
        s.isalnum(),
        s.isalpha(),
        s.isascii(),
        s.isdecimal(),
        s.isdigit(),
        s.isidentifier(),
        s.islower(),
        s.isnumeric(),
        s.isprintable(),
        s.isspace(),
        s.istitle(),
        s.isupper(),
    ]


@feature
def finds(s: str, t: str) -> list[int]:
    return [s.find(t), s.rfind(t), s.count(t), s.find(t, 2), s.rfind(t, -5), s.count(t, 1, -1), s.find(t, 3, 8)]


@feature
def idx(s: str, t: str) -> int:
    return s.index(t) + s.rindex(t)


@feature
def strips(s: str, t: str) -> list[str]:
    return [s.strip(), s.lstrip(), s.rstrip(), s.strip(t), s.lstrip("ab "), s.rstrip(t)]


@feature
def splits(s: str) -> list[str]:
    return (
        s.split()
        + s.split(",")
        + s.rsplit(",", 1)
        + s.split(None, 1)
        + s.rsplit(None, 1)
        + s.splitlines()
        + s.splitlines(True)
    )


@feature
def split_by(s: str, t: str) -> list[str]:
    return s.split(t)


@feature
def parts(s: str, t: str) -> list[str]:
    a, b, c = s.partition(t)
    d, e, f = s.rpartition("@")
    return [a, b, c, d, e, f]


@feature
def repl(s: str, t: str) -> str:
    return s.replace(t, "_") + s.replace("a", "bb", 2) + s.replace("", "-", 3)


@feature
def pads(s: str, n: int) -> str:
    return s.ljust(n % 20, "*") + s.rjust(n % 20) + s.center(n % 21, "·") + s.zfill(n % 15)


@feature
def pre(s: str, t: str) -> list[bool]:
    return [
        s.startswith(t),
        s.endswith(t),
        s.startswith(("a", "D")),
        s.endswith(("e", "")),
        s.startswith(t, 1),
        s.endswith(t, 0, 3),
    ]


@feature
def rem(s: str, t: str) -> str:
    return s.removeprefix(t) + s.removesuffix("e") + s.expandtabs(4)


@feature
def sl(s: str, n: int) -> list[str]:
    return [s[n:], s[:n], s[-3:], s[::-1], s[1::2], s[n : n + 3], s[5:1:-1], s[-n:]]


@feature
def at_index(s: str, n: int) -> str:
    return s[n]


@feature
def cmp(s: str, t: str) -> bool:
    return s < t or s >= t + "a" or s == t


@feature
def contains(s: str, t: str) -> bool:
    return t in s and "x" not in s


@feature
def times(s: str, n: int) -> str:
    return s * (n % 4) + (n % 3) * "ab"


@feature
def order(s: str) -> list[int]:
    return [ord(c) for c in s[:6]]


@feature
def order_bad(s: str) -> int:
    return ord(s)


@feature
def char(n: int) -> str:
    return chr(n)


@feature
def toint(s: str) -> int:
    return int(s)


@feature
def tofloat(s: str) -> float:
    return float(s)


@feature
def int_base(s: str) -> int:
    return int(s, 16)


@feature
def joined(s: str) -> str:
    return "-".join(s) + ",".join([c for c in s if c.isalpha()]) + "".join(sorted(s))


@feature
def reprs(s: str) -> str:
    return f"{s!r}{s!s}{s!a}" + repr(s) + ascii(s)


@feature
def letters(s: str) -> int:
    return sum(c.isdigit() for c in s) * 100 + sum(1 for c in s if c in "aeiou") + len(s)


@feature
def uniq(s: str) -> int:
    return len(sorted(s))


@feature
def minc(s: str) -> str:
    return min(s) + max(s)


@feature
def anyall(s: str) -> bool:
    return any(c.isupper() for c in s) and not all(c.isascii() for c in s)


@feature
def truth(s: str) -> str:
    return s or "empty"


@feature
def runs(s: str) -> int:
    best = run = 0
    last = ""
    for c in s:
        run = run + 1 if c == last else 1
        best = max(best, run)
        last = c
    return best


@feature
def enumerated(s: str) -> int:
    total = 0
    for i, c in enumerate(s, 1):
        if c == " ":
            continue
        if i > 12:
            break
        total += i * ord(c)
    else:
        total = -total
    return total
