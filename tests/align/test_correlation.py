"""Lags by loops, offsets that are known, and streams of which none can be told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.correlation import confidence, correlation, gcc_phat, hard_offset, soft_offset

MOST = 12


def streams(rng, lag, length=90, noise=0.1):
    """y holds at t + lag what x holds at t; both are cut, and noisy."""
    source = rng.normal(size=length + 2 * MOST)
    x, y = source[MOST:][:length], source[MOST - lag :][: length - 7]
    return [(one + noise * rng.normal(size=one.shape)).astype(np.float32) for one in (x, y)]


def masks(rng, *values, share=0.9):
    return [rng.random(one.shape) < share for one in values]


def test_correlation_is_pearsons_over_the_steps_that_both_have():
    rng = np.random.default_rng(0)
    x, y = streams(rng, 4)
    one, other = masks(rng, x, y, share=0.7)
    x, y = np.where(one, x, np.nan) + 100, np.where(other, y, np.nan)
    found = correlation(x[None], y[None], one[None], other[None], MOST)
    for place, lag in enumerate(range(-MOST, MOST + 1)):
        both = [(x[t], y[t + lag]) for t in range(len(x)) if 0 <= t + lag < len(y) and one[t] and other[t + lag]]
        assert float(found.scores[0, place]) == pytest.approx(np.corrcoef(np.array(both).T)[0, 1], abs=1e-4)


def test_gcc_phat_is_the_correlation_of_whitened_streams():
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=20).astype(np.float32) for _ in range(2))
    everything = np.ones((1, 20), bool)
    found = gcc_phat(x[None], y[None], everything, everything, 5).scores[0]
    x, y = x - x.mean(), y - y.mean()
    waves = np.exp(-2j * np.pi * np.outer(np.arange(40), np.arange(20)) / 40)
    cross = np.conj(waves @ x) * (waves @ y)
    with np.errstate(invalid="ignore"):
        phase = np.where(np.abs(cross) > 1e-6, cross / np.abs(cross), 0)
    for place, lag in enumerate(range(-5, 6)):
        wanted = np.mean(phase * np.exp(2j * np.pi * np.arange(40) * lag / 40)).real
        assert float(found[place]) == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize("method", [correlation, gcc_phat])
@pytest.mark.parametrize("lag", [-11, -3, 0, 1, 12])
def test_a_known_offset_is_found_positive_where_y_is_late(method, lag):
    rng = np.random.default_rng(lag + 20)
    given = [np.stack(part) for part in zip(*(streams(rng, lag) for _ in range(8)), strict=True)]
    lags = jax.jit(method, static_argnums=4)(*given, *masks(rng, *given), MOST)
    assert hard_offset(lags).tolist() == [lag] * 8 and lags.found.all()
    np.testing.assert_allclose(soft_offset(lags), lag, atol=0.1)
    noise = [rng.normal(size=one.shape) for one in given]
    assert confidence(lags).min() > confidence(method(*noise, *masks(rng, *noise), MOST)).max()


def test_the_soft_offset_has_the_gradient_of_small_changes():
    rng = np.random.default_rng(0)
    x, y = (one[None] for one in streams(rng, 3, noise=1.0))
    real = [np.ones(one.shape, bool) for one in (x, y)]

    def offset(y):
        return soft_offset(correlation(x, y, *real, MOST), 0.3)[0]

    way = rng.normal(size=y.shape).astype(np.float32)
    told = float(jnp.sum(jax.grad(offset)(y) * way))
    assert told == pytest.approx(float(offset(y + 0.02 * way) - offset(y - 0.02 * way)) / 0.04, rel=0.02)


@pytest.mark.parametrize("most", [30, 59, 199])
def test_a_few_steps_that_correlate_by_chance_are_no_offset_however_far_one_looks(most):
    rng = np.random.default_rng(0)
    given = [np.stack(part) for part in zip(*(streams(rng, 3, length=60, noise=0.5) for _ in range(16)), strict=True)]
    lags = correlation(*given, *(np.ones(one.shape, bool) for one in given), most)
    assert hard_offset(lags).tolist() == [3] * 16 and np.abs(lags.scores).max() <= 1


@pytest.mark.parametrize("method", [correlation, gcc_phat])
def test_the_unit_of_a_stream_changes_nothing(method):
    x, y = (one[None] for one in streams(np.random.default_rng(0), 3))
    real = [np.ones(one.shape, bool) for one in (x, y)]
    wanted = method(x, y, *real, MOST)
    for one, other in ((1e-6, 1), (1e5, 1), (1e-18, 1e-18), (2.0**31, 1e15)):
        np.testing.assert_allclose(method(one * x, other * y, *real, MOST).scores, wanted.scores, atol=1e-4)


@pytest.mark.parametrize("method", [correlation, gcc_phat])
def test_streams_of_other_shapes_and_what_is_no_temperature_are_told(method):
    x, mask = np.ones((1, 5), np.float32), np.ones((1, 5), bool)
    for given in ((x[0], x[0], mask[0], mask[0]), (x[..., None], x, mask, mask), (x, x, mask[:, :4], mask)):
        with pytest.raises(ValueError, match=r"streams are \[B, N\] and \[B, M\] with masks .* given \[\("):
            method(*given, 2)
    with pytest.raises(ValueError, match=r"most is 2\.5; expected how many steps"):
        method(x, x, mask, mask, 2.5)
    with pytest.raises(ValueError, match="temperature is 0; expected a number above 0"):
        soft_offset(method(x, x, mask, mask, 2), 0)


@pytest.mark.parametrize(("method", "length"), [(correlation, 10), (gcc_phat, 60)])
@pytest.mark.parametrize("place", [0, 137, 230])
def test_a_short_stream_is_found_wherever_in_another_it_is(method, length, place):
    source = np.random.default_rng(place).normal(size=(1, 300)).astype(np.float32)
    short = source[:, place : place + length]
    real = [np.ones(one.shape, bool) for one in (short, source)]
    assert hard_offset(method(short, source, *real, 299)).tolist() == [place]
    assert hard_offset(method(source, short, *real[::-1], 299)).tolist() == [-place]


def test_where_no_lag_is_far_enough_to_compare_with_there_is_no_confidence():
    x, y = (one[None] for one in streams(np.random.default_rng(0), 0))
    lags = correlation(x, y, *(np.ones(one.shape, bool) for one in (x, y)), 2)
    assert confidence(lags, apart=4).tolist() == [0] and 0.5 < float(confidence(lags, apart=1)[0]) <= 1


@pytest.mark.parametrize("method", [correlation, gcc_phat])
@pytest.mark.parametrize("kind", ["constant", "missing", "one step"])
def test_where_nothing_can_be_told_none_is_found_and_gradients_are_finite(method, kind):
    x, y = (one[None] for one in streams(np.random.default_rng(0), 3))
    real = [np.ones(one.shape, bool) for one in (x, y)]
    if kind == "constant":
        y = np.full_like(y, 3.7)
    else:
        real[1] &= np.arange(y.shape[-1]) < (kind == "one step")
    lags = method(x, y, *real, MOST)
    assert not lags.found.any() and hard_offset(lags).tolist() == [0]
    assert soft_offset(lags).tolist() == [0] and confidence(lags).tolist() == [0]
    gradients = jax.grad(lambda *xy: jnp.sum(soft_offset(method(*xy, *real, MOST))), argnums=(0, 1))(x, y)
    assert all(np.isfinite(one).all() for one in gradients)


@pytest.mark.parametrize("method", [correlation, gcc_phat])
def test_streams_that_do_not_overlap_at_any_lag_have_no_offset(method):
    x = y = np.random.default_rng(0).normal(size=(1, 60)).astype(np.float32)
    early, late = np.arange(60)[None] < 20, np.arange(60)[None] >= 40
    assert not method(x, y, early, late, 10).found.any()
    assert method(x, y, early, late, 30).found.all()


@pytest.mark.parametrize("method", [correlation, gcc_phat])
def test_a_window_of_nothing_is_told(method):
    with pytest.raises(ValueError, match="most is 0; expected how many steps"):
        method(*np.zeros((2, 1, 5)), *np.ones((2, 1, 5), bool), 0)
