"""The few words that both rivals speak: what a checked rule becomes once time and exact numbers are plain."""

from __future__ import annotations

from typing import Any

import msgspec

Chain = tuple[tuple[str, str], ...]


class Node(msgspec.Struct, frozen=True, cache_hash=True):
    """A value of a row. Kinds: `whole` (also days, nanoseconds, decimal units), `number`, `text`, `yes/no`.

    Operations: column constant compare and or not decided missing pick first add subtract multiply divide negate float
    listed contains starts ends local_day months. `bound` is the largest magnitude, `grid` the g for which a number is a
    multiple of 2^-g, `stage` the stage of the table after which all columns it reads are there.
    """

    op: str
    args: tuple[Node, ...]
    kind: str
    value: Any = None
    bound: int | float = 0
    grid: int | None = None
    stage: int = 0


class Aggregation(msgspec.Struct, frozen=True, eq=False):
    """A column `name` of the owner's table: `function` (rows count sum min max any) over the rows of `table`."""

    name: str
    owner: str
    table: str
    chain: Chain
    function: str
    value: Node | None
    where: Node | None
    stage: int


class Carried(msgspec.Struct, frozen=True, eq=False):
    """A column `name` of `table`: the value that `node` has for the account that `chain` leads to."""

    name: str
    table: str
    chain: Chain
    node: Node
    stage: int


class Plan(msgspec.Struct, frozen=True):
    """Everything to compute: per table the columns it reads (its own under the path ()), then what each stage adds."""

    root: str
    columns: dict[str, dict[tuple[str, ...], set[str]]]
    targets: dict[str, dict[str, str]]
    widths: dict[str, int]
    aggregations: list[Aggregation]
    carried: list[Carried]
    outputs: list[tuple[str, Node]]
    refused: dict[str, str]

    @property
    def stages(self) -> int:
        """How many stages there are after the first."""
        return max([0, *(a.stage for a in self.aggregations), *(c.stage for c in self.carried)])


def column_name(path: tuple[str, ...], column: str) -> str:
    """The name of a column that links bring to a row."""
    return ".".join((*path, column))


def owner_columns(chain: Chain, width: int) -> list[str]:
    """The columns of a chain's first table that hold the key of its owner, a row `chain` links away."""
    path = tuple(link for _, link in chain[:-1])
    return [column_name(path, f"l_{chain[-1][1]}_{i}") for i in range(width)]
