"""A project folder: its settings, its rule files, and how they come together with its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from segdsl import project as settings
from segdsl.diagnostics import Diagnostic, render
from segdsl.limits import Limits
from segdsl.missing import CODES, missing_values, with_counts
from segdsl.schema import Schema, Table
from segdsl.source import Source
from segkernel.compiling import compile
from segkernel.errors import Error, RuleError, SchemaError
from segkernel.meaning import physical
from segkernel.rule_files import read_rules
from segkernel.rules import Rules

if TYPE_CHECKING:
    import polars as pl

    from segkernel.data.dataset import Dataset

FILE = "segkernel.toml"


class Project(msgspec.Struct, frozen=True):
    """An opened project: its folder, the schema of its settings, its rule files, and what else the settings say."""

    folder: Path
    schema: Schema
    files: tuple[Path, ...]
    as_of: str | None
    silence: tuple[str, ...]


def opened(folder: Path, rules_wanted: bool = True) -> Project:
    """Read a project's settings and find its rule files, in the order of the patterns, then of the names.

    Raises `SchemaError` with place for settings that are broken, unknown or contradict each other; `Error` where there
    are no rule files, unless they are not wanted.
    """
    path = folder / FILE
    found = settings.load(path)
    files: dict[Path, None] = {}
    for pattern in found.rules:
        matches = sorted(glob(str(Path(escape(str(folder))) / pattern), recursive=True))
        if not matches and rules_wanted:
            raise Error(f"{path}: no rule file matches {pattern}")
        files.update(dict.fromkeys(Path(match) for match in matches))
    if not files and rules_wanted:
        raise Error(f'{path}: no rule files; say where they are: rules = ["segments/*.seg"] under [project]')
    return Project(folder, found.schema, tuple(files), found.as_of, tuple(found.silence))


def above(path: Path) -> Path | None:
    """The nearest folder at or above a file's that has project settings."""
    return next((folder for folder in path.absolute().parents if (folder / FILE).is_file()), None)


def pinned(project: Project, files: Sequence[Path], params: Mapping[str, Any]) -> Rules:
    """The rules checked against the pinned types alone, without any data.

    Raises `RuleError`, also where only the data could tell whether there is a mistake.
    """
    return compile(list(files), project.schema, params=params)


def typed_rules(project: Project, files: Sequence[Path], folder: Path | None) -> Rules:
    """The rules checked against the pinned types, and where these do not suffice, those of the sources in `folder`; no rows are read.

    Raises `RuleError`; without sources (`folder` None), it says where types would come from.
    """
    try:
        return pinned(project, files, {})
    except RuleError as error:
        if folder is None:
            raise untyped(error, [read_rules(path, Limits()) for path in files]) from None
    from segkernel.reading import scan

    return compile(list(files), settled(project.schema, scan(project.schema, folder)))


def untyped(error: RuleError, sources: Sequence[Source]) -> RuleError:
    """Mistakes that may be none if the types of fields were known, which are neither pinned nor to be had from data.

    Fields that are not known are told once, by the first of them.
    """
    unknown = [each for each in error.diagnostics if each.code == "E201"]
    if not unknown:
        return error
    others = [each for each in error.diagnostics if each.code != "E201"]
    more = f"{len(unknown) - 1:,} more such fields; " if len(unknown) > 1 else ""
    hint = "types come from segkernel.toml, where `segkernel schema DIR --write` pins them, or from the data, which are not there"
    return RuleError(f"{render([*others, unknown[0]], sources)}\n({more}{hint})", error.diagnostics)


def bound(
    project: Project,
    files: Sequence[Path],
    params: Mapping[str, Any],
    select: Callable[[Rules], Rules] | None = None,
    wanted: Callable[[Rules, Schema], Mapping[str, tuple[str, ...]]] | None = None,
) -> tuple[Rules, Dataset]:
    """The rules checked against the project's data, and the data: just the columns that the rules read, or that are `wanted`.

    `select` narrows the rules down before data are read. Raises `RuleError`, `DataError` and `Error`.
    """
    lazy, schema, rules = unread(project, files, params, select)
    return collected(project, lazy, schema, rules, rules.inputs if wanted is None else wanted(rules, schema))


def _binding() -> object:
    from segkernel.data import dataset

    return dataset


