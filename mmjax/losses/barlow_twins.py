"""Redundancy reduction between two views (Barlow Twins: Zbontar et al. 2021, arXiv 2103.03230).

R = correlations of the features of x with those of y,   loss = sum_i (1 - R_ii)^2 + w sum_{i != j} R_ij^2
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.covariances import covariances
from mmjax.losses.whole_batch import WholeBatch

LEAST = 1e-5  # added to variances: a feature that is constant correlates with nothing


@dataclasses.dataclass(frozen=True)
class BarlowTwins:
    """(x [B, D], y [B, D], whole) to the loss; `redundancy` is w."""

    redundancy: float = 5e-3

    def __post_init__(self):
        if self.redundancy < 0:
            raise ValueError(f"redundancy is {self.redundancy}; expected a weight of 0 or more, such as 5e-3")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        s_xx, s_xy, s_yy = covariances(x, y, whole)
        deviations = [jnp.sqrt(jnp.diagonal(s) + LEAST) for s in (s_xx, s_yy)]
        correlation = s_xy / jnp.outer(*deviations)
        own = jnp.diagonal(correlation)
        off = jnp.sum(jnp.square(correlation)) - jnp.sum(jnp.square(own))
        return whole.shared(jnp.sum(jnp.square(1 - own)) + self.redundancy * off)
