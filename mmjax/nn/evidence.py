"""What modalities say together of one that may be missing, however many of them are there.

h = sum over the n that are there of W_n mean(x_n) / their number + b
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities
from mmjax.nn import pool
from mmjax.nn.dense import Dense


class Evidence(nn.Module):
    """Modalities [B, L_n, D], at least one, to h [B, features] and whether any is there [B]."""

    features: int

    @nn.compact
    def __call__(self, modalities: Modalities) -> tuple[jax.Array, jax.Array]:
        means = {name: pool.mean(modalities[name]) for name in sorted(modalities)}
        # A mean is 0 where there is no token, and so is what it says, without a bias.
        said = sum(Dense(self.features, use_bias=False, name=name)(one.x[:, 0]) for name, one in means.items())
        number = sum(one.mask.astype(said.dtype) for one in means.values())  # [B, 1]
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return said / jnp.maximum(number, 1) + bias.astype(said.dtype), number[:, 0] > 0
