"""GELU: values against the formula, gradients against differences and autodiff, and what they keep."""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.nn.gelu import gelu
from tests import reference

X, Y = (np.random.default_rng(seed).normal(size=(3, 7), scale=2).astype(np.float32) for seed in (0, 1))


def test_values_are_those_of_the_formula():
    np.testing.assert_allclose(jax.jit(gelu)(X), reference.gelu_tanh(X), atol=1e-6)


def test_gradients_are_those_of_the_formula_by_central_differences():
    slope = (reference.gelu_tanh(X + 1e-4) - reference.gelu_tanh(X.astype(np.float64) - 1e-4)) / 2e-4
    found = jax.jit(jax.grad(lambda x: jnp.sum(gelu(x) * Y)))(X)
    np.testing.assert_allclose(found, slope * Y, atol=2e-3)


def test_in_bf16_gradients_are_near_those_of_autodiff_and_keep_the_type():
    x = jnp.asarray(X, jnp.bfloat16)
    found = jax.grad(lambda x: jnp.sum(gelu(x).astype(jnp.float32)))(x)
    expected = jax.grad(lambda x: jnp.sum(jax.nn.gelu(x, approximate=True)))(jnp.asarray(X))
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), expected, atol=0.03)


def test_only_what_goes_in_is_kept_for_the_gradient():
    _, back = jax.vjp(gelu, jnp.asarray(X))
    assert [leaf.shape for leaf in jax.tree.leaves(back)] == [X.shape]
