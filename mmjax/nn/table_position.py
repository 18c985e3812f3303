"""Learned positions of a sequence: one vector for each place, added to its token (Devlin et al. 2019, 1810.04805)."""

import jax
import jax.numpy as jnp
from flax import linen as nn


class TablePosition(nn.Module):
    """x [B, L, D] + those of `length` vectors that `at` [B, L] names, or the first L.

    They start with standard deviation D ** -0.5.

    Raises:
        ValueError: a sequence longer than the table.
    """

    length: int

    @nn.compact
    def __call__(self, x: jax.Array, at: jax.Array | None = None) -> jax.Array:
        if at is None and x.shape[1] > self.length:
            raise ValueError(
                f"there are positions for {self.length} tokens, but {x.shape[1]} are given; raise length or cut them"
            )
        start = nn.initializers.normal(x.shape[-1] ** -0.5)
        table = self.param("table", start, (self.length, x.shape[-1]))
        return x + (table[: x.shape[1]] if at is None else jnp.take(table, at, axis=0, mode="clip"))
