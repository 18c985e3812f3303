"""Measured values brought to one size: statistics of the training rows, kept as plain lists."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

Scale = Literal["standard", "none"]
LEAST = 1e-6  # a column that never changes is not blown up


def measured(value: Any) -> np.ndarray:
    """Numbers as float64; nothing (None) as an empty array. Raises ValueError for what is no number.

    What float32 does not reach is infinite already here, so that it is found before it is scaled.
    """
    if isinstance(value, list | tuple) and any(isinstance(one, str | os.PathLike) for one in value):
        raise ValueError(f"a list of {len(value)} paths or texts; expected numbers, or one path where it is a file")
    try:
        found = np.asarray([] if value is None else value, np.float64)
        return np.where(np.abs(found) > np.finfo(np.float32).max, np.inf, found)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r:.60} is not made of numbers") from None


def statistics(scale: Scale, parts: Iterable[np.ndarray]) -> dict[str, Any]:
    """Mean and deviation of each column over parts [n, C], in one pass; nothing where they are left as they are.

    Raises:
        ValueError: no part has a row.
    """
    if scale == "none":
        return {}
    count, total, squares = 0, 0.0, 0.0
    for part in parts:
        count, total, squares = count + len(part), total + part.sum(0), squares + (part**2).sum(0)
    if not count:
        raise ValueError("no training row holds a value of it")
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return {"mean": mean.tolist(), "deviation": np.where(deviation < LEAST, 1.0, deviation).tolist()}


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
