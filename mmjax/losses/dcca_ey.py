"""Canonical correlation analysis without an inverse (Chapman, Lawry Aguila and Wells 2024, arXiv 2310.01012).

C = S_xy + S_yx,   V = S_xx + S_yy,   loss = -2 tr C + tr V V

By the theorem of Eckart and Young its least value over linear maps is reached by canonical directions, and by any
rotation of them. Nothing is inverted: a batch may be smaller than the features are wide.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.covariances import covariances
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class DccaEy:
    """(x [B, D], y [B, D], whole) to the loss, of any sign."""

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        s_xx, s_xy, s_yy = covariances(x, y, whole)
        return whole.shared(jnp.sum(jnp.square(s_xx + s_yy)) - 4 * jnp.trace(s_xy))
