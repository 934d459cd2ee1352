"""From a syntax tree to the form that tells how it is written: literals as in the text, comments at the forms they belong to."""

from __future__ import annotations

import re
from itertools import repeat
from typing import Any

import msgspec

from segdsl import forms, syntax
from segdsl.names import CLOCK, quoted
from segdsl.remarks import Places, placed

_COUNT = re.compile(r"[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NODES: tuple[type[syntax.Node], ...] = tuple(
    kind for kind in vars(syntax).values() if isinstance(kind, type) and issubclass(kind, syntax.Node) and hasattr(forms, kind.__name__)
)
_FORMS = {kind: getattr(forms, kind.__name__) for kind in _NODES}
_FIELDS = {kind: tuple(field for field in kind.__struct_fields__ if field not in ("span", "percent")) for kind in _NODES}


def written(file: syntax.File) -> forms.Rules:
    """The JSON form of a rule file that was read without mistakes."""
    places = placed(file)
    rules = tuple(_form(statement, file.text, places) for statement in file.statements)
    return forms.Rules(version=forms.VERSION, rules=rules, below=tuple(places.below))


def _form(node: Any, text: str, places: Places) -> Any:
    """The form of a node, and of all that it holds; chains of arithmetic are walked, not descended."""
    spine: list[syntax.Arithmetic] = []
    while isinstance(node, syntax.Arithmetic):
        spine.append(node)
        node = node.left
    form = node
    kind = type(node)
    if kind is syntax.Name:
        form = f"`{node.text}`" if node.text in CLOCK and quoted(node) else node.text
    elif kind in _FORMS:
        values: dict[str, Any] = {}
        for field in _FIELDS[kind]:
            inner = getattr(node, field)
            # What is in a tuple is not one level deeper: a rule may be as deep as the stack allows.
            held = type(inner) is tuple
            values[field] = tuple(map(_form, inner, repeat(text), repeat(places))) if held else _form(inner, text, places)
        if kind is syntax.Number:
            values["text"] = text[node.span.start : node.span.end] or node.text + "%" * node.percent
        elif kind is syntax.Duration:
            count = _COUNT.match(text, node.span.start)
            values["count"] = count[0] if count else node.count
        form = _noted(node, _FORMS[kind](**values), places)
    for outer in reversed(spine):
        right = _form(outer.right, text, places)
        form = _noted(outer, forms.Arithmetic(op=outer.op, left=form, right=right), places)  # type: ignore[arg-type]
    return form


def _noted(node: syntax.Node, form: Any, places: Places) -> Any:
    above, beside = places.above.get(id(node)), places.beside.get(id(node))
    if not above and beside is None:
        return form
    return msgspec.structs.replace(form, above=tuple(above or ()), beside=beside)
