"""Statistics of the population: of what a stage handed on for all accounts, group by group, and each account's place in its group.

Exact sums are whole numbers of Python's; sums of floats are added up without rounding and rounded once, as `math.fsum` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.errors import LEAVES_ITS_RANGE, DataError
from segkernel.kernel.entries import statistics
from segkernel.link.assembly import signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float
from segkernel.link.staging import Handed
from segkernel.plan.program import Statistic

Memo = dict[Any, Any]
"""What one run has found out, for other statistics of the same values and groups."""
_ONE = 1 << 64
_FEW = 1 << 15
"""So many groups are not counted anew."""
_AT_ONCE = 1 << 15
"""The sums of so many groups are added up in one pass: their bins take 18 MB."""
PLACED = ("rank", "percentile", "ntile", "top", "bottom")
"""Functions that hold an account against the others of its group."""


class Crowd(msgspec.Struct, frozen=True, eq=False):
    """The accounts that count for a statistic: `group` int64[accounts] is the number of each account's group, -1 where a value that makes
    it is missing; `counted` is the same, -1 also where the account does not count; `counts` int64[groups] how many do."""

    group: NDArray[np.int64]
    counted: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each group begins if accounts stand group by group, int64[groups + 1]."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])


class Ranked(msgspec.Struct, frozen=True, eq=False):
    """The accounts that count, by group and by value: `rows` int64[count] their numbers, `keys` uint64[count] sort as their values do,
    `starts` int64[groups + 1] is where each group begins. `group` int64[accounts] is each account's, -1 where one is missing. `first` and
    `after` int64[count] say where the values equal to each begin and end."""

    rows: NDArray[np.int64]
    keys: NDArray[np.uint64]
    starts: NDArray[np.int64]
    group: NDArray[np.int64]
    first: NDArray[np.int64]
    after: NDArray[np.int64]


def result_of(call: Statistic, value: Handed) -> Handed:
    """How a run keeps the values of a statistic."""
    function, form = call.function, value.form
    if call.type.kind == "number":
        return Handed(Float(0, 0), 0)
    if function in ("min", "max"):
        assert isinstance(form, Exact)
        return Handed(Exact(0, None, form.low, form.high, form.wide), 0, 1 if form.wide else -1, 2)
    if function == "sum" or call.type.kind == "duration":
        return Handed(Exact(0, None, -BEYOND, BEYOND - 1, True), 0, 1, 2)
    return Handed(Exact(0, None, 0, LARGEST), 0, -1, 2)


def values(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> NDArray[np.int64]:
    """A statistic for all accounts as `result_of` says, int64[3, accounts]; `handed` is all that the stage hands on, in its
    int64[buffers, accounts]. Raises DataError where a sum leaves its range."""
    found = np.zeros((3, buffers.shape[1]), np.int64)
    if call.function in PLACED:
        _places(call, handed, buffers, ranked(call, handed, buffers, memo), found)
        return found
    value, some = handed[call.value], crowd(call, handed, buffers, memo)
    known = some.group >= 0
    where = some.group if known.all() else np.where(known, some.group, 0)
    if not some.counts.size:
        found[0] = 0 if call.type.kind != "number" else np.full(1, np.nan).view(np.int64)
    elif call.function == "count":
        found[0] = some.counts[where]
    elif call.function in ("min", "max"):
        _extreme(call, value, buffers, some, known, where, found)
        return found
    elif call.type.kind == "number":
        order = ranked(call, handed, buffers, memo) if call.function == "median" else None
        floats = _floats(call, value, buffers, some, order)
        floats[some.counts < _LEAST.get(call.function, 0)] = np.nan
        found[0] = np.where(known, floats[where], np.nan).view(np.int64)
        return found
    else:
        exact = [_exact(call, *each) for each in zip(_sums(value, buffers, some), some.counts.tolist(), strict=True)]
        found[0] = np.array([0 if each is None else each >> 64 for each in exact], np.int64)[where]
        found[1] = np.array([0 if each is None else signed64(each) for each in exact], np.int64)[where]
        known &= np.array([each is not None for each in exact])[where]
    found[2] = known
    return found


def crowd(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> Crowd:
    """The accounts that count for a statistic; found once a run."""
    found: Crowd = once(memo, ("crowd", *asked(call)), lambda: _crowd(call, handed, buffers, memo))
    return found


def ranked(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> Ranked:
    """The accounts that count for a statistic, by group and by value; found once a run."""
    found: Ranked = once(memo, asked(call), lambda: _ranked(call, handed, buffers, crowd(call, handed, buffers, memo)))
    return found


def asked(call: Statistic) -> tuple[Any, ...]:
    """What statistics with the same order share: of what accounts, and by which groups."""
    return call.stage, call.value, call.where, call.groups


def once(memo: Memo, key: Any, make: Callable[[], Any]) -> Any:
    """What a run has found out under a key."""
    if key not in memo:
        memo[key] = make()
    return memo[key]


# ---- groups and order


def present(handed: Handed, buffers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows have a value."""
    if isinstance(handed.form, Float):
        return np.asarray(~np.isnan(buffers[handed.words].view(np.float64)))
    if isinstance(handed.form, Coded):
        return np.asarray(buffers[handed.words] != 0)
    return np.ones(buffers.shape[1], bool) if handed.present < 0 else buffers[handed.present] != 0


