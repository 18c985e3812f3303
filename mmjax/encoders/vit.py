"""The vision transformer, unpooled: every patch is a token (Dosovitskiy et al. 2021, arXiv 2010.11929)."""

from functools import partial

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.attention import Attention
from mmjax.nn.block import EncoderBlock
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.learned_position import flatten_grid
from mmjax.nn.mlp import Mlp
from mmjax.nn.stack import Stack


class Vit(nn.Module):
    """Pictures [B, H, W, C] with values in 0..255 and mask [B] (there is a picture) to Tokens [B, L, dim].

    Several pictures or frames an example, [B, N, H, W, C] with mask [B, N], are encoded each alone and follow each
    other in Tokens [B, N L, dim] (PaLI-X: Chen et al. 2023, arXiv 2305.18565).
    `stem` maps pixels in -1..1 to a grid [B, h, w, dim] and `position` adds where each token stands.
    `approximate` takes the tanh form of GELU.
    """

    dim: int
    layers: int
    heads: int
    hidden: int
    stem: nn.Module
    position: nn.Module
    approximate: bool = True
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
        examples = len(values)
        values, mask = rearrange(values, "b ... h w c -> (b ...) h w c"), rearrange(mask, "b ... -> (b ...)")
        # What lies under a False mask must not reach a sum, even as NaN.
        present = repeat(mask, "b -> b 1 1 1")
        pixels = jnp.where(present, values, 0).astype(jnp.float32) / 127.5 - 1.0
        grid = self.stem(pixels.astype(computing(self)))
        if grid.shape[-1] != self.dim:
            raise ValueError(f"stem.dim is {grid.shape[-1]}, but the transformer has dim {self.dim}; make them equal")
        x = flatten_grid(self.position(grid))
        real = repeat(mask, "b -> b l", l=x.shape[1])
        block = partial(
            EncoderBlock,
            attention=partial(Attention, heads=self.heads, head_dim=self.dim // self.heads, use_bias=True),
            mlp=partial(Mlp, hidden=self.hidden, approximate=self.approximate),
            norm=LayerNorm,
            dropout=self.dropout,
        )
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x, _ = Stack(block, self.layers, self.scan, name="stack")(x, None, masks.keys(real), None, train=train)
        x = LayerNorm(name="norm")(x)
        flat = partial(rearrange, pattern="(b n) l ... -> b (n l) ...", b=examples)
        return Tokens.of(flat(x), flat(real))
