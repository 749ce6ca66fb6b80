"""What can be known of a value before anything runs, and what instructions and built-ins make of it (for _bounds.py).

A `Known` says which kinds a value may be of, how many items or bytes it has at most and at least, the range of a
number, and the same of its items. Everything here only ever errs to the wide side: what is not in the tables gives a
value of which nothing is known.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

VALUE_BYTES_MAX = 1 << 20  # LIMIT_VALUE_BYTES
CELL_BYTES = 16
ITEMS_MAX = VALUE_BYTES_MAX // CELL_BYTES
DEPTH_MAX = 3  # of items in items
SIZED = frozenset({"str", "list", "tuple", "set", "dict", "range", "iterator", "bytes"})


@dataclass(frozen=True)
class Known:
    """What is known of a value. `tags` None: it may be of any kind. `most` None: as large as the engine allows."""

    tags: frozenset[str] | None = None
    most: int | None = None  # items; of a str, bytes
    least: int = 0
    low: float | None = None
    high: float | None = None
    nonzero: bool = False
    item: Known | None = None
    fixed: bool = False  # of an iterator: what it goes over cannot change
    content: int | None = None  # bytes of all items together, where that is less than each at its largest

    @property
    def items(self) -> int:
        if self.tags is not None and not self.tags & SIZED:
            return 0
        if self.most is not None:
            return self.most
        if self.only("range") or self.only("iterator"):
            return 1 << 62
        return VALUE_BYTES_MAX if self.tags is None or "str" in self.tags else ITEMS_MAX

    @property
    def fewest(self) -> int:
        """Items at least; a character of a str can take four bytes."""
        return (self.least + 3) // 4 if self.may("str") else self.least

    @property
    def bytes(self) -> int:
        """Of the whole value, at most; no value is above the engine's limit."""
        if self.tags is not None and not self.tags & (SIZED - {"range", "iterator"}):
            return 0
        if self.only("str", "bytes"):
            return min(self.items, VALUE_BYTES_MAX)
        inner = self.item.bytes if self.item is not None else VALUE_BYTES_MAX
        content = self.items * inner if self.content is None else self.content
        return min(self.items * CELL_BYTES + content, VALUE_BYTES_MAX)

    def only(self, *tags: str) -> bool:
        return self.tags is not None and self.tags <= frozenset(tags)

    def may(self, *tags: str) -> bool:
        return self.tags is None or bool(self.tags & frozenset(tags))


ANY = Known()
NUMBER = Known(frozenset({"bool", "int", "float"}))
INT = Known(frozenset({"int"}))
FLOAT = Known(frozenset({"float"}))
BOOL = Known(frozenset({"bool"}), low=0, high=1)
NONE = Known(frozenset({"none"}))
TEXT = Known(frozenset({"str"}))
NEVER = Known(frozenset())  # what an empty list's items are


def text(most: int | None, least: int = 0) -> Known:
    return Known(frozenset({"str"}), most, least)


def number(value: float) -> Known:
    kind = type(value).__name__
    return Known(frozenset({kind}), low=value, high=value, nonzero=bool(value))


def join(a: Known, b: Known, depth: int = 0) -> Known:
    """A value that is one or the other."""
    if a is b or a == b or b == NEVER:
        return a
    if a == NEVER:
        return b
    if a.tags is None and b.tags is None and a.most is None and a.item is None and not a.least and not a.nonzero:
        return a
    if depth > DEPTH_MAX:
        return ANY
    a_none, b_none = a.only("none"), b.only("none")
    tags = None if a.tags is None or b.tags is None else a.tags | b.tags
    if a_none:
        return replace(b, tags=tags, least=0, nonzero=False)
    if b_none:
        return replace(a, tags=tags, least=0, nonzero=False)
    a_sized, b_sized = a.tags is None or a.tags & SIZED, b.tags is None or b.tags & SIZED
    most = max(a.most or 0, b.most or 0) if _has(a, a_sized) and _has(b, b_sized) else None
    if a.item is None or b.item is None:
        item = (
            None
            if (a_sized and a.item is None and not a.only("str")) or (b_sized and b.item is None and not b.only("str"))
            else a.item or b.item
        )
    else:
        item = join(a.item, b.item, depth + 1)
    return Known(
        tags,
        most,
        min(a.least, b.least),
        None if a.low is None or b.low is None else min(a.low, b.low),
        None if a.high is None or b.high is None else max(a.high, b.high),
        a.nonzero and b.nonzero,
        item,
        a.fixed and b.fixed,
        None if a.content is None or b.content is None else max(a.content, b.content),
    )


