"""Aggregates: the rows of a relation whose bit is set, added to their owners' slots.

Sums of floats of any size are Ogita, Rump and Oishi's SumK with K = 3 ("Accurate sum and dot product", 2005): a sum and two corrections,
an error below 2^-150 of the sum of magnitudes for any number of rows met here, whatever their order.
"""

from __future__ import annotations

import math

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    filled8,
    first_bit,
    floats,
    load32,
    load64,
    load_float,
    load_whole,
    ones,
    place16,
    signed,
    store32,
    store64,
    store_float,
    store_whole,
    unsigned,
    wholes,
    words,
)
from segkernel.kernel.values import clear
from segkernel.kernel.wide import extended, wide_add, wide_float, wide_mean, wide_multiply

NAN = math.nan
HUGE = 2.0**960
LOST = 2.0**-51
"""More than the share of a sum of two floats that its rounding loses, and that of a number beside it that is no larger."""
DOWN, UP = 2.0**-128, 2.0**128
WRAP = 2.0**128


@part
def extract(places, lists, room, register, start, stop):
    """Lists the set bits from row `start` to `stop` (relative to the register's first) as uint32; how many.

    First the words that are not zero, without asking of each; then their bits, few ones by one, many by compression. The
    lists have room for 64 bytes behind their ends; `lists` holds two of `room` bytes.
    """
    if stop <= start:
        return 0
    if register < 0:
        for row in range(start, stop):
            store32(places + (row - start) * 4, row)
        return stop - start
    first, last = start >> 6, (stop - 1) >> 6
    numbers = lists + room
    filled = 0
    for i in range(first, last + 1, 8):
        filled += filled8(register + i * 8, i, lists + filled * 8, numbers + filled * 8)
    while filled > 0 and load_whole(numbers + (filled - 1) * 8) > last:
        filled -= 1
    if filled == 0:
        return 0
    if load_whole(numbers) == first:
        store64(lists, load64(lists) & (~unsigned(0) << unsigned(start & 63)))
    if load_whole(numbers + (filled - 1) * 8) == last and stop & 63:
        at = lists + (filled - 1) * 8
        store64(at, load64(at) & ((unsigned(1) << unsigned(stop & 63)) - unsigned(1)))
    found = 0
    guard = unsigned(1) << unsigned(63)
    for j in range(filled):
        word, base = load64(lists + j * 8), load_whole(numbers + j * 8) * 64
        count = ones(word)
        at = places + found * 4
        if count <= 4:
            for k in range(4):
                store32(at + k * 4, base + first_bit(word | guard))
                word &= word - unsigned(1) if word != unsigned(0) else unsigned(0)
        else:
            for k in range(0, 64, 16):
                part16 = (word >> unsigned(k)) & unsigned(0xFFFF)
                place16(at, base + k, part16)
                at += ones(part16) * 4
        found += count
    return found


@part
def mark(target, places, found, owner, first):
    """Sets the owners' bits in a register that is clear; the owners ascend, so that a word is kept at hand until the next begins."""
    word, number = unsigned(0), signed(-1)
    for j in range(found):
        row = signed(load32(owner + signed(load32(places + j * 4)) * 4)) - first
        word = (word if row >> 6 == number else unsigned(0)) | (unsigned(1) << unsigned(row & 63))
        number = row >> 6
        store64(target + number * 8, word)


