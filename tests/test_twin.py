"""The twin on its own: the meanings of docs/semantics.md, in plain Python."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from assay._mask import luhn, mask
from assay._parse import EventError
from assay._read import read
from assay._twin import Twin, from_us, to_us
from assay._windows import taken
from hypothesis import given
from hypothesis import strategies as st

Define = Callable[[str], Path]

IMPORTS = """
import enum
import math
from datetime import datetime
from typing import Annotated, Literal
from assay import Clear, Field, Secret, decision, event, feature, model, rule, thresholds, window

history = "empty"
"""
HEAD = (
    IMPORTS
    + """
@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str | None
    amount: float = 1.0
    device: str | None = None
    memo: str = ""
"""
)

T0 = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def payment(id: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    return {"id": id, "at": T0 + datetime.timedelta(seconds=seconds), "card": "c", **more}


def twin_of(define: Define, source: str, head: str = HEAD, **options: Any) -> Twin:
    return Twin(read(define(head + source)), **options)


# --- windows ---


def test_window_excludes_event_exactly_over_old_and_includes_one_at_the_same_microsecond(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="10m")\n')
    twin.score(payment("a", 0))
    twin.score(payment("b", 0.000001))
    twin.score(payment("c", 600))
    assert twin.values["n"] == 1
    twin.score(payment("d", 600))
    assert twin.values["n"] == 2


def test_window_sees_late_event_at_its_own_time_and_not_events_after_the_reader(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="10m")\n')
    twin.score(payment("a", 1000))
    twin.score(payment("b", 500))
    assert twin.values["n"] == 0
    twin.score(payment("c", 1001))
    assert twin.values["n"] == 2


def test_delay_moves_the_window_back(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="10s", delay="5s")\n')
    for id, seconds, expected in (("a", 0, 0), ("b", 4, 0), ("c", 5, 1), ("d", 9, 2), ("e", 15, 3), ("f", 30, 0)):
        twin.score(payment(id, seconds))
        assert twin.values["n"] == expected, id


def test_current_event_counts_only_with_include_current_and_only_where_it_holds(define: Define) -> None:
    source = """
    @feature
    def big(amount: float) -> bool:
        return amount > 10

    n = window.count(by="card", over="1h", where="big", include_current=True)
    """
    twin = twin_of(define, "\n".join(line[4:] for line in source.splitlines()))
    twin.score(payment("a", 0, amount=5))
    assert twin.values["n"] == 0
    twin.score(payment("b", 1, amount=50))
    assert twin.values["n"] == 1


def test_none_key_is_missing_and_enters_nothing(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="1h")\ns = window.sum("amount", by="card", over="1h")\n')
    twin.score(payment("a", card=None))
    twin.score(payment("b", card=None))
    assert twin.values["n"] is None
    assert twin.values["s"] is None


def test_empty_windows_and_none_values(define: Define) -> None:
    source = """
