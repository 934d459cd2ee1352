"""Each operation of the kernel alone, on arrays made by hand, with its compiler and without."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segdsl.typesystem import Length
from segkernel import clock
from segkernel.kernel import operations as op
from segkernel.kernel.entries import JIT
from segkernel.link.assembly import float_bits, signed64
from segkernel.oracle import civil, zones
from segkernel.oracle.arithmetic import COMPARISONS
from tests.machine import Machine

ROOT = Path(__file__).parent.parent
SIZES = [0, 1, 63, 64, 65, 511, 512, 513]
BEGINS = [0, 1, 63, 64, 70, 700]
CODES = [np.uint8, np.uint16, np.uint32, np.uint64]
BEYOND = 1 << 127
WIDE = st.one_of(
    st.integers(-BEYOND + 1, BEYOND - 1),
    st.integers(-5, 5),
    st.builds(
        lambda power, near, sign: sign * (2**power + near),
        st.sampled_from([31, 32, 53, 62, 63, 64, 65, 96, 126]),
        st.integers(-2, 2),
        st.sampled_from([1, -1]),
    ),
)
FLOATS = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 2.0**53, 2.0**63, -(2.0**63), 2.0**64]))


def sized(test: Any) -> Any:
    """Every size from the start of a word, and some blocks that begin inside one."""
    cases = [(rows, 0) for rows in SIZES] + [(rows, begin) for begin in BEGINS[1:] for rows in (1, 65, 130)]
    return pytest.mark.parametrize(("rows", "begin"), cases)(test)


def random_floats(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return rng.choice([0.0, -0.0, 1.5, -2.0, 1e300, -1e300, 5e-324, math.inf, -math.inf, math.nan, 3.0], rows)


# ---- tests


@sized
@pytest.mark.parametrize("dtype", CODES)
def test_ranges_of_codes(rows: int, begin: int, dtype: Any) -> None:
    rng = np.random.default_rng(rows + begin)
    top = int(np.iinfo(dtype).max)
    codes = rng.choice(np.array([0, 1, 2, 3, 7, top // 2, top // 2 + 1, top - 1], dtype), rows)
    for low, high in [(0, 0), (1, top - 1), (2, 3), (top // 2, top // 2 + 1), (top - 1, top - 1), (top, top), (0, top)]:
        machine = Machine(rows, begin)
        width = np.dtype(dtype).itemsize
        machine.emit(op.RANGE, 0, machine.column(codes, dtype), signed64(low), signed64(high - low), width, op.COLUMN)
        if width == 8:
            machine.fill(5, codes, np.uint64)
            machine.emit(op.RANGE, 1, 5, signed64(low), signed64(high - low), 8, op.SLOT)
        machine.run()
        wanted = (codes >= dtype(low)) & (codes <= dtype(high))
        assert machine.flags(0).tolist() == wanted.tolist()
        if width == 8:
            assert machine.flags(1).tolist() == wanted.tolist()


@sized
def test_ranges_of_floats(rows: int, begin: int) -> None:
    values = random_floats(np.random.default_rng(rows), rows)
    for low, high in [(-math.inf, math.inf), (0.0, 5e-324), (-0.0, 1.5), (math.inf, math.inf), (-2.0, 3.0), (3.0, -2.0)]:
        machine = Machine(rows, begin)
        machine.fill(5, values, np.float64)
        address = machine.column(values, np.float64)
        for which in (1, 2, 3):
            machine.emit(op.FLOAT_RANGE, which, address, float_bits(low), float_bits(high), which, op.COLUMN)
            machine.emit(op.FLOAT_RANGE, 3 + which, 5, float_bits(low), float_bits(high), which, op.SLOT)
        machine.run()
        for which, wanted in enumerate((values >= low, values < high, (values >= low) & (values < high)), 1):
            assert machine.flags(which).tolist() == wanted.tolist()
            assert machine.flags(3 + which).tolist() == wanted.tolist()


@sized
@pytest.mark.parametrize("dtype", CODES)
def test_sets_of_codes(rows: int, begin: int, dtype: Any) -> None:
    rng = np.random.default_rng(rows + begin)
    codes, inside = rng.integers(0, 256, rows).astype(dtype), sorted(rng.choice(256, 100, replace=False).tolist())
    machine = Machine(rows, begin)
    bits, shuffled = np.zeros(40, np.uint8), np.zeros(32, np.uint8)
    for code in inside:
        bits[code >> 3] |= 1 << (code & 7)
        shuffled[(code & 15) + 16 * (code >> 7)] |= 1 << ((code >> 4) & 7)
    address = machine.column(codes, dtype)
    machine.emit(op.CODES, 0, address, machine.memory(bits, np.uint8), np.dtype(dtype).itemsize, 0, op.COLUMN)
    few = codes & 63
    if dtype is np.uint8:
        machine.emit(op.SET8, 1, address, machine.memory(shuffled, np.uint8))
        table, bits = machine.memory(shuffled, np.uint8), signed64(sum(1 << code for code in inside if code < 64))
        machine.emit(op.SET8, 2, machine.column(few, dtype), table, bits, 1)
    machine.run()
    assert machine.flags(0).tolist() == np.isin(codes, inside).tolist()
    if dtype is np.uint8:
        assert machine.flags(1).tolist() == np.isin(codes, inside).tolist()
        assert machine.flags(2).tolist() == np.isin(few, inside).tolist()


def found_by_steps(flags: list[NDArray[np.bool_]], steps: list[int]) -> NDArray[np.bool_]:
    """What steps of logic find, by hand; registers in which they keep are written."""
    found = np.zeros_like(flags[0])
    for step in steps:
        if step & op.KEEP:
            flags[step >> op.KEPT], found = found, np.zeros_like(found)
        other = flags[(step >> op.OPERAND) & op.REGISTERS]
        found = found | other if step & op.OR else found & other
    return found


@pytest.mark.parametrize(("rows", "begin"), [(0, 0), (1, 0), (65, 70), (512, 0), (513, 0), (2047, 0), (2048, 0), (2049, 0), (5000, 700)])
def test_steps_of_logic(rows: int, begin: int) -> None:
    rng = np.random.default_rng(rows)
    for _ in range(20):
        machine = Machine(rows, begin)
        flags = [rng.random(rows) < 0.5 for _ in range(9)]
        for register, each in enumerate(flags):
            machine.set(register, each)
        steps = [op.OR | int(rng.integers(9)) << op.OPERAND]
        for _ in range(int(rng.integers(0, 12))):
            kind, register = int(rng.choice([op.AND, op.OR])), int(rng.integers(9))
            keep = op.KEEP | int(rng.integers(9)) << op.KEPT if rng.random() < 0.3 else 0
            steps.append(kind | keep | register << op.OPERAND)
        machine.emit(op.LOGIC, 10, machine.further(*steps), len(steps))
        machine.run()
        wanted = found_by_steps(flags, steps)
        assert machine.flags(10).tolist() == wanted.tolist()
        assert [machine.flags(register).tolist() for register in range(9)] == [each.tolist() for each in flags]


@sized
def test_logic(rows: int, begin: int) -> None:
    rng = np.random.default_rng(rows)
    machine = Machine(rows, begin)
    flags = [rng.random(rows) < 0.6 for _ in range(9)]
    for register, each in enumerate(flags):
        machine.set(register, each)
    machine.emit(op.WITHOUT, 15, 0, 1)
    machine.emit(op.NOT, 16, 0)
    machine.emit(op.ALWAYS, 17, 1)
    machine.emit(op.ALWAYS, 18, 0)
    for count in range(2, 10):
        for what in (op.AND, op.OR):
            steps = [(op.OR if register == 0 else what) | register << op.OPERAND for register in range(count)]
            machine.emit(op.LOGIC, 10, machine.further(*steps), count)
            machine.emit(op.COUNT, 0, 10)
            machine.run()
            both = np.logical_and if what == op.AND else np.logical_or
            assert machine.flags(10).tolist() == both.reduce(flags[:count]).tolist()
    assert machine.flags(15).tolist() == (flags[0] & ~flags[1]).tolist()
    assert machine.flags(16).tolist() == (~flags[0]).tolist()
    assert machine.flags(17).all()
    assert not machine.flags(18).any()


@sized
def test_what_an_owner_has_is_lifted_to_its_rows(rows: int, begin: int) -> None:
    rng = np.random.default_rng(rows)
    machine = Machine(rows, begin, owners=100)
    owner = np.sort(rng.integers(0, 100, rows))
    held, values = rng.random(100) < 0.5, rng.integers(-9, 9, 100)
    machine.set(0, held, space=0)
    machine.fill(0, values, space=0)
    address = machine.column(owner, np.uint32)
    machine.emit(op.LIFT, 1, 0, address)
    machine.emit(op.LIFT_VALUE, 2, 0, address)
    machine.run()
    assert machine.flags(1).tolist() == held[owner].tolist()
    assert machine.values(2).tolist() == values[owner].tolist()


@given(st.lists(st.tuples(WIDE, WIDE, FLOATS), min_size=1, max_size=66), st.sampled_from([0, 5]))
@settings(max_examples=30, deadline=None)
def test_comparisons(pairs: list[tuple[int, int, float]], begin: int) -> None:
    wides, others, floats = [each[0] for each in pairs], [each[1] for each in pairs], [each[2] for each in pairs]
    others[::3] = wides[::3]
    floats[1::3] = [float(each) for each in wides[1::3]]
    floats = [max(each, math.nextafter(-float(BEYOND), 0.0)) if abs(each) <= BEYOND else each for each in floats]
    narrow, narrow_others = [signed64(each) for each in wides], [signed64(each) for each in others]
    backwards = floats[::-1]
    for which, name in enumerate(op.COMPARISONS):
        compare = COMPARISONS[name]
        machine = Machine(len(pairs), begin)
        machine.fill_wide(0, wides)
        machine.fill_wide(2, others)
        machine.fill(4, floats, np.float64)
        machine.fill(5, backwards, np.float64)
        for register, (a, b, kind) in enumerate([(1, 3, 0), (4, 5, 1), (1, 4, 2), (0, 2, 3), (0, 4, 4)]):
            machine.emit(op.COMPARE, register, a, b, which, kind)
        machine.run()
        assert machine.flags(0).tolist() == [compare(x, y) for x, y in zip(narrow, narrow_others, strict=True)]
        assert machine.flags(1).tolist() == [x == x and y == y and compare(x, y) for x, y in zip(floats, backwards, strict=True)]
        assert machine.flags(2).tolist() == [y == y and compare(x, y) for x, y in zip(narrow, floats, strict=True)]
        assert machine.flags(3).tolist() == [compare(x, y) for x, y in zip(wides, others, strict=True)]
        assert machine.flags(4).tolist() == [y == y and compare(x, y) for x, y in zip(wides, floats, strict=True)]


@given(st.lists(WIDE, min_size=1, max_size=70), WIDE, WIDE)
@settings(max_examples=40, deadline=None)
def test_ranges_of_wide_numbers(values: list[int], low: int, high: int) -> None:
    machine = Machine(len(values), 3)
    machine.fill_wide(0, values)
    machine.emit(op.WIDE_RANGE, 0, 0, 0, machine.further(low >> 64, signed64(low), high >> 64, signed64(high)))
    machine.run()
    assert machine.flags(0).tolist() == [low <= value <= high for value in values]


# ---- values


@sized
@pytest.mark.parametrize("dtype", CODES)
def test_codes_become_values(rows: int, begin: int, dtype: Any) -> None:
    codes = np.random.default_rng(rows).integers(1, 200, rows).astype(dtype)
    width = np.dtype(dtype).itemsize
    table = [7 * code - 2**62 for code in range(200)]
    base, step = -(2**80), 2**70 + 1
    machine = Machine(rows, begin)
    address = machine.column(codes, dtype)
    machine.emit(op.LOAD, 0, address, width, machine.further(-50, 3), op.COLUMN)
    machine.emit(op.RECODE, 1, address, width, machine.memory(table, np.int64), op.COLUMN)
    at = machine.further(base >> 64, signed64(base), step >> 64, signed64(step))
    machine.emit(op.LOAD_WIDE, 2, address, width, at, op.COLUMN)
    pairs = [[value * 2**66 >> 64, signed64(value * 2**66)] for value in table]
    machine.emit(op.RECODE_WIDE, 4, address, width, machine.memory([[h % 2**32, low] for h, low in pairs], np.int64), op.COLUMN)
    machine.run()
    known = codes.tolist()
    assert machine.values(0).tolist() == [-50 + (code - 1) * 3 for code in known]
    assert machine.values(1).tolist() == [table[code] for code in known]
    assert machine.wide(2) == [base + (code - 1) * step for code in known]
    assert machine.values(4).tolist() == [pairs[code][0] % 2**32 for code in known]
    assert machine.values(5).tolist() == [pairs[code][1] for code in known]


@sized
def test_arithmetic_of_64_bits(rows: int, begin: int) -> None:
    rng = np.random.default_rng(rows)
    machine = Machine(rows, begin)
    a, b = rng.integers(-(2**31), 2**31, rows), rng.integers(-(2**31), 2**31, rows)
    x, y = random_floats(rng, rows), random_floats(rng, rows)
    flags = rng.random(rows) < 0.5
    for slot, values, dtype in ((0, a, np.int64), (1, b, np.int64), (2, x, np.float64), (3, y, np.float64)):
        machine.fill(slot, values, dtype)
    machine.set(0, flags)
    for which in range(3):
        machine.emit(op.COMPUTE, 4 + which, 0, 1, which)
    for which in range(4):
        machine.emit(op.COMPUTE_FLOAT, 7 + which, 2, 3, which)
    machine.emit(op.SELECT, 11, 0, 1, 0)
    machine.emit(op.TO_FLOAT, 12, 0, 0, float_bits(100.0))
    machine.emit(op.TO_FLOAT, 13, 0, -1, float_bits(1.0))
    machine.emit(op.LOAD_FLOAT, 14, machine.column(x, np.float64))
    machine.emit(op.FILL, 15, -77)
    machine.run()
    assert [machine.values(4 + which).tolist() for which in range(3)] == [(a + b).tolist(), (a - b).tolist(), (a * b).tolist()]
    with np.errstate(all="ignore"):
        wanted = [x + y, x - y, x * y, np.where(y == 0, math.nan, x / y)]
    for which in range(4):
        np.testing.assert_array_equal(machine.values(7 + which, np.float64), wanted[which])
    np.testing.assert_array_equal(machine.values(11), np.where(flags, a, b))
    np.testing.assert_array_equal(machine.values(12, np.float64), np.where(flags, a / 100, math.nan))
    np.testing.assert_array_equal(machine.values(13, np.float64), a.astype(float))
    np.testing.assert_array_equal(machine.values(14, np.float64), x)
    assert set(machine.values(15).tolist()) <= {-77}


@given(st.lists(st.tuples(WIDE, WIDE), min_size=1, max_size=40), st.booleans())
@settings(max_examples=60, deadline=None)
@example([(-BEYOND, 1), (-BEYOND, -1), (BEYOND - 1, 1), (2**64, 2**63), (-(2**64), 2**63), (2**64 - 1, 2**64 + 1)], False).via(
    "the ends of 128 bits"
)
@example([(0, 0), (2**64 - 1, 0), (2**64 - 1, 1), (-(2**63), 0), (-(2**63), 1), (-(2**63), -1)], True).via("the ends of whole numbers")
def test_arithmetic_of_128_bits(pairs: list[tuple[int, int]], fits: bool) -> None:
    low, high = (-(2**63), 2**64 - 1) if fits else (-BEYOND, BEYOND - 1)
    for which, name in enumerate(("__add__", "__sub__", "__mul__")):
        wanted = [getattr(a, name)(b) for a, b in pairs]
        bad = [row for row, value in enumerate(wanted) if not low <= value <= high]
        for absent in (set(), set(bad[:1])):
            machine = Machine(len(pairs), 5)
            machine.fill_wide(0, [a for a, _ in pairs])
            machine.fill_wide(2, [b for _, b in pairs])
            machine.set(0, [row not in absent for row in range(len(pairs))])
            machine.emit(op.COMPUTE_WIDE, 4, 0, 2, which, 0 if absent else -1, int(fits))
            found = machine.run()
            assert found == next((5 + row for row in bad if row not in absent), None)
            assert [x for x, y in zip(machine.wide(4), wanted, strict=True) if low <= y <= high] == [y for y in wanted if low <= y <= high]


@given(st.lists(st.tuples(WIDE, st.integers(0, 6)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
@example([(2**53 + 1, 0), (2**53 + 3, 0), (2**64 + 2**11, 0), (2**64 + 2**11 + 1, 0), (-(2**64) - 2**11, 0), (BEYOND - 1, 0), (2**63, 0)])
def test_the_nearest_float(values: list[tuple[int, int]]) -> None:
    for _, scale in values[:2]:
        machine = Machine(len(values))
        machine.fill_wide(0, [value for value, _ in values])
        machine.emit(op.WIDE_TO_FLOAT, 2, 0, -1, float_bits(float(10**scale)))
        machine.emit(op.CHECK_WHOLE, 0, 0, 0, 0, -1)
        found = machine.run()
        assert machine.values(2, np.float64).tolist() == [float(value) / 10**scale for value, _ in values]
        assert found == next((row for row, (value, _) in enumerate(values) if not -(2**63) <= value < 2**64), None)


@given(st.lists(st.tuples(WIDE, WIDE), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
@example([(1, 2), (3, 2), (5, 2), (-1, 2), (-3, 2), (-5, 2), (7, 0), (0, 5), (10, -4), (-10, -4), (2**126, 3), (BEYOND - 1, BEYOND - 1)])
def test_quotients_to_the_nearest_ties_to_even(pairs: list[tuple[int, int]]) -> None:
    machine = Machine(len(pairs), 2)
    machine.fill_wide(0, [a for a, _ in pairs])
    machine.fill_wide(2, [b for _, b in pairs])
    machine.set(0, [True] * len(pairs))
    machine.emit(op.DIVIDE, 4, 0, 2, 0)
    machine.run()
    assert machine.flags(0).tolist() == [b != 0 for _, b in pairs]
    found = [x for x, (_, b) in zip(machine.wide(4), pairs, strict=True) if b]
    assert found == [round(Fraction(a, b)) for a, b in pairs if b]


@given(st.lists(FLOATS, min_size=1, max_size=70))
@settings(max_examples=30, deadline=None)
@example([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 4503599627370497.5, 9e18, 1e19, math.inf, math.nan, 5e-324])
def test_floats_to_the_nearest_whole_number(values: list[float]) -> None:
    machine = Machine(len(values), 3)
    machine.fill(0, values, np.float64)
    machine.set(0, [True] * len(values))
    machine.emit(op.ROUND, 1, 0, 0, 0)
    machine.run()
    assert machine.flags(0).tolist() == [abs(value) < 2.0**127 for value in values]
    found = zip(machine.wide(1), values, strict=True)
    assert [x for x, y in found if abs(y) < 2.0**127] == [round(y) for y in values if abs(y) < 2.0**127]


@given(st.lists(st.integers(0, 2**64 - 1).map(signed64), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_widening_keeps_the_value(values: list[int]) -> None:
    machine = Machine(len(values), 9)
    machine.fill(0, values)
    machine.emit(op.WIDEN, 1, 0)
    machine.run()
    assert machine.wide(1) == values


# ---- time


@pytest.mark.parametrize(
    "zone", ["UTC", "Pacific/Apia", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_days_and_moved_times(zone: str) -> None:
    rng = Random(zone)
    near = [
        civil.day_of(2011, 12, 30),
        civil.day_of(1988, 10, 30),
        civil.day_of(2018, 11, 4),
        civil.day_of(2026, 4, 5),
        civil.day_of(2024, 2, 29),
    ]
    day = clock.DAY
    moments = [
        rng.choice(near) * day + rng.randrange(-3, 4) * day + rng.choice([-1, 0, 1]) + rng.randrange(48) * day // 48 for _ in range(130)
    ]
    low, high = min(moments), max(moments)
    table, first = clock.day_table(zone, low, high)
    machine = Machine(len(moments), 7)
    machine.fill(0, moments)
    machine.emit(op.DAY_OF, 1, 0, machine.memory(table, np.int64), table.size, first)
    shifts = [(0, 1), (0, -1), (1, 0), (-1, 0), (-12, 3), (5, 90), (-278, 0)]
    for number, (months, days) in enumerate(shifts):
        reach = (31 * abs(months) + abs(days) + 3) * day
        changes, offsets = clock.changes(zone, low - reach, high + reach)
        at = machine.further(changes.size, machine.memory(changes, np.int64), machine.memory(offsets, np.int64))
        machine.emit(op.SHIFT_TIME, 2 + number, 0, months, days, at)
    machine.run()
    assert machine.values(1).tolist() == [zones.local_day(zone, moment) for moment in moments]
    for number, (months, days) in enumerate(shifts):
        wanted = [zones.shift_instant(zone, moment, Length(months=months, days=days)) for moment in moments]
        assert machine.values(2 + number).tolist() == wanted, (months, days)


@given(st.lists(st.integers(civil.day_of(1, 1, 1), civil.day_of(9999, 12, 31)), min_size=1, max_size=70), st.integers(-1300, 1300))
@settings(max_examples=40, deadline=None)
def test_dates_moved_by_months(days: list[int], months: int) -> None:
    machine = Machine(len(days), 1)
    machine.fill(0, days)
    machine.emit(op.SHIFT_DATE, 1, 0, months)
    machine.run()
    assert machine.values(1).tolist() == [civil.add_months(day, months) for day in days]


def test_no_two_operations_share_a_number() -> None:
    names = list(vars(op))
    numbers = [getattr(op, name) for name in names[names.index("ALWAYS") : names.index("COMPARISONS")]]
    assert sorted(numbers) == sorted(set(numbers))


@given(st.lists(st.tuples(WIDE, st.integers(0, 2**32 - 1), st.integers(0, 2**32)), min_size=1, max_size=70))
@example([(BEYOND - 1, 2, 1)])
@settings(max_examples=60, deadline=None)
def test_means_to_the_nearest_whole_number(drawn: list[tuple[int, int, int]]) -> None:
    counts = [min(count, 3) if rest % 2 else count for _, count, rest in drawn]
    # no sum is more than so many times the largest number
    totals = [min(mean * count + rest % max(count, 1), (BEYOND - 1) * count) for (mean, _, rest), count in zip(drawn, counts, strict=True)]
    for kind, sums in ((0, [signed64(each) for each in totals]), (2, [mean for mean, *_ in drawn]), (3, totals)):
        machine = Machine(len(drawn))
        wraps = [(each + BEYOND) >> 128 for each in sums]
        if kind == 0:
            machine.fill(0, sums)
        else:
            machine.fill_wide(0, [each - (times << 128) for each, times in zip(sums, wraps, strict=True)])
            machine.fill(2, wraps)
        machine.fill(3, counts)
        machine.emit(op.ALWAYS, 0, 1)
        machine.emit(op.MEAN, 4, 0, 3, 0, kind)
        machine.run()
        assert machine.flags(0).tolist() == [count > 0 for count in counts]
        wanted = [round(Fraction(each, count)) for each, count in zip(sums, counts, strict=True) if count]
        assert [each for each, count in zip(machine.wide(4), counts, strict=True) if count] == wanted


@pytest.mark.parametrize("margin", [0, 1, 10**18])
def test_wide_numbers_that_64_bits_hold(margin: int) -> None:
    numbers = [0, 1, -1, (1 << 63) - 1 - margin, -(1 << 63) + margin]
    machine = Machine(len(numbers))
    machine.fill_wide(0, numbers)
    machine.emit(op.NARROW, 2, 0, 0, 0, -1, margin)
    assert machine.run() is None
    assert machine.values(2).tolist() == numbers


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 1 << 64, (1 << 63) - 10])
def test_a_wide_number_that_64_bits_do_not_hold_with_room(number: int) -> None:
    machine = Machine(4)
    machine.fill_wide(0, [0, number, number, 0])
    machine.set(0, [1, 0, 1, 1])
    machine.emit(op.NARROW, 2, 0, 0, 0, 0, 10)
    assert machine.run() == 2


def test_the_same_without_the_compiler() -> None:
    if not JIT:
        pytest.skip("this is the run without the compiler")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "dsl"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths, "HYPOTHESIS_MAX_EXAMPLES": "5"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_kernel.py", "tests/test_visits.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
