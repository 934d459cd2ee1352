"""Tables larger than memory: accounts some thousands after the other, each with exactly the rows that are theirs.

The root's rows come in their order. Rows of tables that lead to it by links follow their owners: where a table is sorted as its owners are,
a batch's rows are a stretch of it; else it is parted once into temporary files. Tables that are looked up are held whole, and so are the
keys of tables that rows are linked to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.selectors import by_name

from segdsl.schema import Schema
from segkernel import meaning
from segkernel.data import keys
from segkernel.data.completion import source
from segkernel.data.digest import Growing
from segkernel.errors import Error
from segkernel.kernel.entries import NONE

if TYPE_CHECKING:
    from segkernel.rules import Rules


class Whole(Error):
    """Rules that reach from an account to rows of other accounts, so that accounts cannot come in batches."""


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
        self.accounts = _height(self._frames[root])
        self.size = size
        self.count = max(1, -(-self.accounts // size))
        edges = np.minimum(np.arange(self.count + 1, dtype=np.int64) * size, self.accounts)
        self._pieces = {root: Pieces(((None, edges),))}
        self._small = np.uint16 if self.count < 1 << 16 else np.uint32
        self._counted: set[str] = set()
        self._whole: dict[str, pl.DataFrame] = {}
        for name, frame in self._frames.items():
            if name != root and name not in owned:
                self._whole[name] = _collected(frame)
                prints.add(name, self._whole[name])
        numbers = {root: np.repeat(np.arange(self.count, dtype=self._small), np.diff(edges))}
        indexes = {root: self._index(root)}
        for table, links in owned.items():
            targets = [schema.tables[table].links[link].table for link in links]
            for owner in targets:
                if owner not in indexes:
                    indexes[owner] = self._index(owner)
            placed = self._place(table, {link: (indexes[owner], numbers[owner]) for link, owner in zip(links, targets, strict=True)})
            if any(schema.tables[other].links[link].table == table for other, each in owned.items() for link in each):
                numbers[table] = placed

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
                    parts.append(_collected(lazy.slice(first, end - first)))
            found[table] = pl.concat(parts, rechunk=True)
            if pieces.files[0][0] is None and table not in self._counted:
                self._prints.add(table, found[table])
                if batch == self.count - 1:
                    self._counted.add(table)
        return {name: found[name] for name in self._frames}

    def _index(self, owner: str) -> keys.Index:
        table = self._schema.tables[owner]
        names = [source(table, part) for part in table.key]
        parts = _collected(self._frames[owner].select(by_name(*names)))
        return keys.index(owner, table.key, [parts[name] for name in names])

    def _place(self, table: str, found_by: Mapping[str, tuple[keys.Index, NDArray[Any]]]) -> NDArray[Any]:
        """Finds out where the rows of each batch are; the batch of each row. By links, the keys of owners and the batches of these."""
        described = self._schema.tables[table]
        by = {link: [source(described, part) for part in described.links[link].by] for link in found_by}
        read = self._frames[table].select(by_name(*dict.fromkeys(column for columns in by.values() for column in columns)))
        rows = _height(self._frames[table])
        numbers: NDArray[Any] = np.zeros(rows, self._small)
        for first in range(0, rows, self._piece):
            frame = _collected(read.slice(first, self._piece))
            own = np.zeros(frame.height, self._small)
            known = np.zeros(frame.height, np.bool_)
            for link, (index, batches) in found_by.items():
                found = keys.find(index, [frame[column] for column in by[link]]).rows
                here = found != NONE
                batch = np.zeros(found.size, self._small)
                batch[here] = batches[found[here]]
                torn = np.flatnonzero(known & here & (batch != own))
                if torn.size:
                    raise Whole(f"row {first + int(torn[0]) + 1:,} of {table} leads to different accounts by {' and '.join(by)}")
                own[here], known = batch[here], known | here
            # Rows without an owner go along with the row before; where none has one, pieces take turns
            before = (numbers[first - 1] if first else 0) if known.any() else first // self._piece % self.count
            last = np.maximum.accumulate(np.where(known, np.arange(frame.height), -1))
            numbers[first : first + frame.height] = np.where(last >= 0, own[last], before)
        if bool(np.greater_equal(numbers[1:], numbers[:-1]).all()):
            edges = np.searchsorted(numbers, np.arange(self.count + 1)).astype(np.int64)
            self._pieces[table] = Pieces(((None, edges),))
        else:
            self._pieces[table] = Pieces(tuple(self._parted(table, numbers)))
        return numbers

    def _parted(self, table: str, numbers: NDArray[Any]) -> Iterator[tuple[Path, NDArray[np.int64]]]:
        """The table's rows in files, in each by their batches, and as they were within."""
        for first in range(0, len(numbers), self._piece):
            piece = _collected(self._frames[table].slice(first, self._piece))
            self._prints.add(table, piece)
            batch = numbers[first : first + piece.height]
            order = np.argsort(batch, kind="stable")
            path = self._folder / f"{len(self._pieces)}-{first // self._piece}.arrow"
            piece[order].write_ipc(path, compression="uncompressed")
            yield path, np.searchsorted(batch[order], np.arange(self.count + 1)).astype(np.int64)


def _height(lazy: pl.LazyFrame) -> int:
    return int(lazy.select(pl.len()).collect().item())


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    # The in-memory engine keeps the order of the rows
    return lazy.collect(engine="in-memory")
