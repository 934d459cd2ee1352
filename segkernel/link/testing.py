"""Conditions on one value: each becomes a register by the cheapest instructions that its form allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import Column
from segkernel.data.lexicon import Lexicon
from segkernel.kernel import operations as op
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float, Form
from segkernel.link.vocabulary import Vocabulary
from segkernel.plan.slots import Slot

MANY_RANGES = 4
MANY_CODES = 1 << 32
"""Beyond so many codes no table has a place for each."""
MANY_TEXTS = 64
"""So many texts are found sooner together than one by one."""


def in_range(code: Assembly, space: int, form: Form, low: Any, high: Any) -> int:
    """The register of low <= value < high; None is an open end, a Slot is known at a run."""
    if isinstance(form, Float):
        return _float_range(code, space, form, low, high)
    if isinstance(form, Coded):
        texts = form.column.values
        if isinstance(texts, Vocabulary) and (low is not None or high is not None):
            return by_bits(code, space, form, texts.bits((), "range", (low, high, False), True))
        return _code_range(code, space, form, low, high)
    within = _wide_range(code, space, form, low, high) if form.wide else _slot_range(code, space, form, low, high)
    return _and_present(code, space, form, within)


def outside(code: Assembly, space: int, form: Form, low: Any, high: Any) -> int:
    """The register of the present values that are not in the range."""
    if isinstance(form, Coded) and form.width == 1 and form.place == op.COLUMN and not isinstance(low, Slot) and not isinstance(high, Slot):
        column = form.column
        inside = range(column.at_least(low), column.at_least(high))
        numbers = np.arange(1, column.top + 1)
        return _code_set(code, space, form, numbers[(numbers < inside.start) | (numbers >= inside.stop)])
    return either(code, space, [in_range(code, space, form, None, low), in_range(code, space, form, high, None)])


def among(code: Assembly, space: int, form: Form, values: Iterable[Any], wanted: bool) -> int:
    """The register of the values in a set, or of the present values that are not in it."""
    if isinstance(form, Coded):
        if isinstance(form.column.values, Vocabulary):
            return by_bits(code, space, form, form.column.values.bits((), "among", tuple(values), wanted))
        if form.column.top <= MANY_CODES:
            holds = np.zeros(form.column.top + 1, np.bool_)
            holds[_codes_of(form.column, values)] = True
            return chosen(code, space, form, holds[1:] == wanted)
    found = code.always(space, False)
    for value in values:
        found = either(code, space, [found, in_range(code, space, form, value, value + 1)])
    if wanted:
        return found
    known = present(code, space, form)
    target = code.registers[space].take()
    code.emit(op.WITHOUT, space, target, known, found)
    for register in (known, found):
        code.registers[space].drop(register)
    return target


def chosen(code: Assembly, space: int, form: Coded, which: NDArray[np.bool_]) -> int:
    """The register of some of a column's values: `which` says of each, in order, whether it is one."""
    return _code_set(code, space, form, np.flatnonzero(which) + 1)


def present(code: Assembly, space: int, form: Form) -> int:
    """The register of the rows that are not missing."""
    return in_range(code, space, form, None, None)


def missing(code: Assembly, space: int, form: Form) -> int:
    """The register of the missing rows."""
    if isinstance(form, Coded):
        return _codes(code, space, form, 0, 0)
    known = present(code, space, form)
    target = code.inverted(space, known)
    code.registers[space].drop(known)
    return target


# ---- coded


def _codes_of(column: Column, values: Iterable[Any]) -> Any:
    """The codes of some values, 0 for those that a column does not have."""
    sought = list(values)
    if isinstance(column.values, Lexicon) and len(sought) > MANY_TEXTS:
        return column.values.codes(sought)
    return [column.code(value) for value in sought]


def _codes(code: Assembly, space: int, form: Coded, low: int, high: int) -> int:
    """The register of the codes low to high."""
    if low > high:
        return code.always(space, False)
    target = code.registers[space].take()
    code.emit(op.RANGE, space, target, form.operand, signed64(low), signed64(high - low), form.width, form.place)
    return target


def _code_range(code: Assembly, space: int, form: Coded, low: Any, high: Any) -> int:
    column = form.column
    if not isinstance(low, Slot) and not isinstance(high, Slot):
        return _codes(
            code, space, form, 1 if low is None else column.at_least(low), column.top if high is None else column.at_least(high) - 1
        )
    target = code.registers[space].take()
    row = code.emit(op.RANGE, space, target, form.operand, 0, 0, form.width, form.place)
    code.patch(row, 1, _code_operands(column, form.width), low, high)
    return target


