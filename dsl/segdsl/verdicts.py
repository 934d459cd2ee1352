"""Which conditions are true for no row whatever, and what follows from what: each condition is judged once, after its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segdsl.cuts import NONE, meet
from segdsl.leaves import Leaves
from segdsl.trials import Demand, Trial

_MANY = 64
"""Beyond so many values a condition is taken to look at all of them."""
_STEPS = 100
_STEPS_A_PART = 20
_STEPS_IN_ALL = 1_000_000
"""Of a rule set; what is left then is not looked into."""


class Verdicts:
    """What is known of the conditions of `leaves`: with `never[c]`, `c` is true for no row, with `never[c ^ 1]` it is false for none."""

    def __init__(self, leaves: Leaves) -> None:
        self.leaves = leaves
        self.never: list[bool] = []
        self._touched: list[frozenset[int] | None] = []
        self._steps = _STEPS_IN_ALL

    def judge(self) -> None:
        """Judge the conditions that were met since the last time."""
        never, touched, conditions = self.never, self._touched, self.leaves.conditions
        for half in range(len(touched), len(conditions)):
            leaf = conditions[half]
            kind = leaf[0]
            if kind == "test":
                touched.append(frozenset((leaf[1],)))
                never += (leaf[3] == NONE, leaf[4] == NONE)
            elif kind == "every":
                parts = leaf[1]
                apart = self._apart(parts)
                whole = any(never[part] for part in parts) or (not apart and self.fails([(2 * half, True)]))
                never += (whole, all(never[part ^ 1] for part in parts))
            elif kind == "member":
                touched.append(touched[leaf[1] >> 1])
                never += (never[leaf[1]], self.fails([(leaf[1], False)]))
            elif kind == "missing":
                touched.append(frozenset((leaf[1],)))
                never += (False, False)
            else:
                touched.append(frozenset())
                never += (kind == "unknown", True)

    def _apart(self, parts: Iterable[int]) -> bool:
        """Whether the parts of a condition look each at values of its own, so that none can forbid another anything."""
        seen: set[int] = set()
        apart = True
        for part in parts:
            values = self._touched[part >> 1]
            if values is None or len(seen) > _MANY:
                self._touched.append(None)
                return False
            apart = apart and seen.isdisjoint(values)
            seen |= values
        self._touched.append(frozenset(seen))
        return apart

    def fails(self, demands: Sequence[Demand]) -> bool:
        """Whether no row whatever meets demands."""
        steps = sum(len(leaf[1]) if (leaf := self.leaves.conditions[each >> 1])[0] == "every" else 1 for each, _ in demands)
        given = min(_STEPS + _STEPS_A_PART * steps, self._steps)
        work = [given]
        failed = Trial(self.leaves, work).demand(demands)
        self._steps = max(self._steps - given + work[0], 0)
        return failed

    def implies(self, one: int, other: int) -> bool:
        """Whether `other` is true wherever `one` is."""
        first, second = self.leaves.conditions[one >> 1], self.leaves.conditions[other >> 1]
        if first[0] == second[0] == "test":
            return first[1:3] == second[1:3] and meet(self.leaves.set_of(one), self.leaves.set_of(other ^ 1)) == NONE
        return self.fails([(one, True), (other, False)])

    def cross(self, one: int, other: int) -> bool:
        """Whether two conditions look at a value both."""
        first, second = self._touched[one >> 1], self._touched[other >> 1]
        return first is None or second is None or not first.isdisjoint(second)

    def crossed(self, conditions: Sequence[int]) -> bool:
        """Whether two of some conditions look at one value."""
        values = [self._touched[each >> 1] for each in conditions]
        known = [each for each in values if each is not None]
        return len(known) < len(values) or len(frozenset().union(*known)) < sum(map(len, known))
