"""Times as instructions: local days, parts of dates, times that are moved."""

from __future__ import annotations

from segdsl.typesystem import DATE, Length, Type
from segkernel import clock as clocks
from segkernel.errors import DataError
from segkernel.kernel import operations as op
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Exact, fits

LARGEST_PART = {"quarter": 4, "month": 12, "day": 31, "weekday": 7}
ANNIVERSARIES = (-1 << 40, 1 << 40)
"""Days between which the next return of any day lies, whatever the day of the run."""


def narrow(form: Exact, what: str) -> Exact:
    """The form itself, if 64 bits hold it.

    Raises DataError: times beyond the years 1677 to 2262 have no calendar in the kernel.
    """
    if form.wide:
        raise DataError(f"{what} leaves 64 bits of nanoseconds (the years 1677 to 2262), which the calendar of a run does not reach")
    return form


def day_of(code: Assembly, space: int, form: Exact, zone: str) -> Exact:
    """The local days of instants."""
    form = narrow(form, "a timestamp whose local day is asked for")
    table, first = clocks.day_table(zone, form.low, form.high)
    slot = code.slots[space].take()
    code.emit(op.DAY_OF, space, slot, form.slot, code.table(table), table.size, first)
    return Exact(slot, code.both(space, form.present, None), first, first + table.size)


def shift(code: Assembly, space: int, kind: Type, form: Exact, by: Length, zone: str) -> Exact:
    """Dates by months, or instants by months and days at the same local time of day."""
    form = narrow(form, "a time that is moved")
    reach = 31 * abs(by.months) + 31 if kind == DATE else (31 * abs(by.months) + abs(by.days) + 3) * clocks.DAY
    low, high = form.low - reach, form.high + reach
    if not fits(low, high):
        raise DataError("a time that is moved may leave 64 bits of nanoseconds (the years 1677 to 2262)")
    present = code.both(space, form.present, None)
    slot = code.slots[space].take()
    if kind == DATE:
        code.emit(op.SHIFT_DATE, space, slot, form.slot, by.months)
    else:
        moments, offsets = clocks.changes(zone, low, high)
        at = code.further(moments.size, code.table(moments), code.table(offsets))
        code.emit(op.SHIFT_TIME, space, slot, form.slot, by.months, by.days, at)
    return Exact(slot, present, low, high)


def part(code: Assembly, space: int, function: str, form: Exact, zone: str) -> Exact:
    """A part of dates, or the hour of instants."""
    form = narrow(form, "a time of which a part is asked for")
    present = code.both(space, form.present, None)
    slot = code.slots[space].take()
    if function == "hour":
        moments, offsets = clocks.changes(zone, form.low, form.high)
        at = code.further(moments.size, code.table(moments), code.table(offsets))
        code.emit(op.HOUR_OF, space, slot, form.slot, at)
        return Exact(slot, present, 0, 23)
    row = code.emit(op.CALENDAR, space, slot, form.slot, op.PARTS.index(function))
    if function == "anniversary":
        code.patch(row, 2, lambda clock: (clock.form(("today",)),))
        return Exact(slot, present, *ANNIVERSARIES)
    if function == "year":
        return Exact(slot, present, clocks.civil(form.low)[0], clocks.civil(form.high)[0])
    if function.endswith("_start"):
        return Exact(slot, present, form.low - 366, form.high)
    return Exact(slot, present, 1, LARGEST_PART[function])
