"""Contrast by a decision of its own for every pair (SigLIP: Zhai et al. 2023, arXiv 2303.15343).

loss = -1/B sum_ij ln sigmoid(z_ij (t x_i . y_j + b)),   z_ij = 1 where i and j belong together, else -1

This has the logits of a device's rows against all; `losses.ring_siglip` is the same, block after block.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class Siglip:
    """(unit vectors x [B, D] and y [B, D], whole, scale t and bias b) to the loss for each real row."""

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch, scale: jax.Array, bias: jax.Array) -> Mean:
        x, y = whole.kept(x), whole.kept(y)
        cost = decided(x, whole.gathered(y), *whole.pairs(), scale, bias)
        return Mean(cost, jnp.sum(whole.real, dtype=jnp.float32))


def decided(
    x: jax.Array, y: jax.Array, same: jax.Array, other: jax.Array, scale: jax.Array, bias: jax.Array
) -> jax.Array:
    """What the decisions on pairs of x [B, D] and y [N, D] that are the same or other [B, N] cost, a sum in fp32."""
    logits = scale * (x @ y.T) + bias
    return jnp.sum(jnp.where(same | other, jax.nn.softplus(jnp.where(same, -logits, logits)), 0))
