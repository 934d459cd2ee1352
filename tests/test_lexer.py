"""Characters, names, texts, numbers, dates and comments: what a token may be, and how it is read across pieces of a long text."""

from __future__ import annotations

from typing import Any

import pytest

from segdsl import syntax
from segdsl.lexer import NAME, Cursor
from segdsl.limits import Limits
from segdsl.parser import parse


def kinds(text: str) -> list[str]:
    c = Cursor(text, 0, Limits())
    out = []
    while c.kind != "END":
        out.append(c.kind)
        c.advance()
    return out


def codes(text: str) -> list[str]:
    return [found.code for found in parse(text)[1]]


def value(written: str) -> Any:
    """The value of a param, which is one literal."""
    tree, mistakes = parse(f"param p = {written}")
    assert not mistakes, mistakes
    statement = tree.statements[0]
    assert isinstance(statement, syntax.Param)
    return statement.value


def test_words_end_at_word_ends() -> None:
    assert kinds("order or der notx not x_in in inx") == [NAME, "or", NAME, NAME, "not", NAME, "in", NAME]


def test_operators_are_as_long_as_they_can_be() -> None:
    assert kinds("a<=b..c.d!=-e*(f)") == [NAME, "<=", NAME, "..", NAME, ".", NAME, "!=", "-", NAME, "*", "(", NAME, ")"]


def test_numbers_may_touch_what_follows() -> None:
    assert kinds("90days 22..28 5and 1.5e3 1..2") == [
        "NUMBER",
        "UNIT",
        "NUMBER",
        "..",
        "NUMBER",
        "NUMBER",
        "and",
        "NUMBER",
        "NUMBER",
        "..",
        "NUMBER",
    ]


def test_a_date_is_one_token_and_a_subtraction_three() -> None:
    assert kinds("2026-03-01 2026-03 2026 - 3 - 1 2026-3 2026-03-01T14:30Z 2026-11-20..today") == [
        "DATE", "MONTH", "NUMBER", "-", "NUMBER", "-", "NUMBER", "NUMBER", "-", "NUMBER", "TIMESTAMP", "DATE", "..", NAME,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a"', "a"),
        (r"'a'", "a"),
        ('""', ""),
        (r'"\" \\ \n \t \u00e9"', '" \\ \n \t é'),
        (r"'it\'s'", "it's"),
        (r'"\ud83d\ude00"', "😀"),
        ('"# no comment"', "# no comment"),
        ('"tab\there"', "tab\there"),
        (r'"\\n"', "\\n"),
    ],
)
def test_texts(written: str, meant: str) -> None:
    assert value(written).value == meant


