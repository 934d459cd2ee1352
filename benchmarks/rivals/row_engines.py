"""Engines that take one record at a time: rules of the root's own columns in their words, all rules in one expression where they can.

Missing values are null. These engines compare nothing with null, or find it false: so a `not` is pushed down to the tests,
and each test asks first whether its value is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cel
import msgspec
import polars as pl
import rule_engine
import zen

from benchmarks.contest import ANY_ORDER, AT, Contest
from benchmarks.workloads import Workload
from tests.rivals import polars_rival
from tests.rivals.lowering import Manner, lower
from tests.rivals.tables import CannotSay
from tests.rivals.words import Node

Evaluation = Callable[[], Sequence[bool]]
"""All rules for one account, whose record is there already."""
OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Dialect(msgspec.Struct, frozen=True):
    """The words of an expression language."""

    both: str = "and"
    either: str = "or"
    equal: str = "=="
    yes: str = "true"
    no: str = "false"


def written(node: Node, words: Dialect, positive: bool = True) -> str:
    """A condition, or what makes it false, as text."""
    match node.op:
        case "decided":
            return written(node.args[0], words)
        case "not":
            return written(node.args[0], words, not positive)
        case "and" | "or":
            sign = words.both if (node.op == "and") == positive else words.either
            return "(" + f" {sign} ".join(written(each, words, positive) for each in node.args) + ")"
        case "constant":
            return words.yes if node.value is positive else words.no
        case "missing" if node.args[0].op == "column":
            return f"({node.args[0].value} {words.equal if positive else '!='} null)"
        case "compare" if node.args[0].op == "column" and node.args[1].op == "constant":
            op = node.value if positive else OPPOSITE[node.value]
            return _present(node.args[0].value, f"{{}} {words.equal if op == '=' else op} {_literal(node.args[1])}", words)
        case "listed" if node.args[0].op == "column":
            items = ", ".join(_literal(Node("constant", (), node.args[0].kind, item)) for item in node.value)
            found = f"{{}} in [{items}]"
            return _present(node.args[0].value, found if positive else f"{_not(words)}({found})", words)
    raise CannotSay(f"`{node.op}` in one record")


def _present(column: str, test: str, words: Dialect) -> str:
    return f"({column} != null {words.both} {test.format(column)})"


def _not(words: Dialect) -> str:
    return "!" if words.both == "&&" else "not "


def _literal(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return json.dumps(node.value) if node.kind == "text" else repr(node.value)


def conditions(made: Contest, words: Dialect) -> list[str]:
    """The conditions of all segments as texts. Raises CannotSay for other tables than the root."""
    plan = lower(made.rules.checked, made.workload.schema, made.tables, AT, Manner())
    if plan.aggregations or plan.carried:
        raise CannotSay("more than one table in one record")
    return [written(node, words) for _, node in plan.outputs]


def plain_records(made: Contest, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Accounts as plain values by column."""
    frame = made.tables[made.workload.schema.root].frame[list(numbers)]
    return list(frame.with_columns(pl.col(pl.Categorical).cast(pl.String)).iter_rows(named=True))


def with_zen(made: Contest, numbers: Sequence[int]) -> list[Evaluation]:
    """zen-engine, one compiled expression that gives a list: quicker than a decision graph, and than an expression each."""
    program = zen.compile_expression(f"[{', '.join(conditions(made, Dialect()))}]")
    return [partial(program.evaluate, record) for record in plain_records(made, numbers)]


def with_zen_graph(made: Contest, numbers: Sequence[int]) -> list[Evaluation]:
    """zen-engine, a decision graph with a node of all expressions, as its users draw it."""
    expressions = [{"id": f"x{at}", "key": f"s{at}", "value": text} for at, text in enumerate(conditions(made, Dialect()))]
    nodes = [
        {"id": kind, "name": kind, "type": f"{kind}Node", "position": {"x": 0, "y": 0}, "content": {"expressions": expressions}}
        for kind in ("input", "expression", "output")
    ]
    nodes[0]["content"] = nodes[2]["content"] = {}
    edges = [
        {"id": source, "sourceId": source, "targetId": to, "type": "edge"}
        for source, to in (("input", "expression"), ("expression", "output"))
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    names = [each["key"] for each in expressions]

    def evaluate(record: dict[str, Any]) -> list[bool]:
        found = decision.evaluate(record)["result"]
        return [found[name] for name in names]

    return [partial(evaluate, record) for record in plain_records(made, numbers)]


def with_cel(made: Contest, numbers: Sequence[int]) -> list[Evaluation]:
    """CEL by its binding to Rust, one program that gives a list."""
    program = cel.compile(f"[{', '.join(conditions(made, Dialect(both='&&', either='||')))}]")
    return [partial(program.execute, record) for record in plain_records(made, numbers)]


def with_rule_engine(made: Contest, numbers: Sequence[int]) -> list[Evaluation]:
    """rule-engine, a rule each."""
    rules = [rule_engine.Rule(text) for text in conditions(made, Dialect())]
    return [partial(lambda record: [rule.matches(record) for rule in rules], record) for record in plain_records(made, numbers)]


def with_polars(made: Contest, numbers: Sequence[int]) -> list[Evaluation]:
    """Polars on tables of one account, with the query made beforehand."""
    schema, found = made.workload.schema, []
    for number in numbers:
        key = made.workload.frames[schema.root][schema.tables[schema.root].key[0]][number]
        tables = {name: msgspec.structs.replace(table, frame=of_account(table.frame, key)) for name, table in made.tables.items()}
        ready = polars_rival.prepare_plain(made.rules.checked, schema, tables, AT, ANY_ORDER)
        found.append(lambda ready=ready: ready.run().row(0))
    return found


def of_account(frame: pl.DataFrame, key: Any) -> pl.DataFrame:
    """The rows of an account, by its key, or by the link to it."""
    own = "k_0" if "k_0" in frame.columns else "l_customer_0"
    return frame.filter(pl.col(own) == key)


ENGINES: dict[str, dict[str, Callable[[Contest, Sequence[int]], list[Evaluation]]]] = {
    "zen-engine": {"zen-engine list": with_zen, "zen-engine graph": with_zen_graph},
    "CEL": {"CEL": with_cel},
    "rule-engine": {"rule-engine": with_rule_engine},
    "Polars": {"Polars": with_polars},
}


def records(load: Workload) -> list[dict[str, Any]]:
    """All accounts as mappings, as a service would have them, each with the list of its orders."""
    accounts = list(load.frames["customers"].iter_rows(named=True))
    if "orders" in load.frames:
        owned: dict[Any, list[dict[str, Any]]] = {account["customer_id"]: [] for account in accounts}
        for row in load.frames["orders"].iter_rows(named=True):
            owned[row["customer_id"]].append(row)
        for account in accounts:
            account["orders"] = owned[account["customer_id"]]
    return accounts
