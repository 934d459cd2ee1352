"""The clock against the oracle's calendar, which shares no code with it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segdsl.typesystem import Length
from segkernel import clock
from segkernel.clock import DAY, Clock
from segkernel.oracle import civil, zones
from segkernel.plan.slots import Slot

HALF_HOUR = DAY // 48
ODD = [
    "Australia/Lord_Howe",  # moves by half an hour
    "Pacific/Apia",  # has no 30 December 2011
    "America/Sao_Paulo",  # moved at midnight
    "Antarctica/Troll",  # moves by two hours
    "Africa/Casablanca",  # moves back for Ramadan
    "Europe/Dublin",  # winter is the exception
    "America/St_Johns",  # moved at one minute past midnight, and by two hours in 1988
    "Pacific/Kiritimati",  # has no 31 December 1994
    "Pacific/Kwajalein",  # has no 21 August 1993
    "America/Juneau",  # went over the date line and had a day twice
    "Asia/Manila",
    "Europe/Berlin",
    "Africa/Monrovia",  # 44 minutes and 30 seconds until 1972
    "Asia/Kathmandu",
    "UTC",
]
DAYS = st.integers(civil.day_of(1, 1, 1), civil.day_of(9999, 12, 31))


def day_of(text: str) -> int:
    """Days since 1970-01-01."""
    return civil.day_of(*(int(part) for part in text.split("-")))


def instant(text: str) -> int:
    """Nanoseconds since 1970-01-01T00:00Z of a time in UTC."""
    passed = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000


def wrong_in(zone: str, first: int, last: int) -> list[str]:
    """Where the clock and the oracle differ from one day to another: the starts of all days, and around each day that is
    not of 24 hours the days of instants, and the instants of local times."""
    found = []
    starts = {day: zones.day_start(zone, day) for day in range(first, last + 3)}
    for day in range(first, last + 1):
        if clock.first_instant(zone, day) != starts[day]:
            found.append(f"{zone}: first instant of {civil.date_of(day)}")
        if starts[day + 1] - starts[day] == DAY == starts[day + 2] - starts[day + 1]:
            continue
        for step in range(-8, 2 * 48 + 8):
            for off in (-1, 0, 1):
                moment, local = starts[day] + step * HALF_HOUR + off, day * DAY + step * HALF_HOUR + off
                if clock.day_of(zone, moment) != zones.local_day(zone, moment):
                    found.append(f"{zone}: day of {moment}")
                if clock.resolve(zone, local) != zones.instant_of(zone, local):
                    found.append(f"{zone}: local {civil.date_of(day)} {step / 2:g} hours {off:+d} ns")
    return found


@pytest.mark.parametrize("zone", ODD)
@pytest.mark.parametrize("year", [1969, 1988, 2011, 2018, 2026])
def test_days_and_local_times(zone: str, year: int) -> None:
    assert wrong_in(zone, civil.day_of(year, 1, 1), civil.day_of(year, 12, 31)) == []


@pytest.mark.parametrize(
    ("zone", "day", "wanted"),
    [
        ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("America/St_Johns", "1988-10-30", "1988-10-30T01:30"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
        ("Pacific/Kiritimati", "1995-01-01", "1994-12-31T10:00"),
    ],
)
def test_the_first_instant_of_a_day(zone: str, day: str, wanted: str) -> None:
    assert clock.first_instant(zone, day_of(day)) == instant(wanted)
    assert clock.day_of(zone, instant(wanted)) == day_of(day)


def test_a_day_that_never_was_begins_with_the_next() -> None:
    assert clock.first_instant("Pacific/Apia", day_of("2011-12-30")) == clock.first_instant("Pacific/Apia", day_of("2011-12-31"))
    assert clock.day_of("Pacific/Apia", instant("2011-12-30T10:00")) == day_of("2011-12-31")
    assert clock.day_of("Pacific/Apia", instant("2011-12-30T09:59:59")) == day_of("2011-12-29")


def test_a_skipped_time_moves_forward_and_a_repeated_one_is_the_earlier() -> None:
    local = day_of("2026-03-29") * DAY + 5 * HALF_HOUR
    assert clock.resolve("Europe/Berlin", local) == instant("2026-03-29T01:30")
    local = day_of("2026-10-25") * DAY + 5 * HALF_HOUR
    assert clock.resolve("Europe/Berlin", local) == instant("2026-10-25T00:30")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Africa/Monrovia"])
@pytest.mark.parametrize("year", [1, 2, 1583, 1900, 2100, 9998, 9999])
def test_years_near_and_far(zone: str, year: int) -> None:
    for day in range(civil.day_of(year, 2, 26), civil.day_of(year, 3, 3)):
        start = zones.day_start(zone, day)
        assert clock.first_instant(zone, day) == start
        assert clock.day_of(zone, start) == day
        assert clock.day_of(zone, start - 1) == day - 1
        for months in (-13, -1, 1, 12):
            wanted = zones.shift_instant(zone, start + HALF_HOUR, Length(months=months))
            assert clock.shifted(zone, start + HALF_HOUR, True, Length(months=months)) == wanted


@given(DAYS)
def test_civil_dates(day: int) -> None:
    assert clock.civil(day) == civil.date_of(day)
    assert clock.days(*clock.civil(day)) == day


@given(DAYS, st.integers(-2400, 2400), st.integers(-4000, 4000))
def test_months_are_clamped_to_their_last_day(day: int, months: int, days: int) -> None:
    assert clock.moved(day, months) == civil.add_months(day, months)
    assert clock.shifted("UTC", day, False, Length(months=months, days=days)) == civil.shift_day(day, Length(months=months, days=days))


def test_leap_days() -> None:
    assert clock.moved(day_of("2024-02-29"), 12) == day_of("2025-02-28")
    assert clock.moved(day_of("2024-02-29"), 48) == day_of("2028-02-29")
    assert clock.moved(day_of("1896-02-29"), 48) == day_of("1900-02-28")
    assert clock.moved(day_of("1996-02-29"), 48) == day_of("2000-02-29")
    assert clock.moved(day_of("2026-05-31"), -3) == day_of("2026-02-28")


@given(DAYS, st.sampled_from(["day", "week", "month", "quarter", "year"]), st.integers(-30, 30))
def test_periods_start(day: int, unit: str, shift: int) -> None:
    assert clock.period_start(day, unit, shift) == civil.period_start(day, unit, shift)


@given(st.sampled_from(ODD), st.integers(instant("1960-01-01"), instant("2035-01-01")), st.integers(-40, 40), st.integers(-400, 400))
def test_instants_keep_their_local_time_of_day(zone: str, moment: int, months: int, days: int) -> None:
    by = Length(months=months, days=days)
    assert clock.shifted(zone, moment, True, by) == zones.shift_instant(zone, moment, by)


@given(st.integers(instant("1960-01-01"), instant("2035-01-01")), st.integers(-(10**16), 10**16))
def test_hours_are_exact(moment: int, step: int) -> None:
    assert clock.shifted("Europe/Berlin", moment, True, Length(nanoseconds=step)) == moment + step


def test_a_run_reckons_its_slots() -> None:
    now = instant("2026-03-29T22:30")  # half past midnight on the 30th in Berlin, the day after the change
    here = Clock(now, "Europe/Berlin")
    today = day_of("2026-03-30")
    assert here.slot(Slot(("now",))) == now
    assert here.slot(Slot(("today",))) == today
    assert here.slot(Slot(("today",), 3)) == today + 3
    assert here.slot(Slot(("start", "month", -1))) == day_of("2026-02-01")
    assert here.slot(Slot(("start", "week", 0))) == today
    assert here.slot(Slot(("first instant", ("shift", ("today",), Length(days=-1))))) == instant("2026-03-28T23:00")
    assert here.slot(Slot(("day", ("instant", now - DAY)))) == today - 2
    assert here.slot(Slot(("shift", ("now",), Length(days=-1)))) == instant("2026-03-28T23:30")
    assert here.slot(Slot(("shift", ("shift", ("now",), Length(days=-1)), Length(nanoseconds=1)), 1)) == instant("2026-03-28T23:30") + 2
    assert here.slot(Slot(("shift", ("first instant", ("days", today)), Length(months=-1)))) == instant("2026-02-27T23:00")


@pytest.mark.parametrize("zone", ODD)
def test_the_table_of_days(zone: str) -> None:
    low, high = instant("2011-06-01T05:00"), instant("2012-02-01T17:00")
    table, first = clock.day_table(zone, low, high)
    assert table[0] <= low
    assert table[-1] > high
    assert table.tolist() == [zones.day_start(zone, first + index) for index in range(table.size)]


def test_a_table_of_all_days_of_64_bits() -> None:
    low, high = -(1 << 63), (1 << 63) - 1
    for zone in ("Asia/Tokyo", "America/New_York"):
        table, first = clock.day_table(zone, low, high)
        assert np.all(np.diff(table) >= 0)
        for moment in (low, 0, high):
            assert first + int(np.searchsorted(table, moment, "right")) - 1 == zones.local_day(zone, moment)


@pytest.mark.parametrize("zone", ODD)
def test_clock_changes(zone: str) -> None:
    low, high = instant("1965-01-01"), instant("2030-01-01")
    moments, offsets = clock.changes(zone, low, high)
    assert offsets.size == moments.size + 1
    assert np.all(np.diff(offsets) != 0)
    for moment, before, after in zip(moments.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        assert (clock.offset(zone, moment - 1), clock.offset(zone, moment)) == (before, after)
    for moment in range(low, high, 4 * DAY + HALF_HOUR):
        local = datetime.fromtimestamp(moment // 1_000_000_000, ZoneInfo(zone)).utcoffset()
        assert local is not None
        assert offsets[np.searchsorted(moments, moment, "right")] == local.total_seconds() * 1_000_000_000
