"""Casting a tree to the type that is computed in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from mmjax.core.precision import cast, computing


def test_only_floating_leaves_change_their_type():
    tree = {"kernel": jnp.array([1.0, 1 / 3]), "step": jnp.array(7), "mask": jnp.array([True, False])}
    tree |= {"key": jax.random.key(0), "half": jnp.array([2.0], jnp.bfloat16)}
    low = cast(tree, "bfloat16")
    assert (low["kernel"].dtype, low["half"].dtype) == (jnp.bfloat16, jnp.bfloat16)
    assert (low["step"].dtype, low["mask"].dtype, low["key"].dtype) == (jnp.int32, bool, tree["key"].dtype)
    np.testing.assert_allclose(low["kernel"].astype(jnp.float32), [1.0, 1 / 3], rtol=2**-8)
    high = cast(low, "float32")
    assert (high["kernel"].dtype, high["half"].dtype, high["step"].dtype) == (jnp.float32, jnp.float32, jnp.int32)
    np.testing.assert_array_equal(high["half"], [2.0])


def test_gradients_through_a_cast_come_back_in_the_type_of_the_parameters():
    gradient = jax.grad(lambda p: jnp.sum(cast(p, "bfloat16")["w"] ** 2).astype(jnp.float32))({"w": jnp.array([1.5])})
    assert gradient["w"].dtype == jnp.float32
    np.testing.assert_array_equal(gradient["w"], [3.0])


class Halved(nn.Module):
    """x W with x in the type of W, which it sees by itself or in a part."""

    part: nn.Module | None = None

    @nn.compact
    def __call__(self, x):
        x = x.astype(computing(self))
        return (self.part or nn.Dense(3))(x), x


@pytest.mark.parametrize("module", [Halved(), Halved(nn.Dense(3))])
def test_a_module_computes_in_the_type_of_its_parameters_and_in_fp32_while_they_are_made(module):
    x = jnp.ones((2, 4))
    (_, first), variables = module.init_with_output(jax.random.key(0), x)
    assert first.dtype == jnp.float32
    for dtype in ("bfloat16", "float32"):
        y, seen = jax.jit(module.apply)(cast(variables, dtype), x)
        assert y.dtype == seen.dtype == dtype
