"""Rounding in the kernel against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segkernel.kernel import operations as op
from segkernel.link.assembly import float_bits, signed64
from segkernel.oracle.functions import ROUNDINGS
from tests.machine import Machine

PLACES = st.integers(0, 22)
TIES = st.builds(lambda units, places: units / 10**places, st.integers(-(10**7), 10**7), st.integers(0, 7))
FLOATS = st.one_of(TIES, st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(FLOATS, min_size=1, max_size=60), PLACES)
@settings(max_examples=60, deadline=None)
@example([2.675, 1.005, 0.5, -0.5, 0.49999999999999994, 4503599627370495.5, 9007199254740991.0, 1e300, 5e-324, -2.5], 0)
@example([2.675, 1.005, 0.125, -0.125, 0.015, 1.115, 90071992547409.91, 45035996273704.955, 0.285, 1e-320], 2)
def test_floats_are_rounded_by_their_exact_value(values: list[float], places: int) -> None:
    for which, name in enumerate(op.ROUNDINGS):
        power = 10**places if name == "round" else 1
        machine = Machine(len(values), 5)
        machine.fill(0, values, np.float64)
        machine.emit(op.ROUND_FLOAT, 1, 0, which, float_bits(float(power)))
        machine.run()
        wanted = [float(Fraction(ROUNDINGS[name](Fraction(value) * power), power)) for value in values]
        assert machine.values(1, np.float64).tolist() == wanted


def test_infinities_and_what_is_missing_stay() -> None:
    for which in range(3):
        machine = Machine(3)
        machine.fill(0, [math.inf, -math.inf, math.nan], np.float64)
        machine.emit(op.ROUND_FLOAT, 1, 0, which, float_bits(100.0))
        machine.run()
        assert machine.values(1, np.float64).tolist()[:2] == [math.inf, -math.inf]
        assert math.isnan(machine.values(1, np.float64)[2])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40), st.integers(1, 18))
@settings(max_examples=60, deadline=None)
@example([5, 15, 25, -5, -15, -25, 4, 6, -4, -6, 0, 10, -10, -(2**63), 2**63 - 1], 1)
def test_numbers_of_64_bits_are_rounded(values: list[int], places: int) -> None:
    for which, name in enumerate(op.ROUNDINGS):
        machine = Machine(len(values), 5)
        machine.fill(0, values)
        machine.emit(op.ROUND_EXACT, 1, 0, which, 10**places)
        machine.run()
        assert machine.values(1).tolist() == [ROUNDINGS[name](Fraction(value, 10**places)) for value in values]


@given(st.lists(st.integers(-(10**38), 10**38), min_size=1, max_size=40), st.integers(1, 37))
@settings(max_examples=60, deadline=None)
@example([5, 15, 25, -5, -15, -25, 4, 6, -4, -6, 0, 10, -10, 10**38, -(10**38), 10**38 - 5], 1)
@example([5 * 10**36, -5 * 10**36, 15 * 10**36, 5 * 10**36 - 1, 1 - 5 * 10**36], 37)
def test_numbers_of_128_bits_are_rounded(values: list[int], places: int) -> None:
    divisor = 10**places
    for which, name in enumerate(op.ROUNDINGS):
        machine = Machine(len(values), 5)
        machine.fill_wide(0, values)
        machine.emit(op.ROUND_WIDE, 2, 0, which, divisor >> 64, signed64(divisor))
        machine.run()
        assert machine.wide(2) == [ROUNDINGS[name](Fraction(value, divisor)) for value in values]
