"""Pictures to a grid of tokens by one linear map of each patch (Dosovitskiy et al. 2021, arXiv 2010.11929)."""

import jax
from einops import rearrange
from flax import linen as nn

from mmjax.nn.dense import Dense


class PatchEmbedding(nn.Module):
    """x [B, H, W, C] to [B, H / size, W / size, dim]."""

    size: int
    dim: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if x.shape[1] % self.size or x.shape[2] % self.size:
            raise ValueError(f"patches of {self.size} pixels do not tile a picture of {x.shape[1]} x {x.shape[2]}")
        # A reshape and one matrix product: the same as a strided convolution, and faster on every backend tried.
        patches = rearrange(x, "b (h p) (w q) c -> b h w (p q c)", p=self.size, q=self.size)
        return Dense(self.dim, name="patch")(patches)
