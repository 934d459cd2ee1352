"""What is reckoned before something else, step by step, by way of lets: no chain of names is too long for the engine."""

from __future__ import annotations

import polars as pl
import pytest

import segkernel as sk

SCHEMA = """
[project]
root = "customers"
[tables.customers]
key = "id"
[tables.customers.links]
parent = { table = "customers", by = "parent_id", relation = "children" }
"""
FRAME = pl.DataFrame({"id": [1, 2, 3], "parent_id": [None, 1, 1], "visits": [1, 2, 3]})
NEXT = sk.Function("next", ["whole number"], "whole number", lambda number: number + 1)
CHAINS = {
    "calls of the host's": ("let a0 = visits", "let a{next} = next(a{this})", "a{last} > 0"),
    "aggregates that go up links": (
        "let a0 for children = visits",
        "let a{next} for children = min(parent.children.a{this})",
        "any(children where a{last} > 0)",
    ),
    "ranks": ("let a0 = visits", "let a{next} = rank(a{this} over all)", "a{last} > 0"),
}


def chained(chain: tuple[str, str, str], steps: int) -> str:
    first, step, last = chain
    lets = [step.format(next=number + 1, this=number) for number in range(steps)]
    return "\n".join([first, *lets, f"segment found when {last.format(last=steps)}"])


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_steps_are_counted_by_way_of_lets(chain: tuple[str, str, str]) -> None:
    data = sk.Dataset({"customers": FRAME}, sk.Schema.parse(SCHEMA))
    rules = sk.compile(chained(chain, 64), data.schema, functions=[NEXT])
    result = rules.evaluate(data, as_of="2026-01-15T00:00Z")
    assert result.count("found") > 0
    record = {"id": 1, "visits": 1, "children": [{"id": 2, "visits": 2}, {"id": 3, "visits": 3}]}
    assert ("found" in rules.match(record, as_of="2026-01-15T00:00Z", population=result.population).segments) == result["found"][0]
    with pytest.raises(sk.RuleError) as raised:
        sk.compile(chained(chain, 2_000), data.schema, functions=[NEXT])
    first = raised.value.diagnostics[0]
    assert first.code == "E902"
    assert first.hint is not None
    assert first.hint.startswith("what is reckoned first counts by way of lets")
    assert "a65" in str(raised.value).splitlines()[1]


def test_the_limit_of_nesting_is_that_of_steps() -> None:
    data = sk.Dataset({"customers": FRAME}, sk.Schema.parse(SCHEMA))
    with pytest.raises(sk.RuleError, match="nested more than 3 deep"):
        sk.compile(chained(CHAINS["ranks"], 4), data.schema, limits=sk.Limits(nesting=3))


def test_what_several_steps_share_is_reckoned_once() -> None:
    """Steps that rest on the last one twice, in two tables, would otherwise double with each."""
    made: list[str] = []
    schema = SCHEMA + 'company = { table = "companies", by = "company_id", relation = "staff" }\n[tables.companies]\nkey = "id"\n'
    frames = {"customers": FRAME.with_columns(company_id=1), "companies": pl.DataFrame({"id": [1]})}
    data = sk.Dataset(frames, sk.Schema.parse(schema))
    step = "let a{next} for children = greatest(min(parent.children.a{this}), max(company.staff.a{this}))"
    doubled = ("let a0 for children = visits", step, "any(children where a{last} = 3)")
    assert sk.compile(chained(doubled, 40), data.schema).evaluate(data, as_of="2026-01-15T00:00Z").members("found").to_list() == [1]
    counted = sk.Function("next", ["whole number"], "whole number", lambda number: made.append("once") or number + 1)
    rules = sk.compile(
        chained(("let a0 = visits", "let a{next} = next(a{this}) + 0 * next(a{this})", "a{last} = 33"), 30),
        data.schema,
        functions=[counted],
    )
    assert rules.evaluate(data, as_of="2026-01-15T00:00Z").members("found").to_list() == [3]
    assert len(made) == 30
    assert len(str(rules.program()).splitlines()) < 10_000


def test_steps_are_counted_by_way_of_collects() -> None:
    text = """
let a = rank(visits over all)
collect c "x" when a > 1 "y" when rank(a over all) > 1
let b = rank(if(c contains "y", 1, 0) over all)
segment found when b > 0
"""
    schema = sk.Dataset({"customers": FRAME}, sk.Schema.parse(SCHEMA)).schema
    assert sk.compile(text, schema, limits=sk.Limits(nesting=3)).names == ("c", "found")
    with pytest.raises(sk.RuleError) as raised:
        sk.compile(text, schema, limits=sk.Limits(nesting=2))
    assert [(each.code, text[each.span.start : each.span.end]) for each in raised.value.diagnostics] == [("E902", "b")]
