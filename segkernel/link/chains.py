"""Chains: families of aggregates whose `where`s are nested, such as the last 30, 90 and 365 days of the same rows.

One family's rows are all those of the family before it and some more, whatever the instant of a run; so its accumulators
go on from the others', and each row is visited once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from segdsl.typesystem import Length
from segkernel.clock import is_instant
from segkernel.link.grouping import GROUPED
from segkernel.plan.program import Node
from segkernel.plan.slots import Form, Slot

Family = tuple[int, int, int | None, int | None]
"""Owners' space, rows' space, `where` and reckoned value of aggregates."""


def family_of(nodes: Sequence[Node], node: Node) -> Family:
    """What the aggregates that are made together share; one of what is reckoned for each row may rest on the others."""
    if node[0] == "any":
        return node[1], node[2], node[3], None
    calculated = node[6] is not None and nodes[node[6]][0] != "column"
    return node[1], node[4], node[5], node[6] if calculated else None


def chains(nodes: Sequence[Node], families: Mapping[Family, Sequence[int]]) -> list[tuple[Family, ...]]:
    """Every family in one chain, narrow before wide; most chains have one family.

    Families can be nested where their `where`s differ in one range only, and these ranges share an end.
    """
    able = [family for family, members in families.items() if _goes_on(nodes, family, members)]
    whole = {(family[:2], _terms(nodes, family)): family for family in able}
    opened: dict[Any, Family] = {}
    alike: dict[Any, list[tuple[tuple[Any, ...], Family]]] = {}
    for family in able:
        terms = _terms(nodes, family)
        for term in terms:
            for shared, bound, sign in _ends(nodes[term]):
                key = family[:2], terms - {term}, shared
                if bound is None:
                    opened[key] = family
                else:
                    shape, numbers = reach(bound)
                    alike.setdefault((key, shape), []).append((tuple(sign * number for number in numbers), family))
    found = []
    for (key, _), windows in alike.items():
        wider = [each for each in (opened.get(key), whole.get(key[:2])) if each is not None]
        found += [(*chain, *wider) for chain in nested(windows)]
    taken: set[Family] = set()
    made: dict[Family, tuple[Family, ...]] = {}
    for chain in sorted(found, key=len, reverse=True):
        left = tuple(family for family in chain if family not in taken)
        if len(left) > 1:
            taken.update(left)
            made[left[0]] = left
    return [made.get(family, (family,)) for family in families if family in made or family not in taken]


def _goes_on(nodes: Sequence[Node], family: Family, members: Sequence[int]) -> bool:
    """Whether a family's accumulators can go on to more rows: not those that need all rows of an owner together."""
    return (
        family[2] is not None
        and family[3] is None
        and not any(nodes[each][0] == "aggregate" and nodes[each][3] in GROUPED for each in members)
    )


def _terms(nodes: Sequence[Node], family: Family) -> frozenset[int]:
    """The nodes that all hold in the rows of a family."""
    where = family[2]
    assert where is not None
    return frozenset(nodes[where][2]) if nodes[where][0] == "and" else frozenset((where,))


def _ends(node: Node) -> Iterator[tuple[Any, Any, int]]:
    """Each end of a range: what the range may share with others, the bound, and the sign that makes the narrower one larger."""
    if node[0] == "range":
        _, _, source, low, high = node
        yield (source, "until", high), low, 1
        yield (source, "since", low), high, -1


def nested(windows: Iterable[tuple[tuple[Any, ...], Family]]) -> Iterator[tuple[Family, ...]]:
    """Chains of families by the numbers of their bounds, all of one shape: no number of a wider one is larger."""
    chain: list[Family] = []
    before: tuple[Any, ...] = ()
    for numbers, family in sorted(windows, key=lambda window: window[0], reverse=True):
        if chain and any(x > y for x, y in zip(numbers, before, strict=True)):
            yield tuple(chain)
            chain = []
        chain.append(family)
        before = numbers
    if chain:
        yield tuple(chain)


def reach(bound: Any) -> tuple[Any, tuple[Any, ...]]:
    """A bound as a shape and numbers: of two with one shape, one of which no number is larger is at no run the later one."""
    if isinstance(bound, Slot):
        shape, numbers = _reach_of_form(bound.form)
        return ("slot", shape), (*numbers, bound.plus)
    if isinstance(bound, int | float | Fraction):
        return "number", (bound,)
    return bound, ()


def _reach_of_form(form: Form) -> tuple[Any, tuple[int, ...]]:
    match form:
        case ("days" | "instant" as word, value):
            return word, (value,)
        case ("start", unit, shift):
            return ("start", unit), (shift,)
        case ("first instant" | "day" as word, inner):
            shape, numbers = _reach_of_form(inner)
            return (word, shape), numbers
        case ("shift", ("shift", _, _) as inner, Length() as by) if not is_instant(inner):
            shape, numbers = _reach_of_form(inner)
            return ("shift", shape, by), numbers
        case ("shift", inner, Length() as by) if by.months or by.days or not by.nanoseconds:
            # of days, whatever the clock does in between: no zone ever leapt by more than a day
            return ("shift", inner, by.nanoseconds), (by.months, by.days)
        case ("shift", inner, Length() as by):
            return ("shift", inner), (by.nanoseconds,)
        case _:
            return form, ()
