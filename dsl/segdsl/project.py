"""The project file `segkernel.toml`: tables, links and pinned types, and where the rules and the data are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from segdsl.calendar_days import day, timestamp
from segdsl.diagnostics import MESSAGES, closest
from segdsl.errors import SchemaError, SchemaProblem
from segdsl.schema import FieldSpec, Link, Schema, Table
from segdsl.typesystem import DATE, DURATION, NUMBER, TEXT, TIMESTAMP, TRUTH, WHOLE, Type, decimal, list_of
from segdsl.wording import plain

TYPES = {
    "text": TEXT,
    "whole number": WHOLE,
    "whole": WHOLE,
    "number": NUMBER,
    "yes/no": TRUTH,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
}
_ELSEWHERE = {
    "string": "text", "str": "text", "varchar": "text", "utf8": "text", "enum": "text", "int": "whole number", "integer": "whole number",
    "int64": "whole number", "bigint": "whole number", "float": "number", "double": "number", "real": "number", "float64": "number",
    "bool": "yes/no", "boolean": "yes/no", "datetime": "timestamp", "decimal": "decimal(2)", "money": "decimal(2)", "numeric": "decimal(2)",
}  # fmt: skip
_DECIMAL = re.compile(r"decimal\((\d{1,2})\)")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_MOST_PLACES = 38
LONGEST = 4 * 1024 * 1024
"""Characters of a project file."""
# The reader of TOML takes time in the square of the parts of a key.
_DEEP_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")


class Project(msgspec.Struct, frozen=True):
    """What a project file says: the schema, patterns of rule files, the instant of a run as text, and silenced warnings."""

    schema: Schema
    rules: tuple[str, ...] = ()
    as_of: str | None = None
    silence: tuple[str, ...] = ()


def load(path: str | Path) -> Project:
    """Read a project file. Raises `SchemaError` with every problem in it, or for a file that is not there or cannot be read."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SchemaError(f"there is no file {path}; name the project's settings, such as shop/segkernel.toml") from None
    except IsADirectoryError:
        raise SchemaError(f"{path} is a folder; name the settings in it: {Path(path) / 'segkernel.toml'}") from None
    except OSError as error:
        raise SchemaError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SchemaError(f"{path}: not UTF-8 text; save the file as UTF-8") from None
    return parse(text, str(path))


def parse(text: str, name: str = "segkernel.toml") -> Project:
    """A project from the text of its file; `name` is the file's name in messages. Raises `SchemaError` with every problem in it."""
    project, problems = read(text, name)
    if project is None:
        raise SchemaError("\n".join(str(problem) for problem in problems), problems)
    return project


def read(text: str, name: str = "segkernel.toml") -> tuple[Project | None, tuple[SchemaProblem, ...]]:
    """A project from the text of its file, or every problem in it; never raises for any text."""
    if len(text) > LONGEST:
        return None, (SchemaProblem(f"the settings are longer than {LONGEST:,} characters", name),)
    if text.count(".") >= 100 and _DEEP_KEY.search(text):
        return None, (SchemaProblem("the settings are nested too deep", name),)
    try:
        settings = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return None, (broken(str(error), text, name),)
    except RecursionError:
        return None, (SchemaProblem("the settings are nested too deep", name),)
    except ValueError:
        return None, (SchemaProblem("this is not TOML: a number has too many digits", name),)
    reader = Reader(name)
    project = reader.project(settings)
    return (None, tuple(reader.problems)) if reader.problems else (project, ())


def type_of(text: str) -> Type | None:
    """The type that a schema writes as `text`, `decimal(2)` or `list of text`; None where there is none."""
    found = TYPES.get(text)
    if found is not None:
        return found
    if text.startswith("list of "):
        item = None if text.startswith("list of list") else type_of(text.removeprefix("list of "))
        return None if item is None else list_of(item)
    places = _DECIMAL.fullmatch(text)
    return decimal(int(places[1])) if places and int(places[1]) <= _MOST_PLACES else None


def broken(message: str, text: str, name: str) -> SchemaProblem:
    """What is wrong with the TOML of a file, by the message of its reader, with line and column."""
    found = _PLACE.search(message)
    lines = text.split("\n")
    line, column = (found[1], found[2]) if found is not None else (len(lines), len(lines[-1]) + 1)
    return SchemaProblem(f"this is not TOML: {message.rpartition(' (at ')[0]}", f"{name}:{line}:{column}")


