"""Dynamic time warping and its soft form (Sakoe and Chiba 1978; Cuturi and Blondel 2017, arXiv 1703.01541).

R_ij = D_ij + softmin(R_{i-1,j-1}, R_{i-1,j}, R_{i,j-1}),   softmin(a) = -g ln sum exp(-a / g), at g = 0 the minimum

Cells of one anti-diagonal do not depend on each other: a scan takes N + M - 1 steps. The gradient of R_NM by D is the
alignment, at g = 0 the path itself: of several that cost the same, the one that goes straight where it can.
"""

import math

import jax
import jax.numpy as jnp

BEYOND = 1e10  # the cost of what lies outside, of the largest one inside: finite, or its gradient would be NaN


def warped(cost: jax.Array, x_mask: jax.Array, y_mask: jax.Array, softness: float = 0.0) -> jax.Array:
    """[B] fp32: what the cheapest path through cost [B, N, M] costs, from first to last real steps, or its soft form.

    Args:
        cost: of step i of x beside step j of y.
        x_mask: [B, N] bool, as y_mask [B, M]; real steps come first.
        softness: g, in the unit of the cost; 0 for dynamic time warping itself.

    Where either has no real step the cost is 0.

    Raises:
        ValueError: a softness below 0 or without end, or shapes that do not fit.
    """
    if not 0 <= softness < math.inf:
        raise ValueError(f"softness is {softness}; expected 0, for the least cost, or more")
    masks = jnp.shape(x_mask), jnp.shape(y_mask)
    if any(len(shape) != 2 or not shape[1] for shape in masks) or jnp.shape(cost) != (*masks[0], *masks[1][1:]):
        raise ValueError(
            f"a cost [B, N, M] has masks [B, N] and [B, M], N and M from 1, given {jnp.shape(cost)}, {masks[0]} and "
            f"{masks[1]}"
        )
    examples, rows, columns = cost.shape
    cost = jnp.where(x_mask[:, :, None] & y_mask[:, None], cost, 0).astype(jnp.float32)
    # In any unit: what a path costs stays far below what lies outside. By a power of 2, so that no digit changes.
    _, power = jnp.frexp(jax.lax.stop_gradient(jnp.max(jnp.abs(cost), axis=(1, 2))))
    level = jnp.ldexp(jnp.float32(1), power)
    cost, softer = cost / level[:, None, None], softness / level[:, None]
    number, i = jnp.arange(rows + columns - 1)[:, None], jnp.arange(rows)
    j = number - i  # [K, N]: the column of row i on a diagonal
    inside = (j >= 0) & (j < columns)
    diagonals = jnp.moveaxis(cost[:, i, jnp.clip(j, 0, columns - 1)], 0, 1)  # [K, B, N]

    def turn(carry: tuple[jax.Array, jax.Array], step: tuple[jax.Array, jax.Array]):
        before, last = carry  # each [B, N + 1], whose first place stands for what lies above the first row
        here, inside = step
        best = _least(jnp.stack([before[:, :-1], last[:, :-1], last[:, 1:]]), softer if softness else None)
        found = jnp.where(inside, here + best, BEYOND)
        return (last, jnp.pad(found, [(0, 0), (1, 0)], constant_values=BEYOND)), found

    nothing = jnp.full((examples, rows + 1), BEYOND)
    _, found = jax.lax.scan(turn, (nothing.at[:, 0].set(0), nothing), (diagonals, inside))
    n, m = (jnp.sum(mask, axis=1) for mask in (x_mask, y_mask))
    ends = found[jnp.maximum(n + m - 2, 0), jnp.arange(examples), jnp.maximum(n - 1, 0)]
    return jnp.where((n > 0) & (m > 0), ends * level, 0)


def alignment(cost: jax.Array, x_mask: jax.Array, y_mask: jax.Array, softness: float = 0.0) -> jax.Array:
    """[B, N, M] fp32: how much each pair of steps is on the path; at softness 0 it is 1 or, beside it, 0."""
    total = jax.grad(lambda cost: jnp.sum(warped(cost, x_mask, y_mask, softness)))
    return total(cost.astype(jnp.float32))


def divergence(x: jax.Array, y: jax.Array, x_mask: jax.Array, y_mask: jax.Array, softness: float = 1.0) -> jax.Array:
    """[B]: W(x, y) - (W(x, x) + W(y, y)) / 2 of series x [B, N, D] and y [B, M, D] by squared distances.

    Soft costs may be negative and are not least at x = y; this is (Blondel, Mensch and Vert 2021, arXiv 2010.08354).

    Raises:
        ValueError: as `warped`, or series of other shapes than their masks, or of different widths.
    """
    shapes = jnp.shape(x), jnp.shape(y)
    fits = all(len(one) == 3 and one[:2] == jnp.shape(mask) for one, mask in zip(shapes, (x_mask, y_mask), strict=True))
    if not fits or shapes[0][2] != shapes[1][2]:
        raise ValueError(
            f"series are [B, N, D] and [B, M, D] with masks [B, N] and [B, M], given {shapes[0]} and {shapes[1]} with "
            f"{jnp.shape(x_mask)} and {jnp.shape(y_mask)}"
        )
    # The same whatever is added to both: next to a large mean the products would be rounded.
    number = jnp.sum(x_mask, axis=1) + jnp.sum(y_mask, axis=1)
    total = sum(jnp.sum(jnp.where(mask[..., None], one, 0), axis=1) for one, mask in ((x, x_mask), (y, y_mask)))
    mean = jax.lax.stop_gradient(total / jnp.maximum(number, 1)[:, None])[:, None]
    # 0 * NaN would be a NaN of the gradient.
    x, y = (jnp.where(mask[..., None], one - mean, 0) for one, mask in ((x, x_mask), (y, y_mask)))
    own = warped(_squares(x, x), x_mask, x_mask, softness) + warped(_squares(y, y), y_mask, y_mask, softness)
    return warped(_squares(x, y), x_mask, y_mask, softness) - own / 2


def _squares(x: jax.Array, y: jax.Array) -> jax.Array:
    """[B, N, M] fp32, at least 0."""
    x, y = x.astype(jnp.float32), y.astype(jnp.float32)
    products = jnp.einsum("bnd,bmd->bnm", x, y, precision="highest")  # three digits of TF32 are less than differences
    return jnp.maximum(jnp.sum(jnp.square(x), -1)[:, :, None] + jnp.sum(jnp.square(y), -1)[:, None] - 2 * products, 0)


def _least(values: jax.Array, softness: jax.Array | None) -> jax.Array:
    """The soft minimum over the first axis, or the minimum."""
    if softness is None:
        first = jnp.argmin(values, axis=0, keepdims=True)  # the gradient of a minimum would be shared among equals
        return jnp.take_along_axis(values, first, axis=0)[0]
    # Divided before it is subtracted, what lies outside would have no finite gradient where little is softened.
    low = jax.lax.stop_gradient(jnp.min(values, axis=0))
    return low - softness * jnp.log(jnp.sum(jnp.exp((low - values) / softness), axis=0))
