"""Where segmentation systems put people a day off: each trap that their users reported, as one test.

Every answer is told by the kernel, by the public face, and held against the oracle's.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

import segkernel as sk
from tests.told import accounts, days, instants, local_times, table, told

OWNED = {"orders": {"customer": ("customers", "customer_id")}}


@pytest.mark.parametrize(
    ("zone", "as_of", "day"),
    [
        ("America/New_York", "2026-03-10T02:00:00+00:00", "2026-03-09"),  # ten in the evening on the 9th
        ("Australia/Sydney", "2026-03-09T14:00:00+00:00", "2026-03-10"),  # one o'clock in the night of the 10th
        ("Pacific/Kiritimati", "2026-03-09T10:00:00+00:00", "2026-03-10"),
        ("Etc/GMT+12", "2026-03-10T11:59:59+00:00", "2026-03-09"),
    ],
)
def test_today_is_the_day_of_the_zone_and_not_that_of_utc(zone: str, as_of: str, day: str) -> None:
    """Mautic #7967: relative filters were reckoned in UTC."""
    here = date.fromisoformat(day)
    due = table(due=[here - timedelta(1), here, here + timedelta(1)])
    assert accounts("due = today", {"customers": due}, as_of, zone=zone) == [2]
    assert accounts("due = 1 day ago", {"customers": due}, as_of, zone=zone) == [1]
    assert accounts("due in next day", {"customers": due}, as_of, zone=zone) == [3]


def test_members_change_at_local_midnight_and_not_hours_later() -> None:
    """Mautic PR #8652: people came late, at midnight of UTC, which is in the afternoon for a shop in Los Angeles."""
    joined = {"customers": table(joined=days("2026-03-01", "2026-03-02"))}
    zone = "America/Los_Angeles"
    assert accounts("joined = 7 days ago", joined, "2026-03-08T23:59:59-07:00", zone=zone) == [1]
    assert accounts("joined = 7 days ago", joined, "2026-03-09T00:00:00-07:00", zone=zone) == [2]
    assert accounts("joined = 7 days ago", joined, "2026-03-09T23:59:59-07:00", zone=zone) == [2]


def test_the_hour_of_the_job_does_not_matter_to_what_is_asked_in_days() -> None:
    """Mautic PR #7244 and #7097: where days are those of UTC, the evening has other members than the morning."""
    seen = {"customers": table(at=instants("2026-03-07T22:59:59Z", "2026-03-07T23:00:00Z", "2026-03-08T22:59:59Z", "2026-03-08T23:00:00Z"))}
    for hour in range(24):
        as_of = f"2026-03-15T{hour:02}:30:00+01:00"
        assert accounts("at = 7 days ago", seen, as_of, zone="Europe/Berlin") == [2, 3]
        assert accounts("at before 7 days ago", seen, as_of, zone="Europe/Berlin") == [1]


def test_a_timestamp_equals_the_day_that_it_lies_in() -> None:
    """Intercom-OpenAPI #575 and #576: days are those of the workspace's zone, and equality with a day missed everyone
    whose timestamp was not midnight."""
    at = instants("2026-01-31T04:59:59Z", "2026-01-31T05:00:00Z", "2026-02-01T04:59:59.999999Z", "2026-02-01T05:00:00Z")
    people, zone = {"customers": table(at=at)}, "America/New_York"
    assert accounts("at = 2026-01-31", people, zone=zone) == [2, 3]
    assert accounts("at != 2026-01-31", people, zone=zone) == [1, 4]
    assert accounts("at <= 2026-01-31", people, zone=zone) == [1, 2, 3]
    assert accounts("at > 2026-01-31", people, zone=zone) == [4]
    assert accounts("at in 2026-01", people, zone=zone) == [1, 2, 3]


