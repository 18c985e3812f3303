"""Regions of a picture that are known beforehand, one token each, all by the same parameters.

x_r = W sum_ij gelu(stem(region r))_ij / sqrt(h w) + b

A sum tells how much of something a region has; the root keeps its size that of one place's deviation.
"""

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.pixels import centred

Share = tuple[float, float, float, float]


class Regions(nn.Module):
    """Pictures [B, H, W, C] with values in 0..255 and mask [B] to Tokens [B, R, dim].

    Args:
        stem: maps pixels in -1..1 to a grid [B, h, w, width].
        regions: left, top, right and bottom of each in shares of the picture, all of one size and of whole pixels.
    """

    dim: int
    stem: nn.Module
    regions: tuple[Share, ...]

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        for region in self.regions or ((),):
            if len(region) != 4 or not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):
                raise ValueError(
                    f"regions has {region}; expected left, top, right and bottom in shares of the picture, 0 to 1"
                )

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        """Raises ValueError for regions that are not of whole pixels, or of several sizes."""
        check_arrays(self, values, mask, "B | H W C")
        pixels = centred(values, mask).astype(computing(self))
        parts = jnp.stack([pixels[:, top:bottom, left:right] for left, top, right, bottom in self._places(pixels)], 1)
        grid = gelu(self.stem(rearrange(parts, "b r h w c -> (b r) h w c")))
        places = grid.shape[1] * grid.shape[2]
        # Of a bf16 grid too a sum over hundreds of places is of fp32.
        x = (jnp.sum(grid, axis=(1, 2), dtype=jnp.float32) * places**-0.5).astype(grid.dtype)
        x = Dense(self.dim, name="project")(rearrange(x, "(b r) d -> b r d", r=len(self.regions)))
        return Tokens.of(x, repeat(mask, "b -> b r", r=len(self.regions)))

    def _places(self, pixels: jax.Array) -> list[list[int]]:
        """Left, top, right and bottom of each region in pixels."""
        height, width = pixels.shape[1:3]
        edges = np.array(self.regions) * (width, height, width, height)
        whole = np.rint(edges).astype(int)
        if len({tuple(one) for one in whole[:, 2:] - whole[:, :2]}) > 1 or np.abs(edges - whole).max() > 1e-3:
            raise ValueError(
                f"regions of a picture of {height} x {width} pixels have their edges at {edges.tolist()}; expected "
                "whole pixels and one size: change regions, or the size of pictures"
            )
        return whole.tolist()
