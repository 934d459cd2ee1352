"""One account at login: the rules' answers for a record, without tables."""

from __future__ import annotations

from segkernel.match.matching import Match, Matcher

__all__ = ["Match", "Matcher"]
