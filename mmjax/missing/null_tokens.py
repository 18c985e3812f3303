"""A learned token stands in place of a modality that is missing.

y_m = [n_m] where modality m is missing and another one is there, else x_m;  n_m learned

It is real, so that an op that mixes features sees it; one that mixes position by position does in its first position
alone, unless the modality is pooled before. Where attention reads the modalities, the mask is enough without a token.
Nothing learns n_m unless rows lack the modality: in the data, or by `missing.modality_dropout`.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn.aligned import any_real
from mmjax.nn.filled import filled


class NullTokens(nn.Module):
    """Modalities [B, L_m, D] to the same, where a missing one has one token; a row of nothing stays so."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = in_order(modalities, self.order)
        known = any_real(tokens)[:, 0]
        rows, _, dim = tokens[0].x.shape
        found = {}
        for name, one in zip(self.order, tokens, strict=True):
            token = self.param(name, nn.initializers.normal(0.02), (dim,))
            found[name] = filled(one, jnp.broadcast_to(token, (rows, dim)), known)
        return found
