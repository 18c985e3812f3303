"""Pixels 0..255 as numbers in -1..1, and back."""

import jax
import jax.numpy as jnp
import numpy as np


def centred(values: jax.Array, mask: jax.Array) -> jax.Array:
    """values [..., H, W, C] in 0..255 with mask [...] to -1..1 in fp32; 0 where masked."""
    return jnp.where(mask[..., None, None, None], values.astype(jnp.float32) / 127.5 - 1.0, 0)


def shades(values: np.ndarray) -> np.ndarray:
    """values of any shape in -1..1, what is beyond cut, to uint8 in 0..255, on the host."""
    return np.clip((values + 1) * 127.5, 0, 255).round().astype(np.uint8)
