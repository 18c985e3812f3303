"""What tokens say, one after the other, as predictions: for encoders whose numbers mean something of themselves.

y = [x_1; ...; x_L],  x_l = 0 where nothing is real
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_sizes


class Flatten(nn.Module):
    """The first `length` of Tokens [B, L, D] to numbers [B, length D] fp32."""

    length: int

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "length")

    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        """Raises ValueError for fewer tokens than that."""
        if tokens.x.shape[1] < self.length:
            raise ValueError(f"length is {self.length}, but there are {tokens.x.shape[1]} tokens; set it to as many")
        return rearrange(tokens.cleared().x[:, : self.length].astype(jnp.float32), "b l d -> b (l d)")
