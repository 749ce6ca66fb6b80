"""What happened before a payment, kept so that a window costs about the same however much is in it.

Of each card, device and so on the payments are kept as parallel lists in the order of their times (microseconds). A
count is the difference of two bisections. Sums are differences of prefix sums, which are exact because they are
integers: an amount is taken in units of 2**-96, in which every amount of a payment is whole, and an int divided by an
int is rounded once - the same bits as math.fsum. What `distinct`, `max` and `seen` need is carried along, which is
right as long as payments come in the order of their times; for one that comes late the window is computed from the
lists instead, and what is carried is made anew.

A payment reads its windows and is entered in one call, and one process has one thread: nothing comes between.
"""

import math
from bisect import bisect_right
from collections import deque
from typing import Any

from payment import Payment, microseconds

MINUTES_10 = 600_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
DAYS_7 = 7 * DAY
DAYS_30 = 30 * DAY
DAYS_90 = 90 * DAY
MAX_LATE = DAY  # a payment later than that gets no window values
FORGET_AT = 256  # payments that are out of every window are dropped when there are so many of them

UNIT = 2**96
NEVER = -(2**63)
ldexp = math.ldexp

# In the order of the window values that `Windows.step` returns.
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


class Times:
    """Times in order; for counting."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times: list[int] = []

    def count(self, at: int, over: int) -> int:
        """How many in (at - over, at]."""
        times = self.times
        if not times or times[-1] <= at - over:
            return 0
        newest = len(times) if times[-1] <= at else bisect_right(times, at)
        return newest - bisect_right(times, at - over, 0, newest)

    def add(self, at: int, kept: int) -> None:
        times = self.times
        if not times or times[-1] <= at:
            times.append(at)
        else:
            times.insert(bisect_right(times, at), at)
        if len(times) > FORGET_AT and times[FORGET_AT] <= times[-1] - kept - MAX_LATE:
            del times[:FORGET_AT]


class Distinct:
    """How many different values there are in the last `over`: carried along, and made anew for a late payment."""

    __slots__ = ("counts", "kept", "over", "stale")

    def __init__(self, over: int) -> None:
        self.over = over
        self.kept: deque[tuple[int, str]] = deque()
        self.counts: dict[str, int] = {}
        self.stale = False

    def read(self, at: int) -> int:
        """For a payment that is not earlier than any before."""
        kept, counts, oldest = self.kept, self.counts, at - self.over
        while kept and kept[0][0] <= oldest:
            value = kept.popleft()[1]
            if counts[value] == 1:
                del counts[value]
            else:
                counts[value] -= 1
        return len(counts)

    def add(self, at: int, value: str | None) -> None:
        if value is not None:
            self.kept.append((at, value))
            self.counts[value] = self.counts.get(value, 0) + 1

    def rebuild(self, times: list[int], values: list[Any]) -> None:
        self.kept.clear()
        self.counts.clear()
        for at, value in zip(times, values, strict=True):
            self.add(at, value)


def span(times: list[int], at: int, over: int) -> tuple[int, int]:
    """Where the payments in (at - over, at] begin and end."""
    newest = bisect_right(times, at)
    return bisect_right(times, at - over, 0, newest), newest


def how_many(values: list[Any]) -> int:
    return len({value for value in values if value is not None})


class Sums:
    """Amounts in the order of their times, as prefix sums."""

    __slots__ = ("sums", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.sums: list[int] = [0]  # sums[n]: of the first n amounts, in units of 2**-96

    def total(self, at: int, over: int) -> tuple[int, int]:
        """The sum in units, and how many."""
        times = self.times
        if not times or times[-1] <= at - over:
            return 0, 0
        newest = len(times) if times[-1] <= at else bisect_right(times, at)
        oldest = bisect_right(times, at - over, 0, newest)
        return self.sums[newest] - self.sums[oldest], newest - oldest

    def mean(self, at: int, over: int) -> float | None:
        units, count = self.total(at, over)
        return units / UNIT / count if count else None

    def add(self, at: int, units: int, kept: int) -> None:
        times, sums = self.times, self.sums
        if not times or times[-1] <= at:
            times.append(at)
            sums.append(sums[-1] + units)
        else:
            place = bisect_right(times, at)
            times.insert(place, at)
            sums[place + 1 :] = [sums[place] + units, *(total + units for total in sums[place + 1 :])]
        if len(times) > FORGET_AT and times[FORGET_AT] <= times[-1] - kept - MAX_LATE:
            del times[:FORGET_AT]
            del sums[:FORGET_AT]


class Card:
    """A card's payments of ninety days."""

    __slots__ = (
        "amounts",
        "countries",
        "countries_7d",
        "country_seen",
        "device_seen",
        "devices",
        "devices_30d",
        "largest",
        "merchants",
        "spent",
        "stale",
        "times",
        "tiny",
    )

    def __init__(self) -> None:
        self.spent = Sums()
        self.times = self.spent.times  # the same list
        self.tiny = Times()
        self.amounts: list[float] = []
        self.countries: list[str] = []
        self.devices: list[str | None] = []
        self.merchants: dict[str, Times] = {}
        # carried along
        self.countries_7d = Distinct(DAYS_7)
        self.devices_30d = Distinct(DAYS_30)
        self.country_seen: dict[str, int] = {}  # when last
        self.device_seen: dict[str, int] = {}
        self.largest: deque[tuple[int, float]] = deque()  # falling amounts: the first is the largest of ninety days
        self.stale = False  # a late payment was entered: make anew what is carried

    def read(self, payment: Payment, at: int, units: int) -> tuple[Any, ...]:
        times = self.times
        newest = len(times)
        if newest and times[-1] > at:
            return self.read_late(payment, at, units)
        if self.stale:
            self.rebuild()
        spent = self.spent
        newest_at = times[-1] if newest else NEVER
        merchant = self.merchants.get(payment.merchant)
        largest, oldest = self.largest, at - DAYS_90
        while largest and largest[0][0] <= oldest:
            largest.popleft()
        spend_24h, payments_24h = spent.total(at, DAY)
        device = payment.device
        if newest_at <= at - DAYS_7:  # nothing in a week: the short windows are empty
            payments_10m = payments_7d = countries = tiny = 0
        else:
            payments_7d = newest - bisect_right(times, at - DAYS_7)
            payments_10m = newest - bisect_right(times, at - MINUTES_10, newest - payments_24h) if payments_24h else 0
            countries = self.countries_7d.read(at)
            tiny = self.tiny.count(at, HOUR)
        return (
            payments_10m,
            payments_24h,
            payments_7d,
            tiny,
            (spend_24h + units) / UNIT,
            spent.mean(at - HOUR, DAYS_30),
            largest[0][1] if largest else None,
            merchant.count(at, DAYS_90) if merchant is not None else 0,
            countries,
            self.devices_30d.read(at),
            self.countries[-1] if newest_at > at - DAYS_7 else None,
            (at - newest_at) / 1_000_000 if newest_at > at - DAYS_30 else None,
            self.device_seen.get(device, oldest) > oldest if device is not None else None,
            self.country_seen.get(payment.country, oldest) > oldest,
        )

    def read_late(self, payment: Payment, at: int, units: int) -> tuple[Any, ...]:
        """For a payment that is earlier than one before: from the lists alone."""
        times = self.times
        week, newest = span(times, at, DAYS_7)
        month, _ = span(times, at, DAYS_30)
        quarter, _ = span(times, at, DAYS_90)
        spend_24h, payments_24h = self.spent.total(at, DAY)
        merchant = self.merchants.get(payment.merchant)
        return (
            newest - span(times, at, MINUTES_10)[0],
            payments_24h,
            newest - week,
            self.tiny.count(at, HOUR),
            (spend_24h + units) / UNIT,
            self.spent.mean(at - HOUR, DAYS_30),
            max(self.amounts[quarter:newest], default=None),
            merchant.count(at, DAYS_90) if merchant is not None else 0,
            how_many(self.countries[week:newest]),
            how_many(self.devices[month:newest]),
            self.countries[newest - 1] if week < newest else None,
            (at - times[newest - 1]) / 1_000_000 if month < newest else None,
            payment.device in self.devices[quarter:newest] if payment.device is not None else None,
            payment.country in self.countries[quarter:newest],
        )

    def add(self, payment: Payment, at: int, units: int) -> None:
        times = self.times
        amount, country, device = payment.amount, payment.country, payment.device
        if times and times[-1] > at:
            place = bisect_right(times, at)
            self.amounts.insert(place, amount)
            self.countries.insert(place, country)
            self.devices.insert(place, device)
            self.stale = True
        else:
            self.amounts.append(amount)
            self.countries.append(country)
            self.devices.append(device)
            if not self.stale:
                self.carry(at, amount, country, device)
        self.spent.add(at, units, DAYS_90 + HOUR)
        surplus = len(self.amounts) - len(times)
        if surplus:
            del self.amounts[:surplus], self.countries[:surplus], self.devices[:surplus]
        if amount < 2.0:
            self.tiny.add(at, HOUR)
        merchant = self.merchants.get(payment.merchant)
        if merchant is None:
            merchant = self.merchants[payment.merchant] = Times()
        merchant.add(at, DAYS_90)

    def carry(self, at: int, amount: float, country: str, device: str | None) -> None:
        self.countries_7d.add(at, country)
        self.country_seen[country] = at
        if device is not None:
            self.devices_30d.add(at, device)
            self.device_seen[device] = at
        largest = self.largest
        while largest and largest[-1][1] < amount:
            largest.pop()
        largest.append((at, amount))

    def rebuild(self) -> None:
        self.stale = False
        for carried in (self.country_seen, self.device_seen, self.largest):
            carried.clear()
        self.countries_7d.rebuild([], [])
        self.devices_30d.rebuild([], [])
        for at, amount, country, device in zip(self.times, self.amounts, self.countries, self.devices, strict=True):
            self.carry(at, amount, country, device)


