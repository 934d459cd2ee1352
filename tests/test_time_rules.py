"""Random conditions on times, in random zones, at instants near a change of the clock: the kernel against the oracle."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.told import told

ZONES = sorted(zoneinfo.available_timezones() - {"localtime"})
UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year")
CALENDAR = UNITS[2:]
PARTS = ("year", "quarter", "month", "day", "weekday")
STARTS = ("date", "week_start", "month_start", "quarter_start", "year_start")
FIELDS = ("t", "l", "n", "d")
OPERATORS = ("<", "<=", "=", "!=", ">", ">=")


def length(rng: Random, units: tuple[str, ...] = UNITS) -> str:
    return f"{rng.choice([0, 1, 1, 2, 3, 5, 12, 30, 90])} {rng.choice(units)}s"


def moment(rng: Random, depth: int = 0) -> str:
    """A timestamp or a date: a field, a literal, a constant of the clock, or one of them moved."""
    kind = rng.randrange(8 if depth < 2 else 5)
    if kind < 2:
        return rng.choice(FIELDS)
    if kind == 2:
        return rng.choice(["now", "today"])
    if kind == 3:
        return f"{length(rng)} {rng.choice(['ago', 'from now'])}"
    if kind == 4:
        return f"{literal(rng)}{rng.choice(['', 'T00:00', 'T02:30', 'T23:59:59', 'T12:00Z'])}"
    if kind == 5:
        return f"{rng.choice(STARTS)}({moment(rng, depth + 1)})"
    if kind == 6:
        return f"anniversary({rng.choice(FIELDS)})"
    return (
        f"{rng.choice(['t', 'l', 'n', 'now'])} {rng.choice('+-')} {length(rng)}"
        if rng.random() < 0.6
        else f"d {rng.choice('+-')} {length(rng, CALENDAR)}"
    )


def literal(rng: Random) -> str:
    return f"{rng.choice([1884, 1916, 1969, 1970, 2000, 2011, 2018, 2026, 2050, 2100])}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def condition(rng: Random) -> str:
    field, count = rng.choice(FIELDS), rng.randint(1, 6)
    near = rng.choice(["last", "next"])
    return rng.choice(
        [
            f"{moment(rng)} {rng.choice(OPERATORS)} {moment(rng)}",
            f"{moment(rng)} {rng.choice(OPERATORS)} {moment(rng)}",
            f"{field} within {near} {length(rng, CALENDAR if field == 'd' else UNITS)}",
            f"{field} in {rng.choice(['this', 'last', 'next'])} {rng.choice(CALENDAR)}",
            f"{field} in {near} {count} whole {rng.choice(CALENDAR)}s",
            f"{field} in {rng.choice([1970, 2011, 2018, 2026])}",
            f"{field} in {literal(rng)[:7]}",
            f"{field} in {count} {rng.choice(CALENDAR)}s ago..{rng.choice(['today', '1 day from now', literal(rng)])}",
            f"{rng.choice(PARTS)}({moment(rng)}) {rng.choice(OPERATORS)} {rng.choice(PARTS)}({moment(rng)})",
            f"hour({rng.choice(['t', 'l', 'n', 'now'])}) {rng.choice(OPERATORS)} {rng.randrange(24)}",
            f"days_since({moment(rng)}) {rng.choice(OPERATORS)} {rng.randint(-3, 40)}",
            f"days_between({moment(rng)}, {moment(rng)}) {rng.choice(OPERATORS)} {rng.randint(-400, 400)}",
            f"{rng.choice(['t', 'now'])} - {rng.choice('tln')} {rng.choice(OPERATORS)} {length(rng, UNITS[:4])}",
            f"today - d {rng.choice(OPERATORS)} {length(rng, UNITS[:4])}",
        ]
    )


def change_near(zone: str, at: datetime) -> datetime:
    """A change of the clock within a year from an instant on, where there is one; else the instant itself."""
    tz = ZoneInfo(zone)
    for _ in range(366):
        if at.astimezone(tz).utcoffset() != (at + timedelta(days=1)).astimezone(tz).utcoffset():
            for step in (timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)):
                while at.astimezone(tz).utcoffset() == (at + step).astimezone(tz).utcoffset():
                    at += step
            return at + timedelta(seconds=1)
        at += timedelta(days=1)
    return at


def agree(seed: int) -> None:
    """Twenty conditions on a table of times around a change of the clock, or some periods away from it."""
    rng = Random(seed)
    zone = rng.choice(ZONES)
    change = change_near(
        zone, datetime(rng.choice([1890, 1916, 1942, 1969, 1985, 1993, 2006, 2011, 2018, 2026, 2040]), rng.randint(1, 12), 1, tzinfo=UTC)
    )
    steps = [timedelta(0), timedelta(hours=1), timedelta(minutes=30), timedelta(days=1), timedelta(days=1, hours=3), timedelta(days=31)]
    smallest = timedelta(microseconds=1)

    def instant() -> datetime:
        return (
            change
            + rng.choice(steps) * rng.randint(-3, 3)
            + rng.choice([-1, 0, 0, 1]) * smallest
            + timedelta(days=rng.choice([0, 0, 0, -90, 365]))
        )

    times = [instant() for _ in range(40)]
    local = [instant().astimezone(ZoneInfo(zone)).replace(tzinfo=None) + rng.choice([0, 0, 1, -1]) * timedelta(minutes=30) for _ in times]
    frame = pl.DataFrame(
        {
            "id": range(len(times)),
            "t": pl.Series([None if rng.random() < 0.05 else each for each in times], dtype=pl.Datetime("us", "UTC")),
            "l": pl.Series([None if rng.random() < 0.05 else each for each in local], dtype=pl.Datetime("us")),
            "n": pl.Series(times, dtype=pl.Datetime("us", "UTC")).shuffle(seed).dt.cast_time_unit("ns"),
            "d": pl.Series([None if rng.random() < 0.05 else each.date() for each in local], dtype=pl.Date),
        }
    )
    rules = "\n".join(f"segment s{number} when {condition(rng)}" for number in range(20))
    told(rules, {"customers": frame}, instant().isoformat(), zone=zone)


@pytest.mark.parametrize("seed", range(40))
def test_the_kernel_and_the_oracle_agree(seed: int) -> None:
    agree(seed)


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 3000, 100))
def test_the_kernel_and_the_oracle_agree_on_many_more(first: int) -> None:
    for seed in range(first, first + 100):
        agree(seed)
