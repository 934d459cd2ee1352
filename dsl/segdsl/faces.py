"""The three faces of rules: text as it comes, canonical text, and JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from segdsl import forms
from segdsl.canonical import text_of
from segdsl.diagnostics import Diagnostic, diagnostic, render
from segdsl.errors import Error
from segdsl.limits import Limits
from segdsl.parser import parse
from segdsl.source import Source
from segdsl.syntax import File, Span
from segdsl.written import written

_DEFAULTS = Limits()
_LEVELS = 2
"""Of objects and lists in JSON, that one form takes inside another."""
_WIDER = 8
"""How many times longer than a text may be its JSON form may be."""
LONGEST_FORM = _WIDER * _DEFAULTS.source
"""The bytes of JSON that are read, unless other limits are given."""
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_AT = re.compile(r" - at `(.*)`$", re.DOTALL)


class UnreadableRules(Error):
    """Rules that cannot be read, so that they have no other form: `diagnostics` has every mistake with its place."""

    def __init__(self, diagnostics: Sequence[Diagnostic], source: Source) -> None:
        super().__init__(render(diagnostics, (source,)))
        self.diagnostics = tuple(diagnostics)


class UnreadableForm(Error):
    """JSON that is not the form of any rules: `path` is the place in it, as in `$.rules[0].name`, and `message` what is wrong there."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{path}: {message}")
        self.message = message
        self.path = path


def format(rules: str | File, name: str = "rules.seg", limits: Limits = _DEFAULTS) -> str:
    """The canonical text of rules, given as text or as the tree of one file: it has the same tree and the same comments.

    Lines have at most 100 characters where that is possible, and end as the first one of the text does. `name` is the file's name
    for messages. Raises UnreadableRules for a text that `parse` finds mistakes in.
    """
    file = _tree(rules, name, limits)
    try:
        text = text_of(written(file))
    except RecursionError:
        raise _too_deep(file, name, limits) from None
    end = file.text.find("\n")
    return text.replace("\n", "\r\n") if end > 0 and file.text[end - 1] == "\r" else text


def to_json(rules: str | File, name: str = "rules.seg", limits: Limits = _DEFAULTS) -> str:
    """The JSON form of rules, indented, as `dsl/rules.schema.json` describes it; comments and spellings of numbers are kept.

    Raises UnreadableRules for a text that `parse` finds mistakes in.
    """
    file = _tree(rules, name, limits)
    try:
        return msgspec.json.format(msgspec.json.encode(written(file)), indent=2).decode() + "\n"
    except RecursionError:
        raise _too_deep(file, name, limits) from None


def from_json(data: bytes | str, limits: Limits = _DEFAULTS) -> str:
    """The canonical text of rules in their JSON form, which may come from anywhere.

    Raises UnreadableForm, with the place in the JSON, where it is not of that form or says something that no text could say, and
    where it is over a limit: eight times as many bytes as a text may have, or nested deeper than any text's form.
    """
    most = _WIDER * limits.source
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) and len(data) <= most else data
    if isinstance(encoded, str) or len(encoded) > most:
        raise UnreadableForm(f"the JSON is longer than {most:,} bytes", "$")
    deepest = _LEVELS * limits.depth + _LEVELS * 4
    if _is_deeper(encoded, deepest):
        raise UnreadableForm(f"the JSON is nested more than {deepest} deep", "$")
    try:
        rules = msgspec.json.decode(encoded, type=forms.Rules)
        text = text_of(rules)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except msgspec.DecodeError as error:
        raise UnreadableForm(str(error), "$") from None
    except UnicodeDecodeError as error:
        raise UnreadableForm(f"not UTF-8 text (byte {error.start + 1})", "$") from None
    except RecursionError:
        raise UnreadableForm("this is nested too deep", "$") from None
    file, mistakes = parse(text, "rules", 0, limits)
    if mistakes:
        raise UnreadableForm(_told(mistakes[0]), _rule_of(rules, limits))
    for number, (wanted, read) in enumerate(zip(rules.rules, written(file).rules, strict=False)):
        if not _same(wanted, read):
            raise UnreadableForm("written as rules, this would say something else; see dsl/rules.schema.json", f"$.rules[{number}]")
    # Comments may stand at forms that cannot begin a line of text; a second round puts them where they stay.
    return format(file, limits=limits)


def _tree(rules: str | File, name: str, limits: Limits) -> File:
    if isinstance(rules, File):
        return rules
    file, mistakes = parse(rules, name, 0, limits)
    if mistakes:
        raise UnreadableRules(mistakes, Source(name, rules))
    return file


def _too_deep(file: File, name: str, limits: Limits) -> UnreadableRules:
    """Said where the limit allows more than what is left of the caller's own stack."""
    return UnreadableRules([diagnostic("E907", Span(0, 0), limit=f"{limits.depth:,}")], Source(name, file.text))


def _is_deeper(encoded: bytes, deepest: int) -> bool:
    """Whether objects and lists are nested deeper than that."""
    if encoded.count(b"[") + encoded.count(b"{") <= deepest:
        return False
    depth = 0
    for found in _BRACKETS.finditer(encoded):
        if found[0] in b"[{":
            depth += 1
            if depth > deepest:
                return True
        elif found[0] in b"]}":
            depth -= 1
    return False


def _same(wanted: forms.Statement, read: forms.Statement) -> bool:
    """Whether two forms say the same, whatever comments they have; without recursion, since they may be deep."""
    waiting: list[tuple[Any, Any]] = [(wanted, read)]
    while waiting:
        one, other = waiting.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, forms.Form):
            fields = (field for field in one.__struct_fields__ if field not in ("above", "beside"))
            waiting.extend((getattr(one, field), getattr(other, field)) for field in fields)
        elif isinstance(one, tuple):
            if len(one) != len(other):
                return False
            waiting.extend(zip(one, other, strict=True))
        elif one != other:
            return False
    return True


def _misfit(message: str) -> UnreadableForm:
    place = _AT.search(message)
    path = place[1] if place else "$"
    told = message[: place.start()] if place else message
    if path == "$.version":
        told = f"this program reads version {forms.VERSION} of the form"
    elif path.endswith(".form") and told.startswith("Invalid value "):
        told = f"no form called {told.removeprefix('Invalid value ')} can stand here"
    elif told.startswith("Invalid enum value "):
        told = f"{told.removeprefix('Invalid enum value ')} cannot stand here"
    elif "matching regex" in told:
        told = f"this is not written as the schema asks, {told[told.index('regex') :]}"
    return UnreadableForm(told[:1].lower() + told[1:], path)


def _rule_of(rules: forms.Rules, limits: Limits) -> str:
    """The first rule whose text alone cannot be read; all of them where each can."""
    for number, rule in enumerate(rules.rules):
        alone: Any = forms.Rules(version=forms.VERSION, rules=(rule,))
        if parse(text_of(alone), "rules", 0, limits)[1]:
            return f"$.rules[{number}]"
    return "$"


def _told(mistake: Diagnostic) -> str:
    return mistake.message + (f"; {mistake.hint}" if mistake.hint else "")
