"""What rows are grouped by, reckoned for all rows of a table, as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.data.groups import PER, Moment
from segkernel.link.population import keys_of, present
from segkernel.link.staging import Handed
from segkernel.plan.program import Chain

_ROOM = (1 << 32) - 2


def codes(handed: Handed, buffers: NDArray[np.int64]) -> NDArray[Any]:
    """A code (uint32) for each row of what a stage handed on in its int64[buffers, rows]: equal where the values are, 0 where one is
    missing."""
    known = present(handed, buffers)
    keys = keys_of(handed, buffers)
    low, high = (int(keys.min(initial=0)), int(keys.max(initial=0))) if keys.size else (0, 0)
    if low < 0 or high >= _ROOM:
        if high - low < _ROOM:
            keys = keys - low
        else:
            keys = np.unique(keys, return_inverse=True)[1]
    return np.where(known, keys + 1, 0).astype(np.uint32)


def at_moment(chain: Chain, moving: frozenset[str], moment: Moment) -> Chain:
    """A chain whose groups are formed for a moment: `moving` are the meanings of the keys that change with it."""
    steps = []
    for step in chain:
        if step[0] == PER and len(step) == 4:
            keys = tuple(("value", (key[1], moment)) if key[0] == "value" and key[1] in moving else key for key in step[2])
            step = (*step[:2], keys, step[3])
        steps.append(step)
    return tuple(steps)
