"""Which share of numbers is told closely enough, and how far they are from the truth at the median."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Within:
    """(predictions, truths) to "within", the share at most `tolerance` from the truth, and "median_error"."""

    tolerance: float

    def __post_init__(self):
        if self.tolerance <= 0:
            raise ValueError(f"tolerance is {self.tolerance}; expected a distance above 0, in the unit of the target")

    def __call__(self, predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
        away = np.abs(np.subtract(predictions, truths))
        return {"within": float(np.mean(away <= self.tolerance)), "median_error": float(np.median(away))}
