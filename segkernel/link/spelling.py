"""Functions of texts: reckoned once for each distinct text, then looked up by its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from segdsl.texts import RESPELLINGS
from segdsl.typesystem import TRUTH
from segkernel.data.columns import Column, aligned
from segkernel.data.matching import matching
from segkernel.kernel import operations as op
from segkernel.link import testing
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Coded, Exact
from segkernel.plan.planner import text_holds

_FUNCTIONS: dict[str, Callable[[str], Any]] = {**RESPELLINGS, "length": len}


def asked(code: Assembly, space: int, form: Coded, functions: tuple[str, ...], test: str, operand: Any, wanted: bool) -> int:
    """The register of the texts for which a test of what the functions make of them is `wanted`."""
    steps = [_FUNCTIONS[function] for function in functions]

    def after_all(text: Any) -> Any:
        for step in steps:
            text = step(text)
        return text

    if test == "matches":
        test, operand = "among", matching([after_all(text) for text in form.column.values or ()], operand)
    holds = _test(test, operand)
    return testing.matching(code, space, form, lambda text: holds(after_all(text)), wanted)


def _test(test: str, operand: Any) -> Callable[[Any], bool]:
    if test == "among":
        among = frozenset(operand)
        return lambda value: value in among
    if test == "range":
        low, high, outside = operand
        return lambda value: ((low is None or low <= value) and (high is None or value < high)) is not outside
    return lambda value: text_holds(test, value, operand)


def respelt(code: Assembly, space: int, form: Coded, function: str) -> Coded:
    """Texts as the codes of what a function makes of them."""
    texts = [RESPELLINGS[function](text) for text in form.column.values or ()]
    ordered = tuple(sorted(set(texts)))
    places = {text: number for number, text in enumerate(ordered, 1)}
    target = Column(
        type=form.column.type, rows=0, codes=np.zeros(0, np.uint64), values=ordered, top=len(ordered), missing=form.column.missing
    )
    slot = code.slots[space].take()
    table = code.table(np.array([0, *(places[text] for text in texts)], np.int64))
    code.emit(op.RECODE, space, slot, form.operand, form.width, table, form.place)
    return Coded(target, op.SLOT, slot, 8)


def length(code: Assembly, space: int, form: Coded) -> Exact:
    """How many code points texts have."""
    present = testing.present(code, space, form) if form.column.missing or form.place == op.SLOT else None
    lengths = [0, *(len(text) for text in form.column.values or ())]
    slot = code.slots[space].take()
    code.emit(op.RECODE, space, slot, form.operand, form.width, code.table(np.array(lengths, np.int64)), form.place)
    return Exact(slot, present, 0, max(lengths))


def paired(code: Assembly, text: Column, pattern: Column, kind: str) -> Coded:
    """A text test of two columns as a yes/no column: it is asked once for each pair of values that occurs."""
    known = (text.codes > 0) & (pattern.codes > 0)
    pairs = text.codes.astype(np.uint64) * np.uint64(pattern.top + 1) + pattern.codes.astype(np.uint64)
    distinct, places = np.unique(pairs[known], return_inverse=True)
    values = ((text.value(int(each) // (pattern.top + 1)), pattern.value(int(each) % (pattern.top + 1))) for each in distinct)
    holds = np.fromiter((1 + text_holds(kind, value, what) for value, what in values), np.uint8, distinct.size)
    codes = aligned(text.rows, np.uint8)
    codes[:] = 0
    codes[known] = holds[places]
    column = Column(type=TRUTH, rows=text.rows, codes=codes, top=2, missing=int(text.rows - known.sum()))
    code.tables.append(column)
    return Coded(column, op.COLUMN, column.address, 1)
