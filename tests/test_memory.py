"""The memory of dropped results serves the next ones."""

from __future__ import annotations

import gc
from collections import deque

import numpy as np
import pytest

from segkernel import memory
from segkernel.machine import available
from segkernel.memory import LARGE, lease


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    monkeypatch.setattr(memory, "_free", deque(maxlen=memory.KEPT))


@pytest.mark.parametrize("size", [1, 64, 4096, LARGE - 65, LARGE, 3 * LARGE + 7])
def test_a_dropped_buffer_is_leased_again(size: int) -> None:
    first = lease(size)
    assert first.size == size
    assert first.ctypes.data % 64 == 0
    first[:] = 7
    where = first.ctypes.data
    other = lease(size)
    assert other.ctypes.data != where
    del first
    again = lease(size)
    assert again.ctypes.data == where
    again[:] = 9
    assert (again == 9).all()


def test_a_part_keeps_the_whole() -> None:
    part = lease(LARGE).view(np.uint64).reshape(64, -1)[3, 5:]
    part[:] = 11
    assert not memory._free
    others = [lease(LARGE) for _ in range(3)]
    for each in others:
        each[:] = 0
    assert (part == 11).all()
    del part
    assert len(memory._free) == 1


def test_more_than_the_limit_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "most_kept", lambda: 2 * LARGE + 200)
    held = [lease(LARGE) for _ in range(4)]
    held.clear()
    assert sum(each.memory.size for each in memory._free) == 2 * (LARGE + 64)


def test_the_limit_is_a_share_of_the_machine() -> None:
    with open("/proc/meminfo", encoding="utf-8") as told:
        whole = int(next(line for line in told if line.startswith("MemTotal")).split()[1]) * 1024
    assert 0.4 * whole < memory.most_kept() < 0.6 * whole


def test_a_much_larger_buffer_is_left_alone() -> None:
    where = lease(4 * LARGE).ctypes.data
    assert lease(LARGE).ctypes.data != where
    assert len(memory._free) == 2


def test_what_is_available_is_part_of_the_machine() -> None:
    assert 1 << 20 < available() < 2 * memory.most_kept()
