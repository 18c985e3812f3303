"""A row's series of measurements: up to `length` steps of C channels each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data.modality.scale import Scale, measured, scaled, statistics, unscaled
from mmjax.data.modality.sizes import check_sizes
from mmjax.data.series_augment import SeriesAugment


@dataclasses.dataclass(frozen=True)
class Series:
    """The feature `feature`, [T, channels], as [length, channels] float32 with mask [length].

    A step that holds a NaN is masked; a series without steps is missing. One that is longer is an error, since where to
    cut it is the user's to say. `scale` "standard" uses each channel's mean and deviation over the training rows.
    `augment` changes training rows in their own unit; series of a row that share it get the same draws.
    """

    feature: str
    length: int
    channels: int
    scale: Scale = "standard"
    augment: SeriesAugment | None = None

    def __post_init__(self):
        check_sizes(self, "length", "channels")
        if self.augment is not None:
            self.augment.check(self.channels)

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((self.length, self.channels), np.float32), np.zeros(self.length, bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Mean and deviation of each channel over all steps that are whole."""
        return {**statistics(self.scale, (steps[whole(steps)] for steps in map(self._read, values))), "times": False}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for other channels, or more steps than `length`."""
        steps = self._read(value)
        values, mask = self.blank()
        real = whole(steps)
        values[: len(steps)] = np.where(real[:, None], scaled(steps, fitted), 0)
        mask[: len(steps)] = real
        return values, mask

    def vary(
        self, values: np.ndarray, mask: np.ndarray, fitted: dict[str, Any], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The series of a training row as `augment` changes it."""
        steps, mask = self.augment(unscaled(values, fitted), mask, rng)
        return np.where(mask[:, None], scaled(steps, fitted), 0), mask

    def _read(self, value: Any) -> np.ndarray:
        return steps_of(value, self.length, self.channels)


def steps_of(value: Any, length: int, channels: int) -> np.ndarray:
    """Steps [T, channels] as float64, T up to `length`; ValueError for other channels or more steps."""
    steps = measured(value)
    if not steps.size:
        return np.zeros((0, channels))
    if steps.ndim == 1 and channels == 1:
        steps = steps[:, None]
    if steps.ndim != 2 or steps.shape[1] != channels:
        raise ValueError(f"a series of shape {list(steps.shape)}, expected [steps, {channels}]")
    if len(steps) > length:
        raise ValueError(f"{len(steps)} steps, but its length is {length}: set it to {len(steps)} or more")
    return steps


def whole(steps: np.ndarray) -> np.ndarray:
    """[T] bool: every channel of the step is a finite number."""
    return np.isfinite(steps).all(axis=1)
