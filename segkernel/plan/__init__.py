"""Checked rules → program. Pure data in, pure data out: no Polars, no Numba, no data, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from segdsl import checked
from segkernel.meaning import mentioned
from segkernel.plan import collects
from segkernel.plan.aggregates import number_of
from segkernel.plan.planner import Planner
from segkernel.plan.program import Program

__all__ = ["Program", "handing", "plan"]


def plan(rules: checked.Rules, only: Sequence[str] | None = None, unknowns: bool = False) -> Program:
    """The program of all segments, chooses and collects, or of those named by `only`; with `unknowns` it also finds for each
    segment where its condition is false, so that a run can count the accounts for which it is unknown."""
    chosen = set(rules.names if only is None else only)
    names = tuple(name for name in rules.names if name in chosen)
    planner = Planner(rules, rules.root)
    planner.catch_up(names)
    segments = [(name, planner.truths[name, True]) for name in names if name in rules.segments]
    choices = [planner.choice(name) for name in names if name in rules.chooses]
    collections = [collects.collection(planner, name) for name in names if name in rules.collects]
    unknown = [(name, planner.truth(rules.segments[name].condition, 0, False)) for name, _ in segments] if unknowns else []
    return msgspec.structs.replace(
        _planned(planner),
        segments=tuple(segments),
        choices=tuple(choices),
        collections=tuple(collections),
        unknown=tuple(unknown),
    )


def handing(rules: checked.Rules, table: str, nodes: Sequence[checked.Expression]) -> tuple[Program, list[int]]:
    """The program that hands on the values of some expressions for all rows of a table, and the output that each of them is."""
    planner = Planner(rules, table)
    if table == rules.root:
        planner.catch_up({name for node in nodes for name in mentioned(node)})
    outputs = [planner.handed_on(number_of(planner, node, 0)) for node in nodes]
    return _planned(planner), outputs


def _planned(planner: Planner, known: dict[int, Program] | None = None) -> Program:
    """The program of a planner; stages that several programs share stay one."""
    build, known = planner.builder, {} if known is None else known
    for _, stage in planner.stages.values():
        if id(stage) not in known:
            known[id(stage)] = _planned(stage, known)
    stages = tuple(known[id(stage)] for _, stage in planner.stages.values())
    keys = tuple(planner.keys.values())
    return Program(
        root=planner.root,
        timezone=planner.rules.timezone,
        spaces=tuple(build.spaces),
        nodes=tuple(build.nodes),
        segments=(),
        choices=(),
        unknown=(),
        spans=build.spans,
        outputs=tuple(planner.outputs),
        calls=tuple(call for _, call in planner.calls.values()),
        stages=stages,
        keys=keys,
        moving=any(key.moving for key in keys) or any(stage.moving for stage in stages),
    )
