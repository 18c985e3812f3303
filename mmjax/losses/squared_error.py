"""Squared error: loss = mean over outputs of (y - t)^2, whose minimum is the mean of the targets."""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.per_example import matched, mean_of_known


@dataclasses.dataclass(frozen=True)
class SquaredError:
    """(prediction [B, O], target [B, O] or, where O is 1, [B]) to [B] fp32; a target that is NaN is unknown."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        prediction, target, known = matched(prediction, target)
        return mean_of_known(jnp.square(prediction - target), known)
