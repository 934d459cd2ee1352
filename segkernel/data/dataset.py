"""Tables as the kernel reads them: bound once, column by column, and kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.schema import Schema
from segkernel import forks
from segkernel.data import buckets, completion, digest, groups, keys, lists, narrowing, physical, spaces, strangers, zones
from segkernel.data.columns import Column
from segkernel.data.keys import Index
from segkernel.data.sources import Source
from segkernel.data.spaces import Chain, Space
from segkernel.errors import DataError, Error, SchemaError

_Made = TypeVar("_Made")


class Dataset:
    """Tables, their links and what rules read of them.

    `tables` are Polars frames, lazy frames or anything with an Arrow stream, by name. `schema` says which is the root, what
    its key is and how tables are linked; types come from the data where it pins none. Tables and columns that it names may
    be absent as long as no rule reads them. Without it, `root`, `key` (a column or several), `links`
    (`{"orders": {"customer": ("customers", "customer_id")}}`) and `timezone` say so, and all that they name must be there.

    Columns, keys and links are read when they are first used, by any number of threads, and kept as long as the dataset
    lives, in one copy for all rule sets: at most one of each column for each zone and each way on which rules come to it. Of a
    lazy frame, the columns that rules read are collected when the first rules are evaluated, and once; the rest never is.

    `schema` is then complete; of lazy frames it does not know what is missing. Raises SchemaError or DataError.
    """

    def __init__(
        self,
        tables: Mapping[str, Any],
        schema: Schema | None = None,
        *,
        root: str | None = None,
        key: str | Iterable[str] | None = None,
        links: Mapping[str, Mapping[str, Any]] | None = None,
        timezone: str = "UTC",
    ) -> None:
        forks.refuse("a dataset")
        if not isinstance(tables, Mapping):
            raise SchemaError(f"tables are a mapping of names to frames, not {type(tables).__name__}")
        whole = schema is None
        if schema is None:
            schema = completion.declared(list(tables), root, key, links, timezone)
        elif root is not None or key is not None or links is not None:
            raise SchemaError("give a schema, or root, key and links, not both")
        zones.check(schema.timezone)
        self._sources = {name: Source(name, given) for name, given in tables.items()}
        self.schema = completion.complete(self._sources, schema, whole)
        self._checked: dict[str, set[str]] = {name: set() for name in self._sources}
        self._orphans: dict[tuple[str, str], int] = {}
        self._strangers: dict[tuple[str, str], dict[str, int]] = {}
        self._lock = threading.Lock()
        self._made: dict[Any, Future[Any]] = {}
        self._makers: dict[Any, int] = {}
        forks.remember(self)
        if self._sources[schema.root].lazy is None:
            self._index(schema.root)

    def __repr__(self) -> str:
        heights = {name: source.height for name, source in self._sources.items()}
        counted = ", ".join(f"{name}: {'not read yet' if rows is None else f'{rows:,} rows'}" for name, rows in heights.items())
        return f"Dataset({counted}; root {self.schema.root})"

    refilled = False
    """Whether other rows will stand in the same memory: a dataset is what it is."""

    @property
    def rows(self) -> int:
        """How many rows the root has."""
        return self.height(self.schema.root)

    @property
    def orphans(self) -> dict[tuple[str, str], int]:
        """For each (table, link) used so far, how many rows have a link value that nobody has."""
        with self._lock:
            return dict(sorted(self._orphans.items()))

    @property
    def warnings(self) -> list[str]:
        """What is odd, but no error, in what was read so far."""
        return [strangers.told(*where, found) for where, found in sorted(self.strangers.items())]

    @property
    def strangers(self) -> dict[tuple[str, str], dict[str, int]]:
        """The values that a field's closed list does not have, in how many rows each, by (table, field), of what was read so far."""
        with self._lock:
            return dict(self._strangers)

    def lazy(self) -> dict[str, pl.LazyFrame]:
        """The tables as lazy frames, of which nothing is read for that."""
        return {name: source.frame.lazy() if source.lazy is None else source.lazy for name, source in self._sources.items()}

    def keys(self) -> pl.DataFrame:
        """The key columns of the root, in its row order."""
        root = self.schema.root
        self._index(root)
        return pl.DataFrame([self._series(root, part).alias(part) for part in self.schema.tables[root].key])

    def height(self, table: str) -> int:
        """How many rows a table has; of a lazy frame of which nothing was read yet, its key is read, or else its first column."""
        source = self._source(table)
        if source.height is None:
            key = [completion.source(self.schema.tables[table], part) for part in self.schema.tables[table].key]
            self.read({table: key or source.columns[:1]})
        return source.height or 0

    def read(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Collect columns of lazy frames, by table and by the data's names, each table's in one go; what is there already stays.

        Raises DataError for a table or column that is not there, also of other frames, where rows cannot be read, or where values
        are missing that the schema says never are.
        """
        for table, wanted in columns.items():
            source = self._source(table)
            for column in wanted:
                if column not in source.schema:
                    fields = self.schema.tables[table].fields
                    called = next((field for field, spec in fields.items() if spec.column == column), column)
                    raise DataError(completion.absent(table, column, source.columns, "" if column == called else f" (the field {called})"))
            if source.lazy is None or self._checked[table].issuperset(wanted):
                continue
            forks.refuse("reading a lazy frame")
            source.read(wanted)
            completion.check_never_missing(table, self.schema.tables[table], source, wanted)
            self._checked[table].update(wanted)

    def space(self, chain: Chain, root: str | None = None) -> Space:
        """The rows that a chain of (table, link) leads from, in the order of their owners; () is all of `root` (else the
        schema's root) as it stands."""
        base = root or self.schema.root
        return self._once(("space", chain or base), lambda: self._space(chain, base))

    def owned(self, chain: Chain, above: Chain) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The rows of one space seen from another, see `spaces.owned`."""
        return spaces.owned(self.space(chain), above)

    def under(self, program: object) -> Dataset:
        """The dataset as a program sees it: they all see it alike."""
        return self

    def rows_at(self, chain: Chain, path: tuple[str, ...], root: str | None = None, stage: object = None) -> NDArray[np.uint32] | None:
        """For each row of a space the number of the row of the table at the end of `path`; None for all rows as they stand."""
        return self._rows(self.space(chain, root), path)

    def column(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str | None = None) -> Column:
        """A field in the row order of a space: of its table, or of the one that the links of `path` lead to.

        `timezone` is the zone in which timestamps without one are read. A link that finds nobody gives a missing value.
        Raises DataError where the data do not fit, KeyError where there is no such table, link or field.
        """
        space = self.space(chain, root)
        if space.table == lists.ITEMS:
            return self._items_column(space, timezone)
        table = self._reached(space, path)
        zone = self._zone(table, name, timezone)
        return self._once(("column", chain or space.table, path, name, zone), lambda: self._column(space, path, table, name, zone))

    def bucketed(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str, share: tuple[int, str]) -> Column:
        """The buckets of a field's values in the row order of a space, see `buckets.bucketed`."""
        return buckets.bucketed(self.column(chain, path, name, timezone, root), *share)

    def picked(self, table: str, name: str, rows: NDArray[np.int64]) -> pl.Series:
        """The values of a field in some rows of its table, by number, as the data have them."""
        return self._series(table, name).gather(rows)

    def ranks(self, chain: Chain, timezone: str, root: str | None = None) -> NDArray[np.uint32] | None:
        """Where each row of a space stands among those of its table, by the table's key, else as they are; None where the space's
        rows are in that order, as groups always are. `timezone` and `root` as in `column`."""
        space = self.space(chain, root)
        if groups.is_groups(space.chain):
            return None
        return self._once(("ranks", chain or space.table, timezone), lambda: self._ranks(space, timezone))

    def key(self, table: str, meaning: Any, make: Callable[[], NDArray[Any]]) -> None:
        """Keeps what rows of a table are grouped by, codes (unsigned) of all its rows with 0 for missing, under its meaning, so that
        a chain can name it; made where it is not there yet."""
        self._once(("key", table, meaning), make)

    def forget(self, moment: groups.Moment) -> None:
        """Lets go of the groups that were formed for one moment, and of all that is in their order."""
        with self._lock:
            for what in [each for each in self._made if groups.rests_on(each, moment)]:
                del self._made[what]

    def prepare(self, wanted: Iterable[tuple[Any, ...]], threads: int | None = None, check: Callable[[], None] = lambda: None) -> None:
        """Read the columns of `wanted` (what `column` takes, each) on several threads; the result is the same.

        What takes longest begins first: rows in the order of their owners, then columns, long ones before short ones. `check` is called
        before each, and may raise to stop there.
        """
        todo = list(dict.fromkeys(wanted))
        orders = dict.fromkeys((each[0], *each[4:]) for each in todo if each[0])

        def read(make: Callable[..., Any], each: tuple[Any, ...]) -> None:
            check()
            make(*each)

        with ThreadPoolExecutor(max(1, threads or os.cpu_count() or 1)) as pool:
            tasks = [pool.submit(read, self.space, each) for each in orders]
            tasks += [pool.submit(read, self.column, each) for each in sorted(todo, key=self._length, reverse=True)]
            try:
                for task in tasks:
                    task.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _length(self, wanted: tuple[Any, ...]) -> int:
        """How many rows a column of `prepare` has in its table, as far as that is known before."""
        chain, path, _, _, *root = wanted
        table = chain[0][0] if chain else next(iter(root), None) or self.schema.root
        return 0 if path or table not in self._sources else self._sources[table].height or 0

    def fingerprint(self, columns: Mapping[str, Sequence[str]] | None = None) -> str:
        """64 hexadecimal digits that depend on the schema and the data, not on chunks, processes or versions.

        `columns`, by table and by the data's names, are those that count, and nothing else of the schema but their types;
        without it, all of both counts, and lazy frames are read whole.
        """
        if columns is None:
            whole = {name: source.columns for name, source in self._sources.items()}
            return self._once("fingerprint", lambda: self._fingerprint(whole, self.schema))
        counted = {name: tuple(sorted({*each})) for name, each in sorted(columns.items())}
        return self._once(("fingerprint", *counted.items()), lambda: self._fingerprint(counted, digest.part(self.schema, counted)))

    def begin_fingerprint(self, columns: Mapping[str, Sequence[str]], check: Callable[[], None]) -> None:
        """Makes what `fingerprint(columns)` rests on, column by column; `check` is called now and then, and may raise to stop there."""
        for each in digest.fields(self.schema, columns):
            self._digest(each, check)

    def growing(self, columns: Mapping[str, Sequence[str]]) -> digest.Growing:
        """`fingerprint(columns)` of this dataset's kind of tables, whose rows are still to come."""
        return digest.Growing(digest.part(self.schema, {name: tuple(sorted(set(each))) for name, each in sorted(columns.items())}))

    def _once(self, what: Any, make: Callable[[], _Made]) -> _Made:
        """What is kept under a name; whoever asks first makes it, others wait for it."""
        with self._lock:
            future = self._made.get(what)
            mine = future is None
            if future is None:
                future = self._made[what] = Future()
                self._makers[what] = threading.get_ident()
            elif self._makers.get(what) == threading.get_ident():
                raise Error("a function of the host's evaluates rules for which it is being called itself; evaluate them elsewhere")
        if mine:
            try:
                forks.refuse("reading data for the first time")
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    del self._made[what]
                future.set_exception(error)
                raise
            finally:
                self._makers.pop(what, None)
        made: _Made = future.result()
        return made

    def renew(self) -> None:
        """See `forks`."""
        self._lock, self._makers = threading.Lock(), {}
        self._made = {what: made for what, made in self._made.items() if made.done()}
        for source in self._sources.values():
            source.renew()

    def _lent(self, what: Any, make: Callable[[], _Made]) -> _Made:
        """What is kept under a name, else made and not kept: what is needed once, on the way to something else."""
        with self._lock:
            future = self._made.get(what)
        return make() if future is None else future.result()

    def _fingerprint(self, columns: Mapping[str, Sequence[str]], schema: Schema) -> str:
        found = digest.fields(self.schema, columns)
        for table in columns:
            self.read({table: [completion.source(self.schema.tables[table], field) for name, field in found if name == table]})
        return digest.of(schema, found, self._digest)

    def _digest(self, field: tuple[str, str], check: Callable[[], None] = lambda: None) -> bytes:
        return self._once(("digest", *field), lambda: digest.column(self._series(*field), check))

    def _source(self, table: str) -> Source:
        if table not in self._sources:
            raise DataError(f"there is no data for the table {table}; given: {', '.join(self._sources)}")
        return self._sources[table]

    def _series(self, table: str, name: str) -> pl.Series:
        column = completion.source(self.schema.tables[table], name)
        self.read({table: [column]})
        return self._source(table).series(column)

    def _index(self, table: str) -> Index:
        key = self.schema.tables[table].key
        return self._once(("index", table), lambda: keys.index(table, key, [self._series(table, part) for part in key]))

    def _link(self, table: str, link: str) -> NDArray[np.uint32]:
        """The row that a link finds for each row of its table, uint32, NONE for nobody."""
        return self._once(("link", table, link), lambda: self._found(table, link))

    def _found(self, table: str, link: str) -> NDArray[np.uint32]:
        described = self.schema.tables[table].links[link]
        found = keys.find(self._index(described.table), [self._series(table, by) for by in described.by])
        with self._lock:
            self._orphans[table, link] = found.orphans
        return found.rows

    def _space(self, chain: Chain, base: str) -> Space:
        if not chain:
            return Space((), base, self.height(base))
        if len(chain[0]) == 3:
            return self._groups(chain[1:], base).rows
        if groups.is_groups(chain):
            return self._groups(chain, base).groups
        if len(chain[0]) > 2:
            return self._spread(chain, base)
        (table, link), *rest = chain
        target = self.schema.tables[table].links[link].table
        parent = self.space(tuple(rest), base if rest else target)
        if target != parent.table:
            raise ValueError(f"the link {table}.{link} leads to {target}, not to {parent.table}")
        if parent.shared:
            below = self.space(chain[:1], target)
            assert below.offsets is not None
            return spaces.spread(parent, chain, table, parent.picked, below.offsets, below.picked)
        found = self._lent(("link", table, link), lambda: self._found(table, link))
        made = spaces.child(parent, self.height(target), chain, found)
        if made.owner is found:
            self._once(("link", table, link), lambda: found)  # costs nothing
        return made

    def _spread(self, chain: Chain, base: str) -> Space:
        """The items of a list field, or rows of a row that links lead to."""
        kind, owner, path, *what = chain[0]
        parent = self.space(chain[1:], base if chain[1:] else owner)
        rows, target = self._rows(parent, path), self._reached(parent, path)
        if kind == lists.ITEMS:
            return spaces.spread(parent, chain, lists.ITEMS, rows, self._items(target, what[0]).starts, None)
        below = self.space((tuple(what),), target)
        assert below.offsets is not None
        return spaces.spread(parent, chain, below.table, rows, below.offsets, below.picked)

    def _groups(self, chain: Chain, base: str) -> groups.Groups:
        """The groups of a space's rows, and these rows in their order."""

        def make() -> groups.Groups:
            (_, steps, named, zone), *rest = chain
            table, link = steps[-1][-2:]
            root = base if rest else steps[-1][1] if len(steps[-1]) > 2 else self.schema.tables[table].links[link].table
            rows, above = self.space((*steps, *rest), root), self.space(tuple(rest), root)
            codes = [self._key(rows.table, each, zone) for each in named]
            return groups.formed(rows, above, chain, groups.joined(codes))

        return self._once(("groups", chain), make)

    def _key(self, table: str, named: tuple[Any, ...], zone: str) -> NDArray[Any]:
        """What rows of a table are grouped by, a code of each."""
        if named[0] == "value":
            found: NDArray[Any] = self._once(("key", table, named[1]), lambda: _absent(named[1]))
            return found
        column = self.column((), named[1], named[2], zone, table)
        return column.codes[: column.rows]

    def _rows(self, space: Space, path: tuple[str, ...]) -> NDArray[np.uint32] | None:
        """The row of the table at the end of `path` for each row of a space; None for all rows as they stand."""
        if not path:
            return space.picked

        def make() -> NDArray[np.uint32]:
            table = space.table
            for link in path[:-1]:
                table = self.schema.tables[table].links[link].table
            before, last = self._rows(space, path[:-1]), self._link(table, path[-1])
            return last if before is None else spaces.follow(last, before)

        return self._once(("rows", space.chain or space.table, path), make)

    def _reached(self, space: Space, path: tuple[str, ...]) -> str:
        """The table that links lead to from a space's rows."""
        table = space.table
        for link in path:
            table = self.schema.tables[table].links[link].table
        return table

    def _items(self, table: str, name: str) -> lists.Items:
        return self._once(("items", table, name), lambda: lists.items(self._series(table, name)))

    def _items_column(self, space: Space, timezone: str) -> Column:
        """The items of a list field in the row order of their space."""
        assert space.parent is not None
        _, _, path, name = space.chain[0]
        table = self._reached(space.parent, path)
        kind, items = self.schema.tables[table].fields[name].type.item, self._items(table, name)
        assert kind is not None
        zone = timezone if physical.naive(items.values.dtype) else ""
        if zone:
            zones.check(zone)
        whole = self._once(("items column", table, name, zone), lambda: narrowing.narrow(items.values, kind, zone, f"{table}.{name}"))
        rows = space.picked
        return whole if rows is None else self._once(("column", space.chain, (), name, zone), lambda: spaces.gathered(whole, rows))

    def _column(self, space: Space, path: tuple[str, ...], table: str, name: str, zone: str) -> Column:
        rows = self._rows(space, path)
        if rows is None:
            return self._whole(table, name, zone)
        keep = self._once if path else self._lent  # rows that only stand in another order have no use for the column as it was
        return spaces.gathered(keep(("whole column", table, name, zone), lambda: self._whole_column(table, name, zone)), rows)

    def _zone(self, table: str, name: str, timezone: str) -> str:
        """The zone in which a field is read: none where it is no timestamp, or has its own."""
        spec = self.schema.tables[table].fields[name]
        dtype = self._source(table).schema.get(spec.column or name)
        return timezone if dtype is not None and physical.naive(dtype) else ""

    def _whole(self, table: str, name: str, zone: str) -> Column:
        return self._once(("whole column", table, name, zone), lambda: self._whole_column(table, name, zone))

    def _ranks(self, space: Space, timezone: str) -> NDArray[np.uint32] | None:
        table = self.schema.tables[space.table]
        names = {spec.column or name: name for name, spec in table.fields.items()}
        known = [names[source] for source in (completion.source(table, part) for part in table.key) if source in names]
        key = [self._whole(space.table, name, self._zone(space.table, name, timezone)) for name in known]
        return spaces.ranks(space, self.height(space.table), key)

    def _whole_column(self, table: str, name: str, zone: str) -> Column:
        """A column in its table's own order."""
        if zone:
            zones.check(zone)
        spec = self.schema.tables[table].fields[name]
        if spec.type.kind == "list":
            return lists.presence(self._series(table, name), spec.type)
        column = narrowing.narrow(self._series(table, name), spec.type, zone, f"{table}.{name}")
        if found := strangers.among(column, spec.values or ()):
            with self._lock:
                self._strangers[table, name] = found
        return column


def _absent(meaning: str) -> NDArray[Any]:
    raise KeyError(meaning)
