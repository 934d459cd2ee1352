"""Distances as instructions."""

from __future__ import annotations

from collections.abc import Sequence

from segkernel.kernel import operations as op
from segkernel.link import values
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Float


def distance(code: Assembly, space: int, coordinates: Sequence[Float]) -> Float:
    """The kilometres between two places: latitude and longitude of one, then of the other."""
    held = [values.in_slot(code, space, each) for each in coordinates]
    slot = code.slots[space].take()
    code.emit(op.DISTANCE, space, slot, *(each.operand for each in held))
    for each in held:
        values.release(code, space, each)
    return Float(op.SLOT, slot)
