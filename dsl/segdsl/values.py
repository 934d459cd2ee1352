"""Values: arithmetic on numbers, times and durations, and `ago`."""

from __future__ import annotations

import math

from segdsl import constants, syntax
from segdsl.calendar_days import NANOSECONDS_A_DAY
from segdsl.checked import Arithmetic, Call, Constant, Difference, Expression, Negative, Now, ScaleDuration, Shift, Today
from segdsl.context import Context, Scope
from segdsl.slips import dashed
from segdsl.syntax import Span
from segdsl.texts import RESPELLINGS
from segdsl.typesystem import DURATION, IN_TIME, NUMBER, NUMERIC, TEXT, WHOLE, Length, Type, decimal
from segdsl.wording import phrase

# ---- calculations


def negative(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`-x` of a number or a duration."""
    assert isinstance(node, syntax.Negative)
    signs, inner = 1, node.operand
    while isinstance(inner, syntax.Negative):
        signs, inner = signs + 1, inner.operand
    operand = ctx.value(inner, scope)
    if operand is None:
        return None
    if operand.type.kind not in (*NUMERIC, "duration"):
        ctx.report("E305", node.span, what="`-`", wanted="a number", found=phrase(operand))
        return None
    if signs % 2 == 0:
        return operand
    if isinstance(operand, Constant):
        return constants.negative(operand, node.span)
    return Negative(span=node.span, operand=operand, type=operand.type)


def arithmetic(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`a + b - c`: a chain leans to the left, and is walked, not descended, so that a long one is as good as a short one."""
    assert isinstance(node, syntax.Arithmetic)
    if dashed(ctx, node, scope):
        return None
    spine: list[syntax.Arithmetic] = []
    first: syntax.Expression = node
    while isinstance(first, syntax.Arithmetic):
        spine.append(first)
        first = first.left
    left = ctx.value(first, scope)
    for step in reversed(spine):
        right = ctx.value(step.right, scope)
        left = None if left is None or right is None else calculate(ctx, step.op, left, right, step.span)
    return left


def calculate(ctx: Context, op: str, left: Expression, right: Expression, span: Span) -> Expression | None:
    """One operation on two values whose types decide what it is."""
    a, b = left.type.kind, right.type.kind
    if a in NUMERIC and b in NUMERIC:
        return _numbers(ctx, op, left, right, span)
    if a in IN_TIME and b == "duration" and op in ("+", "-"):
        return _shifted(ctx, left, right, op == "-", span)
    if a == "duration" and b in IN_TIME and op == "+":
        return _shifted(ctx, right, left, False, span)
    if a in IN_TIME and a == b and op == "-":
        if isinstance(left, Constant) and isinstance(right, Constant):
            return _constant_difference(left, right, span)
        return Difference(span=span, left=left, right=right, type=DURATION)
    if a == "duration" and b in NUMERIC and op in ("*", "/"):
        return _scaled(ctx, op, left, right, span)
    if a in NUMERIC and b == "duration" and op == "*":
        return _scaled(ctx, op, right, left, span)
    if a == b == "duration" and op in ("+", "-"):
        return _durations(ctx, op, left, right, span)
    ctx.report("E304", span, op=op, left=phrase(left), right=phrase(right), hint=_calculation_hint(op, left, right))
    return None


def _calculation_hint(op: str, left: Expression, right: Expression) -> str | None:
    kinds = {left.type.kind, right.type.kind}
    if kinds == {"date", "timestamp"} and op == "-":
        return "take two dates or two timestamps: `now` is a timestamp, `today` a date"
    if kinds == {"text"} and op == "+":
        return "texts are not joined: test each of them"
    if kinds & set(IN_TIME) and kinds & set(NUMERIC) and op in ("+", "-"):
        return "write the unit: `30 days`"
    return None


def _numbers(ctx: Context, op: str, left: Expression, right: Expression, span: Span) -> Expression | None:
    if isinstance(left, Constant) and isinstance(right, Constant):
        folded = constants.arithmetic(op, left, right, span)
        if folded is None:
            ctx.report("E401", span)
        return folded
    type_ = _number_type(op, left.type, right.type)
    if type_.scale > constants.MANY_DIGITS:
        ctx.report("E317", span, scale=type_.scale)
        return None
    return Arithmetic(span=span, op=op, left=left, right=right, type=type_)


def _number_type(op: str, left: Type, right: Type) -> Type:
    if op == "/" or NUMBER in (left, right):
        return NUMBER
    if left == right == WHOLE:
        return WHOLE
    return decimal(left.scale + right.scale if op == "*" else max(left.scale, right.scale))


def _shifted(ctx: Context, moment: Expression, by: Expression, back: bool, span: Span) -> Expression | None:
    if isinstance(by, Constant):
        assert isinstance(by.value, Length)
        return shift(ctx, moment, -by.value if back else by.value, span)
    if moment.type.kind == "date":
        hint = "use `now` in the place of `today`" if isinstance(moment, Today) else "use a timestamp"
        ctx.report("E306", span, hint=f"{phrase(by)} is exact, to the nanosecond: {hint}")
        return None
    return Arithmetic(span=span, op="-" if back else "+", left=moment, right=by, type=moment.type)


def shift(ctx: Context, moment: Expression, by: Length, span: Span) -> Expression | None:
    """A date or timestamp moved by a length; a date does not move by hours."""
    if moment.type.kind == "date":
        if by.nanoseconds:
            hint = "use `now` in the place of `today`" if isinstance(moment, Today) else "use a timestamp, or count in days"
            ctx.report("E306", span, hint=hint)
            return None
        if isinstance(moment, Constant) and isinstance(moment.value, int):
            return Constant(span=span, type=moment.type, value=constants.moved_day(moment.value, by))
    return Shift(span=span, operand=moment, by=by, type=moment.type)


def _constant_difference(left: Constant, right: Constant, span: Span) -> Constant:
    assert isinstance(left.value, int)
    assert isinstance(right.value, int)
    unit = NANOSECONDS_A_DAY if left.type.kind == "date" else 1
    return Constant(span=span, type=DURATION, value=Length(nanoseconds=(left.value - right.value) * unit))


def _scaled(ctx: Context, op: str, length: Expression, factor: Expression, span: Span) -> Expression | None:
    if isinstance(length, Constant) and isinstance(factor, Constant):
        assert isinstance(length.value, Length)
        if factor.value is not None and not math.isfinite(constants.nearest(factor)):
            ctx.report("E402", span)
            return None
        by = None if factor.value is None else constants.fraction_of(factor)
        if by is None or (op == "/" and not by):
            ctx.report("E411", span)
            return None
        scaled = constants.scaled_length(length.value, 1 / by if op == "/" else by)
        if scaled is None:
            ctx.report("E408", span, unit="month")
        elif constants.too_long(scaled):
            ctx.report("E402", span)
        else:
            return Constant(span=span, type=DURATION, value=scaled)
        return None
    whole = exact_duration(ctx, length)
    if whole is None:
        return None
    return ScaleDuration(span=span, op=op, left=whole, right=factor, type=DURATION)


def _durations(ctx: Context, op: str, left: Expression, right: Expression, span: Span) -> Expression | None:
    if not (isinstance(left, Constant) and isinstance(right, Constant)):
        if any(isinstance(side, Constant) and isinstance(side.value, Length) and side.value.months for side in (left, right)):
            ctx.report("E316", span, hint="write days in the place of months: `30 days`")
            return None
        a, b = exact_duration(ctx, left), exact_duration(ctx, right)
        return None if a is None or b is None else Arithmetic(span=span, op=op, left=a, right=b, type=DURATION)
    assert isinstance(left.value, Length)
    assert isinstance(right.value, Length)
    x, y = left.value, right.value if op == "+" else -right.value
    total = Length(x.months + y.months, x.days + y.days, x.nanoseconds + y.nanoseconds)
    if (total.months != 0) + (total.days != 0) + (total.nanoseconds != 0) > 1:
        ctx.report("E316", span, hint="move the time twice: `(placed_at + 1 month) + 3 days`")
        return None
    return Constant(span=span, type=DURATION, value=total)


def exact_duration(ctx: Context, expression: Expression) -> Expression | None:
    """A duration as a value beside others: a constant becomes nanoseconds, a day 24 hours; months are a mistake."""
    if expression.type != DURATION or not isinstance(expression, Constant) or not isinstance(expression.value, Length):
        return expression
    whole = constants.exact(expression.value)
    if whole is None:
        ctx.report("E307", expression.span, hint="write days: `90 days`, `365 days`")
        return None
    return Constant(span=expression.span, type=DURATION, value=whole, param=expression.param)


# ---- relative times


def ago(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`90 days ago`: a date; `36 hours ago`, and what is reckoned for each row, `ago`: an instant."""
    assert isinstance(node, syntax.Ago)
    length = length_of(ctx, node.duration, scope)
    return None if length is None else from_clock(length, True, node.span)


def from_now(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """`90 days from now`: a date; `36 hours from now`: an instant."""
    assert isinstance(node, syntax.FromNow)
    length = length_of(ctx, node.duration, scope)
    return None if length is None else from_clock(length, False, node.span)


def from_clock(by: Length | Expression, back: bool, span: Span) -> Expression:
    """Today moved by days or longer, back or on; or now by hours, minutes, or a duration that is no constant."""
    if not isinstance(by, Length):
        clock = Now(span=span)
        return Arithmetic(span=span, op="-" if back else "+", left=clock, right=by, type=clock.type)
    moment: Now | Today = Now(span=span) if by.nanoseconds else Today(span=span)
    return Shift(span=span, operand=moment, by=-by if back else by, type=moment.type)


def length_of(ctx: Context, node: syntax.Duration | syntax.Path, scope: Scope) -> Length | Expression | None:
    """The length that a duration or a param of that kind names, or the exact duration of a row that a field or let names."""
    if isinstance(node, syntax.Duration):
        return constants.duration(ctx, node)
    found = ctx.value(node, scope)
    if found is None:
        return None
    if isinstance(found, Constant) and isinstance(found.value, Length):
        return found.value
    if found.type == DURATION:
        return found
    hint = f"write its unit where it is given: `param {found.param} = 90 days`" if isinstance(found, Constant) and found.param else None
    wanted = "a duration such as `90 days`, or the name of one"
    ctx.report("E305", node.span, what="this place", wanted=wanted, found=phrase(found), hint=hint)
    return None


# ---- texts


def text_call(function: str, operand: Expression, span: Span) -> Expression:
    """A function of a text; of a constant it is a constant."""
    type_ = WHOLE if function == "length" else TEXT
    if isinstance(operand, Constant) and isinstance(operand.value, str):
        value = len(operand.value) if function == "length" else RESPELLINGS[function](operand.value)
        return Constant(span=span, type=type_, value=value, param=operand.param)
    return Call(span=span, function=function, operands=(operand,), type=type_)


def case_ignored(ctx: Context, operand: Expression | None) -> Expression | None:
    """A text as a test that ignores case looks at it."""
    if operand is None or operand.type == TEXT:
        return None if operand is None else text_call("folded", operand, operand.span)
    ctx.report("E305", operand.span, what="`ignoring case`", wanted="text", found=phrase(operand))
    return None


# ---- types


def wider_type(left: Type, right: Type) -> Type | None:
    """The type that holds values of both; None where there is none."""
    if left == right:
        return left
    if left.kind in NUMERIC and right.kind in NUMERIC:
        return NUMBER if NUMBER in (left, right) else decimal(max(left.scale, right.scale))
    return None


def literal(ctx: Context, node: syntax.Expression, scope: Scope) -> Expression | None:
    """A literal as a value."""
    return constants.literal(ctx, node)
