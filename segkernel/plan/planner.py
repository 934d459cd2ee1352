"""From checked rules to a program: `not` is pushed to the leaves, so that a node is an expression with a polarity.

Where a condition is *true* and where it is *false* are two bitmaps; where it is unknown is neither. Almost always only
the first is asked for, and Kleene's logic then costs nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from fractions import Fraction
from typing import Any

from segdsl import checked
from segdsl.calendar_days import NANOSECONDS_A_DAY as DAY
from segdsl.typesystem import DATE, DURATION, IN_TIME, NUMBER, TIMESTAMP, WHOLE, Length, Type
from segkernel.meaning import needed
from segkernel.plan import aggregates, functions, lists, stages
from segkernel.plan.bounds import Bounds, bounds
from segkernel.plan.program import Builder, Chain, Choice, HostedCall, Statistic
from segkernel.plan.rows import Demand, demanded
from segkernel.plan.scales import as_float, at_scale, units_as_float
from segkernel.plan.slots import Form, Slot, day_after, form_of, local_day

FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
NEGATED = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_OPERATORS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
MANY_DAYS = 10_000_000
"""So many days can be counted from any day of the calendar."""
_LISTED = ("text", "whole", "decimal", "date")
"""Types whose lists become sets of values; lists of other types are compared one by one."""


class Planner:
    """Plans the statements of one rule set, each after those it mentions; `space` numbers the rows a node is about.

    `root` is the table of space 0: the rules' root, or of a stage the table that it runs over."""

    def __init__(self, rules: checked.Rules, root: str) -> None:
        self.rules, self.root = rules, root
        self.stages: dict[str, Planner] = {}
        """By table: what is reckoned for its rows before."""
        self.outputs: dict[int, int] = {}
        """What this stage hands on, numbered."""
        self.calls: dict[HostedCall | Statistic, tuple[int, HostedCall | Statistic]] = {}
        """By what is asked, wherever it stands: its number, and the first that asks."""
        self.builder = Builder()
        self.truths: dict[tuple[str, bool], int] = {}
        self.conditions: dict[tuple[int, int, bool], tuple[checked.Expression, int]] = {}
        """By the tree's node, space and side: the node of a condition, and the tree's node itself, so that its number stays its own."""
        self.values: dict[str, int] = {}
        self.cases: dict[str, tuple[list[int], int]] = {}
        self.done: set[str] = set()
        self.places = {name: place for place, name in enumerate(rules.order)}
        self.row_lets: dict[int, dict[Demand, int]] = {}
        """By space: the lets of its rows that were asked for."""

    def table(self, space: int) -> str:
        """The table whose rows a space is."""
        chain = self.builder.spaces[space]
        return chain[0][0] if chain else self.root

    def handed_on(self, number: int) -> int:
        """The output of this stage that a node is."""
        return self.outputs.setdefault(number, len(self.outputs))

    # ---- statements

    def catch_up(self, names: Collection[str]) -> None:
        """Plans all that some statements rest on, themselves included, each after those it mentions."""
        wanted = needed(self.rules, names)
        for name in self.rules.order:
            if name not in wanted or name in self.done:
                continue
            self.done.add(name)
            if name in self.rules.segments:
                self.segment(name)
            elif name in self.rules.chooses:
                self.choose(name)
            elif self.rules.lets[name].relation is None:
                self.let(name)

    def let(self, name: str) -> None:
        value = self.rules.lets[name].value
        if value.type.kind == "yes/no":
            for wanted in (True, False):
                self.truths[name, wanted] = self.truth(value, 0, wanted)
                self.builder.whole.add(self.truths[name, wanted])
        elif value.type.kind != "list":  # a list is looked into where it is named
            self.values[name] = self.value(value, 0)

    def row(self, name: str, space: int, wanted: bool | None) -> int:
        """A let of a relation's rows where it is true, where it is false, or (None) its value; made where it is used."""
        known = self.row_lets.setdefault(space, {})
        if (name, wanted) not in known:
            for other, side in demanded(self.rules.lets, self.places, (name, wanted), known):
                value = self.rules.lets[other].value
                if side is None:
                    known[other, side] = self.value(value, space)
                else:
                    known[other, side] = self.truth(value, space, side)
                    self.builder.whole.add(known[other, side])
        return known[name, wanted]

    def segment(self, name: str) -> None:
        node = self.truth(self.rules.segments[name].condition, 0, True)
        self.builder.whole.add(node)
        self.truths[name, True], self.truths[name, False] = node, self.builder.invert(0, node)

    def choose(self, name: str) -> None:
        """The nodes of the cases, made exclusive, and the node of those that no case takes."""
        exclusive: list[int] = []
        taken = self.builder.always(0, False)
        for case in self.rules.chooses[name].cases:
            holds = self.truth(case.condition, 0, True)
            exclusive.append(self.builder.without(0, holds, taken))
            taken = self.builder.any_of(0, (taken, holds))
        self.cases[name] = (exclusive, self.builder.invert(0, taken))

    def choice(self, name: str) -> Choice:
        rule = self.rules.chooses[name]
        exclusive, rest = self.cases[name]
        codes: dict[Any, int] = {}
        cases = []
        for constant, node in [*((case.value, node) for case, node in zip(rule.cases, exclusive, strict=True)), (rule.otherwise, rest)]:
            if constant is not None:
                cases.append((node, codes.setdefault(in_units(constant, rule.type), len(codes) + 1)))
        return Choice(name, rule.type, tuple(codes), tuple(cases))

    # ---- conditions

    def truth(self, node: checked.Expression, space: int, wanted: bool) -> int:
        """Where a condition is true (`wanted`), or where it is false; planned once, since some forms ask for both sides."""
        known = self.conditions.get((id(node), space, wanted))
        if known is None:
            known = self.conditions[id(node), space, wanted] = node, self._truth(node, space, wanted)
        return known[1]

    def _truth(self, node: checked.Expression, space: int, wanted: bool) -> int:
        build = self.builder
        match node:
            case checked.And() | checked.Or():
                terms = [self.truth(term, space, wanted) for term in node.terms]
                return build.all_of(space, terms) if isinstance(node, checked.And) is wanted else build.any_of(space, terms)
            case checked.KOf():
                return self.so_many(node, space, wanted)
            case checked.Not():
                return self.truth(node.term, space, not wanted)
            case checked.Compare():
                return self.comparison(node.op if wanted else NEGATED[node.op], node.left, node.right, space)
            case checked.InList():
                return self.membership(node, space, wanted)
            case checked.InValues():
                return lists.holds(self, node, space, wanted)
            case checked.Overlap():
                return lists.overlaps(self, node, space, wanted)
            case checked.TextTest():
                return self.text_test(node, space, wanted)
            case checked.IsMissing():
                return self.missing(node.operand, space, wanted)
            case checked.InSegment():
                return self.truths[node.segment, wanted]
            case checked.Let():
                return self.truths[node.name, wanted] if self.rules.lets[node.name].relation is None else self.row(node.name, space, wanted)
            case checked.Constant():
                return build.always(space, node.value is wanted)
            case checked.Field() | checked.Aggregate(function="first" | "last"):
                return build.range(space, self.value(node, space), int(wanted), int(wanted) + 1)
            case checked.HostCall() | checked.Relative():
                return build.range(space, self.value(node, space), int(wanted), int(wanted) + 1)
            case checked.Chosen():
                return self.chosen_among(node.name, lambda value: value is wanted)
            case checked.OfAccount():
                inner = self.truth(node.operand, 0, wanted)
                if not space:
                    return inner
                lifted = build.nodes[inner]
                return build.always(space, lifted[2]) if lifted[0] == "always" else build.add("lift", space, inner)
            case checked.If():
                met = self.truth(node.condition, space, True)
                yes, no = self.truth(node.yes, space, wanted), self.truth(node.no, space, wanted)
                return build.any_of(space, (build.all_of(space, (met, yes)), build.without(space, no, met)))
            case checked.Coalesce():
                result = self.truth(node.operands[-1], space, wanted)
                for operand in reversed(node.operands[:-1]):
                    kept = build.without(space, result, self.truth(operand, space, not wanted))
                    result = build.any_of(space, (self.truth(operand, space, wanted), kept))
                return result
            case checked.Aggregate(up=[_, *_]):
                found = build.range(space, stages.staged(self, node, space), 1, 2)
                return found if (node.function == "any") is wanted else build.invert(space, found)
            case checked.Aggregate():
                rows = self.rows(node, space)
                where = self.where(node, rows)
                if node.function == "all":
                    met = build.always(rows, True) if where is None else where
                    assert node.value is not None
                    where = build.without(rows, met, self.truth(node.value, rows, True))
                never = where is not None and build.is_always(where, False)
                found = build.always(space, False) if never else build.add("any", space, rows, where)
                return found if (node.function == "any") is wanted else build.invert(space, found)
            case _:
                raise AssertionError(f"{type(node).__name__} is not a condition")

    def so_many(self, node: checked.KOf, space: int, wanted: bool) -> int:
        """At least `least` terms are true, and at most `most`: so many at least are then false."""
        build = self.builder
        least = 0 if node.kind == "at most" else node.count
        most = len(node.terms) if node.kind == "at least" else node.count
        yes, no = ([self.truth(term, space, side) for term in node.terms] for side in (True, False))
        if wanted:
            return build.all_of(space, (build.at_least(space, least, yes), build.at_least(space, len(no) - most, no)))
        return build.any_of(space, (build.at_least(space, len(no) - least + 1, no), build.at_least(space, most + 1, yes)))

    def comparison(self, op: str, left: checked.Expression, right: checked.Expression, space: int) -> int:
        if left.type.kind == "yes/no":
            same = op == "="
            pairs = [(True, same), (False, not same)]
            both = [(self.truth(left, space, x), self.truth(right, space, y)) for x, y in pairs]
            return self.builder.any_of(space, [self.builder.all_of(space, pair) for pair in both])
        if isinstance(left, checked.Chosen) and isinstance(right, checked.Constant) and right.value is not None:
            return self.chosen_among(
                left.name, lambda value: comparison_holds(op, _number(value, left.type), _number(right.value, right.type))
            )
        if isinstance(right, checked.Chosen) and isinstance(left, checked.Constant):
            return self.comparison(FLIPPED[op], right, left, space)
        left_form, right_form = form_of(left), form_of(right)
        if left_form is not None and right_form is not None:
            return self.decided(op, left_form, left.type, right_form, right.type, space)
        if isinstance(left, checked.Constant) and not isinstance(right, checked.Constant):
            return self.comparison(FLIPPED[op], right, left, space)
        if left_form is not None and not isinstance(right, checked.Constant):
            return self.comparison(FLIPPED[op], right, left, space)
        if right_form is not None and (right.type.kind in IN_TIME or left.type == WHOLE):
            return self.in_time(op, left, right_form, right.type, space)
        if isinstance(right, checked.Constant):
            if right.value is None:
                return self.builder.always(space, False)
            if left_form is not None:
                return self.decided_number(left_form, bounds(left.type, op, right.value, right.type), space)
            if isinstance(left, checked.Call) and left.function == "days_between" and isinstance(right.value, int):
                start, end = left.operands
                until = form_of(end)
                if until is not None and form_of(start) is None and right.type == WHOLE and abs(right.value) < MANY_DAYS:
                    day = ("shift", local_day(until, end.type), Length(days=-right.value))
                    return self.in_time(FLIPPED[op], start, day, DATE, space)
            source = self.value(left, space)
            constant = length_in_ns(right.value) if isinstance(right.value, Length) else right.value
            found = bounds(left.type, op, constant, right.type)
            return self.builder.always(space, False) if found is None else self.ranged(space, source, *found)
        return self.between_values(op, left, right, space)

    def ranged(self, space: int, source: int, low: Any, high: Any, outside: bool) -> int:
        told = functions.spelling(self.builder, source)
        if told is not None and not isinstance(low, Slot) and not isinstance(high, Slot):
            return self.builder.add("asked", space, *told, "range", (low, high, outside), True)
        return self.builder.outside(space, source, low, high) if outside else self.builder.range(space, source, low, high)

    def decided(self, op: str, a: Form, a_type: Type, b: Form, b_type: Type, space: int) -> int:
        """A comparison of two times that a run knows."""
        if a_type == b_type:
            x, y = Slot(a), Slot(b)
        else:
            x, y = (Slot(form if kind == DATE else ("day", form)) for form, kind in ((a, a_type), (b, b_type)))
        if a[0] in ("days", "instant") and b[0] == a[0]:
            return self.builder.always(space, comparison_holds(op, a[1], b[1]))
        return self.builder.add("when", space, op, x, y)

    def decided_number(self, form: Form, found: Bounds | None, space: int) -> int:
        """A number that a run knows, held against a range."""
        build = self.builder
        if found is None:
            return build.always(space, False)
        low, high, outside = found
        above = build.always(space, True) if low is None else build.add("when", space, ">=", Slot(form), low)
        below = build.always(space, True) if high is None else build.add("when", space, "<", Slot(form), high)
        inside = build.all_of(space, (above, below))
        return build.invert(space, inside) if outside else inside

    def in_time(self, op: str, left: checked.Expression, form: Form, kind: Type, space: int) -> int:
        """A date or timestamp (or a whole number) against one that a run knows: a date is the whole local day."""
        source = self.value(left, space)
        if left.type == TIMESTAMP and kind == DATE:
            first, after = self.bound(("first instant", form)), self.bound(("first instant", day_after(form)))
        else:
            if left.type == DATE and kind == TIMESTAMP:
                form = ("day", form)
            first, after = self.bound(form), self.bound(form) + 1
        low = {"=": first, "!=": first, ">": after, ">=": first}.get(op)
        high = {"=": after, "!=": after, "<": first, "<=": after}.get(op)
        return self.ranged(space, source, low, high, op == "!=")

    def bound(self, form: Form) -> Any:
        return form[1] if form[0] in ("days", "instant") else Slot(form)

    def between_values(self, op: str, left: checked.Expression, right: checked.Expression, space: int) -> int:
        a, b = self.value(left, space), self.value(right, space)
        kinds = (left.type.kind, right.type.kind)
        if kinds in (("date", "timestamp"), ("timestamp", "date")):
            days = [self.noted(self.builder.add("day", space, DATE, x), at) if at.type != DATE else x for x, at in ((a, left), (b, right))]
            a, b = days
        elif "number" in kinds and "decimal" in kinds:
            a, b = (as_float(self.builder, x, kind, space) for x, kind in ((a, left.type), (b, right.type)))
        elif "number" not in kinds and kinds[0] in ("whole", "decimal"):
            scale = max(left.type.scale, right.type.scale)
            a, b = at_scale(self.builder, a, left.type, scale, space), at_scale(self.builder, b, right.type, scale, space)
        return self.builder.add("compare", space, op, a, b)

    def membership(self, node: checked.InList, space: int, wanted: bool) -> int:
        build = self.builder
        value = node.value
        parts: list[int] = []
        if isinstance(value, checked.Chosen):
            known = {_number(item.value, item.type) for item in node.items}
            parts = [self.chosen_among(value.name, lambda found: (_number(found, value.type) in known) is wanted)] if node.items else []
        elif node.items and value.type.kind in _LISTED and form_of(value) is None and all(item.type.kind in _LISTED for item in node.items):
            inside = [bounds(value.type, "=", item.value, item.type) for item in node.items if item.value is not None]
            values = tuple(sorted({found[0] for found in inside if found is not None}))
            source = self.value(value, space)
            told = functions.spelling(self.builder, source)
            if told is None:
                parts = [build.add("among", space, source, values, wanted)]
            else:
                parts = [build.add("asked", space, *told, "among", values, wanted)]
        if not parts:
            op = "=" if wanted else "!="
            parts = [self.comparison(op, value, item, space) for item in node.items]
        parts += [self.comparison("=" if wanted else "!=", value, other, space) for other in node.others]
        return build.any_of(space, parts) if wanted else build.all_of(space, parts)

    def text_test(self, node: checked.TextTest, space: int, wanted: bool) -> int:
        value, pattern = node.value, node.pattern
        if (
            isinstance(value, checked.Chosen)
            and isinstance(pattern, checked.Constant)
            and node.kind != "matches"
            and pattern.value is not None
        ):
            return self.chosen_among(value.name, lambda found: text_holds(node.kind, found, str(pattern.value)) is wanted)
        if isinstance(pattern, checked.Constant):
            if pattern.value is None:
                return self.builder.always(space, False)
            source = self.value(value, space)
            told = functions.spelling(self.builder, source)
            if told is not None:
                return self.builder.add("asked", space, *told, node.kind, pattern.value, wanted)
            return self.builder.add("text", space, source, node.kind, pattern.value, wanted)
        return self.builder.add("text pair", space, node.kind, self.value(value, space), self.value(pattern, space), wanted)

    def missing(self, operand: checked.Expression, space: int, wanted: bool) -> int:
        build = self.builder
        if operand.type.kind == "list":
            return lists.missing(self, operand, space, wanted)
        if operand.type.kind == "yes/no":
            known = build.any_of(space, (self.truth(operand, space, True), self.truth(operand, space, False)))
            return build.invert(space, known) if wanted else known
        if form_of(operand) is not None:
            return build.always(space, not wanted)
        if isinstance(operand, checked.Chosen):
            rest = self.cases[operand.name][1] if self.rules.chooses[operand.name].otherwise is None else build.always(space, False)
            return rest if wanted else build.invert(space, rest)
        source = self.value(operand, space)
        told = functions.spelling(self.builder, source)
        source = source if told is None else told[0]
        return build.add("missing", space, source) if wanted else build.range(space, source, None, None)

    def chosen_among(self, name: str, holds: Any) -> int:
        """Where a choose has a value for which `holds`."""
        rule = self.rules.chooses[name]
        exclusive, rest = self.cases[name]
        parts = [node for case, node in zip(rule.cases, exclusive, strict=True) if holds(in_units(case.value, rule.type))]
        if rule.otherwise is not None and holds(in_units(rule.otherwise, rule.type)):
            parts.append(rest)
        return self.builder.any_of(0, parts)

    # ---- values

    def value(self, node: checked.Expression, space: int) -> int:
        """The node of a value that is not yes/no."""
        build = self.builder
        form = form_of(node)
        if form is not None:
            return build.add("constant", space, node.type, self.bound(form))
        match node:
            case checked.Constant():
                held = length_in_ns(node.value) if isinstance(node.value, Length) else node.value
                return build.add("constant", space, node.type, held)
            case checked.Field():
                return build.add("column", space, node.type, node.path, node.name)
            case checked.Let():
                return self.values[node.name] if self.rules.lets[node.name].relation is None else self.row(node.name, space, None)
            case checked.OfAccount():
                inner = self.value(node.operand, 0)
                if not space:
                    return inner
                if build.nodes[inner][0] == "constant":
                    return build.add("constant", space, *build.nodes[inner][2:])
                return build.add("lifted", space, node.type, inner)
            case checked.Arithmetic():
                return self.noted(self.arithmetic(node, space), node)
            case checked.Negative():
                operand = self.value(node.operand, space)
                return self.noted(build.add("arithmetic", space, node.type, "-", build.add("constant", space, node.type, 0), operand), node)
            case checked.Shift():
                return self.shifted(node, space)
            case checked.Difference():
                a, b = self.value(node.left, space), self.value(node.right, space)
                if node.left.type == TIMESTAMP:
                    return self.noted(build.add("arithmetic", space, DURATION, "-", a, b), node)
                days = build.add("arithmetic", space, WHOLE, "-", a, b)
                return self.noted(build.add("arithmetic", space, DURATION, "*", days, build.add("constant", space, WHOLE, DAY)), node)
            case checked.ScaleDuration():
                return self.noted(self.scaled(node, space), node)
            case checked.Coalesce():
                parts = [self.fitted(operand, node.type, space) for operand in node.operands]
                return build.add("first", space, node.type, tuple(parts))
            case checked.If():
                met = self.truth(node.condition, space, True)
                return build.add(
                    "either", space, node.type, met, self.fitted(node.yes, node.type, space), self.fitted(node.no, node.type, space)
                )
            case checked.Chosen():
                return self.chosen_value(node, space)
            case checked.Call():
                return self.noted(functions.called(self, node, space), node)
            case checked.Aggregate(up=[_, *_]):
                return stages.staged(self, node, space)
            case checked.HostCall():
                return stages.hosted(self, node, space)
            case checked.Relative():
                return stages.relative(self, node, space)
            case checked.Aggregate():
                return self.noted(aggregates.aggregated(self, node, space), node)
            case _:
                raise AssertionError(f"{type(node).__name__} is not a value")

    def noted(self, number: int, node: checked.Expression) -> int:
        self.builder.spans.setdefault(number, node.span)
        return number

    def rows(self, node: checked.Aggregate, space: int) -> int:
        chain: Chain = (*node.relation.chain, *self.builder.spaces[space])
        return self.builder.space(chain)

    def where(self, node: checked.Aggregate, rows: int) -> int | None:
        """Where rows count; None where all do. Those later than the run do not, nor those that belong to such a row."""
        build = self.builder
        found = build.always(rows, True) if node.where is None else self.truth(node.where, rows, True)
        chain = node.relation.chain
        for step, (table, _) in enumerate(chain):
            if table in self.rules.event_times:
                name, kind = self.rules.event_times[table]
                path = tuple(link for _, link in chain[:step])
                field = checked.Field(span=node.span, table=node.relation.table, name=name, type=kind, path=path)
                later = self.in_time(">", field, ("today",) if kind == DATE else ("now",), kind, rows)
                found = build.without(rows, found, later)
        return None if build.is_always(found, True) else found

    def fitted(self, node: checked.Expression, wanted: Type, space: int) -> int:
        """A value in a type that holds it: whole numbers as decimals or floats, decimals at a larger scale."""
        number = self.value(node, space)
        if wanted.kind == "number":
            return as_float(self.builder, number, node.type, space)
        return at_scale(self.builder, number, node.type, wanted.scale, space) if wanted.kind in ("decimal", "whole") else number

    def arithmetic(self, node: checked.Arithmetic, space: int) -> int:
        build = self.builder
        left, right = node.left.type, node.right.type
        a, b = self.value(node.left, space), self.value(node.right, space)
        if node.type.kind == "number":
            if node.op == "/" and "number" not in (left.kind, right.kind):
                scale = max(left.scale, right.scale)
                a, b = at_scale(build, a, left, scale, space), at_scale(build, b, right, scale, space)
                a, b = units_as_float(build, a, space), units_as_float(build, b, space)
            else:
                a, b = as_float(build, a, left, space), as_float(build, b, right, space)
        elif node.op != "*":
            a, b = at_scale(build, a, left, node.type.scale, space), at_scale(build, b, right, node.type.scale, space)
        return build.add("arithmetic", space, node.type, node.op, a, b)

    def shifted(self, node: checked.Shift, space: int) -> int:
        build = self.builder
        operand = self.value(node.operand, space)
        by = node.by
        if by.months or (node.type == TIMESTAMP and by.days):
            return self.noted(build.add("shift", space, node.type, operand, by), node)
        step = by.days if node.type == DATE else by.nanoseconds
        return self.noted(build.add("arithmetic", space, node.type, "+", operand, build.add("constant", space, node.type, step)), node)

    def scaled(self, node: checked.ScaleDuration, space: int) -> int:
        build = self.builder
        duration, factor = (node.left, node.right) if node.left.type == DURATION else (node.right, node.left)
        a, b = self.value(duration, space), self.value(factor, space)
        if factor.type.kind == "number":
            product = build.add("arithmetic", space, NUMBER, node.op, build.add("float", space, NUMBER, a), b)
            return build.add("round", space, DURATION, product)
        ten = build.add("constant", space, WHOLE, 10**factor.type.scale)
        if node.op == "*":
            product = build.add("arithmetic", space, DURATION, "*", a, b)
            return product if not factor.type.scale else build.add("divide", space, DURATION, product, ten)
        return build.add("divide", space, DURATION, build.add("arithmetic", space, DURATION, "*", a, ten) if factor.type.scale else a, b)

    def chosen_value(self, node: checked.Chosen, space: int) -> int:
        build = self.builder
        rule = self.rules.chooses[node.name]
        exclusive, _ = self.cases[node.name]
        last = None if rule.otherwise is None else in_units(rule.otherwise, rule.type)
        result = build.add("constant", space, rule.type, last)
        for case, where in zip(rule.cases, exclusive, strict=True):
            result = build.add(
                "either", space, rule.type, where, build.add("constant", space, rule.type, in_units(case.value, rule.type)), result
            )
        return result


def length_in_ns(length: Length) -> int:
    """An exact duration in nanoseconds, a day 24 hours."""
    return length.days * DAY + length.nanoseconds


def in_units(constant: checked.Constant, wanted: Type) -> Any:
    """A constant's value in the units of a type that holds it."""
    if wanted.kind == "decimal" and constant.type.kind in ("whole", "decimal"):
        return constant.value * 10 ** (wanted.scale - constant.type.scale)
    if wanted.kind == "number" and constant.type.kind != "number":
        return constant.value / 10**constant.type.scale
    return constant.value


def _number(value: Any, kind: Type) -> Any:
    """A value for comparison with one of another scale."""
    return Fraction(value, 10**kind.scale) if kind.kind == "decimal" else value


def comparison_holds(op: str, x: Any, y: Any) -> bool:
    """A comparison of two values of one kind."""
    return bool(_OPERATORS[op](x, y))


def text_holds(kind: str, value: str, pattern: str) -> bool:
    """A text test of two texts."""
    return {"contains": value.__contains__, "starts": value.startswith, "ends": value.endswith}[kind](pattern)
