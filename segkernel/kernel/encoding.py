"""The loops that make codes of a column: its extent and common step, codes by step, by a table or of categories, and floats.

A column comes as the `address` of its numbers, their `width` in bytes (1, 2, 4 or 8; 16 where a number of 128 bits fits its lower half),
and `valid`, the address of one byte per row that is 0 where a value is missing; 0 where none is. `flip` is the sign's bit where numbers
have one, so that a number's bits with it turned over, its key, sort as the numbers do; else 0. Numbers are brought into blocks of keys
of 64 bits, `keys` uint64[BLOCK], which fit the nearest cache.

Constants are uint64 throughout: Numba makes a float of a uint64 with an int64.
"""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.entries import BLOCK, FEW
from segkernel.kernel.lanes import codes8, codes16, codes32, floats, wholes, words

_SLOTS = 1024
_ZERO, _ONE, _TWO, _ROUND = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(63)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)


@part
def load(address, width, begin, count, flip, keys):
    """The keys of `count` rows from the row `begin` on."""
    at = address + begin * width
    if width == 1:
        bytes1 = codes8(at, count)
        for k in range(count):
            keys[k] = np.uint64(bytes1[k]) ^ flip
    elif width == 2:
        bytes2 = codes16(at, count)
        for k in range(count):
            keys[k] = np.uint64(bytes2[k]) ^ flip
    elif width == 4:
        bytes4 = codes32(at, count)
        for k in range(count):
            keys[k] = np.uint64(bytes4[k]) ^ flip
    elif width == 8:
        bytes8 = words(at, count)
        for k in range(count):
            keys[k] = np.uint64(bytes8[k]) ^ flip
    else:
        pairs = words(at, 2 * count)
        for k in range(count):
            keys[k] = np.uint64(pairs[2 * k]) ^ flip


@part
def store(keys, address, width, begin, count):
    """Puts codes into `count` rows from the row `begin` on."""
    at = address + begin * width
    if width == 1:
        bytes1 = codes8(at, count)
        for k in range(count):
            bytes1[k] = np.uint8(keys[k])
    elif width == 2:
        bytes2 = codes16(at, count)
        for k in range(count):
            bytes2[k] = np.uint16(keys[k])
    elif width == 4:
        bytes4 = codes32(at, count)
        for k in range(count):
            bytes4[k] = np.uint32(keys[k])
    else:
        bytes8 = words(at, count)
        for k in range(count):
            bytes8[k] = keys[k]


@part
def twos(number):
    """How often 2 divides a number that is not 0."""
    count = _ZERO
    while number & _ONE == _ZERO:
        number >>= _ONE
        count += _ONE
    return count


@part
def inverse(odd):
    """The inverse of an odd number modulo 2^64, by Newton's iteration: each round doubles the right bits."""
    found = odd
    for _ in range(5):
        found *= _TWO - odd * found
    return found


@part
def common(left, right):
    """The greatest common divisor."""
    while right != _ZERO:
        left, right = right, left % right
    return left


@part
def first_there(valid, begin, count):
    """The first of some rows that has a value; -1 where none has."""
    if valid == 0:
        return 0
    here = codes8(valid + begin, count)
    for k in range(count):
        if here[k] != 0:
            return k
    return -1


@part
def fill_gaps(keys, valid, begin, count, key):
    """Puts a key where values are missing; how many are not."""
    if valid == 0:
        return count
    here = codes8(valid + begin, count)
    there = 0
    for k in range(count):
        there += here[k]
        keys[k] = keys[k] if here[k] != 0 else key
    return there


