"""A learned offset: known ones with projections that are known, learned ones, and streams of which none can be told."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mmjax.align.learned_offset import LearnedOffset
from mmjax.core.tokens import Tokens
from tests.reference import compiled

MOST, L, D = 5, 24, 4
KNOWN = {
    "lags": {
        "query": {"kernel": np.eye(D, dtype=np.float32)},
        "key": {"kernel": np.eye(D, dtype=np.float32)},
        "log_scale": np.float32(np.log(60)),
    }
}
MODULE = LearnedOffset(MOST)


def late(rng, lags):
    """x and y [B, L, D]: y holds at t + lag what x holds at t."""
    source = rng.normal(size=(len(lags), L + 2 * MOST, D)).astype(np.float32)
    return source[:, MOST : MOST + L], np.stack([one[MOST - lag :][:L] for one, lag in zip(source, lags, strict=True)])


apply = compiled(lambda params, x, y: MODULE.apply({"params": params}, x, y))


def test_a_late_stream_is_brought_into_step_and_real_where_its_steps_are():
    lags = [-5, 0, 3, 4]
    x, y = late(np.random.default_rng(0), lags)
    mask = np.ones((4, L), bool)
    mask[3, 10:13] = False
    y[~mask] = np.nan
    offset, moved = apply(KNOWN, Tokens(x, np.ones((4, L), bool)), Tokens(y, mask))
    np.testing.assert_allclose(offset, lags, atol=1e-3)
    for b, lag in enumerate(lags):
        real = [0 <= t + lag < L and mask[b, t + lag] for t in range(L)]
        np.testing.assert_array_equal(moved.mask[b], real)
        np.testing.assert_allclose(moved.x[b][real], x[b][real], atol=1e-2)
        assert not moved.x[b][~moved.mask[b]].any()


def test_gradients_of_the_offset_are_those_of_small_changes():
    x, y = late(np.random.default_rng(1), [2, -1])
    mask = np.ones((2, L), bool)
    soft = {"lags": KNOWN["lags"] | {"log_scale": np.float32(1)}}

    def total(params):
        return jnp.sum(MODULE.apply({"params": params}, Tokens(x, mask), Tokens(y, mask))[0])

    value, told = compiled(total), compiled(jax.grad(total))(soft)
    rng = np.random.default_rng(2)
    way = jax.tree.map(lambda leaf: rng.normal(size=np.shape(leaf)).astype(np.float32), soft)
    ends = [value(jax.tree.map(lambda leaf, step, s=sign: leaf + 0.01 * s * step, soft, way)) for sign in (1, -1)]
    along = sum(np.sum(one * other) for one, other in zip(jax.tree.leaves(told), jax.tree.leaves(way), strict=True))
    assert along == pytest.approx((ends[0] - ends[1]) / 0.02, rel=2e-2)


def test_it_learns_what_to_compare_where_the_streams_hold_the_same_in_other_features():
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0].astype(np.float32)
    mask = np.ones((64, L), bool)

    def draw():
        lags = rng.integers(-MOST, MOST + 1, 64)
        x, y = late(rng, lags)
        return x, y @ turn, lags.astype(np.float32)

    def loss(params, x, y, lags):
        return jnp.mean(jnp.abs(MODULE.apply({"params": params}, Tokens(x, mask), Tokens(y, mask))[0] - lags))

    optimizer = optax.adam(0.03)

    @jax.jit
    def step(params, state, *batch):
        gradient = jax.grad(loss)(params, *batch)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state

    x, y, lags = draw()
    params = MODULE.init(jax.random.key(0), Tokens(x, mask), Tokens(y, mask))["params"]
    before, state = float(loss(params, x, y, lags)), optimizer.init(params)
    for _ in range(150):
        params, state = step(params, state, *draw())
    after = float(loss(params, *draw()))
    assert before > 2 and after < 0.3, (before, after)


def test_where_nothing_can_be_told_the_offset_is_0_and_gradients_are_finite():
    x, y = late(np.random.default_rng(0), [2, 2, 2])
    mask = np.ones((3, L), bool)
    y[0], other = 3.0, mask.copy()  # constant: all lags fit alike
    other[1], other[2, 1:] = False, False  # missing, and one step

    def run(params, x, y):
        offset, moved = MODULE.apply({"params": params}, Tokens(x, mask), Tokens(y, other))
        return jnp.sum(offset) + jnp.sum(moved.x), (offset, moved)

    gradients, (offset, moved) = compiled(jax.grad(run, argnums=(0, 1, 2), has_aux=True))(KNOWN, x, y)
    np.testing.assert_allclose(offset[:2], 0, atol=1e-2)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((gradients, offset, moved.x)))
    assert not moved.mask[1].any()


def test_streams_of_other_lengths_are_told():
    x, y = (Tokens(np.zeros((1, size, D), np.float32), np.ones((1, size), bool)) for size in (5, 6))
    with pytest.raises(ValueError, match=r"one rate and length, given \[B, L\] \(1, 5\) and \(1, 6\); .* align.clock"):
        MODULE.apply({"params": KNOWN}, x, y)
