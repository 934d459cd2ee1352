"""The rule language of customer segments: text to syntax tree to checked tree, with every mistake told at its place."""

from typing import TYPE_CHECKING, Any

from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.diagnostics import Diagnostic, as_dicts, render
from segdsl.errors import Error, SchemaError, SchemaProblem
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.schema import Schema
from segdsl.source import Source

if TYPE_CHECKING:
    from segdsl.faces import UnreadableForm, UnreadableRules, format, from_json, to_json

__all__ = [
    "Diagnostic",
    "Error",
    "Limits",
    "Rules",
    "Schema",
    "SchemaError",
    "SchemaProblem",
    "Source",
    "UnreadableForm",
    "UnreadableRules",
    "as_dicts",
    "check",
    "format",
    "from_json",
    "parse",
    "render",
    "to_json",
]


def __getattr__(name: str) -> Any:
    # What writes rules is loaded when it is first used: most programs only read them
    if name not in __all__:
        raise AttributeError(f'module "segdsl" has no attribute "{name}"')
    from segdsl import faces

    return getattr(faces, name)
