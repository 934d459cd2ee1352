"""Values of a block's rows in slots of 8 bytes: loading, arithmetic, choice. Lengths are in rows."""

from __future__ import annotations

import math

import numpy as np

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    codes8,
    codes16,
    codes32,
    first_bit,
    floats,
    load8,
    load32,
    load64,
    load_float,
    load_whole,
    signed,
    store64,
    store_whole,
    unsigned,
    wholes,
    words,
)
from segkernel.kernel.wide import TOP, extended, whole, wide_add, wide_divide, wide_float, wide_multiply, wide_of, wide_subtract

NAN = math.nan
NOBODY = 0xFFFFFFFF
SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1


@part
def set_at(register, row):
    """Whether a row's bit is set."""
    return (unsigned(load8(register + (row >> 3))) >> unsigned(row & 7)) & unsigned(1) != unsigned(0)


@part
def load(target, address, width, base, step, rows):
    """base + (code - 1) * step; whatever it is where the code is 0."""
    found = wholes(target, rows)
    start = base - step
    if width == 1:
        small = codes8(address, rows)
        for i in range(rows):
            found[i] = start + signed(small[i]) * step
    elif width == 2:
        middle = codes16(address, rows)
        for i in range(rows):
            found[i] = start + signed(middle[i]) * step
    elif width == 4:
        large = codes32(address, rows)
        for i in range(rows):
            found[i] = start + signed(large[i]) * step
    else:
        full = words(address, rows)
        for i in range(rows):
            found[i] = start + signed(full[i]) * step


@part
def recode(target, address, width, table, rows):
    found = wholes(target, rows)
    for i in range(rows):
        found[i] = load_whole(table + code_at(address + i * width, width) * 8)


@part
def fill(target, bits, rows):
    found = wholes(target, rows)
    for i in range(rows):
        found[i] = bits


@part
def copy(target, address, rows):
    found, given = words(target, rows), words(address, rows)
    for i in range(rows):
        found[i] = given[i]


@part
def compute(target, a, b, which, rows):
    found, x, y = wholes(target, rows), wholes(a, rows), wholes(b, rows)
    if which == 0:
        for i in range(rows):
            found[i] = x[i] + y[i]
    elif which == 1:
        for i in range(rows):
            found[i] = x[i] - y[i]
    else:
        for i in range(rows):
            found[i] = x[i] * y[i]


@part
def compute_float(target, a, b, which, rows):
    """Division by zero gives NaN: missing."""
    found, x, y = floats(target, rows), floats(a, rows), floats(b, rows)
    if which == 0:
        for i in range(rows):
            found[i] = x[i] + y[i]
    elif which == 1:
        for i in range(rows):
            found[i] = x[i] - y[i]
    elif which == 2:
        for i in range(rows):
            found[i] = x[i] * y[i]
    else:
        for i in range(rows):
            found[i] = x[i] / y[i] if y[i] != 0.0 else NAN


@part
def to_float(target, a, present, divisor, rows):
    d = as_float(divisor)
    found, x = floats(target, rows), wholes(a, rows)
    for i in range(rows):
        found[i] = float(x[i]) / d
    if present >= 0:
        forget(found, present, rows)


@part
def forget(found, present, rows):
    """NaN where a row is not present."""
    for i in range(rows >> 6):
        word = ~load64(present + i * 8) & unsigned(0xFFFFFFFFFFFFFFFF)
        while word != unsigned(0):
            found[i * 64 + first_bit(word)] = NAN
            word &= word - unsigned(1)


@part
def select(target, yes, no, register, rows):
    found, x, y = words(target, rows), words(yes, rows), words(no, rows)
    for i in range(rows):
        found[i] = x[i] if set_at(register, i) else y[i]


@part
def lift_value(target, source, owner, first, last, rows):
    """The value of each row's owner; `first` and `last` are the numbers of the source's first and last row."""
    for i in range(rows):
        row = min(max(signed(load32(owner + i * 4)), first), last)
        store64(target + i * 8, load64(source + (row - first) * 8))


@part
def fetch(target, memory, numbers, otherwise, first, start, stop, rows):
    """What stands in memory for rows by their numbers, or for these rows themselves; `otherwise` also beside the block's rows, where
    others look codes up too."""
    fill(target, otherwise, start)
    fill(target + stop * 8, otherwise, rows - stop)
    for i in range(start, stop):
        row = signed(load32(numbers + (first + i) * 4)) if numbers != 0 else first + i
        if row == NOBODY:
            store_whole(target + i * 8, otherwise)
        else:
            store_whole(target + i * 8, load_whole(memory + row * 8) if memory != 0 else 1)


