"""Walking the checked tree: the expressions inside an expression, and its meaning without its places."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from segdsl import checked
from segdsl.checked import Checked, Expression

FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Each comparison with its sides exchanged."""
HOLDERS = (
    "operand",
    "groups",
    "left",
    "right",
    "operands",
    "condition",
    "yes",
    "no",
    "value",
    "listed",
    "sought",
    "where",
    "order",
    "terms",
    "term",
    "others",
    "pattern",
)
_KINDS: tuple[type[Checked], ...] = tuple(
    kind for kind in vars(checked).values() if isinstance(kind, type) and issubclass(kind, Checked) and kind is not Checked
)


def _holders(kind: type[Checked]) -> list[str]:
    return [] if kind is checked.Constant else [field for field in kind.__struct_fields__ if field in HOLDERS]


def _at_once(kind: type[Checked]) -> bool:
    """Whether one getter gives what a node holds as one tuple: several that are always there, or all in one field."""
    kinds = {kind.__annotations__[field] for field in _holders(kind)}
    return kinds == {"Expression"} if len(_holders(kind)) > 1 else kinds == {"tuple[Expression, ...]"}


_INNER = {kind: tuple(map(attrgetter, _holders(kind))) for kind in _KINDS}
_AT_ONCE = {kind: attrgetter(*_holders(kind)) for kind in _KINDS if _at_once(kind)}
_ALL = {kind: attrgetter(*fields) for kind in _KINDS if len(fields := [field for field in kind.__struct_fields__ if field != "span"]) > 1}
LEAVES: frozenset[type[Checked]] = frozenset(kind for kind, getters in _INNER.items() if not getters)
_NESTED = frozenset(
    kind for kind in _KINDS if kind not in (checked.Constant, checked.Field, checked.Let, checked.Chosen, checked.Collected)
)


def children(node: Expression) -> Sequence[Expression]:
    """The expressions directly inside an expression; the constants of a list test are not listed."""
    at_once = _AT_ONCE.get(type(node))
    if at_once is not None:
        held: tuple[Expression, ...] = at_once(node)
        return held
    found: list[Expression] = []
    for getter in _INNER[type(node)]:
        inner = getter(node)
        if type(inner) is tuple:
            found.extend(inner)
        elif inner is not None:
            found.append(inner)
    return found


def nodes(root: Expression) -> list[Expression]:
    """An expression and all those inside it, each after what holds it; without recursion, so that no tree is too deep."""
    found = [root]
    for node in found:  # what is added on the way is gone through as well
        if type(node) not in LEAVES:
            found += children(node)
    return found


def branches(node: Expression) -> list[Expression]:
    """The expressions directly inside an expression that hold expressions in turn."""
    found: list[Expression] = []
    for getter in _INNER[type(node)]:
        inner = getter(node)
        kind = type(inner)
        if kind is tuple:
            found.extend([item for item in inner if type(item) not in LEAVES])
        elif kind not in LEAVES and inner is not None:
            found.append(inner)
    return found


def meaning(node: Expression) -> tuple[Any, ...]:
    """An expression as nested tuples without spans: equal where two texts say the same in the same order."""
    return _bare(node)  # type: ignore[no-any-return]


def _bare(node: Any) -> Any:
    kind = type(node)
    getter = _ALL.get(kind)
    if getter is None:
        if kind is tuple:
            return tuple([_bare(item) for item in node])
        return (kind, node.type) if kind in _INNER else node
    if kind not in _NESTED:
        return (kind, *getter(node))
    return (kind, *[_bare(part) for part in getter(node)])
