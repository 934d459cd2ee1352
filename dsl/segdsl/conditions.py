"""Conditions: logic, comparisons, texts, and what is written shorter than it is meant (`in a..b`, `within`, periods)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segdsl import constants, regexes, syntax
from segdsl.checked import And, Compare, Constant, Expression, InSegment, IsMissing, KOf, Not, Or, TextTest
from segdsl.context import Context, Scope
from segdsl.slips import quotes
from segdsl.syntax import Span
from segdsl.typesystem import DURATION, IN_TIME, NUMERIC, TEXT, TRUTH
from segdsl.values import case_ignored, exact_duration, text_call
from segdsl.wording import phrase, plain

# ---- logic


def _terms(ctx: Context, nodes: tuple[syntax.Expression, ...], scope: Scope) -> tuple[Expression, ...] | None:
    terms: list[Expression] = []
    for node in nodes:  # not a comprehension: that would be one more frame for each depth of nesting
        term = ctx.condition(node, scope)
        if term is not None:
            terms.append(term)
    return tuple(terms) if len(terms) == len(nodes) else None


def all_of(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`a and b`."""
    assert isinstance(node, syntax.And)
    whole = _terms(ctx, node.terms, scope)
    return None if whole is None else And(span=node.span, terms=whole)


def one_of(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`a or b`."""
    assert isinstance(node, syntax.Or)
    whole = _terms(ctx, node.terms, scope)
    return None if whole is None else Or(span=node.span, terms=whole)


def opposite(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`not a`."""
    assert isinstance(node, syntax.Not)
    return negated(ctx.condition(node.term, scope), True, node.span)


def negated(found: Expression | None, turn: bool, span: Span) -> Expression | None:
    """The opposite of a condition where `turn` says so."""
    if found is None or not turn:
        return found
    if isinstance(found, Constant):
        return Constant(span=span, type=TRUTH, value=None if found.value is None else not found.value)
    return Not(span=span, term=found)


def missing(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`x is missing`, of a value or of a condition."""
    assert isinstance(node, syntax.IsMissing)
    operand = ctx.expression(node.left, scope)
    if operand is None:
        return None
    return negated(IsMissing(span=node.span, operand=operand), node.negated, node.span)


def in_segment(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`in segment s`."""
    assert isinstance(node, syntax.InSegment)
    name = node.segment.text
    if scope.relation is not None:
        ctx.report(
            "E213", node.span, what="`in segment`", hint=f"name it outside: `let is_{name} = in segment {name}`, and use the name here"
        )
        return None
    statement = ctx.names.statements.get(name)
    if not isinstance(statement, syntax.Segment):
        hint = ctx.near(name, ctx.segments)
        if statement is not None:
            hint = f'"{name}" is a {ctx.names.kind(name)}' + ("" if isinstance(statement, syntax.Param) else ": use it by its bare name")
        ctx.report("E202", node.segment.span, name=name, hint=hint)
        return None
    return InSegment(span=node.span, segment=name)


# ---- comparisons


def comparison(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`a < b` and its kin."""
    assert isinstance(node, syntax.Compare)
    left, right = ctx.value(node.left, scope), ctx.value(node.right, scope)
    quotes(ctx, left if right is None else right, node.left, node.right)
    if node.ignoring_case:
        if node.op not in ("=", "!="):
            ctx.report("E312", node.span, name=f"`{node.op}`", clause="ignoring case", hint="order `lower(…)` of both")
            return None
        left = case_ignored(ctx, left)
        right = None if left is None else case_ignored(ctx, right)
    if left is None or right is None:
        return None
    if node.op in ("<", ">") and (isinstance(node.left, syntax.Ago) or isinstance(node.right, syntax.Ago)):
        word = "before" if (node.op == "<") is isinstance(node.right, syntax.Ago) else "after"
        ctx.report("W111", node.span, op=node.op, hint=f"a longer time ago is the smaller date: write `{word}`")
    return decided(ctx, compare(ctx, node.op, left, right, node.span))


def in_time(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`t before x` and `t after x`."""
    assert isinstance(node, syntax.OrderInTime)
    left, right = ctx.value(node.left, scope), ctx.value(node.right, scope)
    if left is None or right is None:
        return None
    for side, other in ((left, right), (right, left)):
        if side.type.kind not in IN_TIME:
            numbers = side.type.kind in NUMERIC and other.type.kind in NUMERIC
            hint = "numbers are compared with `<` and `>`" if numbers else compare_hint(other, side)
            ctx.report("E305", side.span, what=f"`{node.op}`", wanted="dates or timestamps", found=phrase(side), hint=hint)
            return None
    found = compare(ctx, "<" if node.op == "before" else ">", left, right, node.span)
    return decided(ctx, negated(found, node.negated, node.span))


def compare(ctx: Context, op: str, left: Expression, right: Expression, span: Span) -> Expression | None:
    """The comparison of two values whose types compare; else the mistake that names both."""
    a, b = left.type.kind, right.type.kind
    fits = a == b or (a in NUMERIC and b in NUMERIC) or (a in IN_TIME and b in IN_TIME)
    if not fits:
        ctx.report("E301", span, left=phrase(left), right=phrase(right), hint=compare_hint(left, right) or compare_hint(right, left))
        return None
    if a == "yes/no" and op not in ("=", "!="):
        ctx.report("E315", span, op=op, type=plain(left.type))
        return None
    if a == "duration":
        exact_left, exact_right = exact_duration(ctx, left), exact_duration(ctx, right)
        if exact_left is None or exact_right is None:
            return None
        left, right = exact_left, exact_right
    if isinstance(left, Constant) and isinstance(right, Constant):
        folded = constants.comparison(op, left, right, span)
        if folded is not None:
            return folded
    if isinstance(right, Constant):
        right = constants.of_width(right, left)
    elif isinstance(left, Constant):
        left = constants.of_width(left, right)
    return Compare(span=span, op=op, left=left, right=right)


def decided(ctx: Context, found: Expression | None) -> Expression | None:
    """A test as it is, with the lint on one whose outcome is known without any data."""
    if isinstance(found, Constant):
        ctx.report("W103" if found.value is True else "W102", found.span, hint="both sides are constants")
    return found


_DAY_TEXT = re.compile(r"\d{4}-\d{2}(-\d{2})?(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?")


def compare_hint(value: Expression, other: Expression) -> str | None:
    """How `other` might be written so that it compares with `value`."""
    kind = value.type.kind
    if isinstance(other, Constant) and isinstance(other.value, str):
        text = other.value
        if kind in IN_TIME:
            return f"write it without quotes: {text}" if _DAY_TEXT.fullmatch(text) else "write a date without quotes: 2026-03-01"
        if kind in NUMERIC:
            try:
                float(text)
            except ValueError:
                return None
            return f"write it without quotes: {text}"
        if kind == "yes/no":
            return "write `true` or `false`, without quotes"
        return "write a duration without quotes: 90 days" if kind == "duration" else None
    if (
        kind == "text"
        and isinstance(other, Constant)
        and other.param is None
        and isinstance(other.value, int)
        and other.type.kind == "whole"
    ):
        return f'write it in quotes: "{other.value}"'
    if kind == "duration" and other.type.kind in NUMERIC:
        days = other.value if isinstance(other, Constant) and other.type.kind == "whole" else 30
        return f"write the unit: `{days} days`"
    if kind in IN_TIME and other.type == DURATION:
        return "write `… ago` or `… from now` after the duration"
    if kind in IN_TIME and other.type.kind in NUMERIC and isinstance(other, Constant):
        return "a date is written 2026-03-01, a time back from now `30 days ago`"
    if kind == "yes/no" and other.type.kind in NUMERIC:
        return "a yes/no field stands alone, or with `not` before it"
    return None


# ---- texts


def text_test(ctx: Context, node: syntax.TextTest, value: Expression | None, scope: Scope) -> Expression | None:
    """`contains`, `starts with`, `ends with`, `contains any of` and `contains all of` of texts; `value` is what is tested."""
    if value is not None and value.type != TEXT:
        hint = "numbers are compared with `=`, `<`, `>` and their kin" if value.type.kind in NUMERIC else None
        ctx.report("E305", node.left.span, what=_test_words(node.kind), wanted="text", found=phrase(value), hint=hint)
        value = None
    if node.ignoring_case:
        value = case_ignored(ctx, value)
    if node.kind in ("contains any", "contains all"):
        patterns = _patterns(ctx, node, scope)
        if value is None or patterns is None:
            return None
        tests = [TextTest(span=pattern.span, kind="contains", value=value, pattern=pattern) for pattern in patterns]
        return negated(joined(node, tests), node.negated, node.span)
    assert not isinstance(node.right, syntax.ListOf)
    pattern = ctx.value(node.right, scope)
    quotes(ctx, value, node.right)
    if value is None:
        return None
    if pattern is not None and pattern.type != TEXT:
        ctx.report("E305", node.right.span, what=_test_words(node.kind), wanted="text", found=phrase(pattern))
        return None
    if node.ignoring_case:
        pattern = case_ignored(ctx, pattern)
    if pattern is None:
        return None
    return negated(TextTest(span=node.span, kind=node.kind, value=value, pattern=pattern), node.negated, node.span)


def joined(node: syntax.TextTest, tests: Sequence[Expression]) -> Expression:
    """The tests of `contains any of` or `contains all of` as one; of no tests none holds, and so do all."""
    if not tests:
        return Constant(span=node.span, type=TRUTH, value=node.kind == "contains all")
    return tests[0] if len(tests) == 1 else (And if node.kind == "contains all" else Or)(span=node.span, terms=tuple(tests))


def one_hint(node: syntax.TextTest) -> str:
    """How a test is written of one value, where a list of them was wanted."""
    assert isinstance(node.right, syntax.Path)
    name = ".".join(part.text for part in node.right.parts)
    return f"write `contains {name}`, or list the values: `{node.kind} of (…)`"


def _test_words(kind: str) -> str:
    return "`contains`" if kind == "contains" else f"`{kind} of`" if kind.startswith("contains") else f"`{kind} with`"


def _patterns(ctx: Context, node: syntax.TextTest, scope: Scope) -> list[Expression] | None:
    if isinstance(node.right, syntax.ListOf):
        found: Sequence[Expression | None] = [ctx.value(item, scope) for item in node.right.items]
    else:
        held = param_items(ctx, node.right)
        if held is None:
            one = ctx.value(node.right, scope)
            if one is not None:
                ctx.report("E313", node.right.span, what=phrase(one), hint=one_hint(node))
            return None
        found = held
    patterns = [pattern for pattern in found if pattern is not None]
    for pattern in patterns:
        if pattern.type != TEXT:
            ctx.report("E305", pattern.span, what=_test_words(node.kind), wanted="texts", found=phrase(pattern))
            return None
    if node.ignoring_case:
        patterns = [text_call("folded", pattern, pattern.span) for pattern in patterns]
    return patterns if len(patterns) == len(found) else None


def param_items(ctx: Context, node: syntax.Expression) -> Sequence[Constant | None] | None:
    """The items of the list that a param holds, each with the span of its name; one None after a mistake; None where no param is named."""
    name = node.parts[0].text if isinstance(node, syntax.Path) and len(node.parts) == 1 else ""
    if not isinstance(ctx.names.statements.get(name), syntax.Param):
        return None
    value = ctx.params.get(name)
    if isinstance(value, tuple):
        return [Constant(span=node.span, type=item.type, value=item.value, param=name) for item in value]
    if value is not None:
        ctx.report("E313", node.span, what=f'"{name}" ({plain(value.type)})', hint=f"compare with `= {name}`, or list it: `in ({name})`")
    return [None]


# ---- others


def matches(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`s matches "regex"`."""
    assert isinstance(node, syntax.Matches)
    value = ctx.value(node.left, scope)
    if value is not None and value.type != TEXT:
        ctx.report("E305", node.left.span, what="`matches`", wanted="text", found=phrase(value))
        value = None
    try:
        regexes.canonical(node.pattern.value)
    except regexes.NotRegular as wrong:
        ctx.report("E412", node.pattern.span, problem=str(wrong))
        return None
    if value is None:
        return None
    pattern = Constant(span=node.pattern.span, type=TEXT, value=node.pattern.value)
    return negated(TextTest(span=node.span, kind="matches", value=value, pattern=pattern), node.negated, node.span)


MOST_OF = 1_000_000
"""No statement holds so many conditions."""


def k_of(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`at least 2 of (…)`, `at most`, `exactly`."""
    assert isinstance(node, syntax.KOf)
    terms = [ctx.condition(condition, scope) for condition in node.conditions]
    if not node.count.text.isdigit():
        ctx.report("E305", node.count.span, what=f"`{node.kind} … of`", wanted="a whole number", found=f"`{node.count.text}`")
        return None
    known = [term for term in terms if term is not None]
    count = min(int(node.count.text), MOST_OF)
    return KOf(span=node.span, kind=node.kind, count=count, terms=tuple(known)) if len(known) == len(terms) else None
