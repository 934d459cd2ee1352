"""The cases that the owners of a project's rules wrote: DIR/tests/*.toml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segdsl.limits import Limits
from segkernel.cases.format import Case, Home, read
from segkernel.cases.judging import Judge
from segkernel.compiling import compiled
from segkernel.errors import Error, RuleError, SchemaError
from segkernel.project import Project, typed, untyped
from segkernel.rule_files import read_rules

FOLDER = "tests"


def files(project: Project) -> list[Path]:
    """The files with cases, in the order of their names; none where there is no such folder."""
    return sorted((project.folder / FOLDER).glob("**/*.toml"))


def prepared(project: Project, paths: Sequence[Path]) -> tuple[list[Case], Judge]:
    """All cases of some files, and who judges them.

    Types are the pinned ones; where these do not suffice for rules and rows, those of the project's data, of which no rows are read.
    Raises `RuleError` for mistakes in the project's rules, SchemaError with all problems of the files, `Error` for one that cannot be
    read.
    """
    from segkernel.reading import present

    sources = tuple(read_rules(path, Limits()) for path in project.files)
    judge = Judge(sources, project.silence)
    texts = [(str(path), _text(path)) for path in paths]
    try:
        compiled(sources, project.schema)
        return _cases(texts, Home(project.schema, project.as_of)), judge
    except (RuleError, SchemaError) as error:
        if not present(project.schema, project.folder):
            if isinstance(error, RuleError):
                raise untyped(error, sources) from None
            raise
    schema = typed(project)
    compiled(sources, schema)
    return _cases(texts, Home(schema, project.as_of)), judge


def _cases(texts: Sequence[tuple[str, str]], home: Home) -> list[Case]:
    """The cases of all files. Raises SchemaError with the problems of all of them."""
    found: list[Case] = []
    wrong: list[SchemaError] = []
    for name, text in texts:
        try:
            found += read(text, name, home)
        except SchemaError as error:
            wrong.append(error)
    if wrong:
        raise SchemaError("\n".join(map(str, wrong)), [problem for error in wrong for problem in error.problems])
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Error(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Error(f"{path}: not UTF-8 text; save the file as UTF-8") from None
