"""How segments overlap, two by two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel.kernel.entries import overlaps as kernel

_WORDS = 1024
"""Words of each segment at a time: those of 500 segments stay near the processor."""


def overlaps(names: Sequence[str], bits: Mapping[str, NDArray[np.uint64]]) -> pl.DataFrame:
    """A row for each two of `names`, in their order: `a`, `b`, accounts in `both`, `only_a`, `only_b`, and `jaccard`.

    `bits` uint64[words] are packed, zero behind the last account. `jaccard` is the share of both among those in either of the
    two, missing where both are empty.
    """
    common = _common([bits[name] for name in names])
    first, second = np.triu_indices(len(names), 1)
    sizes = np.diagonal(common)
    both, left, right = common[first, second], sizes[first], sizes[second]
    kinds = pl.Enum(list(dict.fromkeys(names)))
    written = pl.Series(names, dtype=kinds)
    table = {
        "a": written.gather(first),
        "b": written.gather(second),
        "both": pl.Series(both),
        "only_a": pl.Series(left - both),
        "only_b": pl.Series(right - both),
    }
    either = pl.col("both") + pl.col("only_a") + pl.col("only_b")
    return pl.DataFrame(table).with_columns(jaccard=pl.when(either > 0).then(pl.col("both") / either))


def _common(sets: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """The number of accounts in each two of some sets, int64[sets, sets], on and above the diagonal."""
    common = np.zeros((len(sets), len(sets)), np.int64)
    for start in range(0, len(sets[0]), _WORDS):
        kernel.count_pairs(np.stack([each[start : start + _WORDS] for each in sets]), common)
    return common
