"""The weighted sum against a loop over positions."""

import jax
import numpy as np

from mmjax.fusion.weighted_sum import WeightedSum
from tests.fusion.case import ORDER, apply, modalities, positions, softmax


def test_each_modality_has_one_weight_shared_out_again_among_those_that_are_real():
    given = modalities()
    params, found, maps = apply(WeightedSum(ORDER), given)
    for b, i, real in positions(given):
        weights = dict(zip(real, softmax([params["logits"][ORDER.index(name)] for name in real]), strict=True))
        np.testing.assert_allclose(maps["modality"][b, i], [weights.get(name, 0) for name in ORDER], atol=1e-6)
        if real:
            np.testing.assert_allclose(found.x[b, i], sum(weights[name] * real[name] for name in real), atol=1e-5)


def test_it_starts_as_the_mean():
    given = modalities()
    found, _ = WeightedSum(ORDER).init_with_output(jax.random.key(0), given, train=False)
    np.testing.assert_allclose(found.x[0], np.mean([given[name].x[0] for name in ORDER], axis=0), atol=1e-6)
