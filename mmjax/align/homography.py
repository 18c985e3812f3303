"""The map between two views of a plane, from points that correspond (Hartley and Zisserman 2004, chapter 4).

q ~ H p,  p = (x, y, 1):   the direction of least |A h| with two rows of A a point, both sets of points being moved
                           to mean 0 and root mean square distance sqrt 2 first
RANSAC                     of maps through four points each, the one with most inliers (Fischler and Bolles 1981)
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from einops import rearrange

LEAST = 1e-12
RANK = 1e-3  # the least but one singular value, of the largest: below, points fix no single map, as on one line
VOLUME = 1e-4  # the least determinant of a map of length 1 between moved points: below, it folds the plane to a line


class Homography(NamedTuple):
    """H [B, 3, 3] fp32 with H_33 = 1, or of length 1 where the origin is on its horizon, and found [B] bool.

    Where none is found H is the identity.
    """

    matrix: jax.Array
    found: jax.Array


def direct(p: jax.Array, q: jax.Array, weights: jax.Array) -> Homography:
    """By least squares from all points p [B, N, 2] and q [B, N, 2], weighed by weights [B, N], of which 0 is no point.

    None is found of fewer than four points, of points on a line, or where three of four are. Gradients reach p, q and
    the weights.

    Raises:
        ValueError: shapes that do not fit.
    """
    _check(p, q, weights)
    with jax.default_matmul_precision("highest"):
        return Homography(*jax.vmap(_solve)(p, q, weights.astype(jnp.float32)))


def ransac(
    key: jax.Array, p: jax.Array, q: jax.Array, mask: jax.Array, tolerance: float, trials: int = 256
) -> tuple[Homography, jax.Array]:
    """From the points that one map brings within `tolerance` of their counterparts, and which these are, [B, N] bool.

    Args:
        key: of the draws; the result is a function of it.
        p: [B, N, 2].
        q: [B, N, 2].
        mask: [B, N] bool.
        tolerance: in the unit of q.
        trials: how many sets of four points are tried. Of points half of which are right 72 miss with 1 % chance; of a
            quarter, 1,177.

    Raises:
        ValueError: shapes that do not fit, or a tolerance or number of trials that is not above 0.
    """
    _check(p, q, mask)
    if not (tolerance > 0 and trials > 0):
        raise ValueError(f"tolerance is {tolerance} and trials {trials}; expected both above 0")

    def one(key: jax.Array, p: jax.Array, q: jax.Array, mask: jax.Array) -> tuple[jax.Array, ...]:
        p, q = (jnp.where(mask[:, None], points, 0).astype(jnp.float32) for points in (p, q))
        fixed_p, fixed_q = jax.lax.stop_gradient((p, q))
        order = jax.random.uniform(key, (trials, len(mask))) + mask
        _, four = jax.lax.top_k(order, min(4, len(mask)))
        tried, solved = jax.vmap(_solve)(fixed_p[four], fixed_q[four], mask[four].astype(jnp.float32))
        near = mask & (_squares(tried, fixed_p, fixed_q) <= tolerance**2)  # [trials, N]
        best = jnp.argmax(jnp.where(solved, jnp.sum(near, axis=1), -1))
        matrix, found = _solve(p, q, near[best].astype(jnp.float32))
        inliers = mask & (_squares(matrix, p, q) <= tolerance**2) & found
        return matrix, found, inliers

    keys = jax.random.split(key, len(mask))
    with jax.default_matmul_precision("highest"):
        matrix, found, inliers = jax.vmap(one)(keys, p, q, mask)
    return Homography(matrix, found), inliers


def project(matrix: jax.Array, points: jax.Array) -> jax.Array:
    """Where H [..., 3, 3] brings points [..., N, 2]; far away, yet finite, where that is beyond its horizon."""
    moved = jnp.sum(matrix[..., None, :, :2] * points[..., None, :], axis=-1) + matrix[..., None, :, 2]
    depth = moved[..., 2:]
    return moved[..., :2] / jnp.where(jnp.abs(depth) < 1e-6, 1e-6, depth)


def _squares(matrix: jax.Array, p: jax.Array, q: jax.Array) -> jax.Array:
    """[..., N]: squared distances of H p from q."""
    return jnp.sum(jnp.square(project(matrix, p) - q), axis=-1)


def _solve(p: jax.Array, q: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(H [3, 3], found) of p [N, 2], q [N, 2] and weights [N] fp32."""
    real = weights > 0
    weights = jnp.where(real, weights, 0)
    (p, to_p), (q, to_q) = (_moved(jnp.where(real[:, None], points, 0), weights) for points in (p, q))
    one, none = jnp.ones_like(p[:, :1]), jnp.zeros((len(p), 3))
    ahead = jnp.concatenate([p, one], axis=1)  # [N, 3]
    rows = [
        jnp.concatenate([ahead, none, -q[:, :1] * ahead], axis=1),
        jnp.concatenate([none, ahead, -q[:, 1:] * ahead], axis=1),
    ]
    root = jnp.where(real, jnp.sqrt(jnp.where(real, weights, 1)), 0)
    h, unique = _least(rearrange(jnp.stack(rows) * root[:, None], "two n nine -> (two n) nine"))
    inner = rearrange(h, "(i j) -> i j", i=3)
    found = unique & (jnp.sum(real) >= 4) & (jnp.abs(_volume(inner)) > VOLUME)
    scale, away = to_q[0, 0], to_q[:2, 2]
    matrix = _move(1 / scale, -away / scale) @ inner @ to_p
    corner = matrix[2, 2]
    size = jnp.sqrt(jnp.sum(jnp.square(matrix)) + LEAST)
    # By what it is among the points, however far these are from the origin: on its horizon H_33 would be 0.
    bounded = jnp.abs(corner) > 1e-6 * jnp.sqrt(jnp.sum(jnp.square(inner[2])))
    matrix = matrix / jnp.where(bounded, corner, size)
    return jnp.where(found, matrix, jnp.eye(3)), found