def _has(a: Known, sized: object) -> bool:
    return not sized or a.most is not None


def there(value: Known) -> Known:
    """The value where it is not None."""
    return value if value.tags is None or "none" not in value.tags else replace(value, tags=value.tags - {"none"})


CHANGING = frozenset({"list", "set", "dict"})


def loosened(value: Known, depth: int = 0) -> Known:
    """The value where containers may have changed meanwhile: nothing is known of their sizes and items."""
    if value.tags is None or value.tags & CHANGING:
        return replace(value, most=None, least=0, item=None, content=None, fixed=False)
    if value.item is None or value == ANY:
        return value
    return replace(value, item=loosened(value.item, depth + 1) if depth < DEPTH_MAX else None, content=None)


def widened(old: Known, new: Known) -> Known:
    """What still changes becomes unknown."""
    if old == new:
        return old
    return replace(
        new,
        tags=new.tags if new.tags == old.tags else None,
        most=new.most if new.most == old.most else None,
        least=new.least if new.least == old.least else 0,
        low=new.low if new.low == old.low else None,
        high=new.high if new.high == old.high else None,
        item=new.item if new.item == old.item else None,
        content=new.content if new.content == old.content else None,
    )


def item_of(source: Known) -> Known:
    """What going over a value gives."""
    if source.only("str"):
        return text(4, 1)
    if source.only("range"):
        return Known(frozenset({"int"}), low=source.low, high=source.high)
    return source.item or ANY


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- what instructions and built-ins do -----------------------------------------------------------------------------

CONDITIONAL = frozenset({"JMP_TRUE", "JMP_FALSE", "JMP_NONE", "JMP_NOT_NONE", "NEXT"})
ENDS = frozenset({"RET", "RAISE", "THROW"})
RUNS = frozenset({"CALL", "TUPLE", "LIST", "SET", "DICT", "CONCAT", "EXCEPTION"})  # over x cells from b on
COMPARE = words("EQ NE LT LE GT GE IS IS_NOT IN NOT_IN NOT TRUTH IS_EXCEPTION IS_KIND")
ARITHMETIC = frozenset(
    {
        "ADD",
        "SUB",
        "MUL",
        "DIV",
        "FLOORDIV",
        "MOD",
        "POW",
        "BIT_AND",
        "BIT_OR",
        "BIT_XOR",
        "SHL",
        "SHR",
        "NEG",
        "POS",
        "INVERT",
    }
)
PLAIN = (
    COMPARE
    | ARITHMETIC
    | CONDITIONAL
    | ENDS
    | RUNS
    | words("MOVE JMP INDEX SLICE UNPACK FORMAT ITER APPEND STORE DELETE IS_EXCEPTION IS_KIND")
)
CHANGES_LISTS = words(""".append .extend .insert .add .update .pop .popitem .remove .discard .clear .sort .reverse
    .setdefault list.replace list.splice""")
# Built-ins whose work is no more than the size of what they take and give.
LINEAR = words("""len abs min max sum sum.compensated sum.class sum.among any.class any.among all.class all.among
    filter.class filter.among any all round int float str bool repr ascii
    divmod ord chr hex oct bin enumerate zip reversed range tuple list sorted .lower .upper .casefold .title .capitalize
    .swapcase
    .isalnum .isalpha .isascii .isdecimal .isdigit .isidentifier .islower .isnumeric .isprintable .isspace .istitle
    .isupper .strip .lstrip .rstrip .startswith .endswith .find .rfind .index .rindex .count .replace .split .rsplit
    .splitlines .partition .rpartition .join .removeprefix .removesuffix .zfill .ljust .rjust .center .expandtabs .get
    .keys .values .items .bit_length .bit_count .is_integer .conjugate .real .imag .numerator .denominator .year .month
    .day .hour .minute .second .microsecond .weekday .isoweekday .isoformat .timestamp .date .toordinal .days .seconds
    .microseconds .total_seconds .append .extend .insert .add .update .pop .popitem .remove .discard .clear .reverse
    .setdefault .copy .union .intersection .difference .symmetric_difference .issubset .issuperset .isdisjoint set
    frozenset dict dict.fromkeys next list.replace list.splice sorted.by .encode .decode .hex bytes.fromhex
    int.from_bytes .to_bytes hashlib.md5 hashlib.sha1 hashlib.sha224 hashlib.sha256 hashlib.sha384 hashlib.sha512
    hashlib.sha3_224 hashlib.sha3_256 hashlib.sha3_384 hashlib.sha3_512 hashlib.blake2b hashlib.blake2s hashlib.new
    hmac.new hmac.digest hmac.compare_digest .digest .hexdigest hash.update hash.copy .digest_size .block_size
    zlib.crc32 zlib.adler32 binascii.crc32 binascii.hexlify binascii.unhexlify base64.b64encode base64.b64decode
    base64.standard_b64encode base64.standard_b64decode base64.urlsafe_b64encode base64.urlsafe_b64decode
    base64.b16encode base64.b16decode .strftime""")
