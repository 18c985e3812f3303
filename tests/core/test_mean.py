"""Means as total and count: they add up to the truth where a mean of means does not."""

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean


def test_a_mean_counts_what_the_mask_shows_and_nothing_else_not_even_nan():
    values = np.array([[1.0, np.nan, 3.0], [np.inf, 5.0, -1e30]], np.float32)
    mask = np.array([[True, False, True], [False, True, False]])
    mean = Mean.of(values, mask)
    assert (float(mean.total), float(mean.count), float(mean.value)) == (9.0, 3.0, 3.0)
    gradient = jax.grad(lambda v: Mean.of(v, mask).value)(jnp.asarray(values))
    np.testing.assert_allclose(gradient, mask / 3, rtol=1e-6)


def test_means_of_uneven_parts_add_up_to_the_mean_of_the_whole_and_a_mean_of_means_does_not():
    rng = np.random.default_rng(0)
    values = rng.normal(2, 1, size=(6, 5)).astype(np.float32)
    mask = np.arange(5) < np.array([[5], [1], [0], [2], [5], [0]])
    parts = [Mean.of(values[rows], mask[rows]) for rows in (slice(0, 1), slice(1, 4), slice(4, 6))]
    whole = sum(parts[1:], parts[0])
    truth = np.mean([v for v, real in zip(values.ravel(), mask.ravel(), strict=True) if real])
    np.testing.assert_allclose(whole.value, truth, rtol=1e-6)
    assert abs(np.mean([float(part.value) for part in parts]) - truth) > 0.01


def test_a_mean_of_nothing_is_zero_and_has_a_finite_gradient():
    nothing = np.zeros(3, bool)
    value, gradient = jax.value_and_grad(lambda v: Mean.of(v, nothing).value)(jnp.full(3, jnp.nan))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(3))
    assert (Mean.of(jnp.ones(2), jnp.ones(2, bool)) + Mean.of(jnp.ones(3), nothing)).value == 1


def test_totals_of_bf16_and_bool_values_are_summed_in_fp32():
    ones = np.ones(1000, bool)
    for values in (jnp.ones(1000, jnp.bfloat16), jnp.ones(1000, bool)):
        mean = Mean.of(values, ones)
        assert mean.total.dtype == mean.count.dtype == jnp.float32
        assert (float(mean.total), float(mean.count)) == (1000.0, 1000.0)


def test_means_are_pytrees_that_are_summed_over_devices():
    values, mask = np.arange(6.0, dtype=np.float32).reshape(3, 2), np.array([[1, 1], [1, 0], [0, 0]], bool)
    summed = jax.vmap(lambda v, m: jax.lax.psum(Mean.of(v, m), "device"), axis_name="device")(values, mask)
    np.testing.assert_allclose(summed.value, np.full(3, (0 + 1 + 2) / 3), rtol=1e-6)
