"""Rules as one SQL SELECT for DuckDB: lookups as joins, aggregates as grouped tables with FILTER clauses."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec
import polars as pl

from segdsl.checked import Rules
from segdsl.schema import Schema
from tests.rivals.lowering import Manner, lower
from tests.rivals.tables import CannotSay, Plain, plain_tables
from tests.rivals.words import Aggregation, Chain, Node, Plan, column_name, owner_columns

__all__ = ["CannotSay", "Prepared", "evaluate", "load", "prepare", "prepare_plain"]

EXACTLY = Manner()
SMALL = 2**62


class Prepared:
    """A statement for a connection that holds the tables; `refused` says of rules that were left out why."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, names: tuple[str, ...], refused: dict[str, str]) -> None:
        self.connection, self.sql, self.names, self.refused = connection, sql, names, refused

    def run(self) -> pl.DataFrame:
        """The answers: a column per segment and choose, in the row order of the root table."""
        try:
            found = self.connection.execute(f"{self.sql} ORDER BY row").fetchnumpy()
        except duckdb.OutOfRangeException as reason:
            raise CannotSay("a number beyond the database's, in a row that does not count") from reason
        columns = []
        for name in self.names:
            values = found[name]
            mask = getattr(values, "mask", None)
            data = values.data if mask is not None else values
            rows = [None if mask is not None and mask is not False and mask[i] else plain_value(data[i]) for i in range(len(data))]
            columns.append(pl.Series(name, rows, strict=False) if any(r is not None for r in rows) else pl.Series(name, rows, pl.Null))
        return pl.DataFrame(columns)

    def count(self) -> tuple[int, ...]:
        """How many accounts each segment holds, without bringing the answers out of the database."""
        found = self.connection.execute(counting(self.sql, self.names)).fetchone() or ()
        return tuple(int(count or 0) for count in found)


def counting(sql: str, names: Sequence[str]) -> str:
    """The statement that counts the members of some segments; a sum of ones takes the databases a quarter of a filtered count's time."""
    return f"SELECT {', '.join(f'sum(CAST({quoted(name)} AS INTEGER)) AS {quoted(name)}' for name in names)} FROM ({sql})"


def plain_value(value: object) -> object:
    """A NumPy scalar as Python's."""
    return value.item() if hasattr(value, "item") else value


def evaluate(rules: Rules, schema: Schema, frames: dict[str, pl.DataFrame], as_of_ns: int) -> pl.DataFrame:
    """The answers of a rule set: yes/no per segment, plain values per choose (decimals in units, times as whole numbers).

    Raises CannotSay where DuckDB has no exact words for a rule.
    """
    with connected() as connection:
        return prepare(connection, rules, schema, frames, as_of_ns).run()


def prepare(
    connection: duckdb.DuckDBPyConnection,
    rules: Rules,
    schema: Schema,
    frames: dict[str, pl.DataFrame],
    as_of_ns: int,
    manner: Manner = EXACTLY,
) -> Prepared:
    """Load the tables into the database and write the statement."""
    tables = plain_tables(schema, frames, rules.timezone)
    load(connection, tables)
    return prepare_plain(connection, rules, schema, tables, as_of_ns, manner)


def connected() -> duckdb.DuckDBPyConnection:
    """An empty database in memory."""
    return duckdb.connect()


def load(connection: duckdb.DuckDBPyConnection, tables: dict[str, Plain]) -> None:
    """Create the plain tables `plain_NAME`, through a parquet file each."""
    for name, table in tables.items():
        wide = [column for column, dtype in table.frame.schema.items() if dtype == pl.Int128]
        frame = table.frame.with_columns(pl.col(wide).cast(pl.String), pl.col(pl.Categorical).cast(pl.String))
        replaced = ", ".join(f"CAST({quoted(column)} AS HUGEINT) AS {quoted(column)}" for column in wide)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.parquet"
            frame.write_parquet(path)
            replace = f" REPLACE ({replaced})" if wide else ""
            connection.execute(f"CREATE TABLE {quoted('plain_' + name)} AS SELECT *{replace} FROM read_parquet('{path}')")


def prepare_plain(
    connection: duckdb.DuckDBPyConnection, rules: Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner = EXACTLY
) -> Prepared:
    """The statement of a rule set over tables that are loaded already."""
    sql, plan = statement(rules, schema, tables, as_of_ns, manner)
    return Prepared(connection, sql, tuple(name for name, _ in plan.outputs), plan.refused)


