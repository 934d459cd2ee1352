"""What is said on a terminal: tables, and what goes on once it takes more than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

import click

from segdsl.diagnostics import Diagnostic, render
from segdsl.source import Source
from segkernel.textual import aligned, visible

if TYPE_CHECKING:
    from rich.status import Status

_PATIENCE = 1.0
"""Seconds after which a terminal is told what goes on."""


class Progress:
    """Says on standard error, when that is a terminal, what is going on once it has taken a second."""

    def __init__(self) -> None:
        self._text = ""
        self._status: Status | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._show) if _terminal(sys.stderr) else None

    def __enter__(self) -> Progress:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._status is not None:
                self._status.stop()

    def stage(self, text: str) -> None:
        """Name what begins now."""
        with self._lock:
            self._text = text
            if self._status is not None:
                self._status.update(text)

    def part(self, share: float) -> None:
        """Tell how much of the stage is done, 0 to 1; called by an evaluation."""
        if self._status is not None:
            self._status.update(f"{self._text}: {share:.0%}")

    def _show(self) -> None:
        from rich.console import Console

        with self._lock:
            if self._timer is not None:
                self._status = Console(stderr=True).status(self._text)
                self._status.start()


def _terminal(stream: TextIO | None) -> bool:
    """Whether someone looks at a stream; there is none where the caller has closed it."""
    return stream is not None and stream.isatty()


def warn(warnings: Sequence[Diagnostic], sources: Sequence[Source]) -> None:
    """Show lints on standard error."""
    if warnings:
        click.echo(render(warnings, sources).rstrip("\n"), err=True)


def failed(error: Exception) -> None:
    """Say on standard error what went wrong: mistakes of rules with their places, anything else in a sentence."""
    if isinstance(error, MemoryError):
        said = "not enough memory"
    elif isinstance(error, OSError):
        place = f"cannot use {error.filename}: " if error.filename else ""
        said = f"{_visible(place)}{error.strerror or error}"
    else:
        said = _visible(str(error))
    click.echo(str(error) if getattr(error, "diagnostics", ()) else f"error: {said}", err=True)


def _visible(text: str) -> str:
    """The lines of a message; they may quote settings, names of files and data."""
    return "\n".join(visible(line) for line in text.split("\n"))


def table(rows: Sequence[Sequence[str]], sides: str) -> None:
    """Show rows, the first of them the head: as a table on a terminal, else as aligned text. `sides` has `<` or `>` a column."""
    if not _terminal(sys.stdout):
        click.echo("\n".join(aligned(rows, sides)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD)
    for head, side in zip(rows[0], sides, strict=True):
        shown.add_column(head, justify="left" if side == "<" else "right", overflow="fold")
    for row in rows[1:]:
        shown.add_row(*(Text(cell) for cell in row))
    Console().print(shown)


def lines(drawn: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Show lines of pieces of text, each with its style in Rich's words: with colours on a terminal, else the text alone."""
    if not _terminal(sys.stdout):
        click.echo("\n".join("".join(text for text, _ in line).rstrip() for line in drawn))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for line in drawn:
        console.print(Text.assemble(*line), soft_wrap=True)
