"""Why an account is in a segment or not: the clauses with what each of them saw, as data."""

from __future__ import annotations

from typing import Any

import msgspec

TRUTHS = {True: "true", False: "false", None: "unknown"}


class Row(msgspec.Struct, frozen=True):
    """A row that an aggregate looked at: its `key` by column, where its table has one; `row`, its number in the table from 1; the
    `value` that it gave, and how people read it (`shown`), where the aggregate is of values."""

    row: int
    key: dict[str, Any]
    value: Any = None
    shown: str | None = None


class Rows(msgspec.Struct, frozen=True):
    """The rows that made an aggregate: `counted` of the `all` that belong to the account count, and `first` are the first of them.

    Of an aggregate over groups, these are the rows of the `groups` (how many) that count, and `first` are the first groups, each with
    what its rows share as its key and the number of its first row. Of `all(…)`, `failing` says how many do not meet its condition, and
    `first` are of these.
    """

    table: str
    all: int
    counted: int
    first: tuple[Row, ...]
    failing: int | None = None
    groups: int | None = None


class Seen(msgspec.Struct, frozen=True):
    """A value that a clause met: the rule's own `text`, the `value` (numbers, texts and lists as they are; decimals, dates, times
    and durations as text; None is missing), how people read it (`shown`), and the `rows` that made it."""

    text: str
    value: Any
    shown: str
    rows: Rows | None = None


class Clause(msgspec.Struct, frozen=True):
    """A condition by the rule's own `text` and its `place` (file:line:column): `answer` is true, false or unknown, `seen` the values
    that it met, `clauses` the conditions that it is made of; `joined` says that it is their `and`."""

    text: str
    place: str
    answer: str
    seen: tuple[Seen, ...] = ()
    clauses: tuple[Clause, ...] = ()
    joined: bool = False


class Case(msgspec.Struct, frozen=True):
    """A case of a choose or collect: its `value` and its condition; `chosen` says that the account has the value by it."""

    value: str
    chosen: bool
    clause: Clause


class Statement(msgspec.Struct, frozen=True):
    """A segment, choose, collect or let for the account: a condition has a `clause`, a choose or collect `cases`, a value what it is
    made of, `seen`.

    `answer` is that of a condition; `value` and `shown` are those of a choose, collect or value.
    """

    kind: str
    name: str
    label: str | None
    answer: str | None = None
    value: Any = None
    shown: str = ""
    clause: Clause | None = None
    cases: tuple[Case, ...] = ()
    otherwise: str | None = None
    seen: tuple[Seen, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """Why an account (by its `key`) is in a segment or not, or has its value of a choose.

    `asked` is the segment, choose or collect; `mentioned` are the lets, segments and chooses that it rests on, each once, in the order in
    which they are met. `str(…)` draws it, `json()` hands it on.
    """

    root: str
    key: dict[str, Any]
    as_of: str
    timezone: str
    asked: Statement
    mentioned: tuple[Statement, ...] = ()

    @property
    def answer(self) -> bool | None:
        """Of a segment: whether its condition holds for the account; None is unknown, and the account is then not in it."""
        return {"true": True, "false": False}.get(self.asked.answer or "")

    def __str__(self) -> str:
        from segkernel.why.drawing import plain

        return plain(self)

    def json(self) -> str:
        """The explanation as JSON, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
