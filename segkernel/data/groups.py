"""Rows of an owner that have the same keys, as rows of their own: the groups stand between the owner and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import aligned
from segkernel.data.spaces import Chain, Space

PER = "per"
"""A chain's step from groups to their owner is (PER, the rows' chain to their owner, keys, zone), from the rows in the order of their
groups to these (table, PER, "of"). A key is ("field", path, name), or ("value", its meaning) for what was handed over before."""
_WIDE = 1 << 32


class Groups(msgspec.Struct, frozen=True, eq=False):
    """The space of the groups of each owner's rows, and the space of these rows, of which the groups are the parents."""

    groups: Space
    rows: Space


def is_groups(chain: Chain) -> bool:
    """Whether a chain begins with a step from groups to their owner."""
    return len(chain[0]) == 4 and chain[0][0] == PER


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
    the groups. A row whose code is 0 is in none. In a group, rows stand as they did."""
    assert base.owner is not None
    owner, parent = base.owner[: base.rows], base.parent
    while parent is not None and len(parent.chain) > len(above.chain):
        assert parent.owner is not None
        owner, parent = parent.owner[owner], parent.parent
    picked = base.picked
    codes = codes if picked is None else codes[picked]
    if not codes.all():
        kept = np.flatnonzero(codes).astype(np.uint32)
        owner, codes = owner[kept], codes[kept]
        picked = kept if picked is None else picked[kept]
    pairs = owner.astype(np.uint64) << np.uint64(32)
    pairs |= codes
    if not bool((pairs[1:] >= pairs[:-1]).all()):
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
        picked = order.astype(np.uint32) if picked is None else picked[order]
    new = np.ones(pairs.size, bool)
    np.not_equal(pairs[1:], pairs[:-1], out=new[1:])
    starts = np.append(np.flatnonzero(new), pairs.size)
    owners = aligned(starts.size - 1, np.uint32)
    owners[:] = pairs[starts[:-1]] >> np.uint64(32)
    offsets = np.zeros(above.rows + 1, np.int64)
    np.cumsum(np.bincount(owners[: starts.size - 1], minlength=above.rows), out=offsets[1:])
    groups = Space(chain, PER, starts.size - 1, None, above, offsets, owners)
    group = aligned(pairs.size, np.uint32)
    group[:] = np.cumsum(new) - 1
    table = chain[0][1][0][0]
    return Groups(groups, Space(((table, PER, "of"), *chain), table, pairs.size, picked, groups, starts, group, base.shared))
