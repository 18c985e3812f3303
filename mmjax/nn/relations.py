"""A trunk that tells each token how it stands to every other one (Battaglia et al. 2016, arXiv 1612.00222).

y_i = norm(x_i + W_2 relu(W_1 [x_i; mean over real j of g([x_i; x_j])] + b_1) + b_2),  g of nn.pair_mlp

A round tells how far the nearest other token is, the next one which it is: by what both know of their own.
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.pair_mlp import PairMlp


class Relations(nn.Module):
    """Tokens [B, L, D] to Tokens [B, L, D] in `rounds`; in each `layers` of `hidden` units (None: D) see every pair."""

    rounds: int = 2
    layers: int = 2
    hidden: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "rounds")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        x, dim = tokens.cleared().x, tokens.x.shape[-1]
        real = tokens.mask[:, None, :, None]
        number = jnp.maximum(jnp.sum(real, axis=2), 1)
        for i in range(self.rounds):
            pairs = PairMlp(self.layers, self.hidden or dim, name=f"pairs_{i}")(x)
            total = jnp.sum(jnp.where(real, pairs, 0), axis=2, dtype=jnp.float32)
            seen = jnp.concatenate([x, (total / number).astype(x.dtype)], axis=-1)
            x = x + Dense(dim, name=f"down_{i}")(nn.relu(Dense(2 * dim, name=f"up_{i}")(seen)))
            x = LayerNorm(name=f"norm_{i}")(x)
        return tokens.replace(x=x)
