"""Pairs that belong together drawn near, others pushed apart (Hadsell, Chopra and LeCun 2006).

loss = mean over pairs of one group of d^2 + mean over pairs of different groups of max(0, m - d)^2

Means of their own, or the few pairs that belong together would not count among N^2.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.distances import distances
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class Pair:
    """(x [B, D], y [B, D], whole) to the loss over all pairs of a row of x and one of y; `margin` is m."""

    margin: float = 1.0

    def __post_init__(self):
        if self.margin <= 0:
            raise ValueError(f"margin is {self.margin}; expected a distance above 0")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        same, other = whole.pairs()
        distance = distances(whole.kept(x), whole.gathered(whole.kept(y)))
        costs = {
            "same": (same, jnp.square(distance)),
            "other": (other, jnp.square(jax.nn.relu(self.margin - distance))),
        }
        return whole.part(sum(_mean(cost, where, whole) for where, cost in costs.values()))


def _mean(values: jax.Array, where: jax.Array, whole: WholeBatch) -> jax.Array:
    """What this device has of the mean over all devices."""
    count = whole.summed(jnp.sum(where, dtype=jnp.float32))
    return jnp.sum(jnp.where(where, values, 0)) / jnp.maximum(count, 1)
