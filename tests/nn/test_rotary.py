"""Rotary positions against complex numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.rotary import rotate


def test_each_pair_of_channels_is_a_complex_number_that_is_turned():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 6)).astype(np.float32)
    at = np.array([[0, 1, 2, 3], [5, 7, 7, 90]])
    found = jax.jit(rotate, static_argnums=2)(x, at, 10000.0)
    expected = np.empty_like(x)
    for b, h, place, i in np.ndindex(2, 3, 4, 3):
        z = complex(x[b, h, place, i], x[b, h, place, 3 + i]) * np.exp(1j * at[b, place] * 10000.0 ** (-i / 3))
        expected[b, h, place, i], expected[b, h, place, 3 + i] = z.real, z.imag
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_angles_are_exact_for_bf16_too():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 1, 1, 4)), jnp.bfloat16)
    found = rotate(x, np.array([[4001]]), 10000.0)
    assert found.dtype == jnp.bfloat16
    exact = rotate(x.astype(jnp.float32), np.array([[4001]]), 10000.0)
    np.testing.assert_allclose(found.astype(jnp.float32), exact, rtol=1e-2)


def test_an_odd_width_cannot_be_turned_in_pairs():
    with pytest.raises(ValueError, match="a head has 3"):
        rotate(jnp.ones((1, 1, 1, 3)), np.zeros((1, 1)), 10000.0)
