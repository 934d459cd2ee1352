"""A workload made ready for everyone, and the proof that all give the same answers, before any time is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

import segkernel as sk
from benchmarks.workloads import AS_OF, Workload
from segkernel.membership import Membership
from tests.rivals import polars_rival, sql_rival
from tests.rivals.lowering import Manner
from tests.rivals.tables import plain_tables

ANY_ORDER = Manner(lenient=True)
LONG = 10.0
"""Seconds after which a rival is not asked again."""


class Contest(msgspec.Struct, frozen=True):
    """A workload bound for the kernel and built for the rivals; `database` is None where DuckDB does not take part."""

    workload: Workload
    data: sk.Dataset
    rules: sk.Rules
    rival: polars_rival.Prepared
    database: sql_rival.Prepared | None

    def ours(self) -> Membership:
        """One evaluation by the kernel, warm: the data are bound and the program is linked."""
        return self.rules.evaluate(self.data, as_of=AS_OF)


def contest(workload: Workload, with_database: bool) -> Contest:
    """Bind, compile and build everything that is not timed."""
    data = sk.Dataset(workload.frames, workload.schema)
    rules = sk.compile(workload.rules, data.schema)
    at = int(AS_OF.timestamp()) * 1_000_000_000
    tables = plain_tables(workload.schema, workload.frames, workload.schema.timezone)
    rival = polars_rival.prepare_plain(rules.checked, workload.schema, tables, at, ANY_ORDER)
    database = None
    if with_database:
        connection = sql_rival.connected()
        sql_rival.load(connection, tables)
        database = sql_rival.prepare_plain(connection, rules.checked, workload.schema, tables, at, ANY_ORDER)
    return Contest(workload, data, rules, rival, database)


def unequal(result: Membership, answers: pl.DataFrame) -> list[str]:
    """The names of which a rival says something else."""
    return [name for name in result.names if not result[name].equals(answers[name].cast(result[name].dtype), check_names=False)]


def repeated(run: Callable[[], Any], times: int, first: float | None = None) -> list[float]:
    """The seconds of some runs; of one run where the first takes long."""
    found = [] if first is None else [first]
    while len(found) < times and not (found and found[0] > LONG):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return found


def median(seconds: list[float]) -> float:
    """The median of some times."""
    return statistics.median(seconds)
