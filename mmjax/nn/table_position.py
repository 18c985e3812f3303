"""Learned positions of a sequence: one vector for each place, added to its token (Devlin et al. 2019, 1810.04805)."""

import jax
from flax import linen as nn


class TablePosition(nn.Module):
    """x [B, L, D] + the first L of `length` vectors; they start with standard deviation D ** -0.5.

    Raises:
        ValueError: a sequence longer than the table.
    """

    length: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if x.shape[1] > self.length:
            raise ValueError(
                f"there are positions for {self.length} tokens, but {x.shape[1]} are given; raise length or cut them"
            )
        start = nn.initializers.normal(x.shape[-1] ** -0.5)
        return x + self.param("table", start, (self.length, x.shape[-1]))[: x.shape[1]]
