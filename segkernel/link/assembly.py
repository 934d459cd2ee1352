"""Instructions as they come about: registers and slots by lifetime, tables that must outlive the program."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec
from numpy.typing import NDArray

from segkernel.clock import Clock, Timeless, Untold
from segkernel.errors import DataError
from segkernel.kernel import operations as op
from segkernel.plan.slots import Slot

Operands = tuple[int, ...]
Step = tuple[int, int | None]
"""A step of logic: its kind (see `operations`) and its register; None is what was last kept."""


def signed64(value: int) -> int:
    """The low 64 bits of a whole number as an int64 holds them."""
    return value if -(1 << 63) <= value < 1 << 63 else ((value + (1 << 63)) & 0xFFFFFFFFFFFFFFFF) - (1 << 63)


def float_bits(value: float) -> int:
    """The bits of a float64 as an int64 holds them."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


class Patch(msgspec.Struct, frozen=True):
    """Operands that only a run knows: what a function makes of some ends, of which those that are Slots are times. They stand in
    instruction `row` from `column` on, or, where there is no row, from there on among the further operands."""

    row: int | None
    column: int
    operands: Callable[..., Operands]
    ends: tuple[Any, ...]

    def found(self, clock: Clock) -> Operands:
        """The operands. Raises Untold where the clock does not know a time, DataError for one that rules cannot reckon with."""
        return self.operands(*[clock.slot(end) if isinstance(end, Slot) else end for end in self.ends])

    def told(self, clock: Clock) -> Patch:
        """The same with the times that a clock knows."""
        return msgspec.structs.replace(self, ends=tuple(_told(clock, end) for end in self.ends))


def _told(clock: Clock, end: Any) -> Any:
    try:
        return clock.slot(end) if isinstance(end, Slot) else end
    except (Untold, DataError):
        return end


class Room:
    """Numbered places of one kind in one space, given out and taken back; `top` is how many there must be."""

    def __init__(self) -> None:
        self.free: list[int] = []
        """The one that was given back last stands last, and is given out first: the processor still has it at hand."""
        self.top = 0
        self.held: dict[int, int] = {}

    def take(self, count: int = 1) -> int:
        """The first of `count` places in a row."""
        first = self._row_of(count)
        if first is None:
            first, self.top = self.top, self.top + count
        for place in range(first, first + count):
            self.held[place] = 1
        return first

    def _row_of(self, count: int) -> int | None:
        """Free places in a row, taken off the list."""
        if count == 1:
            return self.free.pop() if self.free else None
        ascending = sorted(self.free)
        for first, last in zip(ascending, ascending[count - 1 :], strict=False):
            if last == first + count - 1:
                self.free = [each for each in self.free if not first <= each <= last]
                return first
        return None

    def keep(self, place: int) -> int:
        """One more holder of a place."""
        self.held[place] += 1
        return place

    def drop(self, place: int, count: int = 1) -> None:
        """One holder less; a place that nobody holds is free."""
        for each in range(place, place + count):
            self.held[each] -= 1
            if not self.held[each]:
                self.free.append(each)


