"""Sentiment from -3 to 3 in the field's own scores (CMU-MOSEI: Zadeh et al. 2018, ACL P18-1208).

Two binary accuracies are published under one name, and both are given, each with F1 weighted by support:
- non_negative: y < 0 against y >= 0, over all examples (papers before 2019, and one of two since)
- non_zero: y <= 0 against y > 0, over the examples whose truth is not 0

Acc-7 and Acc-5 clip to [-3, 3] and [-2, 2] and round to the nearest whole number, halves to the even one, as public
evaluation code does. MAE and correlation are of the numbers as they are.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from mmjax.metrics.accuracy_tables import per_class, weighted_f1
from mmjax.metrics.regression_scores import paired, pearson


def sentiment(predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
    """{"accuracy_2_non_negative", "f1_non_negative", "accuracy_2_non_zero", "f1_non_zero", "accuracy_7", "accuracy_5",
    "mae", "correlation"} of numbers [N] each; of no number nothing.

    The non_zero pair is left out where every truth is 0. A correlation with what is constant is 0.

    Raises:
        ValueError: predictions and truths are no two lists of equal length.
    """
    y, t = paired(predictions, truths)
    if not len(y):
        return {}
    return {
        **_binary("non_negative", y >= 0, t >= 0),
        **_binary("non_zero", y[t != 0] > 0, t[t != 0] > 0),
        "accuracy_7": _rounded(y, t, 3),
        "accuracy_5": _rounded(y, t, 2),
        "mae": float(np.mean(np.abs(y - t))),
        "correlation": pearson(y, t),
    }


@dataclasses.dataclass(frozen=True)
class Sentiment:
    """`sentiment` as a config names it."""

    def __call__(self, predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]:
        return sentiment(predictions, truths)


def _binary(name: str, predictions: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    if not len(truths):
        return {}
    found = per_class(predictions.tolist(), truths.tolist())
    return {f"accuracy_2_{name}": float(np.mean(predictions == truths)), f"f1_{name}": weighted_f1(found)}


def _rounded(predictions: np.ndarray, truths: np.ndarray, most: int) -> float:
    whole = (np.round(np.clip(x, -most, most)) for x in (predictions, truths))
    return float(np.mean(np.equal(*whole)))
