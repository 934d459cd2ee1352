"""Spaces: the rows of a table in the order of the rows that own them, and columns brought into such an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import Column, aligned
from segkernel.errors import DataError
from segkernel.kernel.entries import rows as maps

Chain = tuple[tuple[Any, ...], ...]
"""Steps from rows up to the root: (table, link), from the items of a list to the row that has it (see `lists.ITEMS`), or
(UP, owner's table, path, table, link): from the rows that find by a link the row that the links of `path` lead to from their owner."""
UP = "^"
MOST_ROWS = (1 << 32) - 2
_LOTS = 8
"""By so many upper bits of their owner are rows put together first: 256 places to write at are quickest."""


class Space(msgspec.Struct, frozen=True, eq=False):
    """The rows of `table` that `chain` leads from up to the root, sorted by their row in the parent's space, else in
    the table's order.

    `picked` are the table's rows, uint32, None where they are all of them as they stand. `offsets` int64[parent.rows +
    1] says where each owner's rows start; `owner` uint32[rows], padded as a column's codes, is each row's row in the
    parent's space. The root has neither. Where rows are `shared`, one row of the table can be there for several owners.
    """

    chain: Chain
    table: str
    rows: int
    picked: NDArray[np.uint32] | None = None
    parent: Space | None = None
    offsets: NDArray[np.int64] | None = None
    owner: NDArray[np.uint32] | None = None
    shared: bool = False

    @property
    def order(self) -> NDArray[np.int64] | None:
        """The table's rows in this order, int64; None for all of them as they stand."""
        return None if self.picked is None else self.picked.astype(np.int64)


def child(parent: Space, parent_rows: int, chain: Chain, found: NDArray[np.uint32]) -> Space:
    """The space under `parent`; `found` is the row of the parent's table (of `parent_rows` rows) that each row's link
    finds, NONE for nobody, padded as a column's codes."""
    owners = found
    if parent.picked is not None:
        positions = np.full(parent_rows, maps.NONE, np.uint32)
        maps.invert(parent.picked, positions)
        owners = follow(positions, found)
    offsets = np.zeros(parent.rows + 1, np.int64)
    if maps.count_owners(owners, offsets):
        return Space(chain, chain[0][0], int(offsets[-1]), None, parent, offsets, owners)
    rows = int(offsets[-1])
    sorted_owners, picked = aligned(rows, np.uint32), np.empty(rows, np.uint32)
    shift = max(0, (parent.rows - 1).bit_length() - _LOTS)
    lots = offsets[:-1][:: 1 << shift].copy()
    room = np.empty((2, int(np.diff(lots, append=rows).max(initial=0))), np.uint32)
    maps.place(owners, offsets[:-1].copy(), lots, shift, room, picked, sorted_owners)
    return Space(chain, chain[0][0], rows, picked, parent, offsets, sorted_owners)


def spread(
    parent: Space, chain: Chain, table: str, rows: NDArray[np.uint32] | None, starts: NDArray[np.int64], order: NDArray[np.uint32] | None
) -> Space:
    """The space of what the rows of `parent` have by way of other rows, each of which may be that of several.

    `rows` is that other row for each of them, NONE for nobody, None for all rows as they stand; it has the rows of `table` from
    `starts[row]` to `starts[row + 1]` (int64) in the `order` (uint32, None as they stand). Raises DataError where there are too many.
    """
    lengths, begins = np.diff(starts), starts[:-1]
    if rows is not None:
        known = rows != maps.NONE
        at = np.where(known, rows, 0).astype(np.int64)
        lengths = np.where(known, lengths[at], 0) if lengths.size else np.zeros(rows.size, np.int64)
        begins = begins[at] if begins.size else np.zeros(rows.size, np.int64)
    offsets = np.zeros(parent.rows + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    count = int(offsets[-1])
    if count > MOST_ROWS:
        raise DataError(f"{' of '.join(str(step[-1]) for step in chain)}: {count:,} rows; a relation can have {MOST_ROWS:,}")
    owner = aligned(count, np.uint32)
    owner[:] = np.repeat(np.arange(parent.rows, dtype=np.uint32), lengths)
    picked = order
    if rows is not None:
        picked = (np.arange(count, dtype=np.int64) + np.repeat(begins - offsets[:-1], lengths)).astype(np.uint32)
        picked = picked if order is None else order[picked]
    return Space(chain, table, count, picked, parent, offsets, owner, True)


def owned(space: Space, above: Chain) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The owner of each row of a space among the rows of one above it, padded as codes are, and where each owner's rows start."""
    owner, starts = space.owner, space.offsets
    assert owner is not None
    assert starts is not None
    while len(space.chain) > len(above) + 1:
        assert space.parent is not None
        space = space.parent
        assert space.owner is not None
        assert space.offsets is not None
        composed = aligned(owner.size, np.uint32)
        np.take(space.owner, owner, out=composed)
        owner, starts = composed, starts[space.offsets]
    return owner, np.ascontiguousarray(starts)


def follow(rows: NDArray[np.uint32], places: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """`rows[places]`, NONE where a place is NONE: one row map after another."""
    out = aligned(places.size, np.uint32)
    _taken(rows, places, maps.NONE, out)
    return out


def _taken(values: NDArray[Any], rows: NDArray[np.uint32], none: Any, out: NDArray[Any]) -> None:
    """`values[rows]`, `none` (the bits of one) where a row is NONE."""
    if not values.size:
        values = np.zeros(1, values.dtype)
    maps.gather(values.ctypes.data, values.itemsize, values.size, rows, np.uint64(none), out.ctypes.data)


def ranks(space: Space, rows: int, key: Sequence[Column]) -> NDArray[np.uint32] | None:
    """Where each row of a space stands among the `rows` of its table, by the columns of a key (missing ones first), then as they
    are; uint32, None where the space's rows are in that order."""
    standing = np.arange(rows, dtype=np.uint32)
    parts = []
    for column in reversed(key):
        codes = column.codes[:rows]
        parts += [codes, ~np.isnan(codes)] if column.raw else [codes]
    found = standing
    if parts:
        found = np.empty(rows, np.uint32)
        found[np.lexsort(parts)] = standing
    if space.picked is not None:
        found = found[space.picked]
    return None if bool((found[1:] > found[:-1]).all()) else found


def gathered(column: Column, rows: NDArray[np.uint32]) -> Column:
    """A column of a table, in the order of `rows` of it (uint32); missing where a row is NONE."""
    codes = aligned(rows.size, column.codes.dtype)
    none = np.array([np.nan]).view(np.uint64)[0] if column.raw else 0
    _taken(column.codes[: column.rows], rows, none, codes)
    missing = int(np.isnan(codes).sum() if column.raw else codes.size - np.count_nonzero(codes))
    return msgspec.structs.replace(column, rows=rows.size, codes=codes, missing=missing, keep=None)
