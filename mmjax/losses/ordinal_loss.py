"""Classes in order as C - 1 questions, "is it above k?" (CORAL: Cao, Mirjalili and Raschka 2019, arXiv 1901.07884).

loss = sum over k of  [y > k] softplus(-z_k) + [y <= k] softplus(z_k)

Being far off costs more than being off by one. `losses.cumulative_link` is the likelihood of the same model.
"""

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class OrdinalLoss:
    """(logits [B, C - 1] of a class above k, class [B] int) to [B] fp32; a class below 0 is unknown and costs 0."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        logits, above = prediction.astype(jnp.float32), target[:, None] > jnp.arange(prediction.shape[-1])
        cost = jnp.sum(jax.nn.softplus(jnp.where(above, -logits, logits)), axis=-1)
        return jnp.where(target >= 0, cost, 0)
