"""Sets of values of one ordered kind, as the places where one walks into them or out of them.

A cut lies between two neighbours of an order. Where values have steps (whole numbers, decimals in units of their last place, days,
nanoseconds, yes/no) it is the whole number of the first value after it. Where they have none (floats, texts) it is a value and a bit: 0
just before the value, 1 just after it. Cuts of one kind are ordered as the values are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec


class Cuts(msgspec.Struct, frozen=True, gc=False):
    """A set: whether the smallest values are in it, and the cuts, ascending, at each of which that turns round."""

    inside: bool
    at: tuple[Any, ...] = ()


NONE = Cuts(False)
ALL = Cuts(True)


def below(cut: Any) -> Cuts:
    """All values before a cut."""
    return Cuts(True, (cut,))


def above(cut: Any) -> Cuts:
    """All values after a cut."""
    return Cuts(False, (cut,))


def between(first: Any, last: Any) -> Cuts:
    """The values between two cuts; none where the second does not come after the first."""
    return Cuts(False, (first, last)) if first < last else NONE


def points(pairs: Iterable[tuple[Any, Any]]) -> Cuts:
    """The values that stand between the two cuts of a pair, of any of the pairs: each next to each other, in any order."""
    found: list[Any] = []
    for first, last in sorted(set(pairs)):
        if found and found[-1] == first:
            found[-1] = last
        elif first < last:
            found += (first, last)
    return Cuts(False, tuple(found))


def opposite(one: Cuts) -> Cuts:
    """The values that are not in a set."""
    return Cuts(not one.inside, one.at)


def meet(one: Cuts, other: Cuts) -> Cuts:
    """The values that are in both sets, in time that grows with the number of their cuts."""
    if not one.at:
        return other if one.inside else NONE
    if not other.at:
        return one if other.inside else NONE
    found: list[Any] = []
    in_one, in_other = one.inside, other.inside
    held = in_one and in_other
    first, second = one.at, other.at
    i = j = 0
    while i < len(first) or j < len(second):
        if j == len(second) or (i < len(first) and first[i] <= second[j]):
            cut = first[i]
        else:
            cut = second[j]
        if i < len(first) and first[i] == cut:
            in_one = not in_one
            i += 1
        if j < len(second) and second[j] == cut:
            in_other = not in_other
            j += 1
        if held is not (in_one and in_other):
            found.append(cut)
            held = not held
    return Cuts(one.inside and other.inside, tuple(found))


def meet_all(sets: Sequence[Cuts]) -> Cuts:
    """The values that are in all of the sets: by halves, so that many small sets take no time that grows with their square."""
    waiting = list(sets)
    while len(waiting) > 1:
        waiting = [meet(*pair) if len(pair) == 2 else pair[0] for pair in (waiting[at : at + 2] for at in range(0, len(waiting), 2))]
    return waiting[0] if waiting else ALL
