"""The civil calendar of literals: dates, months, years and timestamps as numbers.

Days count from 1970-01-01, nanoseconds from 1970-01-01T00:00Z, in the proleptic Gregorian calendar. Nothing here ends at
the year 9999, because the end of a period may lie beyond the last date that can be written.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

NANOSECONDS_A_DAY = 86_400_000_000_000
MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIMESTAMP = re.compile(r"([0-9-]{10})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2})?")


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a civil date.

    From H. Hinnant, "chrono-compatible low-level date algorithms": years start in March, so that the leap day is the last.
    """
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def civil_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days from 1970-01-01; the inverse of `days_of`."""
    days += 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def month_length(year: int, month: int) -> int:
    """The number of days of a month."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return MONTH_LENGTHS[month - 1] + leap


def plus_months(days: int, months: int) -> int:
    """A day some months later or earlier; a day that the month lacks becomes its last (31 May − 3 months: 28 or 29 February)."""
    year, month, day = civil_of(days)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return days_of(year, month + 1, min(day, month_length(year, month + 1)))


def day(text: str) -> int | None:
    """The days of `2026-03-01`; None where the years 0001 to 9999 have no such day, or the text is none."""
    match = DAY.fullmatch(text)
    if match is None:
        return None
    year, month, number = (int(part) for part in match.groups())
    if year < 1 or not 1 <= month <= 12 or not 1 <= number <= month_length(year, month):
        return None
    return days_of(year, month, number)


def month_days(text: str) -> tuple[int, int] | None:
    """The first and the last day of `2026-03`, so written; None where the years 0001 to 9999 have no such month."""
    first = day(f"{text}-01")
    return None if first is None else (first, plus_months(first, 1) - 1)


def local_nanoseconds(moment: datetime, zone: tzinfo) -> int:
    """The nanoseconds of a naive local time in a zone.

    A time that a clock change skips moves forward by the gap, one that occurs twice is the earlier: what `fold=0` of PEP 495 means.
    """
    offset = moment.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    return _nanoseconds(moment, offset)


def _nanoseconds(moment: datetime, offset: timedelta) -> int:
    seconds = days_of(moment.year, moment.month, moment.day) * 86_400 + moment.hour * 3_600 + moment.minute * 60 + moment.second
    shift = offset.days * 86_400 + offset.seconds
    return (seconds - shift) * 1_000_000_000 + (moment.microsecond - offset.microseconds) * 1_000


def moment_nanoseconds(moment: datetime, zone: tzinfo) -> int:
    """The nanoseconds of a Python datetime; a naive one is read in `zone`."""
    offset = moment.utcoffset()
    if offset is None:
        return local_nanoseconds(moment, zone)
    return _nanoseconds(moment, offset)


def timestamp(text: str, zone: tzinfo) -> int | None:
    """The nanoseconds of `2026-03-01T14:30`, `…:05.25Z` or `…+01:00`; without an offset it is read in `zone`.

    None where there is no such time, or where the fraction of a second has more than nine digits.
    """
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    date_text, hour, minute, second, fraction, offset = match.groups()
    days = day(date_text)
    if days is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59 or len(fraction or "") > 9:
        return None
    beyond_seconds = int((fraction or "0").ljust(9, "0"))
    year, month, number = civil_of(days)
    if offset is None:
        moment = datetime(year, month, number, int(hour), int(minute), int(second or 0))
        return local_nanoseconds(moment, zone) + beyond_seconds
    seconds = days * 86_400 + int(hour) * 3_600 + int(minute) * 60 + int(second or 0)
    if offset != "Z":
        hours, minutes = int(offset[1:3]), int(offset[4:6])
        if hours > 23 or minutes > 59:
            return None
        seconds -= (hours * 3_600 + minutes * 60) * (-1 if offset[0] == "-" else 1)
    return seconds * 1_000_000_000 + beyond_seconds
