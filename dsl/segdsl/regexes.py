"""The regular expressions of `matches`: a subset that every engine of linear time can run, recognised character by character.

Literals, `.` (all but a line break), classes, `\\d \\w \\s` and `\\b` (of ASCII), alternation, groups, `^` and `$` (the ends of the
text), and repetition with bounds. No look-around, no back-references, no flags.
"""

from __future__ import annotations

import string

import msgspec

MOST_STATES = 5_000
MOST_REPEATS = 1_000
MOST_DEPTH = 50
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\x0B\x0C\r "}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_DOUBLED = "&~|-"


class NotRegular(ValueError):
    """What stands in a pattern and cannot."""


class _Group(msgspec.Struct):
    """An open group: how many states it has so far, and how many its last part, None where nothing can be repeated."""

    total: int = 0
    last: int | None = None


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0
        self.out: list[str] = []
        self.open = [_Group()]

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def part(self, text: str, states: int) -> None:
        """A part that may be repeated."""
        self.out.append(text)
        self.open[-1].total += states
        self.open[-1].last = states


def canonical(pattern: str) -> str:
    """A pattern in the words of Rust's regex crate, every character that might be a sign escaped.

    Raises NotRegular with what is wrong, in words.
    """
    reader = _Reader(pattern)
    while reader.at < len(pattern):
        _step(reader, pattern[reader.at])
    if len(reader.open) > 1:
        raise NotRegular("a group is not closed")
    return "".join(reader.out)


def _step(reader: _Reader, sign: str) -> None:
    if sign == "\\":
        _escape(reader)
    elif sign == "[":
        _class(reader)
    elif sign in "*+?{":
        _repeat(reader)
    elif sign == "(":
        _group(reader)
    elif sign == ")":
        if len(reader.open) == 1:
            raise NotRegular('")" closes nothing')
        reader.at += 1
        states = reader.open.pop().total + 1
        reader.part(")", states)
    elif sign in "]}":
        raise NotRegular(f'write "\\{sign}" for a bracket')
    else:
        reader.at += 1
        if sign in "^$|":
            reader.out.append({"^": r"\A", "$": r"\z", "|": "|"}[sign])
            reader.open[-1].last = None
        elif sign == ".":
            reader.part(r"[^\n]", 1)
        else:
            reader.part(_literal(sign), 1)


def _literal(character: str) -> str:
    """A character that stands for itself."""
    return character if character.isalnum() and character.isascii() else f"\\x{{{ord(character):X}}}"


def _escape(reader: _Reader) -> None:
    if reader.at + 1 == len(reader.pattern):
        raise NotRegular("it ends in a backslash")
    sign = reader.pattern[reader.at + 1]
    reader.at += 2
    if sign.lower() in _SETS:
        reader.part(f"[{'' if sign.islower() else '^'}{_SETS[sign.lower()]}]", 1)
    elif sign == "b":
        reader.out.append(r"(?-u:\b)")
        reader.open[-1].last = None
    else:
        reader.part(_literal(_escaped(sign)), 1)


def _escaped(sign: str) -> str:
    """The character that an escape stands for."""
    if sign in _CONTROLS:
        return _CONTROLS[sign]
    if sign in string.punctuation:
        return sign
    if sign.isdigit():
        raise NotRegular("back-references are not part of it")
    raise NotRegular(f'the escape "\\{sign}" is not part of it')


def _group(reader: _Reader) -> None:
    if reader.peek("(?:"):
        reader.at += 3
    elif reader.peek("(?"):
        look = any(reader.peek(sign) for sign in ("(?=", "(?!", "(?<=", "(?<!"))
        raise NotRegular("look-around is not part of it" if look else 'after "(?" only ":" can stand')
    else:
        reader.at += 1
    if len(reader.open) > MOST_DEPTH:
        raise NotRegular(f"its groups are nested more than {MOST_DEPTH} deep")
    reader.out.append("(?:")
    reader.open.append(_Group())


def _class(reader: _Reader) -> None:
    pattern = reader.pattern
    reader.at += 1
    negated = reader.peek("^")
    reader.at += negated
    start, items = reader.at, []
    while not reader.peek("]"):
        if reader.at >= len(pattern):
            raise NotRegular("a class is not closed")
        sign = pattern[reader.at]
        if sign == "[":
            raise NotRegular('write "\\[" for a bracket inside a class')
        if sign in _DOUBLED and reader.peek(sign * 2):
            raise NotRegular(f'write "\\{sign}" for the second "{sign}" inside a class')
        if sign == "-" and reader.at != start and not reader.peek("-]"):
            raise NotRegular('write "\\-" for a "-" inside a class')
        first = _member(reader)
        if len(first) > 1 or not reader.peek("-") or reader.peek("-]"):
            items.append(first if len(first) > 1 else _literal(first))
            continue
        reader.at += 1
        last = "" if reader.at >= len(pattern) or pattern[reader.at] in "[-" else _member(reader)
        if len(last) != 1 or last < first:
            raise NotRegular("a range inside a class goes from a character to a later one")
        items.append(f"{_literal(first)}-{_literal(last)}")
    if not items:
        raise NotRegular("a class is empty")
    reader.at += 1
    reader.part(f"[{'^' if negated else ''}{''.join(items)}]", 1 + len(items) // 8)


def _member(reader: _Reader) -> str:
    """A character of a class, or the text of a set such as `\\d`."""
    sign = reader.pattern[reader.at]
    reader.at += 1
    if sign != "\\":
        return sign
    if reader.at >= len(reader.pattern):
        raise NotRegular("a class is not closed")
    sign = reader.pattern[reader.at]
    reader.at += 1
    return _SETS[sign] if sign in _SETS else _escaped(sign)


def _repeat(reader: _Reader) -> None:
    group, pattern = reader.open[-1], reader.pattern
    sign = pattern[reader.at]
    if group.last is None:
        raise NotRegular(f'"{sign}" repeats nothing that can be repeated')
    text, most = sign, 1
    if sign == "{":
        end = pattern.find("}", reader.at)
        text = pattern[reader.at : end + 1]
        low, _, high = text[1:-1].partition(",")
        if end < 0 or not _count(low) or (high and not _count(high)):
            raise NotRegular('write "\\{" for a bracket, or a repetition such as "{2,5}"')
        most = max(int(low), int(high or 0))
        if most > MOST_REPEATS or (high and int(high) < int(low)):
            raise NotRegular(f"a repetition goes from a number to one that is not smaller, up to {MOST_REPEATS:,}")
    reader.at += len(text)
    if reader.peek("?"):  # the shortest match first: a text matches or does not, whichever is tried first
        reader.at += 1
    reader.out.append(text)
    group.total += group.last * max(most - 1, 0) + 1
    if group.total > MOST_STATES:
        raise NotRegular("it repeats too much")
    group.last = None


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
