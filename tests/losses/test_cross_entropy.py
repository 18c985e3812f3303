"""Cross-entropy and z-loss against sums over the vocabulary."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.cross_entropy import cross_entropy, right, z_loss

LOGITS = np.random.default_rng(0).normal(size=(2, 3, 5), scale=3).astype(np.float32)
TARGET = np.array([[0, 4, 2], [1, 1, 3]])


def log_sum(row):
    return np.log(sum(np.exp(np.float64(value)) for value in row))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_it_is_the_cross_entropy_with_the_smoothed_target_distribution(smoothing):
    found = cross_entropy(LOGITS, TARGET, smoothing)
    for b, t in np.ndindex(2, 3):
        expected = 0.0
        for v in range(5):
            aim = (1 - smoothing) * (v == TARGET[b, t]) + smoothing / 5
            expected -= aim * (LOGITS[b, t, v] - log_sum(LOGITS[b, t]))
        np.testing.assert_allclose(found[b, t], expected, rtol=1e-5)


def test_its_gradient_is_the_softmax_less_the_target():
    gradient = jax.grad(lambda logits: jnp.sum(cross_entropy(logits, TARGET)))(LOGITS)
    for b, t in np.ndindex(2, 3):
        expected = np.exp(LOGITS[b, t] - log_sum(LOGITS[b, t])) - (np.arange(5) == TARGET[b, t])
        np.testing.assert_allclose(gradient[b, t], expected, atol=1e-6)


def test_z_loss_is_the_square_of_the_log_of_the_normaliser():
    found = z_loss(LOGITS)
    for b, t in np.ndindex(2, 3):
        np.testing.assert_allclose(found[b, t], log_sum(LOGITS[b, t]) ** 2, rtol=1e-5)


def test_a_token_is_right_where_the_target_is_the_first_of_the_largest_as_argmax_has_it():
    rng = np.random.default_rng(1)
    logits = rng.integers(0, 3, size=(200, 4)).astype(np.float32)  # full of ties
    logits[:50] = 0
    target = rng.integers(0, 4, 200)
    found = right(logits, target)
    expected = [max(range(4), key=row.__getitem__) == t for row, t in zip(logits.tolist(), target, strict=True)]
    np.testing.assert_array_equal(found, expected)
    assert 0 < sum(expected) < 200


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4, 0.0]], np.float32)
    np.testing.assert_allclose(cross_entropy(logits, np.array([1])), [2e4], rtol=1e-6)
    np.testing.assert_allclose(cross_entropy(logits, np.array([0])), [0.0], atol=1e-6)
    np.testing.assert_allclose(z_loss(logits), [1e8], rtol=1e-6)


def test_bf16_logits_are_computed_with_in_fp32():
    low = jnp.asarray(LOGITS, jnp.bfloat16)
    for loss in (cross_entropy(low, TARGET, 0.1) - cross_entropy(np.float32(low), TARGET, 0.1), z_loss(low)):
        assert loss.dtype == jnp.float32
    np.testing.assert_array_equal(cross_entropy(low, TARGET, 0.1), cross_entropy(np.float32(low), TARGET, 0.1))
    np.testing.assert_array_equal(z_loss(low), z_loss(np.float32(low)))
