"""Conditions brought down to their leaves: which set of the values of one thing each test means, lets and segments looked through.

`not` is pushed down to the leaves, `in`, ranges and comparisons become sets, and what is said twice, in another order or by way of a let
is one condition. Conditions are numbers: `c ^ 1` is the opposite of `c`, and equal numbers are true, false and unknown for the same rows.
Values are numbers too; `~c` is the condition `c` as a value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from segdsl import checked, cuts
from segdsl.checked import (
    Aggregate,
    And,
    Arithmetic,
    Compare,
    Constant,
    Expression,
    Field,
    InList,
    InSegment,
    IsMissing,
    KOf,
    Let,
    Not,
    Or,
    Rules,
    TextTest,
)
from segdsl.cuts import ALL, Cuts
from segdsl.ends import ends, moving_ends, prefixed
from segdsl.facts import can_miss, possible
from segdsl.schema import Schema
from segdsl.tree import FLIPPED, HOLDERS, LEAVES, children
from segdsl.typesystem import DATE, TIMESTAMP, TRUTH, WHOLE, Type

Leaf = tuple[Any, ...]
"""One of

    ("test", value, view, holds, fails)  where the value is present: it is in the one set, or in the other
    ("missing", value)
    ("every", conditions)                the Kleene `and`
    ("member", condition)                whether it is true
    ("always",)  ("unknown",)
