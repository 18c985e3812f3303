"""Exact match of generated token sequences: a row counts where every token is right, its end included."""

import jax
import jax.numpy as jnp


def exact_match(tokens: jax.Array, target: jax.Array, mask: jax.Array, pad: int) -> jax.Array:
    """[...] bool from tokens [..., T'], target [..., T] and its mask [..., T]; after the end both hold `pad`."""
    longest = max(tokens.shape[-1], target.shape[-1])

    def fill(x: jax.Array) -> jax.Array:
        widths = [(0, 0)] * (x.ndim - 1) + [(0, longest - x.shape[-1])]
        return jnp.pad(x, widths, constant_values=pad)

    return jnp.all(fill(tokens) == fill(jnp.where(mask, target, pad)), axis=-1)