class Reader:
    """Goes through settings and collects the problems, each with its place in the file `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[SchemaProblem] = []

    def problem(self, where: str, message: str) -> None:
        self.problems.append(SchemaProblem(message, f"{self.name}: {where}" if where else self.name))

    # ---- parts that many settings share

    def table(self, value: object, where: str, known: Sequence[str] | None) -> Mapping[str, Any]:
        """A TOML table; of the settings in `known` only, where that is given."""
        if not isinstance(value, dict):
            self.problem(where, f"a table of settings is wanted, and this is {_shown(value)}")
            return {}
        if known is not None:
            for key in value:
                if key not in known:
                    near = closest(key, known)
                    hint = f'; did you mean "{near}"?' if near else f"; known are {', '.join(known)}"
                    self.problem(where, f'there is no setting "{key}"{hint}')
        return value

    def text(self, settings: Mapping[str, Any], key: str, where: str) -> str | None:
        value = settings.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self.problem(f"{where}.{key}", f"a text is wanted, and this is {_shown(value)}")
        return None

    def texts(self, settings: Mapping[str, Any], key: str, where: str, single: bool = False) -> tuple[str, ...]:
        value = settings.get(key, [])
        if single and isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        wanted = "a text or a list of texts" if single else "a list of texts"
        self.problem(f"{where}.{key}", f"{wanted} is wanted, and this is {_shown(value)}")
        return ()

    def flag(self, settings: Mapping[str, Any], key: str, where: str, default: bool) -> bool:
        value = settings.get(key, default)
        if isinstance(value, bool):
            return value
        self.problem(f"{where}.{key}", f"true or false is wanted, and this is {_shown(value)}")
        return default

    # ---- the project

    def project(self, settings: Mapping[str, Any]) -> Project:
        self.table(settings, "", ("project", "tables"))
        general = self.table(settings.get("project", {}), "project", ("root", "timezone", "rules", "as_of", "silence"))
        tables = {name: self.one_table(name, value) for name, value in self.table(settings.get("tables", {}), "tables", None).items()}
        root = self.text(general, "root", "project")
        if root is None and "root" not in general:
            self.problem("project.root", 'the table of the accounts is wanted: root = "customers"')
        elif root is not None and root not in tables:
            near = closest(root, tables)
            hint = f'; did you mean "{near}"?' if near else f"; add [tables.{root}]"
            self.problem("project.root", f'there is no table "{root}"{hint}')
        elif root is not None and not tables[root].key:
            self.problem(f"tables.{root}", 'the table of the accounts needs a key: key = "customer_id"')
        for name, table in tables.items():
            self.links(name, table, tables)
        return Project(
            schema=Schema(root=root or "", tables=tables, timezone=self.timezone(general)),
            rules=self.texts(general, "rules", "project", single=True),
            as_of=self.as_of(general),
            silence=self.silence(general),
        )

    def timezone(self, general: Mapping[str, Any]) -> str:
        name = self.text(general, "timezone", "project") or "UTC"
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            self.problem("project.timezone", f'there is no timezone "{name}"; write one such as "Europe/Berlin" or "UTC"')
        return name

    def as_of(self, general: Mapping[str, Any]) -> str | None:
        value = general.get("as_of")
        if isinstance(value, datetime | date):
            return value.isoformat()
        text = self.text(general, "as_of", "project")
        if text is None:
            return None
        if day(text) is None and timestamp(text, UTC) is None:
            self.problem("project.as_of", f'a time such as "2026-01-15T12:00" is wanted, and this is {_shown(text)}')
        return text

    def silence(self, general: Mapping[str, Any]) -> tuple[str, ...]:
        codes = self.texts(general, "silence", "project")
        warnings = [code for code in MESSAGES if code.startswith("W")]
        for code in codes:
            if code.startswith("E") and code in MESSAGES:
                self.problem("project.silence", f"{code} is a mistake, and mistakes cannot be silenced")
            elif code not in warnings:
                near = closest(code, warnings)
                self.problem("project.silence", f'there is no warning "{code}"' + (f'; did you mean "{near}"?' if near else ""))
        return codes

    # ---- tables

    def one_table(self, name: str, value: object) -> Table:
        where = f"tables.{name}"
        settings = self.table(value, where, ("source", "key", "links", "fields", "event_time"))
        fields = self.table(settings.get("fields", {}), f"{where}.fields", None)
        links = self.table(settings.get("links", {}), f"{where}.links", None)
        key = self.texts(settings, "key", where, single=True)
        for column in dict.fromkeys(column for column in key if key.count(column) > 1):
            self.problem(f"{where}.key", f'the column "{column}" is named twice')
        known = {called: spec for called, given in fields.items() if (spec := self.field(f"{where}.fields.{called}", given))}
        event_time = self.text(settings, "event_time", where)
        timed = known.get(event_time) if event_time is not None else None
        if timed is not None and timed.type.kind not in ("date", "timestamp"):
            self.problem(f"{where}.event_time", f'a date or timestamp is wanted, and "{event_time}" is {plain(timed.type)}')
        return Table(
            fields=known,
            key=key,
            links={called: link for called, given in links.items() if (link := self.link(f"{where}.links.{called}", given))},
            event_time=event_time,
            source=self.text(settings, "source", where),
        )

    def field(self, where: str, value: object) -> FieldSpec | None:
        settings = self.table(value, where, ("type", "label", "unit", "values", "column", "usable", "missing"))
        if not isinstance(value, dict):
            return None
        written = self.text(settings, "type", where)
        if written is None:
            if "type" not in settings:
                self.problem(where, 'a type is wanted: type = "text"')
            return None
        type_ = type_of(written)
        if type_ is None:
            self.problem(f"{where}.type", _unknown_type(written))
            return None
        values = self.texts(settings, "values", where)
        if values and type_ != TEXT:
            self.problem(f"{where}.values", f'a closed list is of texts, and the type is "{written}"')
        missing = settings.get("missing")
        if missing not in (None, "never"):
            self.problem(f"{where}.missing", f'only missing = "never" can be said, and this is {_shown(missing)}')
        return FieldSpec(
            type=type_,
            column=self.text(settings, "column", where),
            label=self.text(settings, "label", where),
            unit=self.text(settings, "unit", where),
            values=values,
            usable=self.flag(settings, "usable", where, True),
            nullable=missing != "never",
            never_missing=missing == "never",
            pinned=True,
        )

    def link(self, where: str, value: object) -> Link | None:
        settings = self.table(value, where, ("table", "by", "relation"))
        if not isinstance(value, dict):
            return None
        for key, example in (("table", '"customers"'), ("by", '"customer_id"')):
            if key not in settings:
                self.problem(where, f"`{key}` is wanted: {key} = {example}")
        table = self.text(settings, "table", where)
        by = self.texts(settings, "by", where, single=True)
        relation = settings.get("relation")
        if relation is not None and relation is not False and not (isinstance(relation, str) and relation):
            self.problem(f"{where}.relation", f"a name or false is wanted, and this is {_shown(relation)}")
            return None
        return Link(table=table, by=by, relation=relation) if table is not None and by else None

    def links(self, name: str, table: Table, tables: Mapping[str, Table]) -> None:
        """What of a table's links depends on the other tables."""
        for called, link in table.links.items():
            where = f"tables.{name}.links.{called}"
            target = tables.get(link.table)
            if target is None:
                near = closest(link.table, tables)
                self.problem(f"{where}.table", f'there is no table "{link.table}"' + (f'; did you mean "{near}"?' if near else ""))
            elif not target.key:
                self.problem(where, f'the table "{link.table}" needs a key, for a link leads to it: key = "…" in [tables.{link.table}]')
            elif len(target.key) != len(link.by):
                columns = f"{len(target.key)} column{'s' if len(target.key) > 1 else ''}"
                self.problem(
                    f"{where}.by", f'the key of "{link.table}" has {columns} ({", ".join(target.key)}), and this names {len(link.by)}'
                )


def _unknown_type(written: str) -> str:
    near = _ELSEWHERE.get(written.lower()) or closest(written, (*TYPES, "decimal(2)", "list of text"))
    known = ", ".join(name for name in TYPES if name != "whole")
    hint = f'did you mean "{near}"?' if near else f"known are {known}, decimal(2), list of text"
    return f'there is no type "{written}"; {hint}'


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