def test_the_first_of_a_month_counts_for_the_month_that_it_begins_in_the_shop() -> None:
    """The evening of 31 December in New York is the new year in UTC, and the morning of 1 January in Tokyo the old one."""
    orders = {"customers": table(at=instants("2026-01-01T03:00:00Z", "2025-12-31T16:00:00Z"))}
    assert accounts("at in 2025", orders, zone="America/New_York") == [1, 2]
    assert accounts("at in 2025", orders, zone="UTC") == [2]
    assert accounts("at in 2025", orders, zone="Asia/Tokyo") == []


def test_the_zone_is_applied_once() -> None:
    """Mautic PR #9784 and PR #11798: relative dates ignored it or applied it twice. A column's zone only says how it is shown; a
    column without one is read in the zone of the run."""
    moment = datetime(2026, 3, 10, 23, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    shown = {zone: pl.Series([moment]).dt.convert_time_zone(zone) for zone in ("UTC", "Asia/Tokyo", "Europe/Berlin")}
    for series in (*shown.values(), local_times("2026-03-10T23:30:00")):
        people = {"customers": table(at=series)}
        assert accounts("at = 2026-03-10 and hour(at) = 23 and at = 2026-03-10T22:30Z", people, zone="Europe/Berlin") == [1]


def test_hours_are_not_rounded_to_days() -> None:
    """Mautic #10621 and its kin: what is asked in hours was cut down to days."""
    at = {"customers": table(at=instants("2026-01-15T09:59:59Z", "2026-01-15T10:00:00Z", "2026-01-15T12:00:00Z"))}
    assert accounts("at before 2 hours ago", at) == [1]
    assert accounts("at within last 2 hours", at) == [2, 3]
    assert accounts("at within last 120 minutes", at) == [2, 3]


def test_whether_a_date_is_missing_can_be_asked() -> None:
    """Mautic #10686: "empty" and "not empty" on a date broke the whole update."""
    people = {"customers": table(born=days("1990-05-01", None), at=instants(None, "2026-01-01T00:00:00Z"))}
    assert told("segment a when born is missing segment b when at is not missing", people, "2026-01-15T12:00+00:00") == {"a": [2], "b": [2]}


def test_a_local_time_that_a_clock_change_skips_moves_on_and_one_that_comes_twice_is_the_first() -> None:
    """Polars raises on both: 2:30 on 31 March 2024 did not exist in Berlin, and on 27 October came twice."""
    at = {"customers": table(at=local_times("2024-03-31T02:30:00", "2024-10-27T02:30:00"))}
    assert accounts("at = 2024-03-31T01:30Z", at, zone="Europe/Berlin") == [1]
    assert accounts("at = 2024-03-31T03:30", at, zone="Europe/Berlin") == [1]
    assert accounts("at = 2024-10-27T00:30Z", at, zone="Europe/Berlin") == [2]


def test_a_day_later_is_not_always_24_hours_later() -> None:
    """From noon on 30 March 2024 in Berlin, a day leads to noon, and 24 hours lead to one o'clock."""
    at = {"customers": table(at=instants("2024-03-30T11:00:00Z"))}
    assert accounts("at + 1 day = 2024-03-31T12:00", at, zone="Europe/Berlin") == [1]
    assert accounts("at + 24 hours = 2024-03-31T13:00", at, zone="Europe/Berlin") == [1]


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25)])
def test_a_day_on_which_the_clocks_change_has_all_its_hours(day: str, hours: int) -> None:
    """A window of 24 hours loses the last hour of one of them, and takes one too many of the other."""
    first = datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo("Europe/Berlin")).astimezone(ZoneInfo("UTC"))
    at = pl.Series([first + timedelta(hours=hour) for hour in range(-1, 26)])
    people = {"customers": table(id=range(-1, 26), at=at)}
    assert accounts(f"at = {day}", people, zone="Europe/Berlin") == list(range(hours))
    assert accounts("at in this day", people, f"{day}T12:00:00+01:00", zone="Europe/Berlin") == list(range(hours))


