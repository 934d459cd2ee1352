"""Literals as constants, and exact arithmetic on constants."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from functools import lru_cache

from segdsl import syntax
from segdsl.calendar_days import NANOSECONDS_A_DAY, day, plus_months, timestamp
from segdsl.checked import Constant, Expression, Field
from segdsl.context import Context
from segdsl.syntax import Span
from segdsl.typesystem import DATE, DURATION, NUMBER, NUMERIC, TEXT, TIMESTAMP, TRUTH, UNITS, WHOLE, Length, Type, decimal

MANY_DIGITS = 38
LONGEST = Length(120_000, 3_660_000, 3_660_000 * NANOSECONDS_A_DAY)


def number(text: str, percent: bool, span: Span) -> Constant | None:
    """The constant of a number's digits, exact: `1e6` is whole, `0.25` a decimal(2), `80%` too; None beyond 38 digits."""
    found = _read(text, percent)
    return None if found is None else Constant(span=span, type=found[0], value=found[1])


@lru_cache(4096)
def _read(text: str, percent: bool) -> tuple[Type, int] | None:
    """The type and the value of a number's digits."""
    digits, _, exponent_text = text.lower().replace("_", "").partition("e")
    whole, _, fraction = digits.partition(".")
    if len(exponent_text) > 4 or len(digits) > 2 * MANY_DIGITS:
        return None
    scale = len(fraction) - int(exponent_text or "0") + (2 if percent else 0)
    value = int(whole + fraction)
    if scale < 0 and scale >= -MANY_DIGITS:
        value, scale = value * 10**-scale, 0
    elif exponent_text:
        while scale > 0 and value % 10 == 0:
            value, scale = value // 10, scale - 1
    if scale < 0 or scale > MANY_DIGITS or abs(value) >= 10**MANY_DIGITS:
        return None
    return WHOLE if scale == 0 else decimal(scale), value


def literal(ctx: Context, node: syntax.Expression) -> Constant | None:
    """The constant of a literal node."""
    span = node.span
    match node:
        case syntax.Number(text=text, percent=percent):
            found = number(text, percent, span)
            if found is None:
                ctx.report("E401", span)
            return found
        case syntax.Text(value=value):
            return Constant(span=span, type=TEXT, value=value)
        case syntax.Truth(value=value):
            return Constant(span=span, type=TRUTH, value=value)
        case syntax.Date(text=text):
            days = day(text)
            if days is None:
                ctx.report("E403", span, what=f"day as {text}")
                return None
            return Constant(span=span, type=DATE, value=days)
        case syntax.Timestamp(text=text):
            moment = timestamp(text, ctx.zone(span))
            if moment is None:
                ctx.report("E403", span, what=f"time as {text}")
                return None
            return Constant(span=span, type=TIMESTAMP, value=moment)
        case syntax.Duration():
            length = duration(ctx, node)
            return None if length is None else Constant(span=span, type=DURATION, value=length)
        case _:
            assert isinstance(node, syntax.Month), node
            ctx.report("E310", span, hint=f"write `in {node.text}`, or a day such as {node.text}-01")
            return None


def duration(ctx: Context, node: syntax.Duration) -> Length | None:
    """The length of `90 days`."""
    hint = "a part of it is written in a smaller unit: `36 hours`, `18 months`"
    count = whole_count(ctx, node.count, node.unit, node.span, hint)
    return None if count is None else times(UNITS[node.unit], count)


def whole_count(ctx: Context, text: str, unit: str, span: Span, hint: str | None = None) -> int | None:
    """How many days, months …; a part of one, and more than 10,000 years of them, is a mistake."""
    found = number(text, False, span)
    if found is not None and found.type != WHOLE:
        ctx.report("E408", span, unit=unit, hint=hint)
        return None
    if found is None or not isinstance(found.value, int) or too_long(times(UNITS[unit], found.value)):
        ctx.report("E402", span)
        return None
    return found.value


def times(length: Length, factor: int) -> Length:
    """A length a whole number of times."""
    return Length(length.months * factor, length.days * factor, length.nanoseconds * factor)


def too_long(length: Length) -> bool:
    """Whether a length leaves the 10,000 years in which dates are reckoned."""
    return abs(length.months) > LONGEST.months or abs(length.days) > LONGEST.days or abs(length.nanoseconds) > LONGEST.nanoseconds


def exact(length: Length) -> Length | None:
    """A length in nanoseconds, a day 24 hours; None for months."""
    if length.months:
        return None
    return Length(nanoseconds=length.days * NANOSECONDS_A_DAY + length.nanoseconds)


