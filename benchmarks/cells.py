"""The cells of the benchmark as data: what each measures, at which size, against whom, and what it is to show."""

from __future__ import annotations

from typing import Literal

import msgspec

from benchmarks.workloads import USUAL, Variant

Way = Literal["warm", "counts", "first", "files", "account", "text", "memory"]
WAYS: dict[Way, str] = {
    "warm": "tables bound and program linked, results dropped before the next run",
    "counts": "as warm, but only how many accounts are in each segment",
    "first": "the first run of a new process whose tables are in memory: compile, bind, load the kernel, run",
    "files": "a whole process, from the start of Python: read Parquet, evaluate, write Parquet",
    "account": "one account, a mapping of Python in and names out; the median of all accounts",
    "text": "from rule text to checked rules",
    "memory": "the highest memory above imports and tables, in a process of its own",
}


class Size(msgspec.Struct, frozen=True):
    """How many rows of each table, and how many segments."""

    accounts: int
    orders: int = 0
    lines: int = 0
    rules: int = 500


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, `way` saying how. `targets` are the ratios to reach by rival (its time over ours), and as `limit` the share of
    the physical limit (plain stores); `axis` names what is varied, around the base, and `at` says where this cell stands on it.
    `threads` are ours, else all processors."""

    name: str
    title: str
    size: Size
    quick: Size
    way: Way = "warm"
    kind: Literal["flat", "with orders", "lines"] = "flat"
    variant: Variant = USUAL
    rivals: tuple[str, ...] = ("Polars",)
    targets: dict[str, float] = {}
    axis: str = ""
    at: str = ""
    threads: int | None = None


MILLION = 1_000_000
FLAT, SMALL = Size(4 * MILLION), Size(50_000, rules=100)
ORDERS, FEW = Size(MILLION, 10 * MILLION), Size(20_000, 200_000, rules=100)
LINES, FEWER = Size(MILLION, 10 * MILLION, 40 * MILLION, 200), Size(10_000, 100_000, 400_000, 50)
ALL = ("Polars", "DuckDB", "DataFusion")
DATABASES = ("Polars", "DuckDB")
DISTINCT, SHUFFLED = Variant(distinct=True), Variant(shuffled=True)

TABLE = (
    Cell(
        name="flat-500", title="4 M accounts, 13 mixed columns with nulls, 500 segments", size=FLAT, quick=SMALL,
        rivals=(*ALL, "NumPy"), targets={"Polars": 25, "DuckDB": 400, "limit": 0.4},
    ),
    Cell(
        name="flat-500-distinct", title="the same, all constants distinct", size=FLAT, quick=SMALL, variant=DISTINCT,
        targets={"Polars": 22},
    ),
    Cell(
        name="flat-10", title="the same, 10 segments", size=Size(4 * MILLION, rules=10), quick=Size(50_000, rules=10),
        rivals=(*ALL, "NumPy"), targets={"Polars": 4, "DuckDB": 10, "limit": 0.8},
    ),
    Cell(
        name="flat-5000", title="1 M accounts, 5,000 segments, full output", size=Size(MILLION, rules=5000), quick=Size(20_000, rules=500),
        targets={"Polars": 40, "limit": 0.4},
    ),
    Cell(
        name="flat-5000-counts", title="the same, counts only", size=Size(MILLION, rules=5000), quick=Size(20_000, rules=500), way="counts",
        targets={"Polars": 45},
    ),
    Cell(
        name="orders", title="1 M accounts, 10 M orders sorted, 500 segments", size=ORDERS, quick=FEW, kind="with orders",
        rivals=ALL, targets={"Polars": 50, "DuckDB": 150, "limit": 0.1},
    ),
    Cell(
        name="orders-shuffled", title="the same, orders shuffled", size=ORDERS, quick=FEW, kind="with orders", variant=SHUFFLED,
        targets={"Polars": 120},
    ),
    Cell(
        name="lines", title="1 M accounts, 10 M orders, 40 M lines, products looked up, 200 segments", size=LINES, quick=FEWER,
        kind="lines", rivals=DATABASES, targets={"Polars": 25, "DuckDB": 50},
    ),
    Cell(
        name="first-flat", title="first run in a process, 4 M accounts, 500 segments", size=FLAT, quick=SMALL, way="first",
        targets={"Polars": 2.5},
    ),
    Cell(
        name="first-orders", title="first run in a process, 1 M accounts, 10 M orders, 500 segments", size=ORDERS, quick=FEW, way="first",
        kind="with orders", targets={"Polars": 15},
    ),
    Cell(
        name="parquet", title="Parquet to Parquet, 1 M accounts, 10 M orders, 500 segments", size=ORDERS, quick=FEW, way="files",
        kind="with orders", rivals=DATABASES, targets={"Polars": 8, "DuckDB": 20},
    ),
    Cell(
        name="one-account", title="one account, 500 segments", size=Size(200), quick=Size(50, rules=100), way="account",
        rivals=("Polars", "zen-engine", "CEL", "rule-engine"), targets={"Polars": 400, "zen-engine": 5},
    ),
    Cell(
        name="one-account-orders", title="one account with 47 orders, 500 segments", size=Size(200, 9400),
        quick=Size(50, 2350, rules=100), way="account", kind="with orders",
    ),
    Cell(
        name="text-5000", title="5,000 segments, text to checked rules", size=Size(1000, rules=5000), quick=Size(1000, rules=500),
        way="text", rivals=("Lark",), targets={"Lark": 5},
    ),
    Cell(name="memory", title="highest memory, 4 M accounts, 500 segments", size=FLAT, quick=SMALL, way="memory", rivals=()),
    Cell(
        name="memory-orders", title="highest memory, 1 M accounts, 10 M orders, 500 segments", size=ORDERS, quick=FEW, way="memory",
        kind="with orders", rivals=(),
    ),
)  # fmt: skip
"""What is promised, a cell a line."""

BASE = Size(MILLION)
"""One million accounts, 500 segments, two threads, categorical texts: each axis changes one of these."""


def along(axis: str, at: str, size: Size = BASE, threads: int | None = None, variant: Variant = USUAL) -> Cell:
    """A cell of an axis."""
    name = f"{axis}-{at}".replace(" ", "-").replace(",", "").lower()
    return Cell(
        name=name, title=f"{axis}: {at}", size=size, quick=Size(20_000, rules=100), threads=threads, variant=variant, axis=axis, at=at
    )


AXES = (
    *(along("segments", f"{rules:,}", Size(MILLION, rules=rules)) for rules in (10, 50, 100, 500, 1000, 2000, 5000)),
    *(along("accounts", f"{accounts:,}", Size(accounts)) for accounts in (100_000, MILLION, 4 * MILLION, 10 * MILLION)),
    along("constants", "shared"),
    along("constants", "distinct", variant=DISTINCT),
    *(along("missing values", each, variant=Variant(missing=share)) for each, share in (("none", 0.0), ("10%", 0.1), ("50%", 0.5))),
    along("texts", "Categorical"),
    along("texts", "Enum", variant=Variant(texts="Enum")),
    along("texts", "String", variant=Variant(texts="String")),
    along("members", "few", variant=Variant(joined=("and",))),
    along("members", "usual"),
    along("members", "most", variant=Variant(joined=("or",))),
    along("threads", "1", threads=1),
    along("threads", "2", threads=2),
)
"""One thing varied at a time around the base."""

CELLS = {cell.name: cell for cell in (*TABLE, *AXES)}
