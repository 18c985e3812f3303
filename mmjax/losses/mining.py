"""Which rows of the other view stand for all that do not belong to an anchor."""

import jax
import jax.numpy as jnp

FAR = 1e9  # farther than anything: finite, so that what is masked has a gradient of 0


def hardest(distance: jax.Array, own: jax.Array, other: jax.Array) -> jax.Array:
    """[B]: where the nearest row stands among [B, N] that are `other` (VSE++: Faghri et al. 2018, arXiv 1707.05612)."""
    return jnp.argmin(jnp.where(other, distance, FAR), axis=-1)


def semi_hard(distance: jax.Array, own: jax.Array, other: jax.Array) -> jax.Array:
    """[B]: the nearest of those farther than `own` [B]; where none is, the farthest (FaceNet: Schroff et al. 2015)."""
    beyond = other & (distance > own[:, None])
    nearest = jnp.argmin(jnp.where(beyond, distance, FAR), axis=-1)
    farthest = jnp.argmax(jnp.where(other, distance, -FAR), axis=-1)
    return jnp.where(jnp.any(beyond, axis=-1), nearest, farthest)
