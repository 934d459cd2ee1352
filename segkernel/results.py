"""What a run finds on its way to files: memberships of some accounts after the other, of which only one is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from segkernel.membership import Membership, joined
from segkernel.output import CHANGES, MEMBERSHIPS, VALUE_CHANGES, Table
from segkernel.snapshot import Content
from segkernel.tally import Tally, Total

if TYPE_CHECKING:
    from segkernel.changes import Changes, Comparison


class Results:
    """The files, the numbers and the changes of memberships that come in `parts`.

    `layout` is `wide`, `long` or `counts`; with a `comparison` it is told what changed. `tally` and `changes` are there when the
    rows of `tables` were read; the parts are read once.
    """

    def __init__(self, parts: Iterator[Membership], layout: str, comparison: Comparison | None) -> None:
        self._parts, self._layout, self._comparison = parts, layout, comparison
        self._total, self._content = Total(), Content()

    def tables(self) -> dict[str, Table]:
        """The files by name, in the order in which they must be written."""
        found: dict[str, Table] = {}
        match self._layout:
            case "wide":
                found[MEMBERSHIPS] = Table(self._wide(), lambda: self._content.metadata(self.tally))
            case "long":
                found[MEMBERSHIPS] = Table(iter([joined(list(self._read())).long()]))
            case _:
                for _ in self._read():
                    pass
        if self._comparison is not None:
            found[CHANGES] = Table(self.changes.frame() for _ in range(1))
            found[VALUE_CHANGES] = Table(self.changes.texts() for _ in range(1))
        return found

    @cached_property
    def tally(self) -> Tally:
        """The numbers of all accounts."""
        return self._total.tally()

    @cached_property
    def changes(self) -> Changes:
        """What changed since the earlier membership that this one is compared with."""
        assert self._comparison is not None
        return self._comparison.changes()

    @property
    def changed(self) -> Changes | None:
        """`changes`, None where there is no earlier membership."""
        return None if self._comparison is None else self.changes

    def _wide(self) -> Iterator[pl.DataFrame]:
        for part in self._read():
            yield part.frame()
            self._content.add(part)  # while its rows are written

    def _read(self) -> Iterator[Membership]:
        for part in self._parts:
            self._total.add(part.tally)
            if self._comparison is not None:
                self._comparison.add(part)
            yield part
