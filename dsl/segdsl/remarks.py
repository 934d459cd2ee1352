"""Which form a comment belongs to: the one it stands above, or the one at whose end it stands.

Comments keep to forms that may begin a line: statements, cases, the terms of `and` and `or`, items of lists, what calls hold, and
what is added or multiplied. One inside any other form goes above the nearest of these that holds it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import msgspec

from segdsl import syntax
from segdsl.syntax import Comment, File, Node, Statement

_CLOSERS = re.compile(r"(?:(?:\s|#[^\n]*\n)*+\))+")
_JOINED = re.compile(r"[\s,)]*(?:(?:and|or|[-+*/])\s*)?")
_BEFORE_CONDITION = re.compile(r"\s*(?:when\s*)?")
_CLOSED = re.compile(r"[\s)]*")
_COMMENT = re.compile(r"#[^\n]*")


class Places(msgspec.Struct):
    """Comments by the identity of the node they belong to, and those below the last statement; an empty text is an empty line."""

    above: dict[int, list[str]] = {}
    beside: dict[int, str] = {}
    below: list[str] = []


class _Place(msgspec.Struct, frozen=True):
    """A form that comments may stand at: the node that takes those above it, and the one that takes the one beside it, if any does.

    Beside the last form in brackets nothing is written: the line goes on behind the bracket.
    """

    start: int
    end: int
    above: int
    beside: int | None


def placed(file: File) -> Places:
    """The comments of a file at the nodes they belong to, and the empty lines between statements; each comment is there once."""
    found = Places()
    comments = file.comments
    index = end = 0
    for statement in file.statements:
        first = index
        while index < len(comments) and comments[index].span.start < statement.span.start:
            index += 1
        found.above[id(statement)] = _between(file, comments[first:index], end, statement.span.start)
        inside = index
        end = statement.span.end
        while index < len(comments) and _inside_or_beside(file.text, comments[index], end):
            index += 1
        if inside < index:
            _within(file.text, statement, comments[inside:index], found)
            end = max(end, comments[index - 1].span.end)
    found.below = _between(file, comments[index:], end, len(file.text))
    while found.below and not found.below[-1]:
        found.below.pop()
    return found


def _inside_or_beside(text: str, comment: Comment, end: int) -> bool:
    """Whether a comment stands in a statement that ends there, or behind it on its last line."""
    return comment.span.start < end or (bool(text) and not text[end : comment.span.start].strip(" \t"))


def _between(file: File, comments: tuple[Comment, ...], end: int, start: int) -> list[str]:
    """The comments between two statements, and empty lines, of several in a row just one."""
    lines: list[str] = []
    for comment in comments:
        if end and file.text.count("\n", end, comment.span.start) > 1:
            lines.append("")
        lines.append(comment.text.rstrip())
        end = comment.span.end
    if end and file.text.count("\n", end, start) > 1:
        lines.append("")
    return lines


def _within(text: str, statement: Statement, comments: tuple[Comment, ...], found: Places) -> None:
    """Place the comments inside a statement and at its end."""
    places = _places(text, statement)
    places.sort(key=lambda place: (place.start, -place.end))
    starts = [place.start for place in places]
    by_end = sorted(places, key=lambda place: (place.end, -(place.end - place.start)))
    ends = [place.end for place in by_end]
    for comment in comments:
        words, start = comment.text.rstrip(), comment.span.start
        begin = text.rfind("\n", 0, start) + 1
        if text[begin:start].strip():
            node = _ended(text, comment, by_end, ends) or _header(text, statement, start)
            if node is not None and node not in found.beside:
                found.beside[node] = words
                continue
            target = _holder(places, starts, start, statement)
        else:
            following = bisect_left(starts, start)
            target = places[following].above if following < len(places) else _holder(places, starts, start, statement)
        found.above.setdefault(target, []).append(words)


def _ended(text: str, comment: Comment, by_end: list[_Place], ends: list[int]) -> int | None:
    """The form that ends just before a comment, brackets that close behind the comment counted as before it."""
    start = comment.span.start
    closers = _CLOSERS.match(text, comment.span.end)
    index = bisect_right(ends, closers.end() if closers else start) - 1
    if index < 0:
        return None
    while index and ends[index - 1] == ends[index] and by_end[index - 1].start <= by_end[index].start:
        index -= 1
    place = by_end[index]
    between = _COMMENT.sub("", text[place.end : start])
    return place.beside if _JOINED.fullmatch(between) else None


def _header(text: str, statement: Statement, start: int) -> int | None:
    """A statement whose first line the comment ends, before any condition."""
    if isinstance(statement, syntax.Param | syntax.Let):
        return None
    end = (statement.label or statement.name).span.end
    if end > start:
        return None
    return id(statement) if _BEFORE_CONDITION.fullmatch(_COMMENT.sub("", text[end:start])) else None


def _holder(places: list[_Place], starts: list[int], start: int, statement: Statement) -> int:
    """Above what a comment goes that stands before no form: the smallest one that holds it."""
    for index in range(bisect_right(starts, start) - 1, -1, -1):
        if places[index].end > start:
            return places[index].above
    return id(statement)


def _places(text: str, statement: Statement) -> list[_Place]:
    """Every form of a statement that comments may stand at."""
    found: list[_Place] = []
    if isinstance(statement, syntax.Param | syntax.Let):
        _add(text, statement.value, id(statement), id(statement.value), found)
    elif isinstance(statement, syntax.Segment):
        _add(text, statement.condition, id(statement.condition), id(statement.condition), found)
    else:
        for case in statement.cases:
            found.append(_Place(case.span.start, case.span.end, id(case), id(case)))
            _collect(text, case.condition, id(case), id(case), found)
        if isinstance(statement, syntax.Choose) and statement.otherwise is not None:
            _add(text, statement.otherwise, id(statement.otherwise), id(statement.otherwise), found)
    return found


def _add(text: str, node: Node, above: int, beside: int | None, found: list[_Place]) -> None:
    found.append(_Place(node.span.start, node.span.end, above, beside))
    _collect(text, node, above, beside, found)


def _collect(text: str, node: Any, above: int, beside: int | None, found: list[_Place]) -> None:
    """The places inside a node; `above` and `beside` are the nodes that take what stands before its beginning and behind its end."""
    if isinstance(node, syntax.And | syntax.Or):
        _row(text, node.terms, above, beside, found)
    elif isinstance(node, syntax.Arithmetic):
        operands: list[Node] = []
        while isinstance(node, syntax.Arithmetic):
            operands.append(node.right)
            node = node.left
        _row(text, (node, *reversed(operands)), above, beside, found)
    elif isinstance(node, syntax.ListOf | syntax.KOf):
        items = node.items if isinstance(node, syntax.ListOf) else node.conditions
        _row(text, items, id(items[0]), beside, found)
    elif isinstance(node, syntax.Call):
        # In the order in which they are written later.
        inner = (*node.arguments, node.for_, node.where, *(node.per or ()), node.by, node.over)
        parts = [part for part in inner if part is not None]
        if parts:
            _row(text, parts, id(parts[0]), beside, found)
    else:
        for field in node.__struct_fields__:
            inside = getattr(node, field)
            if isinstance(inside, Node) and not isinstance(inside, syntax.Name):
                last = _CLOSED.fullmatch(_COMMENT.sub("", text[inside.span.end : node.span.end]))
                _collect(text, inside, above, beside if last else None, found)


def _row(text: str, parts: Sequence[Any], above: int, beside: int | None, found: list[_Place]) -> None:
    """Forms that may stand on lines of their own, the last of which ends where what holds them ends."""
    for number, part in enumerate(parts):
        if not isinstance(part, syntax.Groups):
            before, behind = id(part) if number else above, id(part) if number < len(parts) - 1 else beside
            found.append(_Place(part.span.start, part.span.end, before, behind))
            _collect(text, part, before, behind, found)
