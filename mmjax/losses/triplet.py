"""A row nearer to its own counterpart than to any other row of the other view, by a margin.

loss = mean over anchors, rows of both views, of max(0, m + d(anchor, own) - d(anchor, n))

n is one row of another group, mined among the rows of all devices: the hardest (VSE++: Faghri et al. 2018, arXiv
1707.05612) or a semi-hard one (FaceNet: Schroff, Kalenichenko and Philbin 2015, arXiv 1503.03832).
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.distances import distances, own_distances
from mmjax.losses.mining import hardest, semi_hard
from mmjax.losses.whole_batch import WholeBatch

MINERS = {"hardest": hardest, "semi_hard": semi_hard}


@dataclasses.dataclass(frozen=True)
class Triplet:
    """(x [B, D], y [B, D], whole) to the loss over anchors that have a row of another group.

    Args:
        margin: m.
        mine: "hardest", the nearest of them, or "semi_hard", the nearest of those farther than the own counterpart.
    """

    margin: float = 0.2
    mine: Literal["hardest", "semi_hard"] = "semi_hard"

    def __post_init__(self):
        if self.margin <= 0:
            raise ValueError(f"margin is {self.margin}; expected a distance above 0")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        x, y = whole.kept(x), whole.kept(y)
        return self._from(x, y, whole) + self._from(y, x, whole)

    def _from(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        _, other = whole.pairs()
        own, distance = own_distances(x, y), distances(x, whole.gathered(y))
        place = jax.lax.stop_gradient(MINERS[self.mine](distance, own, other))
        chosen = jnp.take_along_axis(distance, place[:, None], axis=-1)[:, 0]
        return Mean.of(jax.nn.relu(self.margin + own - chosen), jnp.any(other, axis=-1))
