"""Program and dataset → what the kernel reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

from segkernel.data.columns import Column
from segkernel.data.groups import Moment, rests_on
from segkernel.functions import Function
from segkernel.kernel import operations as op
from segkernel.link import groups, hosting, kept, population, staging
from segkernel.link.aggregating import Owned
from segkernel.link.assembly import Patch
from segkernel.link.kept import Kept
from segkernel.link.linking import Linker
from segkernel.link.ranking import Ranking
from segkernel.link.source import Source
from segkernel.link.staging import Handed
from segkernel.plan.program import Chain, Key, Program, Statistic

__all__ = ["Given", "Linked", "link"]

_owned: WeakKeyDictionary[Source, dict[tuple[Chain, Chain], Owned]] = WeakKeyDictionary()
"""Owners and starts by rows' and owners' chain, kept as long as their dataset."""


class Call(msgspec.Struct, frozen=True, eq=False):
    """Call `number` of a program: `make` turns what a stage hands on, int64[buffers, rows], and what the run has found out so far
    into one more stage's, with one `result`; where it is `fixed`, all runs find the same. `keep` tells what a run keeps of what it made."""

    number: int
    fixed: bool
    stage: int
    result: Handed
    make: Callable[[NDArray[np.int64], population.Memo], NDArray[np.int64]]
    keep: Callable[[NDArray[np.int64], NDArray[np.int64], population.Memo], Kept] | None = None


class Reckoned(Protocol):
    """A statistic of the population that was reckoned elsewhere: the form of its values, and these for a dataset's accounts."""

    def result(self, call: Statistic) -> Handed: ...

    def values(self, call: Statistic, handed: Sequence[Handed], buffers: NDArray[np.int64], memo: population.Memo) -> NDArray[np.int64]: ...


