"""What differs between two versions of rules: in meaning, not in how they are written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from segdsl.faces import format
from segdsl.names import mentioned
from segdsl.schema import Schema
from segdsl.syntax import File, Let, Param, Statement
from segdsl.wording import statement_kind
from segkernel import meaning

if TYPE_CHECKING:
    from segkernel.rules import Rules

_CONTEXT = 3
_TOLD = {"changed": "changed", "new": "new", "gone": "gone"}


class Setting(msgspec.Struct, frozen=True):
    """What a schema says of something that rules read, by its `place` in the project file; None where it says nothing of it."""

    place: str
    old: str | None
    new: str | None


class Below(msgspec.Struct, frozen=True):
    """A let or param with another meaning than before, new or gone: the unified `diff` of its canonical text, and the differing
    names that rest on it."""

    kind: str
    name: str
    diff: str
    names: tuple[str, ...]


class Accounts(msgspec.Struct, frozen=True):
    """The keys of the first accounts that entered and left a segment, and (key, old, new) of those whose value or list is another."""

    entered: tuple[Any, ...] = ()
    left: tuple[Any, ...] = ()
    changed: tuple[tuple[Any, Any, Any], ...] = ()


class Moved(msgspec.Struct, frozen=True):
    """What a difference does to the same accounts: how many are in the segment `before` and `after`, how many `entered` and `left` it,
    or whose value or list is another (`changed`); None where that cannot be said of a name, or of one that only one side has."""

    before: int | None = None
    after: int | None = None
    entered: int | None = None
    left: int | None = None
    changed: int | None = None
    accounts: Accounts | None = None


class Difference(msgspec.Struct, frozen=True):
    """A segment, choose or collect whose meaning is another (`change` is "changed"), that is "new", or "gone".

    `diff` is the unified diff of its own canonical text, empty where that is the same; `through` names what it rests on that differs;
    `settings` are the places of the schema that say something else of what it reads. Of a new name `same` is a gone one of the same
    meaning, and the other way round: it was renamed. `moved` is there where both versions met data.
    """

    kind: str
    name: str
    change: str
    diff: str
    through: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    same: str | None = None
    moved: Moved | None = None


class Differences(msgspec.Struct, frozen=True):
    """What differs between two versions of rules.

    `differing` are the segments, chooses and collects that are not the same, in the later one's order, those that are gone last;
    `unchanged` those that mean the same; `below` the lets and params that differ, once each, and `settings` what the schema says
    otherwise of what is read. `as_of` is the instant of the run that counted accounts, None without one. It is true where something
    differs.
    """

    differing: tuple[Difference, ...]
    unchanged: tuple[str, ...]
    below: tuple[Below, ...]
    settings: tuple[Setting, ...]
    as_of: str | None = None

    def __bool__(self) -> bool:
        return bool(self.differing)

    def __str__(self) -> str:
        lines = [self.title()]
        for each in self.differing:
            lines += ["", headline(each), *each.diff.splitlines()]
        for rest in self.below:
            lines += ["", f"{rest.kind} {rest.name}, for {', '.join(rest.names)}", *rest.diff.splitlines()]
        return "\n".join([*lines, *(f"{each.place}: {each.old} → {each.new}" for each in self.settings)])

    def title(self) -> str:
        """The numbers of what changed, is new, gone, and unchanged."""
        counts = [(sum(each.change == change for each in self.differing), word) for change, word in _TOLD.items()]
        told = [f"{count:,} {word}" for count, word in counts if count]
        return ", ".join([*told, f"{len(self.unchanged):,} unchanged"])

    def json(self) -> str:
        """The differences as JSON, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def headline(each: Difference) -> str:
    """A difference in a line: its kind and name, what it is, and by what."""
    renamed = "" if each.same is None else f", the same as {'the gone' if each.change == 'new' else 'the new'} {each.same}"
    why = ", ".join([*each.through, *each.settings])
    return f"{each.change}: {each.kind} {each.name}{renamed}{f' (through {why})' if why else ''}"


class _Version:
    """One version: its statements by name with their `place` in the order written, what they mention, and what its names mean."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.statements: dict[str, tuple[Statement, File]] = {}
        for file in rules.files:
            for statement in file.statements:
                self.statements.setdefault(statement.name.text, (statement, file))
        self.place = {name: number for number, name in enumerate(self.statements)}
        self.meanings = meaning.fingerprints(rules.checked, rules.checked.names)
        self.lets = meaning.fingerprints(rules.checked, tuple(rules.checked.lets))
        self._of_rows = frozenset(
            name for name, (each, _) in self.statements.items() if isinstance(each, Let) and each.relation is not None
        )
        self._links = frozenset(link for table in rules.schema.tables.values() for link in table.links)
        self._mentions: dict[str, set[str]] = {}
        self._texts: dict[str, str] = {}

    def text(self, name: str) -> str:
        """The canonical text of a statement without its comments, empty where there is none."""
        if name not in self._texts:
            statement, file = self.statements.get(name, (None, None))
            canonical = "" if statement is None or file is None else format(File((statement,), (), file.text))
            self._texts[name] = canonical.replace("\r\n", "\n")
        return self._texts[name]

    def kind(self, name: str) -> str:
        return statement_kind(self.statements[name][0])

    def below(self, name: str) -> set[str]:
        """All statements that one rests on, whatever their number of steps."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = self._mentioned(waiting.pop()) - found
            found |= new
            waiting += new
        return found - {name}

    def _mentioned(self, name: str) -> set[str]:
        """The statements that one names."""
        if name not in self._mentions:
            statement = self.statements[name][0] if name in self.statements else None
            names = () if statement is None or isinstance(statement, Param) else mentioned(statement, self._of_rows, self._links)
            self._mentions[name] = {each for each in names if each in self.statements}
        return self._mentions[name]

    def meant(self, name: str) -> str | None:
        """What stands for the meaning of a statement: of a param its text, None where there is none of that name."""
        if name not in self.statements:
            return None
        if isinstance(self.statements[name][0], Param):
            return self.text(name)
        return self.lets[name] if name in self.lets else self.meanings.get(name)


