"""The lints that reason: what is never or always true, what decides nothing, cases that are never reached, segments that mean the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import combinations

from segdsl.checked import (
    Aggregate,
    And,
    ChooseRule,
    Chosen,
    Compare,
    Constant,
    Expression,
    Grouped,
    InList,
    KOf,
    Let,
    Not,
    Or,
    Relative,
    Rules,
    SegmentRule,
)
from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.ends import Ends, ends, moving_ends
from segdsl.facts import possible
from segdsl.hunches import worth_reasoning
from segdsl.leaves import Leaves
from segdsl.missing import statements
from segdsl.schema import Schema
from segdsl.tree import LEAVES, branches, children
from segdsl.trials import Trial
from segdsl.typesystem import DATE, TIMESTAMP, TRUTH
from segdsl.verdicts import Verdicts

_MANY_TERMS = 12
"""Of longer conditions, only terms that say the same are told."""
_CASE_WORK = 100_000
_APART = "its parts exclude each other"
_OVER_NO_ROWS = {
    **dict.fromkeys(("count", "sum", "distinct"), "0"),
    **dict.fromkeys(("any", "top", "bottom"), "false"),
    **dict.fromkeys(("none", "all"), "true"),
    "values": "an empty list",
}
"""What is given where no row counts; the others are missing then."""


def reasoned(rules: Rules, schema: Schema, told: Collection[int]) -> list[Diagnostic]:
    """The warnings; `told` are the tests, by `id`, of which another lint says already that a constant is never met."""
    leaves = Leaves(rules, schema)
    roots = dict(statements(rules))
    worth = worth_reasoning(rules, roots)
    for name in rules.order:
        if name in worth:
            leaves.statement(name, roots[name])
    verdicts = Verdicts(leaves)
    verdicts.judge()
    found: dict[tuple[str, int, int, int], Diagnostic] = {}
    walk = _Walk(verdicts, told)
    for name in worth:
        for one in walk.warnings(roots[name]):
            found.setdefault((one.code, one.span.source, one.span.start, one.span.end), one)
    listed = list(found.values())
    for choose in rules.chooses.values():
        listed += _hidden_cases(choose, verdicts)
    return listed + list(_duplicates([rules.segments[name] for name in rules.segments if name in worth], verdicts))


class _Walk:
    """Looks at every condition in a statement once."""

    def __init__(self, verdicts: Verdicts, told: Collection[int]) -> None:
        self.verdicts = verdicts
        self.leaves = verdicts.leaves
        self.told = told

    def warnings(self, roots: Sequence[Expression]) -> Iterator[Diagnostic]:
        """The warnings on conditions that are never or always true, and on parts that decide nothing."""
        never, condition = self.verdicts.never, self.leaves.condition
        waiting = [(root, False) for root in roots if type(root) not in LEAVES]
        while waiting:
            node, grouped = waiting.pop()
            inner: list[Expression] | None = branches(node)
            if node.type.kind == "yes/no":
                number = condition(node)
                if never[number]:
                    inner = self._never(node)
                    if inner is None:
                        yield diagnostic("W102", node.span, hint=self._why(node, _APART))
                elif never[number ^ 1] and not self._asks_for_any(number):
                    inner = self._always(node)
                    if inner is None:
                        yield diagnostic("W103", node.span, hint=self._why(node, "its parts leave nothing out but what is missing"))
                elif isinstance(node, And | Or):
                    yield from self._idle(node)
                if inner is not None and _written_short(node):
                    inner = [each for term in inner for each in branches(term)]
            if isinstance(node, Aggregate | Relative) and node.where is not None and never[condition(node.where)]:
                yield self._unmet(node, node.where, grouped)
                inner = [each for each in inner or () if each is not node.where]
            waiting += [(each, grouped or type(node) is Grouped) for each in inner or ()]

    def _asks_for_any(self, condition: int) -> bool:
        """Whether a condition asks for any value of a choose that may have none: it leaves out what is missing, and is to."""
        leaf = self.leaves.conditions[condition >> 1]
        return leaf[0] == "test" and isinstance(self.leaves.sample[leaf[1]], Chosen) and self.leaves.missable[leaf[1]]

    def _never(self, node: Expression) -> list[Expression] | None:
        """Where to look for what makes a condition never true; None where it does itself, and it is to be told."""
        if isinstance(node, And) and not _written_short(node):
            blamed = any(self.verdicts.never[self.leaves.condition(term)] for term in node.terms)
            return branches(node) if blamed else None
        return branches(node) if isinstance(node, Or) else self._bare(node)

    def _always(self, node: Expression) -> list[Expression] | None:
        if isinstance(node, Or):
            blamed = any(self.verdicts.never[self.leaves.condition(term) ^ 1] for term in node.terms)
            return branches(node) if blamed else None
        return branches(node) if isinstance(node, And) and not _written_short(node) else self._bare(node)

    def _bare(self, node: Expression) -> list[Expression] | None:
        """Nothing is said of what another lint has told of, and of a `not` and of `name = true`, where what they turn is told."""
        turned = (isinstance(node, Not) and node.term.span != node.span) or (
            isinstance(node, Compare) and TRUTH in (node.left.type, node.right.type)
        )
        return branches(node) if turned or id(node) in self.told else None

    def _why(self, node: Expression, of_parts: str) -> str | None:
        if _written_short(node):
            ends_alone = (self._why(term, "") for term in branches(node) if self.verdicts.never[self.leaves.condition(term)])
            return next(ends_alone, _backwards(node) or of_parts)
        if isinstance(node, And | Or):
            return of_parts
        if isinstance(node, Not) and _written_short(node.term):
            return _backwards(node.term)
        if isinstance(node, KOf):
            terms = len(node.terms)
            if node.count > terms and node.kind != "at most":
                return "there is only 1 condition" if terms == 1 else f"there are only {terms} conditions"
            conditions = "there is 1 condition" if terms == 1 else f"there are {terms} conditions"
            decided = (node.kind, node.count) == ("at least", 0) or (node.kind == "at most" and node.count >= terms)
            return f"{conditions}, and none of them decides" if decided else of_parts
        leaf = self.leaves.conditions[self.leaves.condition(node) >> 1]
        if leaf[0] != "test":
            return {"unknown": "a missing value compares with nothing", "always": "it is never missing"}.get(leaf[0])
        sample = self.leaves.sample[leaf[1]]
        if isinstance(sample, Compare):
            return "both sides are the same"
        if _between_steps(node):
            scale = sample.type.scale
            return f"it has {scale} decimal place{'' if scale == 1 else 's'}" if scale else "a whole number has no decimal places"
        return possible(sample, self.leaves.rules)[1] or None

    def _unmet(self, node: Aggregate | Relative, where: Expression, grouped: bool) -> Diagnostic:
        rows = node.relation.name if isinstance(node, Aggregate) else self.leaves.rules.root
        hint = None if grouped else f"`{node.function}` is then always {_OVER_NO_ROWS.get(node.function, 'missing')}"
        return diagnostic("W112", where.span, relation=rows, hint=hint)

    def _idle(self, node: And | Or) -> Iterator[Diagnostic]:
        """Terms of an `and` that hold wherever another does, and of an `or` that hold only where another does."""
        terms = flat(node)
        numbers = [self.leaves.condition(term) for term in terms]
        first: dict[int, int] = {}
        pairs = [(first.setdefault(number, at), at) for at, number in enumerate(numbers)]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        if not pairs and len(terms) <= _MANY_TERMS and self.verdicts.crossed(numbers):
            ordered = ((one, other) for pair in combinations(range(len(terms)), 2) for one, other in (pair, pair[::-1]))
            pairs = [(one, other) for one, other in ordered if self._decides(numbers[one], numbers[other], type(node) is And)][:1]
        for deciding, idle in pairs:
            if not (self._set_by_params(terms[deciding]) or self._set_by_params(terms[idle])):
                also = ((terms[deciding].span, "this decides"),)
                word = "it holds wherever the other part does" if type(node) is And else "where it holds, the other part does too"
                yield diagnostic("W113", terms[idle].span, hint=word, also=also)

    def _decides(self, one: int, other: int, both: bool) -> bool:
        """Whether `one and other` (where `both`; else `one or other`) is true, false and unknown just where `one` is."""
        verdicts = self.verdicts
        if not verdicts.cross(one, other):
            return False
        weak, strong = (other, one) if both else (one, other)
        return verdicts.implies(strong, weak) and verdicts.implies(weak ^ 1, strong ^ 1)

    @cached_property
    def _lets_of_params(self) -> frozenset[str]:
        """The lets in which a param has a part."""
        rules, found = self.leaves.rules, set[str]()
        for name in rules.order:
            if name in rules.lets and _has_param(rules.lets[name].value, found):
                found.add(name)
        return frozenset(found)

    def _set_by_params(self, root: Expression) -> bool:
        """Whether a param has a part in a condition: what it decides may change with the next value."""
        return _has_param(root, self._lets_of_params)


def _has_param(root: Expression, lets: Collection[str]) -> bool:
    """Whether a param, or one of some lets, has a part in an expression."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        constants = node.items if isinstance(node, InList) else (node,)
        if any(isinstance(each, Constant) and each.param is not None for each in constants):
            return True
        if isinstance(node, Let) and node.name in lets:
            return True
        waiting += children(node)
    return False