"""

TRUE, FALSE, UNKNOWN = 0, 1, 2
_SIGNS = {
    "=": cuts.between(0, 1),
    "!=": cuts.opposite(cuts.between(0, 1)),
    "<": cuts.below(0),
    "<=": cuts.below(1),
    ">": cuts.above(1),
    ">=": cuts.above(0),
}
_YES = cuts.between(1, 2)
_SILENT = frozenset({"span", "param", "nullable", "single", "label"})


def _getters(kind: type[checked.Checked]) -> tuple[tuple[attrgetter[Any], bool], ...]:
    return tuple((attrgetter(name), name in HOLDERS) for name in kind.__struct_fields__ if name not in _SILENT)


_PARTS = {kind: _getters(kind) for kind in vars(checked).values() if isinstance(kind, type) and issubclass(kind, checked.Checked)}


class Leaves:
    """The conditions and values of a rule set met so far: `conditions` by half their number, and `sample`, by number of a value, an
    expression of it."""

    def __init__(self, rules: Rules, schema: Schema) -> None:
        self.rules = rules
        self.schema = schema
        self.conditions: list[Leaf] = [("always",), ("unknown",)]
        self.sample: list[Expression] = []
        self.missable: list[bool] = []
        self._known: dict[Hashable, int] = {("always",): 0, ("unknown",): 1}
        self._values: dict[Hashable, int] = {}
        self._domains: dict[int, Cuts] = {}
        self._of: dict[int, int] = {}
        self._named: dict[str, int] = {}

    def statement(self, name: str, roots: Sequence[Expression]) -> None:
        """Meet a statement, after those that it mentions; what others may look through is kept by its name."""
        for root in roots:
            self._meet(root)
        if name in self.rules.lets or name in self.rules.segments:
            self._named[name] = self._at(roots[0])

    def condition(self, node: Expression) -> int:
        """The number of a condition that was met."""
        return ~self._of[id(node)]

    def _meet(self, root: Expression) -> None:
        waiting, found, of = [root], [], self._of
        while waiting:
            node = waiting.pop()
            if type(node) not in LEAVES:
                waiting += children(node)
            elif type(node) is Constant and type(node.value) is not bool and node.value is not None:
                continue  # most of them are never looked at as values
            found.append(node)
        for node in reversed(found):
            of[id(node)] = _HANDLERS.get(type(node), Leaves._plain)(self, node)

    # ---- values

    def _at(self, node: Expression) -> int:
        found = self._of.get(id(node))
        if found is None:
            assert isinstance(node, Constant)
            found = self._of[id(node)] = self._constant(node)
        return found

    def _plain(self, node: Expression) -> int:
        """A value by what it is made of; where it is yes/no, the condition that it is true."""
        at = self._at
        key: list[Any] = [type(node)]
        for getter, holds in _PARTS[type(node)]:
            part = getter(node)
            if holds and part is not None:
                key.append(tuple([at(item) for item in part]) if type(part) is tuple else at(part))
            else:
                key.append(part)
        return self._value_or_test(tuple(key), node)

    def _value_or_test(self, key: Hashable, node: Expression) -> int:
        value = self._value(key, node)
        return ~self._test(value, "", _YES) if node.type == TRUTH else value

    def _value(self, key: Hashable, node: Expression) -> int:
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = len(self.sample)
            self.sample.append(node)
            self.missable.append(can_miss(node, self.schema, self.rules, self._can_miss))
        return found

    def _can_miss(self, node: Expression) -> bool:
        value = self._at(node)
        return value < 0 or self.missable[value]

    def domain(self, value: int) -> Cuts:
        """All that a value can be where it is present, in the plain view."""
        found = self._domains.get(value)
        if found is None:
            node = self.sample[value]
            found = self._domains[value] = _SIGNED if type(node) is Compare else possible(node, self.rules)[0]
        return found

    # ---- conditions

    def _test(self, value: int, view: str, among: Cuts) -> int:
        """The condition that a value, seen in a view, is in a set."""
        domain = ALL if view else self.domain(value)
        holds, fails = among, cuts.opposite(among)
        if domain is not ALL:
            holds, fails = cuts.meet(domain, holds), cuts.meet(domain, fails)
        odd = (holds.inside, holds.at) > (fails.inside, fails.at)
        if odd:
            holds, fails = fails, holds
        return self._number(("test", value, view, holds), ("test", value, view, holds, fails)) + odd

    def _number(self, key: Hashable, leaf: Leaf) -> int:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.conditions)
            self.conditions.append(leaf)
        return 2 * found

    def every(self, terms: Iterable[int]) -> int:
        """The Kleene `and` of conditions."""
        parts: set[int] = set()
        tests: dict[tuple[int, str], list[int]] = {}
        for term in terms:
            leaf = self.conditions[term >> 1]
            for part in leaf[1] if leaf[0] == "every" and not term & 1 else (term,):
                if part == FALSE:
                    return FALSE
                if self.conditions[part >> 1][0] == "test":
                    _, value, view, *_ = self.conditions[part >> 1]
                    tests.setdefault((value, view), []).append(part)
                elif part != TRUE:
                    parts.add(part & ~1 if part >> 1 == UNKNOWN >> 1 else part)
        for (value, view), same in tests.items():
            parts.add(same[0] if len(same) == 1 else self._test(value, view, cuts.meet_all([self.set_of(part) for part in same])))
        if len(parts) < 2:
            return parts.pop() if parts else TRUE
        held = frozenset(parts)
        return self._number(("every", held), ("every", held))

    def set_of(self, test: int) -> Cuts:
        """The values for which a test holds."""
        found: Cuts = self.conditions[test >> 1][3 + (test & 1)]
        return found

    # ---- forms

    def _and(self, node: And) -> int:
        return ~self.every(~self._of[id(term)] for term in node.terms)

    def _or(self, node: Or) -> int:
        return ~(self.every(~self._of[id(term)] ^ 1 for term in node.terms) ^ 1)

    def _not(self, node: Not) -> int:
        return ~(~self._of[id(node.term)] ^ 1)

    def _compare(self, node: Compare) -> int:
        op, left, right = node.op, node.left, node.right
        if type(left) is Constant or (type(left) is not Constant and type(right) is not Constant and _moves(left)):
            op, left, right = FLIPPED[op], right, left
        found = None
        if type(right) is Constant and type(left) is not Constant:
            if right.value is None:
                return ~UNKNOWN
            if right.type == TRUTH:
                return ~(~self._of[id(left)] ^ ((op == "=") is not right.value))
            found = ends(left.type, right)
        elif left.type in (DATE, TIMESTAMP) and not _moves(left):
            found = moving_ends(left.type, right)
        if found is None:
            return ~self._pair(node)
        view, first, last = found
        return ~self._test(self._of[id(left)], view, _AMONG[op](first, last))

    def _pair(self, node: Compare) -> int:
        """A comparison of two values: the sign of their difference."""
        op, one, other = node.op, self._at(node.left), self._at(node.right)
        if one > other:
            op, one, other = FLIPPED[op], other, one
        value = self._value(("pair", one, other), node)
        self._domains.setdefault(value, cuts.between(0, 1) if one == other else _SIGNED)
        return self._test(value, "", _SIGNS[op])

    def _in_list(self, node: InList) -> int:
        among = None if node.value.type == TRUTH else _among(node.value.type, node.items)
        if among is None or node.others:
            items = frozenset((item.type, item.value) for item in node.items)
            others = frozenset(self._at(other) for other in node.others)
            return self._value_or_test((InList, self._at(node.value), items, others), node)
        return ~self._test(self._at(node.value), "", among)

    def _text_test(self, node: TextTest) -> int:
        if node.kind == "starts" and isinstance(node.pattern, Constant) and isinstance(node.pattern.value, str):
            pair = prefixed(node.pattern.value)
            among = ALL if not node.pattern.value else cuts.above((node.pattern.value, 0)) if pair is None else cuts.between(*pair)
            return ~self._test(self._at(node.value), "", among)
        return self._plain(node)

    def _missing(self, node: IsMissing) -> int:
        value = self._at(node.operand)
        if value < 0:
            leaf = self.conditions[~value >> 1]
            if leaf[0] == "unknown":
                return ~TRUE
            if leaf[0] in ("always", "missing", "member"):
                return ~FALSE
            if leaf[0] == "every":
                return self._value_or_test((IsMissing, ~value & ~1), node)
            value = leaf[1]
        return ~(self._number(("missing", value), ("missing", value)) if self.missable[value] else FALSE)

    def _many(self, node: KOf) -> int:
        terms = [~self._of[id(term)] for term in node.terms]
        count = node.count
        if (node.kind == "at most" and count >= len(terms)) or (node.kind == "at least" and count == 0):
            return ~TRUE
        if node.kind != "at most" and count > len(terms):
            return ~FALSE
        if node.kind != "at most" and count == len(terms):
            return ~self.every(terms)
        if count == 0:
            return ~self.every(term ^ 1 for term in terms)
        if (node.kind, count) == ("at least", 1):
            return ~(self.every(term ^ 1 for term in terms) ^ 1)
        return self._value_or_test((KOf, node.kind, count, tuple(sorted(terms))), node)

    def _segment(self, node: InSegment) -> int:
        condition = ~self._named[node.segment]
        return ~self._number(("member", condition), ("member", condition))

    def _let(self, node: Let) -> int:
        return self._named[node.name]

    def _constant(self, node: Constant) -> int:
        if node.type == TRUTH:
            return ~(UNKNOWN if node.value is None else TRUE if node.value else FALSE)
        return self._value((Constant, node.type, node.value), node)

    def _field(self, node: Field) -> int:
        return self._value_or_test((Field, node.table, node.path, node.name), node)

    def _arithmetic(self, node: Arithmetic) -> int:
        pair = (self._at(node.left), self._at(node.right))
        return self._value((Arithmetic, node.op, tuple(sorted(pair)) if node.op in "+*" else pair), node)

    def _aggregate(self, node: Aggregate) -> int:
        """`any` is a count of 1 or more, `none` its opposite."""
        if node.function not in ("any", "none"):
            return self._plain(node)
        counted = Aggregate(
            span=node.span, function="count", relation=node.relation, type=WHOLE, where=node.where, up=node.up, owner=node.owner
        )
        return ~(self._test(self._plain(counted), "", cuts.above(1)) ^ (node.function == "none"))


_SIGNED = cuts.between(-1, 2)
_AMONG: dict[str, Callable[[Any, Any], Cuts]] = {
    "=": cuts.between,
    "!=": lambda first, last: cuts.opposite(cuts.between(first, last)),
    "<": lambda first, last: cuts.below(first),
    "<=": lambda first, last: cuts.below(last),
    ">": lambda first, last: cuts.above(last),
    ">=": lambda first, last: cuts.above(first),
}


def _moves(node: Expression) -> bool:
    return moving_ends(node.type, node) is not None


def _among(type_: Type, items: Sequence[Constant]) -> Cuts | None:
    """The set of a list's items; None where one of them is missing, or its order is not known."""
    if any(item.value is None for item in items):
        return None
    found = [ends(type_, item) for item in items]
    return cuts.points([(each[1], each[2]) for each in found if each is not None]) if None not in found else None


_HANDLERS: dict[type, Callable[[Leaves, Any], int]] = {
    And: Leaves._and,
    Or: Leaves._or,
    Not: Leaves._not,
    Compare: Leaves._compare,
    InList: Leaves._in_list,
    TextTest: Leaves._text_test,
    IsMissing: Leaves._missing,
    KOf: Leaves._many,
    InSegment: Leaves._segment,
    Let: Leaves._let,
    Constant: Leaves._constant,
    Field: Leaves._field,
    Arithmetic: Leaves._arithmetic,
    Aggregate: Leaves._aggregate,
}