def statement(rules: Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner) -> tuple[str, Plan]:
    """The SELECT of a rule set: `row`, then a column per answer."""
    plan = lower(rules, schema, tables, as_of_ns, msgspec.structs.replace(manner, database=True))
    parts = [f"{stage_name(name, 0)} AS ({first_stage(name, plan)})" for name in tables]
    for stage in range(1, plan.stages + 1):
        parts += [f"{stage_name(name, stage)} AS ({next_stage(name, stage, plan)})" for name in tables]
    outputs = "".join(f", {write(output)} AS {quoted(name)}" for name, output in plan.outputs)
    return f"WITH {', '.join(parts)} SELECT row{outputs} FROM {stage_name(plan.root, plan.stages)}", plan


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def stage_name(table: str, stage: int) -> str:
    """The name of a table as it is after a stage."""
    return quoted(f"{table} {stage}")


def first_stage(name: str, plan: Plan) -> str:
    """A table with what its links bring."""
    columns, joins = ["t0.*"], []
    alias: dict[tuple[str, ...], str] = {(): "t0"}
    for number, (path, wanted) in enumerate(sorted(plan.columns[name].items(), key=lambda item: len(item[0]))):
        if not path:
            continue
        target = name
        for link in path:
            target = plan.targets[target][link]
        alias[path] = f"t{number + 1}"
        columns += [f"{alias[path]}.{quoted(column)} AS {quoted(column_name(path, column))}" for column in sorted(wanted)]
        keys = range(plan.widths[target])
        on = " AND ".join(f"{alias[path[:-1]]}.{quoted(f'l_{path[-1]}_{i}')} = {alias[path]}.k_{i}" for i in keys)
        joins.append(f"LEFT JOIN {quoted('plain_' + target)} AS {alias[path]} ON {on}")
    return f"SELECT {', '.join(columns)} FROM {quoted('plain_' + name)} AS t0 {' '.join(joins)}"


def next_stage(name: str, stage: int, plan: Plan) -> str:
    """A table with the aggregates and the account's values of one more stage."""
    columns, joins = ["t.*"], []
    groups: dict[tuple[str, Chain], list[Aggregation]] = {}
    for one in plan.aggregations:
        if one.owner == name and one.stage == stage:
            groups.setdefault((one.table, one.chain), []).append(one)
    width = plan.widths[name]
    for number, ((child, chain), members) in enumerate(groups.items()):
        owner = [quoted(column) for column in owner_columns(chain, width)]
        keys = ", ".join(f"{column} AS o_{i}" for i, column in enumerate(owner))
        inner = (
            f"SELECT {keys}, {', '.join(aggregate(one) for one in members)} FROM {stage_name(child, stage - 1)} GROUP BY {', '.join(owner)}"
        )
        joins.append(f"LEFT JOIN ({inner}) AS g{number} ON " + " AND ".join(f"t.k_{i} = g{number}.o_{i}" for i in range(width)))
        empty = {"rows": "0", "count": "0", "sum": "0", "any": "FALSE"}
        for one in members:
            column = f"g{number}.{quoted(one.name)}"
            columns.append(
                f"CASE WHEN g{number}.o_0 IS NULL THEN {empty.get(one.function, 'NULL')} ELSE {column} END AS {quoted(one.name)}"
            )
    for number, carried in enumerate(c for c in plan.carried if c.table == name and c.stage == stage):
        width = plan.widths[plan.root]
        keys = ", ".join(f"k_{i}" for i in range(width))
        inner = f"SELECT {keys}, {write(carried.node)} AS {quoted(carried.name)} FROM {stage_name(plan.root, stage - 1)}"
        on = " AND ".join(f"t.{quoted(column)} = c{number}.k_{i}" for i, column in enumerate(owner_columns(carried.chain, width)))
        joins.append(f"LEFT JOIN ({inner}) AS c{number} ON {on}")
        columns.append(f"c{number}.{quoted(carried.name)}")
    return f"SELECT {', '.join(columns)} FROM {stage_name(name, stage - 1)} AS t {' '.join(joins)}"


def kept_number(text: str) -> str:
    """A float of which NaN is missing."""
    return f"nullif({text}, CAST('NaN' AS DOUBLE))"


def aggregate(one: Aggregation) -> str:
    """An aggregate as a column of a grouped table."""
    keep = f" FILTER (WHERE {write(one.where)})" if one.where is not None else ""
    name = quoted(one.name)
    if one.function == "rows":
        return f"count(*){keep} AS {name}"
    if one.function == "any":
        return f"count(*){keep} > 0 AS {name}"
    assert one.value is not None
    value = write(one.value)
    if one.function == "sum":
        total = f"coalesce(sum({typed(one.value)}){keep}, 0)"
        return f"{kept_number(total) if one.value.kind == 'number' else total} AS {name}"
    return f"{one.function}({value}){keep} AS {name}"


