"""Nested conditions as steps of logic: what is needed once only stays in the processor on its way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from segkernel.kernel import operations as op
from segkernel.link.assembly import Step
from segkernel.plan.program import Node

_KINDS = {"and": op.AND, "or": op.OR}


def inner(nodes: Sequence[Node], uses: Mapping[int, int], roots: Iterable[int]) -> frozenset[int]:
    """The nodes of logic that only one other uses, or only a result: steps towards it."""
    users = [needed for number in uses if nodes[number][0] in _KINDS for needed in nodes[number][2]]
    return frozenset(number for number in (*users, *roots) if nodes[number][0] in _KINDS and uses[number] == 1)


def steps(nodes: Sequence[Node], inner: frozenset[int], registers: Mapping[int, int], number: int) -> list[Step]:
    """The steps that find a node of the registers of all that are not inner.

    Of what a node joins, the longest way comes first, since it needs nothing kept; before each other that has steps of its own,
    what was found so far is kept.
    """
    found: dict[int, list[Step]] = {}
    pending = [number]
    while pending:
        current = pending[-1]
        name, _, joined = nodes[current][:3]
        nested = [each for each in joined if each in inner]
        missing = [each for each in nested if each not in found]
        if missing:
            pending.extend(missing)
            continue
        pending.pop()
        kind = _KINDS[name]
        simple = [registers[each] for each in joined if each not in inner]
        ways = sorted((found.pop(each) for each in nested), key=len, reverse=True)
        way: list[Step] = ways[0] if ways else [(op.OR, simple.pop(0))]
        for other in ways[1:]:
            (start, first), *rest = other
            way += [(start | op.KEEP, first), *rest, (kind, None)]
        way += [(kind, register) for register in simple]
        found[current] = way
    return found[number]
