"""Aggregates as instructions: the rows of one `where` are listed once, then visited for each accumulator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from segdsl.typesystem import DURATION, WHOLE, Type
from segkernel.data.columns import Column, aligned
from segkernel.kernel import operations as op
from segkernel.kernel.operations import RECODED
from segkernel.link import testing
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float, Form, fits
from segkernel.link.source import Source
from segkernel.link.values import constant, narrowed, own_register, parts, release, selected
from segkernel.plan.program import Chain

HUGE = 2.0**960


class Owned:
    """The rows of one space seen from the rows of another: the owner of each, and where each owner's rows start.

    `owner` uint32[rows], padded as codes are; `starts` int64[owners + 1]; `most` is the largest number of rows of one
    owner.
    """

    def __init__(self, dataset: Source, chain: Chain, above: Chain) -> None:
        space = dataset.space(chain)
        owner, starts = space.owner, space.offsets
        assert owner is not None
        assert starts is not None
        while len(space.chain) > len(above) + 1:
            space = space.parent  # type: ignore[assignment]
            assert space.owner is not None
            assert space.offsets is not None
            composed = aligned(owner.size, np.uint32)
            np.take(space.owner, owner, out=composed)
            owner, starts = composed, starts[space.offsets]
        self.owner, self.starts = owner, np.ascontiguousarray(starts)
        self.owners = int(owner.ctypes.data)
        self.most = int(np.diff(starts).max()) if starts.size > 1 else 0


class Visits:
    """The accumulators of the rows of one `where`, each made once."""

    def __init__(self, code: Assembly, rows: int, space: int, where: int | None, owned: Owned) -> None:
        self.code, self.rows, self.space, self.where, self.owned = code, rows, space, where, owned
        self.made: dict[Any, Exact] = {}
        self.wraps: dict[int, int] = {}
        """Slots of wide sums that 128 bits may not hold, and of how often they wrapped."""
        self.held: list[Float] = []
        """What was made of the rows' values for this family."""
        self.listed = False

    def hold(self, form: Float) -> None:
        """Keeps a form of the rows' space until `drop`, since accumulators are known by what they are of."""
        self.held.append(form)

    def drop(self) -> None:
        """Gives back the accumulators that only this family held."""
        for number in self.held:
            release(self.code, self.rows, number)
        for form in self.made.values():
            self.code.slots[self.space].drop(form.slot, 2 if form.wide else 1)
        for slot in self.wraps.values():
            self.code.slots[self.space].drop(slot)

    def visit(
        self, kind: int, slot: int, address: int = 0, width: int = 1, base: int = 0, step: int = 0, *further: int, place: int = op.COLUMN
    ) -> None:
        """Visits the listed rows; they are listed first, where no visit was before."""
        code = self.code
        if not self.listed:
            code.emit(op.EXTRACT, self.rows, 0, -1 if self.where is None else self.where)
            self.listed = True
        at = code.further(kind, base, step, self.owned.owners, *further)
        code.emit(op.VISIT, self.rows, slot, address, self.space, width, at, place)

    def slot(self, bits: int = 0, count: int = 1) -> int:
        """Slots of the owners, in a row, filled."""
        slot = self.code.slots[self.space].take(count)
        for each in range(slot, slot + count):
            self.code.emit(op.FILL, self.space, each, bits)
        return slot

    def any(self) -> int:
        """The register of the owners that have such a row."""
        code = self.code
        if self.where is None:
            return testing.in_range(code, self.space, self.count(None), 1, None)
        target = code.always(self.space, False)
        if not self.listed:
            code.emit(op.EXTRACT, self.rows, 0, self.where)
            self.listed = True
        code.emit(op.ANY, self.rows, target, 0, self.space, 0, self.owned.owners)
        return target

    def count(self, value: Form | None) -> Exact:
        """How many rows, or how many with a present value; exact numbers are visited only where they are present."""
        every = value is None or isinstance(value, Exact)
        if isinstance(value, Coded):
            every = value.place == op.COLUMN and not value.column.missing
        key = ("count", None if value is None or isinstance(value, Exact) or every else value.operand)
        if key not in self.made:
            if every and self.where is None:
                slot = self.code.slots[self.space].take()
                self.code.emit(op.SPAN, self.space, slot, self.code.table(self.owned.starts))
            else:
                slot = self.slot()
                if every:
                    self.visit(op.COUNT_ROWS, slot)
                elif isinstance(value, Coded):
                    self.visit(op.COUNT_PRESENT, slot, value.operand, value.width, place=value.place)
                else:
                    assert isinstance(value, Float)
                    self.visit(op.FLOAT_COUNT, slot, value.operand, 8, place=value.place)
            self.made[key] = Exact(slot, None, 0, self.owned.most)
        return self.made[key]

    def total(self, value: Coded | Exact) -> Exact:
        """The exact sum."""
        key = ("sum", value.operand if isinstance(value, Coded) else value.slot)
        if key not in self.made:
            self.made[key] = self._total(value, value.column) if isinstance(value, Coded) else self._total_exact(value)
        return self.made[key]

    def _total_exact(self, value: Exact) -> Exact:
        low, high = min(0, value.low * self.owned.most), max(0, value.high * self.owned.most)
        if not value.wide and fits(low, high):
            slot = self.slot()
            self.visit(op.EXACT_SUM, slot, value.slot, 8, place=op.SLOT)
            return Exact(slot, None, low, high)
        wraps = low < -BEYOND or high >= BEYOND
        slot = self.slot(0, 3 if wraps else 2)
        if wraps:
            self.wraps[slot] = slot + 2
        self.visit(op.EXACT_SUM_WIDE, slot, value.slot, 8, int(value.wide), int(wraps), place=op.SLOT)
        return Exact(slot, None, max(low, -BEYOND), min(high, BEYOND - 1), True)

    def _total(self, value: Coded, column: Column) -> Exact:
        most = self.owned.most
        least, largest = ends(column)
        low, high = min(0, least * most), max(0, largest * most)
        if fits(min(low, least), max(high, largest)):
            slot = self.slot()
            if column.values is not None:
                table = np.array((0, *column.values), np.int64)
                self.visit(RECODED + op.SUM, slot, value.operand, value.width, self.code.table(table), place=value.place)
            else:
                self.visit(op.SUM, slot, value.operand, value.width, signed64(column.base), signed64(column.step), place=value.place)
            return Exact(slot, None, low, high)
        wraps = low < -BEYOND or high >= BEYOND
        slot = self.slot(0, 3 if wraps else 2)
        if wraps:
            self.wraps[slot] = slot + 2
        further = (*parts(column.base), *parts(column.step), 0, int(wraps))
        if column.values is not None:
            cells = np.array([[each >> 64, signed64(each)] for each in (0, *column.values)], np.int64)
            further = (0, 0, 0, 0, self.code.table(cells), int(wraps))
        self.visit(op.SUM_WIDE, slot, value.operand, value.width, 0, 0, *further, place=value.place)
        return Exact(slot, None, max(low, -BEYOND), min(high, BEYOND - 1), True)

    def float_total(self, value: Float, huge: bool) -> Float:
        """The sum of floats, rounded once."""
        code = self.code
        parts_count = 6 if huge else 3
        first = self.slot(0, parts_count)
        self.visit(op.FLOAT_SUM_ANY if huge else op.FLOAT_SUM, first, value.operand, 8, place=value.place)
        slot = code.slots[self.space].take()
        code.emit(op.FLOAT_TOTAL, self.space, slot, first, int(huge))
        code.slots[self.space].drop(first, parts_count)
        return Float(op.SLOT, slot)

    def aggregate(self, function: str, kind: Type, value: Form | None, scale: int, huge: bool, node: int) -> Form:
        """The form of one aggregate over values in units of 10^-scale; the caller holds it."""
        code, space = self.code, self.space
        if function == "count":
            return self._held(self.count(value))
        if function in ("min", "max"):
            return self._extreme(value, function == "max")
        if isinstance(value, Float):
            total = self.float_total(value, huge)
            if function == "sum":
                return total
            slot = code.slots[space].take()
            code.emit(op.AVERAGE, space, slot, total.operand, self.count(value).slot, 1, float_bits(1.0))
            code.slots[space].drop(total.operand)
            return Float(op.SLOT, slot)
        assert value is not None
        whole = self.total(value)
        wraps = self.wraps.get(whole.slot)
        if function == "sum":
            if wraps is not None:
                code.places[code.emit(op.CHECK_WRAPS, space, 0, wraps)] = node
            if whole.wide and kind.kind == "whole":
                code.places[code.emit(op.CHECK_WHOLE, space, 0, whole.slot, 0, 0, -1)] = node
            return self._held(whole)
        if kind == DURATION:
            return self._mean(whole, value)
        slot = code.slots[space].take()
        unit = float_bits(float(10**scale))
        code.emit(op.AVERAGE, space, slot, whole.slot, self.count(value).slot, 3 if wraps is not None else 2 if whole.wide else 0, unit)
        return Float(op.SLOT, slot)

    def _mean(self, total: Exact, value: Coded | Exact) -> Exact:
        """The mean as a whole number of units; no mean lies beyond the values."""
        code, space = self.code, self.space
        present = own_register(code, space, [])
        slot = code.slots[space].take(2)
        kind = 3 if total.slot in self.wraps else 2 if total.wide else 0
        code.emit(op.MEAN, space, slot, total.slot, self.count(value).slot, present, kind)
        low, high = (value.low, value.high) if isinstance(value, Exact) else ends(value.column)
        return narrowed(code, space, Exact(slot, present, low, high, True))

    def _held(self, form: Exact) -> Exact:
        self.code.slots[self.space].keep(form.slot)
        if form.wide:
            self.code.slots[self.space].keep(form.slot + 1)
        return form

    def _extreme(self, value: Form | None, largest: bool) -> Form:
        if isinstance(value, Float):
            slot = self.slot(float_bits(math.nan))
            self.visit(op.FLOAT_LARGEST if largest else op.FLOAT_SMALLEST, slot, value.operand, 8, place=value.place)
            return Float(op.SLOT, slot)
        if isinstance(value, Exact):
            return self._extreme_exact(value, largest)
        assert isinstance(value, Coded)
        slot = self.slot()
        self.visit(op.LARGEST if largest else op.SMALLEST, slot, value.operand, value.width, place=value.place)
        return Coded(value.column, op.SLOT, slot, 8)

    def _extreme_exact(self, value: Exact, largest: bool) -> Exact:
        """The extreme of numbers in a slot; owners without any have a number in range, and are not present."""
        code, space = self.code, self.space
        slot = self.slot(SMALLEST if largest else LARGEST, 2 if value.wide else 1)
        if value.wide:
            code.emit(op.FILL, space, slot + 1, 0 if largest else -1)
            self.visit(op.WIDE_LARGEST if largest else op.WIDE_SMALLEST, slot, value.slot, 8, place=op.SLOT)
        else:
            self.visit(op.EXACT_LARGEST if largest else op.EXACT_SMALLEST, slot, value.slot, 8, place=op.SLOT)
        present = self.any()
        found = Exact(slot, None, value.low, value.high, value.wide)
        filler = constant(code, space, WHOLE, value.low)
        result = selected(code, space, present, found, filler)
        release(code, space, found)
        release(code, space, filler)
        assert isinstance(result, Exact)
        return Exact(result.slot, present, result.low, result.high, result.wide)


def ends(column: Column) -> tuple[int, int]:
    """The smallest and the largest value of a column; 0 where it has none."""
    return (column.value(1), column.value(column.top)) if column.top else (0, 0)


def is_huge(column: Column) -> bool:
    """Whether a float column has infinities, or values so large that their sum may leave the floats on the way."""
    values = column.codes[: column.rows]
    if not values.size:
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.nanmax(np.abs(values), initial=0.0) > HUGE)