def literal(node: Node) -> str:
    """A constant."""
    value = node.value
    if value is None:
        return f"CAST(NULL AS {type_of(node)})"
    if node.kind == "text":
        parts = str(value).split("\x00")
        return " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in parts)
    if node.kind == "yes/no":
        return "TRUE" if value else "FALSE"
    if node.kind == "number":
        return f"CAST('{value!r}' AS DOUBLE)"
    return f"CAST('{value}' AS {type_of(node)})"


def type_of(node: Node) -> str:
    """The database's type for a node's values."""
    if node.kind == "whole":
        return "HUGEINT" if node.bound >= SMALL else "BIGINT"
    return {"number": "DOUBLE", "text": "VARCHAR", "yes/no": "BOOLEAN"}[node.kind]


def typed(node: Node, like: Node | None = None) -> str:
    """A node in its own wide type, or another's."""
    return f"CAST({write(node)} AS {type_of(like or node)})"


def write(node: Node) -> str:
    """A node as an SQL expression."""
    args = node.args
    match node.op:
        case "column":
            return quoted(node.value)
        case "constant":
            return literal(node)
        case "compare":
            op = "<>" if node.value == "!=" else node.value
            if args[0].kind == "whole" and {args[0].op, args[1].op} == {"column", "constant"} and all(fits(a) for a in args):
                return f"({bare(args[0])} {op} {bare(args[1])})"
            if args[0].kind in ("whole", "number"):
                wide = max(args, key=lambda a: a.bound)
                return f"({typed(args[0], wide)} {op} {typed(args[1], wide)})"
            return f"({write(args[0])} {op} {write(args[1])})"
        case "and" | "or":
            return "(" + f" {node.op.upper()} ".join(write(a) for a in args) + ")"
        case "not":
            return f"(NOT {write(args[0])})"
        case "decided":
            return f"coalesce({write(args[0])}, FALSE)"
        case "missing":
            return f"({write(args[0])} IS NULL)"
        case "pick":
            return f"CASE WHEN {write(args[0])} THEN {typed(args[1], node)} ELSE {typed(args[2], node)} END"
        case "first":
            return f"coalesce({', '.join(typed(a, node) for a in args)})"
        case "listed":
            wide = (
                Node("constant", (), "whole", None, max([args[0].bound, *(abs(v) for v in node.value)]))
                if args[0].kind == "whole"
                else args[0]
            )
            items = (literal(Node("constant", (), args[0].kind, v, wide.bound)) for v in dict.fromkeys(node.value))
            return f"({typed(args[0], wide)} IN ({', '.join(items)}))"
        case "contains":
            return f"contains({write(args[0])}, {write(args[1])})"
        case "starts":
            return f"starts_with({write(args[0])}, {write(args[1])})"
        case "ends":
            return f"ends_with({write(args[0])}, {write(args[1])})"
        case "local_day":
            return exact_day(args[0])
        case "months":
            day = f"(DATE '1970-01-01' + CAST({write(args[0])} AS INTEGER))"
            return f"CAST(CAST({day} + INTERVAL ({node.value}) MONTH AS DATE) - DATE '1970-01-01' AS BIGINT)"
        case "float":
            return f"(CAST({write(args[0])} AS DOUBLE) / {10**node.value}.0::DOUBLE)" if node.value else f"CAST({write(args[0])} AS DOUBLE)"
        case "negate":
            return f"(-{typed(args[0], node)})"
        case "divide":
            return kept_number(f"({typed(args[0])} / nullif({typed(args[1])}, 0))")
        case _:
            sign = {"add": "+", "subtract": "-", "multiply": "*"}[node.op]
            text = f"({typed(args[0], node)} {sign} {typed(args[1], node)})"
            return kept_number(text) if node.kind == "number" else text


def fits(node: Node) -> bool:
    """Whether a node's values are present and of 64 bits, so that the database may choose the width of a comparison."""
    return node.bound < SMALL and not (node.op == "constant" and node.value is None)


def bare(node: Node) -> str:
    """A column or a whole constant without a cast."""
    return f"({node.value})" if node.op == "constant" else write(node)


def exact_day(at: Node) -> str:
    """The day of an instant, rounded down in whole numbers."""
    text = typed(at)
    return f"(({text} - (({text} % 86400000000000) + 86400000000000) % 86400000000000) // 86400000000000)"
