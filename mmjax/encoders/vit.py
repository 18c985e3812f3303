"""The vision transformer, unpooled: every patch is a token (Dosovitskiy et al. 2021, arXiv 2010.11929)."""

from functools import partial

import jax
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn import masks
from mmjax.nn.block import EncoderBlock
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.learned_position import flatten_grid
from mmjax.nn.pixels import centred
from mmjax.nn.sized import sized
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
        check_sizes(self)

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B N | H W C" if values.ndim == 5 else "B | H W C")
        examples = len(values)
        values, mask = rearrange(values, "b ... h w c -> (b ...) h w c"), rearrange(mask, "b ... -> (b ...)")
        grid = self.stem(centred(values, mask).astype(computing(self)))
        if grid.shape[-1] != self.dim:
            raise ValueError(f"stem.dim is {grid.shape[-1]}, but the transformer has dim {self.dim}; make them equal")
        x = flatten_grid(self.position(grid))
        real = repeat(mask, "b -> b l", l=x.shape[1])
        block = sized(EncoderBlock, self, self.dim, use_bias=True, approximate=self.approximate)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x, _ = Stack(block, self.layers, self.scan, name="stack")(x, None, masks.keys(real), None, train=train)
        x = LayerNorm(name="norm")(x)
        flat = partial(rearrange, pattern="(b n) l ... -> b (n l) ...", b=examples)
        return Tokens.of(flat(x), flat(real))
