"""What a report draws of robustness.json: a table of the subsets of modalities, and curves."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmjax.core.task import Panel
from mmjax.data.corruption import CORRUPTIONS

FILE = "robustness.json"
LINES = 4  # a panel has so many colours

Points = Mapping[str, Mapping[str, float | None]]


def panels(workdir: Path) -> list[Panel]:
    """Of a run folder; none where nothing was measured."""
    kept = workdir / FILE
    if not kept.is_file():
        return []
    found = json.loads(kept.read_text())
    drawn = list(_curves(found))
    if len(found["subsets"]) > 1:
        drawn.append(_subsets(found["subsets"], found["step"]))
    return drawn


def _curves(found: Mapping[str, Any]) -> Iterator[Panel]:
    """Of the first score, which is the task's own; the file and the table hold all of them."""
    score, clean = next(iter(found["scores"].items()))
    if found["missing"]:
        lines = {"each with this probability": found["missing"]}
        yield _curve(score, lines, {}, "probability that a modality is missing", found["step"])
    for kind, lines in found["corruptions"].items():
        across, names = f"{kind} of one modality, {CORRUPTIONS[kind].unit}", list(lines)
        for first in range(0, len(names), LINES):
            some = {name: lines[name] for name in names[first : first + LINES]}
            yield _curve(score, some, {"0": {score: clean}}, across, found["step"])


def _curve(score: str, lines: Mapping[str, Points], start: Points, across: str, step: int) -> Panel:
    # Each corruption has strengths of its own, which are the same for every modality.
    at = [{**start, **points} for points in lines.values()]
    x = np.array([float(strength) for strength in at[0]])
    series = {name: _values(points, score) for name, points in zip(lines, at, strict=True)}
    return Panel("curve", {"x": x, **series}, {"score": score, "across": across, "at step": str(step)})


def _values(points: Points, score: str) -> np.ndarray:
    return np.array([np.nan if scores[score] is None else scores[score] for scores in points.values()])


def _subsets(subsets: Points, step: int) -> Panel:
    scores = list(next(iter(subsets.values())))
    rows = [[shown, *(_told(found[score]) for score in scores)] for shown, found in _ranked(subsets, scores)]
    text = {"columns": "\n".join(["only these are there", *scores]), "at step": str(step)}
    return Panel("table", {"rows": np.array(rows)}, text)


def _ranked(subsets: Points, scores: Sequence[str]) -> list[tuple[str, Mapping[str, float | None]]]:
    return sorted(subsets.items(), key=lambda item: (item[0].count("+"), -(item[1][scores[0]] or 0)))


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
