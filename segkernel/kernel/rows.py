"""Rows of tables: the tables of keys, the rows that links find, the order of rows by owner, and columns in the order of rows.

Columns of keys come as in `encoding`. Rows are uint32, NONE where there is no row.
"""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.encoding import load
from segkernel.kernel.entries import BLOCK, NONE
from segkernel.kernel.lanes import codes8, codes16, codes32, words

_NOBODY = np.int64(0xFFFFFFFF)
_ONE = np.uint64(1)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@entry("int64(int64, int64, int64, uint64, uint64, uint32[::1], uint64[::1])")
def fill_dense(address, width, rows, flip, low, table, keys):
    """The row of each key by its distance from `low`, in a table of NONE; returns how many keys came before already."""
    again = 0
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, flip, keys)
        for k in range(count):
            at = np.int64(keys[k] - low)
            again += table[at] != NONE
            table[at] = np.uint32(begin + k)
    return again


@entry("UniTuple(int64, 2)(int64, int64, int64, int64, uint64, uint64, uint32[::1], uint32[::1], uint64[::1])")
def find_dense(address, width, valid, rows, flip, low, table, out, keys):
    """The row of each value by its distance from `low`, NONE where nobody has it: (missing, present but not found)."""
    size = np.uint64(table.size)
    missing, lost = 0, 0
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, flip, keys)
        absent = 0
        for k in range(count):
            at = keys[k] - low
            row = table[np.int64(at)] if at < size else NONE
            if valid != 0 and codes8(valid + begin, count)[k] == 0:
                row = NONE
                absent += 1
            lost += row == NONE
            out[begin + k] = row
        missing += absent
        lost -= absent
    return missing, lost


@entry("int64(uint64[::1], uint64, uint32[::1])")
def fill_hashed(bits, shift, table):
    """The row of each key in an open hash table (size a power of two, 64 - shift bits); returns the repeated keys."""
    again = 0
    last = np.uint64(table.size - 1)
    for i in range(bits.size):
        at = (bits[i] * _SPREAD) >> shift
        while table[at] != NONE and bits[table[at]] != bits[i]:
            at = (at + _ONE) & last
        if table[at] != NONE:
            again += 1
        else:
            table[at] = np.uint32(i)
    return again


@entry("UniTuple(int64, 2)(int64, int64, int64, int64, uint64, uint64[::1], uint64, uint32[::1], uint32[::1], uint64[::1])")
def find_hashed(address, width, valid, rows, flip, bits, shift, table, out, keys):
    """As `find_dense`, through a table that `fill_hashed` made of `bits`: the keys' numbers in 64 bits."""
    last = np.uint64(table.size - 1)
    missing, lost = 0, 0
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, flip, keys)
        for k in range(count):
            row = NONE
            if valid != 0 and codes8(valid + begin, count)[k] == 0:
                missing += 1
            else:
                number = keys[k] - flip
                at = (number * _SPREAD) >> shift
                while table[at] != NONE and bits[table[at]] != number:
                    at = (at + _ONE) & last
                row = table[at]
                lost += row == NONE
            out[begin + k] = row
    return missing, lost


@entry("int64(uint32[::1], int64[::1])")
def count_owners(owners, offsets):
    """Where each owner's rows start, into `offsets` (zeroed, one more than owners); returns 1 if the rows are in order
    of their owners and every row has one."""
    ordered, before = 1, np.uint32(0)
    for i in range(owners.size):
        owner = owners[i]
        if owner == NONE or owner < before:
            ordered = 0
        before = owner
        if owner != NONE:
            offsets[np.int64(owner) + 1] += 1
    for i in range(1, offsets.size):
        offsets[i] += offsets[i - 1]
    return ordered


@entry("void(uint32[::1], int64[::1], int64[::1], int64, uint32[:, ::1], uint32[::1], uint32[::1])")
def place(owners, starts, ends, shift, room, order, sorted_owners):
    """Stable counting sort of rows by owner; rows without one drop out.

    Rows are first put together by the upper bits of their owner, owner >> shift, then each lot by all of them, so that no more places
    are written to at once than the caches hold. `starts` says where each owner's rows begin, `ends` where each lot does; both are used
    up. `room` uint32[2, rows of the largest lot].
    """
    for i in range(owners.size):
        owner = owners[i]
        if owner != NONE:
            lot = np.int64(owner) >> shift
            at = ends[lot]
            ends[lot] = at + 1
            order[at] = np.uint32(i)
            sorted_owners[at] = owner
    begin = np.int64(0)
    for lot in range(ends.size):
        count = ends[lot] - begin
        for k in range(count):
            room[0, k] = order[begin + k]
            room[1, k] = sorted_owners[begin + k]
        for k in range(count):
            owner = room[1, k]
            at = starts[owner]
            starts[owner] = at + 1
            order[at] = room[0, k]
            sorted_owners[at] = owner
        begin = ends[lot]


@entry("void(uint32[::1], uint32[::1])")
def invert(order, positions):
    """Where each row of a table is in an order; `positions` comes filled with NONE."""
    for i in range(order.size):
        positions[order[i]] = np.uint32(i)


@part
def taken(values, last, rows, none, out):
    for i in range(rows.size):
        row = np.int64(rows[i])
        value = values[min(row, last)]
        out[i] = none if row == _NOBODY else value


@entry("void(int64, int64, int64, uint32[::1], uint64, int64)")
def gather(address, width, size, rows, none, out):
    """Some rows of a column of `size` codes, or numbers in so many bytes, to the address `out`; `none` where a row is NONE."""
    last, count = size - 1, rows.size
    if width == 1:
        taken(codes8(address, size), last, rows, np.uint8(none), codes8(out, count))
    elif width == 2:
        taken(codes16(address, size), last, rows, np.uint16(none), codes16(out, count))
    elif width == 4:
        taken(codes32(address, size), last, rows, np.uint32(none), codes32(out, count))
    else:
        taken(words(address, size), last, rows, none, words(out, count))
