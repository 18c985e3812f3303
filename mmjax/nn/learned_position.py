"""A learned table of positions on a grid, added to its tokens, and its resizing to another grid."""

import jax
import numpy as np
from einops import rearrange
from flax import linen as nn


class LearnedPosition(nn.Module):
    """x [B, h, w, D] + table [h, w, D]; starts with standard deviation D ** -0.5."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        start = nn.initializers.normal(x.shape[-1] ** -0.5)
        return x + self.param("table", start, x.shape[1:])


def resize_table(table: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """A table [h, w, D] resized bilinearly (antialiased) to [h', w', D], as is usual for another resolution."""
    resized = jax.image.resize(table, (*grid, table.shape[-1]), method="bilinear")
    return np.asarray(resized, table.dtype)


def flatten_grid(x: jax.Array) -> jax.Array:
    """[B, h, w, D] to [B, h * w, D], row by row."""
    return rearrange(x, "b h w d -> b (h w) d")
