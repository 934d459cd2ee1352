"""Explanations drawn as trees: pieces of text with a style each, for a terminal or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segkernel.textual import visible
from segkernel.why.explanation import Case, Clause, Explanation, Row, Rows, Seen, Statement

Line = list[tuple[str, str]]
"""Pieces of text, each with its style in Rich's words; "" is plain."""
MARKS = {"true": ("✓", "bold green"), "false": ("✗", "bold red"), "unknown": ("?", "bold yellow")}
_LONGEST = 120
_NOTE = "dim"


def plain(explanation: Explanation) -> str:
    """An explanation as text."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in drawn(explanation))


def drawn(explanation: Explanation) -> list[Line]:
    """An explanation, line by line: the account, what was asked, and below it, each once, what that mentions."""
    lines: list[Line] = [_account(explanation), [], *_statement(explanation.asked)]
    for statement in explanation.mentioned:
        lines += [[], *_statement(statement)]
    return lines


def overview(explanations: Sequence[Explanation]) -> list[Line]:
    """A line for each of what was asked of an account."""
    head = [_account(explanation) for explanation in explanations[:1]]
    return [*head, [], *(title(explanation.asked) for explanation in explanations)]


def _account(explanation: Explanation) -> Line:
    account = ", ".join(f"{column} {value}" for column, value in explanation.key.items())
    return [(f"{explanation.root}: {visible(account)}, as of {explanation.as_of} ({explanation.timezone})", _NOTE)]


def title(statement: Statement) -> Line:
    """The first line of a statement: its mark or value, kind, name and label."""
    label = [] if statement.label is None else [(f'  "{visible(statement.label)}"', _NOTE)]
    if statement.answer is not None:
        ends = {"true": "", "false": "", "unknown": ("  unknown, so not in it" if statement.kind == "segment" else "  unknown")}
        head: Line = [(f"{MARKS[statement.answer][0]} ", MARKS[statement.answer][1]), (f"{statement.kind} ", _NOTE)]
        return [*head, (visible(statement.name), "bold"), *label, (ends[statement.answer], _NOTE)]
    return [(f"{statement.kind} ", _NOTE), (visible(statement.name), "bold"), (" is ", _NOTE), (visible(statement.shown), "cyan"), *label]


def _statement(statement: Statement) -> Iterator[Line]:
    yield title(statement)
    if statement.cases:
        branches: list[Clause | Case | Seen | str] = list(statement.cases)
        if statement.otherwise is not None:
            branches.append(f"otherwise {statement.otherwise}")
        yield from _branches(branches, "")
    elif statement.clause is None:
        yield from _branches(statement.seen, "")
    elif _together(statement.clause):
        yield from _branches(statement.clause.clauses, "")
    else:
        yield from _branches([statement.clause], "")


def _together(clause: Clause) -> bool:
    """Whether a statement's condition is no more than its parts, all of which have to hold."""
    return clause.joined and not clause.seen


def _branches(parts: Sequence[Clause | Case | Seen | Rows | str], before: str) -> Iterator[Line]:
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        here, below = before + ("└─ " if last else "├─ "), before + ("   " if last else "│  ")
        if isinstance(part, Case):
            mark = "→ " if part.chosen else "  "
            case: Line = [(mark, "bold cyan"), (f"{visible(part.value)} ", "cyan"), ("when ", _NOTE)]
            yield [(here, _NOTE), *case, *_clause(part.clause)]
            yield from _branches(_below(part.clause), below)
        elif isinstance(part, Clause):
            yield [(here, _NOTE), *_clause(part)]
            yield from _branches(_below(part), below)
        elif isinstance(part, Seen):
            yield [(here, _NOTE), (f"{_cut(part.text)}: ", ""), (visible(part.shown), "cyan")]
            yield from _branches([] if part.rows is None else [part.rows], below)
        elif isinstance(part, Rows):
            yield [(here, _NOTE), (_rows(part), _NOTE)]
        else:
            yield [(here, _NOTE), ("  ", ""), (visible(part), _NOTE)]


def _below(clause: Clause) -> list[Clause | Case | Seen | Rows | str]:
    """What stands below a clause: of one that is an aggregate itself, its rows."""
    own = [each.rows if each.text == clause.text and each.rows is not None else each for each in clause.seen]
    return [*own, *clause.clauses]


def _clause(clause: Clause) -> Line:
    mark, style = MARKS[clause.answer]
    return [(f"{mark} ", style), (_cut(clause.text), "")]


def _rows(rows: Rows) -> str:
    """A sentence on the rows of an aggregate."""
    if rows.all == 0:
        return f"no rows of {visible(rows.table)}"
    noun = f"{rows.all:,} row{'' if rows.all == 1 else 's'} of {visible(rows.table)}"
    text = noun if rows.counted == rows.all else f"{rows.counted:,} of {noun}"
    shown = rows.counted
    if rows.groups is not None:
        shown, text = rows.groups, f"{rows.groups:,} group{'' if rows.groups == 1 else 's'}, {text}"
    if rows.failing is not None:
        text += f", {rows.failing:,} of which fail{'s' if rows.failing == 1 else ''}" if rows.failing else ", none of which fails"
        shown = rows.failing
    if rows.first:
        text += f": {', '.join(_row(row) for row in rows.first)}" + (", …" if shown > len(rows.first) else "")
    return text


def _row(row: Row) -> str:
    parts = [str(part).lower() if isinstance(part, bool) else visible(str(part)) for part in row.key.values()]
    key = " ".join(parts) if parts else f"row {row.row:,}"
    return key if row.shown is None else f"{key} ({visible(row.shown)})"


def _cut(text: str) -> str:
    return visible(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