class Linked(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """A program over the memory of one dataset.

    `program` int64[instructions, 8] and `args` int64[:] are what the kernel reads, with 0 where a run fills in `patches`. `outputs`
    int64[:, 2] are the rows of the instructions OUT and PICK, by bitmap (a segment's, or of a value of a collect) and by choose.
    `starts` says for every space but the root where each account's rows begin. `registers` and `slots` are how many each space needs.
    `tables` keeps memory alive. `ranking` puts tests of ranks for others into the program of a run.
    `stages` run before; `fetches` are the instructions that take from them, with stage and buffer. `handed` is what this one
    hands on, `hands` the rows of the instructions that do it, a buffer each. `calls` are
    stages too, numbered behind the others: functions of the host's and statistics of the population. It is `fixed` where all runs
    find the same. `instant` is the one that it is for (nanoseconds since 1970-01-01T00:00Z), None where it is for any.
    """

    source: Program
    rows: int
    program: NDArray[np.int64]
    args: NDArray[np.int64]
    patches: tuple[Patch, ...]
    outputs: NDArray[np.int64]
    starts: tuple[NDArray[np.int64], ...]
    registers: tuple[int, ...]
    slots: tuple[int, ...]
    counts: int
    places: dict[int, int]
    tables: tuple[Any, ...]
    ranking: Ranking
    stages: tuple[Linked, ...]
    handed: tuple[Handed, ...]
    hands: tuple[int, ...]
    fetches: tuple[tuple[int, int, int], ...]
    calls: tuple[Call, ...]
    fixed: bool
    instant: int | None


def link(
    program: Program,
    dataset: Source,
    functions: Mapping[str, Function] | None = None,
    as_of: int = 0,
    statistics: Callable[[Statistic], Reckoned | None] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Linked:
    """Makes a program's instructions for one dataset; columns, maps and orders that it needs are bound on the way.

    `functions` are the host's, by name. `as_of` (nanoseconds since 1970-01-01T00:00Z) is the instant for which rows are grouped by what
    changes with it: only for a program with such groups is the result for that instant alone. `statistics` tells those of the population
    where the rows are not the population; of which it tells None, they are reckoned from the rows. `check` is called before each column
    and stage, and may raise to stop there. Raises DataError where the data do not fit.
    """
    moment = Moment(as_of)
    try:
        return _linked(program, dataset, functions or {}, {}, {}, moment, check, statistics)
    finally:
        if program.moving:
            dataset.forget(moment)
            owned = _owned.get(dataset, {})
            for chains in [each for each in list(owned) if rests_on(each, moment)]:
                del owned[chains]


def _linked(
    program: Program,
    dataset: Source,
    functions: Mapping[str, Function],
    known: dict[int, Linked],
    once: dict[Any, Column],
    moment: Moment,
    check: Callable[[], None],
    statistics: Callable[[Statistic], Reckoned | None] | None = None,
) -> Linked:
    """`known` are the stages linked so far, `once` the calls of the host's functions that no run changes; each is there once."""
    check()
    dataset = dataset.under(program)
    for key in program.keys:
        called = (key.meaning, moment) if key.moving else key.meaning
        dataset.key(key.table, called, partial(_key, key, dataset, functions, moment, check, statistics))
    moving = frozenset(key.meaning for key in program.keys if key.moving)
    if moving:
        program = msgspec.structs.replace(program, spaces=tuple(groups.at_moment(chain, moving, moment) for chain in program.spaces))
    for each in program.stages:
        if id(each) not in known:
            known[id(each)] = _linked(each, dataset, functions, known, once, moment, check, statistics)
    stages = tuple(known[id(each)] for each in program.stages)
    handed_before = [stage.handed for stage in stages]
    fixed: dict[int, Column] = {}
    reckoned: dict[int, NDArray[np.int64]] = {}
    calls: list[Call] = []
    for number, call in enumerate(program.calls):
        stage = stages[call.stage]
        told = statistics(call) if isinstance(call, Statistic) and statistics is not None else None
        if isinstance(call, Statistic) and told is not None:
            calls.append(Call(number, stage.fixed, call.stage, told.result(call), partial(told.values, call, stage.handed)))
            continue
        if isinstance(call, Statistic):
            result = population.result_of(call, stage.handed[call.value])
            calls.append(
                Call(
                    number,
                    stage.fixed,
                    call.stage,
                    result,
                    partial(population.values, call, stage.handed),
                    partial(kept.figures, call, stage.handed, result),
                )
            )
            continue
        function, given = functions[call.signature.name], tuple(stage.handed[output] for output in call.given)
        if stage.fixed and not dataset.refilled:
            from segkernel.run import handed_on  # what no run changes is reckoned here, once

            what = (id(stage), call.signature, call.given)
            if what not in once:
                if call.stage not in reckoned:
                    reckoned[call.stage] = handed_on(stage)
                once[what] = hosting.called(function, given, reckoned[call.stage], program.timezone, call.span)
            fixed[number] = once[what]
        else:
            make = partial(hosting.values, function, given, program.timezone, call.span)
            calls.append(Call(number, False, call.stage, hosting.result_of(call.signature, call.span), make))
    reckoned.clear()
    handed_before += [(call.result,) for call in calls]
    places = {call.number: len(stages) + place for place, call in enumerate(calls)}
    linker = Linker(program, dataset, _owned.setdefault(dataset, {}), handed_before, fixed, places)
    code = linker.code
    columns = [program.nodes[number] for number in sorted(linker.uses) if program.nodes[number][0] == "column"]
    wanted = [(program.spaces[space], path, name, program.timezone, program.root) for _, space, _, path, name in columns]
    dataset.prepare(wanted, check=check)
    linker.aggregates()
    for node in linker.checks:
        linker.ensure(node)
        linker.used(node)
    bitmaps, chosen = len(program.bitmaps), sum(len(each.cases) for each in program.choices)
    outputs: list[tuple[int, ...]] = []
    codes = [(which, value, _code_width(len(each.values))) for which, each in enumerate(program.choices) for _, value in each.cases]
    handed: list[Handed] = []
    number = 0
    for batch in linker.batches():
        made = list(enumerate(batch, number))
        for index, root in made:
            if index >= bitmaps + chosen + len(program.unknown):
                handed.append(staging.hand_on(code, linker.registers[root] if root in linker.registers else linker.forms[root]))
                continue
            if index < bitmaps:
                steps = linker.steps(root)
                outputs.append((code.emit(op.OUT, 0, 0, code.steps(0, steps), index, len(steps)), index))
                continue
            register = linker.registers[root]
            if index < bitmaps + chosen:
                which, value, width = codes[index - bitmaps]
                outputs.append((code.emit(op.PICK, 0, 0, register, value, width), bitmaps + which))
            else:
                code.emit(op.COUNT, 0, index - chosen, register)
        for _, root in made:
            linker.used(root)
        number += len(batch)
    code.settle(program.timezone)
    instructions = np.array(code.program, np.int64).reshape(-1, 8)
    return Linked(
        source=program,
        rows=dataset.height(program.root),
        program=instructions,
        args=np.array(code.args or [0], np.int64),
        patches=tuple(code.patches),
        outputs=np.array(outputs, np.int64).reshape(-1, 2),
        starts=tuple(linker.below(space, 0).starts for space in range(1, len(program.spaces))),
        registers=tuple(room.top for room in code.registers),
        slots=tuple(room.top for room in code.slots),
        counts=bitmaps + len(program.unknown),
        places=code.places,
        tables=tuple(code.tables),
        ranking=Ranking(instructions, [each for each in code.tables if isinstance(each, Column)]),
        fixed=not dataset.refilled and not code.patches and all(each.fixed for each in stages) and all(each.fixed for each in calls),
        stages=stages,
        handed=tuple(handed),
        hands=tuple(code.hands),
        fetches=tuple(code.fetches),
        calls=tuple(calls),
        instant=moment.as_of if program.moving else None,
    )


def _key(
    key: Key,
    dataset: Source,
    functions: Mapping[str, Function],
    moment: Moment,
    check: Callable[[], None],
    statistics: Callable[[Statistic], Reckoned | None] | None,
) -> NDArray[Any]:
    """The codes of what rows are grouped by, at a moment where that decides them."""
    from segkernel.run import handed_on

    stage = _linked(key.program, dataset, functions, {}, {}, moment, check, statistics)
    assert stage.fixed or key.moving
    return groups.codes(stage.handed[0], handed_on(stage, moment.as_of))


def _code_width(values: int) -> int:
    """How many bytes a code of a choose has."""
    return 1 if values < 256 else 4
