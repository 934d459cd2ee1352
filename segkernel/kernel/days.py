"""Times of a block's rows in slots: local days, parts of dates, times moved by months and days. Lengths are in rows."""

from __future__ import annotations

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import load_whole, signed, store_whole, unsigned


@part
def day_of(target, a, table, count, first, rows):
    """The local day of instants: the last day that has begun, by the table of the days' first instants."""
    start = load_whole(table)
    for i in range(rows):
        instant = load_whole(a + i * 8)
        guess = 0
        if instant > start:  # the difference may need the 64th bit
            guess = min(signed(unsigned(unsigned(instant) - unsigned(start)) // unsigned(86_400_000_000_000)), count - 1)
        while guess + 1 < count and load_whole(table + (guess + 1) * 8) <= instant:
            guess += 1
        while guess > 0 and load_whole(table + guess * 8) > instant:
            guess -= 1
        store_whole(target + i * 8, first + guess)


@part
def civil(day):
    """Year, month and day of the month of a date (days since 1970-01-01), after H. Hinnant, "chrono-compatible low-level
    date algorithms"."""
    z = day + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    m = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (1 if m <= 2 else 0), m, doy - (153 * mp + 2) // 5 + 1


@part
def days(year, month, day):
    """Days since 1970-01-01 of a date."""
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468


@part
def shifted_day(day, months):
    """A date moved by months; the day of the month is clamped."""
    y, m, d = civil(day)
    total = y * 12 + (m - 1) + months
    y = total // 12
    m = total - y * 12 + 1
    if m == 2:
        longest = 29 if (y % 4 == 0 and y % 100 != 0) or y % 400 == 0 else 28
    elif m == 4 or m == 6 or m == 9 or m == 11:
        longest = 30
    else:
        longest = 31
    return days(y, m, min(d, longest))


@part
def shift_date(target, a, months, rows):
    for i in range(rows):
        store_whole(target + i * 8, shifted_day(load_whole(a + i * 8), months))


@part
def changes_before(changes, count, instant):
    """How many clock changes lie at or before an instant."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if load_whole(changes + middle * 8) <= instant:
            low = middle + 1
        else:
            high = middle
    return low


@part
def shift_time(target, a, months, days, count, changes, offsets, rows):
    """Instants moved by months and days at the same local time of day. `changes` are the instants of the zone's clock
    changes, `offsets` the offset before the first and after each. A local time that is skipped moves forward by the gap,
    one that occurs twice is the earlier."""
    length = 86_400_000_000_000
    for i in range(rows):
        instant = load_whole(a + i * 8)
        local = instant + load_whole(offsets + changes_before(changes, count, instant) * 8)
        day = local // length
        moved = (shifted_day(day, months) + days) * length + (local - day * length)
        at = changes_before(changes, count, moved - 2 * length)
        last = changes_before(changes, count, moved + 2 * length)
        result = moved - load_whole(offsets + at * 8)
        for k in range(at, last + 1):
            result = moved - load_whole(offsets + k * 8)
            if k == last or result < load_whole(changes + k * 8):
                break
            after = moved - load_whole(offsets + (k + 1) * 8)
            if after < load_whole(changes + k * 8):
                break
        store_whole(target + i * 8, result)


@part
def day_part(which, day, today):
    """One part of a date, by its number in `operations.PARTS`."""
    if which == 4:
        return (day + 3) % 7 + 1
    if which == 5:
        return day - (day + 3) % 7
    y, m, d = civil(day)
    if which == 0:
        return y
    if which == 1:
        return (m + 2) // 3
    if which == 2:
        return m
    if which == 3:
        return d
    if which == 6:
        return day - (d - 1)
    if which == 7:
        return days(y, (m - 1) // 3 * 3 + 1, 1)
    if which == 8:
        return days(y, 1, 1)
    years = civil(today)[0] - y
    found = shifted_day(day, 12 * years)
    return found if found >= today else shifted_day(day, 12 * (years + 1))


@part
def calendar(target, a, which, today, rows):
    for i in range(rows):
        store_whole(target + i * 8, day_part(which, load_whole(a + i * 8), today))


@part
def hour_of(target, a, count, changes, offsets, rows):
    """The hour of the local time of instants."""
    length, hour = 86_400_000_000_000, 3_600_000_000_000
    for i in range(rows):
        instant = load_whole(a + i * 8)
        local = instant + load_whole(offsets + changes_before(changes, count, instant) * 8)
        store_whole(target + i * 8, (local - local // length * length) // hour)
