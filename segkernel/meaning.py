"""What a checked rule set means and what it reads: walks over the checked tree."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Any

import msgspec

from segdsl import checked
from segdsl.depths import depth
from segdsl.schema import Schema
from segdsl.tree import nodes
from segdsl.typesystem import Length, Type

_NOT_MEANT = frozenset({"span", "param", "nullable", "single", "label"})
"""Fields of a node that say where it stands, or what is known of the data at hand, not what it means."""
_LONGEST = 200
"""Longer texts of expressions are digested: a let stands in others as what it is, and lets of lets would grow without bounds."""
_EXACT_FLOATS = 2**53
_NAMING: dict[type[checked.Checked], attrgetter[Any]] = {
    **dict.fromkeys((checked.Let, checked.Chosen, checked.Collected), attrgetter("name")),
    checked.InSegment: attrgetter("segment"),
}


class Reads(msgspec.Struct, frozen=True):
    """What rules read: `fields` (table, field's name), `links` (table, link), and `keys`, tables whose rows go by their key."""

    fields: frozenset[tuple[str, str]]
    links: frozenset[tuple[str, str]]
    keys: frozenset[str] = frozenset()


def needed(rules: checked.Rules, names: Collection[str]) -> set[str]:
    """The names of all lets, segments, chooses and collects that `names` rest on, themselves included."""
    found = set(names)
    for name in reversed(rules.order):
        if len(found) == len(rules.order):
            break
        if name in found:
            for root in _roots(rules, name):
                found.update(mentioned(root))
    return found


def reads(rules: checked.Rules, schema: Schema, names: Collection[str]) -> Reads:
    """The fields and links that the segments, chooses and collects of `names` read."""
    fields: set[tuple[str, str]] = set()
    links: set[tuple[str, str]] = set()
    keys: set[str] = set()
    for name in needed(rules, names):
        for root in _roots(rules, name):
            for node in nodes(root):
                if type(node) is checked.Field:
                    table = node.table
                    for link in node.path:
                        links.add((table, link))
                        table = schema.tables[table].links[link].table
                    fields.add((table, node.name))
                elif isinstance(node, checked.Grouped):
                    links.update(node.up)  # the rest is what the aggregates inside it read
                elif isinstance(node, checked.Aggregate):
                    links.update((*node.up, *node.relation.chain))
                    if node.order is not None:
                        keys.add(node.relation.table)
                    fields.update((table, rules.event_times[table][0]) for table, _ in node.relation.chain if table in rules.event_times)
    return Reads(frozenset(fields), frozenset(links), frozenset(keys))


def relations(rules: checked.Rules, names: Collection[str]) -> set[checked.Relation]:
    """The relations over which the segments, chooses and collects of `names` aggregate."""
    roots = (root for name in needed(rules, names) for root in _roots(rules, name))
    return {node.relation for root in roots for node in nodes(root) if isinstance(node, checked.Aggregate)}


def statistics(rules: checked.Rules, names: Collection[str]) -> list[checked.Relative]:
    """The statistics of the population that the segments, chooses and collects of `names` need, in the order written."""
    wanted = needed(rules, names)
    roots = (root for name in rules.order if name in wanted for root in _roots(rules, name))
    found = [node for root in roots for node in nodes(root) if isinstance(node, checked.Relative)]
    return sorted(found, key=lambda node: (node.span.source, node.span.start))


def columns(what: Reads, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The data's columns behind what is read, by table: the root's key and the links' columns first, fields in the schema's order.

    The root comes first, then the other tables in the schema's order.
    """
    wanted: dict[str, dict[str, None]] = {schema.root: dict.fromkeys(schema.tables[schema.root].key)}
    for name, table in schema.tables.items():
        for called, link in table.links.items():
            if (name, called) in what.links:
                wanted.setdefault(name, {})
                wanted.setdefault(link.table, {}).update(dict.fromkeys(schema.tables[link.table].key))
                wanted[name].update(dict.fromkeys(link.by))
        if name in what.keys:
            wanted.setdefault(name, {}).update(dict.fromkeys(table.key))
    for name, table in schema.tables.items():
        for called in table.fields:
            if (name, called) in what.fields:
                wanted.setdefault(name, {})[called] = None
    return {
        name: tuple(dict.fromkeys(physical(schema, name, column) for column in wanted[name])) for name in schema.tables if name in wanted
    }


def physical(schema: Schema, table: str, name: str) -> str:
    """The data's name of a column that rules, a key or a link call `name`."""
    spec = schema.tables[table].fields.get(name)
    return spec.column if spec is not None and spec.column is not None else name


def fingerprint(rules: checked.Rules, names: Collection[str]) -> str:
    """32 hexadecimal digits that stand for the meaning of the segments, chooses and collects of `names`.

    Equal for the same rules written otherwise: spaces, comments, order of statements, labels, names of lets and params, what a
    let names written out, the order of the terms of an `and` or `or` and of the items of a list. Different when a name of a
    segment or choose, a constant, a param's value, a field or the zone changes. The same in every process and on every machine.
    """
    digests = _digests(rules, needed(rules, names))
    lines = [f"{name} {digests[name]}" for name in sorted(names)]
    met = {table for relation in relations(rules, names) for table, _ in relation.chain}
    return _meant(rules, met, lines)


def fingerprints(rules: checked.Rules, names: Collection[str]) -> dict[str, str]:
    """What each segment, choose and collect of `names` means alone, in their order: 32 hexadecimal digits a name.

    As `fingerprint`, but without the name itself: of two names with the same meaning the digits are equal. A name changes
    its meaning with the lets, params, segments and chooses that it rests on.
    """
    wanted = needed(rules, names)
    digests = _digests(rules, wanted)
    met: dict[str, frozenset[str]] = {}
    for name in rules.order if rules.event_times else ():
        if name in wanted:
            tables: set[str] = set()
            for root in _roots(rules, name):
                tables.update(*(met[mention] for mention in mentioned(root)))
                tables.update(table for node in nodes(root) if isinstance(node, checked.Aggregate) for table, _ in node.relation.chain)
            met[name] = frozenset(tables)
    return {name: _meant(rules, met.get(name, ()), [digests[name]]) for name in names}


def key(rules: checked.Rules, node: checked.Expression) -> str:
    """32 hexadecimal digits that stand for what a value of a table's rows means, the zone included."""
    digests = _digests(rules, needed(rules, set(mentioned(node))))
    return _digest(f"key {rules.timezone!r} {_text(node, digests)}")


def schema_fingerprint(what: Reads, schema: Schema) -> str:
    """32 hexadecimal digits that stand for the part of a schema that is read: the root, keys, links, event times, fields' types.

    Columns that no rule reads do not count, nor does what is only known of the data at hand, nor labels and units.
    """
    targets = {schema.root, *what.keys} | {schema.tables[table].links[link].table for table, link in what.links}
    lines = ["segkernel schema 1", repr(schema.root), repr(schema.timezone)]
    lines += [f"key {table!r} {schema.tables[table].key!r}" for table in sorted(targets)]
    for table, name in sorted(what.links):
        link = schema.tables[table].links[name]
        lines.append(f"link {table!r} {name!r} {link.table!r} {link.by!r}")
    for table, name in sorted(what.fields):
        spec = schema.tables[table].fields[name]
        counts = schema.tables[table].event_time == name
        lines.append(f"field {table!r} {name!r} {spec.type} {spec.column or name!r} {spec.values!r} {spec.never_missing} {counts}")
    return _digest("\n".join(lines))


def changing(rules: checked.Rules) -> set[str]:
    """The lets, segments and chooses that the instant of a run decides."""
    found: set[str] = set()
    for name in rules.order:
        if any(rests_on_instant(rules, root, found) for root in _roots(rules, name)):
            found.add(name)
    return found


def rests_on_instant(rules: checked.Rules, root: checked.Expression, changing: Collection[str]) -> bool:
    """Whether the instant of a run decides a value; `changing` are the statements of which that is known."""
    for node in nodes(root):
        match node:
            case checked.Now() | checked.Today() | checked.PeriodStart() | checked.Call(function="anniversary"):
                return True
            case checked.Aggregate(relation=relation) if any(table in rules.event_times for table, _ in relation.chain):
                return True
    return any(name in changing for name in mentioned(root))


def _digests(rules: checked.Rules, wanted: Collection[str]) -> dict[str, str]:
    """The digest of each statement of `wanted`, in which those that it mentions stand with theirs; of a let, the text of its value."""
    digests: dict[str, str] = {}
    for name in rules.order:
        if name in wanted:
            let = rules.lets.get(name)
            digests[name] = _digest(_statement(rules, name, digests)) if let is None else _text(let.value, digests)
    return digests


def _meant(rules: checked.Rules, met: Collection[str], lines: Collection[str]) -> str:
    """The fingerprint of statements: with the root, the zone, and the event times of the tables that they aggregate over."""
    times = [f"{table!r} happens at {rules.event_times[table]!r}" for table in sorted(met) if table in rules.event_times]
    return _digest("\n".join(["segkernel rules 1", rules.root, rules.timezone, *times, *lines]))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _statement(rules: checked.Rules, name: str, digests: dict[str, str]) -> str:
    if name in rules.segments:
        return f"segment {_text(rules.segments[name].condition, digests)}"
    several = rules.collects[name] if name in rules.collects else rules.chooses[name]
    cases = "; ".join(f"{_text(case.value, digests)} when {_text(case.condition, digests)}" for case in several.cases)
    if isinstance(several, checked.CollectRule):
        return f"collect {several.type} {cases}"
    last = "" if several.otherwise is None else _text(several.otherwise, digests)
    return f"choose {several.type} {cases} otherwise {last}"


def _text(node: checked.Expression, digests: dict[str, str]) -> str:
    """An expression without places, or where that is long, its digest: so a let stands for its value."""
    found = _spelt(node, digests)
    return found if len(found) <= _LONGEST else _digest(found)


def _spelt(node: checked.Expression, digests: dict[str, str]) -> str:
    """An expression without places; texts within it are quoted, so that no two meanings read alike."""
    match node:
        case checked.Constant(value=value):
            return f"Constant({node.type}, {_plain(value)})"
        case checked.Field():
            return f"Field({node.table!r}, {node.path!r}, {node.name!r}, {node.type})"
        case checked.Let(name=name):
            return digests[name]
        case checked.InSegment(segment=name) | checked.Chosen(name=name) | checked.Collected(name=name):
            return f"{type(node).__name__} {digests[name]}"
        case checked.And(terms=terms) | checked.Or(terms=terms):
            return f"{type(node).__name__}({', '.join(sorted({_text(term, digests) for term in terms}))})"
        case checked.KOf(kind=kind, count=count, terms=terms):
            return f"KOf({kind} {count}, {', '.join(sorted(_text(term, digests) for term in terms))})"
        case checked.InList(value=value, items=items, others=others):
            listed = sorted({_compared(item, digests) for item in (*items, *others)})
            return f"InList({_text(value, digests)}, {', '.join(listed)})"
        case checked.Compare(op=op, left=left, right=right):
            return f"Compare({op}, {_compared(left, digests)}, {_compared(right, digests)})"
    parts = []
    for field in node.__struct_fields__:
        if field not in _NOT_MEANT:
            value = getattr(node, field)
            if isinstance(value, checked.Checked):
                parts.append(_text(value, digests))
            elif isinstance(value, tuple) and value and isinstance(value[0], checked.Checked):
                parts.append(f"({', '.join(_text(item, digests) for item in value)})")
            else:
                parts.append(_plain(value))
    return f"{type(node).__name__}({', '.join(parts)})"


def _compared(node: checked.Expression, digests: dict[str, str]) -> str:
    """One side of a comparison: 5, 5.0 and 500% are one number there, as long as a float holds it."""
    if not (isinstance(node, checked.Constant) and isinstance(node.value, int) and node.type.kind in ("whole", "decimal")):
        return _text(node, digests)
    value, scale = node.value, node.type.scale
    while scale and value % 10 == 0:
        value, scale = value // 10, scale - 1
    return f"{value} by 10^{scale}" if abs(value) < _EXACT_FLOATS else _text(node, digests)


def _plain(value: object) -> str:
    if isinstance(value, Length):
        return f"{value.months} months {value.days} days {value.nanoseconds} ns"
    if isinstance(value, checked.Relation):
        return repr(value.chain)
    return str(value) if isinstance(value, Type) else repr(value)


def _roots(rules: checked.Rules, name: str) -> Iterator[checked.Expression]:
    """The expressions of a statement."""
    if name in rules.lets:
        yield rules.lets[name].value
    elif name in rules.segments:
        yield rules.segments[name].condition
    else:
        several = rules.collects[name] if name in rules.collects else rules.chooses[name]
        for case in several.cases:
            yield case.condition


def steps(rules: checked.Rules) -> dict[str, int]:
    """How many steps, each reckoned before the next, each let, segment and choose takes."""
    found: dict[str, int] = {}
    for name in rules.order:
        found[name] = depth(list(_roots(rules, name)), found)
    return found


def mentioned(root: checked.Expression) -> list[str]:
    """The lets, chooses, collects and segments that an expression names."""
    return [_NAMING[type(node)](node) for node in nodes(root) if type(node) in _NAMING]
