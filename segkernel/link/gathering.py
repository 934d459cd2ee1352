"""Statistics of the population where accounts come in batches: what stages hand on for each batch, as that of all accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

import msgspec
import numpy as np
from numpy.typing import NDArray

from segdsl.typesystem import TEXT
from segkernel.data.columns import Column
from segkernel.data.dataset import Dataset
from segkernel.functions import Function
from segkernel.kernel.operations import SLOT
from segkernel.link import kept, link, population
from segkernel.link.forms import Coded, Exact, Float
from segkernel.link.kept import Kept
from segkernel.link.staging import Handed
from segkernel.plan.program import Program, Statistic


class Found(msgspec.Struct, frozen=True, eq=False):
    """A statistic of some accounts: its form, and `found` int64[3, accounts]."""

    form: Handed
    found: NDArray[np.int64]

    def result(self, call: Statistic) -> Handed:
        """The form of `values`."""
        return self.form

    def values(self, call: Statistic, *_: object) -> NDArray[np.int64]:
        """The statistic for these accounts."""
        return self.found


class Statistics:
    """What statistics of the population are for all accounts, as far as they are found, by their calls."""

    def __init__(self) -> None:
        self.found: dict[int, Found] = {}

    def of(self, first: int, rows: int) -> Callable[[Statistic], Found | None]:
        """Those of `rows` accounts from number `first` on."""

        def told(call: Statistic) -> Found | None:
            known = self.found.get(id(call))
            return None if known is None else Found(known.form, known.found[:, first : first + rows])

        return told


Batches = Callable[[], Iterator[tuple[int, Dataset]]]
"""The data batch by batch, each with the number of its first account; may be gone through again."""


def gathered(
    program: Program, accounts: int, batches: Batches, functions: Mapping[str, Function], as_of: int
) -> tuple[Statistics, tuple[Kept, ...]]:
    """All statistics of a program over so many accounts, and what a run keeps of them; in a pass over the data for each depth in which
    statistics rest on each other.

    Memory: some numbers of 8 bytes an account for each value, group and statistic. Raises DataError where the data do not fit.
    """
    from segkernel.run import handed_on

    known = Statistics()
    found = known.found
    figures: list[Kept] = []
    while missing := dict(_missing(program, found)):
        ready = [
            (owner.stages[call.stage], call) for call, owner in missing.values() if not dict(_missing(owner.stages[call.stage], found))
        ]
        ready.sort(key=lambda each: id(each[0]))
        stages = [(stage, [call for _, call in calls]) for stage, calls in groupby(ready, key=lambda each: each[0])]
        taken = [Gathering(len(stage.outputs), accounts) for stage, _ in stages]
        for first, data in batches():
            for (stage, _), whole in zip(stages, taken, strict=True):
                linked = link(stage, data, functions, as_of, known.of(first, data.rows))
                whole.put(linked.handed, handed_on(linked, as_of), first)
            del data, linked  # before the next batch is read
        for (_, calls), whole in zip(stages, taken, strict=True):
            memo: population.Memo = {}
            handed = whole.handed()
            for call in calls:
                result = population.result_of(call, handed[call.value])
                values = population.values(call, handed, whole.buffers, memo)
                figures.append(kept.figures(call, handed, result, whole.buffers, values, memo))
                found[id(call)] = Found(result, values)
    return known, tuple(figures)


def _missing(program: Program, found: Mapping[int, Found]) -> Iterator[tuple[int, tuple[Statistic, Program]]]:
    """The statistics of a program, of its stages and of its keys that are not found yet, each with the program that it is a call of."""
    for call in program.calls:
        if isinstance(call, Statistic) and id(call) not in found:
            yield id(call), (call, program)
    for other in (*program.stages, *(key.program for key in program.keys)):
        yield from _missing(other, found)


class Gathering:
    """What a stage hands on for all accounts, `outputs` values each: `buffers` int64[3 * outputs, accounts], of each value its words
    (numbers, floats, or codes of texts), the low parts of wide numbers, and 1 where it is present."""

    def __init__(self, outputs: int, accounts: int) -> None:
        self.buffers = np.zeros((3 * outputs, accounts), np.int64)
        self._forms: list[Exact | Float | None] = [None] * outputs
        self._texts: list[dict[str, int]] = [{} for _ in range(outputs)]

    def put(self, handed: tuple[Handed, ...], buffers: NDArray[np.int64], first: int) -> None:
        """What a batch's stage handed on, for its accounts from number `first` on."""
        there = slice(first, first + buffers.shape[1])
        for output, each in enumerate(handed):
            words, low, present = self.buffers[3 * output : 3 * output + 3]
            found = buffers[each.words]
            present[there] = 1 if each.present < 0 else buffers[each.present]
            if isinstance(each.form, Coded):
                known = self._texts[output]
                codes, places = np.unique(found, return_inverse=True)
                numbers = [0 if code == 0 else known.setdefault(each.form.column.value(code), len(known) + 1) for code in codes.tolist()]
                words[there] = np.array(numbers, np.int64)[places]
            elif isinstance(each.form, Float):
                self._forms[output] = Float(SLOT, 0)
                words[there] = found
            else:
                before = self._forms[output]
                assert not isinstance(before, Float)
                wide = each.form.wide or (before is not None and before.wide)
                if wide and before is not None and not before.wide:
                    low[:first] = words[:first]
                    words[:first] >>= 63
                words[there] = found >> 63 if wide and not each.form.wide else found
                low[there] = (buffers[each.low] if each.form.wide else found) if wide else 0
                bounds = [form for form in (before, each.form) if form is not None]
                self._forms[output] = Exact(0, None, min(form.low for form in bounds), max(form.high for form in bounds), wide)

    def handed(self) -> list[Handed]:
        """How all accounts' values stand in `buffers`, when those of all batches are there."""
        found = []
        for output, form in enumerate(self._forms):
            words = 3 * output
            if isinstance(form, Float):
                found.append(Handed(form, words))
            elif isinstance(form, Exact):
                found.append(Handed(form, words, words + 1 if form.wide else -1, words + 2))
            else:
                found.append(Handed(self._sorted(output), words))
        return found

    def _sorted(self, output: int) -> Coded:
        """The form of texts, whose codes are put into the order of the texts."""
        known = self._texts[output]
        values = sorted(known)
        ranks = np.zeros(len(known) + 1, np.int64)
        for place, value in enumerate(values, 1):
            ranks[known[value]] = place
        self.buffers[3 * output] = ranks[self.buffers[3 * output]]
        return Coded(Column(TEXT, 0, np.zeros(0, np.uint32), top=len(values), values=values), SLOT, 0, 8)
