"""Values: exact and floating arithmetic, comparison, and three-valued logic.

Values are in the normal form of the checked tree's constants; None is missing, and for a yes/no value unknown.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from segdsl.syntax import Span
from segdsl.typesystem import Length, Type

Value = int | float | str | bool | Length | tuple["Value", ...] | None
SMALLEST_WHOLE, LARGEST_WHOLE = -(2**63), 2**64 - 1
SMALLEST_EXACT, LARGEST_EXACT = -(2**127), 2**127 - 1
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class OracleOverflow(ArithmeticError):
    """An exact value that leaves its range; `span` is the place in the rules."""

    def __init__(self, span: Span, value: int, type_: Type) -> None:
        super().__init__(f"{value} is too large for a {type_}")
        self.span = span


def in_range(value: int, type_: Type, span: Span) -> int:
    """The value, if its type can hold it; whole numbers have 64 bits, all else 128. Raises OracleOverflow."""
    low, high = (SMALLEST_WHOLE, LARGEST_WHOLE) if type_.kind == "whole" else (SMALLEST_EXACT, LARGEST_EXACT)
    if not low <= value <= high:
        raise OracleOverflow(span, value, type_)
    return value


def present(value: float) -> float | None:
    """A float, or None where it is not a number."""
    return None if math.isnan(value) else value


def as_float(value: Value, type_: Type, literal: bool = False) -> float:
    """A number as a float: a decimal is its units by the power of ten; a literal is the nearest float."""
    if type_.kind == "decimal":
        units = whole(value)
        return float(Fraction(units, 10**type_.scale)) if literal else float(units) / float(10**type_.scale)
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def whole(value: Value) -> int:
    """A value that is known to be exact."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number of units")
    return value


def rescaled(value: Value, scale: int, larger: int) -> int:
    """Units of 10^-scale as units of 10^-larger."""
    return whole(value) * int(10 ** (larger - scale))


def common_units(left: Value, left_type: Type, right: Value, right_type: Type) -> tuple[int, int, int]:
    """Two exact numbers in units of the larger of their scales, and that scale."""
    scale = max(left_type.scale, right_type.scale)
    return rescaled(left, left_type.scale, scale), rescaled(right, right_type.scale, scale), scale


def calculate(op: str, left: Value, left_type: Type, right: Value, right_type: Type, literals: tuple[bool, bool]) -> Value:
    """`+ - * /` of two present numbers, before its range is checked; None where it is not a number or divides by zero.

    `literals` says of each side whether it is a constant of the rules.
    """
    if "number" in (left_type.kind, right_type.kind):
        a, b = as_float(left, left_type, literals[0]), as_float(right, right_type, literals[1])
        if op == "/":
            return None if b == 0 else present(a / b)
        return present(a + b if op == "+" else a - b if op == "-" else a * b)
    if op == "*":
        return whole(left) * whole(right)
    a_units, b_units, _ = common_units(left, left_type, right, right_type)
    if op == "/":
        return None if b_units == 0 else float(a_units) / float(b_units)
    return a_units + b_units if op == "+" else a_units - b_units


def scale_duration(op: str, nanoseconds: int, number: Value, type_: Type, literal: bool) -> int | None:
    """A duration times or divided by a present number, to the nearest nanosecond, ties to even."""
    if type_.kind == "number":
        factor_float = as_float(number, type_, literal)
        return rounded(quotient(float(nanoseconds), factor_float) if op == "/" else float(nanoseconds) * factor_float)
    else:
        factor = Fraction(whole(number), 10**type_.scale)
    if op == "*":
        return round(nanoseconds * factor)
    return None if factor == 0 else round(nanoseconds / factor)


def quotient(a: float, b: float) -> float:
    """a / b in floats, not a number where b is 0."""
    return a / b if b else math.nan


def rounded(value: float) -> int | None:
    """The nearest whole number, ties to even; missing where there is none or it leaves 128 bits."""
    return round(value) if math.isfinite(value) and abs(value) < 2.0**127 else None


def compare_numbers(op: str, left: Value, left_type: Type, right: Value, right_type: Type, literals: tuple[bool, bool]) -> bool:
    """Two present numbers by value; a decimal meets a float as a float, a whole number meets it exactly."""
    kinds = (left_type.kind, right_type.kind)
    if "number" not in kinds:
        a, b, _ = common_units(left, left_type, right, right_type)
        return COMPARISONS[op](a, b)
    if "decimal" in kinds:
        return COMPARISONS[op](as_float(left, left_type, literals[0]), as_float(right, right_type, literals[1]))
    return COMPARISONS[op](left, right)  # Python compares an int with a float by their exact values


def float_sum(values: Sequence[float]) -> float | None:
    """The exact sum rounded once; infinities are values, and their difference is missing."""
    infinite = {value for value in values if math.isinf(value)}
    if infinite:
        return infinite.pop() if len(infinite) == 1 else None
    try:
        return math.fsum(values)
    except OverflowError:  # a partial sum left the range of floats; the whole one may not
        exact = sum((Fraction(value) for value in values), Fraction(0))
        try:
            return float(exact)
        except OverflowError:
            return math.inf if exact > 0 else -math.inf


def average(values: Sequence[Value], type_: Type) -> Value:
    """The mean of one or more present values, a float; of durations, to the nearest nanosecond."""
    if type_.kind == "number":
        total = float_sum([as_float(value, type_) for value in values])
        return None if total is None else total / len(values)
    units = sum(whole(value) for value in values)
    if type_.kind == "duration":
        return round(Fraction(units, len(values)))
    return float(units) / float(len(values) * 10**type_.scale)


def median(values: Sequence[Value], type_: Type) -> Value:
    """The middle one of one or more present values as a float; of an even number, the mean of the middle two."""
    ordered = sorted(values, key=number_of)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return as_float(ordered[middle], type_)
    return average(ordered[middle - 1 : middle + 1], type_)


def deviation(values: Sequence[Value], type_: Type) -> Value:
    """The standard deviation of a sample of two or more present values, each as a float, by two sums."""
    numbers = [as_float(value, type_) for value in values]
    total = float_sum(numbers)
    if total is None:
        return None
    mean = total / len(numbers)
    squares = [(number - mean) * (number - mean) for number in numbers]
    if any(math.isnan(square) for square in squares):
        return None
    spread = float_sum(squares)
    return None if spread is None else math.sqrt(spread / (len(numbers) - 1))


def number_of(value: Value) -> int | float:
    """A value that is known to be a number."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def all_of(terms: Iterable[bool | None]) -> bool | None:
    """Kleene's `and`: false where one is false, else unknown where one is unknown."""
    known = list(terms)
    return False if False in known else None if None in known else True


def any_of(terms: Iterable[bool | None]) -> bool | None:
    """Kleene's `or`: true where one is true, else unknown where one is unknown."""
    known = list(terms)
    return True if True in known else None if None in known else False


def so_many(kind: str, count: int, terms: Sequence[bool | None]) -> bool | None:
    """Whether at least, at most or exactly so many terms are true; unknown where the unknown ones could turn it."""
    least, most = terms.count(True), len(terms) - terms.count(False)
    test = {"at least": operator.ge, "at most": operator.le, "exactly": operator.eq}[kind]
    held = {test(many, count) for many in range(least, most + 1)}
    return held.pop() if len(held) == 1 else None


def opposite(term: bool | None) -> bool | None:
    """Kleene's `not`: unknown stays unknown."""
    return None if term is None else not term
