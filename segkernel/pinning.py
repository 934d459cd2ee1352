"""The types that data have, written into a project's settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.pinning import Pin, with_pins
from segdsl.project import parse as parse_settings
from segdsl.wording import statement_kind
from segkernel.errors import Error
from segkernel.inventory import Held, Inventory
from segkernel.output import reason
from segkernel.project import FILE, Project
from segkernel.rewriting import rewrite
from segkernel.rule_files import read_rules


class Pinned(msgspec.Struct, frozen=True):
    """The fields that were pinned, and those that were left out, each with the reason in words."""

    fields: tuple[Held, ...]
    left: tuple[tuple[Held, str], ...]


def pin(project: Project, found: Inventory) -> Pinned:
    """Pin the types of all fields found that are not pinned yet, in the project's settings; all else in the file stays as it is.

    Left out are columns that rules cannot use, those without any value, and those that a statement of the rules hides by its
    name, which would become a mistake. The file is replaced whole, so that no reader sees half of it, and not touched where
    there is nothing to pin. Raises `SchemaError` where the file has no place for a line, `Error` where it cannot be written.
    """
    taken = _taken(project.files)
    open_ = [(field, _reason(field, taken)) for field in found.fields if not field.pinned]
    chosen = tuple(field for field, why in open_ if why is None)
    if chosen:
        path = project.folder / FILE
        pins: dict[str, dict[str, Pin]] = {}
        for field in chosen:
            assert field.spec is not None
            pins.setdefault(field.table, {})[field.name] = Pin(field.spec.type, field.spec.column)
        try:
            before = path.read_bytes()
        except OSError as error:
            raise Error(f"cannot read {path}: {reason(error)}") from None
        after = with_pins(before.decode("utf-8"), pins, str(path))
        parse_settings(after, str(path))
        rewrite(path, after.encode())
    return Pinned(chosen, tuple((field, why) for field, why in open_ if why is not None))


def _reason(field: Held, taken: dict[str, str]) -> str | None:
    """Why a field is not pinned; None where it is."""
    if field.spec is None:
        return f"rules cannot use the type {field.data}"
    if field.data is None:
        return "its table has no source"
    if field.typeless:
        return "no row has a value, so its type cannot be told"
    if field.name in taken:
        return f"the rules have a {taken[field.name]} of this name"
    return None


def _taken(files: Sequence[Path]) -> dict[str, str]:
    """The names that statements have, with the word for the kind of each."""
    limits = Limits()
    sources = [read_rules(path, limits) for path in files]
    parsed = [parse(source.text, source.name, number, limits)[0] for number, source in enumerate(sources)]
    return {each.name.text: statement_kind(each) for file in parsed for each in file.statements}
