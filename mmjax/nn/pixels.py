"""Pixels 0..255 as numbers in -1..1, and back."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


def centred(values: jax.Array, mask: jax.Array) -> jax.Array:
    """values [..., H, W, C] in 0..255 with mask [...] to -1..1 in fp32; 0 where masked."""
    return jnp.where(mask[..., None, None, None], values.astype(jnp.float32) / 127.5 - 1.0, 0)


def standard(values: jax.Array, mask: jax.Array, channels: Sequence[tuple[float, float]]) -> jax.Array:
    """values [..., H, W, C] in 0..255 by the (mean, deviation) of each channel in 0..1, in fp32; 0 where masked."""
    mean, deviation = np.array(channels, np.float32).T
    scaled = (values.astype(jnp.float32) / 255 - mean) / deviation
    return jnp.where(mask[..., None, None, None], scaled, 0)


def shades(values: np.ndarray) -> np.ndarray:
    """values of any shape in -1..1, what is beyond cut, to uint8 in 0..255, on the host."""
    return np.clip((values + 1) * 127.5, 0, 255).round().astype(np.uint8)
