"""Measured values brought to one size: statistics of the training rows, kept as plain lists."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

Scale = Literal["standard", "none"]
RESOLUTION = 1e-7  # of float32: a column that changes by less of its mean is one that never changes


def measured(value: Any) -> np.ndarray:
    """Numbers as float64, NaN among them where nothing was measured; nothing (None) as an empty array.

    Raises ValueError for what is no number, or one that float32 does not hold.
    """
    if isinstance(value, list | tuple) and any(isinstance(one, str | os.PathLike) for one in value):
        raise ValueError(f"a list of {len(value)} paths or texts; expected numbers, or one path where it is a file")
    try:
        found = np.asarray([] if value is None else value)
        if found.dtype.kind in "USc" or (found.dtype.kind == "b" and not isinstance(value, np.ndarray | np.generic)):
            raise TypeError
        found = found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r:.60} is not made of numbers") from None
    if len(beyond := np.argwhere(np.abs(found) > np.finfo(np.float32).max)):
        place = "".join(f"[{n}]" for n in beyond[0])
        raise ValueError(
            f"{place or 'it'} is {found[tuple(beyond[0])]:.6g}; expected numbers that float32 holds, NaN for none"
        )
    return found


def statistics(scale: Scale, parts: Iterable[np.ndarray]) -> dict[str, Any]:
    """Mean and deviation of each column over the finite values of parts [n, C]; nothing where scale is "none".

    One pass, in which the parts' own means and sums of squares are joined (Chan et al. 1979), so that values far from 0
    keep their deviation. A column that never changes gets deviation 1.

    Raises:
        ValueError: no part has a value of a column.
    """
    if scale == "none":
        return {}
    count, mean, squares = np.zeros(1), np.zeros(1), np.zeros(1)
    for part in parts:
        real = np.isfinite(part)
        found = real.sum(0)
        share = found / np.maximum(count + found, 1)
        middle = np.where(real, part, 0).sum(0) / np.maximum(found, 1)
        away = middle - mean
        squares = squares + (np.where(real, part - middle, 0) ** 2).sum(0) + away**2 * count * share
        mean, count = mean + away * share, count + found
    if not count.all():
        column = f" in column {np.flatnonzero(count == 0)[0]}" if count.any() else ""
        raise ValueError(f"no training row holds a value of it{column}")
    deviation = np.sqrt(squares / count)
    changes = deviation > RESOLUTION * np.abs(mean)
    return {"mean": mean.tolist(), "deviation": np.where(changes, deviation, 1.0).tolist()}


def scaled(values: np.ndarray, fitted: dict[str, Any]) -> np.ndarray:
    """[..., C] float32 by what `statistics` found."""
    if "mean" in fitted:
        values = (values - np.asarray(fitted["mean"])) / np.asarray(fitted["deviation"])
    return values.astype(np.float32)


def unscaled(values: np.ndarray, fitted: dict[str, Any]) -> np.ndarray:
    """[..., C] float32 in the unit that they had before `scaled`."""
    if "mean" in fitted:
        values = values * np.asarray(fitted["deviation"]) + np.asarray(fitted["mean"])
    return values.astype(np.float32)
