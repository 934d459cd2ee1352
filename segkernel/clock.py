"""Local days and calendar periods: what a run fills into a program's slots, and the tables that kernels read.

Days are counted from 1970-01-01, instants are nanoseconds since 1970-01-01T00:00Z. A local day is the interval from its
first instant to the next day's first. The zone database is asked through `zoneinfo` only; beyond the years 1 to 9999 the
offset is that of their ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from segdsl.calendar_days import NANOSECONDS_A_DAY
from segdsl.typesystem import Length
from segkernel.plan.slots import Form, Slot

SECOND = 1_000_000_000
DAY = NANOSECONDS_A_DAY
HOUR = 3_600 * SECOND
_DAY_SECONDS = DAY // SECOND
_STRETCH = 384 * _DAY_SECONDS
_LARGEST = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = int((datetime(1, 1, 3, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST = int((datetime(9999, 12, 29, tzinfo=UTC) - _EPOCH).total_seconds())


def offset(zone: str, instant: int) -> int:
    """Nanoseconds east of UTC at an instant."""
    return _offset(zone, min(max(instant // SECOND, _FIRST), _LAST)) * SECOND


@lru_cache(maxsize=1 << 16)
def _offset(zone: str, second: int) -> int:
    found = (_EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).utcoffset()
    return int(found.total_seconds()) if found is not None else 0


def change(zone: str, low: int, high: int) -> int:
    """The instant in (low, high] of the only clock change between two instants with different offsets."""
    before = offset(zone, low)
    low, high = low // SECOND, high // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if offset(zone, middle * SECOND) == before:
            low = middle
        else:
            high = middle
    return high * SECOND


def resolve(zone: str, local: int) -> int:
    """The instant of a local time: moved forward by the gap where a change skips it, the earlier where it occurs twice."""
    before, after = offset(zone, local - DAY), offset(zone, local + DAY)
    early, late = local - max(before, after), local - min(before, after)
    if offset(zone, early) == max(before, after):
        return early
    # not yet at the larger offset: either its change has not come (a later, smaller offset), or the time is in a gap
    return late if before > after or offset(zone, late) == min(before, after) else local - before


@lru_cache(maxsize=1 << 16)
def first_instant(zone: str, day: int) -> int:
    """The first instant of a local day."""
    midnight = day * DAY
    early, late = midnight - DAY, midnight + DAY
    before, after = offset(zone, early), offset(zone, late)
    if before == after and offset(zone, midnight - before) == before:
        return midnight - before
    moment = change(zone, early, late)
    if midnight - before < moment:
        return midnight - before
    return max(moment, midnight - after)


def day_of(zone: str, instant: int) -> int:
    """The local day that an instant lies in."""
    day = (instant + offset(zone, instant)) // DAY
    while first_instant(zone, day) > instant:
        day -= 1
    while first_instant(zone, day + 1) <= instant:
        day += 1
    return day


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month (H. Hinnant, "chrono-compatible low-level date algorithms")."""
    era, doe = divmod(day + 719468, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


def days(year: int, month: int, day: int) -> int:
    """The day of a civil date."""
    year -= month <= 2
    era, yoe = divmod(year, 400)
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


def moved(day: int, months: int) -> int:
    """A day moved by months, clamped to the last day of the month."""
    year, month, of_month = civil(day)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return days(year, month + 1, min(of_month, longest))


def period_start(day: int, unit: str, shift: int) -> int:
    """The first day of the `unit` that holds a day, `shift` units later; weeks start on Monday."""
    if unit == "day":
        return day + shift
    if unit == "week":
        return day - (day + 3) % 7 + 7 * shift
    year, month, _ = civil(day)
    length = {"month": 1, "quarter": 3, "year": 12}[unit]
    start = (year * 12 + month - 1) // length * length + shift * length
    return days(start // 12, start % 12 + 1, 1)


def part(function: str, day: int) -> int:
    """A part of a day's date, or the first day of its week, month, quarter or year."""
    if function.endswith("_start"):
        return period_start(day, function.removesuffix("_start"), 0)
    if function == "weekday":
        return (day + 3) % 7 + 1
    year, month, of_month = civil(day)
    return {"year": year, "quarter": (month + 2) // 3, "month": month, "day": of_month}[function]


def anniversary(day: int, today: int) -> int:
    """The next return of a day on or after today: a move by whole years, which clamps 29 February."""
    years = civil(today)[0] - civil(day)[0]
    found = moved(day, 12 * years)
    return found if found >= today else moved(day, 12 * (years + 1))


class Clock:
    """What a run knows of time: its instant and its zone."""

    def __init__(self, as_of: int, zone: str) -> None:
        self.as_of, self.zone = as_of, zone
        self.known: dict[Form, int] = {}

    def slot(self, slot: Slot) -> int:
        """The days or nanoseconds of a slot."""
        return self.form(slot.form) + slot.plus

    def form(self, form: Form) -> int:
        found = self.known.get(form)
        if found is None:
            found = self.known[form] = self._form(form)
        return found

    def _form(self, form: Form) -> int:
        match form:
            case ("now",):
                return self.as_of
            case ("today",):
                return day_of(self.zone, self.as_of)
            case ("days" | "instant", value):
                return int(value)
            case ("start", unit, shift):
                return period_start(self.form(("today",)), unit, shift)
            case ("first instant", inner):
                return first_instant(self.zone, self.form(inner))
            case ("day", inner):
                return day_of(self.zone, self.form(inner))
            case ("shift", inner, length):
                return shifted(self.zone, self.form(inner), is_instant(inner), length)
            case ("part", "hour", inner):
                instant = self.form(inner)
                return (instant + offset(self.zone, instant)) % DAY // HOUR
            case ("part", "anniversary", inner):
                return anniversary(self.form(inner), self.form(("today",)))
            case ("part", function, inner):
                return part(function, self.form(inner))
            case ("between", first, last):
                return self.form(last) - self.form(first)
            case _:
                raise AssertionError(f"no such form: {form}")


def is_instant(form: Form) -> bool:
    """Whether a form is an instant; else it is a date."""
    return form[0] in ("now", "instant", "first instant") or (form[0] == "shift" and is_instant(form[1]))


def shifted(zone: str, value: int, instant: bool, by: Length) -> int:
    """A date or an instant moved by a duration."""
    if not instant:
        return moved(value, by.months) + by.days
    if not by.months and not by.days:
        return value + by.nanoseconds
    day, time = divmod(value + offset(zone, value), DAY)
    return resolve(zone, (moved(day, by.months) + by.days) * DAY + time)


class Untold(Exception):
    """The instant of a run was asked for before there is one."""


class Timeless(Clock):
    """A clock without an instant: it tells what the zone alone decides, such as when a given day begins. Raises `Untold` else."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.known = {}

    @property
    def as_of(self) -> int:  # type: ignore[override]
        raise Untold


@lru_cache(maxsize=64)
def day_table(zone: str, low: int, high: int) -> tuple[NDArray[np.int64], int]:
    """The first instants of all local days that hold the instants low to high, and the number of the first day."""
    first, last = day_of(zone, low) - 1, day_of(zone, high) + 1
    moments, offsets = _changes(zone, (first - 2) * _DAY_SECONDS, (last + 2) * _DAY_SECONDS)
    midnights = np.arange(first, last + 1, dtype=np.int64) * _DAY_SECONDS

    def offset_at(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        return offsets[np.searchsorted(moments, seconds, "right")]

    before = offset_at(midnights - _DAY_SECONDS)
    starts = midnights - before
    plain = (before == offset_at(midnights + _DAY_SECONDS)) & (before == offset_at(starts))
    for place in np.nonzero(~plain)[0]:
        starts[place] = first_instant(zone, first + int(place)) // SECOND
    kept = starts[starts <= _LARGEST // SECOND]  # a day that begins behind all instants of 64 bits is nobody's
    instants = np.where(kept < -(_LARGEST // SECOND), -_LARGEST - 1, kept * SECOND)
    return instants, first


@lru_cache(maxsize=64)
def changes(zone: str, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The clock changes between two instants, and the offset before the first and after each."""
    low, high = max(low // DAY * DAY, _FIRST * SECOND), min(high, _LAST * SECOND)
    days = -(-max(high - low, 1) // DAY)
    moments, offsets = _changes(zone, low // SECOND, low // SECOND + days * _DAY_SECONDS)
    return moments * SECOND, offsets * SECOND


def _changes(zone: str, low: int, high: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The clock changes in (low, high], and the offset before the first and after each, all in seconds."""
    stretches = range(low // _STRETCH, high // _STRETCH + 1)
    found = [change for number in stretches for change in _changes_of_stretch(zone, number) if low < change[0] <= high]
    offsets = [offset(zone, low * SECOND) // SECOND, *(after for _, after in found)]
    return np.array([moment for moment, _ in found], np.int64), np.array(offsets, np.int64)


@lru_cache(maxsize=1 << 13)
def _changes_of_stretch(zone: str, number: int) -> tuple[tuple[int, int], ...]:
    """The clock changes of a stretch of days, and the offset after each, in seconds: kept, since other data ask for the same ones.

    Three days apart are asked first. Two changes that undo each other were never less than 95 hours apart (Freetown in 1939); in
    Recife in 2000 they were 167.
    """
    found = []
    for start in range(number * _STRETCH, (number + 1) * _STRETCH, 3 * _DAY_SECONDS):
        if offset(zone, start * SECOND) != offset(zone, (start + 3 * _DAY_SECONDS) * SECOND):
            for day in range(start, start + 3 * _DAY_SECONDS, _DAY_SECONDS):
                low, high = day * SECOND, (day + _DAY_SECONDS) * SECOND
                if offset(zone, low) != offset(zone, high):
                    found.append((change(zone, low, high) // SECOND, offset(zone, high) // SECOND))
    return tuple(found)
