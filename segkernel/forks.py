"""What a forked process has to make anew, and what it must not do.

A fork copies one thread. Locks that others held stay shut in the copy, what they were making is never done, and Polars waits for threads
that are not there. What segkernel keeps renews itself here; what needs Polars is refused before it hangs.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from segkernel.errors import Error

_HOME = os.getpid()


class Renewed(Protocol):
    """Something with locks, or with work that threads share."""

    def renew(self) -> None:
        """Makes locks anew and forgets what others were about to make."""


_things: weakref.WeakSet[Renewed] = weakref.WeakSet()


def forked() -> bool:
    """Whether this process was forked from one that had loaded this module."""
    return os.getpid() != _HOME


def refuse(what: str) -> None:
    """Raises `Error` in a forked process; `what` begins the sentence, such as "reading data"."""
    if forked():
        raise Error(
            f"{what} takes Polars, which never answers in a forked process: do it before the fork, or start processes by "
            '"spawn" or "forkserver" (multiprocessing.set_start_method)'
        )


def remember(thing: Renewed) -> None:
    """Has something renewed in each process that is forked from here on, for as long as it lives."""
    _things.add(thing)


def _renew() -> None:
    for thing in list(_things):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
