"""Compiled code on disk: in a folder of the user's own, made once by whoever needs it first, and never half there.

Whoever can write to the folder can run code as the user. So it is made for the user alone, and not used where it belongs to
somebody else, others can write to it, or it is reached through somebody else's link: then code is compiled for each process, and
a warning says why. `SEGKERNEL_CACHE` names another folder; `off`, it switches keeping off.

A folder holds one *generation*: code for one state of the kernel's sources, of Numba, LLVM, Python and the processor. Each entry is one
file with a checksum, written beside its place and renamed. A lock that the system takes back when its holder dies lets one process
compile while others wait for the result.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from llvmlite import binding

try:
    import fcntl
except ImportError:  # Windows: two processes may compile the same, and the last one's file stays
    fcntl = None  # type: ignore[assignment]

OFF = ("off", "")
GENERATIONS = 16
"""How many generations stay at most, the one in use among them."""
UNUSED_DAYS = 30
"""After how many days without use a generation goes."""
_MAGIC = b"segkernel code 1\n"
_DAY = 86_400
_READ, _WRITE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_EXCL
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HELD = os.open in os.supports_dir_fd  # whether files are named within an open folder, which nobody can swap meanwhile


class Folder:
    """An open folder that was found to be the user's own. `path` is for messages, `name` of a file is within it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = os.open(path, _READ | os.O_DIRECTORY | _PLAIN) if _HELD else None
        try:
            found = path.stat() if self._open is None else os.fstat(self._open)
            refused = _not_own(found, "it")
        except OSError:
            self.close()
            raise
        if refused:
            self.close()
            raise Unsafe(refused)

    def close(self) -> None:
        """Lets go of the folder."""
        if self._open is not None:
            os.close(self._open)

    def open(self, name: str, flags: int) -> int:
        """Opens one of its files, for its owner alone."""
        if self._open is None:
            return os.open(self.path / name, flags | _PLAIN, 0o600)
        return os.open(name, flags | _PLAIN, 0o600, dir_fd=self._open)

    def rename(self, name: str, to: str) -> None:
        """Renames one of its files; another one of that name goes."""
        if self._open is None:
            os.replace(self.path / name, self.path / to)
        else:
            os.replace(name, to, src_dir_fd=self._open, dst_dir_fd=self._open)

    def remove(self, name: str) -> None:
        """Removes one of its files."""
        if self._open is None:
            os.unlink(self.path / name)
        else:
            os.unlink(name, dir_fd=self._open)


class Unsafe(Exception):
    """A folder that is not used, with the reason."""


def kept(folder: Folder | None, name: str, make: Callable[[], bytes]) -> bytes:
    """The code that a folder keeps under a name; where it has none, or a damaged one, what `make` gives, which it then keeps."""
    if folder is None:
        return make()
    found = _read(folder, name)
    if found is not None:
        return found
    with _locked(folder, f"{name}.lock"):
        found = _read(folder, name)
        if found is not None:
            return found
        made = make()
        try:
            _write(folder, name, made)
        except OSError as error:
            _warn(f"{folder.path} cannot be written: {error.strerror or error}")
        return made


@cache
def opened() -> Folder | None:
    """This process's generation of code, made if need be; None where there is none that is safe."""
    named = os.environ.get("SEGKERNEL_CACHE")
    if named is not None and named.strip().lower() in OFF:
        return None
    try:
        base = Path(os.path.realpath(_usual() if named is None else Path(named).expanduser()))
        return generation(base, _digest())
    except Unsafe as error:
        _warn(str(error))
    except (OSError, RuntimeError) as error:  # RuntimeError where nobody knows a home
        _warn(f"there is no folder for them: {error}")
    return None


