"""A feed-forward network over every pair of tokens.

g([x_i; x_j; c]) = relu(W_n ... relu(W_1 [x_i; x_j; c] + b_1) ... + b_n)

W_1 is applied to x_i, x_j and what conditions the pairs apart and summed: the same, and no wide layer over all pairs.
"""

from collections.abc import Mapping

import jax
from einops import rearrange
from flax import linen as nn

from mmjax.nn.dense import Dense


class PairMlp(nn.Module):
    """x [B, L, D] and conditions {name: [B, C]} to [B, L, L, hidden], the first of each pair along the second axis."""

    layers: int
    hidden: int

    @nn.compact
    def __call__(self, x: jax.Array, conditions: Mapping[str, jax.Array] | None = None) -> jax.Array:
        first = Dense(self.hidden, name="first")(x)
        for name, condition in (conditions or {}).items():
            first = first + rearrange(Dense(self.hidden, use_bias=False, name=name)(condition), "b c -> b 1 c")
        second = Dense(self.hidden, use_bias=False, name="second")(x)
        y = nn.relu(rearrange(first, "b i c -> b i 1 c") + rearrange(second, "b j c -> b 1 j c"))
        for i in range(1, self.layers):
            y = nn.relu(Dense(self.hidden, name=f"dense_{i}")(y))
        return y
