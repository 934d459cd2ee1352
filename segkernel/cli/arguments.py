"""Arguments that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from segkernel.errors import Error
from segkernel.instants import instant
from segkernel.project import FILE, Project
from segkernel.rules import Rules

_LEAST_MEMORY = 64 << 20


class ProjectFolder(click.Path):
    """A folder with project settings."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder as a path; wrong usage where it is not there or has no settings."""
        folder = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not (folder / FILE).is_file():
            self.fail(f"{folder} has no {FILE}", param, ctx)
        return folder


class OutputFolder(click.Path):
    """A folder to write to, which need not be there."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder as a path; wrong usage where it is empty, as an unset variable of a shell is."""
        if not value:
            self.fail("the name of the folder is empty", param, ctx)
        return super().convert(value, param, ctx)


class SavedFile(click.Path):
    """A file with memberships of an earlier run, which has to be there."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)


class Size(click.ParamType[int]):
    """A number of bytes, such as 4GB or 512 MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes; wrong usage for what is no such number, and for less than 64 MB."""
        found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT])i?B?\s*", value, re.IGNORECASE)
        if found is None:
            self.fail(f'"{value}" is no size; write one such as 4GB or 512MB', param, ctx)
        bytes_ = int(float(found[1]) * 1024 ** (1 + "KMGT".index(found[2].upper())))
        if bytes_ < _LEAST_MEMORY:
            self.fail(f'"{value}" is less than 64MB', param, ctx)
        return bytes_


def folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument DIR."""
    return click.argument("folder", type=ProjectFolder(), metavar="DIR")(command)


def at(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --as-of."""
    text = "The instant, such as 2026-01-15T12:00 (in the project's zone) or 2026-01-15T12:00Z."
    return click.option("--as-of", metavar="T", help=text)(command)


def moment(as_of: str | None, project: Project, started: datetime) -> int:
    """The instant of a run in nanoseconds since 1970-01-01T00:00Z: that of --as-of, else the project's, else the start.

    Raises a usage error where --as-of is no time.
    """
    if as_of is None:
        return instant(project.as_of or started, project.schema.timezone)
    try:
        return instant(as_of, project.schema.timezone)
    except Error as error:
        raise click.BadParameter(str(error), param_hint="--as-of") from None


def form(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --format."""
    choice = click.Choice(["text", "json"])
    return click.option("--format", "form", type=choice, default="text", show_default=True, help="Of what is printed.")(command)


def params(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --param, which may be given several times."""
    text = 'Another value for a param, such as quiet="30 days"; may be given several times.'
    return click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help=text)(command)


def parsed_params(given: tuple[str, ...]) -> dict[str, str]:
    """The texts of --param by name; the last of a name holds.

    Raises a usage error for one without `=`.
    """
    found = {}
    for item in given:
        name, sign, value = item.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(f'"{item}" is not NAME=VALUE', param_hint="--param")
        found[name.strip()] = value
    return found


def selected(rules: Rules, names: Sequence[str]) -> Rules:
    """The rules narrowed down to names that a command was given; all of them without names.

    Raises a usage error for an unknown name.
    """
    try:
        return rules.only(*names) if names else rules
    except Error as error:
        raise click.UsageError(str(error)) from None
