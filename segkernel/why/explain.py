"""An account's clauses, one by one, from the rows that it touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from segdsl import checked
from segdsl.schema import Schema
from segdsl.source import Source
from segdsl.syntax import File, Span
from segdsl.tree import LEAVES, children
from segdsl.typesystem import Length, list_of
from segkernel.oracle import Oracle, Value
from segkernel.oracle.evaluate import Row as Place
from segkernel.oracle.functions import exact_length
from segkernel.why.explanation import TRUTHS, Case, Clause, Row, Rows, Seen, Statement
from segkernel.why.kin import Numbers
from segkernel.why.writing import one_line, place, plain, read

FIRST = 5
"""How many rows of an aggregate are shown."""
LIMIT = "limit"
"""What a value is called that has no words of its own: the day from which `within last 90 days` holds."""
_GROUPS = (checked.And, checked.Or, checked.KOf, checked.Not)


class Reasons:
    """The statements of one account: `statement` tells one, `mentioned` what it rests on.

    `oracle` has the rows that the account touches, `numbers` their numbers in the whole tables.
    """

    def __init__(
        self, oracle: Oracle, account: int, numbers: Mapping[str, Numbers], schema: Schema, sources: Sequence[Source], files: Sequence[File]
    ) -> None:
        self.oracle = oracle
        self.rules = oracle.rules
        self.row = oracle.account(account)
        self.numbers = numbers
        self.schema = schema
        self.sources = sources
        self.files = files
        self._told: dict[str, tuple[Statement, tuple[str, ...]]] = {}
        self._mentions: dict[str, None] = {}

    def statement(self, name: str) -> Statement:
        """A segment, choose or let, and nothing of what it mentions."""
        return self._once(name)[0]

    def mentioned(self, name: str) -> tuple[Statement, ...]:
        """The statements that one rests on, each once, in the order in which they are met."""
        found = {name: None}
        waiting = [name]
        while waiting:
            new = [each for each in self._once(waiting.pop(0))[1] if each not in found]
            found.update(dict.fromkeys(new))
            waiting += new
        return tuple(self.statement(each) for each in found if each != name)

    def _once(self, name: str) -> tuple[Statement, tuple[str, ...]]:
        """A statement, and the names that it mentions."""
        if name not in self._told:
            self._mentions = {}
            self._told[name] = self._statement(name), tuple(self._mentions)
        return self._told[name]

    def _statement(self, name: str) -> Statement:
        zone, rules = self.rules.timezone, self.rules
        value = self.oracle.named(name, self.row)
        if name in rules.segments:
            segment = rules.segments[name]
            return Statement("segment", name, segment.label, TRUTHS[_truth(value)], clause=self.clause(segment.condition))
        if name in rules.chooses or name in rules.collects:
            return self._cases(rules.collects[name] if name in rules.collects else rules.chooses[name], value)
        let = rules.lets[name].value
        if _condition(let):
            return Statement("let", name, None, TRUTHS[_truth(value)], clause=self.clause(let))
        found = plain(value, let.type, zone)
        return Statement("let", name, None, None, found, read(found, let.type), seen=tuple(self._seen(let)))

    def _cases(self, rule: checked.ChooseRule | checked.CollectRule, value: Value) -> Statement:
        """A choose, or a collect, with its cases."""
        zone, cases = self.rules.timezone, []
        held = False
        for case in rule.cases:
            clause = self.clause(case.condition)
            chosen = clause.answer == "true" and (not held or isinstance(rule, checked.CollectRule))
            held = held or chosen
            cases.append(Case(self._written(case.value), chosen, clause))
        if isinstance(rule, checked.CollectRule):
            found = plain(value, list_of(rule.type), zone)
            return Statement("collect", rule.name, rule.label, None, found, read(found, list_of(rule.type)), None, tuple(cases))
        found, last = plain(value, rule.type, zone), None if rule.otherwise is None else self._written(rule.otherwise)
        return Statement("choose", rule.name, rule.label, None, found, read(found, rule.type), None, tuple(cases), last)

    def _written(self, constant: checked.Constant) -> str:
        return read(plain(constant.value, constant.type, self.rules.timezone), constant.type)

    # ---- conditions

    def clause(self, node: checked.Expression) -> Clause:
        """A condition with what it saw; what the rules write as one test is one clause, of whatever it is made."""
        seen: dict[tuple[str, str], Seen] = {}
        clauses: list[Clause] = []
        self._parts(node, node.span, seen, clauses)
        text = self._text(node.span)
        told = tuple(each for each in seen.values() if each.text != text or each.rows is not None)  # not its own value again
        answer = TRUTHS[self.oracle.condition(node, self.row)]
        return Clause(text, place(self.sources, node.span), answer, told, tuple(clauses), isinstance(node, checked.And))

    def _parts(self, node: checked.Expression, span: Span, seen: dict[tuple[str, str], Seen], clauses: list[Clause]) -> None:
        """Put the parts of a condition that is written at `span` where they belong."""
        if isinstance(node, checked.Let | checked.InSegment):
            self._mention(node)
        elif isinstance(node, checked.Aggregate | checked.Grouped | checked.Field | checked.Relative | checked.Constant):
            self._add(seen, self._seen(node))
        else:
            for part in _inside(node):
                if not _condition(part) and not isinstance(node, _GROUPS):
                    limit = part.span == span and not isinstance(part, checked.Field)
                    self._add(seen, (msgspec.structs.replace(each, text=LIMIT) if limit else each for each in self._seen(part)))
                elif _sugar(part, span) or (isinstance(node, checked.Not) and type(part) in LEAVES):
                    self._parts(part, span, seen, clauses)
                else:
                    clauses.append(self.clause(part))

    def _add(self, seen: dict[tuple[str, str], Seen], found: Iterable[Seen]) -> None:
        for each in found:
            seen.setdefault((each.text, each.shown), each)

    def _mention(self, node: checked.Expression) -> None:
        name = node.segment if isinstance(node, checked.InSegment) else node.name  # type: ignore[union-attr]
        self._mentions.setdefault(name)

    # ---- values

    def _seen(self, node: checked.Expression) -> Iterator[Seen]:
        """A value, and the values that it was made of."""
        match node:
            case checked.Constant(param=None):
                return
            case checked.Call(function="folded", operands=operands):  # how a test that ignores case looks at a text
                yield from self._seen(operands[0])
                return
            case checked.OfAccount(operand=operand):
                yield from self._seen(operand)
                return
            case checked.Let() | checked.Chosen() | checked.Collected() | checked.InSegment():
                self._mention(node)
        value = self.oracle.value(node, self.row)
        if not isinstance(value, Length):
            found = plain(value, node.type, self.rules.timezone)
            rows = self._rows(node) if isinstance(node, checked.Aggregate | checked.Grouped) else None
            yield Seen(self._text(node.span), found, read(found, node.type), rows)
        if isinstance(node, checked.Aggregate | checked.Grouped):
            for part in _of_account(node):
                yield from self._seen(part)
        elif type(node) not in LEAVES:
            for part in children(node):
                if part.span != node.span:  # else it has no words of its own: the `today` of `90 days ago`
                    yield from self._seen(part)

    def _rows(self, node: checked.Aggregate | checked.Grouped) -> Rows:
        """The rows that made an aggregate: how many, and the first of them, or of their groups."""
        rows, counted = self.oracle.rows(node, self.row), self.oracle.counted(node, self.row)
        told, failing = counted, None
        if node.function == "all":
            assert node.value is not None
            told = [each for each in counted if self.oracle.value(node.value, each) is not True]
            failing = len(told)
        groups = len(counted) if isinstance(node, checked.Grouped) else None
        many = len(counted) if groups is None else sum(len(each.members or ()) for each in counted)
        return Rows(node.relation.table, len(rows), many, tuple(self._row(node, each) for each in told[:FIRST]), failing, groups)

    def _row(self, node: checked.Aggregate | checked.Grouped, row: Place) -> Row:
        zone = self.rules.timezone
        if isinstance(node, checked.Grouped):
            member = Place(row.table, row.index, row.account)
            key = {self._text(each.span): plain(exact_length(self.oracle.value(each, member)), each.type, zone) for each in node.groups}
        else:
            key = self._key(row)
        number = int(self.numbers[row.table][row.index]) + 1
        if node.value is None or node.function == "all" or isinstance(given := self.oracle.value(node.value, row), Length):
            return Row(number, key)
        value = plain(given, node.value.type, zone)
        return Row(number, key, value, read(value, node.value.type))

    def _key(self, row: Place) -> dict[str, Any]:
        """A row's key by column, empty where its table has none that is known."""
        table = self.schema.tables[row.table]
        names = {spec.column or field: field for field, spec in table.fields.items()}
        fields = [part if part in table.fields else names.get(part, part) for part in table.key]
        found = self.oracle.families.rows[row.table][row.index]
        if any(found.get(field) is None for field in fields):
            return {}
        return {field: plain(found[field], table.fields[field].type, self.rules.timezone) for field in fields}

    def _text(self, span: Span) -> str:
        return one_line(self.sources, self.files, span)


def _condition(node: checked.Expression) -> bool:
    """Whether an expression is a clause of its own rather than a value that another one tests."""
    return node.type.kind == "yes/no" and not isinstance(node, checked.Field | checked.Constant)


def _sugar(node: checked.Expression, span: Span) -> bool:
    """Whether a condition has no words of its own: it is what the text at `span` means, or a part of that."""
    return node.span == span or (isinstance(node, checked.TextTest) and node.span == node.pattern.span)


def _inside(node: checked.Expression) -> list[checked.Expression]:
    """The expressions inside a condition, in the order written."""
    listed = list(node.items) if isinstance(node, checked.InList) else []
    return sorted([*children(node), *listed], key=lambda part: (part.span.source, part.span.start))


def _of_account(node: checked.Aggregate | checked.Grouped) -> Iterator[checked.Expression]:
    """What is asked of the account inside an aggregate."""
    waiting: list[checked.Expression] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, checked.OfAccount):
            yield each.operand
        elif type(each) not in LEAVES:
            waiting += children(each)


def _truth(value: object) -> bool | None:
    return None if value is None else value is True
