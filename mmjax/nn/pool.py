"""The mean of a sequence's real tokens.

y = sum of x_l over real l / their number,  in fp32
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Tokens


class Pool(nn.Module):
    """Tokens [B, L, D] to Tokens [B, 1, D]; a row without a real token gives zeros, and is not real."""

    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        return mean(tokens)


def mean(tokens: Tokens) -> Tokens:
    """Tokens [B, L, D] to Tokens [B, 1, D], their mean."""
    x = jnp.sum(tokens.cleared().x, axis=1, keepdims=True, dtype=jnp.float32)
    number = jnp.maximum(jnp.sum(tokens.mask, axis=1), 1)
    return Tokens.of((x / number[:, None, None]).astype(tokens.x.dtype), jnp.any(tokens.mask, axis=1, keepdims=True))
