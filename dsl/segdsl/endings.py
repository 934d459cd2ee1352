"""Where a statement ends: at the end of the text, at the next statement's word, or at what can only be meant as a statement."""

from __future__ import annotations

import re

from segdsl.lexer import END, LITERALS, RESERVED, STATEMENTS, Cursor

_NEW_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")


def ended(c: Cursor) -> bool:
    """Whether the statement at hand has to end here: the text does, or another statement begins."""
    return c.kind == END or c.kind in STATEMENTS or new_paragraph(c)


def new_paragraph(c: Cursor) -> bool:
    """Whether the token at hand begins a line behind an empty one, without indentation, and can only be meant as a statement."""
    if c.start == 0 or c.text[c.start - 1] != "\n" or c.kind in LITERALS or (c.kind in RESERVED and c.kind not in STATEMENTS):
        return False
    small = c.word().lower()
    return (small not in RESERVED or small in STATEMENTS) and _NEW_PARAGRAPH.search(c.text, c.last, c.start) is not None


def over(c: Cursor) -> bool:
    """Whether nothing more of a statement stands here: at the end, or at a statement that begins a line."""
    return c.kind == END or (c.kind in STATEMENTS and "\n" in c.text[c.last : c.start]) or new_paragraph(c)
