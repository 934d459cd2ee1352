"""Random rule texts from the grammar: every alternative and every word in every position, and the same with a token out of place."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from tests.lark_trees import grammar, tokens

SOFT_WORDS = [
    "for", "at", "least", "most", "exactly", "of", "within", "last", "next", "this", "whole", "matches", "contains", "any", "all", "starts",
    "ends", "with", "ignoring", "case", "ago", "from", "now", "before", "after", "per", "by", "over", "day", "days", "weeks", "month",
    "months", "year", "quarter", "hours", "minute",
]  # fmt: skip
NAMES = ("a", "b", "orders", "país", "straße", "`two words`", "`when`", "`at`", "x1", "_", "top", "orders2", "forx", "inside")
TEXTS = ('"x"', "'y'", '""', '"a \\"b\\" \\\\ \\n"', '"# no comment"', "'\\u00e9'")
CHARACTERS = "aeT_09.%+-*/=!<>()[]{},:;\"'`\\#@$&|?^~ \t\n\r\f\0\u00a0\u2028\ufeff\u0301\u200b\u202eßÉİ٣²ǅ日🙂\ud800"
SAMPLES = {
    "MINUS": ["-"],
    "NUMBER": ("0", "5", "50_000", "0.25", "1e6", "2026", "1.5E-3"),
    "PERCENT": ("10%", "0.5%", "0%"),
    "TEXT": TEXTS,
    "DATE": ("2026-03-01", "2024-02-29", "0001-01-01", "2026-12-31"),
    "MONTH": ("2026-03", "2026-12", "1999-01", "0001-01"),
    "TIMESTAMP": ("2026-03-01T14:30", "2026-03-01T14:30:15.5Z", "2026-03-01T14:30+01:00"),
    "COMPARE": ("=", "!=", "<", "<=", ">", ">="),
    "UNIT": ("day", "days", "weeks", "month", "months", "years", "quarter", "hours", "minutes"),
}


@cache
def _rules() -> dict[str, list[tuple[int, tuple[Any, ...]]]]:
    """For every rule its alternatives, each with the depth that it needs at least."""
    rules: dict[str, list[tuple[Any, ...]]] = {}
    for rule in sorted(grammar().rules, key=str):  # Lark's own order is another in every process
        rules.setdefault(str(rule.origin.name), []).append(tuple(rule.expansion))
    depth: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for origin, alternatives in rules.items():
            known = [_needs(expansion, depth) for expansion in alternatives]
            least = min(known) + 1
            if least < depth.get(origin, 1_000):
                depth[origin] = least
                changed = True
    return {origin: [(_needs(expansion, depth), expansion) for expansion in alternatives] for origin, alternatives in rules.items()}


@cache
def _shortest() -> dict[str, tuple[int, list[int]]]:
    """For every rule the number of tokens in its shortest texts, and which alternatives have those."""
    found: dict[str, tuple[int, list[int]]] = {}
    for _ in range(60):
        for origin, known in _rules().items():
            lengths = [sum(1 if each.is_term else found.get(each.name, (1_000,))[0] for each in expansion) for _, expansion in known]
            found[origin] = min(lengths), [which for which, length in enumerate(lengths) if length == min(lengths)]
    return found


def _needs(expansion: tuple[Any, ...], depth: dict[str, int]) -> int:
    return max((0 if symbol.is_term else depth.get(symbol.name, 1_000) for symbol in expansion), default=0)


@cache
def _words() -> dict[str, str]:
    """What the terminals of a fixed text look like."""
    return {terminal.name: terminal.pattern.value.removesuffix(r"\b") for terminal in grammar().terminals if terminal.name not in SAMPLES}


def alternatives() -> set[tuple[str, int]]:
    """Every alternative of every rule that a statement is made of: the rule's name, and which of its alternatives."""
    return {(origin, which) for origin, found in _rules().items() if "start" not in origin for which in range(len(found))}


