"""Means and log-variances against their formula in a loop."""

import math

import jax
import numpy as np
import pytest

from mmjax.heads.gaussian import Gaussian
from tests import reference
from tests.heads.case import Case, hidden, tokens

CASES = {"gaussian": Case(Gaussian(outputs=3, hidden=5, least_variance=0.1))}


@pytest.mark.parametrize(("module", "least"), [(Gaussian(), 1e-4), (CASES["gaussian"].module, 0.1)])
def test_pairs_of_numbers_are_a_mean_and_the_logarithm_of_a_variance_above_its_bound(module, least):
    given = tokens()
    params = reference.parameters(module, given, train=False)
    raw = reference.dense(hidden(given, params), params["numbers"])
    found = module.apply({"params": params}, given, train=False)
    for b, o in np.ndindex(found.shape[:2]):
        np.testing.assert_allclose(found[b, o, 0], raw[b, 2 * o], atol=1e-5)
        np.testing.assert_allclose(found[b, o, 1], math.log(math.exp(raw[b, 2 * o + 1]) + least), atol=1e-5)


def test_the_variance_stays_above_its_bound_whatever_the_features_say():
    given, module = tokens(), Gaussian(least_variance=0.01)
    params = {"numbers": {"kernel": np.full((6, 2), 1e4, np.float32), "bias": np.zeros(2, np.float32)}}

    @jax.jit
    def variance(x):
        return module.apply({"params": params}, given.replace(x=x), train=False)[..., 1]

    found, gradient = variance(-np.abs(given.x)), jax.jit(jax.grad(lambda x: variance(x).sum()))(-np.abs(given.x))
    np.testing.assert_allclose(found[:3], math.log(0.01), rtol=1e-5)
    assert np.isfinite(gradient).all()
    assert np.isfinite(variance(np.abs(given.x))).all()


def test_a_bound_of_zero_is_refused():
    with pytest.raises(ValueError, match="least_variance is 0; expected a number above 0"):
        Gaussian(least_variance=0)
