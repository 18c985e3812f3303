"""Readings at any times on one clock, against loops over rows and times of the clock."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.clock import linear, nearest
from tests.reference import compiled

GAP, B, N, D = 0.5, 4, 7, 2
CLOCK = np.arange(-2, 24) * 0.125


@pytest.fixture(scope="module")
def given():
    """Values and times with junk under the mask: row 0 whole, 1 partly real, 2 with one reading, 3 with none."""
    rng = np.random.default_rng(0)
    times = rng.integers(0, 24, (B, N)) * 0.125 + rng.choice([0, 0.04], (B, N))
    times[0] = rng.permutation(N) * 0.3
    mask = np.stack([np.ones(N, bool), rng.random(N) < 0.6, np.arange(N) == 3, np.zeros(N, bool)])
    values = rng.normal(size=(B, N, D))
    values[~mask], times[~mask], times[2, 3] = np.nan, 0.5, 1.0
    return values.astype(np.float32), times.astype(np.float32), mask


def test_late_times_have_the_gaps_of_early_ones():
    for start in (0.0, 7190.0):
        times = (start + np.arange(250) / 25)[None]
        values, real = linear(np.ones((1, 250, 1)), times, np.ones((1, 250), bool), start + np.arange(400) / 40, 0.04)
        assert real[0, :398].all() and (values[0, :398] == 1).all()
    _, real = linear(np.ones((1, 2, 1)), np.array([[7190.0, 7190.1]]), np.ones((1, 2), bool), [7190.05], 0.04)
    assert not real.any()


def by_loops(given, clock, method):
    """What each row has at each time: (values, mask)."""
    values, mask = np.zeros((B, len(clock), D)), np.zeros((B, len(clock)), bool)
    for b, (k, t) in ((b, at) for b in range(B) for at in enumerate(clock)):
        real = sorted((given[1][b, i], i) for i in range(N) if given[2][b, i])
        before = [one for one in real if one[0] <= t + 1e-5]
        after = [one for one in real if one[0] > t + 1e-5]
        if method is nearest:
            near = min(real, key=lambda one: (abs(one[0] - t), one[0]), default=None)
            if near and abs(near[0] - t) <= GAP / 2 + 1e-5:
                values[b, k], mask[b, k] = given[0][b, near[1]], True
        elif before and abs(before[-1][0] - t) <= 1e-5:
            values[b, k], mask[b, k] = given[0][b, before[-1][1]], True
        elif before and after and after[0][0] - before[-1][0] <= GAP + 1e-5:
            (t0, i), (t1, j) = before[-1], after[0]
            values[b, k] = given[0][b, i] + (given[0][b, j] - given[0][b, i]) * (t - t0) / (t1 - t0)
            mask[b, k] = True
    return values, mask


@pytest.mark.parametrize("method", [linear, nearest])
def test_each_time_has_what_is_read_around_it_and_is_real_where_that_is_near(given, method):
    values, mask = compiled(partial(method, gap=GAP))(*given, CLOCK)
    wanted, real = by_loops(given, CLOCK, method)
    np.testing.assert_array_equal(mask, real)
    np.testing.assert_allclose(values, wanted, atol=1e-4)
    assert 0 < mask[0].sum() < len(CLOCK) and mask[2].any() and not mask[3].any()


def test_every_row_may_have_a_clock_of_its_own(given):
    run = compiled(partial(linear, gap=GAP))
    clocks = CLOCK + 0.01 * np.arange(B)[:, None]
    values, mask = run(*given, clocks)
    for b in range(B):
        one = run(*given, clocks[b])
        np.testing.assert_array_equal(mask[b], one[1][b])
        np.testing.assert_allclose(values[b], one[0][b], atol=1e-5)


def test_a_stream_of_another_rate_comes_back_where_it_is_a_line():
    times = np.arange(30)[None] / 30
    values, mask = linear(5 * times[..., None] - 2, times, times >= 0, np.arange(25) / 25, 0.1)
    np.testing.assert_allclose(values[0, :, 0], 5 * np.arange(25) / 25 - 2, atol=1e-5)
    assert mask.all()


def test_gradients_are_those_of_small_changes_and_0_to_what_is_not_real(given):
    weights = np.random.default_rng(1).normal(size=(B, len(CLOCK), D)).astype(np.float32)

    def total(values):
        return jnp.sum(linear(values, *given[1:], CLOCK, GAP)[0] * weights)

    gradient, value = compiled(jax.grad(total))(given[0]), compiled(total)
    assert not gradient[~given[2]].any()
    way = np.random.default_rng(2).normal(size=given[0].shape).astype(np.float32)
    told = (value(given[0] + 0.5 * way) - value(given[0] - 0.5 * way)) / 1.0  # linear: any step will do
    assert np.sum(gradient * way) == pytest.approx(float(told), rel=1e-3)


def test_gaps_and_shapes_that_cannot_be_are_told(given):
    with pytest.raises(ValueError, match="gap is 0; expected above 0"):
        linear(*given, CLOCK, 0)
    with pytest.raises(ValueError, match=r"a clock takes values .* given \(4, 7, 2\), \(4, 6\) and \(4, 7\)"):
        nearest(given[0], given[1][:, 1:], given[2], CLOCK, GAP)
    with pytest.raises(ValueError, match=r"\[K\] or \[B, K\], here of 4 rows, given \(3, 26\)"):
        linear(*given, np.tile(CLOCK, (3, 1)), GAP)
