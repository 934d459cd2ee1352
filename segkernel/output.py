"""The files of a run, written so that a reader never sees half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from segkernel.errors import Error
from segkernel.leftovers import clear, held

if TYPE_CHECKING:
    import polars as pl

MEMBERSHIPS, CHANGES, VALUE_CHANGES = "memberships.parquet", "changes.parquet", "value_changes.parquet"
SUMMARY, RUN = "summary.json", "run.json"
_TABLES = (MEMBERSHIPS, CHANGES, VALUE_CHANGES)
ROW_GROUP = 1 << 18
_SYSTEM = re.compile(r"\(os error (\d+)\)")


class Written(msgspec.Struct, frozen=True):
    """A file as it was written: its size and the BLAKE2b digest (32 hexadecimal digits) of its bytes."""

    bytes: int
    blake2b: str


class Table(msgspec.Struct, frozen=True, eq=False):
    """The rows of a Parquet file, one frame or some after the other, of which each may be dropped when the next is asked for; and what
    tells, behind the last, the texts that the file's metadata are to hold."""

    rows: pl.DataFrame | Iterator[pl.DataFrame]
    metadata: Callable[[], Mapping[str, str]] = dict


def write(
    folder: Path, tables: Mapping[str, Table], summary: Callable[[], Mapping[str, Any]], run: Callable[[], Mapping[str, Any]]
) -> dict[str, Written]:
    """Write tables, `summary.json` and `run.json` into a folder, which is made if need be.

    `tables` are some of `memberships.parquet`, `changes.parquet` and `value_changes.parquet`; `summary` and `run` are asked, in this
    order, when the rows of all tables have been. Each file goes to a
    temporary name beside its own and to the disk; only when all are there are they renamed, `run.json` last, which holds
    size and digest of the others; two runs into one folder rename one after the other. Tables of an earlier run that
    this one does not have are removed, so that what lies in the folder belongs together. The bytes of all but `run.json`
    depend on their content only.
    Raises `Error` naming the file and the system's reason; no temporary file stays behind, whatever stops it,
    but when the process is killed: then a later run removes it.
    """
    ready(folder)
    temporary: dict[str, Path] = {}
    written: dict[str, Written] = {}
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        _guarded(folder, lambda: folder.mkdir(parents=True, exist_ok=True))
        clear(folder)
        for name, table in tables.items():
            _put(folder / name, partial(parquet, table), temporary, written)
        _put(folder / SUMMARY, lambda file: file.write(document(summary())), temporary, written)
        whole = {**run(), "files": {name: msgspec.structs.asdict(file) for name, file in written.items()}}
        _put(folder / RUN, lambda file: file.write(document(whole)), temporary, written)
        with held(folder), _undisturbed():
            for name in list(temporary):
                if name == RUN:
                    for stale in (folder / other for other in _TABLES if other not in tables):
                        _guarded(stale, partial(stale.unlink, missing_ok=True))
                _guarded(folder / name, partial(os.replace, temporary[name], folder / name))
                del temporary[name]
            _guarded(folder, lambda: _sync_folder(folder))
    finally:
        while temporary:
            try:
                _remove(temporary)
            except KeyboardInterrupt:
                continue  # the first goes on its way
        with suppress(OSError):  # The system removes empty folders only
            for each in made:
                each.rmdir()
    return written


def save(path: Path, table: Table) -> None:
    """Write one Parquet file: to a temporary name beside its own, to the disk, then renamed; the same bytes for the same content.

    Raises `Error` naming the file and the system's reason; an earlier file of that name then stays as it was.
    """
    if path.is_dir():
        raise Error(f"cannot write {path}: {os.strerror(errno.EISDIR)}")
    temporary: dict[str, Path] = {}
    try:
        _put(path, partial(parquet, table), temporary, {})
        _guarded(path, lambda: os.replace(temporary[path.name], path))
        del temporary[path.name]
        _guarded(path, lambda: _sync_folder(path.parent))
    finally:
        while temporary:
            try:
                _remove(temporary)
            except KeyboardInterrupt:
                continue  # the first goes on its way


