"""SigLIP's contrast, of which a device holds the logits against one device's rows at a time.

Zhai et al. 2023, arXiv 2303.15343, section 3.3.

Each device passes its block of y round and forgets the logits of its rows against it, which are made again going
backward. What it holds grows with the rows of all devices, and not with their square.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.core.partition import by_device, ring
from mmjax.losses.siglip import decided
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class RingSiglip:
    """(unit vectors x [B, D] and y [B, D], whole, scale t and bias b) to what `losses.siglip` gives."""

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch, scale: jax.Array, bias: jax.Array) -> Mean:
        rows = whole.kept(x), whole.kept(y), whole.real, whole.group
        total = by_device(_round, rows, (scale, bias), whole.axis)
        return Mean(total, jnp.sum(whole.real, dtype=jnp.float32))


def _round(axis: Any, rows: tuple[jax.Array, ...], numbers: tuple[jax.Array, jax.Array]) -> jax.Array:
    """What this device's rows of x cost against all of y."""
    x, y, real, group = rows

    @jax.checkpoint
    def block(moving: tuple[jax.Array, ...]) -> jax.Array:
        y, there, theirs = moving
        both, same = real[:, None] & there[None], group[:, None] == theirs[None]
        return decided(x, y, both & same, both & ~same, *numbers)

    return ring(block, (y, real, group), axis)
