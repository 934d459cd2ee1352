"""Whole numbers of 128 bits as a high part with a sign and a low part without."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from segkernel.kernel.compilation import JIT, part
from segkernel.kernel.lanes import as_float, signed, unsigned

TOP = 2.0**127
"""The first float that 128 bits do not hold."""

if JIT:

    @part
    def wide_add(a_high, a_low, b_high, b_low):
        """a + b: high, low, and whether it leaves 128 bits."""
        low = a_low + b_low
        # reckoned without a sign: the optimiser may take it that sums with one never wrap
        high = np.int64(np.uint64(a_high) + np.uint64(b_high) + (np.uint64(1) if low < a_low else np.uint64(0)))
        return high, low, ((a_high < 0) == (b_high < 0)) and ((high < 0) != (a_high < 0))

    @part
    def wide_negative(high, low):
        low = ~low + np.uint64(1)
        return np.int64(~np.uint64(high) + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))), low

    @part
    def wide_subtract(a_high, a_low, b_high, b_low):
        """a - b: high, low, and whether it leaves 128 bits."""
        low = a_low - b_low
        high = np.int64(np.uint64(a_high) - np.uint64(b_high) - (np.uint64(1) if a_low < b_low else np.uint64(0)))
        return high, low, ((a_high < 0) != (b_high < 0)) and ((high < 0) != (a_high < 0))

    @part
    def _times(x, y):
        """The 128 bits of a product of two numbers of 64 bits: high, low."""
        mask = np.uint64(0xFFFFFFFF)
        half = np.uint64(32)
        x0, x1, y0, y1 = x & mask, x >> half, y & mask, y >> half
        low = x0 * y0
        middle = x1 * y0 + (low >> half)
        cross = x0 * y1 + (middle & mask)
        return x1 * y1 + (middle >> half) + (cross >> half), (cross << half) | (low & mask)

    @part
    def wide_multiply(a_high, a_low, b_high, b_low):
        """a * b: high, low, and whether it leaves 128 bits."""
        minus = (a_high < 0) != (b_high < 0)
        if a_high < 0:
            a_high, a_low = wide_negative(a_high, a_low)
        if b_high < 0:
            b_high, b_low = wide_negative(b_high, b_low)
        ah, bh = np.uint64(a_high), np.uint64(b_high)
        over = ah != np.uint64(0) and bh != np.uint64(0)
        high, low = _times(a_low, b_low)
        c1, p1 = _times(ah, b_low)
        c2, p2 = _times(a_low, bh)
        over = over or c1 != np.uint64(0) or c2 != np.uint64(0)
        total = high + p1
        over = over or total < high
        high = total + p2
        over = over or high < total
        top = np.uint64(1) << np.uint64(63)
        if high >= top and not (minus and high == top and low == np.uint64(0)):
            over = True
        signed_high = np.int64(high)
        if minus:
            signed_high, low = wide_negative(signed_high, low)
        return signed_high, low, over

    @part
    def wide_float(high, low):
        """The nearest float, ties to even."""
        if high == (np.int64(low) >> np.int64(63)):
            return np.float64(np.int64(low))
        minus = high < 0
        if minus:
            high, low = wide_negative(high, low)
        top = np.uint64(high)
        if top == np.uint64(0):
            value = np.float64(low)
        else:
            shift = np.uint64(0)
            while shift < np.uint64(64) and top >> shift != np.uint64(0):
                shift += np.uint64(1)
            if shift == np.uint64(64):
                head, tail = top, low
            else:
                head = (top << (np.uint64(64) - shift)) | (low >> shift)
                tail = low & ((np.uint64(1) << shift) - np.uint64(1))
            if tail != np.uint64(0):
                head |= np.uint64(1)
            value = np.float64(head) * as_float((1023 + np.int64(shift)) << 52)  # by a power of two: exact
        return -value if minus else value

    @part
    def wide_divide(a_high, a_low, b_high, b_low):
        """The nearest to a / b, ties to even, by long division of the magnitudes; b is not 0."""
        minus = (a_high < 0) != (b_high < 0)
        if a_high < 0:
            a_high, a_low = wide_negative(a_high, a_low)
        if b_high < 0:
            b_high, b_low = wide_negative(b_high, b_low)
        dh, dl = np.uint64(b_high), b_low
        rh, rl, qh, ql = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        one, last = np.uint64(1), np.uint64(63)
        for bit in range(127, -1, -1):
            source = np.uint64(a_high) if bit >= 64 else a_low
            rh, rl = (rh << one) | (rl >> last), (rl << one) | ((source >> np.uint64(bit & 63)) & one)
            qh, ql = (qh << one) | (ql >> last), ql << one
            if rh > dh or (rh == dh and rl >= dl):
                rh, rl = rh - dh - (one if rl < dl else np.uint64(0)), rl - dl
                ql |= one
        th, tl = (rh << one) | (rl >> last), rl << one
        if th > dh or (th == dh and (tl > dl or (tl == dl and ql & one != np.uint64(0)))):
            ql += one
            if ql == np.uint64(0):
                qh += one
        high, low = np.int64(qh), ql
        if minus:
            high, low = wide_negative(high, low)
        return high, low

    @part
    def wide_mean(wraps, high, low, count):
        """The nearest to (wraps * 2^128 + high, low) / count, ties to even, where that fits; 0 < count < 2^32."""
        top = wraps + (np.int64(-1) if high < 0 else np.int64(0))
        h, minus = np.uint64(high), top < 0
        if minus:
            low = ~low + np.uint64(1)
            h = ~h + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))
            top = ~top + (np.int64(1) if h == np.uint64(0) and low == np.uint64(0) else np.int64(0))
        half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
        # from digit to digit of 32 bits; the first two leave nothing but a rest, as the quotient fits
        rest = np.uint64(top) % count
        rest, qh = _digit(rest, h >> half, count)
        rest, digit = _digit(rest, h & mask, count)
        qh = (qh << half) | digit
        rest, ql = _digit(rest, low >> half, count)
        rest, digit = _digit(rest, low & mask, count)
        ql = (ql << half) | digit
        if rest > count - rest or (rest == count - rest and ql & np.uint64(1) != np.uint64(0)):
            ql += np.uint64(1)
            if ql == np.uint64(0):
                qh += np.uint64(1)
        quotient = np.int64(qh)
        if minus:
            quotient, ql = wide_negative(quotient, ql)
        return quotient, ql

    @part
    def _digit(rest, digit, divisor):
        """One step of a long division in base 2^32: what is left, and the quotient's digit."""
        value = (rest << np.uint64(32)) | digit
        return value % divisor, value // divisor

    @part
    def wide_of(value):
        """The 128 bits of a float without a fraction, between -2^127 and 2^127."""
        size = abs(value)
        top = np.floor(size / 18446744073709551616.0)
        high, low = np.int64(np.uint64(top)), np.uint64(size - top * 18446744073709551616.0)
        if value < 0.0:
            high, low = wide_negative(high, low)
        return high, low