def ready(folder: Path) -> None:
    """Whether files can be written into a folder that may not be there yet; nothing is made.

    Raises `Error` where its nearest existing parent is not a folder that may be written to, or a folder has the name of a file.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
    if not there.is_dir():
        raise Error(f"cannot write {folder}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise Error(f"cannot write {folder}: {os.strerror(errno.EACCES)}")
    for name in (*_TABLES, SUMMARY, RUN):
        if (folder / name).is_dir():
            raise Error(f"cannot write {folder / name}: {os.strerror(errno.EISDIR)}")


def document(content: Mapping[str, Any]) -> bytes:
    """JSON as it is written: two spaces of indentation, keys in the order given, a line break at the end."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def parquet(table: Table, file: Any) -> None:
    """Rows as Parquet, the same bytes for the same content however it is cut into frames and chunks: about a row group is in memory."""
    import polars as pl
    from polars.io.plugins import register_io_source

    # The numbering of a Categorical depends on what the process has seen before
    frames = iter([table.rows]) if isinstance(table.rows, pl.DataFrame) else table.rows
    groups = _row_groups(frame.with_columns(pl.col(pl.Categorical).cast(pl.String)) for frame in frames)
    first = next(groups)
    making = threading.Lock()
    stopped = False

    def rows(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal first
        yield first
        first = first.clear()
        while True:
            with making:
                frame = None if stopped else next(groups, None)
            if frame is None:
                return
            yield frame

    def metadata(_: object) -> dict[str, str]:
        with making:
            return {} if stopped else dict(table.metadata())

    source = register_io_source(rows, schema=first.schema, is_pure=False)
    try:
        source.sink_parquet(
            file,
            compression="zstd",
            compression_level=3,
            row_group_size=ROW_GROUP,
            statistics=True,
            metadata=metadata,
            maintain_order=True,
            engine="streaming",
        )
    except BaseException:
        # A thread of Polars' may still be at rows or metadata, and would abort the process if that ended meanwhile
        while not stopped:
            try:
                with making:
                    stopped = True
            except KeyboardInterrupt:
                continue  # told twice, see `_remove`
        raise


def _row_groups(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of one chunk and a row group each: pages would show where others end."""

    rest: list[pl.DataFrame] = []
    for frame in frames:
        rest.append(frame)
        while (missing := sum(each.height for each in rest) - ROW_GROUP) > 0:
            last = rest[-1]
            yield _whole([*rest[:-1], last[: last.height - missing]])
            rest = [last[last.height - missing :]]
    yield _whole(rest)


def _whole(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Frames as one of a single chunk, also behind lists: a slice of them would bring the items of others along."""
    import polars as pl
    import polars.selectors as cs

    lists = [each for frame in frames for each in (frame.select(cs.list())[:1], frame.select(cs.list())[1:])]
    return pl.concat(frames, rechunk=True).with_columns(pl.concat(lists, rechunk=True))


def _remove(temporary: dict[str, Path]) -> None:
    """Remove what temporary files are left. One Ctrl-C can be told twice, by Polars and by Python: the second may stop this before it has
    begun, and then it is called again."""
    while temporary:
        name = next(iter(temporary))
        with suppress(OSError):
            temporary[name].unlink()
        del temporary[name]


def _put(path: Path, fill: Callable[[Any], object], temporary: dict[str, Path], written: dict[str, Written]) -> None:
    def put() -> None:
        name = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
        temporary[path.name] = name
        with os.fdopen(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), "w+b") as file, held(name):
            fill(file)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.blake2b(digest_size=16)
            while block := file.read(1 << 20):
                digest.update(block)
            written[path.name] = Written(os.fstat(file.fileno()).st_size, digest.hexdigest())

    _guarded(path, put)


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until what is within is done: files of two runs never stay side by side."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
        if heard:
            raise KeyboardInterrupt


def _guarded(path: Path, action: Callable[[], object]) -> None:
    """Do something to a path; the system's refusal becomes an `Error` with a plain sentence."""
    try:
        action()
    except OSError as error:
        raise Error(f"cannot write {path}: {reason(error)}") from None
    except Exception as error:
        # Polars wraps what the system says into errors of its own; an Error tells of what was read meanwhile
        if isinstance(error, Error) or _SYSTEM.search(str(error)) is None:
            raise
        raise Error(f"cannot write {path}: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """What the system says in an error, without the path and the number."""
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    found = _SYSTEM.search(str(error))
    return os.strerror(int(found.group(1))) if found else str(error).splitlines()[0]
