"""`segkernel fmt`: write rules in their canonical form."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from segdsl.faces import UnreadableRules, format
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.source import Source
from segdsl.syntax import bare
from segkernel.cli import COMMANDS
from segkernel.cli.terminal import warn
from segkernel.errors import Error
from segkernel.rewriting import rewrite
from segkernel.rule_files import read_rules


@click.command(short_help=COMMANDS["fmt"])
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE...")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; name the files that would change (exit code 1 if any).")
@click.option("--diff", "show", is_flag=True, help="Write nothing; show what would change.")
def fmt(files: tuple[Path, ...], only_check: bool, show: bool) -> None:
    """Write rule files in their canonical form: same rules, same comments, one style.

    A file with mistakes in its grammar stays as it is, and its mistakes are told (exit code 1). Each file is replaced
    as a whole or not at all.
    """
    changed = kept = unreadable = 0
    for path in files:
        source = read_rules(path, Limits())
        try:
            text = _formatted(source)
        except UnreadableRules as error:
            warn(error.diagnostics, (source,))
            unreadable += 1
            continue
        if text == source.text:
            kept += 1
            continue
        changed += 1
        if show:
            click.echo(_difference(source, text), nl=False)
        if not (only_check or show):
            rewrite(path, text.encode())
        if only_check or not show:
            click.echo(f"{'would format' if only_check else 'formatted'} {path}", err=show)
    click.echo(_told(changed, kept, unreadable, only_check or show), err=show)
    sys.exit(1 if unreadable or (only_check and changed) else 0)


def _formatted(source: Source) -> str:
    """The canonical text of a file; raises `Error` should it not say the same, so that no such text is ever written."""
    before, mistakes = parse(source.text, source.name)
    if mistakes:
        raise UnreadableRules(mistakes, source)
    text = format(before)
    after, wrong = parse(text, source.name)
    if wrong or bare(after) != bare(before) or len(after.comments) != len(before.comments):
        raise Error(f"{source.name}: the canonical text would not say the same, so nothing is written; please report this")
    return text


def _difference(source: Source, text: str) -> str:
    """What changes, as a unified diff; a last line without an end is marked as such."""
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, source.name, f"{source.name} (formatted)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _told(changed: int, kept: int, unreadable: int, only: bool) -> str:
    parts = [
        f"{_counted(changed)} {'would be formatted' if only else 'formatted'}" if changed else "",
        f"{_counted(kept)} {'would stay' if only else 'left'} as {'it is' if kept == 1 else 'they are'}" if kept else "",
        f"{_counted(unreadable)} with mistakes" if unreadable else "",
    ]
    return ", ".join(part for part in parts if part)


def _counted(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
