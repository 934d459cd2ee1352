"""A workload made ready for everyone, and the proof that all give the same answers, before any time is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import polars as pl

import segkernel as sk
from benchmarks.rivals import datafusion_rival, numpy_rival
from benchmarks.workloads import AS_OF, Workload
from segkernel.membership import Membership
from tests.rivals import polars_rival, sql_rival
from tests.rivals.lowering import Manner
from tests.rivals.tables import Plain, plain_tables

ANY_ORDER = Manner(lenient=True)
AT = int(AS_OF.timestamp()) * 1_000_000_000
LONG = 10.0
"""Seconds after which a rival is not asked again."""
PROVED = 10_000
"""Databases bring few answers out quickly: theirs are compared row by row for so many accounts, and by number for all."""


class Contest(msgspec.Struct, frozen=True):
    """A workload bound for the kernel, and its tables made plain for the rivals."""

    workload: Workload
    data: sk.Dataset
    rules: sk.Rules
    tables: dict[str, Plain]

    def ours(self, threads: int | None = None) -> Membership:
        """One evaluation by the kernel, warm once it was asked before: the data are bound and the program is linked."""
        return self.rules.evaluate(self.data, as_of=AS_OF, threads=threads)


class Contender(msgspec.Struct, frozen=True):
    """A rival made ready: `run` is what is timed, `wrong` names what its answers say otherwise than ours, `proof` says how far
    they are compared."""

    name: str
    run: Callable[[], Any]
    wrong: Callable[[Membership, Any], list[str]]
    proof: str


def contest(workload: Workload) -> Contest:
    """Bind, compile and make plain: everything that is not timed."""
    data = sk.Dataset(workload.frames, workload.schema)
    rules = sk.compile(workload.rules, data.schema)
    return Contest(workload, data, rules, plain_tables(workload.schema, workload.frames, workload.schema.timezone))


def unequal(result: Membership, answers: pl.DataFrame) -> list[str]:
    """The names of which a rival says something else, account by account."""
    return [name for name in result.names if not result[name].equals(answers[name].cast(result[name].dtype), check_names=False)]


def miscounted(result: Membership, counts: Sequence[int]) -> list[str]:
    """The segments of which a rival counts another number of accounts."""
    ours = result.counts()["accounts"].to_list()
    return [name for name, count, other in zip(result.names, ours, counts, strict=True) if count != other]


def unpacked(result: Membership, answers: dict[str, Any]) -> list[str]:
    """The segments of which a rival's packed bits differ."""
    return [name for name in result.names if not np.array_equal(result.bits[name].view(np.uint8)[: len(answers[name])], answers[name])]


def polars(made: Contest) -> list[Contender]:
    """Polars' two engines."""
    ready = polars_rival.prepare_plain(made.rules.checked, made.workload.schema, made.tables, AT, ANY_ORDER)
    return [
        Contender(f"Polars {engine}", partial(ready.run, engine), unequal, "every account of every name")
        for engine in ("streaming", "in-memory")
    ]


def duckdb(made: Contest) -> list[Contender]:
    """DuckDB, which counts members: bringing the answers out would only cost it more."""
    connection = sql_rival.connected()
    sql_rival.load(connection, made.tables)
    ready = sql_rival.prepare_plain(connection, made.rules.checked, made.workload.schema, made.tables, AT, ANY_ORDER)
    return [Contender("DuckDB", ready.count, miscounted, "the number of members of every segment")]


def datafusion(made: Contest) -> list[Contender]:
    """DataFusion, which counts members too."""
    ready = datafusion_rival.prepare(made.rules.checked, made.workload.schema, made.tables, AT, ANY_ORDER)
    return [Contender("DataFusion", ready.count, miscounted, "the number of members of every segment")]


def numpy(made: Contest) -> list[Contender]:
    """NumPy with packed bits, block by block."""
    ready = numpy_rival.prepare(made.rules.checked, made.workload.schema, made.tables, AT)
    return [Contender("NumPy", ready.run, unpacked, "every account of every name")]


RIVALS: dict[str, Callable[[Contest], list[Contender]]] = {
    "Polars": polars,
    "DuckDB": duckdb,
    "DataFusion": datafusion,
    "NumPy": numpy,
}


def rows_of(rival: str, made: Contest) -> pl.DataFrame:
    """All answers of a database, account by account."""
    schema, rules = made.workload.schema, made.rules.checked
    if rival == "DataFusion":
        return datafusion_rival.prepare(rules, schema, made.tables, AT, ANY_ORDER).run()
    with sql_rival.connected() as connection:
        sql_rival.load(connection, made.tables)
        return sql_rival.prepare_plain(connection, rules, schema, made.tables, AT, ANY_ORDER).run()


def repeated(run: Callable[[], Any], times: int, first: float | None = None) -> list[float]:
    """The seconds of some runs; of one run where the first takes long."""
    found = [] if first is None else [first]
    while len(found) < times and not (found and found[0] > LONG):
        found.append(timed(run)[0])
    return found


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that one run takes, and what it gives."""
    start = time.perf_counter()
    answer = run()
    return time.perf_counter() - start, answer


def median(seconds: list[float]) -> float:
    """The median of some times."""
    return statistics.median(seconds)
