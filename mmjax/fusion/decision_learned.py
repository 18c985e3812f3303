"""A mixture of what the modalities' classifiers say, with one learned weight each (the opinion pool of Stone 1961).

y = log (sum_m w_m softmax(x_m)),  w = softmax of the learned logits over real m
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import ABSENT, aligned, shares
from mmjax.nn.log_probabilities import log_probabilities


class DecisionLearned(nn.Module):
    """Logits of each modality [B, L or 1, C] to log probabilities as Tokens [B, L, C], real where any modality is."""

    order: tuple[str, ...]
    decides = True  # it takes what heads say of each modality

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        logits = self.param("logits", nn.initializers.zeros, (len(self.order),)).astype(jnp.float32)
        self.sow("maps", "modality", shares(logits, real))
        # The weights' sum is the same for all classes, so that the last softmax divides by it.
        weighted = jnp.where(real[..., None], logits[:, None] + log_probabilities(x), ABSENT)
        y = jax.nn.log_softmax(jax.nn.logsumexp(weighted, axis=2), axis=-1)
        return Tokens.of(y.astype(x.dtype), real.any(-1))
