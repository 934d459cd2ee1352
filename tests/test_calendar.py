"""The engine's calendar and the oracle's against one by hand, in every zone, around every clock change."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

import numpy as np
import polars as pl
import pytest

import segkernel as sk
from segkernel import clock
from segkernel.oracle import zones
from tests import calendar_by_hand as by_hand
from tests.calendar_by_hand import DAY, SECOND, Whole, Zone

MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND
SHARES = 20
UNITS = {"ms": 1_000_000, "us": 1_000, "ns": 1}
NASTY = [
    ("Etc/GMT+12", 2025, 2026, "the last to end a day"),
    ("Pacific/Kiritimati", 1994, 1995, "the first to begin a day; has no 31 December 1994"),
    ("Pacific/Enderbury", 1994, 1995, "nor has Kanton"),
    ("Pacific/Kwajalein", 1993, 1993, "has no 21 August 1993"),
    ("Pacific/Apia", 2010, 2013, "has no 30 December 2011"),
    ("Pacific/Fakaofo", 2011, 2012, "nor has Tokelau"),
    ("Australia/Lord_Howe", 2020, 2029, "moves by half an hour"),
    ("America/Sao_Paulo", 2010, 2019, "days that begin at 1:00"),
    ("America/Havana", 2020, 2026, "days that begin at 1:00, and an hour before that comes twice"),
    ("Asia/Beirut", 2020, 2026, "days that begin at 1:00"),
    ("America/St_Johns", 1986, 1991, "moved at one minute past midnight, once by two hours"),
    ("America/Recife", 1999, 2003, "a summer time of 167 hours"),
    ("Africa/Casablanca", 2012, 2026, "moves back for Ramadan"),
    ("Europe/Dublin", 2020, 2026, "winter is the exception"),
    ("Antarctica/Troll", 2010, 2016, "moves by two hours"),
    ("Antarctica/Casey", 2009, 2023, "moved by three hours, to and fro"),
    ("Asia/Pyongyang", 2014, 2018, "moved by half an hour"),
    ("Asia/Kathmandu", 1985, 1987, "began to be a quarter of an hour off"),
    ("Asia/Gaza", 2035, 2049, "a summer time of 167 hours in 2040"),
    ("Europe/Berlin", 2020, 2029, ""),
    ("America/New_York", 2005, 2012, "changed the rule of its changes"),
    ("Africa/Freetown", 1938, 1941, "a change undone after 95 hours"),
    ("Africa/Monrovia", 1970, 1973, "44 minutes and 30 seconds behind until 1972"),
    ("Europe/Amsterdam", 1934, 1946, "19 minutes and 32 seconds ahead until 1937"),
    ("Asia/Manila", 1936, 1946, ""),
    ("America/Juneau", 1965, 1984, "four zones"),
    ("Europe/Lisbon", 1940, 1947, "moved by two hours in the war"),
    ("Asia/Singapore", 1930, 1946, "moved by 20 minutes, and by 100"),
    ("Pacific/Honolulu", 1930, 1948, "half an hour"),
]
LENGTHS = {(0, 1): "+ 1 day", (0, -1): "- 1 day", (1, 0): "+ 1 month", (-1, 0): "- 1 month", (12, 0): "+ 1 year"}


@lru_cache(maxsize=4)
def distinct(first_year: int, last_year: int) -> tuple[str, ...]:
    """The zones of the database, of those that never differ in these years one."""
    zones = [by_hand.zone(name, first_year, last_year) for name in sorted(zoneinfo.available_timezones())]
    return tuple({zone.meaning(): zone.name for zone in zones}.values())


def day_number(text: str) -> int:
    return int(np.datetime64(text, "D").astype(int))


def probes(zone: Zone, first: int, last: int, unit: int) -> Whole:
    """Instants of which every second one might be a day off: the edges of all days, and around each change every half
    hour for a day and a half, each with what lies one unit before and after."""
    steps = np.arange(-72, 73) * 30 * MINUTE
    within = zone.changes[(zone.changes > first * DAY) & (zone.changes < last * DAY)]
    around = np.concatenate([(within[:, None] + steps).ravel(), by_hand.starts(zone, np.arange(first, last, 1 if within.size < 50 else 5))])
    noons = np.arange(first, last, 3) * DAY + 12 * HOUR
    return np.unique(np.concatenate([around - unit, around, around + unit, noons])) // unit * unit


def local_probes(zone: Zone, first: int, last: int, unit: int) -> Whole:
    """Local times of which some are skipped and some come twice: around what the wall shows at each change before it and
    after it, every ten minutes for a day and a half, each with what lies one unit before and after; and a time of each day."""
    steps = np.arange(-216, 217) * 10 * MINUTE
    within = zone.changes[(zone.changes > first * DAY) & (zone.changes < last * DAY)]
    edges = np.concatenate([by_hand.shown(zone, within - 1) + 1, by_hand.shown(zone, within)])
    around = np.concatenate([(edges[:, None] + steps).ravel(), np.arange(first, last, 3) * DAY])
    return np.unique(np.concatenate([around - unit, around, around + unit])) // unit * unit


def dates(days: Whole) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def times(moments: Whole, unit: str, zone: str | None) -> pl.Series:
    """A column of timestamps of a unit, with a zone or as local times."""
    return pl.Series(moments // UNITS[unit]).cast(pl.Datetime(unit, zone))  # type: ignore[arg-type]


def rules_and_frame(zone: Zone, first: int, last: int, unit: str) -> tuple[str, pl.DataFrame]:
    """Probes with what the calendar by hand says of each, and the rules that say the same of all of them."""
    moments, local = probes(zone, first, last, UNITS[unit]), local_probes(zone, first, last, UNITS[unit])
    size = max(moments.size, local.size)
    moments, local = np.resize(moments, size), np.resize(local, size)
    placed, days = by_hand.instants(zone, local), by_hand.days_of(zone, moments)
    stored = "UTC" if unit == "us" else "America/Chicago"  # in whatever zone a column shows its instants, they are the same
    columns = {
        "t": times(moments, unit, stored),
        "l": times(local, unit, None),
        "at": times(placed, unit, "UTC"),
        "of": dates(days),
        "l_of": dates(by_hand.days_of(zone, placed)),
        "hours": pl.Series(by_hand.shown(zone, moments) % DAY // HOUR),
        "l_hours": pl.Series(by_hand.shown(zone, placed) % DAY // HOUR),
    }
    rules = {
        "date": "date(t) = of",
        "whole_day": "t = of and t >= of and t <= of and not t before of and not t after of",
        "not_the_day_before": "t != of - 1 day and t > of - 1 day",
        "not_the_day_after": "t < of + 1 day",
        "hour": "hour(t) = hours",
        "local": "l = at",
        "local_day": "date(l) = l_of and l = l_of",
        "local_hour": "hour(l) = l_hours",
        "since": "days_since(t) = days_between(of, today)",
    }
    for name, values in by_hand.parts(days).items():
        columns[f"p_{name}"] = dates(values) if name.endswith("_start") else pl.Series(values)
        rules[name] = f"{name}(t) = p_{name}"
    for (months, by_days), text in LENGTHS.items():
        name = "moved_" + text.translate(str.maketrans("+- ", "pm_"))
        columns[name] = times(by_hand.shifted(zone, moments, months, by_days), unit, "UTC")
        columns[f"{name}_day"] = dates(by_hand.moved(days, months) + by_days)
        rules[name] = f"t {text} = {name} and of {text} = {name}_day"
    text = "\n".join(f"segment s_{name} when {condition}" for name, condition in rules.items())
    return text, pl.DataFrame({"id": np.arange(moments.size), **columns})


def hold_against_the_kernel(zone: Zone, first_year: int, last_year: int, unit: str) -> list[str]:
    """Where rules, run by the public face, tell other days and times than the calendar by hand."""
    first, last = day_number(f"{first_year}-01-01"), day_number(f"{last_year + 1}-01-01")
    text, frame = rules_and_frame(zone, first, last, unit)
    data = sk.Dataset({"probes": frame}, root="probes", key="id", timezone=zone.name)
    result = sk.compile(text, data.schema).evaluate(data, as_of="2026-01-15T12:00Z")
    wrong = []
    for line in text.splitlines():
        _, name, _, condition = line.split(" ", 3)
        failing = frame.filter(~result[name])
        if failing.height:
            wrong.append(f"{zone.name}, {unit}: {condition}: {failing.height} times not, first {failing.row(0, named=True)}")
    return wrong


def hold_against_the_clock(zone: Zone, first_year: int, last_year: int) -> list[str]:
    """Where the days and changes that a run is given differ from those by hand."""
    first, last = day_number(f"{first_year}-01-01"), day_number(f"{last_year + 1}-01-01")
    table, number = clock.day_table(zone.name, first * DAY, last * DAY)
    wrong = [f"{zone.name}: first instants"] if not np.array_equal(table, by_hand.starts(zone, number + np.arange(table.size))) else []
    changes, offsets = clock.changes(zone.name, first * DAY, last * DAY)
    within = (zone.changes > first * DAY) & (zone.changes <= last * DAY)
    if not np.array_equal(changes[(changes > first * DAY) & (changes <= last * DAY)], zone.changes[within]):
        wrong.append(f"{zone.name}: changes")
    moments = np.concatenate([zone.changes[within], zone.changes[within] - 1, first * DAY + np.arange(0, last - first, 97) * DAY])
    if not np.array_equal(moments + offsets[np.searchsorted(changes, moments, "right")], by_hand.shown(zone, moments)):
        wrong.append(f"{zone.name}: offsets")
    return wrong


def hold_against_single_values(zone: Zone, first_year: int, last_year: int) -> list[str]:
    """Where the clock's and the oracle's functions of one value differ from the calendar by hand, around each change."""
    first, last = day_number(f"{first_year}-01-01") * DAY, day_number(f"{last_year + 1}-01-01") * DAY
    within = zone.changes[(zone.changes > first) & (zone.changes < last)]
    if not within.size:
        return []
    moments = (within[:, None] + np.array([-DAY, -HOUR, -1, 0, 29 * MINUTE, HOUR, 23 * HOUR])).ravel()
    local = np.concatenate(
        [by_hand.shown(zone, moments), by_hand.shown(zone, within - 1) + 17 * MINUTE, by_hand.shown(zone, within) - MINUTE]
    )
    days = np.unique(by_hand.shown(zone, moments) // DAY)
    wrong = []
    for who, day_start, day_of, resolve in (
        ("the clock", clock.first_instant, clock.day_of, clock.resolve),
        ("the oracle", zones.day_start, zones.local_day, zones.instant_of),
    ):
        for what, function, asked, wanted in (
            ("first instant", day_start, days, by_hand.starts(zone, days)),
            ("day", day_of, moments, by_hand.days_of(zone, moments)),
            ("instant", resolve, local, by_hand.instants(zone, local)),
        ):
            for value, expected in zip(asked.tolist(), wanted.tolist(), strict=True):
                if function(zone.name, value) != expected:
                    wrong.append(f"{zone.name}: {who} on the {what} of {value}: {function(zone.name, value)}, by hand {expected}")
    return wrong


def hold(name: str, first_year: int, last_year: int, unit: str) -> list[str]:
    """Where anyone differs from the calendar by hand."""
    zone = by_hand.zone(name, first_year, last_year)
    return [
        *hold_against_the_clock(zone, first_year, last_year),
        *hold_against_single_values(zone, first_year, last_year),
        *hold_against_the_kernel(zone, first_year, last_year, unit),
    ]


@pytest.mark.parametrize(("name", "first_year", "last_year", "why"), NASTY, ids=[name for name, *_ in NASTY])
def test_nasty_zones(name: str, first_year: int, last_year: int, why: str) -> None:
    assert hold(name, first_year, last_year, (*UNITS,)[len(name) % 3]) == [], why


@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
def test_sixty_years_of_every_zone(share: int) -> None:
    zones = distinct(1990, 2049)
    assert len(zones) >= 200
    assert [each for index, name in enumerate(zones[share::SHARES]) for each in hold(name, 1990, 2049, (*UNITS,)[index % 3])] == []


@pytest.mark.long
@pytest.mark.parametrize("share", range(SHARES))
def test_older_years_of_every_zone(share: int) -> None:
    """Local mean times of odd seconds, clocks that moved in the middle of the day, and dates before 1970."""
    zones = distinct(1880, 1989)
    assert len(zones) >= 300
    assert [each for index, name in enumerate(zones[share::SHARES]) for each in hold(name, 1880, 1989, (*UNITS,)[index % 3])] == []
