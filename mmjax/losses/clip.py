"""Contrast by choosing the own counterpart among all rows of a batch (CLIP: Radford et al. 2021, arXiv 2103.00020).

loss = mean over i of (-ln softmax_j(t x_i . y_j)_i - ln softmax_j(t y_i . x_j)_i) / 2

Each device has the logits of its own rows against all, both ways, and not those of all against all.
"""

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.core.partition import place
from mmjax.losses.whole_batch import WholeBatch

NOTHING = -1e9  # a logit of what is no candidate: finite, for a gradient of 0


def clip(x: jax.Array, y: jax.Array, scale: jax.Array, whole: WholeBatch) -> Mean:
    """Of unit vectors x [B, D] and y [B, D], and a scalar t: the loss for each real row."""
    x, y = whole.kept(x), whole.kept(y)
    both = _cost(x, whole.gathered(y), scale, whole) + _cost(y, whole.gathered(x), scale, whole)
    return Mean.of(both / 2, whole.real)


def _cost(x: jax.Array, y: jax.Array, scale: jax.Array, whole: WholeBatch) -> jax.Array:
    """[B]: of x [B, D] among y [N, D]."""
    logits = jnp.where(whole.gathered(whole.real), scale * (x @ y.T), NOTHING)
    own = place(whole.axis) * len(x) + jnp.arange(len(x))
    return jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, own[:, None], axis=-1)[:, 0]
