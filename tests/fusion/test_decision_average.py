"""A fusion of decisions against the mean of the probabilities, in a loop over positions."""

import numpy as np
import pytest

from mmjax.fusion.decision_average import DecisionAverage
from tests.fusion.case import ORDER, apply, modalities, positions, softmax


def test_it_is_the_log_of_the_mean_probability():
    given = modalities()
    params, found, _ = apply(DecisionAverage(ORDER), given)
    assert not params
    for b, i, real in positions(given):
        if real:
            told = [np.array(softmax(logits)) for logits in real.values()]
            np.testing.assert_allclose(found.x[b, i], np.log(sum(told) / len(told)), atol=1e-5)


def test_one_class_is_no_decision():
    narrow = {name: one.replace(x=one.x[..., :1]) for name, one in modalities().items()}
    with pytest.raises(ValueError, match="takes logits of at least 2 classes, given 1"):
        apply(DecisionAverage(ORDER), narrow)