@part
def hand(target, source, bits, start, stop):
    """Slots, or the bits of a register, into memory."""
    for i in range(start, stop):
        if bits != 0:
            store_whole(target + i * 8, 1 if set_at(source, i) else 0)
        else:
            store_whole(target + i * 8, load_whole(source + i * 8))


@part
def divide(high, low, a, a_low, b, b_low, register, rows):
    """The nearest wide number to a / b, ties to even; rows with b = 0 lose their bit."""
    for i in range(rows):
        x, x_low, y, y_low = load_whole(a + i * 8), load64(a_low + i * 8), load_whole(b + i * 8), load64(b_low + i * 8)
        if y == 0 and y_low == unsigned(0):
            clear(register, i)
            continue
        h, lo = wide_divide(x, x_low, y, y_low)
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)


@part
def round_float(high, low, a, register, rows):
    """The nearest wide number, ties to even; rows with none lose their bit."""
    for i in range(rows):
        value = np.rint(load_float(a + i * 8))
        if not -TOP < value < TOP:
            clear(register, i)
            continue
        h, lo = wide_of(value)
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)


@part
def clear(register, row):
    at = register + (row >> 6) * 8
    store64(at, load64(at) & ~(unsigned(1) << unsigned(row & 63)))


@part
def widen(high, low, a, rows):
    for i in range(rows):
        value = load_whole(a + i * 8)
        store_whole(high + i * 8, extended(value))
        store_whole(low + i * 8, value)


@part
def narrow(target, a, a_low, present, margin, start, stop, rows):
    """The first present row from `start` to `stop` that 64 bits do not hold, or whose ends are nearer than `margin`; or -1."""
    found = -1
    low, high = SMALLEST + margin, LARGEST - margin
    for i in range(rows):
        value = load_whole(a_low + i * 8)
        if load_whole(a + i * 8) != extended(value) or value < low or value > high:
            value = signed(0)
            if found < 0 and start <= i < stop and (present < 0 or set_at(present, i)):
                found = i
        store_whole(target + i * 8, value)
    return found


@part
def load_wide(high, low, address, width, args, at, rows):
    """base + (code - 1) * step in 128 bits; whatever it is where the code is 0."""
    for i in range(rows):
        code = unsigned(code_at(address + i * width, width))
        if code == unsigned(0):
            code = unsigned(1)
        h, lo, _ = wide_multiply(signed(0), code - unsigned(1), args[at + 2], unsigned(args[at + 3]))
        h, lo, _ = wide_add(h, lo, args[at], unsigned(args[at + 1]))
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)


@part
def recode_wide(high, low, address, width, table, rows):
    for i in range(rows):
        cell = table + code_at(address + i * width, width) * 16
        store64(high + i * 8, load64(cell))
        store64(low + i * 8, load64(cell + 8))


@part
def compute_wide(high, low, a, a_low, b, b_low, which, present, fits, start, stop, rows):
    """The first present row from `start` to `stop` whose result leaves 128 bits (`fits`: the whole numbers), or -1."""
    found = -1
    for i in range(rows):
        x, x_low, y, y_low = load_whole(a + i * 8), load64(a_low + i * 8), load_whole(b + i * 8), load64(b_low + i * 8)
        if which == 0:
            h, lo, over = wide_add(x, x_low, y, y_low)
        elif which == 1:
            h, lo, over = wide_subtract(x, x_low, y, y_low)
        else:
            h, lo, over = wide_multiply(x, x_low, y, y_low)
        if fits and not whole(h, lo):
            over = True
        if over and found < 0 and start <= i < stop and (present < 0 or set_at(present, i)):
            found = i
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)
    return found


@part
def check_whole(a, a_low, present, start, stop):
    """The first present row that is not a whole number of the language, or -1."""
    for i in range(start, stop):
        if not whole(load_whole(a + i * 8), load64(a_low + i * 8)) and (present < 0 or set_at(present, i)):
            return i
    return -1


@part
def check_zero(a, start, stop):
    """The first row that is not 0, or -1."""
    for i in range(start, stop):
        if load_whole(a + i * 8) != 0:
            return i
    return -1


@part
def wide_to_float(target, a, a_low, present, divisor, rows):
    d = as_float(divisor)
    found, x, x_low = floats(target, rows), wholes(a, rows), words(a_low, rows)
    for i in range(rows):
        found[i] = wide_float(x[i], x_low[i]) / d
    if present >= 0:
        forget(found, present, rows)
