"""Panels as what the report's template draws; a new way of drawing is one function and one key here."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from mmjax.core.task import Panel
from mmjax.train import draw
from mmjax.train.progress import short

Drawn = dict[str, Any]
# Texts of a panel that say how to draw it; the others are shown.
RESERVED = ("heat", "columns", "verdict")


def card(panel: Panel) -> dict[str, Any]:
    """What the template needs of a panel: what its kind draws, the texts under it, and its verdict.

    Raises:
        ValueError: an unknown kind, or arrays that do not fit it.
    """
    if panel.kind not in KINDS:
        raise ValueError(f"a panel of kind {panel.kind!r} cannot be drawn; kinds are {', '.join(KINDS)}")
    text = {label: value for label, value in panel.text.items() if label not in RESERVED}
    try:
        drawn = KINDS[panel.kind](panel.arrays, panel.text)
    except KeyError as error:
        raise ValueError(f"a {panel.kind} panel needs the array {error}; it has {sorted(panel.arrays)}") from None
    told = {tuple(row) for row in drawn.get("rows", ())}
    text = {label: value for label, value in text.items() if (label, value) not in told}  # once is enough
    return {"kind": panel.kind, "text": text, "verdict": panel.text.get("verdict"), **drawn}


def _picture(arrays: Mapping[str, np.ndarray], text: Mapping[str, str]) -> Drawn:
    maps = arrays.get("heat", ())
    labels = text["heat"].split("\n") if text.get("heat") else [str(i) for i in range(1, len(maps) + 1)]
    if len(labels) != len(maps):
        raise ValueError(f"a picture panel has {len(maps)} heat maps but {len(labels)} labels in text['heat']")
    heats = [(label, draw.heat(weights)) for label, weights in zip(labels, maps, strict=True)]
    return {"picture": draw.picture(arrays["image"]), "heats": heats}


def _plot(arrays: Mapping[str, np.ndarray], text: Mapping[str, str]) -> Drawn:
    x = np.asarray(arrays["x"])
    series = {name: np.asarray(values, float) for name, values in arrays.items() if name != "x"}
    for name, values in series.items():
        if values.shape != x.shape or values.ndim != 1:
            raise ValueError(f"a curve panel has x of shape {list(x.shape)} but {name} of {list(values.shape)}")
    svg = draw.curve([(x, values) for values in series.values()])
    return {"legend": list(enumerate(series)), "svg": Markup(svg)}


def _table(arrays: Mapping[str, np.ndarray], text: Mapping[str, str]) -> Drawn:
    rows = np.asarray(arrays["rows"])
    columns = text["columns"].split("\n") if "columns" in text else []
    if rows.ndim != 2 or (columns and len(columns) != rows.shape[1]):
        raise ValueError(f"a table panel has rows of shape {list(rows.shape)} and {len(columns)} columns")
    shown = [[short(cell) if rows.dtype.kind in "iuf" else str(cell) for cell in row] for row in rows]
    return {"columns": columns, "rows": shown}


KINDS = {"picture": _picture, "curve": _plot, "table": _table}
