"""Homographies against known maps and a plain solution in float64, and points that give none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.homography import direct, project, ransac
from tests.reference import compiled

N = 24
TRUE = np.array([[[1.1, 0.2, 30], [-0.1, 0.9, -12], [4e-4, -3e-4, 1]], [[0, -2.0, 5], [2.0, 0, 400], [0, 0, 1]]])
solve = compiled(direct)
search = compiled(lambda key, p, q, mask: ransac(key, p, q, mask, 2.0, 64))


def seen(matrix, points):
    """Points [N, 2] by H, one by one."""
    moved = [matrix @ [*point, 1] for point in points]
    return np.array([one[:2] / one[2] for one in moved])


def pictures(rng, noise=0.0):
    """(p, q) [2, N, 2] in pixels of a picture of 640 x 480."""
    p = rng.uniform([0, 0], [640, 480], (len(TRUE), N, 2))
    q = np.stack([seen(matrix, points) for matrix, points in zip(TRUE, p, strict=True)])
    return p.astype(np.float32), (q + noise * rng.normal(size=q.shape)).astype(np.float32)


def plainly(p, q, weights):
    """The textbook solution of moved points in float64, H_33 = 1."""
    moves = []
    for points in (p, q):
        mean = np.average(points, axis=0, weights=weights)
        scale = np.sqrt(2 / np.average(((points - mean) ** 2).sum(1), weights=weights))
        moves.append(np.array([[scale, 0, -scale * mean[0]], [0, scale, -scale * mean[1]], [0, 0, 1]]))
    rows = []
    for (x, y), (u, v), weight in zip(seen(moves[0], p), seen(moves[1], q), weights, strict=True):
        rows.append(np.sqrt(weight) * np.array([x, y, 1, 0, 0, 0, -u * x, -u * y, -u]))
        rows.append(np.sqrt(weight) * np.array([0, 0, 0, x, y, 1, -v * x, -v * y, -v]))
    matrix = np.linalg.inv(moves[1]) @ np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3) @ moves[0]
    return matrix / matrix[2, 2]


def test_it_is_the_weighed_solution_and_that_is_the_map_where_points_are_exact():
    rng = np.random.default_rng(0)
    for noise, tolerance in ((0.0, 0.02), (2.0, 0.05)):
        p, q = pictures(rng, noise)
        weights = rng.uniform(0.1, 3, (2, N)).astype(np.float32)
        weights[:, ::5], p[:, ::5] = 0, np.nan
        found = solve(p, q, weights)
        assert found.found.all()
        corners = np.array([[0, 0], [640, 0], [0, 480], [640, 480]])
        for b in range(2):
            real = weights[b] > 0
            wanted = plainly(*(one[b][real].astype(float) for one in (p, q, weights)))
            np.testing.assert_allclose(seen(found.matrix[b], corners), seen(wanted, corners), atol=tolerance)
            if not noise:
                np.testing.assert_allclose(seen(found.matrix[b], corners), seen(TRUE[b], corners), atol=tolerance)
    wanted = [seen(matrix, points) for matrix, points in zip(TRUE, p[:, 1:5], strict=True)]
    np.testing.assert_allclose(project(TRUE, p[:, 1:5]), wanted, rtol=1e-4)


def test_points_far_from_the_origin_have_a_map_with_a_corner_of_1():
    p, _ = pictures(np.random.default_rng(4))
    q = np.stack([seen(matrix, points) for matrix, points in zip(TRUE, p, strict=True)])
    far = solve(p + 1e6, (q + 1e6).astype(np.float32), np.ones((2, N), np.float32))
    np.testing.assert_allclose(far.matrix[:, 2, 2], 1)
    moved = [seen(np.asarray(matrix, float), points + 1e6) for matrix, points in zip(far.matrix, p, strict=True)]
    np.testing.assert_allclose(moved[1] - 1e6, q[1], atol=2)  # fp32 has steps of 1/16 there


def test_gradients_are_those_of_small_changes():
    rng = np.random.default_rng(1)
    p, q = (one / 100 for one in pictures(rng, noise=3.0))
    weights, way = np.ones((2, N), np.float32), rng.normal(size=(3, 2, N, 2))
    wanted = rng.normal(size=(2, 3, 3))

    def loops(p, q, weights):
        return sum(np.sum(plainly(p[b], q[b], weights[b]) * wanted[b]) for b in range(2))

    told = compiled(jax.grad(lambda *given: jnp.sum(direct(*given).matrix * wanted), argnums=(0, 1, 2)))(p, q, weights)
    given = [one.astype(float) for one in (p, q, weights)]
    for n, step in enumerate((way[0], way[1], way[2, ..., 0])):
        ends = [loops(*(x + sign * 1e-6 * step if n == m else x for m, x in enumerate(given))) for sign in (1, -1)]
        assert np.sum(told[n] * step) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-2)


def test_it_is_found_among_counterparts_half_of_which_are_wrong_and_says_which_are_right():
    rng = np.random.default_rng(2)
    p, q = pictures(rng, noise=0.3)
    wrong = np.stack([rng.permutation(N) < N // 2 for _ in TRUE])
    q[wrong] += rng.uniform(40, 200, (wrong.sum(), 2))
    mask = np.ones((2, N), bool)
    mask[1, :3] = False
    q[1, :3] = np.nan
    found, inliers = search(jax.random.key(0), p, q, mask)
    assert found.found.all()
    np.testing.assert_array_equal(inliers, mask & ~wrong)
    for b in range(2):
        right = inliers[b]
        np.testing.assert_allclose(seen(found.matrix[b], p[b][right]), seen(TRUE[b], p[b][right]), atol=1.5)


@pytest.mark.parametrize("kind", ["line", "one point", "three points", "nothing", "three on a line"])
def test_points_that_give_no_map_give_the_identity_and_finite_gradients(kind):
    p, q = pictures(np.random.default_rng(3))
    mask = np.ones((2, N), bool)
    if kind == "line":
        p[..., 1] = 2 * p[..., 0] + 3
        q[..., 1] = 5 - q[..., 0]
    elif kind == "one point":
        p[:], q[:] = 7.0, 8.0
    elif kind == "three on a line":
        mask[:, 4:] = False
        p[:, :3] = np.array([[0, 0], [10, 10], [30, 30]])
    else:
        mask[:] = np.arange(N) < (3 if kind == "three points" else 0)
    found = solve(p, q, mask.astype(np.float32))
    sought, inliers = search(jax.random.key(0), p, q, mask)
    for one in (found, sought):
        assert not one.found.any()
        np.testing.assert_array_equal(one.matrix, [np.eye(3)] * 2)
    assert not inliers.any()
    assert all(np.isfinite(one).all() for one in slopes(p, q, mask.astype(np.float32)))


slopes = compiled(jax.grad(lambda *given: jnp.sum(direct(*given).matrix), argnums=(0, 1, 2)))


def test_fewer_than_four_places_and_shapes_that_cannot_be():
    p = np.zeros((1, 3, 2), np.float32)
    found, inliers = jax.eval_shape(lambda *given: ransac(*given, 1.0), jax.random.key(0), p, p, np.ones((1, 3), bool))
    assert (found.matrix.shape, inliers.shape) == ((1, 3, 3), (1, 3))
    with pytest.raises(ValueError, match=r"points \[B, N, 2\] twice .* given \(1, 3, 2\), \(1, 3, 2\) and \(1, 4\)"):
        direct(p, p, np.ones((1, 4)))
    with pytest.raises(ValueError, match="tolerance is 0 and trials 256; expected both above 0"):
        ransac(jax.random.key(0), p, p, np.ones((1, 3), bool), 0)
