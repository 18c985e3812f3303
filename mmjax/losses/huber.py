"""Huber's loss: squared for small errors, absolute for large ones, so that outliers do not rule (Huber 1964).

loss = mean over outputs of  e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2),   e = y - t
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.losses.per_example import matched, mean_of_known


@dataclasses.dataclass(frozen=True)
class Huber:
    """(prediction [B, O], target [B, O] or, where O is 1, [B]) to [B] fp32; a target that is NaN is unknown."""

    delta: float = 1.0

    def __post_init__(self):
        if self.delta <= 0:
            raise ValueError(f"delta is {self.delta}; expected an error above 0, from which on the loss is straight")

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        prediction, target, known = matched(prediction, target)
        error = jnp.abs(prediction - target)
        small = jnp.minimum(error, self.delta)
        return mean_of_known(small * (error - small / 2), known)
