"""Calls of the host's functions: what a stage handed on goes through Polars and comes back as a column."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.functions import Signature
from segdsl.syntax import Span
from segdsl.typesystem import Type
from segkernel import forks
from segkernel.data import narrowing, physical
from segkernel.data.columns import Column
from segkernel.errors import DataError
from segkernel.functions import Function
from segkernel.link.assembly import signed64
from segkernel.link.forms import BEYOND, LARGEST, SMALLEST, Coded, Exact, Float, fits
from segkernel.link.population import Memo
from segkernel.link.staging import Handed
from segkernel.link.values import alphabet

_DTYPES: dict[str, pl.DataType] = {
    "date": pl.Date(), "timestamp": pl.Datetime("ns", "UTC"), "duration": pl.Duration("ns"), "yes/no": pl.Boolean(),
}  # fmt: skip


def result_of(signature: Signature, span: Span) -> Handed:
    """How a run keeps the values of a function. Raises DataError for texts that may be any."""
    kind = signature.returns.kind
    if kind == "number":
        return Handed(Float(0, 0), 0)
    if kind == "text":
        if not signature.values:
            raise DataError(
                f"`{signature.name}` gives texts that change with the run's instant: name all it can give: `values` of its sk.Function",
                span,
            )
        return Handed(Coded(alphabet([], signature.values), 0, 0, 8), 0)
    if kind == "decimal":
        return Handed(Exact(0, None, -BEYOND, BEYOND - 1, True), 0, 1, 2)
    low, high = (0, 1) if kind == "yes/no" else (SMALLEST, LARGEST)
    return Handed(Exact(0, None, low, high), 0, -1, 2)


def called(function: Function, given: Sequence[Handed], buffers: NDArray[np.int64], zone: str, span: Span) -> Column:
    """The values of a function for all rows of a stage, from its int64[buffers, rows]. Raises DataError where the function fails or
    gives what it should not."""
    signature, place = function.signature, f"the function {function.signature.name}"
    forks.refuse(place)
    try:
        arguments = [
            _series(handed, buffers, kind).alias(f"argument {number}")
            for number, (handed, kind) in enumerate(zip(given, signature.arguments, strict=True))
        ]
        made = function.make(*(pl.col(each.name) for each in arguments))
        if not isinstance(made, pl.Expr):
            raise DataError(f"{place} gave {type(made).__name__}, and it should give a Polars expression", span)
        found = pl.DataFrame(arguments).with_columns(made.alias("result"))["result"]
    except DataError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        raise DataError(f"{place} failed: {type(error).__name__}: {reason}", span) from error
    if not physical.fits(found.dtype, signature.returns):
        raise DataError(f"{place} should give {signature.returns}, and gives {physical.described(found.dtype)}", span)
    try:
        return narrowing.narrow(found, signature.returns, zone, place)
    except DataError as error:
        raise DataError(str(error), span) from None


def values(
    function: Function, given: Sequence[Handed], zone: str, span: Span, buffers: NDArray[np.int64], _memo: Memo
) -> NDArray[np.int64]:
    """The values of a function as `result_of` says, for a run."""
    return kept(called(function, given, buffers, zone, span), function.signature, span)


def kept(column: Column, signature: Signature, span: Span) -> NDArray[np.int64]:
    """The values of a column as `result_of` says, int64[buffers, rows]."""
    found = np.zeros((3, column.rows), np.int64)
    codes = column.codes[: column.rows]
    if column.raw:
        found[0] = codes.view(np.int64)
        return found
    if signature.returns.kind == "text":
        numbers = {text: number for number, text in enumerate(signature.values, 1)}
        table = [0, *(numbers.get(text, 0) for text in column.values or ())]
        if 0 in table[1:]:
            stranger = (column.values or ())[table[1:].index(0)]
            raise DataError(f'the function {signature.name} gave "{stranger}", which its values do not have', span)
        found[0] = np.array(table, np.int64)[codes]
        return found
    wide = signature.returns.kind == "decimal"
    low, high = (-BEYOND, BEYOND - 1) if wide else (SMALLEST, LARGEST)
    present = codes != 0
    for value in (column.value(1), column.value(column.top)) if column.top else ():
        if not low <= value <= high:
            raise DataError(f"the function {signature.name} gave {value}, and 2^63 - 1 is the largest that it can give", span)
    if column.values is None and fits(column.base - column.step, column.value(max(column.top, 1))):
        found[1] = codes
        found[1] -= 1
        found[1] *= column.step
        found[1] += column.base
        found[1][~present] = 0
        found[0] = found[1] >> 63 if wide else found[1]
        found[2] = present
        return found
    if column.values is None:
        whole = (codes.astype(object) - 1) * column.step + column.base
    else:
        whole = np.array([0, *column.values], object)[codes]
    whole[~present] = 0
    if wide:
        found[0] = [value >> 64 for value in whole]
        found[1] = [signed64(value) for value in whole]
    else:
        found[0] = whole.astype(np.int64)
    found[2] = present
    return found


def _series(handed: Handed, buffers: NDArray[np.int64], kind: Type) -> pl.Series:
    """What a stage handed on, as Polars has it."""
    form, words = handed.form, buffers[handed.words]
    if isinstance(form, Float):
        return pl.Series(words.view(np.float64)).fill_nan(None)
    if isinstance(form, Coded):
        texts = pl.Series([None, *(form.column.values or ())], dtype=pl.String)
        return texts.gather(pl.Series(words))
    numbers = pl.Series(words)
    if form.wide:
        low = pl.Series(buffers[handed.low].view(np.uint64)).cast(pl.Int128)
        numbers = numbers.cast(pl.Int128) * pl.Series([1 << 64], dtype=pl.Int128) + low
    if handed.present >= 0:
        there = pl.Series(buffers[handed.present] != 0)
        numbers = pl.select(pl.when(there).then(numbers)).to_series()
    if kind.kind == "decimal":
        return numbers.cast(pl.Int128).cast(pl.Decimal(38, 0)) * pl.Series(
            [Decimal(1).scaleb(-kind.scale)], dtype=pl.Decimal(38, kind.scale)
        )
    if kind.kind == "whole":
        return numbers
    if kind.kind == "yes/no":
        return numbers.cast(pl.Boolean)
    return numbers.cast(pl.Int32 if kind.kind == "date" else pl.Int64).cast(_DTYPES[kind.kind])