def statement(source: random.Random, depth: int = 16, reached: set[tuple[str, int]] | None = None) -> list[str]:
    """The tokens of a random statement; `reached` gathers the alternatives that it is made of."""
    out: list[str] = []
    waiting: list[tuple[Any, int]] = []

    def expand(origin: str, left: int) -> None:
        known = _rules()[origin]
        fitting = [which for which, (needed, _) in enumerate(known) if needed < left]
        if not fitting:
            least = min(needed for needed, _ in known)
            fitting = [which for which, (needed, _) in enumerate(known) if needed == least]
        chosen = source.choice(fitting)
        if reached is not None:
            reached.add((origin, chosen))
        waiting.extend((symbol, left - 1) for symbol in reversed(known[chosen][1]))

    expand("statement", depth)
    while waiting:
        symbol, left = waiting.pop()
        if symbol.is_term:
            out.append(_sample(source, symbol.name))
        else:
            expand(symbol.name, left)
    return out


def _sample(source: random.Random, terminal: str) -> str:
    if terminal == "NAME":
        return source.choice(SOFT_WORDS if source.random() < 0.15 else NAMES)
    if terminal in SAMPLES:
        return source.choice(SAMPLES[terminal])
    return _words()[terminal].replace("\\", "")


def joined(source: random.Random, parts: list[str], glue: float = 0.02) -> str:
    """Tokens as text: spaces, line breaks and comments between them; beside signs now and then nothing, between words seldom."""
    gaps = [" "] * 12 + ["\n", "\r\n\t", ' # a "comment" when\n', "  "]
    text = ""
    for part in parts:
        signs = part in ("(", ")", ",", "..", "+", "*", "=") or text[-1:] in tuple("(),+*")
        text += ("" if source.random() < (0.4 if signs else glue / 10) else source.choice(gaps)) + part
    return text


def mutated(source: random.Random, parts: list[str]) -> list[str]:
    """One to three tokens deleted, doubled, swapped or replaced by another."""
    parts = list(parts)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        at = source.randrange(len(parts))
        change = source.randrange(5)
        if change == 0 and len(parts) > 1:
            del parts[at]
        elif change == 1:
            parts.insert(at, parts[at])
        elif change == 2:
            other = source.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        elif change == 3:
            parts[at] = source.choice(
                [*SOFT_WORDS, "(", ")", ",", "-", "..", "in", "not", "and", "when", "segment", "5", "is", "where", "2026-02-30"]
            )
        else:
            parts.insert(
                at, source.choice([*SOFT_WORDS, "(", ")", ",", "-", ".", "in", "not", "5", '"x"', "2026-3-1", "2026-13", "010", "="])
            )
    return parts


def covering() -> list[list[str]]:
    """Short statements, as tokens, that together are made of every alternative of the grammar: for each its shortest one."""
    source = random.Random(1)
    ways: dict[str, tuple[tuple[int, int], ...]] = {"statement": ()}
    waiting = ["statement"]
    for origin in waiting:
        for which, (_, expansion) in enumerate(_rules()[origin]):
            for place, symbol in enumerate(expansion):
                if not symbol.is_term and symbol.name not in ways:
                    ways[symbol.name] = (*ways[origin], (which, place))
                    waiting.append(symbol.name)

    def written(symbol: Any, way: tuple[tuple[int, int], ...]) -> list[str]:
        if symbol.is_term:
            return [_sample(source, symbol.name)]
        return expanded(symbol.name, way or ((source.choice(_shortest()[symbol.name][1]), -1),))

    def expanded(origin: str, way: tuple[tuple[int, int], ...]) -> list[str]:
        (which, place), *rest = way
        expansion = _rules()[origin][which][1]
        return [part for at, symbol in enumerate(expansion) for part in written(symbol, tuple(rest) if at == place else ())]

    return [expanded("statement", (*ways[origin], (which, -1))) for origin, which in sorted(alternatives())]


def respelt(source: random.Random, text: str) -> str:
    """A text with one to three characters lost, doubled, swapped with the next, replaced or put in between."""
    for _ in range(source.choice((1, 1, 2, 3))):
        at = source.randrange(max(1, len(text)))
        before, here, following, rest = text[:at], text[at : at + 1], text[at + 1 : at + 2], text[at + 2 :]
        changed = (following, here * 2 + following, following + here, source.choice(CHARACTERS) + following)
        text = before + source.choice((*changed, source.choice(CHARACTERS) + here + following)) + rest
    return text


def split(text: str) -> list[str]:
    """The tokens of a text, for mutations."""
    return list(tokens(text))
