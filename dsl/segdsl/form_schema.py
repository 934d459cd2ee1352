"""The JSON Schema of the JSON form, made from its classes."""

from __future__ import annotations

import sys
from typing import Any, get_args

import msgspec

from segdsl import forms

_UNIONS = {name: getattr(forms, name) for name in ("Expression", "Bound", "Constant", "ParamValue", "Statement")}


def schema() -> bytes:
    """The JSON Schema (draft 2020-12) of a rule file in its JSON form, as `dsl/rules.schema.json` holds it."""
    made = msgspec.json.schema(forms.Rules)
    named = {name: [_reference(kind.__name__) for kind in get_args(union)] for name, union in _UNIONS.items()}
    definitions = {name: _shorter(definition, named) for name, definition in made["$defs"].items()}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of customer segments",
        "$ref": made["$ref"],
        "$defs": {name: definitions[name] for name in sorted(definitions)} | {name: {"anyOf": kinds} for name, kinds in named.items()},
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _shorter(part: Any, named: dict[str, list[dict[str, str]]]) -> Any:
    """A part of the schema with the unions called by their names, and without hints for other kinds of schema."""
    if isinstance(part, list):
        return [_shorter(item, named) for item in part]
    if not isinstance(part, dict):
        return part
    shorter = {key: _shorter(value, named) for key, value in part.items() if key != "discriminator"}
    kinds = shorter.get("anyOf", [])
    for name, union in named.items():
        if all(kind in kinds for kind in union):
            rest = [kind for kind in kinds if kind not in union]
            if not rest:
                del shorter["anyOf"]
                return shorter | _reference(name)
            shorter["anyOf"] = [_reference(name), *rest]
            break
    return shorter


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
