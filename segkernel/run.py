"""A linked program at an instant: blocks for threads, memory for results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.clock import Clock
from segkernel.deadline import Deadline
from segkernel.errors import LEAVES_ITS_RANGE, LEAVES_THE_CALENDAR, DataError
from segkernel.kernel import operations as op
from segkernel.kernel.entries import JIT, interpret
from segkernel.link import Linked
from segkernel.link.kept import Kept
from segkernel.link.population import Memo
from segkernel.memory import lease

UNIT = 512
"""Rows that results are written in: 64 bytes of bits at once."""
MOST_ROWS = 32_768
"""How many rows of a relation a block should have at most."""
PAUSE = 0.02
"""About how many seconds a run on the caller's own thread goes on before it looks up."""


class Answers(msgspec.Struct, frozen=True, eq=False):
    """What a run found for `rows` accounts from number `first` on.

    `bits` uint64[:] for each segment: packed, least significant bit first, zero behind the last row. `lists` uint64[values, words]
    for each collect: the same for each of its values. `choices` for each
    choose: uint8 or uint32[rows], 0 missing, else the number of the value from 1. `counts` are accounts in a segment,
    `unknown` those whose condition is unknown, if the program asks. `population` are the statistics of all accounts.
    """

    first: int
    rows: int
    bits: dict[str, NDArray[np.uint64]]
    choices: dict[str, NDArray[Any]]
    counts: dict[str, int]
    unknown: dict[str, int] | None
    lists: dict[str, NDArray[np.uint64]]
    population: tuple[Kept, ...]


def run(
    linked: Linked,
    as_of: int,
    *,
    threads: int | None = None,
    block_words: int | None = None,
    progress: Callable[[float], None] | None = None,
    deadline: Deadline | float | None = None,
) -> Answers:
    """Runs a program for the instant `as_of` (nanoseconds since 1970-01-01T00:00Z).

    `threads` default to the processors; results are the same for any number, and for any size of blocks. `progress` is
    called now and then with the share that is done; after the deadline (or so many seconds) the run stops. Raises DataError where a
    number leaves its range, Cancelled after the deadline.
    """
    (answers,) = parts(linked, as_of, threads=threads, block_words=block_words, progress=progress, deadline=deadline)
    return answers


def parts(
    linked: Linked,
    as_of: int,
    *,
    rows: int | None = None,
    bits: bool = True,
    threads: int | None = None,
    block_words: int | None = None,
    progress: Callable[[float], None] | None = None,
    deadline: Deadline | float | None = None,
) -> Iterator[Answers]:
    """The same run, so many accounts after the other that only the answers of `rows` of them (a multiple of UNIT; None: all) are in
    memory at once; without `bits` the accounts in segments are counted and not kept. There is at least one part."""
    rows = max(UNIT, linked.rows if rows is None else rows)
    count = max(1, threads or os.cpu_count() or 1) if JIT else 1
    until = deadline if isinstance(deadline, Deadline) else Deadline(deadline)
    this = _Run(Clock(as_of, linked.source.timezone), count, Course(linked, progress), until, {}, [])
    interpret.prepare()
    buffers = _staged(linked, this)
    for first in range(0, max(1, linked.rows), rows):
        last = min(first + rows, linked.rows)
        room = _room(linked, last - first, bits)
        heard = this.course.begin(_weight(linked, last - first))
        try:
            totals = _passed(linked, this, room.outputs(first), buffers, (first, last), heard, block_words)
        except DataError:
            # The first failure in the order of instructions may come later
            rest = _room(linked, linked.rows - first, False)
            _passed(linked, this, rest.outputs(first), buffers, (first, linked.rows), None, block_words)
            raise
        yield _answers(linked, room, first, last, totals, tuple(this.kept))


class _Run(msgspec.Struct, frozen=True, eq=False):
    """What all passes of a run share: its instant, so many threads, how far it is, and when it must end; `handed` is what stages have
    handed on, by `id`, int64[buffers, rows] each, and `kept` takes what is kept of statistics."""

    clock: Clock
    threads: int
    course: Course
    deadline: Deadline
    handed: dict[int, NDArray[np.int64]]
    kept: list[Kept]


