"""What happened before a payment: the last months' payments of each card, device, network and merchant, in memory."""

import math
import threading
from bisect import insort
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas import Payment

MINUTES_10 = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DAYS_7 = timedelta(days=7)
DAYS_30 = timedelta(days=30)
DAYS_90 = timedelta(days=90)

MAX_LATE = DAY  # a payment later than that gets no window values
KEPT = {"card": DAYS_90, "device": DAY, "ip": HOUR, "network": DAY, "merchant": DAYS_7}


@dataclass(slots=True)
class PastPayment:
    at: datetime
    card: str
    amount: float
    country: str
    device: str | None
    merchant: str
    tiny: bool


History = deque[PastPayment]  # in the order of time


def within(history: History, at: datetime, over: timedelta) -> list[PastPayment]:
    """The payments in (at - over, at], oldest first."""
    oldest = at - over
    found = []
    for past in reversed(history):
        if past.at <= oldest:
            break
        if past.at <= at:
            found.append(past)
    found.reverse()
    return found


def mean_amount(payments: list[PastPayment]) -> float | None:
    return math.fsum(past.amount for past in payments) / len(payments) if payments else None


def tiny_ones(payments: list[PastPayment]) -> int:
    return sum(past.tiny for past in payments)


def cards_of(payments: list[PastPayment]) -> int:
    return len({past.card for past in payments})


def card_windows(history: History, payment: Payment) -> dict[str, Any]:
    at = payment.at
    last_day = within(history, at, DAY)
    last_7_days = within(history, at, DAYS_7)
    last_30_days = within(history, at, DAYS_30)
    last_90_days = within(history, at, DAYS_90)
    return {
        "card_payments_10m": len(within(history, at, MINUTES_10)),
        "card_payments_24h": len(last_day),
        "card_payments_7d": len(last_7_days),
        "card_tiny_1h": tiny_ones(within(history, at, HOUR)),
        "card_spend_24h": math.fsum([*(past.amount for past in last_day), payment.amount]),  # with this payment
        "card_usual": mean_amount(within(history, at - HOUR, DAYS_30)),  # up to an hour ago: a burst is not "usual"
        "card_largest_90d": max((past.amount for past in last_90_days), default=None),
        "card_at_merchant_90d": sum(past.merchant == payment.merchant for past in last_90_days),
        "card_countries_7d": len({past.country for past in last_7_days}),
        "card_devices_30d": len({past.device for past in last_30_days if past.device is not None}),
        "card_last_country": last_7_days[-1].country if last_7_days else None,
        "card_idle": (at - last_30_days[-1].at).total_seconds() if last_30_days else None,
        "known_device": (
            any(past.device == payment.device for past in last_90_days) if payment.device is not None else None
        ),
        "known_country": any(past.country == payment.country for past in last_90_days),
    }


def device_windows(history: History, payment: Payment) -> dict[str, Any]:
    last_day = within(history, payment.at, DAY)
    return {
        "device_payments_1h": len(within(history, payment.at, HOUR)),
        "device_cards_24h": cards_of(last_day),
        "device_spend_24h": math.fsum(past.amount for past in last_day),
    }


def ip_windows(history: History, payment: Payment) -> dict[str, Any]:
    return {"ip_payments_1h": len(within(history, payment.at, HOUR))}


def network_windows(history: History, payment: Payment) -> dict[str, Any]:
    return {
        "network_payments_10m": len(within(history, payment.at, MINUTES_10)),
        "network_cards_24h": cards_of(within(history, payment.at, DAY)),
    }


def merchant_windows(history: History, payment: Payment) -> dict[str, Any]:
    last_hour = within(history, payment.at, HOUR)
    return {
        "merchant_usual": mean_amount(within(history, payment.at, DAYS_7)),
        "merchant_payments_1h": len(last_hour),
        "merchant_cards_1h": cards_of(last_hour),
        "merchant_tiny_1h": tiny_ones(last_hour),
    }


WINDOWS_BY = {
    "card": card_windows,
    "device": device_windows,
    "ip": ip_windows,
    "network": network_windows,
    "merchant": merchant_windows,
}
NAMES = [
    "card_payments_10m",
    "card_payments_24h",
    "card_payments_7d",
    "card_tiny_1h",
    "card_spend_24h",
    "card_usual",
    "card_largest_90d",
    "card_at_merchant_90d",
    "card_countries_7d",
    "card_devices_30d",
    "card_last_country",
    "card_idle",
    "known_device",
    "known_country",
    "device_payments_1h",
    "device_cards_24h",
    "device_spend_24h",
    "ip_payments_1h",
    "network_payments_10m",
    "network_cards_24h",
    "merchant_usual",
    "merchant_payments_1h",
    "merchant_cards_1h",
    "merchant_tiny_1h",
]


class WindowStore:
    def __init__(self) -> None:
        self._histories: dict[str, dict[str, History]] = {by: defaultdict(deque) for by in WINDOWS_BY}
        self._latest: datetime | None = None
        self._lock = threading.Lock()

    def read_and_add(self, payment: Payment) -> dict[str, Any]:
        """The values for this payment; then it belongs to the past. One step, so that two payments on one card at the
        same moment cannot both find nothing."""
        with self._lock:
            self._latest = max(self._latest, payment.at) if self._latest else payment.at
            values = dict.fromkeys(NAMES)
            if self._latest - payment.at <= MAX_LATE:
                for by, compute in WINDOWS_BY.items():
                    key = getattr(payment, by)
                    if key is not None:
                        values.update(compute(self._histories[by][key], payment))
            self._add(payment)
            return values

    def _add(self, payment: Payment) -> None:
        past = PastPayment(
            at=payment.at,
            card=payment.card,
            amount=payment.amount,
            country=payment.country,
            device=payment.device,
            merchant=payment.merchant,
            tiny=payment.tiny,
        )
        for by in WINDOWS_BY:
            key = getattr(payment, by)
            if key is not None:
                history = self._histories[by][key]
                insort(history, past, key=lambda other: other.at)
                self._forget(history, KEPT[by])

    def _forget(self, history: History, kept: timedelta) -> None:
        assert self._latest is not None
        too_old = self._latest - kept - HOUR - MAX_LATE  # an hour: the longest delay of a window
        while history and history[0].at <= too_old:
            history.popleft()
