"""Reading a definition: what a module's names become, and what is said of each mistake: where, what, the way out."""

from __future__ import annotations

import dataclasses
import datetime
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from assay._definition import MISSING, Definition, DefinitionError, FieldDef, FunctionDef, ObjectDef, Secrecy, WindowDef
from assay._diagnostics import plain
from assay._read import parse_span, read
from assay._source import line_of

Define = Callable[[str], Path]

HEAD = """
from dataclasses import field
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Literal
from assay import *

class Channel(Enum):
    WEB = "web"
    POS = "pos"
"""
PAYMENT = """
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    amount: float
    device: str | None = None
    pin: Annotated[str | None, Secret] = None
    big: bool = False
    tags: list[str] = Field(default_factory=list)
"""
LOGIN = """
@event(id="id", time="at", scored=False)
class Login:
    id: str
    at: datetime
    user: str
    device: str
    level: int
    ok: bool = True
"""


def defined(define: Define, body: str, head: str = HEAD + PAYMENT) -> Definition:
    return read(define(head + textwrap.dedent(body)))


# --- what is read ---------------------------------------------------------------------------------------------------


def test_names_are_the_variables_in_source_order(define: Define) -> None:
    d = defined(
        define,
        """
        n = window.count(by="card", over="10m")

        @feature
        def often(n: int) -> bool:
            return n > 3

        @rule("review")
        def burst(often: bool) -> bool:
            \"\"\"Many
            payments.

            More about it.\"\"\"
            return often

        decide = thresholds("often", review=1)
        """,
    )
    assert list(d.names)[-3:] == ["n", "often", "burst"]
    assert [f.name for f in d.features] == ["often"] and d.features[0].needs_window
    assert d.rules[0].doc == "Many payments." and d.rules[0].outcome == "review"
    assert d.score is d.features[0]
    assert isinstance(d.names["n"], WindowDef) and d.names["n"].over_us == 600_000_000


def test_decorated_functions_and_event_classes_stay_python(define: Define) -> None:
    d = defined(define, "@feature\ndef double(amount: float) -> float:\n    return amount * 2\n")
    assert d.module.double(4.0) == 8.0
    payment = d.module.Payment(id="1", at=datetime.datetime(2026, 1, 1), card="c", amount=1.0)
    assert dataclasses.is_dataclass(payment) and payment.device is None and payment.tags == []
    assert payment.tags is not d.module.Payment(id="1", at=None, card="c", amount=1.0).tags


FIELDS = """
class Place:
    city: str
    lat: float | None = None

class Merchant:
    name: str
    place: Place
    code: int = 5999

@event(id="id", time="at", extra="forbid", timezone="UTC", on_error="decline")
class Payment:
    id: int
    at: Annotated[datetime, Field(unit="ms")]
    born: date
    merchant: Merchant
    shop: Merchant | None = None
    channel: Channel = Channel.WEB
    kind: Literal["a", "b", None] = None
    memo: Annotated[str, Clear] = ""
    pin: Annotated[str | None, Secret] = None
    tags: list[str | None] = field(default_factory=list)
    country: Annotated[str, Field(alias="address.country")]
    zip: Annotated[str | None, Field(alias="billing.zip")] = None
"""


def test_fields_of_every_kind(define: Define) -> None:
    event = defined(define, "", HEAD + FIELDS).scored
    by_name = {f.name: f for f in event.fields}
    assert event.id is by_name["id"] and event.time is by_name["at"] and event.time.unit == "ms"
    assert event.forbid_extra and event.timezone == "UTC" and event.on_error == "decline"
    assert by_name["merchant.place.city"].path == ("merchant", "place", "city")
    assert by_name["merchant.code"].default == 5999 and by_name["merchant.name"].default is MISSING
    channel = by_name["channel"]
    assert (channel.type, channel.choices, channel.default) == ("str", ("web", "pos"), "web")
    assert channel.enum is not None and channel.enum.__name__ == "Channel"
    kind = by_name["kind"]
    assert kind.nullable and kind.choices == ("a", "b") and kind.default is None
    assert by_name["memo"].secrecy is Secrecy.CLEAR and by_name["pin"].secrecy is Secrecy.SECRET
    tags = by_name["tags"]
    assert tags.is_list and tags.item_nullable and tags.default == [] and tags.type == "str"
    assert by_name["country"].path == ("address", "country")
    assert by_name["born"].type == "date"


