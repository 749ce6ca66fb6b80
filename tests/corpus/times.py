"""Times: hours, zones, holidays, ages, strings of dates."""

import calendar
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from assay import event, feature, rule, window

history = "empty"

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = {"DE": BERLIN, "US": NEW_YORK, "GB": ZoneInfo("Europe/London"), "IN": ZoneInfo("Asia/Kolkata")}
IST = timezone(timedelta(hours=5, minutes=30))
HOLIDAYS = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
BLACK_FRIDAYS = {date(2023, 11, 24), date(2024, 11, 29), date(2025, 11, 28)}
OPENING = time(8, 30)
CLOSING = time(20, 0)
LAUNCH = datetime(2021, 6, 1, tzinfo=UTC)
MIGRATION = date(2023, 3, 15)
DAY = timedelta(days=1)
FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@event(id="id", time="at")
class Payment:
    id: str
    at: datetime
    card: str
    country: str = "DE"
    opened_at: datetime | None = None
    confirmed_at: datetime | None = None
    birth: date | None = None
    expiry: date | None = None
    stamp: str = ""
    zone: str = "UTC"
    expiry_text: str = ""
    hour: int = 0
    attempts: list[datetime]


last_payment = window.last("at", by="card", over="90d")
seconds_since_last = window.since_last(by="card", over="90d")


def is_weekend(moment) -> bool:
    return moment.weekday() >= 5


def seconds_between(a: datetime, b: datetime) -> float:
    return abs((a - b).total_seconds())


@feature
def hour_utc(at: datetime) -> int:
    return at.hour


@feature
def hour_berlin(at: datetime) -> int:
    return at.astimezone(BERLIN).hour


@feature
def hour_local(at: datetime, country: str) -> int:
    tz = ZONES.get(country)
    if tz is None:
        return at.hour
    return at.astimezone(tz).hour


@feature
def hour_kolkata(at: datetime) -> int:
    local = at.astimezone(IST)
    return local.hour * 60 + local.minute


@feature
def night(at: datetime) -> bool:
    h = at.astimezone(NEW_YORK).hour
    return h < 6 or h >= 23


@feature
def weekend(at: datetime) -> bool:
    return is_weekend(at)


@feature
def weekend_local(at: datetime) -> bool:
    return is_weekend(at.astimezone(BERLIN).date())


@feature
def holiday(at: datetime) -> bool:
    local = at.astimezone(BERLIN)
    return (local.month, local.day) in HOLIDAYS


@feature
def black_friday(at: datetime) -> bool:
    return at.date() in BLACK_FRIDAYS


@feature
def day_name(at: datetime) -> str:
    return ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][at.weekday()]


@feature
def day_of_year(at: datetime) -> int:
    return at.timetuple().tm_yday


@feature
def day_of_year_by_hand(at: datetime) -> int:
    return (at.date() - date(at.year, 1, 1)).days + 1


@feature
def week_number(at: datetime) -> int:
    return at.isocalendar()[1]


@feature
def iso_year_week(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02d}"


@feature
def quarter(at: datetime) -> int:
    return (at.month - 1) // 3 + 1


@feature
def days_to_month_end(at: datetime) -> int:
    last = calendar.monthrange(at.year, at.month)[1]
    return last - at.day


@feature
def leap_year(at: datetime) -> bool:
    return calendar.isleap(at.year)


@feature
def payday(at: datetime) -> bool:
    tomorrow = at + DAY
    return at.day == 15 or tomorrow.month != at.month


@feature
def business_hours(at: datetime) -> bool:
    local = at.astimezone(BERLIN)
    return not is_weekend(local) and OPENING <= local.time() < CLOSING


@feature
def minutes_of_day(at: datetime) -> int:
    return at.hour * 60 + at.minute


@feature
def seconds_since_midnight(at: datetime) -> float:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return (at - midnight).total_seconds()


@feature
def account_age_days(at: datetime, opened_at: datetime | None) -> int | None:
    if opened_at is None:
        return None
    return (at - opened_at).days


@feature
def account_age_bucket(at: datetime, opened_at: datetime | None) -> str:
    if opened_at is None:
        return "unknown"
    age = at - opened_at
    if age < timedelta(0):
        return "future"
    if age < timedelta(days=1):
        return "today"
    if age < timedelta(weeks=4):
        return "month"
    return "old"


