"""`segkernel convert`: turn rules into JSON and back."""

from __future__ import annotations

from pathlib import Path

import click

from segdsl.faces import LONGEST_FORM, UnreadableForm, from_json, to_json
from segdsl.limits import Limits
from segkernel.cli import COMMANDS
from segkernel.errors import Error
from segkernel.rule_files import read_rules


@click.command(short_help=COMMANDS["convert"])
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "face", type=click.Choice(["json", "seg"]), required=True, help="What to print: the JSON form, or rules as text.")
def convert(file: Path, face: str) -> None:
    """Print a rule file in its JSON form, or the JSON form as a rule file.

    Nothing is lost on the way: comments, empty lines between rules and the spelling of numbers are kept.
    """
    if face == "json":
        source = read_rules(file, Limits())
        click.echo(to_json(source.text, source.name), nl=False)
        return
    with file.open("rb") as opened:
        data = opened.read(LONGEST_FORM + 1)
    try:
        click.echo(from_json(data), nl=False)
    except UnreadableForm as error:
        raise Error(f"{file}: {error}") from None
