"""Whether some row could meet conditions all at once: what each demands of a value is laid upon what the others leave of it.

A trial fails only where no row whatever can meet it. It may go well where none can: it follows one choice of an `or` at a time, looks at
no two values together, and gives up when it has worked too long.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from segdsl import cuts
from segdsl.cuts import NONE, Cuts
from segdsl.leaves import Leaves

Demand = tuple[int, bool]
"""A condition, and whether it holds; where it does not, it is false or unknown."""

_DEEPEST = 6
"""How many choices inside choices are followed."""


class Cell(msgspec.Struct):
    """What is left of a value: whether it can be present, and in which sets it then is, by view; and whether it can be missing."""

    present: bool
    missing: bool
    views: dict[str, Cuts]


class Trial:
    """A set of demands, to which more can be added. `work` holds how many steps may still be done, for all that share it; a trial
    `above` holds demands that are met besides."""

    def __init__(self, leaves: Leaves, work: list[int], above: Trial | None = None) -> None:
        self.leaves = leaves
        self.failed = False
        self._work = work
        self._above = above
        self._depth: int = 0 if above is None else above._depth + 1
        self._cells: dict[int, Cell] = {}
        self._choices: list[list[Demand]] = []

    def demand(self, demands: Iterable[Demand]) -> bool:
        """Add demands; whether the trial has failed by now."""
        waiting = list(demands)
        while waiting and not self.failed and self._work[0] > 0:
            condition, holds = waiting.pop()
            self._work[0] -= 1
            self._take(condition, holds, waiting)
            if not waiting and self._choices and not self.failed:
                self._choose(waiting)
        return self.failed

    def _take(self, condition: int, holds: bool, waiting: list[Demand]) -> None:
        leaf, even = self.leaves.conditions[condition >> 1], not condition & 1
        kind = leaf[0]
        if kind == "test":
            cell = self._cell(leaf[1])
            cell.missing = cell.missing and not holds
            among = _left(cell, leaf[2], leaf[3 if even is holds else 4])
            self._work[0] -= len(among.at)
            cell.views[leaf[2]] = among
            cell.present = cell.present and among != NONE
            self.failed = not (cell.present or cell.missing)
        elif kind == "missing":
            cell = self._cell(leaf[1])
            if even is holds:
                cell.present = False
            else:
                cell.missing = False
            self.failed = not (cell.present or cell.missing)
        elif kind == "every":
            parts = [(part if even else part ^ 1, holds) for part in leaf[1]]
            if even is holds:
                waiting += parts
            else:
                self._choices.append(parts)
        elif kind == "member":
            waiting.append((leaf[1], even is holds))
        else:
            self.failed = holds if kind == "unknown" else even is not holds

    def _cell(self, value: int) -> Cell:
        """What is left of a value, this trial's own: it begins as it is above."""
        found = self._cells.get(value)
        if found is None:
            above = self._seen(value)
            found = self._cells[value] = Cell(above.present, above.missing, dict(above.views))
        return found

    def _seen(self, value: int) -> Cell:
        trial: Trial | None = self
        while trial is not None:
            if value in trial._cells:
                return trial._cells[value]
            trial = trial._above
        return Cell(True, self.leaves.missable[value], {})

    def _choose(self, waiting: list[Demand]) -> None:
        """Strike out what cannot be chosen any more; where one is left, it is demanded."""
        choices, self._choices = self._choices, []
        for choice in choices:
            left = [demand for demand in choice if self._open(*demand)]
            if len(left) > 1:
                self._choices.append(left)
            elif left:
                waiting += left
            else:
                self.failed = True

    def _open(self, condition: int, holds: bool) -> bool:
        leaf = self.leaves.conditions[condition >> 1]
        self._work[0] -= 1
        if leaf[0] == "test":
            cell = self._seen(leaf[1])
            if cell.missing and not holds:
                return True
            return cell.present and _left(cell, leaf[2], leaf[3 if (not condition & 1) is holds else 4]) != NONE
        return self._depth == _DEEPEST or not Trial(self.leaves, self._work, self).demand([(condition, holds)])


def _left(cell: Cell, view: str, among: Cuts) -> Cuts:
    known = cell.views.get(view)
    return among if known is None else cuts.meet(known, among)
