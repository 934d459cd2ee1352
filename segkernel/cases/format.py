"""Case files: rules, small tables and the accounts that must belong, as `dsl/conformance/README.md` describes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from segdsl.diagnostics import Diagnostic, closest
from segdsl.project import Reader, broken
from segdsl.schema import FieldSpec, Schema, Table
from segdsl.source import Source
from segdsl.typesystem import TIMESTAMP, WHOLE, Type
from segkernel.cases.values import shown, type_of_value, value_of
from segkernel.errors import Error, SchemaError
from segkernel.instants import instant as moment
from segkernel.instants import zone

LOCAL = "local timestamp"
ANSWER = "answer"
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The instant of a case that says none."""
Tables = dict[str, list[dict[str, object]]]
Places = tuple[tuple[str, int, int], ...]
FILE_KEYS = ("title", "root", "timezone", "as_of", "tables", "cases")
TABLE_KEYS = ("key", "fields", "links", "event_time", "rows")
CASE_KEYS = (
    "name", "when", "rules", "accounts", "expect", "overflow", "diagnostics", "warnings", "as_of", "timezone", "params", "rows",
)  # fmt: skip
_LISTED = 10
_ANSWERS = ("accounts", "expect", "overflow", "diagnostics")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `tables` holds plain rows: decimals as `Decimal`, dates as `date`, instants as nanoseconds since the epoch
    (int), local timestamps as naive `datetime`; missing values are left out. `local` names the fields of local timestamps.
    `expect` has a list of keys for a segment, a mapping from key to value for a choose, to a list of values
    for a collect; it leaves out who has none. `rules` is empty where the project's own are meant; `beside` says that they hold besides.
    `line` is where the case begins in its file."""

    file: str
    name: str
    rules: str
    schema: Schema
    tables: Tables
    local: frozenset[tuple[str, str]]
    as_of: datetime | str
    params: dict[str, Any]
    expect: dict[str, Any]
    overflow: tuple[int, int] | None
    diagnostics: Places
    warnings: Places | None
    beside: bool = False
    line: int = 1

    @property
    def id(self) -> str:
        """The file and the name."""
        return f"{self.file}: {self.name}"


class Home(msgspec.Struct, frozen=True):
    """What a project gives to the cases of its owners: a schema, in which tables that cases leave out are empty, and an instant."""

    schema: Schema
    as_of: str | None = None


def read(text: str, name: str, home: Home | None = None) -> list[Case]:
    """The cases in the text of a file; `name` is the file's name in messages.

    With a `home`, a file that has no `root` of its own leaves out what the project says: types, keys, links, rules.
    Raises SchemaError with every problem in it.
    """
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        problem = broken(str(error), text, name)
        raise SchemaError(str(problem), [problem]) from None
    except (RecursionError, ValueError):
        raise SchemaError(f"{name}: this is not TOML: it is nested too deep, or a number has too many digits") from None
    file = _File(name, text, None if "root" in content else home)
    cases = file.read(content)
    if file.reader.problems:
        raise SchemaError("\n".join(str(problem) for problem in file.reader.problems), file.reader.problems)
    return cases


def places(given: Iterable[Mapping[str, Any]]) -> Places:
    """Codes with their places, sorted by place."""
    return tuple(sorted(((each["code"], each["line"], each["column"]) for each in given), key=lambda place: (place[1:], place[0])))


def places_of(diagnostics: Iterable[Diagnostic], source: Source) -> Places:
    """Code, line and column of diagnostics of one text, sorted by place."""
    return places(
        {"code": each.code, "line": line, "column": column} for each in diagnostics for line, column in [source.place(each.span.start)]
    )


class _File:
    """Reads one file and collects its problems."""

    def __init__(self, name: str, text: str, home: Home | None) -> None:
        self.name = name
        self.text = text
        self.home = home
        self.reader = Reader(name)

    def read(self, content: dict[str, Any]) -> list[Case]:
        self.reader.table(content, "", FILE_KEYS)
        given = {name: self.table(name, each) for name, each in self.reader.table(content.get("tables", {}), "tables", None).items()}
        local = frozenset((name, field) for name, (_, fields, _) in given.items() for field in fields)
        listed = content.get("cases", [])
        if not isinstance(listed, list) or not listed:
            self.reader.problem("cases", "a list of cases is wanted: [[cases]]")
            return []
        cases = [case for number, each in enumerate(listed) if (case := self.settings(number, each)) is not None]
        self.reader.name = self.name
        schema = self.schema(content, {name: table for name, (table, _, _) in given.items()})
        rows = {name: each for name, (_, _, each) in given.items()}
        if schema is None:
            return []
        if self.home is not None:
            schema = with_keys_typed(schema, [rows, *(case.get("rows", {}) for case in cases)])
        return [self.case(content, schema, rows, local, case) for case in cases]

    def table(self, name: str, value: object) -> tuple[Table, list[str], list[Any]]:
        """A table: what is said of it, its fields of local timestamps, and its rows."""
        where = f"tables.{name}"
        settings = dict(self.reader.table(value, where, TABLE_KEYS))
        rows = settings.pop("rows", [])
        fields, local = settings.get("fields", {}), []
        if isinstance(fields, dict):
            fields = {field: {"type": spec} if isinstance(spec, str) else spec for field, spec in fields.items()}
            local = [field for field, spec in fields.items() if isinstance(spec, dict) and spec.get("type") == LOCAL]
            settings["fields"] = {**fields, **{field: {**fields[field], "type": "timestamp"} for field in local}}
        known = {key: each for key, each in settings.items() if key in TABLE_KEYS}
        return self.reader.one_table(name, known), local, self.rows(rows, f"{where}.rows")

    def rows(self, value: object, where: str) -> list[Any]:
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return value
        self.reader.problem(where, f"a list of rows is wanted, such as [{{ id = 1 }}], and this is {shown(value)}")
        return []

    def schema(self, content: dict[str, Any], tables: dict[str, Table]) -> Schema | None:
        """The schema of the file: its own tables, or the project's with what the file says besides."""
        timezone = content.get("timezone", "UTC" if self.home is None else self.home.schema.timezone)
        self.timezone(timezone, "timezone")
        if self.home is None:
            root = content.get("root")
            if root not in tables:
                self.reader.problem("root", f'there is no table {shown(root)}; a file of cases has root = "…" and its [tables.…]')
                return None
            whole = tables
        else:
            root, whole = self.home.schema.root, dict(self.home.schema.tables)
            for name, table in tables.items():
                self.known(name, whole, f"tables.{name}", "table")
                whole[name] = _laid_over(whole.get(name, Table()), table)
        for name, table in tables.items():
            self.reader.links(name, table, whole)
        return None if self.reader.problems else Schema(root, whole, timezone)

    def known(self, name: str, names: Iterable[str], where: str, what: str) -> bool:
        """Whether a name is one of those that there are; a problem where not."""
        there = list(names)
        if name in there:
            return True
        near = closest(name, there)
        listed = ", ".join(there[:_LISTED]) + (", …" if len(there) > _LISTED else "")
        hint = f'; did you mean "{near}"?' if near else f"; there {'is' if len(there) == 1 else 'are'} {listed or 'none'}"
        self.reader.problem(where, f'there is no {what} "{name}"{hint}')
        return False

    def timezone(self, name: object, where: str) -> None:
        try:
            zone(str(name))
        except Error as error:
            self.reader.problem(where, str(error))

    def settings(self, number: int, value: object) -> dict[str, Any] | None:
        """The settings of a case, when they are well-formed."""
        name = value.get("name") if isinstance(value, dict) else None
        where = f'case "{name}"' if isinstance(name, str) and name else f"cases[{number}]"
        before = len(self.reader.problems)
        self.reader.name = f"{self.name}:{self.line(name)}" if isinstance(name, str) and name else self.name
        settings = dict(self.reader.table(value, where, CASE_KEYS))
        if not isinstance(name, str) or not name:
            self.reader.problem(where, 'a name is wanted: name = "what it shows"')
        self.answer(settings, where)
        for key in ("rules", "when"):
            self.reader.text(settings, key, where)
        for key in ("params", "rows", "expect"):
            self.reader.table(settings.get(key, {}), f"{where}.{key}", None)
        for table, rows in dict(settings.get("rows", {})).items() if isinstance(settings.get("rows", {}), dict) else ():
            self.rows(rows, f"{where}.rows.{table}")
        for key, wanted in (
            ("overflow", ("line", "column")),
            ("diagnostics", ("code", "line", "column")),
            ("warnings", ("code", "line", "column")),
        ):
            listed = settings.get(key, [])
            for each in [listed] if key == "overflow" and key in settings else listed:
                if not isinstance(each, dict) or sorted(each) != sorted(wanted):
                    self.reader.problem(f"{where}.{key}", f"{{ {', '.join(wanted)} }} is wanted, and this is {shown(each)}")
        settings["where"] = where
        return settings if len(self.reader.problems) == before else None

    def answer(self, settings: Mapping[str, Any], where: str) -> None:
        """Whether a case has what it is about, and one answer."""
        answers = [key for key in _ANSWERS if key in settings]
        own = [key for key in ("rules", "when") if key in settings]
        if len(answers) != 1:
            found = f"these are {' and '.join(answers)}" if answers else "there is none"
            self.reader.problem(where, f"one answer is wanted, {', '.join(_ANSWERS[:-1])} or {_ANSWERS[-1]}, and {found}")
        if len(own) > 1 or (not own and self.home is None):
            self.reader.problem(where, "the rules are wanted: either `rules` or `when`")
        if not own and self.home is not None:
            told = {"accounts": "they are those of `when`; say of which segment: expect = { vip = [1, 2] }"}
            told |= dict.fromkeys(
                ("diagnostics", "warnings"), "it is of the case's own `rules` or `when`; `segkernel check` tells the project's"
            )
            told["overflow"] = "its place is in the case's own `rules` or `when`"
            for key in (key for key in told if key in settings):
                self.reader.problem(f"{where}.{key}", told[key])
        if "accounts" in settings and not isinstance(settings["accounts"], list):
            self.reader.problem(f"{where}.accounts", f"a list of keys is wanted, and this is {shown(settings['accounts'])}")

    def case(
        self, content: dict[str, Any], schema: Schema, rows: dict[str, list[Any]], local: frozenset[tuple[str, str]], given: dict[str, Any]
    ) -> Case:
        where, default = given["where"], NOON if self.home is None or self.home.as_of is None else self.home.as_of
        self.reader.name = f"{self.name}:{self.line(given['name'])}"
        timezone = given.get("timezone", schema.timezone)
        self.timezone(timezone, f"{where}.timezone")
        for name in given.get("rows", {}):
            self.known(name, schema.tables, f"{where}.rows", "table")
        tables: Tables = {}
        for name, table in schema.tables.items():
            own = name in given.get("rows", {})
            place = f"{where}.rows.{name}" if own else f"tables.{name}.rows"
            each = given["rows"][name] if own else rows.get(name, [])
            tables[name] = [self.row(row, name, table, local, timezone, f"{place}[{number}]") for number, row in enumerate(each)]
            if self.home is not None:
                self.keys(tables[name], name, table, schema.root, place)
        when = given.get("when")
        return Case(
            file=self.name,
            name=given["name"],
            rules=given.get("rules", "") if when is None else f"segment {ANSWER} when {when}",
            schema=msgspec.structs.replace(schema, timezone=timezone),
            tables=tables,
            local=local,
            as_of=self.as_of(given.get("as_of", content.get("as_of", default)), timezone, where),
            params=given.get("params", {}),
            expect=given.get("expect", {ANSWER: given["accounts"]} if "accounts" in given else {}),
            overflow=(given["overflow"]["line"], given["overflow"]["column"]) if "overflow" in given else None,
            diagnostics=places(given.get("diagnostics", [])),
            warnings=places(given["warnings"]) if "warnings" in given else None,
            beside=self.home is not None and "rules" not in given,
            line=self.line(given["name"]),
        )

    def row(
        self, row: Mapping[str, Any], name: str, table: Table, local: frozenset[tuple[str, str]], timezone: str, where: str
    ) -> dict[str, object]:
        """A row with plain values."""
        found: dict[str, object] = {}
        for field, value in row.items():
            spec = table.fields.get(field)
            if spec is None:
                self.known(field, table.fields, where, f"field of {name}")
                continue
            try:
                naive = (name, field) in local
                found[field] = value_of(value, spec.type, None if naive or self.home is None else timezone)
            except ValueError as error:
                self.reader.problem(f"{where}.{field}", str(error))
        return found

    def keys(self, rows: list[dict[str, object]], name: str, table: Table, root: str, where: str) -> None:
        """Make up the keys of rows that no row gives; those of the accounts are wanted."""
        called = [field_of(table, part) for part in table.key]
        if name == root:
            for number, row in enumerate(rows):
                for field in called:
                    if field not in row:
                        self.reader.problem(f"{where}[{number}]", f"the key `{field}` of {name} is wanted")
        elif len(called) == 1 and table.fields[called[0]].type.kind in ("whole", "text") and not any(called[0] in row for row in rows):
            for number, row in enumerate(rows, 1):
                row[called[0]] = -number if table.fields[called[0]].type == WHOLE else f"row {number}"

    def as_of(self, value: object, timezone: str, where: str) -> datetime | str:
        """The instant of a case."""
        given = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
        try:
            moment(given, timezone)  # type: ignore[arg-type]
        except Error as error:
            self.reader.problem(f"{where}.as_of", str(error))
        return given  # type: ignore[return-value]

    def line(self, name: str) -> int:
        """Where a name stands in the file."""
        found = re.search(rf"""name\s*=\s*["']{re.escape(name)}["']""", self.text)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1


