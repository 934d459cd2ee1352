"""An evaluation in numbers: how many accounts each segment and each value of a choose or a collect has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from segkernel.choices import Choice, texts
from segkernel.errors import Error
from segkernel.instants import written
from segkernel.textual import aligned, percent, unknown_name, visible

if TYPE_CHECKING:
    from segkernel.population import Statistic

_SHOWN = 20


class Fingerprints(msgspec.Struct, frozen=True):
    """What a membership was made from, as hexadecimal digits: the rules' meaning, and what they read of the schema and the data
    (None where those were gone when it was asked)."""

    rules: str
    schema: str
    data: str | None


class Origin(msgspec.Struct, frozen=True, eq=False):
    """What an evaluation was of, whichever accounts its answers are about.

    `names` are the segments, chooses and collects in the order written; `chooses` and `collects` tell the values of the latter two.
    `as_of_ns` are nanoseconds since 1970-01-01T00:00Z, `root` is the root table, `orphans` are the rows whose link finds nobody, by
    (table, link). `fingerprints`, `meanings` (a fingerprint of each name) and `population` are called when they are first asked for.
    """

    names: tuple[str, ...]
    root: str
    chooses: Mapping[str, Choice]
    collects: Mapping[str, Choice]
    as_of_ns: int
    timezone: str
    orphans: Mapping[tuple[str, str], int]
    fingerprints: Callable[[], Fingerprints]
    meanings: Callable[[], dict[str, str]]
    population: Callable[[], tuple[Statistic, ...]] | None = None


class Tally:
    """The numbers of one evaluation, of `origin`.

    `names` are the segments, chooses and collects in the order written, `accounts` the number of rows, `as_of` and `timezone` the
    instant (ISO text) and zone, `root` the root table, `orphans` the rows whose link finds nobody, by (table, link).

    `counts` are the accounts of each segment, `unknown` those whose condition is unknown, where that was counted; `numbers` gives the
    accounts that have none and each of the values of a choose or collect, which `chooses` and `collects` tell.
    """

    def __init__(
        self,
        origin: Origin,
        accounts: int,
        counts: Mapping[str, int],
        unknown: Mapping[str, int] | None,
        numbers: Callable[[str], Sequence[int]],
    ) -> None:
        self.origin, self.accounts = origin, accounts
        self.names, self.root = origin.names, origin.root
        self.chooses, self.collects = origin.chooses, origin.collects
        self._kinds = {name: "choose" if name in self.chooses else "collect" if name in self.collects else "segment" for name in self.names}
        self.as_of, self.as_of_ns, self.timezone = written(origin.as_of_ns, origin.timezone), origin.as_of_ns, origin.timezone
        self.orphans = dict(origin.orphans)
        self._counts, self._unknown, self._numbers = counts, unknown, numbers

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """What was evaluated: `rules`, `schema` and `data`, each as hexadecimal digits; made when they are first asked for."""
        return self.origin.fingerprints()

    @cached_property
    def population(self) -> tuple[Statistic, ...] | None:
        """The different statistics of the population that the run found, in the order written, each with its groups, its values and the
        number of accounts that counted; None for a membership from a file, which does not keep them."""
        return None if self.origin.population is None else self.origin.population()

    def counts(self) -> pl.DataFrame:
        """How many accounts each segment and each value of a choose or a collect has, in the order written.

        Columns `name`; `value` (text; missing for segments, and for the accounts that have no value, a row
        that is there only where there are such); `accounts`; `share` (0 to 1, missing without accounts); and, where the
        evaluation asked for it, `unknown`: the accounts whose condition is unknown.
        """
        rows: list[tuple[str, str | None, int, int | None]] = []
        for name in self.names:
            if self.kind(name) == "segment":
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
        """The number of accounts in a segment. Raises `Error` for an unknown name, and for a choose or collect."""
        if self.kind(name) != "segment":
            raise Error(f'"{name}" is a {self.kind(name)}, not a segment: its numbers are result.values("{name}")')
        return self._counts[name]

    def values(self, name: str) -> list[tuple[str | None, int]]:
        """The values of a choose or a collect as text with their numbers of accounts, in the order written; last the accounts without
        any (None). Raises `Error` for an unknown name, and for a segment."""
        if self.kind(name) == "segment":
            raise Error(f'"{name}" is a segment, not a choose: its accounts are result.members("{name}")')
        none, *counted = self._numbers(name)
        known = texts(self.chooses[name] if name in self.chooses else self.collects[name], self.timezone)
        return [*zip(known, counted, strict=True), (None, none)]

    def unknown(self, name: str) -> int | None:
        """The number of accounts for which a segment's condition is unknown; None where the evaluation did not count them."""
        return None if self.kind(name) != "segment" or self._unknown is None else self._unknown.get(name, 0)

    def kind(self, name: str) -> str:
        """What a name is: `segment`, `choose` or `collect`. Raises `Error` for an unknown name."""
        if name not in self._kinds:
            raise Error(unknown_name(name, self.names))
        return self._kinds[name]

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
        for name, value, accounts, share in counts[:, :4].head(_SHOWN).iter_rows():
            missing = "" if self.kind(name) == "segment" else "(none)"
            rows.append([visible(name), missing if value is None else visible(value), f"{accounts:,}", percent(share)])
        if counts.height > _SHOWN:
            rows.append([f"… {counts.height - _SHOWN:,} more", "", "", ""])
        return rows


class Total:
    """The numbers of some accounts after the other as those of all; orphans, statistics and fingerprints are the last part's."""

    def __init__(self) -> None:
        self._accounts = 0
        self._counts: dict[str, int] = {}
        self._unknown: dict[str, int] = {}
        self._numbers: dict[str, list[int]] = {}

    def add(self, part: Tally) -> None:
        """The next accounts."""
        self._accounts += part.accounts
        for name in part.names:
            if part.kind(name) == "segment":
                self._counts[name] = self._counts.get(name, 0) + part.count(name)
                self._unknown[name] = self._unknown.get(name, 0) + (part.unknown(name) or 0)
            else:
                found = part._numbers(name)
                self._numbers[name] = [a + b for a, b in zip(self._numbers.get(name, [0] * len(found)), found, strict=True)]
        self._origin, self._known = part.origin, part._unknown is not None

    def tally(self) -> Tally:
        """The numbers of all that were added, which must be something."""
        return Tally(self._origin, self._accounts, self._counts, self._unknown if self._known else None, self._numbers.__getitem__)


def added(parts: Iterable[Tally]) -> Tally:
    """The numbers of some accounts after the other as those of all."""
    total = Total()
    for part in parts:
        total.add(part)
    return total.tally()
