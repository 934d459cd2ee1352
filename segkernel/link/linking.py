"""Program meets data: nodes become instructions over the codes, registers and slots of one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from segkernel.data.columns import Column
from segkernel.data.spaces import gathered
from segkernel.errors import DataError
from segkernel.kernel import operations as op
from segkernel.link import calendar_parts as calendar
from segkernel.link import distances, lifting, logic, pairing, rounding, semijoin, spelling, staging, testing, values
from segkernel.link.aggregating import Owned, Visits
from segkernel.link.assembly import Assembly, Step
from segkernel.link.chains import Family, chains, family_of
from segkernel.link.forms import Coded, Exact, Float, Form, coded
from segkernel.link.grouping import GROUPED, grouped, taken
from segkernel.link.source import Source
from segkernel.link.staging import Handed
from segkernel.plan.comparing import comparison_holds
from segkernel.plan.program import VALUES, Chain, Node, Program, parts

BATCH = 8
"""How many segments' tests are made together, ordered by kind and column: a kernel dispatch costs least that way."""


class Linker:
    """Turns the nodes that are asked for into instructions; each node once, its result kept until its last use."""

    def __init__(
        self,
        program: Program,
        dataset: Source,
        owned: dict[tuple[Chain, Chain], Owned],
        handed: Sequence[Sequence[Handed]],
        fixed: Mapping[int, Column],
        calls: Mapping[int, int],
    ) -> None:
        self.program, self.dataset, self.owned = program, dataset, owned
        self.handed, self.fixed, self.calls = handed, fixed, calls
        """What the stages hand on; the columns of the host's calls that no run changes; the stages of the others."""
        self.nodes = program.nodes
        self.code = Assembly(len(program.spaces))
        self.roots = [*program.bitmaps, *(node for each in program.choices for node, _ in each.cases)]
        self.roots += [*(node for _, node in program.unknown), *program.outputs]
        self.checks: list[int] = []
        self.uses = self._uses()
        self.checks = [number for number, node in enumerate(self.nodes) if can_fail(node) and number not in self.uses]
        """What no condition needs any more, and still must not leave its range: both sides of an `or` are evaluated."""
        if self.checks:
            self.uses = self._uses()
        self.inner = logic.inner(self.nodes, self.uses, program.bitmaps)
        """The nodes of logic that need no register of their own: steps on the way to the only one that uses them."""
        self.registers: dict[int, int] = {}
        self.forms: dict[int, Form] = {}
        self.loaded: dict[int, Exact] = {}
        self.cuts: dict[tuple[int, int], float | None] = {}
        self.families: dict[Family, list[int]] = {}
        self.tests: dict[int, list[int]] = {}
        """The tests of the results of aggregates."""
        for number in sorted(self.uses):
            node = self.nodes[number]
            if node[0] in ("any", "aggregate"):
                self.families.setdefault(family_of(self.nodes, node), []).append(number)
            elif node[0] in ("range", "outside", "among", "missing", "text", "asked") and self.nodes[node[2]][0] == "aggregate":
                self.tests.setdefault(node[2], []).append(number)
        self.chains = {family: chain for chain in chains(self.nodes, self.families) for family in chain}

    def _uses(self) -> dict[int, int]:
        """How often each node that is needed is used."""
        uses: dict[int, int] = {}
        pending = []
        for root in (*self.roots, *self.checks):
            uses[root] = uses.get(root, 0) + 1
            if uses[root] == 1:
                pending.append(root)
        while pending:
            for needed in parts(self.nodes[pending.pop()]):
                uses[needed] = uses.get(needed, 0) + 1
                if uses[needed] == 1:
                    pending.append(needed)
        return uses

    # ---- order

    def made(self, number: int) -> bool:
        return number in self.registers or number in self.forms

    def ensure(self, number: int) -> None:
        """Makes a node after all it needs; a depth of any number of nodes costs no recursion."""
        pending = [number]
        while pending:
            current = pending[-1]
            if self.made(current):
                pending.pop()
                continue
            missing = [needed for needed in self._first(current) if not self.made(needed)]
            if missing:
                pending.extend(reversed(missing))
                continue
            pending.pop()
            self.make(current)

    def _first(self, number: int) -> Iterator[int]:
        """What must be there before a node: what it needs, and what the aggregates made along with it need."""
        node = self.nodes[number]
        yield from self.needs(number)
        if node[0] in ("any", "aggregate"):
            chain = self.chains[family_of(self.nodes, node)]
            for family in chain:
                for other in self.families[family]:
                    # the wider ones of a chain's `where`s are made of the same as the first, when their turn has come
                    yield from (needed for needed in parts(self.nodes[other]) if needed != family[2] or family is chain[0])

    def needs(self, number: int) -> Iterator[int]:
        """The nodes of which a node's instruction reads what was made of them."""
        pending = [*parts(self.nodes[number])]
        while pending:
            needed = pending.pop()
            if needed in self.inner:
                pending.extend(parts(self.nodes[needed]))
            else:
                yield needed

    def steps(self, number: int) -> list[Step]:
        """The steps of logic that find a node."""
        if number in self.registers:
            return [(op.OR, self.registers[number])]
        return logic.steps(self.nodes, self.inner, self.registers, number)

    def aggregates(self) -> None:
        """All aggregates, chain by chain."""
        for members in self.families.values():
            for member in members:
                self.ensure(member)

    def batches(self) -> Iterator[list[int]]:
        """The roots in batches, the tests of each batch made before."""
        for start in range(0, len(self.roots), BATCH):
            batch = self.roots[start : start + BATCH]
            tests: set[int] = set()
            pending = [root for root in batch if not self.made(root)]
            seen = set(pending)
            while pending:
                number = pending.pop()
                node = self.nodes[number]
                if node[0] in ("and", "or", "at least", "without", "not"):
                    for needed in parts(node):
                        if needed not in seen and not self.made(needed):
                            seen.add(needed)
                            pending.append(needed)
                else:
                    tests.add(number)
            for test in sorted(tests, key=lambda number: (self.nodes[number][0], str(self.nodes[number][2]), number)):
                self.ensure(test)
            for root in batch:
                for each in self.needs(root) if root in self.inner else (root,):
                    self.ensure(each)
            yield batch

    # ---- one node

    def make(self, number: int) -> None:
        node = self.nodes[number]
        if node[0] in ("any", "aggregate"):
            self.chained(self.chains[family_of(self.nodes, node)])
        elif node[0] in VALUES:
            try:
                self.forms[number] = self.value(node[1], node, number)
            except DataError as error:
                error.span = error.span or self.program.spans.get(number)
                raise
        else:
            self.registers[number] = self.condition(node[1], node, number)
        if node[0] not in ("any", "aggregate"):
            for needed in self.needs(number):
                self.used(needed)

    def used(self, number: int) -> None:
        """One use less; after the last the node's places are free."""
        self.uses[number] -= 1
        if self.uses[number]:
            return
        if number in self.inner:
            for needed in self.needs(number):
                self.used(needed)
            return
        space = self.nodes[number][1]
        if number in self.registers:
            self.code.registers[space].drop(self.registers[number])
        else:
            if number in self.loaded:
                values.release(self.code, space, self.loaded[number])
            values.release(self.code, space, self.forms[number])

    def condition(self, space: int, node: Node, number: int) -> int:
        code = self.code
        registers = self.registers
        match node[0]:
            case "always":
                return code.always(space, node[2])
            case "when":
                target = code.registers[space].take()
                code.patch(code.emit(op.ALWAYS, space, target, 0), 0, partial(_decided, node[2]), *node[3:5])
                return target
            case "range":
                return testing.in_range(code, space, self.forms[node[2]], node[3], node[4])
            case "outside":
                return testing.outside(code, space, self.forms[node[2]], node[3], node[4])
            case "among":
                return testing.among(code, space, self.forms[node[2]], node[3], node[4])
            case "text":
                _, _, source, kind, pattern, wanted = node
                return spelling.asked(code, space, self.text(source), (), kind, pattern, wanted)
            case "asked":
                return spelling.asked(code, space, self.text(node[2]), *node[3:])
            case "text pair":
                return pairing.text_pair(self, space, *node[2:])
            case "missing":
                return testing.missing(code, space, self.forms[node[2]])
            case "compare":
                return pairing.compare(self, space, *node[2:])
            case "and" | "or":
                return code.logic(space, self.steps(number))
            case "at least":
                return code.at_least(space, node[2], [registers[each] for each in node[3]])
            case "without":
                target = code.registers[space].take()
                code.emit(op.WITHOUT, space, target, registers[node[2]], registers[node[3]])
                return target
            case "not":
                return code.inverted(space, registers[node[2]])
            case "within":
                return semijoin.within(self, node)
            case "lift":
                target = code.registers[space].take()
                code.emit(op.LIFT, space, target, registers[node[2]], self.below(space, 0).owners)
                return target
            case _:
                raise AssertionError(f"{node[0]} is not a condition")

    def below(self, rows: int, space: int) -> Owned:
        """The rows of one space seen from another."""
        chains = (self.program.spaces[rows], self.program.spaces[space])
        if chains not in self.owned:
            self.owned[chains] = Owned(*self.dataset.owned(*chains))
        self.code.tables.append(self.owned[chains])
        return self.owned[chains]

    def chained(self, chain: Sequence[Family]) -> None:
        """All aggregates over the rows of nested `where`s, from the narrowest on: each adds the rows that are new in it. At once the
        tests of their results: a result is then soon forgotten."""
        space, rows, where, calculated = chain[0]
        members = [[(number, self.nodes[number]) for number in self.families[family]] for family in chain]
        known = None if calculated is None else self.forms[calculated]
        present = known.present if isinstance(known, Exact) else None
        visits = Visits(self.code, rows, space, self.below(rows, space), where is None and present is None, self.cuts)
        for step, some in enumerate(members):
            for _, node in some:
                if node[0] == "aggregate" and node[3] not in GROUPED:
                    visits.prepare(node[3], None if node[6] is None else self.forms[node[6]], step)
        for step, some in enumerate(members):
            if any(node[0] == "any" for _, node in some):
                visits.prepare_any(step)
        for step, some in enumerate(members):
            register = self._new_rows(chain, step, present)
            visits.begin(step, register)
            for number, node in some:
                self._result(visits, number, node)
            if register is not None:
                self.code.registers[rows].drop(register)
            for number, _ in some:
                for test in self.tests.get(number, ()):
                    self.ensure(test)
            for number, _ in some if step + 1 < len(chain) else ():
                if number in self.forms and self.uses[number]:
                    self.forms[number] = visits.settled(self.forms[number])
            for _, node in members[step - 1] if step else ():
                self._parts_used(node)
        for _, node in members[-1]:
            self._parts_used(node)
        visits.drop()

    def _new_rows(self, chain: Sequence[Family], step: int, present: int | None) -> int | None:
        """The register of the rows of a step's `where` that are not in the one before; the caller's own."""
        _, rows, where, _ = chain[step]
        if where is not None:
            self.ensure(where)
        register = None if where is None else self.registers[where]
        if not step or register is None:
            return self.code.both(rows, register, present)
        before = chain[step - 1][2]
        assert before is not None
        target = self.code.registers[rows].take()
        self.code.emit(op.WITHOUT, rows, target, register, self.registers[before])
        return target

    def _result(self, visits: Visits, number: int, node: Node) -> None:
        if node[0] == "any":
            self.registers[number] = visits.any()
        elif node[3] in GROUPED:
            self.forms[number] = grouped(self, visits, node)
        else:
            value, scale = (None, 0) if node[6] is None else (self.forms[node[6]], self.nodes[node[6]][2].scale)
            self.forms[number] = visits.aggregate(node[3], node[2], value, scale, number)

    def _parts_used(self, node: Node) -> None:
        for needed in parts(node):
            self.used(needed)

    def column(self, node: Node) -> Column:
        _, space, _, path, name = node
        column = self.dataset.column(self.program.spaces[space], path, name, self.program.timezone, self.program.root)
        self.code.tables.append(column)
        return column

    def value(self, space: int, node: Node, number: int) -> Form:
        code, kind = self.code, node[2]
        zone = self.program.timezone
        match node[0]:
            case "column":
                return coded(self.column(node))
            case "constant":
                if kind.kind == "text":
                    return values.spelled(code, space, node[3], values.alphabet([], [] if node[3] is None else [node[3]]))
                return values.constant(code, space, kind, node[3])
            case "arithmetic":
                _, _, _, operation, a, b = node
                if kind.kind == "number":
                    return values.float_arithmetic(code, space, operation, self.float(a), self.float(b))
                return values.arithmetic(code, space, kind, operation, self.exact(a), self.exact(b), number)
            case "float":
                scale = 0 if kind.kind == "whole" else self.nodes[node[3]][2].scale
                return values.as_float(code, space, self.exact(node[3]), scale)
            case "shift":
                return calendar.shift(code, space, kind, self.exact(node[3]), node[4], zone, number)
            case "day":
                return calendar.day_of(code, space, self.exact(node[3]), zone, number)
            case "abs":
                return rounding.size(code, space, self.exact(node[3]), number)
            case "bucket":
                _, at, _, path, name = self.nodes[node[3]]
                found = self.dataset.bucketed(self.program.spaces[at], path, name, zone, self.program.root, (node[4], node[5]))
                code.tables.append(found)
                return coded(found)
            case "rounded":
                _, _, _, function, places, source = node
                if kind.kind == "number":
                    return rounding.floats(code, space, function, self.float(source), places)
                return rounding.exact(code, space, function, self.exact(source), self.nodes[source][2].scale - places)
            case "distance":
                return distances.distance(code, space, [self.float(each) for each in node[3:]])
            case "respelt":
                return spelling.respelt(code, space, self.text(node[4]), node[3])
            case "length":
                return spelling.length(code, space, self.text(node[3]))
            case "calendar":
                return calendar.part(code, space, node[3], self.exact(node[4]), zone, number)
            case "divide":
                return values.divided(code, space, self.exact(node[3]), self.exact(node[4]))
            case "round":
                return values.rounded(code, space, self.float(node[3]))
            case "first":
                return pairing.first_present(self, space, kind, node[3])
            case "either":
                return pairing.either(self, space, kind, self.registers[node[3]], node[4], node[5])
            case "lifted":
                return self.lifted(space, node[3])
            case "taken":
                return taken(code, space, self.nodes[node[3]][4], self.exact(node[3]), self.forms[node[4]])
            case "staged":
                _, _, _, path, stage, output, otherwise = node
                return self.fetched(space, path, stage, output, otherwise, self.program.stages[stage])
            case "called":
                return self.called(space, node[3])
            case _:
                raise AssertionError(f"{node[0]} is not a value")

    # ---- stages

    def fetched(self, space: int, path: tuple[str, ...], stage: int, output: int, otherwise: int | None, source: Program) -> Form:
        """What a stage handed on for the rows that links lead to; `source` is the program that has these rows as its root."""
        rows = self.dataset.rows_at(self.program.spaces[space], path, self.program.root, source)
        self.code.tables.append(rows)
        return staging.fetched(self.code, space, stage, self.handed[stage][output], 0 if rows is None else int(rows.ctypes.data), otherwise)

    def called(self, space: int, call: int) -> Form:
        """The values of a call of a function of the host's, or of a statistic of the population."""
        source = self.program.stages[self.program.calls[call].stage]
        if call in self.calls:
            return self.fetched(space, (), self.calls[call], 0, None, source)
        column = self.fixed[call]
        rows = self.dataset.rows_at(self.program.spaces[space], (), self.program.root, source)
        if rows is not None:
            column = gathered(column, rows)
        self.code.tables.append(column)
        return coded(column)

    # ---- forms of nodes

    def exact(self, number: int) -> Exact:
        """A node's whole numbers; a coded one is loaded once."""
        form = self.forms[number]
        if isinstance(form, Exact):
            return form
        assert isinstance(form, Coded)
        if number not in self.loaded:
            self.loaded[number] = values.exact(self.code, self.nodes[number][1], form)
        return self.loaded[number]

    def float(self, number: int) -> Float:
        form = self.forms[number]
        assert isinstance(form, Float)
        return form

    def text(self, number: int) -> Coded:
        form = self.forms[number]
        assert isinstance(form, Coded)
        return form

    def lifted(self, space: int, number: int) -> Form:
        """The account's value for each of its rows."""
        form = self.forms[number]
        if isinstance(form, Coded) and form.place == op.COLUMN and form.column.type.kind != "text":
            form = self.exact(number)
        return lifting.lifted(self.code, space, form, self.below(space, 0).owners)


def can_fail(node: Node) -> bool:
    """Whether a node's value may leave its range: exact arithmetic and sums."""
    if node[0] in ("arithmetic", "abs") or (node[0] == "aggregate" and node[3] == "sum"):
        return bool(node[2].kind != "number")
    return False


def _decided(operation: str, a: Any, b: Any) -> tuple[int]:
    return (int(comparison_holds(operation, a, b)),)
