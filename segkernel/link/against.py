"""Accounts held against the population of an earlier run: what its statistics said then, and where an account stands among its values."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.link.assembly import float_bits, signed64
from segkernel.link.forms import BEYOND, LARGEST, Exact, Float
from segkernel.link.kept import Kept, decoded
from segkernel.link.population import PLACED, Memo
from segkernel.link.staging import Handed
from segkernel.plan.program import Statistic


def result_of(call: Statistic) -> Handed:
    """How the values are kept, wherever those of the population lie."""
    if call.type.kind == "number":
        return Handed(Float(0, 0), 0)
    if call.function in ("min", "max", "sum") or call.type.kind == "duration":
        return Handed(Exact(0, None, -BEYOND, BEYOND - 1, True), 0, 1, 2)
    return Handed(Exact(0, None, 0, LARGEST), 0, -1, 2)


class Population:
    """A statistic as an earlier run kept it: its groups by their values."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        keys = kept.groups if kept.order is None else kept.order.groups
        count = len(kept.values) if kept.order is None else len(kept.order.starts) - 1
        self.places = {key: place for place, key in enumerate(zip(*keys, strict=True))} if keys else dict.fromkeys([()] * min(count, 1), 0)

    def result(self, call: Statistic) -> Handed:
        """The form of `values`."""
        return result_of(call)

    def values(self, call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> NDArray[np.int64]:
        """The statistic for accounts, of which a stage handed on its parts, as `result_of` says: int64[3, accounts]."""
        accounts = buffers.shape[1]
        found = np.zeros((3, accounts), np.int64)
        every = np.arange(accounts)
        keys = [decoded(handed[output], buffers, every) for output in call.groups]
        groups = list(zip(*keys, strict=True)) if keys else [()] * accounts
        if call.function in PLACED:
            own = decoded(handed[call.value], buffers, every)
            counted = [True] * accounts if call.where < 0 else (buffers[handed[call.where].words] != 0).tolist()
            for row, group in enumerate(groups):
                found[:, row] = self._place(call, group, own[row], counted[row])
            return found
        wide = result_of(call).low >= 0
        for row, group in enumerate(groups):
            value = None if None in group else self._figure(call, group)
            if call.type.kind == "number":
                found[0, row] = float_bits(math.nan if value is None else value)
            elif value is not None:
                found[:, row] = (value >> 64, signed64(value), 1) if wide else (value, 0, 1)
        return found

    def _figure(self, call: Statistic, group: tuple[Any, ...]) -> Any:
        """What a group shares; of a group that the population did not have, what nobody has."""
        place = self.places.get(group)
        if place is not None:
            return self.kept.values[place]
        return 0 if call.function in ("count", "sum") else None

    def _place(self, call: Statistic, group: tuple[Any, ...], value: Any, counted: bool) -> tuple[int, int, int]:
        """Where a value stands in its group, and whether that is known."""
        ends = call.function in ("top", "bottom")
        if value is None or None in group or not counted:
            nowhere = float_bits(math.nan) if call.function == "percentile" else 0
            return nowhere, 0, int(ends and not counted)  # who does not count is neither at the top nor at the bottom
        order, place = self.kept.order, self.places.get(group)
        first, last = (0, 0) if order is None or place is None else (int(order.starts[place]), int(order.starts[place + 1]))
        values: Any = () if order is None else order.values
        smaller = bisect_left(values, value, first, last) - first
        larger, count = last - bisect_right(values, value, first, last), last - first
        amount = call.amount or Fraction(0)
        if call.function == "percentile":
            return float_bits(min(100.0, 100 * smaller / (count - 1)) if count > 1 else 0.0), 0, 1
        if call.function == "rank":
            return 1 + larger, 0, 1
        if call.function == "ntile":
            return min(1 + int(amount) * smaller // max(count, 1), max(int(amount), 1)), 0, 1
        limit = math.ceil(amount * count) if call.share else min(int(amount), LARGEST)
        return int(1 + (larger if call.function == "top" else smaller) <= limit), 0, 1
