"""Timestamps without a zone become instants: the zone's offsets over the days that the data span."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from segkernel.data import arrow
from segkernel.errors import DataError, SchemaError
from segkernel.kernel.entries import encoding

_EPOCH = datetime(1970, 1, 1)
_DAY = 86_400
_FIRST, _LAST = (datetime.min - _EPOCH).days + 1, (datetime.max - _EPOCH).days - 1
_SCANNED = 40_000
_BUCKETS = 1 << 20


def check(zone: str) -> None:
    """Raises SchemaError where there is no time zone of that name."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise SchemaError(f'there is no time zone "{zone}"; use a name such as "Europe/Berlin"') from error


def instants(local: arrow.Numbers, unit: int, zone: str, place: str) -> arrow.Numbers:
    """Local times (int64 counts of `unit` nanoseconds) as instants of the same unit.

    A time that a clock change skips moves forward by the gap, one that occurs twice is the earlier: both are what the
    offset of PEP 495's `fold=0` gives. Raises DataError where an instant leaves 64 bits.
    """
    if zone == "UTC" or local.missing == local.rows:
        return local
    per_second = 1_000_000_000 // unit
    found, flip = arrow.surveyed(local), int(local.flip)
    low, high = found.low - flip, found.high - flip
    days = np.arange(low // per_second // _DAY, high // per_second // _DAY + 1) if high - low < _SCANNED * _DAY * per_second else None
    valid = local.present.view(np.uint8)
    if days is None:
        times = np.where(valid, local.values, low)
        days = np.unique(times // (per_second * _DAY))
    starts, offsets = _table(zone, days)
    if low - int(offsets.max()) * per_second < -(1 << 63) or high - int(offsets.min()) * per_second >= 1 << 63:
        raise DataError(f"{place} has local times whose instants in {zone} leave 64 bits")
    # `low` lies on or after the first start; a change behind `high`, on its day, concerns nobody and might not fit 64 bits
    used = starts <= high // per_second
    starts, offsets = starts[used], offsets[used]
    if offsets.size == 1:
        with np.errstate(over="ignore"):  # of what stands where times are missing
            return arrow.of_values(local.values - offsets[0] * per_second, valid, local.missing)
    changes, moved = starts[1:] * per_second, offsets * per_second
    shift = int(np.diff(changes).min(initial=np.iinfo(np.int64).max)).bit_length() - 1
    if (high - low) >> shift >= _BUCKETS or high - low >= 1 << 63:
        times = np.where(valid, local.values, low)
        return arrow.of_values(times - moved[np.searchsorted(changes, times, "right")], valid, local.missing)
    at = np.searchsorted(changes, low + (np.arange(((high - low) >> shift) + 1, dtype=np.int64) << shift), "right")
    cuts = np.append(changes, np.iinfo(np.int64).max)[at]
    out = np.empty(local.rows, np.int64)
    before, after, begin = moved[at], np.append(moved, moved[-1])[at + 1], 0
    for part in local.parts:
        address, _, _, rows = part.given
        with np.errstate(over="ignore"):
            encoding.to_instants(address, rows, low, shift, cuts, before, after, out[begin : begin + rows])
        begin += rows
    return arrow.of_values(out, valid, local.missing)


def _table(zone: str, days: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From which local second on which offset (seconds east) holds, for ascending local days since 1970."""
    starts: list[int] = []
    offsets: list[int] = []
    for day in days.tolist():
        for start, offset in _pieces(zone, day):
            if not offsets or offset != offsets[-1]:
                starts.append(start)
                offsets.append(offset)
    return np.array(starts, np.int64), np.array(offsets, np.int64)


@lru_cache(maxsize=200_000)
def _pieces(zone: str, day: int) -> tuple[tuple[int, int], ...]:
    """The offsets of a local day, each with the local second from which it holds; at most one change is looked for."""
    start, end = day * _DAY, (day + 1) * _DAY
    before, after = _offset(zone, start), _offset(zone, end)
    if before == after:
        return ((start, before),)
    low, high = start, end
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return ((start, before), (high, after))


def _offset(zone: str, second: int) -> int:
    """Seconds east of UTC at a local second since 1970; beyond the years 1 to 9999 as at their ends."""
    clamped = min(max(second, _FIRST * _DAY), _LAST * _DAY)
    offset = (_EPOCH + timedelta(seconds=clamped)).replace(tzinfo=ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
