"""What statistics of the population rest on: sums of floats rounded once, ends and orders of groups, against Python's own."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkernel.kernel.entries import statistics
from segkernel.link import population
from segkernel.link.population import _sortable, _sorted, summed

SIZES = (0, 1, 63, 64, 65, 3000)
NASTY = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.0,
    -1.0,
    1e16,
    -1e16,
    2.0**53,
    1.5,
    1e-30,
    1.7976931348623157e308,
    0.1,
    -0.3,
]


def exactly(numbers: list[float]) -> float:
    """The sum as a fraction, rounded."""
    odd = [number for number in numbers if not math.isfinite(number)]
    if odd:
        return sum(odd)
    total = sum(map(Fraction, numbers), Fraction(0))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def check_sums(group: list[int], numbers: list[float], groups: int, rounds: int = 1 << 30) -> None:
    found = summed(np.array(group, np.int64), np.array(numbers, np.float64), groups, rounds).tolist()
    members: list[list[float]] = [[] for _ in range(groups)]
    for at, number in zip(group, numbers, strict=True):
        if at >= 0:
            members[at].append(number)
    assert [str(each) for each in found] == [str(exactly(some)) for some in members]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.one_of(st.floats(), st.sampled_from(NASTY)))), st.sampled_from([1, 3, 1 << 30]))
def test_sums_are_rounded_once(rows: list[tuple[int, float]], rounds: int) -> None:
    check_sums([at for at, _ in rows], [number for _, number in rows], 4, rounds)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("spread", [1e-320, 1.0, 1e300])
def test_sums_of_random_floats_of_every_size(rows: int, spread: float) -> None:
    rng = np.random.default_rng(rows)
    numbers = rng.normal(size=rows) * spread * 10.0 ** rng.integers(-8, 8, rows)
    check_sums(rng.integers(-1, 5, rows).tolist(), numbers.tolist(), 5)


@pytest.mark.parametrize("last", [0.0, 5e-324, -5e-324, 1e-200])
def test_half_a_place_is_rounded_by_what_is_far_below(last: float) -> None:
    check_sums([0, 0, 0], [1.0, 2.0**-53, last], 1)
    check_sums([0, 0, 0], [-1.0, -(2.0**-53), last], 1)
    check_sums([0] * 4, [1.7976931348623157e308, 2.0**969, last, 2.0**969], 1)


def test_more_groups_than_are_added_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "_AT_ONCE", 3)
    rng = np.random.default_rng(5)
    check_sums(rng.integers(-1, 10, 500).tolist(), rng.normal(size=500).tolist(), 11)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize(
    "values",
    [np.array([3, -7, 2**63 - 1, -(2**63), 0]), np.arange(-2000, 2000) * 1_000_003, np.array([0.5, -0.5, np.inf, -np.inf, 1e-300])],
)
def test_orders_are_those_of_python(values: Any, rows: int) -> None:
    rng = np.random.default_rng(rows)
    given = rng.choice(values, rows) if rows else values[:0]
    keys, order = _sorted(_sortable(given).copy(), np.arange(rows, dtype=np.uint32))
    assert order.tolist() == sorted(range(rows), key=lambda row: given[row])
    assert (keys == _sortable(given)[order]).all()


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("largest", [False, True])
def test_the_first_of_the_smallest_and_largest_of_each_group(wide: bool, largest: bool) -> None:
    rng = np.random.default_rng(7)
    group, keys, low = rng.integers(-1, 6, 400), rng.integers(-3, 3, 400), rng.integers(0, 3, 400).astype(np.uint64)
    chosen = np.full(7, -1, np.int64)
    statistics.extremes(group, keys, low if wide else low[:0], largest, chosen)
    for at in range(7):
        rows = np.flatnonzero(group == at).tolist()
        sign = -1 if largest else 1
        wanted = min(rows, key=lambda row: (sign * int(keys[row]), sign * int(low[row]) if wide else 0, row), default=-1)
        assert chosen[at] == wanted


def test_ties_begin_and_end_within_their_group() -> None:
    keys = np.array([1, 1, 2, 2, 2, 3, 3], np.uint64)
    first, after = np.zeros(7, np.int64), np.zeros(7, np.int64)
    statistics.ties(keys, np.array([0, 0, 3, 6, 6, 7]), first, after)
    assert first.tolist() == [0, 0, 2, 3, 3, 5, 6]
    assert after.tolist() == [2, 2, 3, 5, 5, 6, 7]
