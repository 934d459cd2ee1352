"""Statistics of the population: of what a stage handed on for all accounts, group by group, and each account's place in its group.

Exact sums are whole numbers of Python's; sums of floats are rounded once (`math.fsum`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.errors import LEAVES_ITS_RANGE, DataError
from segkernel.link.assembly import signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float
from segkernel.link.staging import Handed
from segkernel.plan.program import Statistic

Memo = dict[Any, Any]
"""What one run has found out, for other statistics of the same values and groups."""
_ONE = 1 << 64
_FEW = 1 << 15
"""So many groups are not counted anew, and are sorted by two bytes."""


class Ranked(msgspec.Struct, frozen=True, eq=False):
    """The accounts that count, by group and, where that matters, by value: `rows` int64[count] their numbers; `starts`
    int64[groups + 1] where each group begins. `group` int64[accounts] is each account's, -1 where one is missing. `first` and
    `after` int64[count] say where the values equal to each begin and end."""

    rows: NDArray[np.int64]
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
    order = ranked(call, handed, buffers, memo)
    found = np.zeros((3, buffers.shape[1]), np.int64)
    if call.function in ("rank", "percentile", "ntile", "top", "bottom"):
        _places(call, handed, buffers, order, found)
        return found
    value = handed[call.value]
    groups = len(order.starts) - 1
    known = order.group >= 0
    where = np.where(known, order.group, 0)
    if call.function == "count":
        found[0] = np.diff(order.starts)[where] if groups else 0
    elif call.function in ("min", "max"):
        _extreme(call, value, buffers, order, known, where, found)
        return found
    elif call.type.kind == "number":
        floats = np.array([_float(call, members) for members in _members(value, call, buffers, order)] or [0.0], np.float64)
        found[0] = np.where(known, floats[where], np.nan).view(np.int64)
        return found
    else:
        exact = [_exact(call, members) for members in _members(value, call, buffers, order)] or [0]
        found[0] = np.array([0 if each is None else each >> 64 for each in exact], np.int64)[where]
        found[1] = np.array([0 if each is None else signed64(each) for each in exact], np.int64)[where]
        known &= np.array([each is not None for each in exact])[where]
    found[2] = known
    return found


def ranked(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> Ranked:
    """The accounts that count for a statistic, by group, and by value where that matters; found once a run."""
    what = asked(call)
    found: Ranked = once(memo, what, lambda: _ranked(call, handed, buffers, what[-1], memo))
    return found


def asked(call: Statistic) -> tuple[Any, ...]:
    """What statistics with the same order share: of what accounts, by which groups, and whether by value."""
    return call.stage, call.value, call.where, call.groups, call.function not in ("count", "sum", "avg", "stddev")


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
    known = np.ones(buffers.shape[1], bool)
    for output in outputs:
        known &= present(handed[output], buffers)
        number = _counted(keys_of(handed[output], buffers))
        group = _counted(group * (int(number.max(initial=0)) + 1) + number)
    return np.where(known, group, -1)


def _counted(keys: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers from 0 on, equal where keys are; most of them in use."""
    if keys.size and keys.dtype == np.int64:
        low, high = int(keys.min()), int(keys.max())
        if high - low < _FEW:
            return keys - low
    found: NDArray[np.int64] = np.unique(keys, return_inverse=True)[1]
    return found


def _ranked(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], by_value: bool, memo: Memo) -> Ranked:
    group = once(memo, (call.stage, call.groups), lambda: _grouped(call.groups, handed, buffers))
    counts = (group >= 0) & present(handed[call.value], buffers)
    if call.where >= 0:
        counts &= buffers[handed[call.where].words] != 0
    rows = np.flatnonzero(counts)
    keys = keys_of(handed[call.value], buffers)[rows] if by_value else np.zeros(rows.size, np.int8)
    order = np.argsort(keys) if by_value else np.arange(rows.size)
    there = group[rows[order]]
    few = int(there.max(initial=0)) < _FEW
    order = order[np.argsort(there.astype(np.int16) if few else there, kind="stable")]
    rows, keys = rows[order], keys[order]
    there = group[rows]
    starts = np.searchsorted(there, np.arange(int(group.max(initial=-1)) + 2))
    new = np.ones(rows.size, bool)
    new[1:] = (there[1:] != there[:-1]) | (keys[1:] != keys[:-1])
    edges = np.append(np.flatnonzero(new), rows.size)
    run = np.cumsum(new) - 1
    return Ranked(rows, starts, group, edges[run], edges[run + 1])


# ---- an account's place


