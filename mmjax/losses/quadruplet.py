"""A triplet, and a second margin between two rows of other groups (Chen et al. 2017, arXiv 1704.01719).

loss = mean over anchors, rows of both views, of
       max(0, m1 + d(anchor, own) - d(anchor, n)) + max(0, m2 + d(anchor, own) - d(n, k))

n is the nearest row of another group in the other view, k the nearest to n, in the anchor's view, of a third group. The
second term draws groups together in themselves, whoever the anchor is.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.distances import distances, own_distances
from mmjax.losses.mining import hardest
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class Quadruplet:
    """(x [B, D], y [B, D], whole) to the loss over anchors that have rows of two other groups; margins m1 and m2."""

    margin: float = 0.2
    second: float = 0.1

    def __post_init__(self):
        if self.margin <= 0 or self.second <= 0:
            raise ValueError(f"margin is {self.margin} and second {self.second}; expected distances above 0")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        x, y = whole.kept(x), whole.kept(y)
        return self._from(x, y, whole) + self._from(y, x, whole)

    def _from(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        _, other = whole.pairs()
        all_x, all_y, groups = whole.gathered(x), whole.gathered(y), whole.gathered(whole.group)
        own, distance = own_distances(x, y), distances(x, all_y)
        n = hardest(distance, own, other)
        between = distances(all_y[n], all_x)
        third = other & (groups[None] != groups[n][:, None])
        k = hardest(between, own, third)
        first = jax.nn.relu(self.margin + own - jnp.take_along_axis(distance, n[:, None], axis=-1)[:, 0])
        second = jax.nn.relu(self.second + own - jnp.take_along_axis(between, k[:, None], axis=-1)[:, 0])
        return Mean.of(first + second, jnp.any(other, axis=-1) & jnp.any(third, axis=-1))
