"""Time in cells of equal size, as strides and patches see it: the last cell is filled up with nothing."""

import jax
import jax.numpy as jnp
from einops import reduce


def filled(x: jax.Array, size: int) -> jax.Array:
    """x [B, T, ...] with zeros (a mask: False) after it, up to a multiple of `size`."""
    rest = [(0, 0)] * (x.ndim - 2)
    return jnp.pad(x, [(0, 0), (0, -x.shape[1] % size), *rest])


def real_cells(mask: jax.Array, size: int) -> jax.Array:
    """mask [B, T] to [B, ceil(T / size)]: a cell is real where any of its steps is."""
    return reduce(filled(mask, size), "b (t s) -> b t", "any", s=size)
