"""The numbers of a row that are to be predicted."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mmjax.data.modality.scale import measured
from mmjax.data.modality.sizes import check_sizes


@dataclasses.dataclass(frozen=True)
class Target:
    """The feature `feature` as [size] float32 with mask []: a row without numbers, or with a NaN, has none.

    Numbers in several axes stand one row after the other.
    """

    feature: str
    size: int = 1

    def __post_init__(self):
        check_sizes(self, "size")

    def blank(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.size, np.float32), np.zeros((), bool)

    def __call__(self, value: Any) -> tuple[np.ndarray, np.ndarray]:
        """Raises ValueError for another number of numbers."""
        found = np.ravel(measured(value))
        if not found.size or not np.isfinite(found).all():
            return self.blank()
        if found.shape != (self.size,):
            raise ValueError(f"a target of shape {list(found.shape)}, expected {self.size} numbers")
        return found.astype(np.float32), np.ones((), bool)
