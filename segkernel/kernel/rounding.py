"""Numbers of a block's rows rounded: 0 down, 1 up, 2 to the nearest, half away from zero. Lengths are in rows."""

from __future__ import annotations

import numpy as np

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import as_float, floats, load64, load_whole, signed, store64, store_whole, unsigned, wholes
from segkernel.kernel.wide import wide_add, wide_below, wide_divide, wide_multiply, wide_subtract

SPLITTER = 134217729.0
WHOLE_FROM = 4503599627370496.0
"""2^52: from here on every float is a whole number."""


@part
def round_exact(target, a, which, divisor, rows):
    found, x = wholes(target, rows), wholes(a, rows)
    for i in range(rows):
        value = x[i]
        quotient = value // divisor
        rest = value - quotient * divisor
        if which == 1:
            quotient += 1 if rest != 0 else 0
        elif which == 2:
            beyond = rest - (divisor - rest)
            quotient += 1 if beyond > 0 or (beyond == 0 and value >= 0) else 0
        found[i] = quotient


@part
def round_wide(high, low, a, a_low, which, divisor_high, divisor_low, rows):
    """From the nearest quotient, which is off by one at most, by what it leaves."""
    zero, one = signed(0), unsigned(1)
    d, d_low = signed(divisor_high), unsigned(divisor_low)
    for i in range(rows):
        x, x_low = load_whole(a + i * 8), load64(a_low + i * 8)
        h, lo = wide_divide(x, x_low, d, d_low)
        p, p_low, _ = wide_multiply(h, lo, d, d_low)
        rest, rest_low, _ = wide_subtract(x, x_low, p, p_low)
        negative, positive = rest < 0, rest > 0 or (rest == 0 and rest_low != unsigned(0))
        if which == 2:
            # only a half that went to the even side nearer to zero is still to be moved
            twice, twice_low, _ = wide_add(rest, rest_low, rest, rest_low)
            upward = x >= 0 and not wide_below(twice, twice_low, d, d_low)
            m, m_low, _ = wide_subtract(zero, unsigned(0), twice, twice_low)
            downward = x < 0 and not wide_below(m, m_low, d, d_low)
        else:
            upward, downward = which == 1 and positive, which == 0 and negative
        if upward:
            h, lo, _ = wide_add(h, lo, zero, one)
        elif downward:
            h, lo, _ = wide_subtract(h, lo, zero, one)
        store_whole(high + i * 8, h)
        store64(low + i * 8, lo)


@part
def product_error(a, b, product):
    """What a product of floats lost to rounding (T. J. Dekker, 1971)."""
    c, e = SPLITTER * a, SPLITTER * b
    a_high, b_high = c - (c - a), e - (e - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@part
def rounded_size(size, power):
    """A float without its sign, to the nearest multiple of 1 / power, half up, judged by its exact value."""
    product = size * power
    # where the product is whole by its size, half a unit of the place is less than half the distance to the next float
    if not product < WHOLE_FROM * 2.0:
        return size
    whole = np.floor(product)
    if (product - whole - 0.5) + product_error(size, power, product) >= 0.0:
        whole += 1.0
    return whole / power


@part
def round_places(target, a, which, power, rows):
    found, x = floats(target, rows), floats(a, rows)
    scale = as_float(power)
    for i in range(rows):
        value = x[i]
        if which == 0:
            found[i] = np.floor(value)
        elif which == 1:
            found[i] = np.ceil(value)
        else:
            size = rounded_size(abs(value), scale)
            found[i] = -size if value < 0.0 else size
