"""The rule language of customer segments: text to syntax tree to checked tree, with every mistake told at its place."""

from segdsl.checked import Rules
from segdsl.checker import check
from segdsl.diagnostics import Diagnostic, as_dicts, render
from segdsl.errors import Error, SchemaError, SchemaProblem
from segdsl.faces import UnreadableForm, UnreadableRules, format, from_json, to_json
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
