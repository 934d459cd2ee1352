"""Every expression's value for one row: the meaning of the language, written to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from segdsl import checked
from segdsl.schema import Schema
from segdsl.typesystem import DATE, Type
from segkernel.oracle import aggregates, arithmetic, clauses, functions, groups, population, tables
from segkernel.oracle.arithmetic import COMPARISONS, Value, rescaled, whole
from segkernel.oracle.civil import period_start, shift_day
from segkernel.oracle.functions import exact_length
from segkernel.oracle.naming import asks_account, expressions, mentions
from segkernel.oracle.patterns import found_in
from segkernel.oracle.zones import DAY, day_start, local_day, shift_instant

Tables = Mapping[str, Sequence[Mapping[str, object]]]


class Row(msgspec.Struct, frozen=True):
    """A row of a table by its number, and the number of the account it belongs to, where it belongs to one.

    A group of rows is one too: `members` are then their numbers, and `index` is the first of these."""

    table: str
    index: int
    account: int | None = None
    members: tuple[int, ...] | None = None


class Oracle:
    """A checked rule set over tables of plain rows, at one instant.

    `tables` has a list of rows for every table of the schema; a row maps the rules' names of fields to plain values (see
    `normal`); a field that is left out is missing. `as_of_ns` is the instant of the run in nanoseconds since the epoch, UTC.
    Answers are in normal form: decimals in units, dates in days, timestamps in nanoseconds. Asking raises `OracleOverflow`
    where an exact value leaves its range. `functions` are the host's by name, of plain values of one row, None where missing.
    `known` are values of statistics of the population and of the host's functions, by row, where the tables do not have all rows.
    """

    def __init__(
        self,
        rules: checked.Rules,
        schema: Schema,
        tables_: Tables,
        as_of_ns: int,
        functions: Mapping[str, Callable[..., object]] | None = None,
        known: Mapping[tuple[checked.Expression, int], Value] | None = None,
    ) -> None:
        self.rules = rules
        self.known = known or {}
        self.hosts = functions or {}
        self.schema = schema
        self.families = tables.Families(schema, tables_, rules.timezone)
        self.now = as_of_ns
        self.today = local_day(rules.timezone, as_of_ns)
        self._known: dict[tuple[str, Row], Value] = {}
        self._relatives: dict[checked.Relative, list[Value]] = {}
        self._needs: dict[tuple[str, bool], tuple[str, ...]] = {}
        self._above: dict[tuple[int, int | None], Value] = {}

    @property
    def accounts(self) -> int:
        """The number of rows of the root table."""
        return len(self.families.rows[self.rules.root])

    def account(self, row: int) -> Row:
        """A row of the root table by its number."""
        return Row(self.rules.root, row, row)

    def segment(self, name: str) -> list[bool]:
        """For every account, in the order of the root table, whether it is in a segment."""
        self._ahead(name)
        return [self.named(name, self.account(row)) is True for row in range(self.accounts)]

    def choose(self, name: str) -> list[Value]:
        """For every account, in the order of the root table, the value of a choose; None is missing."""
        self._ahead(name)
        return [self.named(name, self.account(row)) for row in range(self.accounts)]

    def collect(self, name: str) -> list[list[Value]]:
        """For every account, in the order of the root table, the list that a collect gives."""
        self._ahead(name)
        found = [self.named(name, self.account(row)) for row in range(self.accounts)]
        return [list(each) for each in found if isinstance(each, tuple)]

    def _ahead(self, name: str) -> None:
        """Aggregates that go up links first are reckoned for every row they may lead to, whether or not one does, and what rows are
        grouped by, and what functions of the host are called with, for every row: for overflows."""
        waiting: list[tuple[object, str]] = [
            (root, self._table_of(each)) for each in self._needed(name, True) for root in expressions(self.rules, each)
        ]
        seen: set[str] = set()
        while waiting:
            node, table = waiting.pop()
            if isinstance(node, checked.HostCall) and not asks_account(self.rules, node):
                for index in range(len(self.families.rows[table])):
                    row = self.account(index) if table == self.rules.root else Row(table, index)
                    for operand in node.operands:
                        self.value(operand, row)
            if isinstance(node, checked.OfAccount):
                table = self.rules.root
            if isinstance(node, checked.Grouped):
                for index in range(len(self.families.rows[node.relation.table])):
                    groups.key(self, node, Row(node.relation.table, index))
            if isinstance(node, checked.Aggregate | checked.Grouped) and node.up and node.function != "values":
                below = msgspec.structs.replace(node, up=(), owner="")
                for index in range(len(self.families.rows[node.owner])):
                    self.value(below, Row(node.owner, index))
            if isinstance(node, checked.Aggregate | checked.Grouped):
                table = node.relation.table
            if isinstance(node, checked.Let) and node.name not in seen:
                seen.add(node.name)
                waiting += [(each, self._table_of(node.name)) for each in expressions(self.rules, node.name)]
            if isinstance(node, checked.Checked):
                waiting += [(getattr(node, field), table) for field in node.__struct_fields__]
            elif isinstance(node, tuple):
                waiting += [(each, table) for each in node]

    def _table_of(self, name: str) -> str:
        """The table of whose rows a statement is."""
        return self.rules.lets[name].table if name in self.rules.lets else self.rules.root

    def truth(self, expression: checked.Expression, row: int) -> bool | None:
        """A condition of one account: true, false, or None for unknown."""
        return self.condition(expression, self.account(row))

    def explain(self, name: str, row: int) -> clauses.Clause:
        """A segment, choose or let of one account with the value of every clause in it."""
        return clauses.explain_statement(self, name, self.account(row))

    # ---- statements

    def named(self, name: str, row: Row) -> Value:
        """The value of a let, a choose, a collect or a segment's condition, for a row; what it mentions comes first."""
        if (name, row) not in self._known:
            # In the order of mentions, so that a long chain of lets does not nest the calls.
            for needed in self._needed(name, row == self.account(row.index)):
                if (needed, row) not in self._known:
                    self._known[needed, row] = self._statement(needed, row)
        return self._known[name, row]

    def _statement(self, name: str, row: Row) -> Value:
        if name in self.rules.lets:
            return self.value(self.rules.lets[name].value, row)
        if name in self.rules.segments:
            return self.value(self.rules.segments[name].condition, row)
        if name in self.rules.collects:
            collect = self.rules.collects[name]
            shown = [self._same_type(case.value, collect.type) for case in collect.cases if self.condition(case.condition, row) is True]
            order = [self._same_type(case.value, collect.type) for case in collect.cases]
            return tuple(sorted(set(shown), key=order.index))
        choose = self.rules.chooses[name]
        held = [self.condition(case.condition, row) is True for case in choose.cases]
        chosen = [case.value for case, holds in zip(choose.cases, held, strict=True) if holds]
        value = chosen[0] if chosen else choose.otherwise
        return None if value is None else self._same_type(value, choose.type)

    def _same_type(self, constant: checked.Constant, type_: Type) -> Value:
        if type_.kind == "decimal" and constant.type.kind in ("whole", "decimal") and constant.value is not None:
            return rescaled(constant.value, constant.type.scale, type_.scale)
        if type_.kind == "number" and constant.type.kind in ("whole", "decimal") and constant.value is not None:
            return arithmetic.as_float(constant.value, constant.type, literal=True)
        return constant.value

    def _needed(self, name: str, account: bool) -> tuple[str, ...]:
        """The statements that a statement rests on at the same row, itself included, each after those it mentions."""
        if (name, account) not in self._needs:
            found, waiting = {name}, [name]
            while waiting:
                for mention in mentions(self.rules, waiting.pop(), account):
                    if mention not in found:
                        found.add(mention)
                        waiting.append(mention)
            self._needs[name, account] = tuple(other for other in self.rules.order if other in found)
        return self._needs[name, account]

    # ---- expressions

    def condition(self, expression: checked.Expression, row: Row) -> bool | None:
        """The truth of a yes/no expression; None is unknown."""
        value = self.value(expression, row)
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"{value!r} is not a truth")
        return value

    def value(self, expression: checked.Expression, row: Row) -> Value:
        """The value of an expression for a row, every part of it evaluated; None is missing, or unknown."""
        match expression:
            case checked.Constant(value=value):
                return exact_length(value)
            case checked.Now():
                return self.now
            case checked.Today():
                return self.today
            case checked.PeriodStart(unit=unit, shift=shift):
                return period_start(self.today, unit, shift)
            case checked.Field():
                return self._field(expression, row)
            case checked.Let(name=name):
                return self.named(name, row)
            case checked.Chosen(name=name) | checked.Collected(name=name):
                return self.named(name, row)
            case checked.InSegment(segment=name):
                return self.named(name, row) is True
            case checked.OfAccount(operand=operand):
                if row.account is None:
                    raise ValueError("a row that belongs to no account was asked for its account")
                return self.value(operand, self.account(row.account))
            case checked.Arithmetic():
                return self._arithmetic(expression, row)
            case checked.Negative(operand=operand, type=type_):
                return self._negative(expression, self.value(operand, row), type_)
            case checked.Shift(operand=operand):
                return self._shift(expression, self.value(operand, row))
            case checked.Difference(left=left, right=right):
                a, b = self.value(left, row), self.value(right, row)
                apart = DAY if left.type == DATE else 1
                return None if a is None or b is None else self._in_range((whole(a) - whole(b)) * apart, expression)
            case checked.ScaleDuration():
                return self._scale_duration(expression, row)
            case checked.Coalesce(operands=operands):
                values = [self._convert(self.value(operand, row), operand, expression.type) for operand in operands]
                return next((value for value in values if value is not None), None)
            case checked.If(condition=condition, yes=yes, no=no):
                holds = self.condition(condition, row) is True
                first, second = (self._convert(self.value(branch, row), branch, expression.type) for branch in (yes, no))
                return first if holds else second
            case checked.Call():
                return self._call(expression, row)
            case checked.HostCall() | checked.Relative() if self.known and (expression, row.index) in self.known:
                return self.known[expression, row.index]
            case checked.HostCall():
                return self._hosted(expression, row)
            case checked.Relative():
                return self._relative(expression)[row.index]
            case checked.Aggregate(up=()) | checked.Grouped(up=()):
                return aggregates.aggregated(self, expression, row)
            case checked.Aggregate() | checked.Grouped():
                # many rows lead to one, and nested ones to many more: each is asked once
                seen = (id(expression), self._owner(expression, row))
                if seen not in self._above:
                    self._above[seen] = aggregates.aggregated(self, expression, row)
                return self._above[seen]
            case checked.And(terms=terms):
                return arithmetic.all_of([self.condition(term, row) for term in terms])
            case checked.Or(terms=terms):
                return arithmetic.any_of([self.condition(term, row) for term in terms])
            case checked.KOf(kind=kind, count=count, terms=terms):
                return arithmetic.so_many(kind, count, [self.condition(term, row) for term in terms])
            case checked.Not(term=term):
                return arithmetic.opposite(self.condition(term, row))
            case checked.Compare(op=op, left=left, right=right):
                return self._compare(op, left, self.value(left, row), right, self.value(right, row))
            case checked.InList(value=sought, items=items, others=others):
                found = self.value(sought, row)
                return arithmetic.any_of([self._compare("=", sought, found, item, self.value(item, row)) for item in (*items, *others)])
            case checked.InValues():
                return self._in_values(expression, row)
            case checked.Overlap():
                return self._overlap(expression, row)
            case checked.TextTest(kind=kind, value=tested, pattern=pattern):
                return self._text_test(kind, self.value(tested, row), self.value(pattern, row))
            case checked.IsMissing(operand=operand):
                return self.value(operand, row) is None
        raise TypeError(f"no meaning for {type(expression).__name__}")

    def _field(self, field: checked.Field, row: Row) -> Value:
        table, index = row.table, row.index
        for link in field.path:
            target = self.families.target(table, link, index)
            if target is None:
                return None
            table, index = self.schema.tables[table].links[link].table, target
        return self.families.rows[table][index][field.name]

    def _arithmetic(self, expression: checked.Arithmetic, row: Row) -> Value:
        left, right = expression.left, expression.right
        a, b = self.value(left, row), self.value(right, row)
        if a is None or b is None:
            return None
        result = arithmetic.calculate(expression.op, a, left.type, b, right.type, (constant(left), constant(right)))
        return result if result is None or isinstance(result, float) else self._in_range(result, expression)

    def _in_range(self, value: Value, expression: checked.Expression) -> Value:
        return arithmetic.in_range(whole(value), expression.type, expression.span)

    def _negative(self, expression: checked.Negative, value: Value, type_: Type) -> Value:
        if value is None:
            return None
        if isinstance(value, float):
            return -value
        return self._in_range(-whole(value), expression)

    def _shift(self, expression: checked.Shift, value: Value) -> Value:
        if value is None:
            return None
        by, zone = expression.by, self.rules.timezone
        if by.months or by.days:
            functions.asked(value, expression.type, expression.span)
        moved = shift_day(whole(value), by) if expression.type == DATE else shift_instant(zone, whole(value), by)
        return self._in_range(moved, expression)

    def _scale_duration(self, expression: checked.ScaleDuration, row: Row) -> Value:
        length, number = expression.left, expression.right
        if length.type.kind != "duration":
            length, number = number, length
        a, b = self.value(length, row), self.value(number, row)
        if a is None or b is None:
            return None
        result = arithmetic.scale_duration(expression.op, whole(a), b, number.type, constant(number))
        return None if result is None else self._in_range(result, expression)

    def _convert(self, value: Value, operand: checked.Expression, type_: Type) -> Value:
        """A value of one branch in the type that all branches have in common."""
        if value is None or operand.type == type_:
            return value
        if type_.kind == "number":
            return arithmetic.as_float(value, operand.type, constant(operand))
        if type_.kind == "decimal":
            return arithmetic.in_range(rescaled(value, operand.type.scale, type_.scale), type_, operand.span)
        return value

    def _call(self, call: checked.Call, row: Row) -> Value:
        values = [self.value(operand, row) for operand in call.operands]
        if call.function in ("least", "greatest", "distance_km"):
            values = [self._convert(value, operand, call.type) for value, operand in zip(values, call.operands, strict=True)]
        result = functions.call(call, values, functions.Moment(self.today, self.rules.timezone))
        return self._in_range(result, call) if isinstance(result, int) and call.function == "abs" else result

    def _hosted(self, call: checked.HostCall, row: Row) -> Value:
        wanted = call.signature.arguments
        values = [self._convert(self.value(operand, row), operand, type_) for operand, type_ in zip(call.operands, wanted, strict=True)]
        given = [tables.plain(value, type_) for value, type_ in zip(values, wanted, strict=True)]
        return tables.normal(self.hosts[call.signature.name](*given), call.type, self.rules.timezone)

    def _relative(self, node: checked.Relative) -> list[Value]:
        """A statistic of the population, for every account; made once."""
        if node not in self._relatives:
            rows = [self.account(row) for row in range(self.accounts)]
            values = [exact_length(self.value(node.value, row)) for row in rows]
            wheres = [True if node.where is None else self.condition(node.where, row) for row in rows]
            groups = [tuple(self.value(group, row) for group in node.groups) for row in rows]
            self._relatives[node] = population.statistics(node, values, wheres, groups)
        return self._relatives[node]

    def counted(self, aggregate: checked.Aggregate | checked.Grouped, row: Row) -> list[Row]:
        """The rows of an aggregate's relation that count: its `where` is true, and they are not later than the run; or its groups."""
        if isinstance(aggregate, checked.Grouped):
            return groups.counted(self, aggregate, row)
        rows = self.rows(aggregate, row)
        kept = [each for each in rows if aggregate.where is None or self.condition(aggregate.where, each) is True]
        return [each for each in kept if self.happened(aggregate.relation, each)]

    def rows(self, aggregate: checked.Aggregate | checked.Grouped, row: Row) -> list[Row]:
        """All rows of an aggregate's relation; its `where` and its value are evaluated for each of them, counted or not."""
        if row.members is not None:
            return [Row(aggregate.relation.table, index, row.account) for index in row.members]
        relation, account = aggregate.relation, None if aggregate.up else row.account
        owner = self._owner(aggregate, row)
        members = [] if owner is None else self.families.members(relation, owner)
        return [Row(relation.table, index, account) for index in members]

    def _owner(self, aggregate: checked.Aggregate | checked.Grouped, row: Row) -> int | None:
        """The row whose rows an aggregate looks at: the row itself, or the one that links lead up to."""
        owner: int | None = row.index
        for table, link in aggregate.up:
            owner = None if owner is None else self.families.target(table, link, owner)
        return owner

    def happened(self, relation: checked.Relation, row: Row) -> bool:
        """Whether no row of the chain is later than the run; a row whose time is missing has happened."""
        at = row.index
        for table, link in relation.chain:
            field = self.schema.tables[table].event_time
            if field is not None:
                time = self.families.rows[table][at][field]
                limit = self.today if self.schema.tables[table].fields[field].type == DATE else self.now
                if time is not None and whole(time) > limit:
                    return False
            at = whole(self.families.target(table, link, at))
        return True

    def _compare(self, op: str, left: checked.Expression, a: Value, right: checked.Expression, b: Value) -> bool | None:
        if a is None or b is None:
            return None
        kinds = (left.type.kind, right.type.kind)
        if set(kinds) == {"date", "timestamp"} and not functions.known_to_run(left) and not functions.known_to_run(right):
            for value, side in ((a, left), (b, right)):
                functions.asked(value, side.type, side.span)
        if kinds == ("date", "timestamp"):
            return COMPARISONS[op](0, self._place_in_day(whole(a), whole(b)))
        if kinds == ("timestamp", "date"):
            return COMPARISONS[op](self._place_in_day(whole(b), whole(a)), 0)
        if set(kinds) <= {"whole", "number", "decimal"}:
            return arithmetic.compare_numbers(op, a, left.type, b, right.type, (constant(left), constant(right)))
        return COMPARISONS[op](a, b)

    def _in_values(self, test: checked.InValues, row: Row) -> bool | None:
        value, listed = self.value(test.value, row), self._items(test.listed, row, test.folded)
        if value is None or listed is None:
            return None
        return any(self._compare("=", item_of(test.listed), each, test.value, value) is True for each in listed)

    def _overlap(self, test: checked.Overlap, row: Row) -> bool | None:
        listed, sought = (self._items(each, row, test.folded) for each in (test.listed, test.sought))
        if listed is None or sought is None:
            return None
        left, right = item_of(test.listed), item_of(test.sought)
        found = [any(self._compare("=", left, each, right, value) is True for each in listed) for value in sought]
        return all(found) if test.every else any(found)

    def _items(self, listed: checked.Expression, row: Row, folded: bool) -> tuple[Value, ...] | None:
        """The present items of a list, as a test that ignores case looks at them where `folded`."""
        items = self.value(listed, row)
        if items is None:
            return None
        if not isinstance(items, tuple):
            raise TypeError(f"{items!r} is not a list")
        if not folded:
            return items
        item, moment = item_of(listed), functions.Moment(self.today, self.rules.timezone)
        call = checked.Call(span=listed.span, function="folded", operands=(item,), type=item.type)
        return tuple(functions.call(call, [each], moment) for each in items)

    def _place_in_day(self, day: int, instant: int) -> int:
        """-1 before the local day, 0 in it, 1 after it."""
        if instant < day_start(self.rules.timezone, day):
            return -1
        return 0 if instant < day_start(self.rules.timezone, day + 1) else 1

    def _text_test(self, kind: str, text: Value, pattern: Value) -> bool | None:
        if text is None or pattern is None:
            return None
        if not isinstance(text, str) or not isinstance(pattern, str):
            raise TypeError("a text test of what is not text")
        if kind == "matches":
            return found_in(pattern, text)
        if kind == "contains":
            return pattern in text
        return text.startswith(pattern) if kind == "starts" else text.endswith(pattern)


def constant(expression: checked.Expression) -> bool:
    """Whether a number stands in the rules, so that its decimal is the literal itself."""
    return isinstance(expression, checked.Constant)


def item_of(listed: checked.Expression) -> checked.Field:
    """An item of a list as an expression that has its type."""
    assert listed.type.item is not None
    return checked.Field(span=listed.span, table="", name="", type=listed.type.item)
