"""The calendar without zones: days since 1970-01-01, and years, months and days."""

from __future__ import annotations

from segdsl.typesystem import Length

MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


def leap(year: int) -> bool:
    """Whether a year of the Gregorian calendar, carried on backwards and forwards without end, has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    """The number of days of a month (1 to 12)."""
    return 29 if month == 2 and leap(year) else MONTH_LENGTHS[month - 1]


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date."""
    before = year - 1
    years = before * 365 + before // 4 - before // 100 + before // 400
    days = sum(month_length(year, earlier) for earlier in range(1, month))
    return years + days + day - 1 - 719_162  # 0001-01-01 is 719,162 days before 1970-01-01


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month (1 to 12) and day (1 to 31) of a number of days since 1970-01-01."""
    year = 1970 + days * 400 // 146_097  # 400 years are 146,097 days; the guess is off by one year at most
    while day_of(year, 1, 1) > days:
        year -= 1
    while day_of(year + 1, 1, 1) <= days:
        year += 1
    left = days - day_of(year, 1, 1)
    month = 1
    while left >= month_length(year, month):
        left -= month_length(year, month)
        month += 1
    return year, month, left + 1


def add_months(days: int, months: int) -> int:
    """The same day of the month, `months` later; the last day of a month that is too short for it."""
    year, month, day = date_of(days)
    year_step, month_index = divmod(month - 1 + months, 12)
    year, month = year + year_step, month_index + 1
    return day_of(year, month, min(day, month_length(year, month)))


def shift_day(days: int, by: Length) -> int:
    """A day moved by months, then days."""
    return add_months(days, by.months) + by.days


def weekday_of(days: int) -> int:
    """1 for Monday to 7 for Sunday; 1970-01-01 was a Thursday."""
    return (days + 3) % 7 + 1


def period_start(days: int, unit: str, shift: int) -> int:
    """The first day of the `unit` (day week month quarter year) that holds a day, `shift` units later."""
    if unit == "day":
        return days + shift
    if unit == "week":
        return days - (weekday_of(days) - 1) + 7 * shift
    length = MONTHS_OF[unit]
    year, month, _ = date_of(days)
    first = (month - 1) // length * length + 1
    return add_months(day_of(year, first, 1), shift * length)
