"""Mistakes and their hints, recovery, spans and limits. That the trees are right is shown in test_grammar.py."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segdsl import syntax
from segdsl.diagnostics import as_dicts, closest, render
from segdsl.lexer import Cursor
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.source import Source
from tests.rule_texts import SOFT_WORDS

HINTS = [
    ("x == 5", "E111", "=="),
    ("x <> 5", "E111", "!="),
    ("a && b", "E111", "and"),
    ("a || b", "E111", "or"),
    ("!a", "E111", "not"),
    ("a AND b", "E111", "and"),
    ("a = 1 OR b = 2", "E111", "or"),
    ("NOT a", "E111", "not"),
    ('x IN ("a")', "E111", "in"),
    ("x is null", "E111", "is missing"),
    ("x is not null", "E111", "is not missing"),
    ("x IS NULL", "E111", "is missing"),
    ("x IS NOT NULL", "E111", "is not missing"),
    ("x = missing", "E111", "is missing"),
    ("x between 1 and 5", "E111", "in 1..5"),
    ('x like "a%"', "E111", 'starts with "a"'),
    ("x > -90d", "E111", "90 days ago"),
    ("x > 0,25", "E116", "0.25"),
    ("d > 2026-3-1", "E107", "2026-03-01"),
    ("d in 2026-3", "E101", "2026-03"),
    ("d in last 6 months", "E115", "within last 6 months"),
    ("d in last 6 months", "E115", "in last 6 whole months"),
    ("t within 90 days", "E111", "within last 90 days"),
    ("if (a) then b", "E111", "if(condition, value, other)"),
    ("1 < x < 5", "E120", "and"),
    ("x not = 5", "E101", "!="),
    ('x in "a"', "E101", "="),
    ("x in [1, 2]", "E111", "( )"),
    ("x ≥ 5", "E111", ">="),
    ("x = “a”", "E111", "straight"),
    ("a;", "E111", "semicolon"),
    ("x is 5", "E101", "="),
    ("first name = 1", "E101", "`first name`"),
    ("x = segment", "E101", "`segment`"),
    ("x in last", "E101", "`last`"),
    ("exactly = 1", "E101", "`exactly`"),
    ("at(5) = 1", "E101", "`at`"),
    ("a)", "E110", "delete"),
    ("f(a where b where c)", "E113", None),
    ("x = ", "E101", None),
    ("a and or b", "E101", None),
    ("(x is)", "E101", None),
    ("x =: 5", "E111", None),
    ("sum(a, b per c, d)", "E101", None),
    ("sum(a per (b = c, d))", "E101", None),
]


@pytest.mark.parametrize(("condition", "code", "hint"), HINTS)
def test_neighbours_words_get_the_right_word(condition: str, code: str, hint: str | None) -> None:
    tree, mistakes = parse(f"segment s when {condition}\nsegment t when a")
    assert [found.code for found in mistakes] == [code]
    assert hint is None or hint in (mistakes[0].hint or "") + mistakes[0].message
    assert tree.statements[-1].name.text == "t"


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("segment s = x", "E111", "when"),
        ("segment s x = 5", "E114", "when"),
        ('segment s "label" x = 5', "E114", "when"),
        ("segment s \"country = 'DE'\"", "E114", "when country = 'DE'"),
        ("segment s if (x) then y", "E114", "if"),
        ("segment s WHEN x", "E114", "small letters"),
        ("segment s where x", "E114", "where"),
        ("segment when when x", "E112", "`when`"),
        ("SEGMENT s when x", "E119", "segment"),
        ("x = 5", "E119", "let x = ..."),
        ('choose c "a" x = 5', "E114", "when"),
        ('collect c "a" when x otherwise "b"', "E101", "choose"),
        ('choose c "a" when x -3 when y', "E101", "negative"),
        ("param p = q", "E101", "let"),
        ("let x == 5", "E111", "="),
        ("segment", "E101", None),
    ],
)
def test_statements_that_are_nearly_right(text: str, code: str, hint: str | None) -> None:
    _, mistakes = parse(text)
    assert [found.code for found in mistakes] == [code]
    assert hint is None or hint in (mistakes[0].hint or "")


def test_five_mistakes_in_five_statements_are_five_diagnostics() -> None:
    text = "segment a when x ==\nlet b 5\nparam c = \nsegment d when (x = 1\nchoose e when\nsegment f when in segment a"
    tree, mistakes = parse(text)
    assert len(mistakes) == 5
    assert [text.count("\n", 0, found.span.start) for found in mistakes] == [0, 1, 2, 3, 4]
    assert [statement.name.text for statement in tree.statements] == ["f"]


def test_statements_need_no_lines_of_their_own() -> None:
    tree, mistakes = parse("segment a when x = = segment b when y and in segment c let d 5 let e = 6")
    assert len(mistakes) == 2
    assert [statement.name.text for statement in tree.statements] == ["b", "e"]


def test_an_open_bracket_is_shown_where_it_opens() -> None:
    text = "segment a when (x = 1 or (y = 2)\nsegment b when z"
    tree, mistakes = parse(text)
    assert [(found.code, found.span) for found in mistakes] == [("E109", syntax.Span(15, 16))]
    assert mistakes[0].also[0][0] == syntax.Span(32, 32)
    assert [statement.name.text for statement in tree.statements] == ["b"]


def test_spans_hold_the_brackets_and_the_source() -> None:
    text = "let x = (a + b) * -(c)"
    product = parse(text, number=7)[0].statements[0]
    assert isinstance(product, syntax.Let)
    assert isinstance(product.value, syntax.Arithmetic)
    assert product.value.span == syntax.Span(8, 22, 7)
    assert product.value.left.span == syntax.Span(9, 14, 7)
    assert product.value.right.span == syntax.Span(18, 22, 7)


DEEP = ["(", "not ", "f(", "- ", "not (", "x in (f(", "at least 1 of (", "sum(a per ("]


@pytest.mark.parametrize("opening", DEEP)
def test_what_is_nested_too_deep_is_one_mistake(opening: str) -> None:
    _, mistakes = parse("segment s when " + opening * 100_000)
    assert [found.code for found in mistakes] == ["E902"]


def test_sixty_four_brackets_are_allowed_and_one_more_is_not() -> None:
    assert not parse("let a = " + "(" * 64 + "1" + ")" * 64)[1]
    assert [found.code for found in parse("let a = " + "(" * 65 + "1" + ")" * 65)[1]] == ["E902"]


def test_reading_goes_on_behind_what_is_too_deep() -> None:
    tree, mistakes = parse("segment s when " + "not " * 5_000 + "a\nsegment t when b\nsegment u when")
    assert [found.code for found in mistakes] == ["E902", "E101"]
    assert [statement.name.text for statement in tree.statements] == ["t"]


def test_reading_goes_on_at_the_next_line_where_much_follows_a_mistake() -> None:
    text = "segment s when a b c d e f g h i j k l m n segment t when a\nsegment u when b"
    assert [statement.name.text for statement in parse(text)[0].statements] == ["t", "u"]
    tree, mistakes = parse(text, limits=Limits(nodes=10))
    assert [found.code for found in mistakes] == ["E101"]
    assert [statement.name.text for statement in tree.statements] == ["u"]


def test_nothing_is_noted_twice_behind_what_is_too_deep() -> None:
    tree, mistakes = parse("segment s when " + "(" * 70 + "\nlet a = 007 # kept\nlet b = 'open")
    assert [found.code for found in mistakes] == ["E902", "E106", "E102"]
    assert [comment.text for comment in tree.comments] == ["# kept"]


def test_a_remark_behind_what_is_too_deep_is_told_once() -> None:
    _, mistakes = parse("segment s when " + "(" * 70 + "\nlet a = 1\n-- old\nlet b = 2 // new")
    assert [found.code for found in mistakes] == ["E902", "E111", "E111"]


def test_a_block_of_remarks_is_one_mistake() -> None:
    tree, mistakes = parse("/* segment a\n * when b\n */\nsegment c when d /* open\nlet e = 1")
    assert [(found.code, found.span) for found in mistakes] == [("E111", syntax.Span(0, 2)), ("E111", syntax.Span(44, 46))]
    assert [statement.name.text for statement in tree.statements] == ["c", "e"]


def test_a_nearly_used_up_stack_gives_a_diagnostic() -> None:
    def sink(depth: int) -> list[str]:
        return [found.code for found in parse("let a = " + "(" * 60 + "1" + ")" * 60)[1]] if depth == 0 else sink(depth - 1)

    frame, used = sys._getframe(), 0
    while frame.f_back is not None:
        frame, used = frame.f_back, used + 1
    assert sink(sys.getrecursionlimit() - used - 100) == ["E902"]


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("let a = 1 # " + "x" * 100, Limits(source=100), "E901"),
        ("let a = 'é'" * 10, Limits(source=115), "E901"),
        ("let a = " + " + ".join(["b"] * 20), Limits(depth=10), "E907"),
        ("let a = f(" + ", ".join(["b"] * 20) + ")", Limits(nodes=10), "E903"),
        ("let a = " + " or ".join(["b"] * 11_000), Limits(), "E903"),
        ("let a = f(b over (" + ", ".join(["b"] * 20) + "))", Limits(nodes=10), "E903"),
        ("let a = b in (" + ", ".join(["1"] * 11) + ")", Limits(items=10), "E904"),
        ("param a = (" + ", ".join(["1"] * 11) + ")", Limits(items=10), "E904"),
        ("let a = 1 " * 11, Limits(statements=10), "E905"),
        ("let a = b" + ".c" * 100, Limits(), "E902"),
        ("let a = 1 # one\n# two\n# three", Limits(comments=2), "E909"),
        ('let a = b matches "' + "c" * 1_001 + '"', Limits(), "E906"),
    ],
)
def test_every_limit_has_its_own_error(text: str, limits: Limits, code: str) -> None:
    assert [found.code for found in parse(text, limits=limits)[1]] == [code]


def codes(text: str, limits: Limits) -> list[str]:
    return [found.code for found in parse(text, limits=limits)[1]]


# How much of a text that is far over a limit is read as tokens: none of it, or as much as the limit allows.
FAR_OVER = [
    ("let a=1\n" * 3_000, Limits(statements=1_000), "E905", 0),
    ("  segment a when b\n" * 1_001, Limits(statements=1_000), "E905", 0),
    ("# c\nlet a = 1\n" * 1_001, Limits(comments=1_000), "E909", 0),
    ("let a = b in (" + "1," * 30_000 + "1)", Limits(items=1_000), "E904", 16_384),
    ("param a = (" + "'x, (y', # (\n" * 1_001 + "1)", Limits(items=1_000), "E904", 16_384),
    ("let a = " + "(" * 100_000, Limits(), "E902", 16_384),
    ("let a = " + "not " * 100_000, Limits(), "E902", 16_384),
    ("let a = b" + " or b" * 100_000, Limits(), "E903", 45_056),
    ("let a b\n" * 30_000, Limits(mistakes=100, statements=100_000), "E908", 16_384),
    ("let a = b in (" + "2026-02-30," * 30_000 + "1)", Limits(mistakes=100), "E908", 16_384),
]


@pytest.mark.parametrize(("text", "limits", "code", "most"), FAR_OVER, ids=[f"{case[2]} {case[0][:20]!a}" for case in FAR_OVER])
def test_what_is_over_a_limit_is_not_read_to_its_end(
    text: str, limits: Limits, code: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    fill = Cursor._fill

    def counted(cursor: Cursor) -> None:
        before = len(cursor._kinds) - cursor._index
        fill(cursor)
        read.append(len(cursor._kinds) - before)

    monkeypatch.setattr(Cursor, "_fill", counted)
    assert codes(text, limits)[-1] == code
    assert sum(read) <= most


def test_what_only_looks_like_too_much_is_read() -> None:
    assert codes("segment a when in\nsegment a " * 10, Limits(statements=10)) == []
    assert codes("segment a when b = '#' and c = '#' # d\n" * 4, Limits(comments=4)) == []
    assert codes("let a = b in ('1,', '2,', '3,')" + " " * 100, Limits(items=3)) == []
    assert codes("let a = b in (f(1, 2), g(3, 4))" + " " * 100, Limits(items=2)) == []


def test_a_file_that_is_no_text_is_not_taken_for_rules() -> None:
    found = parse("let a = \0 1 " * 1_000)[1]
    assert [each.code for each in found] == ["E105"] * 100
    assert codes("let a = \0 1 " * 1_000, Limits(mistakes=10)) == ["E105"] * 10 + ["E908"]


def test_items_of_a_list_are_not_counted_as_nodes() -> None:
    assert not parse("let a = b in (" + ", ".join(["1", "-2", "c", '"d"'] * 25) + ")", limits=Limits(nodes=10))[1]
    assert not parse("let a = b in (" + ", ".join(["1"] * 10) + ")", limits=Limits(items=10))[1]
    assert [found.code for found in parse("let a = b in (" + ", ".join(["c + 1"] * 25) + ")", limits=Limits(nodes=10))[1]] == ["E903"]


def test_reading_stops_after_many_mistakes() -> None:
    _, mistakes = parse("let a 5\n" * 50, limits=Limits(mistakes=10))
    assert [found.code for found in mistakes] == ["E101"] * 10 + ["E908"]
    _, mistakes = parse("// no\n" * 50, limits=Limits(mistakes=10))
    assert [found.code for found in mistakes] == ["E111"] * 10 + ["E908"]
    _, mistakes = parse(f"param a = ({', '.join(['2026-02-30'] * 50)})", limits=Limits(mistakes=10))
    assert [found.code for found in mistakes] == ["E108"] * 10 + ["E908"]


def test_of_a_long_line_only_what_is_shown_is_looked_at() -> None:
    text = "let a = b in (" + "1, " * 40_000 + "&" + ", 1" * 40_000 + ")"
    found = parse(text, limits=Limits(items=1_000_000))[1]
    place, line, carets, *_ = render(found * 300, [Source("a.seg", text)]).split("\n")
    assert place.startswith("a.seg:1:120015:")
    assert line.strip()[0] == line.strip()[-1] == "…"
    assert line[carets.index("^")] == "&"


def test_a_diagnostic_as_text() -> None:
    text = 'segment idle\n  when country == "DE"\n'
    assert render(parse(text)[1], [Source("segments.seg", text)]).split("\n") == [
        'segments.seg:2:16: error[E111]: "==" is not part of the language here',
        '    when country == "DE"',
        "                 ^^",
        "    write =",
    ]


@pytest.mark.parametrize(
    ("line", "shown", "carets"),
    [
        ("let 日本 = = 1", "    let 日本 = = 1", "               ^"),
        ("\tlet\ta = = 1", "    let    a = = 1", "               ^"),
        ("let e\u0301 = = 1", "    let e\u0301 = = 1", "            ^"),
        ('let a = "\u200e" = =', '    let a = "\ufffd" = =', "                  ^"),
    ],
)
def test_carets_stand_below_what_they_mean(line: str, shown: str, carets: str) -> None:
    rendered = render(parse(line)[1], [Source("a.seg", line)]).split("\n")
    assert rendered[1:3] == [shown, carets]


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "let a = " + "b + " * 100 + "== + " + "c + " * 100
    _, line, carets, *_ = render(parse(text)[1], [Source("a.seg", text)]).split("\n")
    assert len(line) <= 4 + 122
    assert line[carets.index("^")] == "="
    assert line.strip()[0] == line[-1] == "…"


def test_diagnostics_as_json() -> None:
    text = "let a = (1\nlet b = 2"
    assert as_dicts(parse(text)[1], [Source("a.seg", text)]) == [
        {
            "code": "E109", "severity": "error", "message": "this bracket is not closed", "file": "a.seg", "line": 1, "column": 9,
            "end_line": 1, "end_column": 10, "start": 8, "end": 9, "hint": 'write ")"',
            "also": [
                {
                    "message": "the end of the statement comes before it is closed", "file": "a.seg", "line": 1, "column": 11,
                    "end_line": 1, "end_column": 11, "start": 10, "end": 10,
                }
            ],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("contry", "country"),
        ("COUNTRY", "country"),
        ("coutnry", "country"),
        ("revenue", None),
        ("x", None),
        ("countries", "country"),
        ("", None),
    ],
)
def test_the_closest_name(name: str, meant: str | None) -> None:
    assert closest(name, ["region", "country", "industry", "count"]) == meant


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *SOFT_WORDS,
                *[
                    "param",
                    "let",
                    "segment",
                    "choose",
                    "collect",
                    "when",
                    "otherwise",
                    "and",
                    "or",
                    "not",
                    "in",
                    "is",
                    "where",
                    "true",
                    "false",
                    "missing",
                ],
            ]
        ),
        st.sampled_from(
            ["(", ")", ",", "..", ".", "=", "==", "<", "-", "+", '"a"', "'", '"', "`", "#", "\n", "5", "007", "10%", "2026-02-30", "\\"]
        ),
        st.text(max_size=5),
        st.text(alphabet=st.characters(), max_size=3),
    ),
    max_size=30,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXTS, st.text(), TEXTS.map(lambda text: "segment s when " + text)))
def test_any_text_gives_only_diagnostics(text: str) -> None:
    tree, mistakes = parse(text)
    source = Source("a.seg", text)
    for found in mistakes:
        assert 0 <= found.span.start <= found.span.end <= len(text)
    assert [found.span.start for found in mistakes] == sorted(found.span.start for found in mistakes)
    assert len(render(mistakes, [source]).encode("utf-8", "replace")) >= len(mistakes)
    assert len(as_dicts(mistakes, [source])) == len(mistakes)
    assert all(text[comment.span.start : comment.span.end] == comment.text for comment in tree.comments)
