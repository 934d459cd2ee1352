"""A run in numbers: the lines of its table, and what `summary.json` and `run.json` hold."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from typing import TYPE_CHECKING, Any

import segkernel
from segkernel.textual import percent, visible

if TYPE_CHECKING:
    from segkernel.changes import Changes
    from segkernel.rules import Rules
    from segkernel.tally import Tally

MOST_FIGURES = 100
"""How many figures of a statistic a summary holds."""
_PACKAGES = ("llvmlite", "msgspec", "nanoarrow", "numba", "numpy", "polars")


def summary(rules: Rules, result: Tally, changes: Changes | None = None) -> dict[str, Any]:
    """What a run found, the same for the same rules, data and instant: counts, unknowns, orphans, fingerprints, instant, zone.

    Segments, chooses and collects stand in the order written, orphans in the order of their names. With `changes`, what changed since
    an earlier membership as well: how many accounts entered and left, whose meaning is another, which names are new and gone.
    """
    tree, prints = rules.checked, result.fingerprints
    several = {
        name: tree.collects[name] if name in tree.collects else tree.chooses[name] for name in result.names if name not in tree.segments
    }
    counted = {
        name: {
            "name": name,
            "label": rule.label,
            "values": [{"value": value, "accounts": count} for value, count in values if value is not None],
            "none": next(count for value, count in values if value is None),
        }
        for name, rule in several.items()
        for values in [result.values(name)]
    }
    found: dict[str, Any] = {
        "format": 1,
        "as_of": result.as_of,
        "timezone": result.timezone,
        "root": tree.root,
        "accounts": result.accounts,
        "segments": [
            {"name": name, "label": tree.segments[name].label, "accounts": result.count(name), "unknown": result.unknown(name)}
            for name in result.names
            if name in tree.segments
        ],
        "chooses": [counted[name] for name in counted if name in tree.chooses],
        "collects": [counted[name] for name in counted if name in tree.collects],
        "orphans": {f"{table}.{link}": count for (table, link), count in sorted(result.orphans.items())},
        "fingerprints": {"rules": prints.rules, "schema": prints.schema, "data": prints.data},
    }
    if result.population:
        found["population"] = [
            {
                "statistic": each.text,
                "groups": list(each.groups),
                "rows": each.frame.height,
                "first": [_plain_row(row) for row in each.frame.head(MOST_FIGURES).iter_rows(named=True)],
            }
            for each in result.population
        ]
    if changes is not None:
        moved = {row["name"]: row for row in changes.counts().iter_rows(named=True)}
        found["changes"] = {
            "since": changes.since,
            "segments": [_picked(moved[name], "name", "entered", "left", "redefined") for name in changes.segments],
            "chooses": [_picked(moved[name], "name", "changed", "redefined") for name in changes.chooses],
            "collects": [_picked(moved[name], "name", "changed", "redefined") for name in changes.collects],
            "added": list(changes.added),
            "removed": list(changes.removed),
        }
    return found


def run_record(started: str, seconds: Mapping[str, float], threads: int | None) -> dict[str, Any]:
    """What differs from run to run: when it started (ISO text), seconds a stage, versions, host."""
    return {
        "format": 1,
        "started": started,
        "seconds": {name: round(spent, 6) for name, spent in seconds.items()},
        "threads": threads,
        "versions": {"segkernel": segkernel.__version__, "python": platform.python_version(), **_versions()},
        "host": {"system": platform.system(), "machine": platform.machine(), "name": platform.node(), "cores": os.cpu_count()},
    }


def lines(found: Mapping[str, Any]) -> list[list[str]]:
    """A summary as rows of text, the head first: name, label, accounts, share, unknown; with changes also entered and left.

    Where a segment is new there is nothing to compare it with: it has `-` there.
    """
    rows = [["segment", "label", "accounts", "share", "unknown"]]
    whole = found["accounts"]

    def row(name: str, label: str | None, accounts: int, unknown: int | None) -> list[str]:
        return [
            visible(name),
            visible(label or ""),
            f"{accounts:,}",
            percent(accounts / whole if whole else None),
            "" if unknown is None else f"{unknown:,}",
        ]

    rows.extend(row(item["name"], item["label"], item["accounts"], item["unknown"]) for item in found["segments"])
    for choose in found["chooses"]:
        rows.extend(row(f"{choose['name']} = {item['value']}", choose["label"], item["accounts"], None) for item in choose["values"])
        if choose["none"]:
            rows.append(row(f"{choose['name']} is missing", choose["label"], choose["none"], None))
    for collect in found["collects"]:
        rows.extend(row(f"{collect['name']} has {item['value']}", collect["label"], item["accounts"], None) for item in collect["values"])
        rows.append(row(f"{collect['name']} is empty", collect["label"], collect["none"], None))
    if "changes" in found:
        moved = {item["name"]: [f"{item['entered']:,}", f"{item['left']:,}"] for item in found["changes"]["segments"]}
        more = [moved.get(item["name"], ["-", "-"]) for item in found["segments"]]
        rows = [each + new for each, new in zip(rows, [["entered", "left"], *more, *[["", ""]] * (len(rows) - len(more) - 1)], strict=True)]
    return rows


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: durations in seconds, and numbers that are not finite as text."""
    told: dict[str, Any] = {}
    for name, value in row.items():
        odd = isinstance(value, float) and not isfinite(value)
        told[name] = str(value) if odd else value.total_seconds() if isinstance(value, timedelta) else value
    return told


def _picked(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
