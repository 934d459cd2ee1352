"""The lists that `collect` gives: where each of their values is listed, and tests of them without any rows for their items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from segdsl import checked
from segdsl.syntax import Span
from segdsl.texts import folded as fold
from segdsl.typesystem import NUMBER, Type
from segkernel.plan import comparing, lists
from segkernel.plan.program import Collection
from segkernel.plan.slots import form_of

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner


def planned(planner: Planner, rule: checked.CollectRule) -> dict[Any, int]:
    """The node where each value of a collect is listed, in the order of their first cases."""
    found: dict[Any, list[int]] = {}
    for case in rule.cases:
        found.setdefault(case.value.value, []).append(planner.truth(case.condition, 0, True))
    listed = {value: planner.builder.any_of(0, nodes) for value, nodes in found.items()}
    planner.builder.whole.update(listed.values())
    return listed


def collection(planner: Planner, name: str) -> Collection:
    """A collect as a program answers it."""
    nodes = planner.collected[name]
    return Collection(name, planner.rules.collects[name].type, tuple(nodes), tuple(nodes.values()))


def named(planner: Planner, listed: checked.Expression) -> str | None:
    """The collect that a list is, by a let too; None for other lists."""
    while isinstance(listed, checked.Let | checked.OfAccount):
        listed = listed.operand if isinstance(listed, checked.OfAccount) else planner.rules.lets[listed.name].value
    return listed.name if isinstance(listed, checked.Collected) else None


def holds(planner: Planner, name: str, value: checked.Expression, folded: bool, space: int, wanted: bool) -> int:
    """Where a collect holds a value, or where it is known not to: one of its values equals it and is listed."""
    build = planner.builder
    if isinstance(value, checked.Constant) and value.value is None:
        return build.always(space, False)
    found = build.any_of(
        space,
        [
            build.all_of(space, (where, equal(planner, value, constant, space)))
            for constant, where in items(planner, name, value.span, folded, space)
        ],
    )
    if wanted or isinstance(value, checked.Constant):
        return found if wanted else build.invert(space, found)
    return build.without(space, planner.missing(value, space, False), found)


def overlaps(planner: Planner, node: checked.Overlap, space: int, wanted: bool) -> int:
    """Where one of the items of a list, or every one, is in another list, where one of them or both are collects."""
    build = planner.builder
    asked, other = named(planner, node.sought), node.listed
    if asked is None and not node.every:  # which of both is asked for does not matter
        asked, other = named(planner, node.listed), node.sought
    known = lists.missing(planner, other if asked is not None else node.sought, space, False)
    if asked is None:
        found = build.invert(space, _stranger(planner, node, space))
    else:
        terms = []
        for constant, where in items(planner, asked, node.span, node.folded, space):
            test = checked.InValues(span=node.span, value=_beside(constant, other.type.item), listed=other, folded=node.folded)
            there = planner.truth(test, space, True)
            terms.append(build.any_of(space, (build.invert(space, where), there)) if node.every else build.all_of(space, (where, there)))
        found = build.all_of(space, terms) if node.every else build.any_of(space, terms)
    return build.all_of(space, (known, found)) if wanted else build.without(space, known, found)


def _stranger(planner: Planner, node: checked.Overlap, space: int) -> int:
    """Where a list of the data has a present item that a collect does not list."""
    build = planner.builder
    collect = named(planner, node.listed)
    assert collect is not None
    rows, where, item, owners = lists.items(planner, node.sought, space)
    value = checked.Call(span=item.span, function="folded", operands=(item,), type=item.type) if node.folded else item
    strange = holds(planner, collect, value, node.folded, rows, False)
    found = lists.existing(planner, owners, rows, strange if where is None else build.all_of(rows, (where, strange)))
    return found if owners == space else _seen(planner, found, space)


def items(planner: Planner, name: str, span: Span, folded: bool, space: int) -> list[tuple[checked.Constant, int]]:
    """The values of a collect, as a test that ignores case looks at them where `folded`, with the node where each is listed."""
    found = []
    for value, where in planner.collected[name].items():
        shown = fold(value) if folded else value
        constant = checked.Constant(span=span, type=planner.rules.collects[name].type, value=shown)
        found.append((constant, _seen(planner, where, space)))
    return found


def _seen(planner: Planner, number: int, space: int) -> int:
    """The node of an account's condition as its rows see it."""
    return planner.builder.lift(space, number) if space else number


def equal(planner: Planner, value: checked.Expression, constant: checked.Constant, space: int) -> int:
    """Where a value equals an item."""
    constant = _beside(constant, value.type)
    if isinstance(value, checked.Constant) and form_of(value) is None:
        return planner.builder.always(space, _same(value, constant))
    return comparing.comparison(planner, "=", value, constant, space)


def _beside(constant: checked.Constant, kind: Type | None) -> checked.Constant:
    """An item as it meets values of a type: it is no literal, so a decimal beside a float is its units by the power of ten."""
    if constant.type.kind != "decimal" or kind != NUMBER:
        return constant
    assert isinstance(constant.value, int)
    return replace(constant, type=NUMBER, value=float(constant.value) / float(10**constant.type.scale))


def _same(a: checked.Constant, b: checked.Constant) -> bool:
    """Whether two constants that are no times are equal."""
    scale = max(a.type.scale, b.type.scale)
    x, y = (each.value * 10 ** (scale - each.type.scale) if each.type.kind in ("whole", "decimal") else each.value for each in (a, b))
    return bool(x == y)
