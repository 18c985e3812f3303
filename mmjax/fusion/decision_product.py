"""The product of what the modalities' classifiers say, renormalised (the product rule of Kittler et al. 1998).

y = log p,  p proportional to prod_m softmax(x_m),  over real m
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned
from mmjax.nn.log_probabilities import log_probabilities


class DecisionProduct(nn.Module):
    """Logits of each modality [B, L or 1, C] to log probabilities as Tokens [B, L, C], real where any modality is."""

    order: tuple[str, ...]
    decides = True  # it takes what heads say of each modality

    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        # The logits of what is missing are 0: all classes alike, which a product does not feel.
        y = jnp.sum(log_probabilities(x), axis=2)
        return Tokens.of(jax.nn.log_softmax(y, axis=-1).astype(x.dtype), real.any(-1))
