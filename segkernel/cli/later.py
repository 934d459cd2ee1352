"""Commands of the design that are not built yet: each says so, and does nothing."""

from __future__ import annotations

import click

_LATER = {
    "test": "run the tests of a project's rules",
}


def later() -> list[click.Command]:
    """The commands that only say that they are not built yet (exit code 2), hidden from the help."""
    return [_command(name, purpose) for name, purpose in _LATER.items()]


def _command(name: str, purpose: str) -> click.Command:
    def refuse(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(f"`segkernel {name}` ({purpose}) is not built yet")

    parameters: list[click.Parameter] = [click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)]
    settings = {"ignore_unknown_options": True}
    return click.Command(name, callback=refuse, params=parameters, hidden=True, context_settings=settings)
