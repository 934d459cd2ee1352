"""Aggregates alone: listed rows added to their owners, sums of floats rounded once, and where results are written."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segdsl.typesystem import NUMBER
from segkernel.data.columns import Column
from segkernel.kernel import operations as op
from segkernel.link.aggregating import cut
from segkernel.link.assembly import float_bits, signed64
from tests.machine import Machine

CODES = [np.uint8, np.uint16, np.uint32, np.uint64]
SHAPES = [(0, 0), (1, 0), (63, 0), (64, 0), (65, 0), (511, 0), (512, 0), (513, 0), (1, 63), (130, 1), (64, 64), (200, 70), (700, 1000)]
OWNERS = 90
NAN, INF = math.nan, math.inf


def cut_of(values: list[float], most: int) -> float | None:
    """The number that cuts values in two parts for sums of so many."""
    return cut(Column(NUMBER, len(values), np.array(values, np.float64)), most)


def visited(machine: Machine, values: list[float], owner: list[int], number: float | None = None) -> list[float]:
    """The sums of floats by owner: in two parts where a number cuts the values, else of any size."""
    for slot in range(6):
        machine.emit(op.FILL, slot, 0, space=0)
    machine.emit(op.EXTRACT, 0, -1)
    owners = machine.column(owner, np.uint32)
    if number is None:
        at = machine.further(op.FLOAT_SUM_ANY, 0, 0, owners)
    else:
        at = machine.further(op.OF_FLOATS, float_bits(number), 0, owners, op.SUMMED, 0, 0, 0, 0)
    machine.emit(op.VISIT, 0, machine.column(values, np.float64), 0, 8, at)
    if number is None:
        machine.emit(op.FLOAT_TOTAL, 10, 0, space=0)
    else:
        machine.emit(op.COMPUTE_FLOAT, 10, 0, 1, 0, space=0)
    machine.run()
    found: list[float] = machine.values(10, np.float64, space=0).tolist()
    return found


@pytest.mark.parametrize(("rows", "begin"), SHAPES)
@pytest.mark.parametrize("density", [0.0, 0.03, 0.5, 1.0])
def test_listed_rows_are_the_set_bits_of_the_block(rows: int, begin: int, density: float) -> None:
    rng = np.random.default_rng(rows + begin)
    flags, owner = rng.random(rows) < density, np.sort(rng.integers(0, OWNERS, rows))
    for register in (0, -1):
        machine = Machine(rows, begin, OWNERS)
        machine.set(0, flags)
        machine.emit(op.FILL, 0, 0, space=0)
        machine.emit(op.ALWAYS, 5, 0, space=0)
        machine.emit(op.EXTRACT, 0, register)
        owners = machine.column(owner, np.uint32)
        machine.emit(op.VISIT, 0, 0, 0, 1, machine.further(op.COUNT_ROWS, 0, 0, owners))
        machine.emit(op.ANY, 5, 0, 0, 0, owners)
        machine.run()
        wanted = np.bincount(owner[flags if register == 0 else slice(None)], minlength=OWNERS)
        assert machine.values(0, space=0).tolist() == wanted.tolist()
        assert machine.flags(5, space=0).tolist() == (wanted > 0).tolist()


@pytest.mark.parametrize(("rows", "begin"), SHAPES)
@pytest.mark.parametrize(("dtype", "which"), [*((dtype, 15) for dtype in CODES), *((np.uint8, which) for which in range(1, 15))])
def test_counts_sums_and_ends_of_codes(rows: int, begin: int, dtype: Any, which: int) -> None:
    rng = np.random.default_rng(rows + begin)
    codes, owner, flags = rng.integers(0, 9, rows), np.sort(rng.integers(0, OWNERS, rows)), rng.random(rows) < 0.7
    codes[rng.random(rows) < 0.1] = np.iinfo(dtype).max - 1 if dtype is np.uint8 else 200
    table, base, step = [0, *(3 * code - 2**50 for code in range(1, 256))], -(2**100), 2**90 + 1
    machine = Machine(rows, begin, OWNERS)
    machine.set(0, flags)
    for slot in range(10):
        machine.emit(op.FILL, slot, 0, space=0)
    machine.emit(op.EXTRACT, 0, 0)
    owners, address, width = machine.column(owner, np.uint32), machine.column(codes, dtype), np.dtype(dtype).itemsize
    wide = [base >> 64, signed64(base), step >> 64, signed64(step)]
    pairs = machine.memory([[each >> 64, signed64(each)] for each in [0, *(code * 2**70 for code in range(1, 256))]], np.int64)
    for slot, operands in [
        (4, (op.SUM_RECODED, machine.memory(table, np.int64), 0)),
        (5, (op.SUM_WIDE, 0, 0, *wide, 0)),
        (7, (op.SUM_WIDE, 0, 0, 0, 0, 0, 0, pairs)),
        (0, (op.OF_CODES, -50, 7, which, 0, 1, 2, 3)),
    ]:
        machine.emit(op.VISIT, slot, address, 0, width, machine.further(*operands[:3], owners, *operands[3:]))
    machine.run()
    by_owner = [
        [int(code) for code, who, flag in zip(codes, owner, flags, strict=True) if flag and code and who == each] for each in range(OWNERS)
    ]
    whole = [
        [len(each) for each in by_owner],
        [sum(-50 + (code - 1) * 7 for code in each) for each in by_owner],
        [max(each, default=0) for each in by_owner],
        [min(each, default=0) for each in by_owner],
    ]
    for slot, wanted in enumerate(whole):
        assert machine.values(slot, space=0).tolist() == (wanted if which >> slot & 1 else [0] * OWNERS)
    assert machine.values(4, space=0).tolist() == [sum(table[code] for code in each) for each in by_owner]
    assert machine.wide(5, space=0) == [sum(base + (code - 1) * step for code in each) for each in by_owner]
    assert machine.wide(7, space=0) == [sum(code * 2**70 for code in each) for each in by_owner]


@pytest.mark.parametrize(("rows", "begin"), SHAPES)
@pytest.mark.parametrize("which", range(1, 16))
def test_counts_sums_and_ends_of_floats(rows: int, begin: int, which: int) -> None:
    rng = np.random.default_rng(rows + begin)
    many = [NAN, 0.0, 1.5, -2.0, 0.1, 1e9, *([] if which & op.SUMMED else [INF, -INF, 5e-324])]
    values, owner = rng.choice(many, rows), np.sort(rng.integers(0, OWNERS, rows))
    machine = Machine(rows, begin, OWNERS)
    for slot in range(5):
        machine.emit(op.FILL, slot, float_bits(NAN) if slot > 2 else 0, space=0)
    machine.emit(op.EXTRACT, 0, -1)
    owners, address = machine.column(owner, np.uint32), machine.column(values, np.float64)
    number = cut_of(values.tolist(), rows) if which & op.SUMMED else 0.0
    assert number is not None
    machine.emit(op.VISIT, 0, address, 0, 8, machine.further(op.OF_FLOATS, float_bits(number), 0, owners, which, 0, 1, 3, 4))
    machine.emit(op.COMPUTE_FLOAT, 1, 1, 2, 0, space=0)
    machine.run()
    by_owner = [[x for x, who in zip(values.tolist(), owner, strict=True) if who == each and x == x] for each in range(OWNERS)]
    nothing, none = [0] * OWNERS, [NAN] * OWNERS
    assert machine.values(0, space=0).tolist() == ([len(each) for each in by_owner] if which & op.COUNTED else nothing)
    assert machine.values(1, np.float64, space=0).tolist() == ([math.fsum(each) for each in by_owner] if which & op.SUMMED else nothing)
    for slot, part, end in ((3, op.GREATEST, max), (4, op.LEAST, min)):
        wanted = [end(each, default=NAN) for each in by_owner] if which & part else none
        np.testing.assert_array_equal(machine.values(slot, np.float64, space=0), wanted)


# ---- sums of floats


@given(st.lists(st.floats(-1e200, 1e200), max_size=120))
@settings(max_examples=60, deadline=None)
@example([1e16, 1.0, -1e16] * 20).via("what plain addition loses")
@example([1e100, 1.0, -1e100, 1e-100, 1e50, -1e50]).via("magnitudes that cancel")
@example([0.1] * 100).via("a tenth, a hundred times")
@example([5e-324] * 7 + [1e-308, -1e-308]).via("the smallest floats")
def test_sums_of_floats_are_rounded_once(values: list[float]) -> None:
    magnitude = math.fsum(abs(value) for value in values)
    exact = math.fsum(values)
    number = cut_of(values, len(values))
    if number is not None:
        assert visited(Machine(len(values), 5), values, [0] * len(values), number) == [exact]
    (found,) = visited(Machine(len(values), 5), values, [0] * len(values))
    assert found == exact or abs(found - exact) <= magnitude * 2.0**-100


@given(st.lists(st.integers(-(2**60), 2**60).map(lambda n: n / 1024), min_size=1, max_size=200), st.integers())
@settings(max_examples=40, deadline=None)
def test_sums_of_floats_do_not_depend_on_order(values: list[float], seed: int) -> None:
    shuffled = list(values)
    Random(seed).shuffle(shuffled)
    owner, number = [0] * len(values), cut_of(values, len(values))
    assert number is not None
    wanted = [math.fsum(values)]
    assert visited(Machine(len(values)), values, owner, number) == visited(Machine(len(values)), shuffled, owner, number) == wanted
    assert visited(Machine(len(values)), values, owner) == visited(Machine(len(values)), shuffled, owner) == wanted


@given(st.integers(-1074, 900), st.lists(st.tuples(st.integers(-(2**53), 2**53), st.integers(0, 40)), min_size=1, max_size=300))
@settings(max_examples=80, deadline=None)
@example(-1074, [(2**53 - 1, 0)] * 65).via("the smallest floats")
@example(0, [(2**53 - 1, 40), (-(2**53 - 1), 40), (1, 0)] * 21).via("what cancels to one")
@example(-60, [(0, 0)]).via("nothing but zero")
def test_sums_in_two_parts_are_exact_before_they_are_rounded(low: int, parts: list[tuple[int, int]]) -> None:
    values = [math.ldexp(whole, low + shift) for whole, shift in parts]
    number = cut_of(values, len(values))
    assert number is not None
    assert visited(Machine(len(values), 9), values, [0] * len(values), number) == [math.fsum(values)]


@pytest.mark.parametrize(
    ("values", "most"),
    [([INF, 1.0], 2), ([1e300, 1e-300], 2), ([2.0**40, 2.0**-53], 2**9), ([1.7e308, 1.0e308], 3), ([1.0, NAN, -INF], 3)],
)
def test_values_too_far_apart_are_cut_by_no_number(values: list[float], most: int) -> None:
    assert cut_of(values, most) is None


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1.7e308, 1.7e308, -1.7e308], 1.7e308),
        ([1.7e308, -1.7e308, 1e-300], 1e-300),
        ([-1.7e308, -1.7e308], -INF),
        ([1.7e308, 1.7e308, -1.7e308, -1.7e308, 2.5], 2.5),
        ([2.0**961, -(2.0**961), 2.0**960, 1.0], 2.0**960),
        ([INF, 1.0], INF),
        ([INF, -INF, 1.0], NAN),
        ([-INF, 1.7e308, 1.7e308], -INF),
        ([NAN, 1.0, NAN], 1.0),
        ([NAN], 0.0),
        ([], 0.0),
    ],
)
def test_sums_of_huge_floats_and_infinities(values: list[float], wanted: float) -> None:
    np.testing.assert_array_equal(visited(Machine(len(values), 3), values, [0] * len(values)), [wanted])


@pytest.mark.parametrize("seed", range(8))
def test_three_parts_of_a_sum_are_rounded_once_also_near_a_tie(seed: int) -> None:
    random = Random(seed)

    def some() -> float:
        whole = random.choice([0, 1, -1, 3, random.getrandbits(53), -random.getrandbits(53), 2**52 + 1, 2**53 - 1])
        return math.ldexp(whole, random.randrange(-112, 8))

    def beside(number: float) -> float:
        """A number near the last place of another one, or half of that."""
        ulp = math.ulp(number)
        return random.choice([0.0, number * 2.0**-53, -number * 2.0**-54, ulp / 2, -ulp / 2, ulp, ulp * 2.0**-60, -5e-324, some()])

    heads = [some() for _ in range(600)]
    smalls = [beside(each) for each in heads]
    tinies = [random.choice([0.0, beside(each)]) for each in smalls]
    machine = Machine(len(heads))
    nothing = [0.0] * len(heads)
    for slot, each in enumerate((heads, smalls, tinies, nothing, nothing, nothing)):
        machine.fill(slot, each, np.float64)
    machine.emit(op.FLOAT_TOTAL, 6, 0)
    machine.run()
    assert machine.values(6, np.float64).tolist() == [math.fsum(each) for each in zip(heads, smalls, tinies, strict=True)]


def test_sums_of_many_owners_stay_apart() -> None:
    rng = np.random.default_rng(5)
    owner = np.sort(rng.integers(0, 500, 3000))
    values = rng.choice([1e16, -1e16, 0.1, 3.0, NAN, 1e-9], 3000)
    found = visited(Machine(3000, 70, 500), values.tolist(), owner.tolist())
    for each in range(500):
        mine = [x for x, who in zip(values.tolist(), owner, strict=True) if who == each and x == x]
        assert abs(found[each] - math.fsum(mine)) <= math.fsum(map(abs, mine)) * 2.0**-100


@given(st.lists(st.tuples(st.integers(-(2**70), 2**70), st.integers(0, 5)), min_size=1, max_size=70))
@settings(max_examples=30, deadline=None)
def test_averages(pairs: list[tuple[int, int]]) -> None:
    rows = len(pairs)
    machine = Machine(rows, 9)
    narrow, floats = [total >> 10 for total, _ in pairs], [total / 7 for total, _ in pairs]
    machine.fill_wide(0, [total for total, _ in pairs])
    machine.fill(2, narrow)
    machine.fill(3, floats, np.float64)
    machine.fill(4, [count for _, count in pairs])
    for slot, (total, kind, divisor) in enumerate([(2, 0, 100.0), (3, 1, 1.0), (0, 2, 1000.0)], 5):
        machine.emit(op.AVERAGE, slot, total, 4, kind, float_bits(divisor))
    machine.run()
    for slot, sums, divisor in (
        (5, [float(each) for each in narrow], 100.0),
        (6, floats, 1.0),
        (7, [float(total) for total, _ in pairs], 1000.0),
    ):
        wanted = [total / (count * divisor) if count else NAN for total, (_, count) in zip(sums, pairs, strict=True)]
        np.testing.assert_array_equal(machine.values(slot, np.float64), wanted)


# ---- results


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 511, 512, 513, 2048, 2560, 4099])
def test_results_are_packed_counted_and_picked(rows: int) -> None:
    rng = np.random.default_rng(rows)
    flags = rng.random(rows) < 0.4
    machine = Machine(0, 0, rows)
    machine.set(0, flags, space=0)
    size = (rows + 511) // 512 * 64
    memory = np.full(size + 128, 0xAA, np.uint8)
    start = -memory.ctypes.data % 64
    small, large = np.zeros(rows + 8, np.uint8), np.zeros(rows + 8, np.uint32)
    machine.emit(op.PICK, small.ctypes.data, 0, 7, 1, space=0)
    machine.emit(op.PICK, large.ctypes.data, 0, 70_000, 4, space=0)
    machine.emit(op.COUNT, 2, 0, space=0)
    steps = machine.further(op.OR, op.OR | 1 << op.OPERAND)
    machine.set(1, np.zeros(rows, np.bool_), space=0)
    machine.emit(op.OUT, int(memory.ctypes.data) + start, steps, 1, 2, space=0)
    machine.emit(op.OUT, 0, steps, 3, 1, space=0)
    machine.run()
    assert machine.counts.tolist() == [0, int(flags.sum()), int(flags.sum()), int(flags.sum())]
    filled = (rows + 63) // 64 * 64
    packed = memory[start : start + filled // 8]
    assert np.unpackbits(packed, bitorder="little").tolist() == [*flags.astype(int).tolist(), *[0] * (filled - rows)]
    assert set(memory[:start].tolist() + memory[start + filled // 8 :].tolist()) <= {0xAA}
    assert small.tolist() == [*(7 * flags).tolist(), *[0] * 8]
    assert large.tolist() == [*(70_000 * flags).tolist(), *[0] * 8]


def test_how_many_rows_each_owner_has() -> None:
    starts = np.array([0, 0, 3, 3, 10, 11, *([11] * 8)], np.int64)
    machine = Machine(0, 0, 5)
    machine.emit(op.SPAN, 0, machine.memory(np.concatenate([starts, np.zeros(64, np.int64)]), np.int64), space=0)
    machine.run()
    assert machine.values(0, space=0).tolist() == [0, 3, 0, 7, 1]
