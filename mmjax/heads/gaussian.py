"""Numbers with their uncertainty: y ~ N(mu(x), s2(x)) (Nix and Weigend 1994; Kendall and Gal 2017, arXiv 1703.04977).

mu, a = W h + b,   s2 = exp(a) + least_variance

The bound is smooth, and keeps an example that is fitted exactly from having an endless likelihood. The loss is
`losses.gaussian_nll`.
"""

import math

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense


class Gaussian(Features):
    """Tokens [B, L, D] to mean and log-variance [B, outputs, 2] fp32; other fields are those of `heads.features`."""

    outputs: int = 1
    least_variance: float = 1e-4

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "outputs")
        if self.least_variance <= 0:
            raise ValueError(f"least_variance is {self.least_variance}; expected a number above 0")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        x = rearrange(Dense(2 * self.outputs, name="numbers")(x), "b (o two) -> b o two", two=2)
        log_variance = jnp.logaddexp(x[..., 1], math.log(self.least_variance))
        return jnp.stack([x[..., 0], log_variance], axis=-1)
