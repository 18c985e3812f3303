"""Which of the things of one picture are which of another, by what describes them.

mutual     (i, j) where j is the nearest of i and i the nearest of j
Sinkhorn   P = exp(s + u + v), whose rows and columns sum to 1; what has no counterpart goes into one more row or column
           of score z (Cuturi 2013, arXiv 1306.0895; the dustbin of SuperGlue: Sarlin et al. 2020, arXiv 1911.11763)
"""

import math

import jax
import jax.numpy as jnp

from mmjax.core.unit import unit

NOTHING = -1e9  # a score of what is not there: finite, for a gradient of 0


def similarities(x: jax.Array, y: jax.Array, x_mask: jax.Array, y_mask: jax.Array) -> jax.Array:
    """[B, N, M] fp32: cosines of descriptors x [B, N, D] and y [B, M, D]; 0 where either is not real.

    Raises:
        ValueError: shapes that do not fit.
    """
    _check(jnp.shape(x)[:2] + jnp.shape(y)[1:2], x_mask, y_mask)
    if jnp.ndim(x) != 3 or jnp.ndim(y) != 3 or jnp.shape(x)[2] != jnp.shape(y)[2]:
        raise ValueError(f"descriptors are [B, N, D] and [B, M, D], given {jnp.shape(x)} and {jnp.shape(y)}")
    x, y = (unit(jnp.where(mask[..., None], one, 0)) for one, mask in ((x, x_mask), (y, y_mask)))
    return jnp.einsum("bnd,bmd->bnm", x, y, precision="highest")  # what is alike differs in late digits


def mutual(scores: jax.Array, x_mask: jax.Array, y_mask: jax.Array) -> jax.Array:
    """[B, N] int32: which of M is the counterpart of each of N, -1 where none is.

    Args:
        scores: [B, N, M]: similarities, or the transport of `sinkhorn` without its last row and column.
        x_mask: [B, N] bool.
        y_mask: [B, M] bool.

    Raises:
        ValueError: shapes that do not fit.
    """
    _check(jnp.shape(scores), x_mask, y_mask)
    real = x_mask[:, :, None] & y_mask[:, None]
    scores = jnp.where(real, scores, -jnp.inf)
    best, back = jnp.argmax(scores, axis=2), jnp.argmax(scores, axis=1)
    returns = jnp.take_along_axis(back, best, axis=1) == jnp.arange(scores.shape[1])
    return jnp.where(returns & jnp.any(real, axis=2), best, -1)


def sinkhorn(
    scores: jax.Array, x_mask: jax.Array, y_mask: jax.Array, dustbin: jax.Array | float, rounds: int = 50
) -> jax.Array:
    """The transport P [B, N + 1, M + 1] fp32, whose last row and column hold what has no counterpart.

    Each real row but the last sums to 1 once the rounds have come to an end, and each real column at once; what is not
    real is 0.

    Args:
        scores: s [B, N, M].
        x_mask: [B, N] bool.
        y_mask: [B, M] bool.
        dustbin: z, the score of having no counterpart, finite: a number, or an array of none or of [B] that is learned.
        rounds: how often rows and columns are brought to their sums.

    Raises:
        ValueError: `rounds` is below 1, shapes that do not fit, or a dustbin that is no finite number.
    """
    _check(jnp.shape(scores), x_mask, y_mask)
    if isinstance(dustbin, int | float) and not math.isfinite(dustbin):
        raise ValueError(f"dustbin is {dustbin}; expected a finite number")
    if jnp.shape(dustbin) not in ((), (len(scores),)):
        raise ValueError(
            f"dustbin has the shape {jnp.shape(dustbin)}; expected a number, or one for each of {len(scores)}"
        )
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; expected at least 1")
    ends = [(0, 0), (0, 1), (0, 1)]
    real = jnp.pad(x_mask[:, :, None] & y_mask[:, None], ends)
    rows, columns = (jnp.pad(mask, [(0, 0), (0, 1)], constant_values=True) for mask in (x_mask, y_mask))
    bins = (rows[:, :, None] & columns[:, None]) & ~real
    scores = jnp.pad(jnp.where(real[:, :-1, :-1], scores, 0).astype(jnp.float32), ends)
    dustbin = jnp.broadcast_to(jnp.asarray(dustbin, jnp.float32), len(scores))[:, None, None]
    scores = jnp.where(real, scores, jnp.where(bins, dustbin, NOTHING))
    # All of one side might have no counterpart: as many as the other has fit into each bin.
    row_sums, column_sums = _sums(x_mask, y_mask), _sums(y_mask, x_mask)

    def turn(given: tuple[jax.Array, jax.Array], _: None):
        _, v = given
        u = jnp.where(rows, row_sums - jax.nn.logsumexp(scores + v[:, None], axis=2), 0)
        v = jnp.where(columns, column_sums - jax.nn.logsumexp(scores + u[:, :, None], axis=1), 0)
        return (u, v), None

    nothing = jnp.zeros(rows.shape), jnp.zeros(columns.shape)
    (u, v), _ = jax.lax.scan(turn, nothing, None, length=rounds)
    return jnp.where(real | bins, jnp.exp(scores + u[:, :, None] + v[:, None]), 0)


def _check(shape: tuple[int, ...], x_mask: jax.Array, y_mask: jax.Array) -> None:
    masks = jnp.shape(x_mask), jnp.shape(y_mask)
    if any(len(one) != 2 or not one[1] for one in masks) or tuple(shape) != (*masks[0], masks[1][1]):
        raise ValueError(
            f"things of two pictures [B, N, M] have masks [B, N] and [B, M], N and M from 1, given {tuple(shape)}, "
            f"{masks[0]} and {masks[1]}"
        )


def _sums(own: jax.Array, other: jax.Array) -> jax.Array:
    """[B, N + 1]: the logarithm of what each row sums to: 1, and the last one to the number of columns."""
    number = jnp.sum(other, axis=1, keepdims=True)
    last = jnp.where(number > 0, jnp.log(jnp.maximum(number, 1).astype(jnp.float32)), NOTHING)
    return jnp.concatenate([jnp.zeros(own.shape), last], axis=1)
