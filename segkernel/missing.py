"""How many rows, and of how many accounts, the warnings on missing values concern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segdsl.missing import Count, MissingLint
from segdsl.schema import Schema
from segkernel.meaning import needed, relations
from segkernel.rules import Rules

if TYPE_CHECKING:
    from segkernel.data.columns import Column
    from segkernel.data.dataset import Dataset

_Chain = tuple[tuple[str, str], ...]


def left_out(rules: Rules, data: Dataset, lints: Sequence[MissingLint]) -> list[Count | None]:
    """For each lint the rows whose field is missing, and the accounts whose rows they are.

    None where that cannot be said of a table: where its rows are met from another one than the accounts', or by ways that differ.
    Nothing is left out in statements that are not read. Raises `DataError` where the data do not fit.
    """
    tree = rules.checked
    chains: dict[str, set[_Chain]] = {tree.root: {()}}
    for relation in relations(tree, rules.names):
        chains.setdefault(relation.table, set()).add(relation.chain)
    read = needed(tree, rules.names)

    def count(lint: MissingLint) -> Count | None:
        field = lint.field
        if lint.statement not in read:
            return Count(0, 0)
        ways = chains.get(field.table, set())
        if len(ways) != 1:
            return None
        (chain,) = ways
        if chain and _ends(chain, data.schema) != tree.root:
            return None
        column = data.column(chain, field.path, field.name, tree.timezone)
        return Count(column.missing, _accounts(data, chain, column))

    return [count(lint) for lint in lints]


def _ends(chain: _Chain, schema: Schema) -> str:
    table, link = chain[-1]
    return schema.tables[table].links[link].table


def _accounts(data: Dataset, chain: _Chain, column: Column) -> int:
    """How many accounts have a row whose value is missing."""
    if not chain or not column.missing:
        return column.missing
    codes = column.codes[: column.rows]
    rows: NDArray[Any] = np.flatnonzero(np.isnan(codes) if column.raw else codes == 0)
    space = data.space(chain)
    while space.owner is not None and space.parent is not None:
        rows = space.owner[rows]
        space = space.parent
    return int(np.unique(rows).size)
