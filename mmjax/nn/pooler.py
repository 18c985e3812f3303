"""The first token by a layer, as BERT and BEiT-3 pool: y = tanh(W norm(x_0) + b) (arXiv 1810.04805, 2208.10442)."""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.dense import Dense
from mmjax.nn.layer_norm import LayerNorm


class Pooler(nn.Module):
    """Tokens [B, L, D] to Tokens [B, 1, D], of the first."""

    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        first = Tokens.of(tokens.x[:, :1], tokens.mask[:, :1]).cleared()
        x = jnp.tanh(Dense(tokens.x.shape[-1], name="map")(LayerNorm(self.epsilon, name="norm")(first.x)))
        return first.replace(x=x)
