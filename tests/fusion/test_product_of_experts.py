"""The product of Gaussians against the density that it is, and a loop over experts."""

import numpy as np

from mmjax.fusion.product_of_experts import ProductOfExperts
from tests.fusion.case import ORDER, D, apply, dense, modalities, positions


def test_the_mean_weighs_each_real_expert_and_the_prior_by_their_precision():
    given = modalities()
    params, found, maps = apply(ProductOfExperts(ORDER), given)
    for b, i, real in positions(given):
        precisions, weighted = np.ones(D), np.zeros(D)
        own = {}
        for name, x in real.items():
            own[name] = 1 / np.exp(dense(x, params[f"{name}_log_variance"]))
            precisions += own[name]
            weighted += own[name] * dense(x, params[f"{name}_mean"])
        if real:
            np.testing.assert_allclose(found.x[b, i], weighted / precisions, atol=1e-5)
        expected = [np.mean(own[name] / precisions) if name in own else 0 for name in ORDER]
        np.testing.assert_allclose(maps["modality"][b, i], expected, atol=1e-5)


def test_it_stands_where_the_product_of_the_densities_is_highest():
    given = modalities(ORDER[:2])
    params, found, _ = apply(ProductOfExperts(ORDER[:2]), given)
    grid = np.linspace(-8, 8, 160_001)
    log_density = -(grid**2) / 2
    for name in ORDER[:2]:
        x = np.asarray(given[name].x[0, 0], np.float64)
        mean, log_variance = (dense(x, params[f"{name}_{what}"])[0] for what in ("mean", "log_variance"))
        log_density -= (grid - mean) ** 2 / np.exp(log_variance) / 2
    np.testing.assert_allclose(found.x[0, 0, 0], grid[np.argmax(log_density)], atol=2e-4)


def test_an_expert_that_is_as_sure_as_can_be_is_believed_without_overflow():
    given = modalities(ORDER[:1])
    params, _, _ = apply(ProductOfExperts(ORDER[:1]), given)
    params["text_log_variance"]["bias"] = np.full(D, -1000, np.float32)
    found = ProductOfExperts(ORDER[:1]).apply({"params": params}, given, train=False)
    np.testing.assert_allclose(found.x[0, 0], dense(given["text"].x[0, 0], params["text_mean"]), atol=1e-5)
