"""A mean kept as (total, count), so that masks, microbatches and devices add up to the right value.

value = sum of totals / sum of counts
"""

import jax
import jax.numpy as jnp
from flax import struct


@struct.dataclass
class Mean:
    """total and count, fp32 scalars; two Means add."""

    total: jax.Array
    count: jax.Array

    @classmethod
    def of(cls, values: jax.Array, mask: jax.Array) -> "Mean":
        """Of the values (any shape) where the mask (the same shape) is True; what is masked may be NaN."""
        return cls(
            total=jnp.sum(jnp.where(mask, values, 0).astype(jnp.float32)),
            count=jnp.sum(mask, dtype=jnp.float32),
        )

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)

    @property
    def value(self) -> jax.Array:
        """total / count, and 0 where nothing was counted."""
        return self.total / jnp.where(self.count == 0, 1, self.count)
