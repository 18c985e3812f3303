"""Time warping by the recursion in a double loop, its gradients by small changes, and what has no steps."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.warping import alignment, divergence, warped

LENGTHS = [(6, 9), (1, 4), (5, 1), (6, 2), (3, 9)]


def by_loops(cost, softness):
    """R of the last cell, and the cells of the best path where softness is 0."""
    rows, columns = cost.shape
    r = np.full((rows + 1, columns + 1), np.inf)
    r[0, 0] = 0
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            three = np.array([r[i - 1, j - 1], r[i - 1, j], r[i, j - 1]])
            least = three.min()
            if softness:
                least -= softness * np.log(np.sum(np.exp(-(three - least) / softness)))
            r[i, j] = cost[i - 1, j - 1] + least
    return r


def path(r):
    """The cells of the cheapest path, from the end back to the start."""
    i, j = (size - 1 for size in r.shape)
    cells = []
    while i and j:
        cells.append((i - 1, j - 1))
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda cell: r[cell])
    return cells


@pytest.fixture(scope="module")
def given():
    """Costs with NaN where either has no step, and the masks."""
    rng = np.random.default_rng(0)
    masks = [np.arange(size) < np.array([one[part] for one in LENGTHS])[:, None] for part, size in ((0, 6), (1, 9))]
    cost = rng.uniform(0, 2, (len(LENGTHS), 6, 9)).astype(np.float32)
    cost[~(masks[0][:, :, None] & masks[1][:, None])] = np.nan
    return cost, *masks


@pytest.mark.parametrize("softness", [0.0, 0.1, 1.0, 10.0])
def test_the_cost_is_that_of_the_recursion_whatever_the_lengths(given, softness):
    found = jax.jit(warped, static_argnums=3)(*given, softness)
    wanted = [
        by_loops(one[:n, :m].astype(float), softness)[n, m] for one, (n, m) in zip(given[0], LENGTHS, strict=True)
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_at_softness_0_the_alignment_is_the_path(given):
    found = alignment(*given)
    for one, cost, (n, m) in zip(np.asarray(found), given[0], LENGTHS, strict=True):
        wanted = np.zeros_like(one)
        wanted[tuple(zip(*path(by_loops(cost[:n, :m].astype(float), 0)), strict=True))] = 1
        np.testing.assert_array_equal(one, wanted)


def test_of_paths_that_cost_the_same_the_alignment_is_one():
    everything = np.ones((1, 3), bool)
    found = np.asarray(alignment(np.zeros((1, 3, 3), np.float32), everything, everything))[0]
    np.testing.assert_array_equal(found, np.eye(3))


def test_a_divergence_is_the_same_wherever_both_series_lie():
    x, y = np.random.default_rng(0).normal(size=(2, 4, 7, 3)).astype(np.float32)
    mask = np.arange(7) < np.array([7, 5, 3, 1])[:, None]
    wanted = divergence(x, y, mask, mask)
    np.testing.assert_allclose(divergence(x + 1000, y + 1000, mask, mask), wanted, rtol=1e-3, atol=1e-3)


def test_what_lies_under_a_mask_changes_no_divergence_and_no_gradient():
    x, y = np.random.default_rng(0).normal(size=(2, 4, 7, 3)).astype(np.float32)
    mask = np.arange(7) < np.array([7, 5, 3, 0])[:, None]
    run = jax.value_and_grad(lambda x, y: jnp.sum(divergence(x, y, mask, mask)), argnums=(0, 1))
    clean = run(x, y)
    dirty = run(*(np.where(mask[..., None], one, np.nan) for one in (x, y)))
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), dirty, clean)
    assert not any(gradient[~mask].any() for gradient in dirty[1])


@pytest.mark.parametrize("softness", [0.1, 1.0])
def test_soft_gradients_are_those_of_small_changes(given, softness):
    found = np.asarray(alignment(*given, softness))
    rng, small = np.random.default_rng(1), 1e-5
    for one, cost, (n, m) in zip(found, given[0], LENGTHS, strict=True):
        cost, way = cost[:n, :m].astype(float), rng.normal(size=(n, m))
        ends = [by_loops(cost + sign * small * way, softness)[n, m] for sign in (1, -1)]
        assert np.sum(one[:n, :m] * way) == pytest.approx((ends[0] - ends[1]) / (2 * small), rel=1e-3, abs=1e-3)
        assert not one[n:].any() and not one[:, m:].any()


def test_a_series_diverges_from_all_but_itself():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 7, 3)).astype(np.float32)
    mask = np.ones((4, 7), bool)
    np.testing.assert_allclose(divergence(x, x, mask, mask), 0, atol=1e-4)
    assert (divergence(x, y, mask, mask) > 0.1).all()
    squares = ((x[:, :, None] - y[:, None]) ** 2).sum(-1)
    own = [((one[:, :, None] - one[:, None]) ** 2).sum(-1) for one in (x, y)]
    for n, found in enumerate(divergence(x, y, mask, mask, 0.5)):
        one, other, both = (by_loops(part[n].astype(float), 0.5)[-1, -1] for part in (*own, squares))
        assert float(found) == pytest.approx(both - (one + other) / 2, rel=1e-3, abs=1e-3)
    gradient = jax.grad(lambda x: jnp.sum(divergence(x, x, mask, mask)))(x)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)


@pytest.mark.parametrize("softness", [0.0, 1.0])
def test_without_a_step_there_is_no_cost_and_no_gradient(softness):
    cost, some, none = np.full((1, 3, 4), np.nan, np.float32), np.ones((1, 3), bool), np.zeros((1, 4), bool)
    assert warped(cost, some, none, softness)[0] == 0
    assert not np.asarray(alignment(cost, some, none, softness)).any()


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_unit_of_a_cost_changes_no_path(given, unit):
    cost, *masks = given
    np.testing.assert_allclose(warped(unit * cost, *masks), unit * warped(cost, *masks), rtol=1e-5)
    np.testing.assert_allclose(warped(unit * cost, *masks, unit), unit * warped(cost, *masks, 1.0), rtol=1e-4)
    for softness in (0.0, 1.0):
        found = alignment(unit * cost, *masks, softness * unit)
        np.testing.assert_allclose(found, alignment(cost, *masks, softness), atol=1e-4)
    assert np.isfinite(alignment(1e4 * cost, *masks, 1e-6)).all()


def test_what_cannot_be_warped_is_told():
    two = np.ones((1, 2), bool)
    for softness in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"softness is {softness}; expected 0"):
            warped(np.zeros((1, 2, 2)), two, two, softness)
    for shape in ((2, 2), (1, 2, 3), (2, 2, 2)):
        with pytest.raises(ValueError, match=r"a cost \[B, N, M\] has masks .* given \("):
            warped(np.zeros(shape), two, two)
    with pytest.raises(ValueError, match=r"series are .* given \(1, 2, 3\) and \(1, 2, 4\)"):
        divergence(np.zeros((1, 2, 3)), np.zeros((1, 2, 4)), two, two)
