"""A membership in one Parquet file: what its metadata say, and how one is read back from a file that nobody vouches for."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

import segkernel
from segdsl.project import type_of
from segdsl.schema import FieldSpec, Schema, Table
from segdsl.typesystem import WHOLE
from segkernel import choices, forks, listings
from segkernel.choices import Choice
from segkernel.data import arrow, digest, physical
from segkernel.errors import Error, SnapshotError
from segkernel.instants import zone
from segkernel.membership import Membership
from segkernel.output import reason
from segkernel.tally import Fingerprints, Origin, Tally
from segkernel.textual import visible

FORMAT = 1
ENTRY, SEAL = "segkernel", "segkernel.blake2b"
"""The entries in the Parquet file's key/value metadata: the `Document` as JSON, and the digest of that text."""
MOST_FOOTER = 1 << 28
MOST_METADATA = 1 << 26
_MOST_DIGITS = 64
_EARLIEST, _LATEST = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9
_MAGIC = b"PAR1"
_END = 8
_AGAIN = "save the membership again"
_T = TypeVar("_T")


class Segment(msgspec.Struct, frozen=True, tag_field="kind", tag="segment"):
    """A Boolean column: what it means, how many accounts it has, and for how many its condition is unknown, if that was counted."""

    name: str
    fingerprint: str
    accounts: int
    unknown: int | None


class Value(msgspec.Struct, frozen=True):
    """A value of a choose or a collect as people read it, exactly (decimals, dates and times as whole numbers), and how many
    accounts have it."""

    value: str
    exact: str
    accounts: int


class Choose(msgspec.Struct, frozen=True, tag_field="kind", tag="choose"):
    """A column of values in the order written, of the language's `type`; `none` counts the accounts without one."""

    name: str
    fingerprint: str
    type: str
    values: tuple[Value, ...]
    none: int


class Collect(msgspec.Struct, frozen=True, tag_field="kind", tag="collect"):
    """A column of lists of values of the language's `type`, in the order written; `none` counts the accounts whose list is empty."""

    name: str
    fingerprint: str
    type: str
    values: tuple[Value, ...]
    none: int


class Orphans(msgspec.Struct, frozen=True):
    """How many rows of a table have a link value that nobody has."""

    table: str
    link: str
    rows: int


class Prints(msgspec.Struct, frozen=True):
    """What the membership was made from, and the digest of what its rows hold: keys, bits, codes and lists."""

    rules: str
    schema: str
    data: str | None
    content: str


class Document(msgspec.Struct, frozen=True):
    """All that a file says of itself: `as_of_ns` is the instant in nanoseconds since 1970-01-01T00:00Z, `as_of` the same as text."""

    format: int
    segkernel: str
    as_of: str
    as_of_ns: int
    timezone: str
    root: str
    accounts: int
    key: tuple[str, ...]
    names: tuple[Segment | Choose | Collect, ...]
    orphans: tuple[Orphans, ...]
    fingerprints: Prints


class _Version(msgspec.Struct):
    format: int


def metadata(result: Membership) -> dict[str, str]:
    """The entries of a Parquet file's metadata that make a membership of it: the same texts for the same content."""
    content = Content()
    content.add(result)
    return content.metadata(result.tally)


