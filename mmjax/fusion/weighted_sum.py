"""A weighted mean of the modalities with one learned weight each.

y = sum_m w_m x_m,  w = softmax of the learned logits over the modalities that are real there
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned, shares


class WeightedSum(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is; it starts as their mean."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        weights = shares(self.param("logits", nn.initializers.zeros, (len(self.order),)), real)
        self.sow("maps", "modality", weights)
        y = jnp.sum(weights[..., None] * x, axis=2)
        return Tokens.of(y.astype(x.dtype), real.any(-1))