def test_objects_on_the_way_to_fields(define: Define) -> None:
    objects = {o.path: o for o in defined(define, "", HEAD + FIELDS).scored.objects}
    assert (objects[("merchant",)].nullable, objects[("merchant",)].required) == (False, True)
    assert (objects[("shop",)].nullable, objects[("shop",)].required) == (True, False)
    assert objects[("shop", "place")].name == "shop.place"
    assert (objects[("address",)].nullable, objects[("address",)].required) == (False, True)  # a field below needs it
    assert (objects[("billing",)].nullable, objects[("billing",)].required) == (True, False)


def test_parameters_are_what_they_are_named_after(define: Define) -> None:
    d = defined(
        define,
        """
        n = window.count(by="card", over="1h")
        @feature
        def f(amount: float, device: str | None, n, arrival: datetime, p: Payment, card: str = "x") -> float:
            return 1.0
        """,
    )
    kinds = [(p.name, type(p.source).__name__, p.allows_none) for p in d.features[0].params]
    assert kinds == [
        ("amount", "FieldDef", False),
        ("device", "FieldDef", True),
        ("n", "WindowDef", True),
        ("arrival", "Arrival", False),
        ("p", "EventDef", False),
        ("card", "FieldDef", False),
    ]
    assert d.features[0].params[-1].default == "x"


def test_a_nested_object_is_a_parameter(define: Define) -> None:
    d = defined(define, "@feature\ndef f(shop: Merchant | None) -> int:\n    return 1\n", HEAD + FIELDS)
    assert isinstance(d.features[0].params[0].source, ObjectDef)


def test_context_functions_and_windows_over_them(define: Define) -> None:
    d = defined(
        define,
        """
        @feature
        def failed(login: Login) -> bool:
            return not login.ok

        def level(login: Login) -> int:
            return login.level

        fails = window.count(by={"card": "user"}, over="1d", on=Login, where="failed")
        levels = window.sum(level, by={"card": "user"}, over="1d", on=Login, where=failed)
        known = window.seen("device", by={"card": "user"}, over="30d", on=Login)
        """,
        HEAD + PAYMENT + LOGIN,
    )
    fails, levels, known = d.windows
    assert [f.name for f in d.context_functions] == ["failed", "level"] and not d.features
    assert isinstance(fails.where, FunctionDef) and fails.where is levels.where and fails.where.kind == "where"
    assert levels.value_type == "int" and levels.value is d.context_functions[1]
    assert isinstance(known.value, FieldDef) and isinstance(known.seen, FieldDef) and known.seen is not known.value
    assert [f.name for f in fails.by] == ["card"] and [f.name for f in fails.on_by] == ["user"]
    assert fails.on.name == "Login"


def test_secrecy_spreads_through_what_reads_it(define: Define) -> None:
    d = defined(
        define,
        """
        @feature
        def a(pin: str | None) -> int:
            return len(pin or "")
        @feature
        def b(a: int) -> int:
            return a
        @feature
        def c(amount: float) -> float:
            return amount
        @feature
        def d(p: Payment) -> float:
            return p.amount
        @feature
        def e(p: Payment) -> bool:
            return p.pin is None
        def helper(p: Payment) -> float:
            return p.amount
        @feature
        def handed_on(p: Payment) -> float:
            return helper(p)
        """,
    )
    assert [f.secret for f in d.features] == [True, True, False, False, True, True]


def test_a_context_event_with_a_secret_key_has_other_values(define: Define) -> None:
    d = defined(
        define,
        """
        outcomes = ("pass", "review", "block")
        def level(login: Login) -> int:
            return login.level
        levels = window.sum(level, by={"card": "user"}, over="1d", on=Login)
        """,
        (HEAD + PAYMENT + LOGIN)
        .replace("card: str", "card: Annotated[str, Secret]")
        .replace("user: str", "user: Annotated[str, Secret]"),
    )
    assert d.windows[0].value is d.context_functions[0] and not d.context_functions[0].secret


def test_modules_of_the_folder_are_sources_and_are_read_afresh(define: Define) -> None:
    file = define(HEAD + PAYMENT + "from common_of_this import rate\nRATE = rate()\n")
    helper = file.parent / "common_of_this.py"
    helper.write_text("def rate():\n    return 1\n")
    d = read(file)
    assert d.module.RATE == 1 and set(d.sources) == {file.resolve(), helper.resolve()}
    helper.write_text("def rate():\n    return 2\n")
    assert read(file).module.RATE == 2


