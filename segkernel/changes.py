"""What changed from one membership to a later one: who entered and left which segment, whose value or list is another."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from segkernel import choices, forks, listings
from segkernel.data import keys, physical
from segkernel.errors import DataError, Error, SnapshotError
from segkernel.membership import Membership
from segkernel.textual import aligned, unknown_name, visible

CHANGE = pl.Enum(["entered", "left"])
_ENTERED, _LEFT = np.uint8(0), np.uint8(1)
_SHOWN = 20


class Moves(msgspec.Struct, frozen=True, eq=False):
    """The accounts that one segment won or lost: `rows` uint32, in ascending order, of the later membership's rows
    followed by the gone accounts; `change` uint8 of each, 0 entered, 1 left."""

    rows: NDArray[np.uint32]
    change: NDArray[np.uint8]


class Matched(msgspec.Struct, frozen=True, eq=False):
    """Two memberships' rows: `before` int64, the earlier row of each later row, `earlier` (one past the last) for new
    accounts, None where both have the same rows in the same order; `gone` int64 are the earlier rows that are no more."""

    before: NDArray[np.int64] | None
    gone: NDArray[np.int64]
    earlier: int


class Changes:
    """What differs between two memberships.

    `segments`, `chooses` and `collects` are the names that both answer, in the later one's order; `redefined` those of them whose
    meaning has changed, so that accounts moved by the rules and not only by the data; `added` and `removed` the names that only the
    later, only the earlier one answers: these have no changes. `since` and `as_of` are the instants of both (ISO text).
    An account that only one of the two has leaves all segments that it was in, or enters all that it is in.
    """

    def __init__(
        self,
        later: Membership,
        earlier: Membership,
        accounts: pl.DataFrame,
        matched: Matched,
        moves: Mapping[str, Moves],
        names: tuple[str, ...],
    ) -> None:
        self.segments = tuple(name for name in names if name in moves)
        self.chooses = tuple(name for name in names if name in later.codes)
        self.collects = tuple(name for name in names if name in later.lists)
        self.redefined = tuple(name for name in names if later.meanings[name] != earlier.meanings[name])
        self.added = tuple(name for name in later.names if name not in names)
        self.removed = tuple(name for name in earlier.names if name not in names)
        self.since, self.as_of = earlier.as_of, later.as_of
        self._names = names
        self._later, self._earlier = later, earlier
        self._accounts = accounts
        self._matched = matched
        self._moves = moves

    def __len__(self) -> int:
        """The number of rows of `frame()`."""
        return sum(moves.rows.size for moves in self._moves.values())

    def frame(self) -> pl.DataFrame:
        """A row for each account and each segment that it entered or left: key, `segment`, `change` (`entered` or `left`).

        Ordered by segment as written, then by the later membership's rows, then, in the earlier one's order, the accounts
        that are no more. Raises `Error` where the key has a column called `segment` or `change`.
        """
        _free(self._accounts, "segment", "change")
        moves = [self._moves[name] for name in self.segments]
        rows = np.concatenate([np.zeros(0, np.uint32), *(each.rows for each in moves)])
        change = np.concatenate([np.zeros(0, np.uint8), *(each.change for each in moves)])
        segment = np.repeat(np.arange(len(moves), dtype=np.uint32), [each.rows.size for each in moves])
        return self._accounts[rows].with_columns(
            pl.Series(self.segments, dtype=pl.Enum(self.segments)).gather(pl.Series(segment)).alias("segment"),
            CHANGE.categories.cast(CHANGE).gather(pl.Series(change)).alias("change"),
        )

    def entered(self, name: str) -> pl.Series | pl.DataFrame:
        """The keys of the accounts that entered a segment, as `members` gives keys. Raises `Error` for other names."""
        return self._moved(name, _ENTERED)

    def left(self, name: str) -> pl.Series | pl.DataFrame:
        """The keys of the accounts that left a segment, as `members` gives keys. Raises `Error` for other names."""
        return self._moved(name, _LEFT)

    def values(self, name: str) -> pl.DataFrame:
        """The accounts whose value of a choose is another than before: key, `old`, `new`; missing where there was or is none.

        Of a collect, those whose list has other values, lists in `old` and `new`; missing where there was or is no such account.
        `old` and `new` have the types that the two memberships have; texts share one Enum, the later's values first.
        Ordered as `frame()` is. Raises `Error` for a name that is no choose and no collect of both, and where the key has a column
        called `old` or `new`.
        """
        if name in self.collects:
            _free(self._accounts, "old", "new")
            before, after = (choices.lookup(side.collects[name], side.timezone)[1:] for side in (self._earlier, self._later))
            return self._relisted(name, *_alike(before, after))
        if name not in self.chooses:
            raise Error(self._other(name, "choose", f'its accounts are changes.entered("{name}") and changes.left("{name}")'))
        _free(self._accounts, "old", "new")
        rows, old, new = self._changed(name)
        before, after = (choices.lookup(side.chooses[name], side.timezone) for side in (self._earlier, self._later))
        before, after = _alike(before, after)
        return self._accounts[rows].with_columns(before.gather(pl.Series(old)).alias("old"), after.gather(pl.Series(new)).alias("new"))

    def texts(self) -> pl.DataFrame:
        """`values` of all chooses and collects in one frame: key, `name`, `old` and `new` as people read them, the values of a list
        with a comma between them (none is the empty text); ordered by name as written, chooses first.

        Raises `Error` where the key has a column of one of these names.
        """
        _free(self._accounts, "name", "old", "new")
        names = pl.Enum([*self.chooses, *self.collects])
        kinds = {"name": names, "old": pl.String(), "new": pl.String()}
        parts = [self._accounts.clear().with_columns(pl.Series(column, [], dtype=kind) for column, kind in kinds.items())]
        for name in self.chooses:
            rows, old, new = self._changed(name)
            told = [
                pl.Series([None, *choices.texts(side.chooses[name], side.timezone)], dtype=pl.String).gather(pl.Series(codes)).alias(column)
                for column, side, codes in (("old", self._earlier, old), ("new", self._later, new))
            ]
            parts.append(self._accounts[rows].with_columns(pl.lit(name, dtype=names).alias("name"), *told))
        for name in self.collects:
            before, after = (
                pl.Series(choices.texts(side.collects[name], side.timezone), dtype=pl.String) for side in (self._earlier, self._later)
            )
            joined = [pl.col(column).list.join(", ") for column in ("old", "new")]
            part = self._relisted(name, before, after).with_columns(pl.lit(name, dtype=names).alias("name"), *joined)
            parts.append(part.select(parts[0].columns))
        return pl.concat(parts)

    def counts(self) -> pl.DataFrame:
        """A row for each name that both answer: `name`, `entered` and `left` (missing but for segments), `changed` (the accounts
        with another value or list; missing for a segment) and `redefined`."""
        rows: list[tuple[str, int | None, int | None, int | None, bool]] = []
        for name in self._names:
            if name in self._moves:
                left = int(np.count_nonzero(self._moves[name].change))
                rows.append((name, self._moves[name].change.size - left, left, None, name in self.redefined))
            else:
                changed = self._changed(name)[0] if name in self.chooses else self._listed(name)[0]
                rows.append((name, None, None, changed.size, name in self.redefined))
        kinds = {"name": pl.String, "entered": pl.Int64, "left": pl.Int64, "changed": pl.Int64, "redefined": pl.Boolean}
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def __repr__(self) -> str:
        return "\n".join([self._title(), *aligned(self._table(), "<>>>"), *self._told()])

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        told = "".join(f"<p>{escape(line)}</p>" for line in self._told())
        return f"<table><caption>{escape(self._title())}</caption><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>{told}"

    def _title(self) -> str:
        return f"Changes of {self._later.accounts:,} accounts from {self.since} to {self.as_of}"

    def _table(self) -> list[list[str]]:
        """A head and a row for each of the first names."""
        counts = self.counts()
        rows = [["name", "entered", "left", "changed"]]
        for name, *numbers, _ in counts.head(_SHOWN).iter_rows():
            rows.append([visible(name), *("" if number is None else f"{number:,}" for number in numbers)])
        if counts.height > _SHOWN:
            rows.append([f"… {counts.height - _SHOWN:,} more", "", "", ""])
        return rows

    def _told(self) -> list[str]:
        told = (("redefined", self.redefined), ("added", self.added), ("removed", self.removed))
        return [f"{what}: {', '.join(map(visible, names))}" for what, names in told if names]

    def _moved(self, name: str, change: np.uint8) -> pl.Series | pl.DataFrame:
        forks.refuse("picking accounts")
        if name not in self._moves:
            raise Error(self._other(name, "segment", f'its accounts are changes.values("{name}")'))
        moves = self._moves[name]
        found: pl.DataFrame = self._accounts[moves.rows[moves.change == change]]
        return found.to_series() if found.width == 1 else found

    def _changed(self, name: str) -> tuple[NDArray[np.uint32], NDArray[Any], NDArray[Any]]:
        """The rows, as in `Moves`, of the accounts whose value of a choose changed, with both codes."""
        later, earlier, matched = self._later, self._earlier, self._matched
        numbers: dict[Any, int] = {}
        both = []
        for side in (earlier, later):
            choice = side.chooses[name]
            known = [numbers.setdefault(choices.exact(choice, code), len(numbers) + 1) for code in range(1, len(choice.values) + 1)]
            both.append(np.array([0, *known], np.uint32))
        codes = earlier.codes[name]
        before = codes if matched.before is None else np.append(codes, np.zeros(1, codes.dtype))[matched.before]
        changed = np.flatnonzero(both[0][before] != both[1][later.codes[name]])
        lost = np.flatnonzero(codes[matched.gone])
        rows = np.concatenate([changed, later.accounts + lost]).astype(np.uint32)
        old = np.concatenate([before[changed], codes[matched.gone[lost]]])
        return rows, old, np.concatenate([later.codes[name][changed], np.zeros(lost.size, np.uint8)])

    def _listed(self, name: str) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.uint64]]:
        """The rows, as in `Moves`, of the accounts whose list has other values, with the bits of all such rows, old and new.

        An account that only one of the memberships has is among them where it has a list with values.
        """
        later, earlier = self._later.lists[name], self._earlier.lists[name]
        rows = self._later.accounts + self._matched.gone.size
        old = np.stack([_before(bitmap, rows, self._matched) for bitmap in earlier])
        new = np.zeros((later.shape[0], old.shape[1]), np.uint64)
        new[:, : later.shape[1]] = later
        before, after = (
            [choices.exact(side.collects[name], code) for code in range(1, len(side.collects[name].values) + 1)]
            for side in (self._earlier, self._later)
        )
        changed = np.zeros(old.shape[1], np.uint64)
        nothing = np.zeros(old.shape[1], np.uint64)
        for value in dict.fromkeys([*before, *after]):
            changed |= (old[before.index(value)] if value in before else nothing) ^ (new[after.index(value)] if value in after else nothing)
        return np.flatnonzero(listings.flags(changed)).astype(np.uint32), old, new

    def _relisted(self, name: str, before: pl.Series, after: pl.Series) -> pl.DataFrame:
        """The accounts whose list has other values, with both lists, made of the values `before` and `after`."""
        rows, old, new = self._listed(name)
        fresh = np.zeros(rows.size, np.bool_)
        if self._matched.before is not None:
            known = rows < self._later.accounts
            fresh[known] = self._matched.before[rows[known]] == self._matched.earlier
        told = {}
        for column, bits, values, absent in (("old", old, before, fresh), ("new", new, after, rows >= self._later.accounts)):
            picked = np.stack([listings.packed(listings.flags(bitmap)[rows]) for bitmap in bits])
            lists = listings.column(picked, values, rows.size).alias(column)
            told[column] = pl.select(pl.when(pl.Series(~absent)).then(lists).alias(column)).to_series()
        return self._accounts[rows].with_columns(**told)

    def _other(self, name: str, wanted: str, hint: str) -> str:
        """Why there are no changes of this kind for a name."""
        if name in self.added or name in self.removed:
            side = "later" if name in self.added else "earlier"
            return f'"{name}" is answered by the {side} membership alone: there is nothing to compare'
        if name not in self._names:
            return unknown_name(name, self._names)
        return f'"{name}" is a {self._later.kind(name)}, not a {wanted}: {hint}'


class Comparison:
    """A membership that comes in parts, of some accounts after the other, held against an earlier one; no part is kept, but for the
    values of chooses and the lists of collects.

    `keys` and `root` are the later one's. Accounts are the same where their keys are equal, whatever the order of rows. Raises
    `SnapshotError` where the two are not about the same root with the same key.
    """

    def __init__(self, keys_: pl.DataFrame, root: str, earlier: Membership) -> None:
        forks.refuse("comparing memberships")
        _same_key(keys_, root, earlier)
        self._keys, self._earlier = keys_, earlier
        self._matched = _matched(keys_, earlier)
        self._moves: dict[str, list[Moves]] = {}
        self._codes: dict[str, list[NDArray[Any]]] = {}
        self._lists: dict[str, list[NDArray[np.uint64]]] = {}
        self._rows = 0

    def add(self, part: Membership) -> None:
        """The next accounts; all parts but the last have a multiple of 64."""
        for name in part.bits.keys() & self._earlier.bits.keys():
            moves = _moves(part.bits[name], self._earlier.bits[name], self._rows, part.accounts, self._matched)
            self._moves.setdefault(name, []).append(moves)
        for name, codes in part.codes.items():
            self._codes.setdefault(name, []).append(codes)
        for name, held in part.lists.items():
            self._lists.setdefault(name, []).append(held.copy())
        self._rows += part.accounts
        self._part = part.about(part.keys.clear(), {}, {}, {})

    def changes(self) -> Changes:
        """What changed, when all parts were added."""
        part, earlier, matched = self._part, self._earlier, self._matched
        codes = {name: np.concatenate(each) for name, each in self._codes.items()}
        lists = {name: np.concatenate(each, axis=1) for name, each in self._lists.items()}
        later = part.about(self._keys, {}, codes, lists)
        names = tuple(name for name in later.names if name in earlier.names and later.kind(name) == earlier.kind(name))
        gone = earlier.keys[matched.gone]
        accounts = pl.DataFrame([_joined(here, there) for here, there in zip(later.keys, gone, strict=True)])
        moves = {name: _whole(self._moves[name], earlier.bits[name], later.accounts, matched) for name in names if name in self._moves}
        return Changes(later, earlier, accounts, matched, moves, names)


def compare(later: Membership, earlier: Membership) -> Changes:
    """What changed from an earlier membership to a later one; see `Comparison`."""
    comparison = Comparison(later.keys, later.root, earlier)
    comparison.add(later)
    return comparison.changes()


def _same_key(later: pl.DataFrame, root: str, earlier: Membership) -> None:
    if root != earlier.root:
        raise SnapshotError(f"expected an earlier membership of {root}, found one of {earlier.root}")
    if later.columns != earlier.keys.columns:
        wanted, found = (", ".join(side.columns) for side in (later, earlier.keys))
        raise SnapshotError(f"expected an earlier membership with the key ({wanted}), found one with the key ({found})")
    for here, there in zip(later, earlier.keys, strict=True):
        if physical.mismatch(here.dtype, there.dtype):
            wanted, found = physical.described(here.dtype), physical.described(there.dtype)
            raise SnapshotError(f'expected an earlier membership whose key "{here.name}" is {wanted}, found {found}')


def _matched(later: pl.DataFrame, earlier: Membership) -> Matched:
    nobody = np.zeros(0, np.int64)
    if later.equals(earlier.keys):
        return Matched(None, nobody, earlier.accounts)
    try:
        index = keys.index("the earlier membership", earlier.keys.columns, list(earlier.keys))
    except DataError as error:
        raise SnapshotError(f"expected an earlier membership in which every account has one row: {error}") from None
    before = np.minimum(keys.find(index, list(later)).rows, np.uint32(earlier.accounts)).astype(np.int64)
    still = np.zeros(earlier.accounts + 1, np.bool_)
    still[before] = True
    return Matched(before, np.flatnonzero(~still[:-1]), earlier.accounts)


def _moves(later: NDArray[np.uint64], earlier: NDArray[np.uint64], first: int, rows: int, matched: Matched) -> Moves:
    """What changed among the `rows` accounts from number `first` on, of whom `later` are the bits."""
    if matched.before is None:
        before = earlier[first // 64 : first // 64 + later.size]
    else:
        before = listings.packed(_bits_at(earlier, matched.before[first : first + rows], matched.earlier))
    words = np.flatnonzero(later != before)
    places = np.flatnonzero(listings.flags(later[words] ^ before[words]))
    entered = listings.flags(later[words])[places]
    changed = (first + words[places // 64] * 64 + places % 64).astype(np.uint32)
    return Moves(changed, np.where(entered, _ENTERED, _LEFT))


def _whole(parts: list[Moves], earlier: NDArray[np.uint64], rows: int, matched: Matched) -> Moves:
    """The moves of all parts, behind them the accounts that are no more, numbered from `rows` on."""
    lost = np.flatnonzero(_bits_at(earlier, matched.gone, matched.earlier))
    gone = (rows + lost).astype(np.uint32)
    changed = np.concatenate([*(each.rows for each in parts), gone])
    return Moves(changed, np.concatenate([*(each.change for each in parts), np.full(gone.size, _LEFT)]))


def _bits_at(words: NDArray[np.uint64], rows: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """The bits of some rows; none for the row `count`, which there is not."""
    if not count:
        return np.zeros(rows.size, np.bool_)
    known = rows < count
    at = np.where(known, rows, 0)
    found: NDArray[np.bool_] = (words[at >> 6] >> (at & 63).astype(np.uint64) & np.uint64(1)).astype(np.bool_)
    return found & known


def _before(earlier: NDArray[np.uint64], rows: int, matched: Matched) -> NDArray[np.uint64]:
    """The earlier bits of the later rows, followed by those of the gone accounts, uint64[words of `rows`]."""
    if matched.before is None:
        return earlier
    flags = np.append(listings.flags(earlier)[: matched.earlier], False)
    found = listings.packed(flags[np.concatenate([matched.before, matched.gone])])
    assert found.size == -(-rows // 64)
    return found


def _alike(before: pl.Series, after: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Values of two memberships; texts in one Enum, the later's values first."""
    if isinstance(before.dtype, pl.Enum) and isinstance(after.dtype, pl.Enum):
        both = pl.Enum(list(dict.fromkeys([*after.dtype.categories, *before.dtype.categories])))
        return before.cast(both), after.cast(both)
    return before, after


