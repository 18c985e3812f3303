"""The canonical directions of two views, from what their covariances were lately (Hotelling 1936).

L_x^-1 S_xy L_y^-T = U diag(r) V',   x' = U' L_x^-1 (x - mean x),   y' = V' L_y^-1 (y - mean y)

with S_xx = L_x L_x'. A loss such as DCCA's says nothing of which direction of one view is which of the other's: only
here can their rows be compared. r_i is the correlation of direction i.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import struct
from jax.scipy.linalg import solve_triangular

from mmjax.losses.covariances import covariances
from mmjax.losses.dcca import factor
from mmjax.losses.whole_batch import WholeBatch


@struct.dataclass
class Moments:
    """Sums of batches' means [D], [E], covariances [D, D], [D, E], [E, E] and weights [], in which old ones fade."""

    means: tuple[jax.Array, jax.Array]
    covariances: tuple[jax.Array, jax.Array, jax.Array]
    weight: jax.Array


@dataclasses.dataclass(frozen=True)
class Canonical:
    """Two views in one space of as many directions as the narrower has.

    Args:
        keep: of the moments, at each step of training.
        ridge: what is added to each variance.
    """

    keep: float = 0.95
    ridge: float = 1e-3

    def __post_init__(self):
        if not 0 <= self.keep < 1 or self.ridge <= 0:
            raise ValueError(
                f"keep is {self.keep} and ridge {self.ridge}; expected a number in [0, 1), and one above 0"
            )

    def start(self, x: jax.Array, y: jax.Array) -> Moments:
        """Before the first step, for vectors [B, D] and [B, E]."""
        d, e = x.shape[-1], y.shape[-1]
        zeros = [jnp.zeros(shape, jnp.float32) for shape in ((d,), (e,), (d, d), (d, e), (e, e), ())]
        return Moments(tuple(zeros[:2]), tuple(zeros[2:5]), zeros[5])

    def moved(self, moments: Moments, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Moments:
        """With those of another batch, of which no gradient is taken."""
        x, y = jax.lax.stop_gradient((x, y))
        means = tuple(whole.summed(jnp.sum(whole.kept(one), 0)) / jnp.maximum(whole.count, 1) for one in (x, y))
        new = Moments(means, covariances(x, y, whole), jnp.ones((), jnp.float32))
        told = whole.count > 1  # fewer rows say nothing, and fade nothing
        return jax.tree.map(lambda old, new: jnp.where(told, self.keep * old + new, old), moments, new)

    def projected(self, moments: Moments, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """x [B, D] and y [B, E] to [B, min(D, E)] each, in fp32."""
        weight = jnp.maximum(moments.weight, 1e-9)
        s_xx, s_xy, s_yy = (one / weight for one in moments.covariances)
        factors = factor(s_xx, self.ridge), factor(s_yy, self.ridge)
        half = solve_triangular(factors[0], s_xy, lower=True)
        left, _, right = jnp.linalg.svd(solve_triangular(factors[1], half.T, lower=True).T, full_matrices=False)
        found = (
            solve_triangular(one, (values - mean / weight).T, lower=True).T @ way
            for one, values, mean, way in zip(factors, (x, y), moments.means, (left, right.T), strict=True)
        )
        return tuple(found)
