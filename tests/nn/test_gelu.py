"""GELU: values against the formula, gradients against differences and autodiff, and what they keep."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.gelu import exact_gelu, gelu
from tests import reference

X, Y = (np.random.default_rng(seed).normal(size=(3, 7), scale=2).astype(np.float32) for seed in (0, 1))


def exact(x):
    """x times the share of a standard normal below it, number by number."""
    return np.vectorize(lambda one: one * math.erfc(-one / math.sqrt(2)) / 2)(np.asarray(x, np.float64))


FORMS = pytest.mark.parametrize(
    ("form", "formula", "approximate"),
    [(gelu, reference.gelu_tanh, True), (exact_gelu, exact, False)],
    ids=["tanh", "exact"],
)


@FORMS
def test_values_are_those_of_the_formula(form, formula, approximate):
    np.testing.assert_allclose(jax.jit(form)(X), formula(X), atol=1e-6)


@FORMS
def test_gradients_are_those_of_the_formula_by_central_differences(form, formula, approximate):
    slope = (formula(X + 1e-4) - formula(X.astype(np.float64) - 1e-4)) / 2e-4
    found = jax.jit(jax.grad(lambda x: jnp.sum(form(x) * Y)))(X)
    np.testing.assert_allclose(found, slope * Y, atol=2e-3)


@FORMS
def test_far_from_0_values_and_gradients_are_those_of_a_line(form, formula, approximate):
    far = jnp.array([-1e4, -100.0, -20.0, 20.0, 100.0, 1e4])
    np.testing.assert_array_equal(jax.jit(form)(far), np.maximum(far, 0))
    np.testing.assert_array_equal(jax.jit(jax.vmap(jax.grad(form)))(far), far > 0)


@FORMS
def test_in_bf16_gradients_are_near_those_of_autodiff_and_keep_the_type(form, formula, approximate):
    x = jnp.asarray(X, jnp.bfloat16)
    found = jax.grad(lambda x: jnp.sum(form(x).astype(jnp.float32)))(x)
    expected = jax.grad(lambda x: jnp.sum(jax.nn.gelu(x, approximate=approximate)))(jnp.asarray(X))
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(found.astype(jnp.float32), expected, atol=0.03)


def test_in_bf16_the_exact_form_has_as_many_digits_as_its_argument():
    x = jnp.arange(-3, -1, 0.125, jnp.bfloat16)
    np.testing.assert_allclose(jax.jit(exact_gelu)(x).astype(jnp.float32), exact(x), rtol=2**-7)


@FORMS
def test_only_what_goes_in_is_kept_for_the_gradient(form, formula, approximate):
    _, back = jax.vjp(form, jnp.asarray(X))
    assert [leaf.shape for leaf in jax.tree.leaves(back)] == [X.shape]
