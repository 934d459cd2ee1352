"""Two versions of a project's rules: which files belong to each, and what differs between them on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from segkernel.differences import Accounts, Difference, Differences, Moved, differences
from segkernel.errors import Error
from segkernel.project import FILE, Project, above, bound, opened, typed_rules
from segkernel.rules import Rules

if TYPE_CHECKING:
    import polars as pl

    from segkernel.changes import Changes
    from segkernel.membership import Membership


class Version(msgspec.Struct, frozen=True):
    """One side of a comparison: a project, and the rule files that stand for it."""

    project: Project
    files: tuple[Path, ...]


def versions(old: Path, new: Path) -> tuple[Version, Version]:
    """The two sides that folders of projects, or rule files, stand for.

    A folder is its project. A file is its version of the project's rules: the files of the project above it, of which it replaces the
    one that it is compared with; where no project is above it, the other side's. Beside a folder, a file is all of the rules. Raises
    `Error` where neither side has a project, and as `opened` does.
    """
    homes = [path if path.is_dir() else above(path) for path in (old, new)]
    home = next((each for each in reversed(homes) if each is not None), None)
    if home is None:
        raise Error(f"neither {old} nor {new} has a {FILE} above it, which says what tables and fields there are")
    projects = [opened(home if each is None else each) for each in homes]
    pairs = ((old, new, projects[0]), (new, old, projects[1]))
    before, after = (Version(project, _files(path, other, project)) for path, other, project in pairs)
    return before, after


def _files(path: Path, other: Path, project: Project) -> tuple[Path, ...]:
    if path.is_dir():
        return project.files
    if other.is_dir():
        return (path,)
    replaced = {path.resolve(), other.resolve()}
    kept = [each for each in project.files if each.resolve() not in replaced]
    return (*kept, path)


def data_folder(old: Version, new: Version) -> Path | None:
    """Where both sides' data are: in the later one's folder, else in the earlier one's; None where neither has the root's."""
    from segkernel.reading import present

    return next((side.project.folder for side in (new, old) if present(side.project.schema, side.project.folder)), None)


def compared(old: Version, new: Version, folder: Path | None) -> Differences:
    """What differs in meaning; `folder` is where sources are whose types the schema does not pin. Raises `RuleError`."""
    before, after = (typed_rules(side.project, side.files, folder) for side in (old, new))
    return differences(before, after)


def with_accounts(found: Differences, old: Version, new: Version, folder: Path, as_of: str, limit: int) -> Differences:
    """The differences with what they do to the accounts: both versions over the data in `folder`, at one instant (ISO text).

    The keys of at most `limit` accounts are listed for each way in which they moved. Raises `DataError` and `SnapshotError`.
    """
    names = [each.name for each in found.differing]
    before, after = (_evaluated(side, names, folder, as_of) for side in (old, new))
    changes = after.changes(since=before)
    told = tuple(msgspec.structs.replace(each, moved=_moved(each, before, after, changes, limit)) for each in found.differing)
    return msgspec.structs.replace(found, differing=told, as_of=after.as_of)


def _evaluated(side: Version, names: Sequence[str], folder: Path, as_of: str) -> Membership:
    """The answers of one version for those of `names` that it has."""
    project = msgspec.structs.replace(side.project, folder=folder)
    rules, data = bound(project, side.files, {}, partial(_narrowed, names=names))
    return rules.evaluate(data, as_of)


def _narrowed(rules: Rules, names: Sequence[str]) -> Rules:
    there = [name for name in names if name in rules.checked.names]
    return rules.only(*there) if there else rules.derived(rules.checked, ())


def _moved(each: Difference, before: Membership, after: Membership, changes: Changes, limit: int) -> Moved:
    name = each.name
    sizes = [result.count(name) if name in result.bits else None for result in (before, after)]
    if name in changes.segments:
        entered, left = (_keys(changes.entered(name)), _keys(changes.left(name)))
        accounts = Accounts(tuple(map(_key, entered.head(limit).rows())), tuple(map(_key, left.head(limit).rows())))
        return Moved(sizes[0], sizes[1], entered.height, left.height, None, accounts if limit else None)
    if name in changes.chooses or name in changes.collects:
        values = changes.values(name)
        told = tuple((_key(row[:-2]), _plain(row[-2]), _plain(row[-1])) for row in values.head(limit).rows())
        return Moved(changed=values.height, accounts=Accounts(changed=told) if limit else None)
    return Moved(sizes[0], sizes[1])


def _keys(found: pl.Series | pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return found.to_frame() if isinstance(found, pl.Series) else found


def _key(row: Sequence[Any]) -> Any:
    """A key as JSON has it: its value, or a list of its columns' values."""
    return _plain(row[0]) if len(row) == 1 else [_plain(part) for part in row]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date | datetime) else str(value) if isinstance(value, Decimal) else value
