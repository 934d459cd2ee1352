"""The ways in which cells are measured, each in the process of its cell; equality comes before time."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import polars as pl

import segkernel as sk
from benchmarks import processes
from benchmarks.bandwidth import bandwidth
from benchmarks.cells import Cell, Size
from benchmarks.contest import LONG, PROVED, RIVALS, Contender, Contest, contest, miscounted, polars, rows_of, timed, unequal
from benchmarks.results import OURS, Limit, Result
from benchmarks.rivals import row_engines
from benchmarks.workloads import AS_OF, Workload, workload
from segdsl.schema import Schema
from tests.lark_trees import grammar

DATABASES = ("DuckDB", "DataFusion")
ERRS = {"DataFusion": "it takes `x and not x` for false where x is missing"}
"""What rivals get wrong by themselves: no answer of ours is to blame, and their times are worth showing."""
SOME = 50
"""How many single accounts the rivals are asked for."""


class Unequal(Exception):
    """A rival says otherwise than we do."""


class Absent(Exception):
    """What a cell measures is not there; the reason says what."""


def made_workload(cell: Cell, size: Size) -> Workload:
    """The tables and rules of a cell."""
    return workload(cell.kind, size.accounts, size.orders, size.rules, variant=cell.variant, lines=size.lines)


def warm(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """Evaluations again and again, and as often those of the rivals that take no longer than LONG."""
    load = made_workload(cell, size)
    proofs = proved(cell, size)
    made = contest(load)
    first, answers = timed(partial(made.ours, cell.threads))
    times = {OURS: [timed(lambda: discarded(made.ours(cell.threads)))[0]]}
    rounds = max(runs, 3)
    rivals: list[Contender] = []
    for rival in cell.rivals:
        for each in RIVALS[rival](made):
            times[each.name], told = compared(each, answers)
            proofs[each.name] = "; ".join([told, *([proofs.pop(rival)] if rival in proofs else [])])
            rivals += [each] if times[each.name][0] <= LONG else []
    del answers
    gc.collect()
    for number in range(rounds):
        times[OURS] += [timed(lambda: discarded(made.ours(cell.threads)))[0] for _ in range(2)]
        if number < runs:
            for each in rivals:
                times[each.name].append(timed(lambda run=each.run: discarded(run()))[0])  # type: ignore[misc]
    times[OURS] = times[OURS][1:]
    return msgspec.structs.replace(
        result, seconds=without_first(times), proofs=proofs, notes={"first evaluation (binds, links)": first}, limit=limit(made)
    )


def counts(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """How many accounts each segment holds, and nothing else, beside Polars' select and its sums."""
    if not hasattr(sk.Rules, "counts"):
        raise Absent("there is no evaluation for counts only")
    made = contest(made_workload(cell, size))
    members = made.ours()
    ours: Callable[[], pl.DataFrame] = partial(made.rules.counts, made.data, as_of=AS_OF)
    if not ours().equals(members.counts()):
        raise Unequal("the counts alone differ from those of the full evaluation")
    rivals = polars(made)
    rivals += [summed(each) for each in rivals]
    found = {each.name: compared(each, members) for each in rivals}
    times = {OURS: [timed(ours)[0]]} | {who: seconds for who, (seconds, _) in found.items()}
    del members
    for number in range(max(runs, 3)):
        times[OURS] += [timed(ours)[0] for _ in range(2)]
        if number < runs:
            for each in rivals:
                times[each.name].append(timed(lambda run=each.run: discarded(run()))[0])  # type: ignore[misc]
    proofs = {who: told for who, (_, told) in found.items()}
    written = 8 * size.rules
    return msgspec.structs.replace(
        result, seconds=without_first(times), proofs=proofs, limit=msgspec.structs.replace(limit(made), written=written)
    )


def summed(rival: Contender) -> Contender:
    """Polars counting members in its own query."""
    ready: Any = rival.run.func.__self__  # type: ignore[attr-defined]
    query = ready.query.drop("row").sum()
    engine = rival.run.args[0]  # type: ignore[attr-defined]
    return Contender(
        f"{rival.name}, counts",
        lambda: query.collect(engine=engine),
        lambda result, found: miscounted(result, found.row(0)),
        "the number of members of every segment",
    )


def proved(cell: Cell, size: Size) -> dict[str, str]:
    """Databases' answers compared account by account over few accounts of the same rules."""
    databases = [rival for rival in cell.rivals if rival in DATABASES]
    if not databases:
        return {}
    share = min(1.0, PROVED / size.accounts)
    few = Size(int(size.accounts * share), int(size.orders * share), int(size.lines * share), size.rules)
    small = contest(made_workload(cell, few))
    result = small.ours()
    proof = f"every account of every name for {few.accounts:,} accounts"
    return {rival: told(rival, proof, unequal(result, rows_of(rival, small)), size.rules) for rival in databases}


