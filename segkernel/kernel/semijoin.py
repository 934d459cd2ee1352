"""Values that one of the rows of the same owner has: each owner's rows are sorted once, then searched for each value."""

from __future__ import annotations

from segkernel.kernel.compilation import part
from segkernel.kernel.lanes import load32, load64, load_whole, signed, store64, store_whole, unsigned, wholes, words
from segkernel.kernel.sorting import sort
from segkernel.kernel.wide import wide_below

FEW = 8
"""So few numbers are looked through sooner than they are sorted."""


@part
def within(target, values, stride, listed, apart, scratch, wide, places, found, owner, own, first, start, stop):
    """Sets the bits of the values that a listed row of the same owner has.

    The rows at `places` (uint32, `found` of them) have the numbers `listed` and by `owner` the owners uint32; the values from row
    `start` to `stop`, relative to row `first`, have theirs by `own`, or each is its own owner where that is 0. Both are in the order of
    their owners. Numbers are int64, or of 128 bits where `wide`: the low parts are `stride` and `apart` bytes behind. `scratch`
    holds the numbers of one owner, laid out as those that are listed.
    """
    other = scratch + apart if wide else signed(0)
    row, at = start, 0
    while row < stop and at < found:
        who = owner_of(own, row, first)
        while at < found and signed(load32(owner + signed(load32(places + at * 4)) * 4)) < who:
            at += 1
        count = 0
        while at < found and signed(load32(owner + signed(load32(places + at * 4)) * 4)) == who:
            place = signed(load32(places + at * 4)) * 8
            store_whole(scratch + count * 8, load_whole(listed + place))
            if wide:
                store64(other + count * 8, load64(listed + apart + place))
            count += 1
            at += 1
        if count > FEW:
            sort(scratch, other, count)
        while row < stop and owner_of(own, row, first) == who:
            low = load64(values + stride + row * 8) if wide else unsigned(0)
            if count > 0 and holds(scratch, other, count, load_whole(values + row * 8), low):
                word = target + (row >> 6) * 8
                store64(word, load64(word) | (unsigned(1) << unsigned(row & 63)))
            row += 1


@part
def owner_of(own, row, first):
    return signed(load32(own + row * 4)) if own != 0 else first + row


@part
def holds(address, other, count, value, low):
    """Whether one of `count` numbers, sorted where they are more than FEW, is the value."""
    keys = wholes(address, count)
    if other == 0:
        if count <= FEW:
            at = 0
            while at < count and keys[at] != value:
                at += 1
            return at < count
        begin, end = 0, count
        while begin < end:
            middle = (begin + end) >> 1
            if keys[middle] < value:
                begin = middle + 1
            else:
                end = middle
        return begin < count and keys[begin] == value
    lows = words(other, count)
    if count <= FEW:
        at = 0
        while at < count and (keys[at] != value or lows[at] != low):
            at += 1
        return at < count
    begin, end = 0, count
    while begin < end:
        middle = (begin + end) >> 1
        if wide_below(keys[middle], lows[middle], value, low):
            begin = middle + 1
        else:
            end = middle
    return begin < count and keys[begin] == value and lows[begin] == low
