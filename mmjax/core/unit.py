"""Vectors brought to length 1, with finite gradients: u = x / |x|."""

import jax
import jax.numpy as jnp

LEAST = 1e-12  # the square of a length below which a vector has no direction


def unit(x: jax.Array) -> jax.Array:
    """[..., D] fp32 of length 1 along the last axis; a zero vector stays one."""
    x = x.astype(jnp.float32)
    square = jnp.sum(jnp.square(x), axis=-1, keepdims=True)
    # The gradient of a zero vector's length would have no bound.
    return x * jax.lax.rsqrt(jnp.where(square > LEAST, square, 1))
