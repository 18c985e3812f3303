"""A learned table of positions on a grid, added to its tokens; `train.init_from` resizes it to another grid."""

import jax
from einops import rearrange
from flax import linen as nn


class LearnedPosition(nn.Module):
    """x [B, h, w, D] + table [h, w, D]; starts with standard deviation D ** -0.5."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        start = nn.initializers.normal(x.shape[-1] ** -0.5)
        return x + self.param("table", start, x.shape[1:])


def flatten_grid(x: jax.Array) -> jax.Array:
    """[B, h, w, D] to [B, h * w, D], row by row."""
    return rearrange(x, "b h w d -> b (h w) d")
