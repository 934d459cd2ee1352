"""The checked tree in the rivals' few words: time folded to whole numbers, decimals to units, lets spelt out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from segdsl import checked as c
from segdsl.schema import Schema
from segdsl.typesystem import NUMBER, TIMESTAMP, WHOLE, Length, Type
from tests.rivals import instants
from tests.rivals.nodes import LARGEST, compare, constant, decided, junction, kind_of, nearest, negation, node
from tests.rivals.tables import CannotSay, Plain
from tests.rivals.words import Aggregation, Carried, Chain, Node, Plan, column_name, owner_columns

EXACT = 2**53
FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Manner(msgspec.Struct, frozen=True):
    """How strict a plan is: `lenient` allows float sums whose last digits depend on the order of rows; `partial` leaves out
    the rules that cannot be said; `database` is a rival without time zones and without exact floats of 128-bit numbers."""

    lenient: bool = False
    partial: bool = False
    database: bool = False


def lower(rules: c.Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner) -> Plan:
    """The plan of a rule set.

    Raises CannotSay where no plan gives the exact answer, unless the manner is `partial`: then `refused` says why.
    """
    lowering = Lowering(rules, schema, tables, as_of_ns, manner)
    outputs: list[tuple[str, Node]] = []
    refused: dict[str, str] = {}
    for name in rules.names:
        try:
            outputs.append((name, lowering.named(name)))
        except CannotSay as reason:
            if not manner.partial:
                raise
            refused[name] = str(reason)
    columns: dict[str, dict[tuple[str, ...], set[str]]] = {name: {(): set(), **paths} for name, paths in lowering.columns.items()}
    targets = {name: {link: spec.table for link, spec in table.links.items()} for name, table in schema.tables.items()}
    widths = {name: len(table.key) for name, table in schema.tables.items()}
    return Plan(rules.root, columns, targets, widths, lowering.aggregations, lowering.carried, outputs, refused)


class Lowering:
    """What a lowering collects: the columns read, the aggregates and the account's values that rows need."""

    def __init__(self, rules: c.Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int, manner: Manner) -> None:
        self.rules, self.schema, self.tables, self.as_of, self.manner = rules, schema, tables, as_of_ns, manner
        self.zone = rules.timezone
        self.today = instants.local_day(as_of_ns, self.zone)
        self.columns: dict[str, dict[tuple[str, ...], set[str]]] = {name: {} for name in schema.tables}
        self.aggregations: list[Aggregation] = []
        self.carried: list[Carried] = []
        self.known: dict[Any, Node] = {}

    # ---- names

    def named(self, name: str) -> Node:
        """The output of a segment or a choose."""
        if name in self.rules.segments:
            return decided(self.segment(name))
        if name in self.rules.collects:
            raise CannotSay("a list of what holds")
        return self.chosen(name)

    def segment(self, name: str) -> Node:
        return self.once(("segment", name), lambda: self.expression(self.rules.segments[name].condition, self.rules.root, ()))

    def chosen(self, name: str) -> Node:
        rule = self.rules.chooses[name]

        def build() -> Node:
            result = self.literal(rule.otherwise, rule.type) if rule.otherwise is not None else constant(None, kind_of(rule.type))
            for case in reversed(rule.cases):
                result = self.pick(self.expression(case.condition, self.rules.root, ()), self.literal(case.value, rule.type), result)
            return result

        return self.once(("choose", name), build)

    def once(self, key: Any, build: Any) -> Node:
        if key not in self.known:
            self.known[key] = build()
        return self.known[key]

    def pick(self, condition: Node, yes: Node, no: Node) -> Node:
        if condition.op == "constant":
            return yes if condition.value else no
        grid = None if yes.grid is None or no.grid is None else max(yes.grid, no.grid)
        return node("pick", condition, yes, no, kind=yes.kind, bound=max(yes.bound, no.bound), grid=grid)

    # ---- values

    def literal(self, item: c.Constant, wanted: Type) -> Node:
        return self.convert(self.constant(item), item.type, wanted)

    def constant(self, item: c.Constant) -> Node:
        value = item.value
        if isinstance(value, Length):
            if value.months:
                raise CannotSay("a calendar duration as a value")
            value = value.days * instants.DAY + value.nanoseconds
        return constant(value, kind_of(item.type))

    def convert(self, value: Node, have: Type, want: Type, narrow: bool = False) -> Node:
        """A value of one numeric type as another."""
        if have == want and not narrow:
            return value
        if want.kind == "number":
            return self.to_number(value, have, narrow)
        if have.kind in ("whole", "decimal") and want.kind in ("whole", "decimal") and want.scale > have.scale:
            return self.times(value, 10 ** (want.scale - have.scale))
        return value

    def times(self, value: Node, factor: int) -> Node:
        if value.op == "constant":
            return constant(None if value.value is None else value.value * factor, "whole")
        return node("multiply", value, constant(factor, "whole"), kind="whole", bound=max(int(value.bound), 1) * factor)

    def to_number(self, value: Node, have: Type, narrow: bool = False) -> Node:
        if value.op == "constant":
            if value.value is None:
                return constant(None, "number")
            exact = Fraction(value.value) / 10**have.scale if have.kind != "number" or np.isfinite(value.value) else None
            return constant(value.value if exact is None else nearest(exact, narrow), "number")
        if have.kind == "number":
            return value
        if self.manner.database and value.bound >= 2**62:
            raise CannotSay("a number of more than 64 bits as the nearest float")
        grid = 0 if have.scale == 0 and value.bound <= EXACT else None
        return node("float", value, kind="number", value=have.scale, bound=float(value.bound) / 10**have.scale, grid=grid)

    def folded(self, item: c.Expression) -> int | None:
        """The value of a date or an instant that is known before any data is read."""
        if isinstance(item, c.Constant):
            return item.value if isinstance(item.value, int) else None
        if isinstance(item, c.Now):
            return self.as_of
        if isinstance(item, c.Today):
            return self.today
        if isinstance(item, c.PeriodStart):
            return instants.period_start(self.today, item.unit, item.shift)
        if isinstance(item, c.Shift):
            start = self.folded(item.operand)
            if start is None:
                return None
            if item.type.kind == "date":
                return instants.add_months(start, item.by.months) + item.by.days
            return instants.shift_instant(start, item.by.months, item.by.days, item.by.nanoseconds, self.zone)
        return None

    def expression(self, item: c.Expression, table: str, up: Chain) -> Node:
        """An expression of a row of `table`, from which the chain `up` leads to the account."""
        if item.type.kind in ("date", "timestamp"):
            value = self.folded(item)
            if value is not None:
                return constant(value, "whole")
        match item:
            case c.Constant():
                return self.constant(item)
            case c.Field():
                return self.once((table, item.path, item.name), lambda: self.field(item, table))
            case c.Let():
                rule = self.rules.lets[item.name]
                return self.once(("let", item.name, up), lambda: self.expression(rule.value, table, up))
            case c.Chosen():
                return self.chosen(item.name)
            case c.InSegment():
                return decided(self.segment(item.segment))
            case c.OfAccount():
                return self.of_account(item, table, up)
            case c.Aggregate():
                return self.once((table, up, item), lambda: self.aggregate(item, table, up))
            case c.And() | c.Or():
                return junction("and" if isinstance(item, c.And) else "or", [self.expression(t, table, up) for t in item.terms])
            case c.Not():
                return negation(self.expression(item.term, table, up))
            case c.IsMissing():
                inner = self.expression(item.operand, table, up)
                return constant(inner.value is None, "yes/no") if inner.op == "constant" else node("missing", inner)
            case c.Compare():
                return self.comparison(item.op, item.left, item.right, table, up)
            case c.InList():
                return self.listed(item, table, up)
            case c.TextTest():
                if item.kind == "matches":
                    raise CannotSay("a regular expression of the subset")
                return node(item.kind, self.expression(item.value, table, up), self.expression(item.pattern, table, up))
            case c.If():
                yes, no = (self.convert(self.expression(x, table, up), x.type, item.type) for x in (item.yes, item.no))
                return self.pick(self.expression(item.condition, table, up), yes, no)
            case c.Coalesce():
                operands = [self.convert(self.expression(x, table, up), x.type, item.type) for x in item.operands]
                grid = None if any(x.grid is None for x in operands) else max(x.grid or 0 for x in operands)
                return node("first", *operands, kind=operands[0].kind, bound=max(x.bound for x in operands), grid=grid)
            case c.Negative():
                inner = self.expression(item.operand, table, up)
                return node("negate", inner, kind=inner.kind, bound=inner.bound, grid=inner.grid)
            case c.Arithmetic():
                return self.arithmetic(item, table, up)
            case c.Difference():
                unit = instants.DAY if item.left.type.kind == "date" else 1
                pair = [self.times(self.expression(x, table, up), unit) for x in (item.left, item.right)]
                return node("subtract", *pair, kind="whole", bound=pair[0].bound + pair[1].bound)
            case c.Shift():
                return self.shift(item, table, up)
            case _:
                raise CannotSay(type(item).__name__)

    def field(self, item: c.Field, table: str) -> Node:
        if item.type.kind == "list":
            raise CannotSay("lists")
        name = f"f_{item.name}"
        self.need(table, item.path, name)
        home = self.home(table, item.path)
        bound, grid = self.tables[home].bounds.get(name, 0), self.tables[home].grids.get(name)
        return Node("column", (), kind_of(item.type), column_name(item.path, name), bound, grid)

    def home(self, table: str, path: tuple[str, ...]) -> str:
        for link in path:
            table = self.schema.tables[table].links[link].table
        return table

    def need(self, table: str, path: tuple[str, ...], column: str) -> None:
        """Note that a table's rows need a column, and the links that lead to it."""
        self.columns[table].setdefault(path, set()).add(column)
        if path:
            here = self.home(table, path[:-1])
            for i in range(len(self.schema.tables[here].links[path[-1]].by)):
                self.need(table, path[:-1], f"l_{path[-1]}_{i}")

    def need_owner(self, table: str, chain: Chain) -> None:
        path = tuple(link for _, link in chain[:-1])
        width = len(self.schema.tables[self.home(table, tuple(link for _, link in chain))].key)
        assert owner_columns(chain, width)
        for i in range(width):
            self.need(table, path, f"l_{chain[-1][1]}_{i}")

    def of_account(self, item: c.OfAccount, table: str, up: Chain) -> Node:
        inner = self.expression(item.operand, self.rules.root, ())
        if not up or inner.op == "constant":
            return inner

        def build() -> Node:
            self.need_owner(table, up)
            name, stage = f"account_{len(self.carried)}", inner.stage + 1
            self.carried.append(Carried(name, table, up, inner, stage))
            return Node("column", (), inner.kind, name, inner.bound, inner.grid, stage)

        return self.once(("carried", table, up, inner), build)

    def narrow(self, item: c.Expression, table: str) -> bool:
        """Whether an expression is a bare field of 32-bit floats."""
        if not isinstance(item, c.Field):
            return False
        return bool(str(self.tables[self.home(table, item.path)].frame[f"f_{item.name}"].dtype) == "Float32")

    def comparison(self, op: str, first: c.Expression, second: c.Expression, table: str, up: Chain) -> Node:
        left, right = self.expression(first, table, up), self.expression(second, table, up)
        kinds = (first.type.kind, second.type.kind)
        if kinds == ("timestamp", "date"):
            return self.on_day(op, left, right)
        if kinds == ("date", "timestamp"):
            return self.on_day(FLIPPED[op], right, left)
        if "number" in kinds:
            for side, kind in ((left, kinds[0]), (right, kinds[1])):
                rounded = side.bound > EXACT and (side.op != "constant" or int(float(side.value)) != side.value)
                if kind == "whole" and rounded and not self.manner.lenient:
                    raise CannotSay("a whole number of more than 53 bits against a float")
            one, other = (self.narrow(x, table) for x in (first, second))
            left, right = self.to_number(left, first.type, other), self.to_number(right, second.type, one)
        elif first.type.kind == "decimal" or second.type.kind == "decimal":
            wanted = Type("decimal", max(first.type.scale, second.type.scale))
            left, right = self.convert(left, first.type, wanted), self.convert(right, second.type, wanted)
        return compare(op, left, right)

    def on_day(self, op: str, at: Node, day: Node) -> Node:
        """An instant compared with a local day."""
        if day.op != "constant":
            if at.op == "constant" and at.value is not None:
                return compare(op, constant(instants.local_day(at.value, self.zone), "whole"), day)
            if self.manner.database and self.zone != "UTC":
                raise CannotSay("the local day of a timestamp without a time zone database")
            return compare(op, node("local_day", at, kind="whole", value=self.zone, bound=10_000_000), day)
        if day.value is None:
            return constant(None, "yes/no")
        start, end = (constant(instants.day_start(day.value + k, self.zone), "whole") for k in (0, 1))
        if op in ("<", ">="):
            return compare(op, at, start)
        if op in ("<=", ">"):
            return compare("<" if op == "<=" else ">=", at, end)
        inside = junction("and", [compare(">=", at, start), compare("<", at, end)])
        return inside if op == "=" else negation(inside)

    def listed(self, item: c.InList, table: str, up: Chain) -> Node:
        value = self.expression(item.value, table, up)
        kind = item.value.type
        terms = [self.comparison("=", item.value, other, table, up) for other in item.others]
        plain = all(i.value is not None and kind_of(i.type) == value.kind and i.type.scale <= kind.scale for i in item.items)
        same_time = {kind.kind, *(i.type.kind for i in item.items)} != {"date", "timestamp"}
        if item.items and plain and same_time and kind.kind != "number" and value.op != "constant":
            values = tuple(self.literal(i, kind).value for i in item.items)
            terms.append(node("listed", value, value=values))
        else:
            terms += [self.comparison("=", item.value, i, table, up) for i in item.items]
        return junction("or", terms)

    def arithmetic(self, item: c.Arithmetic, table: str, up: Chain) -> Node:
        left, right = self.expression(item.left, table, up), self.expression(item.right, table, up)
        types = (item.left.type, item.right.type)
        if item.op == "/" and "number" not in (types[0].kind, types[1].kind):
            wanted = Type("decimal", max(types[0].scale, types[1].scale))
            left, right = self.convert(left, types[0], wanted), self.convert(right, types[1], wanted)
            return node("divide", self.to_number(left, WHOLE), self.to_number(right, WHOLE), kind="number", bound=float("inf"))
        if "number" in (types[0].kind, types[1].kind):
            left, right = self.to_number(left, types[0]), self.to_number(right, types[1])
            kind = "number"
        else:
            kind = "whole"
            if item.op != "*":
                left, right = self.convert(left, types[0], item.type), self.convert(right, types[1], item.type)
        ops = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
        if item.op == "/":
            return node("divide", left, right, kind=kind, bound=float("inf"))
        product = item.op == "*"
        bound = max(left.bound, 1) * max(right.bound, 1) if product else left.bound + right.bound
        grid = None
        if left.grid is not None and right.grid is not None:
            grid = left.grid + right.grid if product else max(left.grid, right.grid)
        if kind == "number" and grid is not None and not bound * 2.0**grid <= EXACT:
            grid = None
        return node(ops[item.op], left, right, kind=kind, bound=bound, grid=grid)

    def shift(self, item: c.Shift, table: str, up: Chain) -> Node:
        inner = self.expression(item.operand, table, up)
        bound = int(inner.bound) + 400 * abs(item.by.months)
        if item.type.kind == "date":
            moved = node("months", inner, kind="whole", value=item.by.months, bound=bound) if item.by.months else inner
            return (
                node("add", moved, constant(item.by.days, "whole"), kind="whole", bound=bound + abs(item.by.days))
                if item.by.days
                else moved
            )
        if item.by.months or (item.by.days and self.zone != "UTC"):
            raise CannotSay("a timestamp of the data moved in local time")
        by = item.by.days * instants.DAY + item.by.nanoseconds
        return node("add", inner, constant(by, "whole"), kind="whole", bound=int(inner.bound) + abs(by))

    # ---- aggregates

    def plainer(self, item: c.Aggregate) -> c.Aggregate:
        """An aggregate without `all`, and with a `where` that says which rows have happened."""
        span, terms = item.span, [] if item.where is None else [item.where]
        if item.function == "all":
            assert item.value is not None
            terms.append(c.Or(span=span, terms=(c.Not(span=span, term=item.value), c.IsMissing(span=span, operand=item.value))))
            item = msgspec.structs.replace(item, function="none", value=None)
        for step, (table, _) in enumerate(item.relation.chain):
            if table in self.rules.event_times:
                name, kind = self.rules.event_times[table]
                path = tuple(link for _, link in item.relation.chain[:step])
                time = c.Field(span=span, table=item.relation.table, name=name, type=kind, path=path)
                clock = c.Now(span=span) if kind == TIMESTAMP else c.Today(span=span)
                happened = c.Compare(span=span, op="<=", left=time, right=clock)
                terms.append(c.Or(span=span, terms=(happened, c.IsMissing(span=span, operand=time))))
        where = None if not terms else terms[0] if len(terms) == 1 else c.And(span=span, terms=tuple(terms))
        return msgspec.structs.replace(item, where=where)

    def aggregate(self, item: c.Aggregate, table: str, up: Chain) -> Node:
        if item.up:
            raise CannotSay("an aggregate of the row that links lead to")
        item = self.plainer(item)
        chain = item.relation.chain
        child, inside = item.relation.table, (*chain, *up)
        rows = max(self.tables[child].frame.height, 1)
        where = self.expression(item.where, child, inside) if item.where is not None else None
        value = self.expression(item.value, child, inside) if item.value is not None else None
        where = None if where is not None and where.op == "constant" and where.value else where
        self.need_owner(child, chain)

        def column(function: str, of: Node | None, kind: str, bound: int | float, grid: int | None = None) -> Node:
            def build() -> Node:
                stage = 1 + max(of.stage if of else 0, where.stage if where else 0)
                name = f"aggregate_{len(self.aggregations)}"
                self.aggregations.append(Aggregation(name, table, child, chain, function, of, where, stage))
                return Node("column", (), kind, name, bound, grid, stage)

            return self.once(("aggregate", table, chain, function, of, where), build)

        if item.function in ("any", "none"):
            found = column("any", None, "yes/no", 0)
            return negation(found) if item.function == "none" else found
        if value is None or item.function == "count":
            return column("rows" if value is None else "count", value, "whole", rows)
        if item.function in ("min", "max"):
            return column(item.function, value, value.kind, value.bound, value.grid)
        if item.function not in ("sum", "avg"):
            raise CannotSay(f"`{item.function}`")
        exact = item.value is not None and item.value.type
        if value.kind == "number" and not self.manner.lenient and (value.grid is None or not value.bound * rows * 2.0**value.grid <= EXACT):
            raise CannotSay("a float sum that depends on the order of the rows")
        if value.kind == "whole" and value.bound * rows >= LARGEST:
            raise CannotSay("a sum that may leave 128 bits")
        if item.function == "avg" and exact and exact.kind == "duration":
            raise CannotSay("a mean to the nearest nanosecond")
        total = column("sum", value, value.kind, value.bound * rows, value.grid)
        if item.function == "sum":
            return total
        scale = exact.scale if exact else 0
        many = self.times(column("count", value, "whole", rows), 10**scale)
        return node(
            "divide",
            self.to_number(total, WHOLE if total.kind == "whole" else NUMBER),
            self.to_number(many, WHOLE),
            kind="number",
            bound=value.bound,
        )
