"""Groups of rows as rows of their own, between an owner and its rows: aggregates over them are then like any others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl import checked
from segdsl.typesystem import NUMBER, WHOLE
from segkernel import meaning
from segkernel.plan.aggregates import number_of
from segkernel.plan.program import Chain, Key

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner

PER = "per"
"""The name of a step from groups to their owner; in a step of three parts, from rows to their groups."""


def below(relation: checked.Relation, owner: Chain) -> Chain:
    """The chain of a relation's rows; of a group's, the rows that it is made of."""
    if owner and len(owner[0]) == 4 and owner[0][0] == PER:
        return ((relation.table, PER, "of"), *owner)
    return (*relation.chain, *owner)


def formed(planner: Planner, node: checked.Grouped, space: int, chain: Chain | None = None) -> tuple[int, int | None]:
    """The space of the groups of each owner's rows, and where they count, None where all do; `chain` stands in for the relation's."""
    build, rules = planner.builder, planner.rules
    keys = tuple(_key(planner, each, node.relation.table) for each in node.groups)
    groups = build.space(((PER, chain or node.relation.chain, keys, rules.timezone), *build.spaces[space]))
    rows = build.space(below(node.relation, build.spaces[groups]))
    wheres = [planner.truth(each, rows, True) for each in node.forming]
    counted = planner.happened(node, rows, build.any_of(rows, wheres) if wheres else build.always(rows, True))
    if build.is_always(counted, True):
        found = build.always(groups, True)
    else:
        found = build.always(groups, False) if build.is_always(counted, False) else build.add("any", groups, rows, counted)
    if node.condition is not None:
        found = build.all_of(groups, (found, planner.truth(node.condition, groups, True)))
    return groups, None if build.is_always(found, True) else found


def holds(planner: Planner, node: checked.Grouped, space: int, wanted: bool) -> int:
    """Where `any`, `none` or `all` of the groups is true, or where it is false."""
    build = planner.builder
    groups, where = formed(planner, node, space)
    if node.function == "all":
        assert node.value is not None
        met = build.always(groups, True) if where is None else where
        where = build.without(groups, met, planner.truth(node.value, groups, True))
    never = where is not None and build.is_always(where, False)
    found = build.always(space, False) if never else build.add("any", space, groups, where)
    return found if (node.function == "any") is wanted else build.invert(space, found)


def aggregated(planner: Planner, node: checked.Grouped, space: int) -> int:
    """The node of an aggregate over groups."""
    groups, where = formed(planner, node, space)
    assert node.value is not None
    value, build = number_of(planner, node.value, groups), planner.builder
    if node.order is None:
        return build.add("aggregate", space, node.type, node.function, groups, where, value)
    found = build.add("aggregate", space, WHOLE, node.function, groups, where, planner.value(node.order, groups))
    return build.add("taken", space, node.type, found, value)


def _key(planner: Planner, node: checked.Expression, table: str) -> tuple[object, ...]:
    """What a step says of a key: the field that it is, or its meaning, for which a program of its own is planned."""
    from segkernel.plan import handing  # that room knows the planner, which knows this one

    assert node.type != NUMBER
    if isinstance(node, checked.Field):
        return ("field", node.path, node.name)
    called = meaning.key(planner.rules, node)
    if called not in planner.keys:
        planner.keys[called] = Key(called, table, handing(planner.rules, table, [node])[0], planner.changes(node))
    return ("value", called)
