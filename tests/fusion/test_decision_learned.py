"""A mixture of decisions against a loop over positions."""

import numpy as np

from mmjax.fusion.decision_learned import DecisionLearned
from tests.fusion.case import ORDER, apply, modalities, positions, softmax


def test_it_is_the_log_of_a_mean_with_learned_weights_shared_out_again_among_what_is_real():
    given = modalities()
    params, found, maps = apply(DecisionLearned(ORDER), given)
    for b, i, real in positions(given):
        weights = dict(zip(real, softmax([params["logits"][ORDER.index(name)] for name in real]), strict=True))
        np.testing.assert_allclose(maps["modality"][b, i], [weights.get(name, 0) for name in ORDER], atol=1e-6)
        if real:
            mixed = sum(weights[name] * np.array(softmax(logits)) for name, logits in real.items())
            np.testing.assert_allclose(found.x[b, i], np.log(mixed), atol=1e-5)
