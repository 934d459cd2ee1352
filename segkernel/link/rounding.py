"""Sizes and rounded numbers as instructions."""

from __future__ import annotations

from segdsl.typesystem import DURATION
from segkernel.kernel import operations as op
from segkernel.link import testing, values
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import LARGEST, Exact, Float


def size(code: Assembly, space: int, form: Exact, node: int) -> Exact:
    """Numbers without their signs; 128 bits hold all of them but one, of which the kernel takes care."""
    zero = values.constant(code, space, DURATION, 0)
    assert isinstance(zero, Exact)
    opposite = values.arithmetic(code, space, DURATION, "-", zero, form, node)
    below = testing.in_range(code, space, form, None, 0)
    result = values.selected(code, space, below, opposite, form)
    code.registers[space].drop(below)
    values.release(code, space, zero)
    values.release(code, space, opposite)
    assert isinstance(result, Exact)
    return Exact(result.slot, result.present, 0, max(abs(form.low), abs(form.high)), result.wide)


def exact(code: Assembly, space: int, function: str, form: Exact, places: int) -> Exact:
    """Whole numbers of units divided by 10^places and rounded."""
    divisor = 10**places
    which = op.ROUNDINGS.index(function)
    present = code.both(space, form.present, None)
    low, high = form.low // divisor, form.high // divisor + 1
    if not form.wide and divisor <= LARGEST:
        slot = code.slots[space].take()
        code.emit(op.ROUND_EXACT, space, slot, form.slot, which, divisor)
        return Exact(slot, present, low, high)
    wide = values.widened(code, space, form)
    slot = code.slots[space].take(2)
    code.emit(op.ROUND_WIDE, space, slot, wide.slot, which, divisor >> 64, signed64(divisor))
    values.release(code, space, wide)
    return Exact(slot, present, low, high, True)


def floats(code: Assembly, space: int, function: str, form: Float, places: int) -> Float:
    """Floats rounded to so many places."""
    held = values.in_slot(code, space, form)
    slot = code.slots[space].take()
    code.emit(op.ROUND_FLOAT, space, slot, held.operand, op.ROUNDINGS.index(function), float_bits(float(10**places)))
    values.release(code, space, held)
    return Float(op.SLOT, slot)
