"""The door to the kernel: the functions that Python calls, found compiled on disk or compiled when they are first called.

    from segkernel.kernel.entries import rows

    rows.invert(order, positions)

Behind it stand the sources in the room of that name, which are loaded, and Numba with them, only to compile. With
`NUMBA_DISABLE_JIT=1` they run as plain Python.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from segkernel.kernel import machine_code, store

JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
NONE = np.uint32(0xFFFFFFFF)
"""The row of nobody."""
FEW = 254
"""So many different values are few."""
BLOCK = 1024
"""So many rows are read and encoded at once."""
BUCKETS = 8192
"""Into so many parts of equal size the space between the least and the greatest cut of ranks is divided."""
FLOATS = 9
"""Stands for the width of a column of floats that is ranked."""
BINS = 69
"""So many times 32 binary places hold the sum of any floats."""
DIGIT = 11
"""So many bits are sorted by at once."""

Compiled = Callable[[], list[machine_code.Code]]
sources: dict[tuple[str, str], tuple[Callable[..., Any], Compiled]] = {}
"""Of the rooms that are loaded, by room and name: the function as it is written, and what compiles it."""
PATIENCE = 1.0
"""Seconds of compiling after which a terminal is told."""


class Entry:
    """A function that Python calls, by its room and name. It may have several combinations of types."""

    def __init__(self, room: str, name: str) -> None:
        self.room, self.name = room, name
        self._by_types: dict[tuple[str, ...], Callable[..., Any]] = {}
        self._only: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function; other threads run meanwhile."""
        if self._only is not None:
            return self._only(*arguments)
        self.prepare()
        if self._only is not None:
            return self._only(*arguments)
        types = tuple(each.dtype.name for each in arguments if isinstance(each, np.ndarray))
        call = self._by_types.get(types)
        if call is None:
            raise TypeError(f"{self.room}.{self.name} takes no arrays of {', '.join(types)}")
        return call(*arguments)

    def bound(self, *arguments: Any) -> Callable[[], None]:
        """The call with just these arguments, of which arrays may change but not move, made ready to be repeated: it costs a few
        microseconds, where to look at all arguments again takes four times as many. Only of what has one combination of types, and gives
        nothing."""
        self.prepare()
        assert self._only is not None
        made: Callable[[], None] = self._only.bound(*arguments) if JIT else partial(self._only, *arguments)  # type: ignore[attr-defined]
        return made

    def prepare(self) -> None:
        """Loads the function, or compiles it."""
        if self._only is not None or self._by_types:
            return
        if not JIT:
            self._only = self._written()[0]
            return
        with _lock:
            if self._only is not None or self._by_types:
                return
            codes = machine_code.unpacked(store.kept(store.opened(), f"{self.room}.{self.name}", self._made))
            calls = [(code, machine_code.loaded(code)) for code in codes]
            if len(calls) == 1:
                self._only = calls[0][1]
            self._by_types = {tuple(each.kind for each in code.arguments if each.dimensions): call for code, call in calls}

    def _made(self) -> bytes:
        timer = threading.Timer(PATIENCE, _told)
        timer.daemon = True
        timer.start()
        try:
            return machine_code.packed(self._written()[1]())
        finally:
            timer.cancel()

    def _written(self) -> tuple[Callable[..., Any], Compiled]:
        if (self.room, self.name) not in sources:
            _load(self.room)
        return sources[self.room, self.name]


@cache
def entry_of(room: str, name: str) -> Entry:
    """The entry of that name, of which there is one."""
    return Entry(room, name)


class Room:
    """The functions of a room, by name, and its constants."""

    def __init__(self, name: str, **constants: Any) -> None:
        self.name = name
        self.constants = constants

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.constants[name] if name in self.constants else entry_of(self.name, name)


accumulators = Room("accumulators")
encoding = Room("encoding", FEW=FEW, BLOCK=BLOCK)
grouping = Room("grouping")
interpreter = Room("interpreter")
overlaps = Room("overlaps")
rows = Room("rows", NONE=NONE)
statistics = Room("statistics", BINS=BINS, DIGIT=DIGIT)
texts = Room("texts", NONE=NONE)
ranking = Room("ranking", BUCKETS=BUCKETS, FLOATS=FLOATS)
interpret: Entry = interpreter.interpret


def _told() -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        kept = ", once: the result is kept" if store.opened() else ""
        print(f"segkernel compiles its kernel for this machine, which takes a quarter of a minute{kept}", file=sys.stderr, flush=True)


def prepare_all() -> None:
    """Loads or compiles everything."""
    for room, name in json.loads(store.kept(store.opened(), "entries", _listed)) if JIT else ():
        entry_of(room, name).prepare()


def _listed() -> bytes:
    for room in (interpreter, accumulators, encoding, grouping, overlaps, ranking, rows, statistics, texts):
        _load(room.name)
    return json.dumps(sorted(sources)).encode()


def _load(room: str) -> None:
    """Loads the sources of a room, which enter themselves into `sources`."""
    match room:
        case "accumulators":
            import segkernel.kernel.accumulators
        case "encoding":
            import segkernel.kernel.encoding
        case "grouping":
            import segkernel.kernel.grouping
        case "interpreter":
            import segkernel.kernel.interpreter
        case "overlaps":
            import segkernel.kernel.overlaps
        case "rows":
            import segkernel.kernel.rows
        case "statistics":
            import segkernel.kernel.statistics
        case "texts":
            import segkernel.kernel.texts
        case "ranking":
            import segkernel.kernel.ranking  # noqa: F401


_lock = threading.RLock()


def _anew() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # A fork waits until nobody compiles or loads: the compiler's own locks would stay shut in the new process
    os.register_at_fork(before=lambda: _lock.acquire(), after_in_parent=lambda: _lock.release(), after_in_child=_anew)
