"""Groups of rows: who is in which, and which of them count."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from segdsl import checked
from segkernel.oracle.arithmetic import Value
from segkernel.oracle.functions import exact_length

if TYPE_CHECKING:
    from segkernel.oracle.evaluate import Oracle, Row


def formed(oracle: Oracle, aggregate: checked.Grouped, row: Row) -> list[Row]:
    """The groups that the rows of an aggregate's relation form, counted or not; rows without a key are in none."""
    from segkernel.oracle.evaluate import Row  # that room knows this one

    families: dict[tuple[Value, ...], list[Row]] = {}
    for each in oracle.rows(aggregate, row):
        families.setdefault(key(oracle, aggregate, each), []).append(each)
    return [
        Row(members[0].table, members[0].index, members[0].account, tuple(member.index for member in members))
        for shared, members in families.items()
        if None not in shared
    ]


def key(oracle: Oracle, aggregate: checked.Grouped, row: Row) -> tuple[Value, ...]:
    """What a row shares with the others of its group."""
    return tuple(exact_length(oracle.value(each, row)) for each in aggregate.groups)


def place(oracle: Oracle, aggregate: checked.Grouped, group: Row) -> tuple[tuple[bool, Value | Fraction], ...]:
    """Where a group stands among those of its owner: by what its rows share."""
    from segkernel.oracle.evaluate import Row  # that room knows this one

    return tuple((True, part) for part in key(oracle, aggregate, Row(group.table, group.index)))


def counted(oracle: Oracle, aggregate: checked.Grouped, row: Row) -> list[Row]:
    """The groups of which a row has happened and forms them, and whose condition is true."""
    return [group for group in formed(oracle, aggregate, row) if _counts(oracle, aggregate, group)]


def _counts(oracle: Oracle, aggregate: checked.Grouped, group: Row) -> bool:
    """All parts are evaluated for all rows and groups, also where they no longer decide."""
    there = []
    for each in oracle.rows(aggregate, group):
        forming = [oracle.condition(condition, each) is True for condition in aggregate.forming]
        there.append((any(forming) or not forming) and oracle.happened(aggregate.relation, each))
    held = aggregate.condition is None or oracle.condition(aggregate.condition, group) is True
    return held and any(there)
