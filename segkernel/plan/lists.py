"""Lists of the data: a test of their items is an `any` over rows, or where the value differs from row to row a semi-join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from segdsl import checked
from segdsl.typesystem import DATE, TRUTH, WHOLE, Type
from segkernel.plan import collects, comparing, grouping
from segkernel.plan.program import Chain
from segkernel.plan.scales import as_float, at_scale
from segkernel.plan.slots import form_of

if TYPE_CHECKING:
    from segkernel.plan.planner import Planner

ITEMS = "[]"
"""The name of the items of a list as a field of their own rows."""
UP = "^"
"""The name of a step to the rows of a row that links lead to."""


def holds(planner: Planner, node: checked.InValues, space: int, wanted: bool) -> int:
    """Where a list of the data holds a value, or where it is known not to."""
    build = planner.builder
    value = node.value
    if isinstance(node.listed, checked.OfAccount) and (
        isinstance(value, checked.OfAccount | checked.Constant) or form_of(value) is not None
    ):
        inner = replace(node, value=value.operand if isinstance(value, checked.OfAccount) else value, listed=node.listed.operand)
        return planner.truth(checked.OfAccount(span=node.span, operand=inner, type=TRUTH), space, wanted)
    collected = collects.named(planner, node.listed)
    if collected is not None:
        return collects.holds(planner, collected, value, node.folded, space, wanted)
    if value.type.kind == "yes/no" and not isinstance(value, checked.Constant):
        sides = [replace(node, value=checked.Constant(span=value.span, type=TRUTH, value=side)) for side in (False, True)]
        tests = [(planner.truth(value, space, bool(side)), holds(planner, test, space, wanted)) for side, test in enumerate(sides)]
        return build.any_of(space, [build.all_of(space, pair) for pair in tests])
    rows, where, item, owners = items(planner, node.listed, space)
    item = _folded(item) if node.folded else item
    if isinstance(value, checked.Constant) and value.value is None:
        return build.always(space, False)
    if isinstance(value, checked.Constant) or form_of(value) is not None:
        equal = comparing.comparison(planner, "=", item, value, rows)
        found = existing(planner, owners, rows, equal if where is None else build.all_of(rows, (where, equal)))
    else:
        listed, probe = aligned(planner, item, rows, value, space)
        found = _within(planner, space, owners, rows, where, listed, probe)
    if wanted:
        return found
    known = planner.missing(value, space, False)
    return build.without(space, build.all_of(space, (known, missing(planner, node.listed, space, False))), found)


def overlaps(planner: Planner, node: checked.Overlap, space: int, wanted: bool) -> int:
    """Where one of the items of a list, or every one, is in another list, or where it is known not to."""
    build = planner.builder
    listed, sought = node.listed, node.sought
    if isinstance(listed, checked.OfAccount) and isinstance(sought, checked.OfAccount):
        inner = replace(node, listed=listed.operand, sought=sought.operand)
        return planner.truth(checked.OfAccount(span=node.span, operand=inner, type=TRUTH), space, wanted)
    if any(collects.named(planner, each) is not None for each in (listed, sought)):
        return collects.overlaps(planner, node, space, wanted)
    of_account = isinstance(sought, checked.OfAccount)
    if of_account and not node.every:  # which of both is looked through does not matter
        listed, sought = sought, listed
    if listed.type.item == TRUTH or sought.type.item == TRUTH:
        found = _sides(planner, listed, sought, node.every, space)
    elif of_account and node.every:
        found = _every_one(planner, node, space)
    else:
        rows, where, item, owners = items(planner, listed, space)
        others, there, other, _ = items(planner, sought, space)
        item, other = (_folded(item), _folded(other)) if node.folded else (item, other)
        hit = _within(planner, others, owners, rows, where, *aligned(planner, item, rows, other, others))
        if node.every:
            hit = build.without(others, planner.missing(other, others, False), hit)
        found = existing(planner, space, others, hit if there is None else build.all_of(others, (there, hit)))
        found = build.invert(space, found) if node.every else found
    known = build.all_of(space, (missing(planner, listed, space, False), missing(planner, sought, space, False)))
    return build.all_of(space, (known, found)) if wanted else build.without(space, known, found)


def _sides(planner: Planner, listed: checked.Expression, sought: checked.Expression, every: bool, space: int) -> int:
    """Whether lists of yes/no overlap: yes and no are looked for one after the other."""
    build = planner.builder
    both = []
    for side in (False, True):
        value = checked.Constant(span=sought.span, type=TRUTH, value=side)
        a, b = (
            holds(planner, checked.InValues(span=each.span, value=value, listed=each), space, True) for each in (listed, sought)
        )  # fmt: skip
        both.append(build.any_of(space, (a, build.invert(space, b))) if every else build.all_of(space, (a, b)))
    return build.all_of(space, both) if every else build.any_of(space, both)


def _every_one(planner: Planner, node: checked.Overlap, space: int) -> int:
    """Where a list of each row has all items of one of the account: as many different ones of them as that has."""
    build = planner.builder
    rows, where, item, _ = items(planner, node.listed, space)
    others, there, other, account = items(planner, node.sought, space)
    item, other = (_folded(item), _folded(other)) if node.folded else (item, other)
    have, wanted = aligned(planner, item, rows, other, others)
    hit = _within(planner, rows, account, others, there, wanted, have)
    hit = hit if where is None else build.all_of(rows, (where, hit))
    found, all_of_them = (
        build.add("aggregate", owners, WHOLE, "distinct", of, kept, number)
        for owners, of, kept, number in ((space, rows, hit, have), (account, others, there, wanted))
    )
    same = build.add("compare", space, "=", found, build.add("lifted", space, WHOLE, all_of_them))
    if wanted == planner.value(other, others):
        return same
    coarse = [planner.missing(other, others, False), build.add("missing", others, wanted)]  # an item that equals none, and is not counted
    strange = existing(planner, account, others, build.all_of(others, coarse if there is None else [there, *coarse]))
    return build.without(space, same, build.add("lift", space, strange))


def _folded(item: checked.Expression) -> checked.Expression:
    return checked.Call(span=item.span, function="folded", operands=(item,), type=item.type)


def _within(planner: Planner, space: int, owners: int, rows: int, where: int | None, listed: int, probe: int) -> int:
    build = planner.builder
    never = where is not None and build.is_always(where, False)
    return build.always(space, False) if never else build.add("within", space, owners, rows, where, listed, probe)


def items(planner: Planner, listed: checked.Expression, space: int) -> tuple[int, int | None, checked.Expression, int]:
    """The rows that a list's items are, where they count, the item, and the rows that own the list."""
    listed, owners = _resolved(planner, listed, space)
    if isinstance(listed, checked.Field):
        assert listed.type.item is not None
        rows = planner.builder.space(((ITEMS, listed.table, listed.path, listed.name), *planner.builder.spaces[owners]))
        return rows, None, checked.Field(span=listed.span, table=ITEMS, name=ITEMS, type=listed.type.item, single=listed.single), owners
    assert isinstance(listed, checked.Aggregate | checked.Grouped)
    assert listed.value is not None
    if isinstance(listed, checked.Grouped):
        rows, where = grouping.formed(planner, listed, owners, upwards(listed))
    elif listed.up:
        rows = planner.builder.space((*upwards(listed), *planner.builder.spaces[owners]))
        where = planner.where(listed, rows)
    else:
        rows = planner.rows(listed, owners)
        where = planner.where(listed, rows)
    return rows, where, listed.value, owners


