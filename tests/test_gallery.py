"""The gallery of mistakes holds: each file is told as shown, every code has one, and mistakes in one text do not hide one another."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from segdsl import parse
from segdsl.diagnostics import MESSAGES
from segdsl.syntax import Span
from tests.gallery import FOLDER, mistakes, shown, texts, told

# Why a code has no file of its own here.
ELSEWHERE = {
    "E209": "a column's type is known from the data alone",
    "E404": "said of what the caller sets",
    "E405": "said of what the caller sets",
    "E410": "the schema's reader refuses the zone first",
    **dict.fromkeys(
        ("E901", "E903", "E904", "E905", "E906", "E907", "E908", "E909"), "a text over the limit is too long to be read by anybody"
    ),
}


@pytest.mark.parametrize("name", texts())
def test_a_file_is_told_as_shown(name: str) -> None:
    assert told(name, texts()[name]) == shown(name)


@pytest.mark.parametrize("name", texts())
def test_one_mistake_is_one_diagnostic_with_a_word_on_it(name: str) -> None:
    found = mistakes(texts()[name])
    assert len(found) == 1, [each.message for each in found]
    assert found[0].message


def test_outputs_stand_beside_files() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(texts())
    assert len(texts()) >= 120


def test_every_code_has_a_file_or_a_reason() -> None:
    codes = {code for code in MESSAGES if code.startswith("E")}
    found = {each.code for text in texts().values() for each in mistakes(text)}
    assert found | set(ELSEWHERE) == codes
    assert not found & set(ELSEWHERE)


def test_names_are_given_once_in_all_files_together() -> None:
    names = Counter(name for text in texts().values() for name in {statement.name.text for statement in parse(text)[0].statements})
    assert [name for name, count in names.items() if count > 1] == []


def dangling(name: str) -> bool:
    """Whether a file ends where something is still wanted, so that whatever follows is taken for it."""
    (found,) = mistakes(texts()[name])
    return found.code == "E101" and found.span.start == len(texts()[name].rstrip())


def foreign(name: str) -> bool:
    """Whether a file begins with a word or sign that begins no statement."""
    return re.match(r"\ufeff?(param|let|segment|choose|collect)\b", texts()[name]) is None


def joined(names: list[str]) -> tuple[str, list[int]]:
    """Files below one another with an empty line between, and where each begins."""
    text, starts = "", []
    for name in names:
        starts.append(len(text))
        text += texts()[name].removeprefix("\ufeff") + "\n"
    return text, starts


def same_apart_and_together(names: list[str]) -> None:
    if any(dangling(first) and foreign(second) for first, second in pairwise(names)):
        return
    text, starts = joined(names)
    expected = []
    for name, start in zip(names, starts, strict=True):
        (found,) = mistakes(texts()[name])
        span = Span(found.span.start + start, found.span.end + start)
        expected.append((found.code, span, found.message, found.hint))
    assert [(found.code, found.span, found.message, found.hint) for found in mistakes(text)] == expected, names


@pytest.mark.parametrize("seed", range(10))
def test_five_files_together_have_their_five_mistakes(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(30):
        same_apart_and_together(source.sample(sorted(texts()), 5))


def test_every_file_goes_before_and_behind_others() -> None:
    names = sorted(texts())
    random.Random(5).shuffle(names)
    for first, second in zip(names, [*names[1:], names[0]], strict=True):
        same_apart_and_together([first, second])
