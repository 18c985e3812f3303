"""A whole sequence as one token: all its places side by side, and a linear map back to their width.

y = W [x_1; ...; x_L] + b,  x_l = 0 where nothing is real
"""

from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.dense import Dense


class Flatten(nn.Module):
    """Tokens [B, L, D] to Tokens [B, 1, D], real where any was; unlike a mean it knows what stood where."""

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        x = rearrange(tokens.cleared().x, "b l d -> b 1 (l d)")
        return Tokens.of(Dense(tokens.x.shape[-1], name="out")(x), tokens.mask.any(axis=1, keepdims=True))
