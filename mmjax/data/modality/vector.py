"""A row's vector of features: one list of numbers of fixed width."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from mmjax.data.modality.scale import Scale, measured, scaled, statistics
from mmjax.data.modality.sizes import check_sizes


@dataclasses.dataclass(frozen=True)
class Vector:
    """The feature `feature` as [width] float32 with mask []; one that is empty or holds a NaN is missing.

    `scale` "standard" takes off the mean of the training rows and divides by their deviation, column by column.
    """

    feature: str
    width: int
    scale: Scale = "standard"

    def __post_init__(self):
        check_sizes(self, "width")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.width, np.float32), np.zeros((), bool)

    def fit(self, values: Iterable[Any]) -> dict[str, Any]:
        """Mean and deviation of each column over the rows that are there."""
        return statistics(self.scale, (value[None] for value in map(self._read, values) if value is not None))

    def __call__(self, value: Any, fitted: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for a vector of another width."""
        found = self._read(value)
        return self.blank() if found is None else (scaled(found, fitted), np.ones((), bool))

    def _read(self, value: Any) -> np.ndarray | None:
        found = measured(value)
        if found.size == 0:
            return None
        found = np.atleast_1d(found)  # one number need be no list
        if found.shape != (self.width,):
            raise ValueError(f"{found.size} numbers of shape {list(found.shape)}, expected {self.width}")
        return found if np.isfinite(found).all() else None
