"""Memory for results: the first touch of fresh memory costs more than a run, so results that are dropped give theirs back."""

from __future__ import annotations

import mmap
import os
import weakref
from collections import deque
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

LARGE = 1 << 22
"""From so many bytes on a buffer has pages of its own."""
KEPT = 8
"""How many buffers wait for the next result at most."""
_LAZILY = getattr(mmap, "MADV_FREE", None)
_HUGE = getattr(mmap, "MADV_HUGEPAGE", None)


class Buffer(msgspec.Struct, frozen=True, eq=False):
    """Bytes, and where they have pages of their own, these."""

    memory: NDArray[np.uint8]
    pages: mmap.mmap | None


_free: deque[Buffer] = deque(maxlen=KEPT)


def lease(size: int) -> NDArray[np.uint8]:
    """uint8[size], 64-byte aligned, holding anything; it is used again when nothing refers to it, or to a part of it."""
    whole = _found(size + 64)
    # NumPy passes the chain of views through a memoryview no further: all parts hold this array, and the weak reference sees the last go
    held: NDArray[Any] = np.frombuffer(memoryview(whole.memory), np.uint8)  # type: ignore[arg-type]
    weakref.finalize(held, _give_back, whole).atexit = False
    start = -held.ctypes.data % 64
    return held[start : start + size]


def most_kept() -> int:
    """How many bytes wait for the next result at most: half of the machine's memory where the system may take what waits whenever it
    runs short, else 512 MB."""
    if _LAZILY is None or not hasattr(os, "sysconf"):
        return 1 << 29
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _give_back(whole: Buffer) -> None:
    if whole.memory.size + sum(each.memory.size for each in tuple(_free)) > most_kept():
        return
    if whole.pages is not None and _LAZILY is not None:
        # Costs a millisecond for gigabytes: they stay in place, and are the system's as soon as anybody runs short
        whole.pages.madvise(_LAZILY)
    _free.append(whole)


def _found(size: int) -> Buffer:
    """A waiting buffer that is large enough and not much too large, or a new one."""
    for _ in range(len(_free)):
        try:
            each = _free.popleft()
        except IndexError:
            break
        if size <= each.memory.size <= 2 * size + 4096:
            return each
        _free.append(each)
    return _fresh(size)


def _fresh(size: int) -> Buffer:
    if size < LARGE or _LAZILY is None:
        return Buffer(np.empty(size, np.uint8), None)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if _HUGE is not None:
        pages.madvise(_HUGE)
    return Buffer(np.frombuffer(pages, np.uint8), pages)
