"""Errors and correlations against loops and scipy."""

import numpy as np
import pytest
from scipy import stats

from mmjax.metrics.regression_scores import ranks, regression_scores

RNG = np.random.default_rng(0)
TRUTHS = RNG.normal(size=40).round(1)  # with ties
PREDICTIONS = (0.6 * TRUTHS + RNG.normal(size=40)).round(1)


def test_errors_are_means_over_the_examples():
    found = regression_scores(PREDICTIONS, TRUTHS)
    errors = [float(y) - float(t) for y, t in zip(PREDICTIONS, TRUTHS, strict=True)]
    mean = sum(TRUTHS) / 40
    np.testing.assert_allclose(found["mae"], sum(map(abs, errors)) / 40)
    np.testing.assert_allclose(found["rmse"], (sum(e**2 for e in errors) / 40) ** 0.5)
    np.testing.assert_allclose(found["r2"], 1 - sum(e**2 for e in errors) / sum((t - mean) ** 2 for t in TRUTHS))


def test_correlations_are_those_of_scipy_with_ties():
    found = regression_scores(PREDICTIONS, TRUTHS)
    np.testing.assert_allclose(found["pearson"], stats.pearsonr(PREDICTIONS, TRUTHS).statistic)
    np.testing.assert_allclose(found["spearman"], stats.spearmanr(PREDICTIONS, TRUTHS).statistic)
    np.testing.assert_array_equal(ranks(np.array([3.0, 1, 3, 2, 3])), [4, 1, 4, 2, 4])


def test_constants_have_defined_scores():
    assert regression_scores([1, 2], [5, 5])["r2"] == 0
    assert regression_scores([5, 5], [5, 5]) == {"mae": 0, "rmse": 0, "r2": 1, "pearson": 0, "spearman": 0}
    assert regression_scores([2, 2, 2], [1, 2, 3])["pearson"] == 0


def test_a_prediction_of_the_order_alone_has_a_spearman_of_one():
    found = regression_scores([[1], [10], [100]], [1, 2, 3])
    np.testing.assert_allclose(found["spearman"], 1)
    assert found["pearson"] < 0.95


def test_no_number_has_no_score_and_other_shapes_are_refused():
    assert regression_scores([], []) == {}
    with pytest.raises(ValueError, match=r"predictions \(2,\) and truths \(3,\); expected two lists"):
        regression_scores([1, 2], [1, 2, 3])
