"""Texts as Arrow's views: each distinct one gets a number.

A view has 16 bytes: the length in 4, then up to 12 bytes of text; or, of a longer one, its first 4, which of the `buffers` (their
addresses) holds it all, and from which byte on.
"""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.entries import NONE
from segkernel.kernel.lanes import codes8, codes32, load64, signed, unsigned, words

_INLINE = 12
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_SPREAD, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)


@part
def mixed(state, word):
    state = (state ^ word) * _SPREAD
    return (state ^ (state >> _HALF)) * _MIX


@part
def hashed(first, second, start, seed):
    """The hash of a text: of its view, or where `start` is not 0, of its bytes from that address on."""
    state = mixed(seed, first)
    if start == 0:
        state = mixed(state, second)
    else:
        length = signed(first & _LOW)
        for at in range(0, length - 7, 8):
            state = mixed(state, np.uint64(load64(start + at)))
        state = mixed(state, np.uint64(load64(start + length - 8)))
    return state ^ (state >> _HALF)


@part
def same(start, other, length):
    """Whether two texts of more than 8 bytes, at two addresses, are equal."""
    for at in range(0, length - 7, 8):
        if load64(start + at) != load64(other + at):
            return False
    return bool(load64(start + length - 8) == load64(other + length - 8))


@entry(
    "UniTuple(int64, 2)"
    "(int64, int64[::1], int64, int64, int64, uint64, uint32[::1], uint64[:, ::1], int64[::1], int64, int64, int64, int64)"
)
def number(views, buffers, valid, begin, rows, seed, table, known, firsts, base, count, out, width):
    """Numbers the texts of the rows from `begin` to `rows`, from 1 on in the order of first rows, 0 where missing.

    `views` and `valid` (one byte per row, 0 where missing; 0 where none is) are addresses, and so is `out`, codes of `width` bytes (1 or
    4). `table` (a power of two, NONE where free) leads from hashes to the `count` texts known so far, `known` uint64[:, 4]: hash, view
    and the address of a long text; `firsts` gets the first row of each, counted from `base`. Returns the row before which the known
    ones left no room for one more, and how many are known.
    """
    pairs, narrow, wide = words(views, 2 * rows), codes8(out, rows), codes32(out, rows)
    here = codes8(valid, rows)
    most = min(len(known), len(table) // 2)
    shift = np.uint64(64)
    size = len(table)
    while size > 1:
        shift -= _ONE
        size >>= 1
    last = np.uint64(len(table) - 1)
    for i in range(begin, rows):
        found = np.int64(0)
        if valid == 0 or here[i] != 0:
            first, second = np.uint64(pairs[2 * i]), np.uint64(pairs[2 * i + 1])
            length = signed(first & _LOW)
            start = signed(0)
            if length > _INLINE:
                start = signed(buffers[signed(second & _LOW)]) + signed(second >> _HALF)
            mark = hashed(first, second, start, seed)
            at = mark >> shift
            while True:
                found = np.int64(table[at])
                if found == np.int64(NONE):
                    break
                if known[found, 0] == mark and known[found, 1] == first:
                    if start == 0:
                        if known[found, 2] == second:
                            break
                    elif same(start, signed(known[found, 3]), length):
                        break
                at = (at + _ONE) & last
            if found == np.int64(NONE):
                if count >= most:
                    return i, count
                found = count
                table[at] = np.uint32(count)
                known[count, 0], known[count, 1], known[count, 2], known[count, 3] = mark, first, second, unsigned(start)
                firsts[count] = base + i
                count += 1
            found += 1
        if width == 1:
            narrow[i] = np.uint8(found)
        else:
            wide[i] = np.uint32(found)
    return rows, count


@entry("void(uint64[:, ::1], int64, uint64, uint32[::1])")
def rehash(known, count, shift, table):
    """Puts known texts into a larger table, of NONE."""
    last = np.uint64(table.size - 1)
    for place in range(count):
        at = known[place, 0] >> shift
        while table[at] != NONE:
            at = (at + _ONE) & last
        table[at] = np.uint32(place)
