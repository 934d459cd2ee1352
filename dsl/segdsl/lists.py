"""Lists of the data: `x in NAME` and `list contains x`, where the list is a field, a `collect` or what `values(…)` gives."""

from __future__ import annotations

from collections.abc import Sequence

from segdsl import constants, syntax
from segdsl.checked import Aggregate, Constant, Expression, Field, InValues, Let, OfAccount, Overlap
from segdsl.conditions import compare_hint, joined, negated, one_hint, param_items, text_test
from segdsl.context import Context, Scope
from segdsl.syntax import Span
from segdsl.typesystem import IN_TIME, NUMERIC, TEXT, Type
from segdsl.values import case_ignored, exact_duration
from segdsl.wording import phrase


def contains(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`contains`, `contains any of` and `contains all of`, of a list or of a text; the other tests of texts."""
    assert isinstance(node, syntax.TextTest)
    held = ctx.value(node.left, scope, lists=True)
    if held is None or held.type.kind != "list" or not node.kind.startswith("contains"):
        return text_test(ctx, node, held, scope)
    sought: Sequence[Expression | None] | None
    if isinstance(node.right, syntax.ListOf):
        sought = [ctx.value(item, scope) for item in node.right.items]
    else:
        sought = [ctx.value(node.right, scope)] if node.kind == "contains" else param_items(ctx, node.right)
    if sought is None:
        assert isinstance(node.right, syntax.Path)
        other = list_of_data(ctx, node.right, scope, one_hint(node))
        return negated(_overlap(ctx, node, held, other), node.negated, node.span)
    tests: list[Expression] = []
    for value in sought:
        if value is not None:
            span = node.span if node.kind == "contains" else value.span
            test = in_values(ctx, case_ignored(ctx, value) if node.ignoring_case else value, held, node.ignoring_case, span)
            tests += [] if test is None else [test]
    return None if len(tests) < len(sought) else negated(joined(node, tests), node.negated, node.span)


def in_values(ctx: Context, value: Expression | None, listed: Expression, ignoring_case: bool, span: Span) -> Expression | None:
    """The test that a list of the data holds a value, which is folded already where case is ignored."""
    item = listed.type.item
    assert item is not None
    if ignoring_case and item != TEXT:
        ctx.report("E305", listed.span, what="`ignoring case`", wanted="a list of text", found=phrase(listed))
        return None
    if value is None:
        return None
    if not _compare(value.type, item):
        ctx.report("E301", span, left=phrase(value), right=f"what {phrase(listed)} holds", hint=_hint(ctx, value, listed))
        return None
    whole = exact_duration(ctx, value)
    if whole is None:
        return None
    if isinstance(whole, Constant):
        whole = constants.of_width(whole, held_as(ctx, listed))
    return InValues(span=span, value=whole, listed=listed, folded=ignoring_case)


def _overlap(ctx: Context, node: syntax.TextTest, listed: Expression, sought: Expression | None) -> Expression | None:
    """`list contains any of NAME` and `all of NAME`, where the name is that of another list of the data."""
    if sought is None:
        return None
    assert listed.type.item is not None
    assert sought.type.item is not None
    every = node.kind == "contains all"
    for each in (listed, sought) if node.ignoring_case else ():
        if each.type.item != TEXT:
            ctx.report("E305", each.span, what="`ignoring case`", wanted="a list of text", found=phrase(each))
            return None
    if not _compare(listed.type.item, sought.type.item):
        ctx.report("E301", node.span, left=f"what {phrase(sought)} holds", right=f"what {phrase(listed)} holds")
        return None
    return Overlap(span=node.span, listed=listed, sought=sought, every=every, folded=node.ignoring_case)


def held_as(ctx: Context, listed: Expression) -> Expression:
    """What the items of a list come from: the list's field, its `collect`, or what `values` looks at."""
    while isinstance(listed, Let | OfAccount):
        listed = ctx.lets[listed.name].value if isinstance(listed, Let) else listed.operand
    return listed.value if isinstance(listed, Aggregate) and listed.value is not None else listed


def _compare(value: Type, item: Type) -> bool:
    return value == item or any(value.kind in kinds and item.kind in kinds for kinds in (NUMERIC, IN_TIME))


def _hint(ctx: Context, value: Expression, listed: Expression) -> str | None:
    assert listed.type.item is not None
    return compare_hint(Field(span=listed.span, table="", name="", type=listed.type.item), value)


def list_of_data(ctx: Context, node: syntax.Path | syntax.Call, scope: Scope, hint: str) -> Expression | None:
    """The list that a name or a call gives; anything else is a mistake, with a hint."""
    found = ctx.value(node, scope, lists=True) if isinstance(node, syntax.Path) else ctx.expression(node, scope)
    if found is None or found.type.kind == "list":
        return found
    shown = f"`{node.name.text}(…)`" if isinstance(node, syntax.Call) else phrase(found)
    ctx.report("E313", node.span, what=shown, hint=hint)
    return None
