"""The video transformer with joint attention over space and time (ViViT model 1: Arnab et al. 2021, arXiv 2103.15691).

x = blocks(tubelet W + b + position + time position), over all t h w tubelets together
"""

import jax
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.sine_position import SinePosition
from mmjax.nn.time_position import TimePosition
from mmjax.nn.transformer import Transformer
from mmjax.nn.tubelet_embedding import TubeletEmbedding


class VideoJoint(nn.Module):
    """Frames [B, T, H, W, C] with values in 0..255 and mask [B, T] to Tokens [B, t h w, dim], time by time.

    `tubelet` is frames and pixels a side. `position` adds where a token stands in its picture [h, w], `time_position`
    when.
    """

    dim: int
    tubelet: tuple[int, int] = (2, 16)
    layers: int = 4
    heads: int = 4
    hidden: int | None = None
    position: nn.Module = SinePosition()
    time_position: nn.Module = TimePosition()
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if min(self.tubelet) < 1:
            raise ValueError(f"tubelet is {self.tubelet}; expected frames and pixels, at least 1 each")

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B T | H W C")
        grid, real = TubeletEmbedding(self.dim, *self.tubelet, name="embed")(values, mask)
        examples, _, height, width, _ = grid.shape
        x = self.position(rearrange(grid, "b t h w d -> (b t) h w d"))
        x = self.time_position(rearrange(x, "(b t) h w d -> (b h w) t d", b=examples))
        x = rearrange(x, "(b h w) t d -> b (t h w) d", b=examples, h=height)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(Tokens.of(x, repeat(real, "b t -> b (t l)", l=height * width)), train=train)