def test_the_windows_and_what_lies_before_them_part_the_past() -> None:
    """Half-open or closed, in UTC or not: systems forget the instant between "within the last" and "before"."""
    edges = instants("2026-03-28T22:59:59.999999Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59.999999Z", "2026-03-29T22:00:00Z")
    rules = "\n".join(f"segment in_{n} when at within last {n} days segment before_{n} when at before {n} days ago" for n in range(6))
    found = told(rules, {"customers": table(at=edges)}, "2026-03-31T00:30:00+02:00", zone="Europe/Berlin")
    for n in range(6):
        assert sorted(found[f"in_{n}"] + found[f"before_{n}"]) == [1, 2, 3, 4]
    assert (found["in_1"], found["in_2"], found["in_3"]) == ([4], [2, 3, 4], [1, 2, 3, 4])


def test_seven_days_before_15_may_is_8_may() -> None:
    """Shopify's own example says 7 May."""
    people = {"customers": table(at=days("2026-05-07", "2026-05-08", "2026-05-15", "2026-05-16"))}
    assert accounts("at within last 7 days", people, "2026-05-15T10:00:00+00:00") == [2, 3]
    assert accounts("at = 7 days ago", people, "2026-05-15T10:00:00+00:00") == [2]


def test_the_next_days_include_today_and_the_last_of_them() -> None:
    """Klaviyo's "in the next" leaves out today, its "in the last" does not."""
    people = {"customers": table(due=days("2026-01-14", "2026-01-15", "2026-01-22", "2026-01-23"))}
    assert accounts("due within next 7 days", people) == [2, 3]


def test_months_end_on_their_last_day() -> None:
    """A month after 31 January 2024 is 29 February; a month back from 31 March and forth again is 29 March."""
    people = {"customers": table(day=days("2024-01-31", "2024-03-31", "2024-05-31"))}
    assert accounts("day + 1 month = 2024-02-29", people) == [1]
    assert accounts("day - 1 month + 1 month = 2024-03-29", people) == [2]
    assert accounts("day - 3 months = 2024-02-29", people) == [3]
    assert accounts("day = 3 months ago", people, "2024-08-31T10:00:00+00:00") == [3]


def test_a_leap_day_returns_on_28_february() -> None:
    """29 February 2024 and a year is 28 February 2025; so is the birthday."""
    born = {"customers": table(born=days("1896-02-29", "2024-02-29", "2000-03-01", "2000-02-28"))}
    assert accounts("born + 1 year = 2025-02-28", born) == [2]
    for year, leap in ((1900, False), (1904, True), (2000, True), (2025, False), (2028, True), (2100, False), (2104, True)):
        assert accounts("anniversary(born) = today", born, f"{year}-02-28T09:00:00+00:00") == ([4] if leap else [1, 2, 4])
        assert accounts("anniversary(born) = today", born, f"{year}-03-01T09:00:00+00:00") == [3]
        if leap:
            assert accounts("anniversary(born) = today", born, f"{year}-02-29T09:00:00+00:00") == [1, 2]


def test_a_birthday_in_the_first_days_of_january_is_near_in_december() -> None:
    """Comparing day and month as numbers misses those after the turn of the year."""
    born = {"customers": table(born=days("1990-12-30", "1985-01-02", "1985-01-10"))}
    assert accounts("anniversary(born) within next 7 days", born, "2026-12-29T08:00:00+00:00") == [1, 2]


def test_a_week_over_the_turn_of_the_year_is_one_week() -> None:
    """Week numbers of the year break it in two."""
    at = {"customers": table(at=days("2026-12-27", "2026-12-28", "2027-01-01", "2027-01-03", "2027-01-04"))}
    assert accounts("at in this week", at, "2027-01-01T09:00:00+00:00") == [2, 3, 4]