known = window.seen("device", by="card", over="1h")
n = window.count(by="card", over="1h")
total = window.sum("amount", by="card", over="1h")
usual = window.mean("amount", by="card", over="1h")
"""
    twin = twin_of(define, source)
    twin.score(payment("a", device="d"))
    assert [twin.values[name] for name in ("known", "n", "total", "usual")] == [False, 0, 0.0, None]
    assert isinstance(twin.values["total"], float)
    twin.score(payment("b", 1))
    assert twin.values["known"] is None
    twin.score(payment("c", 2, device="d"))
    assert twin.values["known"] is True
    assert twin.values["n"] == 2


def test_event_later_than_max_late_has_no_windows_and_is_flagged(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="10d")\n')
    twin.score(payment("a", 0))
    assert "late" not in twin.score(payment("b", -86_400))
    assert twin.values["n"] == 0
    assert twin.score(payment("c", -86_400.000001))["late"] is True
    assert twin.values["n"] is None
    twin.score(payment("d", 1))
    assert twin.values["n"] == 3


def test_future_event_is_clamped_only_where_something_arrives(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="10s")\n')
    answer = twin.score(payment("a", 3600), arrival=T0)
    assert answer["clamped"] is True
    assert twin.values["at"] == T0 + datetime.timedelta(hours=1)
    twin.score(payment("b", 11), arrival=T0 + datetime.timedelta(seconds=11))
    assert twin.values["n"] == 1  # it entered at arrival + 2 s
    assert "clamped" not in twin.score(payment("c", 1e6))


def test_window_is_missing_until_its_history_is_known(define: Define) -> None:
    source = 'n = window.count(by="card", over="10m")\nrare = window.count(by="card", over="1h")\n'
    twin = twin_of(define, source, since=T0)
    assert len(twin.score(payment("a", 0))["warming"]) == 2
    assert len(twin.score(payment("b", 600))["warming"]) == 1
    assert (twin.values["n"], twin.values["rare"]) == (0, None)


def test_sum_beyond_the_range_is_an_error_of_the_window_while_it_is_covered(define: Define) -> None:
    twin = twin_of(define, 'total = window.sum("amount", by="card", over="10s")\n')
    twin.score(payment("a", 0, amount=1e300))
    answer = twin.score(payment("b", 1))
    assert [(error["function"], error["error"]) for error in answer["errors"]] == [("total", "OverflowError")]
    assert twin.values["total"] is None
    assert twin.score(payment("c", 10.5))["errors"] == []
    assert twin.values["total"] == 1.0


@given(st.lists(st.floats(-1e18, 1e18), max_size=30))
def test_sum_of_values_as_taken_is_the_exact_sum_rounded_once(values: list[float]) -> None:
    numbers = [number for value in values if (number := taken(value)) is not None]
    assert math.fsum(numbers) == float(sum(map(Fraction, numbers), Fraction(0)))


@given(st.floats(allow_nan=False))
def test_value_is_taken_to_the_nearest_step(value: float) -> None:
    step = Fraction(1, 2**96)
    if abs(value) >= 2.0**63:
        assert taken(value) is None
    else:
        number = taken(value)
        assert number is not None
        assert (Fraction(number) / step).denominator == 1
        assert abs(Fraction(number) - Fraction(value)) <= step / 2


# --- functions ---


def test_function_is_not_called_with_a_missing_value_unless_it_takes_none(define: Define) -> None:
    source = '''
@feature
def length(device: str) -> int:
    return len(device)

@feature
def twice(length: int) -> int:
    return 2 * length

@feature
def either(length: int | None) -> int:
    return -1 if length is None else length

@feature
def default(device: str = "none") -> str:
    return device

@rule("review")
def long(length: int) -> bool:
    """Long."""
    return length > 3

@rule("decline", on_missing="fire")
def strict(length: int) -> bool:
    return length > 3
'''
    twin = twin_of(define, source)
    answer = twin.score(payment("a"))
    assert [twin.values[name] for name in ("length", "twice", "either", "default")] == [None, None, -1, "none"]
    assert answer["not_evaluated"] == ["long"]
    assert answer["decision"] == "decline"
    assert answer["reasons"] == [{"rule": "strict", "text": "strict"}]
    assert answer["errors"] == []


def test_exception_names_function_class_file_and_innermost_line(define: Define) -> None:
    source = """
def half(x: float) -> float:
    return 1 / x  # here

@feature
def inverse(amount: float) -> float:
    return half(amount)
"""
    twin = twin_of(define, source)
    line = (HEAD + source).splitlines().index("    return 1 / x  # here") + 1
    answer = twin.score(payment("a", amount=0))
    assert answer["errors"] == [
        {"function": "inverse", "error": "ZeroDivisionError", "file": "defined.py", "line": line}
    ]


def test_result_is_widened_to_its_annotation_or_is_a_type_error_at_its_return(define: Define) -> None:
    source = """
@feature
def whole(amount: float) -> float:
    return 3

@feature
def flag(memo: str) -> bool:
    return memo

@feature
def wrong(amount: float) -> str:
    if amount > 0:
        return amount  # here
    return ""

@feature
def big(amount: float) -> int:
    return int(amount) ** 7
"""
    twin = twin_of(define, source)
    answer = twin.score(payment("a", amount=1000, memo="x"))
    assert (twin.values["whole"], type(twin.values["whole"])) == (3.0, float)
    assert twin.values["flag"] is True
    line = (HEAD + source).splitlines().index("        return amount  # here") + 1
    assert [(e["function"], e["error"], e["line"]) for e in answer["errors"]] == [
        ("wrong", "TypeError", line),
        ("big", "OverflowError", line + 5),
    ]


def test_enum_comes_as_member_and_leaves_as_value(define: Define) -> None:
    source = """
class Channel(enum.Enum):
    WEB = "web"
    SHOP = "shop"

@event(id="id", time="at")
class Payment:
    id: int
    at: datetime
    channel: Channel = Channel.SHOP

@feature
def online(channel: Channel) -> bool:
    return channel is Channel.WEB

@feature
def other(channel: Channel) -> Channel:
    return Channel.WEB if channel is Channel.SHOP else Channel.SHOP
