"""Local time: what the clock on the wall shows at an instant, and the instant at which it shows a time.

Instants are nanoseconds since 1970-01-01T00:00Z; local times are nanoseconds since 1970-01-01T00:00 on the wall. The zone
database is asked one thing only: the offset at an instant.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from segdsl.typesystem import Length
from segkernel.oracle.civil import shift_day

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EARLIEST = -62_135_424_000  # 0001-01-02, the first day for which the zone database answers in every zone
LATEST = 253_402_128_000  # 9999-12-30, the last
HOUR = 3_600
REACH = 30 * HOUR  # no zone is further than a day from Greenwich, and no clock was ever moved by more than a day


@lru_cache(maxsize=1 << 16)
def offset_at(zone: str, second: int) -> int:
    """Seconds that the wall is ahead of Greenwich at an instant, given in seconds since 1970-01-01T00:00Z."""
    asked = min(max(second, EARLIEST), LATEST)
    offset = datetime.fromtimestamp(asked, ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else offset.days * 86_400 + offset.seconds


def stretches(zone: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """The stretches of unchanging offset between two instants in seconds: (first second, end, offset)."""
    found: list[tuple[int, int, int]] = []
    begin, offset = start, offset_at(zone, start)
    for probe in range(start + HOUR, end + HOUR, HOUR):
        if offset_at(zone, probe) == offset:
            continue
        before, after = probe - HOUR, probe
        while after - before > 1:
            middle = (before + after) // 2
            if offset_at(zone, middle) == offset:
                before = middle
            else:
                after = middle
        found.append((begin, after, offset))
        begin, offset = after, offset_at(zone, after)
    found.append((begin, end + HOUR, offset))
    return found


@lru_cache(maxsize=1 << 16)
def day_start(zone: str, day: int) -> int:
    """The first instant of a local day (days since 1970-01-01): the first at which the wall shows it, or a later day."""
    local = day * 86_400
    first = (max(begin, local - offset) for begin, end, offset in stretches(zone, local - REACH, local + REACH) if local - offset < end)
    return min(first) * SECOND


def local_at(zone: str, instant: int) -> int:
    """What the wall shows at an instant."""
    return instant + offset_at(zone, instant // SECOND) * SECOND


def local_day(zone: str, instant: int) -> int:
    """The local day of an instant: the last one that has begun."""
    day = local_at(zone, instant) // DAY
    while instant < day_start(zone, day):
        day -= 1
    while instant >= day_start(zone, day + 1):
        day += 1
    return day


def instant_of(zone: str, local: int) -> int:
    """The instant at which the wall shows a local time: the earlier of two; a skipped one is moved forward by the gap."""
    second, rest = divmod(local, SECOND)
    pieces = stretches(zone, second - REACH, second + REACH)
    shown = [second - offset for begin, end, offset in pieces if begin <= second - offset < end]
    if not shown:
        # Read with the offset before the gap, a skipped time falls after it by as much as it lay inside.
        shown = [second - offset for (_, end, offset), (_, _, later) in pairwise(pieces) if end + offset <= second < end + later]
    return min(shown) * SECOND + rest


def shift_instant(zone: str, instant: int, by: Length) -> int:
    """An instant moved by months and days at the same local time of day, then by exact nanoseconds."""
    if by.months or by.days:
        day, time_of_day = divmod(local_at(zone, instant), DAY)
        instant = instant_of(zone, shift_day(day, by) * DAY + time_of_day)
    return instant + by.nanoseconds
