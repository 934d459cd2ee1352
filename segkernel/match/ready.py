"""A program linked once to fixed memory, and run on the records of a call by the thread that calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segkernel import clock as clocks
from segkernel.clock import Clock, Timeless, Untold
from segkernel.data.columns import aligned
from segkernel.errors import DataError
from segkernel.functions import Function
from segkernel.kernel.entries import interpret
from segkernel.link import Linked, link
from segkernel.link.against import Population, result_of
from segkernel.link.assembly import Patch
from segkernel.link.kept import decoded
from segkernel.link.population import Memo
from segkernel.link.staging import Handed
from segkernel.match.fixed import Fixed
from segkernel.match.memory import ROWS, written
from segkernel.match.places import Shape
from segkernel.match.records import Reader
from segkernel.plan.program import Program, Statistic
from segkernel.run import raise_first

BLOCK = 64
"""How many records stand in memory at once: a word of bits each."""
_CALLS = 256
Statistics = Callable[[Statistic], Population]


class Asked:
    """A statistic of whichever population a call is given."""

    def __init__(self, current: dict[str, Statistics], call: Statistic) -> None:
        self.current, self.call = current, call

    def result(self, call: Statistic) -> Handed:
        """As `Population.result`."""
        return result_of(call)

    def values(self, call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: Memo) -> NDArray[np.int64]:
        """As `Population.values`."""
        return self.current["population"](self.call).values(call, handed, buffers, memo)


class Pass:
    """One program in fixed memory: instructions with addresses filled in, room for what it hands on, and what an instant changes.

    Patches that the local day decides are filled in when it changes, others at each new instant.
    """

    def __init__(self, linked: Linked, fixed: Fixed) -> None:
        self.linked = linked
        self.program, self.args = linked.program.copy(), linked.args.copy()
        view = fixed.under(linked.source)
        self.stands = [view.stand(chain) for chain in linked.source.spaces]
        self.handed = np.zeros((len(linked.hands), ROWS), np.int64)
        for buffer, row in enumerate(linked.hands):
            self.program[row, 2] = self.handed[buffer].ctypes.data
        self.made = [np.zeros((3, ROWS), np.int64) for _ in linked.calls]
        where = written(self.program.reshape(-1), "q"), written(self.args, "q")
        self.patches = [
            (where[1], each.column, each) if each.row is None else (where[0], 8 * each.row + each.column, each) for each in linked.patches
        ]
        self.always: list[tuple[memoryview, int, Patch]] = []
        self.blocks = np.zeros((1, 2 * len(self.stands)), np.int64)
        self.calls: dict[tuple[int, ...], Callable[[], None]] = {}
        self.memory = aligned(0, np.uint8)
        self.counts, self.errors = np.zeros(max(1, linked.counts), np.int64), np.zeros(2, np.int64)
        self.control = np.zeros(2, np.int64)
        self.counter = int(self.control.ctypes.data)
        self.next, self.failed = written(self.control, "q"), written(self.errors, "q")
        self.rows: tuple[int, ...] = ()
        self.call: Callable[[], None] = lambda: None
        """The call for so many rows of each space, which were there last."""

    def connect(self, passes: Mapping[int, Pass]) -> None:
        """Fills in where earlier stages hand on; `passes` by `id` of what is linked."""
        self.stages = [passes[id(stage)] for stage in self.linked.stages]
        buffers = [*(stage.handed for stage in self.stages), *self.made]
        for row, stage, buffer in self.linked.fetches:
            self.program[row, 3] = buffers[stage][buffer].ctypes.data

    def on(self, day: Timeless) -> None:
        """Fills in what a local day decides, and finds out what it does not."""
        self.always = []
        for memory, place, patch in self.patches:
            told = patch.told(day)
            try:
                _fill(memory, place, told.found(day))
            except (Untold, DataError):
                self.always.append((memory, place, told))

    def at(self, clock: Clock) -> None:
        """Fills in what else an instant decides."""
        for memory, place, patch in self.always:
            _fill(memory, place, patch.found(clock))

    def run(self) -> None:
        """Runs the program on the rows that stand in memory. Raises DataError where a number leaves its range."""
        if self.made:
            self._ask()
        rows = tuple([stand.count for stand in self.stands])
        if rows != self.rows:
            self.blocks[0, 1::2] = rows
            words = tuple([1 << (count - 1 >> 6).bit_length() for count in rows])
            self.call, self.rows = self.calls.get(words) or self._call(words), rows
        self.next[0] = 0
        self.call()
        if self.failed[0]:
            found = self.errors.copy()
            self.errors[:] = 0
            raise_first(self.linked, [found])

    def _ask(self) -> None:
        """Finds out what is asked of functions and of the population."""
        memo: Memo = {}
        for call, made in zip(self.linked.calls, self.made, strict=True):
            stage = self.stages[call.stage]
            rows = stage.stands[0].count
            made[:, :rows] = call.make(stage.handed[:, :rows], memo)

    def _call(self, words: tuple[int, ...]) -> Callable[[], None]:
        """The kernel's call for so many words of rows of each space: where registers and slots are."""
        layout = np.zeros((len(words), 4), np.int64)
        size = 0
        for space, count in enumerate(words):
            register = max(64, count * 8)
            slot = count * 512 + 64  # slots a power of two apart would share lines of the cache
            layout[space] = size, register, size + self.linked.registers[space] * register, slot
            size += self.linked.registers[space] * register + self.linked.slots[space] * slot
        most = max(words) * 64
        room = most // 8 + 128
        lists = size + most * 4 + 256
        if lists + 2 * room + 4096 > self.memory.size:
            self.memory = aligned(2 * (lists + 2 * room + 4096), np.uint8)
            self.calls.clear()
        if len(self.calls) >= _CALLS:
            self.calls.clear()
        start = int(self.memory.ctypes.data)
        layout[:, 0] += start
        layout[:, 2] += start
        made = self.calls[words] = interpret.bound(
            self.program, self.args, self.blocks, layout, self.counter, self.counter + 8, start + size, start + lists, room, self.counts,
            self.errors,
        )  # fmt: skip
        return made


