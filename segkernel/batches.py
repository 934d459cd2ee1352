"""Tables larger than memory: accounts some thousands after the other, each with exactly the rows that are theirs.

The root's rows come in their order. Rows of tables that lead to it by links follow their owners: where a table is sorted as its owners are,
a batch's rows are a stretch of it; else it is parted once into temporary files. Tables that are looked up are held whole, and so are,
while batches are made up, the keys of tables that rows are linked to, unless they are whole numbers that ascend from row to row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.selectors import by_name

from segdsl.schema import Schema, Table
from segkernel import meaning
from segkernel.data import keys
from segkernel.data.completion import source
from segkernel.data.digest import Growing
from segkernel.data.sources import collected
from segkernel.errors import Error
from segkernel.kernel.entries import NONE

if TYPE_CHECKING:
    from segkernel.rules import Rules


class Whole(Error):
    """Rules that reach from an account to rows of other accounts, so that accounts cannot come in batches."""


Route = Callable[[Sequence[pl.Series]], tuple[NDArray[np.bool_], NDArray[Any]]]
"""For the columns of a link: which rows have an owner, and its batch."""


class Pieces(msgspec.Struct, frozen=True):
    """Where a table's rows of each batch stand: files (None: the table itself) with the first row and the end for each batch."""

    files: tuple[tuple[Path | None, NDArray[np.int64]], ...]


