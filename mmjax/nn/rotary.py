"""Rotary positions: pairs of channels turned by an angle that grows with the position (Su et al. 2021, 2104.09864).

(a_i, b_i) -> (a_i cos - b_i sin, b_i cos + a_i sin) at the angle p * base ** (-i / (K / 2)), a and b the halves of K
"""

import jax
import jax.numpy as jnp
from einops import rearrange


def rotate(x: jax.Array, at: jax.Array, base: float) -> jax.Array:
    """x [B, H, L, K] turned by the positions `at`, which broadcast to [B, L]; angles are fp32, the type is kept.

    Raises:
        ValueError: K is odd.
    """
    if x.shape[-1] % 2:
        raise ValueError(f"rotary positions turn pairs of channels; a head has {x.shape[-1]}, make head_dim even")
    half = x.shape[-1] // 2
    slow = base ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = rearrange(at, "b l -> b 1 l 1") * slow
    a, b = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1).astype(x.dtype)