@feature
def account_age_log2(at: datetime, opened_at: datetime | None) -> int:
    if not opened_at:
        return -1
    days = max(0, (at - opened_at) // timedelta(days=1))
    return days.bit_length()


@feature
def customer_age(at: datetime, birth: date | None) -> int | None:
    if birth is None:
        return None
    today = at.date()
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


@feature
def birthday_today(at: datetime, birth: date | None) -> bool:
    return birth is not None and (birth.month, birth.day) == (at.month, at.day)


@feature
def minor(at: datetime, birth: date | None) -> bool | None:
    if birth is None:
        return None
    return birth > at.date() - timedelta(days=18 * 365.25)


@feature
def expired(at: datetime, expiry: date | None) -> bool:
    return expiry is not None and expiry < at.date()


@feature
def months_to_expiry(at: datetime, expiry: date | None) -> int | None:
    return (expiry.year - at.year) * 12 + expiry.month - at.month if expiry else None


@feature
def expiry_parsed(expiry_text: str) -> int | None:
    """MM/YY as months since 2000."""
    month, sep, year = expiry_text.partition("/")
    if not sep or not month.isdigit() or not year.isdigit():
        return None
    return (int(year) % 100) * 12 + int(month)


@feature
def stamp_date(stamp: str) -> date | None:
    try:
        return date.fromisoformat(stamp[:10])
    except ValueError:
        return None


@feature
def stamp_parsed(stamp: str) -> int:
    try:
        return datetime.strptime(stamp, "%Y-%m-%d").toordinal()
    except ValueError:
        return -1


@feature
def stamp_any_format(stamp: str) -> str | None:
    for form in FORMATS:
        try:
            return datetime.strptime(stamp.strip(), form).date().isoformat()
        except ValueError:
            continue
    return None


@feature
def stamp_lag(at: datetime, stamp: str) -> float | None:
    try:
        then = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return (at - then).total_seconds()


@feature
def stamp_year(stamp: str) -> int:
    return int(stamp[:4]) if stamp[:4].isdecimal() else 0


@feature
def clock_text(at: datetime) -> str:
    return at.strftime("%H:%M")


@feature
def date_text(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


@feature
def long_text(at: datetime) -> str:
    return at.astimezone(BERLIN).strftime("%a, %d %b %Y %H:%M:%S %z")


@feature
def iso_local(at: datetime) -> str:
    return at.astimezone(NEW_YORK).isoformat(timespec="seconds")


@feature
def utc_offset_minutes(at: datetime) -> float:
    offset = at.astimezone(BERLIN).utcoffset()
    return offset.total_seconds() / 60 if offset is not None else 0.0


@feature
def summer_time(at: datetime) -> bool:
    return bool(at.astimezone(BERLIN).dst())


@feature
def same_local_day(at: datetime, confirmed_at: datetime | None) -> bool:
    if confirmed_at is None:
        return False
    return at.astimezone(BERLIN).date() == confirmed_at.astimezone(BERLIN).date()


@feature
def confirmation_delay(at: datetime, confirmed_at: datetime | None) -> float:
    return -1.0 if confirmed_at is None else seconds_between(at, confirmed_at)


@feature
def delay_text(at: datetime, confirmed_at: datetime | None) -> str:
    if confirmed_at is None:
        return ""
    minutes, seconds = divmod(int(seconds_between(confirmed_at, at)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}"


@feature
def epoch_day(at: datetime) -> int:
    return (at - EPOCH) // DAY


@feature
def epoch_seconds(at: datetime) -> float:
    return at.timestamp()


@feature
def since_launch(at: datetime) -> timedelta:
    return at - LAUNCH


@feature
def before_migration(at: datetime) -> bool:
    return at.date() < MIGRATION


@feature
def next_midnight(at: datetime) -> datetime:
    return datetime(at.year, at.month, at.day, tzinfo=timezone.utc) + DAY


@feature
def truncated_to_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


@feature
def last_payment_same_day(at: datetime, last_payment: datetime | None) -> bool:
    return last_payment is not None and last_payment.date() == at.date()


@feature
def idle_hours(seconds_since_last: float | None) -> float | None:
    return None if seconds_since_last is None else seconds_since_last / 3600


@feature
def hour_distance(at: datetime, hour: int) -> int:
    """On the clock's circle."""
    d = abs(at.hour - hour) % 24
    return min(d, 24 - d)


@feature
def fastest_gap(attempts: list[datetime]) -> float | None:
    ordered = sorted(attempts)
    gaps = [(b - a).total_seconds() for a, b in zip(ordered, ordered[1:])]
    return min(gaps, default=None)


@feature
def burst(attempts: list[datetime]) -> int:
    """The most attempts in any ten minutes."""
    times = sorted(attempts)
    best = start = 0
    for end in range(len(times)):
        while times[end] - times[start] > timedelta(minutes=10):
            start += 1
        best = max(best, end - start + 1)
    return best


@feature
def night_attempts(attempts: list[datetime]) -> float:
    return sum(1 for a in attempts if a.hour < 5) / max(1, len(attempts))


@feature
def named_zone_hour(at: datetime, zone: str) -> int:
    if zone not in ("Europe/Berlin", "Asia/Tokyo", "UTC"):
        return -1
    return at.astimezone(ZoneInfo(zone)).hour


@feature
def month_start_weekday(at: datetime) -> int:
    return at.date().replace(day=1).isoweekday()


@feature
def thanksgiving(at: datetime) -> date:
    first = date(at.year, 11, 1)
    offset = (3 - first.weekday()) % 7
    return first + timedelta(days=offset + 21)


@feature
def from_hour(at: datetime, hour: int) -> int | None:
    if not 0 <= hour <= 23:
        return None
    target = datetime.combine(at.date(), time(hour), tzinfo=timezone.utc)
    return int((target - at) / timedelta(minutes=1))


@rule("review")
def night_owl(at: datetime, country: str) -> bool:
    """Between midnight and five, local time."""
    zone = ZONES.get(country, timezone.utc)
    return at.astimezone(zone).hour < 5
