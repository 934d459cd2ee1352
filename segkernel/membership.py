"""What an evaluation found: which accounts are in which segment, and the value of every choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import nanoarrow as na
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.checked import Rules
from segkernel.choices import lookup, texts
from segkernel.errors import Error
from segkernel.instants import written
from segkernel.textual import aligned, percent, unknown_name, visible

_SHOWN = 20


class Membership:
    """The answers of one evaluation, in the row order of the root table's frame.

    `names` are the segments and chooses in the order written, `accounts` the number of rows, `as_of` and `timezone` the
    instant (ISO text) and zone of the run, `orphans` the rows whose link finds nobody, by (table, link).

    Segments are held as packed bits (64 accounts a word, least significant first), chooses as unsigned codes.
    """

    def __init__(
        self,
        rules: Rules,
        names: Sequence[str],
        keys: pl.DataFrame,
        *,
        bits: Mapping[str, NDArray[np.uint64]],
        choices: Mapping[str, NDArray[Any]],
        counts: Mapping[str, int],
        unknown: Mapping[str, int] | None,
        as_of_ns: int,
        timezone: str,
        orphans: Mapping[tuple[str, str], int],
    ) -> None:
        self.names = tuple(names)
        self.accounts = keys.height
        self.as_of = written(as_of_ns, timezone)
        self.as_of_ns = as_of_ns
        self.timezone = timezone
        self.orphans = dict(orphans)
        self._rules = rules
        self._keys = keys
        self._bits = bits
        self._choices = choices
        self._counts = counts
        self._unknown = unknown
        for array in (*bits.values(), *choices.values()):
            array.flags.writeable = False  # Series share the segments' bits

    def __len__(self) -> int:
        """The number of accounts."""
        return self.accounts

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> pl.Series:
        """The answers of one name, a row an account: Boolean for a segment; for a choose an Enum of its texts, else its type.

        The bits of a segment are shared, not copied. Raises `Error` for an unknown name.
        """
        self._known(name)
        if name in self._choices:
            return lookup(self._rules.chooses[name], self.timezone).gather(pl.Series(self._choices[name])).alias(name)
        return self._boolean(name, self._bits[name])

    def columns(self, *names: str) -> dict[str, pl.Series]:
        """The Series of the names, or of all, for `frame.with_columns(**result.columns("vip"))`."""
        return {name: self[name] for name in names or self.names}

    def frame(self) -> pl.DataFrame:
        """The key and one column a name, a row an account.

        Raises `Error` where a segment or choose is called like a column of the key.
        """
        for name in self._keys.columns:
            if name in self.names:
                raise Error(f'"{name}" is a column of the key and a segment or choose as well; rename the latter')
        return self._keys.with_columns([self[name] for name in self.names])

    def counts(self) -> pl.DataFrame:
        """How many accounts each segment and each value of a choose has, in the order written.

        Columns `name`; `value` (text; missing for segments, and for the accounts of a choose that have no value, a row
        that is there only where there are such); `accounts`; `share` (0 to 1, missing without accounts); and, where the
        evaluation asked for it, `unknown`: the accounts whose condition is unknown.
        """
        rows: list[tuple[str, str | None, int, int | None]] = []
        for name in self.names:
            if name in self._bits:
                rows.append((name, None, self._counts[name], self.unknown(name)))
            else:
                rows.extend((name, value, count, None) for value, count in self.values(name) if value is not None or count)
        share = [count / self.accounts if self.accounts else None for _, _, count, _ in rows]
        table: dict[str, pl.Series] = {
            "name": pl.Series([row[0] for row in rows], dtype=pl.String),
            "value": pl.Series([row[1] for row in rows], dtype=pl.String),
            "accounts": pl.Series([row[2] for row in rows], dtype=pl.Int64),
            "share": pl.Series(share, dtype=pl.Float64),
        }
        if self._unknown is not None:
            table["unknown"] = pl.Series([row[3] for row in rows], dtype=pl.Int64)
        return pl.DataFrame(table)

    def count(self, name: str) -> int:
        """The number of accounts in a segment. Raises `Error` for an unknown name, and for a choose."""
        self._known(name)
        if name not in self._bits:
            raise Error(f'"{name}" is a choose, not a segment: its numbers are result.values("{name}")')
        return self._counts[name]

    def values(self, name: str) -> list[tuple[str | None, int]]:
        """The values of a choose as text with their numbers of accounts, in the order written; last the accounts without (None)."""
        self._known(name)
        if name not in self._choices:
            raise Error(f'"{name}" is a segment, not a choose: its accounts are result.members("{name}")')
        found = texts(self._rules.chooses[name], self.timezone)
        counts = np.bincount(self._choices[name], minlength=len(found) + 1)
        return [*((value, int(counts[code])) for code, value in enumerate(found, 1)), (None, int(counts[0]))]

    def unknown(self, name: str) -> int | None:
        """The number of accounts for which a segment's condition is unknown; None where the evaluation did not count them."""
        self._known(name)
        return None if self._unknown is None or name in self._choices else self._unknown.get(name, 0)

    def members(self, name: str, value: str | None = None) -> pl.Series | pl.DataFrame:
        """The keys of a segment's accounts, or of those with `value` (as text) in a choose, in row order.

        A Series for a key of one column, a DataFrame for more. Raises `Error` for an unknown name or value.
        """
        return self._single(self._keys.filter(self._mask(name, value)))

    def long(self) -> pl.DataFrame:
        """A row for each account and each segment it is in or value it has: key, `name` and `value` (text, missing for segments).

        Ordered by name as written, then by row. Raises `Error` where the key has a column called `name` or `value`.
        """
        for column in ("name", "value"):
            if column in self._keys.columns:
                raise Error(f'the key has a column called "{column}", which the long form needs for itself; rename that column')
        names, kinds = pl.Enum(list(self.names)), pl.String
        parts = [self._keys.clear().with_columns(pl.Series("name", [], dtype=names), pl.Series("value", [], dtype=kinds))]
        for name in self.names:
            if name in self._choices:
                codes = pl.Series(self._choices[name])
                found = pl.Series([None, *texts(self._rules.chooses[name], self.timezone)], dtype=kinds)
                part = self._keys.with_columns(found.gather(codes).alias("value")).filter(codes != 0)
            else:
                part = self._keys.filter(self[name]).with_columns(pl.lit(None, dtype=kinds).alias("value"))
            parts.append(part.with_columns(pl.lit(name, dtype=names).alias("name")).select(parts[0].columns))
        return pl.concat(parts)

    def overlap(self, first: str, second: str) -> int:
        """The number of accounts in both of two segments."""
        for name in (first, second):
            self._known(name)
            if name not in self._bits:
                raise Error(f'"{name}" is a choose, not a segment: compare segments')
        return int(self._boolean("", self._bits[first] & self._bits[second]).sum())

    def __repr__(self) -> str:
        return "\n".join([self._title(), *aligned(self._table(), "<" * 2 + ">" * 3)])

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><caption>{escape(self._title())}</caption><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"

    def _title(self) -> str:
        return f"Membership of {self.accounts:,} accounts as of {self.as_of} ({self.timezone})"

    def _table(self) -> list[list[str]]:
        """A head and a row for each of the first names."""
        counts = self.counts()
        rows = [["name", "value", "accounts", "share"]]
        for name, value, accounts, share in counts.select("name", "value", "accounts", "share").head(_SHOWN).iter_rows():
            missing = "(none)" if name in self._choices else ""
            rows.append([visible(name), missing if value is None else visible(value), f"{accounts:,}", percent(share)])
        if counts.height > _SHOWN:
            rows.append([f"… {counts.height - _SHOWN:,} more", "", "", ""])
        return rows

    def _known(self, name: str) -> None:
        if name not in self.names:
            raise Error(unknown_name(name, self.names))

    def _mask(self, name: str, value: str | None) -> pl.Series:
        self._known(name)
        if name in self._bits:
            if value is not None:
                raise Error(f'"{name}" is a segment and has no values')
            return self[name]
        found = texts(self._rules.chooses[name], self.timezone)
        listed = ", ".join(f'"{text}"' for text in found)
        if value is None:
            raise Error(f'"{name}" is a choose: say whose members, result.members("{name}", value) with one of {listed}')
        if value not in found:
            raise Error(f'"{name}" never has the value "{value}"; its values are {listed}')
        return pl.Series(self._choices[name]) == found.index(value) + 1

    def _boolean(self, name: str, words: NDArray[np.uint64]) -> pl.Series:
        array = na.c_array_from_buffers(na.bool_(), self.accounts, [None, words])
        return pl.Series(array, dtype=pl.Boolean).alias(name)

    def _single(self, keys: pl.DataFrame) -> pl.Series | pl.DataFrame:
        return keys.to_series() if keys.width == 1 else keys
