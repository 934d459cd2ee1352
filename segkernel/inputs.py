"""What a run reads: a project's data, all in memory or in batches of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from segdsl.diagnostics import Diagnostic
from segdsl.missing import CODES
from segkernel import meaning
from segkernel.errors import Cancelled, Error
from segkernel.instants import written
from segkernel.leftovers import clear
from segkernel.machine import available
from segkernel.project import Project, collected, unread, warnings
from segkernel.reading import weight
from segkernel.rules import Rules

if TYPE_CHECKING:  # what evaluates is imported while files are read
    import polars as pl

    from segkernel.batches import Whole
    from segkernel.data.dataset import Dataset
    from segkernel.membership import Membership
    from segkernel.stream import Stream

HEAVY = 4
"""Files larger than this share of the memory available, as a divisor, are read in batches: in memory they take more than on disk."""


class Input(Protocol):
    """Rules over a project's data."""

    rules: Rules

    def keys(self) -> pl.DataFrame:
        """The key columns of the root, in its row order."""

    def memberships(self, as_of_ns: int, threads: int | None, progress: Callable[[float], None], bits: bool) -> Iterator[Membership]:
        """Memberships of some accounts after the other, unknowns counted; without `bits` only their tallies are whole."""

    def heard(self) -> tuple[Diagnostic, ...]:
        """The warnings about the rules that the project does not silence."""

    def warnings(self) -> list[str]:
        """What is odd, but no error, in what was read."""


class InMemory:
    """Data that were read at once; see `Input`."""

    def __init__(self, project: Project, rules: Rules, data: Dataset) -> None:
        self._project, self.rules, self._data = project, rules, data
        self.keys = data.keys

    def memberships(self, as_of_ns: int, threads: int | None, progress: Callable[[float], None], bits: bool) -> Iterator[Membership]:
        """As of `Input`; the data's fingerprint, which the last part is asked for, is begun meanwhile."""
        from segkernel.evaluation import evaluation

        stopped = Event()

        def check() -> None:
            if stopped.is_set():
                raise Cancelled("the run has ended")

        beside = ThreadPoolExecutor(1)
        beside.submit(self._data.begin_fingerprint, meaning.columns(self.rules.reads, self._data.schema), check)
        beside.shutdown(wait=False)
        with _told(stopped):
            asked = evaluation(self.rules, self._data, written(as_of_ns, "UTC"), threads, progress, unknowns=True)

        def parts() -> Iterator[Membership]:
            with _told(stopped):
                yield from asked.memberships(asked.some(bits), bits)

        return parts()

    def heard(self) -> tuple[Diagnostic, ...]:
        """As of `Input`; with numbers of rows and accounts where values are missing."""
        return warnings(self._project, self.rules, self._data)

    def warnings(self) -> list[str]:
        """As of `Input`."""
        return self._data.warnings


class InBatches:
    """Data that are read in batches; see `Input`. Where accounts turn out to need others' rows, it is the input that `otherwise` makes."""

    def __init__(self, project: Project, rules: Rules, stream: Stream, otherwise: Callable[[Whole], Input]) -> None:
        self._project, self.rules, self._stream, self._otherwise = project, rules, stream, otherwise
        self._instead: Input | None = None
        self.keys = stream.keys

    def memberships(self, as_of_ns: int, threads: int | None, progress: Callable[[float], None], bits: bool) -> Iterator[Membership]:
        """As of `Input`."""
        from segkernel.batches import Whole

        try:
            yield from self._stream.memberships(as_of_ns, threads, progress, True, bits)
        except Whole as error:  # before the first
            self._instead = self._otherwise(error)
            yield from self._instead.memberships(as_of_ns, threads, progress, bits)

    def heard(self) -> tuple[Diagnostic, ...]:
        """As of `Input`, without those on missing values, whose rows are not there to be counted."""
        return tuple(item for item in warnings(self._project, self.rules, None) if item.code not in CODES)

    def warnings(self) -> list[str]:
        """As of `Input`."""
        return self._stream.warnings() if self._instead is None else self._instead.warnings()


def _engine() -> object:
    from segkernel import evaluation, results, summary

    return evaluation, results, summary


@contextmanager
def _told(stopped: Event) -> Iterator[None]:
    """Sets an event where what is within does not come to its end."""
    try:
        yield
    except BaseException:
        stopped.set()
        raise


def read(project: Project, params: Mapping[str, Any], select: Callable[[Rules], Rules], memory: int | None, folder: Path) -> Input:
    """The project's rules and data: in batches within about `memory` bytes, where that is given or the files are heavy.

    Temporary files of batches go to the nearest folder at or above `folder` that is there. Raises `RuleError`, `DataError` and `Error`, the
    latter where batches are asked for that there cannot be.
    """
    lazy, schema, rules = unread(project, project.files, params, select)

    def whole(why: Whole | None = None) -> Input:
        if memory is not None:
            raise Error(f"--memory reads accounts in batches, and these rules need all of them at once: {why}")
        return InMemory(project, *collected(project, lazy, schema, rules, rules.inputs, _engine))

    heavy = weight(project.schema, project.folder, rules.inputs)
    if memory is None and (heavy is None or heavy * HEAVY <= available()):
        return whole()
    if heavy is None:
        raise Error("--memory reads accounts in batches from Parquet or Arrow IPC files on this machine; here some sources are others")
    from segkernel.batches import Whole
    from segkernel.stream import Stream

    place = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    try:
        clear(place)
        stream = Stream(rules, lazy, schema, memory=memory or available() // 2, folder=place)
    except Whole as error:
        return whole(error)
    return InBatches(project, rules, stream, whole)
