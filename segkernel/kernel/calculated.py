"""Aggregates of what was reckoned for each row: whole numbers in a slot, all of them present at the listed places."""

from __future__ import annotations

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import load32, load64, load_whole, signed, store64, store_whole
from segkernel.kernel.operations import EXACT_LARGEST, EXACT_SMALLEST, EXACT_SUM, EXACT_SUM_WIDE, WIDE_LARGEST
from segkernel.kernel.wide import extended, wide_add, wide_below


@part
def visit_exact(kind, slot, stride, places, found, address, apart, wide, wraps, owner, first):
    """Adds the numbers at the listed places to their owners' slots; `first` is the number of the slots' first row.

    The low parts of wide numbers stand `apart` bytes behind the high ones, those of the owners' `stride` bytes; with `wraps`
    a third slot of the owners counts how often a sum left 128 bits.
    """
    slot -= first * 8
    if kind == EXACT_SUM:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            store_whole(at, load_whole(at) + load_whole(address + i * 8))
    elif kind == EXACT_LARGEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value, best = load_whole(address + i * 8), load_whole(at)
            store_whole(at, value if value > best else best)
    elif kind == EXACT_SMALLEST:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value, best = load_whole(address + i * 8), load_whole(at)
            store_whole(at, value if value < best else best)
    elif kind == EXACT_SUM_WIDE:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            value = load_whole(address + i * 8)
            if wide != 0:
                high, low = value, load64(address + apart + i * 8)
            else:
                high, low = extended(value), load64(address + i * 8)
            minus = high < 0
            high, low, over = wide_add(high, low, load_whole(at), load64(at + stride))
            if over and wraps != 0:
                store_whole(at + 2 * stride, load_whole(at + 2 * stride) + (-1 if minus else 1))
            store_whole(at, high)
            store64(at + stride, low)
    else:
        for j in range(found):
            i = signed(load32(places + j * 4))
            at = slot + signed(load32(owner + i * 4)) * 8
            high, low = load_whole(address + i * 8), load64(address + apart + i * 8)
            less = wide_below(high, low, load_whole(at), load64(at + stride))
            same = high == load_whole(at) and low == load64(at + stride)
            if not same and less != (kind == WIDE_LARGEST):
                store_whole(at, high)
                store64(at + stride, low)
