"""Rules of one table by hand in NumPy: each test once, as packed bits, block by block, on as many threads as there are processors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl.checked import Rules
from segdsl.schema import Schema
from tests.rivals.lowering import Manner, lower
from tests.rivals.tables import CannotSay, Plain
from tests.rivals.words import Node

BLOCK = 1 << 15
"""Rows that are tested at a time: what a test makes of them stays in the caches."""
Bits = NDArray[np.uint8]
COMPARED = {"=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


class Column:
    """A column's values, the packed bits of the present ones (None where all are), and its texts by code."""

    def __init__(self, series: pl.Series) -> None:
        self.texts: dict[str, int] | None = None
        present = series.is_not_null()
        if series.dtype in (pl.Categorical, pl.String):
            texts = series.cast(pl.String).unique().drop_nulls().sort()
            self.texts = {text: code for code, text in enumerate(texts)}
            series = series.cast(pl.String).cast(pl.Enum(texts)).to_physical()
        self.present = None if present.all() else np.packbits(present.to_numpy(), bitorder="little")
        self.values = series.fill_null(0).to_numpy()


class Prepared:
    """Rules ready to run over the blocks of one table."""

    def __init__(self, outputs: list[tuple[str, Node]], columns: dict[str, Column], rows: int) -> None:
        self.outputs, self.columns, self.rows = outputs, columns, rows
        self.pool = ThreadPoolExecutor(os.cpu_count())

    def run(self) -> dict[str, Bits]:
        """The packed bits of each segment, least significant first."""
        answers = np.empty((len(self.outputs), (self.rows + 7) // 8), np.uint8)
        list(self.pool.map(lambda start: self.block(start, answers), range(0, self.rows, BLOCK)))
        return {name: answers[at] for at, (name, _) in enumerate(self.outputs)}

    def block(self, start: int, answers: Bits) -> None:
        """Answers for one block of rows."""
        known: dict[Node, tuple[Bits, Bits | None]] = {}
        stop = min(start + BLOCK, self.rows)
        full = np.packbits(np.ones(stop - start, bool), bitorder="little")

        def value(node: Node) -> tuple[Bits, Bits | None]:
            """The bits that are true and those that are unknown, None where none are."""
            if node not in known:
                known[node] = fresh(node)
            return known[node]

        def leaf(name: str, test: Any) -> tuple[Bits, Bits | None]:
            column = self.columns[name]
            found = np.packbits(test(column), bitorder="little")
            if column.present is None:
                return found, None
            present = column.present[start // 8 : (stop + 7) // 8]
            return found & present, full & ~present

        def fresh(node: Node) -> tuple[Bits, Bits | None]:
            args = node.args
            if node.op == "constant":
                return (full if node.value else np.zeros_like(full)), (full if node.value is None else None)
            if node.op == "column":
                return leaf(node.value, lambda column: column.values[start:stop])
            if node.op == "decided":
                return value(args[0])[0], None
            if node.op == "missing" and args[0].op == "column":
                present = self.columns[args[0].value].present
                return (np.zeros_like(full) if present is None else full & ~present[start // 8 : (stop + 7) // 8]), None
            if node.op == "not":
                true, unknown = value(args[0])
                return full & ~(true if unknown is None else true | unknown), unknown
            if node.op in ("and", "or"):
                return joined(node.op, [value(each) for each in args])
            if node.op == "compare" and args[0].op == "column" and args[1].op == "constant":
                return leaf(args[0].value, lambda column: compared(column, node.value, args[1].value))
            if node.op == "listed" and args[0].op == "column":
                return leaf(args[0].value, lambda column: listed(column, node.value))
            raise CannotSay(f"`{node.op}` in NumPy")

        def compared(column: Column, op: str, wanted: Any) -> Any:
            if column.texts is not None:
                if op not in ("=", "!="):
                    raise CannotSay("the order of texts in NumPy")
                wanted = column.texts.get(wanted, len(column.texts))
            return COMPARED[op](column.values[start:stop], wanted)

        def listed(column: Column, items: tuple[Any, ...]) -> Any:
            if column.texts is None:
                return np.isin(column.values[start:stop], items)
            chosen = np.array([text in items for text in column.texts] + [False])
            return chosen.take(column.values[start:stop])

        for at, (_, node) in enumerate(self.outputs):
            answers[at, start // 8 : (stop + 7) // 8] = value(node)[0]


def joined(op: str, terms: list[tuple[Bits, Bits | None]]) -> tuple[Bits, Bits | None]:
    """Kleene's `and` or `or`."""
    true, unknown = terms[0]
    for other, unsure in terms[1:]:
        if op == "and":
            both = true & other
            if unknown is not None or unsure is not None:
                first = true if unknown is None else true | unknown
                second = other if unsure is None else other | unsure
                unknown = first & second & ~both
            true = both
        else:
            true = true | other
            if unknown is not None or unsure is not None:
                either = unsure if unknown is None else unknown if unsure is None else unknown | unsure
                unknown = either & ~true
    return true, unknown


def prepare(rules: Rules, schema: Schema, tables: dict[str, Plain], as_of_ns: int) -> Prepared:
    """Rules of the root's own columns. Raises CannotSay for any others."""
    plan = lower(rules, schema, tables, as_of_ns, Manner())
    if plan.aggregations or plan.carried or set(plan.columns[plan.root]) != {()}:
        raise CannotSay("more than one table in NumPy")
    frame = tables[plan.root].frame
    columns = {name: Column(frame[name]) for name in sorted(plan.columns[plan.root][()])}
    return Prepared(plan.outputs, columns, frame.height)
