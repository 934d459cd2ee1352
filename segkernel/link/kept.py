"""What a run keeps of a statistic of the population: each group's values, how many accounts counted, and its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segdsl.syntax import Span
from segkernel.link import population
from segkernel.link.forms import LARGEST, Coded, Exact, Float
from segkernel.link.population import PLACED, Memo, Ranked, crowd, ranked
from segkernel.link.staging import Handed
from segkernel.plan.program import Statistic

QUARTERS = (0, 25, 50, 75, 100)
"""The percentiles that are kept."""


class Order(msgspec.Struct, frozen=True, eq=False):
    """The values of all accounts that counted, group by group: `groups` the values of each group (a list a group's expression), where it
    begins in `starts` int64[groups + 1], and `values`, ascending in each: int64, float64, or whole numbers of Python's where they are
    wider."""

    groups: tuple[list[Any], ...]
    starts: NDArray[np.int64]
    values: NDArray[Any]


class Kept(msgspec.Struct, frozen=True, eq=False):
    """The figures of a statistic that is written at `span`: for each its group's values, `groups` (a list a group's expression), how many
    `accounts` of the group counted, int64[figures], the place `at` which it is (None where all of a group share one figure), and
    `values`. Values are in units of their types: whole numbers, floats, texts; None where missing. `order` has all values, for the
    PLACED."""

    span: Span
    groups: tuple[list[Any], ...]
    accounts: NDArray[np.int64]
    at: NDArray[np.int64] | None
    values: list[Any]
    order: Order | None = None


def figures(
    call: Statistic, handed: Sequence[Handed], result: Handed, buffers: NDArray[np.int64], found: NDArray[np.int64], memo: Memo
) -> Kept:
    """What is kept of a statistic: `found` is what `population.values` made for all accounts, in the form of `result`.

    Groups stand in the order in which the accounts first have them. Of a rank the values at the places 1, 10, 100 … are kept; of a
    percentile the smallest values that reach the quarters; of an ntile where each part begins; of `top` and `bottom` the last value that
    is in.
    """
    some = crowd(call, handed, buffers, memo)
    first = _first_rows(some.group, some.counts.size)
    groups = np.flatnonzero(first >= 0)
    groups = groups[np.argsort(first[groups])]
    counts, placed = some.counts, None
    if call.function not in PLACED:
        at, which, values = None, groups, decoded(result, found, first[groups])
    else:
        order = ranked(call, handed, buffers, memo)
        number, places, at = _thresholds(call, order, counts)
        rank = np.empty(len(first), np.int64)
        rank[groups] = np.arange(groups.size)
        sorting = np.lexsort((at, rank[number]))
        which, at = number[sorting], at[sorting]
        values = decoded(handed[call.value], buffers, order.rows[places[sorting]])
        placed = population.once(memo, ("order", *population.asked(call)), lambda: _order(call, handed, buffers, order))
    keys = tuple(decoded(handed[output], buffers, first[which]) for output in call.groups)
    return Kept(call.span, keys, counts[which], at, values, placed)


def _order(call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], order: Ranked) -> Order:
    """All values of an order, and its groups."""
    value = handed[call.value]
    if isinstance(value.form, Float):
        sorted_values = buffers[value.words].view(np.float64)[order.rows]
    elif value.low < 0:
        sorted_values = buffers[value.words][order.rows]
    else:
        sorted_values = np.array(decoded(value, buffers, order.rows), object)
    first = _first_rows(order.group, len(order.starts) - 1)
    groups = np.flatnonzero(first >= 0)  # numbers that no account has hold no value
    keys = tuple(decoded(handed[output], buffers, first[groups]) for output in call.groups)
    return Order(keys, np.append(order.starts[groups], order.starts[-1:]), sorted_values)


def decoded(handed: Handed, buffers: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Any]:
    """What was handed on for some rows, as Python's values in units of their type; None where missing."""
    words = buffers[handed.words][rows]
    form = handed.form
    if isinstance(form, Float):
        return [None if number != number else number for number in words.view(np.float64).tolist()]
    if isinstance(form, Coded):
        known = {code: form.column.value(code) if code else None for code in np.unique(words).tolist()}
        return [known[code] for code in words.tolist()]
    assert isinstance(form, Exact)
    numbers: list[Any] = words.tolist()
    if handed.low >= 0:
        low = buffers[handed.low][rows].view(np.uint64).tolist()
        numbers = [(high << 64) + rest for high, rest in zip(numbers, low, strict=True)]
    if handed.present < 0:
        return numbers
    there = buffers[handed.present][rows].tolist()
    return [number if present else None for number, present in zip(numbers, there, strict=True)]


def _first_rows(group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """The first row of each group, int64[groups], -1 where no account is in it."""
    if groups == 1 and group[0] == 0:  # everybody, or all that have a group
        return np.zeros(1, np.int64)
    first = np.full(groups, -1, np.int64)
    rows = np.flatnonzero(group >= 0)[::-1]
    first[group[rows]] = rows
    return first


def _thresholds(
    call: Statistic, order: Ranked, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The figures of an order: the group of each, where it stands among the accounts in order, and the place that it marks."""
    filled = np.flatnonzero(counts)
    begin, end, size = order.starts[:-1], order.starts[1:], counts
    if call.function in ("top", "bottom"):
        amount = call.amount or Fraction(0)
        limits = [math.ceil(amount * each) if call.share else min(int(amount), LARGEST) for each in size[filled].tolist()]
        at = np.array(limits, np.int64)
        filled, at = filled[at > 0], at[at > 0]
        within = np.minimum(at, size[filled])
        return filled, end[filled] - within if call.function == "top" else begin[filled] + within - 1, at
    if call.function == "rank":
        tens = [10**power for power in range(len(str(int(size.max(initial=0)))))]
        found = [(filled[size[filled] >= ten], ten) for ten in tens]
        return _joined([(some, end[some] - ten, ten) for some, ten in found])
    if call.function == "ntile":
        there = order.group[order.rows]
        part = 1 + int(call.amount or 1) * (order.first - begin[there]) // np.maximum(size[there], 1)
        starts = np.ones(there.size, np.bool_)
        starts[1:] = (there[1:] != there[:-1]) | (part[1:] != part[:-1])
        places = np.flatnonzero(starts)
        return there[places], places, part[places]
    reaching = []
    for quarter in QUARTERS:
        smaller = -(-quarter * (size[filled] - 1) // 100)
        places = begin[filled] + smaller
        # A value that ties with smaller ones has fewer below it: then it is the next larger one
        places = np.where(order.first[places] < places, order.after[places], places)
        reached = places < end[filled]
        reaching.append((filled[reached], places[reached], quarter))
    return _joined(reaching)


def _joined(
    figures: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    none = np.zeros(0, np.int64)
    groups = np.concatenate([none, *(group for group, _, _ in figures)])
    places = np.concatenate([none, *(place for _, place, _ in figures)])
    return groups, places, np.concatenate([none, *(np.full(group.size, at, np.int64) for group, _, at in figures)])
