"""Events for windows_by_scan.py: few keys and times, so that much is equal, and values where the small print is."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

from hypothesis import strategies as st
from windows_by_scan import DAY_US, Event

FLOATS = (0.1, 0.2, 0.3, -0.1, 1e16, 1.0, -1e16, 5e-324, 2.0**-97, 3 * 2.0**-97, -(2.0**-96), -0.0, 0.0, 1e-30, 3.0)
HUGE = (2.0**63, -(2.0**63), 9223372036854774784.0, 1e300, 2.0**62)
INTS = (0, 1, -1, 3, 3, 4, 7, 2**63 - 1, -(2**63), 2**62, 2**53, 2**53 + 1, 10**15)
DATES = (date(2000, 2, 29), date(1970, 1, 1), date(1969, 12, 31))
TIMES = (
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1960, 5, 5, tzinfo=UTC),
)

amounts = st.one_of(st.sampled_from(FLOATS), st.floats(-1e6, 1e6), st.integers(-5, 5).map(float), st.sampled_from(HUGE))
contents = st.fixed_dictionaries(
    {
        "card": st.sampled_from(("a", "a", "a", "b", "", None)),
        "shop": st.sampled_from((1, 1, 2, None)),
        "amount": st.one_of(amounts, amounts, st.none()),
        "cents": st.one_of(st.sampled_from(INTS), st.integers(-100, 100), st.none()),
        "device": st.sampled_from(("d", "d", "D", "", "\u00fc", "\U0001f600", None)),
        "born": st.sampled_from((*DATES, None)),
        "sent": st.sampled_from((*TIMES, None)),
        "flag": st.sampled_from((True, True, False, None)),
    }
)
EDGES = (0, 1, 3, 5, 7, 8, 10, 12, 13, 25, 26, 35)
SCALES = (1_000_000, 600_000_000, DAY_US, 3 * DAY_US)
times = st.one_of(
    st.integers(0, 40),
    st.sampled_from(EDGES),
    st.sampled_from(EDGES).map(lambda us: us + 10),
    st.tuples(st.sampled_from(SCALES), st.integers(-13, 26)).map(sum),
)


def stamped(events: list[Event]) -> list[Event]:
    for number, event in enumerate(events, 1):
        event.id = number
    return events


names = st.sampled_from(("", "", "", "Login"))
histories = st.lists(st.builds(Event, names, times, st.none(), contents), min_size=8, max_size=24).map(stamped)
# Where events arrive: some long before their own time, some after it.
arriving = st.lists(st.builds(Event, names, times, times, contents), min_size=8, max_size=24).map(stamped)


def busy(seed: int, count: int) -> list[Event]:
    """Many events on few keys, mostly in order, some of them late, some a day and more."""
    chance, events, latest = random.Random(seed), [], 0
    for _ in range(count):
        latest += chance.choice((0, 0, 0, 1, 1, 3, 7, *([1_000_000, 500_000_000] if chance.random() < 0.05 else [])))
        late = chance.choice((0, 0, 0, 0, chance.randrange(30), DAY_US + 5 if chance.random() < 0.1 else 0))
        values = {
            "card": chance.choice(("a", "a", "a", "b", None)),
            "shop": chance.choice((1, 1, 1, 2, None)),
            "amount": chance.choice((chance.uniform(-100, 100), chance.choice(FLOATS), None)),
            "cents": chance.choice((chance.randrange(-1000, 1000), 1, 3, 4, None)),
            "device": chance.choice(("d", "e", "f", "", None)),
            "born": chance.choice((*DATES, None)),
            "sent": chance.choice((*TIMES, None)),
            "flag": chance.choice((True, True, False, None)),
        }
        events.append(Event(chance.choice(("", "", "", "Login")), latest - late, None, values))
    return stamped(events)
