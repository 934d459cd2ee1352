"""Times as instructions: local days, parts of dates, times that are moved."""

from __future__ import annotations

from segdsl.typesystem import DATE, Length, Type
from segkernel import clock as clocks
from segkernel.errors import DataError
from segkernel.kernel import operations as op
from segkernel.link import values
from segkernel.link.assembly import Assembly
from segkernel.link.forms import LARGEST, SMALLEST, Exact, fits
from segkernel.plan.slots import Slot

LARGEST_PART = {"quarter": 4, "month": 12, "day": 31, "weekday": 7}
FARTHEST = 1 << 62
"""How far a time is moved at most by months and days, in days or nanoseconds."""
ANNIVERSARIES = (-1 << 40, 1 << 40)
"""Days between which the next return of any day lies, whatever the day of the run."""


def narrow(code: Assembly, space: int, form: Exact, node: int, reach: int = 0) -> Exact:
    """Times in a slot of their own, or held once more; where they are known to lie so that none `reach` further leaves 64 bits.

    What may lie elsewhere is looked at by the kernel: times beyond the years 1677 to 2262 have no calendar there.
    """
    if not form.wide and fits(form.low - reach, form.high + reach):
        code.slots[space].keep(form.slot)
        return form
    wide = values.widened(code, space, form)
    slot = code.slots[space].take()
    code.places[code.emit(op.NARROW, space, slot, wide.slot, 0, 0, -1 if form.present is None else form.present, reach)] = node
    values.release(code, space, wide)
    return Exact(slot, form.present, max(form.low, SMALLEST + reach), min(form.high, LARGEST - reach))


def day_of(code: Assembly, space: int, times: Exact, zone: str, node: int) -> Exact:
    """The local days of instants."""
    form = narrow(code, space, times, node)
    table, first = clocks.day_table(zone, form.low, form.high)
    slot = code.slots[space].take()
    code.emit(op.DAY_OF, space, slot, form.slot, code.table(table), table.size, first)
    code.slots[space].drop(form.slot)
    return Exact(slot, code.both(space, form.present, None), first, first + table.size)


def shift(code: Assembly, space: int, kind: Type, times: Exact, by: Length, zone: str, node: int) -> Exact:
    """Dates by months, or instants by months and days at the same local time of day."""
    reach = 31 * abs(by.months) + 31 if kind == DATE else (31 * abs(by.months) + abs(by.days) + 3) * clocks.DAY
    if reach > FARTHEST:
        raise DataError("a time that is moved so far leaves 64 bits of nanoseconds (the years 1677 to 2262)")
    form = narrow(code, space, times, node, reach)
    low, high = form.low - reach, form.high + reach
    present = code.both(space, form.present, None)
    slot = code.slots[space].take()
    if kind == DATE:
        code.emit(op.SHIFT_DATE, space, slot, form.slot, by.months)
    else:
        moments, offsets = clocks.changes(zone, low, high)
        at = code.further(moments.size, code.table(moments), code.table(offsets))
        code.emit(op.SHIFT_TIME, space, slot, form.slot, by.months, by.days, at)
    code.slots[space].drop(form.slot)
    return Exact(slot, present, low, high)


def part(code: Assembly, space: int, function: str, times: Exact, zone: str, node: int) -> Exact:
    """A part of dates, or the hour of instants."""
    form = narrow(code, space, times, node)
    present = code.both(space, form.present, None)
    slot = code.slots[space].take()
    if function == "hour":
        moments, offsets = clocks.changes(zone, form.low, form.high)
        at = code.further(moments.size, code.table(moments), code.table(offsets))
        code.emit(op.HOUR_OF, space, slot, form.slot, at)
        code.slots[space].drop(form.slot)
        return Exact(slot, present, 0, 23)
    row = code.emit(op.CALENDAR, space, slot, form.slot, op.PARTS.index(function))
    code.slots[space].drop(form.slot)
    if function == "anniversary":
        code.patch(row, 2, lambda today: (today,), Slot(("today",)))
        return Exact(slot, present, *ANNIVERSARIES)
    if function == "year":
        return Exact(slot, present, clocks.civil(form.low)[0], clocks.civil(form.high)[0])
    if function.endswith("_start"):
        return Exact(slot, present, form.low - 366, form.high)
    return Exact(slot, present, 1, LARGEST_PART[function])
