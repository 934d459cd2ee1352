"""What rows are grouped by, reckoned for all rows of a table, as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel.link.population import keys_of, present
from segkernel.link.staging import Handed

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
