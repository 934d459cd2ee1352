"""Aggregates that need all rows of an owner at once. Rows stand in the order of their owners, so the listed ones of an owner
are a run of the list: they are copied side by side, sorted there, and counted or the middle taken."""

from __future__ import annotations

import math

from segkernel.kernel.aggregates import add_any_float
from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    floats,
    load32,
    load64,
    load_float,
    load_whole,
    signed,
    store64,
    store_float,
    store_whole,
    unsigned,
    wholes,
)
from segkernel.kernel.operations import CODES_OF, DISTINCT, EXACTS_OF, FLOATS_OF, LAST, WIDES_OF
from segkernel.kernel.sorting import sort
from segkernel.kernel.values import set_at
from segkernel.kernel.wide import extended, wide_add, wide_below, wide_float

NAN = math.nan
TURN = 0x7FFFFFFFFFFFFFFF
"""Flipping these bits of negative floats makes their bits ascend with them."""
FIRST_BIT = -0x8000000000000000


@part
def group(kind, form, target, places, found, address, width, apart, present, scratch, divisor, owner, first):
    """How many different values each owner has, or the middle one as a float.

    `form` says what stands at `address`; `apart` is how far behind the high parts of wide numbers the low parts are, in
    `scratch` too; `present` is the address of a register, or -1; `divisor` has the bits of the float of two
    units. `first` is the number of the target's first row.
    """
    target -= first * 8
    low = scratch + apart if form == WIDES_OF else signed(0)
    j = 0
    while j < found:
        of = signed(load32(owner + signed(load32(places + j * 4)) * 4))
        count = 0
        while j < found:
            i = signed(load32(places + j * 4))
            if signed(load32(owner + i * 4)) != of:
                break
            count += copied(form, scratch + count * 8, address, width, apart, present, i)
            j += 1
        sort(scratch, low, count)
        if kind == DISTINCT:
            store_whole(target + of * 8, different(scratch, low, count))
        elif count > 0:
            a, b = scratch + (count - 1) // 2 * 8, scratch + count // 2 * 8
            if form == FLOATS_OF:
                x, y = as_float(turned(load_whole(a))), as_float(turned(load_whole(b)))
                store_float(target + of * 8, x if a == b else (x + y) / 2.0)
            elif form == WIDES_OF:
                mean = sum_of(load_whole(a), load64(a + apart), load_whole(b), load64(b + apart)) / as_float(divisor)
                store_float(target + of * 8, mean)
            else:
                x, y = load_whole(a), load_whole(b)
                store_float(target + of * 8, sum_of(extended(x), load64(a), extended(y), load64(b)) / as_float(divisor))


@part
def copied(form, target, address, width, apart, present, i):
    """Copies a value that is present, as a number that sorts as it does; 1, or 0 where it is missing."""
    if form == CODES_OF:
        code = code_at(address + i * width, width)
        store_whole(target, code)
        return 1 if code != 0 else 0
    if form == FLOATS_OF:
        value = load_float(address + i * 8)
        store_whole(target, turned(load_whole(address + i * 8)) if value != 0.0 else 0)
        return 1 if value == value else 0
    store_whole(target, load_whole(address + i * 8))
    if form == WIDES_OF:
        store64(target + apart, load64(address + apart + i * 8))
    return 1 if present < 0 or set_at(present, i) else 0


@part
def turned(bits):
    """The bits of a float as a number that sorts as the float does, and back."""
    return bits ^ TURN if bits < 0 else bits


@part
def different(address, low, count):
    """How many different ones sorted numbers are."""
    found = 1 if count > 0 else 0
    for k in range(1, count):
        same = load64(address + k * 8) == load64(address + k * 8 - 8)
        if same and low != 0:
            same = load64(low + k * 8) == load64(low + k * 8 - 8)
        found += 0 if same else 1
    return found


