"""Pixels 0..255 as numbers in -1..1."""

import jax
import jax.numpy as jnp


def centred(values: jax.Array, mask: jax.Array) -> jax.Array:
    """values [..., H, W, C] in 0..255 with mask [...] to -1..1 in fp32; 0 where masked."""
    return jnp.where(mask[..., None, None, None], values.astype(jnp.float32) / 127.5 - 1.0, 0)
