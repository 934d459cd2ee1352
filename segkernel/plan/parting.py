"""Which stages every run finds alike: calls on what no instant changes get stages apart from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from segkernel.plan.program import HostedCall, Node, Program, Statistic, parts
from segkernel.plan.slots import Slot

Call = HostedCall | Statistic


def parted(program: Program) -> Program:
    """The program where no call whose arguments every run finds alike shares a stage with what the run's instant changes."""
    stages = [parted(stage) for stage in program.stages]
    changing = [moving(stage) for stage in stages]
    leaving: dict[int, set[int]] = {}
    alike: set[int] = set()
    for number, call in enumerate(program.calls):
        changes, outputs = changing[call.stage], stages[call.stage].outputs
        if isinstance(call, HostedCall) and any(changes) and not any(changes[outputs[output]] for output in taken(call)):
            leaving.setdefault(call.stage, set()).update(taken(call))
            alike.add(number)
    if not alike:
        return msgspec.structs.replace(program, stages=tuple(stages))
    apart = {stage: len(stages) + place for place, stage in enumerate(leaving)}
    stages += [part_of(stages[stage], sorted(several)) for stage, several in leaving.items()]
    calls = [
        msgspec.structs.replace(call, stage=apart[call.stage]) if number in alike else call for number, call in enumerate(program.calls)
    ]
    asked = _asked(program.nodes, calls)
    for stage in leaving:  # it keeps its nodes, which must not leave their range
        kept = sorted(asked.get(stage, ()))
        stages[stage] = msgspec.structs.replace(stages[stage], outputs=tuple(stages[stage].outputs[output] for output in kept))
    given = {stage: _numbers(several) for stage, several in asked.items()}
    numbered = _numbered(program.nodes, calls, range(len(calls)), range(len(stages)), given)
    return msgspec.structs.replace(program, stages=tuple(stages), **numbered)


def moving(program: Program) -> list[bool]:
    """For each node, whether every run finds its value anew: the run's instant decides it, or it is a statistic of the population."""
    stages = [moving(stage) for stage in program.stages]
    calls = [
        isinstance(call, Statistic) or any(stages[call.stage][program.stages[call.stage].outputs[output]] for output in call.given)
        for call in program.calls
    ]
    found: list[bool] = []
    for node in program.nodes:
        own = _has_slot(node) or (node[0] == "calendar" and node[3] == "anniversary")
        if node[0] == "staged":
            own = stages[node[4]][program.stages[node[4]].outputs[node[5]]]
        elif node[0] == "called":
            own = calls[node[3]]
        found.append(own or any(found[part] for part in parts(node)))
    return found


def taken(call: Call) -> tuple[int, ...]:
    """The outputs of its stage that a call takes."""
    if isinstance(call, HostedCall):
        return call.given
    return (call.value, *call.groups, *(() if call.where < 0 else (call.where,)))


def _taking(call: Call, numbers: dict[int, int]) -> Call:
    """A call that takes the outputs of other numbers."""
    if isinstance(call, HostedCall):
        return msgspec.structs.replace(call, given=tuple(numbers[output] for output in call.given))
    where = call.where if call.where < 0 else numbers[call.where]
    return msgspec.structs.replace(call, value=numbers[call.value], groups=tuple(numbers[output] for output in call.groups), where=where)


def part_of(program: Program, outputs: Sequence[int]) -> Program:
    """The program that hands on only some of its outputs, and holds nothing that they do not need."""
    roots = tuple(program.outputs[output] for output in outputs)
    needed = _needed(program, roots)
    nodes = tuple(node if number in needed else ("always", 0, False) for number, node in enumerate(program.nodes))
    calls = sorted({node[3] for node in nodes if node[0] == "called"})
    called = [program.calls[call] for call in calls]
    asked = _asked(nodes, called)
    stages = tuple(part_of(program.stages[stage], sorted(several)) for stage, several in asked.items())
    given = {stage: _numbers(several) for stage, several in asked.items()}
    return msgspec.structs.replace(program, outputs=roots, stages=stages, **_numbered(nodes, called, calls, list(asked), given))


def _asked(nodes: Iterable[Node], called: Iterable[Call]) -> dict[int, set[int]]:
    """By stage, the outputs that nodes and calls take."""
    asked: dict[int, set[int]] = {}
    for call in called:
        asked.setdefault(call.stage, set()).update(taken(call))
    for node in nodes:
        if node[0] == "staged":
            asked.setdefault(node[4], set()).add(node[5])
    return asked


def _numbers(several: Iterable[int]) -> dict[int, int]:
    """Some outputs, counted in their order."""
    return {number: place for place, number in enumerate(sorted(several))}


def _numbered(
    nodes: Iterable[Node], called: Sequence[Call], calls: Sequence[int], stages: Sequence[int], given: dict[int, dict[int, int]]
) -> dict[str, Any]:
    """The nodes and calls of a program whose `calls` and `stages` (in their new order), and outputs of stages, have other numbers."""
    places, stage_places = _numbers(calls), {stage: place for place, stage in enumerate(stages)}
    renumbered: list[Node] = []
    for node in nodes:
        if node[0] == "called":
            renumbered.append((*node[:3], places[node[3]]))
        elif node[0] == "staged":
            renumbered.append((*node[:4], stage_places[node[4]], given[node[4]][node[5]], node[6]))
        else:
            renumbered.append(node)
    moved = [_taking(msgspec.structs.replace(call, stage=stage_places[call.stage]), given[call.stage]) for call in called]
    return {"nodes": tuple(renumbered), "calls": tuple(moved)}


def _needed(program: Program, roots: Collection[int]) -> set[int]:
    found: set[int] = set()
    pending = list(roots)
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending += parts(program.nodes[number])
    return found


def _has_slot(value: Any) -> bool:
    return isinstance(value, Slot) or (isinstance(value, tuple) and any(_has_slot(each) for each in value))
