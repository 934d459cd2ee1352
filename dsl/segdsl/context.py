"""What the rooms of the checker share: the names, the mistakes so far, and the way from a syntax node to its meaning.

A form that holds a mistake is reported once and becomes None, and what contains it becomes None without a further word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from segdsl import syntax
from segdsl.checked import (
    Aggregate,
    ChooseRule,
    Chosen,
    Collected,
    CollectRule,
    Constant,
    Expression,
    Field,
    Let,
    LetRule,
    OfAccount,
    Relation,
)
from segdsl.diagnostics import MOST_NAMES, Diagnostic, closest, diagnostic
from segdsl.functions import Signature
from segdsl.names import Names
from segdsl.schema import Schema
from segdsl.syntax import Span
from segdsl.tree import children
from segdsl.wording import phrase

MANY_COMPARED = 60_000
"""So many names, all mistakes together, are held against unknown ones."""
ParamValue = Constant | tuple[Constant, ...]


class Scope:
    """The row that an expression is written for: a row of `table`; of the account itself where `relation` is None.

    A row that was reached by going up links first is `apart`: it belongs to no account, and sees none's lets. Where `groups` is
    there, it is no row but one of the groups that an aggregate is over.
    """

    __slots__ = ("apart", "groups", "relation", "table")

    def __init__(self, table: str, relation: Relation | None = None, apart: bool = False, groups: Groups | None = None) -> None:
        self.table = table
        self.relation = relation
        self.apart = apart
        self.groups = groups


class Groups:
    """The groups that the `outer` aggregate is over: made of the rows of a row of `owner`, by the first `per` inside; `forming` are
    the conditions of `checked.Grouped`, None as soon as every row forms a group. `named` are the keys as values of a group, by what
    is written after `per`; `known` is the aggregate that was looked at ahead of its place, for them, with what it means."""

    __slots__ = ("first", "forming", "keys", "known", "named", "outer", "owner")

    def __init__(self, outer: str, owner: Scope) -> None:
        self.outer = outer
        self.owner = owner
        self.first: Aggregate | None = None
        self.keys: tuple[Expression, ...] = ()
        self.forming: list[Expression] | None = []
        self.named: dict[Any, Aggregate] = {}
        self.known: tuple[syntax.Call, Expression | None] | None = None


class Context:
    """One checking of one rule set: `lets`, `chooses`, `collects` and `params` fill up in the order of mentions."""

    def __init__(
        self,
        schema: Schema,
        names: Names,
        forms: Mapping[type, Callable[[Context, syntax.Expression, Scope], Expression | None]],
        functions: Sequence[Signature] = (),
    ):
        self.schema = schema
        self.functions = {function.name: function for function in functions}
        self.names = names
        self.forms = forms
        self.diagnostics: list[Diagnostic] = []
        self.params: dict[str, ParamValue] = {}
        self.lets: dict[str, LetRule] = {}
        self.chooses: dict[str, ChooseRule] = {}
        self.collects: dict[str, CollectRule] = {}
        self.account = Scope(schema.root)
        self.staged = False
        """Whether anything so far takes a step of its own, see `depths`."""
        self.of_account: set[str] = set()
        """The lets of rows that rest on the rows' account."""
        self._relations: dict[str, dict[str, tuple[Relation, ...]]] = {}
        self._zone: tzinfo | None = None
        self.segments = tuple(name for name, each in names.statements.items() if isinstance(each, syntax.Segment))
        self.values = tuple(name for name, each in names.statements.items() if not isinstance(each, syntax.Segment))
        self._compared = 0
        self._told: set[tuple[str, str]] = set()

    def report(self, code: str, span: Span, *, hint: str | None = None, also: Sequence[tuple[Span, str]] = (), **facts: object) -> None:
        """Write down a mistake or a warning; None, so that a form can `return` it."""
        self.diagnostics.append(diagnostic(code, span, hint=hint, also=also, **facts))

    def near(self, name: str, known: Iterable[str]) -> str | None:
        """The hint `did you mean "country"?`, where something is near; none after so many names, for each takes time."""
        if self._compared > MANY_COMPARED:
            return None
        names = [*islice(known, MOST_NAMES)]
        self._compared += len(names)
        near = closest(name, names)
        return None if near is None else f'did you mean "{near}"?'

    def once(self, code: str, about: str) -> bool:
        """Whether a code was not yet reported about something."""
        fresh = (code, about) not in self._told
        self._told.add((code, about))
        return fresh

    def relations(self, table: str) -> dict[str, tuple[Relation, ...]]:
        """The relations of a table's rows, found once."""
        if table not in self._relations:
            self._relations[table] = self.schema.relations(table)
        return self._relations[table]

    def rests_on_account(self, value: Expression) -> bool:
        """Whether a value of a row is in part one of its account, itself or by a let of rows that it names."""
        pending = [value]
        while pending:
            node = pending.pop()
            if isinstance(node, OfAccount) or (isinstance(node, Let) and node.name in self.of_account):
                return True
            pending += children(node)
        return False

    def zone(self, span: Span) -> tzinfo:
        """The zone of timestamps without one; an unknown zone is reported and stands in as UTC."""
        if self._zone is None:
            try:
                self._zone = ZoneInfo(self.schema.timezone)
            except (OSError, ValueError, KeyError):
                self._zone = UTC
                self.report("E410", span, name=self.schema.timezone)
        return self._zone

    def expression(self, node: syntax.Expression, scope: Scope) -> Expression | None:
        """The meaning of a node, be it a value or a condition."""
        if scope.groups is not None and scope.groups.named:
            key = scope.groups.named.get(syntax.bare(node))
            if key is not None:
                return msgspec.structs.replace(key, span=node.span)
        return self.forms[type(node)](self, node, scope)

    def value(self, node: syntax.Expression, scope: Scope, lists: bool = False) -> Expression | None:
        """The meaning of a node where a value is wanted: a comparison or an `and` is a mistake there, and unless `lists` a list."""
        if type(node) in CONDITIONS or (type(node) is syntax.Call and node.name.text in ("any", "none", "all")):
            found = self.expression(node, scope)
            if found is not None:
                self.report("E303", node.span, hint="a condition stands alone, without `= true`, or inside `if(condition, a, b)`")
            return None
        found = self.expression(node, scope)
        return found if lists else self.single(found)

    def single(self, found: Expression | None) -> Expression | None:
        """What is one value; a list of the data is a mistake."""
        if found is None or found.type.kind != "list":
            return found
        called = phrase(found)
        name = called[1 : called.rindex('"')] if called.startswith('"') else "values(…)"
        self.report("E314", found.span, name=name, hint=f"ask what it holds: `{name} contains …`, `… in {name}`")
        return None

    def condition(self, node: syntax.Expression, scope: Scope) -> Expression | None:
        """The meaning of a node where a condition is wanted."""
        found = self.expression(node, scope)
        if found is None or found.type.kind == "yes/no":
            return found
        self.report("E302", node.span, what=phrase(found), hint=_test_hint(found))
        return None


CONDITIONS = frozenset(
    (
        syntax.Or, syntax.And, syntax.Not, syntax.Compare, syntax.OrderInTime, syntax.InSet, syntax.InPeriod, syntax.Within,
        syntax.TextTest, syntax.Matches, syntax.IsMissing, syntax.InSegment, syntax.KOf,
    )
)  # fmt: skip

_TESTS = {
    "whole": "> 0",
    "number": "> 0",
    "decimal": "> 0",
    "text": '= "…"',
    "date": "before today",
    "timestamp": "before now",
    "list": "contains …",
}


def _test_hint(found: Expression) -> str | None:
    inner = found.operand if isinstance(found, OfAccount) else found
    test = _TESTS.get(found.type.kind)
    if isinstance(inner, Constant) and inner.param is None and test is not None:
        return "a test has two sides, on both sides of `or`, too: `x = a or x = b`; for several values `x in (a, b)`"
    if test is None or isinstance(inner, Constant):
        return None
    if isinstance(inner, Field):
        return f"compare it with something: `{'.'.join((*inner.path, inner.name))} {test}`"
    if isinstance(inner, Chosen | Collected):
        return f"compare it with something: `{inner.name} {test}`"
    return f"compare it with something: `… {test}`"
