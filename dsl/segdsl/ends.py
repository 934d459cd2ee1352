"""Where a constant, or a moment that moves with the clock, cuts the values that a test holds against it.

Each test looks at a value in one *view*. In the plain view, `""`, stand the values themselves; `day` is the local day of a timestamp. The
others count from a moment of the run: `today` and `now` in days and nanoseconds from it; `months`, and `week month quarter year`, in
months or periods, between which there are other days. Cuts of one view are comparable, those of two are not.
"""

from __future__ import annotations

import math
from typing import Any

from segdsl import constants
from segdsl.checked import Constant, Expression, Now, PeriodStart, Shift, Today
from segdsl.typesystem import DATE, TIMESTAMP, Length, Type

Ends = tuple[str, Any, Any]
"""A view, and the cuts just before and just after a value."""


def ends(type_: Type, constant: Constant) -> Ends | None:
    """Where a constant that is present cuts the values of a type; None where its order among them is not known exactly."""
    value, kind = constant.value, type_.kind
    if kind in ("whole", "decimal"):
        return _stepped(type_.scale, constant)
    if kind == "number":
        number = value if isinstance(value, float) or not constant.type.scale else constants.nearest(constant)
        return "", (number, 0), (number, 1)
    if kind == "text":
        return "", (value, 0), (value, 1)
    if isinstance(value, Length):
        return "", value.nanoseconds, value.nanoseconds + 1
    assert isinstance(value, int)
    if type_ == constant.type:
        return "", value, value + 1
    # a timestamp is before or after a date as its local day is; a date beside a timestamp is left alone
    return ("day", value, value + 1) if type_ == TIMESTAMP else None


def _stepped(scale: int, constant: Constant) -> Ends | None:
    """Of exact numbers, in units of their last place."""
    value = constant.value
    assert isinstance(value, int | float)
    if isinstance(value, float):
        # a decimal is held against a float as the nearest float to it
        return None if scale or not math.isfinite(value) else ("", math.ceil(value), math.floor(value) + 1)
    if constant.type.scale <= scale:
        step = value * 10 ** (scale - constant.type.scale)
        return "", step, step + 1
    step, rest = divmod(value, 10 ** (constant.type.scale - scale))
    return "", step + (rest > 0), step + 1


def moving_ends(type_: Type, moment: Expression) -> Ends | None:
    """Where a moment that moves with the clock cuts dates or timestamps; None of anything else."""
    if isinstance(moment, Today):
        return "today", 0, 1
    if isinstance(moment, Now):
        # a date beside an instant is compared as its local day
        return ("today", 0, 1) if type_ == DATE else ("now", 0, 1)
    if isinstance(moment, PeriodStart):
        if moment.unit == "day":
            return "today", moment.shift, moment.shift + 1
        return moment.unit, (moment.shift, 0), (moment.shift, 1)
    if not isinstance(moment, Shift):
        return None
    by = moment.by
    if isinstance(moment.operand, Today):
        return ("months", (by.months, 0), (by.months, 1)) if by.months else ("today", by.days, by.days + 1)
    if isinstance(moment.operand, Now) and type_ == TIMESTAMP and not (by.months or by.days):
        return "now", by.nanoseconds, by.nanoseconds + 1
    return None


def prefixed(prefix: str) -> tuple[Any, Any] | None:
    """The cuts before and after all texts that start with a prefix: those up to its last character counted on by one.

    None where no text comes after them.
    """
    cut = prefix.rstrip("\U0010ffff")
    return ((prefix, 0), (cut[:-1] + chr(ord(cut[-1]) + 1), 0)) if cut else None
