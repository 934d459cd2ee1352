"""How much a rule file may hold: bounds that keep the answer quick and the memory small, whatever the text."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one reading, all settable; each has an error of its own (E901 and up).

    `source` bytes of UTF-8; `nesting` brackets, `not`s and signs around one value; `depth` operations one inside another (a chain
    `a + b + c` is two); `nodes` values, tests and operators in a statement, items of a list not counted; `items` in one list;
    `statements` and `comments` in a file; `pattern` characters of a regular expression; `mistakes` after which reading stops.
    """

    source: int = 16 * 1024 * 1024
    nesting: int = 64
    depth: int = 256
    nodes: int = 10_000
    items: int = 100_000
    statements: int = 20_000
    comments: int = 200_000
    pattern: int = 1_000
    mistakes: int = 1_000
