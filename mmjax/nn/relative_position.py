"""T5's relative position bias: a learned number for each head and bucket of distances (Raffel et al. 2020, 1910.10683).

Half of the buckets (of each side, where both sides are seen) hold one distance each; the others grow as the logarithm
up to `distance`, and the last holds all that is farther.
"""

import math

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn


def bucket(offset: jax.Array, buckets: int, distance: int, both_sides: bool) -> jax.Array:
    """The bucket of each offset = key position - query position, int32 of the same shape.

    Without `both_sides` (a causal decoder) all keys that come later share bucket 0 with the query's own place.
    """
    start = jnp.zeros_like(offset)
    if both_sides:
        buckets //= 2
        start = jnp.where(offset > 0, buckets, 0)
        away = jnp.abs(offset)
    else:
        away = jnp.maximum(-offset, 0)
    exact = buckets // 2
    growth = jnp.log(jnp.maximum(away, 1) / exact) / math.log(distance / exact)
    grown = exact + (growth * (buckets - exact)).astype(jnp.int32)
    return start + jnp.where(away < exact, away, jnp.minimum(grown, buckets - 1))


class RelativePosition(nn.Module):
    """Bias [1, H, L, S] for query positions [L] and key positions [S]."""

    heads: int
    both_sides: bool
    buckets: int = 32
    distance: int = 128

    @nn.compact
    def __call__(self, queries: jax.Array, keys: jax.Array) -> jax.Array:
        table = nn.Embed(self.buckets, self.heads, name="table", embedding_init=nn.initializers.normal(0.1))
        offset = keys[None, :] - queries[:, None]
        bias = table(bucket(offset, self.buckets, self.distance, self.both_sides))
        return rearrange(bias, "l s h -> 1 h l s")
