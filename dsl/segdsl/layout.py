"""Where lines break: a document of texts and possible line breaks, laid out within a width.

After Philip Wadler, "A prettier printer" (2003), with what comments need: remarks that wait for the end of their line.
"""

from __future__ import annotations

from typing import Any

import msgspec

WIDTH = 100


class Break(msgspec.Struct, frozen=True, gc=False):
    """Where a line may end: `flat` is what stands there when it does not; always ends it where `hard`."""

    flat: str
    hard: bool = False


class Remark(msgspec.Struct, frozen=True, gc=False):
    """A comment: it goes to the end of the line it comes to stand in, and a line ends behind it."""

    text: str


class Row(msgspec.Struct, frozen=True, gc=False):
    """Documents one after the other; `ends` where one of them ends a line for certain."""

    parts: tuple[Any, ...]
    ends: bool


class Group(msgspec.Struct, frozen=True, gc=False):
    """A document that stands on one line if it fits; else all its own breaks end lines."""

    inner: Any
    ends: bool


class Aligned(msgspec.Struct, frozen=True, gc=False):
    """A document whose lines begin where it begins, `shift` columns further to the right."""

    inner: Any
    shift: int
    ends: bool


class Filled(msgspec.Struct, frozen=True, gc=False):
    """Texts with as many in a line as fit; `at` is the first that is not laid out yet."""

    texts: tuple[str, ...]
    at: int = 0


LINE, HARD = Break(" "), Break("", hard=True)
Document = str | Break | Remark | Row | Group | Aligned | Filled


def row(*parts: Document) -> Row:
    """Documents one after the other."""
    return Row(parts, any(_ends(part) for part in parts))


def group(*parts: Document, broken: bool = False) -> Group:
    """Documents on one line if they fit; `broken`: on several in any case."""
    inner = parts[0] if len(parts) == 1 else row(*parts)
    return Group(inner, broken or _ends(inner))


def aligned(*parts: Document, shift: int = 0) -> Aligned:
    """Documents whose lines begin in one column."""
    inner = parts[0] if len(parts) == 1 else row(*parts)
    return Aligned(inner, shift, _ends(inner))


def lay_out(document: Document, width: int = WIDTH) -> str:
    """The text of a document, no line longer than `width` where a break can help, none with blanks at its end."""
    out: list[str] = []
    waiting: list[str] = []
    column = 0
    stack: list[tuple[int, bool, Document]] = [(0, True, document)]
    while stack:
        indent, broken, found = stack.pop()
        if isinstance(found, str):
            out.append(found)
            column += len(found)
        elif isinstance(found, Row):
            stack.extend((indent, broken, part) for part in reversed(found.parts))
        elif isinstance(found, Aligned):
            stack.append((max(0, column + found.shift), broken, found.inner))
        elif isinstance(found, Group):
            flat = not found.ends and _fits(width - column, found.inner, stack)
            stack.append((indent, not flat, found.inner))
        elif isinstance(found, Filled):
            column = _fill(found, indent, column, width, out, stack)
        elif isinstance(found, Remark):
            waiting.append(found.text)
        elif found.hard or broken:
            _end_line(out, waiting, indent)
            column = indent
        else:
            out.append(found.flat)
            column += len(found.flat)
    _end_line(out, waiting, 0)
    return "\n".join(line.rstrip(" ") for line in "".join(out).split("\n")).removesuffix("\n")


def _end_line(out: list[str], waiting: list[str], indent: int) -> None:
    for number, remark in enumerate(waiting):
        first = "" if _blank(out) else "  "
        out.append((first if number == 0 else "\n" + " " * indent) + remark)
    waiting.clear()
    out.append("\n" + " " * indent)


def _blank(out: list[str]) -> bool:
    """Whether nothing stands on the last line yet."""
    for piece in reversed(out):
        if piece.strip():
            return False
        if "\n" in piece:
            break
    return True


def _fill(found: Filled, indent: int, column: int, width: int, out: list[str], stack: list[tuple[int, bool, Document]]) -> int:
    """Lay out one text of several, with a comma unless it is the last; the column behind it."""
    last = found.at == len(found.texts) - 1
    text = found.texts[found.at] + ("" if last else ",")
    if found.at:
        if _fits(width - column - 1, text, stack if last else []):
            out.append(" ")
            column += 1
        else:
            out.append("\n" + " " * indent)
            column = indent
    out.append(text)
    if not last:
        stack.append((indent, True, Filled(found.texts, found.at + 1)))
    return column + len(text)


def _fits(room: int, document: Document, behind: list[tuple[int, bool, Document]]) -> bool:
    """Whether a document on one line, with what follows it up to the next end of a line, takes at most `room` columns."""
    index = len(behind)
    stack: list[tuple[bool, Document]] = [(False, document)]
    while room >= 0:
        if not stack:
            if not index:
                return True
            index -= 1
            stack.append((behind[index][1], behind[index][2]))
        broken, found = stack.pop()
        if isinstance(found, str):
            room -= len(found)
        elif isinstance(found, Row):
            stack.extend((broken, part) for part in reversed(found.parts))
        elif isinstance(found, Aligned):
            stack.append((broken, found.inner))
        elif isinstance(found, Group):
            stack.append((found.ends, found.inner))
        elif isinstance(found, Filled):
            if broken:
                room -= len(found.texts[found.at])
                return room >= 0
            for text in found.texts[found.at :]:
                room -= len(text) + 2
                if room < 0:
                    break
            room += 2
        elif isinstance(found, Break):
            if found.hard or broken:
                return True
            room -= len(found.flat)
    return False


def _ends(document: Document) -> bool:
    if isinstance(document, str | Filled):
        return False
    if isinstance(document, Break):
        return document.hard
    return isinstance(document, Remark) or document.ends
