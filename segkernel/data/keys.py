"""Keys: which row of a table has a key, checked for repeated and missing ones, and what rows a link finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel.data import arrow, physical
from segkernel.data.columns import aligned
from segkernel.errors import DataError
from segkernel.kernel.entries import rows as maps
from segkernel.textual import listed

_SHOWN = 5


class Found(msgspec.Struct, frozen=True, eq=False):
    """What a link finds: `rows` uint32 of the target table, NONE where nobody; `missing` rows have no link value,
    `orphans` have one that no target has. `rows` are padded as a column's codes."""

    rows: NDArray[np.uint32]
    missing: int
    orphans: int


class Index(msgspec.Struct, frozen=True, eq=False):
    """The rows of a table by its key. A single key of whole numbers (dates and times too) has a `table` from distance
    to row, `dense` from `low` on or else hashed; rows of any other are found by their hashes or joined."""

    parts: tuple[pl.Series, ...]
    numbers: arrow.Numbers | None = None
    table: NDArray[np.uint32] | None = None
    dense: bool = False
    low: int = 0


def index(table: str, names: Sequence[str], parts: Sequence[pl.Series]) -> Index:
    """The index of a key; `parts` are its columns, `names` what errors call them. Raises DataError where keys are
    missing or occur more than once, with the first of them."""
    missing = parts[0].is_null()
    for part in parts[1:]:
        missing = missing | part.is_null()
    for part in parts:
        if part.dtype.is_float():
            missing = missing | part.is_nan().fill_null(False)
    if missing.any():
        rows = missing.arg_true()
        raise DataError(
            f"{table} has {_counted(len(rows), 'row')} without a key ({_joined(names)} is missing): "
            f"row{'' if len(rows) == 1 else 's'} {listed([(row + 1,) for row in rows.head(_SHOWN)], len(rows))}"
        )
    built = _numbered(parts[0]) if len(parts) == 1 and _direct(parts[0].dtype) else None
    if built is not None and built[1] == 0:
        return built[0]
    frame = _frame([_joinable(part, part.dtype) for part in parts])
    if built is not None or (_hash_table(hashes(frame))[1] and frame.height != frame.n_unique()):
        repeated = frame.is_duplicated()
        keys = _frame(parts).filter(repeated).unique(maintain_order=True)
        shown = listed(keys.head(_SHOWN).rows(), keys.height)
        raise DataError(f"{table} has {_counted(int(repeated.sum()), 'row')} whose key ({_joined(names)}) is not unique: {shown}")
    return Index(tuple(parts))


def find(target: Index, parts: Sequence[pl.Series]) -> Found:
    """The target's row of each link value; `parts` are the link's columns, of types that `physical.mismatch` let pass."""
    if target.numbers is not None and _same_units(parts[0].dtype, target.parts[0].dtype):
        values = arrow.whole(parts[0])
        if values is not None and (values.signed == target.numbers.signed or not (_above_signed(values) or _above_signed(target.numbers))):
            return _numbers_found(target, target.numbers, values)
    left = _frame([_joinable(part, key.dtype) for part, key in zip(parts, target.parts, strict=True)])
    right = _frame([_joinable(key, part.dtype) for part, key in zip(parts, target.parts, strict=True)])
    return _hashed_found(left, right) or _joined_found(left, right)