def test_a_folder_without_an_init_file_is_read_afresh_too(define: Define) -> None:
    file = define(HEAD + PAYMENT + "from lists.inner import rates\nRATE = rates.RATE\n")
    folder = file.parent / "lists" / "inner"
    folder.mkdir(parents=True)
    helper = folder / "rates.py"
    for rate in (1, 2):
        helper.write_text(f"RATE = {rate}\n")
        d = read(file)
        assert vars(d.module)["RATE"] == rate and set(d.sources) == {file.resolve(), helper.resolve()}
    assert not [name for name in sys.modules if name.partition(".")[0] == "lists"]


def test_paths_are_relative_to_the_definition(define: Define) -> None:
    file = define(HEAD + PAYMENT + 'TEXT = open("words.txt").read()\n')
    (file.parent / "words.txt").write_text("hello")
    before = Path.cwd()
    assert read(file).module.TEXT == "hello" and Path.cwd() == before


def test_settings_of_the_module(define: Define) -> None:
    d = defined(define, 'outcomes = ("ok", "review", "stop")\nhistory = "empty"\n')
    assert (tuple(d.outcomes), d.history) == (("ok", "review", "stop"), "empty")


LENGTHS = {
    "1us": 1,
    "2ms": 2_000,
    "3s": 3_000_000,
    "10m": 600_000_000,
    "1h": 3_600_000_000,
    "1d": 86_400_000_000,
    "2w": 1_209_600_000_000,
    **dict.fromkeys(["1.5h", "h", "10 m", "-1h", "1y", "", 10, None]),
}


@pytest.mark.parametrize(("text", "us"), LENGTHS.items())
def test_lengths_of_time(text: object, us: int | None) -> None:
    assert parse_span(text) == us


# --- what is refused ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    name: str
    source: str  # added to the event above
    at: str  # what the caret stands under
    message: str
    help: str = ""
    head: str = HEAD + PAYMENT


FEATURE = "@feature\ndef f({}) -> float:\n    return 1.0\n"
EVENT = "@event(id='id', time='at')\nclass Other:\n    id: str\n    at: datetime\n    {}\n"
DECISION = "@decision\ndef decide(amount: float) -> str:\n    return 'review'\n"

