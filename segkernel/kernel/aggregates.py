"""Aggregates: the rows of a relation whose bit is set, added to their owners' slots.

Float sums are Ogita, Rump and Oishi's SumK with K = 3 ("Accurate sum and dot product", 2005): a sum and two corrections,
an error below 2^-150 of the sum of magnitudes for any number of rows met here, whatever their order.
"""

from __future__ import annotations

import math

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    first_bit,
    load32,
    load64,
    load_float,
    load_whole,
    ones,
    signed,
    store32,
    store64,
    store_float,
    store_whole,
    unsigned,
)
from segkernel.kernel.operations import (
    COUNT_PRESENT,
    COUNT_ROWS,
    FLOAT_COUNT,
    FLOAT_LARGEST,
    FLOAT_SMALLEST,
    FLOAT_SUM,
    LARGEST,
    SMALLEST,
    SUM,
)
from segkernel.kernel.wide import wide_add, wide_float, wide_multiply

NAN = math.nan
HUGE = 2.0**960
DOWN, UP = 2.0**-128, 2.0**128


@part
def extract(places, register, start, stop):
    """Lists the set bits from row `start` to `stop` (relative to the register's first) as uint32; how many."""
    found = 0
    if stop <= start:
        return found
    first, last = start >> 6, (stop - 1) >> 6
    for i in range(first, last + 1):
        word = ~unsigned(0) if register < 0 else load64(register + i * 8)
        if i == first:
            word &= ~unsigned(0) << unsigned(start & 63)
        if i == last and stop & 63:
            word &= (unsigned(1) << unsigned(stop & 63)) - unsigned(1)
        base = i * 64
        # eight at a time without asking whether there are more: the list has room behind its end
        left = ones(word)
        at = places + found * 4
        found += left
        guard = unsigned(1) << unsigned(63)
        while left > 0:
            for k in range(8):
                store32(at + k * 4, base + first_bit(word | guard))
                word &= word - unsigned(1) if word != unsigned(0) else unsigned(0)
            at += 32
            left -= 8
    return found


@part
def mark(target, places, found, owner, first):
    """Sets the owners' bits."""
    for j in range(found):
        row = signed(load32(owner + signed(load32(places + j * 4)) * 4)) - first
        at = target + (row >> 6) * 8
        store64(at, load64(at) | (unsigned(1) << unsigned(row & 63)))


@part
def two_sum(a, b):
    """a + b and what its rounding lost."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@part
def visit(kind, slot, stride, places, found, address, width, base, step, owner, first):
    """Adds the values at the listed places to their owners' slots; `first` is the number of the slots' first row.
    Code 0 and NaN are skipped."""
    slot -= first * 8
    if kind == COUNT_ROWS:
        for j in range(found):
            at = slot + signed(load32(owner + signed(load32(places + j * 4)) * 4)) * 8
            store_whole(at, load_whole(at) + 1)
    elif kind == COUNT_PRESENT:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            store_whole(at, load_whole(at) + (1 if code_at(address + i * width, width) != 0 else 0))
    elif kind == SUM:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            code = code_at(address + i * width, width)
            store_whole(at, load_whole(at) + (base + (code - 1) * step if code != 0 else 0))
    elif kind == LARGEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            code, best = unsigned(code_at(address + i * width, width)), load64(at)
            store64(at, code if code > best else best)
    elif kind == SMALLEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            code, best = unsigned(code_at(address + i * width, width)), load64(at)
            better = code != unsigned(0) and (best == unsigned(0) or code < best)
            store64(at, code if better else best)
    elif kind == FLOAT_COUNT:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value = load_float(address + i * 8)
            store_whole(at, load_whole(at) + (1 if value == value else 0))
    elif kind == FLOAT_SUM:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value = load_float(address + i * 8)
            value = value if value == value else 0.0
            total, rest = two_sum(load_float(at), value)
            store_float(at, total)
            small, tiny = two_sum(load_float(at + stride), rest)
            store_float(at + stride, small)
            store_float(at + 2 * stride, load_float(at + 2 * stride) + tiny)
    elif kind == FLOAT_LARGEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value, best = load_float(address + i * 8), load_float(at)
            store_float(at, best if value <= best or value != value else value)
    elif kind == FLOAT_SMALLEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value, best = load_float(address + i * 8), load_float(at)
            store_float(at, best if value >= best or value != value else value)


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
    """As a sum, in 128 bits: the high part in the slot, the low part in the next."""
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
            high, low, _ = wide_add(high, low, load_whole(at), load64(at + stride))
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
        if value != value:
            continue
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
def float_total(target, slot, stride, scaled, rows):
    """The sum of the parts, rounded once."""
    for i in range(rows):
        at = slot + i * 8
        head, small, tiny = load_float(at), load_float(at + stride), load_float(at + 2 * stride)
        small, tiny = two_sum(small, tiny)
        value = head + small
        if scaled:
            infinite, top, rest = load_float(at + 5 * stride), load_float(at + 3 * stride), load_float(at + 4 * stride)
            if infinite != 0.0:
                value = infinite
            elif top != 0.0 or rest != 0.0:
                value = (top + (rest + value * DOWN)) * UP
        store_float(target + i * 8, value)


@part
def average(target, total, total_low, count, kind, divisor, rows):
    """A sum by a count, NaN where the count is 0. `kind`: 0 exact, 1 float, 2 wide."""
    d = as_float(divisor)
    for i in range(rows):
        n = load_whole(count + i * 8)
        if kind == 0:
            value = float(load_whole(total + i * 8))
        elif kind == 1:
            value = load_float(total + i * 8)
        else:
            value = wide_float(load_whole(total + i * 8), load64(total_low + i * 8))
        store_float(target + i * 8, value / (float(n) * d) if n != 0 else NAN)


@part
def span(target, starts, rows):
    for i in range(rows):
        store_whole(target + i * 8, load_whole(starts + (i + 1) * 8) - load_whole(starts + i * 8))
