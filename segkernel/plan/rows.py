"""Lets of a relation's rows: which of them a row needs, in which order, and of conditions whether where true or where false."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from segdsl import checked
from segdsl.tree import children

Demand = tuple[str, bool | None]
"""A let and what is asked of it: where it is true, where it is false, or (None) its value."""


def demanded(
    lets: Mapping[str, checked.LetRule], place: Mapping[str, int], first: Demand, known: Container[Demand]
) -> list[Demand]:  # fmt: skip
    """A demand and all that it rests on at the same row, without those `known`, each after what it needs.

    `place` is the place of each let in the order of evaluation. A chain of any length costs no recursion.
    """
    found, pending = {first}, [first]
    while pending:
        for demand in _mentioned(lets, *pending.pop()):
            if demand not in found and demand not in known:
                found.add(demand)
                pending.append(demand)
    return sorted(found, key=lambda demand: (place[demand[0]], str(demand[1])))


def _mentioned(lets: Mapping[str, checked.LetRule], name: str, wanted: bool | None) -> Iterator[Demand]:
    """What a let asks of other lets of its own row; where it takes more than `and`, `or` and `not` to know, both sides."""
    pending: list[tuple[checked.Expression, bool | None]] = [(lets[name].value, wanted)]
    while pending:
        node, side = pending.pop()
        match node:
            case checked.Let():
                kind = lets[node.name].value.type.kind
                if kind == "list":
                    continue  # planned where it is named
                if kind != "yes/no":
                    yield node.name, None
                else:
                    yield from ((node.name, each) for each in (True, False) if side in (None, each))
            case checked.Aggregate() | checked.Grouped() | checked.OfAccount():
                pass  # asked of other rows
            case checked.And() | checked.Or():
                pending += [(term, side) for term in node.terms]
            case checked.Not():
                pending.append((node.term, None if side is None else not side))
            case _:
                pending += [(child, None) for child in children(node)]