class Assembly:
    """The program so far. `emit` adds an instruction; a *patch* gives an instruction operands that only a run knows."""

    def __init__(self, spaces: int) -> None:
        self.program: list[list[int]] = []
        self.args: list[int] = []
        self.patches: list[Patch] = []
        self.registers = [Room() for _ in range(spaces)]
        self.slots = [Room() for _ in range(spaces)]
        self.tables: list[Any] = []
        self.places: dict[int, int] = {}
        """Instruction → the node it was made for, where it can fail."""
        self.hands: list[int] = []
        """The instructions that hand on, each into a buffer of its own, in the order of the buffers."""
        self.fetches: list[tuple[int, int, int]] = []
        """The instructions that fetch what was handed on, with stage and buffer."""

    def emit(self, what: int, space: int, target: int, *operands: int) -> int:
        self.program.append([what, space, target, *operands, *[0] * (5 - len(operands))])
        return len(self.program) - 1

    def patch(self, row: int, operand: int, operands: Callable[..., Operands], *ends: Any) -> None:
        """At every run the operands of an instruction from number `operand` (a is 0) on are what the function gives for the ends."""
        self.patches.append(Patch(row, 3 + operand, operands, ends))

    def patch_args(self, at: int, operands: Callable[..., Operands], *ends: Any) -> None:
        """The same in the table of further operands."""
        self.patches.append(Patch(None, at, operands, ends))

    def settle(self, zone: str) -> None:
        """Fills in what no instant decides, such as the first instant of a given day; what is left a run fills in, or tells."""
        clock = Timeless(zone)
        patches, self.patches = self.patches, []
        for patch in patches:
            try:
                found = patch.found(clock)
            except (Untold, DataError):
                self.patches.append(patch)
            else:
                target = self.args if patch.row is None else self.program[patch.row]
                target[patch.column : patch.column + len(found)] = found

    def further(self, *operands: int) -> int:
        """Puts operands into the table of further operands; where they begin."""
        self.args.extend(operands)
        return len(self.args) - len(operands)

    def table(self, values: NDArray[Any]) -> int:
        """Keeps an array for as long as the program lives; its address."""
        self.tables.append(values)
        return int(values.ctypes.data)

    # ---- stages

    def handed(self, place: int, bits: bool) -> int:
        """Hands on a slot of the root, or a register's bits; the number of the buffer."""
        self.hands.append(self.emit(op.HAND, 0, 0, place, int(bits)))
        return len(self.hands) - 1

    def fetched(self, space: int, stage: int, buffer: int, rows: int, otherwise: int, slot: int | None = None) -> int:
        """A slot with what a stage put into a buffer (-1: 1 everywhere) for rows by number."""
        target = self.slots[space].take() if slot is None else slot
        row = self.emit(op.FETCH, space, target, 0, rows, otherwise)
        if buffer >= 0:
            self.fetches.append((row, stage, buffer))
        return target

    # ---- registers

    def combined(self, what: int, space: int, registers: list[int]) -> int:
        """A new register: the `and` or `or` of some; one alone is held once more."""
        if len(registers) == 1:
            return self.registers[space].keep(registers[0])
        return self.logic(space, [(op.OR, registers[0]), *((what, each) for each in registers[1:])])

    def logic(self, space: int, steps: list[Step]) -> int:
        """A new register: what steps of logic find."""
        at = self.steps(space, steps)
        target = self.registers[space].take()
        self.emit(op.LOGIC, space, target, at, len(steps))
        return target

    def steps(self, space: int, steps: list[Step]) -> int:
        """Puts steps of logic into the table of further operands; where they begin. A step without a register joins what is found
        with what was last kept."""
        room = self.registers[space]
        kept: list[int] = []
        coded = []
        for kind, register in steps:
            if kind & op.KEEP:
                kept.append(room.take())
                kind |= kept[-1] << op.KEPT
            if register is None:
                register = kept.pop()
                room.drop(register)
            coded.append(kind | register << op.OPERAND)
        assert not kept
        return self.further(*coded)

    def at_least(self, space: int, count: int, registers: list[int]) -> int:
        """A new register: where so many of some are set. They are counted in binary, a register for each digit."""
        digits = len(registers).bit_length()
        planes = self.registers[space].take(digits)
        target = self.registers[space].take()
        self.emit(op.AT_LEAST, space, target, self.further(*registers), len(registers), count, planes, digits)
        self.registers[space].drop(planes, digits)
        return target

    def always(self, space: int, value: bool) -> int:
        target = self.registers[space].take()
        self.emit(op.ALWAYS, space, target, int(value))
        return target

    def inverted(self, space: int, register: int) -> int:
        target = self.registers[space].take()
        self.emit(op.NOT, space, target, register)
        return target

    def both(self, space: int, a: int | None, b: int | None) -> int | None:
        """The `and` of two registers of present rows, either of which may be absent: all rows."""
        present = [register for register in (a, b) if register is not None]
        return self.combined(op.AND, space, present) if present else None
