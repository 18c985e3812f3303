"""The likelihood of a Gaussian against its density."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.gaussian_nll import GaussianNll

RNG = np.random.default_rng(0)
PREDICTION = RNG.normal(size=(4, 3, 2)).astype(np.float32)
TARGET = np.where(np.eye(4, 3, dtype=bool), np.nan, RNG.normal(size=(4, 3))).astype(np.float32)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_it_is_the_mean_over_known_numbers_of_the_weighted_surprise_at_each(beta):
    found = GaussianNll(beta=beta)(PREDICTION, TARGET)
    for b in range(4):
        costs = []
        for o in range(3):
            if not np.isnan(TARGET[b, o]):
                mean, variance = float(PREDICTION[b, o, 0]), math.exp(PREDICTION[b, o, 1])
                density = math.exp(-((TARGET[b, o] - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
                costs.append(-(variance**beta) * math.log(density))
        np.testing.assert_allclose(found[b], sum(costs) / len(costs), rtol=1e-5)


def test_with_a_beta_of_one_the_mean_is_pulled_as_by_half_the_squared_error_and_the_variance_to_it():
    gradient = jax.grad(lambda p: GaussianNll(beta=1)(p, TARGET).sum())(PREDICTION)
    known = ~np.isnan(TARGET)
    share, error = known / known.sum(1, keepdims=True), PREDICTION[..., 0] - np.where(known, TARGET, 0)
    np.testing.assert_allclose(gradient[..., 0], share * error, atol=1e-5)
    np.testing.assert_allclose(gradient[..., 1], share * (np.exp(PREDICTION[..., 1]) - error**2) / 2, atol=1e-5)


def test_it_is_least_at_the_mean_and_variance_of_the_targets():
    targets = np.array([1.0, 2, 6], np.float32)
    best = np.tile(np.array([[[3.0, math.log(14 / 3)]]], np.float32), (3, 1, 1))
    gradient = jax.grad(lambda p: GaussianNll()(p, targets).sum())(best)
    np.testing.assert_allclose(gradient.sum(0), 0, atol=1e-5)


def test_bf16_predictions_are_computed_with_in_fp32():
    low = jnp.asarray(PREDICTION, jnp.bfloat16)
    found = GaussianNll()(low, TARGET)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, GaussianNll()(low.astype(jnp.float32), TARGET))


def test_predictions_without_a_variance_and_betas_beyond_one_are_refused():
    with pytest.raises(ValueError, match=r"shape \(4, 3\); expected \[B, O, 2\].*heads\.gaussian"):
        GaussianNll()(PREDICTION[..., 0], TARGET)
    with pytest.raises(ValueError, match="beta is 2; expected a number from 0"):
        GaussianNll(beta=2)
