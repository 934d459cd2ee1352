"""What is reckoned before: aggregates of the row that links lead to, and the arguments of the host's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from segdsl import checked
from segdsl.depths import depth
from segdsl.syntax import Span
from segdsl.typesystem import Type
from segkernel import meaning
from segkernel.plan.aggregates import number_of
from segkernel.plan.program import HostedCall, Statistic

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner

NOWHERE = Span(0, 0, 0)


def stage_over(planner: Planner, table: str, *wanted: checked.Expression) -> tuple[int, Planner]:
    """The stage over a table's rows in which values are wanted: its number and its planner. What the instant of a run decides has one of
    its own, so that it does not make the rest anew in each run; so has what takes more steps, so that no step is made twice."""
    from segkernel.plan.planner import Planner  # a planner has others for its stages

    key = table, any(planner.changes(node) for node in wanted), depth(wanted, planner.top.steps)
    if key not in planner.stages:
        everywhere = planner.top.everywhere
        if key not in everywhere:
            everywhere[key] = Planner(planner.rules, table, planner.top)
        planner.stages[key] = len(planner.stages), everywhere[key]
    return planner.stages[key]


def staged(planner: Planner, node: checked.Aggregate | checked.Grouped, space: int) -> int:
    """The node of an aggregate that goes up links first: of `any` whether there is such a row, of `none` and `all` whether there
    is one that speaks against it."""
    below = msgspec.structs.replace(node, up=(), owner="")
    number, stage = stage_over(planner, node.owner, below)
    decided = node.function in ("any", "none", "all")
    found = stage.truth(below, 0, node.function == "any") if decided else stage.value(below, 0)
    path = tuple(link for _, link in node.up)
    otherwise = 0 if decided or node.function in ("count", "sum", "distinct") else None
    return planner.builder.add("staged", space, node.type, path, number, stage.handed_on(found), otherwise)


def hosted(planner: Planner, node: checked.HostCall, space: int) -> int:
    """The node of a call of a host's function: its arguments are reckoned before, for all rows of the table."""
    number, stage = stage_over(planner, planner.table(space), *node.operands)
    if stage.root == planner.rules.root:
        stage.catch_up({name for operand in node.operands for name in meaning.mentioned(operand)})
    given = tuple(
        stage.handed_on(_argument(stage, operand, wanted)) for operand, wanted in zip(node.operands, node.signature.arguments, strict=True)
    )
    return _call(planner, HostedCall(node.signature, number, given, node.span), space, node.type)


def relative(planner: Planner, node: checked.Relative, space: int) -> int:
    """The node of a statistic of the population."""
    parts = (node.value, *node.groups, *(() if node.where is None else (node.where,)))
    number, stage = stage_over(planner, planner.rules.root, *parts)
    stage.catch_up({name for part in parts for name in meaning.mentioned(part)})
    call = Statistic(
        function=node.function,
        kind=node.value.type,
        type=node.type,
        stage=number,
        value=stage.handed_on(number_of(stage, node.value, 0)),
        where=-1 if node.where is None else stage.handed_on(stage.truth(node.where, 0, True)),
        groups=tuple(stage.handed_on(number_of(stage, group, 0)) for group in node.groups),
        amount=node.amount,
        share=node.share,
        span=node.span,
    )
    return _call(planner, call, space, node.type)


def _call(planner: Planner, call: HostedCall | Statistic, space: int, kind: Type) -> int:
    """The node of a call; the same one, wherever it stands, is made once."""
    number = planner.calls.setdefault(msgspec.structs.replace(call, span=NOWHERE), (len(planner.calls), call))[0]
    return planner.builder.add("called", space, kind, number)


def _argument(stage: Planner, operand: checked.Expression, wanted: Type) -> int:
    return number_of(stage, operand, 0) if wanted.kind == "yes/no" else stage.fitted(operand, wanted, 0)
