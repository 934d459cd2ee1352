"""Statistics of all accounts, and an account's place among them, by their definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from segdsl import checked
from segkernel.oracle import arithmetic
from segkernel.oracle.arithmetic import Value
from segkernel.oracle.functions import order_of


def statistics(
    node: checked.Relative,
    values: Sequence[Value],
    wheres: Sequence[bool | None],
    groups: Sequence[tuple[Value, ...]],
) -> list[Value]:
    """The answer for every account; `wheres` and `groups` stand beside their values."""
    peers: dict[tuple[Value, ...], list[Value]] = {}
    for value, where, group in zip(values, wheres, groups, strict=True):
        if value is not None and where is True and None not in group:
            peers.setdefault(group, []).append(value)
    return [
        _answer(node, value, where, None if None in group else peers.get(group, []))
        for value, where, group in zip(values, wheres, groups, strict=True)
    ]


def _answer(node: checked.Relative, value: Value, where: bool | None, peers: list[Value] | None) -> Value:
    own = node.function in ("rank", "percentile", "ntile", "top", "bottom")
    if own and where is not True:
        return False if node.function in ("top", "bottom") else None
    if peers is None or (own and value is None):
        return None
    return _place(node, value, peers) if own else _shared(node, peers)


def _place(node: checked.Relative, value: Value, peers: list[Value]) -> Value:
    smaller = sum(order_of(each) < order_of(value) for each in peers)  # type: ignore[operator]
    larger = sum(order_of(each) > order_of(value) for each in peers)  # type: ignore[operator]
    count = len(peers)
    amount = node.amount or Fraction(0)
    if node.function == "rank":
        return 1 + larger
    if node.function == "percentile":
        return 100 * smaller / (count - 1) if count > 1 else 0.0
    if node.function == "ntile":
        return 1 + math.floor(amount * smaller / count)
    limit = math.ceil(amount * count) if node.share else amount
    return 1 + (larger if node.function == "top" else smaller) <= limit


def _shared(node: checked.Relative, peers: list[Value]) -> Value:
    kind = node.value.type
    if node.function == "count":
        return len(peers)
    if node.function == "sum":
        if kind.kind == "number":
            return arithmetic.float_sum([arithmetic.as_float(value, kind) for value in peers])
        return arithmetic.in_range(sum(arithmetic.whole(value) for value in peers), node.type, node.span)
    if len(peers) < (2 if node.function == "stddev" else 1):
        return None
    if node.function in ("min", "max"):
        return (min if node.function == "min" else max)(peers, key=order_of)
    return {"avg": arithmetic.average, "median": arithmetic.median, "stddev": arithmetic.deviation}[node.function](peers, kind)
