"""Memberships made by hand, without an evaluation: keys, flags and values as plain lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.typesystem import TEXT, Type
from segkernel.choices import Choice
from segkernel.membership import Membership
from segkernel.tally import Fingerprints, Origin

AS_OF = 1_768_474_800_000_000_000
DAY = 86_400 * 10**9


def packed(flags: Sequence[bool]) -> NDArray[np.uint64]:
    """Flags as words, the least significant bit first."""
    words = [0] * -(-len(flags) // 64)
    for row, flag in enumerate(flags):
        words[row // 64] |= int(flag) << row % 64
    return np.array(words, np.uint64)


def membership(
    keys: pl.DataFrame | Sequence[Any],
    segments: Mapping[str, Sequence[bool]],
    chooses: Mapping[str, tuple[Type, Sequence[Any], Sequence[int]]] | None = None,
    meanings: Mapping[str, str] | None = None,
    day: int = 0,
    unknown: Mapping[str, int] | None = None,
    root: str = "customers",
) -> Membership:
    """A membership of accounts with these keys (a list is the column `id`): flags of segments; type, values and codes of chooses.

    `day` counts from 15 January 2026; a name without a meaning of its own means the same in all.
    """
    chooses = chooses or {}
    names = (*segments, *chooses)
    origin = Origin(
        names=names,
        root=root,
        chooses={name: Choice(type_, tuple(values)) for name, (type_, values, _) in chooses.items()},
        collects={},
        as_of_ns=AS_OF + day * DAY,
        timezone="Europe/Berlin",
        orphans={("orders", "customer"): 2},
        fingerprints=lambda: Fingerprints("rules", "schema", "data"),
        meanings=lambda: {name: (meanings or {}).get(name, "same") for name in names},
    )
    return Membership(
        origin,
        keys if isinstance(keys, pl.DataFrame) else pl.DataFrame({"id": pl.Series(keys, dtype=None if len(keys) else pl.Int64)}),
        bits={name: packed(flags) for name, flags in segments.items()},
        codes={name: np.array(codes, np.uint8) for name, (_, _, codes) in chooses.items()},
        lists={},
        counts={name: sum(flags) for name, flags in segments.items()},
        unknown=unknown,
    )


def tier(*values: str | None, of: Sequence[str] = ("gold", "silver")) -> tuple[Type, Sequence[str], list[int]]:
    """A choose of texts: the value of each account."""
    return TEXT, of, [0 if value is None else of.index(value) + 1 for value in values]
