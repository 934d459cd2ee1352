"""From rule text and files to checked rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from segdsl.diagnostics import Diagnostic
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.schema import Schema
from segdsl.source import Source
from segdsl.syntax import File
from segkernel.errors import Error
from segkernel.functions import Function
from segkernel.instants import zone
from segkernel.rule_files import sources
from segkernel.rules import Rules, checked_against


def compile(
    rules: str | Path | Sequence[Path],
    schema: Schema,
    timezone: str | None = None,
    params: Mapping[str, Any] | None = None,
    functions: Sequence[Any] = (),
    limits: Limits | None = None,
) -> Rules:
    """Read and check rules: a `str` is rule text, a `pathlib.Path` or a list of them are files, all sharing one set of names.

    `timezone` stands in for the schema's. `functions` are the host's own that rules may call, each a `sk.Function`. `params`
    override the values of `param` statements: Python values of the declared kind, or rule literals as text
    (`{"quiet": "30 days"}`). `limits` bound text and trees.
    Raises `RuleError` with every mistake and its place in `.diagnostics`; `Error` for files that cannot be read.
    """
    limits = Limits() if limits is None else limits
    for given, kind, wanted in (
        (schema, Schema, "schema is a sk.Schema, such as data.schema"),
        ("" if timezone is None else timezone, str, 'timezone is a text such as "Europe/Berlin"'),
        ({} if params is None else params, Mapping, "params are a mapping of names to values"),
        (functions, Iterable, "functions are a list of sk.Function"),
        (limits, Limits, "limits are a sk.Limits"),
    ):
        if not isinstance(given, kind):
            raise Error(f"{wanted}, not {type(given).__name__}")
    hosts = _hosts(functions)
    if timezone is not None:
        schema = msgspec.structs.replace(schema, timezone=timezone)
    zone(schema.timezone)
    return compiled(sources(rules, limits), schema, params, hosts, limits)


def compiled(
    sources: tuple[Source, ...],
    schema: Schema,
    params: Mapping[str, Any] | None = None,
    hosts: dict[str, Function] | None = None,
    limits: Limits | None = None,
) -> Rules:
    """The rules of some texts that share one set of names; `hosts` are the host's functions by name, else as `compile`."""
    limits = limits or Limits()
    files: list[File] = []
    mistakes: list[Diagnostic] = []
    for number, source in enumerate(sources):
        file, found = parse(source.text, source.name, number, limits)
        files.append(file)
        mistakes += found
    return checked_against(tuple(files), sources, schema, dict(params or {}), limits, None, hosts or {}, tuple(mistakes))


def _hosts(functions: Sequence[Any]) -> dict[str, Function]:
    """The host's functions by name."""
    found: dict[str, Function] = {}
    for function in functions:
        if not isinstance(function, Function):
            raise Error(f"functions are a list of sk.Function, not of {type(function).__name__}")
        if found.setdefault(function.signature.name, function) is not function:
            raise Error(f'two functions are called "{function.signature.name}"')
    return found
