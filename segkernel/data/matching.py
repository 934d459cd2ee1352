"""Regular expressions over texts, by the engine of Polars: linear in the length of pattern and text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from segdsl.regexes import canonical


def matching(texts: Sequence[str], pattern: str) -> frozenset[str]:
    """Those of some texts in which a pattern of the language is found."""
    series = pl.Series("texts", texts, dtype=pl.String)
    return frozenset(series.filter(series.str.contains(canonical(pattern))).to_list())
