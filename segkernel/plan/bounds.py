"""Comparisons with a constant as half-open ranges in the source's own units: `x > 5` on whole numbers is [6, …).

A range is (low, high, outside): low <= x < high with None for an open end, or, `outside`, everything else that is present.
None stands for "never".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from segdsl.typesystem import Type

Bounds = tuple[Any, Any, bool]
PRESENT: Bounds = (None, None, False)


def bounds(source: Type, op: str, constant: Any, given: Type) -> Bounds | None:
    """The range of a source's values for which `value op constant` holds; `given` is the constant's type."""
    if source.kind == "text":
        return _between(op, constant, constant + "\0")
    if source.kind == "number":
        return _floats(op, constant, given)
    if given.kind == "number" and source.kind in ("whole", "decimal"):
        return _as_floats(source, op, constant)
    if given.scale == source.scale:
        return _between(op, constant, constant + 1)
    exact = Fraction(constant, 10**given.scale) * 10**source.scale
    if exact.denominator == 1:
        return _between(op, exact.numerator, exact.numerator + 1)
    return _gap(op, math.ceil(exact))


def _between(op: str, first: Any, next_one: Any) -> Bounds:
    """For a constant that is a value: itself, and the value after it."""
    return {
        "=": (first, next_one, False),
        "!=": (first, next_one, True),
        "<": (None, first, False),
        "<=": (None, next_one, False),
        ">": (next_one, None, False),
        ">=": (first, None, False),
    }[op]


def _gap(op: str, above: Any) -> Bounds | None:
    """For a constant between two values: the value above it."""
    if op == "=":
        return None
    if op == "!=":
        return PRESENT
    return (None, above, False) if op in ("<", "<=") else (above, None, False)


def _floats(op: str, constant: Any, given: Type) -> Bounds | None:
    """A float source: whole numbers compare by value, a decimal constant stands for the float nearest to it."""
    nearest = float(constant if given.kind == "number" else Fraction(constant, 10**given.scale))
    if math.isinf(nearest):
        return _infinite(op, nearest)
    if given.kind == "whole" and nearest != constant:
        return _gap(op, nearest if nearest > constant else math.nextafter(nearest, math.inf))
    return _between(op, nearest, math.nextafter(nearest, math.inf))


def _infinite(op: str, constant: float) -> Bounds | None:
    """A float source against an infinity, which has no float after it: by ranges that end or begin at the largest."""
    largest = constant > 0
    edge = math.inf if largest else math.nextafter(-math.inf, 0.0)
    if largest:
        return {
            "=": (edge, None, False),
            "!=": (None, edge, False),
            "<": (None, edge, False),
            "<=": PRESENT,
            ">=": (edge, None, False),
        }.get(op)
    return {"=": (None, edge, False), "!=": (edge, None, False), ">": (edge, None, False), ">=": PRESENT, "<=": (None, edge, False)}.get(op)


def _as_floats(source: Type, op: str, constant: float) -> Bounds | None:
    """An exact source against a float: whole numbers by value, decimals as the nearest float, which keeps their order."""
    if math.isinf(constant):
        inside = op in (("<", "<=", "!=") if constant > 0 else (">", ">=", "!="))
        return PRESENT if inside else None
    if source.kind == "whole":
        exact = Fraction(constant)
        return _between(op, exact.numerator, exact.numerator + 1) if exact.denominator == 1 else _gap(op, math.ceil(exact))
    unit = float(10**source.scale)
    first = _smallest(lambda units: float(units) / unit >= constant)
    after = _smallest(lambda units: float(units) / unit > constant)
    return _between(op, first, after) if first < after else _gap(op, first)


def _smallest(holds: Callable[[int], bool]) -> int:
    """The smallest number of 128 bits for which a monotone condition holds."""
    low, high = -(1 << 127), 1 << 127
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
