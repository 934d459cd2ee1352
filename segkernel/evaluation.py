"""Rules over data at one instant: as a membership, as numbers, or as memberships of some accounts after the other."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from segkernel import meaning
from segkernel.choices import choice
from segkernel.data.dataset import Dataset
from segkernel.deadline import Deadline
from segkernel.errors import DataError, Error
from segkernel.instants import instant
from segkernel.link import Linked
from segkernel.link.kept import Kept
from segkernel.membership import Membership
from segkernel.output import ROW_GROUP
from segkernel.rules import MOST_THREADS, Rules
from segkernel.run import UNIT, Answers, parts
from segkernel.tally import Fingerprints, Origin, Tally, added

if TYPE_CHECKING:
    from segkernel.changes import Changes
    from segkernel.population import Statistic

SOME = 1 << 28
"""About so many bytes of answers are in memory at once where members are not kept."""


class Stretch(msgspec.Struct, frozen=True, eq=False):
    """What is known of all data where an evaluation is of some of their accounts: `first` is the number of the first of these, `orphans`
    the rows whose link finds nobody, `kept` what statistics of the population are, `digest` the data's fingerprint."""

    first: int
    orphans: Mapping[tuple[str, str], int]
    kept: tuple[Kept, ...]
    digest: Callable[[], str | None]


class Evaluation:
    """Rules linked to data, for the instant `as_of_ns` (nanoseconds since 1970-01-01T00:00Z); each of its methods runs them."""

    def __init__(
        self,
        rules: Rules,
        data: Dataset,
        linked: Linked,
        as_of_ns: int,
        threads: int | None,
        progress: Callable[[float], None] | None,
        deadline: Deadline,
        stretch: Stretch | None = None,
    ) -> None:
        self.rules, self.data, self.linked, self.as_of_ns = rules, data, linked, as_of_ns
        self._threads, self._progress, self._deadline = threads, progress, deadline
        self._stretch = stretch

    def membership(self) -> Membership:
        """All accounts at once."""
        (found,) = self.memberships(None)
        return found

    def tally(self) -> Tally:
        """The numbers alone, without memory for the members of segments."""
        return added(part.tally for part in self.memberships(self.some(bits=False), bits=False))

    def some(self, bits: bool = True) -> int | None:
        """For how many accounts the answers take about SOME bytes, with or without the bits of segments; None where they take none."""
        source = self.linked.source
        each = len(source.bitmaps) - (0 if bits else len(source.segments)) + 32 * len(source.choices)
        unit = UNIT if each * ROW_GROUP > SOME * 8 else ROW_GROUP
        return max(UNIT, SOME * 8 // each // unit * unit) if each else None

    def changes(self, since: Membership) -> Changes:
        """What changed since an earlier membership, without memory for the members of segments."""
        from segkernel.changes import Comparison

        comparison = Comparison(self.data.keys(), self.rules.checked.root, since)
        for part in self.memberships(self.some()):
            comparison.add(part)
        return comparison.changes()

    def memberships(self, rows: int | None, bits: bool = True) -> Iterator[Membership]:
        """Memberships of `rows` accounts (a multiple of 512; None: all) after the other, in the row order of the root table; each may be
        dropped before the next is made. There is at least one. Without `bits` segments are only counted: only its tally is whole."""
        keys = self.data.keys()
        try:
            for answers in parts(
                self.linked, self.as_of_ns, rows=rows, bits=bits, threads=self._threads, progress=self._progress, deadline=self._deadline
            ):
                yield self._membership(answers, keys[answers.first : answers.first + answers.rows])
        except DataError as error:
            raise self.rules.placed(error) from None

    def _membership(self, answers: Answers, keys: pl.DataFrame) -> Membership:
        rules, data = self.rules, self.data
        tree, stretch = rules.checked, self._stretch
        held = weakref.ref(data)

        def population(kept: Sequence[Kept]) -> tuple[Statistic, ...]:
            from segkernel.population import statistics

            return statistics(rules, kept)

        def digest() -> str | None:
            there = held()
            return None if there is None else there.fingerprint(meaning.columns(rules.reads, there.schema))

        orphans = data.orphans if stretch is None else stretch.orphans
        origin = Origin(
            names=tuple(rules.names),
            root=tree.root,
            chooses={name: choice(tree.chooses[name]) for name in rules.names if name in tree.chooses},
            collects={name: choice(tree.collects[name]) for name in rules.names if name in tree.collects},
            as_of_ns=self.as_of_ns,
            timezone=tree.timezone,
            orphans={place: count for place, count in orphans.items() if place in rules.reads.links},
            fingerprints=lambda: Fingerprints(
                rules.fingerprint,
                meaning.schema_fingerprint(rules.reads, rules.schema),
                digest() if stretch is None else stretch.digest(),
            ),
            meanings=lambda: rules.meanings,
            population=partial(population, answers.population if stretch is None else stretch.kept),
        )
        return Membership(origin, keys, answers.bits, answers.choices, answers.lists, answers.counts, answers.unknown)


def evaluation(
    rules: Rules,
    data: Dataset,
    as_of: datetime | str,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    deadline: float | None = None,
    unknowns: bool = False,
) -> Evaluation:
    """Rules linked to data at an instant; arguments and errors are those of `Rules.evaluate`."""
    if not isinstance(data, Dataset):
        raise Error(f"data is a sk.Dataset, not {type(data).__name__}")
    as_of_ns = arguments(rules, as_of, threads, progress)
    until = Deadline(deadline)
    until.check()
    try:
        linked = rules.linked(data, unknowns, as_of_ns, until)
    except DataError as error:
        raise rules.placed(error) from None
    until.check()
    return Evaluation(rules, data, linked, as_of_ns, threads, progress, until)


def arguments(rules: Rules, as_of: datetime | str, threads: int | None, progress: Callable[[float], None] | None) -> int:
    """The instant that was asked for, in nanoseconds since 1970-01-01T00:00Z. Raises `Error` for arguments that are something else."""
    as_of_ns = instant(as_of, rules.checked.timezone)
    if progress is not None and not callable(progress):
        raise Error(f"progress is a function of the share that is done, not {type(progress).__name__}")
    if threads is not None and not (isinstance(threads, int) and 1 <= threads <= MOST_THREADS):
        raise Error(f"threads is a whole number from 1 to {MOST_THREADS:,}, not {threads}")
    return as_of_ns
