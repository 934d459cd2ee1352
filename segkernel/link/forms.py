"""How a value stands before the kernel: coded, exact or float."""

from __future__ import annotations

import msgspec

from segkernel.data.columns import Column
from segkernel.kernel.operations import COLUMN


class Coded(msgspec.Struct, frozen=True, eq=False):
    """Codes of a column's kind: in the column itself, or in a slot. Code 0 is missing."""

    column: Column
    place: int
    operand: int
    width: int


class Exact(msgspec.Struct, frozen=True, eq=False):
    """Whole numbers in a slot, in two where they are wide; `present` is None where no row is missing.
    All values lie from `low` to `high`."""

    slot: int
    present: int | None
    low: int
    high: int
    wide: bool = False


class Float(msgspec.Struct, frozen=True, eq=False):
    """Floats in a column, which is told, or in a slot; NaN is missing."""

    place: int
    operand: int
    column: Column | None = None


Form = Coded | Exact | Float


def coded(column: Column) -> Coded | Float:
    """The form of a bound column."""
    if column.raw:
        return Float(COLUMN, column.address, column)
    return Coded(column, COLUMN, column.address, column.codes.itemsize)


SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1
BEYOND = 1 << 127
"""The first number that 128 bits with a sign do not hold."""


def fits(low: int, high: int) -> bool:
    """Whether a range lies within 64 bits with a sign."""
    return low >= SMALLEST and high <= LARGEST
