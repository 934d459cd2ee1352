"""A program as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from segkernel.plan.grouping import PER
from segkernel.plan.program import VALUES, HostedCall, Node, Program, Statistic, parts


def printed(program: Program) -> str:
    """A line a node that is needed, each after what it needs; then the segments, the chooses and the collects."""
    return "\n".join(_lines(program, {}))


def _lines(program: Program, shown: dict[int, int]) -> Iterator[str]:
    """`shown` numbers the stages that were shown in whole: what several programs share is shown once."""
    for number, stage in enumerate(program.stages):
        if id(stage) in shown:
            yield f"stage {number}, before: the same as ({shown[id(stage)]})"
            continue
        inner = [f"  {line}" for line in _lines(stage, shown)]
        shown[id(stage)] = len(shown) + 1
        yield f"stage {number}, before ({shown[id(stage)]}):"
        yield from inner
    for number, call in enumerate(program.calls):
        yield f"call {number} = {_called(call)} of stage {call.stage}"
    for key in program.keys:
        yield f"key {key.meaning}, {'anew for each instant' if key.moving else 'once for the data'}:"
        yield from (f"  {line}" for line in _lines(key.program, shown))
    yield f"program over {program.root}, {program.timezone}"
    for number, chain in enumerate(program.spaces):
        if chain:
            yield f"  rows {number}: " + " → ".join(_step(step) for step in chain)
    needed = _needed(program)
    counted = [(len(program.segments), "segments"), (len(program.choices), "chooses"), (len(program.collections), "collects")]
    answers = " and ".join(f"{count:,} {what}" for count, what in counted if count or what != "collects")
    yield f"  {len(needed):,} nodes, each once, for {answers}"
    for number in sorted(needed):
        node = program.nodes[number]
        where = f"[rows {node[1]}] " if node[1] else ""
        yield f"{_name(program, number):>7}  {where}{_told(program, node)}"
    for name, number in program.segments:
        yield f"segment {name} = {_name(program, number)}"
    for output, number in enumerate(program.outputs):
        yield f"output {output} = {_name(program, number)}"
    for choice in program.choices:
        cases = ", ".join(f"{choice.values[code - 1]!r} where {_name(program, number)}" for number, code in choice.cases)
        yield f"choose {choice.name} = {cases}"
    for each in program.collections:
        cases = ", ".join(f"{value!r} where {_name(program, number)}" for value, number in zip(each.values, each.nodes, strict=True))
        yield f"collect {each.name} = {cases}"


def _step(step: tuple[Any, ...]) -> str:
    """A link of a table, or the items of a list field."""
    if len(step) == 3:
        return f"{step[0]} of each group"
    if step[0] == PER:
        keys = ", ".join(".".join((*key[1], key[2])) if key[0] == "field" else f"key {key[1]}" for key in step[2])
        return f"groups of {' → '.join(_step(link) for link in step[1])} by {keys}"
    if len(step) == 5:
        return f"{step[3]}.{step[4]} → {'.'.join(step[2])}"
    return f"items of {'.'.join((*step[2], step[3]))}" if len(step) > 2 else f"{step[0]}.{step[1]}"


def _called(call: HostedCall | Statistic) -> str:
    if isinstance(call, HostedCall):
        return f"{call.signature.name}({', '.join(f'output {output}' for output in call.given)})"
    amount = "" if call.amount is None else f"{float(call.amount * 100):g}%, " if call.share else f"{call.amount}, "
    where = "" if call.where < 0 else f" where output {call.where}"
    groups = ", ".join(f"output {output}" for output in call.groups) or "all"
    return f"{call.function}({amount}output {call.value}{where} over {groups})"


def needed_by(program: Program, number: int) -> set[int]:
    """A node and all that it is made of."""
    found: set[int] = set()
    pending = [number]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            pending.extend(parts(program.nodes[current]))
    return found


def _needed(program: Program) -> set[int]:
    cases = (number for choice in program.choices for number, _ in choice.cases)
    roots = (*program.bitmaps, *program.outputs, *cases)
    found: set[int] = set()
    for root in roots:
        if root not in found:
            found |= needed_by(program, root)
    return found


def _name(program: Program, number: int) -> str:
    return f"{'v' if program.nodes[number][0] in VALUES else 'c'}{number}"


def _told(program: Program, node: Node) -> str:
    def name(number: int) -> str:
        return _name(program, number)

    def some(numbers: tuple[int, ...], between: str) -> str:
        return between.join(name(number) for number in numbers)

    match node[0]:
        case "always":
            return "always" if node[2] else "never"
        case "when":
            return f"when {_bound(node[3])} {node[2]} {_bound(node[4])}"
        case "range" | "outside":
            return f"{name(node[2])} {_test('range', (node[3], node[4], node[0] == 'outside'), True)}"
        case "among":
            return f"{name(node[2])} {_test('among', node[3], node[4])}"
        case "text":
            return f"{name(node[2])} {_test(node[3], node[4], node[5])}"
        case "asked":
            return f"{' of '.join((*reversed(node[3]), name(node[2])))} {_test(node[4], node[5], node[6])}"
        case "text pair":
            return f"{name(node[3])} {'' if node[5] else 'present, not '}{node[2]} {name(node[4])}"
        case "missing":
            return f"{name(node[2])} missing"
        case "compare":
            return f"{name(node[3])} {node[2]} {name(node[4])}"
        case "at least":
            return f"at least {node[2]} of {some(node[3], ', ')}"
        case "and" | "or":
            return some(node[2], f" {node[0]} ")
        case "without":
            return f"{name(node[2])} without {name(node[3])}"
        case "not":
            return f"not {name(node[2])}"
        case "any":
            return f"any of rows {node[2]}" + ("" if node[3] is None else f" where {name(node[3])}")
        case "within":
            where = "" if node[4] is None else f" where {name(node[4])}"
            return f"{name(node[6])} in {name(node[5])} of rows {node[3]}{where} of the same row of rows {node[2]}"
        case "lift" | "lifted":
            return f"the account's {name(node[-1])}"
        case "column":
            return ".".join((*node[3], node[4])) + f": {node[2]}"
        case "constant":
            return f"{_bound(node[3])}: {node[2]}"
        case "aggregate":
            value = "" if node[6] is None else f" of {name(node[6])}"
            return f"{node[3]}{value} over rows {node[4]}" + ("" if node[5] is None else f" where {name(node[5])}") + f": {node[2]}"
        case "called":
            return f"call {node[3]}: {node[2]}"
        case "staged":
            where = "".join(f"{link}." for link in node[3])
            return f"{where}output {node[5]} of stage {node[4]}, {_bound(node[6])} where there is none: {node[2]}"
        case "arithmetic":
            return f"{name(node[4])} {node[3]} {name(node[5])}: {node[2]}"
        case "bucket":
            return f"bucket of {name(node[3])}, one of {node[4]:,}, salt {node[5]!r}: {node[2]}"
        case "rounded":
            return f"{node[3]} of {name(node[5])} to {node[4]} places: {node[2]}"
        case "calendar" | "respelt":
            return f"{node[3]} of {name(node[4])}: {node[2]}"
        case "shift":
            return f"{name(node[3])} moved by {node[4].months} months, {node[4].days} days: {node[2]}"
        case "taken":
            return f"{name(node[4])} where {name(node[3])} is: {node[2]}"
        case "first":
            return f"first present of {some(node[3], ', ')}: {node[2]}"
        case "either":
            return f"{name(node[4])} where {name(node[3])}, else {name(node[5])}: {node[2]}"
        case _:
            return f"{node[0]} of {some(node[3:], ', ')}: {node[2]}"


def _test(kind: str, operand: Any, wanted: bool) -> str:
    """What is asked of a value: a range (low, high, whether outside of it), a set of values, or a text."""
    if kind == "range":
        low, high, outside = operand
        return f"{'present, not ' if outside else ''}{_ends(low, high)}"
    if kind == "among":
        shown = ", ".join(repr(value) for value in operand[:8]) + (f", … ({len(operand):,} values)" if len(operand) > 8 else "")
        return f"{'' if wanted else 'present, not '}in ({shown})"
    return f"{'' if wanted else 'present, not '}{kind} {operand!r}"


def _ends(low: Any, high: Any) -> str:
    if low is None and high is None:
        return "present"
    if low is None:
        return f"< {_bound(high)}"
    return f">= {_bound(low)}" if high is None else f"in [{_bound(low)}, {_bound(high)})"


def _bound(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool) else "missing" if value is None else str(value)
