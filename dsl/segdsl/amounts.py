"""What a long text surely holds too much of, told without reading it as tokens.

These are lower bounds: a text that passes them may still be over a limit, which the reading finds out. They look only at texts that
are long enough to be over one, so that ordinary texts are not read twice.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

from segdsl.diagnostics import Diagnostic, diagnostic
from segdsl.limits import Limits
from segdsl.syntax import Span

# Neither texts nor names reach over the end of a line, so these begin statements and comments, unless `in` stands before.
_STATEMENT = re.compile(r"\n[ \t]*(?:param|let|segment|choose|collect)\b")
_IN = re.compile(r"\bin[^\S\n]*(?:#[^\n]*)?\n")
_COMMENT = re.compile(r"\n[ \t]*#")
_PIECE = r"""(?:[^"'`#(),]++|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+'|`[^`\n]++`|#[^\n]*+)*+"""


def too_much(text: str, number: int, limits: Limits) -> Diagnostic | None:
    """The mistake of a text that has too many statements or comments on lines of their own; None where that is not sure."""
    if len(text) > len("let a=1") * limits.statements:
        span = _following(_STATEMENT, text, number, limits.statements)
        if span is not None and _IN.search(text, 0, span.start) is None:
            return diagnostic("E905", span, hint="split the rules over several files", limit=f"{limits.statements:,}")
    if len(text) > limits.comments and text.count("#") > limits.comments:
        span = _following(_COMMENT, text, number, limits.comments)
        if span is not None:
            return diagnostic("E909", span, limit=f"{limits.comments:,}")
    return None


def _following(pattern: re.Pattern[str], text: str, number: int, count: int) -> Span | None:
    """The place of what a pattern finds after `count` others, without the line end and blanks before it."""
    found = next(islice(pattern.finditer("\n" + text), count, None), None)
    return None if found is None else Span(found.end() - 1 - len(found[0].strip()), found.end() - 1, number)


def too_many_items(text: str, start: int, limits: Limits) -> bool:
    """Whether the list whose bracket opens at `start` surely has more items than the limit."""
    return len(text) - start > 2 * limits.items and _items(limits.items).match(text, start) is not None


@cache
def _items(most: int) -> re.Pattern[str]:
    return re.compile(rf"\((?:{_PIECE},){{{most}}}")
