"""The rows that rules look at for one account: its own, those that its links lead to, and those that belong to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from segdsl import checked
from segdsl.tree import children
from segkernel.data.dataset import Dataset
from segkernel.kernel.entries import NONE
from segkernel.oracle.naming import expressions

Numbers = NDArray[np.int64]


class Kin:
    """Collects, table by table, the numbers of the rows that expressions look at for the account in row `account`.

    What statistics of the population look at is left out, but for the account's own part in them.
    """

    def __init__(self, rules: checked.Rules, data: Dataset, account: int) -> None:
        self.rules = rules
        self.data = data
        self.account = np.array([account], np.int64)
        self._met: dict[str, list[Numbers]] = {rules.root: [self.account]}
        self._seen: set[tuple[str, bytes]] = set()

    def rows(self) -> dict[str, Numbers]:
        """The rows met so far by table, int64, ascending, each once."""
        return {table: np.unique(np.concatenate(parts)) for table, parts in self._met.items()}

    def look(self, nodes: Iterable[checked.Expression], table: str, rows: Numbers) -> None:
        """Follow expressions of some rows of a table."""
        for node in nodes:
            self._look(node, table, rows)

    def _look(self, node: checked.Expression, table: str, rows: Numbers) -> None:
        match node:
            case checked.Field(path=path):
                for link in path:
                    table, rows = self._up(table, link, rows)
            case checked.Let(name=name) | checked.Chosen(name=name) | checked.Collected(name=name) | checked.InSegment(segment=name):
                if (name, rows.tobytes()) not in self._seen:
                    self._seen.add((name, rows.tobytes()))
                    self.look(expressions(self.rules, name), table, rows)
            case checked.OfAccount(operand=operand):
                self._look(operand, self.rules.root, self.account)
            case checked.Grouped(relation=relation, up=up):
                for place, link in up:
                    table, rows = self._up(place, link, rows)
                self.look((each for each in (node.value, node.condition, node.order) if each is not None), table, rows)
                for place, link in reversed(relation.chain):
                    rows = self._down(place, link, rows)
                self.look(node.groups, relation.table, rows)
            case checked.Aggregate(relation=relation, up=up):
                for place, link in up:
                    _, rows = self._up(place, link, rows)
                for place, link in reversed(relation.chain):
                    rows = self._down(place, link, rows)
                self.look(children(node), relation.table, rows)
            case _:
                self.look(children(node), table, rows)

    def _up(self, table: str, link: str, rows: Numbers) -> tuple[str, Numbers]:
        """The table that a link leads to, and the rows there that it finds."""
        found = self._links(table, link)[rows]
        return self._meet(self.data.schema.tables[table].links[link].table, np.unique(found[found != NONE]).astype(np.int64))

    def _down(self, table: str, link: str, owners: Numbers) -> Numbers:
        """The rows of a table whose link leads to one of `owners`."""
        links = self._links(table, link)
        found = links == owners[0] if owners.size == 1 else np.isin(links, owners)
        return self._meet(table, np.flatnonzero(found))[1]

    def _links(self, table: str, link: str) -> NDArray[np.uint32]:
        found = self.data.rows_at((), (link,), table)
        assert found is not None
        return found

    def _meet(self, table: str, rows: Numbers) -> tuple[str, Numbers]:
        self._met.setdefault(table, []).append(rows)
        return table, rows
