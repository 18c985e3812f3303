"""Where one label holds, another does: a cat is an animal.

loss = -ln(1 - p_A (1 - p_B)) = -ln((1 - p_A) + p_A p_B),  p = sigmoid(z)

It is the product t-norm's, and the semantic loss (Xu et al. 2018, arXiv 1711.11157) of "not A, or B".
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.knowledge import check_knowledge


@dataclasses.dataclass(frozen=True)
class Implies:
    """Logits [B, 2] of the labels `when` and `then` to [B] fp32; the loss counts `weight` times beside the error."""

    when: str
    then: str
    weight: float = 1.0

    def __post_init__(self):
        check_knowledge(self)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.when, self.then

    def __call__(self, logits: jax.Array) -> jax.Array:
        when, then = logits[:, 0].astype(jnp.float32), logits[:, 1].astype(jnp.float32)
        return -jnp.logaddexp(jax.nn.log_sigmoid(-when), jax.nn.log_sigmoid(when) + jax.nn.log_sigmoid(then))

    def kept(self, said: jax.Array) -> jax.Array:
        """Which rows of what is said of the labels, bool [N, 2], keep to it: [N]."""
        return ~said[:, 0] | said[:, 1]
