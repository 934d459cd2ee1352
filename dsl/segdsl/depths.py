"""How many steps, each reckoned before the next for all rows of a table, a statement takes by way of the names that it mentions."""

from __future__ import annotations

from collections.abc import Sequence

from segdsl.checked import Aggregate, Chosen, Collected, Expression, Grouped, HostCall, InSegment, Let, Relative
from segdsl.tree import LEAVES, children

_NAMELESS = LEAVES - {Let, Chosen, Collected, InSegment}


def depth(roots: Sequence[Expression], known: dict[str, int]) -> int:
    """The steps of expressions: an aggregate that goes up links first, a call of the host's and a statistic of the population take one
    each. `known` are the steps of the statements that they mention."""
    deepest = 0
    pending = [(root, 0) for root in roots]
    while pending:
        node, steps = pending.pop()
        kind = type(node)
        if kind is HostCall or kind is Relative or ((kind is Aggregate or kind is Grouped) and node.up):  # type: ignore[union-attr]
            steps += 1
        elif kind is Let or kind is Chosen or kind is Collected:
            deepest = max(deepest, steps + known.get(node.name, 0))  # type: ignore[union-attr]
            continue
        elif kind is InSegment:
            deepest = max(deepest, steps + known.get(node.segment, 0))  # type: ignore[union-attr]
            continue
        deepest = max(deepest, steps)
        pending += [(inner, steps) for inner in children(node) if type(inner) not in _NAMELESS]
    return deepest
