"""Rule text with its name and its lines."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from segdsl.syntax import Span


class Source(msgspec.Struct, frozen=True):
    """One rule file: `name` as it is shown in messages, its `text`, and where its lines start."""

    name: str
    text: str
    starts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        msgspec.structs.force_setattr(self, "starts", tuple(starts))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def snippet(self, span: Span) -> str:
        """The characters of a span."""
        return self.text[span.start : span.end]