def owners(rules: Rules, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The tables whose rows come with the accounts that own them, owners first, each with its links to owners.

    Raises `Whole` where rules reach rows of other accounts.
    """
    batched = [schema.root]
    linked: dict[str, dict[str, str]] = {}
    for owner in batched:
        for table, link in sorted(rules.reads.links):
            if schema.tables[table].links[link].table == owner:
                if table == schema.root:
                    raise Whole(f"{table}.{link} leads from accounts to other accounts")
                linked.setdefault(table, {})[link] = owner
                if table not in batched:
                    batched.append(table)
    for relation in meaning.relations(rules.checked, rules.names):
        for table, link in relation.chain:
            if table in batched and schema.tables[table].links[link].table not in batched:
                raise Whole(f"the rows of {table} are reached from {schema.tables[table].links[link].table}, which several accounts share")
    found: dict[str, tuple[str, ...]] = {}
    while len(found) < len(linked):
        ready = [table for table in linked if table not in found and {*linked[table].values()} <= {schema.root, *found}]
        if not ready:
            raise Whole(f"links of {' and '.join(sorted(linked.keys() - found.keys()))} lead round in a circle")
        found.update((table, tuple(linked[table])) for table in ready)
    return found


class Batches:
    """The rows of lazy `frames` by batches of `size` accounts; of each table the `columns`, by the data's names.

    `owned` is what `owners` tells of the rules, `folder` takes temporary files, of tables about `piece` rows each. What is read is added to
    `prints`, table by table in the order of its rows. Raises DataError where keys of owners are missing or repeated, `Whole` where owners
    of a row are in different batches.
    """

    def __init__(
        self,
        frames: Mapping[str, pl.LazyFrame],
        schema: Schema,
        columns: Mapping[str, Sequence[str]],
        owned: Mapping[str, Sequence[str]],
        folder: Path,
        size: int,
        piece: int,
        prints: Growing,
    ) -> None:
        self._frames = {name: frames[name].select(by_name(*each)) for name, each in columns.items()}
        self._schema, self._owned, self._folder, self._piece, self._prints = schema, owned, folder, piece, prints
        root = schema.root
        self.accounts = height(root, self._frames[root])
        self.size = size
        self.count = max(1, -(-self.accounts // size))
        edges = np.minimum(np.arange(self.count + 1, dtype=np.int64) * size, self.accounts)
        self._pieces = {root: Pieces(((None, edges),))}
        self._small = np.uint16 if self.count < 1 << 16 else np.uint32
        self._counted: set[str] = set()
        self._whole: dict[str, pl.DataFrame] = {}
        for name, frame in self._frames.items():
            if name != root and name not in owned:
                self._whole[name] = collected(name, frame)
                prints.add(name, self._whole[name])
        whole = np.repeat(np.arange(self.count, dtype=self._small), np.diff(edges))
        routes = {root: self._route(root, whole)}
        for table, links in owned.items():
            numbers = self._place(table, {link: routes[schema.tables[table].links[link].table] for link in links})
            if any(self._links_to(table)):
                routes[table] = self._route(table, numbers)

    def first(self, batch: int) -> int:
        """The number of the first account of a batch."""
        return batch * self.size

    def frames(self, batch: int) -> dict[str, pl.DataFrame]:
        """The rows of a batch, in the tables' order. Batches that are gone through for the first time must come in their order."""
        found = dict(self._whole)
        for table, pieces in self._pieces.items():
            parts: list[pl.DataFrame] = []
            for file, edges in pieces.files:
                first, end = int(edges[batch]), int(edges[batch + 1])
                lazy = self._frames[table] if file is None else pl.scan_ipc(file)
                if end > first or not parts:
                    parts.append(collected(table, lazy.slice(first, end - first)))
            found[table] = pl.concat(parts, rechunk=True)
            if pieces.files[0][0] is None and table not in self._counted:
                self._prints.add(table, found[table])
                if batch == self.count - 1:
                    self._counted.add(table)
        return {name: found[name] for name in self._frames}

    def _links_to(self, owner: str) -> Iterator[tuple[str, Table, str]]:
        """The tables whose rows an owner's rows own, each with its description and the link."""
        for other, links in self._owned.items():
            described = self._schema.tables[other]
            yield from ((other, described, link) for link in links if described.links[link].table == owner)

    def _route(self, owner: str, numbers: NDArray[Any]) -> Route:
        """How rows find their owners' batches, which are `numbers` for the owners' rows. Raises DataError for keys that are no keys."""
        table = self._schema.tables[owner]
        names = [source(table, part) for part in table.key]
        read = self._frames[owner].select(by_name(*names))
        by = [
            self._frames[other].select(source(described, described.links[link].by[0])).collect_schema().dtypes()[0]
            for other, described, link in self._links_to(owner)
        ]
        alone = all(len(links) == 1 for links in self._owned.values())
        if alone and len(names) == 1 and all(map(_small_whole, [*read.collect_schema().dtypes(), *by])) and _ascending(numbers):
            firsts = self._firsts(owner, read, numbers)
            if firsts is not None:
                return partial(_by_stretch, *firsts)
        parts = collected(owner, read)
        return partial(_by_key, keys.index(owner, table.key, [parts[name] for name in names]), numbers)

    def _firsts(self, owner: str, read: pl.LazyFrame, numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[Any]] | None:
        """The first key of each batch that has rows, and which batch it is; None where keys do not ascend from row to row."""
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[:1] ^ 1))
        firsts = np.zeros(starts.size, np.int64)
        before: int | None = None
        for first in range(0, len(numbers), self._piece):
            series = collected(owner, read.slice(first, self._piece)).to_series()
            if series.null_count():
                return None
            found = series.cast(pl.Int64).to_numpy()
            if (found[1:] <= found[:-1]).any() or (before is not None and found[0] <= before):
                return None
            before = int(found[-1])
            here = (starts >= first) & (starts < first + found.size)
            firsts[here] = found[starts[here] - first]
        return firsts, numbers[starts]

    def _place(self, table: str, routes: Mapping[str, Route]) -> NDArray[Any]:
        """Finds out where the rows of each batch are; the batch of each row. `routes` are by links."""
        described = self._schema.tables[table]
        by = {link: [source(described, part) for part in described.links[link].by] for link in routes}
        read = self._frames[table].select(by_name(*dict.fromkeys(column for columns in by.values() for column in columns)))
        rows = height(table, self._frames[table])
        numbers: NDArray[Any] = np.zeros(rows, self._small)
        for first in range(0, rows, self._piece):
            frame = collected(table, read.slice(first, self._piece))
            own = np.zeros(frame.height, self._small)
            known = np.zeros(frame.height, np.bool_)
            for link, route in routes.items():
                here, batch = route([frame[column] for column in by[link]])
                torn = np.flatnonzero(known & here & (batch != own))
                if torn.size:
                    raise Whole(f"row {first + int(torn[0]) + 1:,} of {table} leads to different accounts by {' and '.join(by)}")
                own[here], known = batch[here], known | here
            # Rows without an owner go along with the row before; where none has one, pieces take turns
            before = (numbers[first - 1] if first else 0) if known.any() else first // self._piece % self.count
            last = np.maximum.accumulate(np.where(known, np.arange(frame.height), -1))
            numbers[first : first + frame.height] = np.where(last >= 0, own[last], before)
        if _ascending(numbers):
            edges = np.searchsorted(numbers, np.arange(self.count + 1)).astype(np.int64)
            self._pieces[table] = Pieces(((None, edges),))
        else:
            self._pieces[table] = Pieces(tuple(self._parted(table, numbers)))
        return numbers

    def _parted(self, table: str, numbers: NDArray[Any]) -> Iterator[tuple[Path, NDArray[np.int64]]]:
        """The table's rows in files, in each by their batches, and as they were within."""
        for first in range(0, len(numbers), self._piece):
            piece = collected(table, self._frames[table].slice(first, self._piece))
            self._prints.add(table, piece)
            batch = numbers[first : first + piece.height]
            order = np.argsort(batch, kind="stable")
            path = self._folder / f"{len(self._pieces)}-{first // self._piece}.arrow"
            piece[order].write_ipc(path, compression="uncompressed")
            yield path, np.searchsorted(batch[order], np.arange(self.count + 1)).astype(np.int64)


def _by_key(index: keys.Index, numbers: NDArray[Any], parts: Sequence[pl.Series]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """By the rows of the keys."""
    found = keys.find(index, parts).rows
    here = found != NONE
    batch = np.zeros(found.size, numbers.dtype)
    batch[here] = numbers[found[here]]
    return here, batch


def _by_stretch(firsts: NDArray[np.int64], batches: NDArray[Any], parts: Sequence[pl.Series]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """By where keys that ascend begin in each batch; rows whose owner there is not go along with those whose keys are near."""
    here = parts[0].is_not_null().to_numpy()
    found = parts[0].fill_null(0).cast(pl.Int64).to_numpy()
    if not firsts.size:
        return np.zeros(found.size, np.bool_), np.zeros(found.size, batches.dtype)
    return here, batches[np.maximum(np.searchsorted(firsts, found, "right") - 1, 0)]


def _small_whole(dtype: pl.DataType) -> bool:
    """Whether int64 holds all values of a type of whole numbers."""
    return dtype in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)


def _ascending(numbers: NDArray[Any]) -> bool:
    return bool(np.greater_equal(numbers[1:], numbers[:-1]).all())


def height(name: str, lazy: pl.LazyFrame) -> int:
    """How many rows a lazy frame has. Raises as `collected`."""
    return int(collected(name, lazy.select(pl.len())).item())
