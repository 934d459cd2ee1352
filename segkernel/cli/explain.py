"""`segkernel explain`: why an account is in a segment or not."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from segkernel.cli import COMMANDS
from segkernel.cli.arguments import at, folder, form, moment, params, parsed_params, selected
from segkernel.cli.terminal import Progress, lines
from segkernel.instants import written
from segkernel.project import bound, opened


@click.command(short_help=COMMANDS["explain"])
@folder
@click.option("--account", "key", multiple=True, required=True, metavar="KEY", help="Its key; again for each further column of the key.")
@click.option("--segment", "name", metavar="NAME", help="A segment or choose; without it all are listed, each with its answer.")
@at
@params
@form
def explain(folder: Path, key: tuple[str, ...], name: str | None, as_of: str | None, params: tuple[str, ...], form: str) -> None:
    """Say why an account is in a segment or not: each clause with its answer (✓ true, ✗ false, ? unknown) and what it saw.

    Without --as-of the instant is the project's as_of, else now. The data are read as they are.
    """
    project = opened(folder)
    overrides = parsed_params(params)
    as_of_ns = moment(as_of, project, datetime.now(UTC).replace(microsecond=0))
    from segkernel.why.account import with_keys
    from segkernel.why.drawing import drawn, overview

    with Progress() as progress:
        progress.stage("Reading rules and data")
        rules, data = bound(project, project.files, overrides, partial(selected, names=(name,) if name else ()), with_keys)
        progress.stage("Explaining")
        found = rules.explain_all(data, key, written(as_of_ns, "UTC"))
    if form == "json":
        told = found if name is None else found[0]
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
    elif name is None:
        lines(overview(found))
    else:
        lines(drawn(found[0]))
