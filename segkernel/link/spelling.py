"""Functions and tests of texts: reckoned once for each distinct text, then looked up by its code."""

from __future__ import annotations

from typing import Any

import numpy as np

from segdsl.typesystem import TRUTH
from segkernel.data.columns import Column, aligned
from segkernel.data.lexicon import Lexicon, pairs_hold
from segkernel.kernel import operations as op
from segkernel.link import testing
from segkernel.link.assembly import Assembly
from segkernel.link.forms import Coded, Exact
from segkernel.link.vocabulary import Vocabulary, open_column, texts_of


def asked(code: Assembly, space: int, form: Coded, functions: tuple[str, ...], test: str, operand: Any, wanted: bool) -> int:
    """The register of the texts for which a test of what the functions make of them is `wanted`."""
    texts = texts_of(form.column)
    if isinstance(texts, Vocabulary):
        return testing.by_bits(code, space, form, texts.bits(functions, test, operand, wanted))
    return testing.chosen(code, space, form, texts.holding(functions, test, operand) == wanted)


def respelt(code: Assembly, space: int, form: Coded, function: str) -> Coded:
    """Texts as the codes of what a function makes of them."""
    texts = texts_of(form.column)
    if isinstance(texts, Vocabulary):
        known, table = texts.respelt(function)
        target = open_column(form.column.type, known)
    else:
        made, places = texts.respelt(function)
        table = np.append(0, places)
        target = Column(
            type=form.column.type, rows=0, codes=np.zeros(0, np.uint64), values=made, top=len(made), missing=form.column.missing
        )
    slot = code.slots[space].take()
    code.emit(op.RECODE, space, slot, form.operand, form.width, code.table(table), form.place)
    return Coded(target, op.SLOT, slot, 8)


def length(code: Assembly, space: int, form: Coded) -> Exact:
    """How many code points texts have."""
    present = testing.present(code, space, form) if form.column.missing or form.place == op.SLOT else None
    texts = texts_of(form.column)
    lengths = texts.lengths() if isinstance(texts, Vocabulary) else np.append(0, texts.lengths())
    slot = code.slots[space].take()
    code.emit(op.RECODE, space, slot, form.operand, form.width, code.table(lengths), form.place)
    return Exact(slot, present, 0, 1 << 31 if isinstance(texts, Vocabulary) else int(lengths.max()))


def paired(code: Assembly, text: Column, pattern: Column, kind: str) -> Coded:
    """A text test of two columns as a yes/no column: it is asked once for each pair of values that occurs."""
    known = (text.codes > 0) & (pattern.codes > 0)
    pairs = text.codes.astype(np.int64) * (pattern.top + 1) + pattern.codes
    distinct, places = np.unique(pairs[known], return_inverse=True)
    texts, patterns = Lexicon.of(text.values or ()), Lexicon.of(pattern.values or ())
    holds = pairs_hold(kind, texts.at(distinct // (pattern.top + 1) - 1), patterns.at(distinct % (pattern.top + 1) - 1))
    codes = aligned(text.rows, np.uint8)
    codes[:] = 0
    codes[known] = (1 + holds.astype(np.uint8))[places]
    column = Column(type=TRUTH, rows=text.rows, codes=codes, top=2, missing=int(text.rows - known.sum()))
    code.tables.append(column)
    return Coded(column, op.COLUMN, column.address, 1)
