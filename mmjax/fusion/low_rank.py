"""Low-rank fusion: tensor fusion whose weights have rank R, without forming the tensor (Liu et al. 2018, 1806.00064).

y = sum_r w_r prod_m (W_m^r [1; x_m]) + b,  x_m = 0 where modality m is missing

The column of W_m^r that meets the constant 1 is a bias. It starts at 1: each product then starts with the terms of
every set of modalities in it, and the others' terms stay where one is missing.
"""

import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class LowRank(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is."""

    order: tuple[str, ...]
    rank: int = 4

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "rank")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        dim = x.shape[-1]
        product = 1.0
        for m, name in enumerate(self.order):
            factor = Dense(self.rank * dim, bias_init=nn.initializers.ones, name=f"{name}_factor")
            product = product * rearrange(factor(x[:, :, m]), "b l (r d) -> b l r d", d=dim)
        weights = self.param("weights", nn.initializers.constant(self.rank**-0.5), (self.rank,))
        bias = self.param("bias", nn.initializers.zeros, (dim,))
        return Tokens.of(jnp.einsum("blrd,r->bld", product, weights) + bias, real.any(-1))
