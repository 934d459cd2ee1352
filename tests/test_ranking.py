"""Tests of columns that many tests read are told from ranks: the same answers as from the columns themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import segkernel as sk
from segdsl.typesystem import NUMBER, WHOLE
from segkernel.data.columns import Column, aligned
from segkernel.kernel import operations as op
from segkernel.link import ranking
from segkernel.link.assembly import float_bits, signed64
from segkernel.link.ranking import Ranking
from tests.differential import checked_rules, differences, kernel_answers, oracle_answers, random_case

SIZES = [0, 1, 63, 64, 65, 700]
SPECIAL = [0.0, -0.0, 1.5, -2.0, 1e300, -1e300, 5e-324, -5e-324, math.inf, -math.inf, math.nan, 3.0]


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "FEWEST_ROWS", 0)
    monkeypatch.setattr(ranking, "TESTS", dict.fromkeys(ranking.TESTS, 1))


def one_by_one(things: Iterable[Callable[[], None]]) -> None:
    for each in things:
        each()


def told(column: Column, tests: list[list[int]]) -> list[NDArray[np.bool_]]:
    """What tests of ranks say of each row, by NumPy."""
    program = np.array(tests, np.int64)
    made = program.copy()
    states = Ranking(program, [column]).applied(made, one_by_one)
    ranks = {each.ctypes.data: each for state in states for each in state.tables}
    found = []
    for instruction in made.tolist():
        what, _, _, address, low, span, width, place = instruction
        assert (what, width, place) == (op.RANGE, 1, op.COLUMN)
        assert ranks[address].size == column.rows
        found.append((ranks[address] - np.uint8(low)) <= np.uint8(span))
    return found


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("most", [1, 5, 300, 60_000, None])
def test_ranges_of_codes(rows: int, dtype: Any, most: int | None) -> None:
    rng = np.random.default_rng(rows)
    largest = int(np.iinfo(dtype).max)
    top = min(most or largest - 1, largest - 1)
    codes = aligned(rows, dtype)
    codes[:] = rng.integers(0, top, rows, dtype, endpoint=True)
    codes[:2] = [0, top][:rows]
    ends = [sorted(rng.integers(0, top, 2, np.uint64, endpoint=True).tolist()) for _ in range(300)]
    ends += [[0, 0], [1, top], [top, top], [largest, largest], [0, largest - 1], [top, largest - 1]]
    column = Column(WHOLE, rows, codes, top=top)
    width = np.dtype(dtype).itemsize
    found = told(column, [[op.RANGE, 0, 0, column.address, signed64(low), signed64(high - low), width, op.COLUMN] for low, high in ends])
    for (low, high), each in zip(ends, found, strict=True):
        assert each.tolist() == ((codes >= dtype(low)) & (codes <= dtype(high))).tolist()


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("many", [6, 300], ids=["few", "many"])
def test_ranges_of_floats(rows: int, many: int) -> None:
    rng = np.random.default_rng(rows)
    values = aligned(rows, np.float64)
    values[:] = np.where(rng.random(rows) < 0.5, rng.choice(SPECIAL, rows), rng.normal(0, 100, rows))
    column = Column(NUMBER, rows, values)
    ends = [rng.choice([*SPECIAL, float(rng.normal(0, 100))], 2).tolist() for _ in range(many)]
    which = rng.integers(1, 4, len(ends)).tolist()
    tests = [
        [op.FLOAT_RANGE, 0, 0, column.address, float_bits(a), float_bits(b), w, op.COLUMN] for (a, b), w in zip(ends, which, strict=True)
    ]
    for (low, high), kind, each in zip(ends, which, told(column, tests), strict=True):
        wanted = ~np.isnan(values)
        wanted &= (values >= low) | (kind & 1 == 0)
        wanted &= (values < high) | (kind & 2 == 0)
        assert each.tolist() == wanted.tolist()


def test_a_test_that_all_rows_pass_is_left_as_it_is() -> None:
    codes = aligned(10, np.uint16)
    column = Column(WHOLE, 10, codes, top=7)
    program = np.array([[op.RANGE, 0, 0, column.address, 0, 65_534, 2, op.COLUMN]], np.int64)
    made = program.copy()
    Ranking(program, [column]).applied(made, one_by_one)
    assert made.tolist() == program.tolist()


@pytest.mark.parametrize("seed", range(7_000, 7_040))
def test_random_rules_on_ranks_agree_with_the_plain_evaluator(seed: int) -> None:
    case = random_case(seed, "small")
    rules = checked_rules(case)
    answers = {"oracle": oracle_answers(case, rules), "kernel": kernel_answers(case, rules.names)}
    assert differences(case, answers) == []


def test_ranks_follow_the_time_of_the_run() -> None:
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=7 * n) for n in range(200)]
    data = sk.Dataset({"a": pl.DataFrame({"id": range(200), "at": days})}, root="a", key="id")
    rules = sk.compile("\n".join(f"segment s{n} when at within last {n} hours" for n in range(1, 40)), data.schema)
    for as_of in (days[150], days[20], days[150] + timedelta(minutes=1), days[150] + timedelta(minutes=1)):
        found = rules.evaluate(data, as_of=as_of)
        for n in range(1, 40):
            wanted = [as_of - timedelta(hours=n) <= at <= as_of for at in days]
            assert found[f"s{n}"].to_list() == wanted


def test_ranks_are_made_when_tests_were_run_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "TESTS", {2: 3, 4: 3, 8: 3, ranking.FLOATS: 3})
    codes = aligned(10, np.uint16)
    codes[:] = range(10)
    column = Column(WHOLE, 10, codes, top=9)
    program = np.array([[op.RANGE, 0, 0, column.address, 4, 2, 2, op.COLUMN]], np.int64)
    made = Ranking(program, [column])
    widths = []
    for low in (4, 4, 5, 5, 5, 5, 4):
        program[0, 4] = low
        run = program.copy()
        made.applied(run, one_by_one)
        widths.append(int(run[0, 6]))
    assert widths == [2, 2, 2, 2, 1, 1, 2]
