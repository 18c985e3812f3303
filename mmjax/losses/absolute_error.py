"""Absolute error: loss = mean over outputs of |y - t|, whose minimum is the median of the targets."""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.per_example import matched, mean_of_known


@dataclasses.dataclass(frozen=True)
class AbsoluteError:
    """(prediction [B, O], target [B, O] or, where O is 1, [B]) to [B] fp32; a target that is NaN is unknown."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        prediction, target, known = matched(prediction, target)
        return mean_of_known(jnp.abs(prediction - target), known)
