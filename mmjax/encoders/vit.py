"""The vision transformer, unpooled: every patch is a token (Dosovitskiy et al. 2021, arXiv 2010.11929)."""

from functools import partial

import jax
import jax.numpy as jnp
from einops import repeat
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.block import EncoderBlock
from mmjax.nn.learned_position import flatten_grid
from mmjax.nn.mlp import Mlp
from mmjax.nn.stack import Stack


class Vit(nn.Module):
    """Pictures [B, H, W, C] with values in 0..255 and mask [B] (there is a picture) to Tokens [B, L, dim].

    A float type of the values is the type that is computed in (bfloat16 holds 0..255 exactly).
    `stem` maps pixels in -1..1 to a grid [B, h, w, C'] and `position` adds where each token stands.
    """

    dim: int
    layers: int
    heads: int
    hidden: int
    stem: nn.Module
    position: nn.Module
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        for name in ("dim", "layers", "heads", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least 1")
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} does not divide by heads {self.heads}")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        # What lies under a False mask must not reach a sum, even as NaN.
        present = repeat(mask, "b -> b 1 1 1")
        pixels = jnp.where(present, values, 0).astype(jnp.float32) / 127.5 - 1.0
        pixels = pixels.astype(values.dtype if jnp.issubdtype(values.dtype, jnp.floating) else jnp.float32)
        grid = self.position(nn.Dense(self.dim, name="width")(self.stem(pixels)))
        x = flatten_grid(grid)
        real = repeat(mask, "b -> b l", l=x.shape[1])
        block = partial(
            EncoderBlock,
            attention=partial(Attention, heads=self.heads, head_dim=self.dim // self.heads, use_bias=True),
            mlp=partial(Mlp, hidden=self.hidden),
            norm=partial(nn.LayerNorm, epsilon=1e-6),
            dropout=self.dropout,
        )
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x, _ = Stack(block, self.layers, self.scan, name="stack")(x, None, masks.keys(real), None, train=train)
        return Tokens.of(nn.LayerNorm(epsilon=1e-6, name="norm")(x), real)
