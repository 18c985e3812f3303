"""Of some labels just one holds: the semantic loss of "exactly one" (Xu et al. 2018, arXiv 1711.11157).

loss = -ln sum_i p_i prod_{j != i} (1 - p_j) = sum_j softplus(z_j) - logsumexp(z),  p = sigmoid(z)
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.knowledge import check_knowledge


@dataclasses.dataclass(frozen=True)
class OneOf:
    """Logits [B, K] of the K `labels` to [B] fp32; the loss counts `weight` times beside the error."""

    labels: tuple[str, ...]
    weight: float = 1.0

    def __post_init__(self):
        check_knowledge(self)

    def __call__(self, logits: jax.Array) -> jax.Array:
        z = logits.astype(jnp.float32)
        return jnp.sum(jax.nn.softplus(z), axis=-1) - jax.nn.logsumexp(z, axis=-1)

    def kept(self, said: jax.Array) -> jax.Array:
        """Which rows of what is said of the labels, bool [N, K], keep to it: [N]."""
        return said.sum(-1) == 1