def generation(base: Path, name: str) -> Folder:
    """A generation's folder within `base`, both made if need be; others that nobody has used for long go.

    Raises Unsafe for folders that are not the user's own, OSError where they cannot be made.
    """
    for missing in [each for each in reversed(base.parents) if not each.exists()]:
        missing.mkdir(exist_ok=True, mode=0o700)
    for above in base.parents:
        mode = above.stat().st_mode
        if os.name == "posix" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise Unsafe(f"everybody can replace what is in {above}")
    for folder in (base, base / name):
        try:
            fresh = folder == base / name and not folder.exists()
            folder.mkdir(exist_ok=True, mode=0o700)
            found = Folder(folder)
        except Unsafe as error:
            raise Unsafe(f"{folder}: {error}") from None
        if folder == base:
            found.close()
    if not os.access(base / name, os.W_OK) and not any((base / name).iterdir()):
        found.close()
        raise Unsafe(f"{base / name} cannot be written")
    with suppress(OSError):
        if fresh:
            _clear(base, name)
        elif time.time() - (base / name).stat().st_mtime > _DAY:
            os.utime(base / name)
    return found


def _usual() -> Path:
    """Where a user's programs keep what they can make again."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "segkernel" / "cache"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))  # one that depends on the working folder does not count, says its specification
    return (named if named.is_absolute() else Path.home() / ".cache") / "segkernel"


def _digest() -> str:
    """What compiled code depends on: the sources, the compilers and their settings, and the processor."""
    features = binding.get_host_cpu_features().flatten()
    settings = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("NUMBA_"))
    machine = (sys.version, platform.machine(), binding.get_process_triple(), binding.get_host_cpu_name(), features)
    digest = hashlib.sha256(repr((version("numba"), version("llvmlite"), *machine, settings)).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _not_own(found: os.stat_result, what: str) -> str:
    """Why a folder or file is not taken for the user's own; "" where it is."""
    if os.name != "posix":
        return ""
    if found.st_uid != os.geteuid():
        return f"{what} belongs to another user (number {found.st_uid})"
    if stat.S_IMODE(found.st_mode) & 0o022:
        return f"other users can write to {what} (its mode is {stat.S_IMODE(found.st_mode):o}; 700 is safe)"
    return ""


def _warn(reason: str) -> None:
    warnings.warn(
        f"compiled kernels are not kept, so that each process compiles them anew: {reason}. "
        'SEGKERNEL_CACHE can name a folder of your own, or be "off"',
        RuntimeWarning,
        stacklevel=2,
    )


def _read(folder: Folder, name: str) -> bytes | None:
    """What is kept under a name; None where nothing is, or what is there is damaged or not the user's own."""
    try:
        file = folder.open(name, _READ)
    except OSError:
        return None
    with os.fdopen(file, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or _not_own(found, name):
            return None
        try:
            data = stream.read()
        except OSError:
            return None
    begin = len(_MAGIC) + 32
    content = data[begin:]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(content).digest() != data[len(_MAGIC) : begin]:
        return None
    return content


def _write(folder: Folder, name: str, content: bytes) -> None:
    """Puts a file into its place when it is whole."""
    beside = f"{name}.{os.getpid()}.new"
    with suppress(FileNotFoundError):
        folder.remove(beside)
    try:
        with os.fdopen(folder.open(beside, _WRITE), "wb") as stream:
            stream.write(_MAGIC + hashlib.sha256(content).digest() + content)
            stream.flush()
            os.fsync(stream.fileno())
        folder.rename(beside, name)
    except OSError:
        with suppress(OSError):
            folder.remove(beside)
        raise


@contextmanager
def _locked(folder: Folder, name: str) -> Iterator[None]:
    """Holds a lock of all processes; where there are none, on some network drives, several may do the same at once."""
    try:
        file = folder.open(name, os.O_RDWR | os.O_CREAT)
    except OSError:
        yield
        return
    try:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.lockf(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _clear(base: Path, name: str) -> None:
    """Removes the generations that were not used for long, and beyond the latest few."""
    others = [each for each in os.scandir(base) if re.fullmatch("[0-9a-f]{16}", each.name) and each.name != name]
    dated = sorted(((each.stat(follow_symlinks=False).st_mtime, each.path) for each in others), reverse=True)
    for place, (used, path) in enumerate(dated, 2):
        if place > GENERATIONS or time.time() - used > UNUSED_DAYS * _DAY:
            shutil.rmtree(path, ignore_errors=True)
