"""Pixels 0..255 as numbers in -1..1."""

import jax
import jax.numpy as jnp


def centred(values: jax.Array, mask: jax.Array) -> jax.Array:
    """values [..., H, W, C] in 0..255 with mask [...] to -1..1 of their float type (bytes: fp32); 0 where masked."""
    dtype = values.dtype if jnp.issubdtype(values.dtype, jnp.floating) else jnp.float32
    there = mask[..., None, None, None]
    return jnp.where(there, values.astype(jnp.float32) / 127.5 - 1.0, 0).astype(dtype)
