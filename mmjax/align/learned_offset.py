"""How late one stream is to another by what is learned of both, and the late one brought into step.

a = attention over lags (`nn.lag_attention`),   offset = sum_l a_l l,   y'_t = sum_l a_l y_{t+l} / sum_l a_l

Sums of y' are over the lags whose step t + l is real. All of it is differentiable: a loss of what is made of streams in
step, or of the offset where it is known, teaches the projections what to compare.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.lag_attention import LagAttention, shifted

HALF = 0.5


class LearnedOffset(nn.Module):
    """Tokens x and y [B, L, D] of as many steps a second to the offset [B] fp32 in steps, and y [B, L, D] in step.

    A positive offset says that y is late. A step is real where at least half of the weight of its lags lies on real
    ones; what is not real is 0. `most` bounds the offset, in steps; `dim` None, of what is compared, is D.
    """

    most: int
    dim: int | None = None

    @nn.compact
    def __call__(self, x: Tokens, y: Tokens) -> tuple[jax.Array, Tokens]:
        if x.x.shape[:2] != y.x.shape[:2]:
            raise ValueError(
                f"an offset is learned of streams of one rate and length, given [B, L] {x.x.shape[:2]} and "
                f"{y.x.shape[:2]}; bring both onto one clock by align.clock first"
            )
        weights = LagAttention(self.most, self.dim, name="lags")(x, y)
        moved, weight = shifted(y, weights, x.x.shape[1])
        real = weight >= HALF
        moved = jnp.where(real[..., None], moved / jnp.where(real, weight, 1)[..., None], 0)
        lags = jnp.arange(weights.shape[-1], dtype=jnp.float32) - weights.shape[-1] // 2
        offset = jnp.sum(weights * lags, axis=-1)  # as a product it may have three digits
        return offset, Tokens.of(moved.astype(y.x.dtype), real)
