"""Pairs weighed by how similar they are, and others of their anchor (Wang et al. 2019, arXiv 1904.06627).

loss = mean over anchors, rows of both views, of
       ln(1 + sum over same p of exp(-a (s_p - l))) / a + ln(1 + sum over other n of exp(b (s_n - l))) / b

s are cosines. Those n count that are more similar than the least similar same one less e, and those p that are less
similar than the most similar other one plus e. a, b and e are the paper's; l is that of its authors' code.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.core.unit import unit
from mmjax.losses.log_one_more import log_one_more
from mmjax.losses.whole_batch import WholeBatch

FAR = 1e9


@dataclasses.dataclass(frozen=True)
class MultiSimilarity:
    """(x [B, D], y [B, D], whole) to the loss; anchors without a row of another group count nothing."""

    same: float = 2.0
    other: float = 50.0
    middle: float = 0.5
    margin: float = 0.1

    def __post_init__(self):
        if self.same <= 0 or self.other <= 0:
            raise ValueError(f"same is {self.same} and other {self.other}; expected numbers above 0")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        x, y = (unit(whole.kept(one)) for one in (x, y))
        return self._from(x, y, whole) + self._from(y, x, whole)

    def _from(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        same, other = whole.pairs()
        s = x @ whole.gathered(y).T
        least = jnp.min(jnp.where(same, s, FAR), axis=-1, keepdims=True)
        most = jnp.max(jnp.where(other, s, -FAR), axis=-1, keepdims=True)
        near = log_one_more(-self.same * (s - self.middle), same & (s < most + self.margin)) / self.same
        far = log_one_more(self.other * (s - self.middle), other & (s > least - self.margin)) / self.other
        return Mean.of(near + far, jnp.any(other, axis=-1))