def collected(
    project: Project,
    lazy: Mapping[str, pl.LazyFrame],
    schema: Schema,
    rules: Rules,
    columns: Mapping[str, tuple[str, ...]],
    engine: Callable[[], object] = _binding,
) -> tuple[Rules, Dataset]:
    """Data of `columns`, by table and by the data's names, and the rules checked against what they show, from what `unread` gives.

    `engine` imports what is needed next, while files are read, which leaves Python free.
    """
    from segkernel.reading import collect

    with ThreadPoolExecutor(1) as beside:
        imported = beside.submit(engine)
        frames = collect(lazy, schema, columns)
        imported.result()
    from segkernel.data.dataset import Dataset

    data = Dataset(frames, restricted(project.schema, rules, columns))
    return rules.against(_overlaid(schema, data.schema)), data


def unread(
    project: Project, files: Sequence[Path], params: Mapping[str, Any], select: Callable[[Rules], Rules] | None = None
) -> tuple[dict[str, pl.LazyFrame], Schema, Rules]:
    """The project's sources as lazy frames, of which no rows are read, their schema, and the rules checked against it.

    `select` narrows the rules down. Raises `RuleError`, `DataError` and `Error`.
    """
    from segkernel.reading import scan

    lazy = scan(project.schema, project.folder)
    schema = settled(project.schema, lazy)
    rules = compile(list(files), schema, params=params)
    return lazy, schema, rules if select is None else select(rules)


def warnings(project: Project, rules: Rules, data: Dataset | None) -> tuple[Diagnostic, ...]:
    """The warnings that the project does not silence; those on missing values with the number of rows and accounts, where there are data.

    With data, those on missing values in statements that are not read are left out.
    """
    heard = tuple(item for item in rules.warnings if item.code not in project.silence)
    if data is None or not any(item.code in CODES for item in heard):
        return heard
    from segkernel.missing import left_out

    lints = missing_values(rules.checked)
    return with_counts(heard, lints, left_out(rules, data, lints), rules.checked.root)


def typed(project: Project) -> Schema:
    """The schema with the columns and types of the project's sources; no rows are read.

    Raises `DataError` for sources that cannot be read or do not fit their pins.
    """
    from segkernel.reading import scan

    return settled(project.schema, scan(project.schema, project.folder))


def settled(schema: Schema, lazy: Mapping[str, Any]) -> Schema:
    """The schema with the columns and types of lazy frames by table, of which no rows are read.

    Raises `DataError` for sources that cannot be read or do not fit their pins, `SchemaError` where the root has none.
    """
    from segkernel.data.completion import complete
    from segkernel.data.sources import Source
    from segkernel.reading import types

    sourced = {name: table for name, table in schema.tables.items() if name in lazy}
    if schema.root not in sourced:
        raise SchemaError(f'the table {schema.root} has no source; add source = "..." to [tables.{schema.root}]')
    reachable = {
        name: msgspec.structs.replace(table, links={called: link for called, link in table.links.items() if link.table in sourced})
        for name, table in sourced.items()
    }
    empty = {name: Source(name, frame) for name, frame in types(lazy, schema).items()}
    tables = dict(schema.tables)
    for name, table in complete(empty, msgspec.structs.replace(schema, tables=reachable), whole=True).tables.items():
        fields = {called: msgspec.structs.replace(spec, nullable=not spec.never_missing) for called, spec in table.fields.items()}
        tables[name] = msgspec.structs.replace(table, fields=fields, links=schema.tables[name].links)
    return msgspec.structs.replace(schema, tables=tables)


def restricted(schema: Schema, rules: Rules, columns: Mapping[str, tuple[str, ...]]) -> Schema:
    """The part of a schema that rules read, `columns` of the data by table, so that nothing else is asked of the data."""
    links, targets = rules.reads.links, {schema.root, *rules.reads.keys}
    for table, link in links:
        targets.add(schema.tables[table].links[link].table)

    def kept(name: str, table: Table) -> Table:
        return msgspec.structs.replace(
            table,
            fields={called: spec for called, spec in table.fields.items() if (spec.column or called) in columns[name]},
            key=table.key if name in targets or {physical(schema, name, part) for part in table.key} <= {*columns[name]} else (),
            links={called: link for called, link in table.links.items() if (name, called) in links},
            event_time=table.event_time if table.event_time and physical(schema, name, table.event_time) in columns[name] else None,
        )

    return msgspec.structs.replace(schema, tables={name: kept(name, schema.tables[name]) for name in columns})


def _overlaid(whole: Schema, part: Schema) -> Schema:
    """A schema in which the fields of the tables that were read are what the data showed."""
    tables = dict(whole.tables)
    for name, table in part.tables.items():
        tables[name] = msgspec.structs.replace(tables[name], fields={**tables[name].fields, **table.fields})
    return msgspec.structs.replace(whole, tables=tables)