@pytest.mark.parametrize(
    ("written", "digits", "percent"),
    [
        ("50_000", "50000", False),
        ("0.25", "0.25", False),
        ("1e6", "1e6", False),
        ("10%", "10", True),
        ("1_0.5%", "10.5", True),
        ("0", "0", False),
    ],
)
def test_numbers(written: str, digits: str, percent: bool) -> None:
    number = value(written)
    assert (number.text, number.percent) == (digits, percent)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('let a = "open', "E102"),
        ("let a = 'open\nlet b = 1", "E102"),
        ('let a = "open\\', "E102"),
        (r'let a = "\q"', "E103"),
        (r'let a = "\u12"', "E103"),
        (r'let a = "\ud800"', "E104"),
        (r'let a = "\ude00\ud83d"', "E104"),
        ("let a\0 = 1", "E105"),
        ('let a = "\x1b[31m"', "E105"),
        ("let a = 1\rlet b = 2", "E105"),
        ("let a = 1 # \ud800", "E105"),
        ("let a\0\0\0 = 1", "E105"),
        ("let a = 1\ufeff", "E105"),
        ("let a\u200b = 1", "E105"),
        ("let a\0\r = 1", "E105"),
        ('let a = "\u202e"', "E105"),
        ("let a = 1 # \u2066", "E105"),
        ("let a = 007", "E106"),
        ("let a = 01.5%", "E106"),
        ("let a = 0_1", "E106"),
        ("let a = 2026-3-1", "E107"),
        ("let a = 2026-03-01T9:30", "E107"),
        ("let a = 2026-02-30", "E108"),
        ("let a = 2026-13-01", "E108"),
        ("let a = 0000-01-01", "E108"),
        ("let a = 9999-12-32", "E108"),
        ("let a = 2026-13", "E108"),
        ("segment s when a in 2026-13", "E108"),
        ("let a = 2026-02-30T10:00", "E108"),
        ("let a = 2026-03-01T24:00", "E108"),
        ("let a = 2026-03-01T10:00+24:00", "E108"),
        ("let a = `b", "E117"),
        ("let a = ``", "E117"),
        ("let a = 1e99999", "E118"),
        ("let a = " + "b" * 201, "E121"),
        ("let a = " + "1" * 500, "E118"),
    ],
)
def test_a_mistake_in_a_token_is_one_mistake(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_what_stands_beside_a_mistaken_token_is_still_read() -> None:
    tree, mistakes = parse("let a = 2026-02-30\nlet b = 007\nlet c = 3")
    assert [statement.name.text for statement in tree.statements] == ["a", "b", "c"]
    assert [found.code for found in mistakes] == ["E108", "E106"]


def test_a_byte_order_mark_at_the_start_is_passed_over() -> None:
    tree, mistakes = parse("\ufefflet a = 1")
    assert not mistakes
    assert tree.statements[0].span == syntax.Span(1, 10, 0)


def test_line_ends_of_other_systems() -> None:
    tree, mistakes = parse("# one\r\nlet a = 1 # two\r\nlet b = 2\r\n")
    assert not mistakes
    assert [comment.text for comment in tree.comments] == ["# one", "# two"]


def test_names_are_composed_and_backquotes_are_not_part_of_them() -> None:
    tree, mistakes = parse("let cafe\u0301 = `two words` = café.`when`")
    assert not mistakes
    let = tree.statements[0]
    assert isinstance(let, syntax.Let)
    assert let.name.text == "café"
    assert syntax.bare(let.value) == syntax.bare(
        syntax.Compare(
            span=let.span,
            op="=",
            left=syntax.Path(span=let.span, parts=(syntax.Name(span=let.span, text="two words"),)),
            right=syntax.Path(span=let.span, parts=(syntax.Name(span=let.span, text="café"), syntax.Name(span=let.span, text="when"))),
        )
    )


def test_comments_keep_their_places() -> None:
    text = "# first\nlet a = # inside\n  1\n#\nlet b = 2 # last"
    tree, mistakes = parse(text, number=3)
    assert not mistakes
    assert [comment.text for comment in tree.comments] == ["# first", "# inside", "#", "# last"]
    assert [text[comment.span.start : comment.span.end] for comment in tree.comments] == [comment.text for comment in tree.comments]
    assert {comment.span.source for comment in tree.comments} == {3}


def test_a_long_text_is_read_in_pieces_without_a_seam() -> None:
    """Pieces of tokens end at every kind of place, also where the reader looks one token ahead."""
    for lead in range(12):
        text = "let z = 1 + 1"
        text += "\nlet q = a in (" + ", ".join(["5"] * (2040 + lead)) + ")"
        text += "\nsegment s when at least 1 of (at = 1, x in 90 days ago..2 days from now)\n" * 300
        tree, mistakes = parse(text)
        assert not mistakes
        assert len(tree.statements) == 302
        assert all(text[statement.span.end : statement.span.end + 1] in ("\n", "") for statement in tree.statements)


def test_a_token_longer_than_a_window_is_one_token() -> None:
    long = "1" * 50_000
    assert kinds(f"a = '{long}' b {long} # {long}\n`{long}` c") == [NAME, "=", "TEXT", NAME, "NUMBER", NAME, NAME]


def test_more_words_than_are_remembered_are_read() -> None:
    assert set(kinds(" ".join(f"name{number}" for number in range(25_000)))) == {NAME}
