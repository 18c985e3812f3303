"""One vector of features as one token, by a feed-forward network: x = norm(W2 gelu(W1 v + b1) + b2)."""

import jax
import jax.numpy as jnp
from einops import repeat
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.layer_norm import LayerNorm


class Vector(nn.Module):
    """Features [B, C] with mask [B] to Tokens [B, 1, dim] through `hidden` units, None for 4 dim."""

    dim: int
    hidden: int | None = None
    dropout: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B | C")
        x = jnp.where(mask[:, None], values, 0).astype(computing(self))
        x = gelu(Dense(self.hidden or 4 * self.dim, name="up")(x))
        x = Dense(self.dim, name="down")(nn.Dropout(self.dropout, deterministic=not train)(x))
        return Tokens.of(repeat(LayerNorm(name="norm")(x), "b d -> b 1 d"), repeat(mask, "b -> b 1"))
