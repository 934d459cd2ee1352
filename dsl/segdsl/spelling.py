"""How names, literals and the small phrases are spelt in canonical text."""

from __future__ import annotations

import re

from segdsl import forms
from segdsl.lexer import RESERVED, WORD

NOWHERE: frozenset[str] = frozenset()
AT_START = frozenset({"exactly"})
AS_CALL = AT_START | {"at"}
AFTER_IN = frozenset({"this", "last", "next"})
AFTER_CONTAINS = frozenset({"any", "all"})
AFTER_OVER = frozenset({"all"})

_WORD = re.compile(WORD)


def name(text: str, taken: frozenset[str] = NOWHERE) -> str:
    """A name, in backquotes where it needs them: `taken` are the words that mean something else in its place."""
    if text.startswith("`"):
        return text
    return text if _WORD.fullmatch(text) and text not in RESERVED and text not in taken else f"`{text}`"


def path(node: forms.Path, taken: frozenset[str] = NOWHERE) -> str:
    """`order.placed_at`, at the beginning of an expression."""
    first, *rest = node.parts
    return ".".join([name(first, AT_START | taken), *map(name, rest)])


def text(value: str) -> str:
    """A text in double quotes, or in single ones where that saves escapes; what is not printable is escaped."""
    quote = "'" if '"' in value and "'" not in value else '"'
    return quote + "".join(map(_letter, value.replace("\\", "\\\\").replace(quote, "\\" + quote))) + quote


def _letter(letter: str) -> str:
    if letter.isprintable():
        return letter
    if letter in "\n\t":
        return "\\n" if letter == "\n" else "\\t"
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def duration(node: forms.Duration) -> str:
    """`90 days`."""
    return f"{node.count} {_counted(node.unit, node.count)}"


def period(node: forms.Period) -> str:
    """A calendar period."""
    if node.unit is None:
        return node.text or ""
    return f"{node.which} {node.unit}" if node.count is None else f"{node.which} {node.count} whole {_counted(node.unit, node.count)}"


def groups(node: forms.Groups) -> str:
    """What follows `over`."""
    if node.everyone or not node.paths:
        return "all"
    if len(node.paths) == 1:
        return path(node.paths[0], AFTER_OVER)
    return f"({', '.join(map(path, node.paths))})"


def _counted(unit: str, count: str) -> str:
    return unit if count == "1" else unit + "s"