def differences(old: Rules, new: Rules) -> Differences:
    """What differs from one version of rules to a later one, by what their segments, chooses and collects mean.

    Other spaces, comments, labels, an other order of statements or of the terms of an `and`, other names of lets and params, and what
    a let names written out are no difference. What a schema says of the fields, links, keys and event times that a name reads belongs
    to its meaning.
    """
    before, after = _Version(old), _Version(new)
    settings = {each.place: each for each in _settings_between(old, new, old.names, new.names)}
    touched: dict[str, tuple[str, ...]] = {}
    if settings:
        common = [name for name in new.names if name in old.names]
        touched = {name: tuple(each.place for each in _settings_between(old, new, (name,), (name,))) for name in common}
    gone = {name: before.meanings[name] for name in old.names if name not in new.names}
    fresh = {name: after.meanings[name] for name in new.names if name not in old.names}
    found: list[Difference] = []
    rests: dict[str, list[str]] = {}
    for name in (*new.names, *gone):
        kind = (before if name in gone else after).kind(name)
        if name in gone or name in fresh:
            change, others, print_ = ("gone", fresh, gone[name]) if name in gone else ("new", gone, fresh[name])
            same = next((other for other, its in others.items() if its == print_), None)
            found.append(Difference(kind, name, change, _diff(name, before, after), same=same))
        elif before.meanings[name] != after.meanings[name] or touched.get(name):
            through = _through(name, before, after)
            for each in through:
                rests.setdefault(each, []).append(name)
            told = tuple(f"{_kind(each, before, after)} {each}" for each in through)
            found.append(Difference(kind, name, "changed", _diff(name, before, after), told, touched.get(name, ())))
    differing = {each.name for each in found}
    lets = {name: names for name, names in rests.items() if name not in before.meanings and name not in after.meanings}
    below = [Below(_kind(name, before, after), name, _diff(name, before, after), tuple(names)) for name, names in lets.items()]
    unchanged = tuple(name for name in new.names if name not in differing)
    return Differences(tuple(found), unchanged, tuple(below), tuple(settings.values()))


def _through(name: str, before: _Version, after: _Version) -> list[str]:
    """What a name rests on that has another text and another meaning, in the order of the later version, then of the earlier one.

    What only one of them has is left out where the other has the same under another name.
    """
    rests = before.below(name), after.below(name)
    old_meanings, new_meanings = ({side.meant(each) for each in names} for side, names in zip((before, after), rests, strict=True))
    found = []
    for each in sorted(rests[0] | rests[1], key=lambda each: (each not in after.place, after.place.get(each, before.place.get(each, 0)))):
        old, new = before.meant(each), after.meant(each)
        renamed = (old is None and new in old_meanings) or (new is None and old in new_meanings)
        if old != new and not renamed and before.text(each) != after.text(each):
            found.append(each)
    return found


def _kind(name: str, before: _Version, after: _Version) -> str:
    return (after if name in after.statements else before).kind(name)


def _diff(name: str, before: _Version, after: _Version) -> str:
    """The unified diff of a statement's canonical text, empty where it is the same."""
    old, new = before.text(name).splitlines(), after.text(name).splitlines()
    lines = list(difflib.unified_diff(old, new, n=_CONTEXT, lineterm=""))[3:]  # without the names of files and the first place
    return "\n".join(" …" if line.startswith("@@") else line for line in lines)


def _settings_between(old: Rules, new: Rules, names: Iterable[str], others: Iterable[str]) -> list[Setting]:
    """What the two schemas say otherwise of what both read for some names, by place."""
    before, after = (
        _settings(rules.schema, meaning.reads(rules.checked, rules.schema, tuple(some))) for rules, some in ((old, names), (new, others))
    )
    both = [place for place in before if place in after and before[place] != after[place]]
    return [Setting(place, before[place], after[place]) for place in both]


def _settings(schema: Schema, reads: meaning.Reads) -> Mapping[str, str]:
    """What a schema says of what is read, by place."""
    tables = {schema.root, *reads.keys, *(table for table, _ in reads.links), *(table for table, _ in reads.fields)}
    found = {"project.root": schema.root, "project.timezone": schema.timezone}
    found["project.root"] += f" by {', '.join(schema.tables[schema.root].key)}"
    for name in sorted(tables):
        if schema.tables[name].event_time is not None:
            found[f"tables.{name}.event_time"] = str(schema.tables[name].event_time)
        elif any(table == name for table, _ in reads.links):
            found[f"tables.{name}.event_time"] = "none"
    for table, name in sorted(reads.links):
        link = schema.tables[table].links[name]
        found[f"tables.{table}.links.{name}"] = f"{link.table} by {', '.join(link.by)}"
    for table, name in sorted(reads.fields):
        spec = schema.tables[table].fields[name]
        found[f"tables.{table}.fields.{name}"] = f"{spec.type}{'' if spec.column is None else f', column {spec.column}'}"
    return found
