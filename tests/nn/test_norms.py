"""Layer norm and RMS norm: values against loops, written-out gradients against autodiff of the formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.rms_norm import RmsNorm
from tests import reference

X = np.random.default_rng(0).normal(1.0, 2.0, size=(2, 3, 5)).astype(np.float32)
WEIGHT = np.random.default_rng(1).normal(size=X.shape).astype(np.float32)


def layer(x, params):
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean(centred**2, axis=-1, keepdims=True)
    return centred / jnp.sqrt(variance + 1e-6) * params["scale"] + params["bias"]


def rms(x, params):
    return x / jnp.sqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-6) * params["scale"]


NORMS = pytest.mark.parametrize(
    ("module", "loops", "formula"),
    [(LayerNorm(), reference.layer_norm, layer), (RmsNorm(), reference.rms_norm, rms)],
    ids=["layer", "rms"],
)


@NORMS
def test_values_are_those_of_the_formula(module, loops, formula):
    params = reference.parameters(module, X)
    np.testing.assert_allclose(jax.jit(module.apply)({"params": params}, X), loops(X, params), atol=1e-5)


@NORMS
def test_gradients_are_those_of_the_formula(module, loops, formula):
    params = reference.parameters(module, X)
    found = jax.jit(jax.grad(lambda x, p: jnp.sum(WEIGHT * module.apply({"params": p}, x)), argnums=(0, 1)))(X, params)
    expected = jax.grad(lambda x, p: jnp.sum(WEIGHT * formula(x, p)), argnums=(0, 1))(X, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), found, expected)


@NORMS
def test_statistics_of_bf16_are_in_fp32_and_gradients_keep_their_types(module, loops, formula):
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), reference.parameters(module, X))
    x = jnp.asarray(X, jnp.bfloat16)
    found, back = jax.vjp(lambda x, p: module.apply({"params": p}, x), x, params)
    expected = loops(np.asarray(x, np.float32), jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params))
    assert {leaf.dtype for leaf in jax.tree.leaves((found, back(found)))} == {jnp.dtype(jnp.bfloat16)}
    # One rounding of the result, and none before it.
    np.testing.assert_allclose(found.astype(jnp.float32), expected, rtol=2**-8, atol=1e-6)


@NORMS
def test_a_token_of_equal_values_has_finite_gradients(module, loops, formula):
    flat = jnp.zeros((1, 4))
    params = module.init(jax.random.key(0), flat)
    gradient = jax.grad(lambda x: jnp.sum(module.apply(params, x) ** 2))(flat)
    np.testing.assert_array_equal(gradient, 0)


@NORMS
def test_nothing_as_large_as_the_tokens_is_kept_besides_them(module, loops, formula):
    params = reference.parameters(module, X)
    _, back = jax.vjp(lambda x: module.apply({"params": params}, x), jnp.asarray(X))
    assert sum(leaf.size >= X.size for leaf in jax.tree.leaves(back)) == 1
