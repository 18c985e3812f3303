"""Attention that chooses a modality at each time step, by the additive score of Bahdanau et al. 2015 (arXiv 1409.0473).

a_m = softmax over real m of w' tanh(W x_m + b),  y = sum_m a_m x_m

The weights a [B, L, M] leave as the map `modality`.
"""

import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned, shares
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class ModalityAttention(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is; `hidden` None is D."""

    order: tuple[str, ...]
    hidden: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        inner = jnp.tanh(Dense(self.hidden or x.shape[-1], name="inner")(x))
        score = rearrange(Dense(1, use_bias=False, name="score")(inner), "b l m 1 -> b l m")
        weights = shares(score, real)
        self.sow("maps", "modality", weights)
        y = jnp.sum(weights[..., None] * x, axis=2)
        return Tokens.of(y.astype(x.dtype), real.any(-1))