class _Room(msgspec.Struct, frozen=True, eq=False):
    """Memory for the answers of some accounts: `many` bitmaps of `stride` bytes each, behind those of the first `counted` segments, which
    are not kept, and the codes of chooses."""

    bits: NDArray[np.uint8]
    many: int
    stride: int
    counted: int
    choices: list[NDArray[Any]]

    def outputs(self, first: int) -> list[int]:
        """The addresses where results of account 0 would stand, 0 where they are only counted, if those here are of `first` on."""
        start = int(self.bits.ctypes.data) - first // 8
        codes = [int(each.ctypes.data) - first * each.itemsize for each in self.choices]
        return [*[0] * self.counted, *(start + index * self.stride for index in range(self.many)), *codes]


def _room(linked: Linked, rows: int, bits: bool) -> _Room:
    source = linked.source
    stride = (rows + UNIT - 1) // UNIT * (UNIT // 8)
    counted = 0 if bits else len(source.segments)
    many = len(source.bitmaps) - counted
    return _Room(
        lease(stride * many),
        many,
        stride,
        counted,
        [np.zeros(rows, np.uint8 if len(each.values) < 256 else np.uint32) for each in source.choices],
    )


def _answers(linked: Linked, room: _Room, first: int, last: int, totals: NDArray[np.int64], kept: tuple[Kept, ...]) -> Answers:
    source, rows = linked.source, last - first
    names = [name for name, _ in source.segments]
    ends = accumulate((len(each.nodes) for each in source.collections), initial=len(names) - room.counted)
    next(ends)
    words = room.bits.view(np.uint64).reshape(room.many, room.stride // 8)[:, : (rows + 63) // 64]
    known = {name: int(totals[index]) for index, name in enumerate(names)}
    unknown = {name: rows - known[name] - int(totals[len(source.bitmaps) + index]) for index, (name, _) in enumerate(source.unknown)}
    return Answers(
        first=first,
        rows=rows,
        bits={name: words[index] for index, name in enumerate(names)} if not room.counted else {},
        choices={each.name: codes for each, codes in zip(source.choices, room.choices, strict=True)},
        counts=known,
        unknown=unknown if source.unknown or not names else None,
        lists={each.name: words[end - len(each.nodes) : end] for each, end in zip(source.collections, ends, strict=True)},
        population=kept,
    )


def handed_on(linked: Linked, as_of: int = 0) -> NDArray[np.int64]:
    """What a stage hands on at the instant `as_of`, int64[buffers, rows]; a stage that no run changes, at any."""
    interpret.prepare()
    return _handed(linked, _Run(Clock(as_of, linked.source.timezone), 1, Course(linked, None), Deadline(None), {}, []))


class Course:
    """How far a run is, told to `progress`: its passes weigh as many instructions as they have, times rows."""

    def __init__(self, linked: Linked, progress: Callable[[float], None] | None) -> None:
        self._tell = progress
        self._whole = self._done = 0
        if progress is not None:
            passes: dict[int, Linked] = {}
            _passes(linked, passes)
            self._whole = sum(_weight(each) for each in passes.values())

    def begin(self, weight: int) -> Callable[[float], None] | None:
        """What the next pass calls with its share."""
        tell, done, whole = self._tell, self._done, self._whole
        self._done += weight
        return (
            None if tell is None else lambda share: tell(1.0 if share == 1 and done + weight >= whole else (done + share * weight) / whole)
        )


def _passes(linked: Linked, known: dict[int, Linked]) -> None:
    """Collects what a run passes through, by identity: many stages may rest on one."""
    if id(linked) not in known:
        known[id(linked)] = linked
        for stage in linked.stages:
            _passes(stage, known)


def _weight(linked: Linked, rows: int | None = None) -> int:
    return (len(linked.program) + 1) * max(1, linked.rows if rows is None else rows)


def _staged(linked: Linked, this: _Run) -> list[NDArray[np.int64]]:
    """What the stages and calls before a pass hand on, int64[buffers, rows] each."""
    for stage in linked.stages:
        if id(stage) not in this.handed:
            this.handed[id(stage)] = _handed(stage, this)
    buffers = [this.handed[id(stage)] for stage in linked.stages]
    memo: Memo = {}
    for call in linked.calls:
        this.deadline.check("between what is asked of all accounts")
        made = call.make(buffers[call.stage], memo)
        buffers.append(made)
        if call.keep is not None:
            this.kept.append(call.keep(buffers[call.stage], made, memo))
    return buffers


def _handed(linked: Linked, this: _Run) -> NDArray[np.int64]:
    """What a stage hands on, int64[buffers, rows], after the stages before it."""
    buffers = _staged(linked, this)
    handed = np.zeros((len(linked.hands), linked.rows), np.int64)
    _passed(linked, this, [], buffers, (0, linked.rows), this.course.begin(_weight(linked)), handed=handed)
    return handed


def _passed(
    linked: Linked,
    this: _Run,
    outputs: list[int],
    buffers: list[NDArray[np.int64]],
    span: tuple[int, int],
    progress: Callable[[float], None] | None,
    block_words: int | None = None,
    handed: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """One pass over the accounts of `span` (first and end): the counts.

    `outputs` are the addresses of the results, segments first; `buffers` what was handed on, `handed` takes what this pass hands on.
    """
    count, deadline = this.threads, this.deadline
    blocks = _blocks(linked, block_words, *span)
    program, args = _filled(linked, this.clock, outputs, buffers, handed)
    _ranks = linked.ranking.applied(program, partial(_spread, count))
    control = np.zeros(2, np.int64)
    counts = [np.zeros(max(1, linked.counts), np.int64) for _ in range(count)]
    errors = [np.zeros(2, np.int64) for _ in range(count)]
    *given, table = [each if JIT else each.astype(object) for each in (program, args, blocks)]

    def ready(thread: int) -> Callable[[int, int], None]:
        """What runs some of the blocks on one thread."""
        layout, places, lists, room, memory = _scratch(linked, blocks)
        address = int(control.ctypes.data)

        def some(begin: int, end: int) -> None:
            interpret(
                *given,
                table[begin:end],
                layout if JIT else layout.astype(object),
                address,
                address + 8,
                places,
                lists,
                room,
                counts[thread],
                errors[thread],
            )
            assert memory.size

        return some

    if count == 1 or len(blocks) < 2:
        _in_turn(ready(0), control, len(blocks), progress, deadline)
    else:
        _together(ready, min(count, len(blocks)), control, len(blocks), progress, deadline)
    raise_first(linked, [each for each in errors if each[0]])
    return np.asarray(np.sum(counts, axis=0))


def _blocks(linked: Linked, words: int | None, first_row: int, end_row: int) -> NDArray[np.int64]:
    """Blocks of whole units of the accounts from `first_row`, which begins one, to `end_row`, int64[blocks, 2 * spaces]: at most
    `words` words of accounts, and about MOST_ROWS rows of each relation."""
    longest = max(1, (words or (128 if linked.starts else 256)) * 64 // UNIT)
    units = -(-linked.rows // UNIT)
    edges = np.minimum(np.arange(units + 1, dtype=np.int64) * UNIT, linked.rows)
    reached = [edges, *(starts[edges] for starts in linked.starts)]
    ends: list[int] = [first_row // UNIT]
    until = -(-end_row // UNIT)
    while ends[-1] < until:
        first = ends[-1]
        last = min(first + longest, until)
        for rows in reached[1:]:
            last = min(last, max(first + 1, int(np.searchsorted(rows, rows[first] + MOST_ROWS, "right")) - 1))
        ends.append(last)
    cuts = np.array(ends)
    columns = [part for rows in reached for part in (rows[cuts[:-1]], rows[cuts[1:]])]
    return np.ascontiguousarray(np.stack(columns, axis=1), np.int64)


def _filled(
    linked: Linked, clock: Clock, outputs: list[int], buffers: list[NDArray[np.int64]], handed: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The program of one run: times, where results go, and what stages handed on."""
    program, args = linked.program.copy(), linked.args.copy()
    for patch in linked.patches:
        found = patch.found(clock)
        target = args if patch.row is None else program[patch.row]
        target[patch.column : patch.column + len(found)] = found
    rows, index = linked.outputs.T
    program[rows, 2] = np.array(outputs, np.int64)[index]
    for buffer, row in enumerate(linked.hands):
        assert handed is not None
        program[row, 2] = handed[buffer].ctypes.data
    for row, stage, buffer in linked.fetches:
        program[row, 3] = buffers[stage][buffer].ctypes.data
    return program, args


def _scratch(linked: Linked, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], int, int, int, NDArray[np.uint8]]:
    """The layout of a thread's registers and slots, where it lists rows and words, and the memory of all that."""
    layout = np.zeros((len(linked.registers), 4), np.int64)
    size, most = 0, 0
    for space in range(layout.shape[0]):
        begin, end = blocks[:, 2 * space], blocks[:, 2 * space + 1]
        words = int(((end + 63) // 64 - begin // 64).max()) if len(blocks) else 0
        words = (words + 7) // 8 * 8 + 8
        most = max(most, words * 64)
        layout[space] = size, words * 8, size + linked.registers[space] * words * 8, words * 512
        size += linked.registers[space] * words * 8 + linked.slots[space] * words * 512
    room = most // 8 + 128
    lists = size + most * 4 + 256
    memory = lease(lists + 2 * room)
    start = int(memory.ctypes.data)
    layout[:, 0] += start
    layout[:, 2] += start
    return layout, start + size, start + lists, room, memory


def _in_turn(
    some: Callable[[int, int], None],
    control: NDArray[np.int64],
    blocks: int,
    progress: Callable[[float], None] | None,
    deadline: Deadline,
) -> None:
    """Runs all blocks on the caller's thread, about PAUSE seconds at a time: between them it can be stopped, and interrupted."""
    begin, several = 0, 1
    while begin < blocks:
        deadline.check(f"with {begin} of {blocks} blocks begun")
        started = time.perf_counter()
        end = min(begin + several, blocks)
        control[0] = 0
        some(begin, end)
        begin = end
        several = several * 2 if time.perf_counter() - started < PAUSE / 2 else max(1, several // 2)
        if progress is not None and begin < blocks:
            progress(begin / blocks)
    if progress is not None:
        progress(1.0)


def _together(
    ready: Callable[[int], Callable[[int, int], None]],
    count: int,
    control: NDArray[np.int64],
    blocks: int,
    progress: Callable[[float], None] | None,
    deadline: Deadline,
) -> None:
    """Runs all blocks on some threads, which take them from one counter; between blocks they can be stopped."""
    pool = _pool(count)
    tasks = [pool.submit(lambda thread: ready(thread)(0, blocks), thread) for thread in range(count)]
    try:
        pending = set(tasks)
        while pending:
            left = deadline.left
            pause = left if progress is None else 0.1 if left is None else min(0.1, left)
            done, pending = wait_for(pending, timeout=pause, return_when=FIRST_EXCEPTION)
            for task in done:
                task.result()
            if pending:
                begun = min(int(control[0]), blocks)
                deadline.check(f"with {begun} of {blocks} blocks begun")
                if progress is not None:
                    progress(begun / blocks)
    finally:
        control[1] = 1
        _ended(tasks)
    if progress is not None:
        progress(1.0)


def _ended(tasks: list[Future[None]]) -> None:
    """Waits for threads, which still write into memory that is about to go: whatever interrupts the wait, it goes on."""
    for task in tasks:
        task.cancel()
    while True:
        try:
            wait_for(tasks)
        except KeyboardInterrupt:
            continue
        return


_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _pool(count: int) -> ThreadPoolExecutor:
    """Threads that wait for the next run; a forked process makes its own."""
    return _pools.setdefault((os.getpid(), count), ThreadPoolExecutor(count, thread_name_prefix="segkernel"))


def _spread(count: int, things: Iterable[Callable[[], None]]) -> None:
    """Does things on some threads."""
    if count == 1:
        for each in things:
            each()
    else:
        for task in [_pool(count).submit(each) for each in things]:
            task.result()


def raise_first(linked: Linked, errors: list[NDArray[np.int64]]) -> None:
    if not errors:
        return
    instruction, row = min((int(each[0]) - 1, int(each[1])) for each in errors)
    node = linked.places.get(instruction)
    span = None if node is None else linked.source.spans.get(node)
    where = f", first in row {row + 1:,} of {linked.source.root}" if linked.program[instruction, 1] == 0 else ""
    if linked.program[instruction, 0] == op.NARROW:
        raise DataError(f"{LEAVES_THE_CALENDAR}{where}", span)
    raise DataError(f"{LEAVES_ITS_RANGE}{where}", span)
