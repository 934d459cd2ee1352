"""All statements by name: what is defined twice, what mentions what, cycles, and the order of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from segdsl import syntax
from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.functions import AGGREGATES
from segdsl.schema import Schema
from segdsl.syntax import Span
from segdsl.wording import statement_kind

MANY_CYCLES = 100  # more are not told: each costs its length
CLOCK = {"now": "the instant of the run", "today": "the day of the run"}


class Names(msgspec.Struct, frozen=True):
    """The statements of all files by name, in the order written, the first of each name."""

    statements: dict[str, syntax.Statement]

    def kind(self, name: str) -> str:
        """What a name's statement is: `param`, `let`, `segment`, `choose` or `collect`."""
        return statement_kind(self.statements[name])

    def span(self, name: str) -> Span:
        """Where a name is given."""
        return self.statements[name].name.span


class Mentions(msgspec.Struct, frozen=True):
    """What the statements mention: `of` a let, segment, choose or collect the others of them; `used` all names that any rule mentions."""

    of: dict[str, tuple[str, ...]]
    used: frozenset[str]


def collect(files: Sequence[syntax.File], schema: Schema) -> tuple[Names, list[Diagnostic]]:
    """The names of all files, with what is wrong with them alone: given twice, or given to a field of the root table."""
    statements: dict[str, syntax.Statement] = {}
    found: list[Diagnostic] = []
    fields = schema.tables[schema.root].fields
    for file in files:
        for statement in file.statements:
            name = statement.name.text
            span = statement.name.span
            earlier = statements.get(name)
            if earlier is not None:
                found.append(diagnostic("E204", span, name=name, also=((earlier.name.span, "the first is here"),)))
                continue
            statements[name] = statement
            if name in CLOCK and not quoted(statement.name):
                found.append(diagnostic("E216", span, name=name, meaning=CLOCK[name], hint="choose another name"))
            elif name in fields and not (type(statement) is syntax.Let and statement.relation is not None):
                hidden = hides(statement, schema.root, fields[name].pinned, span)
                found.append(hidden)
    return Names(statements), found


def hides(statement: syntax.Statement, table: str, pinned: bool, span: Span) -> Diagnostic:
    """The word on a statement that has the name of a field of `table`: a mistake where the field is pinned, else a warning."""
    name, kind = statement.name.text, statement_kind(statement)
    also = () if span == statement.name.span else ((statement.name.span, f"the {kind} is here"),)
    if pinned:
        hint = f"rename the {kind}; the schema gives {table}.{name}"
        return diagnostic("E205", span, name=name, kind=kind, table=table, hint=hint, also=also)
    return diagnostic("W104", span, name=name, kind=kind, table=table, hint=f"rename the {kind} to reach the field", also=also)


def quoted(name: syntax.Name) -> bool:
    """Whether a name of plain letters stands in backquotes: its span is then two characters longer."""
    return name.span.end - name.span.start == len(name.text) + 2


def _children(kind: Any) -> tuple[str, ...]:
    silent = {"span", "op", "negated", "ignoring_case", "kind", "count", "direction", "name", "period"}
    silent |= {"pattern", "segment", "label", "everyone"}
    return tuple(field for field in kind.__struct_fields__ if field not in silent)


_NAMELESS = frozenset(
    (syntax.Number, syntax.Text, syntax.Truth, syntax.Date, syntax.Month, syntax.Timestamp, syntax.Duration, syntax.Name, type(None))
)
HELD: dict[type, attrgetter[Any]] = {
    kind: attrgetter(*_children(kind))
    for kind in vars(syntax).values()
    if isinstance(kind, type) and issubclass(kind, syntax.Node) and kind not in _NAMELESS and _children(kind)
}
"""By kind: gives what a node holds that may mention names, a tuple where that is several or a list."""


def mentioned(statement: syntax.Statement, of_rows: frozenset[str], links: frozenset[str]) -> list[str]:
    """The bare names in a statement, in no order, many times; a relation inside an aggregate is none.

    `of_rows` are the lets of relations' rows, which an aggregate also names behind its relation, and that behind `links`.
    """
    found: list[str] = []
    waiting: list[Any] = [HELD[type(statement)](statement)]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is tuple:
            waiting += node
        elif kind is syntax.Path:
            name = node.parts[0]
            if len(node.parts) == 1 and (name.text not in CLOCK or quoted(name)):
                found.append(name.text)
        elif kind is syntax.InSegment:
            found.append(node.segment.text)
        elif kind is syntax.Call:
            arguments = node.arguments
            if node.name.text in AGGREGATES and node.for_ is None and node.over is None and arguments and type(arguments[0]) is syntax.Path:
                *way, named = arguments[0].parts
                if way and named.text in of_rows and all(part.text in links for part in way[:-1]):
                    found.append(named.text)
                arguments = arguments[1:]
            waiting.extend(arguments)
            waiting.extend(part for part in (node.where, node.per, node.by, node.over) if part is not None)
        elif kind not in _NAMELESS:
            held = HELD[kind](node)
            waiting += held if type(held) is tuple else (held,)
    return found


def mentions(names: Names, schema: Schema) -> Mentions:
    """What each let, segment, choose and collect mentions."""
    statements = names.statements
    links = frozenset(link for table in schema.tables.values() for link in table.links)
    of_rows = frozenset(name for name, each in statements.items() if type(each) is syntax.Let and each.relation is not None)
    used: set[str] = set()
    of: dict[str, tuple[str, ...]] = {}
    for name, statement in statements.items():
        if type(statement) is syntax.Param:
            continue
        inner = dict.fromkeys(found for found in mentioned(statement, of_rows, links) if found in statements)
        used.update(found for found in inner if found != name)
        of[name] = tuple(found for found in inner if type(statements[found]) is not syntax.Param)
    return Mentions(of, frozenset(used))


def order(names: Names, graph: Mentions) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """All names so that each comes after what it mentions, and the cycles, each with its path.

    Walks with a stack of its own: a chain of 20,000 lets is as good as one.
    """
    done: list[str] = []
    state: dict[str, int] = {}  # absent: not seen; 0 and up: its place on the way; -1: done
    cycles: list[Diagnostic] = []
    for first in graph.of:
        if first in state:
            continue
        state[first] = 0
        way = [first]
        ahead = [iter(graph.of[first])]
        while way:
            following = next(ahead[-1], None)
            if following is None:
                name = way.pop()
                ahead.pop()
                state[name] = -1
                done.append(name)
            elif following not in state:
                state[following] = len(way)
                way.append(following)
                ahead.append(iter(graph.of[following]))
            elif state[following] >= 0 and len(cycles) < MANY_CYCLES:
                cycles.append(_cycle(names, way[state[following] :]))
    return tuple(done), cycles


def _cycle(names: Names, members: list[str]) -> Diagnostic:
    shown = [*members, members[0]]
    if len(shown) > 12:
        shown = [*shown[:6], "…", *shown[-5:]]
    also = tuple((names.span(name), f'"{name}" is here') for name in members[1:6])
    return diagnostic("E206", names.span(members[0]), name=members[0], path=" → ".join(shown), also=also)
