"""Tests that fill registers, and the logic between registers. Lengths are in words of 64 rows."""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import inlined, part
from segkernel.kernel.lanes import (
    SELECTS,
    as_float,
    at_least,
    below,
    code_at,
    first_bit,
    in_bits8,
    in_range8,
    in_range16,
    in_range32,
    in_range64,
    in_set8,
    load8,
    load32,
    load64,
    load_float,
    load_whole,
    logic8,
    logic32,
    logic_word,
    ones,
    send8,
    send32,
    signed,
    store8,
    store32,
    store64,
    unsigned,
)
from segkernel.kernel.wide import TOP, extended, wide_below, wide_of


@part
def always(target, value, words):
    bits = ~unsigned(0) if value else unsigned(0)
    for i in range(words):
        store64(target + i * 8, bits)


@part
def in_range(target, address, low, span, width, words):
    """code - low <= span, without a sign."""
    if width == 1:
        for i in range(words):
            store64(target + i * 8, in_range8(address + i * 64, low, span))
    elif width == 2:
        for i in range(words):
            store64(target + i * 8, in_range16(address + i * 128, low, span))
    elif width == 4:
        for i in range(words):
            store64(target + i * 8, in_range32(address + i * 256, low, span))
    else:
        for i in range(words):
            store64(target + i * 8, in_range64(address + i * 512, low, span))


@part
def float_range(target, address, low, high, which, words):
    """low <= value < high; NaN is in no range."""
    x, y = as_float(low), as_float(high)
    if which == 1:
        for i in range(words):
            store64(target + i * 8, at_least(address + i * 512, x))
    elif which == 2:
        for i in range(words):
            store64(target + i * 8, below(address + i * 512, y))
    else:
        for i in range(words):
            store64(target + i * 8, at_least(address + i * 512, x) & below(address + i * 512, y))


@part
def in_set(target, address, table, bits, few, words):
    """Codes of a byte, of which a table or, if they are few, `bits` says which are meant."""
    if few and SELECTS:
        for i in range(words):
            store64(target + i * 8, in_bits8(address + i * 64, bits))
    else:
        for i in range(words):
            store64(target + i * 8, in_set8(address + i * 64, table))


@part
def in_codes(target, address, table, width, words):
    """The bit of each row's code in a bitset."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            code = code_at(address + (i * 64 + lane) * width, width)
            bit = (unsigned(load8(table + (code >> 3))) >> unsigned(code & 7)) & unsigned(1)
            word |= bit << unsigned(lane)
        store64(target + i * 8, word)


@part
def lift(target, source, owner, first, last, words):
    """The bit of each row's owner; `first` is the number of the source's first row, `last` the largest place in it."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            row = min(max(signed(load32(owner + (i * 64 + lane) * 4)) - first, 0), last)
            bit = (unsigned(load8(source + (row >> 3))) >> unsigned(row & 7)) & unsigned(1)
            word |= bit << unsigned(lane)
        store64(target + i * 8, word)


