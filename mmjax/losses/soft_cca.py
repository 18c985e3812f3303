"""Two views drawn together, whose features are kept apart by a running mean (Chang, Xiang and Hospedales 2018, arXiv
1707.09669; "Soft CCA", not the stochastic method of Wang et al. 2015 that is called SDCCA too).

C_t = a C_{t-1} + C,   c_t = a c_{t-1} + 1,   d = sum_{i != j} |C_t / c_t|_ij
loss = mean |x - y|^2 / 2 + w (d_x + d_y), of features of mean 0 and variance 1, whose covariances in the batch are C

What was before is a constant to the gradient: a batch may be smaller than the features are wide.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import struct

from mmjax.core.mean import Mean
from mmjax.losses.covariances import centred
from mmjax.losses.whole_batch import WholeBatch

LEAST = 1e-5  # added to variances


@struct.dataclass
class Running:
    """C_t of x [D, D] and of y [E, E], and c_t []."""

    x: jax.Array
    y: jax.Array
    weight: jax.Array


@dataclasses.dataclass(frozen=True)
class SoftCca:
    """(x [B, D], y [B, D], whole, running) to (the loss, running of the next step).

    Args:
        decorrelation: w.
        keep: a, what is kept of the covariances at each step.
    """

    decorrelation: float = 0.1
    keep: float = 0.9

    def __post_init__(self):
        if self.decorrelation < 0 or not 0 <= self.keep < 1:
            raise ValueError(
                f"decorrelation is {self.decorrelation} and keep {self.keep}; expected a weight of 0 or more, and a "
                "number in [0, 1)"
            )

    def start(self, x: jax.Array, y: jax.Array) -> Running:
        """Before the first step, for vectors [B, D] and [B, D]."""
        zeros = [jnp.zeros((one.shape[-1],) * 2, jnp.float32) for one in (x, y)]
        return Running(*zeros, jnp.zeros((), jnp.float32))

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch, running: Running) -> tuple[Mean, Running]:
        x, y = _normalised(x, whole), _normalised(y, whole)
        count = jnp.maximum(whole.count, 1)
        apart = whole.summed(jnp.sum(jnp.square(x - y))) / count / 2
        weight = self.keep * running.weight + 1
        found = [
            self.keep * jax.lax.stop_gradient(before) + whole.summed(one.T @ one) / jnp.maximum(count - 1, 1)
            for before, one in ((running.x, x), (running.y, y))
        ]
        related = sum(jnp.sum(jnp.abs(one)) - jnp.trace(jnp.abs(one)) for one in found) / weight
        after = jax.lax.stop_gradient(Running(*found, weight))
        return whole.shared(apart + self.decorrelation * related), after


def _normalised(x: jax.Array, whole: WholeBatch) -> jax.Array:
    """x [B, D] with mean 0 and variance 1 over the real rows, 0 in the others."""
    x = centred(x, whole)
    variance = whole.summed(jnp.sum(jnp.square(x), axis=0)) / jnp.maximum(whole.count - 1, 1)
    return x * jax.lax.rsqrt(variance + LEAST)
