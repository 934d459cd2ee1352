"""The conformance cases, read from `dsl/conformance`, and their verdict on an engine.

An engine is a function of a case (rules, schema, tables, as_of, params) that gives for every segment the list of truths, for every
choose the list of values and for every collect the list of lists, in the order of the root table's rows. It raises `Mistakes` where
the rules are wrong and `Overflow` where an exact value leaves its range. Run as a program, it prints the verdicts of one engine as
JSON.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec

from segdsl.diagnostics import Diagnostic
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.source import Source
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal, list_of

FOLDER = Path(__file__).parent.parent / "dsl" / "conformance"
TYPES = {"whole": WHOLE, "number": NUMBER, "text": TEXT, "yes/no": TRUTH, "date": DATE, "timestamp": TIMESTAMP, "duration": DURATION}
UNITS = {"ns": 1, "seconds": 10**9, "minutes": 60 * 10**9, "hours": 3_600 * 10**9, "days": 86_400 * 10**9}
LOCAL = "local timestamp"
MISSING = {"missing": True}
"""An item of a list that is missing."""
LEFT_RANGE = re.compile(r"[^:]+:(\d+):(\d+): `.*`: a number leaves its range", re.DOTALL)
ANSWER = "segment answer when "
Tables = dict[str, list[dict[str, object]]]
Places = tuple[tuple[str, int, int], ...]
FILE_KEYS = {"title", "root", "timezone", "as_of", "tables", "cases"}
CASE_KEYS = {
    "name", "when", "rules", "accounts", "expect", "overflow", "diagnostics", "warnings", "as_of", "timezone", "params", "rows",
}  # fmt: skip


class Mistakes(Exception):
    """The rules are wrong: code, line and column of each mistake."""

    def __init__(self, places: Places) -> None:
        super().__init__(", ".join(f"{code} at {line}:{column}" for code, line, column in places))
        self.places = places


class Overflow(Exception):
    """An exact value left its range: line and column of the place in the rules."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__(f"a value left its range at {place[0]}:{place[1]}")
        self.place = place


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `tables` holds plain rows: decimals as `Decimal`, dates as `date`, instants as nanoseconds since the epoch
    (int), local timestamps as naive `datetime`; missing values are left out. `local` names the fields of local timestamps.
    `expect` has a list of keys for a segment, a mapping from key to value for a choose, to a list of values
    for a collect; it leaves out who has none."""

    file: str
    name: str
    rules: str
    schema: Schema
    tables: Tables
    local: frozenset[tuple[str, str]]
    as_of: datetime
    params: dict[str, str]
    expect: dict[str, Any]
    overflow: tuple[int, int] | None
    diagnostics: Places
    warnings: Places | None

    @property
    def id(self) -> str:
        return f"{self.file}: {self.name}"


Run = Callable[[Case], Mapping[str, list[Any]]]


def load() -> list[Case]:
    """All cases, in the order of their files."""
    return [case for path in sorted(FOLDER.glob("*.toml")) for case in read(path)]


def read(path: Path) -> list[Case]:
    """The cases of a file; ValueError where it is not as the format says."""
    content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if set(content) - FILE_KEYS:
        raise ValueError(f"{path.name}: unknown settings {sorted(set(content) - FILE_KEYS)}")
    return [case_of(path.stem, content, each) for each in content["cases"]]


def case_of(file: str, content: dict[str, Any], given: dict[str, Any]) -> Case:
    """A case with what its file gives to all of them."""
    where = f"{file}: {given['name']}"
    if set(given) - CASE_KEYS:
        raise ValueError(f"{where}: unknown settings {sorted(set(given) - CASE_KEYS)}")
    if (
        sum(key in given for key in ("when", "rules")) != 1
        or sum(key in given for key in ("accounts", "expect", "overflow", "diagnostics")) != 1
    ):
        raise ValueError(f"{where}: one of `when`, `rules`, and one of `accounts`, `expect`, `overflow`, `diagnostics` is needed")
    rows = given.get("rows", {})
    texts = {name: {field: type_text(spec) for field, spec in table["fields"].items()} for name, table in content["tables"].items()}
    tables: Tables = {
        name: [
            {field: value_of(value, texts[name][field], where) for field, value in row.items()}
            for row in rows.get(name, table.get("rows", []))
        ]
        for name, table in content["tables"].items()
    }
    as_of = given.get("as_of", content.get("as_of", datetime(2026, 1, 15, 12, tzinfo=UTC)))
    return Case(
        file=file,
        name=given["name"],
        rules=given["rules"] if "rules" in given else ANSWER + given["when"],
        schema=schema_of(content, given.get("timezone", content.get("timezone", "UTC"))),
        tables=tables,
        local=frozenset((name, field) for name, fields in texts.items() for field, text in fields.items() if text == LOCAL),
        as_of=as_of,
        params=given.get("params", {}),
        expect=given.get("expect", {"answer": given["accounts"]} if "accounts" in given else {}),
        overflow=(given["overflow"]["line"], given["overflow"]["column"]) if "overflow" in given else None,
        diagnostics=places(given.get("diagnostics", [])),
        warnings=places(given["warnings"]) if "warnings" in given else None,
    )


def places(given: list[dict[str, Any]]) -> Places:
    """Codes with their places, sorted by place."""
    return tuple(sorted(((each["code"], each["line"], each["column"]) for each in given), key=lambda place: (place[1:], place[0])))


def type_text(spec: str | dict[str, Any]) -> str:
    """The type of a field, written as a text or inside a table of settings."""
    return spec if isinstance(spec, str) else str(spec["type"])


def type_of(text: str) -> Type:
    """The type that a text means."""
    if text.startswith("list of "):
        return list_of(type_of(text.removeprefix("list of ")))
    if text.startswith("decimal("):
        return decimal(int(text[8:-1]))
    return TIMESTAMP if text == LOCAL else TYPES[text]


def schema_of(content: dict[str, Any], timezone: str) -> Schema:
    """The schema of a file's tables; all fields are pinned."""
    tables = {}
    for name, table in content["tables"].items():
        fields = {}
        for field, given in table["fields"].items():
            settings = {} if isinstance(given, str) else given
            never = settings.get("missing") == "never"
            fields[field] = FieldSpec(
                type_of(type_text(given)),
                values=tuple(settings.get("values", ())),
                usable=settings.get("usable", True),
                nullable=not never,
                never_missing=never,
                pinned=True,
            )
        links = {link: Link(to["table"], tuple(names(to["by"])), to.get("relation")) for link, to in table.get("links", {}).items()}
        tables[name] = Table(fields, tuple(names(table.get("key", []))), links, event_time=table.get("event_time"))
    return Schema(content["root"], tables, timezone)


