"""The rule language of customer segments: text to syntax tree to checked tree, with every mistake told at its place."""

from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.diagnostics import Diagnostic, as_dicts, render
from segdsl.errors import Error, SchemaError, SchemaProblem
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.schema import Schema
from segdsl.source import Source

__all__ = [
    "Diagnostic",
    "Error",
    "Limits",
    "Rules",
    "Schema",
    "SchemaError",
    "SchemaProblem",
    "Source",
    "as_dicts",
    "check",
    "parse",
    "render",
]