class Cards:
    """Payments in the order of their times, and which cards made them; for counting both."""

    __slots__ = ("cards", "distinct", "stale", "times")

    def __init__(self, over: int) -> None:
        self.times: list[int] = []
        self.cards: list[str] = []
        self.distinct = Distinct(over)
        self.stale = False

    def count(self, at: int, over: int) -> int:
        oldest, newest = span(self.times, at, over)
        return newest - oldest

    def different(self, at: int) -> int:
        times = self.times
        if times and times[-1] > at:
            oldest, newest = span(times, at, self.distinct.over)
            return len(set(self.cards[oldest:newest]))
        if self.stale:
            self.stale = False
            self.distinct.rebuild(times, self.cards)
        return self.distinct.read(at)

    def add(self, at: int, card: str) -> None:
        times = self.times
        if times and times[-1] > at:
            place = bisect_right(times, at)
            times.insert(place, at)
            self.cards.insert(place, card)
            self.stale = True
        else:
            times.append(at)
            self.cards.append(card)
            if not self.stale:
                self.distinct.add(at, card)
        if len(times) > FORGET_AT and times[FORGET_AT] <= times[-1] - self.distinct.over - MAX_LATE:
            del times[:FORGET_AT], self.cards[:FORGET_AT]


class Device:
    __slots__ = ("cards", "spent")

    def __init__(self) -> None:
        self.cards = Cards(DAY)
        self.spent = Sums()


