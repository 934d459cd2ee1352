"""Values as instructions: columns into slots, arithmetic at the width that it needs, choice, texts by one alphabet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from segdsl.typesystem import Type
from segkernel.data.columns import Column
from segkernel.data.lexicon import Lexicon
from segkernel.errors import DataError
from segkernel.kernel import operations as op
from segkernel.link import testing
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import BEYOND, SMALLEST, Coded, Exact, Float, Form, fits
from segkernel.link.vocabulary import Vocabulary, open_column, places, texts_of, union
from segkernel.plan.slots import Slot

OPERATIONS = {"+": 0, "-": 1, "*": 2, "/": 3}
INSTANTS = 1 << 62
"""How far from 1970 a time that only a run knows may lie where it is reckoned with, in nanoseconds: the years 1824 to 2116."""


def release(code: Assembly, space: int, form: Form) -> None:
    """Gives back what a form holds."""
    if isinstance(form, Exact):
        code.slots[space].drop(form.slot, 2 if form.wide else 1)
        if form.present is not None:
            code.registers[space].drop(form.present)
    elif form.place == op.SLOT:
        code.slots[space].drop(form.operand)


def exact(code: Assembly, space: int, form: Coded) -> Exact:
    """The whole numbers that codes stand for."""
    column = form.column
    present = testing.present(code, space, form) if column.missing or form.place == op.SLOT else None
    if not column.top:
        slot = code.slots[space].take()
        code.emit(op.FILL, space, slot, 0)
        return Exact(slot, present, 0, 0)
    low, high = column.value(1), column.value(column.top)
    narrow = fits(low, high)
    slot = code.slots[space].take(1 if narrow else 2)
    if column.values is not None:
        numbers = (0, *column.values)
        if narrow:
            table = code.table(np.array(numbers, np.int64))
        else:
            table = code.table(np.array([[each >> 64, signed64(each)] for each in numbers], np.int64))
        code.emit(op.RECODE if narrow else op.RECODE_WIDE, space, slot, form.operand, form.width, table, form.place)
    elif narrow:
        at = code.further(signed64(column.base), signed64(column.step))
        code.emit(op.LOAD, space, slot, form.operand, form.width, at, form.place)
    else:
        at = code.further(*parts(column.base), *parts(column.step))
        code.emit(op.LOAD_WIDE, space, slot, form.operand, form.width, at, form.place)
    return Exact(slot, present, low, high, not narrow)


def parts(value: int) -> tuple[int, int]:
    """The high and the low part of a number of 128 bits."""
    return value >> 64, signed64(value)


def constant(code: Assembly, space: int, kind: Type, value: Any) -> Form:
    """A slot filled with one value."""
    if kind.kind == "number":
        slot = code.slots[space].take()
        code.emit(op.FILL, space, slot, float_bits(math.nan if value is None else value))
        return Float(op.SLOT, slot)
    if value is None:
        slot = code.slots[space].take()
        code.emit(op.FILL, space, slot, 0)
        return Exact(slot, code.always(space, False), 0, 0)
    if isinstance(value, Slot):
        slot = code.slots[space].take()
        row = code.emit(op.FILL, space, slot, 0)
        code.patch(row, 0, _within, value)
        return Exact(slot, None, -INSTANTS, INSTANTS)
    narrow = fits(value, value)
    slot = code.slots[space].take(1 if narrow else 2)
    code.emit(op.FILL, space, slot, signed64(value) if narrow else value >> 64)
    if not narrow:
        code.emit(op.FILL, space, slot + 1, signed64(value))
    return Exact(slot, None, value, value, not narrow)


def _within(time: int) -> tuple[int]:
    if abs(time) > INSTANTS:
        raise DataError("the rules reckon with a time of this run that lies outside of the years 1824 to 2116")
    return (time,)


def widened(code: Assembly, space: int, form: Exact) -> Exact:
    """The same numbers in 128 bits; a new form in any case."""
    if form.wide:
        code.slots[space].keep(form.slot)
        code.slots[space].keep(form.slot + 1)
    slot = form.slot if form.wide else code.slots[space].take(2)
    if not form.wide:
        code.emit(op.WIDEN, space, slot, form.slot)
    if form.present is not None:
        code.registers[space].keep(form.present)
    return Exact(slot, form.present, form.low, form.high, True)


def narrowed(code: Assembly, space: int, form: Exact) -> Exact:
    """A wide form of the caller's own in one slot, if 64 bits hold all its numbers: their low parts."""
    if not fits(form.low, form.high):
        return form
    code.slots[space].drop(form.slot)
    return Exact(form.slot + 1, form.present, form.low, form.high)


