"""ln(1 + sum of exp(z)) over those that count, without overflow."""

import jax
import jax.numpy as jnp

NOTHING = -1e9  # finite, so that what does not count has a gradient of 0


def log_one_more(values: jax.Array, where: jax.Array) -> jax.Array:
    """[B] fp32 of values [B, N] where `where` [B, N] is True."""
    with_zero = jnp.pad(jnp.where(where, values, NOTHING), [(0, 0), (1, 0)])
    return jax.nn.logsumexp(with_zero, axis=-1)
