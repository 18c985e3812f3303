"""A row's readings of sensors at any times: each step is a time with a value of every channel that was read then."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data.modality.scale import Scale, scaled, statistics
from mmjax.data.modality.series import steps_of
from mmjax.data.modality.sizes import check_sizes


@dataclasses.dataclass(frozen=True)
class Readings:
    """The feature `feature`, [L, 1 + channels], as [length, 1 + channels] float32 with mask [length].

    Column 0 is the time in seconds, which comes out counted from the row's first step. A channel that was not read
    stays NaN, which `encoders.irregular_sensor` marks as not seen; a step without a time, or without any channel, is
    masked. `scale` "standard" uses each channel's mean and deviation over what was read in the training rows.
    """

    feature: str
    length: int
    channels: int
    scale: Scale = "standard"

    def __post_init__(self):
        check_sizes(self, "length", "channels")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((self.length, 1 + self.channels), np.float32), np.zeros(self.length, bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Mean and deviation of each channel over all that was read of it."""
        return {**statistics(self.scale, (steps[:, 1:] for steps in map(self._read, values))), "times": True}

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for other channels, or more steps than `length`."""
        steps = self._read(value)
        steps[:, 0] -= next(iter(steps[np.isfinite(steps[:, 0]), 0]), 0.0)  # in float64: float32 has no room for epochs
        values, mask = self.blank()
        read = np.where(np.isfinite(steps[:, 1:]), scaled(steps[:, 1:], fitted), np.nan)
        real = np.isfinite(steps[:, 0]) & np.isfinite(read).any(axis=1)
        values[: len(steps)][real] = np.concatenate([steps[:, :1], read], axis=1)[real]
        mask[: len(steps)] = real
        return values, mask

    def _read(self, value: Any) -> np.ndarray:
        return steps_of(value, self.length, 1 + self.channels)
