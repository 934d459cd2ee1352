"""Numbers sorted in place: short runs by insertion, longer ones by a heap (Williams, 1964), which no order of the data slows down."""

from __future__ import annotations

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import wholes, words
from segkernel.kernel.wide import wide_below

SHORT = 24
"""So many numbers are sorted sooner by insertion."""


@part
def sort(address, other, count):
    """Sorts `count` numbers, ascending: int64 at `address`; or, where `other` is not 0, numbers of 128 bits, their high
    parts (int64) at `address` and their low parts (uint64) at `other`."""
    if other == 0:
        sort_narrow(address, count)
    else:
        sort_wide(address, other, count)


@part
def sort_narrow(address, count):
    keys = wholes(address, count)
    if count <= SHORT:
        for i in range(1, count):
            key = keys[i]
            at = i
            while at > 0 and keys[at - 1] > key:
                keys[at] = keys[at - 1]
                at -= 1
            keys[at] = key
        return
    for top in range(count // 2 - 1, -1, -1):
        sink(keys, keys[top], top, count)
    for end in range(count - 1, 0, -1):
        last = keys[end]
        keys[end] = keys[0]
        sink(keys, last, 0, end)


@part
def sink(keys, key, top, count):
    """Puts a key at the top of a heap whose parts are in order, and lets it down to its place."""
    at, below = top, 2 * top + 1
    while below < count:
        if below + 1 < count and keys[below + 1] > keys[below]:
            below += 1
        if keys[below] <= key:
            break
        keys[at] = keys[below]
        at, below = below, 2 * below + 1
    keys[at] = key


@part
def sort_wide(address, other, count):
    high, low = wholes(address, count), words(other, count)
    if count <= SHORT:
        for i in range(1, count):
            key, key_low = high[i], low[i]
            at = i
            while at > 0 and wide_below(key, key_low, high[at - 1], low[at - 1]):
                high[at], low[at] = high[at - 1], low[at - 1]
                at -= 1
            high[at], low[at] = key, key_low
        return
    for top in range(count // 2 - 1, -1, -1):
        sink_wide(high, low, high[top], low[top], top, count)
    for end in range(count - 1, 0, -1):
        last, last_low = high[end], low[end]
        high[end], low[end] = high[0], low[0]
        sink_wide(high, low, last, last_low, 0, end)


@part
def sink_wide(high, low, key, key_low, top, count):
    """As `sink`, of numbers of 128 bits."""
    at, below = top, 2 * top + 1
    while below < count:
        if below + 1 < count and wide_below(high[below], low[below], high[below + 1], low[below + 1]):
            below += 1
        if not wide_below(key, key_low, high[below], low[below]):
            break
        high[at], low[at] = high[below], low[below]
        at, below = below, 2 * below + 1
    high[at], low[at] = key, key_low
