"""How near numbers come to the true ones: errors, the share of variance explained, and correlations.

MAE = mean |y - t|,   RMSE = sqrt(mean (y - t)^2),   R2 = 1 - sum (y - t)^2 / sum (t - mean t)^2
"""

import dataclasses
from collections.abc import Sequence

import numpy as np


def regression_scores(predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
    """{"mae", "rmse", "r2", "pearson", "spearman"} of numbers [N] each; of no number nothing.

    Where the truths are all equal, R2 is 1 if they are met and 0 if not; a correlation with what is constant is 0.

    Raises:
        ValueError: predictions and truths are no two lists of equal length.
    """
    y, t = paired(predictions, truths)
    if not len(y):
        return {}
    errors, spread = np.sum((y - t) ** 2), np.sum((t - t.mean()) ** 2)
    return {
        "mae": float(np.mean(np.abs(y - t))),
        "rmse": float(np.sqrt(np.mean((y - t) ** 2))),
        "r2": float(1 - errors / spread) if spread else float(errors == 0),
        "pearson": pearson(y, t),
        "spearman": pearson(ranks(y), ranks(t)),
    }


@dataclasses.dataclass(frozen=True)
class RegressionScores:
    """`regression_scores` as a config names it."""

    def __call__(self, predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
        return regression_scores(predictions, truths)


def paired(predictions: Sequence[float], truths: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [N]; [N, 1] is taken for it. ValueError where they are not of one length."""
    y, t = (np.asarray(values, np.float64) for values in (predictions, truths))
    y, t = (x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for x in (y, t))
    if y.ndim != 1 or y.shape != t.shape:
        raise ValueError(f"predictions {y.shape} and truths {t.shape}; expected two lists of as many numbers")
    return y, t


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of [N] and [N]; 0 where one of them is constant."""
    one, other = one - one.mean(), other - other.mean()
    norm = np.sqrt(np.sum(one**2) * np.sum(other**2))
    return float(np.sum(one * other) / norm) if norm else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """[N] from 1 on; equal values share the mean of their ranks."""
    _, which, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[which]
