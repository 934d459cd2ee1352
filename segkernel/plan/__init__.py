"""Checked rules → program. Pure data in, pure data out: no Polars, no Numba, no data, no clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from segdsl import checked
from segkernel.meaning import needed
from segkernel.plan.planner import Planner
from segkernel.plan.program import Program

__all__ = ["Program", "plan"]


def plan(rules: checked.Rules, only: Sequence[str] | None = None, unknowns: bool = False) -> Program:
    """The program of all segments and chooses, or of those named by `only`; with `unknowns` it also finds for each
    segment where its condition is false, so that a run can count the accounts for which it is unknown."""
    chosen = set(rules.names if only is None else only)
    names = tuple(name for name in rules.names if name in chosen)
    wanted = needed(rules, names)
    planner = Planner(rules, rules.root)
    for name in rules.order:
        if name not in wanted:
            continue
        if name in rules.segments:
            planner.segment(name)
        elif name in rules.chooses:
            planner.choose(name)
        elif rules.lets[name].relation is None:
            planner.let(name)
    segments = [(name, planner.truths[name, True]) for name in names if name in rules.segments]
    choices = [planner.choice(name) for name in names if name in rules.chooses]
    unknown = [(name, planner.truth(rules.segments[name].condition, 0, False)) for name, _ in segments] if unknowns else []
    return msgspec.structs.replace(_planned(planner), segments=tuple(segments), choices=tuple(choices), unknown=tuple(unknown))


def _planned(planner: Planner) -> Program:
    build = planner.builder
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
        stages=tuple(_planned(stage) for stage in planner.stages.values()),
    )
