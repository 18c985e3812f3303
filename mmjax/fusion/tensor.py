"""Tensor fusion: every product of features of different modalities (Zadeh et al. 2017, arXiv 1707.07250).

y = W vec([1; z_1] x ... x [1; z_M]) (outer products),  z_m = W_m x_m + b_m,  z_m = 0 where modality m is missing

The constant 1 keeps the terms of fewer modalities: those of the others where one is missing, and a bias.
"""

import math

import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class Tensor(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is.

    The products are (width + 1) ** M, at most `limit`: so each modality is first brought to `width` (None: it stays).
    """

    order: tuple[str, ...]
    width: int | None = 8
    limit: int = 65_536

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "width", "limit")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        dim = x.shape[-1]
        width = self.width or dim
        products = (width + 1) ** len(self.order)
        if products > self.limit:
            raise ValueError(
                f"{len(self.order)} modalities of width {width} have {products:,} products, more than limit "
                f"{self.limit:,}; choose a width up to {self._widest()}, or fusion.low_rank, which forms none of them"
            )
        outer = jnp.ones((*real.shape[:2], 1), x.dtype)
        for m, name in enumerate(self.order):
            z = x[:, :, m] if self.width is None else Dense(width, name=f"{name}_reduction")(x[:, :, m])
            z = jnp.where(real[:, :, m, None], z, 0)
            one = jnp.ones((*z.shape[:2], 1), z.dtype)
            outer = rearrange(outer[..., None] * jnp.concatenate([one, z], -1)[..., None, :], "b l p w -> b l (p w)")
        return Tokens.of(Dense(dim, use_bias=False, name="out")(outer), real.any(-1))

    def _widest(self) -> int:
        modalities = len(self.order)
        wide = math.floor(self.limit ** (1 / modalities)) + 1  # the root may be rounded down
        return next(w for w in range(wide, -1, -1) if (w + 1) ** modalities <= self.limit)