def _joined(here: pl.Series, there: pl.Series) -> pl.Series:
    """A key's column of the later accounts followed by that of the gone ones, in a type that holds both."""
    if here.dtype != there.dtype:
        texts = (pl.String, pl.Categorical, pl.Enum)
        if isinstance(here.dtype, texts) or isinstance(there.dtype, texts):
            here, there = here.cast(pl.String), there.cast(pl.String)
        elif isinstance(here.dtype, pl.Datetime | pl.Duration) and isinstance(there.dtype, pl.Datetime | pl.Duration):
            finer = min(here.dtype.time_unit, there.dtype.time_unit, key=("ns", "us", "ms").index)
            here, there = here.dt.cast_time_unit(finer), there.dt.cast_time_unit(finer)
            if isinstance(here.dtype, pl.Datetime) and here.dtype.time_zone is not None:
                there = there.dt.convert_time_zone(here.dtype.time_zone)
    return pl.concat([here.to_frame(), there.to_frame().rename({there.name: here.name})], how="vertical_relaxed").to_series()


def _free(accounts: pl.DataFrame, *columns: str) -> None:
    """Whether accounts can be shown with these columns beside their keys."""
    forks.refuse("a table of changes")
    for column in columns:
        if column in accounts.columns:
            raise Error(f'the key has a column called "{column}", which the changes need for themselves; rename that column')