def field_of(table: Table, column: str) -> str:
    """The name that rules have for a key's or link's column."""
    if column in table.fields:
        return column
    return next((field for field, spec in table.fields.items() if spec.column == column), column)


def with_keys_typed(schema: Schema, rows: Sequence[Mapping[str, Sequence[Mapping[str, Any]]]]) -> Schema:
    """A schema in which the columns of keys and links, and event times, have a type where nobody pinned one: that of the column which
    they are held against, else of the values in `rows`, else a whole number."""
    same: dict[tuple[str, str], set[tuple[str, str]]] = {}
    timed: dict[tuple[str, str], Type] = {}
    for name, table in schema.tables.items():
        for part in table.key:
            same.setdefault((name, field_of(table, part)), {(name, field_of(table, part))})
        for link in table.links.values():
            target = schema.tables[link.table]
            for here, there in zip(link.by, target.key, strict=True):
                ends = (name, field_of(table, here)), (link.table, field_of(target, there))
                joined = {*ends}.union(*(same.get(end, set()) for end in ends))
                same |= dict.fromkeys(joined, joined)
        if table.event_time is not None:
            timed[name, field_of(table, table.event_time)] = TIMESTAMP
    found: dict[str, dict[str, FieldSpec]] = {}
    for place, others in [*same.items(), *((place, {place}) for place in timed)]:
        if place[1] not in schema.tables[place[0]].fields:
            known = [spec.type for table, field in others if (spec := schema.tables[table].fields.get(field)) is not None]
            values = [type_of_value(row[field]) for each in rows for table, field in others for row in each.get(table, ()) if field in row]
            type_ = next((type_ for type_ in (*known, *values) if type_ is not None), timed.get(place, WHOLE))
            found.setdefault(place[0], {})[place[1]] = FieldSpec(type_)
    tables = {name: msgspec.structs.replace(table, fields={**table.fields, **found.get(name, {})}) for name, table in schema.tables.items()}
    return msgspec.structs.replace(schema, tables=tables)


def _laid_over(table: Table, given: Table) -> Table:
    """What a project says of a table, with what a file of cases says besides."""
    fields = dict(table.fields)
    for field, spec in given.fields.items():
        column = fields[field].column if field in fields else None
        fields[field] = msgspec.structs.replace(spec, column=column)
    return msgspec.structs.replace(
        table,
        fields=fields,
        key=given.key or table.key,
        links={**table.links, **given.links},
        event_time=given.event_time or table.event_time,
    )
