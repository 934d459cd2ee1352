"""How long a call may take."""

from __future__ import annotations

import math
import time

from segkernel.errors import Cancelled, Error


class Deadline:
    """The end of what may take `seconds` from now; without (None, or infinity), there is none.

    Raises `Error` for what is no number of seconds from 0 on.
    """

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and not (isinstance(seconds, (int, float)) and seconds >= 0):
            raise Error(f"deadline is a number of seconds from now, 0 or more, not {seconds!r}")
        self.seconds = math.inf if seconds is None else float(seconds)
        self._until = time.monotonic() + self.seconds

    @property
    def left(self) -> float | None:
        """The seconds left, 0 when it has passed; None without an end."""
        return None if self.seconds == math.inf else max(0.0, self._until - time.monotonic())

    def check(self, where: str = "before any account was evaluated") -> None:
        """Raises `Cancelled` when it has passed; `where` says how far things were."""
        if self.left == 0.0:
            raise Cancelled(f"stopped after {self.seconds:g} seconds, as asked, {where}")