def arithmetic(code: Assembly, space: int, kind: Type, operation: str, a: Exact, b: Exact, node: int) -> Exact:
    """An exact sum, difference or product; wide, and checked by the kernel, where 64 bits may not hold it."""
    ends = [_applied(operation, x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(ends), max(ends)
    present = code.both(space, a.present, b.present)
    if not a.wide and not b.wide and fits(low, high):
        slot = code.slots[space].take()
        code.emit(op.COMPUTE, space, slot, a.slot, b.slot, OPERATIONS[operation])
        return Exact(slot, present, low, high)
    x, y = widened(code, space, a), widened(code, space, b)
    slot = code.slots[space].take(2)
    whole = kind.kind == "whole"
    row = code.emit(op.COMPUTE_WIDE, space, slot, x.slot, y.slot, OPERATIONS[operation], -1 if present is None else present, int(whole))
    code.places[row] = node
    release(code, space, x)
    release(code, space, y)
    least, most = (SMALLEST, (1 << 64) - 1) if whole else (-BEYOND, BEYOND - 1)
    return Exact(slot, present, max(low, least), min(high, most), True)


def _applied(operation: str, x: int, y: int) -> int:
    return x + y if operation == "+" else x - y if operation == "-" else x * y


def as_float(code: Assembly, space: int, form: Exact, scale: int) -> Float:
    """The nearest floats of numbers in units of 10^-scale."""
    slot = code.slots[space].take()
    what = op.WIDE_TO_FLOAT if form.wide else op.TO_FLOAT
    code.emit(what, space, slot, form.slot, -1 if form.present is None else form.present, float_bits(float(10**scale)))
    return Float(op.SLOT, slot)


def in_slot(code: Assembly, space: int, form: Float) -> Float:
    """Floats in a slot of their own or held once more."""
    if form.place == op.SLOT:
        code.slots[space].keep(form.operand)
        return form
    slot = code.slots[space].take()
    code.emit(op.LOAD_FLOAT, space, slot, form.operand)
    return Float(op.SLOT, slot)


def float_arithmetic(code: Assembly, space: int, operation: str, a: Float, b: Float) -> Float:
    """IEEE arithmetic; NaN results and quotients by zero are missing."""
    x, y = in_slot(code, space, a), in_slot(code, space, b)
    slot = code.slots[space].take()
    code.emit(op.COMPUTE_FLOAT, space, slot, x.operand, y.operand, OPERATIONS[operation])
    release(code, space, x)
    release(code, space, y)
    return Float(op.SLOT, slot)


def divided(code: Assembly, space: int, a: Exact, b: Exact) -> Exact:
    """The nearest whole numbers to quotients, ties to even; missing where the divisor is 0."""
    present = own_register(code, space, [each for each in (a.present, b.present) if each is not None])
    x, y = widened(code, space, a), widened(code, space, b)
    slot = code.slots[space].take(2)
    code.emit(op.DIVIDE, space, slot, x.slot, y.slot, present)
    release(code, space, x)
    release(code, space, y)
    most = max(abs(a.low), abs(a.high))
    return narrowed(code, space, Exact(slot, present, -most, most, True))


def rounded(code: Assembly, space: int, form: Float) -> Exact:
    """The nearest whole numbers to floats, ties to even."""
    held = in_slot(code, space, form)
    present = own_register(code, space, [])
    slot = code.slots[space].take(2)
    code.emit(op.ROUND, space, slot, held.operand, 0, present)
    release(code, space, held)
    return Exact(slot, present, -BEYOND, BEYOND - 1, True)


def own_register(code: Assembly, space: int, registers: Sequence[int]) -> int:
    """The `and` of registers in a register that may be written to."""
    everything = code.always(space, True)
    if not registers:
        return everything
    target = code.combined(op.AND, space, [everything, *registers])
    code.registers[space].drop(everything)
    return target


def selected(code: Assembly, space: int, where: int, yes: Form, no: Form) -> Form:
    """`yes` where the register is set, else `no`; both of one kind (and, of codes, of one column)."""
    if isinstance(yes, Float) and isinstance(no, Float):
        p, q = in_slot(code, space, yes), in_slot(code, space, no)
        slot = code.slots[space].take()
        code.emit(op.SELECT, space, slot, p.operand, q.operand, where)
        release(code, space, p)
        release(code, space, q)
        return Float(op.SLOT, slot)
    if isinstance(yes, Coded) and isinstance(no, Coded):
        slot = code.slots[space].take()
        code.emit(op.SELECT, space, slot, yes.operand, no.operand, where)
        return Coded(yes.column, op.SLOT, slot, 8)
    assert isinstance(yes, Exact)
    assert isinstance(no, Exact)
    wide = yes.wide or no.wide
    x, y = (widened(code, space, each) if wide else each for each in (yes, no))
    slot = code.slots[space].take(2 if wide else 1)
    for part in range(2 if wide else 1):
        code.emit(op.SELECT, space, slot + part, x.slot + part, y.slot + part, where)
    if wide:
        release(code, space, x)
        release(code, space, y)
    return Exact(slot, _selected_present(code, space, where, yes.present, no.present), min(yes.low, no.low), max(yes.high, no.high), wide)


def _selected_present(code: Assembly, space: int, where: int, yes: int | None, no: int | None) -> int | None:
    if yes is None and no is None:
        return None
    registers = code.registers[space]
    inside = registers.keep(where) if yes is None else code.combined(op.AND, space, [where, yes])
    all_rows = code.always(space, True) if no is None else registers.keep(no)
    beside = registers.take()
    code.emit(op.WITHOUT, space, beside, all_rows, where)
    target = code.combined(op.OR, space, [inside, beside])
    for register in (inside, all_rows, beside):
        registers.drop(register)
    return target


# ---- texts


def alphabet(columns: Sequence[Column], constants: Sequence[str]) -> Column:
    """The column kind whose codes hold the texts of several columns and constants; in order, unless texts are yet to come."""
    parts = [texts_of(column) for column in columns]
    texts = union([*parts, Lexicon.of(constants)] if constants else parts)
    kind = columns[0].type if columns else Type("text")
    if isinstance(texts, Vocabulary):
        return open_column(kind, texts)
    return Column(type=kind, rows=0, codes=np.zeros(0, np.uint64), values=texts, top=len(texts), missing=1)


def respelled(code: Assembly, space: int, form: Coded, target: Column) -> Coded:
    """Codes of one column as codes of an alphabet that has all its texts."""
    slot = code.slots[space].take()
    table = places(texts_of(form.column), texts_of(target))
    code.emit(op.RECODE, space, slot, form.operand, form.width, code.table(table), form.place)
    return Coded(target, op.SLOT, slot, 8)


def spelled(code: Assembly, space: int, text: str | None, target: Column) -> Coded:
    """One text as a code of an alphabet."""
    slot = code.slots[space].take()
    code.emit(op.FILL, space, slot, 0 if text is None else target.code(text))
    return Coded(target, op.SLOT, slot, 8)
