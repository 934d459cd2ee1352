"""Every Numba option of the project, and where compiled code is kept.

`part` marks what kernels call, `entry` what Python calls. With `NUMBA_DISABLE_JIT=1` both leave plain Python functions.

Compiled code is cached in a folder of the user's own, named by a hash of the kernel sources, Numba, Python and the
processor: Numba's own check misses edits in imported modules, and its files are pickles, so a folder that others can
write to is never used. `SEGKERNEL_CACHE` names another folder; empty, it switches the cache off.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import sys
import threading
from collections.abc import Callable
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any

import numba
from numba.core import config as numba_config
from numba.core.caching import NullCache

config: Any = numba_config
njit: Any = numba.njit
JIT = not config.DISABLE_JIT
_OPTIONS = {"nogil": True, "boundscheck": False, "error_model": "numpy"}
_lock = threading.RLock()


@cache
def cache_folder() -> Path | None:
    """The folder for compiled code, made if need be; None where there is none that is safe."""
    named = os.environ.get("SEGKERNEL_CACHE")
    if named == "":
        return None
    try:
        base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segkernel"
        digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()} {config.CPU_NAME}".encode())
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        folder = base / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
        if hasattr(os, "getuid") and (found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022):
            return None
        return folder if os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):
        return None


def _keep_compiled(dispatcher: Any) -> None:
    """Let a dispatcher use the cache folder; Numba takes the place from its settings, so they are set just for that."""
    folder = cache_folder()
    if folder is None:
        return
    with _lock:
        before = config.CACHE_DIR
        config.CACHE_DIR = str(folder)
        try:
            dispatcher.enable_caching()
        except RuntimeError:
            return
        finally:
            config.CACHE_DIR = before


def part(function: Callable[..., Any]) -> Any:
    """A function that kernels call; without the wrappers that Python or C would need to call it."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A part that is merged into its callers: the optimiser then sees through it."""
    return njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)


def entry(*signatures: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function that Python calls. With signatures it is compiled for just these, at its first call; without, for each
    combination of types it meets."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        if not JIT:
            return function
        dispatcher = njit(**_OPTIONS)(function)
        ready = False

        def make_ready() -> None:
            nonlocal ready
            with _lock:
                if not ready:
                    _keep_compiled(dispatcher)
                    for signature in signatures:
                        _compile(dispatcher, signature)
                    if signatures:
                        dispatcher.disable_compile()
                    ready = True

        def call(*arguments: Any) -> Any:
            if not ready:
                make_ready()
            return dispatcher(*arguments)

        update_wrapper(call, function)
        call.dispatcher = dispatcher  # type: ignore[attr-defined]
        call.make_ready = make_ready  # type: ignore[attr-defined]
        return call

    return wrap


def _compile(dispatcher: Any, signature: str) -> None:
    """Compiles; a cache that cannot be written, on a full disk say, is left alone."""
    try:
        dispatcher.compile(signature)
    except OSError:
        dispatcher._cache = NullCache()
        dispatcher.compile(signature)


def prepare(function: Callable[..., Any]) -> None:
    """Compiles an entry now, on the caller's thread, where it can be interrupted."""
    if JIT:
        function.make_ready()  # type: ignore[attr-defined]
