"""What an evaluation found: which accounts are in which segment, the value of every choose, and the list of every collect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nanoarrow as na
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel import forks, listings
from segkernel.choices import lookup, texts
from segkernel.errors import Error
from segkernel.tally import Fingerprints, Origin, Tally

if TYPE_CHECKING:
    from segkernel.changes import Changes
    from segkernel.population import Statistic


class Membership:
    """The answers of one evaluation, in the row order of the root table's frame, from a run or from a file.

    `names` are the segments, chooses and collects in the order written, `accounts` the number of rows, `as_of` and `timezone` the
    instant (ISO text) and zone of the run, `orphans` the rows whose link finds nobody, by (table, link), `root` the root
    table and `keys` its key columns.

    `bits` uint64[words] are the segments, packed (64 accounts a word, least significant first, zero behind the last);
    `codes` unsigned[accounts] the chooses, whose values `chooses` tells; `lists` uint64[values, words] the collects, bits of each of
    the values that `collects` tells.
    """

    def __init__(
        self,
        origin: Origin,
        keys: pl.DataFrame,
        bits: Mapping[str, NDArray[np.uint64]],
        codes: Mapping[str, NDArray[Any]],
        lists: Mapping[str, NDArray[np.uint64]],
        counts: Mapping[str, int],
        unknown: Mapping[str, int] | None,
    ) -> None:
        values = {name: len(choice.values) for name, choice in origin.chooses.items()}
        self.tally = Tally(origin, keys.height, counts, unknown, partial(_numbers, keys.height, codes, lists, values))
        self.names, self.root, self.orphans = origin.names, origin.root, self.tally.orphans
        self.accounts, self.keys = keys.height, keys
        self.as_of, self.as_of_ns, self.timezone = self.tally.as_of, origin.as_of_ns, origin.timezone
        self.bits, self.codes, self.lists = bits, codes, lists
        self.chooses, self.collects = origin.chooses, origin.collects
        for array in (*bits.values(), *codes.values(), *lists.values()):
            array.flags.writeable = False  # Series share the segments' bits

    @staticmethod
    def load(path: str | Path) -> Membership:
        """The membership that `save` or `segkernel run` (wide layout) has written to a file; it asks and compares as the one saved.

        Its keys of Polars' type Categorical are String. Raises `SnapshotError` for a file that cannot be read, is damaged, or
        holds something else: what was expected, what was found, and what to do.
        """
        from segkernel.snapshot import load

        return load(path)

    def save(self, path: str | Path) -> None:
        """Write `frame()` to one Parquet file, with all that `load` needs as JSON in the file's metadata, under "segkernel".

        The file is written beside its place and renamed when it is whole: an earlier one stays if that fails. The bytes
        depend on the content only. Raises `Error` where it cannot be written.
        """
        from segkernel import output, snapshot

        forks.refuse("saving a membership")
        output.save(Path(path), output.Table(self.frame(), partial(snapshot.metadata, self)))

    def changes(self, since: Membership) -> Changes:
        """What changed from an earlier membership, `since`, to this one: who entered and left which segment, and other values.

        Accounts are the same where their keys are equal, whatever the order of rows. Raises `SnapshotError` where the two
        are not about the same root with the same key.
        """
        from segkernel.changes import compare

        if not isinstance(since, Membership):
            raise Error(f"since is a sk.Membership, such as sk.Membership.load(path), not {type(since).__name__}")
        return compare(self, since)

    def about(
        self,
        keys: pl.DataFrame,
        bits: Mapping[str, NDArray[np.uint64]],
        codes: Mapping[str, NDArray[Any]],
        lists: Mapping[str, NDArray[np.uint64]],
    ) -> Membership:
        """What the same evaluation answers of other accounts; where there are no `bits`, it is for chooses and collects alone."""
        return Membership(self.tally.origin, keys, bits, codes, lists, {}, None)

    @property
    def fingerprints(self) -> Fingerprints:
        """What the membership was made from: `rules`, `schema` and `data`, each as hexadecimal digits.

        Of a run they are made when they are first asked for, which goes through all data that the rules read once; a membership
        does not keep its data in memory, and where nobody else does any more, `data` is None.
        """
        return self.tally.fingerprints

    @cached_property
    def meanings(self) -> dict[str, str]:
        """The fingerprint of each name's own meaning: equal where a segment or choose means the same in two memberships."""
        return self.tally.origin.meanings()

    @property
    def population(self) -> tuple[Statistic, ...] | None:
        """The different statistics of the population that the run found, in the order written, each with its groups, its values and the
        number of accounts that counted; None for a membership from a file, which does not keep them."""
        return self.tally.population

    def __len__(self) -> int:
        """The number of accounts."""
        return self.accounts

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> pl.Series:
        """The answers of one name, a row an account: Boolean for a segment; for a choose an Enum of its texts, else its type; for a
        collect a List of these.

        The bits of a segment are shared, not copied. Raises `Error` for an unknown name.
        """
        self.kind(name)
        if name in self.codes:
            return lookup(self.chooses[name], self.timezone).gather(pl.Series(self.codes[name])).alias(name)
        if name in self.lists:
            return listings.column(self.lists[name], lookup(self.collects[name], self.timezone)[1:], self.accounts).alias(name)
        return self._boolean(name, self.bits[name])

    def columns(self, *names: str) -> dict[str, pl.Series]:
        """The Series of the names, or of all, for `frame.with_columns(**result.columns("vip"))`."""
        return {name: self[name] for name in names or self.names}

    def frame(self) -> pl.DataFrame:
        """The key and one column a name, a row an account.

        Raises `Error` where one of the names is that of a column of the key.
        """
        for name in self.keys.columns:
            if name in self.names:
                raise Error(f'"{name}" is a column of the key and a segment or choose as well; rename the latter')
        return self.keys.hstack([self[name] for name in self.names])

    def counts(self) -> pl.DataFrame:
        """How many accounts each segment and each value of a choose or a collect has, in the order written.

        Columns `name`; `value` (text; missing for segments, and for the accounts that have no value, a row
        that is there only where there are such); `accounts`; `share` (0 to 1, missing without accounts); and, where the
        evaluation asked for it, `unknown`: the accounts whose condition is unknown.
        """
        return self.tally.counts()

    def count(self, name: str) -> int:
        """The number of accounts in a segment. Raises `Error` for an unknown name, and for a choose or collect."""
        return self.tally.count(name)

    def values(self, name: str) -> list[tuple[str | None, int]]:
        """The values of a choose or a collect as text with their numbers of accounts, in the order written; last the accounts without
        any (None)."""
        return self.tally.values(name)

    def unknown(self, name: str) -> int | None:
        """The number of accounts for which a segment's condition is unknown; None where the evaluation did not count them."""
        return self.tally.unknown(name)

    def members(self, name: str, value: str | None = None) -> pl.Series | pl.DataFrame:
        """The keys of a segment's accounts, or of those with `value` (as text) in a choose or a collect, in row order.

        A Series for a key of one column, a DataFrame for more. Raises `Error` for an unknown name or value.
        """
        forks.refuse("picking members")
        return self._single(self.keys.filter(self._mask(name, value)))

    def long(self) -> pl.DataFrame:
        """A row for each account and each segment it is in or value it has (of a collect each): key, `name` and `value` (text, missing
        for segments).

        Ordered by name as written, then by row. Raises `Error` where the key has a column called `name` or `value`.
        """
        for column in ("name", "value"):
            if column in self.keys.columns:
                raise Error(f'the key has a column called "{column}", which the long form needs for itself; rename that column')
        forks.refuse("the long form")
        names, kinds = pl.Enum(list(self.names)), pl.String
        parts = [self.keys.clear().with_columns(pl.Series("name", [], dtype=names), pl.Series("value", [], dtype=kinds))]
        for name in self.names:
            if name in self.codes:
                codes = pl.Series(self.codes[name])
                found = pl.Series([None, *texts(self.chooses[name], self.timezone)], dtype=kinds)
                part = self.keys.with_columns(found.gather(codes).alias("value")).filter(codes != 0)
            elif name in self.lists:
                found = pl.Series(texts(self.collects[name], self.timezone), dtype=kinds)
                listed = listings.column(self.lists[name], found, self.accounts)
                part = self.keys.with_columns(listed.alias("value")).filter(listed.list.len() > 0).explode("value")
            else:
                part = self.keys.filter(self[name]).with_columns(pl.lit(None, dtype=kinds).alias("value"))
            parts.append(part.with_columns(pl.lit(name, dtype=names).alias("name")).select(parts[0].columns))
        return pl.concat(parts)

    def overlap(self, *names: str) -> pl.DataFrame:
        """How each two of some segments, or of all, overlap: a row a pair, in the order given.

        Columns `a` and `b` (Enum), the accounts in `both`, `only_a` and `only_b`, and `jaccard`: the share of both among those in
        either, missing where nobody is in either. Raises `Error` for an unknown name, a choose or collect, or fewer than two segments.
        """
        from segkernel.overlaps import overlaps

        forks.refuse("an overlap")
        for name in names:
            self.kind(name)
            if name not in self.bits:
                raise Error(f'"{name}" is a {self.kind(name)}, not a segment: compare segments')
        chosen = tuple(dict.fromkeys(names or self.bits))
        if len(chosen) < 2:
            raise Error("name two segments or more to compare")
        return overlaps(chosen, self.bits)

    def __repr__(self) -> str:
        return repr(self.tally)

    def _repr_html_(self) -> str:
        return self.tally._repr_html_()

    def kind(self, name: str) -> str:
        """What a name is: `segment`, `choose` or `collect`. Raises `Error` for an unknown name."""
        return self.tally.kind(name)

    def _mask(self, name: str, value: str | None) -> pl.Series:
        self.kind(name)
        if name in self.bits:
            if value is not None:
                raise Error(f'"{name}" is a segment and has no values')
            return self[name]
        found = texts((self.chooses if name in self.codes else self.collects)[name], self.timezone)
        listed = ", ".join(f'"{text}"' for text in found)
        if value is None:
            raise Error(f'"{name}" is a {self.kind(name)}: say whose members, result.members("{name}", value) with one of {listed}')
        if value not in found:
            raise Error(f'"{name}" never has the value "{value}"; its values are {listed}')
        if name in self.lists:
            return self._boolean(name, self.lists[name][found.index(value)])
        return pl.Series(self.codes[name]) == found.index(value) + 1

    def _boolean(self, name: str, words: NDArray[np.uint64]) -> pl.Series:
        array = na.c_array_from_buffers(na.bool_(), self.accounts, [None, words])
        return pl.Series(array, dtype=pl.Boolean).alias(name)

    def _single(self, keys: pl.DataFrame) -> pl.Series | pl.DataFrame:
        return keys.to_series() if keys.width == 1 else keys


def joined(parts: Sequence[Membership]) -> Membership:
    """Memberships of some accounts after the other, each but the last of a multiple of 64, as one; its numbers are not counted."""
    first = parts[0]
    return first.about(
        pl.concat([part.keys for part in parts]),
        {name: np.concatenate([part.bits[name] for part in parts]) for name in first.bits},
        {name: np.concatenate([part.codes[name] for part in parts]) for name in first.codes},
        {name: np.concatenate([part.lists[name] for part in parts], axis=1) for name in first.lists},
    )


def _numbers(
    accounts: int, codes: Mapping[str, NDArray[Any]], lists: Mapping[str, NDArray[np.uint64]], values: Mapping[str, int], name: str
) -> list[int]:
    """The accounts that have none and each of the values of a choose or collect."""
    if name in codes:
        counted: list[int] = np.bincount(codes[name], minlength=values[name] + 1).tolist()
        return counted
    *found, none = listings.counts(lists[name])
    return [none - (lists[name].shape[1] * 64 - accounts), *found]