else:

    def _join(high: int, low: int) -> int:
        return (high << 64) | (low & 0xFFFFFFFFFFFFFFFF)

    def _split(value: int) -> tuple[int, int, bool]:
        over = not -(1 << 127) <= value < 1 << 127
        value = (value + (1 << 127)) % (1 << 128) - (1 << 127)
        return value >> 64, value & 0xFFFFFFFFFFFFFFFF, over

    def wide_add(a_high, a_low, b_high, b_low):
        """a + b: high, low, and whether it leaves 128 bits."""
        return _split(_join(a_high, a_low) + _join(b_high, b_low))

    def wide_subtract(a_high, a_low, b_high, b_low):
        """a - b: high, low, and whether it leaves 128 bits."""
        return _split(_join(a_high, a_low) - _join(b_high, b_low))

    def wide_multiply(a_high, a_low, b_high, b_low):
        """a * b: high, low, and whether it leaves 128 bits."""
        return _split(_join(a_high, a_low) * _join(b_high, b_low))

    def wide_float(high, low):
        """The nearest float, ties to even."""
        return float(_join(high, low))

    def wide_divide(a_high, a_low, b_high, b_low):
        """The nearest to a / b, ties to even; b is not 0."""
        return _split(round(Fraction(_join(a_high, a_low), _join(b_high, b_low))))[:2]

    def wide_mean(wraps, high, low, count):
        """The nearest to (wraps * 2^128 + high, low) / count, ties to even, where that fits; 0 < count < 2^32."""
        return _split(round(Fraction((wraps << 128) + _join(high, low), count)))[:2]

    def wide_of(value):
        """The 128 bits of a float without a fraction, between -2^127 and 2^127."""
        return _split(int(value))[:2]


@part
def wide_below(a_high, a_low, b_high, b_low):
    """Whether a < b."""
    return a_high < b_high or (a_high == b_high and a_low < b_low)


@part
def whole(high, low):
    """Whether a value is a whole number of the language: -2^63 to 2^64 - 1."""
    return high == 0 or (high == -1 and low >= unsigned(0x8000000000000000))


@part
def extended(value):
    """The high part of a whole number of 64 bits with a sign."""
    return signed(-1) if value < 0 else signed(0)
