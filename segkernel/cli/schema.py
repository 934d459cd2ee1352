"""`segkernel schema`: show what a project's tables hold, and pin the types that are found."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from segkernel.cli import COMMANDS
from segkernel.cli.arguments import folder
from segkernel.cli.terminal import Progress, table
from segkernel.project import FILE, opened
from segkernel.textual import visible


@click.command(short_help=COMMANDS["schema"])
@folder
@click.option("--write", is_flag=True, help=f"Pin the types that are found, in DIR/{FILE}.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of what is printed.")
def schema(folder: Path, write: bool, form: str) -> None:
    """Show the tables, links and fields of the project in DIR, as its data have them.

    With --write, the types of fields that are not pinned yet are added to segkernel.toml; then the rules can be checked
    without the data. Nothing else in the file changes.
    """
    project = opened(folder, rules_wanted=False)
    with Progress() as progress:
        progress.stage("Reading data")
        from segkernel.inventory import document, inventory, lines
        from segkernel.pinning import pin

        found = inventory(project)
        done = pin(project, found) if write else None
    if form == "json":
        added = {} if done is None else {"written": [f"{field.table}.{field.name}" for field in done.fields]}
        click.echo(msgspec.json.format(msgspec.json.encode({**document(found), **added}), indent=2).decode())
    else:
        tables, fields = lines(found)
        table([[visible(cell) for cell in row] for row in tables], "<><<<")
        click.echo()
        table([[visible(cell) for cell in row] for row in fields], "<<<><")
    unpinned = sum(not field.pinned and field.spec is not None and not field.typeless for field in found.fields)
    if done is None:
        if form == "text" and unpinned:
            click.echo(f"\n{_counted(unpinned)} not pinned; `segkernel schema {folder} --write` pins what it can")
        return
    for field, why in done.left:
        click.echo(visible(f"{field.table}.{field.name} is not pinned: {why}"), err=True)
    if form == "text":
        click.echo(f"\n{_counted(len(done.fields))} pinned in {folder / FILE}" if done.fields else "\nnothing to pin")


def _counted(count: int) -> str:
    return f"{count:,} field{'' if count == 1 else 's'}"