@part
def wide_range(target, high_part, low_part, args, at, words):
    """Both ends included."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            row = (i * 64 + lane) * 8
            high, low = load_whole(high_part + row), load64(low_part + row)
            under = wide_below(high, low, args[at], unsigned(args[at + 1]))
            if not under and not wide_below(args[at + 2], unsigned(args[at + 3]), high, low):
                word |= unsigned(1) << unsigned(lane)
        store64(target + i * 8, word)


@part
def combine(target, args, at, count, base, stride, words):
    """The registers that the steps args[at : at + count] name, joined as they say (see `operations`)."""
    end = (words + 7) >> 3 << 6
    most = end >> 8 << 8
    logic32(target, args, at, count, base, stride, 0, most)
    logic8(target, args, at, count, base, stride, most, end)


@part
def subtract(target, a, b, words):
    for i in range(0, words * 8, 8):
        store64(target + i, load64(a + i) & ~load64(b + i))


@part
def invert(target, a, words):
    for i in range(words):
        store64(target + i * 8, ~load64(a + i * 8))


@part
def so_many(target, args, at, count, least, planes, digits, base, stride, words):
    """Where `least` of the registers args[at : at + count] are set: they are added up word by word, a plane for each digit."""
    planes = base + planes * stride
    for i in range(0, words * 8, 8):
        for k in range(digits):
            store64(planes + k * stride + i, unsigned(0))
        for j in range(count):
            carry = load64(base + args[at + j] * stride + i)
            for k in range(digits):
                plane = load64(planes + k * stride + i)
                store64(planes + k * stride + i, plane ^ carry)
                carry &= plane
        more, same = unsigned(0), ~unsigned(0)
        for k in range(digits - 1, -1, -1):
            plane = load64(planes + k * stride + i)
            if (least >> k) & 1:
                same &= plane
            else:
                more |= same & plane
                same &= ~plane
        store64(target + i, more | same)


@inlined
def put(target, args, at, count, base, stride, rows):
    """What steps of logic find, past the caches to its place among the results, zero behind the last row in its word; how many are set.

    Nothing is written where `target` is 0.
    """
    whole = rows >> 9 << 6
    total = 0
    if whole:
        most = whole >> 8 << 8
        total = send32(target, args, at, count, base, stride, 0, most) + send8(target, args, at, count, base, stride, most, whole)
    for i in range(whole, (rows + 63) >> 6 << 3, 8):
        left = rows - i * 8
        word = logic_word(args, at, count, base, stride, i)
        if left < 64:
            word &= (unsigned(1) << unsigned(left)) - unsigned(1)
        if target != 0:
            store64(target + i, word)
        total += ones(word)
    return total


@part
def count(source, rows):
    """How many of the first `rows` bits are set."""
    words = rows >> 6
    total = 0
    for i in range(words):
        total += ones(load64(source + i * 8))
    if rows & 63:
        total += ones(load64(source + words * 8) & ((unsigned(1) << unsigned(rows & 63)) - unsigned(1)))
    return total


@part
def pick(target, source, code, width, rows):
    """Writes a code where a bit is set."""
    for i in range((rows + 63) >> 6):
        word = load64(source + i * 8)
        while word != unsigned(0):
            row = i * 64 + first_bit(word)
            word &= word - unsigned(1)
            if row < rows:
                if width == 1:
                    store8(target + row, code)
                else:
                    store32(target + row * 4, code)


@part
def compare_exact(target, a, b, which, words):
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            x, y = load_whole(a + (i * 64 + lane) * 8), load_whole(b + (i * 64 + lane) * 8)
            word |= unsigned(holds(which, x < y, x == y)) << unsigned(lane)
        store64(target + i * 8, word)


@part
def compare_float(target, a, b, which, words):
    """False where a side is NaN."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            x, y = load_float(a + (i * 64 + lane) * 8), load_float(b + (i * 64 + lane) * 8)
            if x == x and y == y:
                word |= unsigned(holds(which, x < y, x == y)) << unsigned(lane)
        store64(target + i * 8, word)


@part
def compare_mixed(target, a, a_low, b, wide, which, words):
    """Whole numbers against floats, by value; `a_low` holds the low parts where they are wide."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            row = (i * 64 + lane) * 8
            y = load_float(b + row)
            if y == y:
                x = load_whole(a + row)
                if wide:
                    x_low = load64(a_low + row)
                else:
                    x, x_low = extended(x), load64(a + row)
                if y >= TOP:
                    less, equal = True, False
                elif y < -TOP:
                    less, equal = False, False
                else:
                    floor = np.floor(y)
                    y_high, y_low = wide_of(floor)
                    equal = x == y_high and x_low == y_low
                    less = wide_below(x, x_low, y_high, y_low) or (equal and floor < y)
                    equal = equal and floor == y
                word |= unsigned(holds(which, less, equal)) << unsigned(lane)
        store64(target + i * 8, word)


@part
def compare_wide(target, a, a_low, b, b_low, which, words):
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            row = (i * 64 + lane) * 8
            x, x_low, y, y_low = load_whole(a + row), load64(a_low + row), load_whole(b + row), load64(b_low + row)
            less = wide_below(x, x_low, y, y_low)
            word |= unsigned(holds(which, less, x == y and x_low == y_low)) << unsigned(lane)
        store64(target + i * 8, word)


@part
def holds(which, less, equal):
    """A comparison (see COMPARISONS) from its two elementary outcomes."""
    if which == 0:
        return equal
    if which == 1:
        return not equal
    if which == 2:
        return less
    if which == 3:
        return less or equal
    if which == 4:
        return not (less or equal)
    return not less
