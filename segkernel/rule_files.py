"""The texts of rules: as they are given, or from files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from segdsl.limits import Limits
from segdsl.source import Source
from segkernel.errors import Error


def sources(rules: str | Path | Sequence[Path], limits: Limits) -> tuple[Source, ...]:
    """The texts of rules: a `str` is rule text, a `Path` or a list of them are files. Raises `Error`, also for what is neither."""
    if isinstance(rules, str):
        if "\n" not in rules and rules.rstrip().endswith(".seg"):
            raise Error(f'"{rules}" is read as rule text; for the file of that name hand over pathlib.Path("{rules}")')
        return (Source("rules.seg", rules),)
    paths = list(rules) if isinstance(rules, Iterable) else [rules]
    for path in paths:
        if not isinstance(path, Path):
            raise Error(f"rules are text or pathlib.Path, one or a list, not {'' if path is rules else 'a list of '}{type(path).__name__}")
    return tuple(read_rules(path, limits) for path in paths)


def read_rules(path: Path, limits: Limits) -> Source:
    """The text of a rule file.

    Raises `Error` for a file that is not there, cannot be read, or is not UTF-8; a file over the limit is read as far as the
    limit and one byte, which the parser then refuses.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limits.source + 1)
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror}") from None
    cut = len(data) > limits.source
    try:
        return Source(str(path), data.decode("utf-8", "ignore" if cut else "strict"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Error(f"{path}:{line}: not UTF-8 text (byte {error.start + 1}); save the file as UTF-8") from None
