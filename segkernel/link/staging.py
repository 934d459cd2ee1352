"""What one stage of a program hands on to the next: values of all rows of a table, in memory that a run gives out."""

from __future__ import annotations

import math

import msgspec

from segkernel.kernel import operations as op
from segkernel.link import testing, values
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import Coded, Exact, Float, Form


class Handed(msgspec.Struct, frozen=True, eq=False):
    """A form whose values lie in a stage's buffers: `words`, of wide numbers `low` besides, and `present` (1 or 0) where some
    rows are missing; -1 where there is no such buffer."""

    form: Form
    words: int
    low: int = -1
    present: int = -1


def hand_on(code: Assembly, form: Form | int) -> Handed:
    """Hands on the values of a form, or the bits of a register as 1 and 0."""
    if isinstance(form, int):
        return Handed(Exact(0, None, 0, 1), code.handed(form, True))
    if isinstance(form, Coded) and form.column.type.kind != "text":
        numbers = values.exact(code, 0, form)
        found = hand_on(code, numbers)
        values.release(code, 0, numbers)
        return found
    if isinstance(form, Exact):
        low = code.handed(form.slot + 1, False) if form.wide else -1
        return Handed(form, code.handed(form.slot, False), low, -1 if form.present is None else code.handed(form.present, True))
    held: Coded | Float
    if isinstance(form, Float):
        held = values.in_slot(code, 0, form)
    else:
        held = form if form.place == op.SLOT else values.respelled(code, 0, form, form.column)
    found = Handed(form, code.handed(held.operand, False))
    if held is not form:
        values.release(code, 0, held)
    return found


def fetched(code: Assembly, space: int, stage: int, handed: Handed, rows: int, otherwise: int | None) -> Form:
    """What a stage handed on, for the rows whose numbers stand at the address `rows` (0: the space's own rows in order);
    `otherwise` (None is missing) where there is none."""
    form = handed.form
    if isinstance(form, Float):
        last = float_bits(math.nan if otherwise is None else float(otherwise))
        return Float(op.SLOT, code.fetched(space, stage, handed.words, rows, last))
    if isinstance(form, Coded):
        return Coded(form.column, op.SLOT, code.fetched(space, stage, handed.words, rows, 0), 8)
    low, high = (form.low, form.high) if otherwise is None else (min(form.low, otherwise), max(form.high, otherwise))
    slot = code.slots[space].take(2 if form.wide else 1)
    last = 0 if otherwise is None else otherwise
    code.fetched(space, stage, handed.words, rows, last >> 64 if form.wide else last, slot)
    if form.wide:
        code.fetched(space, stage, handed.low, rows, signed64(last), slot + 1)
    present = None
    if handed.present >= 0 or (rows and otherwise is None):
        known = code.fetched(space, stage, handed.present, rows, int(otherwise is not None))
        present = testing.in_range(code, space, Exact(known, None, 0, 1), 1, 2)
        code.slots[space].drop(known)
    return Exact(slot, present, low, high, form.wide)
