"""From checked rules to a program: `not` is pushed to the leaves, so that a node is an expression with a polarity.

Where a condition is *true* and where it is *false* are two bitmaps; where it is unknown is neither. Almost always only
the first is asked for, and Kleene's logic then costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from functools import cached_property
from typing import Any

from segdsl import checked
from segdsl.calendar_days import NANOSECONDS_A_DAY as DAY
from segdsl.typesystem import DATE, DURATION, TIMESTAMP, WHOLE, Length, Type
from segkernel import meaning
from segkernel.plan import aggregates, collects, comparing, functions, grouping, lists, reckoning, stages
from segkernel.plan.comparing import NEGATED
from segkernel.plan.program import Builder, Choice, HostedCall, Key, Statistic
from segkernel.plan.rows import Demand, demanded
from segkernel.plan.scales import as_float, at_scale, length_in_ns
from segkernel.plan.slots import Form, Slot, form_of


class Planner:
    """Plans the statements of one rule set, each after those it mentions; `space` numbers the rows a node is about.

    `root` is the table of space 0: the rules' root, or of a stage the table that it runs over; `top` is the planner that has all stages."""

    def __init__(self, rules: checked.Rules, root: str, top: Planner | None = None) -> None:
        self.rules, self.root, self.top = rules, root, top or self
        self.stages: dict[tuple[str, bool, int], tuple[int, Planner]] = {}
        """What is reckoned for the rows of a table before; numbered, and known as in `everywhere`."""
        self.everywhere: dict[tuple[str, bool, int], Planner] = {}
        """Of the top: all stages, by table, by whether the instant of a run decides them, and by how many steps they take themselves."""
        self.outputs: dict[int, int] = {}
        """What this stage hands on, numbered."""
        self.keys: dict[str, Key] = {}
        """By their meaning: the values that rows are grouped by."""
        self.calls: dict[HostedCall | Statistic, tuple[int, HostedCall | Statistic]] = {}
        """By what is asked, wherever it stands: its number, and the first that asks."""
        self.builder = Builder()
        self.truths: dict[tuple[str, bool], int] = {}
        self.conditions: dict[tuple[Hashable, int, bool], int] = {}
        """By what tells it, space and side: the node of a condition."""
        self.kept: list[checked.Expression] = []
        """What was told by its own identity, so that this stays its own."""
        self.values: dict[str, int] = {}
        self.cases: dict[str, tuple[list[int], int]] = {}
        self.collected: dict[str, dict[Any, int]] = {}
        """By collect: the node where each value, in the units of its type, is listed."""
        self.done: set[str] = set()
        self.places = {name: place for place, name in enumerate(rules.order)}
        self.row_lets: dict[int, dict[Demand, int]] = {}
        """By space: the lets of its rows that were asked for."""

    def table(self, space: int) -> str:
        """The table whose rows a space is."""
        chain = self.builder.spaces[space]
        if not chain:
            return self.root
        table: str = chain[0][3] if chain[0][0] == lists.UP else chain[0][0]
        return table

    @cached_property
    def steps(self) -> dict[str, int]:
        """How many steps each statement takes."""
        return meaning.steps(self.rules)

    @cached_property
    def changing(self) -> set[str]:
        return meaning.changing(self.rules)

    def changes(self, node: checked.Expression) -> bool:
        """Whether the instant of a run decides a value."""
        return meaning.rests_on_instant(self.rules, node, self.top.changing)

    def handed_on(self, number: int) -> int:
        """The output of this stage that a node is."""
        return self.outputs.setdefault(number, len(self.outputs))

    # ---- statements

    def catch_up(self, names: Collection[str]) -> None:
        """Plans all that some statements rest on, themselves included, each after those it mentions."""
        wanted = meaning.needed(self.rules, names)
        for name in self.rules.order:
            if name not in wanted or name in self.done:
                continue
            self.done.add(name)
            if name in self.rules.segments:
                self.segment(name)
            elif name in self.rules.chooses:
                self.choose(name)
            elif name in self.rules.collects:
                self.collected[name] = collects.planned(self, self.rules.collects[name])
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
        self.truths[name, True] = node

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
                cases.append((node, codes.setdefault(constant.value, len(codes) + 1)))
        return Choice(name, rule.type, tuple(codes), tuple(cases))

    # ---- conditions

    def truth(self, node: checked.Expression, space: int, wanted: bool) -> int:
        """Where a condition is true (`wanted`), or where it is false; planned once, since some forms ask for both sides, and rules
        for the same."""
        asked = comparing.told(node) or id(node), space, wanted
        known = self.conditions.get(asked)
        if known is None:
            self.kept.append(node)
            known = self.conditions[asked] = self._truth(node, space, wanted)
        return known

    def _truth(self, node: checked.Expression, space: int, wanted: bool) -> int:
        build = self.builder
        match node:
            case checked.And() | checked.Or():
                terms = [self.truth(term, space, wanted) for term in node.terms]
                return build.all_of(space, terms) if isinstance(node, checked.And) is wanted else build.any_of(space, terms)
            case checked.KOf():
                return comparing.so_many(self, node, space, wanted)
            case checked.Not():
                return self.truth(node.term, space, not wanted)
            case checked.Compare():
                return comparing.comparison(self, node.op if wanted else NEGATED[node.op], node.left, node.right, space)
            case checked.InList():
                return comparing.membership(self, node, space, wanted)
            case checked.InValues():
                return lists.holds(self, node, space, wanted)
            case checked.Overlap():
                return lists.overlaps(self, node, space, wanted)
            case checked.TextTest():
                return comparing.text_test(self, node, space, wanted)
            case checked.IsMissing():
                return self.missing(node.operand, space, wanted)
            case checked.InSegment():
                held = self.truths[node.segment, True]
                return held if wanted else build.invert(space, held)
            case checked.Let():
                return self.truths[node.name, wanted] if self.rules.lets[node.name].relation is None else self.row(node.name, space, wanted)
            case checked.Constant():
                return build.always(space, node.value is wanted)
            case checked.Field() | checked.Aggregate(function="first" | "last") | checked.Grouped(function="first" | "last"):
                return build.range(space, self.value(node, space), int(wanted), int(wanted) + 1)
            case checked.HostCall() | checked.Relative():
                return build.range(space, self.value(node, space), int(wanted), int(wanted) + 1)
            case checked.Chosen():
                return self.chosen_among(node.name, lambda value: value is wanted)
            case checked.OfAccount():
                return build.lift(space, self.truth(node.operand, 0, wanted))
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
            case checked.Aggregate(up=[_, *_]) | checked.Grouped(up=[_, *_]):
                found = build.range(space, stages.staged(self, node, space), 1, 2)
                return found if (node.function == "any") is wanted else build.invert(space, found)
            case checked.Grouped():
                return grouping.holds(self, node, space, wanted)
            case _:
                assert isinstance(node, checked.Aggregate), node
                rows = self.rows(node, space)
                where = self.where(node, rows)
                if node.function == "all":
                    met = build.always(rows, True) if where is None else where
                    assert node.value is not None
                    where = build.without(rows, met, self.truth(node.value, rows, True))
                never = where is not None and build.is_always(where, False)
                found = build.always(space, False) if never else build.add("any", space, rows, where)
                return found if (node.function == "any") is wanted else build.invert(space, found)

    def bound(self, form: Form) -> Any:
        return form[1] if form[0] in ("days", "instant") else Slot(form)

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
        parts = [node for case, node in zip(rule.cases, exclusive, strict=True) if holds(case.value.value)]
        if rule.otherwise is not None and holds(rule.otherwise.value):
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
                if build.nodes[inner][0] == "constant":
                    return build.add("constant", space, *build.nodes[inner][2:])
                return build.add("lifted", space, node.type, inner)
            case checked.Arithmetic():
                return self.noted(reckoning.arithmetic(self, node, space), node)
            case checked.Negative():
                operand = self.value(node.operand, space)
                return self.noted(build.add("arithmetic", space, node.type, "-", build.add("constant", space, node.type, 0), operand), node)
            case checked.Shift():
                return reckoning.shifted(self, node, space)
            case checked.Difference():
                a, b = self.value(node.left, space), self.value(node.right, space)
                if node.left.type == TIMESTAMP:
                    return self.noted(build.add("arithmetic", space, DURATION, "-", a, b), node)
                days = build.add("arithmetic", space, WHOLE, "-", a, b)
                return self.noted(build.add("arithmetic", space, DURATION, "*", days, build.add("constant", space, WHOLE, DAY)), node)
            case checked.ScaleDuration():
                return self.noted(reckoning.scaled(self, node, space), node)
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
            case checked.Aggregate(up=[_, *_]) | checked.Grouped(up=[_, *_]):
                return stages.staged(self, node, space)
            case checked.HostCall():
                return stages.hosted(self, node, space)
            case checked.Relative():
                return stages.relative(self, node, space)
            case checked.Grouped():
                return self.noted(grouping.aggregated(self, node, space), node)
            case _:
                assert isinstance(node, checked.Aggregate), node
                return self.noted(aggregates.aggregated(self, node, space), node)

    def noted(self, number: int, node: checked.Expression) -> int:
        self.builder.spans.setdefault(number, node.span)
        return number

    def rows(self, node: checked.Aggregate, space: int) -> int:
        return self.builder.space(grouping.below(node.relation, self.builder.spaces[space]))

    def where(self, node: checked.Aggregate, rows: int) -> int | None:
        """Where rows count; None where all do. Those later than the run do not, nor those that belong to such a row."""
        build = self.builder
        found = build.always(rows, True) if node.where is None else self.truth(node.where, rows, True)
        found = self.happened(node, rows, found)
        return None if build.is_always(found, True) else found

    def happened(self, node: checked.Aggregate | checked.Grouped, rows: int, found: int) -> int:
        """Where a condition of rows is true and they are not later than the run."""
        build, chain = self.builder, node.relation.chain
        for step, (table, _) in enumerate(chain):
            if table in self.rules.event_times:
                name, kind = self.rules.event_times[table]
                path = tuple(link for _, link in chain[:step])
                field = checked.Field(span=node.span, table=node.relation.table, name=name, type=kind, path=path)
                later = comparing.in_time(self, ">", field, ("today",) if kind == DATE else ("now",), kind, rows)
                found = build.without(rows, found, later)
        return found

    def fitted(self, node: checked.Expression, wanted: Type, space: int) -> int:
        """A value in a type that holds it: whole numbers as decimals or floats, decimals at a larger scale."""
        number = self.value(node, space)
        if wanted.kind == "number":
            return as_float(self.builder, number, node.type, space)
        return at_scale(self.builder, number, node.type, wanted.scale, space, node.span) if wanted.kind in ("decimal", "whole") else number

    def chosen_value(self, node: checked.Chosen, space: int) -> int:
        build = self.builder
        rule = self.rules.chooses[node.name]
        exclusive, _ = self.cases[node.name]
        last = None if rule.otherwise is None else rule.otherwise.value
        result = build.add("constant", space, rule.type, last)
        for case, where in zip(rule.cases, exclusive, strict=True):
            taken = build.add("constant", space, rule.type, case.value.value)
            result = build.add("either", space, rule.type, where, taken, result)
        return result