def flat(node: And | Or) -> list[Expression]:
    """The terms of an `and` or `or`, and those of the same kind in brackets; what `in a..b` stands for is one term."""
    found: list[Expression] = []
    for term in node.terms:
        if type(term) is type(node) and not _written_short(term):
            found += flat(term)
        else:
            found.append(term)
    return found


def _written_short(node: Expression) -> bool:
    """Whether an `and` is what `in a..b`, a period or `within` stands for: its terms have the span of the whole."""
    return isinstance(node, And) and node.terms[0].span == node.span


def _backwards(node: Expression) -> str | None:
    """What to say of a range whose first end comes after its last one; None of others, and where that is not known."""
    found = [each for term in branches(node) if isinstance(term, Compare) and (each := _end(term)) is not None]
    if len(found) < 2 or found[0][0] != found[1][0] or not found[0][2] > found[1][2]:
        return None
    times = any(isinstance(term, Compare) and term.left.type in (DATE, TIMESTAMP) for term in branches(node))
    return f"a range begins with its {'earlier' if times else 'smaller'} end"


def _end(test: Compare) -> Ends | None:
    """Where one end of a range cuts its values; None where that is not known, or there is no such end."""
    if isinstance(test.right, Constant):
        return None if test.right.value is None else ends(test.left.type, test.right)
    return moving_ends(test.left.type, test.right)


