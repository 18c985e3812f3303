"""Negative log-likelihood of one of C classes in order, by the thresholds between them (McCullagh 1980).

loss = -ln(sigmoid(z_{y-1}) - sigmoid(z_y)),   sigmoid(z_{-1}) = 1, sigmoid(z_{C-1}) = 0
     = softplus(-z_{y-1}) + softplus(z_y) - ln(1 - exp(z_y - z_{y-1}))

The second form keeps its digits where both sigmoids are near 0 or near 1.
"""

import dataclasses

import jax
import jax.numpy as jnp

LEAST = 1e-6  # between two thresholds, so that the logarithm of what lies between them is finite


@dataclasses.dataclass(frozen=True)
class CumulativeLink:
    """(falling logits [B, C - 1] of a class above k, class [B] int) to [B] fp32; a class below 0 costs 0."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        logits, classes = prediction.astype(jnp.float32), prediction.shape[-1] + 1
        # -ln of what the thresholds below and above a class leave; at the ends there is but one of them.
        nothing = jnp.zeros_like(logits[:, :1])
        below = jnp.concatenate([nothing, jax.nn.softplus(-logits)], axis=-1)
        above = jnp.concatenate([jax.nn.softplus(logits), nothing], axis=-1)
        between = -jnp.log(-jnp.expm1(-jnp.maximum(logits[:, :-1] - logits[:, 1:], LEAST)))
        between = jnp.pad(between, [(0, 0), (1, 1)]) if classes > 2 else jnp.zeros_like(below)
        index = jnp.maximum(target, 0)[:, None]
        cost = jnp.take_along_axis(below + above + between, index, axis=-1)[:, 0]
        return jnp.where(target >= 0, cost, 0)
