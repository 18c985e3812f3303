"""Pictures to a grid of tokens by a few 3x3 convolutions, each with a norm, ReLU and 2x2 max-pooling, and a projection.

Early convolutions let small transformers learn from few pictures (Xiao et al. 2021, arXiv 2106.14881). Their batch norm
is a group norm here (Wu and He 2018, arXiv 1803.08494): no example may change another one's tokens.
"""

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense


class ConvStem(nn.Module):
    """x [B, H, W, C] to [B, H / 2^n, W / 2^n, dim] through n widths, each a multiple of `groups`."""

    widths: tuple[int, ...]
    dim: int
    groups: int = 8

    def __post_init__(self):
        super().__post_init__()
        if not self.widths or any(width % self.groups for width in self.widths):
            raise ValueError(f"widths are {self.widths}; expected some, each a multiple of groups {self.groups}")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        stride = 2 ** len(self.widths)
        if x.shape[1] % stride or x.shape[2] % stride:
            raise ValueError(
                f"{len(self.widths)} poolings need a picture whose sides divide by {stride}, given {x.shape[1:3]}"
            )
        for i, width in enumerate(self.widths):
            # The norm has a bias: one before it would be taken away again.
            x = nn.Conv(width, (3, 3), use_bias=False, name=f"conv_{i}")(x)
            x = nn.relu(nn.GroupNorm(self.groups, name=f"norm_{i}")(x))
            x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return Dense(self.dim, name="project")(x)