"""
    twin = twin_of(define, source, IMPORTS)
    twin.score({"id": 1, "at": T0, "channel": "web"})
    assert (twin.values["online"], twin.values["other"], twin.values["channel"]) == (True, "shop", "web")
    twin.score({"id": 2, "at": T0})
    assert twin.values["online"] is False


# --- the decision ---


def test_thresholds_apply_at_or_above_and_the_more_severe_of_score_and_rules_counts(define: Define) -> None:
    source = '''
@feature
def risk(amount: float) -> float:
    return amount

@rule("review")
def noted(memo: str) -> bool:
    """Noted."""
    return memo == "note"

decide = thresholds("risk", review=0.6, decline=0.9)
'''
    twin = twin_of(define, source)
    for id, amount, memo, expected in (
        ("a", 0.5, "", "approve"),
        ("b", 0.6, "", "review"),
        ("c", 0.9, "note", "decline"),
        ("d", 0.1, "note", "review"),
    ):
        answer = twin.score(payment(id, amount=amount, memo=memo))
        assert (answer["decision"], answer["score"]) == (expected, amount)


def test_decision_that_fails_takes_on_error_or_the_more_severe_rule(define: Define) -> None:
    source = '''
@rule("decline")
def big(amount: float) -> bool:
    """Big."""
    return amount > 100

@decision
def decide(amount: float, fired: list[str]) -> str:
    if amount < 0:
        return "perhaps"
    return "approve" if 1 / amount < 5 else "review"
'''
    twin = twin_of(define, source)
    assert twin.score(payment("a", amount=1000))["decision"] == "approve"  # it has the last word
    zero = twin.score(payment("b", amount=0))
    assert (zero["decision"], zero["errors"][0]["error"]) == ("review", "ZeroDivisionError")
    unknown = twin.score(payment("c", amount=-1))
    assert (unknown["decision"], unknown["errors"][0]["error"]) == ("review", "UnknownOutcome")


# --- identity and secrets ---


def test_same_id_gets_the_first_answer_and_other_content_a_conflict(define: Define) -> None:
    twin = twin_of(define, 'n = window.count(by="card", over="1h")\n')
    first = twin.score(payment("a", 0, amount=1))
    assert twin.score(payment("a", 0, amount=1.0, unknown=3)) == first
    with pytest.raises(EventError) as refused:
        twin.score(payment("a", 0, amount=2))
    assert refused.value.status == 409
    twin.score(payment("b", 1))
    assert twin.values["n"] == 1


def test_card_number_is_masked_before_anything_sees_it(define: Define) -> None:
    source = """
from dataclasses import field

@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    memo: str = ""
    clear: Annotated[str, Clear] = ""
    secret: Annotated[str, Secret] = ""
    tags: list[str] = field(default_factory=list)

@feature
def stars(memo: str) -> int:
    return memo.count("*")
"""
    number = "4111111111111111"
    twin = twin_of(define, source, IMPORTS)
    twin.score({"id": number, "at": T0, "memo": f"card {number}!", "clear": number, "secret": number, "tags": [number]})
    values = twin.values
    assert (values["id"], values["clear"], values["secret"]) == (number, number, number)
    assert (values["memo"], values["tags"]) == ("card 411111******1111!", ["411111******1111"])
    assert values["stars"] == 6


@given(st.text("0123456789 x*", max_size=40))
def test_mask_changes_only_the_middle_of_whole_runs(text: str) -> None:
    masked, count = mask(text)
    assert len(masked) == len(text)
    if count == 0:
        assert masked == text
    assert mask(masked) == (masked, 0)


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "5555555555554444", "6011111111111117"])
def test_published_test_card_numbers_pass_luhn(number: str) -> None:
    assert luhn(number)
    assert not luhn(number[:-1] + str((int(number[-1]) + 1) % 10))


# --- what is refused ---

BAD = [
    ('{"id": "a"', 400, ""),
    ('{"id": "a", "id": "b", "at": "2026-03-01T12:00:00Z", "card": null}', 422, "/id"),
    ('{"id": 1, "at": "2026-03-01T12:00:00Z", "card": "c"}', 422, "/id"),
    ('{"id": "a", "at": "2026-03-01T12:00:00", "card": "c"}', 422, "/at"),
    ('{"id": "a", "at": "2026-03-01T24:00:00Z", "card": "c"}', 422, "/at"),
    ('{"id": "a", "at": "2026-03-01T12:00:60Z", "card": "c"}', 422, "/at"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z"}', 422, "/card"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "c", "amount": "12"}', 422, "/amount"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "c", "amount": true}', 422, "/amount"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "c", "amount": null}', 422, "/amount"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "c", "amount": 1e400}', 422, "/amount"),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "c", "amount": NaN}', 400, ""),
    ('{"id": "a", "at": "2026-03-01T12:00:00Z", "card": "\\ud800"}', 400, ""),
    ("[]", 422, ""),
]


@pytest.mark.parametrize(("text", "status", "path"), BAD)
def test_bad_event_is_refused_with_its_path_and_enters_nothing(
    define: Define, text: str, status: int, path: str
) -> None:
    twin = twin_of(define, 'n = window.count(over="1h")\n')
    with pytest.raises(EventError) as refused:
        twin.score(text)
    assert refused.value.status == status
    assert [error["path"] for error in refused.value.problem.get("errors", [])] == ([path] if status == 422 else [])
    twin.score(payment("z"))
    assert twin.values["n"] == 0


def test_nan_in_a_dict_is_refused_by_name(define: Define) -> None:
    with pytest.raises(EventError, match="/amount: expected a finite number, got nan"):
        twin_of(define, "").score(payment("a", amount=math.nan))


@given(st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30)))
def test_time_in_microseconds_reads_back(moment: datetime.datetime) -> None:
    utc = moment.replace(tzinfo=datetime.UTC)
    assert from_us(to_us(utc)) == utc
    assert json.loads(json.dumps(to_us(utc))) == to_us(utc)
