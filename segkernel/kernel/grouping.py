"""Rows of an owner brought side by side where they have the same code: what the groups of `per` are."""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry
from segkernel.kernel.lanes import wholes
from segkernel.kernel.sorting import sort_narrow

_FIRST_BIT = np.uint32(0x80000000)


@entry("UniTuple(int64, 3)(uint32[::1], int64[::1], int64, int64, uint32[::1], uint32[::1], int64[::1], uint32[::1], int64[::1])")
def group_rows(codes, starts, scratch, most, order, group, begins, owners, offsets):
    """Sorts each owner's rows, those from `starts[owner]` on, by code, then as they stand; rows of the code 0 drop out.

    `scratch` is the address of room for `most` int64, the rows of the owner who has most. For each row that stays, `order` gets its
    number and `group` that of its group; `begins` gets the first row of each group and, at its end, how many stay; `owners` its owner;
    `offsets` where each owner's groups begin. Returns how many rows and groups there are, and whether all rows stay as they stood.
    """
    keys = wholes(scratch, most)
    rows, groups, moved = 0, 0, False
    offsets[0] = 0
    for owner in range(starts.size - 1):
        count, before, rising = 0, np.uint32(0), True
        for i in range(starts[owner], starts[owner + 1]):
            code = codes[i]
            if code == 0:
                moved = True
            else:
                rising = rising and code >= before
                before = code
                keys[count] = np.int64(np.uint64(code ^ _FIRST_BIT) << np.uint64(32) | np.uint64(i))
                count += 1
        if not rising:
            moved = True
            sort_narrow(scratch, count)
        last = np.int64(0)
        for k in range(count):
            code = keys[k] >> 32
            if k == 0 or code != last:
                begins[groups] = rows
                owners[groups] = np.uint32(owner)
                groups += 1
                last = code
            order[rows] = np.uint32(keys[k] & 0xFFFFFFFF)
            group[rows] = np.uint32(groups - 1)
            rows += 1
        offsets[owner + 1] = groups
    begins[groups] = rows
    return rows, groups, not moved
