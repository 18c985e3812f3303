"""A picture as a class token and its patches, before any layer (Dosovitskiy et al. 2021, arXiv 2010.11929).

x = [class; stem(picture) or, where a patch is hidden, the mask token] + position      (BEiT: arXiv 2106.08254)

A stem that looks beyond a patch sees none of the pixels of a hidden one.
"""

import jax
import jax.numpy as jnp
from einops import repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.learned_position import LearnedPosition, flatten_grid
from mmjax.nn.pixels import centred, standard


class Patches(nn.Module):
    """Pictures [B, H, W, C] with values in 0..255 and mask [B] to Tokens [B, 1 + h w, dim].

    `stem` maps pixels in -1..1 to a grid [B, h, w, dim]. A table of `position` is resized by `train.init_from`.
    `channels` are (mean, deviation) of each channel in 0..1, by which pixels reach a stem that was trained so.
    """

    dim: int
    stem: nn.Module
    position: nn.Module = LearnedPosition()
    channels: tuple[tuple[float, float], ...] = ()

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if any(deviation <= 0 for _, deviation in self.channels):
            raise ValueError(f"channels are {self.channels}; expected (mean, deviation) of each, deviations above 0")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool, hidden: jax.Array | None = None) -> Tokens:
        """`hidden` [B, h, w] bool says which patches are to be filled in; without it there is no mask token.

        Raises:
            ValueError: arrays of other shapes, or a stem of another width.
        """
        check_arrays(self, values, mask, "B | H W C")
        if len(self.channels) not in (0, values.shape[-1]):
            raise ValueError(f"channels has {len(self.channels)}, but a picture {values.shape[-1]}; make them as many")
        pixels = standard(values, mask, self.channels) if self.channels else centred(values, mask)
        pixels = pixels.astype(computing(self))
        if hidden is not None:
            pixels = jnp.where(_covered(hidden, pixels), 0, pixels)
        grid = self.stem(pixels)
        if grid.shape[-1] != self.dim:
            raise ValueError(f"stem.dim is {grid.shape[-1]}, but the encoder has dim {self.dim}; make them equal")
        normal, zeros = nn.initializers.normal(0.02), nn.initializers.zeros
        if hidden is not None:
            token = self.param("mask_token", zeros, (self.dim,)).astype(grid.dtype)
            if hidden.shape != grid.shape[:3]:
                raise ValueError(f"hidden has the shape {hidden.shape}; expected {grid.shape[:3]}, one for each patch")
            grid = jnp.where(hidden[..., None], token, grid)
        first = self.param("class_token", normal, (self.dim,)) + self.param("class_position", normal, (self.dim,))
        first = repeat(first.astype(grid.dtype), "d -> b 1 d", b=len(grid))
        x = jnp.concatenate([first, flatten_grid(self.position(grid))], axis=1)
        return Tokens.of(x, repeat(mask, "b -> b l", l=x.shape[1]))


def _covered(hidden: jax.Array, pixels: jax.Array) -> jax.Array:
    """[B, H, W, 1] of hidden [B, h, w]; nothing where that is no grid of the picture, which the call tells."""
    (height, width), parts = pixels.shape[1:3], hidden.shape[1:]
    if len(parts) != 2 or 0 in parts or height % parts[0] or width % parts[1]:
        return jnp.zeros((), bool)
    return repeat(hidden, "b h w -> b (h p) (w q) 1", p=height // parts[0], q=width // parts[1])
