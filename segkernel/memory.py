"""Memory for results: the first touch of fresh memory costs more than a run, so results that are dropped give theirs back."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = 8
"""How many buffers wait for the next result at most."""
KEPT_BYTES = 1 << 29
"""How many bytes they hold together at most; beyond, memory goes back to the system."""

_free: deque[NDArray[np.uint8]] = deque(maxlen=KEPT)


def lease(size: int) -> NDArray[np.uint8]:
    """uint8[size], 64-byte aligned, holding anything; it is used again when nothing refers to it, or to a part of it."""
    whole = _found(size + 64)
    # NumPy passes the chain of views through a memoryview no further: all parts hold this array, and the weak reference sees the last go
    held: NDArray[Any] = np.frombuffer(memoryview(whole), np.uint8)  # type: ignore[arg-type]
    weakref.finalize(held, _give_back, whole).atexit = False
    start = -held.ctypes.data % 64
    return held[start : start + size]


def _give_back(whole: NDArray[np.uint8]) -> None:
    if whole.size + sum(each.size for each in tuple(_free)) <= KEPT_BYTES:
        _free.append(whole)


def _found(size: int) -> NDArray[np.uint8]:
    """A waiting buffer that is large enough and not much too large, or a new one."""
    for _ in range(len(_free)):
        try:
            each = _free.popleft()
        except IndexError:
            break
        if size <= each.size <= 2 * size + 4096:
            return each
        _free.append(each)
    return np.empty(size, np.uint8)