def is_number(constant: Constant) -> bool:
    """Whether a constant is a whole number, a decimal or a number, and present."""
    return constant.type.kind in NUMERIC and constant.value is not None


def fraction_of(constant: Constant) -> Fraction:
    """The exact value of a numeric constant that is present."""
    assert isinstance(constant.value, int | float)
    return Fraction(constant.value) / Fraction(10**constant.type.scale)


def negative(constant: Constant, span: Span) -> Constant:
    """A numeric or duration constant with its sign turned."""
    value = constant.value
    turned = -value if isinstance(value, int | float | Length) else None
    return Constant(span=span, type=constant.type, value=turned)


def arithmetic(op: str, left: Constant, right: Constant, span: Span) -> Constant | None:
    """`left op right` of two numbers: exact for `+ - *` of whole numbers and decimals, a float for `/`; None beyond 38 digits."""
    if left.value is None or right.value is None:  # a float divided by zero, or what it stands in
        return Constant(span=span, type=NUMBER, value=None)
    if NUMBER in (left.type, right.type):
        return Constant(span=span, type=NUMBER, value=_floats(op, nearest(left), nearest(right)))
    a, b = fraction_of(left), fraction_of(right)
    if op == "/":
        return Constant(span=span, type=NUMBER, value=float(a / b) if b else None)
    scale = left.type.scale + right.type.scale if op == "*" else max(left.type.scale, right.type.scale)
    value = int((a + b if op == "+" else a - b if op == "-" else a * b) * 10**scale)
    if scale > MANY_DIGITS or abs(value) >= 10**MANY_DIGITS:
        return None
    return Constant(span=span, type=WHOLE if scale == 0 else decimal(scale), value=value)


def nearest(constant: Constant) -> float:
    """The float nearest to a numeric constant that is present; floats may be infinite."""
    return constant.value if isinstance(constant.value, float) else float(fraction_of(constant))


def of_width(constant: Constant, value: Expression) -> Constant:
    """A decimal constant as a bare field of 32-bit floats meets it: the nearest float of that width."""
    if not isinstance(value, Field) or not value.single or constant.type.kind != "decimal" or constant.value is None:
        return constant
    exact_value = fraction_of(constant)
    bits = struct.unpack("<i", struct.pack("<f", float(exact_value)))[0]
    # the way over 64 bits may round twice: the neighbours are asked too, an even last bit wins a tie
    around = ((each & 1, struct.unpack("<f", struct.pack("<i", each))[0]) for each in (bits - 1, bits, bits + 1))
    best = min((abs(Fraction(near) - exact_value), odd, near) for odd, near in around if math.isfinite(near))
    return Constant(span=constant.span, type=NUMBER, value=best[2], param=constant.param)


def _floats(op: str, left: float, right: float) -> float | None:
    if op == "/" and not right:
        return None
    found = left / right if op == "/" else left + right if op == "+" else left - right if op == "-" else left * right
    return None if math.isnan(found) else found


def scaled_length(length: Length, factor: Fraction) -> Length | None:
    """A length times a number, in its own unit where that is whole, else in nanoseconds; None for parts of a month."""
    months, days, nanoseconds = length.months * factor, length.days * factor, length.nanoseconds * factor
    if months.denominator == days.denominator == nanoseconds.denominator == 1:
        return Length(int(months), int(days), int(nanoseconds))
    whole = exact(length)
    return None if whole is None else Length(nanoseconds=round(whole.nanoseconds * factor))


def moved_day(days: int, by: Length) -> int:
    """A date moved by days or by months that clamp."""
    return plus_months(days, by.months) + by.days if by.months else days + by.days


_OPERATORS = {"=": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}


def comparison(op: str, left: Constant, right: Constant, span: Span) -> Constant | None:
    """The outcome of a comparison of two constants of like types; None where it is not known before a run."""
    if left.value is None or right.value is None:
        return Constant(span=span, type=TRUTH, value=None)
    if is_number(left) and is_number(right):
        a, b = (side.value if isinstance(side.value, float) else fraction_of(side) for side in (left, right))
        order = (a > b) - (a < b)
    elif left.type == right.type and left.type in (TEXT, DATE, TIMESTAMP, TRUTH):
        # equal types hold values of one Python type, which mypy cannot see
        order = (left.value > right.value) - (left.value < right.value)  # type: ignore[operator]
    elif isinstance(left.value, Length) and isinstance(right.value, Length) and not (left.value.months or right.value.months):
        x, y = (side.days * NANOSECONDS_A_DAY + side.nanoseconds for side in (left.value, right.value))
        order = (x > y) - (x < y)
    else:
        return None
    return Constant(span=span, type=TRUTH, value=order in _OPERATORS[op])
