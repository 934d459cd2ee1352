"""`segkernel diff`: what differs between two versions of rules."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from segkernel.cli import COMMANDS
from segkernel.cli.arguments import at, form, moment
from segkernel.cli.terminal import Progress, failed, lines, table
from segkernel.differences import Difference, Differences, headline
from segkernel.errors import Error
from segkernel.instants import written
from segkernel.project import FILE
from segkernel.textual import visible
from segkernel.versions import Version, compared, data_folder, versions, with_accounts

DIFFER, TROUBLE = 1, 2
_STYLES = {"+": "green", "-": "red"}


@click.command(short_help=COMMANDS["diff"])
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
@click.option("--no-data", "alone", is_flag=True, help="Compare the rules alone; evaluate nothing.")
@click.option("--accounts", "listed", is_flag=True, help="List the accounts that enter and leave, by their keys.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many of them, for each segment and way.")
@at
@form
def diff(old: Path, new: Path, alone: bool, listed: bool, limit: int, as_of: str | None, form: str) -> None:
    """Tell which segments, chooses and collects differ in meaning from OLD to NEW: two project folders, or two rule files.

    Meaning counts, not the writing: other spaces, comments, labels, an other order, other names of lets, or what they name written
    out, are no difference. A file stands for its version of the project above it; where there is none, of the other side's. Where
    there are data (in NEW, else in OLD), both versions are evaluated over them at one instant, and the accounts that enter and leave
    are counted. Without --as-of that instant is NEW's as_of, else OLD's, else now.

    Exit codes: 0 nothing differs, 1 something does, 2 trouble.
    """
    for path in (old, new):
        if path.is_dir() and not (path / FILE).is_file():
            raise click.BadParameter(f"{path} has no {FILE}", param_hint="OLD" if path is old else "NEW")
    try:
        with Progress() as progress:
            progress.stage("Comparing")
            found, told = _found(old, new, alone, limit if listed else 0, as_of, progress)
    except (Error, OSError, MemoryError) as error:
        failed(error)
        sys.exit(TROUBLE)
    if form == "json":
        click.echo(found.json())
    else:
        _show(found, told)
    sys.exit(DIFFER if found else 0)


def _found(old: Path, new: Path, alone: bool, limit: int, as_of: str | None, progress: Progress) -> tuple[Differences, str]:
    """The differences, and a sentence on the data that they were held against."""
    before, after = versions(old, new)
    folder = data_folder(before, after)
    at = _at(before, after, as_of)
    found = compared(before, after, folder)
    if not found:
        return found, ""
    if alone:
        return found, "no account was evaluated, as asked"
    if folder is None:
        source = after.project.schema.tables[after.project.schema.root].source
        return found, f"no account was evaluated: there are no data ({after.project.folder / source})" if source else "there are no data"
    progress.stage(f"Evaluating {len(found.differing):,} segments twice")
    found = with_accounts(found, before, after, folder, at, limit)
    return found, f"accounts of the data in {folder}, as of {found.as_of} ({after.project.schema.timezone})"


def _at(before: Version, after: Version, as_of: str | None) -> str:
    project = after.project if after.project.as_of is not None else before.project
    return written(moment(as_of, project, datetime.now(UTC).replace(microsecond=0)), "UTC")


def _show(found: Differences, told: str) -> None:
    click.echo(found.title())
    if not found:
        return
    click.echo()
    counted = found.as_of is not None
    head = ["", "kind", "name", *(["before", "after", "enter", "leave", "other value"] if counted else [])]
    rows = [[each.change, each.kind, visible(each.name), *(_numbers(each) if counted else [])] for each in found.differing]
    table([head, *rows], "<<<" + ">>>>>" * counted)
    for each in found.differing:
        _change(headline(each), each.diff)
        _accounts(each)
    for rest in found.below:
        _change(f"{rest.kind} {rest.name}, for {', '.join(rest.names)}", rest.diff)
    if found.settings:
        click.echo()
        for setting in found.settings:
            click.echo(visible(f"{FILE}: {setting.place}: {setting.old} → {setting.new}"))
    click.echo()
    click.echo(visible(told))


def _numbers(each: Difference) -> list[str]:
    moved = each.moved
    numbers: list[int | None] = [None] * 5 if moved is None else [moved.before, moved.after, moved.entered, moved.left, moved.changed]
    return ["" if number is None else f"{number:,}" for number in numbers]


def _change(head: str, diff: str) -> None:
    drawn = [[(visible(head), "bold")], *([(f"    {visible(line)}", _STYLES.get(line[:1], ""))] for line in diff.splitlines())]
    click.echo()
    lines(drawn)


def _accounts(each: Difference) -> None:
    moved = each.moved
    if moved is None or moved.accounts is None:
        return
    for word, keys, count in (("enter", moved.accounts.entered, moved.entered), ("leave", moved.accounts.left, moved.left)):
        if keys:
            click.echo(f"  {word}: {', '.join(map(_key, keys))}{_more(len(keys), count)}")
    if moved.accounts.changed:
        told = (f"{_key(key)}: {_value(old)} → {_value(new)}" for key, old, new in moved.accounts.changed)
        click.echo(f"  other values: {'; '.join(told)}{_more(len(moved.accounts.changed), moved.changed)}")


def _more(shown: int, count: int | None) -> str:
    return f" … {count - shown:,} more" if count is not None and count > shown else ""


def _key(key: Any) -> str:
    return visible(" ".join(map(str, key)) if isinstance(key, list) else str(key))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(_value, value))})"
    return "missing" if value is None else visible(str(value).lower() if isinstance(value, bool) else str(value))
