"""Pictures to a grid of tokens by a few 3x3 convolutions, each followed by GELU and 2x2 max-pooling.

Early convolutions let small transformers learn from few pictures (Xiao et al. 2021, arXiv 2106.14881).
"""

import jax
from flax import linen as nn


class ConvStem(nn.Module):
    """x [B, H, W, C] to [B, H / 2^n, W / 2^n, widths[-1]] for n widths."""

    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        stride = 2 ** len(self.widths)
        if x.shape[1] % stride or x.shape[2] % stride:
            raise ValueError(
                f"{len(self.widths)} poolings need a picture whose sides divide by {stride}, given {x.shape[1:3]}"
            )
        for i, width in enumerate(self.widths):
            x = nn.gelu(nn.Conv(width, (3, 3), name=f"conv_{i}")(x))
            x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return x
