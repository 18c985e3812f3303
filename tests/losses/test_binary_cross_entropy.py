"""Binary cross-entropy against logarithms of sigmoids."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.binary_cross_entropy import BinaryCrossEntropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3), scale=3).astype(np.float32)
TARGET = np.array([[0, 1, 1], [0.3, -1, 1], [np.nan, 0, -1], [-1, -1, np.nan]], np.float32)


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_it_is_the_mean_over_known_labels_of_the_surprise_at_each(weight):
    found = BinaryCrossEntropy(positive_weight=weight)(LOGITS, TARGET)
    for b in range(4):
        costs = []
        for c in range(3):
            if TARGET[b, c] >= 0:
                chance, there = 1 / (1 + math.exp(-LOGITS[b, c])), float(TARGET[b, c])
                costs.append(-weight * there * math.log(chance) - (1 - there) * math.log(1 - chance))
        np.testing.assert_allclose(found[b], sum(costs) / max(len(costs), 1), rtol=1e-5)


def test_large_logits_do_not_overflow_and_unknown_labels_have_no_gradient():
    loss = BinaryCrossEntropy()
    logits, target = np.array([[1e4, -1e4, 5.0]], np.float32), np.array([[0.0, 1, np.nan]])
    np.testing.assert_allclose(loss(logits, target), [1e4], rtol=1e-6)
    gradient = jax.grad(lambda logits: loss(logits, target).sum())(logits)
    np.testing.assert_allclose(gradient, [[0.5, -0.5, 0]], atol=1e-6)


def test_bf16_logits_are_computed_with_in_fp32():
    low = jnp.asarray(LOGITS, jnp.bfloat16)
    found = BinaryCrossEntropy()(low, TARGET)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, BinaryCrossEntropy()(low.astype(jnp.float32), TARGET))


def test_a_weight_of_nothing_is_refused():
    with pytest.raises(ValueError, match="positive_weight is 0; expected a number above 0"):
        BinaryCrossEntropy(positive_weight=0)
