"""The place of each value of a column among a few cuts: a byte a row, whatever the column's type."""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.entries import BUCKETS, FLOATS
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    codes8,
    codes16,
    codes32,
    floats,
    load16,
    load64,
    load_float,
    signed,
    store8,
    unsigned,
    words,
)

SIGN = 1 << 63
STEP = 1024
"""So many rows are ranked at once where cuts are few: they stay in the nearest cache from cut to cut."""


@part
def place(key, cuts, table, low, shift):
    """How many cuts are at most `key`: those of the buckets before, and by halves those of its own."""
    bucket = signed(min((key - low) >> shift, unsigned(BUCKETS - 1))) if key > low else signed(0)
    first, last = signed(load16(table + bucket * 2)), signed(load16(table + bucket * 2 + 2))
    while first < last:
        middle = (first + last) >> 1
        if load64(cuts + middle * 8) <= key:
            first = middle + 1
        else:
            last = middle
    return first


@part
def float_key(bits):
    """Bits of a float as a number that is as large among such numbers as the float among floats; NaN is 0."""
    value = load_float(bits)
    if value != value:
        return unsigned(0)
    if value == 0.0:
        return unsigned(SIGN)
    key = load64(bits)
    return unsigned(~key) if key >> unsigned(63) else key | unsigned(SIGN)


@part
def float_of(key):
    """The float of a key."""
    return as_float(signed(key ^ unsigned(SIGN) if key >> unsigned(63) else ~key))


@part
def reach(counts, values, cut, rows):
    """Adds one to the count of each value that is at least `cut`."""
    for row in range(rows):
        counts[row] += values[row] >= cut


@part
def each_cut(source, width, first, rows, cuts, many, target):
    """The ranks of a few rows, for all of them cut by cut."""
    counts = codes8(target + first, rows)
    for row in range(rows):
        counts[row] = 0
    for place in range(cuts, cuts + many * 8, 8):
        cut = load64(place)
        if width == FLOATS:
            reach(counts, floats(source + first * 8, rows), float_of(cut), rows)
        elif width == 2:
            reach(counts, codes16(source + first * 2, rows), np.uint16(cut), rows)
        elif width == 4:
            reach(counts, codes32(source + first * 4, rows), np.uint32(cut), rows)
        else:
            reach(counts, words(source + first * 8, rows), cut, rows)


@entry("void(int64, int64, int64, int64, int64, int64, int64, uint64, int64, int64)")
def rank(source, width, begin, end, cuts, many, table, low, shift, target):
    """Writes for the rows `begin` to `end` of a column how many cuts are at most the row's value.

    source  address of the first row: unsigned codes of `width` bytes, or floats
    cuts    address of uint64[many], at most 255, ascending: codes, or keys of floats; none is 0
    table   address of uint16[BUCKETS + 1]: how many cuts are at most the least key of each bucket, which is `low` and the bucket's
            number times 2^shift; at the end how many there are. `low` is below all cuts. 0: cuts are few, and each is looked at
    target  address of a byte for each row
    """
    if table == 0:
        for first in range(begin, end, STEP):
            each_cut(source, width, first, min(STEP, end - first), cuts, many, target)
        return
    steps = unsigned(shift)
    for row in range(begin, end):
        if width == FLOATS:
            key = float_key(source + row * 8)
        else:
            key = unsigned(code_at(source + row * width, width))
        store8(target + row, place(key, cuts, table, unsigned(low), steps))
