"""Every row of another group at once against the own counterpart, by products and not by cosines (Sohn 2016).

loss = mean over anchors, rows of both views, of ln(1 + sum over other n of exp(s_n - s_own)) + w |anchor|^2

It is the contrast of CLIP without a temperature, where lengths do what that does: the weight keeps them small.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.log_one_more import log_one_more
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class NPair:
    """(x [B, D], y [B, D], whole) to the loss over anchors that have a row of another group; `length` is w."""

    length: float = 2e-3

    def __post_init__(self):
        if self.length < 0:
            raise ValueError(f"length is {self.length}; expected a weight of 0 or more")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        x, y = whole.kept(x), whole.kept(y)
        return self._from(x, y, whole) + self._from(y, x, whole)

    def _from(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        _, other = whole.pairs()
        own = jnp.sum(x * y, axis=-1, keepdims=True)
        cost = log_one_more(x @ whole.gathered(y).T - own, other) + self.length * jnp.sum(jnp.square(x), axis=-1)
        return Mean.of(cost, jnp.any(other, axis=-1))
