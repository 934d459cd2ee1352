"""Half-open ranges hold exactly where the comparison holds, whatever the types of source and constant."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, WHOLE, Type, decimal
from segkernel.oracle.arithmetic import COMPARISONS
from segkernel.plan.bounds import Bounds, bounds

OPS = st.sampled_from(sorted(COMPARISONS))
WHOLES = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-20, 20),
    st.sampled_from([sign * (2**power + near) for sign in (1, -1) for power in (24, 53, 54, 62) for near in (-1, 0, 1)]),
    st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 1]),
)
UNITS = st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-2000, 2000), WHOLES)
EDGES = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    math.inf,
    -math.inf,
    0.1,
    2.0**53,
]
FLOATS = st.one_of(st.floats(allow_nan=False), st.sampled_from(EDGES), st.integers(-40, 40).map(lambda n: n / 8), WHOLES.map(float))
SCALES = st.integers(0, 12)
LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.one_of(st.text(LETTERS, max_size=3), st.text("\0a\ue000\uffff\U00010000\U0010ffff", max_size=3))


def inside(found: Bounds | None, value: Any) -> bool:
    """Whether a value lies in a range as `bounds` gives it."""
    if found is None:
        return False
    low, high, outside = found
    return ((low is None or value >= low) and (high is None or value < high)) is not outside


def compared(op: str, x: Any, y: Any) -> bool:
    return COMPARISONS[op](x, y)


def nearest(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.copysign(math.inf, exact)


@given(OPS, WHOLES, WHOLES)
def test_whole_numbers(op: str, value: int, constant: int) -> None:
    assert inside(bounds(WHOLE, op, constant, WHOLE), value) is compared(op, value, constant)


@given(OPS, WHOLES, UNITS, SCALES)
def test_a_whole_number_against_a_decimal(op: str, value: int, constant: int, scale: int) -> None:
    assert inside(bounds(WHOLE, op, constant, decimal(scale)), value) is compared(op, Fraction(value), Fraction(constant, 10**scale))


@given(OPS, UNITS, SCALES, UNITS, SCALES)
@example("<", 10, 2, 1, 1).via("a tenth written with other scales")
@example("=", 10, 2, 1, 1).via("a tenth written with other scales")
def test_decimals_of_different_scales(op: str, value: int, scale: int, constant: int, other: int) -> None:
    found = bounds(decimal(scale), op, constant, decimal(other))
    assert inside(found, value) is compared(op, Fraction(value, 10**scale), Fraction(constant, 10**other))


@given(OPS, UNITS, SCALES, WHOLES)
def test_a_decimal_against_a_whole_number(op: str, value: int, scale: int, constant: int) -> None:
    assert inside(bounds(decimal(scale), op, constant, WHOLE), value) is compared(op, Fraction(value, 10**scale), constant)


@given(OPS, st.integers(-300, 300), SCALES, st.integers(-3, 3))
def test_decimals_beside_a_whole_number(op: str, off: int, scale: int, constant: int) -> None:
    value = constant * 10**scale + off
    assert inside(bounds(decimal(scale), op, constant, WHOLE), value) is compared(op, Fraction(value, 10**scale), constant)


@given(OPS, WHOLES, FLOATS)
@example("=", 2**53 + 1, 2.0**53).via("the float beside a whole number is another number")
@example("<", 2**64 - 1, 2.0**64).via("the float beside the largest whole number")
def test_a_whole_number_against_a_float_by_value(op: str, value: int, constant: float) -> None:
    assert inside(bounds(WHOLE, op, constant, NUMBER), value) is compared(op, value, constant)


@given(OPS, WHOLES, st.integers(-2, 2))
def test_a_whole_number_against_the_floats_around_it(op: str, value: int, steps: int) -> None:
    constant = float(value)
    for _ in range(abs(steps)):
        constant = math.nextafter(constant, math.copysign(math.inf, steps))
    assert inside(bounds(WHOLE, op, constant, NUMBER), value) is compared(op, value, constant)


@given(OPS, UNITS, SCALES, FLOATS)
def test_a_decimal_against_a_float_as_the_float_of_its_units(op: str, value: int, scale: int, constant: float) -> None:
    assert inside(bounds(decimal(scale), op, constant, NUMBER), value) is compared(op, float(value) / 10**scale, constant)


@given(OPS, UNITS, SCALES, st.integers(-2, 2))
def test_a_decimal_against_the_floats_around_it(op: str, value: int, scale: int, steps: int) -> None:
    constant = float(value) / 10**scale
    for _ in range(abs(steps)):
        constant = math.nextafter(constant, math.copysign(math.inf, steps))
    assert inside(bounds(decimal(scale), op, constant, NUMBER), value) is compared(op, float(value) / 10**scale, constant)


@given(OPS, FLOATS, FLOATS)
def test_floats(op: str, value: float, constant: float) -> None:
    assert inside(bounds(NUMBER, op, constant, NUMBER), value) is compared(op, value, constant)


@given(OPS, FLOATS, st.integers(-2, 2))
def test_floats_beside_each_other(op: str, constant: float, steps: int) -> None:
    value = constant
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.copysign(math.inf, steps))
    assert inside(bounds(NUMBER, op, constant, NUMBER), value) is compared(op, value, constant)


def test_floats_at_every_edge() -> None:
    for op in COMPARISONS:
        for constant in EDGES:
            for value in EDGES:
                assert inside(bounds(NUMBER, op, constant, NUMBER), value) is compared(op, value, constant), (op, value, constant)


@given(OPS, FLOATS, WHOLES)
@example("=", 2.0**53, 2**53 + 1).via("no float is this whole number")
@example("<", 2.0**53, 2**53 + 1).via("no float is this whole number")
def test_a_float_against_a_whole_number_by_value(op: str, value: float, constant: int) -> None:
    assert inside(bounds(NUMBER, op, constant, WHOLE), value) is compared(op, value, constant)


@given(OPS, WHOLES, st.integers(-2, 2))
def test_the_floats_around_a_whole_number(op: str, constant: int, steps: int) -> None:
    value = float(constant)
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.copysign(math.inf, steps))
    assert inside(bounds(NUMBER, op, constant, WHOLE), value) is compared(op, value, constant)


@given(OPS, FLOATS, UNITS, SCALES)
@example("=", 0.1, 1, 1).via("a tenth is the float nearest to it")
def test_a_float_against_a_decimal_as_the_nearest_float(op: str, value: float, constant: int, scale: int) -> None:
    wanted = compared(op, value, nearest(Fraction(constant, 10**scale)))
    assert inside(bounds(NUMBER, op, constant, decimal(scale)), value) is wanted


@given(OPS, UNITS, SCALES, st.integers(-2, 2))
def test_the_floats_around_a_decimal(op: str, constant: int, scale: int, steps: int) -> None:
    value = middle = nearest(Fraction(constant, 10**scale))
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.copysign(math.inf, steps))
    assert inside(bounds(NUMBER, op, constant, decimal(scale)), value) is compared(op, value, middle)


@given(OPS, TEXTS, TEXTS)
@example("<=", "a", "a\0").via("the text just behind another")
@example("<=", "a\U0010ffff", "a").via("nothing sorts behind the last code point")
@example(">", "\U00010000", "\uffff").via("code points, not the halves of UTF-16")
def test_texts_by_code_point(op: str, value: str, constant: str) -> None:
    wanted = compared(op, [ord(letter) for letter in value], [ord(letter) for letter in constant])
    assert inside(bounds(TEXT, op, constant, TEXT), value) is wanted


@given(OPS, TEXTS, TEXTS, st.sampled_from(["", "\0", "\0\0", "a", "\U0010ffff"]))
def test_texts_that_begin_alike(op: str, start: str, constant: str, more: str) -> None:
    for value in (start + more, constant + more):
        assert inside(bounds(TEXT, op, constant, TEXT), value) is compared(op, value, constant)


@settings(max_examples=40)
@given(OPS, st.sampled_from([DATE, TIMESTAMP, DURATION]), WHOLES, st.integers(-2, 2))
def test_times_and_durations(op: str, kind: Type, constant: int, off: int) -> None:
    assert inside(bounds(kind, op, constant, kind), constant + off) is compared(op, constant + off, constant)
