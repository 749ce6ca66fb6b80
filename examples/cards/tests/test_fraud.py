"""The functions of features.py and fraud.py are ordinary Python, and are tested as such. Run: pytest"""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import features
import fraud


def test_amount_vs_usual_is_a_ratio() -> None:
    assert features.amount_vs_usual(90.0, 30.0) == 3.0


@pytest.mark.parametrize("usual", [None, 0.0])
def test_amount_vs_usual_of_a_card_without_a_usual_amount_is_one(usual: float | None) -> None:
    assert features.amount_vs_usual(90.0, usual) == 1.0


@pytest.mark.parametrize(
    ("amount", "expected"), [(50.0, True), (200.0, True), (37.2, False), (75.0, False), (0.0, False)]
)
def test_round_amounts_are_multiples_of_fifty(amount: float, expected: bool) -> None:
    assert features.amount_round(amount) is expected


def test_night_ends_at_five() -> None:
    at_five = features.hour(datetime(2025, 3, 1, 5, 0, tzinfo=UTC))
    assert features.night(at_five - 1)
    assert not features.night(at_five)


def test_weekend() -> None:
    assert features.weekend(datetime(2025, 3, 1, 12, tzinfo=UTC))  # a Saturday
    assert not features.weekend(datetime(2025, 3, 3, 12, tzinfo=UTC))


def test_network_is_the_address_without_its_last_part() -> None:
    assert features.network("45.7.9.200") == features.network("45.7.9.1") == "45.7.9"
    assert features.network(None) is None
    assert features.network("") is None


@pytest.mark.parametrize(
    ("home", "country", "expected"), [("DE", "DE", False), ("DE", "VN", True), (None, "VN", False)]
)
def test_abroad_needs_a_known_home(home: str | None, country: str, expected: bool) -> None:
    assert features.abroad(country, home) is expected


def test_home_is_read_from_the_postal_code() -> None:
    assert features.home("GB-E1042") == "GB"
    assert features.home(None) is None


def test_distance_to_the_other_side_of_the_earth_is_half_its_girth() -> None:
    half = math.pi * features.EARTH_RADIUS_KM
    assert features.distance_km(0.0, 0.0, 0.0, 180.0) == pytest.approx(half)


def test_distance_from_home_is_none_where_the_country_is_not_known() -> None:
    assert features.km_from_home(52.5, 13.4, "XX") is None
    berlin = features.km_from_home(52.52, 13.405, "DE")
    assert berlin is not None and 150 < berlin < 350


@pytest.mark.parametrize(
    ("email", "digits"),
    [
        ("fry.98213@mail.example", 5),
        ("b2b@mail.example", 0),
        ("7@mail.example", 1),
        ("", 0),
        (None, 0),
        ("no-at-12", 2),
    ],
)
def test_digits_at_the_end_of_a_mail_name(email: str | None, digits: int) -> None:
    assert features.email_number(email) == digits


def test_throwaway_mail_is_known_whatever_its_case() -> None:
    assert features.throwaway_email("A@TempMail.Example")
    assert not features.throwaway_email("a@mail.example")
    assert not features.throwaway_email(None)


def test_shipping_to_another_postal_area() -> None:
    assert features.ships_elsewhere("DE-10115", "DE-99999")
    assert not features.ships_elsewhere("DE-10115", "DE-10999")
    assert not features.ships_elsewhere("DE-10115", None)


def test_a_masked_card_number_in_the_memo_is_noticed() -> None:
    assert features.memo_card_number("please take 411111******1111 thanks")
    assert not features.memo_card_number("two tickets, row 12")


def test_card_testing_needs_three_tiny_payments_before_this_one() -> None:
    assert fraud.card_testing(card_tiny_1h=3, tiny=True)
    assert not fraud.card_testing(card_tiny_1h=2, tiny=True)
    assert not fraud.card_testing(card_tiny_1h=9, tiny=False)


def test_card_burst_needs_six_payments_before_this_one() -> None:
    assert fraud.card_burst(6)
    assert not fraud.card_burst(5)


def test_resale_rule_wants_all_four_signs() -> None:
    assert fraud.resale_to_stranger(True, True, True, 301.0)
    assert not fraud.resale_to_stranger(True, True, True, 300.0)
    assert not fraud.resale_to_stranger(True, True, False, 301.0)


def test_every_rule_says_its_reason() -> None:
    rules = [
        fraud.card_testing,
        fraud.card_burst,
        fraud.resale_to_stranger,
        fraud.stranger_far_away,
        fraud.stripe_at_night,
    ]
    assert all(rule.__doc__ and rule.__doc__.endswith(".") for rule in rules)
