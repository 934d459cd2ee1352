"""The account's value for each of its rows."""

from __future__ import annotations

from segkernel.kernel import operations as op
from segkernel.link import values
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Coded, Exact, Float, Form


def lifted(code: Assembly, space: int, form: Form, owners: int) -> Form:
    """A form of the root as a form of its rows in a space; `owners` is the address of each row's account."""
    if isinstance(form, Exact):
        present = None
        if form.present is not None:
            present = code.registers[space].take()
            code.emit(op.LIFT, space, present, form.present, owners)
        return Exact(_slots(code, space, form.slot, 2 if form.wide else 1, owners), present, form.low, form.high, form.wide)
    if isinstance(form, Float):
        held = values.in_slot(code, 0, form)
        result = Float(op.SLOT, _slots(code, space, held.operand, 1, owners))
        values.release(code, 0, held)
        return result
    spelled = form if form.place == op.SLOT else values.respelled(code, 0, form, form.column)
    codes = Coded(form.column, op.SLOT, _slots(code, space, spelled.operand, 1, owners), 8)
    if spelled is not form:
        values.release(code, 0, spelled)
    return codes


def _slots(code: Assembly, space: int, first: int, count: int, owners: int) -> int:
    target = code.slots[space].take(count)
    for part in range(count):
        code.emit(op.LIFT_VALUE, space, target + part, first + part, owners)
    return target