class Content:
    """What the rows of a membership hold, which may come in parts of some accounts after the other: all but the last a multiple of 64."""

    def __init__(self) -> None:
        self._keys: digest.Growing | None = None
        self._names: dict[str, Any] = {}
        self._about: Membership | None = None

    def add(self, part: Membership) -> None:
        """The next accounts."""
        if self._keys is None:
            types = {name: FieldSpec(physical.logical(dtype) or WHOLE) for name, dtype in part.keys.schema.items()}
            self._keys = digest.Growing(Schema("keys", {"keys": Table(types, tuple(types))}))
            self._names = {name: hashlib.blake2b(digest_size=32) for name in part.names}
            self._about = part.about(part.keys.clear(), {}, {}, {})
        self._keys.add("keys", part.keys)
        for name, found in self._names.items():
            rows: NDArray[Any]
            if name in part.codes:
                rows = np.asarray(part.codes[name], np.uint32)
            else:
                rows = part.bits[name] if name in part.bits else part.lists[name].T
            found.update(np.ascontiguousarray(rows).data)

    def digest(self) -> str:
        """A digest of rows in their order: the keys, by value and by type as rules see it, then bits, codes and the bits of lists."""
        assert self._keys is not None
        whole = hashlib.blake2b(self._keys.fingerprint().encode(), digest_size=32)
        for found in self._names.values():
            whole.update(found.digest())
        return whole.hexdigest()

    def metadata(self, tally: Tally) -> dict[str, str]:
        """The entries of a Parquet file's metadata, when all parts were added; `tally` are the numbers of all accounts."""
        assert self._about is not None
        prints, meanings = tally.fingerprints, self._about.meanings
        document = Document(
            format=FORMAT,
            segkernel=segkernel.__version__,
            as_of=tally.as_of,
            as_of_ns=tally.as_of_ns,
            timezone=tally.timezone,
            root=tally.root,
            accounts=tally.accounts,
            key=tuple(self._about.keys.columns),
            names=tuple(_described(tally, name, meanings[name]) for name in tally.names),
            orphans=tuple(Orphans(table, link, rows) for (table, link), rows in sorted(tally.orphans.items())),
            fingerprints=Prints(prints.rules, prints.schema, prints.data, self.digest()),
        )
        text = msgspec.json.encode(document).decode()
        return {ENTRY: text, SEAL: _seal(text)}


