"""Giving a file of the user's new content, whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from segkernel.errors import Error
from segkernel.output import reason


def rewrite(path: Path, content: bytes) -> None:
    """Give a file new content, first under a temporary name and on the disk, then under its own.

    The file behind a symbolic link stays one, and keeps its permissions. Raises `Error`, with the file as it was, where it cannot be
    written.
    """
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.{os.urandom(8).hex()}.tmp")
    try:
        if not os.access(real, os.W_OK):
            raise PermissionError(13, os.strerror(13))
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, real.stat().st_mode & 0o7777)
        os.replace(temporary, real)
    except OSError as error:
        raise Error(f"cannot write {path}: {reason(error)}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
