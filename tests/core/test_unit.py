"""Vectors of length 1, and those that have none."""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.unit import unit


def test_vectors_keep_their_direction_and_zeros_stay_with_finite_gradients():
    x = np.array([[3.0, 4.0], [0.0, 0.0], [-1e-3, 0.0]], np.float32)
    np.testing.assert_allclose(unit(x), [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)
    assert np.isfinite(jax.grad(lambda x: jnp.sum(unit(x)))(x)).all()
    assert unit(x.astype(jnp.bfloat16)).dtype == jnp.float32
