"""Pictures to a grid of tokens by a few 3x3 convolutions, each with a norm and ReLU and half as many places, and a map.

Early convolutions let small transformers learn from few pictures (Xiao et al. 2021, arXiv 2106.14881). Their batch norm
is a group norm here (Wu and He 2018, arXiv 1803.08494): no example may change another one's tokens.
"""

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense


class ConvStem(nn.Module):
    """x [B, H, W, C] to [B, h, w, dim] through n widths, each a multiple of `groups`; each halves both sides.

    With `pool` that is by 2x2 max-pooling, of sides that divide. Without, each convolution is at every other place, as
    published, of sides rounded up: a quarter of the work.
    """

    widths: tuple[int, ...]
    dim: int
    groups: int = 8
    pool: bool = True

    def __post_init__(self):
        super().__post_init__()
        if not self.widths or any(width < 1 or width % self.groups for width in self.widths):
            raise ValueError(f"widths are {self.widths}; expected some, each a multiple of groups {self.groups}")

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        whole = 2 ** len(self.widths)
        if self.pool and (x.shape[1] % whole or x.shape[2] % whole):
            raise ValueError(
                f"{len(self.widths)} poolings need a picture whose sides divide by {whole}, given {x.shape[1:3]}"
            )
        for i, width in enumerate(self.widths):
            # The norm has a bias: one before it would be taken away again.
            x = nn.Conv(width, (3, 3), strides=1 if self.pool else 2, padding=1, use_bias=False, name=f"conv_{i}")(x)
            x = nn.relu(nn.GroupNorm(self.groups, name=f"norm_{i}")(x))
            if self.pool:
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return Dense(self.dim, name="project")(x)
