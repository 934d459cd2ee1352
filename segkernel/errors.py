"""What segkernel raises; every exception derives from `Error`."""

from __future__ import annotations

from collections.abc import Sequence

from segdsl.diagnostics import Diagnostic
from segdsl.errors import Error, SchemaError
from segdsl.syntax import Span

__all__ = ["Cancelled", "DataError", "Error", "RecordError", "RuleError", "SchemaError", "SnapshotError"]


class RuleError(Error):
    """Mistakes in rules: `diagnostics` has each with its place; the text of the error shows them all."""

    def __init__(self, text: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(text)
        self.diagnostics = tuple(diagnostics)


LEAVES_ITS_RANGE = "a number leaves its range: whole numbers go from -2^63 to 2^64 - 1, decimals to 128 bits"
LEAVES_THE_CALENDAR = "a time leaves the years 1677 to 2262, as far as the calendar of a run reaches"


class DataError(Error):
    """Data that do not fit the schema, or a value that leaves its range: names table, column and first offenders.

    `span` is the place in the rules that asked for the value, where there is one.
    """

    def __init__(self, text: str, span: Span | None = None) -> None:
        super().__init__(text)
        self.span = span


class RecordError(Error):
    """A record that lacks what the rules read, or has something of another type: names the place in the record."""


class SnapshotError(Error):
    """A saved membership that cannot be read or compared."""


class Cancelled(Error):
    """An evaluation that was stopped by its deadline or its caller."""
