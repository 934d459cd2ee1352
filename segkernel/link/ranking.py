"""Columns that many tests read, a byte a row: which of the tests' ends a value has reached. A test then reads an eighth of what
it would of a float, and 64 rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import Column, aligned
from segkernel.kernel import operations as op
from segkernel.kernel.entries import BUCKETS, FLOATS, ranking

Spread = Callable[[Iterable[Callable[[], None]]], None]
"""Does things, in any order and at the same time."""

FEWEST_ROWS = 16_384
"""A column of fewer rows is tested as it is."""
TESTS = {2: 150, 4: 40, 8: 20, FLOATS: 20}
"""After so many tests of a column, by the width of what they read, its ranks would have been worth their making, and where it has few
cuts already when all its tests were run about twice."""
FEW = {2: 64, 4: 64, 8: 32, FLOATS: 32}
"""With so many cuts or fewer to look at each is quicker than to search among them."""
MOST = 254
"""So many ends a byte can tell apart, with one number left for the test that nothing passes."""
CHUNK = 1 << 16
_BEYOND = np.uint64(0xFFFFFFFFFFFFFFFF)


class State(msgspec.Struct, frozen=True, eq=False):
    """What is known of a column's tests: the instructions as they were `given` last, how many were run since they are these, and the
    instructions on ranks in their stead, if they are made."""

    given: NDArray[np.int64]
    tests: int
    made: NDArray[np.int64] | None
    tables: tuple[Any, ...] = ()


class Ranking:
    """The tests of a linked program that can be told from ranks, by column.

    Ranks are kept for the runs to come, as long as the tests of their column stay the same: they change with the time that some
    compare with. Runs may overlap: each takes a state as it is, and the last to make one leaves it.
    """

    def __init__(self, program: NDArray[np.int64], columns: Iterable[Column]) -> None:
        self.groups: list[tuple[Column, NDArray[np.intp]]] = []
        self.states: list[State | None] = []
        by_address = {each.address: each for each in columns if each.rows >= FEWEST_ROWS}
        if not by_address:
            return
        at = program[:, 3]
        raw = program[:, 0] == op.FLOAT_RANGE
        tests = ((program[:, 0] == op.RANGE) & (program[:, 6] > 1)) | raw
        tests &= program[:, 7] == op.COLUMN
        self.groups = [
            (by_address[each], np.flatnonzero(tests & (at == each))) for each in np.unique(at[tests]).tolist() if each in by_address
        ]
        self.states = [None] * len(self.groups)

    def applied(self, program: NDArray[np.int64], spread: Spread) -> list[State]:
        """Puts tests of ranks into a program in which all operands are filled in; what must live as long as it runs."""
        for number, (column, rows) in enumerate(self.groups):
            given = program[rows]
            state = self.states[number]
            if state is None or not np.array_equal(state.given, given):
                state = State(given, 0, None)
            if state.made is None:
                tests = state.tests + rows.size
                worth = tests >= min(TESTS[width(column)], 4 + 2 * rows.size)
                state = _made(column, given, tests, spread) if worth else State(given, tests, None)
                self.states[number] = state
            if state.made is not None:
                program[rows] = state.made
        return [state for state in self.states if state is not None]


def width(column: Column) -> int:
    """The bytes of a code, or FLOATS."""
    return FLOATS if column.raw else int(column.codes.itemsize)


def _made(column: Column, given: NDArray[np.int64], tests: int, spread: Spread) -> State:
    low, last, top = _float_ends(given) if column.raw else _code_ends(given, column.top)
    made, tables = given.copy(), []
    for some in _divided(low, last):
        cuts = np.unique(np.concatenate([low[some][low[some] > 0], last[some][last[some] < top] + np.uint64(1)]))
        if not cuts.size:
            continue
        ranks = _ranks(column, cuts, spread)
        first = np.searchsorted(cuts, low[some], "right")
        final = np.searchsorted(cuts, last[some], "right")
        empty = first > final
        made[some, 0], made[some, 3], made[some, 6:] = op.RANGE, ranks.ctypes.data, (1, op.COLUMN)
        made[some, 4], made[some, 5] = np.where(empty, MOST + 1, first), np.where(empty, 0, final - first)
        tables.append(ranks)
    return State(given, tests, made, tuple(tables))


def _code_ends(given: NDArray[np.int64], top: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Any]:
    """First and last code of each test, both included, and the largest code; a first behind the last is a test that nothing passes."""
    low, last = given[:, 4].view(np.uint64), given[:, 4].view(np.uint64) + given[:, 5].view(np.uint64)
    return np.minimum(low, np.uint64(top + 1)), np.minimum(last, np.uint64(top)), np.uint64(top)


def _float_ends(given: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Any]:
    """The same as keys of floats."""
    least, top = _keys(np.array([-np.inf, np.inf]))
    low, high, which = given[:, 4].view(np.float64), given[:, 5].view(np.float64), given[:, 6]
    first = np.where(which & 1, _keys(low), least)
    last = np.where(which & 2, _keys(high) - np.uint64(1), top)
    nothing = (which & 1 != 0) & np.isnan(low) | (which & 2 != 0) & np.isnan(high)
    return np.where(nothing, top, first), np.where(nothing, least, last), top


def _keys(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Numbers in the order of floats, as the kernel makes them; those that it gives NaN are below all others."""
    bits = (values + 0.0).view(np.uint64)
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def _divided(low: NDArray[np.uint64], last: NDArray[np.uint64]) -> list[list[int]]:
    """The numbers of the tests, in as many parts as it takes for each to have no more ends than a byte tells apart."""
    found: list[list[int]] = []
    ends: set[int] = set()
    firsts, lasts = low.tolist(), last.tolist()
    for test in np.argsort(low, kind="stable").tolist():
        more = {firsts[test], lasts[test] + 1}
        if not found or len(ends | more) > MOST:
            found.append([])
            ends = set()
        found[-1].append(test)
        ends |= more
    return found


def _ranks(column: Column, cuts: NDArray[np.uint64], spread: Spread) -> NDArray[np.uint8]:
    """How many cuts each row's value has reached."""
    low, shift, table = 0, 0, np.empty(0, np.uint16)
    if cuts.size > FEW[width(column)]:
        low = int(cuts[0]) - 1
        shift = max(0, (int(cuts[-1]) - low).bit_length() - (BUCKETS - 1).bit_length())
        steps = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(shift)
        least = np.where(steps > _BEYOND - np.uint64(low), _BEYOND, np.uint64(low) + steps)
        table = np.append(np.searchsorted(cuts, least, "right"), cuts.size).astype(np.uint16)
    ranks = aligned(column.rows, np.uint8)
    ranking.rank.prepare()

    def part(begin: int) -> None:
        end = min(begin + CHUNK, column.rows)
        places = int(cuts.ctypes.data), cuts.size, int(table.ctypes.data) if table.size else 0
        ranking.rank(column.address, width(column), begin, end, *places, low, shift, int(ranks.ctypes.data))

    spread(partial(part, begin) for begin in range(0, column.rows, CHUNK))
    return ranks