def keys_of(handed: Handed, buffers: NDArray[np.int64]) -> NDArray[Any]:
    """Numbers that sort as the values do."""
    words = buffers[handed.words]
    if isinstance(handed.form, Float):
        return np.asarray(words.view(np.float64) + 0.0)
    if isinstance(handed.form, Exact) and handed.form.wide:
        low = buffers[handed.low].view(np.uint64)
        if np.array_equal(low.view(np.int64) >> 63, words):
            return np.asarray(low.view(np.int64))
        order = np.lexsort((low, words))
        new = np.ones(order.size, np.int64)
        new[1:] = (words[order][1:] != words[order][:-1]) | (low[order][1:] != low[order][:-1])
        ranks = np.empty(order.size, np.int64)
        ranks[order] = np.cumsum(new)
        return ranks
    return np.asarray(words)


def _grouped(outputs: tuple[int, ...], handed: Sequence[Handed], buffers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each account's group, -1 where one of its values is missing."""
    group = np.zeros(buffers.shape[1], np.int64)
    if not outputs:
        return group
    known = np.ones(buffers.shape[1], bool)
    for output in outputs:
        known &= present(handed[output], buffers)
        number = _counted(keys_of(handed[output], buffers))
        group = number if output == outputs[0] else _counted(group * (int(number.max(initial=0)) + 1) + number)
    return np.where(known, group, -1)


def _counted(keys: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers from 0 on, equal where keys are; most of them in use."""
    if keys.size and keys.dtype == np.int64:
        low, high = int(keys.min()), int(keys.max())
        if high - low < _FEW:
            return keys - low
    found: NDArray[np.int64] = np.unique(keys, return_inverse=True)[1]
    return found


def _crowd(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> Crowd:
    group: NDArray[np.int64] = once(memo, (call.stage, call.groups), lambda: _grouped(call.groups, handed, buffers))
    counts = present(handed[call.value], buffers)
    if call.where >= 0:
        counts = counts & (buffers[handed[call.where].words] != 0)
    counted = group if counts.all() else np.where(counts, group, -1)
    tally = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
    statistics.tally(counted, tally)
    return Crowd(group, counted, tally)


def _ranked(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], some: Crowd) -> Ranked:
    rows = np.flatnonzero(some.counted >= 0).astype(np.uint32)
    whole = rows.size == some.counted.size
    keys = _sortable(keys_of(handed[call.value], buffers))
    keys = keys.copy() if whole else keys[rows]
    keys, rows = _sorted(keys, rows)
    if some.counts.size > 1:
        values = keys
        groups = some.counted[rows].view(np.uint64)
        order = _sorted(groups, np.arange(rows.size, dtype=np.uint32))[1]
        keys, rows = values[order], rows[order]
    first, after = np.empty(rows.size, np.int64), np.empty(rows.size, np.int64)
    statistics.ties(keys, some.starts, first, after)
    return Ranked(rows.astype(np.int64), keys, some.starts, some.group, first, after)


def _sortable(keys: NDArray[Any]) -> NDArray[np.uint64]:
    """Numbers without a sign that sort as the keys do."""
    words = keys.view(np.int64)
    if keys.dtype == np.float64:
        words = words ^ ((words >> 63) & np.int64(LARGEST))
    return words.view(np.uint64) ^ np.uint64(1 << 63)


def _sorted(keys: NDArray[np.uint64], rows: NDArray[np.uint32]) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """Keys in order, digit by digit, and what rows they are of; those that are equal as they stand. The keys are used up."""
    low = keys.min(initial=np.uint64(_ONE - 1))
    keys -= low
    bits = int(keys.max(initial=np.uint64(0))).bit_length()
    spare, others = np.empty_like(keys), np.empty_like(rows)
    for shift in range(0, bits, statistics.DIGIT):
        places = np.zeros((1 << statistics.DIGIT) + 1, np.int64)
        statistics.sort_digit(keys, rows, shift, places, spare, others)
        keys, rows, spare, others = spare, others, keys, rows
    keys += low
    return keys, rows


# ---- an account's place


def _places(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], ranked: Ranked, found: NDArray[np.int64]) -> None:
    sizes, rows, amount = np.diff(ranked.starts), ranked.rows, call.amount or Fraction(0)
    if call.function in ("top", "bottom"):
        if call.where >= 0:
            found[2] = buffers[handed[call.where].words] == 0  # neither at the top nor at the bottom, whatever is missing
        found[2, rows] = 1
        _, begin, end = cut(call, ranked)
        inside = np.zeros(rows.size + 1, np.int8)
        inside[begin] += 1
        inside[end] -= 1
        found[0, rows[np.cumsum(inside[:-1], dtype=np.int8) > 0]] = 1
        return
    begin, count = np.repeat(ranked.starts[:-1], sizes), np.repeat(sizes, sizes)
    smaller = ranked.first - begin
    if call.function == "percentile":
        places = np.full(found.shape[1], np.nan)
        places[rows] = np.where(count > 1, 100 * smaller / np.maximum(count - 1, 1), 0.0)
        found[0] = places.view(np.int64)
        return
    found[0, rows] = 1 + (begin + count - ranked.after if call.function == "rank" else int(amount) * smaller // count)
    found[2, rows] = 1


def cut(call: Statistic, ranked: Ranked) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of the groups that have a top or bottom, how many accounts that is, ties not counted, and where it begins and ends."""
    sizes, amount = np.diff(ranked.starts), call.amount or Fraction(0)
    filled = np.flatnonzero(sizes)
    limits = [math.ceil(amount * each) if call.share else min(int(amount), LARGEST) for each in sizes[filled].tolist()]
    at = np.array(limits, np.int64)
    filled, at = filled[at > 0], at[at > 0]
    within = np.minimum(at, sizes[filled])
    begin, end = ranked.starts[filled], ranked.starts[filled + 1]
    if call.function == "top":
        return at, ranked.first[end - within], end
    return at, begin, ranked.after[begin + within - 1]


# ---- what a group shares


def _extreme(
    call: Statistic,
    value: Handed,
    buffers: NDArray[np.int64],
    some: Crowd,
    known: NDArray[Any],
    where: NDArray[Any],
    found: NDArray[Any],
) -> None:
    """The smallest or largest value of each group."""
    chosen = np.full(some.counts.size, -1, np.int64)
    wide = isinstance(value.form, Exact) and value.form.wide
    low = buffers[value.low].view(np.uint64) if wide else np.zeros(0, np.uint64)
    keys = buffers[value.words]
    if isinstance(value.form, Float):
        keys = (_sortable(keys_of(value, buffers)) ^ np.uint64(1 << 63)).view(np.int64)
    statistics.extremes(some.counted, keys, low, call.function == "max", chosen)
    known &= (chosen >= 0)[where]
    rows = np.maximum(chosen, 0)
    if isinstance(value.form, Float):
        found[0] = np.where(known, buffers[value.words].view(np.float64)[rows][where], np.nan).view(np.int64)
        return
    found[0] = np.where(known, buffers[value.words][rows][where], 0)
    if value.low >= 0:
        found[1] = np.where(known, buffers[value.low][rows][where], 0)
    found[2] = known


def _sums(value: Handed, buffers: NDArray[np.int64], some: Crowd) -> list[int]:
    """The exact sum of each group's values, in units."""
    halves = np.zeros((some.counts.size, 2), np.int64)
    statistics.add_whole(some.counted, buffers[value.words].view(np.uint64), True, halves)
    sums = [(upper << 32) + lower for upper, lower in halves.tolist()]
    if not isinstance(value.form, Exact) or not value.form.wide:
        return sums
    halves[:] = 0
    statistics.add_whole(some.counted, buffers[value.low].view(np.uint64), False, halves)
    return [(high << 64) + (upper << 32) + lower for high, (upper, lower) in zip(sums, halves.tolist(), strict=True)]


def _exact(call: Statistic, total: int, count: int) -> int | None:
    """An exact sum, or of durations the mean, to the nearest nanosecond."""
    if call.function == "avg":
        return round(Fraction(total, count)) if count else None
    low, high = (SMALLEST, _ONE - 1) if call.type.kind == "whole" else (-BEYOND, BEYOND - 1)
    if not low <= total <= high:
        raise DataError(LEAVES_ITS_RANGE, call.span)
    return total


_LEAST = {"avg": 1, "median": 1, "stddev": 2}
"""So many values a group must have for a statistic to be there."""


def _floats(call: Statistic, value: Handed, buffers: NDArray[np.int64], some: Crowd, order: Ranked | None) -> NDArray[np.float64]:
    """A float statistic of each group; anything where it has too few values."""
    scale = 10**call.kind.scale
    exact = call.kind.kind != "number"
    counts = np.maximum(some.counts, 1)
    with np.errstate(all="ignore"):
        if order is not None:
            return _medians(value, buffers, order, scale if exact else 0)
        if exact and call.function == "avg":
            pairs = zip(_sums(value, buffers, some), counts.tolist(), strict=True)
            return np.array([float(total) / float(count * scale) for total, count in pairs], np.float64)
        numbers = _as_floats(value, buffers, scale) if exact else buffers[value.words].view(np.float64)
        sums = summed(some.counted, numbers, counts.size)
        if call.function == "sum":
            return sums
        means = sums / counts
        if call.function == "avg":
            return np.asarray(means)
        distances = numbers - means[some.counted]
        return np.asarray(np.sqrt(summed(some.counted, distances * distances, counts.size) / (counts - 1)))


def _as_floats(value: Handed, buffers: NDArray[np.int64], scale: int) -> NDArray[np.float64]:
    """Exact numbers as the nearest floats, then in units of 1."""
    words = buffers[value.words]
    if not isinstance(value.form, Exact) or not value.form.wide:
        return np.asarray(words.astype(np.float64) / float(scale))
    low = buffers[value.low].view(np.uint64).tolist()
    return np.array([float(high * _ONE + rest) for high, rest in zip(words.tolist(), low, strict=True)], np.float64) / float(scale)


def _medians(value: Handed, buffers: NDArray[np.int64], order: Ranked, scale: int) -> NDArray[np.float64]:
    """The middle of each group's values, exact ones in units of 1/`scale`; anything of a group without."""
    begin, size = order.starts[:-1], np.diff(order.starts)
    last = max(0, order.rows.size - 1)
    places = [np.minimum(begin + middle, last) for middle in (np.maximum(size - 1, 0) // 2, size // 2)]
    if not order.rows.size:
        return np.full(size.size, np.nan)
    some = [order.rows[each] for each in places]
    if not scale:
        left, right = (buffers[value.words].view(np.float64)[rows] for rows in some)
        return np.asarray(np.where(size % 2 == 1, left, (left + right) / 2))
    low = [buffers[value.low][rows].view(np.uint64).tolist() if value.low >= 0 else None for rows in some]
    high = [buffers[value.words][rows].tolist() for rows in some]
    left, right = (
        numbers if rest is None else [each * _ONE + more for each, more in zip(numbers, rest, strict=True)]
        for numbers, rest in zip(high, low, strict=True)
    )
    pairs = zip(left, right, (size % 2 == 1).tolist(), strict=True)
    return np.array([float(a) / float(scale) if odd else float(a + b) / float(2 * scale) for a, b, odd in pairs], np.float64)


def summed(group: NDArray[np.int64], numbers: NDArray[np.float64], groups: int, rounds: int = 1 << 30) -> NDArray[np.float64]:
    """The sum of the floats of each group, rounded once; infinities of both signs, or what is no number, give NaN."""
    sums = np.zeros(groups, np.float64)
    bits = np.ascontiguousarray(numbers).view(np.uint64)
    for base in range(0, groups, _AT_ONCE):
        some = min(_AT_ONCE, groups - base)
        bins, odd = np.zeros((some, statistics.BINS), np.int64), np.zeros((some, 3), np.int64)
        statistics.add_floats(group, bits, base, rounds, bins, odd)
        with np.errstate(over="ignore"):
            statistics.round_sums(bins, odd, sums[base : base + some])
    return sums
