"""A fusion of decisions against the product of the probabilities, renormalised, in a loop over positions."""

import numpy as np

from mmjax.fusion.decision_product import DecisionProduct
from tests.fusion.case import ORDER, apply, modalities, positions, softmax


def test_it_is_the_log_of_the_product_of_probabilities_renormalised():
    given = modalities()
    params, found, _ = apply(DecisionProduct(ORDER), given)
    assert not params
    for b, i, real in positions(given):
        if real:
            told = [np.array(softmax(logits)) for logits in real.values()]
            np.testing.assert_allclose(
                found.x[b, i], np.log(np.prod(told, axis=0) / sum(np.prod(told, axis=0))), atol=1e-5
            )
