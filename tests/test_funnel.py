"""What each clause of a segment does to all accounts."""

import json

import polars as pl
import pytest

import segkernel as sk
from segkernel.oracle import Oracle
from segkernel.why.funnel import split, walk
from tests.differential import oracle_rows
from tests.strategies import checked_rules, nanoseconds, random_case
from tests.test_cli import call, project, refused

__all__ = ["project"]
AS_OF = "2026-10-01T09:00"


def funnel(text, name="s", **columns):
    frame = pl.DataFrame({"id": range(len(next(iter(columns.values())))), **columns})
    data = sk.Dataset({"t": frame}, root="t", key="id")
    return sk.compile(text, data.schema).funnel(data, name, as_of=AS_OF)


def test_every_clause_of_an_and():
    found = funnel(
        'segment s "Both" when a > 1 and b > 1 and c is missing', a=[1, 2, 3, None, 5], b=[2, 2, 1, 2, None], c=[None, 1, None, 1, None]
    )
    assert (found.accounts, found.members, found.unknown) == (5, 0, 1)
    assert found.frame().select("clause", "keeps", "only_removes", "unknown", "left").rows() == [
        ("a > 1", 3, 1, 1, 3),
        ("b > 1", 3, 2, 1, 1),
        ("c is missing", 3, 1, 0, 0),
    ]
    assert str(found) == (
        'segment s "Both": 0 of 5 t (0.0%), 1 unknown, as of 2026-10-01T09:00:00+00:00 (UTC)\n'
        "\n"
        "clause        keeps  only it removes  unknown  left\n"
        "a > 1             3                1        1     3\n"
        "b > 1             3                2        1     1\n"
        "c is missing      3                1        0     0"
    )


def test_what_a_name_stands_for_and_the_terms_of_an_or_stand_below_it():
    text = """
    let known = a > 1 and b > 1
    segment base when known and c in 1..5
    segment s when in segment base and (a = 2 or b = 2) and not (a = 9)
    """
    found = funnel(text, a=[2, 2, 3, 9, 2], b=[2, 3, 3, 2, 1], c=[1, 5, 1, 1, 1])
    assert [
        (step.depth, step.alternative, step.text, step.keeps, step.only_removes, step.only_adds, step.left) for step in found.steps
    ] == [
        (0, False, "in segment base", 4, 1, None, 4),
        (1, False, "known", 4, 1, None, 4),
        (2, False, "a > 1", 5, 0, None, 5),
        (2, False, "b > 1", 4, 1, None, 4),
        (1, False, "c in 1..5", 5, 0, None, 4),
        (0, False, "a = 2 or b = 2", 4, 1, None, 3),
        (1, True, "a = 2", 3, None, 1, None),
        (1, True, "b = 2", 2, None, 0, None),
        (0, False, "not (a = 9)", 4, 1, None, 2),
    ]
    assert "      or a = 2 " not in str(found)
    assert "\n   or a = 2 " in str(found)
    assert "only it adds" in str(found)


@pytest.mark.parametrize(
    ("condition", "clauses"),
    [
        ("a > 1", ["a > 1"]),
        ("a in 1..5", ["a in 1..5"]),
        ('t contains any of ("x", "y") and a = 1', ['t contains any of ("x", "y")', "a = 1"]),
        ("(a = 1 and (a = 2 and a = 3))", ["a = 1", "a = 2", "a = 3"]),
        ("not (a = 1 and a = 2)", ["not (a = 1 and a = 2)"]),
    ],
)
def test_clauses_are_what_the_rules_write(condition, clauses):
    found = funnel(f"segment s when {condition}", a=[1], t=["x"])
    assert [step.text for step in found.steps] == clauses
    assert found.steps[0].place == f"rules.seg:1:{15 + condition.index(clauses[0]) + 1}"


def test_nobody_and_long_chains_of_names():
    lets = "".join(f"let c{n} = c{n - 1} and a > {n}\n" for n in range(1, 500))
    found = funnel(f"let c0 = a > 0\n{lets}segment s when c499", a=[500, 3, None])
    assert (found.members, found.unknown) == (1, 1)
    assert max(step.depth for step in found.steps) == 3
    empty = funnel("segment s when a > 1 and a < 3", a=pl.Series([], dtype=pl.Int64))
    assert (empty.accounts, [step.left for step in empty.steps]) == (0, [0, 0])


def test_mistakes():
    with pytest.raises(sk.Error, match=r'^"c" is a choose, not a segment: a funnel is of a segment$'):
        funnel("choose c 1 when a > 1", "c", a=[1])
    with pytest.raises(sk.Error, match=r'there is no segment or choose called "t"'):
        funnel("segment s when a > 1", "t", a=[1])


@pytest.mark.parametrize("seed", range(30))
def test_numbers_are_those_of_the_accounts_one_by_one(seed):
    case = random_case(8_000 + seed, "small")
    tree = checked_rules(case)
    data = sk.Dataset(dict(case.frames), case.schema)
    rules = sk.compile(case.rules_text, data.schema, params=case.params)
    oracle = Oracle(tree, case.schema, oracle_rows(case), nanoseconds(case.as_of))
    for name in tree.segments:
        try:
            found = rules.funnel(data, name, as_of=case.as_of)
        except sk.DataError:
            continue
        clauses = list(walk(split(tree, tree.segments[name].condition)))
        truths = [[oracle.truth(node, row) for row in range(oracle.accounts)] for _, node, _ in clauses]
        top = [at for at, (_, _, depth) in enumerate(clauses) if depth == 0]
        for at, (step, held) in enumerate(zip(found.steps, truths, strict=True)):
            assert (step.keeps, step.unknown) == (held.count(True), held.count(None)), (seed, name, step.text)
            if at in top:
                others = [truths[other] for other in top if other != at]
                before = [truths[other] for other in top if other <= at]
                rows = range(oracle.accounts)
                assert step.only_removes == sum(all(o[row] is True for o in others) and held[row] is not True for row in rows)
                assert step.left == sum(all(o[row] is True for o in before) for row in rows)
        assert found.members == found.steps[top[-1]].left == sum(oracle.segment(name))


def test_the_command(project):
    found = call("funnel", project, "other")
    assert found.exit_code == 0, found.output
    assert found.stdout == (
        "segment other: 1 of 4 customers (25.0%), 1 unknown, as of 2026-01-15T12:00:00+01:00 (Europe/Berlin)\n"
        "\n"
        "clause           keeps  only it removes  unknown  left\n"
        'country != "DE"      1                3        1     1\n'
    )
    told = json.loads(call("funnel", project, "buyers", "--format", "json", "--param", "limit=1").stdout)
    assert (told["members"], told["steps"][0]["text"]) == (2, "sum(orders.total) > limit")
    assert 'did you mean "other"?' in refused(2, "funnel", project, "othr")
    assert refused(1, "funnel", project, "tier") == 'error: "tier" is a choose, not a segment: a funnel is of a segment\n'