def hashes(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """A hash per row, equal for equal rows of equal types. Polars' hashes differ between versions: never keep them."""
    return arrow.buffers(frame.hash_rows())[0].view(np.uint64)


def _direct(dtype: pl.DataType) -> bool:
    logical = physical.logical(dtype)
    return logical is not None and logical.kind in ("whole", "yes/no", "date", "timestamp", "duration", "decimal")


def _same_units(left: pl.DataType, right: pl.DataType) -> bool:
    """Whether two columns' physical numbers are equal exactly where their values are."""
    if isinstance(left, pl.Datetime | pl.Duration) and isinstance(right, pl.Datetime | pl.Duration):
        return left.time_unit == right.time_unit
    return not isinstance(left, pl.Null) and physical.logical(left) == physical.logical(right)


def _numbered(key: pl.Series) -> tuple[Index, int] | None:
    """The index of a key of whole numbers, and how many rows repeat one; None where numbers leave 64 bits."""
    numbers = arrow.whole(key.rechunk())
    if numbers is None:
        return None
    with np.errstate(over="ignore"):
        found = arrow.surveyed(numbers)
        dense = len(key) > 0 and found.high - found.low < 8 * len(key) + 65_536
        if dense:
            table = np.full(found.high - found.low + 1, maps.NONE, np.uint32)
            address, width, _, rows = numbers.parts[0].given
            again = maps.fill_dense(address, width, rows, numbers.flip, np.uint64(found.low), table, arrow.room())
        else:
            table, again = _hash_table(numbers.bits)
    return Index((key,), numbers, table, dense, found.low - int(numbers.flip)), int(again)


def _numbers_found(target: Index, keys: arrow.Numbers, values: arrow.Numbers) -> Found:
    out = aligned(values.rows, np.uint32)
    bits = np.zeros(0, np.uint64) if target.dense else keys.bits
    missing, orphans, begin, flip = 0, 0, 0, values.flip
    with np.errstate(over="ignore"):
        for part in values.parts:
            here = out[begin : begin + len(part.values)]
            if target.dense:
                low = np.uint64((target.low + int(flip)) % (1 << 64))
                absent, lost = maps.find_dense(*part.given, flip, low, target.table, here, arrow.room())
            else:
                absent, lost = maps.find_hashed(*part.given, flip, bits, _shift(target.table), target.table, here, arrow.room())
            missing, orphans, begin = missing + int(absent), orphans + int(lost), begin + len(part.values)
    return Found(out, missing, orphans)


def _hashed_found(left: pl.DataFrame, right: pl.DataFrame) -> Found | None:
    """What the rows of `left` find among the unique rows of `right`, by their hashes, each hit compared; None where two
    rows that differ have one hash."""
    keys = hashes(right)
    table, again = _hash_table(keys)
    if again:
        return None
    empty = left.select(empty=pl.any_horizontal(pl.all().is_null()))["empty"] if left.height else pl.Series([], dtype=pl.Boolean)
    valid = np.where(empty.to_numpy(), np.uint8(0), np.uint8(1))
    asked = arrow.Chunk(hashes(left), valid)
    out = aligned(left.height, np.uint32)
    with np.errstate(over="ignore"):
        missing, orphans = maps.find_hashed(*asked.given, np.uint64(0), keys, _shift(table), table, out, arrow.room())
    hits = pl.Series(out != maps.NONE)
    rows = pl.Series(out).filter(hits)
    for part, key in zip(left, right, strict=True):
        if not (part.filter(hits) == key.gather(rows)).all():
            return None
    return Found(out, int(missing), int(orphans))


def _joined_found(left: pl.DataFrame, right: pl.DataFrame) -> Found:
    """As `_hashed_found`, by a join."""
    row = left.join(right.with_row_index("row"), on=left.columns, how="left", maintain_order="left")["row"]
    missing = left.height - left.drop_nulls().height
    found = aligned(len(row), np.uint32)
    found[:] = row.cast(pl.UInt32).fill_null(int(maps.NONE)).to_numpy()
    return Found(found, missing, row.null_count() - missing)


def _hash_table(bits: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], int]:
    """The hash table of keys, and how many of them repeat one."""
    table = np.full(1 << max(4, (2 * bits.size - 1).bit_length()), maps.NONE, np.uint32)
    with np.errstate(over="ignore"):
        return table, int(maps.fill_hashed(bits, _shift(table), table))


def _shift(table: Any) -> np.uint64:
    return np.uint64(64 - (table.size.bit_length() - 1))


def _above_signed(numbers: arrow.Numbers) -> bool:
    """Whether numbers go where bits mean another number, signed and unsigned."""
    found, flip = arrow.surveyed(numbers), int(numbers.flip)
    return found.low < flip if numbers.signed else found.high >= 1 << 63


def _joinable(part: pl.Series, other: pl.DataType) -> pl.Series:
    """A key's column as one that Polars joins by value with a column of the type `other`."""
    if isinstance(part.dtype, pl.Null):
        return part.cast(pl.Int128) if isinstance(other, pl.Null) else _joinable(part.cast(other), other)
    if isinstance(part.dtype, pl.Categorical | pl.Enum):
        return part.cast(pl.String)
    if part.dtype.is_float():
        return part.cast(pl.Float64).fill_nan(None) + 0.0
    if part.dtype.is_integer():
        return part.cast(pl.Int128)
    if isinstance(part.dtype, pl.Datetime | pl.Duration):
        return part.to_physical().cast(pl.Int128) * pl.Series([physical.nanoseconds(part.dtype)], dtype=pl.Int128)
    if isinstance(part.dtype, pl.Decimal) and other.is_integer():
        return part.cast(pl.Int128)
    if isinstance(part.dtype, pl.Decimal) and isinstance(other, pl.Decimal):
        return part.cast(pl.Decimal(38, max(part.dtype.scale, other.scale)))
    return part


def _frame(parts: Sequence[pl.Series]) -> pl.DataFrame:
    return pl.DataFrame([part.alias(f"part {place}") for place, part in enumerate(parts)])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names)
