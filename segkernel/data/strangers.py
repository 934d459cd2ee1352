"""Values that a field's closed list does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segkernel.data.columns import Column
from segkernel.textual import visible


def among(column: Column, listed: Sequence[Any]) -> dict[str, int]:
    """The values of a column that a list does not have, each with its number of rows; none where there is no list."""
    if not listed or column.values is None:
        return {}
    known = set(listed)
    codes = column.codes[: column.rows]
    return {value: int(np.count_nonzero(codes == column.code(value))) for value in column.values if value not in known}


def told(table: str, name: str, strangers: Mapping[str, int]) -> str:
    """What is odd about values that a field's closed list does not have, each with its number of rows."""
    shown = ", ".join(f'"{visible(value)}"' for value in sorted(strangers)[:5]) + (", …" if len(strangers) > 5 else "")
    rows = sum(strangers.values())
    many = "a value" if len(strangers) == 1 else f"{len(strangers):,} values"
    where = "1 row" if rows == 1 else f"{rows:,} rows"
    return f"{table}.{name} has {many} that its list does not have, in {where}: {shown}"
