"""Covariances of two views over the whole batch: S = sum over real rows of (x - mean x)' (y - mean y) / (n - 1).

Sums and outer products go over the devices, not covariances: that of a part has another mean.
"""

import jax
import jax.numpy as jnp

from mmjax.losses.whole_batch import WholeBatch


def covariances(x: jax.Array, y: jax.Array, whole: WholeBatch) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Of x [B, D] and y [B, E]: S_xx [D, D], S_xy [D, E] and S_yy [E, E], fp32; 0 where but one row is real."""
    x, y = centred(x, whole), centred(y, whole)
    rows = jnp.maximum(whole.count - 1, 1)
    return tuple(whole.summed(one.T @ other) / rows for one, other in ((x, x), (x, y), (y, y)))


def centred(x: jax.Array, whole: WholeBatch) -> jax.Array:
    """x [B, D] less the mean over all real rows, fp32; 0 in the others."""
    mean = whole.summed(jnp.sum(whole.kept(x), axis=0)) / jnp.maximum(whole.count, 1)
    return whole.kept(x - mean)


def check_rows(name: str, whole: WholeBatch, width: int) -> None:
    """Raises ValueError for a batch whose covariance cannot have full rank."""
    if whole.size <= width:
        raise ValueError(
            f"{name} of a batch of {whole.size} rows and {width} features: so few rows correlate whatever they are; "
            f"take a batch of more than {width}, better several times that, or fewer features"
        )
