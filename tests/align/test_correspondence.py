"""Counterparts by loops over pairs, and transport by rows and columns scaled in turn, of the real ones alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.correspondence import mutual, similarities, sinkhorn
from tests.reference import compiled

B, N, M, D = 4, 5, 6, 3
DUSTBIN, ROUNDS = 0.3, 40


@pytest.fixture(scope="module")
def given():
    """Descriptors with NaN under masks: row 0 whole, 1 partly real, 2 with nothing on one side, 3 with nothing."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(B, size, D)).astype(np.float32) for size in (N, M))
    one, other = rng.random((B, N)) < 0.6, rng.random((B, M)) < 0.6
    one[0] = other[0] = True
    one[2], other[2], one[3], other[3] = True, False, False, False
    x[~one], y[~other] = np.nan, np.nan
    x[0, 0] = 0
    return x, y, one, other


def cosines(given):
    x, y, one, other = given
    found = np.zeros((B, N, M))
    for b, i, j in np.ndindex(B, N, M):
        if one[b, i] and other[b, j] and np.any(x[b, i]):
            found[b, i, j] = x[b, i] @ y[b, j] / np.linalg.norm(x[b, i]) / np.linalg.norm(y[b, j])
    return found


def scaled(scores, rounds=ROUNDS):
    """Rows and columns of exp(scores [n + 1, m + 1]) brought to their sums in turn."""
    p = np.exp(scores)
    n, m = (size - 1 for size in p.shape)
    for _ in range(rounds):
        for i in range(n + 1):
            p[i] *= (1 if i < n else m) / p[i].sum()
        for j in range(m + 1):
            p[:, j] *= (1 if j < m else n) / p[:, j].sum()
    return p


def test_similarities_are_cosines_and_counterparts_those_that_choose_each_other(given):
    wanted = cosines(given)
    found = compiled(similarities)(*given)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    matches, masks = compiled(mutual)(found, *given[2:]), given[2:]
    for b in range(B):
        rows, columns = (np.flatnonzero(mask[b]) for mask in masks)
        expected = np.full(N, -1)
        for i in rows:
            for j in columns:
                if all(wanted[b, i, j] >= wanted[b, i, columns]) and all(wanted[b, i, j] >= wanted[b, rows, j]):
                    expected[i] = j
        np.testing.assert_array_equal(matches[b], expected)
    assert (matches[:2] >= 0).any() and (matches[2:] == -1).all()


def test_transport_is_what_scaling_rows_and_columns_in_turn_gives(given):
    scores = 4 * cosines(given)
    found = compiled(lambda s: sinkhorn(s, *given[2:], DUSTBIN, ROUNDS))(scores)
    for b in range(2):
        rows, columns = (np.append(np.flatnonzero(mask[b]), size) for mask, size in zip(given[2:], (N, M), strict=True))
        part = np.full((len(rows), len(columns)), DUSTBIN)
        part[:-1, :-1] = scores[b][np.ix_(rows[:-1], columns[:-1])]
        wanted = np.zeros((N + 1, M + 1))
        wanted[np.ix_(rows, columns)] = scaled(part)
        np.testing.assert_allclose(found[b], wanted, atol=1e-4)
        np.testing.assert_allclose(found[b].sum(1)[rows[:-1]], 1, atol=1e-2)


def test_where_one_side_has_nothing_all_of_the_other_is_without_counterpart(given):
    def total(scores, dustbin):
        found = sinkhorn(scores, *given[2:], dustbin)
        return jnp.sum(jnp.square(found)), found

    scores = np.where(given[2][:, :, None] & given[3][:, None], 4 * cosines(given), np.nan)
    gradients, found = compiled(jax.grad(total, argnums=(0, 1), has_aux=True))(scores, 0.3)
    np.testing.assert_allclose(found[2, :N, M], 1, rtol=1e-5)
    assert found[2].sum() == pytest.approx(N) and not found[3].any()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((gradients, found)))


def test_gradients_are_those_of_small_changes():
    rng = np.random.default_rng(1)
    scores, way, weights = rng.normal(size=(3, N, M)), rng.normal(size=(N, M)), rng.normal(size=(N + 1, M + 1))
    everything = np.ones((1, N), bool), np.ones((1, M), bool)
    scores = scores[0]

    def total(scores, dustbin):
        return jnp.sum(sinkhorn(scores[None], *everything, dustbin, 10)[0] * weights)

    def loops(scores, dustbin):
        whole = np.full((N + 1, M + 1), dustbin)
        whole[:-1, :-1] = scores
        return np.sum(scaled(whole, 10) * weights)

    to_scores, to_dustbin = compiled(jax.grad(total, argnums=(0, 1)))(scores, DUSTBIN)
    ends = [loops(scores + sign * 1e-5 * way, DUSTBIN) for sign in (1, -1)]
    assert np.sum(to_scores * way) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)
    ends = [loops(scores, DUSTBIN + sign * 1e-5) for sign in (1, -1)]
    assert to_dustbin == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)


def test_no_round_at_all_is_told():
    with pytest.raises(ValueError, match="rounds is 0; expected at least 1"):
        sinkhorn(np.zeros((1, 2, 2)), np.ones((1, 2), bool), np.ones((1, 2), bool), 0.0, 0)