# Times: no more work than an instruction or two, whatever their values.
TIMES = words("""datetime.datetime datetime.date datetime.time datetime.timedelta datetime.timezone
    datetime.datetime.combine datetime.datetime.fromtimestamp datetime.datetime.utcfromtimestamp
    datetime.datetime.fromordinal datetime.datetime.fromisocalendar datetime.date.fromordinal
    datetime.date.fromisocalendar .replace.named .time .timetz .astimezone .utcoffset .dst .tzname .isocalendar
    .timetuple .utctimetuple .ctime .tzinfo .fold .week .tm_year .tm_mon .tm_mday .tm_hour .tm_min .tm_sec .tm_wday
    .tm_yday .tm_isdst""")
# assay.fn: what each gives; the work of the two that compare each character with each is the product of the lengths.
PAIRWISE = words("assay.fn.jaro_winkler assay.fn.levenshtein")
LINEAR = LINEAR | TIMES | PAIRWISE
LINEAR |= words("assay.fn.haversine_km assay.fn.geohash assay.fn.soundex assay.fn.luhn_valid assay.fn.entropy")
HASHES = words(".digest .hexdigest hash.update hash.copy hmac.new hmac.digest")
SEARCH = words(".find .rfind .index .rindex .count .replace .split .rsplit .partition .rpartition")
NUMBERS = words("""len ord int sum.class sum.among round abs float .find .rfind .index .rindex .count .year .month .day
    .hour .minute .second .microsecond .weekday .isoweekday .toordinal .days .seconds .microseconds .total_seconds
    .timestamp .bit_length .bit_count""")
TRUTHS = words("""any all any.class any.among all.class all.among
bool .startswith .endswith .is_integer .isalnum .isalpha .isascii .isdecimal .isdigit
    .isidentifier .islower .isnumeric .isprintable .isspace .istitle .isupper""")
ITERATES = words("list tuple sorted min max sum sum.compensated any all .join math.fsum math.prod math.dist")
SAME_TEXT = words(".strip .lstrip .rstrip .removeprefix .removesuffix")
CASES = words(".lower .upper .casefold .title .capitalize .swapcase")
DOMAIN = {
    "math.sqrt": "a value below 0",
    "math.log": "a value of 0 or below",
    "math.log10": "a value of 0 or below",
    "math.log2": "a value of 0 or below",
    "math.log1p": "a value of -1 or below",
    "math.acos": "a value outside -1 to 1",
    "math.asin": "a value outside -1 to 1",
    "math.acosh": "a value below 1",
    "math.atanh": "a value outside -1 to 1",
    "math.gamma": "0 or a negative integer",
    "math.factorial": "a negative value",
    "math.fmod": "a divisor of 0",
}
PARSES = ("strptime", "fromisoformat", "ip_address", "ip_network", "b64decode", "unhexlify", "fromhex")


def constant(data: bytes) -> Known:
    """What is known of a constant, from its bytes (engine/base/value.h)."""
    try:
        return _decode(data, 0)[0]
    except (IndexError, ValueError, KeyError):
        return ANY


