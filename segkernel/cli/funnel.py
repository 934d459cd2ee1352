"""`segkernel funnel`: what each clause of a segment does to all accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from segkernel.cli import COMMANDS
from segkernel.cli.arguments import at, folder, form, moment, params, parsed_params, selected
from segkernel.cli.terminal import Progress, table
from segkernel.instants import written
from segkernel.project import bound, opened


@click.command(short_help=COMMANDS["funnel"])
@folder
@click.argument("segment")
@at
@params
@form
def funnel(folder: Path, segment: str, as_of: str | None, params: tuple[str, ...], form: str) -> None:
    """Count the accounts that each clause of SEGMENT keeps alone, those that only it removes, and those of whom it cannot say.

    The last column has those that are left after it and all clauses before it. Of the terms of an `or`, it is told how many each
    of them alone lets in. Without --as-of the instant is the project's as_of, else now.
    """
    project = opened(folder)
    overrides = parsed_params(params)
    as_of_ns = moment(as_of, project, datetime.now(UTC).replace(microsecond=0))
    with Progress() as progress:
        progress.stage("Reading rules and data")
        rules, data = bound(project, project.files, overrides, partial(selected, names=(segment,)))
        progress.stage(f"Evaluating the clauses of {segment}")
        found = rules.funnel(data, segment, written(as_of_ns, "UTC"))
    if form == "json":
        click.echo(found.json())
        return
    click.echo(found.title())
    click.echo()
    table(*found.table())