@entry("void(int64, int64, int64, int64, uint64, uint64[::1], uint64[::1])")
def survey(address, width, valid, rows, flip, found, keys):
    """What a column's keys are like: `found` is low, high, how many rows have a value, the greatest common divisor of the distances
    from the first of them (0 where there is one value), and that; it goes on from what it holds.

    Divisibility is tested by one multiplication with the inverse and a rotation (Granlund and Montgomery, 1994).
    """
    low, high, present, step, first = found[0], found[1], np.int64(found[2]), found[3], found[4]
    shift, factor, limit = _ZERO, _ONE, _ZERO
    if step > _ONE:
        shift = twos(step)
        factor = inverse(step >> shift)
        limit = _LAST // step
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, flip, keys)
        if present == 0:
            at = first_there(valid, begin, count)
            if at < 0:
                continue
            first = keys[at]
            low, high = first, first
        present += fill_gaps(keys, valid, begin, count, first)
        for k in range(count):
            low = min(low, keys[k])
            high = max(high, keys[k])
        if step == _ONE:
            continue
        wrong = 0
        for k in range(count):
            product = (max(keys[k], first) - min(keys[k], first)) * factor
            wrong += ((product >> shift) | (product << ((_ROUND - shift + _ONE) & _ROUND))) > limit
        if wrong:
            for k in range(count):
                distance = max(keys[k], first) - min(keys[k], first)
                if step == _ZERO or distance % step != _ZERO:
                    step = common(distance, step)
                if step == _ONE:
                    break
            shift = twos(step)
            factor = inverse(step >> shift)
            limit = _LAST // step
    found[0], found[1], found[2], found[3], found[4] = low, high, np.uint64(present), step, first


@entry("void(int64, int64, int64, int64, uint64, uint64, uint64, int64, int64, uint64[::1])")
def encode(address, width, valid, rows, flip, low, step, out, out_width, keys):
    """Codes of `out_width` bytes at the address `out`: a key's distance from `low` in steps, plus one; 0 where missing. Every distance
    is a multiple of `step`."""
    shift = twos(step)
    factor = inverse(step >> shift)
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, flip, keys)
        for k in range(count):
            keys[k] = (((keys[k] - low) >> shift) * factor) + _ONE
        fill_gaps(keys, valid, begin, count, _ZERO)
        store(keys, out, out_width, begin, count)


@entry("int64(int64, int64, int64, int64, uint64, uint64[::1], uint8[::1], uint64[::1])")
def few_values(address, width, valid, rows, flip, slots, taken, keys):
    """Put the distinct keys into a hash table of 1,024 slots; the number of new ones, or FEW + 1 as soon as there are more."""
    found = 0
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        first = first_there(valid, begin, count)
        if first < 0:
            continue
        load(address, width, begin, count, flip, keys)
        fill_gaps(keys, valid, begin, count, keys[first])
        for k in range(count):
            at = (keys[k] * _SPREAD) >> np.uint64(54)
            while taken[at] != 0 and slots[at] != keys[k]:
                at = (at + _ONE) & np.uint64(_SLOTS - 1)
            if taken[at] == 0:
                found += 1
                if found > FEW:
                    return found
                taken[at] = 1
                slots[at] = keys[k]
    return found


@entry("void(int64, int64, int64, int64, uint64, uint64[::1], uint8[::1], int64, uint64[::1])")
def few_codes(address, width, valid, rows, flip, slots, ranks, out, keys):
    """The code (uint8) of each row through a table that `few_values` made; `ranks` is the code of each slot."""
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        codes = codes8(out + begin, count)
        load(address, width, begin, count, flip, keys)
        for k in range(count):
            code = np.uint8(0)
            if valid == 0 or codes8(valid + begin, count)[k] != 0:
                at = (keys[k] * _SPREAD) >> np.uint64(54)
                while slots[at] != keys[k] or ranks[at] == 0:
                    at = (at + _ONE) & np.uint64(_SLOTS - 1)
                code = ranks[at]
            codes[k] = code


@entry("void(int64, int64, int64, int64, int64, uint32[::1], uint64[::1])")
def mark(address, width, valid, rows, base, seen, keys):
    """Puts a row, counted from `base`, to each category, a number without a sign, that some row has."""
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, _ZERO, keys)
        for k in range(count):
            if valid == 0 or codes8(valid + begin, count)[k] != 0:
                seen[np.int64(keys[k])] = np.uint32(base + begin + k)


