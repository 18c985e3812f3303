"""Attention over how late one stream is to another, by what both hold in step at each lag.

s_l = mean over t, real in both, of q_t . k_{t+l},   q = W x and k = V y, each less its mean and of mean square 1
a = softmax over lags l = -most .. most of c s_l

A positive lag says that y is late, as in `align.correlation`. The weights a leave as the map `lag`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.aligned import shares
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense

LEAST = 1e-6  # of a mean square: a stream that never changes fits no lag better than another


class LagAttention(nn.Module):
    """Tokens x [B, L, D] and y [B, S, D] of one rate to weights [B, 2 most + 1] fp32; `dim` None is D.

    Lags at which they share no step have no weight; where none is left, all are 0. `most` counts up to the longer
    stream's steps less one.
    """

    most: int
    dim: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "most")

    @nn.compact
    def __call__(self, x: Tokens, y: Tokens) -> jax.Array:
        dim = self.dim or x.x.shape[-1]
        query, key = (
            _standard(Dense(dim, use_bias=False, name=name)(one.cleared().x), one.mask)
            for name, one in (("query", x), ("key", y))
        )
        sharpness = jnp.exp(self.param("log_scale", nn.initializers.constant(np.log(4.0)), (), jnp.float32))
        most = min(self.most, max(x.mask.shape[1], y.mask.shape[1]) - 1)
        number = _by_lag(*(one.mask[..., None].astype(jnp.float32) for one in (x, y)), most)
        scores = _by_lag(query, key, most) / dim / jnp.maximum(number, 1)
        weights = shares(sharpness * scores, number > 0)
        self.sow("maps", "lag", weights)
        return weights


def shifted(y: Tokens, weights: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
    """y [B, S, D] moved by weights [B, 2 most + 1] of lags: sum_l a_l y_{t+l} over real steps [B, length, D] fp32.

    Beside it the weight [B, length] of those.
    """
    most = weights.shape[-1] // 2
    given = jnp.concatenate([y.cleared().x.astype(jnp.float32), y.mask[..., None].astype(jnp.float32)], axis=-1)
    late = _padded(given, length, most)

    @jax.checkpoint
    def add(total: jax.Array, step: tuple[jax.Array, jax.Array]):
        place, weight = step
        return total + weight[:, None, None] * jax.lax.dynamic_slice_in_dim(late, place, length, axis=1), None

    nothing = jnp.zeros((len(given), length, given.shape[-1]), jnp.float32)
    moved, _ = jax.lax.scan(add, nothing, (jnp.arange(2 * most + 1), weights.T))
    return moved[..., :-1], moved[..., -1]


def _standard(x: jax.Array, mask: jax.Array) -> jax.Array:
    """x [B, L, D] fp32, less its mean over real steps and of mean square 1; 0 elsewhere."""
    real = mask[..., None]
    number = jnp.maximum(jnp.sum(mask, axis=1), 1)[:, None, None]
    x = x.astype(jnp.float32)
    x = jnp.where(real, x - jnp.sum(jnp.where(real, x, 0), axis=1, keepdims=True) / number, 0)
    square = jnp.sum(jnp.square(x), axis=(1, 2), keepdims=True) / (number * x.shape[-1])
    return x * jax.lax.rsqrt(square + LEAST)


def _by_lag(x: jax.Array, y: jax.Array, most: int) -> jax.Array:
    """[B, 2 most + 1] fp32: sum over t of x_t . y_{t+l}, of x [B, L, D] and y [B, S, D] fp32.

    Lag after lag: all pairs of steps at once would be L S numbers, of which a band is wanted.
    """
    length = x.shape[1]
    late = _padded(y, length, most)

    @jax.checkpoint
    def at(_: None, place: jax.Array):
        return None, jnp.sum(x * jax.lax.dynamic_slice_in_dim(late, place, length, axis=1), axis=(1, 2))

    return jax.lax.scan(at, None, jnp.arange(2 * most + 1))[1].T


def _padded(y: jax.Array, length: int, most: int) -> jax.Array:
    """y [B, S, D] so that what is at step t + l, for all t below `length`, is at place t + l + most."""
    return jnp.pad(y, [(0, 0), (most, most + max(length - y.shape[1], 0)), (0, 0)])
