"""Monotonic alignment against all ways to cut frames into tokens, one by one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.monotonic import feasible, log_likelihood, most_likely, soft
from tests.reference import compiled

T, L = 6, 4
CASES = [(6, 3), (5, 4), (4, 4), (6, 1), (1, 1), (3, 4), (0, 2), (4, 0)]  # frames, tokens
POSSIBLE = [0 < tokens <= frames for frames, tokens in CASES]


@pytest.fixture(scope="module")
def given():
    """Scores with NaN where a frame or a token is not real, and masks; frames that are real stand anywhere."""
    rng = np.random.default_rng(0)
    frames = np.stack([rng.permutation(T) < count for count, _ in CASES])
    tokens = np.arange(L) < np.array([count for _, count in CASES])[:, None]
    scores = rng.normal(size=(len(CASES), T, L), scale=2).astype(np.float32)
    scores[~(frames[:, :, None] & tokens[:, None])] = np.nan
    return scores, frames, tokens


def paths(frames, tokens):
    """The token of each frame, for every path that gives each token a frame."""
    for cuts in itertools.combinations(range(1, frames), tokens - 1):
        yield [sum(cut <= t for cut in cuts) for t in range(frames)]


def enumerated(given):
    """(row, its real frames, the scores of those by its real tokens in float64, all paths)."""
    for b, (frames, tokens) in enumerate(CASES):
        if POSSIBLE[b]:
            yield b, np.flatnonzero(given[1][b]), given[0][b].astype(float), list(paths(frames, tokens))


def test_the_hard_path_is_the_best_of_all_that_use_every_token(given):
    found = compiled(most_likely)(*given)
    assert feasible(*given[1:]).tolist() == POSSIBLE
    wanted = np.zeros_like(found)
    for b, at, scores, every in enumerated(given):
        best = max(every, key=lambda path: sum(scores[t, token] for t, token in zip(at, path, strict=True)))
        wanted[b, at, best] = 1
    np.testing.assert_array_equal(found, wanted)


def test_the_likelihood_is_that_of_all_paths_and_its_gradient_the_share_of_those_through_each_place(given):
    total, found = compiled(log_likelihood)(*given), compiled(soft)(*given)
    wanted, shares = np.zeros(len(CASES)), np.zeros(found.shape)
    for b, at, scores, every in enumerated(given):
        weights = [np.exp(sum(scores[t, token] for t, token in zip(at, path, strict=True))) for path in every]
        wanted[b] = np.log(sum(weights))
        for path, weight in zip(every, weights, strict=True):
            for t, token in zip(at, path, strict=True):
                shares[b, t, token] += weight / sum(weights)
    np.testing.assert_allclose(total, wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found, shares, atol=1e-5)


def test_gradients_are_those_of_small_changes(given):
    rng = np.random.default_rng(1)
    at = [one[:2] for one in given]
    clean = np.nan_to_num(at[0])
    way = rng.normal(size=clean.shape).astype(np.float32)
    value = compiled(lambda scores: jnp.sum(log_likelihood(scores, *at[1:])))
    told = np.sum(compiled(soft)(*at) * way)
    assert told == pytest.approx((value(clean + 0.01 * way) - value(clean - 0.01 * way)) / 0.02, rel=1e-2)


def test_many_frames_of_little_likelihood_are_given_to_tokens_as_in_double_precision():
    frames, tokens = 400, 60
    rng = np.random.default_rng(2)
    scores = (-200 + 5 * rng.normal(size=(frames, tokens))).astype(np.float32)
    wide = scores.astype(float)
    ahead, behind = (np.full((frames, tokens), -np.inf) for _ in range(2))
    ahead[0, 0], behind[-1, -1] = wide[0, 0], 0
    for t in range(1, frames):
        before = np.append(-np.inf, ahead[t - 1, :-1])
        ahead[t] = wide[t] + np.logaddexp(ahead[t - 1], before)
    for t in range(frames - 2, -1, -1):
        after = behind[t + 1] + wide[t + 1]
        behind[t] = np.logaddexp(after, np.append(after[1:], -np.inf))
    given = scores[None], np.ones((1, frames), bool), np.ones((1, tokens), bool)
    np.testing.assert_allclose(compiled(soft)(*given)[0], np.exp(ahead + behind - ahead[-1, -1]), atol=1e-3)
    assert float(log_likelihood(*given)[0]) == pytest.approx(ahead[-1, -1], rel=1e-5)


def test_scores_that_are_all_alike_still_have_one_path_and_what_is_impossible_stays_finite():
    frames, tokens = np.ones((1, T), bool), np.ones((1, L), bool)
    for scores in (np.zeros((1, T, L), np.float32), np.full((1, T, L), -np.inf, np.float32)):
        path = np.asarray(most_likely(scores, frames, tokens))[0]
        assert (path.sum(1) == 1).all() and (path.sum(0) >= 1).all()
        assert set(np.diff(path.argmax(1))) <= {0, 1}
        value, gradient = jax.value_and_grad(lambda s: jnp.sum(log_likelihood(s, frames, tokens)))(scores)
        assert np.isfinite(value) and np.isfinite(gradient).all()
