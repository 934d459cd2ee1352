"""Days and instants of a zone as whole numbers: days and nanoseconds since 1970-01-01."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86_400_000_000_000
EPOCH = date(1970, 1, 1)


def to_date(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=day)


def instant(local: datetime, zone: str) -> int:
    """The instant of a local time without a zone: the earlier of two, moved forward by the gap where it does not exist."""
    moved = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    passed = moved - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + passed.microseconds * 1000


@lru_cache(maxsize=10_000)
def day_start(day: int, zone: str) -> int:
    """The first instant of a local day."""
    return instant(datetime(*to_date(day).timetuple()[:3]), zone)


def local(at: int, zone: str) -> datetime:
    """The local time of an instant, without the part below a microsecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at // 1000)).astimezone(ZoneInfo(zone))


def local_day(at: int, zone: str) -> int:
    """The local day that holds an instant, as the interval from its first instant to the next day's."""
    day = (local(at, zone).date() - EPOCH).days
    while day_start(day, zone) > at:
        day -= 1
    while day_start(day + 1, zone) <= at:
        day += 1
    return day


def add_months(day: int, months: int) -> int:
    """The same day of another month, or its last day."""
    start = to_date(day)
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return (date(year, month, min(start.day, monthrange(year, month)[1])) - EPOCH).days


def shift_instant(at: int, months: int, days: int, nanoseconds: int, zone: str) -> int:
    """An instant moved by months or days with the local time of day kept, or exactly."""
    if not months and not days:
        return at + nanoseconds
    here = local(at, zone).replace(tzinfo=None)
    day = add_months((here.date() - EPOCH).days, months) + days
    return instant(datetime.combine(to_date(day), here.time()), zone) + at % 1000 + nanoseconds


def period_start(today: int, unit: str, shift: int) -> int:
    """The first day of the day, week, month, quarter or year that holds `today`, `shift` of them later."""
    day = to_date(today)
    if unit == "day":
        return today + shift
    if unit == "week":
        return today - day.weekday() + 7 * shift
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = (date(day.year, (day.month - 1) // months * months + 1, 1) - EPOCH).days
    return add_months(first, months * shift)