@part
def sum_of(a, a_low, b, b_low):
    """The float nearest to the sum of two numbers of 128 bits."""
    high, low, over = wide_add(a, a_low, b, b_low)
    if not over:
        return wide_float(high, low)
    # half of it fits, and what is cut off shall still break a tie
    cut = (low & unsigned(1)) | ((unsigned(high) & unsigned(1)) << unsigned(63))
    half = signed(unsigned(high) >> unsigned(1))
    return 2.0 * wide_float(half if a >= 0 else half + FIRST_BIT, (low >> unsigned(1)) | cut)


@part
def deviate(slot, stride, mean, places, found, address, owner, first):
    """Adds the squares of what floats are away from their owner's mean, as `visit_any_float` adds; missing ones are skipped."""
    for j in range(found):
        i = signed(load32(places + j * 4))
        at = (signed(load32(owner + i * 4)) - first) * 8
        value = load_float(address + i * 8)
        if value == value:
            away = value - load_float(mean + at)
            square = away * away
            if square == square:
                add_any_float(slot + at, stride, square)
            else:
                store_float(slot + at + 5 * stride, NAN)


@part
def spread(target, total, count, rows):
    """The standard deviation from the sum of squares; NaN under two values."""
    found, sums, counts = floats(target, rows), floats(total, rows), wholes(count, rows)
    for i in range(rows):
        found[i] = math.sqrt(sums[i] / float(counts[i] - 1)) if counts[i] > 1 else NAN


@part
def choose_row(kind, form, target, places, found, address, width, apart, present, ranks, owner, first):
    """The place, counted from 1, of each owner's row whose value is smallest or largest, ties by `ranks` (uint32 by row; 0: the
    rows stand in that order); 0 where none is present."""
    target -= first * 8
    for j in range(found):
        i = signed(load32(places + j * 4))
        if missing_at(form, address, width, present, i):
            continue
        at = target + signed(load32(owner + i * 4)) * 8
        best = load_whole(at) - 1
        better = best < 0
        if not better:
            side = order_of(form, address, width, apart, i, best)
            if side == 0:
                side = 1 if ranks == 0 or load32(ranks + i * 4) > load32(ranks + best * 4) else -1
            better = side > 0 if kind == LAST else side < 0
        if better:
            store_whole(at, i + 1)


@part
def missing_at(form, address, width, present, i):
    if form == CODES_OF:
        return code_at(address + i * width, width) == 0
    if form == FLOATS_OF:
        value = load_float(address + i * 8)
        return value != value
    return not (present < 0 or set_at(present, i))


@part
def order_of(form, address, width, apart, i, k):
    """-1, 0 or 1: whether the value of row i is smaller than, equal to or larger than that of row k."""
    if form == FLOATS_OF:
        x, y = load_float(address + i * 8), load_float(address + k * 8)
        return -1 if x < y else 1 if x > y else 0
    if form == CODES_OF:
        code, other = unsigned(code_at(address + i * width, width)), unsigned(code_at(address + k * width, width))
        return -1 if code < other else 1 if code > other else 0
    a, b = load_whole(address + i * 8), load_whole(address + k * 8)
    if form == EXACTS_OF or a != b:
        return -1 if a < b else 1 if a > b else 0
    a_low, b_low = load64(address + apart + i * 8), load64(address + apart + k * 8)
    return -1 if wide_below(a, a_low, b, b_low) else 1 if wide_below(b, b_low, a, a_low) else 0


@part
def take(target, chosen, address, width, nothing, rows):
    """The 8 bytes, or the code of fewer, at the chosen places; `nothing` where none is chosen."""
    found, place = wholes(target, rows), wholes(chosen, rows)
    for i in range(rows):
        found[i] = code_at(address + (place[i] - 1) * width, width) if place[i] > 0 else nothing


@part
def take_bits(target, chosen, register, words):
    """The bits at the chosen places, all of them set where `register` is -1; none where no place is chosen."""
    for i in range(words):
        word = unsigned(0)
        for lane in range(64):
            place = load_whole(chosen + (i * 64 + lane) * 8) - 1
            if place >= 0 and (register < 0 or set_at(register, place)):
                word |= unsigned(1) << unsigned(lane)
        store64(target + i * 8, word)
