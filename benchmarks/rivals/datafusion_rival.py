"""The rules' SQL in DataFusion: the words of the statement for DuckDB do for both, as long as whole numbers fit 64 bits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import datafusion
import polars as pl

from segdsl.checked import Rules
from segdsl.schema import Schema
from tests.rivals.lowering import Manner
from tests.rivals.sql_rival import counting, quoted, statement
from tests.rivals.tables import Plain
from tests.rivals.words import Plan

TOGETHER = 100
"""How many answers one statement gives where no table has to be grouped for them: DataFusion 55 counts wrong with some hundreds more."""
BATCH = 1 << 15


class Prepared:
    """A statement for a context that holds the tables."""

    def __init__(self, context: datafusion.SessionContext, sql: str, plan: Plan) -> None:
        self.context, self.sql = context, sql
        self.names = [name for name, _ in plan.outputs]
        self.together = len(self.names) if plan.aggregations else TOGETHER

    def parts(self) -> Iterator[list[str]]:
        """The names of each statement."""
        for first in range(0, len(self.names), self.together):
            yield self.names[first : first + self.together]

    def count(self) -> tuple[int, ...]:
        """How many accounts each segment holds, without bringing the answers out."""
        counts: list[int] = []
        for names in self.parts():
            [row] = self.context.sql(counting(self.sql, names)).to_pylist()
            counts += [int(row[name] or 0) for name in names]
        return tuple(counts)

    def run(self) -> pl.DataFrame:
        """The answers: a column per segment, in the row order of the root table."""
        frames = []
        for names in self.parts():
            columns = ", ".join(quoted(name) for name in ("row", *names))
            found = pl.DataFrame(self.context.sql(f"SELECT {columns} FROM ({self.sql})").to_arrow_table())
            frames.append(found.sort("row").drop("row"))
        return pl.concat(frames, how="horizontal")


def prepare(rules: Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner) -> Prepared:
    """The statement of a rule set, and a context with the tables in memory."""
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(os.cpu_count() or 1))
    for name, table in tables.items():
        frame = table.frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
        context.register_record_batches(f"plain_{name}", [frame.to_arrow().to_batches(max_chunksize=BATCH)])
    return Prepared(context, *statement(rules, schema, tables, as_of_ns, manner))