def upwards(node: checked.Aggregate | checked.Grouped) -> Chain:
    """The steps from rows to a row from which links lead to their owner, or just to their owner."""
    chain = node.relation.chain
    if not node.up:
        return chain
    return (*chain[:-1], (UP, node.up[0][0], tuple(link for _, link in node.up), *chain[-1]))


def missing(planner: Planner, listed: checked.Expression, space: int, wanted: bool) -> int:
    """Where a list is missing, or where it is there: what `values` gives always is."""
    build = planner.builder
    if collects.named(planner, listed) is not None:
        return build.always(space, not wanted)
    found, owners = _resolved(planner, listed, space)
    if not isinstance(found, checked.Field):
        rows, _, item, _ = items(planner, listed, space)
        if item.type.kind != "yes/no":
            planner.value(item, rows)
        return build.always(space, not wanted)
    source = planner.value(found, owners)
    known = build.add("missing", owners, source) if wanted else build.range(owners, source, None, None)
    return known if owners == space else build.lift(space, known)


def existing(planner: Planner, owners: int, rows: int, where: int) -> int:
    """The owners that have a row for which a condition is true."""
    build = planner.builder
    if build.is_always(where, False):
        return build.always(owners, False)
    return build.add("any", owners, rows, None if build.is_always(where, True) else where)


def aligned(planner: Planner, item: checked.Expression, rows: int, value: checked.Expression, space: int) -> tuple[int, int]:
    """The nodes of an item and of the value that is looked for, in units in which they are equal where the values are."""
    sides = [(item, rows), (value, space)]
    kinds = {each.type.kind for each, _ in sides}
    scale = max(each.type.scale for each, _ in sides)
    found = []
    for each, where in sides:
        number = planner.value(each, where)
        if kinds == {"date", "timestamp"} and each.type != DATE:
            number = planner.builder.add("day", where, DATE, number)
        elif kinds == {"number", "decimal"}:
            number = as_float(planner.builder, number, each.type, where)
        elif "number" not in kinds and comparing.far_apart(item.type, value.type):
            number = _coarse(planner, number, each.type, min(item.type, value.type, key=lambda kind: kind.scale), where)
        elif "number" not in kinds and each.type.kind in ("whole", "decimal"):
            number = at_scale(planner.builder, number, each.type, scale, where, each.span)
        found.append(number)
    return found[0], found[1]


def _coarse(planner: Planner, number: int, kind: Type, wanted: Type, space: int) -> int:
    """A number with fewer places, missing where it has more: it equals no number that has not."""
    if kind == wanted:
        return number
    build = planner.builder
    floor, ceil = (build.add("rounded", space, wanted, function, wanted.scale, number) for function in ("floor", "ceil"))
    none = build.add("constant", space, wanted, None)
    return build.add("either", space, wanted, build.add("compare", space, "=", floor, ceil), floor, none)


def _resolved(planner: Planner, listed: checked.Expression, space: int) -> tuple[checked.Expression, int]:
    """The field or aggregate that a list comes from, and the rows that own it."""
    while isinstance(listed, checked.Let | checked.OfAccount):
        if isinstance(listed, checked.OfAccount):
            listed, space = listed.operand, 0
        else:
            listed = planner.rules.lets[listed.name].value
    return listed, space
