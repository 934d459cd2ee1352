"""What a program is linked to: a dataset, or records."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import Column
from segkernel.data.groups import Moment
from segkernel.data.spaces import Chain
from segkernel.plan.program import Program


class Source(Hashable, Protocol):
    """Spaces, columns and row maps by their names in a program; see `segkernel.data.dataset.Dataset`, which is the first of them."""

    def under(self, program: Program) -> Source:
        """The source as a program sees it, be it a stage of another."""

    def height(self, table: str) -> int:
        """How many rows the root of the program has."""

    @property
    def refilled(self) -> bool:
        """Whether other rows will stand in the same memory: then nothing is reckoned once and for all."""

    def owned(self, chain: Chain, above: Chain) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The owner of each row of a space among the rows of one above it, and where each owner's rows start."""

    def bucketed(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str, share: tuple[int, str]) -> Column:
        """The buckets of a field's values: how many there are, and their salt."""

    def column(self, chain: Chain, path: tuple[str, ...], name: str, timezone: str, root: str | None = None) -> Column:
        """A field in the row order of a space."""

    def rows_at(
        self, chain: Chain, path: tuple[str, ...], root: str | None = None, stage: Program | None = None
    ) -> NDArray[np.uint32] | None:
        """For each row of a space the number of the row that links lead to, among the root's of the program `stage`."""

    def ranks(self, chain: Chain, timezone: str, root: str | None = None) -> NDArray[np.uint32] | None:
        """Where each row stands by the key of its table."""

    def prepare(self, wanted: Iterable[tuple[Chain, tuple[str, ...], str, str, str]], *, check: Callable[[], None]) -> None:
        """Read columns that will be asked for; `check` is called before each."""

    def key(self, table: str, meaning: Any, make: Callable[[], NDArray[Any]]) -> None:
        """Keep what rows are grouped by."""

    def forget(self, moment: Moment) -> None:
        """Let go of what was formed for one moment."""
