"""Mistakes and warnings as values: their wording in one table, their rendering in one function.

Codes: E1xx the text cannot be read, E2xx names, E3xx types, E4xx values and params, E9xx limits and forms that are
not yet built; W1xx lints.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from segdsl.source import Source
from segdsl.syntax import Span


class Diagnostic(msgspec.Struct, frozen=True):
    """One mistake (`severity` "error") or lint ("warning"): what was expected, what was found, where, what to do.

    `also` are further places that belong to it, each with a word on it.
    """

    code: str
    message: str
    span: Span
    hint: str | None = None
    also: tuple[tuple[Span, str], ...] = ()

    @property
    def severity(self) -> str:
        return "error" if self.code.startswith("E") else "warning"


MESSAGES: dict[str, str] = {
    # ---- E1xx: the text cannot be read
    # ---- E2xx: names
    # ---- E3xx: types
    # ---- E4xx: values and params
    # ---- E9xx: limits, and forms that are not yet built
    # ---- W1xx: lints
}


def diagnostic(code: str, span: Span, *, hint: str | None = None, also: Sequence[tuple[Span, str]] = (), **facts: object) -> Diagnostic:
    """The diagnostic of a code, its message filled in with `facts`."""
    return Diagnostic(code, MESSAGES[code].format(**facts), span, hint, tuple(also))
