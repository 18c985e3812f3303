"""Stochastic depth: a branch is left out for an example, and stands for itself on the mean (arXiv 1603.09382).

y = x + b f(x) / (1 - rate),   b = 0 with probability `rate`, of its own for each example
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def drop_path(key: jax.Array, branches: Sequence[jax.Array], rate: jax.Array) -> list[jax.Array]:
    """What is added of branches [B, ...] of the same examples: all of them, or none; `rate` is a number in [0, 1)."""
    kept = jax.random.bernoulli(key, 1 - rate, branches[0].shape[:1])
    scale = jnp.where(kept, 1 / (1 - rate), 0)
    return [one * scale.reshape(-1, *(1,) * (one.ndim - 1)).astype(one.dtype) for one in branches]
