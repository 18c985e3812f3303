"""Pictures to a grid of tokens that see their neighbours: patches, then convolutions over 3 x 3 of them.

x = patches;   x = gelu(norm(conv(x))) for each width;   last conv(x) + b                  (LeCun et al. 1989)

The grid keeps its size, for what is small in a picture is a patch or two.
"""

import jax
from einops import rearrange
from flax import linen as nn

from mmjax.nn.checks import check_sizes
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm


class NeighbourStem(nn.Module):
    """x [B, H, W, C] to [B, H / side, W / side, dim]; beyond the picture are zeros.

    A token of the first layer is of 3 side x 3 side pixels, and each layer sees `side` pixels more on every side.
    """

    widths: tuple[int, ...]
    dim: int
    side: int = 5

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "side")
        if min(self.widths, default=1) < 1:
            raise ValueError(f"widths are {self.widths}; expected each to be 1 or more")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        side = self.side
        if x.shape[1] % side or x.shape[2] % side:
            raise ValueError(f"a picture of {x.shape[1]} x {x.shape[2]} does not divide into patches of side {side}")
        x = rearrange(x, "b (h p) (w q) c -> b h w (p q c)", p=side, q=side)
        for i, width in enumerate(self.widths):
            x = nn.Conv(width, (3, 3), use_bias=False, name=f"conv_{i}")(x)  # the norm has a bias
            x = gelu(LayerNorm(name=f"norm_{i}")(x))
        return nn.Conv(self.dim, (3, 3), name="project")(x)
