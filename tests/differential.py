"""One case answered by everyone who can, in one normal form, so that answers can be held against each other.

Normal form: a list per segment (True or False) and choose (None, text, yes/no, float, or a whole number: decimals in units
of their last place, dates in days, timestamps in nanoseconds).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

import segkernel as sk
from segdsl.checked import Rules
from segkernel.oracle import Oracle, OracleOverflow
from tests.rivals import polars_rival, sql_rival
from tests.rivals.lowering import Manner
from tests.rivals.tables import CannotSay, placed, plain_tables
from tests.strategies import Case, checked_rules, nanoseconds, random_case

Answers = dict[str, list[Any]]
OVERFLOW = "overflow"
PARTLY = Manner(partial=True)


def oracle_rows(case: Case) -> dict[str, list[dict[str, object]]]:
    """The tables as the oracle reads them: Python's own values; timestamps finer than a microsecond as nanoseconds."""
    tables = {}
    for name, frame in case.frames.items():
        fine = [c for c, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"]
        columns = [physical(frame[c], case.timezone) if c in fine else frame[c] for c in frame.columns]
        tables[name] = pl.DataFrame(columns).to_dicts() if columns else []
    return tables


def physical(series: pl.Series, zone: str) -> pl.Series:
    """Timestamps as nanoseconds since 1970-01-01T00:00Z."""
    return (placed(series, zone) if series.dtype.time_zone is None else series).to_physical()  # type: ignore[attr-defined]


def oracle_answers(case: Case, rules: Rules) -> Answers | str:
    """What the row-at-a-time oracle says; OVERFLOW where an exact value leaves its range."""
    oracle = Oracle(rules, case.schema, oracle_rows(case), nanoseconds(case.as_of))
    try:
        return {name: oracle.segment(name) if name in rules.segments else oracle.choose(name) for name in rules.names}
    except OracleOverflow:
        return OVERFLOW


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


def kernel_result(case: Case, frames: Mapping[str, pl.DataFrame], **how: Any) -> Any:
    """A membership by the kernel."""
    data = sk.Dataset(dict(frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params)
    return rules.evaluate(data, as_of=case.as_of, **how)


def kernel_answers(case: Case, names: tuple[str, ...], **how: Any) -> Answers | str:
    """What the kernel says; OVERFLOW where it reports a data error; what it raises besides is an answer like any other."""
    try:
        result = kernel_result(case, case.frames, **how)
        return {name: [normal(value) for value in result[name].to_list()] for name in names}
    except sk.DataError:
        return OVERFLOW
    except Exception as mistake:  # so that a case which crashes is reduced like one that errs
        return f"{type(mistake).__name__}: {mistake}"


def normal(value: Any) -> Any:
    """A Python value in normal form."""
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


def reduced(case: Case, fails: Callable[[Case], bool], tries: int = 400) -> Case:
    """A smaller case that still fails: fewer statements, then fewer rows, by halves and then one by one."""
    lines = case.rules_text.splitlines()
    step = max(len(lines) // 2, 1)
    while step and tries > 0:
        start = 0
        while start < len(lines) and tries > 0:
            fewer = lines[:start] + lines[start + step :]
            tries -= 1
            smaller = msgspec.structs.replace(case, rules_text="\n".join(fewer) + "\n")
            if still(smaller, fails):
                lines, case = fewer, smaller
            else:
                start += step
        step //= 2
    for table in case.frames:
        step = max(case.frames[table].height // 2, 1) if case.frames[table].height else 0
        while step and tries > 0:
            start = 0
            while start < case.frames[table].height and tries > 0:
                frame = case.frames[table]
                tries -= 1
                smaller = msgspec.structs.replace(case, frames={**case.frames, table: pl.concat([frame[:start], frame[start + step :]])})
                if still(smaller, fails):
                    case = smaller
                else:
                    start += step
            step //= 2
    return case


def still(case: Case, fails: Callable[[Case], bool]) -> bool:
    """Whether a case fails, where its rules check at all."""
    try:
        checked_rules(case)
    except AssertionError:
        return False
    return fails(case)


def shown(case: Case) -> str:
    """A case as a report prints it."""
    tables = "\n".join(f"{name}: {frame.schema}\n{frame.rows()}" for name, frame in case.frames.items())
    return f"seed {case.seed}, as_of {case.as_of.isoformat()}, {case.timezone}\n{case.rules_text}{tables}"


def main(first: int, stop: int, sizes: list[str]) -> None:
    """Print what the kernel says to the cases of some seeds, a line of JSON each."""
    for seed, size in zip(range(first, stop), sizes, strict=True):
        case = random_case(seed, size)
        print(json.dumps(kernel_answers(case, checked_rules(case).names)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