def names(given: str | list[str]) -> list[str]:
    """One name or a list of them as a list."""
    return [given] if isinstance(given, str) else given


def value_of(value: Any, text: str, where: str) -> object:
    """A value of a row as a plain Python value of its type's kind."""
    type_ = type_of(text)
    if type_.item is not None:
        return [None if item == MISSING else value_of(item, text.removeprefix("list of "), where) for item in value]
    if type_ == WHOLE:
        return int(value)
    if type_ == NUMBER:
        return float(value)
    if type_.kind == "decimal":
        return Decimal(value)
    if text == LOCAL:
        return value
    if type_ == TIMESTAMP:
        return instant(value)
    if type_ == DURATION:
        count, unit = value.split(" ")
        return int(count) * UNITS[unit]
    if type_ == DATE and not isinstance(value, date):
        raise ValueError(f"{where}: {value!r} is not a date")
    return value


def instant(value: datetime | str) -> int:
    """Nanoseconds since the epoch of a timestamp with an offset, or of a text in UTC with up to nine digits of a second."""
    fraction = 0
    if isinstance(value, str):
        seconds, _, digits = value.removesuffix("Z").partition(".")
        value, fraction = datetime.fromisoformat(seconds + "+00:00"), int(digits.ljust(9, "0") or 0)
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000 + fraction


def verdict(case: Case, run: Run) -> str | None:
    """What an engine gets wrong in a case; None where it is right."""
    try:
        found = run(case)
    except Mistakes as mistakes:
        if mistakes.places != case.diagnostics:
            return f"expected {case.diagnostics or 'no mistakes'}, found {mistakes.places}"
        return None
    except Overflow as overflow:
        return None if overflow.place == case.overflow else f"expected an overflow at {case.overflow}, found: {overflow}"
    if case.diagnostics or case.overflow:
        return f"expected {case.diagnostics or case.overflow}, found answers"
    root = case.schema.tables[case.schema.root]
    keys = [str(row[root.key[0]]) for row in case.tables[case.schema.root]]
    for name, expected in case.expect.items():
        if isinstance(expected, dict):
            answers: Any = {key: value for key, value in zip(keys, found[name], strict=True) if value not in (None, [])}
            wanted: Any = expected
        else:
            answers = [key for key, member in zip(keys, found[name], strict=True) if member]
            wanted = sorted((str(key) for key in expected), key=keys.index)
        if answers != wanted:
            return f"{name}: expected {wanted}, found {answers}"
    return None


def mistakes_of(diagnostics: tuple[Diagnostic, ...], text: str) -> Places:
    """Code, line and column of diagnostics, sorted by place."""
    source = Source("rules.seg", text)
    return places(
        [{"code": each.code, "line": line, "column": column} for each in diagnostics for line, column in [source.place(each.span.start)]]
    )