def _fill(memory: memoryview, place: int, operands: Sequence[int]) -> None:
    for number, operand in enumerate(operands, place):
        memory[number] = operand


class Ready:
    """A program and its stages in fixed memory, for one thread at a time; `segments` bitmaps come first, then those of collects.

    Raises `Full` or `DataError` where it cannot be linked to records that are yet to come.
    """

    def __init__(self, program: Program, shape: Shape, reader: Reader, functions: Mapping[str, Function]) -> None:
        self.reader = reader
        self.current: dict[str, Statistics] = {}
        self.functions = functions
        self.passes: list[Pass] = []
        """All, in the order in which they are run; those that reckon what rows are grouped by before the records are filled in whole."""
        self.fixed = Fixed(program, shape, reader, self._reckoned)
        linked = self._linked(self.fixed, program)
        self.last = self._add(linked, {})
        self.fixed.settle()
        self.main = self.last[-1]
        self.zone, self.known, self.day = program.timezone, Timeless(program.timezone), (0, 0)
        self.as_of: int | None = None
        self.many = len(program.bitmaps)
        self.out = np.zeros((self.many, 1), np.uint64)
        self.codes = [np.zeros(BLOCK + 64, np.uint8 if len(each.values) < 256 else np.uint32) for each in program.choices]
        for row, index in linked.outputs:
            address = self.out[index:].ctypes.data if index < self.many else self.codes[index - self.many].ctypes.data
            self.main.program[row, 2] = address

    def _linked(self, fixed: Fixed, program: Program) -> Linked:
        return link(program, fixed.under(program), self.functions, 0, lambda call: Asked(self.current, call))

    def _add(self, linked: Linked, made: dict[int, Pass]) -> list[Pass]:
        """The passes of a program and its stages, in order, the program's last."""
        found: list[Pass] = []
        for stage in linked.stages:
            if id(stage) not in made:
                found += self._add(stage, made)
        made[id(linked)] = here = Pass(linked, self.fixed)
        here.connect(made)
        self.passes.append(here)
        return [*found, here]

    def _reckoned(self, fixed: Fixed, program: Program) -> Callable[[], list[Any]]:
        """What rows are grouped by, for each row that a program has as its root."""
        self.fixed = fixed
        passes = self._add(self._linked(fixed, program), {})
        main = passes[-1]

        def values() -> list[Any]:
            for each in passes:
                each.run()
            rows = main.stands[0].count
            return decoded(main.linked.handed[0], main.handed[:, :rows], np.arange(rows))

        return values

    def run(self, records: Sequence[Any], as_of: int, statistics: Statistics | None) -> NDArray[np.uint64]:
        """The bits of at most BLOCK records, uint64[bitmaps, 1], the first one's least; `codes` has those of each choose, uint[records].

        Raises RecordError and DataError, or Beyond and Full where the records have no room.
        """
        if statistics is not None:
            self.current["population"] = statistics
        if as_of != self.as_of:
            self._tell(as_of)
        self.fixed.fill(self.reader.rows(records))
        count = len(records)
        for codes in self.codes:
            codes[:count] = 0
        for each in self.last:
            each.run()
        return self.out

    def _tell(self, as_of: int) -> None:
        """Lets all passes know the instant."""
        self.as_of = None
        new_day = not self.day[0] <= as_of < self.day[1]
        if new_day:
            self.day = (0, 0)
            today = clocks.day_of(self.zone, as_of)
            self.known = Timeless(self.zone)
            self.known.known[("today",)] = today
            for each in self.passes:
                each.on(self.known)
            self.day = clocks.first_instant(self.zone, today), clocks.first_instant(self.zone, today + 1)
        clock = Clock(as_of, self.zone)
        clock.known.update(self.known.known)
        for each in self.passes:
            each.at(clock)
        self.as_of = as_of
