"""Two streams as they came and in step, and how well each offset fits, in one figure."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

FORMS = (".svg", ".png")
COLOURS = ("#3558d4", "#d9660d")
POINTS = 4000  # of a curve: more cannot be told apart


def draw(
    path: Path, names: Sequence[str], clock: np.ndarray, streams: np.ndarray, lags: np.ndarray, scores: np.ndarray
) -> None:
    """Writes an .svg or .png.

    Args:
        path: where to.
        names: of both streams.
        clock: [K] seconds.
        streams: [2, K], NaN where they are not real.
        lags: [N] seconds that the second may be late.
        scores: [N] of each lag, NaN where none is; the best is taken.
    """
    offset = lags[np.nanargmax(scores)]
    figure = Figure(figsize=(8, 6.4))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.07, right=0.98, top=0.95, bottom=0.08, hspace=0.65)
    digits = decimals(lags)
    came, step, fit = figure.subplots(3)
    for axes, late, title in ((came, 0.0, "as they came"), (step, offset, f"in step, offset {offset:.{digits}f} s")):
        for values, name, colour, shift in zip(streams, names, COLOURS, (0.0, late), strict=True):
            axes.plot(*_few(clock - shift, _standard(values)), color=colour, linewidth=1, label=name)
        _style(axes, title, "seconds")
    came.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    fit.plot(*_few(lags, scores), color="#0f8f73", linewidth=1)
    fit.axvline(offset, color="#626b7a", linewidth=0.8, linestyle="--")
    _style(fit, "how well each offset fits", "seconds that the second is late")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mmjax"}):
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def decimals(lags: np.ndarray) -> int:
    """How many digits of seconds tell one lag from the next."""
    return max(3, math.ceil(-math.log10(lags[1] - lags[0])))


def _style(axes: Any, title: str, unit: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)


def _standard(values: np.ndarray) -> np.ndarray:
    """Of mean 0 and deviation 1, that streams of any units stand in one picture."""
    return (values - np.nanmean(values)) / max(float(np.nanstd(values)), 1e-12)


def _few(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, or the highest point of each of POINTS stretches: of events none is lost."""
    if len(x) <= POINTS:
        return x, y
    ends = np.linspace(0, len(x), POINTS + 1).astype(int)[:-1]
    high = np.maximum.reduceat(np.nan_to_num(y, nan=-np.inf), ends)
    return x[ends], np.where(np.isfinite(high), high, np.nan)
