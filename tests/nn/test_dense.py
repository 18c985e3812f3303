import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from mmjax.nn.dense import Dense


@pytest.mark.parametrize("features", [3, 5, 8])  # narrower than x, as wide, wider
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (3, 32)])  # 32: turned in blocks
def test_it_is_flax_dense_with_the_same_gradients(shape, features):
    x = jax.random.normal(jax.random.key(0), shape)
    ours, plain = Dense(features), nn.Dense(features)
    params = ours.init(jax.random.key(1), x)
    jax.tree.map(np.testing.assert_array_equal, params, plain.init(jax.random.key(1), x))

    def gradients(layer):
        return jax.grad(lambda params, x: jnp.sum(jnp.sin(layer.apply(params, x))), argnums=(0, 1))(params, x)

    np.testing.assert_allclose(ours.apply(params, x), plain.apply(params, x), rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), gradients(ours), gradients(plain))


def test_types_stay_as_flax_makes_them():
    x = jnp.ones((2, 4), jnp.bfloat16)
    layer = Dense(6, dtype=jnp.bfloat16)
    params = layer.init(jax.random.key(0), x)
    gradient = jax.grad(lambda params: jnp.sum(layer.apply(params, x).astype(jnp.float32)))(params)
    assert layer.apply(params, x).dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(gradient))
