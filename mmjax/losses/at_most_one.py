"""Of some labels one holds or none: they exclude each other.

loss = -ln(prod_j (1 - p_j) + sum_i p_i prod_{j != i} (1 - p_j)) = sum_j softplus(z_j) - ln(1 + sum_i exp(z_i))

p = sigmoid(z); it is the semantic loss (Xu et al. 2018, arXiv 1711.11157) of "no two".
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.knowledge import check_knowledge
from mmjax.losses.log_one_more import log_one_more


@dataclasses.dataclass(frozen=True)
class AtMostOne:
    """Logits [B, K] of the K `labels` to [B] fp32; the loss counts `weight` times beside the error."""

    labels: tuple[str, ...]
    weight: float = 1.0

    def __post_init__(self):
        check_knowledge(self)

    def __call__(self, logits: jax.Array) -> jax.Array:
        z = logits.astype(jnp.float32)
        return jnp.sum(jax.nn.softplus(z), axis=-1) - log_one_more(z, jnp.ones(z.shape, bool))

    def kept(self, said: jax.Array) -> jax.Array:
        """Which rows of what is said of the labels, bool [N, K], keep to it: [N]."""
        return said.sum(-1) <= 1
