"""Contrast by a decision of its own for every pair (SigLIP: Zhai et al. 2023, arXiv 2303.15343).

loss = -1/B sum_ij ln sigmoid(z_ij (t x_i . y_j + b)),   z_ij = 1 where i = j, else -1

`siglip` has the logits of this device's rows against all. `ring_siglip` never has more than those of its rows against
another device's: each device passes its block of y on and forgets the logits, which are made again going backward. What
it holds grows with the rows of all devices, and not with their square.
"""

from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.core.partition import by_device, place, ring
from mmjax.losses.whole_batch import WholeBatch


def siglip(x: jax.Array, y: jax.Array, scale: jax.Array, bias: jax.Array, whole: WholeBatch) -> Mean:
    """Of unit vectors x [B, D] and y [B, D], and scalars t and b: the loss for each real row."""
    x, y = whole.kept(x), whole.kept(y)
    start = place(whole.axis) * len(x)
    own = jnp.arange(whole.size)[None] == start + jnp.arange(len(x))[:, None]
    there = whole.real[:, None] & whole.gathered(whole.real)[None]
    return Mean(_cost(x, whole.gathered(y), own, there, scale, bias), jnp.sum(whole.real, dtype=jnp.float32))


def ring_siglip(x: jax.Array, y: jax.Array, scale: jax.Array, bias: jax.Array, whole: WholeBatch) -> Mean:
    """The same as `siglip`, block after block."""
    total = by_device(_round, (whole.kept(x), whole.kept(y), whole.real), (scale, bias), whole.axis)
    return Mean(total, jnp.sum(whole.real, dtype=jnp.float32))


def _round(axis: Any, rows: tuple[jax.Array, ...], numbers: tuple[jax.Array, jax.Array]) -> jax.Array:
    """What this device's rows of x cost against all of y."""
    x, y, real = rows

    @jax.checkpoint
    def block(moving: tuple[jax.Array, jax.Array], own: jax.Array) -> jax.Array:
        y, there = moving
        return _cost(x, y, own & jnp.eye(len(x), dtype=bool), real[:, None] & there[None], *numbers)

    return ring(block, (y, real), axis)


def _cost(x: jax.Array, y: jax.Array, own: jax.Array, there: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    """The sum over pairs [B, N] that are `there`, fp32."""
    logits = scale * (x @ y.T) + bias
    return jnp.sum(jnp.where(there, jax.nn.softplus(jnp.where(own, -logits, logits)), 0))
