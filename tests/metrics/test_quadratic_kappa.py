"""Agreement of classes in order against scikit-learn's, and by hand."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mmjax.metrics.quadratic_kappa import quadratic_kappa


def test_far_off_costs_the_square_of_the_distance():
    rng = np.random.default_rng(0)
    truths = rng.integers(0, 5, 80)
    predictions = np.clip(truths + rng.integers(-1, 2, 80), 0, 4)
    expected = cohen_kappa_score(truths, predictions, weights="quadratic")
    assert quadratic_kappa(predictions.tolist(), truths.tolist()) == pytest.approx(expected)


def test_the_same_answer_always_agrees_by_chance_alone_and_with_itself_wholly():
    assert quadratic_kappa([2, 2, 2, 2], [1, 2, 3, 2]) == 0
    assert quadratic_kappa([2, 2], [2, 2]) == 1
    assert quadratic_kappa([0, 0], [3, 3]) == 0


def test_unequal_numbers_are_refused():
    with pytest.raises(ValueError, match="expected two lists of as many numbers"):
        quadratic_kappa([1], [1, 2])