def _decode(data: bytes, at: int) -> tuple[Known, int]:
    tag = data[at]
    names = ("none", "bool", "int", "float", "str", "datetime", "date", "timedelta", "list", "tuple", "set", "dict")
    if tag == 0:
        return NONE, at + 2
    if tag == 1:
        return number(bool(data[at + 1])), at + 2
    if tag in (2, 3):
        return number(struct.unpack_from("<q" if tag == 2 else "<d", data, at + 1)[0]), at + 9
    if tag in (5, 6, 7):
        return Known(frozenset({names[tag]})), at + 9
    if tag == 4:
        length = int.from_bytes(data[at + 1 : at + 5], "little")
        return text(length, length), at + 5 + length
    if 8 <= tag <= 11:
        count = int.from_bytes(data[at + 1 : at + 5], "little")
        if count > 256:  # a table: its items are not looked at, and none is longer than all
            return Known(frozenset({names[tag]}), count, count, item=Known(most=len(data))), len(data)
        at += 5
        item: Known | None = None
        for position in range(count * (2 if tag == 11 else 1)):
            known, at = _decode(data, at)
            if tag != 11 or position % 2:
                item = known if item is None else join(item, known)
        return Known(frozenset({names[tag]}), count, count, item=item or NEVER), at
    raise ValueError(tag)


def size_of(value: Known) -> int:
    """Steps that going over a value once can be charged: an item is one, and so are eight bytes of text."""
    if value.only("range", "iterator"):
        return 0
    if value.only("str", "bytes"):
        return value.items // 8
    return value.items + value.bytes // 8


def index_hazards(values: list[Known]) -> list[tuple[str, str]]:
    source, index = values[0], values[1]
    if source.only("dict"):
        return [("KeyError", "the key may not be there")]
    if source.may("dict"):
        return [("LookupError", "the key or index may not be there")]
    inside = (
        index.low is not None and index.high is not None and -source.fewest <= index.low and index.high < source.fewest
    )
    return [] if inside else [("IndexError", "there may be fewer items")]


def call_hazards(name: str, values: list[Known]) -> list[tuple[str, str]]:
    first = values[0] if values else NONE
    if name in ("int", "float") and first.may("str"):
        return [("ValueError", "the text may not be a number")]
    if name == "int" and first.may("float"):
        return [("ValueError", "nan and infinity have no int")]
    if name in ("min", "max") and len(values) == 1 and first.least == 0:
        return [("ValueError", "there may be no items")]
    if name in (".index", ".rindex"):
        return [("ValueError", "it may not be there")]
    if name in DOMAIN and not (first.low is not None and first.low > 1 and name != "math.atanh"):
        positive = first.nonzero and first.low is not None and first.low >= 0
        if not (name == "math.sqrt" and first.low is not None and first.low >= 0) and not (
            positive and name.startswith("math.log")
        ):
            return [("ValueError", f"{DOMAIN[name]} is outside its domain")]
    if name.endswith(PARSES):
        return [("ValueError", "the text may not be of that form")]
    return []


def arithmetic(op: str, values: list[Known]) -> Known:
    a, b = values[0], values[-1]
    if len(values) == 1:
        return (
            replace(a, low=None if a.high is None else -a.high, high=None if a.low is None else -a.low)
            if (op == "NEG" and a.only("int", "float"))
            else Known(a.tags)
        )
    if op == "ADD" and a.only("str") and b.only("str"):
        return text(a.items + b.items, a.least + b.least)
    if op == "ADD" and a.only("list", "tuple") and b.only("list", "tuple"):
        item = join(a.item, b.item) if a.item and b.item else None
        return Known(a.tags, a.items + b.items, a.least + b.least, item=item)
    if not (a.only("bool", "int", "float") and b.only("bool", "int", "float")):
        times = replace(a, most=None, least=0) if op == "MUL" and a.may(*SIZED) and a.tags is not None else ANY
        return TEXT if op == "MOD" and a.only("str") else times
    assert a.tags is not None and b.tags is not None
    tags = FLOAT.tags if op == "DIV" or a.only("float") or b.only("float") else (a.tags | b.tags) - {"bool"} | {"int"}
    low, high = _range(op, a, b)
    nonzero = bool((low is not None and low > 0) or (high is not None and high < 0))
    return Known(tags, low=low, high=high, nonzero=nonzero)


def _range(op: str, a: Known, b: Known) -> tuple[float | None, float | None]:
    """The range of a result of two numbers; a nan has no place in one, which no bound here depends on."""
    if op == "MOD" and b.low is not None and b.high is not None and b.low > 0:
        return 0, b.high
    low = high = None
    if op == "ADD":
        low = None if a.low is None or b.low is None else a.low + b.low
        high = None if a.high is None or b.high is None else a.high + b.high
    elif op == "SUB":
        low = None if a.low is None or b.high is None else a.low - b.high
        high = None if a.high is None or b.low is None else a.high - b.low
    elif op in ("MUL", "FLOORDIV", "DIV") and a.low is not None and b.low is not None and a.low >= 0 and b.low >= 0:
        low = 0
        if a.high is not None and b.high is not None:
            high = a.high * b.high if op == "MUL" else a.high if b.low >= 1 else None
    return low, high


