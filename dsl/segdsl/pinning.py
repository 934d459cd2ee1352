"""Fields added to the text of a project file, all else in it left as it stands.

The standard library reads TOML and does not write it. Lines are put where a person would put them, and the reader then has to
find exactly the settings that were there and the new ones; else the next place is tried.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from segdsl.errors import SchemaError
from segdsl.typesystem import Type

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_Path = tuple[str, ...]


class Pin(msgspec.Struct, frozen=True):
    """A field to be pinned: its type, and the data's name for it where that is another."""

    type: Type
    column: str | None = None


def with_pins(text: str, pins: Mapping[str, Mapping[str, Pin]], name: str = "segkernel.toml") -> str:
    """The text of a project file with further pinned fields: by table, then by field; comments, order and line ends stay.

    A table's fields go behind those that it has, else into a section of their own behind the table's other settings.
    `text` is a project file that can be read and has these tables, but not these fields. Raises `SchemaError`, with the lines to
    be added by hand, where fields are written so that no line can be added, which an inline table in braces is.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix(mark)
    for table, fields in pins.items():
        if fields:
            body = _added(body, table, fields, name)
    return mark + body


def type_text(type_: Type) -> str:
    """A type as a project file writes it, in the words of the reference: `whole number`, `list of text`."""
    if type_.item is not None:
        return f"list of {type_text(type_.item)}"
    return "whole number" if type_.kind == "whole" else str(type_)


def _added(text: str, table: str, fields: Mapping[str, Pin], name: str) -> str:
    wanted = tomllib.loads(text)
    known: dict[str, Any] = wanted["tables"][table].setdefault("fields", {})
    for called, pin in fields.items():
        known[called] = {"type": type_text(pin.type), **({"column": pin.column} if pin.column is not None else {})}
    section = ("tables", table, "fields")
    lines = [
        f"{_key(called)} = {{ {', '.join(f'{key} = {_quoted(value)}' for key, value in known[called].items())} }}" for called in fields
    ]
    for changed in _candidates(text, section, lines):
        try:
            if tomllib.loads(changed) == wanted:
                return changed
        except tomllib.TOMLDecodeError:
            continue
    by_hand = "\n".join(f"    {line}" for line in lines)
    raise SchemaError(f"{name}: no line can be added to the fields of {table}, as they are written; add these by hand:\n{by_hand}")


def _candidates(text: str, section: _Path, lines: Sequence[str]) -> Iterator[str]:
    """The text with the lines in one place after another, the likeliest first."""
    rows = text.split("\n")
    headers = _headers(rows)
    titled = [f"[{_dotted(section)}]", *lines]
    for at, path in headers:
        if path == section:
            yield from (_inserted(rows, place, lines) for place in _ends(rows, headers, at))
    for at, path in reversed(headers):
        if path[:2] == section[:2]:
            yield from (_inserted(rows, place, titled) for place in _ends(rows, headers, at))
    for at, path in reversed([(-1, ()), *headers]):
        if path == section[: len(path)]:
            dotted = [f"{_dotted(section[len(path) :])}.{line}" for line in lines]
            yield from (_inserted(rows, place, dotted) for place in _ends(rows, headers, at))
    yield _inserted(rows, len(rows), ["", *titled])


def _headers(rows: Sequence[str]) -> list[tuple[int, _Path]]:
    """Rows that read as the head of a section, with its path; within a text of several lines that can be a mistake."""
    found: list[tuple[int, _Path]] = []
    for at, row in enumerate(rows):
        if row.lstrip().startswith("["):
            try:
                settings: Any = tomllib.loads(row.rstrip("\r"))
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            path: list[str] = []
            while isinstance(settings, dict) and settings:
                path.append(next(iter(settings)))
                settings = settings[path[-1]]
            found.append((at, tuple(path)))
    return found


def _ends(rows: Sequence[str], headers: Sequence[tuple[int, _Path]], head: int) -> Iterator[int]:
    """Where the section of a head may end: behind its last setting before one of the heads that follow, the nearest first."""
    for following in (*(at for at, _ in headers if at > head), len(rows)):
        end = following
        while end - 1 > head and (not rows[end - 1].strip() or rows[end - 1].lstrip().startswith("#")):
            end -= 1
        yield end


def _inserted(rows: Sequence[str], at: int, lines: Sequence[str]) -> str:
    end = "\r" if rows[0].endswith("\r") else ""
    before, after = list(rows[:at]), list(rows[at:])
    if not after:
        # the last row had no line break
        before, after = ([*before[:-1], before[-1].removesuffix("\r") + end] if before[-1] else before[:-1]), [""]
    return "\n".join([*before, *(line + end for line in lines), *after])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _dotted(path: _Path) -> str:
    return ".".join(_key(part) for part in path)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
