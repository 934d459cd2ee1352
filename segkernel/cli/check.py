"""`segkernel check`: find the mistakes in rules."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from segdsl.diagnostics import Diagnostic, as_dicts
from segdsl.limits import Limits
from segdsl.missing import CODES
from segdsl.parser import parse
from segdsl.source import Source
from segkernel.cli import COMMANDS
from segkernel.cli.arguments import params, parsed_params
from segkernel.cli.terminal import Progress, warn
from segkernel.errors import DataError, RuleError, SchemaError
from segkernel.project import FILE, Project, above, bound, opened, pinned, warnings
from segkernel.rule_files import read_rules
from segkernel.rules import Rules

UNKNOWN_FIELD = "E201"
"""What a field is called that is perhaps only not pinned, where the data cannot be read."""


class Checked(msgspec.Struct, frozen=True):
    """What a check found: mistakes and warnings, the texts they stand in, and a line on what was read."""

    mistakes: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    sources: tuple[Source, ...]
    told: str


@click.command(short_help=COMMANDS["check"])
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="DIR|FILE...")
@params
@click.option("--no-data", is_flag=True, help="Read data only where their types are not pinned; accounts are then not counted.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of what is printed.")
def check(paths: tuple[Path, ...], params: tuple[str, ...], no_data: bool, form: str) -> None:
    """Find the mistakes in a project's rules, or in rule files.

    A file is checked as part of the project above it; without a segkernel.toml above it, only its syntax is. Data are
    read where the schema does not pin the types of all that the rules use, and where there is a warning on missing values, which
    then counts the accounts.
    """
    overrides = parsed_params(params)
    found = [_project(opened(path), (), overrides, not no_data) for path in paths if _is_project(path)]
    grouped: dict[Path | None, list[Path]] = {}
    for path in paths:
        if not path.is_dir():
            grouped.setdefault(above(path), []).append(path)
    for home, files in grouped.items():
        found.append(_syntax(files) if home is None else _project(opened(home), files, overrides, not no_data))
    if form == "json":
        listed = [entry for item in found for entry in as_dicts((*item.mistakes, *item.warnings), item.sources)]
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2).decode())
    else:
        for item in found:
            warn((*item.mistakes, *item.warnings), item.sources)
            click.echo(item.told if item.mistakes else f"ok: {item.told}")
    sys.exit(1 if any(item.mistakes for item in found) else 0)


def _is_project(path: Path) -> bool:
    if path.is_dir() and not (path / FILE).is_file():
        raise click.BadParameter(f"{path} has no {FILE}", param_hint="DIR")
    return path.is_dir()


def _project(project: Project, files: Sequence[Path], overrides: dict[str, str], counting: bool) -> Checked:
    """Check a project's rules, together with `files`; where there are such, only what stands in them is told."""
    known = {path.resolve() for path in project.files}
    together = [*project.files, *(path for path in files if path.resolve() not in known)]
    try:
        with Progress() as progress:
            progress.stage("Checking")
            rules, heard, uncounted = _rules(project, together, overrides, counting)
    except DataError as why:
        if not isinstance(why.__cause__, RuleError):
            raise
        certain = tuple(item for item in why.__cause__.diagnostics if item.code != UNKNOWN_FIELD)
        if not certain:
            raise
        return _mistaken(certain, together, files, f"; fields that are not pinned were not looked at: {why}")
    except RuleError as error:
        return _mistaken(error.diagnostics, together, files)
    lints = _within(heard, rules.sources, files)
    return Checked((), lints, rules.sources, _told(rules, len(together), len(lints)) + uncounted)


def _rules(project: Project, files: Sequence[Path], overrides: dict[str, str], counting: bool) -> tuple[Rules, tuple[Diagnostic, ...], str]:
    """The rules and their warnings, checked against the pinned types, and where these do not suffice, the data; and why accounts are
    not counted, where they should be.

    Raises `RuleError`; `DataError`, caused by the mistakes that the pinned types leave, for data that cannot be read.
    """
    sourced = any(table.source for table in project.schema.tables.values())
    try:
        rules = pinned(project, files, overrides)
    except RuleError as mistakes:
        if not sourced:
            raise
        try:
            rules, data = bound(project, files, overrides)
        except DataError as why:
            raise why from mistakes
        return rules, warnings(project, rules, data), ""
    heard = warnings(project, rules, None)
    if not (counting and sourced and any(each.code in CODES for each in heard)):
        return rules, heard, ""
    try:
        rules, data = bound(project, files, overrides)
        return rules, warnings(project, rules, data), ""
    except (DataError, SchemaError) as why:
        return rules, heard, f"; accounts were not counted: {why}"


def _mistaken(found: Sequence[Diagnostic], together: Sequence[Path], files: Sequence[Path], more: str = "") -> Checked:
    sources = tuple(read_rules(path, Limits()) for path in together)
    mistakes = _within(found, sources, files)
    return Checked(mistakes, (), sources, _counted(len(mistakes), "mistake") + more)


def _syntax(files: Sequence[Path]) -> Checked:
    """Check the syntax of files alone."""
    sources = tuple(read_rules(path, Limits()) for path in files)
    mistakes = tuple(item for number, source in enumerate(sources) for item in parse(source.text, source.name, number)[1])
    told = _counted(len(mistakes), "mistake") if mistakes else f"{_counted(len(files), 'file')}, syntax only: there is no {FILE} above"
    return Checked(mistakes, (), sources, told)


def _within(found: Sequence[Diagnostic], sources: Sequence[Source], files: Sequence[Path]) -> tuple[Diagnostic, ...]:
    if not files:
        return tuple(found)
    wanted = {path.resolve() for path in files}
    return tuple(item for item in found if Path(sources[item.span.source].name).resolve() in wanted)


def _told(rules: Rules, files: int, warnings: int) -> str:
    segments = sum(name in rules.checked.segments for name in rules.names)
    chooses, collects = (sum(name in known for name in rules.names) for known in (rules.checked.chooses, rules.checked.collects))
    parts = [_counted(segments, "segment"), *([_counted(chooses, "choose")] if chooses else [])]
    parts += [_counted(collects, "collect")] if collects else []
    return f"{', '.join(parts)} in {_counted(files, 'file')}" + (f"; {_counted(warnings, 'warning')}" if warnings else "")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
