"""Rows of an owner that have the same keys, as rows of their own: the groups stand between the owner and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import aligned, shortened
from segkernel.data.spaces import Chain, Space
from segkernel.kernel.entries import grouping

PER = "per"
"""A chain's step from groups to their owner is (PER, the rows' chain to their owner, keys, zone), from the rows in the order of their
groups to these (table, PER, "of"). A key is ("field", path, name), or ("value", its meaning) for what was handed over before; of what
the instant of a run decides, that is (its meaning, Moment)."""
_WIDE = 1 << 32


class Moment(msgspec.Struct, frozen=True, eq=False):
    """The instant (nanoseconds since 1970-01-01T00:00Z) for which one program meets a dataset; no two are equal."""

    as_of: int


class Groups(msgspec.Struct, frozen=True, eq=False):
    """The space of the groups of each owner's rows, and the space of these rows, of which the groups are the parents."""

    groups: Space
    rows: Space


def is_groups(chain: Chain) -> bool:
    """Whether a chain begins with a step from groups to their owner."""
    return len(chain[0]) == 4 and chain[0][0] == PER


def rests_on(what: object, moment: Moment) -> bool:
    """Whether a name, tuples within tuples, is of what one moment decided."""
    return any(rests_on(each, moment) for each in what) if isinstance(what, tuple) else what is moment


def joined(keys: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """One code (unsigned, at most 32 bits) for each row's keys: equal where they are, 0 where one of them is 0."""
    found, top = _fitted(keys[0])
    for key in keys[1:]:
        other, most = _fitted(key)
        present = (found != 0) & (other != 0)
        both = np.where(present, found.astype(np.uint64) * np.uint64(most + 1) + other, np.uint64(0))
        found, top = _fitted(both, (top + 1) * (most + 1))
    return found


def _fitted(codes: NDArray[Any], top: int | None = None) -> tuple[NDArray[Any], int]:
    """Codes of at most 32 bits, and a number that none of them is above."""
    most = int(codes.max(initial=0)) if top is None else top
    if most < _WIDE or not codes.size:
        return codes.astype(np.uint32) if codes.itemsize > 4 else codes, most
    values, numbers = np.unique(codes, return_inverse=True)
    narrow = (numbers + int(values[0] != 0)).astype(np.uint32)
    return narrow, int(narrow.max(initial=0))


def formed(base: Space, above: Space, chain: Chain, codes: NDArray[Any]) -> Groups:
    """The groups under `above` of the rows of `base`, a space below it, by the codes of all rows of its table; `chain` is that of
    the groups. A row whose code is 0 is in none. In a group, rows stand as they did, and an owner's groups in the order of their
    codes."""
    assert base.offsets is not None
    starts, parent, picked = base.offsets, base.parent, base.picked
    while parent is not None and len(parent.chain) > len(above.chain):
        assert parent.offsets is not None
        starts, parent = starts[parent.offsets], parent.parent
    codes = (codes if picked is None else codes[picked])[: base.rows].astype(np.uint32, copy=False)
    scratch = np.empty(int(np.diff(starts).max(initial=0)), np.int64)
    order, group, owners = (aligned(base.rows, np.uint32) for _ in range(3))
    begins = aligned(base.rows + 1, np.int64)
    offsets = np.empty(above.rows + 1, np.int64)
    rows, count, unmoved = grouping.group_rows(codes, starts, scratch.ctypes.data, scratch.size, order, group, begins, owners, offsets)
    if not unmoved:
        picked = shortened(order, rows) if picked is None else picked[order[:rows]]
    groups = Space(chain, PER, count, None, above, offsets, shortened(owners, count))
    under = ((base.table, PER, "of"), *chain)
    return Groups(groups, Space(under, base.table, rows, picked, groups, shortened(begins, count + 1), shortened(group, rows), base.shared))
