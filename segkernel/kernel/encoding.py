"""The loops of bind: extent, common step and codes of whole numbers, key tables, row maps and owners.

Whole numbers come as `bits`, uint64; `flip` is 2^63 where they are signed, so that `bits ^ flip` sorts as they do, else
0. `valid` has one byte per row, or a single byte that nobody reads where `masked` is false. Rows are uint32, NONE where
there is no row. Constants are uint64 throughout: Numba makes a float of a uint64 with an int64.
"""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.entries import FEW, NONE

_SLOTS = 1024
_ZERO, _ONE, _TWO, _ROUND = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(63)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)


@entry("UniTuple(uint64, 3)(uint64[::1], uint8[::1], boolean, uint64)")
def extent(bits, valid, masked, flip):
    """Smallest and largest key (`bits ^ flip`) of the present rows, and how many those are."""
    low, high, present = _LAST, _ZERO, _ZERO
    for i in range(bits.size):
        if not masked or valid[i] != 0:
            key = bits[i] ^ flip
            low = min(low, key)
            high = max(high, key)
            present += _ONE
    return low, high, present


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


@entry("uint64(uint64[::1], uint8[::1], boolean, uint64, uint64)")
def common_step(bits, valid, masked, flip, low):
    """The greatest common divisor of all keys' distances from `low`; 0 where all are `low`.

    Divisibility is tested by one multiplication with the inverse and a rotation (Granlund and Montgomery, 1994).
    """
    step, shift, factor, limit = _ZERO, _ZERO, _ZERO, _ZERO
    for i in range(bits.size):
        if not masked or valid[i] != 0:
            distance = (bits[i] ^ flip) - low
            product = distance * factor
            if ((product >> shift) | (product << ((_ROUND - shift + _ONE) & _ROUND))) > limit or step == _ZERO:
                step = common(distance, step)
                if step == _ONE:
                    return step
                if step != _ZERO:
                    shift = twos(step)
                    factor = inverse(step >> shift)
                    limit = _LAST // step
    return step


@entry(
    "void(uint64[::1], uint8[::1], boolean, uint64, uint64, uint64, uint8[::1])",
    "void(uint64[::1], uint8[::1], boolean, uint64, uint64, uint64, uint16[::1])",
    "void(uint64[::1], uint8[::1], boolean, uint64, uint64, uint64, uint32[::1])",
    "void(uint64[::1], uint8[::1], boolean, uint64, uint64, uint64, uint64[::1])",
)
def encode(bits, valid, masked, flip, low, step, out):
    """Codes: distance from `low` in steps, plus one; 0 where missing. Every distance is a multiple of `step`."""
    shift = twos(step)
    factor = inverse(step >> shift)
    if masked:
        for i in range(bits.size):
            code = ((((bits[i] ^ flip) - low) >> shift) * factor) + _ONE
            out[i] = code if valid[i] != 0 else _ZERO
    else:
        for i in range(bits.size):
            out[i] = ((((bits[i] ^ flip) - low) >> shift) * factor) + _ONE


@entry("int64(uint64[::1], uint8[::1], boolean, uint64[::1], uint8[::1])")
def few_values(bits, valid, masked, slots, taken):
    """Put the distinct values into a hash table of 1,024 slots; their number, or FEW + 1 as soon as there are more."""
    count = 0
    for i in range(bits.size):
        if not masked or valid[i] != 0:
            at = (bits[i] * _SPREAD) >> np.uint64(54)
            while taken[at] != 0 and slots[at] != bits[i]:
                at = (at + _ONE) & np.uint64(_SLOTS - 1)
            if taken[at] == 0:
                count += 1
                if count > FEW:
                    return count
                taken[at] = 1
                slots[at] = bits[i]
    return count


@entry("void(uint64[::1], uint8[::1], boolean, uint64[::1], uint8[::1], uint8[::1])")
def few_codes(bits, valid, masked, slots, ranks, out):
    """The code of each row through a table that `few_values` made; `ranks` is the code of each slot."""
    for i in range(bits.size):
        code = 0
        if not masked or valid[i] != 0:
            at = (bits[i] * _SPREAD) >> np.uint64(54)
            while slots[at] != bits[i] or ranks[at] == 0:
                at = (at + _ONE) & np.uint64(_SLOTS - 1)
            code = ranks[at]
        out[i] = code


@entry(
    "int64(uint8[::1], uint32[::1], uint8, uint8[::1])",
    "int64(uint16[::1], uint32[::1], uint16, uint16[::1])",
    "int64(uint32[::1], uint32[::1], uint32, uint32[::1])",
    "int64(uint64[::1], uint32[::1], uint64, uint64[::1])",
)
def gather(codes, rows, missing, out):
    """`codes[rows]`, `missing` where a row is NONE; returns how often the result is `missing`."""
    count = 0
    for i in range(rows.size):
        code = codes[rows[i]] if rows[i] != NONE else missing
        count += code == missing
        out[i] = code
    return count


