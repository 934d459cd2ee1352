"""One block of rows with registers, slots and columns made by hand, for tests of the kernel's operations."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import aligned
from segkernel.kernel.entries import JIT, interpret
from segkernel.link.assembly import signed64


class Machine:
    """One block of rows `begin` to `end` of space 1, whose owners are the rows of space 0, with registers and slots."""

    def __init__(self, rows: int, begin: int = 0, owners: int = 1) -> None:
        self.rows, self.begin, self.end, self.owners = rows, begin, begin + rows, owners
        self.first = begin // 64 * 64
        self.blocks = np.array([[0, owners, begin, begin + rows]], np.int64)
        self.registers, self.slots = [], []
        for low, high in ((0, owners), (self.first, self.end)):
            words = (high - low + 63) // 64 // 8 * 8 + 16
            self.registers.append(np.frombuffer(Random(3).randbytes(20 * words * 8), np.uint64).reshape(20, words).copy())
            self.slots.append(np.frombuffer(Random(4).randbytes(20 * words * 512), np.int64).reshape(20, words * 64).copy())
        self.program: list[list[int]] = []
        self.args: list[int] = []
        self.kept: list[Any] = []
        self.counts = np.zeros(4, np.int64)

    def emit(self, what: int, target: int, *operands: int, space: int = 1) -> None:
        self.program.append([what, space, target, *operands, *[0] * (5 - len(operands))])

    def further(self, *operands: int) -> int:
        self.args += operands
        return len(self.args) - len(operands)

    def memory(self, values: Any, dtype: Any) -> int:
        """The address of a table."""
        made = np.ascontiguousarray(values, dtype)
        self.kept.append(made)
        return int(made.ctypes.data)

    def column(self, values: Any, dtype: Any) -> int:
        """The address of a column that holds `values` in the block's rows, and others before."""
        codes = aligned(self.end, dtype)
        codes[: self.begin] = 1
        codes[self.begin :] = values
        self.kept.append(codes)
        return int(codes.ctypes.data)

    def fill(self, slot: int, values: Any, dtype: Any = np.int64, space: int = 1) -> None:
        """Puts values into a slot."""
        off = self.begin - self.first if space else 0
        values = np.asarray(values, dtype)
        self.slots[space][slot, off : off + len(values)] = values.view(np.int64)

    def fill_wide(self, slot: int, values: list[int]) -> None:
        self.fill(slot, [value >> 64 for value in values])
        self.fill(slot + 1, [signed64(value) for value in values])

    def set(self, register: int, flags: Any, space: int = 1) -> None:
        off = self.begin - self.first if space else 0
        bits = np.unpackbits(self.registers[space][register].view(np.uint8), bitorder="little")
        bits[off : off + len(flags)] = flags
        self.registers[space][register] = np.packbits(bits, bitorder="little").view(np.uint64)

    def run(self) -> int | None:
        """Runs the program; the row that failed."""
        layout = np.array(
            [
                [self.registers[s].ctypes.data, self.registers[s].strides[0], self.slots[s].ctypes.data, self.slots[s].strides[0]]
                for s in (0, 1)
            ],
            np.int64,
        )
        control, errors = np.zeros(2, np.int64), np.zeros(2, np.int64)
        places, lists, room = np.zeros(self.rows + 256, np.uint32), np.zeros(self.rows // 16 + 256, np.int64), self.rows // 16 * 4 + 1024
        given = [np.array(self.program, np.int64).reshape(-1, 8), np.array(self.args or [0], np.int64), self.blocks, layout]
        at = int(control.ctypes.data)
        memory = (at, at + 8, int(places.ctypes.data), int(lists.ctypes.data), room)
        interpret(*(given if JIT else [each.astype(object) for each in given]), *memory, self.counts, errors)
        return int(errors[1]) if errors[0] else None

    def flags(self, register: int, space: int = 1) -> NDArray[np.bool_]:
        off, rows = (self.begin - self.first, self.rows) if space else (0, self.owners)
        return np.unpackbits(self.registers[space][register].view(np.uint8), bitorder="little")[off : off + rows].astype(bool)

    def values(self, slot: int, dtype: Any = np.int64, space: int = 1) -> NDArray[Any]:
        off, rows = (self.begin - self.first, self.rows) if space else (0, self.owners)
        return self.slots[space][slot, off : off + rows].view(dtype)

    def wide(self, slot: int, space: int = 1) -> list[int]:
        pairs = zip(self.values(slot, space=space).tolist(), self.values(slot + 1, np.uint64, space).tolist(), strict=True)
        return [(high << 64) | low for high, low in pairs]
