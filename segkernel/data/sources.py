"""A table's rows: at hand, or behind a lazy frame of which columns are collected when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import polars as pl
from polars.selectors import by_name

from segkernel.errors import DataError

_MOST_ROWS = (1 << 32) - 2
_T = TypeVar("_T")


class Source:
    """The rows of one table. `name` is what errors call it; `given` a Polars frame, a lazy frame, or anything with an Arrow
    stream, which is read at once. `columns` and `schema` are known without reading a lazy frame; `frame` is what was read.

    Raises DataError for anything else, for what cannot be read, and for more rows than numbers of 32 bits count.
    """

    def __init__(self, name: str, given: Any) -> None:
        self.name = name
        self.lazy: pl.LazyFrame | None = None
        self._lock = threading.Lock()
        if isinstance(given, pl.LazyFrame):
            self.lazy = given
            self.frame = pl.DataFrame()
            self.schema = _told(name, given.collect_schema)
        else:
            self.frame = self._counted(_told(name, lambda: _frame(name, given)))
            self.schema = self.frame.schema

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order of the data."""
        return self.schema.names()

    @property
    def height(self) -> int | None:
        """How many rows there are; None as long as nothing of a lazy frame was read."""
        return None if self.lazy is not None and not self.frame.width else self.frame.height

    def renew(self) -> None:
        """See `forks`."""
        self._lock = threading.Lock()

    def read(self, columns: Iterable[str]) -> None:
        """Collect the columns of a lazy frame that were not collected yet, all in one go.

        Where others were collected before, they are collected again and must be the same: rows that come in another order each
        time would make accounts of parts of several. Raises DataError where they are not, and where rows cannot be read.
        """
        lazy = self.lazy
        if lazy is None:
            return
        with self._lock:
            before = self.frame
            fresh = [column for column in dict.fromkeys(columns) if column not in before.columns and column in self.schema]
            if not fresh:
                return
            found = self._counted(collected(self.name, lazy.select(by_name(*before.columns, *fresh))))
            if before.width and not found.select(before.columns).equals(before):
                raise DataError(
                    f"{self.name} gives other rows, or another order of them, than when it was first read; "
                    "collect the lazy frame before it is handed over, or sort it"
                )
            self.frame = found

    def series(self, column: str) -> pl.Series:
        """A column's values. Raises KeyError where there is no such column, DataError where a lazy frame cannot be read."""
        if column not in self.schema:
            raise KeyError(column)
        self.read([column])
        return self.frame[column]

    def _counted(self, frame: pl.DataFrame) -> pl.DataFrame:
        if frame.height > _MOST_ROWS:
            raise DataError(f"{self.name} has {frame.height:,} rows; a table can have {_MOST_ROWS:,}")
        return frame


def collected(name: str, lazy: pl.LazyFrame) -> pl.DataFrame:
    """All rows of a lazy frame, in their order. Raises DataError where they cannot be read; `name` is what it calls them."""
    return _told(name, lambda: lazy.collect(engine="in-memory"))  # the engine that keeps the order of rows


def _told(name: str, action: Callable[[], _T]) -> _T:
    try:
        return action()
    except (pl.exceptions.PolarsError, OSError, TypeError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{name} cannot be read: {reason}") from error
    except pl.exceptions.PanicException as error:
        raise DataError(f"{name} cannot be read: the data are damaged") from error


def _frame(name: str, given: Any) -> pl.DataFrame:
    if not isinstance(given, pl.DataFrame) and hasattr(given, "__arrow_c_stream__"):
        given = pl.DataFrame(given)
    if not isinstance(given, pl.DataFrame):
        raise DataError(f"{name}: expected a Polars frame, a lazy frame or an Arrow stream, found {type(given).__name__}")
    return given