COMPARISONS = {
    "assay.fn.haversine_km": replace(FLOAT, low=0),
    "assay.fn.jaro_winkler": replace(FLOAT, low=0, high=1),
    "assay.fn.levenshtein": replace(INT, low=0),
    "assay.fn.soundex": text(4),
    "assay.fn.geohash": text(22, 1),
    "assay.fn.luhn_valid": BOOL,
    "assay.fn.entropy": replace(FLOAT, low=0),
}


def builtin(name: str, values: list[Known]) -> Known:
    """What a built-in gives."""
    first = values[0] if values else NONE
    if name in COMPARISONS:
        return COMPARISONS[name]
    if name == "len":
        return Known(frozenset({"int"}), low=first.fewest, high=first.items, nonzero=first.fewest > 0)
    if name in ("min", "max") and values:
        return _extreme(name, values)
    if name == "range":
        ends = values[0] if len(values) == 1 else values[1] if len(values) > 1 else ANY
        start = number(0) if len(values) == 1 else first
        if len(values) < 3 and ends.high is not None and start.low is not None and ends.only("int", "bool"):
            most = max(0, int(ends.high - start.low))
            return Known(frozenset({"range"}), most, low=start.low, high=max(ends.high - 1, start.low))
        return Known(frozenset({"range"}), None)
    if name in TRUTHS:
        return BOOL
    if name == "abs" and first.only("bool", "int", "float"):
        high = max(abs(first.low), abs(first.high)) if first.low is not None and first.high is not None else None
        tags = frozenset("int" if tag == "bool" else tag for tag in first.tags or ())
        return Known(tags, low=0, high=high, nonzero=first.nonzero)
    if name in ("sum.class", "sum.among", ".count"):
        return Known(frozenset({"int"}), low=0, high=first.items)
    if name in NUMBERS:
        return (
            NUMBER if name in ("round", "abs") else FLOAT if name in ("float", ".timestamp", ".total_seconds") else INT
        )
    if name.startswith("math."):
        return NUMBER
    if name in ("filter.class", "filter.among"):
        return Known(frozenset({"list"}), first.items, item=text(4))
    if name in ("list", "tuple", "sorted"):
        tags = frozenset({"tuple" if name == "tuple" else "list"})
        return Known(tags, first.items if first is not NONE else 0, first.fewest, item=item_of(first))
    if name == ".copy":
        return first
    if name in ("set", "frozenset"):
        return Known(frozenset({"set"}), first.items if values else 0, item=item_of(first))
    if name == "next":
        return item_of(first)
    if name in ("enumerate", "zip", "reversed", ".keys", ".values", ".items"):
        return _lazy(name, values)
    return _text(name, values)


def _extreme(name: str, values: list[Known]) -> Known:
    if len(values) == 1:
        return item_of(values[0])
    joined = values[0]
    for value in values[1:]:
        joined = join(joined, value)
    lows, highs = [v.low for v in values if v.low is not None], [v.high for v in values if v.high is not None]
    if joined.only("bool", "int", "float"):
        low, high = joined.low, joined.high
        if name == "max" and lows:  # at least the greatest of those that are known
            low = max(lows)
        if name == "min" and highs:
            high = min(highs)
        return replace(joined, low=low, high=high, nonzero=joined.nonzero or bool(low is not None and low > 0))
    return joined


def _lazy(name: str, values: list[Known]) -> Known:
    first = values[0] if values else Known(frozenset({"list"}), 0)
    item = item_of(first)
    if name in (".keys", ".items"):  # a dict's keys are not kept apart
        item = ANY if name == ".keys" else Known(frozenset({"tuple"}), 2, 2)
    elif name == "enumerate":
        item = Known(frozenset({"tuple"}), 2, 2, item=join(INT, item))
    elif name == "zip":
        inner = item_of(first)
        for value in values[1:]:
            inner = join(inner, item_of(value))
        item = Known(frozenset({"tuple"}), len(values), len(values), item=inner)
    most = min((value.items for value in values), default=0)
    return Known(frozenset({"iterator"}), most, item=item, fixed=all(v.only("str", "tuple", "range") for v in values))


