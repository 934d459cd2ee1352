"""What is left of runs that were killed, and how it is told from what others are at: by locks, which go with their holders."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove what another has open
    fcntl = None  # type: ignore[assignment]

PREFIX, SUFFIX = ".segkernel-", ".tmp"
"""Of temporary folders."""
_NAMED = re.compile(r"\.(segkernel-\w{8}|(\w+\.parquet|summary\.json|run\.json)\.[0-9a-f]{16})\.tmp")
_LEFT = 3600.0
"""Seconds after which what nobody holds is left: files wait for each other, each whole, until all are renamed."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps a file or folder from others that ask for the same, where the system has locks."""
    if fcntl is None:
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # Some network folders have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def clear(folder: Path) -> None:
    """Remove the temporary files and folders of runs that were killed: nobody holds them, and for an hour nobody has touched them."""
    for name in os.listdir(folder) if os.access(folder, os.R_OK) else []:
        path = folder / name
        with suppress(OSError):  # Another run may do the same
            if _NAMED.fullmatch(name) and time.time() - path.lstat().st_mtime > _LEFT and _free(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _free(path: Path) -> bool:
    """Whether nobody holds a file or folder. Raises OSError where somebody does, or the system cannot tell."""
    if fcntl is not None:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
    return True
