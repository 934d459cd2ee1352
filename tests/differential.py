"""One case answered by everyone who can, in one normal form, so that answers can be held against each other.

Normal form: a list per segment (True or False), collect (a list of values) and choose (None, text, yes/no, float, or a whole number:
decimals in units of their last place, dates in days, timestamps in nanoseconds).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

import segkernel as sk
from segdsl import syntax
from segdsl.checked import Rules
from segdsl.parser import parse
from segdsl.schema import Table
from segdsl.syntax import Span
from segkernel.oracle import Oracle, OracleOverflow
from tests.random_hosts import HOSTS, TWINS
from tests.rivals import polars_rival, sql_rival
from tests.rivals.lowering import Manner
from tests.rivals.tables import CannotSay, placed, plain_tables
from tests.strategies import Case, Kept, checked_rules, nanoseconds, random_case

Answers = dict[str, list[Any]]
OVERFLOW = "overflow"
PARTLY = Manner(partial=True)
ROOT = Path(__file__).parent.parent


ROWS, DATA = Kept(), Kept()
"""The oracle's rows and the kernel's data of the tables that were asked last; the cases that share them come one after another."""


def oracle_rows(case: Case) -> dict[str, list[dict[str, object]]]:
    """The tables as the oracle reads them, by the rules' names: Python's own values; times finer than a microsecond as
    nanoseconds; whole numbers that a pin makes decimals as such."""
    tables = {}
    for name, table in case.schema.tables.items():
        frame = case.frames[name]
        columns = {field: values(frame[spec.column or field], spec.type.kind, case.timezone) for field, spec in table.fields.items()}
        tables[name] = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return tables


def values(series: pl.Series, kind: str, zone: str) -> list[object]:
    """The values of a column, as the oracle reads those of a logical kind."""
    if isinstance(series.dtype, pl.Datetime | pl.Duration) and series.dtype.time_unit == "ns":
        return physical(series, zone).to_list()
    if isinstance(series.dtype, pl.List):
        return series.to_list()
    if kind == "decimal" and series.dtype.is_integer():
        return [None if value is None else Decimal(value) for value in series.to_list()]
    return series.to_list()


def physical(series: pl.Series, zone: str) -> pl.Series:
    """Timestamps as nanoseconds since 1970-01-01T00:00Z, durations as nanoseconds."""
    naive = isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is None
    return (placed(series, zone) if naive else series).to_physical()


def oracle_answers(case: Case, rules: Rules) -> Answers | str:
    """What the row-at-a-time oracle says; OVERFLOW where an exact value leaves its range."""
    try:
        oracle = Oracle(rules, case.schema, ROWS.get(case.frames, lambda: oracle_rows(case)), nanoseconds(case.as_of), TWINS)
        return {name: answered(oracle, rules, name) for name in rules.names}
    except OracleOverflow:
        return OVERFLOW
    except Exception as mistake:  # no case raises it; one that does is reduced like one that errs
        return f"the oracle's {type(mistake).__name__}: {mistake}"


def answered(oracle: Oracle, rules: Rules, name: str) -> list[Any]:
    """What the oracle says to a segment, a choose or a collect."""
    if name in rules.collects:
        return list(oracle.collect(name))
    return list(oracle.segment(name) if name in rules.segments else oracle.choose(name))


def rival_answers(case: Case, rules: Rules) -> tuple[dict[str, Answers], int]:
    """What Polars' two engines and DuckDB say, and how many rules they refused."""
    tables = plain_tables(case.schema, case.frames, case.timezone)
    at = nanoseconds(case.as_of)
    prepared = polars_rival.prepare_plain(rules, case.schema, tables, at, PARTLY)
    found = {
        "Polars": prepared.run("in-memory").to_dict(as_series=False),
        "Polars streaming": prepared.run("streaming").to_dict(as_series=False),
    }
    refused = 2 * len(prepared.refused)
    try:
        with sql_rival.connected() as connection:
            sql_rival.load(connection, tables)
            statement = sql_rival.prepare_plain(connection, rules, case.schema, tables, at, PARTLY)
            refused += len(statement.refused)
            found["DuckDB"] = statement.run().to_dict(as_series=False)
    except CannotSay:
        refused += len(rules.names)
    return found, refused


def kernel_result(case: Case, **how: Any) -> Any:
    """A membership by the kernel."""
    data = DATA.get(case.frames, lambda: sk.Dataset(dict(case.frames), case.schema))
    rules = sk.compile(case.rules_text, data.schema, params=case.params, functions=HOSTS)
    return rules.evaluate(data, as_of=case.as_of, **how)


def kernel_answers(case: Case, names: tuple[str, ...], **how: Any) -> Answers | str:
    """What the kernel says; OVERFLOW where it reports a data error; what it raises besides is an answer like any other."""
    try:
        result = kernel_result(case, **how)
        return {name: [normal(value) for value in result[name].to_list()] for name in names}
    except sk.DataError:
        return OVERFLOW
    except Exception as mistake:  # so that a case which crashes is reduced like one that errs
        return f"{type(mistake).__name__}: {mistake}"


def normal(value: Any) -> Any:
    """A Python value, or a list of them, in normal form."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, Decimal):
        return int(value.scaleb(-int(value.as_tuple().exponent)))
    if isinstance(value, datetime):
        return nanoseconds(value)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)) // timedelta(days=1)
    return value


def differences(case: Case, said: Mapping[str, Answers | str]) -> list[str]:
    """Where answers differ from the first one's, in words; only what both say is compared."""
    (first, wanted), *others = said.items()
    found = []
    for who, answers in others:
        if isinstance(wanted, str) or isinstance(answers, str):
            if wanted != answers:
                found.append(f"seed {case.seed}: {first} says {brief(wanted)}, {who} says {brief(answers)}")
            continue
        for name in answers:
            for row, (a, b) in enumerate(zip(wanted[name], answers[name], strict=True)):
                if a != b:
                    where = f"seed {case.seed}, {name}, row {row}: {first} says {a!r}, {who} says {b!r}"
                    found.append(f"{where}\n  {case.frames[case.schema.root].row(row, named=True)}\n  {line_of(case, name)}")
                    break
    return found


