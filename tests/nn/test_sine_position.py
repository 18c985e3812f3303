"""Sine positions against their formula, entry by entry."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.sine_position import SinePosition, sine_table


def test_each_entry_is_the_sine_or_cosine_of_its_axis_at_its_frequency():
    height, width, dim, temperature = 3, 5, 12, 100.0
    table = sine_table(height, width, dim, temperature)
    n = dim // 4
    for y, x, i in np.ndindex(height, width, n):
        frequency = temperature ** -(i / n)
        expected = [math.sin(y * frequency), math.cos(y * frequency), math.sin(x * frequency), math.cos(x * frequency)]
        np.testing.assert_allclose([table[y, x, i + part * n] for part in range(4)], expected, atol=1e-6)


def test_no_two_places_of_a_large_grid_look_alike():
    table = sine_table(24, 24, 16, 10_000.0).reshape(576, 16)
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1) + np.eye(576)
    assert distances.min() > 0.5


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_it_is_added_to_any_grid_without_parameters_and_keeps_its_type(dtype):
    x = jnp.ones((2, 3, 5, 8), dtype)
    module = SinePosition(temperature=50.0)
    assert module.init(jax.random.key(0), x) == {}
    found = module.apply({}, x)
    assert found.dtype == dtype
    expected = 1 + np.broadcast_to(sine_table(3, 5, 8, 50.0), (2, 3, 5, 8))
    np.testing.assert_allclose(found.astype(jnp.float32), expected, atol=1e-6 if dtype == jnp.float32 else 0.01)


def test_a_width_that_is_no_multiple_of_four_is_refused():
    with pytest.raises(ValueError, match="a width that is a multiple of 4, given 6"):
        sine_table(2, 2, 6, 10.0)
