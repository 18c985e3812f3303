"""One vector of features for each example: the mean of its real tokens, and a layer over it where one is wanted.

x = sum_l m_l x_l / max(sum_l m_l, 1),   h = gelu(W x + b)

Every head here is one with something after it. What is pooled is small, so that everything from here on is fp32.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu
from mmjax.nn.pool import mean


class Features(nn.Module, kw_only=True):
    """Tokens [B, L, D] to [B, hidden] fp32, or to [B, D] where `hidden` is None.

    `pool`, Tokens to Tokens of L = 1, stands in place of the mean. `dropout` acts on what is given out. An example
    without a real token has the features of a zero vector.
    """

    hidden: int | None = None
    dropout: float = 0.0
    pool: nn.Module | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        if self.pool is not None:
            tokens = self.pool(tokens, train=train)
            if tokens.x.shape[1] != 1:
                raise ValueError(
                    f"pool gives {tokens.x.shape[1]} tokens an example; expected 1, or no pool for the mean of them"
                )
        x = mean(tokens.replace(x=tokens.x.astype(jnp.float32))).x[:, 0]
        if self.hidden is not None:
            x = gelu(Dense(self.hidden, name="hidden")(x))
        return nn.Dropout(self.dropout, deterministic=not train)(x)