def compare_warnings(case: Case, found: tuple[Diagnostic, ...]) -> None:
    """Hold the warnings against those that the case lists, where it lists them; AssertionError where they differ."""
    warned = mistakes_of(tuple(each for each in found if each.severity == "warning"), case.rules)
    if case.warnings is not None and warned != case.warnings:
        raise AssertionError(f"expected warnings {case.warnings}, found {warned}")


def oracle(case: Case) -> dict[str, list[Any]]:
    """The row-at-a-time evaluator."""
    from segdsl.checker import check
    from segdsl.parser import parse
    from segkernel.oracle import Oracle, OracleOverflow, plain

    file, unreadable = parse(case.rules)
    if any(each.severity == "error" for each in unreadable):
        raise Mistakes(mistakes_of(unreadable, case.rules))
    rules, found = check([file], case.schema, case.params)
    if rules is None:
        raise Mistakes(mistakes_of(tuple(each for each in found if each.severity == "error"), case.rules))
    compare_warnings(case, found)
    engine = Oracle(rules, case.schema, case.tables, instant(case.as_of))
    try:
        return {
            name: list(engine.segment(name))
            if name in rules.segments
            else [[plain(value, rules.collects[name].type) for value in each] for each in engine.collect(name)]
            if name in rules.collects
            else [plain(value, rules.chooses[name].type) for value in engine.choose(name)]
            for name in rules.names
        }
    except OracleOverflow as reason:
        raise Overflow(Source("rules.seg", case.rules).place(reason.span.start)) from reason


def kernel(case: Case) -> dict[str, list[Any]]:
    """The engine by its public face."""
    import segkernel

    try:
        data = segkernel.Dataset(frames(case), case.schema)
        rules = segkernel.compile(case.rules, case.schema, params=case.params)
        compare_warnings(case, rules.warnings)
        result = rules.evaluate(data, as_of=case.as_of)
    except segkernel.RuleError as reason:
        errors = tuple(each for each in reason.diagnostics if each.severity == "error")
        raise Mistakes(mistakes_of(errors, case.rules)) from reason
    except segkernel.DataError as reason:
        overflow = LEFT_RANGE.match(str(reason))
        if overflow is None:
            raise
        raise Overflow((int(overflow[1]), int(overflow[2]))) from reason
    return {name: result[name].to_list() for name in rules.names}


def frames(case: Case) -> dict[str, Any]:
    """A case's tables as Polars frames; whole numbers beyond 63 bits make an unsigned column."""
    import polars

    made = {}
    for name, table in case.schema.tables.items():
        columns = {}
        for field, spec in table.fields.items():
            values = [row.get(field) for row in case.tables[name]]
            columns[field] = column_of(field, values, spec.type, (name, field) in case.local)
        made[name] = polars.DataFrame(columns)
    return made


def column_of(name: str, values: list[Any], type_: Type, local: bool) -> Any:
    """Plain values as a Polars column of a type."""
    import polars

    if type_.item is not None:
        items = column_of(name, [item for value in values for item in value or ()], type_.item, local)
        ends = list(accumulate(len(value or ()) for value in values))
        starts = [0, *ends]
        made = [None if value is None else items[start:end] for value, start, end in zip(values, starts, ends, strict=False)]
        return polars.Series(name, made, dtype=polars.List(items.dtype))
    large = type_ == WHOLE and any(isinstance(value, int) and value >= 2**63 for value in values)
    types = {
        "whole": polars.UInt64 if large else polars.Int64,
        "number": polars.Float64,
        "decimal": polars.Decimal(38, type_.scale),
        "text": polars.String,
        "yes/no": polars.Boolean,
        "date": polars.Date,
        "duration": polars.Duration("ns"),
        "timestamp": polars.Datetime("us") if local else polars.Datetime("ns", "UTC"),
    }
    dtype = types[type_.kind]
    if dtype in (polars.Datetime("ns", "UTC"), polars.Duration("ns")):
        return polars.Series(name, values, dtype=polars.Int64).cast(dtype)
    return polars.Series(name, values, dtype=dtype, strict=True)


ENGINES: dict[str, Run] = {"oracle": oracle, "kernel": kernel}


def main() -> None:
    """Print, for the engine named on the command line, the verdict of every case as a JSON object."""
    run = ENGINES[sys.argv[1]]
    print(json.dumps({case.id: judged(case, run) for case in load()}))


def judged(case: Case, run: Run) -> str | None:
    """The verdict, or the exception that an engine ended in."""
    try:
        return verdict(case, run)
    except Exception as reason:
        return f"{type(reason).__name__}: {reason}"


if __name__ == "__main__":
    main()
