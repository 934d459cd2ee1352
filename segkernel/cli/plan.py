"""`segkernel plan`: show the program that a project's rules become."""

from __future__ import annotations

from pathlib import Path

import click

from segkernel.cli import COMMANDS
from segkernel.cli.arguments import folder, params, parsed_params, selected
from segkernel.compiling import compile
from segkernel.errors import RuleError
from segkernel.project import opened, pinned, typed


@click.command(short_help=COMMANDS["plan"])
@folder
@click.argument("segment", required=False)
@params
def plan(folder: Path, segment: str | None, params: tuple[str, ...]) -> None:
    """Show the program that the rules in DIR become, or just that of SEGMENT."""
    project = opened(folder)
    overrides = parsed_params(params)
    try:
        rules = pinned(project, project.files, overrides)
    except RuleError:
        rules = compile(list(project.files), typed(project), params=overrides)
    if segment is not None:
        rules = selected(rules, (segment,))
    click.echo(str(rules.program()).rstrip("\n"))
