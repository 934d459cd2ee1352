"""Aggregates that need all rows of an owner at once: different values, the middle, the spread, the first and the last row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from segkernel.kernel import operations as op
from segkernel.link import values
from segkernel.link.aggregating import Visits
from segkernel.link.assembly import Assembly, float_bits
from segkernel.link.forms import Coded, Exact, Float, Form
from segkernel.plan.program import Node

if TYPE_CHECKING:
    from segkernel.link.linking import Linker

GROUPED = frozenset(("distinct", "median", "stddev", "first", "last"))


def grouped(linker: Linker, visits: Visits, node: Node) -> Form:
    """The form of one aggregate of GROUPED; of "first" and "last" the chosen rows' places."""
    _, _, _, function, rows, _, number = node
    form = linker.forms[number]
    if function in ("first", "last"):
        ranks = linker.dataset.ranks(linker.program.spaces[rows], linker.program.timezone, linker.program.root)
        slot = visits.slot()
        _visit(visits, op.FIRST if function == "first" else op.LAST, slot, form, 0 if ranks is None else visits.code.table(ranks))
        return Exact(slot, None, 0, 1 << 32)
    if function in ("median", "stddev") and isinstance(form, Coded):
        form = linker.exact(number)
    scale = linker.nodes[number][2].scale
    if function == "stddev":
        assert not isinstance(form, Coded)
        return _spread(visits, form, scale)
    room = visits.code.slots[visits.rows]
    parts = 2 if isinstance(form, Exact) and form.wide else 1
    scratch = room.take(parts)
    slot = visits.slot(0 if function == "distinct" else float_bits(math.nan))
    _visit(visits, op.DISTINCT if function == "distinct" else op.MEDIAN, slot, form, scratch, float_bits(float(2 * 10**scale)))
    room.drop(scratch, parts)
    return Exact(slot, None, 0, visits.owned.most) if function == "distinct" else Float(op.SLOT, slot)


def _visit(visits: Visits, kind: int, slot: int, form: Form, *further: int) -> None:
    present = form.present if isinstance(form, Exact) and form.present is not None else -1
    what = (
        op.CODES_OF if isinstance(form, Coded) else op.FLOATS_OF if isinstance(form, Float) else op.WIDES_OF if form.wide else op.EXACTS_OF
    )
    visits.visit(None, kind, slot, form, what, present, *further)


def _spread(visits: Visits, form: Exact | Float, scale: int) -> Float:
    """Two passes of sums: the mean, then the squares of what is away from it."""
    code, space = visits.code, visits.space
    room = code.slots[space]
    number = values.as_float(code, visits.rows, form, scale) if isinstance(form, Exact) else form
    if number is not form:
        visits.hold(number)
    total, count = visits.float_total(number), visits.count(number)
    mean = room.take()
    code.emit(op.AVERAGE, space, mean, total.operand, count.slot, 1, float_bits(1.0))
    squares = visits.slot(0, 6)
    visits.visit(None, op.DEVIATIONS, squares, number, mean - squares, -1)
    code.emit(op.FLOAT_TOTAL, space, total.operand, squares)
    room.drop(squares, 6)
    room.drop(mean)
    slot = room.take()
    code.emit(op.SPREAD, space, slot, total.operand, count.slot)
    room.drop(total.operand)
    return Float(op.SLOT, slot)


def taken(code: Assembly, space: int, rows: int, places: Exact, form: Form) -> Form:
    """The values of a space's rows at the places that each owner chose."""
    room = code.slots[space]
    if isinstance(form, Float):
        slot = room.take()
        code.emit(op.TAKE_FLOAT, space, slot, form.operand, rows, 8, places.slot, form.place)
        return Float(op.SLOT, slot)
    if isinstance(form, Coded):
        slot = room.take()
        code.emit(op.TAKE, space, slot, form.operand, rows, form.width, places.slot, form.place)
        return Coded(form.column, op.SLOT, slot, 8)
    slot = room.take(2 if form.wide else 1)
    for part in range(2 if form.wide else 1):
        code.emit(op.TAKE, space, slot + part, form.slot + part, rows, 8, places.slot, op.SLOT)
    present = code.registers[space].take()
    code.emit(op.TAKE_BITS, space, present, -1 if form.present is None else form.present, rows, 0, places.slot)
    return Exact(slot, present, form.low, form.high, form.wide)
