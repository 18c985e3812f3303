"""Fixed positions on a grid: sines and cosines of x and y at geometric frequencies (Vaswani 2017 in two dimensions).

Half of the width is for each axis: [sin(y w_i), cos(y w_i), sin(x w_i), cos(x w_i)], w_i = temperature ** -(i / n).
"""

import jax
import numpy as np
from flax import linen as nn


class SinePosition(nn.Module):
    """x [B, h, w, D] + a fixed table; D is a multiple of 4. It has no parameters and fits any grid."""

    temperature: float = 10_000.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return x + sine_table(x.shape[1], x.shape[2], x.shape[3], self.temperature).astype(x.dtype)


def sine_table(height: int, width: int, dim: int, temperature: float) -> np.ndarray:
    """[height, width, dim] fp32.

    Raises:
        ValueError: dim is no multiple of 4.
    """
    if dim % 4:
        raise ValueError(f"sine positions on a grid take a width that is a multiple of 4, given {dim}")
    frequency = temperature ** -(np.arange(dim // 4) / (dim // 4))
    y, x = (np.arange(n)[:, None] * frequency for n in (height, width))
    waves = [np.broadcast_to(f(y)[:, None], (height, width, dim // 4)) for f in (np.sin, np.cos)]
    waves += [np.broadcast_to(f(x)[None], (height, width, dim // 4)) for f in (np.sin, np.cos)]
    return np.concatenate(waves, axis=-1).astype(np.float32)
