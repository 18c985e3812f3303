"""Pictures to a grid of tokens by a few 3x3 convolutions, each at every other place, and a projection.

Early convolutions in place of patches: Xiao et al. 2021, arXiv 2106.14881. Their batch norm is a group norm here (Wu
and He 2018, arXiv 1803.08494): no example may change another one's tokens. Where `nn.conv_stem` convolves at every
place and pools, this leaves three quarters of the work out, which CPUs notice.
"""

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense


class StridedStem(nn.Module):
    """x [B, H, W, C] to [B, h, w, dim] through n widths, each a multiple of `groups`, and each of which halves both
    sides, rounded up.
    """

    widths: tuple[int, ...]
    dim: int
    groups: int = 8

    def __post_init__(self):
        super().__post_init__()
        if not self.widths or any(width < 1 or width % self.groups for width in self.widths):
            raise ValueError(f"widths are {self.widths}; expected some, each a multiple of groups {self.groups}")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, width in enumerate(self.widths):
            # The norm has a bias: one before it would be taken away again.
            x = nn.Conv(width, (3, 3), strides=(2, 2), padding=1, use_bias=False, name=f"conv_{i}")(x)
            x = nn.relu(nn.GroupNorm(self.groups, name=f"norm_{i}")(x))
        return Dense(self.dim, name="project")(x)