@entry("int64(float64[::1], uint32[::1], float64[::1])")
def gather_numbers(numbers, rows, out):
    """`numbers[rows]`, NaN where a row is NONE; returns how many of the result are NaN."""
    count = 0
    for i in range(rows.size):
        number = numbers[rows[i]] if rows[i] != NONE else np.nan
        count += number != number
        out[i] = number
    return count


@entry("int64(uint64[::1], uint64, uint64, uint32[::1])")
def fill_dense(bits, flip, low, table):
    """Row of each key by its distance from `low`, in a table of NONE; returns how many keys came before already."""
    again = 0
    for i in range(bits.size):
        at = (bits[i] ^ flip) - low
        again += table[at] != NONE
        table[at] = np.uint32(i)
    return again


@entry("UniTuple(int64, 2)(uint64[::1], uint8[::1], boolean, uint64, uint64, uint32[::1], uint32[::1])")
def find_dense(bits, valid, masked, flip, low, table, out):
    """Row of each value, NONE where nobody has it: (missing, present but not found)."""
    missing, lost = 0, 0
    for i in range(bits.size):
        row = NONE
        if masked and valid[i] == 0:
            missing += 1
        else:
            at = (bits[i] ^ flip) - low
            if at < np.uint64(table.size):
                row = table[at]
            lost += row == NONE
        out[i] = row
    return missing, lost


@entry("int64(uint64[::1], uint64, uint32[::1])")
def fill_hashed(bits, shift, table):
    """Row of each key in an open hash table (size a power of two, 64 - shift bits); returns the repeated keys."""
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


@entry("UniTuple(int64, 2)(uint64[::1], uint8[::1], boolean, uint64[::1], uint64, uint32[::1], uint32[::1])")
def find_hashed(bits, valid, masked, keys, shift, table, out):
    """As `find_dense`, through a table that `fill_hashed` made of `keys`."""
    missing, lost = 0, 0
    last = np.uint64(table.size - 1)
    for i in range(bits.size):
        row = NONE
        if masked and valid[i] == 0:
            missing += 1
        else:
            at = (bits[i] * _SPREAD) >> shift
            while table[at] != NONE and keys[table[at]] != bits[i]:
                at = (at + _ONE) & last
            row = table[at]
            lost += row == NONE
        out[i] = row
    return missing, lost


@entry("int64(uint64[::1], uint8[::1], boolean, uint64, uint32[::1], uint32[::1], uint32[::1])")
def number_distinct(bits, valid, masked, shift, table, firsts, out):
    """The number of each value, in the order of first rows, NONE where missing, and those first rows; returns how many
    values there are, or -1 when they would fill more than half of the table (of NONE; a power of two, 64 - shift bits).
    """
    count = 0
    last = np.uint64(table.size - 1)
    for i in range(bits.size):
        number = NONE
        if not masked or valid[i] != 0:
            at = (bits[i] * _SPREAD) >> shift
            while table[at] != NONE and bits[firsts[table[at]]] != bits[i]:
                at = (at + _ONE) & last
            if table[at] == NONE:
                if count >= firsts.size:
                    return -1
                table[at] = np.uint32(count)
                firsts[count] = np.uint32(i)
                count += 1
            number = table[at]
        out[i] = number
    return count


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


@entry("void(uint32[::1], int64[::1], uint32[::1], uint32[::1])")
def place(owners, starts, order, sorted_owners):
    """Stable counting sort of rows by owner; `starts` (a copy of the offsets) is used up. Rows without owner drop out."""
    for i in range(owners.size):
        owner = owners[i]
        if owner != NONE:
            at = starts[owner]
            starts[owner] = at + 1
            order[at] = np.uint32(i)
            sorted_owners[at] = owner


@entry("void(uint32[::1], uint32[::1])")
def invert(order, positions):
    """Where each row of a table is in an order; `positions` comes filled with NONE."""
    for i in range(order.size):
        positions[order[i]] = np.uint32(i)


@entry("void(int64[::1], int64, int64, int64[::1], int64[::1], int64[::1], int64[::1])")
def to_instants(local, low, shift, cuts, before, after, out):
    """Local times less their zone's offset, by buckets of 2^shift from `low` on: `before` holds until the bucket's cut,
    `after` from there. All in one unit."""
    for i in range(local.size):
        time = local[i]
        at = (time - low) >> shift
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
