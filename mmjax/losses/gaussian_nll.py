"""Negative log-likelihood of a Gaussian whose mean and variance are both predicted (Nix and Weigend 1994).

loss = mean over outputs of  [s2^beta] / 2 (ln s2 + (t - mu)^2 / s2 + ln 2 pi),   [.] without a gradient

With beta = 0 it is the likelihood. That fits the mean badly where the variance is large; beta = 0.5 mends it (beta-NLL:
Seitzer et al. 2022, arXiv 2203.09168).
"""

import dataclasses
import math

import jax
import jax.numpy as jnp

from mmjax.losses.per_example import matched, mean_of_known


@dataclasses.dataclass(frozen=True)
class GaussianNll:
    """(mean and log-variance [B, O, 2], target [B, O] or, where O is 1, [B]) to [B] fp32; a NaN target is unknown."""

    beta: float = 0.0

    def __post_init__(self):
        if not 0 <= self.beta <= 1:
            raise ValueError(f"beta is {self.beta}; expected a number from 0 (likelihood) to 1 (error as if squared)")

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        if jnp.ndim(prediction) != 3 or jnp.shape(prediction)[-1] != 2:
            raise ValueError(
                f"the prediction has shape {jnp.shape(prediction)}; expected [B, O, 2], mean and log-variance, which "
                "heads.gaussian gives"
            )
        mean, target, known = matched(prediction[..., 0], target)
        log_variance = prediction[..., 1].astype(jnp.float32)
        surprise = log_variance + jnp.square(target - mean) * jnp.exp(-log_variance) + math.log(2 * math.pi)
        weight = jax.lax.stop_gradient(jnp.exp(self.beta * log_variance)) if self.beta else 1
        return mean_of_known(weight * surprise / 2, known)
