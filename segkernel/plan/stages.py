"""What is reckoned before: aggregates of the row that links lead to, once for each such row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from segdsl import checked

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner


def staged(planner: Planner, node: checked.Aggregate, space: int) -> int:
    """The node of an aggregate that goes up links first: of `any` whether there is such a row, of `none` and `all` whether there
    is one that speaks against it."""
    from segkernel.plan.planner import Planner  # a planner has others for its stages

    stage = planner.stages.setdefault(node.owner, Planner(planner.rules, node.owner))
    below = msgspec.structs.replace(node, up=(), owner="")
    decided = node.function in ("any", "none", "all")
    number = stage.truth(below, 0, node.function == "any") if decided else stage.value(below, 0)
    output = stage.outputs.setdefault(number, len(stage.outputs))
    path = tuple(link for _, link in node.up)
    otherwise = 0 if decided or node.function in ("count", "sum", "distinct") else None
    return planner.builder.add("staged", space, node.type, path, list(planner.stages).index(node.owner), output, otherwise)
