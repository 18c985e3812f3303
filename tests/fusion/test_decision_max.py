"""A fusion of decisions against each class's highest probability, renormalised, in a loop over positions."""

import numpy as np

from mmjax.fusion.decision_max import DecisionMax
from tests.fusion.case import ORDER, apply, modalities, positions, softmax


def test_it_is_the_log_of_the_highest_probability_renormalised():
    given = modalities()
    params, found, _ = apply(DecisionMax(ORDER), given)
    assert not params
    for b, i, real in positions(given):
        if real:
            told = [np.array(softmax(logits)) for logits in real.values()]
            np.testing.assert_allclose(
                found.x[b, i], np.log(np.max(told, axis=0) / sum(np.max(told, axis=0))), atol=1e-5
            )
