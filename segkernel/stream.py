"""Rules over tables larger than memory: batch by batch, each a membership of the accounts that come next."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from segdsl.schema import Schema
from segkernel.batches import Batches, owners
from segkernel.data.dataset import Dataset
from segkernel.errors import DataError
from segkernel.evaluation import Evaluation, Stretch
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


def stream(
    rules: Rules,
    frames: Mapping[str, pl.LazyFrame],
    schema: Schema,
    as_of_ns: int,
    *,
    memory: int,
    size: int | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    unknowns: bool = False,
    bits: bool = True,
    folder: Path | None = None,
) -> Iterator[Membership]:
    """Memberships of the accounts of lazy `frames`, batch after batch in the row order of the root table, by rules checked against
    their `schema`.

    A batch has `size` accounts (a multiple of 64), or as many as take their share of `memory` bytes. Rows of related tables come with
    their accounts, tables that are looked up are held whole; temporary files go to `folder`, else where the system has them. Orphans and
    fingerprints are whole in the last membership. Without `bits` only tallies are. Raises `Whole` where rules reach from an account
    to the rows of others, and as `Rules.evaluate` does.
    """
    owned = owners(rules, schema)
    columns = rules.inputs
    limited = restricted(schema, rules, columns)
    empty = Dataset({name: pl.DataFrame(schema=frames[name].collect_schema()).select(each) for name, each in columns.items()}, limited)
    prints = empty.growing(columns)
    if size is None:
        size = _size(frames, columns, schema.root, owned, memory)
    program = rules.program(unknowns)
    with tempfile.TemporaryDirectory(prefix="segkernel-", dir=folder) as place:
        piece = max(_UNIT, memory // ROOM // 64) if size > _LOOKED_AT else size
        batches = Batches(frames, limited, columns, owned, Path(place), size, piece, prints)

        def data_of() -> Iterator[tuple[int, Dataset]]:
            for batch in range(batches.count):
                yield batches.first(batch), Dataset(batches.frames(batch), limited)

        orphans: dict[tuple[str, str], int] = {}
        known, kept = gathered(program, batches.accounts, data_of, rules.functions, as_of_ns)
        for number, (first, data) in enumerate(data_of()):
            try:
                linked = link(program, data, rules.functions, as_of_ns, known.of(first, data.rows))
                for where, count in data.orphans.items():
                    orphans[where] = orphans.get(where, 0) + count if where[0] in (schema.root, *owned) else count
                heard = None if progress is None else partial(_heard, progress, number, batches.count)
                stretch = Stretch(first, orphans, kept, prints.fingerprint)
                asked = Evaluation(rules, data, linked, as_of_ns, threads, heard, None, stretch)
                yield from asked.memberships(asked.some(bits), bits)
            except DataError as error:
                if batches.count == 1:
                    raise
                where_ = f"among accounts {first + 1:,} to {first + data.rows:,}, whose rows are counted from the first of them"
                raise DataError(f"{error} ({where_})", error.span) from None


def _size(
    frames: Mapping[str, pl.LazyFrame], columns: Mapping[str, tuple[str, ...]], root: str, owned: Mapping[str, str], memory: int
) -> int:
    """How many accounts take their share of memory, with the rows that are theirs, as far as the first rows of each table tell."""
    accounts = 1
    size = 0.0
    for name in (root, *owned):
        lazy = frames[name].select(columns[name])
        rows = lazy.select(pl.len()).collect().item()
        looked = lazy.head(_LOOKED_AT).collect(engine="in-memory")
        size += rows * looked.estimated_size() / max(1, looked.height)
        accounts = rows if name == root else accounts
    found = int(memory / ROOM / max(1.0, size / max(1, accounts)))
    return max(_UNIT, found // ROW_GROUP * ROW_GROUP if found > ROW_GROUP else found // _UNIT * _UNIT)


def _heard(progress: Callable[[float], None], batch: int, count: int, share: float) -> None:
    progress((batch + share) / count)
