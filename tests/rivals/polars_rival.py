"""Rules as one lazy Polars query, written as someone who knows Polars well would write it."""

from __future__ import annotations

from typing import Literal

import polars as pl

from segdsl.checked import Rules
from segdsl.schema import Schema
from tests.rivals.lowering import Manner, lower
from tests.rivals.tables import CannotSay, Plain, plain_tables
from tests.rivals.words import Aggregation, Chain, Node, Plan, column_name, owner_columns

__all__ = ["CannotSay", "Prepared", "evaluate", "prepare", "prepare_plain"]

EXACTLY = Manner()
Engine = Literal["in-memory", "streaming"]
SMALL = 2**62
LARGEST: dict[type[pl.DataType], int] = {
    pl.Int8: 2**7,
    pl.Int16: 2**15,
    pl.Int32: 2**31,
    pl.Int64: 2**63,
    pl.UInt8: 2**8,
    pl.UInt16: 2**16,
    pl.UInt32: 2**32,
    pl.UInt64: 2**64,
}


class Prepared:
    """A query that is built and not yet run; `refused` says of rules that were left out why."""

    def __init__(self, query: pl.LazyFrame, refused: dict[str, str]) -> None:
        self.query, self.refused = query, refused

    def run(self, engine: Engine = "in-memory") -> pl.DataFrame:
        """The answers: a column per segment and choose, in the row order of the root table."""
        answers = self.query.collect(engine=engine)
        # the streaming engine may give rows back in another order
        return (answers if answers["row"].is_sorted() else answers.sort("row")).drop("row")


def evaluate(rules: Rules, schema: Schema, frames: dict[str, pl.DataFrame], as_of_ns: int, engine: Engine = "in-memory") -> pl.DataFrame:
    """The answers of a rule set: Boolean per segment, plain values per choose (decimals in units, times as whole numbers).

    Raises CannotSay where Polars has no exact words for a rule.
    """
    return prepare(rules, schema, frames, as_of_ns).run(engine)


def prepare(rules: Rules, schema: Schema, frames: dict[str, pl.DataFrame], as_of_ns: int, manner: Manner = EXACTLY) -> Prepared:
    """The query of a rule set, over tables made plain."""
    return prepare_plain(rules, schema, plain_tables(schema, frames, rules.timezone), as_of_ns, manner)


def prepare_plain(rules: Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner = EXACTLY) -> Prepared:
    """The query of a rule set, over tables that are plain already."""
    plan = lower(rules, schema, tables, as_of_ns, manner)
    frames, dtypes = {}, {}
    for name in tables:
        frames[name], dtypes[name] = first_stage(name, plan, tables)
    for stage in range(1, plan.stages + 1):
        frames = {name: next_stage(name, stage, plan, frames, dtypes) for name in tables}
    writer = Writer(dtypes[plan.root])
    outputs = [writer.write(output).alias(name) for name, output in plan.outputs]
    return Prepared(frames[plan.root].select(pl.col("row"), *outputs), plan.refused)


def first_stage(name: str, plan: Plan, tables: dict[str, Plain]) -> tuple[pl.LazyFrame, dict[str, pl.DataType]]:
    """A table with what its links bring."""
    frame = tables[name].frame
    dtypes = dict(frame.schema)
    lazy = frame.lazy()
    for path, columns in sorted(plan.columns[name].items(), key=lambda item: len(item[0])):
        if not path:
            continue
        target = name
        for link in path:
            target = plan.targets[target][link]
        keys = [f"k_{i}" for i in range(plan.widths[target])]
        other = tables[target].frame.select(*keys, *(pl.col(column).alias(column_name(path, column)) for column in sorted(columns)))
        dtypes |= dict(other.schema)
        own = [column_name(path[:-1], f"l_{path[-1]}_{i}") for i in range(len(keys))]
        lazy = lazy.join(other.lazy(), left_on=own, right_on=keys, how="left", maintain_order="left")
    return lazy, dtypes


def next_stage(
    name: str, stage: int, plan: Plan, frames: dict[str, pl.LazyFrame], dtypes: dict[str, dict[str, pl.DataType]]
) -> pl.LazyFrame:
    """A table with the aggregates and the account's values of one more stage."""
    lazy = frames[name]
    groups: dict[tuple[str, Chain], list[Aggregation]] = {}
    for one in plan.aggregations:
        if one.owner == name and one.stage == stage:
            groups.setdefault((one.table, one.chain), []).append(one)
    keys = [f"k_{i}" for i in range(plan.widths[name])]
    for (child, chain), members in groups.items():
        owner = owner_columns(chain, len(keys))
        writer = Writer(dtypes[child])
        grouped = frames[child].group_by(owner).agg([writer.aggregate(one).alias(one.name) for one in members])
        lazy = lazy.join(grouped, left_on=keys, right_on=owner, how="left", maintain_order="left")
        empty = {"rows": 0, "count": 0, "sum": 0, "any": False}
        lazy = lazy.with_columns(pl.col(one.name).fill_null(empty[one.function]) for one in members if one.function in empty)
    for carried in plan.carried:
        if carried.table == name and carried.stage == stage:
            width = plan.widths[plan.root]
            writer = Writer(dtypes[plan.root])
            values = frames[plan.root].select(*(f"k_{i}" for i in range(width)), writer.write(carried.node).alias(carried.name))
            lazy = lazy.join(values, left_on=owner_columns(carried.chain, width), right_on=[f"k_{i}" for i in range(width)], how="left")
    return lazy


