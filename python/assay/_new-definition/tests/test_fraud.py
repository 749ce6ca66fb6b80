"""Functions are tested by calling them; the whole detector by scoring payments."""

import sys
from collections.abc import Iterator
from pathlib import Path

import assay
import pytest

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

import fraud  # noqa: E402


def test_amount_is_compared_with_what_is_usual_for_the_card() -> None:
    assert fraud.amount_vs_usual(300.0, 20.0) == 15.0
    assert fraud.amount_vs_usual(300.0, None) == 1.0


def test_email_that_ends_in_two_digits_is_numbered() -> None:
    assert fraud.email_numbered("kim87@mail.example")
    assert not fraud.email_numbered("k1m@mail99.example")
    assert not fraud.email_numbered(None)


@pytest.fixture
def detector() -> Iterator[assay.Detector]:
    """The engine itself, in process, from empty history."""
    with assay.load(HERE / "fraud.py") as detector:
        yield detector


def payment(number: int, minute: int, **other: object) -> dict[str, object]:
    return {
        "id": f"t-{number}",
        "at": f"2026-03-01T12:{minute:02d}:00Z",
        "card": "c-1",
        "amount": 20.0,
        "currency": "EUR",
        "country": "DE",
        "home": "DE",
        "merchant": "m-1",
        **other,
    }


def test_sixth_payment_before_within_ten_minutes_is_declined(detector: assay.Detector) -> None:
    answers = [detector.score(payment(number, minute=number)) for number in range(7)]
    assert [answer["decision"] for answer in answers[:6]].count("decline") == 0
    assert answers[6]["decision"] == "decline"
    assert answers[6]["reasons"][0]["rule"] == "card_burst"


def test_engine_and_plain_python_give_the_same_values(detector: assay.Detector) -> None:
    for number in range(5):
        event = payment(number, minute=number, memo="final reminder, pay immediately", country="FR")
        detector.score(event)
        detector.twin.score(event)
        assert detector.values == detector.twin.values
