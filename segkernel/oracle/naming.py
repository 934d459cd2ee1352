"""What statements name, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator

from segdsl import checked


def mentions(rules: checked.Rules, name: str, account: bool) -> Iterator[str]:
    """The statements that a statement names for the row that it is about itself, be that the account or a row of it.

    Of an account these are also the account's own that are named inside aggregates, by their rows' lets too.
    """
    waiting: list[tuple[object, bool]] = [(root, False) for root in expressions(rules, name)]
    seen: set[str] = set()
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, checked.OfAccount):
            if account:
                waiting.append((node.operand, False))
        elif isinstance(node, checked.Let) and inside:
            if node.name not in seen:
                seen.add(node.name)
                waiting.append((rules.lets[node.name].value, True))
        elif isinstance(node, checked.Let | checked.Chosen | checked.Collected):
            yield node.name
        elif isinstance(node, checked.InSegment):
            yield node.segment
        elif isinstance(node, checked.Checked):
            inside = inside or isinstance(node, checked.Aggregate | checked.Grouped)
            waiting.extend((getattr(node, field), inside) for field in node.__struct_fields__)
        elif isinstance(node, tuple):
            waiting.extend((part, inside) for part in node)


def expressions(rules: checked.Rules, name: str) -> tuple[checked.Expression, ...]:
    """What a let, a segment, a choose or a collect is made of."""
    if name in rules.lets:
        return (rules.lets[name].value,)
    if name in rules.segments:
        return (rules.segments[name].condition,)
    several = rules.collects[name] if name in rules.collects else rules.chooses[name]
    return tuple(case.condition for case in several.cases)


def asks_account(rules: checked.Rules, expression: checked.Expression) -> bool:
    """Whether a value of a row is also one of the account that it belongs to, by its lets too."""
    waiting: list[object] = [expression]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, checked.OfAccount):
            return True
        if isinstance(node, checked.Let) and node.name not in seen:
            seen.add(node.name)
            waiting.append(rules.lets[node.name].value)
        if isinstance(node, checked.Checked):
            waiting += [getattr(node, field) for field in node.__struct_fields__]
        elif isinstance(node, tuple):
            waiting += node
    return False
