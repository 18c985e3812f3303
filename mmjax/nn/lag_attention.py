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
        number = _by_lag(x.mask[:, :, None] & y.mask[:, None], most)
        scores = _by_lag(jnp.einsum("bld,bsd->bls", query, key) / dim, most) / jnp.maximum(number, 1)
        weights = shares(sharpness * scores, number > 0)
        self.sow("maps", "lag", weights)
        return weights


def shifted(y: Tokens, weights: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
    """y [B, S, D] moved by weights [B, 2 most + 1] of lags: sum_l a_l y_{t+l} over real steps [B, length, D] fp32.

    Beside it the weight [B, length] of those.
    """
    lag = np.arange(y.mask.shape[1]) - np.arange(length)[:, None]  # [length, S]
    most = weights.shape[-1] // 2
    moved = jnp.where(np.abs(lag) <= most, weights[:, np.clip(lag + most, 0, 2 * most)], 0)
    moved = jnp.where(y.mask[:, None], moved, 0)
    return jnp.einsum("bls,bsd->bld", moved, y.cleared().x.astype(jnp.float32)), jnp.sum(moved, axis=-1)


def _standard(x: jax.Array, mask: jax.Array) -> jax.Array:
    """x [B, L, D] fp32, less its mean over real steps and of mean square 1; 0 elsewhere."""
    real = mask[..., None]
    number = jnp.maximum(jnp.sum(mask, axis=1), 1)[:, None, None]
    x = x.astype(jnp.float32)
    x = jnp.where(real, x - jnp.sum(jnp.where(real, x, 0), axis=1, keepdims=True) / number, 0)
    square = jnp.sum(jnp.square(x), axis=(1, 2), keepdims=True) / (number * x.shape[-1])
    return x * jax.lax.rsqrt(square + LEAST)


def _by_lag(products: jax.Array, most: int) -> jax.Array:
    """[B, 2 most + 1] fp32: sums of products [B, L, S] over the pairs of steps that are so far from each other."""
    steps, others = products.shape[1:]
    at = np.arange(steps)[:, None] + np.arange(-most, most + 1)  # [L, 2 most + 1]
    inside = (at >= 0) & (at < others)
    found = products[:, np.arange(steps)[:, None], np.clip(at, 0, others - 1)]
    return jnp.sum(jnp.where(inside, found, 0), axis=1, dtype=jnp.float32)
