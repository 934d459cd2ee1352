"""A column as the kernel reads it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segdsl.typesystem import Type

PADDING = 512
"""Rows behind the last that may be read: kernels take whole words, and a block's first word may begin early."""


class Column(msgspec.Struct, frozen=True, eq=False):
    """One column in the row order of a space, narrowed.

    `codes` is unsigned (8, 16, 32 or 64 bits), 64-byte aligned, zero behind its `rows`, and read up to PADDING rows
    further. Code 0 is missing; the code c stands for `values[c - 1]` where `values` is there (all distinct, ascending:
    texts by code point, numbers by value), else for `base + (c - 1) * step`. `top` is the largest code that stands for
    a value; the dtype's largest number is never one. Values are whole numbers in the language's units: decimals in
    10^-scale, dates in days, timestamps and durations in nanoseconds, yes/no 0 and 1; or texts.

    A float column that does not narrow has `codes` float64 with NaN for missing (`raw`), no base and no top.
    """

    type: Type
    rows: int
    codes: NDArray[Any]
    base: int = 0
    step: int = 1
    top: int = 0
    values: Sequence[Any] | None = None
    missing: int = 0
    keep: Any = None

    @property
    def raw(self) -> bool:
        """Whether `codes` holds float64 values themselves."""
        return bool(self.codes.dtype == np.float64)

    @property
    def address(self) -> int:
        return int(self.codes.ctypes.data)

    def value(self, code: int) -> Any:
        """What a code from 1 to `top` stands for."""
        return self.values[code - 1] if self.values is not None else self.base + (code - 1) * self.step

    def at_least(self, bound: Any) -> int:
        """The smallest code whose value is >= bound: 1 to top + 1."""
        if self.values is not None:
            return int(bisect_left(self.values, bound)) + 1
        below = -((self.base - bound) // self.step)
        return 1 + int(0 if below < 0 else self.top if below > self.top else below)

    def above(self, bound: Any) -> int:
        """The smallest code whose value is > bound: 1 to top + 1."""
        if self.values is not None:
            return int(bisect_right(self.values, bound)) + 1
        return int(min(max((bound - self.base) // self.step + 1, 0), self.top)) + 1

    def code(self, value: Any) -> int:
        """The code of a value, 0 where the column does not have it."""
        code = self.at_least(value)
        return code if code <= self.top and self.value(code) == value else 0


def shortened(codes: NDArray[Any], rows: int) -> NDArray[Any]:
    """The first rows of an array that `aligned` gave, padded alike: in the same memory, unless most of it would lie idle."""
    if 2 * rows < codes.size:
        few = aligned(rows, codes.dtype)
        few[:] = codes[:rows]
        return few
    codes[rows : rows + PADDING] = 0
    return codes[:rows]


def aligned(rows: int, dtype: Any) -> NDArray[Any]:
    """An array of `rows` with the alignment and the zeroed padding that `Column.codes` needs."""
    size = np.dtype(dtype).itemsize
    memory = np.empty((rows + PADDING) * size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    whole: NDArray[Any] = memory[start : start + (rows + PADDING) * size].view(dtype)
    whole[rows:] = 0
    return whole[:rows]
