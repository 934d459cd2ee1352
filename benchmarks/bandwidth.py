"""What the memory of this machine can do: reading, plain stores, and stores past the caches, on as many threads as a run has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import msgspec
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

njit: Any = numba.njit
SIZE = 1 << 29
"""Bytes that each pass goes over: far more than the caches hold."""
PASSES = 7


class Bandwidth(msgspec.Struct, frozen=True):
    """Bytes a second: read, written with plain stores, and written past the caches."""

    read: float
    store: float
    stream: float


@intrinsic
def _past_caches(typing: Any, address: Any, value: Any) -> Any:
    """Writes eight times the word `value` at a multiple of 64, past the caches."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        line = ir.VectorType(ir.IntType(64), 8)
        words = ir.Constant(line, ir.Undefined)
        for lane in range(8):
            words = builder.insert_element(words, arguments[1], ir.IntType(32)(lane))
        store = builder.store(words, builder.inttoptr(arguments[0], line.as_pointer()), align=64)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), code


@njit(nogil=True)
def _read(words: Any) -> Any:
    total = np.uint64(0)
    for i in range(words.size):
        total += words[i]
    return total


@njit(nogil=True)
def _store(words: Any, value: Any) -> None:
    for i in range(words.size):
        words[i] = value


@njit(nogil=True)
def _stream(target: Any, size: Any, value: Any) -> None:
    for i in range(0, size, 64):
        _past_caches(target + i, value)


@cache
def bandwidth(threads: int | None = None) -> Bandwidth:
    """The best of some passes of each kind over memory that is there already."""
    count = threads or os.cpu_count() or 1
    whole = np.ones(SIZE // 8 + 8, np.uint64)  # zeros would all be read from one page
    whole = whole[-whole.ctypes.data % 64 // 8 :][: SIZE // 8]
    parts = np.array_split(whole, count)
    with ThreadPoolExecutor(count) as pool:

        def best(work: Callable[[NDArray[np.uint64]], Any]) -> float:
            found = []
            for _ in range(PASSES):
                start = time.perf_counter()
                list(pool.map(work, parts))
                found.append(time.perf_counter() - start)
            return SIZE / min(found[1:])

        return Bandwidth(
            read=best(_read),
            store=best(partial(_store, value=np.uint64(1))),
            stream=best(lambda part: _stream(part.ctypes.data, part.size * 8 // 64 * 64, np.uint64(1))),
        )


if __name__ == "__main__":
    for one in (1, None):
        found = bandwidth(one)
        speeds = ", ".join(f"{what} {getattr(found, what) / 1e9:.1f}" for what in found.__struct_fields__)
        print(f"{one or os.cpu_count()} threads: {speeds} GB/s")
