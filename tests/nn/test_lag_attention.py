"""Attention over lags against loops over rows, lags and steps."""

import jax
import numpy as np
import pytest

from mmjax.core.tokens import Tokens
from mmjax.nn.lag_attention import LagAttention, shifted
from tests import reference

B, L, S, D, MOST = 4, 6, 5, 3, 4


def streams(seed=0):
    """Row 0 whole, 1 partly real, 2 without a shared step within MOST, 3 with nothing of y."""
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(B, size, D)).astype(np.float32) for size in (L, S))
    one, other = np.ones((B, L), bool), np.ones((B, S), bool)
    one[1], other[1] = rng.random(L) < 0.7, rng.random(S) < 0.7
    one[2], other[2] = np.arange(L) == 5, np.arange(S) == 0
    other[3] = False
    x[~one], y[~other] = np.nan, np.nan
    return Tokens(x, one), Tokens(y, other)


def standard(x, mask, kernel):
    """What is real, projected, less its mean, of mean square 1."""
    x = x[mask].astype(float) @ kernel
    if not len(x):
        return {}
    x = x - x.mean(0)
    return dict(zip(np.flatnonzero(mask), x / np.sqrt(np.mean(x**2) + 1e-6), strict=True))


def by_loops(x, y, params):
    """Weights [B, lags] of what is real."""
    weights = np.zeros((B, 2 * MOST + 1))
    for b in range(B):
        query, key = (
            standard(one.x[b], one.mask[b], params[name]["kernel"]) for one, name in ((x, "query"), (y, "key"))
        )
        scores = {}
        for lag in range(-MOST, MOST + 1):
            both = [np.mean(query[t] * key[t + lag]) for t in query if t + lag in key]
            if both:
                scores[lag + MOST] = np.exp(params["log_scale"]) * np.mean(both)
        for place, score in scores.items():
            weights[b, place] = np.exp(score) / sum(np.exp(other) for other in scores.values())
    return weights


@pytest.fixture(scope="module")
def found():
    """(streams, parameters, weights, the map that left)."""
    module = LagAttention(MOST, dim=2)
    x, y = streams()
    params = reference.parameters(module, x, y)
    weights, state = reference.compiled(lambda p: module.apply({"params": p}, x, y, mutable=["maps"]))(params)
    return x, y, params, weights, state["maps"]["lag"][0]


def test_lags_are_weighed_by_how_like_the_streams_are_over_the_steps_that_both_have(found):
    x, y, params, weights, told = found
    np.testing.assert_allclose(weights, by_loops(x, y, params), atol=1e-5)
    np.testing.assert_array_equal(weights, told)
    assert not weights[2:].any()


def test_steps_move_by_the_weights_of_lags_and_what_is_not_real_has_none(found):
    _, y, _, weights, _ = found
    moved, weight = shifted(y, weights, L)
    wanted, total = np.zeros((B, L, D)), np.zeros((B, L))
    for b, t, place in np.ndindex(B, L, 2 * MOST + 1):
        at = t + place - MOST
        if 0 <= at < S and y.mask[b, at]:
            wanted[b, t] += weights[b, place] * y.x[b, at]
            total[b, t] += weights[b, place]
    np.testing.assert_allclose(moved, wanted, atol=1e-5)
    np.testing.assert_allclose(weight, total, atol=1e-5)


def test_a_window_beyond_the_streams_is_cut_to_them(found):
    x, y, params, *_ = found
    longest = max(L, S) - 1
    wide = jax.eval_shape(lambda p: LagAttention(10**6, dim=2).apply({"params": p}, x, y), params)
    assert wide.shape == (B, 2 * longest + 1)


def test_a_window_of_nothing_is_told():
    with pytest.raises(ValueError, match="most is 0; expected at least 1"):
        LagAttention(0)
