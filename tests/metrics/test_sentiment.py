"""Scores of sentiment against counts by hand and in loops."""

import numpy as np

from mmjax.metrics.sentiment import sentiment

TRUTHS = [-3.0, -0.4, 0.0, 0.0, 0.2, 1.5, 2.6, 3.0]
PREDICTIONS = [-4.2, 0.1, -0.3, 0.4, 0.0, 2.5, 3.7, 1.0]


def f1_by_support(predictions, truths):
    total = 0.0
    for side in (True, False):
        both = sum(p == t == side for p, t in zip(predictions, truths, strict=True))
        if both:
            precision, recall = both / predictions.count(side), both / truths.count(side)
            total += truths.count(side) / len(truths) * 2 * precision * recall / (precision + recall)
    return total


def test_both_binary_accuracies_are_given_with_their_f1():
    found = sentiment(PREDICTIONS, TRUTHS)
    assert found["accuracy_2_non_negative"] == 6 / 8  # -0.4 and one of the zeros are on the wrong side
    assert found["accuracy_2_non_zero"] == 4 / 6  # without the zeros: -0.4, and 0.2 that was called 0
    sides = [y >= 0 for y in PREDICTIONS], [t >= 0 for t in TRUTHS]
    np.testing.assert_allclose(found["f1_non_negative"], f1_by_support(*sides))
    kept = [(y > 0, t > 0) for y, t in zip(PREDICTIONS, TRUTHS, strict=True) if t]
    np.testing.assert_allclose(found["f1_non_zero"], f1_by_support(*map(list, zip(*kept, strict=True))))


def test_seven_and_five_classes_are_rounded_within_their_range():
    found = sentiment(PREDICTIONS, TRUTHS)
    # -3 and -4.2; -0.4 and 0.1; 0 twice; 0.2 and 0; 1.5 and 2.5, halves to 2; 2.6 and 3.7; but not 3 and 1
    assert found["accuracy_7"] == 7 / 8
    assert found["accuracy_5"] == 7 / 8
    apart = sentiment([3.0, -2.6], [2.0, -2.0])
    assert apart["accuracy_7"] == 0 and apart["accuracy_5"] == 1


def test_error_and_correlation_are_of_the_numbers_as_they_are():
    found = sentiment(PREDICTIONS, TRUTHS)
    errors = [abs(y - t) for y, t in zip(PREDICTIONS, TRUTHS, strict=True)]
    np.testing.assert_allclose(found["mae"], sum(errors) / 8)
    np.testing.assert_allclose(found["correlation"], np.corrcoef(PREDICTIONS, TRUTHS)[0, 1])


def test_a_constant_answer_has_defined_scores():
    found = sentiment(np.zeros((3, 1)), [0.0, 0.0, 0.0])
    assert found["accuracy_2_non_negative"] == found["f1_non_negative"] == found["accuracy_7"] == 1
    assert found["correlation"] == 0 and "accuracy_2_non_zero" not in found
    assert sentiment([], []) == {}