def _moved(points: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Points [N, 2] moved to mean 0 and root mean square distance sqrt 2, and the move [3, 3]."""
    points, total = points.astype(jnp.float32), jnp.maximum(jnp.sum(weights), LEAST)
    mean = weights @ points / total
    square = weights @ jnp.sum(jnp.square(points - mean), axis=1) / total
    scale = jnp.sqrt(2 / jnp.maximum(square, LEAST))
    return (points - mean) * scale, _move(scale, -scale * mean)


def _move(scale: jax.Array, away: jax.Array) -> jax.Array:
    """[3, 3]: points times a scale, and by [2] away."""
    return jnp.eye(3).at[:2, :2].multiply(scale).at[:2, 2].set(away)


def _least(a: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The direction h [9] of least |A h|, A [n, 9], and whether there is only one.

    Its gradient is that of an eigenvector of A' A, dh = -(A' A - s^2)^+ d(A' A) h, which autodiff of a decomposition
    has only where all singular values differ.
    """
    fixed = jax.lax.stop_gradient(jnp.pad(a, [(0, max(9 - len(a), 0)), (0, 0)]))
    # A' A would square what rounding leaves; the triangle of A has its singular values.
    _, values, vectors = jnp.linalg.svd(jnp.linalg.qr(fixed, mode="r"))
    least, others = vectors[-1], vectors[:-1]
    gap = jnp.square(values[:-1]) - jnp.square(values[-1])
    inverse = jnp.where(gap > jnp.square(RANK * values[0]) + LEAST, 1 / jnp.maximum(gap, LEAST), 0)
    h = least - others.T @ (inverse * (others @ (a.T @ (a @ least))))
    return h, (values[0] > 0) & (values[-2] > RANK * values[0])


def _volume(m: jax.Array) -> jax.Array:
    """The determinant of [3, 3]."""
    return jnp.sum(m[0] * jnp.cross(m[1], m[2]))


def _check(p: jax.Array, q: jax.Array, mask: jax.Array) -> None:
    shape = jnp.shape(mask)
    if len(shape) != 2 or jnp.shape(p) != (*shape, 2) or jnp.shape(q) != (*shape, 2) or not shape[1]:
        raise ValueError(
            f"a homography is of points [B, N, 2] twice and a mask or weights [B, N], N from 1, given {jnp.shape(p)}, "
            f"{jnp.shape(q)} and {shape}"
        )
