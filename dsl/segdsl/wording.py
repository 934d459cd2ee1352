"""How messages speak of types, expressions and statements."""

from __future__ import annotations

from segdsl import checked, syntax
from segdsl.typesystem import Type

_SPOKEN = {"whole": "a whole number", "number": "a number", "text": "text", "yes/no": "yes/no"}
_STATEMENTS = {"Param": "param", "Let": "let", "Segment": "segment", "Choose": "choose", "Collect": "collect"}


def spoken(type_: Type) -> str:
    """A type in a sentence: `a whole number`, `text`, `a decimal(2)`."""
    return _SPOKEN.get(type_.kind) or f"a {plain(type_)}"


def plain(type_: Type) -> str:
    """A type's bare name: `whole number`, `text`, `decimal(2)`, `list of text`."""
    if type_.item is not None:
        return f"list of {plain(type_.item)}"
    return "whole number" if type_.kind == "whole" else str(type_)


def phrase(expression: checked.Expression) -> str:
    """An expression in a sentence: its name and type, or its type alone."""
    if isinstance(expression, checked.OfAccount):
        return phrase(expression.operand)
    if isinstance(expression, checked.Field):
        return f'"{dotted(expression)}" ({plain(expression.type)})'
    if isinstance(expression, checked.Let | checked.Chosen | checked.Collected):
        return f'"{expression.name}" ({plain(expression.type)})'
    if isinstance(expression, checked.Constant) and expression.param is not None:
        return f'"{expression.param}" ({plain(expression.type)})'
    return spoken(expression.type)


def dotted(field: checked.Field) -> str:
    """A field as a rule writes it: `order.placed_at`."""
    return ".".join((*field.path, field.name))


def statement_kind(statement: syntax.Statement) -> str:
    """`param`, `let`, `segment`, `choose` or `collect`."""
    return _STATEMENTS[type(statement).__name__]
