"""What segkernel raises; every exception derives from `Error`."""

from __future__ import annotations

from collections.abc import Sequence

from segdsl.diagnostics import Diagnostic


class Error(Exception):
    """Anything that segkernel refuses."""


class RuleError(Error):
    """Mistakes in rules: `diagnostics` has each with its place; the text of the error shows them all."""

    def __init__(self, text: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(text)
        self.diagnostics = tuple(diagnostics)


class SchemaError(Error):
    """A schema or project file that contradicts itself, or settings that are not known."""


class DataError(Error):
    """Data that do not fit the schema, or a value that leaves its range: names table, column and first offenders."""


class SnapshotError(Error):
    """A saved membership that cannot be read or compared."""


class Cancelled(Error):
    """An evaluation that was stopped by its deadline or its caller."""
