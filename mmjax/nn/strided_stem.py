"""Pictures to a grid of tokens by a few 3x3 convolutions, each at every other place, and a projection.

Early convolutions in place of patches: Xiao et al. 2021, arXiv 2106.14881. Their batch norm is a layer norm here, by
which no example changes another one's tokens. Where `nn.conv_stem` convolves at every place and pools, this leaves
three quarters of the work out, which CPUs notice.
"""

import jax
from flax import linen as nn

from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm


class StridedStem(nn.Module):
    """x [B, H, W, C] to [B, h, w, dim] through n widths, each of which halves both sides, rounded up."""

    widths: tuple[int, ...]
    dim: int

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if not self.widths or min(self.widths) < 1:
            raise ValueError(f"widths are {self.widths}; expected some, each 1 or more")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, width in enumerate(self.widths):
            # The norm has a bias: one before it would be taken away again.
            x = nn.Conv(width, (3, 3), strides=(2, 2), padding=1, use_bias=False, name=f"conv_{i}")(x)
            x = nn.relu(LayerNorm(name=f"norm_{i}")(x))
        return Dense(self.dim, name="project")(x)