def _between_steps(node: Expression) -> bool:
    """Whether a test for equality asks for a number with more decimal places than there are."""
    if isinstance(node, Not):
        return _between_steps(node.term)
    if isinstance(node, Compare):
        value, constants = (node.right, [node.left]) if isinstance(node.left, Constant) else (node.left, [node.right])
        if node.op not in ("=", "!="):
            return False
    elif isinstance(node, InList):
        value, constants = node.value, list(node.items)
    else:
        return False
    found = [ends(value.type, each) for each in constants if isinstance(each, Constant)]
    return bool(found) and all(each is not None and each[1] == each[2] for each in found)


# ---- statements


def _hidden_cases(choose: ChooseRule, verdicts: Verdicts) -> Iterator[Diagnostic]:
    """Cases that earlier ones leave nothing to, and an `otherwise` that is never reached."""
    condition, never = verdicts.leaves.condition, verdicts.never
    first: dict[int, int] = {}
    work = [_CASE_WORK]
    before = Trial(verdicts.leaves, work)
    numbers = [condition(case.condition) for case in choose.cases]
    for at, (case, number) in enumerate(zip(choose.cases, numbers, strict=True)):
        same = first.setdefault(number, at)
        if same != at:
            also = ((choose.cases[same].condition.span, "the earlier one is here"),)
            yield diagnostic("W105", case.condition.span, what="this case", why="an earlier one has the same condition", also=also)
            continue
        if not never[number] and (before.failed or Trial(verdicts.leaves, work, before).demand([(number, True)])):
            alone = next((each for each in range(at) if verdicts.implies(number, numbers[each])), None)
            why = "the earlier ones hold wherever it does" if alone is None else "an earlier one holds wherever it does"
            places = [] if alone is None else [(choose.cases[alone].condition.span, "the earlier one is here")]
            yield diagnostic("W105", case.condition.span, what="this case", why=why, also=places)
        before.demand([(number, False)])
    if before.failed and choose.otherwise is not None:
        yield diagnostic("W105", choose.otherwise.span, what="`otherwise`", why="the cases leave nothing out")


def _duplicates(segments: Sequence[SegmentRule], verdicts: Verdicts) -> Iterator[Diagnostic]:
    first: dict[int, SegmentRule] = {}
    for segment in segments:
        number = verdicts.leaves.condition(segment.condition)
        earlier = first.setdefault(number, segment)
        if earlier is not segment and not verdicts.never[number]:
            also = ((earlier.span, f'"{earlier.name}" is here'),)
            yield diagnostic("W106", segment.span, first=earlier.name, name=segment.name, also=also)
