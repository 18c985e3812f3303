"""Fixed positions in time: sines and cosines at geometric frequencies (Vaswani et al. 2017, arXiv 1706.03762).

[sin(t w_i), cos(t w_i)],  w_i = temperature ** -(i / n),  n = D / 2

Times may be any numbers, not only the places 0, 1, 2, ...
"""

import jax
import jax.numpy as jnp
from flax import linen as nn


class TimePosition(nn.Module):
    """x [B, L, D] + the waves of the times `at` [B, L], or of 0, 1, ..., L - 1; D is even. It has no parameters."""

    temperature: float = 10_000.0

    @nn.compact
    def __call__(self, x: jax.Array, at: jax.Array | None = None) -> jax.Array:
        at = jnp.arange(x.shape[1])[None] if at is None else at
        return x + time_waves(at, x.shape[-1], self.temperature).astype(x.dtype)


def time_waves(at: jax.Array, dim: int, temperature: float) -> jax.Array:
    """[..., dim] fp32 of times [...].

    Raises:
        ValueError: dim is odd.
    """
    if dim % 2:
        raise ValueError(f"positions in time take an even width, given {dim}")
    half = dim // 2
    phase = at.astype(jnp.float32)[..., None] * temperature ** -(jnp.arange(half) / half)
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], axis=-1)
