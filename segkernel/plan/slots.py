"""Slots: times that a run fills in. A program knows no clock; a slot says how to reckon a time from the run's instant.

A form is nested tuples: ("now",), ("today",), ("days", n), ("instant", ns), ("start", unit, shift), ("shift", form, Length),
("first instant", form of a date), ("day", form of an instant), ("part", function, form of a date, or of an instant for "hour"),
("between", form of a date, form of a date), a number of days.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from segdsl import checked
from segdsl.typesystem import DATE, IN_TIME, Length, Type

Form = tuple[Any, ...]
CALENDAR = (
    "year", "quarter", "month", "day", "weekday", "hour", "date", "week_start", "month_start", "quarter_start", "year_start", "anniversary"
)  # fmt: skip
"""The functions of one date or timestamp."""


class Slot(msgspec.Struct, frozen=True, order=True):
    """The value of `form` plus `plus`: days for a date, nanoseconds for an instant."""

    form: Form
    plus: int = 0

    def __add__(self, more: int) -> Slot:
        return Slot(self.form, self.plus + more)

    def __str__(self) -> str:
        return f"{describe(self.form)}{f' {self.plus:+d}' if self.plus else ''}"


def describe(form: Form) -> str:
    """A form as a program prints it."""
    match form:
        case ("now" | "today" as word,):
            return str(word)
        case ("start", unit, shift):
            return f"start of this {unit}{f' {shift:+d}' if shift else ''}"
        case ("shift", inner, length):
            parts = ((length.months, "months"), (length.days, "days"), (length.nanoseconds, "ns"))
            return describe(inner) + "".join(f" {count:+d} {unit}" for count, unit in parts if count)
        case ("first instant", inner):
            return f"first instant of {describe(inner)}"
        case ("day", inner):
            return f"day of {describe(inner)}"
        case ("part", function, inner):
            return f"{function} of {describe(inner)}"
        case ("between", first, last):
            return f"days from {describe(first)} to {describe(last)}"
        case _:
            return " ".join(str(part) for part in form)


def form_of(expression: checked.Expression) -> Form | None:
    """The form of an expression that depends on nothing but the run's instant; None for others."""
    form = _FORMS.get(type(expression))
    return None if form is None else form(expression)


def _constant(constant: checked.Constant) -> Form | None:
    if constant.value is None or constant.type.kind not in IN_TIME:
        return None
    return ("days" if constant.type == DATE else "instant", constant.value)


def _shifted(moved: checked.Shift) -> Form | None:
    inner = form_of(moved.operand)
    return None if inner is None else ("shift", inner, moved.by)


def _called(call: checked.Call) -> Form | None:
    """The form of a function of the calendar whose operands all have forms."""
    forms = [form_of(operand) for operand in call.operands]
    days = [None if form is None else local_day(form, operand.type) for form, operand in zip(forms, call.operands, strict=True)]
    if call.function == "days_between":
        return None if None in days else ("between", *days)
    if call.function == "hour":
        return None if forms[0] is None else ("part", "hour", forms[0])
    if call.function not in CALENDAR or days[0] is None:
        return None
    return days[0] if call.function == "date" else ("part", call.function, days[0])


_FORMS: dict[type, Callable[[Any], Form | None]] = {
    checked.Now: lambda _: ("now",),
    checked.Today: lambda _: ("today",),
    checked.PeriodStart: lambda start: ("start", start.unit, start.shift),
    checked.Constant: _constant,
    checked.Shift: _shifted,
    checked.OfAccount: lambda value: form_of(value.operand),
    checked.Call: _called,
}


def local_day(form: Form, kind: Type) -> Form:
    """The form of the local day of a date or an instant."""
    return form if kind == DATE else ("day", form)


def day_after(form: Form) -> Form:
    """The next date."""
    return ("days", form[1] + 1) if form[0] == "days" else ("shift", form, Length(days=1))