def brief(answers: Answers | str) -> str:
    """An answer in a word."""
    return answers if isinstance(answers, str) else "values"


def line_of(case: Case, name: str) -> str:
    """The line of the rules that a name comes from."""
    return next((line for line in case.rules_text.splitlines() if f" {name} " in line), "")


def reduced(case: Case, fails: Callable[[Case], bool], tries: int = 1500) -> Case:
    """A smaller case that still fails: the first of the smaller ones that does, again and again, up to so many tries."""
    for smaller in (fewer_lines, simpler_lines, fewer_rows, fewer_columns):
        found: Case | None = case
        while found is not None and tries > 0:
            case, found = found, None
            for candidate in smaller(case):
                tries -= 1
                if still(candidate, fails):
                    found = candidate
                    break
                if tries <= 0:
                    break
    return case


def still(case: Case, fails: Callable[[Case], bool]) -> bool:
    """Whether a case fails, where its rules check at all."""
    try:
        checked_rules(case)
    except AssertionError:
        return False
    return fails(case)


def parts(count: int) -> Iterator[tuple[int, int]]:
    """Stretches of so many things: halves first, then ever shorter ones."""
    step = count
    while step := step // 2 if step > 1 else 0:
        yield from ((start, min(start + step, count)) for start in range(0, count, step))
    if count == 1:
        yield 0, 1


def fewer_lines(case: Case) -> Iterator[Case]:
    """The case without some of its statements."""
    lines = case.rules_text.splitlines()
    for start, stop in parts(len(lines)):
        yield msgspec.structs.replace(case, rules_text="\n".join(lines[:start] + lines[stop:]) + "\n")


def simpler_lines(case: Case) -> Iterator[Case]:
    """The case with an expression replaced by a part of it."""
    text = case.rules_text
    for whole, part in nested(parse(text, "random.seg", 0)[0]):
        yield msgspec.structs.replace(case, rules_text=text[: whole.start] + text[part.start : part.end] + text[whole.end :])


def nested(node: object) -> Iterator[tuple[Span, Span]]:
    """Each expression with each expression right inside it, the outer ones first."""
    for inner in inside(node):
        if isinstance(node, syntax.Node) and not isinstance(node, syntax.File | syntax.Path):
            yield node.span, inner.span
            yield from ((node.span, deeper.span) for deeper in inside(inner))
    for inner in inside(node):
        yield from nested(inner)


def inside(node: object) -> Iterator[syntax.Node]:
    """The nodes right inside a node."""
    for field in node.__struct_fields__ if isinstance(node, msgspec.Struct) else ():
        value = getattr(node, field)
        yield from (each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, syntax.Node))


def fewer_rows(case: Case) -> Iterator[Case]:
    """The case without some rows of a table."""
    for table, frame in case.frames.items():
        for start, stop in parts(frame.height):
            yield msgspec.structs.replace(case, frames={**case.frames, table: pl.concat([frame[:start], frame[stop:]])})


def fewer_columns(case: Case) -> Iterator[Case]:
    """The case without a table, a link or a field."""
    tables = case.schema.tables
    for name, table in tables.items():
        if name != case.schema.root and not any(link.table == name for other in tables.values() for link in other.links.values()):
            yield with_tables(case, {other: each for other, each in tables.items() if other != name})
        for link in table.links:
            kept = {other: each for other, each in table.links.items() if other != link}
            yield with_tables(case, {**tables, name: msgspec.structs.replace(table, links=kept)})
        used = {*table.key, *(column for link in table.links.values() for column in link.by)}
        for field, spec in table.fields.items():
            if not used & {field, spec.column}:
                fields = {other: each for other, each in table.fields.items() if other != field}
                timed = None if table.event_time == field else table.event_time
                yield with_tables(case, {**tables, name: msgspec.structs.replace(table, fields=fields, event_time=timed)})


def with_tables(case: Case, tables: dict[str, Table]) -> Case:
    """The case with fewer tables or columns."""
    frames = {
        name: case.frames[name].select(spec.column or field for field, spec in table.fields.items()) for name, table in tables.items()
    }
    return msgspec.structs.replace(case, schema=msgspec.structs.replace(case.schema, tables=tables), frames=frames)


def shown(case: Case) -> str:
    """A case as a report prints it."""
    tables = "\n".join(f"{name}: {frame.schema}\n{frame.rows()}" for name, frame in case.frames.items())
    return f"seed {case.seed}, as_of {case.as_of.isoformat()}, {case.timezone}\n{case.rules_text}{tables}"


class PlainKernel:
    """The kernel as plain Python, in a process of its own that lasts for many seeds: `asked` ones it works on while others do."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "dsl"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
        command = [sys.executable, "-m", "tests.differential"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, seed: int) -> None:
        """Let it answer the case of a seed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seed}\n")

    def answer(self, seed: int) -> Answers | str:
        """What it says to a seed that it was asked; those before are passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            asked, answers = json.loads(line)
            if asked == seed:
                return answers  # type: ignore[no-any-return]
        return "nothing any more"

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.communicate()


def main() -> None:
    """Print what the kernel says to the cases of the seeds that come, a line of JSON each."""
    for line in sys.stdin:
        case = random_case(int(line), whole=True)
        print(json.dumps([case.seed, kernel_answers(case, checked_rules(case).names)]), flush=True)


if __name__ == "__main__":
    main()
