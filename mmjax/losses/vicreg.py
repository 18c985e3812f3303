"""Variance, invariance and covariance of two views (VICReg: Bardes, Ponce and LeCun 2022, arXiv 2105.04906).

loss = a mean (x - y)^2 + b (h(x) + h(y)) / 2 + c (o(x) + o(y))
h(x) = mean_i max(0, 1 - sqrt(S_ii + 1e-4)),   o(x) = sum_{i != j} S_ij^2 / D

As in the authors' code: the paper sums squares over features and does not halve h.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.mean import Mean
from mmjax.losses.covariances import covariances
from mmjax.losses.whole_batch import WholeBatch

LEAST = 1e-4  # added to variances, whose root has no bounded gradient at 0


@dataclasses.dataclass(frozen=True)
class Vicreg:
    """(x [B, D], y [B, D], whole) to the loss; its weights are a, b and c."""

    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0

    def __post_init__(self):
        if min(self.invariance, self.variance, self.covariance) < 0:
            raise ValueError(
                f"invariance is {self.invariance}, variance {self.variance} and covariance {self.covariance}; expected "
                "weights of 0 or more"
            )

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        s_xx, _, s_yy = covariances(x, y, whole)
        apart = jnp.sum(jnp.square(whole.kept(x) - whole.kept(y))) / x.shape[-1]
        apart = whole.summed(apart) / jnp.maximum(whole.count, 1)
        narrow, related = (sum(of(s) for s in (s_xx, s_yy)) for of in (_narrow, _related))
        return whole.shared(self.invariance * apart + self.variance * narrow / 2 + self.covariance * related)


def _narrow(s: jax.Array) -> jax.Array:
    return jnp.mean(jax.nn.relu(1 - jnp.sqrt(jnp.diagonal(s) + LEAST)))


def _related(s: jax.Array) -> jax.Array:
    return (jnp.sum(jnp.square(s)) - jnp.sum(jnp.square(jnp.diagonal(s)))) / len(s)
