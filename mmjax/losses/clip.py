"""Contrast by choosing the own counterpart among all rows of a batch (CLIP: Radford et al. 2021, arXiv 2103.00020).

loss = mean over i of (-ln softmax_j(t x_i . y_j)_i - ln softmax_j(t y_i . x_j)_i) / 2

Where several rows belong together each of them is right, and counts as much as the others (Yang et al. 2022, arXiv
2204.03610). Each device has the logits of its own rows against all, both ways, and not those of all against all.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.whole_batch import WholeBatch

NOTHING = -1e9  # a logit of what is no candidate: finite, for a gradient of 0


@dataclasses.dataclass(frozen=True)
class Clip:
    """(unit vectors x [B, D] and y [B, D], whole, scale t) to the loss for each real row."""

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch, scale: jax.Array) -> Mean:
        x, y = whole.kept(x), whole.kept(y)
        both = _cost(x, whole.gathered(y), scale, whole) + _cost(y, whole.gathered(x), scale, whole)
        return Mean.of(both / 2, whole.real)


def _cost(x: jax.Array, y: jax.Array, scale: jax.Array, whole: WholeBatch) -> jax.Array:
    """[B]: of x [B, D] among y [N, D]."""
    logits = jnp.where(whole.gathered(whole.real), scale * (x @ y.T), NOTHING)
    same, _ = whole.pairs()
    right = jnp.sum(jnp.where(same, logits, 0), axis=-1) / jnp.maximum(jnp.sum(same, axis=-1), 1)
    return jax.nn.logsumexp(logits, axis=-1) - right
