"""The figures as pictures: small SVG files beside RESULTS.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.cells import AXES, TABLE
from benchmarks.results import OURS, Result

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "segkernel"  # the same figures give the same file
from matplotlib import pyplot  # noqa: E402

RIVALS = ("Polars", "DuckDB", "DataFusion", "NumPy")
COLOURS = {OURS: "#d1495b", "Polars": "#30638e", "DuckDB": "#edae49", "DataFusion": "#66a182", "NumPy": "#8d96a3"}


def draw(results: dict[str, Result], folder: Path) -> dict[str, str]:
    """Draws what there are results for; names of files by what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name, title, figure in (("ratios", "How many times as long the rivals take", ratios(results)), *along_axes(results)):
        if figure is not None:
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            pyplot.close(figure)
            made[title] = f"{folder.name}/{name}.svg"
    return made


def ratios(results: dict[str, Result]) -> Any:
    """A bar a rival and cell: its time over ours."""
    cells = [cell for cell in TABLE if cell.name in results and OURS in results[cell.name].seconds and cell.way != "account"]
    if not cells:
        return None
    figure, axes = pyplot.subplots(figsize=(8, 0.5 + 0.42 * len(cells)), layout="constrained")
    for number, rival in enumerate(RIVALS):
        found = [(at, results[cell.name].best(rival), results[cell.name].ours) for at, cell in enumerate(reversed(cells))]
        bars = [(at + 0.3 - 0.2 * number, seconds / ours) for at, seconds, ours in found if seconds is not None]
        if bars:
            axes.barh([at for at, _ in bars], [ratio for _, ratio in bars], height=0.18, color=COLOURS[rival], label=rival)
    axes.set_yticks(range(len(cells)), [cell.name for cell in reversed(cells)])
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time over that of segkernel (logarithmic)")
    if axes.patches:
        axes.legend(frameon=False, fontsize="small")
    return figure


def along_axes(results: dict[str, Result]) -> list[tuple[str, str, Any]]:
    """For each axis the seconds of all who were asked."""
    made = []
    for axis in dict.fromkeys(cell.axis for cell in AXES):
        cells = [cell for cell in AXES if cell.axis == axis and cell.name in results and OURS in results[cell.name].seconds]
        if len(cells) < 2:
            continue
        figure, axes = pyplot.subplots(figsize=(4.2, 2.6), layout="constrained")
        for who in (OURS, *RIVALS):
            points = [(cell.at, results[cell.name].ours if who == OURS else results[cell.name].best(who)) for cell in cells]
            known = [(at, seconds) for at, seconds in points if seconds is not None]
            if known:
                axes.plot([at for at, _ in known], [seconds for _, seconds in known], marker="o", color=COLOURS[who], label=who)
        axes.set_yscale("log")
        axes.set_xlabel(axis)
        axes.set_ylabel("seconds")
        axes.tick_params(axis="x", labelrotation=20, labelsize="small")
        if axes.lines:
            axes.legend(frameon=False, fontsize="small")
        made.append((axis.replace(" ", "-"), f"Along {axis}", figure))
    return made
