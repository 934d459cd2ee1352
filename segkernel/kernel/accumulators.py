"""Accumulators of one measure, filled from the listed rows: how many values, their sum, the greatest and the least.

Sums of floats have two parts. Each value is cut at one place that fits all values of the column, so that both parts are
added up without any rounding, in whatever order (J. Demmel and H. D. Nguyen, "Fast Reproducible Floating-Point Summation",
2013); only their sum is rounded, once.
"""

from __future__ import annotations

from typing import Any

from segkernel.kernel.compilation import entry, part
from segkernel.kernel.lanes import (
    as_float,
    code_at,
    first_bit,
    load32,
    load64,
    load_float,
    load_whole,
    signed,
    store64,
    store_float,
    store_whole,
    unsigned,
    words,
)
from segkernel.kernel.operations import COUNTED, GREATEST, LEAST, SUMMED

MAGNITUDE, INFINITE, FRACTION, IMPLIED = (1 << 63) - 1, 0x7FF << 52, (1 << 52) - 1, 1 << 52


def _of_codes(which: int) -> Any:
    """The loop that fills some accumulators from codes; 0 is missing."""
    counts, sums, greatest, least = (which & each != 0 for each in (COUNTED, SUMMED, GREATEST, LEAST))

    @part
    def visit(count, total, top, bottom, stride, places, found, address, width, base, step, owner):
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = signed(load32(owner + i * 4)) * 8
            code = code_at(address + i * width, width)
            if counts:
                store_whole(count + at, load_whole(count + at) + (1 if code != 0 else 0))
            if sums:
                store_whole(total + at, load_whole(total + at) + (base + (code - 1) * step if code != 0 else 0))
            if greatest:
                this, best = unsigned(code), load64(top + at)
                store64(top + at, this if this > best else best)
            if least:
                this, best = unsigned(code), load64(bottom + at)
                better = this != unsigned(0) and (best == unsigned(0) or this < best)
                store64(bottom + at, this if better else best)

    return visit


def _of_floats(which: int) -> Any:
    """The loop that fills some accumulators from floats; NaN is missing. `base` holds the bits of the number that cuts."""
    counts, sums, greatest, least = (which & each != 0 for each in (COUNTED, SUMMED, GREATEST, LEAST))

    @part
    def visit(count, total, top, bottom, stride, places, found, address, width, base, step, owner):
        cut = as_float(base)
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = signed(load32(owner + i * 4)) * 8
            value = load_float(address + i * 8)
            if counts:
                store_whole(count + at, load_whole(count + at) + (1 if value == value else 0))
            if sums:
                number = value if value == value else 0.0
                head = (number + cut) - cut
                store_float(total + at, load_float(total + at) + head)
                store_float(total + stride + at, load_float(total + stride + at) + (number - head))
            if greatest:
                best = load_float(top + at)
                store_float(top + at, best if value <= best or value != value else value)
            if least:
                best = load_float(bottom + at)
                store_float(bottom + at, best if value >= best or value != value else value)

    return visit


def _filling(make: Any) -> Any:
    """A function that fills the accumulators that `which` names, with what the loops are given: count and sum in one loop, each end in
    one of its own. A loop for each of the 15 sets of them takes seven seconds more to compile, and saves half a nanosecond a row where
    a sum and an end are wanted of the same rows."""
    counted, summed, both, greatest, least = (make(each) for each in (COUNTED, SUMMED, COUNTED | SUMMED, GREATEST, LEAST))

    @part
    def fill(which, given):
        if which & (COUNTED | SUMMED) == COUNTED | SUMMED:
            both(*given)
        elif which & COUNTED != 0:
            counted(*given)
        elif which & SUMMED != 0:
            summed(*given)
        if which & GREATEST != 0:
            greatest(*given)
        if which & LEAST != 0:
            least(*given)

    return fill


of_codes, of_floats = _filling(_of_codes), _filling(_of_floats)


@entry("UniTuple(int64, 2)(int64, int64)")
def extent(address, rows):
    """Exponents of two for floats that are not 0, NaN apart: of the smallest last bit that is set in any, and one that is above them all.

    Where there is none, 2000 and -2000; an infinity has 1025.
    """
    values = words(address, rows)
    grain, top = signed(2000), signed(-2000)
    for i in range(rows):
        size = values[i] & unsigned(MAGNITUDE)
        known = size != unsigned(0) and size <= unsigned(INFINITE)
        exponent = max(signed(size >> unsigned(52)), 1)
        digits = (size & unsigned(FRACTION)) | (unsigned(IMPLIED) if size > unsigned(FRACTION) else unsigned(0))
        first = exponent - 1075 + first_bit(digits | unsigned(IMPLIED))
        grain = min(grain, first) if known else grain
        top = max(top, exponent - 1022) if known else top
    return grain, top
