"""Some rows of a dataset as plain values, and what only a run over all rows can tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segdsl import checked
from segdsl.schema import FieldSpec
from segdsl.tree import LEAVES, children
from segkernel.data import lists, narrowing
from segkernel.data.columns import Column
from segkernel.data.dataset import Dataset
from segkernel.functions import Function
from segkernel.link import link
from segkernel.link.forms import Coded, Float
from segkernel.link.staging import Handed
from segkernel.oracle import Value
from segkernel.oracle.naming import expressions
from segkernel.plan import handing
from segkernel.run import handed_on
from segkernel.why.kin import Numbers

Known = dict[tuple[checked.Expression, int], Value]
"""Values of expressions by the number of the row, counted among the rows at hand."""


def tables(
    data: Dataset, rows: Mapping[str, Numbers], columns: Mapping[str, Sequence[str]], zone: str
) -> dict[str, list[dict[str, Value]]]:
    """Some rows of every table in the normal form of the checked tree's constants, by the rules' names of fields.

    `rows` int64 by table, `columns` by table and by the data's names: no others are read. `zone` is that of naive timestamps.
    """
    found: dict[str, list[dict[str, Value]]] = {}
    for name, table in data.schema.tables.items():
        numbers = rows.get(name, np.zeros(0, np.int64))
        there = {
            field: values(data.picked(name, field, numbers), spec, zone, f"{name}.{field}")
            for field, spec in table.fields.items()
            if numbers.size and (spec.column or field) in columns.get(name, ())
        }
        found[name] = [dict(zip(there, row, strict=True)) for row in zip(*there.values(), strict=True)] or [{} for _ in numbers]
    return found


def values(series: pl.Series, spec: FieldSpec, zone: str, place: str) -> list[Any]:
    """The values of a column in normal form, read as the engine reads them; None where missing."""
    if spec.type.item is None:
        return _plain(narrowing.narrow(series, spec.type, zone, place))
    items = lists.items(series)
    each = _plain(narrowing.narrow(items.values, spec.type.item, zone, place))
    starts = items.starts.tolist()
    missing = series.is_null().to_list()
    return [None if gone else tuple(each[starts[row] : starts[row + 1]]) for row, gone in enumerate(missing)]


def _plain(column: Column) -> list[Any]:
    codes = column.codes[: column.rows].tolist()
    if column.raw:
        return [None if code != code else code for code in codes]
    if column.type.kind == "yes/no":
        return [(None, False, True)[code] for code in codes]
    return [column.value(code) if code else None for code in codes]


def reckoned(
    rules: checked.Rules,
    names: Sequence[str],
    data: Dataset,
    rows: Mapping[str, Numbers],
    functions: Mapping[str, Function],
    as_of: int,
) -> Known:
    """The values, for the rows at hand, of what has to be reckoned over whole tables: statistics of the population and the host's
    functions. `names` are the statements that are asked, with all that they rest on. Raises DataError as a run does."""
    asked: dict[str, dict[checked.Expression, None]] = {}
    for name in names:
        table = rules.lets[name].table if name in rules.lets else rules.root
        for root in expressions(rules, name):
            for where, node in _whole(root, table, rules.root):
                if rows.get(where, np.zeros(0)).size:
                    asked.setdefault(where, {})[node] = None
    known: Known = {}
    for table, nodes in asked.items():
        program, outputs = handing(rules, table, list(nodes))
        linked = link(program, data, functions, as_of)
        buffers = handed_on(linked, as_of)
        for node, output in zip(nodes, outputs, strict=True):
            for at, row in enumerate(rows[table].tolist()):
                found = _value(linked.handed[output], buffers, row)
                known[node, at] = bool(found) if node.type.kind == "yes/no" and found is not None else found
    return known


def _whole(root: checked.Expression, table: str, account: str) -> Iterator[tuple[str, checked.Expression]]:
    """The statistics and functions of the host within an expression of a table's rows, each with the table whose rows ask it."""
    waiting = [(table, root)]
    while waiting:
        where, node = waiting.pop()
        if isinstance(node, checked.Relative | checked.HostCall):
            yield where, node
        if type(node) not in LEAVES:
            if isinstance(node, checked.Aggregate):
                where = node.relation.table
            elif isinstance(node, checked.OfAccount):
                where = account
            elif isinstance(node, checked.Grouped):
                waiting += [(node.relation.table, each) for each in node.groups]
                waiting += [(node.owner or where, each) for each in (node.value, node.condition, node.order) if each is not None]
                continue
            waiting += [(where, part) for part in children(node)]


def _value(handed: Handed, buffers: NDArray[np.int64], row: int) -> Value:
    """What was handed on for a row."""
    form, word = handed.form, int(buffers[handed.words, row])
    if isinstance(form, Float):
        number = float(buffers[handed.words, row : row + 1].view(np.float64)[0])
        return None if number != number else number
    if isinstance(form, Coded):
        text: Value = form.column.value(word) if word else None
        return text
    if handed.present >= 0 and not buffers[handed.present, row]:
        return None
    if handed.low < 0:
        return word
    return (word << 64) + int(buffers[handed.low, row : row + 1].view(np.uint64)[0])
