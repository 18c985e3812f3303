"""How far rows of two views are from each other, with gradients that are finite where they coincide."""

import jax
import jax.numpy as jnp

LEAST = 1e-12  # of a squared distance: its root has no gradient at 0


def distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Euclidean distances [B, N] fp32 between x [B, D] and y [N, D].

    By differences of the features' squares and products, which takes no [B, N, D]; what rounding makes negative is 0.
    """
    x, y = x.astype(jnp.float32), y.astype(jnp.float32)
    products = jnp.matmul(x, y.T, precision="highest")  # in TF32 near rows would be at no distance
    square = jnp.sum(x * x, axis=-1)[:, None] + jnp.sum(y * y, axis=-1) - 2 * products
    return jnp.sqrt(jnp.maximum(square, LEAST))


def own_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """[B] fp32: how far each row of x [B, D] is from that of y."""
    square = jnp.sum(jnp.square(x.astype(jnp.float32) - y.astype(jnp.float32)), axis=-1)
    return jnp.sqrt(jnp.maximum(square, LEAST))
