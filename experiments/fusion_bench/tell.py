"""What was found as Markdown tables and as plots: accuracy against cost, accuracy against what is missing."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy.optimize import isotonic_regression

matplotlib.use("agg")
from adjustText import adjust_text as apart
from matplotlib import pyplot as plt

matplotlib.rcParams["svg.fonttype"] = "none"  # letters as text, not as paths
matplotlib.rcParams["svg.hashsalt"] = "mmjax"  # the same figure is the same file

SHOWN = (0.3, 0.6, 0.9)  # the rates that stand in the table
LINE = 0.04  # of the height of a plot
NAMED = 4  # so many of the best have a colour of their own in the plots

Found = Mapping[str, Mapping[str, Mapping[str, Any]]]


def table(found: Found) -> str:
    """One table a data set, the best op first."""
    return "\n".join(line for name, rows in found.items() if _ranked(rows) for line in [*_table(name, rows), ""])


def mean(values: Sequence[float]) -> str:
    """Of shares of 1: 98.53 ± 0.21 %, the standard deviation over runs."""
    return f"{plain([100 * value for value in values])} %"


def plain(values: Sequence[float]) -> str:
    """98.53 ± 0.21, the standard deviation over runs."""
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def _ranked(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    done = [op for op, row in rows.items() if row["accuracy"]]
    return sorted(done, key=lambda op: -statistics.mean(rows[op]["accuracy"]))


def _table(name: str, rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    ranked = _ranked(rows)
    rates = [rate for rate in SHOWN if rate in rows[ranked[0]]["missing"]]
    heads = ["op", "accuracy", "parameters", "ms a step", "MB a step", *(f"{rate:.0%} missing" for rate in rates)]
    lines = [f"### {name}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for op in ranked:
        row = rows[op]
        cells = [op, mean(row["accuracy"]), f"{row['parameters']:,}", f"{row['milliseconds']:.1f}"]
        cells += [f"{row['megabytes']:.0f}", *(mean(row["missing"][rate]) for rate in rates)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def plots(found: Found, folder: Path) -> None:
    """cost.svg and missing.svg."""
    sets = [name for name, rows in found.items() if _ranked(rows)]
    _figure(folder / "cost.svg", sets, found, _cost)
    _figure(folder / "missing.svg", [name for name in sets if _lossy(found[name])], found, _missing)


def _lossy(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(row.get("missing") for row in rows.values())


def _figure(path: Path, sets: Sequence[str], found: Found, draw: Any) -> None:
    if not sets:
        return
    columns = min(len(sets), 2)
    lines = -(-len(sets) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(6.4 * columns, 4.8 * lines), squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes.flat, sets, strict=False):
        draw(axis, found[name])
        axis.set_title(name)
        axis.set_ylabel("test accuracy, %")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes.flat[len(sets) :]:
        axis.set_visible(False)
    figure.savefig(path)
    plt.close(figure)


def _cost(axis: Any, rows: Mapping[str, Mapping[str, Any]]) -> None:
    axis.set_xscale("log")
    axis.set_xlabel("ms a training step")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")
    names = []
    for op in _ranked(rows):
        values = [100 * value for value in rows[op]["accuracy"]]
        spread = statistics.stdev(values) if len(values) > 1 else 0
        at = rows[op]["milliseconds"], statistics.mean(values)
        axis.errorbar(*at, spread, fmt="o", markersize=5, color=_colour(op, rows), alpha=0.8)
        names.append(axis.text(*at, op.replace("_", " "), fontsize=7))
    apart(names, ax=axis, arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5})


def _missing(axis: Any, rows: Mapping[str, Mapping[str, Any]]) -> None:
    ranked, ends = _ranked(rows), {}
    for op in reversed(ranked):
        rates = list(rows[op]["missing"])
        values = [100 * statistics.mean(rows[op]["missing"][rate]) for rate in rates]
        axis.plot(rates, values, color=_colour(op, rows), linewidth=2 if ranked.index(op) < NAMED else 1)
        ends[op] = values[-1]
    axis.set_xlabel("probability that a modality is missing")
    bottom, top = axis.get_ylim()
    order = sorted(ends, key=ends.__getitem__)
    for op, place in zip(order, spread([ends[op] for op in order], LINE * (top - bottom)), strict=True):
        color = _colour(op, rows) if ranked.index(op) < NAMED else "0.3"
        line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        ways = {"color": color, "fontsize": 7, "va": "center", "arrowprops": line, "annotation_clip": False}
        axis.annotate(op.replace("_", " "), (rates[-1], ends[op]), (rates[-1] + 0.04, place), **ways)


def spread(values: Sequence[float], gap: float) -> np.ndarray:
    """Rising values moved as little as can be, by least squares, until each is `gap` above the one before."""
    steps = gap * np.arange(len(values))
    return isotonic_regression(np.asarray(values) - steps).x + steps


def _colour(op: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    place = _ranked(rows).index(op)
    return f"C{place}" if place < NAMED else "0.6"
