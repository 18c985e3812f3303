"""The video transformer with a factorised encoder (ViViT model 2: Arnab et al. 2021, arXiv 2103.15691).

h_t = mean over h w of spatial(tubelets of time t + position),  x = temporal(h + time position)

Attention costs t (h w)^2 + t^2, where joint attention costs (t h w)^2.
"""

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.sine_position import SinePosition
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer
from mmjax.nn.tubelet_embedding import TubeletEmbedding


class VideoFactorised(nn.Module):
    """Frames [B, T, H, W, C] with values in 0..255 and mask [B, T] to Tokens [B, t, dim], one for each tubelet's time.

    `tubelet` is frames and pixels a side; `layers` are those of the spatial transformer, `time_layers` of the temporal;
    with none of the latter a token knows its own tubelets alone.
    """

    dim: int
    tubelet: tuple[int, int] = (2, 16)
    layers: int = 4
    time_layers: int = 2
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = SinePosition()
    time_position: nn.Module = TimePosition()
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "time_layers", none=("time_layers",))
        if min(self.tubelet) < 1:
            raise ValueError(f"tubelet is {self.tubelet}; expected frames and pixels, at least 1 each")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | H W C")
        grid, real = TubeletEmbedding(self.dim, *self.tubelet, name="embed")(values, mask)
        examples, _, height, width, _ = grid.shape
        drop = nn.Dropout(self.dropout, deterministic=not train)
        x = rearrange(self.position(rearrange(grid, "b t h w d -> (b t) h w d")), "n h w d -> n (h w) d")
        there = repeat(real, "b t -> (b t) l", l=height * width)
        sizes = dict(heads=self.heads, hidden=self.hidden, dropout=self.dropout, scan=self.scan)
        space = Transformer(self.layers, **sizes, name="spatial")(Tokens.of(drop(x), there), train=train)
        mean = jnp.mean(space.x.astype(jnp.float32), axis=1).astype(x.dtype)
        x = self.time_position(rearrange(mean, "(b t) d -> b t d", b=examples))
        return Transformer(self.time_layers, **sizes, name="temporal")(Tokens.of(drop(x), real), train=train)
