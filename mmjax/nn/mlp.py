"""The feed-forward of a transformer: W2 gelu(W1 x + b1) + b2 (Vaswani et al. 2017; GELU: arXiv 1606.08415)."""

import jax
from flax import linen as nn

from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu


class Mlp(nn.Module):
    """x [..., D] to [..., D] through `hidden` units. `approximate` takes the tanh form of GELU."""

    hidden: int
    approximate: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inner = Dense(self.hidden, name="up")(x)
        inner = gelu(inner) if self.approximate else nn.gelu(inner, approximate=False)
        return Dense(x.shape[-1], name="down")(inner)