def _code_operands(column: Column, width: int) -> Callable[[Any, Any], tuple[int, ...]]:
    """Low and span of a range that a run knows; an empty one is the code that no value has."""
    nothing = (signed64((1 << 8 * width) - 1), 0)

    def operands(low: Any, high: Any) -> tuple[int, ...]:
        first = 1 if low is None else column.at_least(low)
        last = column.top if high is None else column.at_least(high) - 1
        return nothing if first > last else (signed64(first), signed64(last - first))

    return operands


def _code_set(code: Assembly, space: int, form: Coded, ordered: NDArray[np.intp]) -> int:
    """The register of some codes, ascending: as few ranges, as a byte shuffle, or by a bitset."""
    if not ordered.size:
        return code.always(space, False)
    gaps = np.flatnonzero(np.diff(ordered) != 1)
    if not gaps.size:
        return _codes(code, space, form, int(ordered[0]), int(ordered[-1]))
    target_of = code.registers[space].take
    if form.width == 1 and form.place == op.COLUMN:
        table = np.zeros(32, np.uint8)
        for each in ordered.tolist():
            table[(each & 15) + 16 * (each >> 7)] |= 1 << ((each >> 4) & 7)
        few = form.column.top < 64
        meant = signed64(sum(1 << each for each in ordered.tolist())) if few else 0
        target = target_of()
        code.emit(op.SET8, space, target, form.operand, code.table(table), meant, int(few))
        return target
    if gaps.size < MANY_RANGES:
        firsts, lasts = ordered[np.append(0, gaps + 1)].tolist(), ordered[np.append(gaps, -1)].tolist()
        return either(code, space, [_codes(code, space, form, *run) for run in zip(firsts, lasts, strict=True)])
    flags = np.zeros(form.column.top + 64, np.bool_)
    flags[ordered] = True
    return by_bits(code, space, form, np.packbits(flags, bitorder="little"))


def by_bits(code: Assembly, space: int, form: Coded, bits: NDArray[np.uint8]) -> int:
    """The register of the codes whose bit is set in a table."""
    target = code.registers[space].take()
    code.emit(op.CODES, space, target, form.operand, code.table(bits), form.width, 0, form.place)
    return target


def either(code: Assembly, space: int, registers: list[int]) -> int:
    """The `or` of registers that nobody else needs."""
    target = code.combined(op.OR, space, registers)
    for register in registers:
        code.registers[space].drop(register)
    return target


# ---- exact


def _and_present(code: Assembly, space: int, form: Exact, within: int) -> int:
    if form.present is None:
        return within
    target = code.combined(op.AND, space, [within, form.present])
    code.registers[space].drop(within)
    return target


def _slot_range(code: Assembly, space: int, form: Exact, low: Any, high: Any) -> int:
    def operands(first: Any, after: Any) -> tuple[int, ...] | None:
        first = SMALLEST if first is None else max(first, SMALLEST)
        last = LARGEST if after is None else min(after - 1, LARGEST)
        return None if first > last else (signed64(first), signed64(last - first))

    if not isinstance(low, Slot) and not isinstance(high, Slot):
        found = operands(low, high)
        if found is None:
            return code.always(space, False)
        target = code.registers[space].take()
        code.emit(op.RANGE, space, target, form.slot, *found, 8, op.SLOT)
        return target
    target = code.registers[space].take()
    row = code.emit(op.RANGE, space, target, form.slot, 0, 0, 8, op.SLOT)
    beyond = signed64(form.high + 1 if form.high < LARGEST else form.low - 1)
    code.patch(row, 1, lambda first, after: operands(first, after) or (beyond, 0), low, high)
    return target


def _wide_range(code: Assembly, space: int, form: Exact, low: Any, high: Any) -> int:
    def operands(first: Any, after: Any) -> tuple[int, ...]:
        first = -BEYOND if first is None else max(first, -BEYOND)
        last = BEYOND - 1 if after is None else min(after - 1, BEYOND - 1)
        if first > last:
            first, last = BEYOND - 1, -BEYOND
        return first >> 64, signed64(first), last >> 64, signed64(last)

    target = code.registers[space].take()
    known = not isinstance(low, Slot) and not isinstance(high, Slot)
    at = code.further(*(operands(low, high) if known else (0, 0, 0, 0)))
    code.emit(op.WIDE_RANGE, space, target, form.slot, 0, at)
    if not known:
        code.patch_args(at, operands, low, high)
    return target


# ---- float


def _float_range(code: Assembly, space: int, form: Float, low: Any, high: Any) -> int:
    which = (1 if low is not None or high is None else 0) + (2 if high is not None else 0)
    target = code.registers[space].take()
    first = -math.inf if low is None else low
    code.emit(op.FLOAT_RANGE, space, target, form.operand, float_bits(first), float_bits(high or 0.0), which, form.place)
    return target
