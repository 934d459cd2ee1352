"""Sums, ends and orders of the values of groups. `group` int64[rows] is the number of each row's group, -1 where the row does not count."""

from __future__ import annotations

import math

import numpy as np

from segkernel.kernel.compilation import entry
from segkernel.kernel.entries import BINS, DIGIT
from segkernel.kernel.lanes import as_float

_ZERO, _ONE, _HALF, _LAST = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(63)
_MASK = np.uint64(0xFFFFFFFF)
_LOW = np.int64(0xFFFFFFFF)
_MANTISSA, _HIDDEN = np.uint64((1 << 52) - 1), np.uint64(1 << 52)


@entry("void(int64[::1], int64[::1])")
def tally(group, counts):
    """Counts the rows of each group."""
    for i in range(group.size):
        if group[i] >= 0:
            counts[group[i]] += 1


@entry("void(int64[::1], uint64[::1], boolean, int64[:, ::1])")
def add_whole(group, numbers, signed, sums):
    """Adds whole numbers to the `sums` of their groups: of their upper halves, which have a sign or not, and of their lower ones. Each
    holds 2^32 rows."""
    for i in range(group.size):
        at = group[i]
        if at >= 0:
            upper = np.int64(numbers[i] >> _HALF)
            if signed and upper >= 0x80000000:
                upper -= 0x100000000
            sums[at, 0] += upper
            sums[at, 1] += np.int64(numbers[i] & _MASK)


@entry("void(int64[::1], uint64[::1], int64, int64, int64[:, ::1], int64[:, ::1])")
def add_floats(group, bits, base, rounds, bins, odd):
    """Adds floats, without rounding, to those of the groups from `base` on that `bins` int64[groups, BINS] has.

    A bin holds 32 binary places and what was carried out of them; carries are passed on after so many `rounds` of rows as surely fit.
    `odd` int64[groups, 3] counts what is no number, and the infinite ones of either sign.
    """
    for begin in range(0, group.size, rounds):
        for i in range(begin, min(begin + rounds, group.size)):
            at = group[i] - base
            if at < 0 or at >= len(bins):
                continue
            exponent = np.int64((bits[i] >> np.uint64(52)) & np.uint64(0x7FF))
            mantissa = bits[i] & _MANTISSA
            minus = bits[i] >> _LAST != _ZERO
            if exponent == 0x7FF:
                odd[at, 0 if mantissa != _ZERO else 2 if minus else 1] += 1
                continue
            if exponent > 0:
                mantissa |= _HIDDEN
                exponent -= 1
            place, shift = exponent >> 5, np.uint64(exponent & 31)
            lower, upper = mantissa << shift, np.int64((mantissa >> _ONE) >> (_LAST - shift))
            first, second = np.int64(lower & _MASK), np.int64(lower >> _HALF)
            if minus:
                first, second, upper = -first, -second, -upper
            bins[at, place] += first
            bins[at, place + 1] += second
            bins[at, place + 2] += upper
        for at in range(len(bins)):
            carry = np.int64(0)
            for place in range(BINS - 1):
                held = bins[at, place] + carry
                bins[at, place] = held & _LOW
                carry = held >> 32
            bins[at, BINS - 1] += carry


@entry("void(int64[:, ::1], int64[:, ::1], float64[::1])")
def round_sums(bins, odd, sums):
    """What `add_floats` added up, rounded once to the nearest float, ties to even; `bins` are used up."""
    for at in range(len(bins)):
        if odd[at, 0] > 0 or (odd[at, 1] > 0 and odd[at, 2] > 0):
            sums[at] = math.nan
            continue
        if odd[at, 1] > 0 or odd[at, 2] > 0:
            sums[at] = math.inf if odd[at, 1] > 0 else -math.inf
            continue
        minus = bins[at, BINS - 1] < 0
        if minus:
            carry = np.int64(1)
            for place in range(BINS):
                held = (bins[at, place] & _LOW ^ _LOW) + carry
                bins[at, place] = held & _LOW
                carry = held >> 32
        top = BINS - 1
        while top >= 0 and bins[at, top] == 0:
            top -= 1
        if top < 0:
            sums[at] = 0.0
            continue
        head = np.uint64(bins[at, top]) << _HALF
        below = _ZERO
        if top >= 1:
            head |= np.uint64(bins[at, top - 1])
        if top >= 2:
            below = np.uint64(bins[at, top - 2])
        shift = _ZERO
        while (head << shift) >> _LAST == _ZERO:
            shift += _ONE
        head = (head << shift) | (below >> (_HALF - shift))
        rest = (below << shift) & _MASK != _ZERO
        for place in range(top - 2):
            rest = rest or bins[at, place] != 0
        if rest:
            head |= _ONE  # the conversion to 53 places then rounds as the endless number would
        power = 32 * (top - 1) - np.int64(shift) - 1074
        half = power >> 1  # each half is a power that a float holds; at most the last product is not exact, where it is infinite
        value = np.float64(head) * as_float((1023 + half) << 52) * as_float((1023 + power - half) << 52)
        sums[at] = -value if minus else value


@entry("void(int64[::1], int64[::1], uint64[::1], boolean, int64[::1])")
def extremes(group, keys, low, largest, chosen):
    """The row of the smallest or `largest` key of each group, the first of several; `chosen` comes filled with -1. Of keys of 128 bits
    `low` has the lower halves, else nothing."""
    wide = low.size > 0
    for i in range(group.size):
        at = group[i]
        if at >= 0:
            best = chosen[at]
            if best < 0:
                chosen[at] = i
            elif keys[i] != keys[best]:
                if (keys[i] > keys[best]) == largest:
                    chosen[at] = i
            elif wide and low[i] != low[best] and (low[i] > low[best]) == largest:
                chosen[at] = i


@entry("void(uint64[::1], uint32[::1], int64, int64[::1], uint64[::1], uint32[::1])")
def sort_digit(keys, rows, shift, places, sorted_keys, sorted_rows):
    """Sorts keys, and the rows that they are of, by DIGIT bits from `shift` on, those with the same ones as they stand; `places` are
    zeros, one more than such digits."""
    by, mask = np.uint64(shift), np.uint64((1 << DIGIT) - 1)
    for i in range(keys.size):
        places[np.int64((keys[i] >> by) & mask) + 1] += 1
    for digit in range(1, places.size):
        places[digit] += places[digit - 1]
    for i in range(keys.size):
        digit = np.int64((keys[i] >> by) & mask)
        at = places[digit]
        places[digit] = at + 1
        sorted_keys[at] = keys[i]
        sorted_rows[at] = rows[i]


@entry("void(uint64[::1], int64[::1], int64[::1], int64[::1])")
def ties(keys, starts, first, after):
    """Where the keys equal to each begin and end, in groups that begin at `starts` and in which keys are in order."""
    for each in range(starts.size - 1):
        begin, end = starts[each], starts[each + 1]
        at = begin
        for i in range(begin, end):
            if keys[i] != keys[at]:
                at = i
            first[i] = at
        at = end
        for i in range(end - 1, begin - 1, -1):
            if i + 1 < end and keys[i] != keys[i + 1]:
                at = i + 1
            after[i] = at
