"""A calendar of its own to hold the engine's and the oracle's against: a zone as a table of offsets, and NumPy's dates.

Instants and local times are int64 nanoseconds since 1970-01-01T00:00 (in UTC, and on the wall), days are int64 counts from
1970-01-01. All functions take and give arrays of one length.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
WINDOW = 2 * DAY
Whole = NDArray[np.int64]


class Zone(msgspec.Struct, frozen=True, eq=False):
    """The clock changes of a zone over some years; `offsets` has one more: what held before the first and after each."""

    name: str
    changes: Whole
    offsets: Whole

    def meaning(self) -> bytes:
        """What tells two names of one zone from two zones."""
        return self.changes.tobytes() + self.offsets.tobytes()


def zone(name: str, first_year: int, last_year: int) -> Zone:
    """A zone as Python's `datetime` shows it every noon of UTC from the year before the first to the year after the last,
    and, where two noons differ, second by second between them."""
    tz = ZoneInfo(name)
    noons = np.arange(
        np.datetime64(f"{first_year - 1}-01-01T12", "s"), np.datetime64(f"{last_year + 2}-01-01T12", "s"), np.timedelta64(1, "D")
    )
    shown = [noon.replace(tzinfo=UTC).astimezone(tz).utcoffset() for noon in noons.tolist()]
    changes: list[int] = []
    offsets = [shown[0]]
    for noon, before, after in zip(noons.tolist(), shown, shown[1:], strict=False):
        if before != after:
            changes.append(moment_of_change(tz, noon.replace(tzinfo=UTC), before))
            offsets.append(after)
    return Zone(name, np.array(changes, np.int64), np.array([offset // timedelta(seconds=1) * SECOND for offset in offsets], np.int64))


def moment_of_change(tz: ZoneInfo, noon: datetime, before: timedelta | None) -> int:
    """The first second after a noon at which another offset holds, in nanoseconds."""
    step, at = timedelta(days=1), noon
    for part in (24, 60, 60):  # by hours, by minutes, by seconds
        step /= part
        while (at + step).astimezone(tz).utcoffset() == before:
            at += step
    return int((at + step).timestamp()) * SECOND


def shown(of: Zone, instants: Whole) -> Whole:
    """What the wall shows at instants."""
    return instants + of.offsets[np.searchsorted(of.changes, instants, "right")]


def pieces(of: Zone, near: Whole) -> list[tuple[Whole, Whole, Whole, Whole]]:
    """For each time the stretches of unchanging offset near it: first instants, ends, offsets, and the offsets that follow."""
    begins = np.concatenate([[-(1 << 62)], of.changes])
    ends = np.concatenate([of.changes, [1 << 62]])
    at = np.searchsorted(of.changes, near - WINDOW, "right")
    found = []
    for step in range(4):
        index = np.minimum(at + step, of.changes.size)
        found.append((begins[index], ends[index], of.offsets[index], of.offsets[np.minimum(index + 1, of.changes.size)]))
    return found


def starts(of: Zone, days: Whole) -> Whole:
    """The first instants of local days: the first at which the wall shows the day, or a later one."""
    midnight = days * DAY
    first = np.full(days.size, np.iinfo(np.int64).max)
    for begin, end, offset, _ in pieces(of, midnight):
        reached = np.maximum(begin, midnight - offset)
        first = np.where(reached < end, np.minimum(first, reached), first)
    return first


def instants(of: Zone, local: Whole) -> Whole:
    """The instants at which the wall shows times: the earlier of two; a skipped one is moved forward by the gap."""
    none = np.iinfo(np.int64).max
    found = np.full(local.size, none)
    skipped = found.copy()
    for begin, end, offset, later in pieces(of, local):
        moment = local - offset
        found = np.where((begin <= moment) & (moment < end), np.minimum(found, moment), found)
        skipped = np.where((end + offset <= local) & (local < end + later), moment, skipped)
    return np.where(found == none, skipped, found)


def days_of(of: Zone, moments: Whole) -> Whole:
    """The local days of instants: the last that has begun."""
    around = np.arange(int(moments.min()) // DAY - 2, int(moments.max()) // DAY + 3)
    return around[0] + np.searchsorted(starts(of, around), moments, "right") - 1


def moved(days: Whole, months: int) -> Whole:
    """Days so many months later, at most the last day of the month."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    of_month = dates - month.astype("datetime64[D]")
    month = month + months
    last = (month + 1).astype("datetime64[D]") - 1
    return np.minimum(month.astype("datetime64[D]") + of_month, last).astype(np.int64)


def shifted(of: Zone, moments: Whole, months: int, days: int) -> Whole:
    """Instants some months and days later, at the same time on the wall."""
    day, time_of_day = np.divmod(shown(of, moments), DAY)
    return instants(of, (moved(day, months) + days) * DAY + time_of_day)


def parts(days: Whole) -> dict[str, Whole]:
    """The parts of dates by the names that rules give them."""
    dates = days.astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    month = months.astype(np.int64) % 12

    def number(value: NDArray[Any]) -> Whole:
        return value.astype("datetime64[D]").astype(np.int64)

    return {
        "year": years.astype(np.int64) + 1970,
        "quarter": month // 3 + 1,
        "month": month + 1,
        "day": days - number(months) + 1,
        "weekday": (days - 4) % 7 + 1,  # 5 January 1970 was a Monday
        "week_start": days - (days - 4) % 7,
        "month_start": number(months),
        "quarter_start": number(months - month % 3),
        "year_start": number(years),
    }