class Writer:
    """Writes plain nodes as Polars expressions over columns of known types, each node once."""

    def __init__(self, dtypes: dict[str, pl.DataType]) -> None:
        self.dtypes = dtypes
        self.written: dict[Node, pl.Expr] = {}

    def write(self, node: Node) -> pl.Expr:
        """The expression of a node."""
        if node not in self.written:
            self.written[node] = self.fresh(node)
        return self.written[node]

    def fresh(self, node: Node) -> pl.Expr:
        args = node.args
        match node.op:
            case "column":
                return pl.col(node.value)
            case "constant":
                return pl.lit(node.value, dtype=self.dtype(node))
            case "compare":
                return self.compare(node)
            case "and":
                return pl.all_horizontal([self.write(a) for a in args])
            case "or":
                return pl.any_horizontal([self.write(a) for a in args])
            case "not":
                return ~self.write(args[0])
            case "decided":
                return self.write(args[0]).fill_null(False)
            case "missing":
                return self.write(args[0]).is_null()
            case "pick":
                return pl.when(self.write(args[0])).then(self.uniform(args[1], node)).otherwise(self.uniform(args[2], node))
            case "first" if args[0].op == "constant" and args[0].value is not None:
                # Polars 2.1 leaves a coalesce that begins with a literal one row long
                return self.uniform(args[0], node)
            case "first":
                return pl.coalesce([self.uniform(a, node) for a in args])
            case "listed":
                return self.listed(node)
            case "contains":
                return self.text(args[0]).str.contains(self.text(args[1]), literal=True)
            case "starts":
                return self.text(args[0]).str.starts_with(self.text(args[1]))
            case "ends":
                return self.text(args[0]).str.ends_with(self.text(args[1]))
            case "local_day":
                return (
                    self.uniform(args[0], args[0]).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(node.value).dt.date().cast(pl.Int32)
                )
            case "months":
                return self.write(args[0]).cast(pl.Int32).cast(pl.Date).dt.offset_by(f"{node.value}mo").cast(pl.Int32)
            case "float":
                return self.number(args[0]) / spread(pl.lit(10.0**node.value)) if node.value else self.number(args[0])
            case _:
                return self.arithmetic(node)

    def dtype(self, node: Node) -> pl.DataType:
        """The type in which a node's values are written."""
        if node.kind == "whole":
            return pl.Int128() if node.bound >= SMALL else pl.Int64()
        return {"number": pl.Float64(), "text": pl.String(), "yes/no": pl.Boolean()}[node.kind]

    def uniform(self, node: Node, like: Node) -> pl.Expr:
        """A node in the type of another."""
        wanted = self.dtype(like)
        if node.op == "column" and self.dtypes.get(node.value) == wanted:
            return self.write(node)
        return self.write(node).cast(wanted)

    def number(self, node: Node) -> pl.Expr:
        return self.write(node).cast(pl.Float64)

    def text(self, node: Node) -> pl.Expr:
        return self.uniform(node, node)

    def in_width(self, column: Node, constant: Node) -> pl.Expr | None:
        """A constant in a column's own narrow type, where it fits."""
        dtype = self.dtypes.get(column.value) if column.op == "column" else None
        if dtype is None or constant.op != "constant" or constant.value is None:
            return None
        if dtype.is_integer() and type(dtype) in LARGEST:
            low, high = (0 if dtype.is_unsigned_integer() else -LARGEST[type(dtype)]), LARGEST[type(dtype)]
            return pl.lit(constant.value, dtype=dtype) if low <= constant.value < high else None
        if dtype == pl.Float32:
            return None if abs(constant.value) > 3.4e38 else pl.lit(constant.value, dtype=pl.Float32)
        return None

    def compare(self, node: Node) -> pl.Expr:
        left, right = node.args
        first, second = self.sides(node.value, left, right)
        match node.value:
            case "=":
                return first == second
            case "!=":
                return first != second
            case "<":
                return first < second
            case "<=":
                return first <= second
            case ">":
                return first > second
            case _:
                return first >= second

    def sides(self, op: str, left: Node, right: Node) -> tuple[pl.Expr, pl.Expr]:
        if left.kind in ("whole", "number"):
            narrow = self.in_width(left, right)
            if narrow is not None and self.exact_in(left, right):
                return self.write(left), narrow
            narrow = self.in_width(right, left)
            if narrow is not None and self.exact_in(right, left):
                return narrow, self.write(right)
            wide = left if left.bound >= right.bound else right
            return self.uniform(left, wide), self.uniform(right, wide)
        if left.kind == "text" and op in ("=", "!=") and "constant" in (left.op, right.op):
            return self.write(left), self.write(right)
        if left.kind == "text":
            return self.text(left), self.text(right)
        return self.write(left), self.write(right)

    def exact_in(self, column: Node, constant: Node) -> bool:
        """Whether a constant stays what it is in the column's type."""
        if self.dtypes[column.value] != pl.Float32:
            return True
        return bool(pl.Series([constant.value], dtype=pl.Float32)[0] == constant.value)

    def listed(self, node: Node) -> pl.Expr:
        value = node.args[0]
        items = list(dict.fromkeys(node.value))
        dtype = self.dtypes.get(value.value) if value.op == "column" else None
        if value.kind == "text":
            return self.write(value).is_in(items)
        if value.kind == "yes/no":
            return pl.any_horizontal([self.write(value) == item for item in items])
        if dtype is not None and dtype.is_integer() and type(dtype) in LARGEST:
            low, high = (0 if dtype.is_unsigned_integer() else -LARGEST[type(dtype)]), LARGEST[type(dtype)]
            items = [item for item in items if low <= item < high]
            return self.write(value).is_in(pl.Series(items, dtype=dtype).implode())
        return pl.any_horizontal([self.write(value).cast(pl.Int128) == pl.lit(item, dtype=pl.Int128) for item in items])

    def arithmetic(self, node: Node) -> pl.Expr:
        parts = [self.uniform(a, node) for a in node.args]
        match node.op:
            case "negate":
                # Polars does not negate 128 bits; of a float, 0 - x would lose the sign of 0
                result = -parts[0] if node.kind == "number" else pl.lit(0, dtype=self.dtype(node)) - parts[0]
            case "add":
                result = parts[0] + parts[1]
            case "subtract":
                result = parts[0] - parts[1]
            case "multiply":
                result = parts[0] * parts[1]
            case "divide":
                divisor = parts[1] if reads(node.args[1]) else spread(parts[1])
                result = parts[0] / pl.when(divisor != 0.0).then(divisor)
            case _:
                raise CannotSay(node.op)
        return result.fill_nan(None) if node.kind == "number" else result

    def aggregate(self, one: Aggregation) -> pl.Expr:
        """An aggregate over the rows of a group."""
        where = None if one.where is None else self.per_row(one.where)
        if one.function == "rows":
            return (pl.len() if where is None else pl.col("row").filter(where).len()).cast(pl.Int64)
        if one.function == "any":
            return pl.len() > 0 if where is None else where.any()
        assert one.value is not None
        value = self.per_row(one.value)
        if one.function == "sum":
            value = self.summed(one.value, value)
        elif one.value.kind == "text":
            value = value.cast(pl.String)
        kept = value if where is None else value.filter(where)
        match one.function:
            case "count":
                return kept.count().cast(pl.Int64)
            case "sum":
                return kept.sum().fill_nan(None) if one.value.kind == "number" else kept.sum()
            case "min":
                return kept.min()
            case _:
                return kept.max()

    def summed(self, node: Node, value: pl.Expr) -> pl.Expr:
        """A value in a type wide enough for its sums; Polars itself widens columns of 8 and 16 bits."""
        if node.kind == "number":
            return value.cast(pl.Float64) if self.dtypes.get(node.value) != pl.Float64 or node.op != "column" else value
        if node.op == "column" and self.dtypes.get(node.value) in (pl.Int8, pl.Int16, pl.UInt8, pl.UInt16):
            return value
        return value.cast(pl.Int128 if node.bound * 2**20 >= SMALL else pl.Int64)

    def per_row(self, node: Node) -> pl.Expr:
        """A node with as many values as rows, even where it reads no column."""
        return self.write(node) if reads(node) else pl.when(pl.col("row") >= 0).then(self.write(node))


def spread(number: pl.Expr) -> pl.Expr:
    """A lone float as a column: Polars multiplies by the reciprocal of a lone divisor, which rounds twice."""
    return pl.col("row") * 0.0 + number


def reads(node: Node) -> bool:
    """Whether a node reads any column."""
    return node.op == "column" or any(reads(a) for a in node.args)
