"""For each class what its surest modality says of it, renormalised (the max rule of Kittler et al. 1998).

y = log p,  p proportional to max_m softmax(x_m),  over real m
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import ABSENT, aligned
from mmjax.nn.log_probabilities import log_probabilities


class DecisionMax(nn.Module):
    """Logits of each modality [B, L or 1, C] to log probabilities as Tokens [B, L, C], real where any modality is."""

    order: tuple[str, ...]
    decides = True  # it takes what heads say of each modality

    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        y = jnp.max(jnp.where(real[..., None], log_probabilities(x), ABSENT), axis=2)
        return Tokens.of(jax.nn.log_softmax(y, axis=-1).astype(x.dtype), real.any(-1))
