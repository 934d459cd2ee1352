"""Slips that are seen by what stands around a name, and how many names an unknown one is held against."""

from __future__ import annotations

from tests.shop import checked, rules


def test_a_minus_without_blanks_is_a_minus_where_a_name_is_known() -> None:
    assert rules("segment s when revenue-score > 5")
    (found,) = checked("segment s when revenue-scroe > 5")[1]
    assert (found.code, found.hint) == ("E201", 'did you mean "score"?')


def test_names_with_dashes_are_one_mistake() -> None:
    found = {text: checked(f"segment s when {text} > 5")[1] for text in ("first-name", "first-name.x", "first-4", "4-name", "first-(a)")}
    assert [found["first-name"][0].message, len(found["first-name"])] == ['customers has no field "first-name"', 1]
    assert all(len(each) >= 1 for each in found.values())


def test_texts_without_quotes_are_told_in_lists_too() -> None:
    found = checked('segment s when city in (Berlin, "Rome", Oslo) or city contains Par or birthday = Monday1')[1]
    assert [each.hint for each in found] == [
        'a text stands in quotes: "Berlin"',
        'a text stands in quotes: "Oslo"',
        'a text stands in quotes: "Par"',
        None,
    ]


def test_unknown_names_are_held_against_only_so_many() -> None:
    text = "\n".join(f"let called_{number} = caled_{number} + 1" for number in range(400))
    hints = [each.hint for each in checked(text)[1]]
    assert hints[0] == 'did you mean "called_0"?'
    assert hints[-1] is None