@pytest.mark.parametrize(
    ("as_of", "wanted"),
    [
        (datetime(2026, 3, 29, 2, 30), "2026-03-29T03:30:00+02:00"),
        ("2026-03-29T02:30", "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 10, 25, 2, 30), "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1), "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")), "2026-10-25T02:30:00+01:00"),
        ("2026-10-25T02:30+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_the_instant_of_a_run_and_the_times_of_a_caller_are_read_in_its_zone(as_of: datetime | str, wanted: str) -> None:
    """On the server's clock, or in UTC, the job of half past two would be hours off."""
    data = sk.Dataset({"customers": table(at=instants("2026-01-01T00:00:00Z"))}, root="customers", key="id", timezone="Europe/Berlin")
    rules = sk.compile("param then = 2020-01-01T00:00 segment same when now = then", data.schema, params={"then": as_of})
    result = rules.evaluate(data, as_of=as_of)
    assert (result.as_of, result.members("same").to_list()) == (wanted, [1])


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_the_unit_of_a_column_changes_nothing(unit: str) -> None:
    """Milliseconds read as seconds, or nanoseconds cut off, move people by days or by a moment."""
    at = instants("1969-12-31T23:59:59.999Z", "2026-01-15T11:59:59.999Z", "2026-01-15T12:00:00Z").dt.cast_time_unit(unit)  # type: ignore[arg-type]
    people = {"customers": table(at=at, local=at.dt.replace_time_zone(None), us=at.dt.cast_time_unit("us"))}
    assert accounts("at < now", people) == [1, 2]
    assert accounts("at < 1970-01-01 and at = local and date(local) = 1969-12-31 and hour(at) = 23", people) == [1]
    assert accounts("at = us and now - at <= 1 minute", people) == [2, 3]
    assert accounts("at + 1 day = us + 24 hours", people) == [1, 2, 3]


def test_a_nanosecond_counts() -> None:
    at = pl.Series([10**18, 10**18 + 1], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))
    people = {"customers": table(at=at, us=at.dt.cast_time_unit("us"))}
    assert accounts("at > us", people) == [2]
    assert accounts("at > 2001-09-09T01:46:40Z", people) == [2]


def orders(at: pl.Series) -> dict[str, pl.DataFrame]:
    return {"customers": table(name=["a", "b"]), "orders": pl.DataFrame({"customer_id": [1, 1, 2], "at": at, "total": [60, 50, 40]})}


def test_a_run_of_the_past_does_not_see_what_came_later() -> None:
    """Late rows make a run irreproducible; where the schema names the time of an event, what is later does not count."""
    given = """
        [project]
        root = "customers"
        [tables.customers]
        key = "id"
        [tables.orders]
        event_time = "at"
        links.customer = { table = "customers", by = "customer_id" }
    """
    rules = "segment vip when sum(orders.total) >= 100 segment seen when any(orders)"
    later = orders(instants("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-20T00:00:00Z"))
    then = {**later, "orders": later["orders"][:1]}
    schema = sk.Schema.parse(given)
    for tables in (then, later):
        assert told(rules, tables, "2026-01-15T12:00:00+00:00", schema=schema) == {"vip": [], "seen": [1]}
    assert told(rules, later, "2026-02-01T00:00:00+00:00", schema=schema) == {"vip": [1], "seen": [1, 2]}


def test_the_same_run_again_gives_the_same_bytes() -> None:
    """Nothing of a run comes from the clock of the machine."""
    tables = orders(instants("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-20T00:00:00Z"))
    frames = []
    for _ in range(2):
        data = sk.Dataset(tables, root="customers", key="id", links=OWNED)
        rules = sk.compile("segment lately when any(orders where at within last 10 days and at <= today)", data.schema)
        frames.append(rules.evaluate(data, as_of="2026-01-11T12:00Z").frame())
    assert frames[0].equals(frames[1])
    assert frames[0]["lately"].to_list() == [True, False]


def test_an_order_that_arrives_late_counts_from_its_own_time() -> None:
    """What was placed on the 2nd and loaded on the 20th belongs to the 2nd, whenever the segment is run."""
    tables = orders(instants("2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-02T11:00:00Z"))
    shuffled = {**tables, "orders": tables["orders"].reverse()}
    for rows in (tables, shuffled):
        assert accounts("sum(orders.total where at = 2026-01-02) >= 50", rows, "2026-01-20T12:00:00+00:00", links=OWNED) == [1]
