"""Values of a row held against each other, and chosen from: forms of two nodes in one register or slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segdsl.tree import FLIPPED
from segdsl.typesystem import Type
from segkernel.kernel import operations as op
from segkernel.link import spelling, testing, values
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Coded, Float, Form
from segkernel.link.vocabulary import CAPACITY, Vocabulary, opened, texts_of

if TYPE_CHECKING:
    from segkernel.link.linking import Linker


MANY_PAIRS = 4_096
"""How many pairs of a text and a pattern are tested before it pays to look which occur."""


def compare(linker: Linker, space: int, operation: str, a: int, b: int) -> int:
    """The register of a comparison of two values."""
    code = linker.code
    which = op.COMPARISONS.index(operation)
    registers = code.registers[space]
    target = registers.take()
    if linker.nodes[a][2].kind == "text":
        x, y = spelled_alike(linker, space, (a, b))
        if operation not in ("=", "!="):
            x, y = _in_order(linker, space, x), _in_order(linker, space, y)
        code.emit(op.COMPARE, space, target, x.operand, y.operand, which, 0)
        known = [testing.present(code, space, x), testing.present(code, space, y)]
        for text in (x, y):
            values.release(code, space, text)
        return narrowed(linker, space, target, known)
    floats = [isinstance(linker.forms[each], Float) for each in (a, b)]
    if all(floats):
        left, right = values.in_slot(code, space, linker.float(a)), values.in_slot(code, space, linker.float(b))
        code.emit(op.COMPARE, space, target, left.operand, right.operand, which, 1)
        values.release(code, space, left)
        values.release(code, space, right)
        return target
    if any(floats):
        if floats[0]:
            a, b, which = b, a, op.COMPARISONS.index(FLIPPED[operation])
        number, other = linker.exact(a), values.in_slot(code, space, linker.float(b))
        code.emit(op.COMPARE, space, target, number.slot, other.operand, which, 4 if number.wide else 2)
        values.release(code, space, other)
        return narrowed(linker, space, target, [] if number.present is None else [registers.keep(number.present)])
    p, q = linker.exact(a), linker.exact(b)
    wide = p.wide or q.wide
    if wide:
        p, q = values.widened(code, space, p), values.widened(code, space, q)
    code.emit(op.COMPARE, space, target, p.slot, q.slot, which, 3 if wide else 0)
    known = [registers.keep(each.present) for each in (p, q) if each.present is not None]
    if wide:
        values.release(code, space, p)
        values.release(code, space, q)
    return narrowed(linker, space, target, known)


def _in_order(linker: Linker, space: int, form: Coded) -> Coded:
    """Codes that sort as their texts do, instead of others."""
    texts = form.column.values
    if not isinstance(texts, Vocabulary):
        return form
    slot = linker.code.slots[space].take()
    linker.code.emit(op.RECODE, space, slot, form.operand, form.width, linker.code.table(texts.ranks()[0]), form.place)
    values.release(linker.code, space, form)
    return Coded(form.column, op.SLOT, slot, 8)


def narrowed(linker: Linker, space: int, register: int, known: list[int]) -> int:
    """A register where all of `known` hold too; all of them are given back."""
    target = linker.code.combined(op.AND, space, [register, *known])
    for each in (register, *known):
        linker.code.registers[space].drop(each)
    return target


def text_pair(linker: Linker, space: int, kind: str, a: int, b: int, wanted: bool) -> int:
    """A text test of two values of a row: for each distinct pattern the texts that hold."""
    code = linker.code
    text, pattern = linker.text(a), linker.text(b)
    if isinstance(text.column.values, Vocabulary) or isinstance(pattern.column.values, Vocabulary):
        return _pair_as_they_come(code, space, kind, text, pattern, wanted)
    if text.place == op.COLUMN and pattern.place == op.COLUMN and text.column.top * pattern.column.top > MANY_PAIRS:
        return testing.in_range(code, space, spelling.paired(code, text.column, pattern.column, kind), int(wanted), int(wanted) + 1)
    found = []
    for each in range(1, pattern.column.top + 1):
        which = pattern.column.value(each)
        here = testing.among(code, space, pattern, [which], True)
        there = spelling.asked(code, space, text, (), kind, which, wanted)
        found.append(narrowed(linker, space, here, [there]))
    if not found:
        return code.always(space, False)
    return testing.either(code, space, found)


def _pair_as_they_come(code: Assembly, space: int, kind: str, text: Coded, pattern: Coded, wanted: bool) -> int:
    """The same of texts that are not known yet: a table has a bit for each pair of codes."""
    table = opened(texts_of(text.column)).pairs(kind, opened(texts_of(pattern.column)), wanted)
    first, second, both = (code.slots[space].take() for _ in range(3))
    for slot, form, step in ((first, text, CAPACITY), (second, pattern, 1)):
        code.emit(op.LOAD, space, slot, form.operand, form.width, code.further(step, step), form.place)
    code.emit(op.COMPUTE, space, both, first, second, 0)
    found = testing.by_bits(code, space, Coded(text.column, op.SLOT, both, 8), table)
    for slot in (first, second, both):
        code.slots[space].drop(slot)
    return found


def first_present(linker: Linker, space: int, kind: Type, numbers: tuple[int, ...]) -> Form:
    """The first operand that is present: chosen from the last to the first."""
    code = linker.code
    operands = alike(linker, space, kind, numbers)
    result = operands[-1]
    for operand in reversed(operands[:-1]):
        known = testing.present(code, space, operand)
        chosen = values.selected(code, space, known, operand, result)
        code.registers[space].drop(known)
        let_go(linker, space, result, numbers)
        if kind.kind == "text":
            values.release(code, space, operand)
        result = chosen
    return result


def let_go(linker: Linker, space: int, form: Form, numbers: tuple[int, ...]) -> None:
    """Gives back an intermediate result, unless it is a node's own."""
    own = [linker.forms.get(number) for number in numbers] + [linker.loaded.get(number) for number in numbers]
    if not any(form is each for each in own):
        values.release(linker.code, space, form)


def alike(linker: Linker, space: int, kind: Type, numbers: tuple[int, ...]) -> list[Form]:
    """Operands in one form: floats, whole numbers, or codes of one alphabet (made for this)."""
    if kind.kind == "text":
        return list(spelled_alike(linker, space, numbers))
    if kind.kind == "number":
        return [linker.float(number) for number in numbers]
    return [linker.exact(number) for number in numbers]


def either(linker: Linker, space: int, kind: Type, where: int, yes: int, no: int) -> Form:
    """One value where a register is set, and another where not."""
    operands = alike(linker, space, kind, (yes, no))
    result = values.selected(linker.code, space, where, *operands)
    if kind.kind == "text":
        for operand in operands:
            values.release(linker.code, space, operand)
    return result


def spelled_alike(linker: Linker, space: int, numbers: tuple[int, ...]) -> list[Coded]:
    """Texts as codes of one alphabet, each in a slot of its own."""
    forms = [linker.text(number) for number in numbers]
    target = values.alphabet([form.column for form in forms], [])
    return [values.respelled(linker.code, space, form, target) for form in forms]