def load(path: str | Path) -> Membership:
    """The membership that `result.save` or `segkernel run` (wide layout) has written to a file.

    Nothing in the file is trusted: it is refused with a `SnapshotError` that says what was expected and what was found
    where it cannot be read, is cut off, is Parquet of another origin or of another version's format, or where its
    columns, types, values or numbers of accounts are not the ones that its metadata tell.
    """
    forks.refuse("loading a membership")
    path = Path(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise SnapshotError(f"cannot read {path}: {reason(error)}") from None
    document = _document(path, content)
    known = _known(path, document)
    _same_columns(path, document, known, _guarded(path, lambda: pl.read_parquet_schema(content)))
    rows = _guarded(path, lambda: pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item())
    if rows != document.accounts:
        _refuse(path, f"{document.accounts:,} accounts, as its metadata say, found {rows:,}")
    frame = _guarded(path, lambda: pl.read_parquet(content))
    bits: dict[str, NDArray[np.uint64]] = {}
    codes: dict[str, NDArray[Any]] = {}
    lists: dict[str, NDArray[np.uint64]] = {}
    for item in document.names:
        if isinstance(item, Segment):
            bits[item.name] = _bits(path, frame[item.name], item.accounts)
        elif isinstance(item, Choose):
            codes[item.name] = _codes(path, frame[item.name], item, known[item.name], document.timezone)
        else:
            lists[item.name] = _lists(path, frame[item.name], item, known[item.name], document.timezone)
    segments = [item for item in document.names if isinstance(item, Segment)]
    counted = all(item.unknown is not None for item in segments)
    prints = document.fingerprints
    origin = Origin(
        names=tuple(item.name for item in document.names),
        root=document.root,
        chooses={name: known[name] for name in codes},
        collects={name: known[name] for name in lists},
        as_of_ns=document.as_of_ns,
        timezone=document.timezone,
        orphans={(item.table, item.link): item.rows for item in document.orphans},
        fingerprints=lambda: Fingerprints(prints.rules, prints.schema, prints.data),
        meanings=lambda: {item.name: item.fingerprint for item in document.names},
    )
    counts = {item.name: item.accounts for item in segments}
    unknown = {item.name: item.unknown or 0 for item in segments} if counted else None
    found = Membership(origin, frame.select(document.key), bits, codes, lists, counts, unknown)
    held = Content()
    held.add(found)
    if held.digest() != prints.content:
        _refuse(path, "the rows that were saved, found others (their digest differs)")
    return found


def _described(tally: Tally, name: str, meaning: str) -> Segment | Choose | Collect:
    if tally.kind(name) == "segment":
        return Segment(name, meaning, tally.count(name), tally.unknown(name))
    kind, choice = (Choose, tally.chooses[name]) if name in tally.chooses else (Collect, tally.collects[name])
    counted = tally.values(name)
    spelt = [value if isinstance(value, str) else repr(value) for value in choice.values]
    values = tuple(Value(str(text), exact, count) for (text, count), exact in zip(counted[:-1], spelt, strict=True))
    return kind(name, meaning, str(choice.type), values, counted[-1][1])


def _seal(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _document(path: Path, content: bytes) -> Document:
    """The metadata of a file, decoded and held against themselves."""
    footer = int.from_bytes(content[-_END : -len(_MAGIC)], "little")
    if content[: len(_MAGIC)] != _MAGIC or content[-len(_MAGIC) :] != _MAGIC or not 0 < footer <= len(content) - len(_MAGIC) - _END:
        raise SnapshotError(f"{path}: expected a Parquet file with a saved membership, found another file, or one that was cut off")
    if footer > MOST_FOOTER:
        raise SnapshotError(f"{path}: expected a footer of at most {MOST_FOOTER:,} bytes, found {footer:,}")
    entries = _guarded(path, lambda: pl.read_parquet_metadata(content))
    text = entries.get(ENTRY)
    if text is None:
        raise SnapshotError(
            f"{path}: expected a membership that result.save or `segkernel run` (wide layout) wrote, "
            f'found Parquet without the entry "{ENTRY}" in its metadata'
        )
    if len(text) > MOST_METADATA:
        raise SnapshotError(f"{path}: expected metadata of at most {MOST_METADATA:,} characters, found {len(text):,}")
    try:
        version = msgspec.json.decode(text, type=_Version).format
        if version != FORMAT:
            newer = "it was written by another version of segkernel: read it with that one, or save it again with this one"
            raise SnapshotError(f"{path}: expected format {FORMAT} of a saved membership, found {version}; {newer}")
        if entries.get(SEAL) != _seal(text):
            _refuse(path, "metadata with the digest that was saved, found another one")
        document = msgspec.json.decode(text, type=Document)
        zone(document.timezone)
    except (msgspec.DecodeError, UnicodeError, RecursionError, Error) as error:
        if isinstance(error, SnapshotError):
            raise
        raise SnapshotError(f"{path}: its metadata are damaged: {visible(str(error))}; {_AGAIN}") from None
    names = [*document.key, *(item.name for item in document.names)]
    if not document.key or len(set(names)) != len(names):
        _refuse(path, "a key and names that differ from each other, found a name twice or no key")
    if not _EARLIEST <= document.as_of_ns < _LATEST:
        _refuse(path, f"an instant of the years 1 to 9999, found {document.as_of_ns} nanoseconds since 1970")
    return document


def _known(path: Path, document: Document) -> dict[str, Choice]:
    """The values of all chooses and collects."""
    found = {}
    for item in document.names:
        if isinstance(item, Choose | Collect):
            try:
                found[item.name] = _choice(item)
                choices.lookup(found[item.name], document.timezone)
                choices.texts(found[item.name], document.timezone)
            except (ValueError, TypeError, ArithmeticError, RuntimeError, Error, pl.exceptions.PolarsError) as error:
                _refuse(path, f'values of the type {visible(item.type)} for "{visible(item.name)}", found others ({visible(str(error))})')
    return found


def _choice(item: Choose | Collect) -> Choice:
    """The values of a choose or a collect from their exact texts. Raises ValueError where they are none of its type, or not distinct."""
    type_ = type_of(item.type)
    values: list[Any] = []
    for text in (value.exact for value in item.values):
        match type_.kind if type_ is not None else None:
            case "text":
                values.append(text)
            case "yes/no" if text in ("True", "False"):
                values.append(text == "True")
            case "number" if isfinite(float(text)):
                values.append(float(text))
            case "whole" | "decimal" | "date" | "timestamp" if len(text) <= _MOST_DIGITS:
                values.append(int(text))
            case _:
                raise ValueError(f'"{text[:_MOST_DIGITS]}"')
    if type_ is None or len(set(values)) != len(values):
        raise ValueError("an unknown type, or a value twice")
    return Choice(type_, tuple(values))


def _same_columns(path: Path, document: Document, known: Mapping[str, Choice], found: Mapping[str, pl.DataType]) -> None:
    """Whether a file has the columns that its metadata tell, in their order and types."""
    names = [item.name for item in document.names]
    if list(found) != [*document.key, *names]:
        missing = next((name for name in (*document.key, *names) if name not in found), None)
        other = f"none called {missing}" if missing is not None else "more, or another order"
        _refuse(path, f"the {len(document.key) + len(names):,} columns that its metadata tell, found {visible(other)}")
    collects = {item.name for item in document.names if isinstance(item, Collect)}
    for name, dtype in found.items():
        if name in document.key:
            if physical.logical(dtype) is None:
                _refuse(path, f'a key of a type that rules can use in "{visible(name)}", found {dtype}')
            continue
        wanted: pl.DataType = choices.lookup(known[name], document.timezone).dtype if name in known else pl.Boolean()
        wanted = pl.List(wanted) if name in collects else wanted
        if dtype != wanted:
            _refuse(path, f'{wanted} in "{visible(name)}", found {dtype}')


def _bits(path: Path, column: pl.Series, accounts: int) -> NDArray[np.uint64]:
    if column.null_count():
        _refuse(path, f'true or false in each row of "{visible(column.name)}", found {column.null_count():,} missing')
    words = np.zeros(-(-len(column) // 64), np.uint64)
    packed = np.packbits(arrow.buffers(column)[0].astype(np.uint8, copy=False), bitorder="little")
    words.view(np.uint8)[: packed.size] = packed
    if column.sum() != accounts:
        _refuse(path, f'{accounts:,} accounts in "{visible(column.name)}", found {column.sum():,}')
    return words


def _codes(path: Path, column: pl.Series, item: Choose, choice: Choice, timezone: str) -> NDArray[Any]:
    """The code of each row's value."""
    known = choices.lookup(choice, timezone)
    coded = _coded(path, column, item, choice, known)
    codes = np.array(coded.fill_null(0).to_numpy(), np.uint8 if len(known) <= 256 else np.uint32)
    counts = np.bincount(codes, minlength=len(known)).tolist()
    if counts != [item.none, *(value.accounts for value in item.values)]:
        _refuse(path, f'the numbers of accounts that its metadata tell for the values of "{visible(item.name)}", found others')
    return codes


def _coded(path: Path, column: pl.Series, item: Choose | Collect, choice: Choice, known: pl.Series) -> pl.Series:
    """The codes of values, from 1 on; missing for a missing one."""
    numbered = pl.DataFrame({"value": known[1:], "code": np.arange(1, len(known), dtype=np.uint32)})
    if choice.type.kind == "text":
        coded = column.to_physical().cast(pl.UInt32) + 1
    else:
        coded = column.to_frame("value").join(numbered, on="value", how="left", maintain_order="left")["code"]
    if coded.null_count() != column.null_count():
        _refuse(path, f'the values of "{visible(item.name)}" that its metadata list, found another one')
    return coded


def _lists(path: Path, column: pl.Series, item: Collect, choice: Choice, timezone: str) -> NDArray[np.uint64]:
    """The bits of each value of a column of lists."""
    lengths = column.list.len()
    found = column.filter(lengths > 0).explode()
    if column.null_count() or found.null_count():
        _refuse(path, f'lists without gaps in each row of "{visible(item.name)}", found a missing one')
    counted = np.array(lengths.to_numpy(), np.int64)
    codes = np.array(_coded(path, found, item, choice, choices.lookup(choice, timezone)).to_numpy(), np.int64) - 1
    first = np.zeros(codes.size, np.bool_)
    first[np.cumsum(counted[counted > 0]) - counted[counted > 0]] = True
    if np.any((np.diff(codes, prepend=-1) <= 0) & ~first):
        _refuse(path, f'each value once and in order in the lists of "{visible(item.name)}", found another order')
    held = listings.bitmaps(codes, counted, len(choice.values))
    *accounts, none = listings.counts(held)
    if [none - (held.shape[1] * 64 - len(column)), *accounts] != [item.none, *(value.accounts for value in item.values)]:
        _refuse(path, f'the numbers of accounts that its metadata tell for the values of "{visible(item.name)}", found others')
    return held


def _guarded(path: Path, action: Callable[[], _T]) -> _T:
    """What Polars reads; bytes that are wrong become a plain sentence."""
    try:
        return action()
    except pl.exceptions.PanicException:
        said = "Polars gave up"
    except (pl.exceptions.PolarsError, OSError, ValueError, OverflowError, RuntimeError) as error:
        said = visible(reason(error))
    raise SnapshotError(f"{path}: the file is damaged: {said}; {_AGAIN}")


def _refuse(path: Path, what: str) -> NoReturn:
    raise SnapshotError(f"{path}: expected {what}; the file is damaged or was changed: {_AGAIN}")
