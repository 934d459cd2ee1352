"""The functions of a text, by code points and without any locale."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space."""


def folded(text: str) -> str:
    """A text as `ignoring case` compares it: the full case folding of its NFC."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def trimmed(text: str) -> str:
    """A text without blanks at both ends."""
    return text.strip(BLANKS)


RESPELLINGS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": trimmed, "folded": folded}
"""The functions that give a text; `folded` is what `ignoring case` stands for."""