def compared(rival: Contender, result: Any) -> tuple[list[float], str]:
    """The seconds of a rival's first run, and how far its answers are the same. Raises Unequal."""
    seconds, answers = timed(rival.run)
    return [seconds], told(rival.name, rival.proof, rival.wrong(result, answers), len(result.names))


def told(rival: str, proof: str, wrong: list[str], rules: int) -> str:
    """What was compared, with the names of which a rival is known to be wrong. Raises Unequal for others."""
    if not wrong:
        return proof
    if rival not in ERRS or len(wrong) > rules * 0.01 + 1:
        raise Unequal(f"{rival} says otherwise of {len(wrong)} rules: {', '.join(wrong[:5])}")
    return f"{proof} but {', '.join(wrong)}, since {ERRS[rival]}"


def discarded(answers: Any) -> None:
    """Takes answers and lets them go, so that the next run finds their memory free."""


def without_first(times: dict[str, list[float]]) -> dict[str, list[float]]:
    """Times without the first run of those who ran more than once."""
    return {who: found[1:] if len(found) > 1 else found for who, found in times.items()}


def limit(made: Contest) -> Limit:
    """The bytes of the columns that rules read, in Polars' own types, and of the packed answers."""
    frames, schema = made.workload.frames, made.workload.schema
    read = {(table, schema.tables[table].fields[name].column or name) for table, name in made.rules.reads.fields}
    for table, link in made.rules.reads.links:
        target = schema.tables[table].links[link]
        read |= {(table, by) for by in target.by} | {(target.table, key) for key in schema.tables[target.table].key}
    total = 0
    for table, name in read:
        column = frames[table][name]
        physical = column.to_physical() if column.dtype in (pl.Categorical, pl.Enum) else column
        total += physical.estimated_size()
    return Limit(total, len(made.rules.names) * math.ceil(made.data.rows / 8), bandwidth())


def account(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """Each account of a small table alone, as a mapping; the seconds are the medians over accounts, a round each."""
    if not hasattr(sk.Rules, "match"):
        raise Absent("there is no rules.match")
    made = contest(made_workload(cell, size))
    members = made.ours().frame()
    match, records = made.rules.match, row_engines.records(made.workload)
    wanted = [{name for name in made.rules.names if row[name]} for row in members.iter_rows(named=True)]
    for number, record in enumerate(records):
        if set(match(record, as_of=AS_OF).segments) != wanted[number]:
            raise Unequal(f"account {number} alone is in other segments than among all")
    numbers = range(0, len(records), max(1, len(records) // SOME))
    engines = {who: ways(made, numbers) for rival in cell.rivals for who, ways in row_engines.ENGINES[rival].items()}
    proofs = {}
    for rival, each in engines.items():
        for number, alone in zip(numbers, each, strict=True):
            if {name for name, holds in zip(made.rules.names, alone(), strict=True) if holds} != wanted[number]:
                raise Unequal(f"{rival} finds other segments for account {number}")
        proofs[rival] = f"every name for {len(numbers)} accounts"
    ours = [partial(lambda record: match(record, as_of=AS_OF).segments, record) for record in records]
    found: dict[str, list[float]] = {who: [] for who in (OURS, *engines)}
    for _ in range(max(runs, 3)):
        found[OURS].append(middle(ours))
        for rival, each in engines.items():
            found[rival].append(middle(each))
    return msgspec.structs.replace(result, seconds=found, proofs=proofs)


def middle(runs: Sequence[Callable[[], Any]]) -> float:
    """The median of the seconds of some calls."""
    found = sorted(timed(run)[0] for run in runs)
    return found[len(found) // 2]


def text(cell: Cell, size: Size, runs: int, result: Result) -> Result:
    """From text to checked rules, beside Lark's LALR parser, made beforehand, that reads the same text by our grammar."""
    load = made_workload(cell, size)
    schema: Schema = sk.Dataset(load.frames, load.schema).schema
    parser = grammar()
    statements = len(parser.parse(load.rules).children)
    if statements != len(sk.compile(load.rules, schema).names):
        raise Unequal("Lark reads another number of statements")
    times: dict[str, list[float]] = {OURS: [], "Lark": []}
    for _ in range(max(runs, 3)):
        gc.collect()
        times[OURS].append(timed(lambda: discarded(sk.compile(load.rules, schema)))[0])
        if sum(times["Lark"]) < LONG * 3:
            gc.collect()
            times["Lark"].append(timed(lambda: discarded(parser.parse(load.rules)))[0])
    start = time.perf_counter()
    sk.compile(load.rules, schema).program()
    notes = {"text to program": time.perf_counter() - start}
    return msgspec.structs.replace(result, seconds=times, proofs={"Lark": "the number of statements"}, notes=notes)


WAYS: dict[str, Callable[[Cell, Size, int, Result], Result]] = {
    "warm": warm,
    "counts": counts,
    "first": processes.first,
    "files": processes.files,
    "account": account,
    "text": text,
    "memory": processes.memory,
}
