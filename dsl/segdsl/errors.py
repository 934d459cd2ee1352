"""What is raised where a result as a value would be overlooked; mistakes in rules are values instead, see `diagnostics`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class SchemaProblem(msgspec.Struct, frozen=True):
    """One mistake in project settings: `where` names the file and the place in it, `message` says what was wanted and found."""

    message: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class Error(Exception):
    """Anything that is refused."""


class SchemaError(Error):
    """A schema or project file that contradicts itself, or settings that are not known: `problems` has each with its place."""

    def __init__(self, text: str, problems: Sequence[SchemaProblem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)
