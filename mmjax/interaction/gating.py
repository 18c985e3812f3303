"""Every modality's features are scaled by a gate that the others set (after MMTM: Joze et al. 2020, 1911.08670).

y_m = 2 sigmoid(W_m [mean of x_b over its tokens, for b other than m]) * x_m

MMTM squeezes all modalities, its own among them, into one vector first. There is no bias here: where all the others are
missing the gate is 1, and a modality stays as it is.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn import pool
from mmjax.nn.dense import Dense


class Gating(nn.Module):
    """Modalities [B, L_m, D] to the same."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = [one.cleared() for one in in_order(modalities, self.order)]
        if len(tokens) == 1:
            return {self.order[0]: tokens[0]}
        means = [pool.mean(one).x for one in tokens]  # [B, 1, D] each
        dim, out = tokens[0].x.shape[-1], {}
        for m, name in enumerate(self.order):
            others = jnp.concatenate([*means[:m], *means[m + 1 :]], axis=-1)
            gate = 2 * jax.nn.sigmoid(Dense(dim, use_bias=False, name=name)(others))
            out[name] = tokens[m].replace(x=gate * tokens[m].x)
        return out
