"""Agreement beyond chance of classes that have an order (quadratic weights: Cohen 1968, doi 10.1037/h0026256).

kappa = 1 - sum_ij w_ij O_ij / sum_ij w_ij E_ij,   w_ij = (i - j)^2

O counts examples of class i taken for j; E is what their sums over rows and columns alone would give.
"""

from collections.abc import Sequence

import numpy as np

from mmjax.metrics.regression_scores import paired


def quadratic_kappa(predictions: Sequence[int], truths: Sequence[int]) -> float:
    """From places [N] in the order of classes, at least one: 1 for all right, 0 for what is no better than chance.

    Raises:
        ValueError: predictions and truths are no two lists of equal length.
    """
    y, t = paired(predictions, truths)
    # The mean over all pairs of a prediction and a truth, which E holds, comes from their moments.
    expected = np.var(y) + np.var(t) + (y.mean() - t.mean()) ** 2
    return float(1 - np.mean((y - t) ** 2) / expected) if expected else 1.0
