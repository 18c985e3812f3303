"""Gated multimodal unit: a gate for each feature chooses a modality (Arevalo et al. 2017, arXiv 1702.01992).

h_m = tanh(W_m x_m),  y = sum_m z_m * h_m,  z = softmax over real m of (g_1, ..., g_{M-1}, 0),  g = W_z [x_1, ..., x_M]

With two modalities that is the paper's z * h_1 + (1 - z) * h_2, z = sigmoid(W_z [x_1, x_2]), without biases as there.
"""

import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned, shares
from mmjax.nn.dense import Dense


class Gated(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        dim, last = x.shape[-1], len(self.order) - 1
        hidden = [Dense(dim, use_bias=False, name=f"{name}_hidden")(x[:, :, m]) for m, name in enumerate(self.order)]
        gates = jnp.zeros_like(x)
        if last:  # one modality alone has no gate
            given = Dense(last * dim, use_bias=False, name="gate")(rearrange(x, "b l m d -> b l (m d)"))
            gates = gates.at[:, :, :last].set(rearrange(given, "b l (m d) -> b l m d", d=dim))
        weights = shares(gates, real[..., None], axis=2)
        self.sow("maps", "modality", jnp.mean(weights, axis=-1))
        y = jnp.sum(weights * jnp.tanh(jnp.stack(hidden, axis=2)), axis=2)
        return Tokens.of(y.astype(x.dtype), real.any(-1))
