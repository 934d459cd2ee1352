"""A caller that has nearly used up the stack of Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def with_little_stack(left: int, call: Callable[[], Found]) -> Found:
    """What a function gives where just so many calls inside one another are left to it."""

    def sink(depth: int) -> Found:
        return sink(depth - 1) if depth > 0 else call()

    frame, used = sys._getframe(), 0
    while frame.f_back is not None:
        frame, used = frame.f_back, used + 1
    return sink(sys.getrecursionlimit() - used - left)