CASES = [
    Case(
        "a name that its own line begins with",
        "@feature\ndef de(amount: float):\n    return amount\n",
        "de",
        "de has no return annotation",
    ),
    Case(
        "rule without outcome",
        "@rule\ndef big_one(amount: float) -> bool:\n    return amount > 1\n",
        "rule",
        'TypeError: @rule needs the outcome that it asks for: @rule("review")',
    ),
    Case(
        "decorated class",
        "@feature\nclass Big:\n    pass\n",
        "feature",
        "TypeError: @feature is for a function made by `def`, this is a class",
    ),
    Case(
        "unknown kind of window",
        "w = window.avg('amount', over='1d')\n",
        "window.avg",
        "AttributeError: window.avg does not exist; there are count, sum, mean, min, max, std, distinct, last, first, "
        "since_last, seen, rate, decayed_sum",
    ),
    Case(
        "count of a value",
        "w = window.count('amount', over='1d')\n",
        "window.count('amount', over='1d')",
        'TypeError: window.count takes no value; the rest is named: by="card", over="10m"',
    ),
    Case(
        "include_current that is no bool",
        "w = window.count(over='1d', include_current='no')\n",
        "window.count(over='1d', include_current='no')",
        "include_current is 'no', expected True or False",
    ),
    Case(
        "class inside itself",
        "class Node:\n    inner: 'Node | None' = None\n" + "@event(id='id', time='at')\nclass Other:\n    id: Node\n",
        "Other",
        "Other cannot be made a dataclass: TypeError: Node contains itself",
    ),
    Case(
        "unknown parameter",
        FEATURE.format("amont: float"),
        "amont",
        'f reads "amont", which is not a field, feature, window or model',
        "did you mean amount?",
    ),
    Case(
        "star parameter",
        FEATURE.format("*amount"),
        "amount",
        "f takes *amount",
        "name each parameter after what it reads",
    ),
    Case(
        "no return annotation",
        "@rule('review')\ndef big_one(amount: float):\n    return amount > 1\n",
        "big_one",
        "big_one has no return annotation",
        "say what it returns: def big_one(...) -> bool",
    ),
    Case(
        "feature named as a field",
        "@feature\ndef amount(card: str) -> float:\n    return 1.0\n",
        "amount",
        "amount is already a field",
        "give it another name",
    ),
    Case(
        "function replaced by a later one",
        FEATURE.format("card") + FEATURE.format("amount"),
        "f",
        "f is not in the module: a later line replaces it",
        "give one of them another name",
    ),
    Case(
        "window without a name",
        'window.count(by="card", over="1h")\n',
        'window.count(by="card", over="1h")',
        "no variable of the module holds this window",
        "assign it: the variable's name is its name",
    ),
    Case(
        "unknown key",
        'w = window.count(by="crad", over="1h")\n',
        'window.count(by="crad", over="1h")',
        'by= of w names "crad", which is not a field or function of that event',
        "did you mean card?",
    ),
    Case(
        "length of time",
        'w = window.count(by="card", over="ten minutes")\n',
        'window.count(by="card", over="ten minutes")',
        "over='ten minutes' is not a length of time",
        'a whole number and us, ms, s, m, h, d or w: "10m"',
    ),
    Case(
        "no length of time",
        'w = window.count(by="card")\n',
        'window.count(by="card")',
        "window.count needs over=",
        'over="10m": a whole number and us, ms, s, m, h, d or w',
    ),
    Case(
        "too long",
        'w = window.count(by="card", over="401d")\n',
        'window.count(by="card", over="401d")',
        "a window reaches back at most 400 days (over and delay together)",
    ),
    Case(
        "half-life of another kind",
        'w = window.sum("amount", by="card", over="7d", half_life="1d")\n',
        'window.sum("amount", by="card", over="7d", half_life="1d")',
        "half_life= is for decayed_sum, not for sum",
    ),
    Case(
        "no half-life",
        'w = window.decayed_sum("amount", by="card", over="7d")\n',
        'window.decayed_sum("amount", by="card", over="7d")',
        "window.decayed_sum needs half_life=",
        'half_life="10m": a whole number and us, ms, s, m, h, d or w',
    ),
    Case(
        "half-life of nothing",
        'w = window.decayed_sum("amount", by="card", over="7d", half_life="0s")\n',
        'window.decayed_sum("amount", by="card", over="7d", half_life="0s")',
        "half_life='0s' leaves nothing of any value",
        'half_life="1h"',
    ),
    Case(
        "rate of a value",
        'w = window.rate("amount", by="card", over="7d")\n',
        'window.rate("amount", by="card", over="7d")',
        'TypeError: window.rate takes no value; the rest is named: by="card", over="10m"',
    ),
    Case(
        "least of lists",
        'w = window.min("tags", by="card", over="7d")\n',
        'window.min("tags", by="card", over="7d")',
        "the value of w is tags, a list, which windows cannot take",
    ),
    Case(
        "least of members without an order",
        "class Kind(Enum):\n    A = 'a'\n" + EVENT.format("kind: Kind") + 'w = window.min("kind", over="7d")\n',
        'window.min("kind", over="7d")',
        "the value of w is kind, a Kind, whose members have no order",
        "",
        HEAD,
    ),
    Case(
        "deviation of a text",
        'w = window.std("device", by="card", over="7d")\n',
        'window.std("device", by="card", over="7d")',
        "the value of w is device, a str, expected a number",
    ),
    Case(
        "last of a tuple",
        "@feature\ndef g(card: str) -> tuple[str, int]:\n    return card, 1\n"
        'w = window.last(g, by="card", over="7d")\n',
        'window.last(g, by="card", over="7d")',
        "the value of w is g, a tuple[str, int], expected a single value",
    ),
    Case(
        "different lists",
        '@feature\ndef g(card: str) -> list[str]:\n    return [card]\nw = window.distinct(g, by="card", over="7d")\n',
        'window.distinct(g, by="card", over="7d")',
        "the value of w is g, which returns a list[str]: lists cannot be compared",
        "return a tuple",
    ),
    Case(
        "last of a secret",
        'w = window.last("pin", by="card", over="7d")\n',
        'window.last("pin", by="card", over="7d")',
        "w would return pin, which is Secret",
        "windows may count it or key by it",
    ),
    Case(
        "unknown clock",
        'w = window.count(by="card", over="7d", clock="wall")\n',
        'window.count(by="card", over="7d", clock="wall")',
        'clock is \'wall\', expected "event" or "arrival"',
    ),
    Case(
        "unknown argument of a window",
        'w = window.count(by="card", over="7d", wher="big")\n',
        'window.count(by="card", over="7d", wher="big")',
        "window.count has no argument wher=",
        "did you mean where?",
    ),
    Case(
        "sum of a text",
        'w = window.sum("device", by="card", over="7d")\n',
        'window.sum("device", by="card", over="7d")',
        "the value of w is device, a str, expected a number",
    ),
    Case(
        "where of a number",
        'w = window.count(by="card", over="7d", where="amount")\n',
        'window.count(by="card", over="7d", where="amount")',
        "where= of w is amount, a float, expected bool",
        "write a @feature that returns bool",
    ),
    Case(
        "where of a function that is not bool",
        "@feature\ndef g(amount: float) -> float:\n    return amount\n"
        'w = window.count(by="card", over="7d", where="g")\n',
        'window.count(by="card", over="7d", where="g")',
        "where= of w is g, which returns a float, expected bool",
        "annotate it: -> bool",
    ),
    Case(
        "list as a key",
        'w = window.count(by="tags", over="7d")\n',
        'window.count(by="tags", over="7d")',
        "by= of w: tags is a list, which cannot be a key",
    ),
    Case(
        "secret value",
        '@feature\ndef g(pin: str | None) -> int:\n    return 1\nw = window.sum("g", by="card", over="7d")\n',
        'window.sum("g", by="card", over="7d")',
        "w would return g, which is Secret",
        "windows may count it or key by it",
    ),
    Case(
        "window keyed by a window",
        'n = window.count(by="card", over="1h")\nw = window.count(by="n", over="7d")\n',
        'window.count(by="n", over="7d")',
        "by= of w is n, a window",
        "name a field, or a feature that needs no window",
    ),
    Case(
        "window keyed by a feature that reads one",
        'n = window.count(by="card", over="1h")\n@feature\ndef g(n: int) -> bool:\n    return n > 1\n'
        'w = window.count(by=("card", g), over="7d")\n',
        'window.count(by=("card", g), over="7d")',
        "by= of w is g, which reads a window or a model",
        "name a field, or a feature that needs no window",
    ),
    Case(
        "window keyed by when its event came",
        '@feature\ndef g(arrival: datetime) -> int:\n    return arrival.hour\nw = window.count(by=g, over="7d")\n',
        'window.count(by=g, over="7d")',
        "by= of w is g, which reads arrival",
        "name a field, or a feature that needs no window",
    ),
    Case(
        "current event in an outcome window",
        DECISION + "@feature\ndef g(decide: str) -> bool:\n    return decide == 'decline'\n"
        'w = window.count(by="card", over="7d", where=g, include_current=True)\n',
        'window.count(by="card", over="7d", where=g, include_current=True)',
        "include_current=True of w, but g, which reads the decision, is not known yet when it is read",
        "without include_current it tells of the events before this one",
    ),
    Case(
        "current event in a window over a window",
        'n = window.count(by="card", over="1h")\nw = window.max("n", by="card", over="7d", include_current=True)\n',
        'window.max("n", by="card", over="7d", include_current=True)',
        "include_current=True of w, but n, a window, is not known yet when it is read",
        "without include_current it tells of the events before this one",
    ),
    Case(
        "looking for what is not known yet",
        'n = window.count(by="card", over="1h")\nw = window.seen("n", by="card", over="7d")\n',
        'window.seen("n", by="card", over="7d")',
        "w looks for this event's n, which is not known before windows are read",
        "name a field, or a feature that needs no window",
    ),
    Case(
        "windows of each other",
        'a = window.last("b", by="card", over="1h")\nb = window.last("a", by="card", over="1h")\n',
        'window.last("b", by="card", over="1h")',
        "a of b of a: there is no value at the end of this",
        "name a field or a feature",
    ),
    Case(
        "where of a window that counts",
        'n = window.count(by="card", over="1h")\nw = window.count(by="card", over="7d", where="n")\n',
        'window.count(by="card", over="7d", where="n")',
        "where= of w is n, a window that gives a int, expected bool",
        "write a @feature that returns bool",
    ),
    Case(
        "window of the decision itself",
        DECISION + 'w = window.last("decide", by="card", over="7d")\n',
        'window.last("decide", by="card", over="7d")',
        "the value of w is the decision decide, expected a field or feature",
        "name a feature that takes it: def declined(decide: str) -> bool",
    ),
    Case(
        "window of thresholds",
        FEATURE.format("amount: float") + 'limits = thresholds("f", review=0.9)\n'
        'w = window.last(limits, by="card", over="7d")\n',
        'window.last(limits, by="card", over="7d")',
        "the value of w is the decision limits, expected a field or feature",
        "name a feature that takes it: def declined(limits: str) -> bool",
    ),
    Case(
        "window of another event's windows",
        'n = window.count(by="card", over="1h")\nw = window.mean(n, by={"card": "user"}, over="7d", on=Login)\n',
        'window.mean(n, by={"card": "user"}, over="7d", on=Login)',
        "the value of w is n, a window, expected a field of Login",
        "",
        HEAD + PAYMENT + LOGIN,
    ),
    Case(
        "current event in a delayed window",
        'w = window.count(by="card", over="7d", delay="1d", include_current=True)\n',
        'window.count(by="card", over="7d", delay="1d", include_current=True)',
        "include_current=True with delay=: the current event cannot be in that window",
    ),
    Case(
        "current event in another class's window",
        'w = window.count(by={"card": "user"}, over="7d", on=Login, include_current=True)\n',
        'window.count(by={"card": "user"}, over="7d", on=Login, include_current=True)',
        "include_current=True with on=Login: the current event cannot be in that window",
        "",
        HEAD + PAYMENT + LOGIN,
    ),
    Case(
        "keys of different types",
        'w = window.count(by={"card": "level"}, over="7d", on=Login)\n',
        'window.count(by={"card": "level"}, over="7d", on=Login)',
        "w pairs card, a str, with Login.level, a int",
        "",
        HEAD + PAYMENT + LOGIN,
    ),
    Case(
        "key that the other event lacks",
        'w = window.count(by="card", over="7d", on=Login)\n',
        'window.count(by="card", over="7d", on=Login)',
        'by= of w names "card", which is not a field or function of that event',
        "",
        HEAD + PAYMENT + LOGIN,
    ),
    Case(
        "cycle",
        "@feature\ndef g(h: float) -> float:\n    return h\n\n@feature\ndef h(g: float) -> float:\n    return g\n",
        "g",
        "g reads h reads g: a cycle",
        "one of them must not need the others",
    ),
    Case(
        "unknown outcome",
        "@rule('reject')\ndef g(big: bool) -> bool:\n    return big\n",
        "rule('reject')",
        '@rule(\'reject\'): the outcomes are "approve", "review", "decline"',
    ),
    Case(
        "thresholds out of order",
        FEATURE.format("amount: float") + 'decide = thresholds("f", review=0.9, decline=0.6)\n',
        'thresholds("f", review=0.9, decline=0.6)',
        "thresholds: review=0.9 is above decline=0.6, the more severe",
        "the more severe an outcome, the higher its number",
    ),
    Case(
        "thresholds of an unknown score",
        'decide = thresholds("risk", review=0.9)\n',
        'thresholds("risk", review=0.9)',
        'thresholds names "risk", which is not a field, feature, window or model',
    ),
    Case(
        "two decisions",
        FEATURE.format("amount: float") + 'first = thresholds("f", review=0.9)\nsecond = thresholds("f", review=0.8)\n',
        'thresholds("f", review=0.8)',
        "there are two decisions, here and in line 25",
    ),
    Case(
        "fired in a feature",
        FEATURE.format("fired: list[str]"),
        "fired",
        "only the decision knows which rules fired",
        "take the rule's name as a parameter",
    ),
    Case(
        "rule over the decision",
        DECISION + "@rule('review')\ndef g(decide: str) -> bool:\n    return decide == 'review'\n",
        "decide",
        "the rule g takes decide, which is made after the rules",
        "a window over a feature that takes the decision tells of earlier ones",
    ),
    Case(
        "decision over itself",
        "@decision\ndef decide(decide: str) -> str:\n    return decide\n",
        "decide",
        "the decision decide takes decide, which is itself",
        "a window over a feature that takes the decision tells of earlier ones",
    ),
    Case(
        "rule over a feature that takes the decision",
        DECISION + "@feature\ndef g(decide: str) -> bool:\n    return decide == 'review'\n"
        "@rule('review')\ndef h(g: bool) -> bool:\n    return g\n",
        "g",
        "the rule h reads g, which takes the decision",
        "a window over a feature that takes the decision tells of earlier ones",
    ),
    Case(
        "decision over a feature that takes it",
        "@decision\ndef decide(h: bool) -> str:\n    return 'review'\n"
        "@feature\ndef g(decide: str) -> bool:\n    return decide == 'review'\n"
        "@feature\ndef h(g: bool) -> bool:\n    return g\n",
        "h",
        "the decision decide reads h, which takes the decision",
        "a window over a feature that takes the decision tells of earlier ones",
    ),
    Case(
        "thresholds of a feature that takes them",
        '@feature\ndef g(decide: str) -> float:\n    return len(decide)\ndecide = thresholds("g", review=0.9)\n',
        'thresholds("g", review=0.9)',
        "thresholds names g, which takes the decision",
        "a window over a feature that takes the decision tells of earlier ones",
    ),
    Case(
        "two scored events",
        EVENT.format("x: int"),
        "Other",
        "Payment and Other are both scored; exactly one event is",
        "@event(..., scored=False) makes Other a context event",
    ),
    Case(
        "no scored event",
        "",
        "",
        "no event is scored",
        'declare one: @event(id="id", time="at") above a class with annotated fields',
        HEAD + LOGIN,
    ),
    Case(
        "field of a dict",
        EVENT.format("x: dict"),
        "x: dict",
        "x: a field cannot be `dict`",
        "a nested object is a class with annotated fields",
        HEAD,
    ),
    Case(
        "field of two types",
        EVENT.format("x: int | str"),
        "x: int | str",
        "x: a field cannot be `int | str`",
        "one type, or one type and None; numbers that may be either are `float`",
        HEAD,
    ),
    Case(
        "list of objects",
        "class Item:\n    sku: str\n\n" + EVENT.format("items: list[Item]"),
        "items: list[Item]",
        "items: a list of nested objects is not available yet",
        "lists hold str, int, float, bool, datetime, date",
        HEAD,
    ),
    Case(
        "default of another type",
        EVENT.format("x: int = '1'"),
        "x: int = '1'",
        "the default of x is '1', expected int",
        "",
        HEAD,
    ),
    Case(
        "default of None",
        EVENT.format("x: int = None"),
        "x: int = None",
        "x defaults to None but its type is not `int | None`",
        "",
        HEAD,
    ),
    Case(
        "one path read twice",
        EVENT.format("x: int\n    y: Annotated[int, Field(alias='x')]"),
        "y: Annotated[int, Field(alias='x')]",
        "y and x both read x",
        "",
        HEAD,
    ),
    Case(
        "path that is a value and an object",
        EVENT.format("x: int\n    y: Annotated[int, Field(alias='x.y')]"),
        "x: int",
        "x is read as a int by x and as an object by y",
        "",
        HEAD,
    ),
    Case(
        "unit of a number",
        EVENT.format("x: Annotated[int, Field(unit='s')]"),
        "x: Annotated[int, Field(unit='s')]",
        "x: only a datetime has a unit, this is a int",
        "",
        HEAD,
    ),
    Case(
        "secret and clear",
        EVENT.format("x: Annotated[str, Secret, Clear]"),
        "x: Annotated[str, Secret, Clear]",
        "x cannot be both Secret and Clear",
        "",
        HEAD,
    ),
    Case(
        "id that may be missing",
        EVENT.replace("id: str", "id: str | None").format("x: int"),
        "id: str | None",
        "the id id may not be missing: no `| None`, no default",
        "",
        HEAD,
    ),
    Case(
        "id of another type",
        EVENT.replace("id: str", "id: float").format("x: int"),
        "id: float",
        "the id id is a float, expected str or int",
        "",
        HEAD,
    ),
    Case(
        "time of another type",
        EVENT.replace("at: datetime", "at: int").format("x: int"),
        "at: int",
        "the time at is a int, expected datetime",
        "",
        HEAD,
    ),
    Case(
        "id that is no field",
        EVENT.replace("id='id'", "id='key'").format("x: int"),
        "Other",
        '@event(id="key"): Other has no field of that name',
        "",
        HEAD,
    ),
    Case(
        "zone of a later version",
        EVENT.replace("time='at'", "time='at', timezone='Europe/Paris'").format("x: int"),
        "Other",
        "timezone='Europe/Paris' is not available yet",
        'timezone="UTC", or send times with an offset',
        HEAD,
    ),
    Case(
        "text",
        "t = text.tokens('device', 'no.json')\n",
        "text.tokens('device', 'no.json')",
        "the tokenizer no.json cannot be read: No such file or directory",
    ),
    Case(
        "vectorizer",
        "t = text.vectorize('device', None)\n",
        "text.vectorize('device', None)",
        "the vectorizer: a NoneType is no vectorizer of scikit-learn",
        "there are CountVectorizer, TfidfVectorizer, HashingVectorizer, and pipelines that begin with one",
    ),
    Case(
        "table",
        "home = table('customers.csv', key='card')\n",
        "table('customers.csv', key='card')",
        "table is not available yet",
    ),
    Case("block list", "stolen = blocklist('stolen')\n", "blocklist('stolen')", "blocklist is not available yet"),
    Case(
        "vector feature",
        "@feature(size=True)\ndef v(amount: float) -> list[float]:\n    return [amount]\n",
        "feature(size=True)",
        "size is True, expected a whole number from 1 to 4,096",
    ),
    Case("exception of the module", "RISK = {}['x']\n", "{}['x']", "KeyError: 'x'"),
    Case("syntax error", "def f(:\n    pass\n", ":", "SyntaxError: invalid syntax"),
    Case("a definition may not end the tool", "raise SystemExit(3)\n", "raise SystemExit(3)", "SystemExit: 3"),
    Case("history", "history = 'none'\n", "", 'history is \'none\', expected "empty" or "unknown"'),
    Case(
        "outcomes",
        "outcomes = ('a', 'a')\n",
        "",
        "outcomes is ('a', 'a'), expected 2 to 16 different names, mild to severe",
    ),
    Case(
        "a missing model",
        "risk = model('risk.txt')\n",
        "model('risk.txt')",
        "the model risk.txt cannot be read: No such file or directory",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mistake_is_named_at_its_place(case: Case, define: Define) -> None:
    file = define(case.head + case.source)
    with pytest.raises(DefinitionError) as raised:
        read(file)
    problems = [p for p in raised.value.problems if p.message == case.message]
    assert problems, [p.message for p in raised.value.problems]
    place = problems[0].place
    assert place is not None and place.file == file.resolve()
    if case.at:
        line = line_of(place.file, place.line)
        assert line[place.column : place.end_column] == case.at
    if case.help:
        assert problems[0].help == case.help


def test_all_mistakes_are_told_at_once_in_source_order(define: Define) -> None:
    file = define(
        HEAD
        + PAYMENT
        + FEATURE.format("x")
        + 'w = window.count(by="y", over="z")\n'
        + FEATURE.format("q").replace("f(", "g(")
    )
    with pytest.raises(DefinitionError) as raised:
        read(file)
    lines = [p.place.line for p in raised.value.problems if p.place]
    assert len(lines) == 4 and lines == sorted(lines)


def test_what_reads_a_broken_name_is_no_second_mistake(define: Define) -> None:
    body = 'w = window.distinct("card", by="card", over="1h", on=str)\n' + FEATURE.format("w: int")
    with pytest.raises(DefinitionError) as raised:
        read(define(HEAD + PAYMENT + body))
    assert [p.message for p in raised.value.problems] == ["on=str is not an event class"]


def test_a_mistake_is_shown_under_the_users_own_line(define: Define, monkeypatch: pytest.MonkeyPatch) -> None:
    file = define(HEAD + PAYMENT + "@feature\ndef größe(amont: float) -> float:\n    return 1.0\n")
    monkeypatch.chdir(file.parent)
    with pytest.raises(DefinitionError) as raised:
        read(file)
    assert plain(raised.value.problems).splitlines() == [
        'defined.py:23:11  größe reads "amont", which is not a field, feature, window or model',
        "    23 | def größe(amont: float) -> float:",
        "       |           ^^^^^ did you mean amount?",
    ]


def test_no_such_file() -> None:
    with pytest.raises(DefinitionError, match="is not a file"):
        read(Path("nowhere/fraud.py"))


def test_a_misspelt_import_of_assay_names_the_nearest(define: Define) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(define("from assay import windows\n"))
    assert [problem.help for problem in caught.value.problems] == ["did you mean window?"]
