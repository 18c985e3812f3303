"""The mean over real tokens against a loop."""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.tokens import Tokens
from mmjax.nn.pool import Pool

MASK = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)


def test_it_is_the_mean_of_the_real_tokens_whatever_lies_under_the_mask():
    dirty = Tokens.of(np.where(MASK[..., None], X, np.nan), MASK)
    found = Pool().apply({}, dirty, train=False)
    np.testing.assert_array_equal(found.mask, [[True], [True], [False]])
    for b in range(2):
        rows = [X[b, i] for i in range(3) if MASK[b, i]]
        np.testing.assert_allclose(found.x[b, 0], sum(rows) / len(rows), atol=1e-6)
    np.testing.assert_array_equal(found.x[2], np.zeros((1, 4)))


def test_gradients_are_finite_and_none_reaches_what_is_not_real():
    dirty = np.where(MASK[..., None], X, np.nan)
    gradient = jax.grad(lambda x: jnp.sum(Pool().apply({}, Tokens.of(x, MASK), train=False).x ** 2))(dirty)
    assert np.isfinite(gradient).all() and not np.any(gradient[~MASK]) and np.abs(gradient[MASK]).min() > 0


def test_a_long_sum_in_bf16_loses_nothing():
    many = Tokens.of(jnp.ones((1, 1000, 2), jnp.bfloat16), jnp.ones((1, 1000), bool))
    found = Pool().apply({}, many, train=False)
    assert found.x.dtype == jnp.bfloat16
    np.testing.assert_array_equal(found.x.astype(jnp.float32), np.ones((1, 1, 2)))