def _text(name: str, values: list[Known]) -> Known:
    first = values[0] if values else text(0)
    if not first.only("str", "none"):
        return _bytes(name, values)
    if name == ".encode":
        return Known(frozenset({"bytes"}), min(4 * first.items + 4, VALUE_BYTES_MAX))  # the widest encoding
    if name in SAME_TEXT:
        return text(first.items)
    if name in CASES:
        return text(min(3 * first.items, VALUE_BYTES_MAX))
    if name in (".split", ".rsplit", ".splitlines"):
        most = min(first.items + 1, ITEMS_MAX)
        return Known(frozenset({"list"}), most, 0, item=text(first.items), content=first.items)
    if name in (".partition", ".rpartition"):
        return Known(frozenset({"tuple"}), 3, 3, item=text(max(v.items for v in values)))
    if name == ".join" and len(values) > 1:
        items = values[1].items
        inner = values[1].item.items if values[1].item is not None else VALUE_BYTES_MAX
        if values[1].only("str"):
            inner = 4
        return text(min(items * (inner + first.items), VALUE_BYTES_MAX))
    if name in ("str", "repr", "ascii"):
        return text(text_of(first, 1 if name == "str" else 2))
    if name in ("hex", "oct", "bin"):
        return text(4096)
    if name == "chr":
        return text(4, 1)
    if name in (".replace", ".zfill", ".ljust", ".rjust", ".center", ".expandtabs"):
        return TEXT
    return _bytes(name, values)


def _bytes(name: str, values: list[Known]) -> Known:
    """What a built-in gives of what is no str."""
    first = values[0] if values else NONE
    if name in ("str", "repr", "ascii"):
        return text(text_of(first, 1 if name == "str" else 2))
    if name == ".hexdigest":
        return text(128)
    if name == ".digest" or name == "hmac.digest":
        return Known(frozenset({"bytes"}), 64)
    if name in ("hex", "oct", "bin"):
        return text(4096)
    if name == "chr":
        return text(4, 1)
    if name in (".hex", "binascii.hexlify", "base64.b16encode", "base64.b64encode") and first.only("bytes"):
        most = min(3 * first.items + 4, VALUE_BYTES_MAX)
        return text(most) if name == ".hex" else Known(frozenset({"bytes"}), most)
    if name in ("zlib.crc32", "zlib.adler32", "binascii.crc32", "int.from_bytes"):
        return INT
    if name.startswith("hashlib.") or name in ("hmac.new", "hash.update", "hash.copy"):
        return Known(frozenset({"hash"}))
    if name.startswith("re."):
        return _regular(name.rpartition(".")[2], values)
    if name == ".strftime":  # a directive gives at most 32 characters
        return text(min(16 * values[-1].items, VALUE_BYTES_MAX))
    if name == ".decode":  # a byte that fits nothing becomes three of the replacement character
        return text(min(4 * first.items, VALUE_BYTES_MAX))
    if name in (".isoformat", ".ctime"):
        return text(64)
    if name in (".isocalendar", ".timetuple", ".utctimetuple"):
        return Known(frozenset({"tuple"}), 9, item=INT)
    if name in TIMES:
        return Known(frozenset({"datetime", "date", "time", "timedelta", "int", "str", "none", "zone"}), 64)
    if name in SAME_TEXT:
        return replace(first, least=0)
    if name == ".get":
        missing = values[2] if len(values) > 2 else NONE
        return join(first.item, missing) if first.item is not None else ANY
    return ANY


def _regular(name: str, values: list[Known]) -> Known:
    """What the methods of patterns and matches give."""
    if name in ("start", "end", "lastindex", "pos", "endpos", "flags"):
        return join(INT, NONE) if name == "lastindex" else INT
    if name in ("search", "match", "fullmatch"):
        return Known(frozenset({"match", "none"}))
    if name == "re":
        return Known(frozenset({"pattern"}))
    return ANY


def text_of(value: Known, kind: int) -> int | None:
    """The length of a value's text."""
    if value.only("bool", "float", "none", "datetime", "date", "timedelta"):
        return 128
    if value.only("bool", "int", "float", "none"):
        largest = max(abs(value.low), abs(value.high)) if value.low is not None and value.high is not None else None
        known = largest is not None and math.isfinite(largest)
        return max(48, len(str(int(largest or 0))) + 1) if known else 1300  # 4,096 bits
    if value.only("str"):
        return value.items if kind in (0, 1) else min(10 * value.items + 2, VALUE_BYTES_MAX)
    return None
