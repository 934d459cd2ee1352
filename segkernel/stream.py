"""Rules over tables larger than memory: batch by batch, each a membership of the accounts that come next."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import polars as pl
from polars.selectors import by_name

from segdsl.schema import Schema
from segkernel.batches import Batches, height, owners
from segkernel.data import strangers
from segkernel.data.completion import source
from segkernel.data.dataset import Dataset
from segkernel.data.sources import collected
from segkernel.deadline import Deadline
from segkernel.errors import DataError
from segkernel.evaluation import Evaluation, Stretch
from segkernel.leftovers import PREFIX, SUFFIX, held
from segkernel.link import link
from segkernel.link.gathering import gathered
from segkernel.membership import Membership
from segkernel.output import ROW_GROUP
from segkernel.project import restricted
from segkernel.rules import Rules

ROOM = 12
"""The share of memory, as a divisor, that the rows of a batch may take as they are read: they are read, bound, sorted and answered."""
_LOOKED_AT = 1 << 16
_UNIT = 64
_MOST = 1 << 31
"""So many rows a frame has, whatever the memory."""


class Stream:
    """Rules over lazy `frames` of their `schema`.

    A batch has `size` accounts (a multiple of 64), or as many as take their share of `memory` bytes. Rows of related tables come with
    their accounts, tables that are looked up are held whole; temporary files go to `folder`, else where the system has them. Raises
    `Whole` where rules reach from an account to the rows of others.
    """

    def __init__(
        self,
        rules: Rules,
        frames: Mapping[str, pl.LazyFrame],
        schema: Schema,
        *,
        memory: int,
        size: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self._owned = owners(rules, schema)
        self._rules, self._frames = rules, frames
        self._columns = rules.inputs
        self._schema = restricted(schema, rules, self._columns)
        self._memory, self._size, self._folder = memory, size, folder
        self._strangers: dict[tuple[str, str], dict[str, int]] = {}

    def warnings(self) -> list[str]:
        """What is odd, but no error, in what was read so far."""
        return [strangers.told(*where, found) for where, found in sorted(self._strangers.items())]

    def keys(self) -> pl.DataFrame:
        """The key columns of the root, in its row order."""
        table = self._schema.tables[self._schema.root]
        columns = [pl.col(f"^{re.escape(source(table, part))}$").alias(part) for part in table.key]
        return collected(self._schema.root, self._frames[self._schema.root].select(columns))

    def memberships(
        self,
        as_of_ns: int,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        unknowns: bool = False,
        bits: bool = True,
    ) -> Iterator[Membership]:
        """Memberships of the accounts, batch after batch, in the row order of the root table; without `bits` only their tallies are whole.

        `as_of_ns` are nanoseconds since 1970-01-01T00:00Z; `threads`, `progress` and `unknowns` are as for `Rules.evaluate`.
        Orphans, fingerprints and statistics are those of all data in the last. Raises what `Rules.evaluate` does.
        """
        rules, columns, limited = self._rules, self._columns, self._schema
        kinds = {name: pl.DataFrame(schema=self._frames[name].select(by_name(*each)).collect_schema()) for name, each in columns.items()}
        prints = Dataset(kinds, limited).growing(columns)
        size = min(_MOST, self._size or _size(self._frames, columns, limited.root, self._owned, self._memory))
        program = rules.program(unknowns)
        with tempfile.TemporaryDirectory(SUFFIX, PREFIX, self._folder) as place, held(Path(place)):
            piece = min(_MOST, max(_UNIT, self._memory // ROOM // 64)) if size > _LOOKED_AT else size
            batches = Batches(self._frames, limited, columns, self._owned, Path(place), size, piece, prints)

            def read() -> Iterator[tuple[int, Dataset]]:
                for batch in range(batches.count):
                    yield batches.first(batch), Dataset(batches.frames(batch), limited)

            orphans: dict[tuple[str, str], int] = {}
            try:
                known, kept = gathered(program, batches.accounts, read, rules.functions, as_of_ns)
            except DataError as error:
                raise rules.placed(error) from None
            for number, (first, data) in enumerate(read()):
                where = f"among accounts {first + 1:,} to {first + data.rows:,}, whose rows are counted from the first of them"
                try:
                    linked = link(program, data, rules.functions, as_of_ns, known.of(first, data.rows))
                    self._told(data, orphans)
                    heard = None if progress is None else partial(_heard, progress, number, batches.count)
                    stretch = Stretch(first, orphans, kept, prints.fingerprint)
                    asked = Evaluation(rules, data, linked, as_of_ns, threads, heard, Deadline(None), stretch)
                    yield from asked.memberships(asked.some(bits), bits)
                    del data, linked, asked  # before the next batch is read
                except DataError as error:
                    if batches.count == 1:
                        raise rules.placed(error) from None
                    raise DataError(f"{error} ({where})", error.span) from None

    def _told(self, data: Dataset, orphans: dict[tuple[str, str], int]) -> None:
        """Adds what a batch's data tell of themselves; tables that are held whole tell the same in each."""
        batched = (self._schema.root, *self._owned)
        for place, count in data.orphans.items():
            orphans[place] = orphans.get(place, 0) + count if place[0] in batched else count
        for field, values in data.strangers.items():
            known = self._strangers.setdefault(field, {})
            for value, rows in values.items():
                known[value] = known.get(value, 0) + rows if field[0] in batched else rows


def _size(frames: Mapping[str, pl.LazyFrame], columns: Mapping[str, tuple[str, ...]], root: str, owned: Iterable[str], memory: int) -> int:
    """How many accounts take their share of memory, with the rows that are theirs, as far as the first rows of each table tell."""
    accounts = 1
    size = 0.0
    for name in (root, *owned):
        lazy = frames[name].select(by_name(*columns[name]))
        rows = height(name, lazy)
        looked = collected(name, lazy.head(_LOOKED_AT))
        size += rows * looked.estimated_size() / max(1, looked.height)
        accounts = rows if name == root else accounts
    found = int(memory / ROOM / max(1.0, size / max(1, accounts)))
    return max(_UNIT, found // ROW_GROUP * ROW_GROUP if found > ROW_GROUP else found // _UNIT * _UNIT)


def _heard(progress: Callable[[float], None], batch: int, count: int, share: float) -> None:
    progress((batch + share) / count)