@part
def two_sum(a, b):
    """a + b and what its rounding lost."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@part
def visit_rows(slot, places, found, owner, first):
    """Counts the listed rows in their owners' slots; `first` is the number of the slots' first row."""
    slot -= first * 8
    for j in range(found):
        at = slot + signed(load32(owner + signed(load32(places + j * 4)) * 4)) * 8
        store_whole(at, load_whole(at) + 1)


@part
def visit_recoded(slot, places, found, address, width, table, owner, first):
    """As a sum, of the values that a table holds for each code."""
    for j in range(found):
        i = signed(load32(places + j * 4))
        at = slot + (signed(load32(owner + i * 4)) - first) * 8
        code = code_at(address + i * width, width)
        store_whole(at, load_whole(at) + load_whole(table + code * 8))


@part
def visit_wide(slot, stride, places, found, address, width, args, at_base, owner, first):
    """As a sum, in 128 bits: the high part in the slot, the low part in the next, in a third how often it wrapped."""
    for j in range(found):
        i = signed(load32(places + j * 4))
        at = slot + (signed(load32(owner + i * 4)) - first) * 8
        code = unsigned(code_at(address + i * width, width))
        if code != unsigned(0):
            if args[at_base + 4] != 0:
                cell = args[at_base + 4] + signed(code) * 16
                high, low = load_whole(cell), load64(cell + 8)
            else:
                high, low, _ = wide_multiply(signed(0), code - unsigned(1), args[at_base + 2], unsigned(args[at_base + 3]))
                high, low, _ = wide_add(high, low, args[at_base], unsigned(args[at_base + 1]))
            minus = high < 0
            high, low, over = wide_add(high, low, load_whole(at), load64(at + stride))
            if over and args[at_base + 5] != 0:
                store_whole(at + 2 * stride, load_whole(at + 2 * stride) + (-1 if minus else 1))
            store_whole(at, high)
            store64(at + stride, low)


@part
def visit_any_float(slot, stride, places, found, address, owner, first):
    """As a float sum over all magnitudes: infinities apart, values over 2^960 scaled down apart.
    Six slots: the sum and two corrections, the scaled sum and its correction, the infinities."""
    for j in range(found):
        i = signed(load32(places + j * 4))
        at = slot + (signed(load32(owner + i * 4)) - first) * 8
        value = load_float(address + i * 8)
        if value == value:
            add_any_float(at, stride, value)


@part
def add_any_float(at, stride, value):
    """Adds a float of any size to the six parts of a sum."""
    if value == math.inf or value == -math.inf:
        store_float(at + 5 * stride, load_float(at + 5 * stride) + value)
    elif abs(value) > HUGE:
        total, rest = two_sum(load_float(at + 3 * stride), value * DOWN)
        store_float(at + 3 * stride, total)
        store_float(at + 4 * stride, load_float(at + 4 * stride) + rest)
    else:
        total, rest = two_sum(load_float(at), value)
        store_float(at, total)
        small, tiny = two_sum(load_float(at + stride), rest)
        store_float(at + stride, small)
        store_float(at + 2 * stride, load_float(at + 2 * stride) + tiny)


@part
def nearest(head, small, tiny):
    """The sum of three floats, rounded once."""
    small, tiny = two_sum(small, tiny)
    head, rest = two_sum(head, small)
    rest, tiny = two_sum(rest, tiny)
    head, rest = two_sum(head, rest)
    # a tie that the smallest part decides: as in CPython's math.fsum
    same = (rest > 0.0 and tiny > 0.0) or (rest < 0.0 and tiny < 0.0)
    twice = rest + rest
    return head + twice if same and (head + twice) - head == twice else head


@part
def float_total(target, slot, stride, rows):
    """The sum of the six parts of a sum, rounded once. It is the nearest float to the first part and the sum of the next two, unless
    what the latter lost could lead to another one: only then it is looked for with care."""
    found, heads, smalls, tinies = floats(target, rows), floats(slot, rows), floats(slot + stride, rows), floats(slot + 2 * stride, rows)
    unsure = 0
    for i in range(rows):
        small = smalls[i] + tinies[i]
        head, rest = two_sum(heads[i], small)
        lost = abs(small) * LOST
        found[i] = head
        unsure |= (tinies[i] != 0.0) & ((head + (rest + lost) != head) | (head + (rest - lost) != head))
    if unsure:
        for i in range(rows):
            found[i] = nearest(heads[i], smalls[i], tinies[i])
    tops, rests, infinities = floats(slot + 3 * stride, rows), floats(slot + 4 * stride, rows), floats(slot + 5 * stride, rows)
    for i in range(rows):
        if infinities[i] != 0.0:
            found[i] = infinities[i]
        elif tops[i] != 0.0 or rests[i] != 0.0:
            found[i] = (tops[i] + (rests[i] + found[i] * DOWN)) * UP


@part
def average(target, total, stride, count, kind, divisor, rows):
    """A sum by a count, NaN where the count is 0. `kind`: 0 exact, 1 float, 2 wide, 3 wide with wraps, 4 float in two parts."""
    d = as_float(divisor)
    found, counts = floats(target, rows), wholes(count, rows)
    if kind == 1:
        sums = floats(total, rows)
        for i in range(rows):
            found[i] = sums[i] / (float(counts[i]) * d) if counts[i] != 0 else NAN
    elif kind == 4:
        heads, rests = floats(total, rows), floats(total + stride, rows)
        for i in range(rows):
            found[i] = (heads[i] + rests[i]) / float(counts[i]) if counts[i] != 0 else NAN
    elif kind == 0:
        exact = wholes(total, rows)
        for i in range(rows):
            found[i] = float(exact[i]) / (float(counts[i]) * d) if counts[i] != 0 else NAN
    else:
        high, low, wraps = wholes(total, rows), words(total + stride, rows), wholes(total + 2 * stride, rows)
        for i in range(rows):
            value = wide_float(high[i], low[i])
            if kind == 3 and wraps[i] != 0:
                value += float(wraps[i]) * WRAP
            found[i] = value / (float(counts[i]) * d) if counts[i] != 0 else NAN


@part
def mean(high, low, total, stride, count, register, kind, rows):
    """The nearest whole number to a sum by a count, ties to even; rows whose count is 0 lose their bit. `kind` as in `average`."""
    for i in range(rows):
        number = load64(count + i * 8)
        if number == unsigned(0):
            clear(register, i)
            continue
        top, bottom, wraps = load_whole(total + i * 8), load64(total + i * 8), signed(0)
        if kind == 0:
            top = extended(top)
        else:
            bottom = load64(total + stride + i * 8)
        if kind == 3:
            wraps = load_whole(total + 2 * stride + i * 8)
        h, lo = wide_mean(wraps, top, bottom, number)
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)


@part
def span(target, starts, rows):
    found, begin = wholes(target, rows), wholes(starts, rows + 1)
    for i in range(rows):
        found[i] = begin[i + 1] - begin[i]