class Merchant:
    __slots__ = ("cards", "spent", "tiny")

    def __init__(self) -> None:
        self.cards = Cards(HOUR)
        self.spent = Sums()
        self.tiny = Times()


NO_CARD = (None,) * 14
NO_DEVICE = (None,) * 3
NO_NETWORK = (None,) * 2
LATE = (None,) * len(NAMES)


class Windows:
    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.devices: dict[str, Device] = {}
        self.ips: dict[str, Times] = {}
        self.networks: dict[str, Cards] = {}
        self.merchants: dict[str, Merchant] = {}
        self.latest = 0

    def step(self, payment: Payment, network: str | None) -> tuple[Any, ...]:
        """The values for this payment, as NAMES has them; then it belongs to the past."""
        at = microseconds(payment.at)
        units = round(ldexp(payment.amount, 96))
        if at > self.latest:
            self.latest = at
        late = self.latest - at > MAX_LATE

        card = self.cards.get(payment.card)
        if card is None:
            card = self.cards[payment.card] = Card()
        of_card = NO_CARD if late else card.read(payment, at, units)
        card.add(payment, at, units)

        of_device = self.step_device(payment, at, units)
        of_ip = self.step_ip(payment.ip, at)
        of_network = self.step_network(network, payment.card, at)
        of_merchant = self.step_merchant(payment, at, units)
        return LATE if late else (*of_card, *of_device, of_ip, *of_network, *of_merchant)

    def step_device(self, payment: Payment, at: int, units: int) -> tuple[Any, ...]:
        if payment.device is None:
            return NO_DEVICE
        device = self.devices.get(payment.device)
        if device is None:
            device = self.devices[payment.device] = Device()
        cards, spent = device.cards, device.spent
        values = cards.count(at, HOUR), cards.different(at), spent.total(at, DAY)[0] / UNIT
        cards.add(at, payment.card)
        spent.add(at, units, DAY)
        return values

    def step_ip(self, ip: str | None, at: int) -> int | None:
        if ip is None:
            return None
        times = self.ips.get(ip)
        if times is None:
            times = self.ips[ip] = Times()
        count = times.count(at, HOUR)
        times.add(at, HOUR)
        return count

    def step_network(self, network: str | None, card: str, at: int) -> tuple[Any, ...]:
        if network is None:
            return NO_NETWORK
        cards = self.networks.get(network)
        if cards is None:
            cards = self.networks[network] = Cards(DAY)
        values = cards.count(at, MINUTES_10), cards.different(at)
        cards.add(at, card)
        return values

    def step_merchant(self, payment: Payment, at: int, units: int) -> tuple[Any, ...]:
        merchant = self.merchants.get(payment.merchant)
        if merchant is None:
            merchant = self.merchants[payment.merchant] = Merchant()
        cards, spent, tiny = merchant.cards, merchant.spent, merchant.tiny
        values = spent.mean(at, DAYS_7), cards.count(at, HOUR), cards.different(at), tiny.count(at, HOUR)
        cards.add(at, payment.card)
        spent.add(at, units, DAYS_7)
        if payment.amount < 2.0:
            tiny.add(at, HOUR)
        return values
