"""Connectionist temporal classification against all paths that there are, one by one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.mean import Mean
from mmjax.losses.ctc import ctc
from tests.reference import compiled

T, V, L, JUNK = 5, 3, 3, 99
# (steps, target, blank): one that is as long as it may be, a repeat, nothing to say, one step, too few steps for a
# repeat, no step, more ids than steps, the blank as a target, an id that is none
CASES = [(5, [1, 2, 1]), (5, [2, 2]), (4, []), (1, [2]), (2, [1, 1]), (0, []), (2, [1, 2, 1]), (5, [1, 0]), (5, [3])]
FEASIBLE = [True] * 4 + [False] * 5


def by_paths(logits, target, blank):
    """-ln of the probability of all paths that read as the target."""
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        if [one for one, _ in itertools.groupby(path) if one != blank] == target:
            total += np.prod([shares[t, one] for t, one in enumerate(path)])
    return -np.log(total)


@pytest.fixture(scope="module")
def given():
    """Logits and ids with junk under masks; real ones stand anywhere."""
    rng = np.random.default_rng(0)
    logits = np.full((len(CASES), T, V), np.nan, np.float32)
    target = np.full((len(CASES), L), JUNK)
    mask, target_mask = np.zeros((len(CASES), T), bool), np.zeros((len(CASES), L), bool)
    for b, (steps, ids) in enumerate(CASES):
        at, places = (np.sort(rng.permutation(size)[:count]) for size, count in ((T, steps), (L, len(ids))))
        logits[b, at], mask[b, at] = rng.normal(size=(steps, V), scale=2), True
        target[b, places], target_mask[b, places] = ids, True
    return logits, target, mask, target_mask


def of(given, blank=0):
    return compiled(lambda *given: ctc(*given, blank))(*given)


def test_the_loss_is_that_of_all_paths_and_what_no_path_reads_as_counts_nowhere(given):
    found = of(given)
    assert found.feasible.tolist() == FEASIBLE
    for b, (_, ids) in enumerate(CASES):
        wanted = by_paths(given[0][b][given[2][b]].astype(float), ids, 0) if FEASIBLE[b] else 0
        np.testing.assert_allclose(found.cost[b], wanted, rtol=1e-5, atol=1e-6)
    assert float(Mean.of(*found).count) == 4


def test_another_id_may_be_the_blank(given):
    logits, _, mask, _ = (one[:1] for one in given)
    target = np.array([[0, 1]])
    found = of((logits, target, mask, target >= 0), blank=2)
    np.testing.assert_allclose(found.cost, [by_paths(logits[0].astype(float), [0, 1], 2)], rtol=1e-5)


def test_ids_that_are_impossible_count_for_nothing_and_a_target_of_one_costs_much_yet_is_finite(given):
    logits, target, mask, target_mask = (one.copy() for one in given)
    logits[1, :, 1] = logits[3, :, 2] = -np.inf  # none of the target, and its only id
    found = of((logits, target, mask, target_mask))
    np.testing.assert_allclose(found.cost[1], by_paths(logits[1].astype(float), [2, 2], 0), rtol=1e-5)
    assert 1e5 < found.cost[3] < np.inf and found.feasible[3]
    gradient = compiled(jax.grad(lambda logits: jnp.sum(ctc(logits, target, mask, target_mask).cost)))(logits)
    assert np.isfinite(gradient).all()


def test_gradients_are_those_of_small_changes_and_0_where_nothing_is_counted(given):
    gradient = compiled(jax.grad(lambda logits: jnp.sum(ctc(logits, *given[1:]).cost)))(given[0])
    assert np.isfinite(gradient).all() and not gradient[~given[2]].any() and not gradient[4:].any()
    way, small = np.random.default_rng(1).normal(size=(T, V)), 1e-5
    ends = [by_paths(given[0][0] + sign * small * way, CASES[0][1], 0) for sign in (1, -1)]
    assert np.sum(gradient[0] * way) == pytest.approx((ends[0] - ends[1]) / (2 * small), rel=1e-3)


def test_shapes_and_blanks_that_cannot_be_are_told(given):
    logits, target, _, target_mask = given
    with pytest.raises(ValueError, match=r"ctc takes logits \[B, T, V\], .* given \(9, 5, 3\), \(9, 3\), \(9, 3\)"):
        ctc(logits, target, target_mask, target_mask)
    with pytest.raises(ValueError, match="blank is 3; expected an id of the 3 that logits have, 0 to 2"):
        ctc(*given, blank=3)