@entry("void(int64, int64, int64, int64, int64, uint32[::1], int64, int64, uint64[::1])")
def recode(address, width, valid, rows, more, ranks, out, out_width, keys):
    """Codes of `out_width` bytes at the address `out`, which may be the column's: `ranks` at a number plus `more`, 0 where missing."""
    for begin in range(0, rows, BLOCK):
        count = min(BLOCK, rows - begin)
        load(address, width, begin, count, _ZERO, keys)
        fill_gaps(keys, valid, begin, count, _LAST)
        for k in range(count):
            at = np.int64(keys[k]) + more if valid == 0 or keys[k] != _LAST else np.int64(0)
            keys[k] = np.uint64(ranks[at])
        store(keys, out, out_width, begin, count)


@entry("int64(int64, int64, int64, int64)")
def copy_floats(address, valid, rows, out):
    """Floats, NaN where missing or none; returns how many."""
    numbers, target = floats(address, rows), floats(out, rows)
    missing = 0
    if valid == 0:
        for i in range(rows):
            target[i] = numbers[i]
            missing += numbers[i] != numbers[i]
        return missing
    here = codes8(valid, rows)
    for i in range(rows):
        number = numbers[i] if here[i] != 0 else np.nan
        target[i] = number
        missing += number != number
    return missing


@entry("boolean(int64, int64, int64)")
def halved(address, valid, rows):
    """Whether all numbers of 128 bits fit their lower half, as numbers with a sign."""
    pairs = words(address, 2 * rows)
    for begin in range(0, rows, BLOCK):
        wrong = 0
        for i in range(begin, min(begin + BLOCK, rows)):
            sign = (np.uint64(pairs[2 * i]) >> _ROUND) * _LAST
            wrong += (np.uint64(pairs[2 * i + 1]) != sign) & (valid == 0 or codes8(valid, rows)[i] != 0)
        if wrong:
            return False
    return True


@entry("void(int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], int64[::1])")
def to_instants(address, rows, low, shift, cuts, before, after, out):
    """Local times at an address less their zone's offset, by buckets of 2^shift from `low` on: `before` holds until the bucket's cut,
    `after` from there. All in one unit. What stands where a time is missing gives anything."""
    local, last = wholes(address, rows), np.int64(cuts.size - 1)
    for i in range(rows):
        time = np.int64(local[i])
        at = min(max((time - low) >> shift, np.int64(0)), last)
        out[i] = time - (after[at] if time >= cuts[at] else before[at])


@part
def two_product(left, right):
    """The product of two floats and its exact rounding error (Dekker, 1971)."""
    product = left * right
    part_left, part_right = 134217729.0 * left, 134217729.0 * right
    high_left = part_left - (part_left - left)
    high_right = part_right - (part_right - right)
    low_left, low_right = left - high_left, right - high_right
    error = ((high_left * high_right - product) + high_left * low_right + low_left * high_right) + low_left * low_right
    return product, error


@entry("UniTuple(int64, 2)(float64[::1], float64, int64[::1], uint8[::1])")
def units(numbers, scale, out, valid):
    """Floats times `scale` (a power of ten below 10^23, exact), the exact product rounded half away from zero.

    Missing (`valid` 0) where NaN. Returns (missing, the first row that leaves 64 bits or -1).
    """
    missing = 0
    for i in range(numbers.size):
        number = numbers[i]
        valid[i] = 1
        out[i] = 0
        if number != number:
            valid[i] = 0
            missing += 1
        elif abs(number) * scale >= 9223372036854775808.0:
            return missing, i
        else:
            product, error = two_product(abs(number), scale)
            whole = np.floor(product)
            fraction = product - whole
            carry = np.floor(error)
            rest = error - carry
            result = np.int64(whole)
            if fraction != 0.0:
                # here the product is below 2^52 and the error below the fraction's last place
                if fraction > 0.5 or (fraction == 0.5 and error >= 0.0):
                    result += 1
            else:
                result += np.int64(carry)
                if rest >= 0.5:
                    result += 1
            out[i] = -result if number < 0.0 else result
    return missing, -1
