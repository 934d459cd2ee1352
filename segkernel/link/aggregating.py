"""Aggregates as instructions: the rows of one `where` are listed once, then visited for each accumulator."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segdsl.typesystem import DURATION, WHOLE, Type
from segkernel.data.columns import Column
from segkernel.kernel import operations as op
from segkernel.kernel.entries import accumulators
from segkernel.link import testing
from segkernel.link.assembly import Assembly, float_bits, signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float, Form, fits
from segkernel.link.values import constant, narrowed, own_register, parts, release, selected


class Owned:
    """The rows of one space seen from the rows of another: the owner of each, and where each owner's rows start.

    `owner` uint32[rows], padded as codes are; `starts` int64[owners + 1]; `most` is the largest number of rows of one
    owner.
    """

    def __init__(self, owner: NDArray[np.uint32], starts: NDArray[np.int64]) -> None:
        self.owner, self.starts = owner, starts
        self.owners = int(owner.ctypes.data)
        self.most = int(np.diff(starts).max()) if starts.size > 1 else 0


class Measure:
    """The accumulators of one column of the rows: which there are, in which slots, and at which step each is needed last."""

    def __init__(self, form: Coded | Float, base: int, step: int) -> None:
        self.form, self.base, self.step = form, base, step
        self.slots: dict[int, int] = {}
        self.last: dict[int, int] = {}


class Visits:
    """The accumulators of the rows of one `where`, each made once; those of a chain of them go on from step to step.

    What the aggregates of all steps need is told before (`prepare`). Then each step lists its rows (`begin`), adds them to the
    accumulators that it or a later step needs, and makes its results of them (`aggregate`, `any`).
    """

    def __init__(
        self, code: Assembly, rows: int, space: int, owned: Owned, everything: bool, cuts: dict[tuple[int, int], float | None]
    ) -> None:
        self.code, self.rows, self.space, self.owned, self.everything, self.cuts = code, rows, space, owned, everything, cuts
        """`everything`: there is no `where`. `cuts` are the numbers that cut the values of float columns, by address and most rows."""
        self.step = 0
        self.slots: dict[Any, tuple[int, int]] = {}
        """The accumulators by what they hold: first slot and how many."""
        self.last: dict[Any, int] = {}
        """The step that needs an accumulator last."""
        self.tasks: dict[Any, tuple[int, ...]] = {}
        """How to visit the rows for an accumulator that has its own visit: target and operands of VISIT."""
        self.measures: dict[int, Measure] = {}
        self.held: list[Float] = []
        """What was made of the rows' values for this family."""
        self.marked: int | None = None
        self.marking = -1
        self.where: int | None = None
        self.begun = self.listed = False

    def hold(self, form: Float) -> None:
        """Keeps a form of the rows' space until `drop`, since accumulators are known by what they are of."""
        self.held.append(form)

    def drop(self) -> None:
        """Gives back the accumulators."""
        for number in self.held:
            release(self.code, self.rows, number)
        for slot, count in self.slots.values():
            self.code.slots[self.space].drop(slot, count)
        if self.marked is not None:
            self.code.registers[self.space].drop(self.marked)

    # ---- steps

    def begin(self, step: int, where: int | None) -> None:
        """Adds the rows of a step, those of a register, to the accumulators that are needed from now on."""
        self.step, self.where, self.begun, self.listed = step, where, True, False
        needed = [(measure, [each for each, last in measure.last.items() if last >= step]) for measure in self.measures.values()]
        rows = ("rows",) in self.tasks and self.last["rows",] >= step
        for measure, some in needed:
            if rows and some and has_all(measure.form):
                measure.slots[op.COUNTED] = self.slots["rows",][0]
                some.append(op.COUNTED)
                rows = False
            if some:
                self._visit_measure(measure, some)
        for key, task in self.tasks.items():
            if self.last[key] >= step and (key != ("rows",) or rows):
                self._visit(task)
        if self.marking >= step:
            self._mark()

    def _visit(self, task: tuple[int, ...]) -> None:
        self._list()
        self.code.emit(op.VISIT, self.rows, *task)

    def _list(self) -> None:
        if not self.listed:
            self.code.emit(op.EXTRACT, self.rows, 0, -1 if self.where is None else self.where)
            self.listed = True

    def _visit_measure(self, measure: Measure, needed: list[int]) -> None:
        form, slots = measure.form, measure.slots
        kind, width = (op.OF_CODES, form.width) if isinstance(form, Coded) else (op.OF_FLOATS, 8)
        places = [slots.get(each, 0) for each in (op.COUNTED, op.SUMMED, op.GREATEST, op.LEAST)]
        at = self.code.further(kind, measure.base, measure.step, self.owned.owners, sum(needed), *places)
        self._visit((0, form.operand, self.space, width, at, form.place))

    def _mark(self) -> None:
        """The owners that have a row, of this step or one before."""
        code, before = self.code, self.marked
        self._list()
        self.marked = code.always(self.space, False)
        code.emit(op.ANY, self.rows, self.marked, 0, self.space, 0, self.owned.owners)
        if before is not None:
            self.marked = testing.either(code, self.space, [before, self.marked])

    def visit(self, key: Any, kind: int, slot: int, form: Form | None, base: int = 0, step: int = 0, *further: int) -> None:
        """Has the rows visited for one accumulator: at every step, or if this one has begun, now."""
        address, width, place = 0, 1, op.COLUMN
        if isinstance(form, Exact):
            address, width, place = form.slot, 8, op.SLOT
        elif form is not None:
            address, width, place = form.operand, form.width if isinstance(form, Coded) else 8, form.place
        at = self.code.further(kind, base, step, self.owned.owners, *further)
        task = (slot, address, self.space, width, at, place)
        if self.begun:
            self._visit(task)
        else:
            self.tasks[key] = task

    def slot(self, bits: int = 0, count: int = 1) -> int:
        """Slots of the owners, in a row, filled."""
        slot = self.code.slots[self.space].take(count)
        for each in range(slot, slot + count):
            self.code.emit(op.FILL, self.space, each, bits)
        return slot

    def _accumulator(self, key: Any, bits: int = 0, count: int = 1) -> tuple[int, bool]:
        """The first slot of an accumulator, needed now, and whether it is new."""
        self.last[key] = max(self.step, self.last.get(key, 0))
        new = key not in self.slots
        if new:
            self.slots[key] = self.slot(bits, count), count
        return self.slots[key][0], new

    def _measured(self, form: Coded | Float, which: int, base: int = 0, step: int = 0) -> int:
        """The slot of an accumulator that is visited along with the others of its measure."""
        parts_count = 2 if isinstance(form, Float) and which == op.SUMMED else 1
        bits = float_bits(math.nan) if isinstance(form, Float) and which in (op.GREATEST, op.LEAST) else 0
        slot, new = self._accumulator((which, form.operand), bits, parts_count)
        measure = self.measures.setdefault(form.operand, Measure(form, 0, 0))
        measure.slots[which] = slot
        measure.last[which] = self.last[which, form.operand]
        if which == op.SUMMED:
            measure.base, measure.step = base, step
        if new and self.begun:
            self._visit_measure(measure, [which])
        return slot

    # ---- accumulators

    def prepare(self, function: str, value: Form | None, step: int) -> None:
        """Tells of one aggregate that a step needs."""
        self.step = step
        if function == "count":
            self.count(value)
        elif function in ("sum", "avg"):
            assert value is not None
            if isinstance(value, Float):
                self._float_sum(value)
            else:
                self.total(value)
            if function == "avg":
                self.count(value)
        elif not isinstance(value, Exact):
            assert value is not None
            self._measured(value, op.GREATEST if function == "max" else op.LEAST)

    def prepare_any(self, step: int) -> None:
        """Tells of a step that asks which owners have a row."""
        if ("rows",) in self.slots:
            self.step = step
            self.count(None)
        elif not self.everything:
            self.marking = step

    def any(self) -> int:
        """The register of the owners that have such a row."""
        if self.everything or ("rows",) in self.slots:
            return testing.in_range(self.code, self.space, self.count(None), 1, None)
        if self.marking < self.step:
            self.marking = self.step
            self._mark()
        assert self.marked is not None
        return self.code.registers[self.space].keep(self.marked)

    def count(self, value: Form | None) -> Exact:
        """How many rows, or how many with a present value; exact numbers are visited only where they are present."""
        if isinstance(value, Coded | Float) and not has_all(value):
            return Exact(self._measured(value, op.COUNTED), None, 0, self.owned.most)
        if self.everything:
            self.last["rows",] = self.step
            if ("rows",) not in self.slots:
                self.slots["rows",] = self.code.slots[self.space].take(), 1
                self.code.emit(op.SPAN, self.space, self.slots["rows",][0], self.code.table(self.owned.starts))
            return Exact(self.slots["rows",][0], None, 0, self.owned.most)
        slot, new = self._accumulator(("rows",))
        if new:
            self.visit(("rows",), op.COUNT_ROWS, slot, None)
        return Exact(slot, None, 0, self.owned.most)

    def total(self, value: Coded | Exact) -> Exact:
        """The exact sum."""
        column = value.column if isinstance(value, Coded) else None
        least, largest = (value.low, value.high) if isinstance(value, Exact) else ends(value.column)
        low, high = min(0, least * self.owned.most), max(0, largest * self.owned.most)
        narrow = not (isinstance(value, Exact) and value.wide) and fits(min(low, least), max(high, largest))
        key = ("sum", value.operand if isinstance(value, Coded) else value.slot)
        if narrow:
            if isinstance(value, Coded) and value.column.values is None:
                return Exact(self._measured(value, op.SUMMED, signed64(value.column.base), signed64(value.column.step)), None, low, high)
            slot, new = self._accumulator(key)
            if new and column is not None:
                table = np.array((0, *(column.values or ())), np.int64)
                self.visit(key, op.SUM_RECODED, slot, value, self.code.table(table))
            elif new:
                self.visit(key, op.EXACT_SUM, slot, value)
            return Exact(slot, None, low, high)
        wraps = low < -BEYOND or high >= BEYOND
        slot, new = self._accumulator(key, 0, 3 if wraps else 2)
        if new and isinstance(value, Exact):
            self.visit(key, op.EXACT_SUM_WIDE, slot, value, int(value.wide), int(wraps))
        elif new and column is not None:
            further = (*parts(column.base), *parts(column.step), 0, int(wraps))
            if column.values is not None:
                cells = np.array([[each >> 64, signed64(each)] for each in (0, *column.values)], np.int64)
                further = (0, 0, 0, 0, self.code.table(cells), int(wraps))
            self.visit(key, op.SUM_WIDE, slot, value, 0, 0, *further)
        return Exact(slot, None, max(low, -BEYOND), min(high, BEYOND - 1), True)

    def _wraps(self, total: Exact) -> int | None:
        """The slot that tells how often a sum left 128 bits, where it may."""
        return next((slot + 2 for slot, count in self.slots.values() if slot == total.slot and count == 3), None)

    def _float_sum(self, value: Float) -> tuple[int, bool]:
        """The first slot of a sum of floats, and whether it has the two parts that are exact, not the six for any size."""
        known = value.operand, self.owned.most
        if value.column is not None and known not in self.cuts:
            self.cuts[known] = cut(value.column, self.owned.most)
        number = self.cuts.get(known)
        if number is not None:
            return self._measured(value, op.SUMMED, float_bits(number)), True
        key = ("float sum", value.operand)
        slot, new = self._accumulator(key, 0, 6)
        if new:
            self.visit(key, op.FLOAT_SUM_ANY, slot, value)
        return slot, False

    def float_total(self, value: Float) -> Float:
        """The sum of floats, rounded once."""
        code = self.code
        first, exact = self._float_sum(value)
        slot = code.slots[self.space].take()
        if exact:
            code.emit(op.COMPUTE_FLOAT, self.space, slot, first, first + 1, 0)
        else:
            code.emit(op.FLOAT_TOTAL, self.space, slot, first)
        return Float(op.SLOT, slot)

    # ---- results

    def aggregate(self, function: str, kind: Type, value: Form | None, scale: int, node: int) -> Form:
        """The form of one aggregate over values in units of 10^-scale; the caller holds it."""
        code, space = self.code, self.space
        if function == "count":
            return self._held(self.count(value))
        if function in ("min", "max"):
            return self._extreme(value, function == "max")
        if isinstance(value, Float):
            return self.float_total(value) if function == "sum" else self._float_average(value)
        assert value is not None
        whole = self.total(value)
        wraps = self._wraps(whole)
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

    def _float_average(self, value: Float) -> Float:
        code, space = self.code, self.space
        first, exact = self._float_sum(value)
        total = first if exact else self.float_total(value).operand
        slot = code.slots[space].take()
        code.emit(op.AVERAGE, space, slot, total, self.count(value).slot, 4 if exact else 1, float_bits(1.0))
        if not exact:
            code.slots[space].drop(total)
        return Float(op.SLOT, slot)

    def settled(self, form: Form) -> Form:
        """What is still needed when the accumulators go on: in slots of its own."""
        first = form.slot if isinstance(form, Exact) else form.operand
        if (isinstance(form, Coded | Float) and form.place == op.COLUMN) or all(slot != first for slot, _ in self.slots.values()):
            return form
        count = 2 if isinstance(form, Exact) and form.wide else 1
        slot = self.code.slots[self.space].take(count)
        for each in range(count):
            self.code.emit(op.LOAD_FLOAT, self.space, slot + each, first + each, op.SLOT)
        self.code.slots[self.space].drop(first, count)
        return msgspec.structs.replace(form, **{"slot" if isinstance(form, Exact) else "operand": slot})

    def _mean(self, total: Exact, value: Coded | Exact) -> Exact:
        """The mean as a whole number of units; no mean lies beyond the values."""
        code, space = self.code, self.space
        present = own_register(code, space, [])
        slot = code.slots[space].take(2)
        kind = 3 if self._wraps(total) is not None else 2 if total.wide else 0
        code.emit(op.MEAN, space, slot, total.slot, self.count(value).slot, present, kind)
        low, high = (value.low, value.high) if isinstance(value, Exact) else ends(value.column)
        return narrowed(code, space, Exact(slot, present, low, high, True))

    def _held(self, form: Exact) -> Exact:
        self.code.slots[self.space].keep(form.slot)
        if form.wide:
            self.code.slots[self.space].keep(form.slot + 1)
        return form

    def _extreme(self, value: Form | None, largest: bool) -> Form:
        assert value is not None
        if isinstance(value, Exact):
            return self._extreme_exact(value, largest)
        slot = self.code.slots[self.space].keep(self._measured(value, op.GREATEST if largest else op.LEAST))
        return Float(op.SLOT, slot) if isinstance(value, Float) else Coded(value.column, op.SLOT, slot, 8)

    def _extreme_exact(self, value: Exact, largest: bool) -> Exact:
        """The extreme of numbers in a slot; owners without any have a number in range, and are not present."""
        code, space = self.code, self.space
        slot = self.slot(SMALLEST if largest else LARGEST, 2 if value.wide else 1)
        if value.wide:
            code.emit(op.FILL, space, slot + 1, 0 if largest else -1)
            self.visit(None, op.WIDE_LARGEST if largest else op.WIDE_SMALLEST, slot, value)
        else:
            self.visit(None, op.EXACT_LARGEST if largest else op.EXACT_SMALLEST, slot, value)
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


def has_all(form: Coded | Float) -> bool:
    """Whether no row is known to be missing: its values are then as many as the rows."""
    return form.place == op.COLUMN and form.column is not None and not form.column.missing


def cut(column: Column, most: int) -> float | None:
    """The number that cuts the values of a float column in two parts, so that sums of `most` of each part are exact; None where
    there is none, or where values are infinite.

    Added to a value and taken away again, it leaves the value's nearest multiple of a power of two.
    """
    grain, top = (int(each) for each in accumulators.extent(column.address, column.rows))
    carries = max(2, most.bit_length())
    unit = max(top + carries - 53, -1074)
    if carries + unit - 1 > 53 + grain or unit + 53 > 1023:
        return None
    return math.ldexp(1.5, unit + 52)
