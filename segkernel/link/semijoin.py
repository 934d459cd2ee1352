"""Values held against the values of rows of the same owner, both brought into one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl.typesystem import NUMBER
from segkernel.kernel import operations as op
from segkernel.link import pairing, testing, values
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Coded, Exact, Float
from segkernel.plan.program import Node

if TYPE_CHECKING:
    from segkernel.link.linking import Linker


def within(linker: Linker, node: Node) -> int:
    """The register of the values that one of the rows of the same owner has too."""
    _, space, owners, rows, where, listed, probe = node
    code = linker.code
    sides = ((rows, listed), (space, probe))
    forms = [linker.forms[number] for _, number in sides]
    if all(isinstance(form, Coded) and form.column.type.kind == "text" for form in forms):
        keys = _texts(code, [(each, linker.text(number)) for each, number in sides])
    elif all(isinstance(form, Float) for form in forms):
        keys = [_floats(code, each, linker.float(number)) for each, number in sides]
    else:
        keys = [
            _whole(code, each, linker.float(number)) if isinstance(form, Float) else _held(code, each, linker.exact(number))
            for (each, number), form in zip(sides, forms, strict=True)
        ]
    if any(key.wide for key in keys):
        keys = [_widened(code, each, key) for (each, _), key in zip(sides, keys, strict=True)]
    wide = keys[0].wide
    kept = code.both(rows, None if where is None else linker.registers[where], keys[0].present)
    target = code.always(space, False)
    scratch = code.slots[rows].take(2 if wide else 1)
    code.emit(op.EXTRACT, rows, 0, -1 if kept is None else kept)
    own = 0 if space == owners else linker.below(space, owners).owners
    at = code.further(keys[1].slot, linker.below(rows, owners).owners, own, scratch)
    code.emit(op.WITHIN, rows, target, keys[0].slot, space, int(wide), at)
    code.slots[rows].drop(scratch, 2 if wide else 1)
    if kept is not None:
        code.registers[rows].drop(kept)
    known = [] if keys[1].present is None else [code.registers[space].keep(keys[1].present)]
    for (each, _), key in zip(sides, keys, strict=True):
        values.release(code, each, key)
    return pairing.narrowed(linker, space, target, known)


def _texts(code: Assembly, sides: list[tuple[int, Coded]]) -> list[Exact]:
    """Texts as codes of one alphabet."""
    target = values.alphabet([form.column for _, form in sides], [])
    found = []
    for space, form in sides:
        spelled = values.respelled(code, space, form, target)
        found.append(Exact(spelled.operand, testing.present(code, space, spelled), 0, target.top))
    return found


def _floats(code: Assembly, space: int, form: Float) -> Exact:
    """Floats by their bits; the sum with zero makes one zero of both."""
    nothing = values.constant(code, space, NUMBER, 0.0)
    assert isinstance(nothing, Float)
    found = values.float_arithmetic(code, space, "+", form, nothing)
    values.release(code, space, nothing)
    return Exact(found.operand, testing.present(code, space, found), 0, 0)


def _whole(code: Assembly, space: int, form: Float) -> Exact:
    """Floats as the whole numbers that they are; others are not present."""
    near = values.rounded(code, space, form)
    assert near.present is not None
    back, given = values.as_float(code, space, near, 0), values.in_slot(code, space, form)
    same = code.registers[space].take()
    code.emit(op.COMPARE, space, same, back.operand, given.operand, op.COMPARISONS.index("="), 1)
    present = code.combined(op.AND, space, [same, near.present])
    code.registers[space].drop(same)
    code.registers[space].drop(near.present)
    values.release(code, space, back)
    values.release(code, space, given)
    return Exact(near.slot, present, near.low, near.high, near.wide)


def _held(code: Assembly, space: int, form: Exact) -> Exact:
    """A node's own numbers, held once more."""
    for slot in range(form.slot, form.slot + (2 if form.wide else 1)):
        code.slots[space].keep(slot)
    if form.present is not None:
        code.registers[space].keep(form.present)
    return form


def _widened(code: Assembly, space: int, form: Exact) -> Exact:
    found = values.widened(code, space, form)
    values.release(code, space, form)
    return found