def _places(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], ranked: Ranked, found: NDArray[np.int64]) -> None:
    there = ranked.group[ranked.rows]
    begin, end = ranked.starts[there], ranked.starts[there + 1]
    smaller, larger, count = ranked.first - begin, end - ranked.after, end - begin
    rows, amount = ranked.rows, call.amount or Fraction(0)
    if call.function == "percentile":
        places = np.full(found.shape[1], np.nan)
        places[rows] = np.where(count > 1, 100 * smaller / np.maximum(count - 1, 1), 0.0)
        found[0] = places.view(np.int64)
        return
    if call.function == "rank":
        found[0, rows] = 1 + larger
    elif call.function == "ntile":
        found[0, rows] = 1 + int(amount) * smaller // count
    else:
        most = min(int(amount), LARGEST)
        limits = [math.ceil(amount * each) if call.share else most for each in np.diff(ranked.starts).tolist()]
        found[0, rows] = 1 + (larger if call.function == "top" else smaller) <= np.array(limits or [0], np.int64)[there]
        if call.where >= 0:
            found[2] = buffers[handed[call.where].words] == 0  # neither at the top nor at the bottom, whatever is missing
    found[2, rows] = 1


# ---- what a group shares


def _members(handed: Handed, call: Statistic, buffers: NDArray[np.int64], ranked: Ranked) -> Iterator[list[Any]]:
    """The values of each group in ascending order: floats, or whole numbers in units."""
    words = buffers[handed.words][ranked.rows]
    if isinstance(handed.form, Float):
        numbers = words.view(np.float64).tolist()
    elif isinstance(handed.form, Exact) and handed.form.wide:
        low = buffers[handed.low].view(np.uint64)[ranked.rows].tolist()
        numbers = [high * _ONE + rest for high, rest in zip(words.tolist(), low, strict=True)]
    else:
        numbers = words.tolist()
    edges = ranked.starts.tolist()
    for begin, end in pairwise(edges):
        yield numbers[begin:end]


def _extreme(
    call: Statistic,
    value: Handed,
    buffers: NDArray[np.int64],
    ranked: Ranked,
    known: NDArray[Any],
    where: NDArray[Any],
    found: NDArray[Any],
) -> None:
    """The value of the first or last account of each group."""
    filled = np.diff(ranked.starts) > 0
    at = ranked.starts[:-1] if call.function == "min" else ranked.starts[1:] - 1
    rows = ranked.rows[np.where(filled, at, 0)] if ranked.rows.size else np.zeros(filled.size, np.int64)
    if not filled.size:
        filled, rows = np.zeros(1, bool), np.zeros(1, np.int64)
    known &= filled[where]
    chosen = rows[where]
    if isinstance(value.form, Float):
        numbers = buffers[value.words].view(np.float64)
        found[0] = np.where(known, numbers[chosen] if numbers.size else np.nan, np.nan).view(np.int64)
        return
    if chosen.size:
        found[0] = np.where(known, buffers[value.words][chosen], 0)
        if value.low >= 0:
            found[1] = np.where(known, buffers[value.low][chosen], 0)
    found[2] = known


def _exact(call: Statistic, members: list[int]) -> int | None:
    """An exact sum, or of durations the mean, to the nearest nanosecond."""
    total = sum(members)
    if call.function == "avg":
        return round(Fraction(total, len(members))) if members else None
    low, high = (SMALLEST, _ONE - 1) if call.type.kind == "whole" else (-BEYOND, BEYOND - 1)
    if not low <= total <= high:
        raise DataError(LEAVES_ITS_RANGE, call.span)
    return total


def _float(call: Statistic, members: list[Any]) -> float:
    """A float statistic of one group, NaN where it is missing."""
    scale = 10**call.kind.scale
    exact = call.kind.kind != "number"
    if call.function == "sum":
        return summed(members)
    if len(members) < (2 if call.function == "stddev" else 1):
        return math.nan
    if call.function == "stddev":
        numbers = [float(each) / float(scale) for each in members] if exact else members
        mean = summed(numbers) / len(numbers)
        return math.sqrt(summed([(each - mean) * (each - mean) for each in numbers]) / (len(numbers) - 1))
    if call.function == "median":
        middle = len(members) // 2
        if len(members) % 2:
            return float(members[middle]) / float(scale) if exact else members[middle]
        members = members[middle - 1 : middle + 1]
    return float(sum(members)) / float(len(members) * scale) if exact else summed(members) / len(members)


def summed(numbers: list[float]) -> float:
    """The sum of floats, rounded once; infinities of both signs give NaN."""
    if not all(map(math.isfinite, numbers)):
        return sum(number for number in numbers if not math.isfinite(number))
    try:
        return math.fsum(numbers)
    except OverflowError:  # on the way, or at the end
        total = math.fsum(math.ldexp(number, -64) for number in numbers)
        return math.copysign(math.inf, total) if abs(total) >= 2.0**960 else math.ldexp(total, 64)
