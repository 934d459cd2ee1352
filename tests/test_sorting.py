"""Sorting in place: what the kernel sorts is what NumPy and Python sort, for every length around the change of method."""

from __future__ import annotations

import numpy as np
import pytest

from segkernel.kernel.compilation import JIT, njit
from segkernel.kernel.sorting import SHORT, sort

LENGTHS = [0, 1, 2, 3, SHORT - 1, SHORT, SHORT + 1, SHORT + 2, 100, 1000]
EXTREMES = np.array([np.iinfo(np.int64).min, -1, 0, 1, np.iinfo(np.int64).max])


def _sort(address: int, other: int, count: int) -> None:
    sort(address, other, count)


sorts = njit(_sort) if JIT else _sort


def drawn(rng: np.random.Generator, length: int, shape: str) -> np.ndarray:
    values = rng.integers(-(1 << 63), 1 << 63, length) if shape == "any" else rng.integers(-3, 4, length)
    values[rng.random(length) < 0.2] = rng.choice(EXTREMES)
    return np.sort(values)[::-1].copy() if shape == "falling" else values


@pytest.mark.parametrize("shape", ["any", "few", "falling"])
@pytest.mark.parametrize("length", LENGTHS)
def test_numbers_of_64_bits(length: int, shape: str) -> None:
    values = drawn(np.random.default_rng(length), length, shape)
    wanted = np.sort(values)
    sorts(values.ctypes.data, 0, length)
    assert values.tolist() == wanted.tolist()


@pytest.mark.parametrize("shape", ["any", "few", "falling"])
@pytest.mark.parametrize("length", LENGTHS)
def test_numbers_of_128_bits(length: int, shape: str) -> None:
    rng = np.random.default_rng(length)
    high, low = drawn(rng, length, shape), drawn(rng, length, "any").view(np.uint64)
    wanted = sorted(zip(high.tolist(), low.tolist(), strict=True))
    sorts(high.ctypes.data, low.ctypes.data, length)
    assert list(zip(high.tolist(), low.tolist(), strict=True)) == wanted
